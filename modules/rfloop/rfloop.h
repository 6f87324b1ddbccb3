/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of rfloop share. How it works: Documentation/rfloop.md.
 *
 * What changes the world (regions that come and go, the list of addresses, what
 * rf0 is called) happens in one ordered workqueue, event.c, so that there are no
 * locks for it. The data path finds slots' links and the map under RCU.
 *   rf_link.tx.lock (bh)	the sender's end of a ring, and its pool
 * The receiver's end of a ring is its NAPI's.
 */
#ifndef _RFLOOP_H
#define _RFLOOP_H

#include <linux/ethtool.h>
#include <linux/hrtimer.h>
#include <linux/in6.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include <rf/abi/loop.h>
#include <rf/ficm.h>
#include <rf/region.h>

#ifdef CONFIG_RAINFOREST_SUBOS
#include <asm/rainforest_subos.h>
#define rf_own_id()	(rainforest_desc->id)
#define RF_SUPERVISOR	false
#else
#define rf_own_id()	0U
#define RF_SUPERVISOR	true
#endif

struct rf_link;
struct rf_slot;

/* ---- pool.c: the pages of one direction ---- */

struct rf_pool {
	void *addr;		/* all of it */
	u32 chunks;
	struct page **page;	/* of each chunk, compound; NULL: none, copy */
	struct dev_pagemap *pgmap;	/* whose they are in a subOS */
	bool split;		/* in the supervisor: as they were before */
};

int rf_pool_open(struct rf_pool *pool, struct rf_region *r, u64 at, u32 chunks);
bool rf_pool_quiet(struct rf_pool *pool);
void rf_pool_close(struct rf_pool *pool);
int rf_pool_of(const struct rf_pool *pool, const struct page *page);
void rf_pool_hook(void);
void rf_pool_unhook(void);

/* Does nobody but us hold a chunk's pages? */
static inline bool rf_pool_idle(const struct rf_pool *pool, u32 c)
{
	return !pool->page || page_ref_count(pool->page[c]) == 1;
}

/* ---- link.c: the rings to and from one kernel ---- */

struct rf_rx {
	struct rf_loop_control *ctrl;
	const struct rf_loop_desc *ring;
	struct rf_pool pool;
	u32 pos;
	u32 odd;		/* the last word that was no sequence word */
	u32 told;		/* pos, as the sender knows it */
	u32 bell;		/* as written to ctrl */
	u32 *done;		/* of each chunk, as written to ctrl */
	u32 *held;		/* of each chunk: pieces that sockets still have */
	u16 *busy;		/* those with some, a queue */
	u32 busy_head, busy_tail;
	u32 kept[2];		/* how many of those for sockets' pages, for copies */
	u64 pps, bps;		/* what it may send, 0: any */
	s64 packets, bytes;	/* what it may send now, in millionths */
	ktime_t filled;		/* when that was last added to */
};

struct rf_tx {
	spinlock_t lock;	/* all of it; taken by senders, NAPI and sockets */
	bool closed;
	struct rf_loop_control *ctrl;
	struct rf_loop_desc *ring;
	struct rf_pool pool;
	u32 head;
	u32 tail;		/* as last seen */
	u32 *sent;		/* of each chunk: pieces that we told of */
	u32 next;		/* chunk for a socket to look at first */
	u32 next_copy;		/* for a copy */
	s32 cur;		/* chunk that copies go to, or -1 */
	u32 off;		/* bytes of it in use */
	u32 need;		/* chunks that the packet wants which waits, if any */
	struct rf_loop_desc desc;	/* being made: the peer can write the ring's */
};

/* Since the link was made */
struct rf_link_stats {
	u64 rx_packets, rx_bytes, rx_placed, rx_copied, rx_dropped, rx_throttled;
	u64 tx_packets, tx_bytes, tx_placed, tx_copied, tx_full, tx_rings;
	u64 bad_sequence, bad_bounds, bad_header, bad_tail, bad_bell;
};
#define RF_LINK_STATS	(sizeof(struct rf_link_stats) / sizeof(u64))

struct rf_link {
	struct rf_region *region;
	struct rf_slot *slot;
	u32 peer;
	struct napi_struct napi;
	struct hrtimer timer;	/* to look for pages that sockets have let go */
	u64 pause_ns;		/* how long it was set to last */
	struct list_head linger;	/* closed, but sockets hold its pages */
	struct netdev_queue *txq;
	struct rf_rx rx;
	struct rf_tx tx ____cacheline_aligned;
	struct rf_link_stats stats;	/* rx: NAPI's; tx: under tx.lock */
};

#define RF_PAUSE_NS	(250 * NSEC_PER_USEC)	/* between two looks at pages */

void rf_link_init(void);
void rf_link_exit(void);
void rf_link_open(struct rf_region *r);
void rf_link_close(struct rf_region *r);

/* ---- tx.c, rx.c ---- */

