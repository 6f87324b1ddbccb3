// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of ledger.c */
#include "ledger.c"

#include <kunit/test.h>

#include "fakes.h"

/* As a later kernel would: only by what include/rf/abi/ledger.h says */
static bool valid(struct kunit *test, const struct rf_ledger *l, u32 copy_size)
{
	struct rf_ledger *mine;

	if (l->magic != RF_LEDGER_MAGIC || l->version != RF_LEDGER_VERSION ||
	    l->size < sizeof(*l) || l->size > copy_size)
		return false;
	mine = kunit_kmalloc(test, l->size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mine);
	memcpy(mine, l, l->size);
	mine->checksum = 0;
	return crc32_le(~0, (void *)mine, mine->size) == l->checksum;
}

/* The copy that counts; NULL: none */
static const struct rf_ledger *newest(struct kunit *test)
{
	const struct rf_ledger_anchor *a = rf_trampoline_anchor();
	const struct rf_ledger *best = NULL;

	KUNIT_ASSERT_EQ(test, a->magic, RF_LEDGER_ANCHOR_MAGIC);
	KUNIT_ASSERT_EQ(test, a->version, RF_LEDGER_VERSION);
	for (int i = 0; i < 2; i++) {
		const struct rf_ledger *l = __va(a->copy[i]);

		if (valid(test, l, a->copy_size) && (!best || l->generation > best->generation))
			best = l;
	}
	return best;
}

static int ledger_init(struct kunit *test)
{
	return rf_ledger_init();
}

static void ledger_exit(struct kunit *test)
{
	if (rf_copies[0])
		rf_ledger_exit();
}

static struct rf_subos *listed(struct kunit *test, u32 id, const char *name)
{
	struct rf_subos *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->id = id;
	strscpy(s->name, name, sizeof(s->name));
	list_add_tail(&s->node, &rf_subos_list);
	return s;
}

/* ---- the tests ---- */

static void empty_test(struct kunit *test)
{
	const struct rf_ledger *l = newest(test);

	KUNIT_ASSERT_NOT_NULL(test, l);
	KUNIT_EXPECT_EQ(test, l->nr_subos, 0);
	KUNIT_EXPECT_EQ(test, l->nr_resources, 0);
	KUNIT_EXPECT_EQ(test, l->size, sizeof(*l));
	KUNIT_EXPECT_FALSE(test, l->truncated);
}

/* An update never touches the copy that counts, so one is valid at any instant */
static void turns_test(struct kunit *test)
{
	const struct rf_ledger *l = newest(test), *before;

	KUNIT_ASSERT_NOT_NULL(test, l);
	for (int i = 0; i < 5; i++) {
		u64 generation = l->generation;
		u32 checksum = l->checksum;

		before = l;
		rf_ledger_update();
		l = newest(test);
		KUNIT_ASSERT_NOT_NULL(test, l);
		KUNIT_EXPECT_PTR_NE(test, l, before);
		KUNIT_EXPECT_EQ(test, l->generation, generation + 1);
		KUNIT_EXPECT_EQ(test, before->generation, generation);
		KUNIT_EXPECT_EQ(test, before->checksum, checksum);
		KUNIT_EXPECT_TRUE(test, valid(test, before, PAGE_SIZE << RF_LEDGER_ORDER));
	}
}

/* A copy that was being written, or was damaged, does not count; the other does */
static void damaged_test(struct kunit *test)
{
	struct rf_ledger *l;
	u64 generation;

	listed(test, 1, "a");
	rf_ledger_update();
	rf_ledger_update();
	l = (void *)newest(test);
	INIT_LIST_HEAD(&rf_subos_list);
	KUNIT_ASSERT_NOT_NULL(test, l);
	generation = l->generation;
	for (unsigned int at = 0; at < l->size; at += 5) {
		((u8 *)l)[at] ^= 0x40;
		KUNIT_EXPECT_EQ(test, newest(test)->generation, generation - 1);
		((u8 *)l)[at] ^= 0x40;
	}
	KUNIT_EXPECT_EQ(test, newest(test)->generation, generation);
}

