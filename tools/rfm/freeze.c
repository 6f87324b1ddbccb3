// SPDX-License-Identifier: GPL-2.0
/* rfm freeze, rfm thaw: hold all CPUs of a running subOS, and let them go on */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "change.h"

#define FREEZE_MS	5000

static const char freeze_synopsis[] =
	"NAME [OPTION]...\n\n"
	"Holds all CPUs of a running subOS, in the supervisor's memory, until rfm thaw. Its\n"
	"clocks go on: what was due meanwhile happens once when it is thawed. If one CPU\n"
	"takes no interrupt in time, all run on (exit code 5).";

static const char thaw_synopsis[] =
	"NAME [OPTION]...\n\n"
	"Lets a frozen subOS go on.";

/* As rfm_change() does for what has a struct rf_stop */
static int tell(struct rfm *r, const char *name, struct rf_subos *reply, bool dry_run,
		const char *what)
{
	if (!reply->name[0])
		snprintf(reply->name, sizeof(reply->name), "%s", name);
	if (r->json)
		rfm_json_print(rfm_json_change(reply, dry_run));
	else
		printf("%s %s\n", name, what);
	rf_subos_clear(reply);
	return 0;
}

int cmd_freeze(struct rfm *r, int argc, char **argv)
{
	struct rf_freeze f = { .timeout_ms = FREEZE_MS };
	const char *timeout = NULL;
	const struct rfm_opt opts[] = {
		{ "timeout", 0, OPT_STRING, &timeout, "S", "seconds to try (default 5)" },
		{ "nmi", 0, OPT_FLAG, &f.nmi, NULL,
		  "CPUs that take no interrupt by NMI; RESETS THE MACHINE if one has no IDT" },
		RFM_DRY_RUN(&f.dry_run), RFM_JSON(r), RFM_END
	};
	struct rfm_words words;
	struct rf_subos reply;
	int ret = rfm_parse(r, argc, argv, opts, freeze_synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_one_name(r, &words, &f.name) ?: rfm_timeout(r, timeout, &f.timeout_ms);
	if (!ret)
		ret = rf_freeze(r->rf, &f, &reply);
	return ret ?: tell(r, f.name, &reply, f.dry_run,
			   f.dry_run ? "would be frozen" : "frozen");
}

int cmd_thaw(struct rfm *r, int argc, char **argv)
{
	bool dry_run = false;
	const struct rfm_opt opts[] = { RFM_DRY_RUN(&dry_run), RFM_JSON(r), RFM_END };
	struct rfm_words words;
	struct rf_subos reply;
	const char *name;
	int ret = rfm_parse(r, argc, argv, opts, thaw_synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_one_name(r, &words, &name);
	if (!ret)
		ret = rf_thaw(r->rf, name, dry_run, &reply);
	return ret ?: tell(r, name, &reply, dry_run, dry_run ? "would be thawed" : "thawed");
}
