// SPDX-License-Identifier: GPL-2.0
/* rfm stop: ask PID 1 to power off */
#include "change.h"

static const char synopsis[] =
	"NAME [OPTION]...\n\n"
	"Asks PID 1 to power off and waits. What the subOS owns stays reserved. One that\n"
	"does not stop in time goes on running (exit code 5): see rfm kill.";

int cmd_stop(struct rfm *r, int argc, char **argv)
{
	static const struct rfm_change stop = { rf_stop, "stopped", "would be stopped" };
	struct rf_stop s = { .timeout_ms = RFM_STOP_MS };
	const char *timeout = NULL;
	const struct rfm_opt opts[] = {
		{ "timeout", 0, OPT_STRING, &timeout, "S", "seconds to wait (default 10)" },
		RFM_DRY_RUN(&s.dry_run), RFM_JSON(r), RFM_END
	};
	struct rfm_words words;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_one_name(r, &words, &s.name);
	if (!ret)
		ret = rfm_timeout(r, timeout, &s.timeout_ms);
	return ret ?: rfm_change(r, &stop, &s);
}
