/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The world of rfcom.c: a queue of work, FICM's channels and regions, and a supervisor
 * (or registry) that may refuse. Included there, after who is who.
 */
#ifndef FUZZ_FICM_H
#define FUZZ_FICM_H

/* ---- work ---- */

static LIST_HEAD(queue);

void fuzz_queue(struct work_struct *w)
{
	w->queued = true;
	list_add_tail(&w->node, &queue);
}

bool fuzz_work(void)
{
	struct work_struct *w;

	if (list_empty(&queue))
		return false;
	w = list_first_entry(&queue, struct work_struct, node);
	list_del(&w->node);
	w->queued = false;
	fuzz_works++;
	w->fn(w);
	fuzz_works--;
	return true;
}

/* ---- FICM ---- */

static struct rf_com_region asked;	/* in a subOS: what it asked for last */

struct rf_ficm_channel {
	const char *name;
	u32 peer;
	int refs;
	bool closed;
	u32 heard[HEARD];	/* handles that it was told */
	unsigned int n;
};

static struct rf_ficm_channel first = { .name = "mad", .peer = FIRST };
static struct rf_ficm_channel second = { .name = "sane", .peer = SECOND };
static const struct rf_ficm_service *wire;

/* The peer that keeps to the protocol: an end of a channel to a listener of ours */
static struct {
	u32 ours;		/* handle of our end; 0: none */
	u64 sent, credit, read;
	struct rf_com *end;
} sane;

int rf_ficm_register(unsigned int port, const struct rf_ficm_service *svc)
{
	MUST(port == RF_PORT_COM);
	wire = svc;
	return 0;
}

void rf_ficm_unregister(unsigned int port) { (void)port; }
void rf_ficm_get(struct rf_ficm_channel *ch) { ch->refs++; }
void rf_ficm_put(struct rf_ficm_channel *ch) { if (ch) MUST(ch->refs-- > 0); }
const char *rf_ficm_name(const struct rf_ficm_channel *ch) { return ch->name; }
u32 rf_ficm_peer(const struct rf_ficm_channel *ch) { return ch->peer; }
void rf_ficm_busy_begin(struct rf_ficm_channel *ch) { (void)ch; }
void rf_ficm_busy_end(struct rf_ficm_channel *ch) { (void)ch; }
bool rf_ficm_busy_look(struct rf_ficm_channel *ch) { (void)ch; return false; }

#ifdef CONFIG_RAINFOREST_SUBOS
struct rf_ficm_channel *rf_ficm_supervisor(void) { return second.closed ? NULL : &second; }
#endif

struct rf_ficm_channel *rf_ficm_find_peer(u32 peer)
{
	struct rf_ficm_channel *ch = peer == first.peer ? &first : peer == second.peer ? &second :
				     NULL;

	if (!ch || ch->closed)
		return NULL;
	rf_ficm_get(ch);
	return ch;
}

struct rf_ficm_channel *rf_ficm_next(u64 *serial)
{
	struct rf_ficm_channel *ch[] = { &first, &second };

	while (*serial < ARRAY_SIZE(ch)) {
		if (ch[*serial]->closed) {
			++*serial;
			continue;
		}
		rf_ficm_get(ch[*serial]);
		return ch[(*serial)++];
	}
	return NULL;
}

static struct {			/* what a peer would say, if it kept to the protocol */
	struct rf_ficm_channel *ch;
	u16 type;
	u8 data[RF_MSG_DATA];
} answer;

static void answer_to(struct rf_ficm_channel *ch, u16 type, u32 to)
{
	const struct rf_com_word word = { .to = to };
	const struct rf_com_found found = {
		.to = to, .owner = to & 3 ? FIRST : SELF, .service = 9, .rights = RF_MAY_ALL,
	};
	const struct rf_com_open opened = {
		.to = to, .from = 9, .rights = RF_MAY_ALL, .buffer = RF_COM_BUFFER_MIN,
	};

	memset(&answer, 0, sizeof(answer));
	answer.ch = ch;
	switch (type) {
	case RF_COM_REGISTER:
	case RF_COM_GRANT:
		answer.type = RF_COM_REGISTERED;
		memcpy(answer.data, &word, sizeof(word));
		break;
	case RF_COM_LOOKUP:
		answer.type = RF_COM_FOUND;
		memcpy(answer.data, &found, sizeof(found));
		break;
	case RF_COM_OPEN:
		answer.type = RF_COM_OPENED;
		memcpy(answer.data, &opened, sizeof(opened));
		break;
	}
}

