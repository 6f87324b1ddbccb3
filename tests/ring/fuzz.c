// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz of the message ring: both ends run against a peer that writes whatever
 * it likes wherever it likes, and against an honest one in every interleaving.
 *
 * usage: fuzz [RUNS [SEED]]; with -DLIBFUZZER it is libFuzzer's target.
 * Under ASan and UBSan: to stay within the ring, whatever stands in it.
 */
#include "shim.h"

struct input {
	const uint8_t *at, *end;
};

static uint64_t take(struct input *in, size_t n)
{
	uint64_t v = 0;

	for (; n && in->at < in->end; n--)
		v = v << 8 | *in->at++;
	return v;
}

/* What a corrupt or hostile kernel may do to a ring, at any time */
static void scribble(struct input *in, struct rf_ficm_ring *ring, unsigned int order)
{
	uint8_t kind = take(in, 1);
	uint32_t n = 1U << order;
	struct rf_ficm_msg *slot = &ring->slot[take(in, 1) & (n - 1)];

	switch (kind % 8) {
	case 0:
		slot->seq = take(in, 4);
		break;
	case 1:	/* near what is right, where the odds are better */
		slot->seq += (int8_t)take(in, 1);
		break;
	case 2:
		slot->len = take(in, 1);
		slot->port = take(in, 1);
		break;
	case 3:
		ring->tail += (int8_t)take(in, 1);
		break;
	case 4:
		ring->tail = take(in, 8);
		break;
	case 5:
		ring->head = take(in, 8);
		ring->order = take(in, 4);
		ring->generation = take(in, 8);
		break;
	case 6:
		ring->notify = take(in, 4);
		ring->waiting = take(in, 4);
		ring->bell = take(in, 4);
		break;
	case 7: {
		size_t at = take(in, 2) % rf_msgring_size(order);

		((uint8_t *)ring)[at] = take(in, 1);
		break;
	}
	}
}

static void hostile(struct input *in)
{
	unsigned int order = RF_MSG_MIN_ORDER + take(in, 1) % 5;
	struct rf_ficm_ring *ring = ring_new(order, 7);
	uint8_t data[RF_MSG_DATA] = { 1, 2, 3 };
	struct rf_msg_tx tx;
	struct rf_msg_rx rx;

	/* a header of any kind is refused, or fits */
	if (take(in, 1) & 1) {
		uint64_t size = take(in, 1) & 1 ? rf_msgring_size(order) : take(in, 4);
		int got;

		scribble(in, ring, order);
		got = rf_msgring_check(ring, size, 7);
		MUST(got < 0 || rf_msgring_size(got) <= size);
	}
	rf_msgtx_init(&tx, ring, order, 1);
	rf_msgrx_init(&rx, ring, order, 2);
	while (in->at < in->end) {
		uint8_t op = take(in, 1);
		struct rf_ficm_msg msg;
		uint64_t pos = rx.pos;
		int n;

		switch (op % 8) {
		case 0:
		case 1:
			n = rf_msgrx_take(&rx, &msg);
			if (n == 1) {
				MUST(msg.len <= RF_MSG_DATA && msg.port < RF_PORTS);
				for (unsigned int i = msg.len; i < RF_MSG_DATA; i++)
					MUST(!msg.data[i]);
			}
			MUST(rx.pos == pos + (n == 1 || n == -EBADMSG));
			/* a poll of a slot with garbage complains once */
			if (n == -EILSEQ)
				MUST(!rf_msgrx_take(&rx, &msg));
			if (rf_msgrx_due(&rx))
				rf_msgrx_tell(&rx);
			MUST(rx.pos - rx.told < rx.count);
			break;
		case 2:
		case 3:
			n = rf_msgtx_room(&tx);
			MUST(n == -EPROTO || (n >= 0 && n <= (int)tx.count));
			if (n > 0)
				rf_msgtx_put(&tx, take(in, 1) % RF_PORTS, take(in, 2), data,
					     take(in, 1) % (RF_MSG_DATA + 1));
			MUST(tx.head - tx.tail <= tx.count);
			rf_msgtx_bell(&tx);
			break;
		case 4:
			rf_msgtx_want(&tx);
			rf_msgrx_arm(&rx);
			rf_msgrx_tell(&rx);
			break;
		case 5:
			rf_msgrx_disarm(&rx);
			rf_msgrx_move(&rx, take(in, 1));
			rf_msgtx_move(&tx, take(in, 1));
			break;
		default:
			scribble(in, ring, order);
		}
	}
	free(ring);
}

