// SPDX-License-Identifier: GPL-2.0
/* rfm stat: what a subOS measures of itself */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rfm.h"

static const char synopsis[] =
	"[OPTION]... NAME\n\n"
	"Prints load, memory, times and interrupts as they are measured inside the subOS,\n"
	"twice a second: sums since it booted, or with --interval what was added meanwhile.";

static void print_cpus(const struct rf_stat *st)
{
	bool counters = false;

	printf("%4s %6s %11s %11s %11s %11s %9s %8s %8s %8s %8s\n", "CPU", "BUSY", "USER",
	       "SYSTEM", "IRQ", "IDLE", "TIMER", "RESCHED", "CALL", "DOORBELL", "DEVICE");
	for (size_t i = 0; i < st->nr_cpus; i++) {
		const struct rf_stat_cpu *c = &st->cpu[i];
		double busy = rf_stat_busy(c);

		printf(busy < 0 ? "%4u %5s%%" : "%4u ", c->id, "-");
		if (busy >= 0)
			printf("%5.1f%%", 100 * busy);
		printf(" %10.3fs %10.3fs %10.3fs %10.3fs %9lu %8lu %8lu %8lu %8lu\n",
		       c->user_ns / 1e9, c->system_ns / 1e9, c->irq_ns / 1e9, c->idle_ns / 1e9,
		       c->timer, c->resched, c->call, c->doorbell, c->device);
		counters |= c->counters;
	}
	if (!counters) {
		printf("the CPUs have no hardware counters\n");
		return;
	}
	printf("%4s %18s %18s %6s %16s %16s\n", "CPU", "CYCLES", "INSTRUCTIONS", "IPC",
	       "CACHE-REFS", "CACHE-MISSES");
	for (size_t i = 0; i < st->nr_cpus; i++) {
		const struct rf_stat_cpu *c = &st->cpu[i];

		if (c->counters)
			printf("%4u %18lu %18lu %6.2f %16lu %16lu\n", c->id, c->cycles,
			       c->instructions,
			       c->cycles ? (double)c->instructions / c->cycles : 0,
			       c->cache_refs, c->cache_misses);
	}
}

static void print(const struct rf_stat *st, uint64_t over_ns)
{
	char total[24], free[24], available[24], shared[24];

	printf("name       %s\nstate      %s\n", st->name, rf_state_text(st->state));
	printf("measured   %.1f s ago, %.1f s after its boot\n", st->age_ns / 1e9,
	       st->uptime_ns / 1e9);
	printf("load       %.2f %.2f %.2f\n", st->load_milli[0] / 1e3, st->load_milli[1] / 1e3,
	       st->load_milli[2] / 1e3);
	printf("memory     %s, free %s, available %s, in file systems %s\n",
	       rfm_human(st->mem_total, total, sizeof(total)),
	       rfm_human(st->mem_free, free, sizeof(free)),
	       rfm_human(st->mem_available, available, sizeof(available)),
	       rfm_human(st->mem_shared, shared, sizeof(shared)));
	if (over_ns)
		printf("below      what was added in %.1f s\n", over_ns / 1e9);
	print_cpus(st);
}

static struct json_object *json_cpu(const struct rf_stat_cpu *c)
{
	struct json_object *o = json_object_new_object();
	double busy = rf_stat_busy(c);
	const struct {
		const char *key;
		uint64_t v;
	} all[] = {
		{ "user_ns", c->user_ns }, { "system_ns", c->system_ns },
		{ "irq_ns", c->irq_ns }, { "idle_ns", c->idle_ns },
		{ "timer", c->timer }, { "resched", c->resched }, { "call", c->call },
		{ "doorbell", c->doorbell }, { "device", c->device },
		{ "cycles", c->cycles }, { "instructions", c->instructions },
		{ "cache_refs", c->cache_refs }, { "cache_misses", c->cache_misses },
	};

	rfm_put(o, "cpu", json_object_new_int64(c->id));
	rfm_put(o, "busy", busy < 0 ? NULL : json_object_new_double(busy));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		rfm_put(o, all[i].key, i >= ARRAY_SIZE(all) - 4 && !c->counters ? NULL :
			json_object_new_uint64(all[i].v));
	return o;
}

static void print_json(const struct rf_stat *st, uint64_t over_ns)
{
	struct json_object *o = json_object_new_object(), *a = json_object_new_array();

	rfm_put(o, "name", json_object_new_string(st->name));
	rfm_put(o, "state", json_object_new_string(rf_state_text(st->state)));
	rfm_put(o, "age_ns", json_object_new_uint64(st->age_ns));
	rfm_put(o, "uptime_ns", json_object_new_uint64(st->uptime_ns));
	rfm_put(o, "interval_ns", over_ns ? json_object_new_uint64(over_ns) : NULL);
	for (int i = 0; i < 3; i++)
		json_object_array_add(a, json_object_new_double(st->load_milli[i] / 1e3));
	rfm_put(o, "load", a);
	rfm_put(o, "mem_total", json_object_new_uint64(st->mem_total));
	rfm_put(o, "mem_free", json_object_new_uint64(st->mem_free));
	rfm_put(o, "mem_available", json_object_new_uint64(st->mem_available));
	rfm_put(o, "mem_shared", json_object_new_uint64(st->mem_shared));
	a = json_object_new_array();
	for (size_t i = 0; i < st->nr_cpus; i++)
		json_object_array_add(a, json_cpu(&st->cpu[i]));
	rfm_put(o, "cpus", a);
	rfm_json_print(o);
}

/* Two readings, so far apart; @st becomes what was added */
static int read_twice(struct rfm *r, const char *name, int64_t ms, struct rf_stat *st,
		      uint64_t *over_ns)
{
	struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };
	struct rf_stat then;
	int ret = rf_stat_get(r->rf, name, &then);

	if (ret)
		return ret;
	while (nanosleep(&pause, &pause) && errno == EINTR)
		;
	ret = rf_stat_get(r->rf, name, st);
	if (!ret) {
		rf_stat_minus(st, &then);
		*over_ns = st->uptime_ns > then.uptime_ns ? st->uptime_ns - then.uptime_ns : 1;
	}
	rf_stat_clear(&then);
	return ret;
}

int cmd_stat(struct rfm *r, int argc, char **argv)
{
	const char *name, *interval = NULL;
	const struct rfm_opt opts[] = {
		{ "interval", 'i', OPT_STRING, &interval, "S", "what is added in S seconds" },
		RFM_JSON(r), RFM_END
	};
	struct rfm_words words;
	uint64_t over_ns = 0;
	struct rf_stat st;
	int64_t ms = 0;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_one_name(r, &words, &name);
	if (!ret && interval)
		ret = rf_parse_seconds(r->rf, interval, &ms);
	if (!ret && interval && ms < RF_STAT_MS)
		ret = rf_error(r->rf, -EINVAL, "--interval: at least %.1f s, it is measured no oftener",
			       RF_STAT_MS / 1e3);
	if (!ret)
		ret = interval ? read_twice(r, name, ms, &st, &over_ns) :
				 rf_stat_get(r->rf, name, &st);
	if (ret)
		return ret;
	if (r->json)
		print_json(&st, over_ns);
	else
		print(&st, over_ns);
	rf_stat_clear(&st);
	return 0;
}