static void content_test(struct kunit *test)
{
	u64 size = memory_block_size_bytes();
	struct rf_cpu cpus[] = {
		{ .cpu = 2, .apicid = 0x22, .node = 1, .status = RF_LEDGER_GRANTED },
		{ .cpu = 3, .apicid = 0x33, .node = 1, .status = RF_LEDGER_TAKING },
	};
	struct rf_block blocks[] = {
		{ .start = 7 * size, .node = 1, .status = RF_LEDGER_RETURNING },
		{ .start = 0, .node = 1, .status = RF_LEDGER_TAKING },	/* planned */
	};
	struct rf_cpu lost = { .cpu = 5, .apicid = 0x55, .status = RF_LEDGER_QUARANTINED };
	struct rf_quarantine q = { .owner_id = 77, .res = { .cpus = &lost, .nr_cpus = 1 } };
	const struct rf_ledger_resource want[] = {
		{ 0x22, 2, RF_LEDGER_CPU, RF_LEDGER_GRANTED, 11, 1 },
		{ 0x33, 3, RF_LEDGER_CPU, RF_LEDGER_TAKING, 11, 1 },
		{ 7 * size, size, RF_LEDGER_MEMORY, RF_LEDGER_RETURNING, 11, 1 },
		{ 0x55, 5, RF_LEDGER_CPU, RF_LEDGER_QUARANTINED, 77, 0 },
	};
	const struct rf_ledger_subos *e;
	const struct rf_ledger *l;
	struct rf_subos *a;

	a = listed(test, 11, "a");
	a->desc_phys = 7 * size;
	a->generation = 3;
	a->state = RAINFOREST_STATE_RUNNING;
	a->res = (struct rf_resources) {
		.cpus = cpus, .nr_cpus = ARRAY_SIZE(cpus),
		.blocks = blocks, .nr_blocks = ARRAY_SIZE(blocks),
	};
	listed(test, 12, "b");
	list_add_tail(&q.node, &rf_quarantine_list);
	rf_ledger_update();
	INIT_LIST_HEAD(&rf_subos_list);
	INIT_LIST_HEAD(&rf_quarantine_list);

	l = newest(test);
	KUNIT_ASSERT_NOT_NULL(test, l);
	KUNIT_ASSERT_EQ(test, l->nr_subos, 2);
	e = (void *)(l + 1);
	KUNIT_EXPECT_STREQ(test, e[0].name, "a");
	KUNIT_EXPECT_EQ(test, e[0].id, 11);
	KUNIT_EXPECT_EQ(test, e[0].desc, 7 * size);
	KUNIT_EXPECT_EQ(test, e[0].generation, 3);
	KUNIT_EXPECT_EQ(test, e[0].state, RAINFOREST_STATE_RUNNING);
	KUNIT_EXPECT_STREQ(test, e[1].name, "b");
	KUNIT_ASSERT_EQ(test, l->nr_resources, ARRAY_SIZE(want));
	KUNIT_EXPECT_MEMEQ(test, (void *)(e + 2), want, sizeof(want));
	KUNIT_EXPECT_EQ(test, l->size, sizeof(*l) + 2 * sizeof(*e) + sizeof(want));
}

