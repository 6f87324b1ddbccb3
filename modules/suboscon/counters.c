// SPDX-License-Identifier: GPL-2.0
/* Hardware counters of our CPUs, where they have some that we may use */
#include <linux/cpuhotplug.h>
#include <linux/perf_event.h>

#include <rf/abi/stat.h>

#include "suboscon.h"

enum { RF_CYCLES, RF_INSTRUCTIONS, RF_CACHE_REFS, RF_CACHE_MISSES, RF_NR_COUNTERS };

static const u64 rf_counter_config[RF_NR_COUNTERS] = {
	[RF_CYCLES]		= PERF_COUNT_HW_CPU_CYCLES,
	[RF_INSTRUCTIONS]	= PERF_COUNT_HW_INSTRUCTIONS,
	[RF_CACHE_REFS]		= PERF_COUNT_HW_CACHE_REFERENCES,
	[RF_CACHE_MISSES]	= PERF_COUNT_HW_CACHE_MISSES,
};

struct rf_counters {
	struct perf_event *event[RF_NR_COUNTERS];	/* all, or none */
};

static DEFINE_PER_CPU(struct rf_counters, rf_counters);
static int rf_counters_state;

static int rf_counters_offline(unsigned int cpu)
{
	struct rf_counters *c = per_cpu_ptr(&rf_counters, cpu);

	for (int i = 0; i < RF_NR_COUNTERS; i++) {
		if (c->event[i])
			perf_event_release_kernel(c->event[i]);
		c->event[i] = NULL;
	}
	return 0;
}

/* No counters is no reason to keep a CPU offline */
static int rf_counters_online(unsigned int cpu)
{
	struct rf_counters *c = per_cpu_ptr(&rf_counters, cpu);
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
	};

	for (int i = 0; i < RF_NR_COUNTERS; i++) {
		struct perf_event *event;

		attr.config = rf_counter_config[i];
		event = perf_event_create_kernel_counter(&attr, cpu, NULL, NULL, NULL);
		if (IS_ERR(event))
			return rf_counters_offline(cpu);
		c->event[i] = event;
	}
	return 0;
}

/**
 * rf_counters_read - what a CPU's counters have counted
 * @to: takes it
 * @cpu: which is online
 *
 * Context: process; the caller keeps CPUs from coming and going.
 * Return: false when it has none.
 */
bool rf_counters_read(struct rf_stat_cpu *to, unsigned int cpu)
{
	struct rf_counters *c = per_cpu_ptr(&rf_counters, cpu);
	u64 enabled, running, v[RF_NR_COUNTERS];

	if (!c->event[0])
		return false;
	for (int i = 0; i < RF_NR_COUNTERS; i++)
		v[i] = perf_event_read_value(c->event[i], &enabled, &running);
	to->cycles = v[RF_CYCLES];
	to->instructions = v[RF_INSTRUCTIONS];
	to->cache_refs = v[RF_CACHE_REFS];
	to->cache_misses = v[RF_CACHE_MISSES];
	return true;
}

void rf_counters_init(void)
{
	rf_counters_state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "rainforest/counters:online",
					      rf_counters_online, rf_counters_offline);
}

void rf_counters_exit(void)
{
	if (rf_counters_state > 0)
		cpuhp_remove_state(rf_counters_state);
}
