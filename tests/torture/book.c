// SPDX-License-Identifier: GPL-2.0
/* Figures, and whether memory leaks */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "torture.h"

static const char *const words[NR_COUNTS] = {
	"created", "booted", "destroyed", "resized", "moved", "lent", "crashed", "messages",
	"stream_bytes", "copied_bytes", "executed", "rfm_killed", "calls_failed", "pressed",
	"modules_reloaded", "refused", "checks", "pages_verified", "frozen", "dumped",
	"unruly", "ended", "detect_over_3_s", "reclaim_over_5_s",
};

void book_death(struct torture *t, const char *kind, bool orderly, int64_t detect_ms,
		int64_t reclaim_ms)
{
	struct kind *k = t->book.kind;

	while (k < t->book.kind + MAX_KINDS - 1 && k->n && strcmp(k->name, kind))
		k++;
	snprintf(k->name, sizeof(k->name), "%s", kind);
	k->n++;
	if (detect_ms > k->detect_ms)
		k->detect_ms = detect_ms;
	if (reclaim_ms > k->reclaim_ms)
		k->reclaim_ms = reclaim_ms;
	if (detect_ms > t->book.detect_ms)
		t->book.detect_ms = detect_ms;
	if (reclaim_ms > t->book.reclaim_ms)
		t->book.reclaim_ms = reclaim_ms;
	t->book.count[orderly ? ENDED : CRASHED]++;
}

/*
 * What the supervisor has when nothing is granted; in KiB. Not MemAvailable: that is
 * less what zones keep for those below, which grows with each block that comes back
 * as movable memory (by a 32nd of it for each zone below, and the watermarks).
 */
int book_look(struct torture *t)
{
	struct look *l = &t->book.look[t->book.nr_looks];

	if (t->book.nr_looks == MAX_LOOKS)
		return 0;
	sync();
	put_file("/proc/sys/vm/drop_caches", "3");
	*l = (struct look){ t->step, t->book.count[DESTROYED],
			    meminfo("MemFree") + meminfo("Active(file)") + meminfo("Inactive(file)") +
			    meminfo("SReclaimable") + held_by_cpus(),
			    meminfo("MemTotal"), meminfo("Slab") };
	t->book.nr_looks++;
	if (t->verbose)
		printf("look %zu: step %llu, %llu cycles, available %lld, total %lld, slab %lld KiB\n",
		       t->book.nr_looks, (unsigned long long)l->step, (unsigned long long)l->cycles,
		       (long long)l->available, (long long)l->total, (long long)l->slab);
	return 0;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median of the slopes between all pairs (Theil and Sen): outliers don't count */
static double slope_of(const struct look *l, size_t n)
{
	double *s = calloc(n * n, sizeof(*s)), median;
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			if (l[j].step > l[i].step)
				s[k++] = (double)(l[j].available - l[i].available) /
					 (double)(l[j].step - l[i].step);
	qsort(s, k, sizeof(*s), by_value);
	median = k ? s[k / 2] : 0;
	free(s);
	return median;
}

#define NOISE_KIB	6144	/* per-CPU lists and half empty slabs, over a whole run */
#define SKIP_LOOKS	2	/* caches fill */
#define MIN_LOOKS	7	/* five slopes can be seen past one odd look */

/*
 * KiB that go with each step. Flat: what goes in a whole run is
 * less than what comes and goes anyway. A long run sees less than a KiB a step.
 */
int book_leak(struct torture *t)
{
	struct book *b = &t->book;
	size_t n = b->nr_looks > SKIP_LOOKS ? b->nr_looks - SKIP_LOOKS : 0;
	const struct look *l = b->look + SKIP_LOOKS;

	if (n < 2)
		return 0;
	if (n > 400) {	/* the rest is a line by then */
		l += n - 400;
		n = 400;
	}
	b->slope = slope_of(l, n);
	b->growth = -b->slope * (double)(l[n - 1].step - l[0].step);
	if (n < MIN_LOOKS - SKIP_LOOKS || b->growth < NOISE_KIB)
		return 0;
	return broken(t, "memory leaks: %.1f KiB a step, %.0f KiB in %llu steps", -b->slope,
		      b->growth, (unsigned long long)(l[n - 1].step - l[0].step));
}

/* The debug kernel: what nobody points to any more, of two scans */
int kmemleak_check(struct torture *t)
{
	static const char file[] = "/sys/kernel/debug/kmemleak";
	char text[4096];
	int n;

	if (access(file, W_OK))
		return 0;
	sleep(6);	/* an object must be 5 s old */
	put_file(file, "scan");
	put_file(file, "scan");
	n = get_file(file, text, sizeof(text));
	return n > 0 ? broken(t, "kmemleak: %s", text) : 0;
}

static double hours(const struct torture *t)
{
	return (double)(now_ms() - t->began) / 3600000.0;
}

void book_print(const struct torture *t)
{
	const struct book *b = &t->book;

	printf("torture: seed %llu, %llu steps in %.2f hours, %u failures\n",
	       (unsigned long long)t->seed, (unsigned long long)t->step, hours(t), t->failures);
	for (int i = 0; i < NR_COUNTS; i++)
		printf("  %-18s %llu\n", words[i], (unsigned long long)b->count[i]);
	for (const struct kind *k = b->kind; k < b->kind + MAX_KINDS && k->n; k++)
		printf("  died: %-12s %llu times, seen in %lld ms, all back in %lld ms, at most\n",
		       k->name, (unsigned long long)k->n, (long long)k->detect_ms,
		       (long long)k->reclaim_ms);
	printf("  free memory: %+.2f KiB a step, of %zu looks\n", b->slope, b->nr_looks);
}

int book_write(struct torture *t)
{
	const struct book *b = &t->book;
	FILE *f = t->json ? fopen(t->json, "we") : NULL;

	if (!t->json)
		return 0;
	if (!f)
		return -errno;
	fprintf(f, "{ \"hours\": %.3f, \"seed\": %llu, \"steps\": %llu, \"failures\": %u,\n",
		hours(t), (unsigned long long)t->seed, (unsigned long long)t->step, t->failures);
	fprintf(f, "  \"counts\": {");
	for (int i = 0; i < NR_COUNTS; i++)
		fprintf(f, "%s \"%s\": %llu", i ? "," : "", words[i],
			(unsigned long long)b->count[i]);
	fprintf(f, " },\n  \"crashes\": {");
	for (const struct kind *k = b->kind; k < b->kind + MAX_KINDS && k->n; k++)
		fprintf(f, "%s \"%s\": { \"n\": %llu, \"detect_ms\": %lld, \"reclaim_ms\": %lld }",
			k == b->kind ? "" : ",", k->name, (unsigned long long)k->n,
			(long long)k->detect_ms, (long long)k->reclaim_ms);
	fprintf(f, " },\n  \"detect_ms\": %lld, \"reclaim_ms\": %lld, \"looks\": %zu,\n",
		(long long)b->detect_ms, (long long)b->reclaim_ms, b->nr_looks);
	fprintf(f, "  \"free_kib_per_step\": %.3f }\n", b->slope);
	return fclose(f) ? -errno : 0;
}
