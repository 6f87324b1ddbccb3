// SPDX-License-Identifier: GPL-2.0
/* rfm top: the subOSes and what they do, again and again */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "top.h"

static const char synopsis[] =
	"[OPTION]...\n\n"
	"Shows the supervisor and the subOSes: their state, CPUs and how busy they are, load,\n"
	"memory and how much of it is used. Press q to quit, and the first letter of a column\n"
	"(g: MSG/S) to sort by it, twice for the other way round.";

static void print(const struct top *t)
{
	int name = strlen(rfm_top_titles[TOP_NAME]);
	char cell[80];

	for (size_t i = 0; i < t->n; i++)
		if ((int)strlen(t->row[i].name) > name)
			name = strlen(t->row[i].name);
	for (size_t i = 0; i <= t->n; i++) {
		for (enum top_column c = 0; c < TOP_COLUMNS; c++) {
			int w = c == TOP_NAME ? -name : rfm_top_width(c);

			if (i)
				rfm_top_cell(&t->row[i - 1], c, cell, sizeof(cell));
			printf("%*s%s", w, i ? cell : rfm_top_titles[c],
			       c + 1 < TOP_COLUMNS ? " " : "\n");
		}
	}
}

static int batch(struct rfm *r, struct top *t, int64_t delay_ms, enum top_column by, uint64_t n)
{
	struct timespec pause = { delay_ms / 1000, delay_ms % 1000 * 1000000 };

	for (uint64_t i = 0; !n || i < n; i++) {
		int ret;

		if (i) {
			if (!r->json)
				putchar('\n');
			nanosleep(&pause, NULL);
		}
		ret = rfm_top_read(t);
		if (ret)
			return ret;
		rfm_top_sort(t->row, t->n, by, false);
		if (r->json)
			rfm_json_print(rfm_top_json(t));
		else
			print(t);
		if (fflush(stdout))
			return rfm_unread(r);
	}
	return 0;
}

static int find_column(struct rfm *r, const char *word, enum top_column *by)
{
	for (enum top_column c = 0; c < TOP_COLUMNS; c++) {
		if (strcasecmp(word, rfm_top_titles[c]))
			continue;
		*by = c;
		return 0;
	}
	return rf_error(r->rf, -EINVAL,
			"--sort: no column \"%s\": name, state, cpus, busy, load, memory, used, msg/s",
			word);
}

int cmd_top(struct rfm *r, int argc, char **argv)
{
	const char *count = NULL, *delay = NULL, *sort = NULL;
	enum top_column by = TOP_BUSY;
	struct top t = { .rf = r->rf };
	int64_t ms = 2000;
	uint64_t n = 0;
	bool plain = false;
	const struct rfm_opt opts[] = {
		{ "batch", 'b', OPT_FLAG, &plain, NULL, "plain text, for a file or a program" },
		{ "count", 'n', OPT_STRING, &count, "N", "with --batch: end after N tables" },
		{ "delay", 'd', OPT_STRING, &delay, "S", "seconds between two (default 2)" },
		{ "sort", 's', OPT_STRING, &sort, "COLUMN", "sort by it (default busy)" },
		RFM_JSON(r), RFM_END
	};
	struct rfm_words words;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_no_words(r, &words);
	if (!ret && count)
		ret = rf_parse_count(r->rf, count, &n);
	if (!ret && count && (!n || (!plain && !r->json)))
		ret = rf_error(r->rf, -EINVAL, "--count: at least 1, and with --batch or --json");
	if (!ret && delay)
		ret = rf_parse_seconds(r->rf, delay, &ms);
	if (!ret && ms < RF_STAT_MS)
		ret = rf_error(r->rf, -EINVAL, "--delay: at least %.1f s, it is measured no oftener",
			       RF_STAT_MS / 1e3);
	if (!ret && sort)
		ret = find_column(r, sort, &by);
	if (ret)
		return ret;
	if (!plain && !r->json && !isatty(STDOUT_FILENO))
		return rf_error(r->rf, -EINVAL, "standard output is no terminal: use --batch");
	ret = plain || r->json ? batch(r, &t, ms, by, n) : rfm_top_screen(&t, ms, by);
	rfm_top_clear(&t);
	return ret;
}
