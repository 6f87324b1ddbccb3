// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz of RFloop's rings (modules/rfloop/tx.c, rx.c): a sender and a receiver, each
 * with page structures of its own for one pool, or without. The first byte says who
 * lies, the sender, the receiver, both or nobody: with nobody each packet has to come
 * once, in order, with all its bytes, but for those that the receiver had no memory for,
 * and every chunk is free in the end.
 */
#include "fuzz.h"

#define FUZZ_CHUNKS	64
#define FUZZ_HELD	48

#include "net.h"

static void netif_receive_skb(struct sk_buff *skb);
static int skb_copy_bits(const struct sk_buff *skb, int at, void *to, int len);
static bool rf_ficm_knows(u32 apicid) { return apicid < 4; }
static void rainforest_ring(u32 apicid) { MUST(rf_ficm_knows(apicid)); }

#define _RF_FICM_H
#define _RF_REGION_H
struct rf_region;
struct rf_ficm_msg { int unused; };
#include "../../modules/rfloop/rfloop.h"
struct net_device *rf_dev;
struct rf_slot rf_slots[RF_SLOTS];
#include "../../modules/rfloop/tx.c"
#undef RF_LOOKS
#include "../../modules/rfloop/rx.c"

unsigned int fuzz_spins, fuzz_starve;
void fuzz_queue(struct work_struct *w) { (void)w; }
bool fuzz_work(void) { return false; }
bool fuzz_meanwhile(void) { return false; }

int rf_pool_of(const struct rf_pool *p, const struct page *page)
{
	const struct page *head = compound_head(page);

	for (u32 c = 0; p->page && c < p->chunks; c++)
		if (p->page[c] == head)
			return c;
	return -1;
}

/* ---- the two ends of one direction ---- */

static struct rf_loop_control ctrl;
static struct rf_loop_desc ring[RF_LOOP_SLOTS];
static u8 pool[FUZZ_CHUNKS * RF_LOOP_CHUNK];
static u32 sent_of[FUZZ_CHUNKS], done_of[FUZZ_CHUNKS], held_of[FUZZ_CHUNKS];
static u16 busy[RF_LOOP_MAX_CHUNKS];
static struct rf_link from, to;		/* from.tx sends, to.rx receives */
static struct netdev_queue queue, no_queue;
static struct page *of_from[FUZZ_CHUNKS], *of_to[FUZZ_CHUNKS];
static bool lies_from, lies_to;
static bool meddles;		/* the receiver, with the descriptor that is being written */
static bool starves;		/* memory runs out */

struct sent {
	u32 len;
	u8 seed;
	bool many;
};
static struct sent sent[4096];
static struct {				/* by the receiver's sockets */
	struct sk_buff *skb;
	struct sent is;
} held[FUZZ_HELD];
static unsigned int nr_held;
static bool keep;			/* the next packets */
static struct page *unacked[FUZZ_HELD];	/* by the sender's sockets, one a packet */
static unsigned int nr_unacked;
static unsigned int sent_head, sent_tail;
static u64 lost;			/* of those: the receiver had no memory for them */

/* What packets are made of: each begins somewhere else in it */
static u8 text[RF_LOOP_MAX_LEN + 8192];
static const u8 *pattern(u8 seed, u32 at) { return text + seed * 16 + at; }

static u32 fuzz_state;		/* of the input, so that a find is found again */

static u8 fuzz_byte(void)
{
	fuzz_state ^= fuzz_state << 13;
	fuzz_state ^= fuzz_state >> 17;
	fuzz_state ^= fuzz_state << 5;
	return fuzz_state >> 11;
}

/* The slot that the sender has begun to write is the receiver's to write as well */
static void meddle(struct rf_loop_desc *slot)
{
	if (fuzz_byte() & 1)
		for (unsigned int i = 0; i < offsetof(struct rf_loop_desc, data); i++)
			((u8 *)slot)[i] = fuzz_byte();
}

