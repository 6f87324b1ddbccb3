// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of stat.c: whatever a subOS writes there */
#include "stat.c"

#include <kunit/test.h>
#include <linux/random.h>
#include <linux/vmalloc.h>

#include "fakes.h"

static void free_area(void *area)
{
	vfree(area);
}

static void *area(struct kunit *test, size_t size)
{
	void *p = vzalloc(size);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_area, p), 0);
	return p;
}

static struct rf_subos *subos(struct kunit *test, struct rf_stat **st)
{
	struct rf_subos *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	mutex_init(&s->drain);
	strscpy(s->name, "measured", sizeof(s->name));
	s->desc = area(test, RF_CONTROL_SIZE);
	s->generation = 3;
	*st = (void *)s->desc + RF_OFF_STAT;
	(*st)->magic = RF_STAT_MAGIC;
	(*st)->version_major = RF_STAT_VERSION_MAJOR;
	(*st)->generation = 3;
	(*st)->seq = 4;
	(*st)->nr_cpus = 2;
	(*st)->mem_total = 4711;
	(*st)->cpu[1].idle_ns = 42;
	return s;
}

static int read_it(struct rf_subos *s, struct rf_stat *to, struct netlink_ext_ack *extack)
{
	int err;

	mutex_lock(&s->drain);
	err = rf_stat_read(s, to, extack);
	mutex_unlock(&s->drain);
	return err;
}

static void whole_test(struct kunit *test)
{
	struct rf_stat *st, *to = area(test, sizeof(*to));
	struct rf_subos *s = subos(test, &st);
	struct netlink_ext_ack extack = { };

	KUNIT_EXPECT_EQ(test, read_it(s, to, &extack), 0);
	KUNIT_EXPECT_EQ(test, to->nr_cpus, 2);
	KUNIT_EXPECT_EQ(test, to->mem_total, 4711);
	KUNIT_EXPECT_EQ(test, to->cpu[1].idle_ns, 42);
	KUNIT_EXPECT_NULL(test, extack._msg);
}

static const struct refusal {
	const char *name;
	u64 magic, generation;
	u16 major;
	u32 seq;
	int err;
} refusals[] = {
	{ "nothing there", 0, 0, 0, 0, -EAGAIN },
	{ "of the life before", RF_STAT_MAGIC, 2, RF_STAT_VERSION_MAJOR, 2, -EAGAIN },
	{ "another format", RF_STAT_MAGIC, 3, RF_STAT_VERSION_MAJOR + 1, 2, -EPROTO },
	{ "died while it wrote", RF_STAT_MAGIC, 3, RF_STAT_VERSION_MAJOR, 5, -EAGAIN },
	{ "wraps", RF_STAT_MAGIC, 3, RF_STAT_VERSION_MAJOR, U32_MAX, -EAGAIN },
};

KUNIT_ARRAY_PARAM_DESC(refusal, refusals, name);

static void refusal_test(struct kunit *test)
{
	struct rf_stat *st, *to = area(test, sizeof(*to));
	const struct refusal *r = test->param_value;
	struct rf_subos *s = subos(test, &st);
	struct netlink_ext_ack extack = { };

	st->magic = r->magic;
	st->generation = r->generation;
	st->version_major = r->major;
	st->seq = r->seq;
	KUNIT_EXPECT_EQ(test, read_it(s, to, &extack), r->err);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
}

static void not_started_test(struct kunit *test)
{
	struct rf_stat *st, *to = area(test, sizeof(*to));
	struct rf_subos *s = subos(test, &st);
	struct netlink_ext_ack extack = { };

	s->generation = 0;
	KUNIT_EXPECT_EQ(test, read_it(s, to, &extack), -EINVAL);
	s->generation = 3;
	s->desc = NULL;
	KUNIT_EXPECT_EQ(test, read_it(s, to, &extack), -EINVAL);
}

/* More CPUs than there is room for, in the page or the copy */
static void bounds_test(struct kunit *test)
{
	struct rf_stat *st, *to = area(test, sizeof(*to) + PAGE_SIZE);
	struct rf_subos *s = subos(test, &st);

	memset(to + 1, 0x5a, PAGE_SIZE);
	st->nr_cpus = U32_MAX;
	KUNIT_EXPECT_EQ(test, read_it(s, to, NULL), 0);
	KUNIT_EXPECT_EQ(test, to->nr_cpus, RF_STAT_MAX_CPUS);
	for (int i = 0; i < 200; i++) {
		get_random_bytes((u8 *)st + offsetof(struct rf_stat, tsc),
				 sizeof(*st) - offsetof(struct rf_stat, tsc));
		get_random_bytes(&st->nr_cpus, sizeof(st->nr_cpus));
		KUNIT_EXPECT_EQ(test, read_it(s, to, NULL), 0);
		KUNIT_EXPECT_LE(test, to->nr_cpus, RF_STAT_MAX_CPUS);
		rf_stat_age(to);
	}
	KUNIT_EXPECT_NULL(test, memchr_inv(to + 1, 0x5a, PAGE_SIZE));
}

static void age_test(struct kunit *test)
{
	struct rf_stat *st = area(test, sizeof(*st));

	st->tsc = rdtsc_ordered() - tsc_khz * 1000ULL;	/* a second ago */
	KUNIT_EXPECT_GE(test, rf_stat_age(st), NSEC_PER_SEC);
	KUNIT_EXPECT_LT(test, rf_stat_age(st), 20ULL * NSEC_PER_SEC);
	st->tsc = U64_MAX;
	KUNIT_EXPECT_EQ(test, rf_stat_age(st), 0);
}

static struct kunit_case stat_cases[] = {
	KUNIT_CASE(whole_test),
	KUNIT_CASE_PARAM(refusal_test, refusal_gen_params),
	KUNIT_CASE(not_started_test),
	KUNIT_CASE(bounds_test),
	KUNIT_CASE(age_test),
	{ }
};

static struct kunit_suite stat_suite = {
	.name		= "rf_stat",
	.test_cases	= stat_cases,
};

kunit_test_suite(stat_suite);
