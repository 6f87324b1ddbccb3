// SPDX-License-Identifier: GPL-2.0
/*
 * Is a subOS short of CPUs or of memory? By what it measures of itself, which is
 * a peer's word: it decides on what it lent, and on nothing else.
 */
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/time64.h>

#include "pressure.h"

/* More between two pictures is none of a subOS that runs */
#define RF_PRESSURE_MAX_NS	(60 * NSEC_PER_SEC)

static u64 rf_idle_sum(const struct rf_stat *st)
{
	u64 sum = 0;

	for (u32 i = 0; i < st->nr_cpus; i++)
		sum += st->cpu[i].idle_ns;
	return sum;
}

/* Were the CPUs busy since the last picture? One with other CPUs says nothing. */
static bool rf_was_busy(const struct rf_pressure *p, const struct rf_stat *st, u64 idle_ns,
			unsigned int percent)
{
	u64 passed = st->uptime_ns - p->uptime_ns, idle = idle_ns - p->idle_ns;

	if (!p->nr_cpus || p->nr_cpus != st->nr_cpus || passed > RF_PRESSURE_MAX_NS)
		return false;
	passed *= st->nr_cpus;
	/* a sum that goes back is no time that passed */
	return idle <= passed && (passed - idle) * 100 >= passed * percent;
}

/**
 * rf_pressure_look - take in another picture of a subOS
 * @p: what was seen before; taken forward
 * @st: a copy of the picture, of rf_stat_read()
 * @limits: what counts as pressure
 *
 * Context: any.
 * Return: what it is short of, for people; NULL: of nothing, as far as is known.
 */
const char *rf_pressure_look(struct rf_pressure *p, const struct rf_stat *st,
			     const struct rf_pressure_limits *limits)
{
	u64 idle_ns = rf_idle_sum(st);

	if (st->uptime_ns == p->uptime_ns)
		return NULL;	/* seen already */
	if (limits->busy && rf_was_busy(p, st, idle_ns, min(limits->busy, 100U)))
		p->busy++;
	else
		p->busy = 0;
	if (limits->low && div_u64(st->mem_available, 100) <
	    div_u64(st->mem_total, 10000) * min(limits->low, 100U))
		p->low++;
	else
		p->low = 0;
	p->uptime_ns = st->uptime_ns;
	p->idle_ns = idle_ns;
	p->nr_cpus = st->nr_cpus;
	if (p->busy >= RF_PRESSURE_LOOKS)
		return "the lender's CPUs are busy";
	if (p->low >= RF_PRESSURE_LOOKS)
		return "the lender is short of memory";
	return NULL;
}
