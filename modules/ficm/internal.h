/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of ficm share.
 *
 * Locks, in this order:
 *   cpu_hotplug_lock, rf_core_lock	where the communication core is
 *   rf_channels_lock	the list of channels; readers take RCU. Not held while a
 *			callback runs.
 *   channel.rx_lock (raw, interrupts off) the reader's end. RF_FICM_IRQ
 *			services are called under it; they may send.
 *   channel.tx_lock (raw, interrupts off) the writer's end
 * An end is closed under its lock, and its ring is touched under it, or looked at
 * under RCU, which closing waits for.
 */
#ifndef _FICM_INTERNAL_H
#define _FICM_INTERNAL_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/pgtable.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include <rf/abi/boot.h>
#include <rf/ficm.h>
#include <rf/msgring.h>

#define RF_QUEUE	64	/* messages posted that wait for room, a channel */

struct rf_queue {		/* of messages; a power of two */
	struct rf_ficm_msg *msg;
	u32 count, head, tail;
};

struct rf_ficm_channel {
	struct list_head node;		/* by serial */
	struct kref ref;
	u64 serial;
	char name[RF_BOOT_NAME_LEN];
	u32 peer;
	u32 bell;			/* see struct rf_ficm_params */
	u64 generation;

	raw_spinlock_t rx_lock;
	struct rf_msg_rx rx;
	bool rx_closed;
	bool throttled;			/* inbox is full: the read thread goes on */
	struct rf_queue inbox;		/* for services that may sleep */
	u64 seen;			/* the slow poll: position at its last look */

	raw_spinlock_t tx_lock ____cacheline_aligned;
	struct rf_msg_tx tx;
	bool tx_closed;
	bool want;			/* somebody waits for room */
	u64 unsent;			/* the slow poll: position at its last look */
	struct rf_queue outbox;		/* posted */
	wait_queue_head_t room;

	bool work;			/* for the read thread */
	bool busy;			/* the read thread is in it; under rx_lock */
	wait_queue_head_t idle;		/* not busy any more */

	struct rf_ficm_stats rxs;	/* under rx_lock: received, irq, ... */
	struct rf_ficm_stats txs;	/* under tx_lock: sent, full, ... */
};

/* channel.c */
extern struct list_head rf_channels;
extern struct mutex rf_channels_lock;
struct rf_ficm_channel *rf_channel_next(u64 serial, bool (*match)(struct rf_ficm_channel *ch));
bool rf_queue_put(struct rf_queue *q, const struct rf_ficm_msg *msg);
bool rf_queue_get(struct rf_queue *q, struct rf_ficm_msg *msg);

static inline u32 rf_queue_used(const struct rf_queue *q)
{
	return READ_ONCE(q->head) - READ_ONCE(q->tail);
}

/* receive.c */
#define RF_BUDGET	64	/* messages of a channel in one go */
enum rf_then {		/* when nothing is left */
	RF_THEN_SLEEP,	/* ask the peer for a doorbell */
	RF_THEN_LEAVE,	/* the caller comes back by himself */
	RF_THEN_LINGER,	/* look on for a moment, then leave */
};

bool rf_receive(struct rf_ficm_channel *ch, unsigned int budget, enum rf_then then);
bool rf_receive_ready(const struct rf_ficm_channel *ch);
bool rf_receive_some(struct rf_ficm_channel *ch, enum rf_then then);
bool rf_receive_late(struct rf_ficm_channel *ch);

/* send.c */
void rf_send_room(struct rf_ficm_channel *ch);
bool rf_send_late(struct rf_ficm_channel *ch);
bool rf_send_posted(struct rf_ficm_channel *ch);

/* service.c */
void rf_service_opened(struct rf_ficm_channel *ch);
void rf_service_gone(struct rf_ficm_channel *ch);
bool rf_service_irq(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg, bool *later);
bool rf_service_thread(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg);
int rf_service_init(void);
void rf_service_exit(void);

/* thread.c */
int rf_thread_init(void);
void rf_thread_exit(void);
void rf_thread_read(void);
void rf_thread_poll(void);
void rf_thread_write(void);
void rf_thread_move(unsigned int cpu);
bool rf_thread_is_reader(void);
extern unsigned int rf_poll_us;

/* core.c */
int rf_core_init(void);
void rf_core_exit(void);
void rf_core_kick(struct rf_ficm_channel *ch);
void rf_core_ring(u32 apicid);
bool rf_core_knows(u32 apicid);
extern int rf_core_wish;

/* echo.c */
int rf_echo_init(void);
void rf_echo_exit(void);

/* proc.c */
int rf_proc_init(void);
void rf_proc_exit(void);

/* control.c */
#ifdef CONFIG_RAINFOREST_SUBOS
int rf_control_init(void);
void rf_control_exit(void);
#else
static inline int rf_control_init(void) { return 0; }
static inline void rf_control_exit(void) { }
#endif

/* region.c, in a subOS */
struct rf_control_region;
struct rf_region_chunk;
struct rf_region_giver;
void *rf_map_foreign(const struct rf_region_chunk *chunk, unsigned int nr, u64 size, pgprot_t prot);
int rf_region_told(const struct rf_control_region *c);
bool rf_region_wanted(u64 id);
void rf_region_exit(void);
extern const struct rf_region_giver rf_held_giver;

#endif /* _FICM_INTERNAL_H */
