/* SPDX-License-Identifier: GPL-2.0 */
/* supcon: the supervisor's end of the control protocol, rf/abi/con.h */
#ifndef _RF_SUPCON_H
#define _RF_SUPCON_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include <rf/abi/con.h>

struct netlink_ext_ack;
struct rf_subos;

#define RF_CON_CALLS	16	/* requests to one subOS without an answer */
#define RF_CON_TEXT_MAX	(RF_CON_TEXTS * RF_CON_TEXT_LEN + 1)

/* A request, and its answer */
struct rf_call {
	u32 id;				/* 0: this place is free */
	u16 op;				/* enum rf_con_op */
	u16 flags;
	u64 arg[5];
	u64 since_ns;			/* ktime, of the first time it was sent */
	bool waited;			/* somebody waits in rf_con_ask() */
	bool answered;
	u8 status;			/* enum rf_con_status */
	u64 value[6];
	u8 texts;			/* RF_CON_TEXTs that came */
	char text[RF_CON_TEXT_MAX];	/* why not, printable */
};

struct rf_con {
	spinlock_t lock;		/* all of this but late */
	u16 version;			/* spoken with it; 0: none (yet) */
	u32 features;
	u64 block_size;			/* bytes, of its memory blocks */
	char why_not[96];		/* no version: why */
	u32 next_id;
	struct rf_call call[RF_CON_CALLS];
	u64 odd;			/* messages that made no sense */
	struct work_struct late;	/* for answers that nobody waited for */
};

/* What to ask, and what came back */
struct rf_ask {
	u16 op;
	u16 flags;
	u64 arg[5];
	unsigned int timeout_ms;
	/* out */
	u8 status;
	u64 value[6];
	char text[RF_CON_TEXT_MAX];
};

int rf_con_init(void);
void rf_con_exit(void);
void rf_con_setup(struct rf_subos *s);
void rf_con_reset(struct rf_subos *s);
int rf_con_ready(struct rf_subos *s, u32 features, struct netlink_ext_ack *extack);
int rf_con_ask(struct rf_subos *s, struct rf_ask *ask, struct netlink_ext_ack *extack);
void rf_con_drop(struct rf_subos *s, u16 op, u64 arg);
bool rf_con_late(struct rf_subos *s, struct rf_call *call);
unsigned int rf_con_outstanding(struct rf_subos *s, struct rf_call *calls, unsigned int max);
bool rf_con_describe(struct rf_subos *s, const struct rf_call *call, char *line, size_t len);
int rf_con_errno(u8 status);

#endif /* _RF_SUPCON_H */
