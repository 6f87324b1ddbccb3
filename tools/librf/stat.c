// SPDX-License-Identifier: GPL-2.0
/* What a subOS measures of itself */
#include <stdlib.h>
#include <string.h>

#include <linux/rainforest.h>

#include "field.h"
#include "internal.h"

static const struct rf_field cpu_fields[] = {
	RF_NUMBER(RAINFOREST_A_STAT_CPU_ID, struct rf_stat_cpu, id),
	RF_GIVEN(RAINFOREST_A_STAT_CPU_CYCLES, struct rf_stat_cpu, counters),
	RF_NUMBER(RAINFOREST_A_STAT_CPU_USER_NS, struct rf_stat_cpu, user_ns),
	RF_NUMBER(RAINFOREST_A_STAT_CPU_SYSTEM_NS, struct rf_stat_cpu, system_ns),
	RF_NUMBER(RAINFOREST_A_STAT_CPU_IRQ_NS, struct rf_stat_cpu, irq_ns),
	RF_NUMBER(RAINFOREST_A_STAT_CPU_IDLE_NS, struct rf_stat_cpu, idle_ns),
	RF_NUMBER(RAINFOREST_A_STAT_CPU_TIMER, struct rf_stat_cpu, timer),
	RF_NUMBER(RAINFOREST_A_STAT_CPU_RESCHED, struct rf_stat_cpu, resched),
	RF_NUMBER(RAINFOREST_A_STAT_CPU_CALL, struct rf_stat_cpu, call),
	RF_NUMBER(RAINFOREST_A_STAT_CPU_DOORBELL, struct rf_stat_cpu, doorbell),
	RF_NUMBER(RAINFOREST_A_STAT_CPU_DEVICE, struct rf_stat_cpu, device),
	RF_NUMBER(RAINFOREST_A_STAT_CPU_CYCLES, struct rf_stat_cpu, cycles),
	RF_NUMBER(RAINFOREST_A_STAT_CPU_INSTRUCTIONS, struct rf_stat_cpu, instructions),
	RF_NUMBER(RAINFOREST_A_STAT_CPU_CACHE_REFS, struct rf_stat_cpu, cache_refs),
	RF_NUMBER(RAINFOREST_A_STAT_CPU_CACHE_MISSES, struct rf_stat_cpu, cache_misses),
};

static const struct rf_table cpu_table = RF_TABLE(cpu_fields);

static const struct rf_field stat_fields[] = {
	RF_TEXT(RAINFOREST_A_STAT_NAME, struct rf_stat, name),
	RF_NUMBER(RAINFOREST_A_STAT_STATE, struct rf_stat, state),
	RF_NUMBER(RAINFOREST_A_STAT_LOAD1, struct rf_stat, load_milli[0]),
	RF_NUMBER(RAINFOREST_A_STAT_LOAD5, struct rf_stat, load_milli[1]),
	RF_NUMBER(RAINFOREST_A_STAT_LOAD15, struct rf_stat, load_milli[2]),
	RF_NUMBER(RAINFOREST_A_STAT_AGE_NS, struct rf_stat, age_ns),
	RF_NUMBER(RAINFOREST_A_STAT_UPTIME_NS, struct rf_stat, uptime_ns),
	RF_NUMBER(RAINFOREST_A_STAT_MEM_TOTAL, struct rf_stat, mem_total),
	RF_NUMBER(RAINFOREST_A_STAT_MEM_FREE, struct rf_stat, mem_free),
	RF_NUMBER(RAINFOREST_A_STAT_MEM_AVAILABLE, struct rf_stat, mem_available),
	RF_NUMBER(RAINFOREST_A_STAT_MEM_SHARED, struct rf_stat, mem_shared),
	RF_NESTS(RAINFOREST_A_STAT_CPU, struct rf_stat, cpu, nr_cpus, &cpu_table),
};

static int by_id(const void *a, const void *b)
{
	const struct rf_stat_cpu *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

int rf_decode_stat(struct nlattr *attrs, int len, void *arg)
{
	static const struct rf_table table = RF_TABLE(stat_fields);
	struct rf_stat *st = arg;
	int ret = rf_fields_decode(&table, attrs, len, st);

	if (!ret && st->nr_cpus)
		qsort(st->cpu, st->nr_cpus, sizeof(*st->cpu), by_id);
	return ret;
}

void rf_stat_clear(struct rf_stat *st)
{
	free(st->cpu);
	memset(st, 0, sizeof(*st));
}

/**
 * rf_stat_minus() - what was added between two readings
 * @now: the later one; becomes the difference
 * @then: the earlier one
 *
 * Counters of a CPU that was not there before count from 0; one that fell
 * (the subOS booted anew) counts as it is.
 */
void rf_stat_minus(struct rf_stat *now, const struct rf_stat *then)
{
	for (size_t i = 0; i < now->nr_cpus; i++) {
		const size_t first = offsetof(struct rf_stat_cpu, user_ns);
		uint64_t *to = (uint64_t *)((char *)&now->cpu[i] + first), *from;

		for (size_t j = 0; j < then->nr_cpus; j++) {
			if (then->cpu[j].id != now->cpu[i].id)
				continue;
			from = (uint64_t *)((char *)&then->cpu[j] + first);
			for (size_t k = 0; k < (sizeof(then->cpu[j]) - first) / 8; k++)
				to[k] = to[k] >= from[k] ? to[k] - from[k] : to[k];
		}
	}
}

/**
 * rf_stat_busy() - how much of its time a CPU did something
 * @c: sums, or what was added to them
 *
 * Return: 0 to 1; -1: nothing was measured.
 */
double rf_stat_busy(const struct rf_stat_cpu *c)
{
	double busy = (double)c->user_ns + c->system_ns + c->irq_ns, all = busy + c->idle_ns;

	return all ? busy / all : -1;
}