/* Our socket's data is never written over, whatever the receiver says that it has done with */
static int skb_copy_bits(const struct sk_buff *skb, int at, void *dst, int len)
{
	struct rf_loop_desc *slot = &ring[from.tx.head % RF_LOOP_SLOTS];
	u8 *to8 = dst;
	unsigned int head = skb_headlen(skb), i = 0, base;

	MUST(at >= 0 && len >= 0 && at + len <= (int)skb->len);
	if (to8 >= pool && to8 < pool + FUZZ_CHUNKS * RF_LOOP_CHUNK) {
		MUST((to8 - pool) % RF_LOOP_CHUNK + len <= RF_LOOP_CHUNK);
		MUST(rf_pool_idle(&from.tx.pool, (to8 - pool) / RF_LOOP_CHUNK));
	} else {
		MUST(to8 == slot->data && len <= RF_LOOP_INLINE);
	}
	if (meddles)
		meddle(slot);
	for (; len && at < (int)head; len--)
		*to8++ = skb->head[skb->data + at++];
	if (!len)
		return 0;
	if (skb->rest) {
		memcpy(to8, skb->rest + at - head, len);
		return 0;
	}
	base = head;
	for (; len; i++) {
		const skb_frag_t *f = &skb->sh.frags[i];
		unsigned int n;

		MUST(i < skb->sh.nr_frags);
		if (at < (int)(base + f->len)) {
			n = min_t(u32, len, base + f->len - at);
			memcpy(to8, pool + (f->page - of_from[0]) * PAGE_SIZE + f->off + at - base, n);
			to8 += n;
			at += n;
			len -= n;
		}
		base += f->len;
	}
	return 0;
}

static void must_be(const struct sk_buff *skb, const struct sent *s)
{
	u32 head = skb_headlen(skb), at = head + (skb->rest ? skb->data_len : 0);

	MUST(skb->len == s->len);
	MUST((skb->pkt_type == PACKET_MULTICAST) == s->many);
	MUST(!memcmp(skb->head + skb->data, pattern(s->seed, 0), head));
	if (skb->rest)
		MUST(!memcmp(skb->rest, pattern(s->seed, head), skb->data_len));
	for (unsigned int i = 0; i < skb->sh.nr_frags; i++) {
		const skb_frag_t *f = &skb->sh.frags[i];
		const u8 *p = pool + (f->page - of_to[0]) * PAGE_SIZE + f->off;

		MUST(!memcmp(p, pattern(s->seed, at), f->len));
		at += f->len;
	}
	MUST(at == s->len);
}

/* They come in order: those that the next one was preceded by */
static void skip_lost(void)
{
	MUST(starves || !to.stats.rx_dropped);
	for (; lost < to.stats.rx_dropped; lost++)
		MUST(sent_tail++ < sent_head);
}

static void netif_receive_skb(struct sk_buff *skb)
{
	u32 sum = skb_headlen(skb);
	struct sent is = { 0 };

	MUST(skb->mac && skb->network && skb->len <= RF_LOOP_MAX_LEN);
	MUST(skb->protocol == htons(ETH_P_IP) ? sum >= 20 : sum >= 40);
	for (unsigned int i = 0; i < skb->sh.nr_frags; i++) {
		const skb_frag_t *f = &skb->sh.frags[i];

		MUST(rf_pool_of(&to.rx.pool, f->page) >= 0);
		MUST(f->len && f->off + f->len <= RF_LOOP_CHUNK);
		sum += f->len;
	}
	MUST(skb->rest || sum == skb->len);
	if (!lies_from && !lies_to) {
		skip_lost();
		MUST(sent_tail < sent_head);
		is = sent[sent_tail++ % ARRAY_SIZE(sent)];
		must_be(skb, &is);
	}
	if (keep && nr_held < FUZZ_HELD) {
		held[nr_held].skb = skb;
		held[nr_held++].is = is;
	} else {
		kfree_skb(skb);
	}
}

/* A program reads: what was kept last, or first. It is still what it was. */
static void let_go(bool last)
{
	unsigned int i = last ? nr_held - 1 : 0;

	if (!nr_held)
		return;
	if (!lies_from && !lies_to)
		must_be(held[i].skb, &held[i].is);
	kfree_skb(held[i].skb);
	held[i] = held[--nr_held];
}

