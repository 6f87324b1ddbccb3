// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of scrub.c */
#include "scrub.c"

#include <kunit/test.h>

static void zero_test(struct kunit *test)
{
	u8 *page = kunit_kmalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	memset(page, 0xa5, PAGE_SIZE);
	rf_zero(page + 64, PAGE_SIZE - 128);
	KUNIT_EXPECT_EQ(test, page[63], 0xa5);
	KUNIT_EXPECT_NULL(test, memchr_inv(page + 64, 0, PAGE_SIZE - 128));
	KUNIT_EXPECT_EQ(test, page[PAGE_SIZE - 64], 0xa5);
}

static struct kunit_case scrub_cases[] = {
	KUNIT_CASE(zero_test),
	{ }
};

static struct kunit_suite scrub_suite = {
	.name		= "rf_scrub",
	.test_cases	= scrub_cases,
};

kunit_test_suite(scrub_suite);
