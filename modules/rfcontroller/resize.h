/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Resizing running subOSes.
 *
 * What is on its way stands in rf_subos.moving of the one that gives or gets
 * it, so that it has an owner at each instant: from the supervisor's side it is
 * taken, from the subOS's not yet, or no more, used. A resource that a subOS
 * was asked about and gave no answer stays its own (in rf_subos.res), until
 * the answer comes or it stops.
 */
#ifndef _RF_RESIZE_H
#define _RF_RESIZE_H

#include "rfcontroller.h"

#define RF_RESIZE_MS		10000	/* for all answers, by default */
#define RF_RESIZE_MAX_MS	30000

struct rf_resize_mem {
	u64 size;			/* bytes */
	int node;			/* NUMA_NO_NODE: any, or the CPUs' */
	enum rainforest_how how;
};

/* What a resize asks for */
struct rf_resize {
	u32 *add, *remove;		/* CPUs by number */
	unsigned int nr_add, nr_remove;
	u32 ncpus;			/* a number of CPUs, as ncpus_how says */
	bool by_number;
	enum rainforest_how ncpus_how;
	int cpu_node;			/* NUMA_NO_NODE: any */
	struct rf_resize_mem mem[RF_BOOT_MAX_NODES];
	unsigned int nr_mem;
	unsigned int keep;		/* CPUs that one who gives to another has left, at least */
	unsigned int timeout_ms;	/* 0: RF_RESIZE_MS */
	bool force;			/* break affinities in the subOS */
	bool stopped_too;		/* one that has stopped gives it without being asked */
	bool unasked;			/* set here: it has stopped, all its CPUs are proven out */
	bool dry_run;
	ktime_t end;			/* of the timeout */
	const char *cause;		/* for the history; NULL: the task that asks */
	enum rainforest_op op;		/* for the history; 0: what it comes to */
};

/* What a subOS had, to tell what has changed */
struct rf_before {
	cpumask_t cpus;
	u64 mem[RF_BOOT_MAX_NODES];	/* bytes */
	u64 ns;				/* ktime */
};

/* resize.c */
extern struct workqueue_struct *rf_resize_wq;
int rf_resize_init(void);
void rf_resize_exit(void);
int rf_resize_ready(struct rf_subos *s, const struct rf_resize *r, struct netlink_ext_ack *extack);
int rf_resize_giver(struct rf_subos *s, struct rf_resize *r, struct netlink_ext_ack *extack);
int rf_subos_resize(struct rf_subos *s, struct rf_resize *r, struct rf_report *report,
		    struct netlink_ext_ack *extack);
void rf_resize_late(struct rf_subos *s);
void rf_resize_before(struct rf_subos *s, struct rf_before *b);
void rf_resize_note(struct rf_subos *s, const struct rf_before *b, const struct rf_resize *r,
		    int result);
unsigned int rf_resize_left(const struct rf_resize *r);
bool rf_resize_open(int err);
bool rf_resize_unsure(int err);
int rf_resize_err(int err);
void rf_owned_lock(struct rf_subos *s);
void rf_owned_unlock(struct rf_subos *s);
int rf_moving_begin(struct rf_subos *s, unsigned int cpus, unsigned int blocks);
int rf_moving_end(struct rf_subos *s, struct netlink_ext_ack *extack);

/* resize_cpu.c */
int rf_resize_cpus_add(struct rf_subos *s, const struct rf_resize *r, unsigned int count,
		       struct rf_report *report, struct netlink_ext_ack *extack);
int rf_resize_cpus_remove(struct rf_subos *s, const struct rf_resize *r, unsigned int count,
			  struct rf_report *report, struct netlink_ext_ack *extack);
int rf_cpus_enter(struct rf_subos *s, const struct rf_resize *r, struct netlink_ext_ack *extack);
int rf_cpus_leave(struct rf_subos *s, const struct rf_resize *r, unsigned int count,
		  struct netlink_ext_ack *extack);
void rf_resize_cpu_late(struct rf_subos *s, const struct rf_call *call);

/* resize_memory.c */
int rf_resize_memory(struct rf_subos *s, const struct rf_resize *r,
		     const struct rf_resize_mem *m, struct rf_report *report,
		     struct netlink_ext_ack *extack);
int rf_blocks_enter(struct rf_subos *s, const struct rf_resize *r, struct netlink_ext_ack *extack);
int rf_blocks_leave(struct rf_subos *s, const struct rf_resize *r, unsigned int count, int node,
		    struct netlink_ext_ack *extack);
void rf_resize_memory_late(struct rf_subos *s, const struct rf_call *call);

/* preempt.c */
int rf_subos_preempt(struct rf_subos *s, struct rf_resize *r, struct rf_report *report,
		     struct netlink_ext_ack *extack);

/* move.c */
int rf_move_lock(struct rf_subos *a, struct rf_subos *b);
int rf_move_locked(struct rf_subos *from, struct rf_subos *to, struct rf_resize *r,
		   struct rf_report *report, struct netlink_ext_ack *extack);
int rf_subos_move(struct rf_subos *from, struct rf_subos *to, struct rf_resize *r,
		  struct rf_report *report, struct netlink_ext_ack *extack);

#endif /* _RF_RESIZE_H */
