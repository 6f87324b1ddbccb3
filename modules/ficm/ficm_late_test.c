// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of FICM's slow poll. The test is the peer, one that doesn't ring: what
 * it does is found all the same, and counted, so that no other test can pass with it.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/slab.h>

#include <rf/ficm.h>
#include <rf/msgring.h>

#define ORDER	4

static struct rf_ficm_channel *open_end(struct kunit *test, struct rf_ficm_ring **ring)
{
	static u64 generation = 1ULL << 61;
	struct rf_ficm_params q = {
		.name = "late",
		.peer = 2000,
		.generation = ++generation,
		.size = rf_msgring_size(ORDER),
		.bell = rf_ficm_core_apicid(),
	};
	struct rf_ficm_channel *ch;

	for (int i = 0; i < 2; i++) {
		ring[i] = kunit_kzalloc(test, rf_msgring_size(ORDER), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, ring[i]);
		rf_msgring_init(ring[i], ORDER, generation);
	}
	q.rx = ring[0];
	q.tx = ring[1];
	ch = rf_ficm_open(&q);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ch));
	return ch;
}

static struct rf_ficm_stats stats(struct rf_ficm_channel *ch)
{
	struct rf_ficm_stats st;

	rf_ficm_stats_get(ch, &st);
	return st;
}

/* Look at its counts until it is so, 10 s at most */
#define until(ch, st, cond) \
	read_poll_timeout(stats, st, cond, 20 * USEC_PER_MSEC, 10 * USEC_PER_SEC, false, ch)

static void test_message(struct kunit *test)
{
	struct rf_ficm_ring *ring[2];
	struct rf_ficm_channel *ch = open_end(test, ring);
	struct rf_ficm_stats st;
	struct rf_msg_tx peer;

	rf_msgtx_init(&peer, ring[0], ORDER, rf_ficm_core_apicid());
	rf_msgtx_put(&peer, RF_PORT_ECHO, RF_ECHO_REQUEST, NULL, 0);
	KUNIT_EXPECT_EQ(test, until(ch, st, st.late && st.received), 0);
	KUNIT_EXPECT_EQ(test, st.late, 1);
	KUNIT_EXPECT_EQ(test, st.received, 1);
	rf_ficm_close(ch);
}

static void test_room(struct kunit *test)
{
	struct rf_ficm_ring *ring[2];
	struct rf_ficm_channel *ch = open_end(test, ring);
	struct rf_ficm_stats st;

	while (!rf_ficm_send(ch, RF_PORT_FREE, 0, NULL, 0))
		;
	KUNIT_EXPECT_EQ(test, rf_ficm_post(ch, RF_PORT_FREE, 0, NULL, 0), 0);
	/* who waits for room that there isn't is not late */
	msleep(2500);
	st = stats(ch);
	KUNIT_EXPECT_EQ(test, st.late, 0);
	KUNIT_EXPECT_EQ(test, st.sent, 1 << ORDER);
	KUNIT_EXPECT_EQ(test, xchg(&ring[1]->waiting, 0), 1);

	/* asked to be rung, and not any more: it asks again */
	KUNIT_EXPECT_EQ(test, until(ch, st, st.late && READ_ONCE(ring[1]->waiting)), 0);
	KUNIT_EXPECT_EQ(test, st.late, 1);
	KUNIT_EXPECT_EQ(test, st.sent, 1 << ORDER);
	KUNIT_EXPECT_EQ(test, xchg(&ring[1]->waiting, 0), 1);

	/* room */
	smp_store_release(&ring[1]->tail, 1);
	KUNIT_EXPECT_EQ(test, until(ch, st, st.sent > 1 << ORDER), 0);
	KUNIT_EXPECT_EQ(test, st.late, 2);
	rf_ficm_close(ch);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_SLOW(test_message),
	KUNIT_CASE_SLOW(test_room),
	{ }
};

static struct kunit_suite suite = {
	.name = "ficm_late",
	.test_cases = cases,
};
kunit_test_suite(suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("RainForest: KUnit tests of FICM's slow poll");
MODULE_IMPORT_NS(RAINFOREST);
