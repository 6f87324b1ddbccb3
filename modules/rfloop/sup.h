/* SPDX-License-Identifier: GPL-2.0 */
/* The supervisor's end: what sup.c, sup_list.c and sup_netlink.c share */
#ifndef _RFLOOP_SUP_H
#define _RFLOOP_SUP_H

#include <linux/list.h>
#include <linux/mutex.h>

#include "rfloop.h"

/* A kernel that there is, running or not; the supervisor is one of them */
struct rf_guest {
	struct list_head node;
	u32 id;
	char name[RF_LOOP_NAME];
	char host[RF_LOOP_NAME];
	u64 generation;
	bool here;			/* it has said hello */
	struct rf_region *list;		/* its copy of the list */
	struct rf_loop_address wish[2];	/* the operator's, IPv4 and IPv6; family 0: none */
	struct rf_loop_address given[2];
	u64 packets, bytes;		/* a second that it may send, 0: any */
	u64 refused;			/* addresses that it may not have */
};

/* sup.c */
extern struct list_head rf_guests;
extern struct mutex rf_guests_lock;	/* the list, and what is in it */
struct rf_guest *rf_guest_named(const char *name);
struct rf_guest *rf_guest_of(u32 id);
void rf_guest_config(struct rf_guest *g);

/* sup_list.c; all under rf_guests_lock */
int rf_list_init(void);
void rf_list_exit(void);
void rf_list_dirty(void);
bool rf_list_claim(struct rf_guest *g, const struct rf_loop_address *a);
void rf_list_drop(u32 id, const struct rf_loop_address *a);
struct rf_guest *rf_list_owner(const struct rf_loop_address *a);
void rf_list_publish(void);
const struct rf_loop_list *rf_list_get(void);
int rf_address_auto(const struct rf_guest *g, int six, struct rf_loop_address *out);
int rf_address_parse(const char *text, struct rf_loop_address *out);

/* sup_netlink.c */
int rf_net_init(void);
void rf_net_exit(void);

#endif /* _RFLOOP_SUP_H */
