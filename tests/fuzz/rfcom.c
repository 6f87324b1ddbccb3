// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz of modules/rfcom: all of it but its device and its mappings, against a
 * peer that says whatever it likes, while programs open, read, write and close,
 * memory runs out and channels die. A second peer keeps to the protocol: what
 * it says must come, whole and in order, whatever the first one does.
 *
 * With -DCONFIG_RAINFOREST_SUBOS it is a subOS's, whose registry may lie as well.
 */
#include "fuzz.h"
#include "../../modules/rfcom/internal.h"

#define SLOTS	12
#define HEARD	32

unsigned int fuzz_spins, fuzz_starve, fuzz_works;
struct workqueue_struct *rf_com_wq;

#ifdef CONFIG_RAINFOREST_SUBOS
#define SELF	3
#define SECOND	0		/* the supervisor */
#else
#define SELF	0
#define SECOND	6
#endif
#define FIRST	5

u32 rf_com_self(void) { return SELF; }
const char *rf_com_self_name(void) { return SELF ? "self" : "supervisor"; }
void rf_map_revoke(struct rf_com *c) { (void)c; might_sleep(); }

#include "ficm.h"

/* ---- what a peer says ---- */

static unsigned long lies;

__attribute__((destructor)) static void say_lies(void)
{
	printf("%lu messages of a hostile peer\n", lies);
}

static u32 handle_of(const struct rf_ficm_channel *ch)
{
	u8 how = take(1);

	if (how < 200 && ch->n)
		return ch->heard[how % min(ch->n, (unsigned int)HEARD)];
	if (how < 220)
		return second.heard[how % HEARD];
	return take(how & 1 ? 1 : 4);
}

static struct rf_com *slot[SLOTS];	/* the programs' */

static struct rf_com *ours(u32 handle)
{
	for (unsigned int i = 0; i < SLOTS; i++)
		if (slot[i] && slot[i]->handle == handle && slot[i]->state == RF_IS_OPEN)
			return slot[i];
	return NULL;
}

/* As many as may come, and more: each as the protocol has it, but for the credits */
static void flood(void)
{
	bool bulk = take(1) & 1;
	u32 to = handle_of(&first), len = bulk ? take(2) + 1 : 1 + take(1) % 192;
	struct rf_com *c = ours(to);
	u8 msg[RF_MSG_DATA];

	for (unsigned int n = take(1) % 80; c && n; n--) {
		struct rf_com_bulk b = { .to = to, .len = len, .pos = c->bulk_came };
		struct rf_com_data d = {
			.to = to, .total = len, .part = bulk ? 0 : c->came - c->whole,
		};

		memset(msg, 0, sizeof(msg));
		memcpy(msg, bulk ? (void *)&b : &d, bulk ? sizeof(b) : sizeof(d));
		lies++;
		in(&first, bulk ? RF_COM_BULK : RF_COM_DATA, msg);
	}
}

static u64 near(u64 n) { return n + (s8)take(1) % 3; }

static void lie(struct rf_ficm_channel *ch)
{
	static const u8 types[] = {
		RF_COM_DATA, RF_COM_DATA, RF_COM_DATA, RF_COM_BULK, RF_COM_BULK, RF_COM_CREDIT,
		RF_COM_WANT, RF_COM_OPEN, RF_COM_OPENED, RF_COM_SHARE, RF_COM_READY,
	};
	static const u32 lens[] = { 0, 1, 48, 49, 192, 193, 65535, 65536, 65537, 131072 };
	u8 how = take(1);
	struct rf_com *c;
	u16 type = how < 170 ? types[how % ARRAY_SIZE(types)] : how % 28;
	union {
		u8 bytes[RF_MSG_DATA];
		struct rf_com_data data;
		struct rf_com_bulk bulk;
		struct rf_com_credit credit;
		struct rf_com_share share;
		struct rf_com_open open;
		struct rf_com_word word;
		struct rf_com_found found;
		struct rf_com_region region;
		struct rf_com_name name;
		struct rf_com_grant grant;
	} m;

	/* as a peer it keeps to the protocol; as the registry it may not */
	if (ch == &second && type < RF_COM_HELLO)
		return;
	memset(&m, 0, sizeof(m));
	for (unsigned int i = 4; i < 24; i++)
		m.bytes[i] = how & 1 ? take(1) : 0;
	m.word.to = handle_of(ch);
	c = ours(m.word.to);
	switch (how & 1 ? 0 : type) {
	case RF_COM_DATA:
		m.data.total = lens[take(1) % 6];
		m.data.part = c ? near(c->came - c->whole) : take(1) % 5;
		break;
	case RF_COM_BULK:
		m.bulk.len = lens[take(1) % ARRAY_SIZE(lens)];
		m.bulk.pos = near(c ? c->bulk_came : m.bulk.len * (u64)(take(1) & 3));
		break;
	case RF_COM_CREDIT:
		m.credit.lines = take(1);
		m.credit.bytes = near(take(1) * 65536);
		break;
	case RF_COM_SHARE:
	case RF_COM_READY:
	case RF_COM_FAILED:
	case RF_COM_REFUSED:
		m.share.kind = take(1) % 3;
		m.share.size = take(2);
		m.share.error = (s8)take(1);
		break;
	case RF_COM_OPEN:
	case RF_COM_OPENED:
		m.open.from = take(1);
		m.open.error = take(1) & 3 ? 0 : (s8)take(1);
		m.open.rights = take(1) & 3 ? RF_MAY_ALL : take(1);
		m.open.buffer = take(1) & 3 ? RF_COM_BUFFER_MIN : take(4);
		break;
	case RF_COM_HELLO:
		m.word.error = near(RF_COM_VERSION);
		break;
	case RF_COM_NAME:
		m.name.part = take(1) & 1;
		snprintf((char *)m.name.text, 8, "test/%u", (unsigned int)take(1) & 3);
		break;
	case RF_COM_FOUND:
		m.found.owner = take(1) & 1 ? FIRST : SELF;
		m.found.service = handle_of(ch);
		m.found.rights = take(1);
		break;
	case RF_COM_REGION:
		m.region.kind = take(1) % 3;
		m.region.peer = take(1) & 3 ? SELF : take(1) & 7;
		m.region.client = handle_of(ch);
		m.region.size = take(3);
		m.region.rights = take(1);
		break;
	}
	lies++;
	in(ch, type, &m);
}