/* A socket's data is put into the pool in the first place, or it is anywhere */
static struct sk_buff *packet(u32 len, u8 seed, bool placed)
{
	u32 head = placed ? 60 : min_t(u32, len, 2048), at = head;
	struct sk_buff *skb = skb_new(head, placed ? 0 : len - head);

	if (!skb)
		return NULL;
	memcpy(skb->head, pattern(seed, 0), head);
	skb->protocol = htons(seed & 1 ? ETH_P_IP : ETH_P_IPV6);
	skb->len = len;
	skb->data_len = len - head;
	if (skb->rest)
		memcpy(skb->rest, pattern(seed, head), len - head);
	while (placed && at < len) {
		u32 n = min_t(u32, len - at, RF_LOOP_CHUNK), off = 0;
		bool few;
		u8 *p;
		int c;

		spin_lock(&from.tx.lock);
		c = skb->sh.nr_frags < 17 ? rf_tx_chunk(&from, &few) : -1;
		spin_unlock(&from.tx.lock);
		if (c < 0) {
			/* so much of it */
			skb->data_len -= len - at;
			skb->len = at;
			break;
		}
		MUST(of_from[c]->refs == 1);
		get_page(of_from[c]);
		if (n < RF_LOOP_CHUNK)
			off = seed % (RF_LOOP_CHUNK - n);
		p = pool + c * RF_LOOP_CHUNK + off;
		skb->sh.frags[skb->sh.nr_frags++] = (skb_frag_t){
			&of_from[c][off / PAGE_SIZE], off % PAGE_SIZE, n };
		memcpy(p, pattern(seed, at), n);
		at += n;
	}
	return skb;
}

static void send_one(bool small)
{
	static const u32 sizes[] = { 60, 344, 345, 1500, 2100, 9000, 20000, 33000 },
		large[] = { 65535, 100000, 190000, 524288, 524289 };
	u32 how = take(1), which = take(1), len = how % 5;
	u8 seed = take(1);
	struct sk_buff *skb;
	unsigned int flags = (how & 128 ? RF_TX_MANY : 0) | (how & 32 ? RF_TX_DROP : 0);
	struct sent s;
	u64 packets = from.stats.tx_packets;

	/* the large ones take time */
	len += small ? 60 : which < 250 ? sizes[which % ARRAY_SIZE(sizes)] :
	       large[which % ARRAY_SIZE(large)];
	skb = packet(len, seed, how & 64 && from.tx.pool.page);
	if (!skb)
		return;
	s = (struct sent){ skb->len, seed, flags & RF_TX_MANY };
	if (skb->sh.nr_frags && how & 16 && nr_unacked < FUZZ_HELD) {
		unacked[nr_unacked] = skb->sh.frags[0].page;
		get_page(unacked[nr_unacked++]);
	}
	if (rf_tx(&from, skb, flags) == NETDEV_TX_BUSY)
		kfree_skb(skb);
	if (from.stats.tx_packets == packets || lies_from || lies_to)
		return;
	skip_lost();
	MUST(sent_head - sent_tail < ARRAY_SIZE(sent));
	sent[sent_head++ % ARRAY_SIZE(sent)] = s;
}

/* ---- liars ---- */

static unsigned long lies;
__attribute__((destructor)) static void say_lies(void)
{
	printf("%lu words of a hostile kernel\n", lies);
}

