// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of block.c */
#include "block.c"

#include <kunit/test.h>

/* ---- blocks that refused lately ---- */

static void refused_test(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, rf_block_refused(0));
	KUNIT_EXPECT_FALSE(test, rf_block_refused(SZ_1G));
	rf_block_remember(SZ_1G);
	KUNIT_EXPECT_TRUE(test, rf_block_refused(SZ_1G));
	KUNIT_EXPECT_FALSE(test, rf_block_refused(2UL * SZ_1G));

	/* the oldest of more than fit is forgotten */
	for (u64 i = 0; i < RF_REFUSED_SLOTS - 1; i++)
		rf_block_remember((i + 2) * SZ_1G);
	KUNIT_EXPECT_TRUE(test, rf_block_refused(SZ_1G));
	rf_block_remember(100UL * SZ_1G);
	KUNIT_EXPECT_FALSE(test, rf_block_refused(SZ_1G));
	KUNIT_EXPECT_TRUE(test, rf_block_refused(100UL * SZ_1G));

	/* and all after a while */
	for (unsigned int i = 0; i < RF_REFUSED_SLOTS; i++)
		rf_refused[i].until = jiffies - 1;
	KUNIT_EXPECT_FALSE(test, rf_block_refused(100UL * SZ_1G));
	memset(rf_refused, 0, sizeof(rf_refused));
	rf_refused_next = 0;
}

static struct kunit_case block_cases[] = {
	KUNIT_CASE(refused_test),
	{ }
};

static struct kunit_suite block_suite = {
	.name		= "rf_block",
	.test_cases	= block_cases,
};

kunit_test_suite(block_suite);
