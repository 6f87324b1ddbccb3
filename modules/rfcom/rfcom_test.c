// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of RFcom: the kernel's calls, within one kernel; and what another
 * kernel may say, by a channel of FICM whose other end is ours too.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <rf/msgring.h>

#include "internal.h"

#define NAME	"kunit/rfcom"
#define ORDER	6
#define FAKE	4000000		/* id of a kernel that there is not */

/* ---- the kernel's calls ---- */

static void pair_open(struct kunit *test, struct rf_com **l, struct rf_com **c, struct rf_com **s)
{
	*l = rf_open(NAME, RF_LISTEN, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(*l));
	*c = rf_open(NAME, 0, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(*c));
	*s = rf_accept(*l, 1000);
	KUNIT_ASSERT_FALSE(test, IS_ERR(*s));
}

static void test_names(struct kunit *test)
{
	static const char * const bad[] = {
		"", " ", "a b", "a\n", "@a", "a@b@c", "a*", "\xff",
	};
	static const char * const good[] = { "a", "kv", "a.b-c_d:e/f", "x@web", "9" };
	char long_name[RF_COM_NAME_LEN + 1];

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR(rf_open(bad[i], 0, 0)), -EINVAL, "%s", bad[i]);
	for (unsigned int i = 0; i < ARRAY_SIZE(good); i++)
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR(rf_open(good[i], 0, 0)), -ENOENT, "%s", good[i]);
	memset(long_name, 'n', sizeof(long_name));
	long_name[RF_COM_NAME_LEN] = 0;
	KUNIT_EXPECT_EQ(test, PTR_ERR(rf_open(long_name, 0, 0)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(rf_open("a", RF_NONBLOCK, 0)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(rf_open("a", RF_WAIT, 20)), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, PTR_ERR(rf_open("a@other", RF_LISTEN, 0)), -EACCES);
}

static void test_messages(struct kunit *test)
{
	static const size_t sizes[] = { 1, 48, 49, 192, 193, 5000, 1 << 20 };
	u8 *out = kvmalloc(1 << 20, GFP_KERNEL), *in = kvmalloc(1 << 20, GFP_KERNEL);
	struct rf_com *l, *c, *s;

	KUNIT_ASSERT_TRUE(test, out && in);
	pair_open(test, &l, &c, &s);
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(out, i + 1, sizes[i]);
		KUNIT_EXPECT_EQ(test, rf_write(c, out, sizes[i], 1000), sizes[i]);
		KUNIT_EXPECT_EQ(test, rf_read(s, in, sizes[i] - 1, 0), -EMSGSIZE);
		KUNIT_EXPECT_EQ(test, rf_read(s, in, 1 << 20, 0), sizes[i]);
		KUNIT_EXPECT_EQ(test, memcmp(in, out, sizes[i]), 0);
	}
	KUNIT_EXPECT_EQ(test, rf_read(s, in, 1, 0), -EAGAIN);
	KUNIT_EXPECT_EQ(test, rf_read(s, in, 1, 10), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, rf_write(c, out, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, rf_write(c, out, (1 << 20) + 1, 0), -EMSGSIZE);
	for (unsigned int i = 0; i < RF_COM_WINDOW; i++)
		KUNIT_EXPECT_EQ(test, rf_write(c, out, 1, 0), 1);
	KUNIT_EXPECT_EQ(test, rf_write(c, out, 1, 0), -EAGAIN);
	KUNIT_EXPECT_EQ(test, rf_write(c, out, 1, 10), -ETIMEDOUT);
	for (unsigned int i = 0; i < RF_COM_WINDOW; i++)
		KUNIT_EXPECT_EQ(test, rf_read(s, in, 1, 0), 1);
	KUNIT_EXPECT_EQ(test, rf_write(c, out, 1, 0), 1);
	KUNIT_EXPECT_EQ(test, rf_read(s, in, 1, 0), 1);
	rf_close(c);
	KUNIT_EXPECT_EQ(test, rf_read(s, in, 1, 1000), 0);
	KUNIT_EXPECT_EQ(test, rf_write(s, out, 1, 0), -EPIPE);
	rf_close(s);
	rf_close(l);
	kvfree(out);
	kvfree(in);
}

static void test_map(struct kunit *test)
{
	u64 size = 10000, more = 20000;
	struct rf_com *l, *c, *s;
	u8 *a, *b;

	pair_open(test, &l, &c, &s);
	a = rf_map(c, &size, 1000);
	KUNIT_ASSERT_FALSE(test, IS_ERR(a));
	KUNIT_EXPECT_EQ(test, size, PAGE_ALIGN(10000));
	KUNIT_EXPECT_EQ(test, PTR_ERR(rf_map(s, &more, 1000)), -EINVAL);
	b = rf_map(s, &size, 1000);
	KUNIT_ASSERT_FALSE(test, IS_ERR(b));
	a[9999] = 7;
	KUNIT_EXPECT_EQ(test, b[9999], 7);
	rf_close(c);
	KUNIT_EXPECT_EQ(test, b[9999], 7);	/* ours until we let go */
	rf_unmap(s);
	rf_close(s);
	rf_close(l);
}

/* ---- another kernel ---- */

struct other {
	struct rf_ficm_ring *ring[2];
	struct rf_ficm_channel *ours;
	struct rf_msg_tx tx;		/* its hand in the ring that we read */
	struct rf_com *l, *s;
};

/* What it sends we take at once; what we answer it doesn't read */
static void say(struct kunit *test, struct other *o, u16 type, const void *data, size_t len)
{
	KUNIT_ASSERT_GT(test, rf_msgtx_room(&o->tx), 0);
	rf_msgtx_put(&o->tx, RF_PORT_COM, type, data, len);
	rf_ficm_busy_begin(o->ours);
	rf_ficm_busy_look(o->ours);
	rf_ficm_busy_end(o->ours);
}

static void other_open(struct kunit *test, struct other *o, u32 rights)
{
	static u64 generation = 1ULL << 61;
	struct rf_com_open open = { .from = 99 };
	struct rf_ficm_params p = {
		.name = "fake", .peer = FAKE, .size = rf_msgring_size(ORDER),
		.bell = rf_ficm_core_apicid(),
	};

	memset(o, 0, sizeof(*o));
	generation++;
	for (int i = 0; i < 2; i++) {
		o->ring[i] = kunit_kzalloc(test, rf_msgring_size(ORDER), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, o->ring[i]);
		rf_msgring_init(o->ring[i], ORDER, generation);
	}
	p.generation = generation;
	p.rx = o->ring[0];
	p.tx = o->ring[1];
	o->ours = rf_ficm_open(&p);
	KUNIT_ASSERT_FALSE(test, IS_ERR(o->ours));
	rf_msgtx_init(&o->tx, o->ring[0], ORDER, rf_ficm_core_apicid());
	o->l = rf_open(NAME, RF_LISTEN, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(o->l));
	KUNIT_ASSERT_EQ(test, rf_grant(o->l, "fake", rights), 0);
	open.to = o->l->handle;
	say(test, o, RF_COM_OPEN, &open, sizeof(open));
	o->s = rf_accept(o->l, 2000);
	KUNIT_ASSERT_FALSE(test, IS_ERR(o->s));
}

static void other_close(struct other *o)
{
	rf_close(o->s);
	rf_close(o->l);
	rf_ficm_close(o->ours);
}

struct word_case {
	const char *name;
	u16 type;
	union {
		struct rf_com_data data;
		struct rf_com_bulk bulk;
		struct rf_com_credit credit;
	};
	unsigned int times;
	int want;		/* what a read gives then */
};

static const struct word_case words[] = {
	{ "a message", RF_COM_DATA, { .data = { 0, 5, 0 } }, 1, 5 },
	{ "one of no length", RF_COM_DATA, { .data = { 0, 0, 0 } }, 1, -EPROTO },
	{ "one of too many parts", RF_COM_DATA, { .data = { 0, 193, 0 } }, 1, -EPROTO },
	{ "a second part first", RF_COM_DATA, { .data = { 0, 60, 1 } }, 1, -EPROTO },
	{ "a first part twice", RF_COM_DATA, { .data = { 0, 60, 0 } }, 2, -EPROTO },
	{ "half a message", RF_COM_DATA, { .data = { 0, 60, 0 } }, 1, -ETIMEDOUT },
	{ "more than there are credits", RF_COM_DATA, { .data = { 0, 5, 0 } },
	  RF_COM_WINDOW + 1, 5 },
	{ "a large one without a buffer", RF_COM_BULK, { .bulk = { 0, 1000, 0 } }, 1, -EPROTO },
	{ "credits for what was not sent", RF_COM_CREDIT, { .credit = { 0, 0, 5, 5 } }, 1,
	  -ETIMEDOUT },
	{ "the end", RF_COM_CLOSE, { .data = { 0, 0, 0 } }, 1, 0 },
};

static void word_name(const struct word_case *w, char *to)
{
	strscpy(to, w->name, KUNIT_PARAM_DESC_SIZE);
}
KUNIT_ARRAY_PARAM(word, words, word_name);

static void test_word(struct kunit *test)
{
	const struct word_case *w = test->param_value;
	struct word_case said = *w;
	struct other o;
	u8 in[256];

	other_open(test, &o, RF_MAY_ALL);
	said.data.to = o.s->handle;
	for (unsigned int i = 0; i < w->times; i++)
		say(test, &o, w->type, &said.data, w->type == RF_COM_DATA ? sizeof(said.data) :
		    sizeof(said.credit));
	KUNIT_EXPECT_EQ(test, rf_read(o.s, in, sizeof(in), 200), w->want);
	if (w->times > RF_COM_WINDOW) {
		for (unsigned int i = 1; i < RF_COM_WINDOW; i++)
			KUNIT_EXPECT_EQ(test, rf_read(o.s, in, sizeof(in), 200), 5);
		KUNIT_EXPECT_EQ(test, rf_read(o.s, in, sizeof(in), 200), -EPROTO);
	}
	if (w->type == RF_COM_CREDIT)
		KUNIT_EXPECT_EQ(test, o.s->credit, 0);
	other_close(&o);
}

/* What a client's kernel sends without the right to is dropped */
static void test_rights(struct kunit *test)
{
	struct rf_com_data d = { .total = 5 };
	struct rf_com_open open = { .from = 100 };
	struct other o;
	u8 in[8];

	other_open(test, &o, RF_MAY_READ);
	d.to = o.s->handle;
	say(test, &o, RF_COM_DATA, &d, sizeof(d));
	KUNIT_EXPECT_EQ(test, rf_read(o.s, in, sizeof(in), 0), -EACCES);
	KUNIT_EXPECT_EQ(test, o.s->came, 0);
	KUNIT_EXPECT_EQ(test, rf_grant(o.l, "fake", 0), 0);
	open.to = o.l->handle;
	say(test, &o, RF_COM_OPEN, &open, sizeof(open));
	KUNIT_EXPECT_EQ(test, PTR_ERR(rf_accept(o.l, 200)), -ETIMEDOUT);
	other_close(&o);
}

/* A handle that another kernel made up, or that is of somebody else's channel */
static void test_handles(struct kunit *test)
{
	struct rf_com_data d = { .total = 5 };
	struct rf_com *l, *c, *s;
	struct other o;
	u8 in[8];

	other_open(test, &o, RF_MAY_ALL);
	rf_close(o.l);
	pair_open(test, &l, &c, &s);
	for (d.to = 0; d.to < s->handle + 10; d.to++)
		if (d.to != o.s->handle)
			say(test, &o, RF_COM_DATA, &d, sizeof(d));
	/* messages come in order: with the one that is right all others were there */
	d.to = o.s->handle;
	say(test, &o, RF_COM_DATA, &d, sizeof(d));
	KUNIT_EXPECT_EQ(test, rf_read(o.s, in, sizeof(in), 5000), 5);
	KUNIT_EXPECT_EQ(test, rf_read(s, in, sizeof(in), 0), -EAGAIN);
	KUNIT_EXPECT_EQ(test, rf_read(c, in, sizeof(in), 0), -EAGAIN);
	KUNIT_EXPECT_EQ(test, rf_read(o.s, in, sizeof(in), 0), -EAGAIN);
	rf_close(c);
	rf_close(s);
	o.l = l;
	other_close(&o);
}

/* The channel closes: what has come can be read, then it is over */
static void test_death(struct kunit *test)
{
	struct rf_com_data d = { .total = 5 };
	struct other o;
	u8 in[8];

	other_open(test, &o, RF_MAY_ALL);
	d.to = o.s->handle;
	say(test, &o, RF_COM_DATA, &d, sizeof(d));
	for (int i = 0; i < 1000 && !READ_ONCE(o.s->messages); i++)
		usleep_range(500, 1000);
	rf_ficm_close(o.ours);
	KUNIT_EXPECT_EQ(test, rf_read(o.s, in, sizeof(in), 0), 5);
	KUNIT_EXPECT_EQ(test, rf_read(o.s, in, sizeof(in), RF_FOREVER), -ECONNRESET);
	KUNIT_EXPECT_EQ(test, rf_write(o.s, in, 1, RF_FOREVER), -ECONNRESET);
	rf_close(o.s);
	rf_close(o.l);
}

/* The first word of a type that was sent to it */
static bool heard(struct other *o, u16 type, void *data, size_t len)
{
	struct rf_ficm_msg msg;
	struct rf_msg_rx rx;

	rf_msgrx_init(&rx, o->ring[1], ORDER, rf_ficm_core_apicid());
	for (int i = 0; i < 2000; i++) {
		while (rf_msgrx_take(&rx, &msg) == 1) {
			if (msg.type != type)
				continue;
			memcpy(data, msg.data, len);
			return true;
		}
		usleep_range(500, 1000);
	}
	return false;
}

/* Who has not said hello is told so, and does not wait */
static void test_unknown(struct kunit *test)
{
	struct rf_com_region region = { .to = 9, .kind = RF_COM_MAP };
	struct rf_com_word w = { .to = 7 }, token = { .to = 8 };
	struct rf_com_found found = { };
	struct rf_com_share no = { };
	struct other o;

	other_open(test, &o, RF_MAY_ALL);
	say(test, &o, RF_COM_REGISTER, &w, sizeof(w));
	KUNIT_EXPECT_TRUE(test, heard(&o, RF_COM_REGISTERED, &w, sizeof(w)));
	KUNIT_EXPECT_EQ(test, w.to, 7);
	KUNIT_EXPECT_EQ(test, w.error, -ENOTCONN);
	say(test, &o, RF_COM_LOOKUP, &token, sizeof(token));
	KUNIT_EXPECT_TRUE(test, heard(&o, RF_COM_FOUND, &found, sizeof(found)));
	KUNIT_EXPECT_EQ(test, found.to, 8);
	KUNIT_EXPECT_EQ(test, found.error, -ENOTCONN);
	say(test, &o, RF_COM_REGION, &region, sizeof(region));
	KUNIT_EXPECT_TRUE(test, heard(&o, RF_COM_REFUSED, &no, sizeof(no)));
	KUNIT_EXPECT_EQ(test, no.to, 9);
	KUNIT_EXPECT_EQ(test, no.error, -ENOTCONN);
	other_close(&o);
}

/* A buffer that can't be had: also who does not wait hears of it, and doesn't try for ever */
static void test_no_buffer(struct kunit *test)
{
	static const u8 out[1000];
	ssize_t n = -EAGAIN;
	struct other o;

	other_open(test, &o, RF_MAY_ALL);
	for (int i = 0; i < 1000 && n == -EAGAIN; i++) {
		n = rf_write(o.s, out, sizeof(out), 0);
		usleep_range(500, 1000);
	}
	KUNIT_EXPECT_EQ(test, n, -EHOSTDOWN);	/* there is no such kernel */
	other_close(&o);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_names),
	KUNIT_CASE(test_messages),
	KUNIT_CASE(test_map),
	KUNIT_CASE_PARAM(test_word, word_gen_params),
	KUNIT_CASE(test_rights),
	KUNIT_CASE(test_handles),
	KUNIT_CASE(test_death),
	KUNIT_CASE(test_unknown),
	KUNIT_CASE(test_no_buffer),
	{ }
};

static struct kunit_suite suite = {
	.name = "rfcom",
	.test_cases = cases,
};
kunit_test_suite(suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("RainForest: KUnit tests of RFcom");
MODULE_IMPORT_NS(RAINFOREST);
