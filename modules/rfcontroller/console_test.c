// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of console.c: the rings against a peer that lies, the history */
#include "console.c"
#include "device.c"

#include <kunit/test.h>
#include <linux/vmalloc.h>

#include "fakes.h"

static void free_at(void *at)
{
	vfree(at);
}

static void *area(struct kunit *test, size_t len)
{
	void *at = vzalloc(len);

	KUNIT_ASSERT_NOT_NULL(test, at);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_at, at), 0);
	return at;
}

/* A running subOS with empty rings */
static struct rf_subos *subos(struct kunit *test)
{
	struct rf_subos *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	mutex_init(&s->drain);
	spin_lock_init(&s->state_lock);
	init_waitqueue_head(&s->wait);
	s->desc = area(test, RF_CONTROL_SIZE);
	s->history.data = area(test, RF_CONSOLE_HISTORY);
	s->res.cpus = kunit_kzalloc(test, sizeof(*s->res.cpus), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s->res.cpus);
	s->res.nr_cpus = 1;
	s->generation = 1;
	s->state = RAINFOREST_STATE_RUNNING;
	memset(&rf_fakes, 0, sizeof(rf_fakes));
	return s;
}

/* The byte that belongs at a position of any stream here */
static u8 byte_at(u64 pos)
{
	return pos * 7 + (pos >> 8);
}

/* What the subOS does to print */
static void produce(struct rf_subos *s, unsigned int id, u64 len)
{
	struct rf_ring *ring = rf_ring_of(s, id);

	for (; len; len--, ring->head++)
		ring->data[ring->head % rf_ring_cap(id)] = byte_at(ring->head);
}

static void drain(struct rf_subos *s)
{
	mutex_lock(&s->drain);
	rf_console_drain(s);
	mutex_unlock(&s->drain);
}

/* ---- the history ---- */

static void history_test(struct kunit *test)
{
	static const u64 lens[] = {
		0, 1, 1000, RF_CONSOLE_HISTORY - 1001, 1, RF_CONSOLE_HISTORY - 2, 3, 2,
		RF_CONSOLE_HISTORY, RF_CONSOLE_HISTORY + 1, 2 * RF_CONSOLE_HISTORY + 5, 7,
	};
	struct rf_history h = { .data = area(test, RF_CONSOLE_HISTORY) };
	u8 *from = area(test, 3 * RF_CONSOLE_HISTORY);
	u64 pos = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(lens); i++) {
		u64 bad = 0;

		for (u64 n = 0; n < lens[i]; n++)
			from[n] = byte_at(pos + n);
		rf_history_put(&h, from, lens[i]);
		pos += lens[i];
		KUNIT_ASSERT_EQ(test, h.head, pos);
		for (u64 n = 1; n <= min_t(u64, pos, RF_CONSOLE_HISTORY); n++)
			bad += h.data[(pos - n) % RF_CONSOLE_HISTORY] != byte_at(pos - n);
		KUNIT_EXPECT_EQ(test, bad, 0);
	}
}

/* ---- the clamps ---- */

#define CAP_STDOUT (RF_LEN_STDOUT - sizeof(struct rf_ring))
#define CAP_STDIN (RF_LEN_STDIN - sizeof(struct rf_ring))

static const struct used_case {
	const char *name;
	u64 pos, head, want;
} used_cases[] = {
	{ "empty", 0, 0, 0 },
	{ "empty, later", 12345, 12345, 0 },
	{ "some", 100, 150, 50 },
	{ "full", 100, 100 + CAP_STDOUT, CAP_STDOUT },
	{ "one too many", 100, 101 + CAP_STDOUT, CAP_STDOUT },
	{ "back by one", 100, 99, CAP_STDOUT },
	{ "back to 0", 100, 0, CAP_STDOUT },
	{ "far ahead", 0, U64_MAX, CAP_STDOUT },
	{ "half round", 0, 1ULL << 63, CAP_STDOUT },
	{ "over the end of 64 bits", U64_MAX - 9, 20, 30 },
};

KUNIT_ARRAY_PARAM_DESC(used, used_cases, name);

static void used_test(struct kunit *test)
{
	const struct used_case *c = test->param_value;
	struct rf_subos *s = subos(test);

	s->end[RF_RING_STDOUT].pos = c->pos;
	rf_ring_of(s, RF_RING_STDOUT)->head = c->head;
	KUNIT_EXPECT_EQ(test, rf_ring_used(s, RF_RING_STDOUT), c->want);
}

/* The other direction: a tail that lies gives no room that is not there */
static const struct room_case {
	const char *name;
	u64 pos, tail, want;
} room_cases[] = {
	{ "empty", 0, 0, CAP_STDIN },
	{ "some in it", 150, 100, CAP_STDIN - 50 },
	{ "full", CAP_STDIN, 0, 0 },
	{ "a tail that fell behind", CAP_STDIN + 100, 0, 0 },
	{ "a tail ahead of us", 100, 101, 0 },
	{ "a tail far ahead", 0, 1ULL << 63, 0 },
};

