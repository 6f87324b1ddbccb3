// SPDX-License-Identifier: GPL-2.0
/* Attributes of what a subOS measures into their structures */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rainforest.h>

#include "internal.h"

/* Where the 64-bit attributes of each go */
static const struct place {
	int type;
	size_t at;
} of_cpu[] = {
	{ RAINFOREST_A_STAT_CPU_USER_NS, offsetof(struct rf_stat_cpu, user_ns) },
	{ RAINFOREST_A_STAT_CPU_SYSTEM_NS, offsetof(struct rf_stat_cpu, system_ns) },
	{ RAINFOREST_A_STAT_CPU_IRQ_NS, offsetof(struct rf_stat_cpu, irq_ns) },
	{ RAINFOREST_A_STAT_CPU_IDLE_NS, offsetof(struct rf_stat_cpu, idle_ns) },
	{ RAINFOREST_A_STAT_CPU_TIMER, offsetof(struct rf_stat_cpu, timer) },
	{ RAINFOREST_A_STAT_CPU_RESCHED, offsetof(struct rf_stat_cpu, resched) },
	{ RAINFOREST_A_STAT_CPU_CALL, offsetof(struct rf_stat_cpu, call) },
	{ RAINFOREST_A_STAT_CPU_DOORBELL, offsetof(struct rf_stat_cpu, doorbell) },
	{ RAINFOREST_A_STAT_CPU_DEVICE, offsetof(struct rf_stat_cpu, device) },
	{ RAINFOREST_A_STAT_CPU_CYCLES, offsetof(struct rf_stat_cpu, cycles) },
	{ RAINFOREST_A_STAT_CPU_INSTRUCTIONS, offsetof(struct rf_stat_cpu, instructions) },
	{ RAINFOREST_A_STAT_CPU_CACHE_REFS, offsetof(struct rf_stat_cpu, cache_refs) },
	{ RAINFOREST_A_STAT_CPU_CACHE_MISSES, offsetof(struct rf_stat_cpu, cache_misses) },
}, of_stat[] = {
	{ RAINFOREST_A_STAT_AGE_NS, offsetof(struct rf_stat, age_ns) },
	{ RAINFOREST_A_STAT_UPTIME_NS, offsetof(struct rf_stat, uptime_ns) },
	{ RAINFOREST_A_STAT_MEM_TOTAL, offsetof(struct rf_stat, mem_total) },
	{ RAINFOREST_A_STAT_MEM_FREE, offsetof(struct rf_stat, mem_free) },
	{ RAINFOREST_A_STAT_MEM_AVAILABLE, offsetof(struct rf_stat, mem_available) },
	{ RAINFOREST_A_STAT_MEM_SHARED, offsetof(struct rf_stat, mem_shared) },
};

static void put(struct nlattr *a, void *to, const struct place *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i].type == nla_type(a))
			*(uint64_t *)((char *)to + p[i].at) = rf_decode_uint(a);
}

static int add_cpu(struct nlattr *nest, struct rf_stat *st)
{
	struct rf_stat_cpu *v = rf_grow(st->cpu, st->nr_cpus, sizeof(*v));
	struct nlattr *a;
	int rem;

	if (!v)
		return -ENOMEM;
	st->cpu = v;
	v += st->nr_cpus++;
	memset(v, 0, sizeof(*v));
	nla_for_each_nested(a, nest, rem) {
		if (nla_type(a) == RAINFOREST_A_STAT_CPU_ID)
			v->id = rf_decode_uint(a);
		else if (nla_type(a) == RAINFOREST_A_STAT_CPU_CYCLES)
			v->counters = true;
		put(a, v, of_cpu, ARRAY_SIZE(of_cpu));
	}
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct rf_stat_cpu *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

int rf_decode_stat(struct nlattr *attrs, int len, void *arg)
{
	struct rf_stat *st = arg;
	struct nlattr *a;
	int rem, ret = 0;

	nla_for_each_attr(a, attrs, len, rem) {
		switch (nla_type(a)) {
		case RAINFOREST_A_STAT_NAME:
			nla_strlcpy(st->name, a, sizeof(st->name));
			break;
		case RAINFOREST_A_STAT_STATE:
			st->state = rf_decode_uint(a);
			break;
		case RAINFOREST_A_STAT_LOAD1:
		case RAINFOREST_A_STAT_LOAD5:
		case RAINFOREST_A_STAT_LOAD15:
			st->load_milli[nla_type(a) - RAINFOREST_A_STAT_LOAD1] = rf_decode_uint(a);
			break;
		case RAINFOREST_A_STAT_CPU:
			ret = add_cpu(a, st);
			break;
		default:
			put(a, st, of_stat, ARRAY_SIZE(of_stat));
		}
		if (ret)
			return ret;
	}
	if (st->nr_cpus)
		qsort(st->cpu, st->nr_cpus, sizeof(*st->cpu), by_id);
	return 0;
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
