// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of memory.c */
#include "memory.c"

#include <kunit/test.h>

/* ---- blocks to regions; addresses and sizes in blocks ---- */

static const struct regions_case {
	const char *name;
	unsigned int nr_blocks;
	struct {
		unsigned int at, node;
	} block[6];
	unsigned int nr_regions;
	struct {
		unsigned int at, blocks, node;
	} region[6];
} regions_cases[] = {
	{ "none", 0, { }, 0, { } },
	{ "one", 1, { { 5, 0 } }, 1, { { 5, 1, 0 } } },
	{ "neighbours merge", 3, { { 5, 0 }, { 6, 0 }, { 7, 0 } }, 1, { { 5, 3, 0 } } },
	{ "a gap stays", 2, { { 5, 0 }, { 7, 0 } }, 2, { { 5, 1, 0 }, { 7, 1, 0 } } },
	{ "nodes do not merge", 2, { { 5, 0 }, { 6, 1 } }, 2, { { 5, 1, 0 }, { 6, 1, 1 } } },
	{ "the first may lie above the rest", 3, { { 9, 1 }, { 5, 0 }, { 6, 0 } },
	  2, { { 9, 1, 1 }, { 5, 2, 0 } } },
	{ "downwards they do not merge", 2, { { 6, 0 }, { 5, 0 } },
	  2, { { 6, 1, 0 }, { 5, 1, 0 } } },
	{ "all at once", 6, { { 1, 0 }, { 2, 0 }, { 4, 0 }, { 5, 0 }, { 6, 1 }, { 7, 1 } },
	  3, { { 1, 2, 0 }, { 4, 2, 0 }, { 6, 2, 1 } } },
};

KUNIT_ARRAY_PARAM_DESC(regions, regions_cases, name);

static void regions_test(struct kunit *test)
{
	const struct regions_case *c = test->param_value;
	u64 size = memory_block_size_bytes();
	struct rf_boot_region r[6] = { };
	struct rf_block blocks[6] = { };
	struct rf_resources res = { .blocks = blocks, .nr_blocks = c->nr_blocks };

	for (unsigned int i = 0; i < c->nr_blocks; i++)
		blocks[i] = (struct rf_block) {
			.start = c->block[i].at * size, .node = c->block[i].node,
		};
	KUNIT_ASSERT_EQ(test, rf_memory_regions(&res, r, ARRAY_SIZE(r)), c->nr_regions);
	for (unsigned int i = 0; i < c->nr_regions; i++) {
		KUNIT_EXPECT_EQ(test, r[i].start, c->region[i].at * size);
		KUNIT_EXPECT_EQ(test, r[i].size, c->region[i].blocks * size);
		KUNIT_EXPECT_EQ(test, r[i].node, c->region[i].node);
	}
	KUNIT_EXPECT_EQ(test, rf_memory_of(&res, NUMA_NO_NODE), c->nr_blocks * size);
	KUNIT_EXPECT_EQ(test, rf_memory_of(&res, 0) + rf_memory_of(&res, 1), c->nr_blocks * size);
	KUNIT_EXPECT_EQ(test, rf_memory_of(&res, 2), 0);
}

/* More pieces than there is room for are none, not the first few */
static void regions_too_many_test(struct kunit *test)
{
	u64 size = memory_block_size_bytes();
	struct rf_block blocks[4] = { };
	struct rf_resources res = { .blocks = blocks, .nr_blocks = 4 };
	struct rf_boot_region r[4] = { };

	for (unsigned int i = 0; i < 4; i++)
		blocks[i].start = (2 * i + 1) * size;
	KUNIT_EXPECT_EQ(test, rf_memory_regions(&res, r, 4), 4);
	memset(r, 0, sizeof(r));
	KUNIT_EXPECT_EQ(test, rf_memory_regions(&res, r, 3), 0);
	KUNIT_EXPECT_EQ(test, r[3].size, 0);
}

/* ---- requests that are refused; sizes in MiB ---- */

static const struct choose_case {
	const char *name;
	u64 mib;
	int node;
	bool exact;
	int err;
} choose_cases[] = {
	{ "nothing", 0, 0, false, -ENOSPC },
	{ "one MiB less than the minimum", (RF_MIN_MEMORY >> 20) - 1, 0, false, -ENOSPC },
	{ "a node that no kernel knows", 256, RF_BOOT_MAX_NODES, false, -ENODEV },
	{ "a node below all", 256, -2, false, -ENODEV },
	{ "a node of no number", 256, INT_MAX, false, -ENODEV },
	{ "exact, but no multiple", 200, 0, true, -EINVAL },
	{ "more than the machine has", 1ULL << 25, 0, false, -ENOSPC },
	{ "more than any has", 1ULL << 27, 0, false, -ENOSPC },
	{ "more than 64 bits of bytes", U64_MAX >> 20, 0, false, -ENOSPC },
	{ "more than the machine has, anywhere", 1ULL << 25, NUMA_NO_NODE, false, -ENOSPC },
};

KUNIT_ARRAY_PARAM_DESC(choose, choose_cases, name);

static void choose_test(struct kunit *test)
{
	const struct choose_case *c = test->param_value;
	struct netlink_ext_ack extack = { };
	struct rf_cpu cpu = { };
	struct rf_resources res = { .cpus = &cpu, .nr_cpus = 1 };
	struct rf_request *req = kunit_kzalloc(test, sizeof(*req), GFP_KERNEL);
	int err;

	KUNIT_ASSERT_NOT_NULL(test, req);
	req->nr_mem = 1;
	req->mem[0].size = c->mib << 20;
	req->mem[0].node = c->node;
	req->mem[0].exact = c->exact;
	mutex_lock(&rf_grant_lock);
	err = rf_memory_choose(req, &res, &extack);
	mutex_unlock(&rf_grant_lock);
	KUNIT_EXPECT_EQ(test, err, c->err);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	KUNIT_EXPECT_EQ(test, res.nr_blocks, 0);
	KUNIT_EXPECT_NULL(test, res.blocks);
}

static struct kunit_case memory_cases[] = {
	KUNIT_CASE_PARAM(regions_test, regions_gen_params),
	KUNIT_CASE(regions_too_many_test),
	KUNIT_CASE_PARAM(choose_test, choose_gen_params),
	{ }
};

static struct kunit_suite memory_suite = {
	.name		= "rf_memory",
	.test_cases	= memory_cases,
};

kunit_test_suite(memory_suite);
