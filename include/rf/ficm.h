/* SPDX-License-Identifier: GPL-2.0 */
/*
 * FICM, fast inter-subOS communication: messages of up to 56 bytes between the
 * kernels of a RainForest machine. The same module runs in the supervisor and
 * in each subOS. How it works: Documentation/ficm.md; what lies in memory:
 * rf/abi/ring.h. All symbols are in the namespace RAINFOREST.
 */
#ifndef _RF_FICM_H
#define _RF_FICM_H

#include <linux/list.h>
#include <linux/types.h>

#include <rf/abi/ring.h>

struct rf_ficm_channel;

/* What the supervisor's kernel is called among subOSes: no subOS can be */
#define RF_SUPERVISOR_NAME	"supervisor"

/* ---- channels ---- */

/**
 * struct rf_ficm_params - what a channel is made of
 * @name: of the peer, for people and rf_ficm_find()
 * @peer: its id; 0 is the supervisor
 * @generation: of the channel; both rings must have it
 * @rx: the ring that we read, mapped; the opener's until rf_ficm_close() returns
 * @tx: the ring that we write, likewise
 * @size: bytes of each
 * @bell: APIC ID to ring while the peer's ring names none of this machine
 */
struct rf_ficm_params {
	const char *name;
	u32 peer;
	u64 generation;
	struct rf_ficm_ring *rx;
	struct rf_ficm_ring *tx;
	u64 size;
	u32 bell;
};

struct rf_ficm_channel *rf_ficm_open(const struct rf_ficm_params *p);
void rf_ficm_close(struct rf_ficm_channel *ch);
struct rf_ficm_channel *rf_ficm_find(const char *name);
struct rf_ficm_channel *rf_ficm_find_peer(u32 peer);
struct rf_ficm_channel *rf_ficm_next(u64 *serial);
#ifdef CONFIG_RAINFOREST_SUBOS
struct rf_ficm_channel *rf_ficm_supervisor(void);
#else
static inline struct rf_ficm_channel *rf_ficm_supervisor(void) { return NULL; }
#endif
void rf_ficm_get(struct rf_ficm_channel *ch);
void rf_ficm_put(struct rf_ficm_channel *ch);
const char *rf_ficm_name(const struct rf_ficm_channel *ch);
u32 rf_ficm_peer(const struct rf_ficm_channel *ch);
u64 rf_ficm_generation(const struct rf_ficm_channel *ch);

/* ---- services ---- */

#define RF_FICM_IRQ	1	/* receive() is called in hard interrupt context: short */

/**
 * struct rf_ficm_service - who receives the messages of a port
 * @receive: gets each message, a copy whose length and port are in bounds; of
 *	one channel in order, one at a time. Without RF_FICM_IRQ in the real-time
 *	read thread, where it may sleep; the thread is all channels' own, so
 *	not for long. It must not close @ch, nor unregister a service.
 * @irq: gets each message first, in hard interrupt context, under RCU: short. True: it
 *	took it; false: @receive is to have it. NULL: as RF_FICM_IRQ says.
 * @opened: a channel was opened; may be NULL. May sleep.
 * @gone: a channel was closed, no message of it will come; may be NULL. May sleep.
 * @silent: the kernel at its other end does nothing any more, as far as can be seen: who
 *	waits for it waits no longer. The channel stays, it may be a pause. May be NULL.
 *	May sleep.
 * @ctx: the service's own
 * @flags: RF_FICM_IRQ
 */
struct rf_ficm_service {
	void (*receive)(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg, void *ctx);
	bool (*irq)(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg, void *ctx);
	void (*opened)(struct rf_ficm_channel *ch, void *ctx);
	void (*gone)(struct rf_ficm_channel *ch, void *ctx);
	void (*silent)(struct rf_ficm_channel *ch, void *ctx);
	void *ctx;
	unsigned int flags;
};

int rf_ficm_register(unsigned int port, const struct rf_ficm_service *svc);
void rf_ficm_unregister(unsigned int port);
void rf_ficm_silent(struct rf_ficm_channel *ch);