static void lie_from(void)
{
	struct rf_loop_desc *d = &from.tx.ring[(to.rx.pos + take(1) % 2) % RF_LOOP_SLOTS];
	struct rf_loop_control *c = to.rx.ctrl;
	u32 i;

	switch (take(1) % 8) {
	case 0:	/* a packet that could be one */
		d->protocol = htons(take(1) & 1 ? ETH_P_IP : ETH_P_IPV6);
		d->head = 40 + take(2) % 400;
		d->frags = take(1) % (RF_LOOP_FRAGS + 1);
		d->len = d->head;
		d->multicast = take(1) & 1;
		memset(&d->hdr, 0, sizeof(d->hdr));
		for (i = 0; i < d->frags; i++) {
			d->frag[i].len = 1 + take(2) % RF_LOOP_CHUNK;
			d->frag[i].at = take(1) % FUZZ_CHUNKS * RF_LOOP_CHUNK;
			d->len += d->frag[i].len;
		}
		d->seq = to.rx.pos + 1;
		break;
	case 1:
		d->frag[take(1) % RF_LOOP_FRAGS] = (struct rf_loop_frag){ take(4), take(4) };
		break;
	case 2:
		((u8 *)d)[take(2) % offsetof(struct rf_loop_desc, data)] = take(1);
		break;
	case 3:
		d->seq = take(1) & 1 ? take(4) : to.rx.pos + 1 - take(1) % 3;
		break;
	case 4:
		c->waiting = take(1);
		c->send_bell = take(1);
		break;
	case 5:
		c->tail = take(4);
		c->done[take(1) % FUZZ_CHUNKS] = take(4);
		break;
	case 6:
		d->len = take(3);
		d->head = take(2);
		d->frags = take(1);
		break;
	default:
		for (i = 0; i < offsetof(struct rf_loop_desc, data); i++)
			((u8 *)d)[i] = take(1);
	}
}

static void lie_to(void)
{
	struct rf_loop_control *c = from.tx.ctrl;

	switch (take(1) % 5) {
	case 0:
		c->tail = take(1) & 1 ? take(4) : from.tx.head - take(2) % 600;
		break;
	case 1:
		c->done[take(1) % FUZZ_CHUNKS] = take(4);
		break;
	case 2:	/* all is free, it says */
		for (u32 i = 0; i < FUZZ_CHUNKS; i++)
			c->done[i] = from.tx.sent[i];
		c->tail = from.tx.head;
		break;
	case 3:
		c->notify = take(1);
		c->bell = take(1);
		break;
	default:
		c->waiting = take(1);
	}
}

/* ---- one input ---- */

static void set_up(bool from_pages, bool to_pages, u32 pos)
{
	if (!text[1])
		for (u32 i = 0; i < sizeof(text); i++)
			text[i] = i * 7 + (i >> 8);
	memset(&ctrl, 0, sizeof(ctrl));
	memset(ring, 0, sizeof(ring));
	memset(sent_of, 0, sizeof(sent_of));
	memset(done_of, 0, sizeof(done_of));
	memset(held_of, 0, sizeof(held_of));
	memset(&from, 0, sizeof(from));
	memset(&to, 0, sizeof(to));
	memset(pages, 0, sizeof(pages));
	queue.stopped = false;
	for (u32 c = 0; c < FUZZ_CHUNKS; c++) {
		of_from[c] = &pages[0][c * 8];
		of_to[c] = &pages[1][c * 8];
		of_from[c]->refs = 1;
		of_to[c]->refs = 1;
	}
	for (u32 i = 0; i < RF_LOOP_SLOTS; i++)
		ring[(pos + i) % RF_LOOP_SLOTS].seq = pos + i + 1 - RF_LOOP_SLOTS;
	ctrl.tail = pos;
	from.slot = &rf_slots[0];
	from.txq = &queue;
	from.tx.ctrl = &ctrl;
	from.tx.ring = ring;
	from.tx.pool = (struct rf_pool){ .addr = pool, .chunks = FUZZ_CHUNKS,
		.page = from_pages ? of_from : NULL };
	from.tx.sent = sent_of;
	from.tx.cur = -1;
	from.tx.head = pos;
	from.tx.tail = pos;
	to.txq = &no_queue;
	to.slot = &rf_slots[1];
	to.rx.ctrl = &ctrl;
	to.rx.ring = ring;
	to.rx.pool = (struct rf_pool){ .addr = pool, .chunks = FUZZ_CHUNKS,
		.page = to_pages ? of_to : NULL };
	to.rx.done = done_of;
	to.rx.pos = pos;
	to.rx.told = pos;
	to.rx.held = held_of;
	to.rx.busy = busy;
}

