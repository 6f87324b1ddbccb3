// SPDX-License-Identifier: GPL-2.0
/* rfm start: boot what was loaded */
#include "change.h"

static const char synopsis[] =
	"NAME [OPTION]...\n\n"
	"Boots a loaded or stopped subOS and returns once its first CPU runs its kernel.";

int cmd_start(struct rfm *r, int argc, char **argv)
{
	static const struct rfm_change start = { rf_start, "started", "would be started" };
	struct rf_stop s = { .timeout_ms = -1 };
	const char *timeout = NULL;
	const struct rfm_opt opts[] = {
		{ "timeout", 0, OPT_STRING, &timeout, "S", "seconds for the kernel to come up" },
		RFM_DRY_RUN(&s.dry_run), RFM_JSON(r), RFM_END
	};
	struct rfm_words words;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_one_name(r, &words, &s.name);
	if (!ret)
		ret = rfm_timeout(r, timeout, &s.timeout_ms);
	return ret ?: rfm_change(r, &start, &s);
}
