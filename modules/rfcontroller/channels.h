/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _RF_CHANNELS_H
#define _RF_CHANNELS_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>

#include <rf/ficm.h>

#include "rfcontroller.h"

enum rf_end_state {
	RF_END_TOLD,		/* it is to open the channel, and has not answered */
	RF_END_OPEN,
	RF_END_LEAVING,		/* it is to close it, or it died unproven */
	RF_END_CLOSED,		/* it touches the rings no more */
};

struct rf_link_end {
	u32 id;			/* of the subOS; 0: the supervisor */
	char name[RF_BOOT_NAME_LEN];
	enum rf_end_state state;
	int error;		/* what it answered */
};

/* What two kernels share: the rings of a channel, or a region */
struct rf_link {
	struct list_head node;
	struct kref ref;
	u64 generation;
	struct rf_link_end end[2];	/* the supervisor, if it is one, is end[0] */
	/* of a channel */
	unsigned int page_order;
	struct rf_ficm_ring *ring[2];	/* ring[i] is read by end[i] */
	struct rf_ficm_channel *ch;	/* the supervisor's end */
	/* of a region, else NULL */
	struct rf_pages *pages;
};

/* tune.c */
struct rf_tune {
	u32 cpu;		/* logical, the supervisor's; RF_TUNE_KEEP: leave it */
	u32 priority;		/* likewise */
	u32 poll_us;		/* likewise */
	u64 moves;		/* out */
};

int rf_tune(struct rf_subos *s, struct rf_tune *t, struct netlink_ext_ack *extack);
void rf_tune_answer(struct rf_ficm_channel *ch, const struct rf_control_tune *answer);

/* channels.c */
extern struct list_head rf_links;
extern struct mutex rf_links_lock;
extern wait_queue_head_t rf_links_wait;
u64 rf_link_number(void);
struct rf_link *rf_link_new(u64 generation, int node0, int node1);
void rf_link_put(struct rf_link *l);
void rf_link_check(struct rf_link *l);
struct rf_link *rf_link_find(u32 a, u32 b);
void rf_end_set(struct rf_link_end *end, u32 id, const char *name);
void rf_end_leave(struct rf_link *l, struct rf_link_end *end);

/* region.c */
void rf_pages_free(struct rf_pages *p);
void rf_region_leave(struct rf_link *l);
int rf_region_init(void);
void rf_region_exit(void);

#endif /* _RF_CHANNELS_H */