static void poll_to(int budget)
{
	int work = rf_rx_poll(&to.napi, budget);

	MUST(work <= budget && !fuzz_spins);
	MUST(to.rx.busy_head - to.rx.busy_tail == to.rx.kept[0] + to.rx.kept[1]);
	for (u32 c = 0; c < FUZZ_CHUNKS; c++)
		MUST(of_to[c]->refs == 1 || to.rx.held[c]);
	rf_tx_room(&from);
	MUST(from.tx.head - from.tx.tail <= RF_LOOP_SLOTS);
}

/* All is read: nothing may be left, no page, no piece */
static void tear_down(void)
{
	to.rx.pps = 0;
	to.rx.bps = 0;
	fuzz_starve = 0;
	keep = false;
	while (nr_held)
		let_go(true);
	while (nr_unacked)
		put_page(unacked[--nr_unacked]);
	for (u32 i = 0; i < 2 * RF_LOOP_SLOTS / 64 + FUZZ_CHUNKS; i++)
		poll_to(64);
	MUST(!to.rx.kept[0] && !to.rx.kept[1]);
	for (u32 c = 0; c < FUZZ_CHUNKS; c++) {
		MUST(!to.rx.held[c] && of_from[c]->refs == 1 && of_to[c]->refs == 1);
		MUST(lies_from || lies_to || to.rx.done[c] == from.tx.sent[c]);
	}
	if (lies_from || lies_to)
		return;
	skip_lost();
	MUST(sent_head == sent_tail && !to.stats.bad_sequence && !to.stats.bad_bounds && !to.stats.bad_header &&
	     !from.stats.bad_tail);
}

/* Some lies, of the input's own words or of any, each looked at at once */
static void burst(void)
{
	static const unsigned int times[] = { 1, 1, 100, 600 };
	u32 how = take(1), small = how & 4;
	const uint8_t *at, *end;
	u8 any[64];

	for (unsigned int n = times[how % 4]; n--;) {
		at = fuzz_at;
		end = fuzz_end;
		if (n) {
			for (unsigned int i = 0; i < sizeof(any); i++)
				any[i] = fuzz_byte();
			fuzz_at = any;
			fuzz_end = any + sizeof(any);
		}
		if (lies_from)
			lie_from();
		if (lies_to)
			lie_to();
		if (!lies_from)
			send_one(small);
		lies += lies_from + lies_to;
		if (n) {
			fuzz_at = at;
			fuzz_end = end;
		}
		if (lies_from)
			poll_to(8);
		if (n % 4 == 0)
			let_go(n & 4);
	}
}

static void fuzz_one(void)
{
	u32 mode = take(1);

	fuzz_state = mode;
	for (const uint8_t *p = fuzz_at; p < fuzz_end; p++)
		fuzz_state = fuzz_state * 31 + *p;
	fuzz_state |= 1;
	lies_from = mode & 1;
	lies_to = mode & 2;
	meddles = lies_to && mode & 64;
	starves = mode & 16;
	/* as if it had run for long, so that rings and counters wrap */
	set_up(!(mode & 4), !(mode & 8), mode & 32 ? -take(1) : take(1) * 2);
	fuzz_starve = starves ? 3 : 0;
	sent_head = 0;
	sent_tail = 0;
	lost = 0;
	while (fuzz_left()) {
		switch (take(1) % 8) {
		case 0:
		case 1:
			send_one(false);
			break;
		case 2:
			poll_to(1 + take(1) % 64);
			break;
		case 3:
			keep = take(1) & 1;
			break;
		case 4:
			let_go(take(1) & 1);
			if (nr_unacked && take(1) & 1)
				put_page(unacked[--nr_unacked]);
			break;
		case 5:
			fuzz_now += take(1) * 1000;
			if (to.timer.set && take(1) & 1)
				rf_rx_timer(&to.timer);
			break;
		case 6:
			to.rx.pps = take(1) & 1 ? take(2) : 0;
			to.rx.bps = take(1) & 1 ? take(3) : 0;
			break;
		default:
			burst();
		}
	}
	tear_down();
}
