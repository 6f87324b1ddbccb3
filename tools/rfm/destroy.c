// SPDX-License-Identifier: GPL-2.0
/* rfm destroy: stop, and give everything back */
#include <errno.h>
#include <stdio.h>

#include "change.h"

static const char synopsis[] =
	"NAME | --all [OPTION]...\n\n"
	"Asks the subOS to power off, takes its CPUs by force when it does not in time,\n"
	"and gives CPUs and memory back to this kernel. Exit code 7: what could not be\n"
	"proven free is in quarantine, see rfm recover.";

static const struct rfm_change destroy = {
		.fn = rf_destroy, .done = "destroyed", .would = "would be destroyed",
	};

/* -EUCLEAN names the way out */
static int one(struct rfm *r, const struct rf_stop *s)
{
	int ret = rfm_change(r, &destroy, s);

	if ((!ret || ret == -EUCLEAN) && !s->dry_run)
		rf_lock_clear(s->name);
	if (ret == -EUCLEAN)
		rf_error(r->rf, ret,
			 "%s (rfm list --quarantine shows it, rfm recover tries again)",
			 rf_strerror(r->rf));
	return ret;
}

/* Each on its own: one that fails doesn't keep the others */
static int all(struct rfm *r, struct rf_stop *s)
{
	struct rf_subos *list;
	size_t n, failed = 0;
	int ret, last = 0;

	ret = rf_subos_list(r->rf, &list, &n);
	if (ret)
		return ret;
	for (size_t i = 0; i < n; i++) {
		s->name = list[i].name;
		ret = one(r, s);
		if (!ret || ret == -ENOENT)
			continue;
		fprintf(stderr, "rfm: destroy: %s: %s\n", s->name, rf_strerror(r->rf));
		last = ret;
		failed++;
	}
	rf_subos_free(list, n);
	if (!failed)
		return 0;
	if (failed == n && last != -EUCLEAN)
		return rf_error(r->rf, last, "none of %zu subOSes was destroyed", n);
	return rf_error(r->rf, -EUCLEAN, "%zu of %zu subOSes not wholly destroyed: rfm recover",
			failed, n);
}

int cmd_destroy(struct rfm *r, int argc, char **argv)
{
	struct rf_stop s = { .timeout_ms = RFM_STOP_MS, .force = true };
	const char *timeout = NULL;
	bool every = false, now = false;
	const struct rfm_opt opts[] = {
		{ "all", 0, OPT_FLAG, &every, NULL, "all subOSes" },
		{ "timeout", 0, OPT_STRING, &timeout, "S",
			"seconds for an orderly stop (default 10), then force" },
		{ "force", 0, OPT_FLAG, &now, NULL, "by force at once" },
		{ "now", 0, OPT_FLAG, &now, NULL, "the same" },
		RFM_DRY_RUN(&s.dry_run), RFM_JSON(r), RFM_END
	};
	struct rfm_words words;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	if (now && timeout)
		return rf_error(r->rf, -EINVAL, "--timeout and --%s exclude each other", "force");
	ret = rfm_timeout(r, timeout, &s.timeout_ms);
	if (ret)
		return ret;
	if (now)
		s.timeout_ms = 0;
	if (every)
		return rfm_no_words(r, &words) ?: all(r, &s);
	return rfm_one_name(r, &words, &s.name) ?: one(r, &s);
}
