/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _RF_PRESSURE_H
#define _RF_PRESSURE_H

#include <linux/types.h>

#include <rf/abi/stat.h>

#define RF_PRESSURE_LOOK_MS	500	/* as often as subOSes measure themselves */
#define RF_PRESSURE_LOOKS	4	/* pictures in a row: a shorter burst is none */

/* What was seen of a subOS so far; all 0 at the start */
struct rf_pressure {
	u64 uptime_ns;			/* of the last picture */
	u64 idle_ns;			/* sum of its CPUs then */
	u32 nr_cpus;
	unsigned int busy, low;		/* pictures in a row */
};

/* What counts as pressure: percent; 0: nothing does */
struct rf_pressure_limits {
	unsigned int busy;		/* of its CPUs' time, at least */
	unsigned int low;		/* of its memory available, less than */
};

const char *rf_pressure_look(struct rf_pressure *p, const struct rf_stat *st,
			     const struct rf_pressure_limits *limits);

#endif /* _RF_PRESSURE_H */