/* ---- sending ---- */

int rf_ficm_send(struct rf_ficm_channel *ch, unsigned int port, u16 type,
		 const void *data, size_t len);
int rf_ficm_send_bulk(struct rf_ficm_channel *ch, unsigned int port, u16 type,
		      const void *data, size_t len, unsigned int n);
int rf_ficm_send_timeout(struct rf_ficm_channel *ch, unsigned int port, u16 type,
			 const void *data, size_t len, unsigned int timeout_ms);
int rf_ficm_post(struct rf_ficm_channel *ch, unsigned int port, u16 type,
		 const void *data, size_t len);
unsigned int rf_ficm_send_many(struct rf_ficm_channel **ch, unsigned int n, unsigned int port,
			       u16 type, const void *data, size_t len, int *result);
unsigned int rf_ficm_broadcast(unsigned int port, u16 type, const void *data, size_t len);
int rf_ficm_ping(struct rf_ficm_channel *ch, unsigned int timeout_ms, bool poll, u64 *ns);

/* ---- looking for messages oneself, see receive.c ---- */

void rf_ficm_busy_begin(struct rf_ficm_channel *ch);
bool rf_ficm_busy_look(struct rf_ficm_channel *ch);
void rf_ficm_busy_end(struct rf_ficm_channel *ch);

/* ---- the communication core ---- */

int rf_ficm_set_core(unsigned int cpu);
unsigned int rf_ficm_core(void);
u32 rf_ficm_core_apicid(void);
bool rf_ficm_knows(u32 apicid);
int rf_ficm_set_priority(unsigned int priority);
unsigned int rf_ficm_priority(void);
void rf_ficm_set_poll(unsigned int us);
unsigned int rf_ficm_poll(void);

/**
 * struct rf_ficm_bell - who else wants to hear this kernel's doorbell
 * @rung: called in hard interrupt context at each doorbell, and when the
 *	communication core has moved, with interrupts off
 * @node: FICM's
 */
struct rf_ficm_bell {
	void (*rung)(void);
	struct list_head node;
};

void rf_ficm_doorbell_add(struct rf_ficm_bell *bell);
void rf_ficm_doorbell_remove(struct rf_ficm_bell *bell);

/* ---- statistics ---- */

/* Why something of a peer's was not believed */
enum rf_ficm_refusal {
	RF_REFUSED_SEQUENCE,	/* a sequence word that can't be */
	RF_REFUSED_BOUNDS,	/* a message whose port or length can't be */
	RF_REFUSED_SERVICE,	/* a message to a port that nobody listens on */
	RF_REFUSED_TAIL,	/* a tail that can't be */
	RF_REFUSED_BELL,	/* a doorbell to a CPU that this machine hasn't */
	RF_REFUSED_CONTENT,	/* a message that its service made no sense of */
	RF_REFUSED_REASONS,
};

/**
 * struct rf_ficm_stats - of one channel, since it was opened
 * @sent: messages
 * @received: messages that a service got
 * @irq: of these, in hard interrupt context
 * @full: sends that found no room
 * @rings: doorbells sent for messages
 * @room_rings: doorbells sent because the peer waits for room
 * @throttled: times that reading stopped because a service is slow
 * @dropped: answers of our own that found no room, and what was queued at the close
 * @late: messages, and room that somebody waited for, found by the slow poll that no
 *	doorbell had told of: 0, unless the peer died, or doesn't keep to the protocol
 * @refused: by reason
 */
struct rf_ficm_stats {
	u64 sent;
	u64 received;
	u64 irq;
	u64 full;
	u64 rings;
	u64 room_rings;
	u64 throttled;
	u64 dropped;
	u64 late;
	u64 refused[RF_REFUSED_REASONS];
};

void rf_ficm_stats_get(struct rf_ficm_channel *ch, struct rf_ficm_stats *stats);
void rf_ficm_refuse(struct rf_ficm_channel *ch);
u64 rf_ficm_moves(void);

#endif /* _RF_FICM_H */
