// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of pressure.c */
#include "pressure.c"

#include <kunit/test.h>
#include <linux/random.h>

static const struct rf_pressure_limits limits = { .busy = 90, .low = 10 };

/* A picture half a second after the one before, with that much idle time of each CPU */
static const char *after(struct rf_pressure *p, struct rf_stat *st, u32 idle_ms)
{
	st->uptime_ns += 500 * NSEC_PER_MSEC;
	for (u32 i = 0; i < st->nr_cpus; i++)
		st->cpu[i].idle_ns += idle_ms * NSEC_PER_MSEC;
	return rf_pressure_look(p, st, &limits);
}

static struct rf_stat *picture(struct kunit *test)
{
	struct rf_stat *st = kunit_kzalloc(test, sizeof(*st), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, st);
	st->nr_cpus = 2;
	st->uptime_ns = NSEC_PER_SEC;
	st->mem_total = 100 << 20;
	st->mem_available = 50 << 20;
	return st;
}

static void busy_test(struct kunit *test)
{
	struct rf_stat *st = picture(test);
	struct rf_pressure p = { };

	KUNIT_EXPECT_NULL(test, rf_pressure_look(&p, st, &limits));
	for (int i = 1; i < RF_PRESSURE_LOOKS; i++)
		KUNIT_EXPECT_NULL(test, after(&p, st, 50));
	/* the same picture again is no other */
	KUNIT_EXPECT_NULL(test, rf_pressure_look(&p, st, &limits));
	KUNIT_EXPECT_NOT_NULL(test, after(&p, st, 50));
	/* one moment of rest, and it begins anew */
	KUNIT_EXPECT_NULL(test, after(&p, st, 51));
	for (int i = 1; i < RF_PRESSURE_LOOKS; i++)
		KUNIT_EXPECT_NULL(test, after(&p, st, 0));
	/* so does it with other CPUs */
	st->nr_cpus = 3;
	KUNIT_EXPECT_NULL(test, after(&p, st, 0));
	for (int i = 1; i < RF_PRESSURE_LOOKS; i++)
		KUNIT_EXPECT_NULL(test, after(&p, st, 0));
	KUNIT_EXPECT_NOT_NULL(test, after(&p, st, 0));
}

static void memory_test(struct kunit *test)
{
	struct rf_stat *st = picture(test);
	struct rf_pressure p = { };

	st->mem_available = 10 << 20;
	for (int i = 0; i < 2 * RF_PRESSURE_LOOKS; i++)
		KUNIT_EXPECT_NULL(test, after(&p, st, 500));
	st->mem_available = 9 << 20;
	for (int i = 1; i < RF_PRESSURE_LOOKS; i++)
		KUNIT_EXPECT_NULL(test, after(&p, st, 500));
	KUNIT_EXPECT_NOT_NULL(test, after(&p, st, 500));
}

static void off_test(struct kunit *test)
{
	const struct rf_pressure_limits off = { };
	struct rf_stat *st = picture(test);
	struct rf_pressure p = { };

	st->mem_available = 0;
	for (int i = 0; i < 3 * RF_PRESSURE_LOOKS; i++) {
		st->uptime_ns += NSEC_PER_SEC;
		KUNIT_EXPECT_NULL(test, rf_pressure_look(&p, st, &off));
	}
}

/* Times that go back, stand still or leap are no pressure */
static void odd_test(struct kunit *test)
{
	struct rf_stat *st = picture(test);
	struct rf_pressure p = { };

	for (int i = 0; i < 3 * RF_PRESSURE_LOOKS; i++) {
		st->uptime_ns += i % 2 ? -NSEC_PER_SEC : 100 * NSEC_PER_SEC;
		KUNIT_EXPECT_NULL(test, rf_pressure_look(&p, st, &limits));
	}
	memset(&p, 0, sizeof(p));
	for (int i = 0; i < 3 * RF_PRESSURE_LOOKS; i++) {
		st->uptime_ns += NSEC_PER_SEC;
		st->cpu[0].idle_ns -= NSEC_PER_SEC;
		KUNIT_EXPECT_NULL(test, rf_pressure_look(&p, st, &limits));
	}
	for (int i = 0; i < 10000; i++) {
		get_random_bytes(st, sizeof(*st));
		st->nr_cpus %= RF_STAT_MAX_CPUS + 1;
		rf_pressure_look(&p, st, &limits);
	}
}

static struct kunit_case rf_pressure_cases[] = {
	KUNIT_CASE(busy_test),
	KUNIT_CASE(memory_test),
	KUNIT_CASE(off_test),
	KUNIT_CASE(odd_test),
	{ }
};

static struct kunit_suite rf_pressure_suite = {
	.name = "rf_pressure",
	.test_cases = rf_pressure_cases,
};
kunit_test_suite(rf_pressure_suite);