/* The sane one: a message of eight bytes, its number, if it has credits */
static void sane_say(void)
{
	struct rf_com_data d = { .to = sane.ours, .total = 8 };

	if (!sane.ours || sane.sent - sane.credit >= RF_COM_WINDOW)
		return;
	sane.sent++;
	memcpy(d.data, &sane.sent, 8);
	in(&second, RF_COM_DATA, &d);
}

bool fuzz_meanwhile(void)
{
	u16 type = answer.type;

	if (!fuzz_left())
		return fuzz_work();
	switch (take(1) % 16) {
	case 0:
		fuzz_work();
		break;
	case 1:
		sane_say();
		break;
	case 2 ... 9:
		answer.type = 0;
		if (type)
			in(answer.ch, type, answer.data);
		break;
	default:
		lie(&first);
	}
	return true;
}

/* ---- programs ---- */

static struct rf_com **a_slot(bool full)
{
	unsigned int at = take(1);

	for (unsigned int i = 0; i < SLOTS; i++)
		if (!!slot[(at + i) % SLOTS] == full)
			return &slot[(at + i) % SLOTS];
	return NULL;
}

static void keep(struct rf_com *c)
{
	struct rf_com **s = a_slot(false);

	if (IS_ERR(c))
		return;
	if (s)
		*s = c;
	else
		rf_close(c);
}

static void open_one(u32 flags)
{
	char name[16];
	struct rf_com *c;

	snprintf(name, sizeof(name), "test/%u", (unsigned int)take(1) & 3);
	c = rf_com_open(name, flags, flags & RF_WAIT ? 10 : 0,
			flags & RF_LISTEN ? RF_COM_BUFFER_MIN : 0, flags & RF_LISTEN ? 4 : 0);
	if (!IS_ERR(c) && (flags & RF_LISTEN)) {
		rf_grant(c, "mad", take(1) & 3 ? RF_MAY_ALL : take(1) & RF_MAY_ALL);
		first.heard[first.n++ % HEARD] = c->handle;
	}
	keep(c);
}

/* A listener that the sane one opens; its program reads what comes */
static void sane_open(void)
{
	struct rf_com_open open = { .from = 77 };
	u8 msg[RF_MSG_DATA] = { 0 };
	struct rf_com *l;

	if (sane.end || second.closed)
		return;
	l = rf_com_open("test/sane", RF_LISTEN, 0, 0, 0);
	if (IS_ERR(l))
		return;
	rf_grant(l, second.name, RF_MAY_ALL);
	open.to = l->handle;
	memcpy(msg, &open, sizeof(open));
	in(&second, RF_COM_OPEN, msg);
	sane.end = rf_com_accept(l, 0);
	if (IS_ERR(sane.end))
		sane.end = NULL;
	rf_close(l);
	if (!sane.end || sane.end->ch != &second || sane.end->to != 77) {
		rf_close(sane.end);
		sane.end = NULL;
		return;
	}
	sane.ours = READ_ONCE(sane.end->error) ? 0 : sane.end->handle;
	sane.sent = sane.credit = sane.read = 0;
}

static void sane_check(void)
{
	u64 word;
	ssize_t n;

	if (!sane.end)
		return;
	while ((n = rf_read(sane.end, &word, sizeof(word), 0)) == sizeof(word))
		MUST(word == ++sane.read);
	/* nobody but itself may end it */
	MUST(n == -EAGAIN || n == -ECONNRESET);
	MUST(!sane.ours || (n == -EAGAIN && sane.read == sane.sent));
}

