// SPDX-License-Identifier: GPL-2.0
/* rfm history: how a subOS came to what it has */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rfm.h"

static const char synopsis[] =
	"[OPTION]... NAME\n\n"
	"Prints each adjustment of a subOS that is kept, with its time, who asked for it and\n"
	"how long it took, and what the subOS has owned over its life. Of a destroyed one,\n"
	"the last of that name.";

static void print(const struct rf_subos *s, size_t from)
{
	char when[40], size[24];
	int cause = 2;

	for (size_t i = from; i < s->nr_records; i++) {
		int w = strlen(s->record[i].cause);

		cause = w > cause ? w : cause;
	}
	if (from < s->nr_records)
		printf("%-26s  %-13s  %10s  %-*s  %s\n", "TIME", "WHAT", "MS", cause, "BY", "OF");
	for (size_t i = from; i < s->nr_records; i++) {
		const struct rf_record *r = &s->record[i];

		printf("%s  %-13s  %10.3f  %-*s  %s", rfm_time_text(r->time_ns, when, sizeof(when)),
		       rf_op_text(r->op), r->duration_ns / 1e6, cause, r->cause,
		       r->what[0] ? r->what : "-");
		printf(r->result ? ": %s\n" : "\n", strerror(-r->result));
	}
	printf("owned: %.3f CPU-seconds, %s-seconds of memory\n", rfm_cpu_seconds(&s->owned),
	       rfm_human(rfm_byte_seconds(&s->owned), size, sizeof(size)));
}

int cmd_history(struct rfm *r, int argc, char **argv)
{
	const char *name, *count = NULL;
	uint64_t n = UINT64_MAX;
	const struct rfm_opt opts[] = {
		{ "count", 'n', OPT_STRING, &count, "N", "the last N only" },
		RFM_JSON(r), RFM_END
	};
	struct rfm_words words;
	struct rf_subos s;
	size_t from;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_one_name(r, &words, &name);
	if (!ret && count)
		ret = rf_parse_count(r->rf, count, &n);
	if (!ret)
		ret = rf_history_get(r->rf, name, &s);
	if (ret)
		return ret;
	from = n < s.nr_records ? s.nr_records - n : 0;
	if (r->json)
		rfm_json_print(rfm_json_history(&s, from));
	else
		print(&s, from);
	rf_subos_clear(&s);
	return 0;
}
