/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * The supervisor's heartbeat, in each subOS's control area at RF_OFF_ALIVE: by
 * it a subOS knows that nobody will take what it has for the supervisor alone.
 *
 * This interface is a contract between two kernels, see boot.h for the rules of
 * change. All of it is written by the supervisor, beat last; a supervisor that
 * has no magic here does not count, and is never taken for dead.
 */
#ifndef _RF_ABI_ALIVE_H
#define _RF_ABI_ALIVE_H

#include <linux/types.h>

#define RF_OFF_ALIVE		0x1f0000	/* the last 64 KiB of the control area */

#define RF_ALIVE_MAGIC		0x4556494c41754652ULL	/* "RFuALIVE" */
#define RF_ALIVE_VERSION_MAJOR	1
#define RF_ALIVE_VERSION_MINOR	0
#define RF_ALIVE_MS		200	/* at least so often, as a rule */

struct rf_alive {
	__u64 magic;
	__u16 version_major;
	__u16 version_minor;
	__u32 period_ms;
	__u64 beat;		/* counts looks at this subOS */
	__u64 pad[5];
};

#ifdef __KERNEL__
#include <linux/build_bug.h>
static_assert(sizeof(struct rf_alive) == 64);
#endif

#endif /* _RF_ABI_ALIVE_H */
