/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _RF_LEASE_H
#define _RF_LEASE_H

#include <linux/workqueue.h>

#include "pressure.h"
#include "resize.h"

#define RF_LEASE_MAX_MS		(366ULL * 86400 * MSEC_PER_SEC)

struct rf_lease_mem {
	u64 size;
	u64 left;		/* what the borrower had there when it gave no answer, or 0 */
	int node;
};

/* Written by its own work only, once it is in the list */
struct rf_lease {
	struct list_head node;
	u32 id;
	char from[RF_BOOT_NAME_LEN], to[RF_BOOT_NAME_LEN];
	u32 from_id, to_id;
	u32 cpu[RF_BOOT_MAX_CPUS];
	unsigned int nr_cpus;
	struct rf_lease_mem mem[RF_BOOT_MAX_NODES];
	unsigned int nr_mem;
	u64 end_ns;			/* boottime */
	struct rf_pressure seen;	/* of the lender */
	const char *why;		/* it ends, for people */
	unsigned int tries;		/* to get it back */
	struct delayed_work work;
};

extern struct list_head rf_leases;
extern struct mutex rf_lease_lock;

int rf_subos_lend(struct rf_subos *from, struct rf_subos *to, struct rf_resize *r, u64 term_ms,
		  struct rf_report *report, struct netlink_ext_ack *extack);
int rf_lease_recall(u32 id, struct netlink_ext_ack *extack);

#endif /* _RF_LEASE_H */