static void transfer(struct rf_com *c, bool write)
{
	static const u32 lens[] = { 1, 47, 48, 49, 191, 192, 193, 1000, 65535, 65536, 65537 };
	u32 len = lens[take(1) % ARRAY_SIZE(lens)];
	int timeout = (int)(take(1) % 3) * 10;
	u8 *buf = malloc(len);
	struct iov_iter i = { buf, len, take(1) & 15 ? len : len / 2 };
	ssize_t n;

	memset(buf, 'x', len);
	n = write ? rf_com_write(c, &i, timeout) : rf_com_read(c, &i, timeout);
	MUST(n <= (ssize_t)len && n >= -MAX_ERRNO);
	MUST(!write || n == (ssize_t)len || n < 0);
	free(buf);
}

/* What holds at any time, whatever was said */
static void sound(struct rf_com *c)
{
	const struct rf_share *s = c ? &c->share[RF_COM_BUFFER] : NULL;

	if (!c || c->state == RF_IS_LISTENING)
		return;
	MUST(!c->lock.held && !c->read_lock.held && !c->write_lock.held);
	MUST(c->came - c->taken <= RF_COM_WINDOW && c->whole <= c->came && c->told <= c->taken);
	MUST(c->messages <= c->whole - c->taken && !c->messages == (c->whole == c->taken));
	MUST(c->bulk_came - c->bulk_taken <= s->size / 2 && c->bulk_taken <= c->bulk_came);
}

static void step(void)
{
	u8 op = take(1);
	struct rf_com **s;

	if (op >= 248) {
		flood();
		return;
	}
	if (op >= 130) {
		lie(op & 7 ? &first : SELF ? &second : &first);
		return;
	}
	if (op < 10 || op == 16) {
		open_one(op < 4 ? RF_LISTEN : op < 8 ? 0 : RF_WAIT);
	} else if (op < 14) {
		sane_open();
	} else if (op < 30) {
		sane_say();
		sane_check();
	} else if (op == 30) {
		gone(op & 1 ? &second : &first);
		opened(&first);
	} else if (op == 31) {
		gone(&second);
		opened(&second);
	} else if (op < 40) {
		fuzz_work();
	} else if (op == 40) {
		fuzz_starve = take(1) & 7;
		open_one(take(1) & RF_LISTEN);
		lie(&first);
		fuzz_starve = 0;
	} else if (op < 46 && SELF != 0) {
		/* what was asked for, or something like it */
		give(take(1) & 7 ? FIRST : SECOND,
		     (u64)handle_of(&second) << 32 | (take(1) & 7 ? asked.client : handle_of(&first)),
		     (u64)(take(1) % 3) << 32 | (take(1) & 7 ? SELF : FIRST),
		     take(1) & 7 ? 4 * RF_COM_BUFFER_MIN : PAGE_SIZE, 0);
	} else if (op < 52) {
		unsigned int at = take(1) % ARRAY_SIZE(region);

		if (region[at].used)
			regions->taken(&region[at].r, NULL);
	} else {
		s = a_slot(true);
		if (!s)
			return;
		if (op < 64) {
			keep(rf_com_accept(*s, op & 1 ? 10 : 0));
		} else if (op < 100) {
			transfer(*s, op & 1);
		} else if (op < 110) {
			rf_com_readable(*s);
			rf_com_writable(*s);
			rf_com_next(*s);
		} else if (op < 118) {
			if ((*s)->state == RF_IS_OPEN)
				rf_share_get(*s, op & 1, PAGE_SIZE, op & 2 ? 10 : 0);
		} else if (op < 122) {
			rf_grant(*s, op & 1 ? "mad" : "*", take(1));
		} else {
			rf_com_shut(*s, op & 1);
			rf_com_put(*s);
			*s = NULL;
		}
	}
}

static void fuzz_one(void)
{
	MUST(!rf_share_init());
	second.closed = true;
	MUST(!rf_wire_init());
	opened(&first);
	opened(&second);
	while (fuzz_left()) {
		step();
		for (unsigned int i = 0; i < SLOTS; i++)
			sound(slot[i]);
	}
	sane_check();
	for (unsigned int i = 0; i < SLOTS; i++) {
		rf_close(slot[i]);
		slot[i] = NULL;
	}
	rf_close(sane.end);
	sane.end = NULL;
	gone(&first);
	gone(&second);
	fuzz_flush();
	for (unsigned int i = 0; i < ARRAY_SIZE(region); i++)
		if (region[i].used)
			regions->taken(&region[i].r, NULL);
	rf_names_exit();
	rf_broker_exit();
	rf_com_exit();
	for (unsigned int i = 0; i < ARRAY_SIZE(region); i++)
		MUST(!region[i].used);
	MUST(!first.refs && !second.refs && !fuzz_spins);
	first.n = second.n = answer.type = 0;
	memset(first.heard, 0, sizeof(first.heard));
	memset(second.heard, 0, sizeof(second.heard));
}