KUNIT_ARRAY_PARAM_DESC(room, room_cases, name);

static void room_test(struct kunit *test)
{
	const struct room_case *c = test->param_value;
	struct rf_subos *s = subos(test);

	s->end[RF_RING_STDIN].pos = c->pos;
	rf_ring_of(s, RF_RING_STDIN)->tail = c->tail;
	KUNIT_EXPECT_EQ(test, rf_ring_room(s, RF_RING_STDIN), c->want);
}

static void copy_out_test(struct kunit *test)
{
	static const struct {
		u64 pos, len;
	} parts[] = {
		{ 0, 100 }, { CAP_STDOUT - 50, 100 }, { CAP_STDOUT - 100, 100 },
		{ 5 * CAP_STDOUT + 3, CAP_STDOUT }, { CAP_STDOUT - 1, 0 },
	};
	struct rf_subos *s = subos(test);
	struct rf_ring *ring = rf_ring_of(s, RF_RING_STDOUT);
	u8 *to = area(test, CAP_STDOUT);

	for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++) {
		u64 bad = 0;

		ring->head = parts[i].pos;
		produce(s, RF_RING_STDOUT, parts[i].len);
		rf_ring_copy_out(s, RF_RING_STDOUT, parts[i].pos, to, parts[i].len);
		for (u64 n = 0; n < parts[i].len; n++)
			bad += to[n] != byte_at(parts[i].pos + n);
		KUNIT_EXPECT_EQ(test, bad, 0);
	}
}

/* ---- draining ---- */

