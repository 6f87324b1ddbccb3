// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of channels.c and connect.c: what becomes of a channel whose ends
 * come and go while it is made. Its ends are made up: nobody reads the rings.
 */
#define pr_fmt(fmt) "rainforest: " fmt

/* fakes.c has those for others' tests; and nothing is exported twice */
#define rf_channel_start	real_channel_start
#define rf_channel_get		real_channel_get
#define rf_channel_down		real_channel_down
#define rf_channel_proven	real_channel_proven
#define rf_channels_kick	real_channels_kick
#define rf_channel_ensure	real_channel_ensure

#include "channels.h"

static struct {
	int open_err, post_err;
	unsigned int opened, closed, posted, sent;
	u16 last;		/* type of the last message */
	struct rf_subos *s;
	bool locked;		/* was its lock held at the close? */
} ends;

static u64 rf_end_fake;

static struct rf_ficm_channel *end_open(const struct rf_ficm_params *p)
{
	ends.opened++;
	return ends.open_err ? ERR_PTR(ends.open_err) : (void *)&rf_end_fake;
}

static void end_close(struct rf_ficm_channel *ch)
{
	ends.closed++;
	ends.locked = ends.s && mutex_is_locked(&ends.s->lock);
}

static int end_post(struct rf_ficm_channel *ch, unsigned int port, u16 type,
		    const void *data, size_t len)
{
	if (ends.post_err)
		return ends.post_err;
	ends.posted++;
	ends.last = type;
	return 0;
}

static int end_send(struct rf_ficm_channel *ch, unsigned int port, u16 type,
		    const void *data, size_t len, unsigned int timeout_ms)
{
	ends.sent++;
	return 0;
}

static void end_ref(struct rf_ficm_channel *ch)
{
}

void rf_pages_free(struct rf_pages *p)
{
}

void rf_region_leave(struct rf_link *l)
{
}

int rf_region_init(void)
{
	return 0;
}

void rf_region_exit(void)
{
}

void rf_tune_answer(struct rf_ficm_channel *ch, const struct rf_control_tune *answer)
{
}

#define rf_ficm_open		end_open
#define rf_ficm_close		end_close
#define rf_ficm_post		end_post
#define rf_ficm_send_timeout	end_send
#define rf_ficm_get		end_ref
#define rf_ficm_put		end_ref
#include "channels.c"
#include "connect.c"

#include <kunit/test.h>

#include "fakes.h"

/* One that is in the list, with a channel to the supervisor */
static struct rf_subos *starts(struct kunit *test, const char *name)
{
	struct rf_subos *s = rf_fake_grant(test, name, 1, 1);

	KUNIT_ASSERT_EQ(test, rf_subos_insert(s, NULL), 0);
	mutex_lock(&s->lock);
	KUNIT_EXPECT_EQ(test, rf_channel_start(s, NULL), 0);
	mutex_unlock(&s->lock);
	return s;
}

static void ends_with(struct rf_subos *s)
{
	rf_channel_proven(s->id);
	rf_subos_remove(s);
}

/* Each ring lies on its reader's node */
static void local_test(struct kunit *test)
{
	int node[2] = { first_memory_node, next_memory_node(first_memory_node) };

	if (node[1] == MAX_NUMNODES)
		kunit_skip(test, "one node has all memory");
	for (int first = 0; first < 2; first++) {
		struct rf_link *l = rf_link_new(1, node[first], node[!first]);

		KUNIT_ASSERT_NOT_NULL(test, l);
		KUNIT_EXPECT_EQ(test, page_to_nid(virt_to_page(l->ring[0])), node[first]);
		KUNIT_EXPECT_EQ(test, page_to_nid(virt_to_page(l->ring[1])), node[!first]);
		rf_link_put(l);
	}
}

/* A channel that can't be opened leaves nothing, and the next start has one */
static void start_test(struct kunit *test)
{
	struct rf_subos *s = rf_fake_grant(test, "start", 1, 1);
	struct netlink_ext_ack extack = { };

	s->id = 77;
	ends.open_err = -ENOMEM;
	mutex_lock(&s->lock);
	KUNIT_EXPECT_EQ(test, rf_channel_start(s, &extack), -ENOMEM);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	KUNIT_EXPECT_TRUE(test, list_empty(&rf_links));
	KUNIT_EXPECT_NULL(test, rf_channel_get(s));
	ends.open_err = 0;
	KUNIT_EXPECT_EQ(test, rf_channel_start(s, NULL), 0);
	mutex_unlock(&s->lock);
	KUNIT_EXPECT_NOT_NULL(test, rf_channel_get(s));
	rf_channel_down(s->id);
	KUNIT_EXPECT_EQ(test, ends.closed, 1);
	KUNIT_EXPECT_NULL(test, rf_channel_get(s));
	/* its CPUs may still write there */
	KUNIT_EXPECT_FALSE(test, list_empty(&rf_links));
	rf_channel_proven(s->id);
	KUNIT_EXPECT_TRUE(test, list_empty(&rf_links));
}