/* Blocks side by side are one entry, but only if all else is the same of them */
static void joined_test(struct kunit *test)
{
	u64 size = memory_block_size_bytes();
	struct rf_block blocks[] = {
		{ .start = 9 * size, .status = RF_LEDGER_GRANTED },
		{ .start = 3 * size, .status = RF_LEDGER_GRANTED },
		{ .start = 4 * size, .status = RF_LEDGER_GRANTED },
		{ .start = 2 * size, .status = RF_LEDGER_GRANTED },	/* downwards */
		{ .start = 5 * size, .status = RF_LEDGER_RETURNING },
		{ .start = 6 * size, .node = 1, .status = RF_LEDGER_RETURNING },
	};
	const struct rf_ledger_resource want[] = {
		{ 9 * size, size, RF_LEDGER_MEMORY, RF_LEDGER_GRANTED, 1, 0 },
		{ 2 * size, 3 * size, RF_LEDGER_MEMORY, RF_LEDGER_GRANTED, 1, 0 },
		{ 5 * size, size, RF_LEDGER_MEMORY, RF_LEDGER_RETURNING, 1, 0 },
		{ 6 * size, size, RF_LEDGER_MEMORY, RF_LEDGER_RETURNING, 1, 1 },
		{ 7 * size, size, RF_LEDGER_MEMORY, RF_LEDGER_RETURNING, 2, 1 },
	};
	struct rf_block other = { .start = 7 * size, .node = 1, .status = RF_LEDGER_RETURNING };
	const struct rf_ledger *l;
	struct rf_subos *a, *b;

	a = listed(test, 1, "a");
	b = listed(test, 2, "b");
	a->res = (struct rf_resources) { .blocks = blocks, .nr_blocks = ARRAY_SIZE(blocks) };
	b->moving = (struct rf_resources) { .blocks = &other, .nr_blocks = 1 };
	rf_ledger_update();
	INIT_LIST_HEAD(&rf_subos_list);
	l = newest(test);
	KUNIT_ASSERT_NOT_NULL(test, l);
	KUNIT_ASSERT_EQ(test, l->nr_resources, ARRAY_SIZE(want));
	KUNIT_EXPECT_MEMEQ(test, (void *)(l + 1) + 2 * sizeof(struct rf_ledger_subos),
			   want, sizeof(want));
}

/* More than fits: it says so, and what it lists is right */
static void truncated_test(struct kunit *test)
{
	struct rf_resources *res = &listed(test, 1, "many")->res;
	const struct rf_ledger_resource *r;
	const struct rf_ledger *l;

	res->nr_cpus = 3000;
	res->cpus = kunit_kcalloc(test, res->nr_cpus, sizeof(*res->cpus), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, res->cpus);
	for (unsigned int i = 0; i < res->nr_cpus; i++)
		res->cpus[i].apicid = i;
	rf_ledger_update();
	INIT_LIST_HEAD(&rf_subos_list);

	l = newest(test);
	KUNIT_ASSERT_NOT_NULL(test, l);
	KUNIT_EXPECT_EQ(test, l->truncated, 1);
	KUNIT_EXPECT_LE(test, l->size, PAGE_SIZE << RF_LEDGER_ORDER);
	KUNIT_EXPECT_GT(test, l->nr_resources, 2000);
	r = (void *)(l + 1) + sizeof(struct rf_ledger_subos);
	KUNIT_EXPECT_EQ(test, r[l->nr_resources - 1].at, l->nr_resources - 1);
	rf_ledger_update();
	KUNIT_EXPECT_EQ(test, newest(test)->truncated, 0);
}

static void exit_test(struct kunit *test)
{
	rf_ledger_exit();
	KUNIT_EXPECT_EQ(test, rf_trampoline_anchor()->magic, 0);
}

static struct kunit_case ledger_cases[] = {
	KUNIT_CASE(empty_test),
	KUNIT_CASE(turns_test),
	KUNIT_CASE(damaged_test),
	KUNIT_CASE(content_test),
	KUNIT_CASE(joined_test),
	KUNIT_CASE(truncated_test),
	KUNIT_CASE(exit_test),
	{ }
};

static struct kunit_suite ledger_suite = {
	.name		= "rf_ledger",
	.init		= ledger_init,
	.exit		= ledger_exit,
	.test_cases	= ledger_cases,
};

kunit_test_suite(ledger_suite);
