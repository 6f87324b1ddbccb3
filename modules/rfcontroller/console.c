// SPDX-License-Identifier: GPL-2.0
/*
 * Consoles and streams of subOSes: the rings in their control areas, and a
 * history of each console in our own memory. device.c has their readers.
 *
 * Nothing that stands in a ring's header is believed: each word is read once,
 * and bounded. Where we are in a ring we know ourselves (struct rf_end).
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/mm.h>
#include <linux/slab.h>

#include "rfcontroller.h"

static const struct {
	u32 offset, size;
} rf_rings[RF_RING_COUNT] = {
	[RF_RING_CONSOLE_OUT]	= { RF_OFF_CONSOLE_OUT, RF_LEN_CONSOLE_OUT },
	[RF_RING_CONSOLE_IN]	= { RF_OFF_CONSOLE_IN, RF_LEN_CONSOLE_IN },
	[RF_RING_STDIN]		= { RF_OFF_STDIN, RF_LEN_STDIN },
	[RF_RING_STDOUT]	= { RF_OFF_STDOUT, RF_LEN_STDOUT },
	[RF_RING_STDERR]	= { RF_OFF_STDERR, RF_LEN_STDERR },
};

/* Dead subOSes, for their consoles; rf_list_lock */
static LIST_HEAD(rf_ghosts);
static unsigned int rf_nr_ghosts;

struct rf_ring *rf_ring_of(struct rf_subos *s, unsigned int id)
{
	return (void *)s->desc + rf_rings[id].offset;
}

u64 rf_ring_cap(unsigned int id)
{
	return rf_rings[id].size - sizeof(struct rf_ring);
}

/* Bytes to read in a ring whose producer is the subOS */
u64 rf_ring_used(struct rf_subos *s, unsigned int id)
{
	u64 used = smp_load_acquire(&rf_ring_of(s, id)->head) - s->end[id].pos;

	/* a head that ran away or back: as if it had been filled once */
	return min(used, rf_ring_cap(id));
}

void rf_ring_copy_out(struct rf_subos *s, unsigned int id, u64 pos, u8 *to, u64 len)
{
	u64 cap = rf_ring_cap(id), at = pos % cap, first = min(len, cap - at);
	struct rf_ring *ring = rf_ring_of(s, id);

	memcpy(to, ring->data + at, first);
	memcpy(to + first, ring->data, len - first);
}

void rf_ring_consumed(struct rf_subos *s, unsigned int id, u64 len)
{
	struct rf_ring *ring = rf_ring_of(s, id);

	s->end[id].pos += len;
	smp_store_release(&ring->tail, s->end[id].pos);
	smp_mb(); /* tail before waiting: pairs with the writer that goes to sleep */
	if (READ_ONCE(ring->waiting)) {
		WRITE_ONCE(ring->waiting, 0);
		rf_ring(s->res.cpus[0].apicid);
	}
}

/* ---- the history ---- */

static void rf_history_put(struct rf_history *h, const u8 *from, u64 len)
{
	while (len) {
		u64 at = h->head % RF_CONSOLE_HISTORY, n = min(len, RF_CONSOLE_HISTORY - at);

		memcpy(h->data + at, from, n);
		h->head += n;
		from += n;
		len -= n;
	}
}

/* Bytes that no reader waits for go into the history, so that nothing blocks */
static void rf_drain_ring(struct rf_subos *s, unsigned int id, u8 *buf)
{
	struct rf_ring *ring = rf_ring_of(s, id);
	u64 used, budget = 4 * rf_ring_cap(id);	/* a flood must not keep us here */

again:
	while (budget && (used = rf_ring_used(s, id))) {
		u64 head = s->end[id].pos + used, n;

		if (id == RF_RING_CONSOLE_OUT) {
			/* it overwrites: how far has it come meanwhile? */
			u64 now = READ_ONCE(ring->head);

			if (now - s->end[id].pos > rf_ring_cap(id)) {
				u64 skip = now - s->end[id].pos - rf_ring_cap(id);

				s->history.lost += skip;
				s->end[id].pos += skip;
				head = now;
			}
		}
		n = min3(head - s->end[id].pos, (u64)RF_COPY_MAX, budget);
		budget -= n;
		rf_ring_copy_out(s, id, s->end[id].pos, buf, n);
		rf_history_put(&s->history, buf, n);
		if (rf_console_tee && id == RF_RING_CONSOLE_OUT)
			rf_tee_put(s, buf, n);
		rf_ring_consumed(s, id, n);
		cond_resched();
	}
	if (!READ_ONCE(ring->notify)) {
		WRITE_ONCE(ring->notify, 1);
		smp_mb(); /* notify before head: pairs with the writer */
		if (budget && rf_ring_used(s, id))
			goto again;
	}
}

/**
 * rf_console_drain - take what a subOS printed, and wake whoever waits for it
 * @s: the subOS
 *
 * Context: process; s->drain held, s->desc mapped.
 */
void rf_console_drain(struct rf_subos *s)
{
	u8 *buf;

	lockdep_assert_held(&s->drain);
	buf = kmalloc(RF_COPY_MAX, GFP_KERNEL);
	if (!buf)
		return;		/* the rings keep it; next time */
	rf_drain_ring(s, RF_RING_CONSOLE_OUT, buf);
	for (unsigned int id = RF_RING_STDOUT; id <= RF_RING_STDERR; id++) {
		if (!s->end[id].busy)
			rf_drain_ring(s, id, buf);
		else if (!READ_ONCE(rf_ring_of(s, id)->notify))
			WRITE_ONCE(rf_ring_of(s, id)->notify, 1);
	}
	kfree(buf);
	wake_up_all(&s->wait);
}

