// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of account.c */
#include "account.c"

#include <kunit/test.h>

#include "fakes.h"

/* ---- integrals ---- */

struct step {
	u64 level, after;	/* ns with the level before */
};

static const struct integral_case {
	const char *name;
	struct step step[4];
	u64 whole, rest;
} integral_cases[] = {
	{ "nothing owned", { { 0, NSEC_PER_SEC } }, 0, 0 },
	{ "one for a second", { { 1, 5 }, { 0, NSEC_PER_SEC } }, 1, 0 },
	{ "one ns less", { { 1, 5 }, { 0, NSEC_PER_SEC - 1 } }, 0, NSEC_PER_SEC - 1 },
	{ "two for 1.5 s, three for 0.25 s",
	  { { 2, 0 }, { 3, 1500000000 }, { 0, 250000000 }, { 0, NSEC_PER_SEC } }, 3, 750000000 },
	{ "rests add up to a whole",
	  { { 1, 0 }, { 2, 600000000 }, { 0, 300000000 } }, 1, 200000000 },
	{ "less, then more", { { 3, 0 }, { 1, 100000000 }, { 4, 300000000 }, { 0, 100000000 } },
	  1, 0 },
	{ "a day", { { 256, 1 }, { 0, 86400ULL * NSEC_PER_SEC + 1 } }, 256 * 86400ULL, 256 },
	{ "16 EiB for ten years",
	  { { 1ULL << 34, 0 }, { 0, 315576000ULL * NSEC_PER_SEC + 999999999 } },
	  (1ULL << 34) * 315576000ULL + (1ULL << 34) - 18, 820130816 },
};

KUNIT_ARRAY_PARAM_DESC(integral, integral_cases, name);

static void integral_test(struct kunit *test)
{
	const struct integral_case *c = test->param_value;
	struct rf_integral i = { };
	u64 now = 0;

	for (int n = 0; n < ARRAY_SIZE(c->step); n++) {
		now += c->step[n].after;
		rf_integral_set(&i, c->step[n].level, now);
	}
	KUNIT_EXPECT_EQ(test, i.whole, c->whole);
	KUNIT_EXPECT_EQ(test, i.rest, c->rest);
}

/* However often it is looked at, the sum is the same */
static void integral_steps_test(struct kunit *test)
{
	struct rf_integral once = { }, often = { };

	rf_integral_set(&once, 7, 0);
	rf_integral_set(&often, 7, 0);
	for (u64 now = 0; now < 5 * NSEC_PER_SEC; now += 1234567)
		rf_integral_advance(&often, now);
	rf_integral_advance(&once, 5 * NSEC_PER_SEC);
	rf_integral_advance(&often, 5 * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, once.whole, 35);
	KUNIT_EXPECT_EQ(test, often.whole, 35);
	KUNIT_EXPECT_EQ(test, often.rest, 0);
	/* two that looked at the clock in the other order */
	rf_integral_set(&often, 1, 4 * NSEC_PER_SEC);
	rf_integral_advance(&often, 6 * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, often.whole, 36);
}

/* ---- records ---- */

static void free_subos(void *s)
{
	rf_subos_put(s);
}

static struct rf_subos *subos(struct kunit *test)
{
	struct rf_subos *s = rf_subos_alloc("kept");

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_subos, s), 0);
	memset(&rf_fakes, 0, sizeof(rf_fakes));
	return s;
}

static void record_test(struct kunit *test)
{
	struct rf_subos *s = subos(test);
	struct rf_record *r = s->account.record;

	rf_account_record(s, RAINFOREST_OP_CPU_ADD, "lease \x1b[2J\n", "CPUs 3", 12, 0);
	KUNIT_EXPECT_EQ(test, s->account.nr, 1);
	KUNIT_EXPECT_STREQ(test, r[0].cause, "lease ?[2J?");
	KUNIT_EXPECT_STREQ(test, r[0].what, "CPUs 3");
	KUNIT_EXPECT_EQ(test, r[0].seq, 1);
	KUNIT_EXPECT_EQ(test, r[0].duration_ns, 12);
	KUNIT_EXPECT_GT(test, r[0].time_ns, 0);
	KUNIT_EXPECT_EQ(test, rf_fakes.records, 1);
	KUNIT_EXPECT_EQ(test, rf_fakes.record.seq, 1);
	/* nobody named: who runs */
	rf_account_record(s, RAINFOREST_OP_KILL, NULL, NULL, 0, -EUCLEAN);
	KUNIT_EXPECT_NOT_NULL(test, strchr(r[1].cause, '['));
	KUNIT_EXPECT_STREQ(test, r[1].what, "");
	KUNIT_EXPECT_EQ(test, r[1].result, -EUCLEAN);
}

