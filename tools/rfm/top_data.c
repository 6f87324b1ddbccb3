// SPDX-License-Identifier: GPL-2.0
/* What rfm top shows: the supervisor and the subOSes, and what they do */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/rainforest.h>

#include "top.h"

/* A number of a file like /proc/meminfo, behind a word; 0: not there */
static uint64_t number_of(const char *path, const char *word)
{
	char line[256];
	uint64_t v = 0;
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, word, strlen(word)))
			continue;
		v = strtoull(line + strlen(word), NULL, 10);
		break;
	}
	if (f)
		fclose(f);
	return v;
}

/* user, nice, system, idle, iowait, irq, softirq, steal of all CPUs */
static void supervisor_busy(struct top *t, struct top_row *row)
{
	unsigned long long v[8] = { 0 };
	uint64_t idle, all = 0;
	FILE *f = fopen("/proc/stat", "re");

	if (f && fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2],
			&v[3], &v[4], &v[5], &v[6], &v[7]) != 8)
		v[0] = 0;
	if (f)
		fclose(f);
	for (int i = 0; i < 8; i++)
		all += v[i];
	idle = v[3] + v[4];
	/* CPUs that come and go take their sums with them: then it is not known */
	row->busy = all > t->all && idle >= t->idle ?
		    1 - (double)(idle - t->idle) / (all - t->all) : -1;
	if (row->busy < 0)
		row->busy = -1;
	t->idle = idle;
	t->all = all;
}

static void supervisor(struct top *t, struct top_row *row)
{
	double load;

	*row = (struct top_row){
		.name = "(supervisor)",
		.supervisor = true,
		.state = RAINFOREST_STATE_RUNNING,
		.cpus = sysconf(_SC_NPROCESSORS_ONLN),
		.memory = number_of("/proc/meminfo", "MemTotal:") << 10,
		.load = getloadavg(&load, 1) == 1 ? load : -1,
		.used = -1,
	};
	supervisor_busy(t, row);
	if (row->memory)
		row->used = 1 - (double)(number_of("/proc/meminfo", "MemAvailable:") << 10) /
			    row->memory;
}

/* The last reading of that name becomes @st's; true when there was one */
static bool take_then(struct top *t, const struct rf_stat *st, struct rf_stat *then)
{
	for (size_t i = 0; i < t->nr_then; i++) {
		if (strcmp(t->then[i].name, st->name))
			continue;
		*then = t->then[i];
		t->then[i] = (struct rf_stat){ .name = "" };
		/* a boot between the two: sums began anew */
		return then->uptime_ns <= st->uptime_ns;
	}
	memset(then, 0, sizeof(*then));
	return false;
}

static double mean_busy(const struct rf_stat *st)
{
	double sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < st->nr_cpus; i++) {
		double busy = rf_stat_busy(&st->cpu[i]);

		if (busy < 0)
			continue;
		sum += busy;
		n++;
	}
	return n ? sum / n : -1;
}

/* @st is taken over: into the readings of this time */
static int measure(struct top *t, struct top_row *row, struct rf_stat *st,
		   struct rf_stat **list, size_t *n)
{
	struct rf_stat then, *v, diff = *st;
	bool had = take_then(t, st, &then);

	/* the same picture again: nothing was added */
	if (had && then.uptime_ns == st->uptime_ns)
		had = false;
	diff.cpu = malloc(st->nr_cpus * sizeof(*diff.cpu) ?: 1);
	v = reallocarray(*list, *n + 1, sizeof(*v));
	if (v)
		*list = v;
	if (!v || !diff.cpu) {
		free(diff.cpu);
		rf_stat_clear(&then);
		rf_stat_clear(st);
		return -ENOMEM;
	}
	memcpy(diff.cpu, st->cpu, st->nr_cpus * sizeof(*diff.cpu));
	if (had)
		rf_stat_minus(&diff, &then);
	row->busy = mean_busy(&diff);
	row->load = st->load_milli[0] / 1e3;
	row->used = st->mem_total ? 1 - (double)st->mem_available / st->mem_total : -1;
	if (row->used < 0)
		row->used = -1;
	free(diff.cpu);
	rf_stat_clear(&then);
	v[(*n)++] = *st;
	return 0;
}

static struct top_row *row_of(struct top *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (name[0] ? !strcmp(t->row[i].name, name) : t->row[i].supervisor)
			return &t->row[i];
	return NULL;
}