int rf_console_setup(struct rf_subos *s)
{
	s->history.data = kvzalloc(RF_CONSOLE_HISTORY, GFP_KERNEL);
	return s->history.data ? 0 : -ENOMEM;
}

void rf_console_free(struct rf_subos *s)
{
	rf_tee_free(s);
	kvfree(s->history.data);
	kvfree(s->history.previous);
	kvfree(s->end[RF_RING_STDOUT].rest);
	kvfree(s->end[RF_RING_STDERR].rest);
}

/* What this life has printed and is kept, to kvfree(); NULL: nothing, or no memory */
static u8 *rf_history_copy(const struct rf_history *h, size_t *len)
{
	u64 n = min_t(u64, h->head - h->born, RF_CONSOLE_HISTORY), pos = h->head - n;
	u64 at = pos % RF_CONSOLE_HISTORY, first = min(n, RF_CONSOLE_HISTORY - at);
	u8 *copy = n ? kvmalloc(n, GFP_KERNEL) : NULL;

	*len = copy ? n : 0;
	if (!copy)
		return NULL;
	memcpy(copy, h->data + at, first);
	memcpy(copy + first, h->data, n - first);
	return copy;
}

/**
 * rf_console_previous - what the life printed last that ended last
 * @s: the subOS
 * @len: out, how many bytes
 *
 * Context: process; s->drain held.
 * Return: to kvfree(); NULL: there is nothing, or no memory for it.
 */
u8 *rf_console_previous(struct rf_subos *s, size_t *len)
{
	struct rf_history *h = &s->history;
	u8 *copy = NULL;

	lockdep_assert_held(&s->drain);
	if (!rf_state_alive(s->state)) {
		if (s->desc && s->generation)
			rf_console_drain(s);
		return rf_history_copy(h, len);
	}
	*len = h->previous_len;
	if (h->previous_len)
		copy = kvmemdup(h->previous, h->previous_len, GFP_KERNEL);
	return copy;
}

/* The rings were emptied: a new life begins */
void rf_console_start(struct rf_subos *s)
{
	kvfree(s->history.previous);
	s->history.previous = rf_history_copy(&s->history, &s->history.previous_len);
	s->history.born = s->history.head;
	rf_tee_life(s);
	for (unsigned int id = 0; id < RF_RING_COUNT; id++) {
		s->end[id].pos = 0;
		WRITE_ONCE(rf_ring_of(s, id)->notify, id >= RF_RING_STDOUT || !id);
	}
	/* Without a writer the input is at its end, like /dev/null */
	if (!s->end[RF_RING_STDIN].busy || s->end[RF_RING_STDIN].closed)
		rf_ring_of(s, RF_RING_STDIN)->flags = RF_RING_CLOSED;
}

/* Before the memory goes: keep what is unread, and the console for later */
void rf_console_bury(struct rf_subos *s)
{
	struct rf_subos *old = NULL;

	if (s->desc && s->generation) {
		rf_console_drain(s);
		for (unsigned int id = RF_RING_STDOUT; id <= RF_RING_STDERR; id++) {
			u64 used = rf_ring_used(s, id);

			s->end[id].rest = used ? kvmalloc(used, GFP_KERNEL) : NULL;
			if (!s->end[id].rest)
				continue;
			rf_ring_copy_out(s, id, s->end[id].pos, s->end[id].rest, used);
			s->end[id].rest_len = used;
			s->end[id].pos = 0;
		}
	}
	mutex_lock(&rf_list_lock);
	kref_get(&s->ref);
	list_add_tail(&s->ghost, &rf_ghosts);
	if (rf_nr_ghosts == RF_GHOSTS) {
		old = list_first_entry(&rf_ghosts, struct rf_subos, ghost);
		list_del(&old->ghost);
	} else {
		rf_nr_ghosts++;
	}
	mutex_unlock(&rf_list_lock);
	if (old)
		rf_subos_put(old);
}

/* A dead subOS of that name whose console is kept, with a reference, or NULL */
struct rf_subos *rf_console_ghost(const char *name)
{
	struct rf_subos *s;

	guard(mutex)(&rf_list_lock);
	list_for_each_entry_reverse(s, &rf_ghosts, ghost) {
		if (!strcmp(s->name, name)) {
			kref_get(&s->ref);
			return s;
		}
	}
	return NULL;
}

/**
 * rf_console_ghost_name - the names of those whose consoles are kept, one by one
 * @i: which, from 0
 * @name: takes it, RF_BOOT_NAME_LEN bytes
 *
 * Return: false: there are no more. A name may come twice.
 */
bool rf_console_ghost_name(unsigned int i, char *name)
{
	struct rf_subos *s;

	guard(mutex)(&rf_list_lock);
	list_for_each_entry(s, &rf_ghosts, ghost)
		if (!i--) {
			strscpy(name, s->name, RF_BOOT_NAME_LEN);
			return true;
		}
	return false;
}

void rf_console_free_ghosts(void)
{
	struct rf_subos *s, *tmp;

	list_for_each_entry_safe(s, tmp, &rf_ghosts, ghost) {
		list_del(&s->ghost);
		rf_subos_put(s);
	}
	rf_nr_ghosts = 0;
}
