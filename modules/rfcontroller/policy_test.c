// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of policy.c: when a crashed subOS is started again, and when not */
#include "policy.c"

#include <kunit/test.h>
#include <linux/delay.h>

#include "fakes.h"

/* ---- pauses, and the end of them ---- */

static void plan_test(struct kunit *test)
{
	static const u32 want[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
	struct rf_policy_state c = { .policy = { .limit = ARRAY_SIZE(want), .delay_ms = 1000 } };
	u32 delay = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(want); i++) {
		KUNIT_EXPECT_TRUE(test, rf_policy_plan(&c, 100, &delay));
		KUNIT_EXPECT_EQ(test, delay, want[i]);
		KUNIT_EXPECT_EQ(test, c.tries, i + 1);
	}
	KUNIT_EXPECT_FALSE(test, rf_policy_plan(&c, 100, &delay));
	KUNIT_EXPECT_EQ(test, c.tries, ARRAY_SIZE(want));

	/* almost steady is not; ten minutes are */
	KUNIT_EXPECT_FALSE(test, rf_policy_plan(&c, RF_POLICY_STEADY_MS - 1, &delay));
	KUNIT_EXPECT_TRUE(test, rf_policy_plan(&c, RF_POLICY_STEADY_MS, &delay));
	KUNIT_EXPECT_EQ(test, delay, 1000);
	KUNIT_EXPECT_EQ(test, c.tries, 1);
}

/* Without a limit the pause neither overflows nor ends */
static void endless_test(struct kunit *test)
{
	struct rf_policy_state c = { .policy = { .delay_ms = 1000 } };
	u32 delay = 0;

	for (unsigned int i = 0; i < 100; i++) {
		KUNIT_EXPECT_TRUE(test, rf_policy_plan(&c, 0, &delay));
		KUNIT_EXPECT_GE(test, delay, 1000);
		KUNIT_EXPECT_LE(test, delay, RF_POLICY_MAX_DELAY_MS);
	}
	KUNIT_EXPECT_EQ(test, delay, RF_POLICY_MAX_DELAY_MS);

	/* a pause that is longer from the start stays */
	c = (struct rf_policy_state) { .policy = { .delay_ms = U32_MAX } };
	for (unsigned int i = 0; i < 40; i++) {
		KUNIT_EXPECT_TRUE(test, rf_policy_plan(&c, 0, &delay));
		KUNIT_EXPECT_EQ(test, delay, U32_MAX);
	}
	/* and none stays none */
	c = (struct rf_policy_state) { };
	for (unsigned int i = 0; i < 40; i++) {
		KUNIT_EXPECT_TRUE(test, rf_policy_plan(&c, 0, &delay));
		KUNIT_EXPECT_EQ(test, delay, 0);
	}
}

/* ---- what is a crash ---- */

static void kinds_test(struct kunit *test)
{
	static const enum rainforest_state crashed[] = {
		RAINFOREST_STATE_PANICKED, RAINFOREST_STATE_UNRESPONSIVE, RAINFOREST_STATE_FAILED,
	};
	static const enum rainforest_state not[] = {
		RAINFOREST_STATE_DEFINED, RAINFOREST_STATE_RESERVED, RAINFOREST_STATE_LOADED,
		RAINFOREST_STATE_BOOTING, RAINFOREST_STATE_RUNNING, RAINFOREST_STATE_STOPPING,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(crashed); i++)
		KUNIT_EXPECT_TRUE(test, rf_policy_crashed(crashed[i], RAINFOREST_REASON_NONE));
	for (unsigned int i = 0; i < ARRAY_SIZE(not); i++)
		KUNIT_EXPECT_FALSE(test, rf_policy_crashed(not[i], RAINFOREST_REASON_EMERGENCY));
	for (int r = RAINFOREST_REASON_NONE; r <= RAINFOREST_REASON_HEARTBEAT; r++)
		KUNIT_EXPECT_EQ(test, rf_policy_crashed(RAINFOREST_STATE_STOPPED, r),
				r == RAINFOREST_REASON_EMERGENCY);
}

/* ---- who takes note, and who wins ---- */

/* One that waits for nothing yet, and whose work can't begin: its lock is ours */
static struct rf_subos *subos(struct kunit *test, enum rainforest_on_crash on_crash)
{
	struct rf_subos *s = rf_fake_grant(test, "a", 1, 1);

	s->crash.policy.on_crash = on_crash;
	s->crash.policy.delay_ms = 1000;
	s->boot_jiffies = jiffies;
	mutex_lock(&s->lock);
	return s;
}

static void dies(struct rf_subos *s, enum rainforest_state state,
		 enum rainforest_reason reason)
{
	mutex_lock(&s->drain);
	rf_subos_set_state(s, RAINFOREST_STATE_RUNNING, RAINFOREST_REASON_NONE);
	rf_subos_set_state(s, state, reason);
	mutex_unlock(&s->drain);
}