/* ---- two honest ends ---- */

/* What each does next: the steps between which the other may do anything */
enum step { GO, DRY, ASLEEP };

struct pair {
	struct rf_ficm_ring *ring;
	struct rf_msg_tx tx;
	struct rf_msg_rx rx;
	enum step sender, receiver;
	uint32_t sent, got;
};

/* Long after the start: sequence words wrap */
static void pair_age(struct pair *p, uint64_t at)
{
	at &= ~(uint64_t)(p->rx.count - 1);
	for (uint32_t i = 0; i < p->rx.count; i++)
		p->ring->slot[i].seq = (uint32_t)(at + i + 1 - p->rx.count);
	p->tx.head = at;
	p->tx.tail = at;
	p->rx.pos = at;
	p->rx.told = at;
	p->ring->tail = at;
}

static void pair_send(struct pair *p)
{
	int n;

	if (p->sender == ASLEEP)
		return;
	if (p->sender == DRY) {
		p->sender = rf_msgtx_want(&p->tx) ? GO : ASLEEP;
		return;
	}
	n = rf_msgtx_room(&p->tx);
	MUST(n >= 0);
	if (!n) {
		p->sender = DRY;
		return;
	}
	p->sent++;
	rf_msgtx_put(&p->tx, p->sent % RF_PORTS, p->sent, &p->sent, sizeof(p->sent));
	if (rf_msgtx_bell(&p->tx)) {
		MUST(READ_ONCE(p->ring->bell) == 2);
		p->receiver = GO;
	}
}

static void pair_receive(struct pair *p)
{
	struct rf_ficm_msg msg;
	bool ring_it = false;
	int n;

	if (p->receiver == ASLEEP)
		return;
	if (p->receiver == DRY) {
		ring_it = rf_msgrx_tell(&p->rx);
		p->receiver = rf_msgrx_arm(&p->rx) ? GO : ASLEEP;
	} else {
		n = rf_msgrx_take(&p->rx, &msg);
		MUST(n == 0 || n == 1);
		if (n) {
			p->got++;
			MUST(!memcmp(msg.data, &p->got, sizeof(p->got)));
			MUST(msg.port == p->got % RF_PORTS && msg.type == (uint16_t)p->got);
			rf_msgrx_disarm(&p->rx);
			if (rf_msgrx_due(&p->rx))
				ring_it = rf_msgrx_tell(&p->rx);
		} else {
			p->receiver = DRY;
		}
	}
	if (ring_it) {
		MUST(READ_ONCE(p->ring->send_bell) == 1);
		p->sender = GO;
	}
}

/*
 * In any interleaving of their steps all arrives, in order, and nobody sleeps
 * while there is a message or room for him and no bell on its way.
 */
static void honest(struct input *in)
{
	unsigned int order = RF_MSG_MIN_ORDER + take(in, 1) % 4;
	struct pair p = { .ring = ring_new(order, 9) };

	rf_msgtx_init(&p.tx, p.ring, order, 1);
	rf_msgrx_init(&p.rx, p.ring, order, 2);
	if (take(in, 1) & 1)
		pair_age(&p, 0x100000000ULL * (1 + take(in, 1)) - take(in, 1) - (1U << order));
	while (in->at < in->end) {
		uint8_t ops = take(in, 1);

		for (unsigned int i = 0; i < 8; i++, ops >>= 1) {
			if (ops & 1)
				pair_send(&p);
			else
				pair_receive(&p);
			MUST(p.sender != ASLEEP || p.receiver != ASLEEP);
			MUST(p.receiver != ASLEEP || !rf_msgrx_ready(&p.rx));
			MUST(p.sent - p.got <= p.tx.count);
		}
	}
	free(p.ring);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };

	if (take(&in, 1) & 1)
		honest(&in);
	else
		hostile(&in);
	return 0;
}

#ifndef LIBFUZZER
static uint64_t state;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

int main(int argc, char **argv)
{
	unsigned long runs = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;
	uint8_t buf[256];

	state = argc > 2 ? strtoull(argv[2], NULL, 0) : 88172645463325252ULL;
	for (unsigned long i = 0; i < runs; i++) {
		size_t len = 8 + next() % (sizeof(buf) - 8);

		for (size_t j = 0; j < len; j += 8) {
			uint64_t v = next();

			memcpy(buf + j, &v, len - j < 8 ? len - j : 8);
		}
		LLVMFuzzerTestOneInput(buf, len);
	}
	printf("%lu runs\n", runs);
	return 0;
}
#endif
