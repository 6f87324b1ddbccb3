// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of resize_memory.c: who owns which block, whatever a subOS answers.
 * The blocks are made up: none is given or taken back.
 */
#define RF_NO_TRACE
#include "resize_memory.c"

#include <kunit/test.h>

#include "fakes.h"

/* ---- memory comes ---- */

static const struct blocks_case {
	const char *name;
	u8 answers[4];
	int err;
	unsigned int in;	/* how many of 3 are its own then */
} blocks_cases[] = {
	{ "all", { }, 0, 3 },
	{ "the first refused", { RF_CON_FAILED }, -EBUSY, 0 },
	{ "the third refused", { 0, 0, RF_CON_NOMEM }, -ENOMEM, 2 },
	{ "the second without an answer", { 0, RF_FAKE_MUTE }, -EINPROGRESS, 2 },
	{ "it panics at the second: it may write there", { 0, RF_FAKE_DIE }, -EHOSTDOWN, 2 },
};

KUNIT_ARRAY_PARAM_DESC(blocks, blocks_cases, name);

static void blocks_test(struct kunit *test)
{
	static const int at[] = { -5, 2, -3 };
	const struct blocks_case *c = test->param_value;
	struct rf_subos *s = rf_fake_grant(test, "blocks", 1, 1);
	struct rf_resize r = rf_fake_resize();

	memcpy(rf_fakes.answers, c->answers, sizeof(c->answers));
	for (int i = 0; i < 3; i++)
		rf_block_insert(&s->moving, &(struct rf_block) { .start = rf_fake_block(at[i]) });
	KUNIT_EXPECT_EQ(test, s->moving.blocks[1].start, rf_fake_block(-3));
	mutex_lock(&s->lock);
	KUNIT_EXPECT_EQ(test, rf_blocks_enter(s, &r, NULL), c->err);
	mutex_unlock(&s->lock);
	KUNIT_EXPECT_EQ(test, s->res.nr_blocks, 1 + c->in);
	KUNIT_EXPECT_EQ(test, s->moving.nr_blocks, 3 - c->in);
	for (unsigned int i = 1; i < s->res.nr_blocks; i++)
		KUNIT_EXPECT_LT(test, s->res.blocks[i - 1].start, s->res.blocks[i].start);
	for (unsigned int i = 0; i < s->res.nr_blocks; i++)
		KUNIT_EXPECT_EQ(test, s->res.blocks[i].added,
				s->res.blocks[i].start != rf_fake_block(0));
}

/* The descriptor of its next start has room for so many pieces */
static void pieces_test(struct kunit *test)
{
	struct rf_subos *s = rf_fake_grant(test, "pieces", 1, RF_BOOT_MAX_REGIONS);
	struct netlink_ext_ack extack = { };
	struct rf_resize r = rf_fake_resize();

	for (unsigned int i = 0; i < RF_BOOT_MAX_REGIONS; i++)
		s->res.blocks[i].start = rf_fake_block(2 * i);
	s->moving.blocks[0].start = rf_fake_block(-3);
	s->moving.nr_blocks = 1;
	mutex_lock(&s->lock);
	KUNIT_EXPECT_EQ(test, rf_blocks_enter(s, &r, &extack), -ENOSPC);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	KUNIT_EXPECT_EQ(test, rf_fakes.nr_asked, 0);
	KUNIT_EXPECT_EQ(test, s->moving.nr_blocks, 1);
	/* one that fills a gap makes it fewer */
	s->moving.blocks[0].start = rf_fake_block(1);
	KUNIT_EXPECT_EQ(test, rf_blocks_enter(s, &r, &extack), 0);
	mutex_unlock(&s->lock);
}

/* ---- memory leaves ---- */

static const struct give_case {
	const char *name;
	unsigned int count;
	int node;
	u8 answers[6];
	int err;
	unsigned int left, nr;
	int asked[6];		/* numbers of blocks, in order */
} give_cases[] = {	/* it has 0, its home; 1; 2 and 3, which came later, 3 of node 1 */
	{ "one: what came last", 1, NUMA_NO_NODE, { }, 0, 1, 1, { 3 } },
	{ "of a node", 1, 0, { }, 0, 1, 1, { 2 } },
	{ "all that can", 3, NUMA_NO_NODE, { }, 0, 3, 3, { 3, 2, 1 } },
	{ "never its home", 4, NUMA_NO_NODE, { }, -ENOSPC, 3, 3, { 3, 2, 1 } },
	{ "of a node that has too little", 2, 1, { }, -ENOSPC, 1, 1, { 3 } },
	{ "of a node that has none", 1, 5, { }, -ENOSPC, 0, 0, { } },
	{ "one refuses, another goes", 1, NUMA_NO_NODE, { RF_CON_BUSY }, 0, 1, 2,
	  { 3, 2 } },
	{ "the first refusal is told", 3, NUMA_NO_NODE, { RF_CON_NOMEM, RF_CON_BUSY }, -ENOMEM, 1,
	  3, { 3, 2, 1 } },
	{ "no answer: no other is asked", 2, NUMA_NO_NODE, { 0, RF_FAKE_MUTE }, -EINPROGRESS, 1, 2,
	  { 3, 2 } },
	{ "it panics", 2, NUMA_NO_NODE, { 0, RF_FAKE_DIE }, -EHOSTDOWN, 1, 2, { 3, 2 } },
};

KUNIT_ARRAY_PARAM_DESC(give, give_cases, name);