static void seen_test(struct kunit *test)
{
	struct rf_subos *s = subos(test, RAINFOREST_ON_CRASH_RESTART);

	dies(s, RAINFOREST_STATE_STOPPED, RAINFOREST_REASON_POWEROFF);
	KUNIT_EXPECT_FALSE(test, rf_policy_restarting(s));
	dies(s, RAINFOREST_STATE_PANICKED, RAINFOREST_REASON_PANIC);
	KUNIT_EXPECT_TRUE(test, rf_policy_restarting(s));
	KUNIT_EXPECT_EQ(test, s->crash.stage, RF_POLICY_SEEN);
	rf_policy_forget(s);
	KUNIT_EXPECT_FALSE(test, rf_policy_restarting(s));

	/* asked to end: whatever happens then is no crash to act on */
	s->crash.unwanted = true;
	dies(s, RAINFOREST_STATE_PANICKED, RAINFOREST_REASON_PANIC);
	KUNIT_EXPECT_EQ(test, s->crash.stage, RF_POLICY_NONE);
	mutex_unlock(&s->lock);
	flush_workqueue(rf_policy_wq);
	KUNIT_EXPECT_EQ(test, s->state, RAINFOREST_STATE_PANICKED);
}

/* The work has begun when the operator comes, and finds that it is not wanted */
static void operator_test(struct kunit *test)
{
	struct rf_subos *s = subos(test, RAINFOREST_ON_CRASH_RESTART);
	unsigned long end;

	dies(s, RAINFOREST_STATE_PANICKED, RAINFOREST_REASON_PANIC);
	end = jiffies + 10 * HZ;
	while (!(work_busy(&s->crash.work.work) & WORK_BUSY_RUNNING) && time_before(jiffies, end))
		usleep_range(100, 1000);
	KUNIT_EXPECT_TRUE(test, work_busy(&s->crash.work.work) & WORK_BUSY_RUNNING);
	rf_policy_forget(s);
	mutex_unlock(&s->lock);
	flush_workqueue(rf_policy_wq);
	KUNIT_EXPECT_EQ(test, s->state, RAINFOREST_STATE_PANICKED);
	KUNIT_EXPECT_EQ(test, s->crash.tries, 0);
	KUNIT_EXPECT_EQ(test, s->crash.stage, RF_POLICY_NONE);
}

/* A hang that ends by itself is forgotten; one that lasts is a crash */
static void hang_test(struct kunit *test)
{
	struct rf_subos *s = subos(test, RAINFOREST_ON_CRASH_RESTART);

	dies(s, RAINFOREST_STATE_UNRESPONSIVE, RAINFOREST_REASON_HEARTBEAT);
	KUNIT_EXPECT_TRUE(test, rf_policy_restarting(s));
	mutex_lock(&s->drain);
	rf_subos_set_state(s, RAINFOREST_STATE_RUNNING, RAINFOREST_REASON_NONE);
	mutex_unlock(&s->drain);
	mutex_unlock(&s->lock);
	flush_delayed_work(&s->crash.work);
	KUNIT_EXPECT_EQ(test, s->crash.stage, RF_POLICY_NONE);
	KUNIT_EXPECT_EQ(test, s->crash.tries, 0);

	mutex_lock(&s->lock);
	s->crash.policy.limit = 1;
	s->crash.tries = 1;
	strscpy(s->message, "it hangs", sizeof(s->message));
	dies(s, RAINFOREST_STATE_UNRESPONSIVE, RAINFOREST_REASON_HEARTBEAT);
	mutex_unlock(&s->lock);
	flush_delayed_work(&s->crash.work);
	KUNIT_EXPECT_EQ(test, s->state, RAINFOREST_STATE_FAILED);
	KUNIT_EXPECT_EQ(test, s->reason, RAINFOREST_REASON_HEARTBEAT);
	KUNIT_EXPECT_FALSE(test, rf_policy_restarting(s));
	KUNIT_EXPECT_STREQ(test, s->message, "gave up after 1 restart: it hangs");
	KUNIT_EXPECT_EQ(test, rf_fakes.record.op, RAINFOREST_OP_START);
	KUNIT_EXPECT_EQ(test, rf_fakes.record.result, -EHOSTDOWN);
}

static int policy_suite_init(struct kunit_suite *suite)
{
	return rf_ledger_init() ?: rf_policy_init();
}

static void policy_suite_exit(struct kunit_suite *suite)
{
	rf_policy_exit();
	rf_ledger_exit();
}

static struct kunit_case cases[] = {
	KUNIT_CASE(plan_test),
	KUNIT_CASE(endless_test),
	KUNIT_CASE(kinds_test),
	KUNIT_CASE(seen_test),
	KUNIT_CASE(operator_test),
	KUNIT_CASE(hang_test),
	{ }
};

static struct kunit_suite suite = {
	.name = "rf_policy",
	.suite_init = policy_suite_init,
	.suite_exit = policy_suite_exit,
	.test_cases = cases,
};
kunit_test_suite(suite);
