// SPDX-License-Identifier: GPL-2.0
/* rfm wait: until a subOS has ended */
#include "change.h"
#include "end.h"

static const char synopsis[] =
	"NAME [OPTION]...\n\n"
	"Waits until a subOS has stopped or crashed and returns its command's exit status\n"
	"(128+n for signal n). Where rfm itself fails: 125, with rfm's code in the message.";

int cmd_wait(struct rfm *r, int argc, char **argv)
{
	const char *name, *timeout = NULL;
	const struct rfm_opt opts[] = {
		{ "timeout", 0, OPT_STRING, &timeout, "S", "seconds to wait (default: for ever)" },
		RFM_JSON(r), RFM_END
	};
	struct rfm_words words;
	struct rf_subos end;
	int64_t ms = -1;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_one_name(r, &words, &name);
	if (!ret)
		ret = rfm_timeout(r, timeout, &ms);
	if (!ret)
		ret = rf_wait(r->rf, name, ms, &end);
	if (ret)
		return ret;
	ret = rf_subos_status(r->rf, &end);
	if (r->json && ret >= 0)
		rfm_json_end(&end, ret);
	rf_subos_clear(&end);
	return ret;
}