/* What goes out: handles are remembered, so that the next lie may hit */
static int out(struct rf_ficm_channel *ch, u16 type, const void *data, size_t len, bool may_fail)
{
	const struct rf_com_open *open = data;
	const struct rf_com_credit *credit = data;
	const struct rf_com_word *word = data;

	MUST(len <= RF_MSG_DATA && ch->refs >= 0);
	if (ch->closed)
		return -ECONNRESET;
	if (may_fail && fuzz_left() && !(take(1) & 15))
		return -EAGAIN;
	if (type == RF_COM_OPEN || (type == RF_COM_OPENED && !open->error))
		ch->heard[ch->n++ % HEARD] = open->from;
	if (type == RF_COM_REGISTER || type == RF_COM_LOOKUP || type == RF_COM_REGION)
		ch->heard[ch->n++ % HEARD] = word->to;
	if (type == RF_COM_OPEN)
		answer_to(ch, type, open->from);
	if (ch == &second && (type == RF_COM_REGISTER || type == RF_COM_GRANT ||
			      type == RF_COM_LOOKUP))
		answer_to(ch, type, word->to);
	if (type == RF_COM_REGION)
		memcpy(&asked, data, sizeof(asked));
	if (ch != &second || !sane.ours)
		return 0;
	if (type == RF_COM_CREDIT && credit->to == 77) {
		MUST(credit->lines <= sane.sent && credit->lines >= sane.credit);
		sane.credit = credit->lines;
	}
	return 0;
}

int rf_ficm_post(struct rf_ficm_channel *ch, unsigned int port, u16 type, const void *data,
		 size_t len)
{
	MUST(port == RF_PORT_COM);
	return out(ch, type, data, len, true);
}

int rf_ficm_send_timeout(struct rf_ficm_channel *ch, unsigned int port, u16 type,
			 const void *data, size_t len, unsigned int timeout_ms)
{
	int err;

	MUST(port == RF_PORT_COM && timeout_ms);
	might_sleep();
	err = out(ch, type, data, len, true);
	return err == -EAGAIN ? -ETIMEDOUT : err;
}

int rf_ficm_send_bulk(struct rf_ficm_channel *ch, unsigned int port, u16 type, const void *data,
		      size_t len, unsigned int n)
{
	unsigned int i;
	int err = 0;

	MUST(port == RF_PORT_COM && n);
	for (i = 0; i < n && !err; i++)
		err = out(ch, type, data + i * len, len, true);
	return err && i == 1 ? err : (int)(err ? i - 1 : i);
}

static void in(struct rf_ficm_channel *ch, u16 type, const void *data)
{
	struct rf_ficm_msg msg = { .port = RF_PORT_COM, .len = RF_MSG_DATA, .type = type };

	if (ch->closed)
		return;
	memcpy(msg.data, data, RF_MSG_DATA);
	fuzz_spins++;		/* interrupts are off */
	if (!wire->irq(ch, &msg, NULL)) {
		fuzz_spins--;
		wire->receive(ch, &msg, NULL);
	} else {
		fuzz_spins--;
	}
}

static void opened(struct rf_ficm_channel *ch)
{
	ch->closed = false;
	wire->opened(ch, NULL);
}

static void gone(struct rf_ficm_channel *ch)
{
	if (ch->closed)
		return;
	ch->closed = true;
	wire->gone(ch, NULL);
	if (ch == &second)
		sane.ours = 0;
}

/* ---- regions ---- */

static const struct rf_region_service *regions;
static struct {
	struct rf_region r;
	struct rf_region_chunk chunk;
	bool used;
} region[8];

int rf_region_register(unsigned int port, const struct rf_region_service *svc)
{
	MUST(port == RF_PORT_COM);
	regions = svc;
	return 0;
}

void rf_region_unregister(unsigned int port) { (void)port; }

void rf_region_release(struct rf_region *r)
{
	might_sleep();
	for (unsigned int i = 0; i < ARRAY_SIZE(region); i++) {
		if (&region[i].r != r)
			continue;
		MUST(region[i].used);
		region[i].used = false;
		free(r->addr);
		return;
	}
	MUST(!"a region that was given");
}

static int give(u32 peer, u64 tag0, u64 tag1, u64 size, u32 flags)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(region); i++) {
		struct rf_region *r = &region[i].r;
		int err;

		if (region[i].used)
			continue;
		*r = (struct rf_region) {
			.id = i, .port = RF_PORT_COM, .peer = peer, .tag = { tag0, tag1 },
			.size = size, .flags = flags, .nr_chunks = 1, .chunk = &region[i].chunk,
			.addr = malloc(size),
		};
		region[i].used = true;
		err = regions->given(r, NULL);
		if (err) {
			region[i].used = false;
			free(r->addr);
		}
		return err;
	}
	return -EDQUOT;
}

/* The supervisor makes one: our end gets it, if we are one of the two */
s64 rf_region_make(const struct rf_region_params *p)
{
	MUST(p->size && p->size <= RF_REGION_MAX && p->end[0] != p->end[1] && p->end[1]);
	if (p->size > 1 << 20 || !(take(1) & 15))
		return -EDQUOT;
	if (!p->end[0])
		return give(p->end[1], p->tag[0], p->tag[1], PAGE_ALIGN(p->size), p->flags[0]) ?: 1;
	return 1;
}

int rf_channel_ensure(u32 a, u32 b) { (void)a; (void)b; return take(1) & 1 ? -ECONNRESET : 0; }

#endif /* FUZZ_FICM_H */