static void drain_test(struct kunit *test)
{
	struct rf_subos *s = subos(test);
	struct rf_ring *ring = rf_ring_of(s, RF_RING_CONSOLE_OUT);
	u64 cap = rf_ring_cap(RF_RING_CONSOLE_OUT), bad = 0;

	/* some of it, several times round */
	for (unsigned int i = 0; i < 20; i++) {
		produce(s, RF_RING_CONSOLE_OUT, cap / 3);
		drain(s);
		KUNIT_EXPECT_EQ(test, s->history.head, ring->head);
		KUNIT_EXPECT_EQ(test, ring->tail, ring->head);
	}
	KUNIT_EXPECT_EQ(test, s->history.lost, 0);
	KUNIT_EXPECT_EQ(test, ring->notify, 1);

	/* what was overwritten is counted, and the rest is the newest */
	produce(s, RF_RING_CONSOLE_OUT, cap + 1234);
	drain(s);
	KUNIT_EXPECT_EQ(test, s->history.lost, 1234);
	KUNIT_EXPECT_EQ(test, s->end[RF_RING_CONSOLE_OUT].pos, ring->head);
	for (u64 n = 1; n <= RF_CONSOLE_HISTORY; n++)
		bad += s->history.data[(s->history.head - n) % RF_CONSOLE_HISTORY] !=
		       byte_at(ring->head - n);
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* A writer that waits for room is rung once there is some */
static void waiting_test(struct kunit *test)
{
	struct rf_subos *s = subos(test);
	struct rf_ring *ring = rf_ring_of(s, RF_RING_STDERR);

	produce(s, RF_RING_STDERR, rf_ring_cap(RF_RING_STDERR));
	ring->waiting = 1;
	drain(s);
	KUNIT_EXPECT_EQ(test, ring->waiting, 0);
	KUNIT_EXPECT_EQ(test, rf_fakes.rings, 1);
	drain(s);
	KUNIT_EXPECT_EQ(test, rf_fakes.rings, 1);

	/* whoever has the stream open reads it himself */
	s->end[RF_RING_STDERR].busy = true;
	produce(s, RF_RING_STDERR, 10);
	drain(s);
	KUNIT_EXPECT_EQ(test, rf_ring_used(s, RF_RING_STDERR), 10);
}

/* Any header: it ends, and nothing outside the ring is read (KASAN looks) */
static void hostile_test(struct kunit *test)
{
	static const u64 heads[] = { U64_MAX, 1ULL << 63, 1, 0, 1ULL << 32, U64_MAX - 100 };
	struct rf_subos *s = subos(test);

	for (unsigned int i = 0; i < ARRAY_SIZE(heads); i++) {
		for (unsigned int id = 0; id < RF_RING_COUNT; id++) {
			struct rf_ring *ring = rf_ring_of(s, id);

			memset(ring, 0xff, sizeof(*ring));
			ring->head = heads[i];
		}
		drain(s);
	}
	KUNIT_EXPECT_LE(test, s->history.head, ARRAY_SIZE(heads) * 4ULL *
			(RF_LEN_CONSOLE_OUT + RF_LEN_STDOUT + RF_LEN_STDERR));
}

/* ---- what readers and writers of /dev/rainforest get ---- */

static void take_test(struct kunit *test)
{
	struct rf_subos *s = subos(test);
	struct rf_reader r = { .s = s, .stream = RF_STREAM_STDOUT };
	struct rf_ring *ring = rf_ring_of(s, RF_RING_STDOUT);
	u8 buf[100];

	mutex_lock(&s->drain);
	s->end[RF_RING_STDOUT].busy = true;
	KUNIT_EXPECT_EQ(test, rf_take(&r, buf, sizeof(buf)), 0);
	KUNIT_EXPECT_EQ(test, ring->notify, 1);
	produce(s, RF_RING_STDOUT, 150);
	KUNIT_EXPECT_EQ(test, rf_take(&r, buf, sizeof(buf)), 100);
	KUNIT_EXPECT_EQ(test, buf[99], byte_at(99));
	/* closed, but not at its end */
	ring->flags = RF_RING_CLOSED;
	KUNIT_EXPECT_EQ(test, rf_take(&r, buf, sizeof(buf)), 50);
	KUNIT_EXPECT_EQ(test, buf[49], byte_at(149));
	KUNIT_EXPECT_EQ(test, rf_take(&r, buf, sizeof(buf)), -EPIPE);
	mutex_unlock(&s->drain);
}

static void give_test(struct kunit *test)
{
	struct rf_subos *s = subos(test);
	struct rf_reader r = { .s = s, .stream = RF_STREAM_STDIN };
	struct rf_ring *ring = rf_ring_of(s, RF_RING_STDIN);
	u8 *buf = area(test, CAP_STDIN + 1);

	buf[CAP_STDIN - 1] = 0x77;
	mutex_lock(&s->drain);
	KUNIT_EXPECT_EQ(test, rf_give(&r, buf, CAP_STDIN + 1), CAP_STDIN);
	KUNIT_EXPECT_EQ(test, ring->head, CAP_STDIN);
	KUNIT_EXPECT_EQ(test, ring->data[CAP_STDIN - 1], 0x77);
	KUNIT_EXPECT_EQ(test, rf_give(&r, buf, 1), 0);
	KUNIT_EXPECT_EQ(test, ring->waiting, 1);
	ring->tail = 10;
	KUNIT_EXPECT_EQ(test, rf_give(&r, buf, 100), 10);
	/* nobody reads any more */
	s->state = RAINFOREST_STATE_STOPPED;
	KUNIT_EXPECT_EQ(test, rf_give(&r, buf, 1), -EPIPE);
	mutex_unlock(&s->drain);
}

/* What is unread when the memory goes can be read afterwards; the rest ends */
static void bury_test(struct kunit *test)
{
	struct rf_subos *s = subos(test);
	struct rf_reader r = { .s = s, .stream = RF_STREAM_STDOUT };
	u8 buf[100];

	kref_init(&s->ref);
	s->end[RF_RING_STDOUT].busy = true;
	produce(s, RF_RING_STDOUT, 30);
	produce(s, RF_RING_CONSOLE_OUT, 20);
	mutex_lock(&s->drain);
	rf_console_bury(s);
	s->desc = NULL;
	s->dead = true;
	KUNIT_EXPECT_EQ(test, s->history.head, 20);
	KUNIT_EXPECT_EQ(test, rf_take(&r, buf, sizeof(buf)), 30);
	KUNIT_EXPECT_EQ(test, buf[29], byte_at(29));
	KUNIT_EXPECT_EQ(test, rf_take(&r, buf, sizeof(buf)), -EPIPE);
	r = (struct rf_reader) { .s = s, .stream = RF_STREAM_CONSOLE, .flags = RF_ATTACH_FOLLOW };
	KUNIT_EXPECT_EQ(test, rf_take(&r, buf, sizeof(buf)), 20);
	KUNIT_EXPECT_EQ(test, rf_take(&r, buf, sizeof(buf)), -EPIPE);
	mutex_unlock(&s->drain);

	kvfree(s->end[RF_RING_STDOUT].rest);
	list_del(&s->ghost);
	rf_nr_ghosts = 0;
}

static struct kunit_case console_cases[] = {
	KUNIT_CASE(history_test),
	KUNIT_CASE_PARAM(used_test, used_gen_params),
	KUNIT_CASE_PARAM(room_test, room_gen_params),
	KUNIT_CASE(copy_out_test),
	KUNIT_CASE(drain_test),
	KUNIT_CASE(waiting_test),
	KUNIT_CASE(hostile_test),
	KUNIT_CASE(take_test),
	KUNIT_CASE(give_test),
	KUNIT_CASE(bury_test),
	{ }
};

static struct kunit_suite console_suite = {
	.name		= "rf_console",
	.test_cases	= console_cases,
};

kunit_test_suite(console_suite);