/* how a packet is sent */
#define RF_TX_DROP	BIT(0)	/* when there is no room nobody keeps it: drop it */
#define RF_TX_MANY	BIT(1)	/* it goes to others as well, and says so */
netdev_tx_t rf_tx(struct rf_link *l, struct sk_buff *skb, unsigned int how);
bool rf_tx_room(struct rf_link *l);
int rf_tx_chunk(struct rf_link *l, bool *few);
int rf_rx_poll(struct napi_struct *napi, int budget);
bool rf_rx_ready(const struct rf_rx *rx);
enum hrtimer_restart rf_rx_timer(struct hrtimer *timer);

/* ---- map.c: who has which address ---- */

#define RF_SLOTS	RF_LOOP_KERNELS

/* A kernel that is not us; one of rf0's queues is its own */
struct rf_slot {
	bool used;
	u32 id;
	u64 generation;
	struct rf_link __rcu *link;
	struct sk_buff_head waiting;	/* until there is one */
	unsigned long asked;		/* jiffies, when one was asked for; 0: not */
};

extern struct rf_slot rf_slots[RF_SLOTS];

struct rf_addr {
	u8 family;
	u8 prefix;
	s16 slot;		/* -1: our own */
	s16 next;		/* in its bucket, or -1 */
	struct in6_addr addr;	/* of family 4: as IPv6 maps it */
};

#define RF_BUCKETS	256

struct rf_map {
	struct rcu_head rcu;
	u64 generation;
	unsigned int nr_kernels, nr_addresses;
	struct rf_loop_kernel *kernel;
	s16 bucket[RF_BUCKETS];
	struct rf_addr addr[];
};

extern struct rf_map __rcu *rf_map;
struct rf_slot *rf_map_find4(__be32 addr);
struct rf_slot *rf_map_find6(const struct in6_addr *addr);
int rf_map_set(const struct rf_loop_list *list);
void rf_map_clear(void);
void rf_map_budgets(void);
struct rf_slot *rf_slot_of(u32 id);

#define RF_QUEUES	16	/* of rf0; 0 is for what goes to many, or to nobody */
#define RF_QUEUE_LEN	256	/* packets */

static inline u16 rf_slot_queue(const struct rf_slot *s)
{
	return 1 + (s - rf_slots) % (RF_QUEUES - 1);
}

/* ---- dev.c: rf0 ---- */

extern struct net_device *rf_dev;
extern const char rf_stat_names[RF_LINK_STATS + 2][ETH_GSTRING_LEN];
int rf_dev_init(void);
void rf_dev_exit(void);
void rf_dev_wait(struct rf_slot *s, struct sk_buff *skb);
void rf_dev_go(struct rf_slot *s);
void rf_dev_drop_waiting(struct rf_slot *s);

/* ---- reset.c: never silence ---- */

#define RF_ANY	((s16)-2)	/* instead of a slot */

void rf_reset_answer(struct sk_buff *skb);
void rf_reset_dead(const struct rf_map *old, s16 slot);

/* ---- divert.c: netfilter ---- */

int rf_divert_init(void);
void rf_divert_exit(void);
u64 rf_divert_count(void);

/* ---- local.c: our own addresses ---- */

int rf_local_init(void);
void rf_local_exit(void);
void rf_local_claim_all(void);
int rf_local_set(const struct rf_loop_address *now, const struct rf_loop_address *was);

/* ---- hosts.c ---- */

int rf_hosts_init(void);
void rf_hosts_exit(void);

/* ---- event.c: what is to be done, one after the other ---- */

enum rf_event_type {
	RF_EVENT_MESSAGE,	/* of port 4, from @id */
	RF_EVENT_OPENED,	/* a channel to @id */
	RF_EVENT_GONE,		/* it has been closed */
	RF_EVENT_GIVEN,
	RF_EVENT_TAKEN,
	RF_EVENT_LOCAL,		/* our kernel has got an address, or lost it */
	RF_EVENT_WANT,		/* a packet waits for a link to @id */
	RF_EVENT_BORN,		/* supervisor: there is a subOS @id */
	RF_EVENT_DEAD,		/* supervisor: there is none any more */
	RF_EVENT_KICK,		/* nothing, but look what has changed */
};

struct rf_event {
	struct list_head node;
	enum rf_event_type type;
	u32 id;
	u64 generation;
	struct rf_region *region;
	struct rf_ficm_msg msg;
	struct rf_loop_address addr;
	char name[RF_LOOP_NAME];
};

extern bool rf_leaving;		/* the workqueue's: the module goes, nothing comes any more */
int rf_event_init(void);
void rf_event_exit(void);
int rf_event_put(const struct rf_event *e, gfp_t gfp);
void rf_event_back(struct rf_region *r);
void rf_event_leave(void);
void rf_event_flush(void);

/* ---- sub.c or sup.c: our end of port 4 ---- */

int rf_end_init(void);	/* rf_end_free() is to follow in any case */
void rf_end_exit(void);
void rf_end_event(const struct rf_event *e);
void rf_end_given(struct rf_region *r);
void rf_end_taken(struct rf_region *r);
void rf_end_idle(void);
void rf_end_free(void);

#endif /* _RFLOOP_H */
