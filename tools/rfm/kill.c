// SPDX-License-Identifier: GPL-2.0
/* rfm kill: stop at once */
#include "change.h"

static const char synopsis[] =
	"NAME [OPTION]...\n\n"
	"Takes the CPUs away from a subOS at once, whatever it does. What it owns stays\n"
	"reserved: rfm start boots it anew, rfm destroy gives everything back.";

int cmd_kill(struct rfm *r, int argc, char **argv)
{
	static const struct rfm_change kill = { rf_kill, "killed", "would be killed" };
	struct rf_stop s = { .timeout_ms = -1 };
	const struct rfm_opt opts[] = {
		RFM_DRY_RUN(&s.dry_run), RFM_JSON(r), RFM_END
	};
	struct rfm_words words;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_one_name(r, &words, &s.name);
	return ret ?: rfm_change(r, &kill, &s);
}