/* One that died by itself: closed under its lock, so that a start comes before or after */
static void dead_test(struct kunit *test)
{
	struct rf_subos *s = starts(test, "dead");

	ends.s = s;
	rf_links_dead();
	KUNIT_EXPECT_EQ(test, ends.closed, 0);
	s->state = RAINFOREST_STATE_PANICKED;
	mutex_lock(&s->lock);
	rf_links_dead();	/* somebody is at it, maybe a start */
	KUNIT_EXPECT_EQ(test, ends.closed, 0);
	mutex_unlock(&s->lock);
	rf_links_dead();
	KUNIT_EXPECT_EQ(test, ends.closed, 1);
	KUNIT_EXPECT_TRUE(test, ends.locked);
	rf_links_dead();
	KUNIT_EXPECT_EQ(test, ends.closed, 1);
	ends.s = NULL;
	ends_with(s);
	KUNIT_EXPECT_TRUE(test, list_empty(&rf_links));
}

/* Who is to leave, or has left, is not told to open what may be freed */
static void tell_test(struct kunit *test)
{
	struct rf_subos *a = starts(test, "a"), *b = starts(test, "b");
	struct rf_link *l = rf_link_make(a, b, NULL);

	KUNIT_ASSERT_FALSE(test, IS_ERR(l));
	KUNIT_EXPECT_EQ(test, rf_end_tell(l, 0, NULL), 0);
	KUNIT_EXPECT_EQ(test, ends.posted, 1);
	KUNIT_EXPECT_EQ(test, ends.last, RF_CONTROL_CONNECT);
	/* a's end is told to leave when b stops */
	rf_channel_down(b->id);
	KUNIT_EXPECT_EQ(test, l->end[0].state, RF_END_LEAVING);
	KUNIT_EXPECT_EQ(test, ends.last, RF_CONTROL_DISCONNECT);
	ends.posted = 0;
	KUNIT_EXPECT_EQ(test, rf_end_tell(l, 0, NULL), -EHOSTDOWN);
	KUNIT_EXPECT_EQ(test, rf_end_tell(l, 1, NULL), -EHOSTDOWN);
	KUNIT_EXPECT_EQ(test, ends.posted, 0);
	/* no room: not for ever */
	l->end[0].state = RF_END_TOLD;
	ends.post_err = -EAGAIN;
	KUNIT_EXPECT_EQ(test, rf_end_tell(l, 0, NULL), -ETIMEDOUT);
	rf_link_put(l);
	ends_with(a);
	ends_with(b);
	KUNIT_EXPECT_TRUE(test, list_empty(&rf_links));
}

/* One that stopped just now gets no channel: nobody would ever close it */
static void make_test(struct kunit *test)
{
	struct rf_subos *a = starts(test, "a"), *b = starts(test, "b");
	struct netlink_ext_ack extack = { };
	struct rf_link *l;

	rf_channel_proven(b->id);
	l = rf_link_make(a, b, &extack);
	KUNIT_EXPECT_PTR_EQ(test, l, ERR_PTR(-EHOSTDOWN));
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	l = rf_link_make(b, a, NULL);
	KUNIT_EXPECT_PTR_EQ(test, l, ERR_PTR(-EHOSTDOWN));
	ends_with(a);
	ends_with(b);
	KUNIT_EXPECT_TRUE(test, list_empty(&rf_links));
}

static int channels_init(struct kunit *test)
{
	memset(&ends, 0, sizeof(ends));
	return rf_ledger_init();
}

static void channels_exit(struct kunit *test)
{
	cancel_delayed_work_sync(&rf_links_work);
	rf_ledger_exit();
	memset(&rf_fakes, 0, sizeof(rf_fakes));
}

static struct kunit_case channels_cases[] = {
	KUNIT_CASE(local_test),
	KUNIT_CASE(start_test),
	KUNIT_CASE(dead_test),
	KUNIT_CASE(tell_test),
	KUNIT_CASE(make_test),
	{ }
};

static struct kunit_suite channels_suite = {
	.name		= "rf_channels",
	.init		= channels_init,
	.exit		= channels_exit,
	.test_cases	= channels_cases,
};

kunit_test_suite(channels_suite);