/* Through a channel go messages of both its ends */
static void count_messages(struct top *t)
{
	struct rf_channel *list;
	size_t n;

	if (rf_channels_get(t->rf, &list, &n))
		return;		/* no channels: no numbers */
	for (size_t i = 0; i < t->n; i++)
		t->row[i].messages = 0;
	for (size_t i = 0; i < n; i++) {
		struct top_row *ends[] = { row_of(t, list[i].name), row_of(t, list[i].peer) };

		for (size_t j = 0; j < 2; j++)
			if (ends[j])
				ends[j]->messages += list[i].sent + list[i].received;
	}
	free(list);
}

/**
 * rfm_top_rates() - messages a second, from the counts of two readings
 * @t: with the rows of both
 * @ms: between them
 */
void rfm_top_rates(struct top *t, int64_t ms)
{
	for (size_t i = 0; i < t->n; i++) {
		struct top_row *now = &t->row[i];

		now->rate = -1;
		for (size_t j = 0; j < t->n_then && ms > 0; j++) {
			const struct top_row *then = &t->row_then[j];

			/* fewer than before: a channel has gone */
			if (!strcmp(now->name, then->name) && now->messages >= then->messages &&
			    now->messages != UINT64_MAX)
				now->rate = (now->messages - then->messages) * 1000.0 / ms;
		}
	}
}

/**
 * rfm_top_read() - read it all anew
 * @t: with what was read before, for the differences
 *
 * Return: 0 or -errno.
 */
int rfm_top_read(struct top *t)
{
	struct rf_stat *now = NULL, st;
	struct rf_subos *list;
	size_t n, nr_now = 0;
	int64_t now_ms;
	int ret = rf_subos_list(t->rf, &list, &n);

	if (ret)
		return ret;
	free(t->row_then);
	t->row_then = t->row;
	t->n_then = t->n;
	t->n = 0;
	t->row = calloc(n + 1, sizeof(*t->row));
	if (!t->row)
		ret = rf_error(t->rf, -ENOMEM, "out of memory");
	else
		supervisor(t, &t->row[t->n++]);
	for (size_t i = 0; !ret && i < n; i++) {
		struct top_row *row = &t->row[t->n++];

		*row = (struct top_row){
			.state = list[i].state, .cpus = list[i].nr_cpus,
			.busy = -1, .load = -1, .used = -1,
		};
		memcpy(row->name, list[i].name, sizeof(row->name));
		for (size_t j = 0; j < list[i].nr_mems; j++)
			row->memory += list[i].mem[j].size;
		/* one that has not measured yet, or is gone, has no numbers */
		if (rf_state_active(list[i].state) && !rf_stat_get(t->rf, row->name, &st))
			ret = measure(t, row, &st, &now, &nr_now);
	}
	rf_subos_free(list, n);
	for (size_t i = 0; i < t->n; i++)
		t->row[i].messages = UINT64_MAX;
	count_messages(t);
	now_ms = rfm_now_ms();
	rfm_top_rates(t, now_ms - t->ms_then);
	t->ms_then = now_ms;
	for (size_t i = 0; i < t->nr_then; i++)
		rf_stat_clear(&t->then[i]);
	free(t->then);
	t->then = now;
	t->nr_then = nr_now;
	return ret;
}

void rfm_top_clear(struct top *t)
{
	for (size_t i = 0; i < t->nr_then; i++)
		rf_stat_clear(&t->then[i]);
	free(t->then);
	free(t->row_then);
	free(t->row);
}

static int compare(double a, double b)
{
	return (a > b) - (a < b);
}

/* Numbers: the most first; names: as in a dictionary */
static int order(const struct top_row *a, const struct top_row *b, enum top_column by)
{
	switch (by) {
	case TOP_STATE:
		return compare(a->state, b->state);
	case TOP_CPUS:
		return compare(b->cpus, a->cpus);
	case TOP_BUSY:
		return compare(b->busy, a->busy);
	case TOP_LOAD:
		return compare(b->load, a->load);
	case TOP_MEMORY:
		return compare(b->memory, a->memory);
	case TOP_USED:
		return compare(b->used, a->used);
	case TOP_RATE:
		return compare(b->rate, a->rate);
	default:
		return 0;
	}
}

/**
 * rfm_top_sort() - put rows in order; the supervisor stays on top
 * @row: the rows
 * @n: how many
 * @by: what to sort by; equal ones by name
 * @reverse: the other way round
 */
void rfm_top_sort(struct top_row *row, size_t n, enum top_column by, bool reverse)
{
	/* few rows, and mostly sorted from the last time */
	for (size_t i = 1; i < n; i++) {
		for (size_t j = i; j; j--) {
			int c = order(&row[j - 1], &row[j], by) ?:
				strcmp(row[j - 1].name, row[j].name);
			struct top_row swap = row[j];

			if (row[j - 1].supervisor || (reverse ? -c : c) <= 0)
				break;
			row[j] = row[j - 1];
			row[j - 1] = swap;
		}
	}
}
