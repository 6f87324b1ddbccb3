// SPDX-License-Identifier: GPL-2.0
/*
 * What a subOS measures of itself, see rf/abi/stat.h. The picture is copied
 * whole; then only the copy is looked at, whatever the subOS writes meanwhile.
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/delay.h>
#include <linux/netlink.h>
#include <linux/string.h>

#include <asm/msr.h>

#include "rfcontroller.h"

#define RF_STAT_TRIES	50
#define RF_STAT_PAUSE	20	/* microseconds; a picture takes less to write */

static bool rf_stat_copy(const struct rf_stat *from, struct rf_stat *to)
{
	u32 seq = smp_load_acquire(&from->seq);

	if (seq & 1)
		return false;
	memcpy(to, from, offsetof(struct rf_stat, cpu));
	to->nr_cpus = min_t(u32, to->nr_cpus, RF_STAT_MAX_CPUS);
	memcpy(to->cpu, from->cpu, to->nr_cpus * sizeof(to->cpu[0]));
	smp_rmb(); /* the picture before seq again: pairs with the writer's release */
	return READ_ONCE(from->seq) == seq;
}

/**
 * rf_stat_read - copy what a subOS last measured of itself
 * @s: the subOS
 * @to: the copy; magic, version, generation and nr_cpus are right, the rest is
 *	as the subOS says
 * @extack: why not
 *
 * Context: process; s->drain held.
 * Return: 0; -EINVAL: it has not been started; -EAGAIN: nothing is there yet,
 * or no whole picture; -EPROTO: of another version.
 */
int rf_stat_read(struct rf_subos *s, struct rf_stat *to, struct netlink_ext_ack *extack)
{
	const struct rf_stat *from;

	lockdep_assert_held(&s->drain);
	if (!s->desc || !s->generation) {
		rf_msg(extack, "%s has not been started", s->name);
		return -EINVAL;
	}
	from = (void *)s->desc + RF_OFF_STAT;
	for (int i = 0; !rf_stat_copy(from, to); i++) {
		if (i == RF_STAT_TRIES) {
			rf_msg(extack, "%s does not finish what it measures", s->name);
			return -EAGAIN;
		}
		usleep_range(RF_STAT_PAUSE, 2 * RF_STAT_PAUSE);
	}
	if (to->magic != RF_STAT_MAGIC || to->generation != s->generation) {
		rf_msg(extack, "%s has not measured anything yet: it does once its modules are loaded",
		       s->name);
		return -EAGAIN;
	}
	if (to->version_major != RF_STAT_VERSION_MAJOR) {
		rf_msg(extack, "%s measures in version %u of the format, this supervisor reads %u",
		       s->name, to->version_major, RF_STAT_VERSION_MAJOR);
		return -EPROTO;
	}
	return 0;
}

/**
 * rf_stat_age - how old a picture is
 * @st: a copy
 *
 * Return: nanoseconds; 0 for one that says it is of later.
 */
u64 rf_stat_age(const struct rf_stat *st)
{
	u64 now = rdtsc_ordered();

	return now > st->tsc ? mul_u64_u32_div(now - st->tsc, NSEC_PER_MSEC, tsc_khz) : 0;
}