static void bounded_test(struct kunit *test)
{
	struct rf_subos *s = subos(test);
	char what[300];

	memset(what, 'x', sizeof(what) - 1);
	what[sizeof(what) - 1] = 0;
	for (int i = 0; i < 3 * RF_RECORDS + 1; i++)
		rf_account_record(s, RAINFOREST_OP_CPU_ADD, what, what, i, 0);
	KUNIT_EXPECT_EQ(test, s->account.nr, 3 * RF_RECORDS + 1);
	KUNIT_EXPECT_EQ(test, s->account.record[0].seq, 3 * RF_RECORDS + 1);
	KUNIT_EXPECT_EQ(test, s->account.record[1].seq, 2 * RF_RECORDS + 2);
	KUNIT_EXPECT_EQ(test, strlen(s->account.record[1].what),
			sizeof(s->account.record[1].what) - 1);
}

/* A stop that is waited for by asking again is one */
static void continued_test(struct kunit *test)
{
	struct rf_subos *s = subos(test);
	struct rf_record *r = s->account.record;

	rf_account_record(s, RAINFOREST_OP_STOP, "rfm[1]", NULL, NSEC_PER_SEC, -ETIMEDOUT);
	r[0].time_ns -= 3ULL * NSEC_PER_SEC;
	rf_account_record(s, RAINFOREST_OP_STOP, "rfm[1]", NULL, NSEC_PER_SEC, 0);
	KUNIT_EXPECT_EQ(test, s->account.nr, 1);
	KUNIT_EXPECT_EQ(test, r[0].result, 0);
	KUNIT_EXPECT_GE(test, r[0].duration_ns, 4ULL * NSEC_PER_SEC);
	/* but not another's, nor one that is done */
	rf_account_record(s, RAINFOREST_OP_STOP, "rfm[1]", NULL, 0, -ETIMEDOUT);
	rf_account_record(s, RAINFOREST_OP_STOP, "rfm[2]", NULL, 0, -ETIMEDOUT);
	rf_account_record(s, RAINFOREST_OP_KILL, "rfm[2]", NULL, 0, 0);
	KUNIT_EXPECT_EQ(test, s->account.nr, 4);
}

static void grant_text_test(struct kunit *test)
{
	struct rf_subos *s = subos(test);
	char what[104], want[104], tiny[12];

	mutex_lock(&s->lock);
	rf_account_grant_text(s, what, sizeof(what));
	KUNIT_EXPECT_STREQ(test, what, "");
	s->res.cpus = kcalloc(2, sizeof(*s->res.cpus), GFP_KERNEL);
	s->res.blocks = kcalloc(2, sizeof(*s->res.blocks), GFP_KERNEL);
	if (s->res.cpus && s->res.blocks) {
		s->res.cpus[0].cpu = 1;
		s->res.nr_cpus = 2;
		s->res.nr_blocks = 2;
		rf_account_grant_text(s, what, sizeof(what));
		snprintf(want, sizeof(want), "CPUs 0-1, %lluM@node0",
			 rf_memory_of(&s->res, NUMA_NO_NODE) >> 20);
		KUNIT_EXPECT_STREQ(test, what, want);
		rf_account_grant_text(s, tiny, sizeof(tiny));
		KUNIT_EXPECT_EQ(test, strlen(tiny), sizeof(tiny) - 1);
		/* and what is owned is summed */
		rf_account_update(s);
		KUNIT_EXPECT_EQ(test, s->account.cpu.level, 2);
		KUNIT_EXPECT_EQ(test, s->account.mib.level,
				rf_memory_of(&s->res, NUMA_NO_NODE) >> 20);
	}
	s->res.nr_cpus = 0;
	s->res.nr_blocks = 0;
	mutex_unlock(&s->lock);
}

static struct kunit_case account_cases[] = {
	KUNIT_CASE_PARAM(integral_test, integral_gen_params),
	KUNIT_CASE(integral_steps_test),
	KUNIT_CASE(record_test),
	KUNIT_CASE(bounded_test),
	KUNIT_CASE(continued_test),
	KUNIT_CASE(grant_text_test),
	{ }
};

static struct kunit_suite account_suite = {
	.name		= "rf_account",
	.test_cases	= account_cases,
};

kunit_test_suite(account_suite);
