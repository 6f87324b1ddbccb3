// SPDX-License-Identifier: GPL-2.0
/* rfm ping: round trips of messages to a subOS */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rfm.h"

static const char synopsis[] =
	"NAME [OPTION]...\n\n"
	"Sends messages to a subOS's kernel, which answers them in its interrupt handler,\n"
	"and tells how long that took: from before the send until the answer was read in\n"
	"the supervisor's. Exit code 5: no answer to any.";

#define BATCH	1000	/* pings in one request */

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

struct tally {
	uint64_t *ns;		/* of the answers */
	size_t n, sent;
};

static int by_time(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double us(uint64_t ns)
{
	return ns / 1000.0;
}

static int add(struct rfm *r, struct tally *t, const char *name, const uint64_t *ns, size_t n,
	       bool each)
{
	uint64_t *all = reallocarray(t->ns, t->n + n, sizeof(*all));

	if (!all)
		return rf_error(r->rf, -ENOMEM, "out of memory");
	t->ns = all;
	for (size_t i = 0; i < n; i++) {
		t->sent++;
		if (ns[i] == UINT64_MAX) {
			if (each)
				printf("from %s: seq=%zu no answer\n", name, t->sent);
			continue;
		}
		all[t->n++] = ns[i];
		if (each)
			printf("from %s: seq=%zu time=%.1f us\n", name, t->sent, us(ns[i]));
	}
	fflush(stdout);
	return 0;
}

/* The k-th of 100 parts of a sorted array */
static uint64_t part(const struct tally *t, unsigned int k)
{
	return t->n ? t->ns[(t->n - 1) * k / 100] : 0;
}

static void summary(struct rfm *r, struct tally *t, const char *name, int err)
{
	uint64_t sum = 0;
	struct json_object *o;

	if (t->n)
		qsort(t->ns, t->n, sizeof(*t->ns), by_time);
	for (size_t i = 0; i < t->n; i++)
		sum += t->ns[i];
	if (!r->json) {
		printf("%zu sent, %zu answered", t->sent, t->n);
		if (t->n)
			printf("; round trip min/avg/p50/p99/max = %.1f/%.1f/%.1f/%.1f/%.1f us",
			       us(t->ns[0]), us(sum) / t->n, us(part(t, 50)), us(part(t, 99)),
			       us(t->ns[t->n - 1]));
		printf("\n");
		return;
	}
	o = json_object_new_object();
	rfm_put(o, "name", json_object_new_string(name));
	rfm_put(o, "sent", json_object_new_uint64(t->sent));
	rfm_put(o, "answered", json_object_new_uint64(t->n));
	if (t->n) {
		rfm_put(o, "min_ns", json_object_new_uint64(t->ns[0]));
		rfm_put(o, "avg_ns", json_object_new_uint64(sum / t->n));
		rfm_put(o, "p50_ns", json_object_new_uint64(part(t, 50)));
		rfm_put(o, "p99_ns", json_object_new_uint64(part(t, 99)));
		rfm_put(o, "max_ns", json_object_new_uint64(t->ns[t->n - 1]));
	}
	rfm_put_failure(r, o, err);
	rfm_json_print(o);
}

/* One at a time with a pause, as ping(8) does; or as fast as they come back */
static int pings(struct rfm *r, const char *name, uint64_t count, int64_t pause_ms,
		 struct rf_ping *how, struct tally *t)
{
	struct timespec nap = { pause_ms / 1000, pause_ms % 1000 * 1000000 };

	while (t->sent < count && !stopped) {
		uint64_t left = count - t->sent, *ns;
		size_t n;
		int ret;

		how->count = pause_ms ? 1 : left < BATCH ? left : BATCH;
		ret = rf_ping(r->rf, name, how, &ns, &n);
		if (ret)
			return ret;
		ret = n ? add(r, t, name, ns, n, pause_ms && !r->json) :
			  rf_error(r->rf, -EINTR, "interrupted");
		free(ns);
		if (ret)
			return ret;
		if (pause_ms && t->sent < count && !stopped)
			nanosleep(&nap, NULL);
	}
	return 0;
}

int cmd_ping(struct rfm *r, int argc, char **argv)
{
	const char *count_word = NULL, *pause_word = NULL, *name;
	struct rf_ping how = { .timeout_ms = 1000 };
	struct sigaction sa = { .sa_handler = on_signal };
	bool flood = false;
	const struct rfm_opt opts[] = {
		{ "count", 'c', OPT_STRING, &count_word, "N",
		  "how many (default: 4; with --flood 1000)" },
		{ "interval", 'i', OPT_STRING, &pause_word, "S",
		  "seconds between two (default: 1)" },
		{ "flood", 'f', OPT_FLAG, &flood, NULL, "the next as soon as one is answered" },
		{ "poll", 0, OPT_FLAG, &how.poll, NULL,
		  "look for the answer instead of waiting for the interrupt" },
		RFM_JSON(r), RFM_END
	};
	struct tally t = { 0 };
	struct rfm_words words;
	int64_t pause_ms = 1000;
	uint64_t count = 0;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_one_name(r, &words, &name);
	if (!ret && count_word)
		ret = rf_parse_count(r->rf, count_word, &count);
	if (!ret && count_word && !count)
		ret = rf_error(r->rf, -EINVAL, "--count 0: at least one");
	if (!ret && pause_word && flood)
		ret = rf_error(r->rf, -EINVAL, "--interval or --flood, not both");
	if (!ret && pause_word)
		ret = rf_parse_seconds(r->rf, pause_word, &pause_ms);
	if (ret)
		return ret;
	if (!count)
		count = flood ? 1000 : 4;
	if (flood)
		pause_ms = 0;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	ret = pings(r, name, count, pause_ms, &how, &t);
	if (!ret && t.sent && !t.n)
		ret = rf_error(r->rf, -ETIMEDOUT, "%s does not answer", name);
	if (!ret || t.sent)
		summary(r, &t, name, ret);
	free(t.ns);
	return ret;
}