static void give_test(struct kunit *test)
{
	const struct give_case *c = test->param_value;
	struct rf_subos *s = rf_fake_grant(test, "give", 1, 4);
	struct rf_resize r = rf_fake_resize();

	s->res.blocks[2].added = true;
	s->res.blocks[3].added = true;
	s->res.blocks[3].node = 1;
	memcpy(rf_fakes.answers, c->answers, sizeof(c->answers));
	mutex_lock(&s->lock);
	KUNIT_EXPECT_EQ(test, rf_blocks_leave(s, &r, c->count, c->node, NULL), c->err);
	mutex_unlock(&s->lock);
	KUNIT_EXPECT_EQ(test, s->moving.nr_blocks, c->left);
	KUNIT_EXPECT_EQ(test, s->res.nr_blocks, 4 - c->left);
	KUNIT_EXPECT_EQ(test, s->res.blocks[0].start, rf_fake_block(0));
	KUNIT_EXPECT_EQ(test, rf_fakes.nr_asked, c->nr);
	for (unsigned int i = 0; i < c->nr; i++)
		KUNIT_EXPECT_EQ(test, rf_fakes.about[i], rf_fake_block(c->asked[i]));
}

/* Refusals take their time: when that is over no other block is tried */
static void give_late_test(struct kunit *test)
{
	struct rf_subos *s = rf_fake_grant(test, "late", 1, 4);
	struct rf_resize r = rf_fake_resize();

	r.end = ktime_get();
	rf_fakes.answers[0] = RF_CON_BUSY;
	mutex_lock(&s->lock);
	KUNIT_EXPECT_EQ(test, rf_blocks_leave(s, &r, 1, NUMA_NO_NODE, NULL), -EBUSY);
	KUNIT_EXPECT_EQ(test, rf_fakes.nr_asked, 1);
	/* those that go at once are not the reason */
	KUNIT_EXPECT_EQ(test, rf_blocks_leave(s, &r, 3, NUMA_NO_NODE, NULL), 0);
	mutex_unlock(&s->lock);
	KUNIT_EXPECT_EQ(test, s->moving.nr_blocks, 3);
}

/* ---- what is asked for ---- */

static const struct amount_case {
	const char *name;
	u64 size;		/* bytes */
	int node;
	enum rainforest_how how;
	int err;
} amount_cases[] = {
	{ "no whole block", SZ_1M, 0, RAINFOREST_HOW_ADD, -EINVAL },
	{ "one byte", 1, 0, RAINFOREST_HOW_TARGET, -EINVAL },
	{ "more than any machine has", 1ULL << 63, NUMA_NO_NODE, RAINFOREST_HOW_ADD, -ENOSPC },
	{ "so much as a target", 1ULL << 63, NUMA_NO_NODE, RAINFOREST_HOW_TARGET, -ENOSPC },
	{ "of a node of no number", SZ_2G, INT_MAX, RAINFOREST_HOW_ADD, -ENODEV },
	{ "of a node that there is not", SZ_2G, RF_BOOT_MAX_NODES, RAINFOREST_HOW_ADD, -ENODEV },
	{ "away from there", SZ_2G, INT_MAX, RAINFOREST_HOW_REMOVE, -ENOSPC },
	{ "more away than it has", 1ULL << 40, NUMA_NO_NODE, RAINFOREST_HOW_REMOVE, -ENOSPC },
	{ "nothing left", 0, NUMA_NO_NODE, RAINFOREST_HOW_TARGET, -ENOSPC },
	{ "nothing at all", 0, NUMA_NO_NODE, RAINFOREST_HOW_ADD, 0 },
};

KUNIT_ARRAY_PARAM_DESC(amount, amount_cases, name);

static void amount_test(struct kunit *test)
{
	const struct amount_case *c = test->param_value;
	struct rf_resize_mem m = { .size = c->size, .node = c->node, .how = c->how };
	struct rf_subos *s = rf_fake_grant(test, "amount", 1, 2);
	struct netlink_ext_ack extack = { };
	struct rf_resize r = rf_fake_resize();

	mutex_lock(&s->lock);
	KUNIT_EXPECT_EQ(test, rf_resize_memory(s, &r, &m, NULL, &extack), c->err);
	mutex_unlock(&s->lock);
	KUNIT_EXPECT_EQ(test, !!extack._msg, !!c->err);
	KUNIT_EXPECT_EQ(test, s->res.nr_blocks, 2);
	KUNIT_EXPECT_EQ(test, rf_fakes.nr_asked, 0);
}

static int resize_memory_init(struct kunit *test)
{
	return rf_ledger_init();
}

static void resize_memory_exit(struct kunit *test)
{
	rf_ledger_exit();
	memset(&rf_fakes, 0, sizeof(rf_fakes));
}

static struct kunit_case resize_memory_cases[] = {
	KUNIT_CASE_PARAM(blocks_test, blocks_gen_params),
	KUNIT_CASE(pieces_test),
	KUNIT_CASE_PARAM(give_test, give_gen_params),
	KUNIT_CASE(give_late_test),
	KUNIT_CASE_PARAM(amount_test, amount_gen_params),
	{ }
};

static struct kunit_suite resize_memory_suite = {
	.name		= "rf_resize_memory",
	.init		= resize_memory_init,
	.exit		= resize_memory_exit,
	.test_cases	= resize_memory_cases,
};

kunit_test_suite(resize_memory_suite);
