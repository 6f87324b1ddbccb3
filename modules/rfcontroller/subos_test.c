// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of subos.c */
#define RF_NO_TRACE
#include "subos.c"

#include <kunit/test.h>
#include <linux/vmalloc.h>

#include "fakes.h"

/* ---- names ---- */

static const struct name_case {
	const char *text;
	int err;
} name_cases[] = {
	{ "a", 0 },
	{ "0", 0 },
	{ "web-1.example_com", 0 },
	{ "Z9---", 0 },
	{ "", -EINVAL },
	{ "-a", -EINVAL },
	{ ".", -EINVAL },
	{ "..", -EINVAL },
	{ "_a", -EINVAL },
	{ "a b", -EINVAL },
	{ "a/b", -EINVAL },
	{ "a\n", -EINVAL },
	{ "a\x7f", -EINVAL },
	{ "a%s", -EINVAL },
	{ "a:", -EINVAL },
	{ "supervisor", -EINVAL },
	{ "supervisor2", 0 },
};

KUNIT_ARRAY_PARAM_DESC(name, name_cases, text);

static void name_test(struct kunit *test)
{
	const struct name_case *c = test->param_value;
	struct netlink_ext_ack extack = { };

	KUNIT_EXPECT_EQ(test, rf_subos_name_check(c->text, &extack), c->err);
	KUNIT_EXPECT_EQ(test, !!extack._msg, !!c->err);
}

/* A refusal's text outlives the next refusals, and is never cut in the middle */
static void msg_test(struct kunit *test)
{
	struct netlink_ext_ack first = { }, other = { };

	rf_msg(NULL, "nobody listens");
	rf_msg(&first, "%0300d", 7);
	for (int i = 0; i < 63; i++)
		rf_msg(&other, "%d", i);
	KUNIT_EXPECT_EQ(test, strlen(first._msg), 255);
	KUNIT_EXPECT_STREQ(test, other._msg, "62");
}

static void warn_test(struct kunit *test)
{
	struct rf_report *report = kunit_kzalloc(test, sizeof(*report), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, report);
	rf_warn(NULL, "nobody listens");
	for (int i = 0; i < RF_MAX_WARNINGS + 5; i++)
		rf_warn(report, "%d%0200d", i, 0);
	KUNIT_EXPECT_EQ(test, report->nr_warnings, RF_MAX_WARNINGS);
	KUNIT_EXPECT_EQ(test, strlen(report->warning[RF_MAX_WARNINGS - 1]),
			sizeof(report->warning[0]) - 1);
	KUNIT_EXPECT_EQ(test, report->pinned, 0);
}

/* ---- a subOS that says this and that ---- */

static void free_desc(void *desc)
{
	vfree(desc);
}

static void free_subos(void *s)
{
	rf_subos_put(s);
}

static struct rf_subos *subos(struct kunit *test, const char *name)
{
	struct rf_subos *s = rf_subos_alloc(name);

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_subos, s), 0);
	s->desc = vzalloc(RF_CONTROL_SIZE);
	KUNIT_ASSERT_NOT_NULL(test, s->desc);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_desc, s->desc), 0);
	s->res.cpus = kcalloc(2, sizeof(*s->res.cpus), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s->res.cpus);
	s->res.nr_cpus = 2;
	s->res.cpus[1].slot = 1;
	s->generation = 1;
	memset(&rf_fakes, 0, sizeof(rf_fakes));
	return s;
}

static const struct word_case {
	const char *name;
	enum rainforest_state from;
	u32 word, reason;
	enum rainforest_state to;
	enum rainforest_reason why;
} word_cases[] = {
	{ "nothing yet", RAINFOREST_STATE_BOOTING, RF_BOOT_NEW, 0,
	  RAINFOREST_STATE_BOOTING, RAINFOREST_REASON_NONE },
	{ "still booting", RAINFOREST_STATE_BOOTING, RF_BOOT_KERNEL, 0,
	  RAINFOREST_STATE_BOOTING, RAINFOREST_REASON_NONE },
	{ "up", RAINFOREST_STATE_BOOTING, RF_BOOT_USER, 0,
	  RAINFOREST_STATE_RUNNING, RAINFOREST_REASON_NONE },
	{ "up, and asked to stop", RAINFOREST_STATE_STOPPING, RF_BOOT_USER, 0,
	  RAINFOREST_STATE_STOPPING, RAINFOREST_REASON_NONE },
	{ "poweroff", RAINFOREST_STATE_RUNNING, RF_BOOT_STOPPED, RF_REASON_POWEROFF,
	  RAINFOREST_STATE_STOPPED, RAINFOREST_REASON_POWEROFF },
	{ "reboot", RAINFOREST_STATE_STOPPING, RF_BOOT_STOPPED, RF_REASON_REBOOT,
	  RAINFOREST_STATE_STOPPED, RAINFOREST_REASON_REBOOT },
	{ "stopped before it was up", RAINFOREST_STATE_BOOTING, RF_BOOT_STOPPED, RF_REASON_HALT,
	  RAINFOREST_STATE_STOPPED, RAINFOREST_REASON_HALT },
	{ "a reason that there is not", RAINFOREST_STATE_RUNNING, RF_BOOT_STOPPED, 99,
	  RAINFOREST_STATE_STOPPED, RAINFOREST_REASON_NONE },
	{ "panic", RAINFOREST_STATE_RUNNING, RF_BOOT_PANICKED, 0,
	  RAINFOREST_STATE_PANICKED, RAINFOREST_REASON_PANIC },
	{ "refused", RAINFOREST_STATE_BOOTING, RF_BOOT_REFUSED, 0,
	  RAINFOREST_STATE_FAILED, RAINFOREST_REASON_REFUSED },
	{ "a word that there is not", RAINFOREST_STATE_RUNNING, 4711, 0,
	  RAINFOREST_STATE_RUNNING, RAINFOREST_REASON_NONE },
	{ "nothing wakes the dead", RAINFOREST_STATE_STOPPED, RF_BOOT_USER, 0,
	  RAINFOREST_STATE_STOPPED, RAINFOREST_REASON_NONE },
};

KUNIT_ARRAY_PARAM_DESC(word, word_cases, name);

static void word_test(struct kunit *test)
{
	const struct word_case *c = test->param_value;
	struct rf_subos *s = subos(test, "word");

	s->state = c->from;
	s->boot_jiffies = jiffies;
	s->desc->state = c->word;
	s->desc->reason = c->reason;
	rf_subos_watch(s);
	KUNIT_EXPECT_EQ(test, s->state, c->to);
	KUNIT_EXPECT_EQ(test, s->reason, c->why);
	/* user space is told of changes, once */
	KUNIT_EXPECT_EQ(test, rf_fakes.notices, c->from != c->to);
	rf_subos_watch(s);
	KUNIT_EXPECT_EQ(test, rf_fakes.notices, c->from != c->to);
}

/* It is told that we look, for as long as it runs */
static void alive_test(struct kunit *test)
{
	struct rf_subos *s = subos(test, "alive");
	const struct rf_alive *a = (void *)s->desc + RF_OFF_ALIVE;

	s->state = RAINFOREST_STATE_RUNNING;
	s->boot_jiffies = jiffies;
	for (u64 beat = 1; beat < 4; beat++) {
		rf_subos_watch(s);
		KUNIT_EXPECT_EQ(test, a->magic, RF_ALIVE_MAGIC);
		KUNIT_EXPECT_EQ(test, a->version_major, RF_ALIVE_VERSION_MAJOR);
		KUNIT_EXPECT_EQ(test, a->beat, beat);
	}
	((struct rf_alive *)a)->beat = 77;	/* we know our own */
	rf_subos_watch(s);
	KUNIT_EXPECT_EQ(test, a->beat, 4);
	s->state = RAINFOREST_STATE_STOPPED;
	rf_subos_watch(s);
	KUNIT_EXPECT_EQ(test, a->beat, 4);
}

static void exit_status_test(struct kunit *test)
{
	struct rf_subos *s = subos(test, "exit");

	s->state = RAINFOREST_STATE_RUNNING;
	s->desc->state = RF_BOOT_USER;
	s->desc->exit_status = 0x12345;
	rf_subos_watch(s);
	KUNIT_EXPECT_FALSE(test, s->exited);
	s->desc->exited = 1;
	rf_subos_watch(s);
	KUNIT_EXPECT_TRUE(test, s->exited);
	KUNIT_EXPECT_EQ(test, s->exit_status, 0x45);
	s->desc->exit_status = 1;	/* said is said */
	rf_subos_watch(s);
	KUNIT_EXPECT_EQ(test, s->exit_status, 0x45);
}

/* Whatever stands there, with or without an end, it is a line of text */
static void message_test(struct kunit *test)
{
	struct rf_subos *s = subos(test, "message");

	s->state = RAINFOREST_STATE_RUNNING;
	s->desc->state = RF_BOOT_PANICKED;
	memset(s->desc->message, 0x1b, sizeof(s->desc->message));
	rf_subos_watch(s);
	KUNIT_EXPECT_EQ(test, strlen(s->message), sizeof(s->message) - 1);
	KUNIT_EXPECT_NULL(test, memchr_inv(s->message, '?', sizeof(s->message) - 1));

	s->state = RAINFOREST_STATE_RUNNING;
	strscpy(s->desc->message, "why\n<0>and more", sizeof(s->desc->message));
	rf_subos_watch(s);
	KUNIT_EXPECT_STREQ(test, s->message, "why");
}

/* ---- heartbeats ---- */

static void beats_test(struct kunit *test)
{
	struct rf_subos *s = subos(test, "beats");
	unsigned long stale = msecs_to_jiffies(RF_STALE_MS) + 1;

	s->state = RAINFOREST_STATE_RUNNING;
	s->desc->state = RF_BOOT_USER;
	/* a CPU that has not begun to beat is not missed */
	for (u64 i = 1; i < 5; i++) {
		s->desc->cpu[0].beat = i;
		rf_subos_watch(s);
		s->pulse[0].hard_at -= stale;
		s->pulse[1].hard_at -= stale;
		KUNIT_EXPECT_EQ(test, s->state, RAINFOREST_STATE_RUNNING);
	}
	/* one that stands still is, after a while */
	s->desc->cpu[0].beat++;
	s->desc->cpu[1].beat = 1;
	rf_subos_watch(s);
	s->desc->cpu[0].beat++;
	rf_subos_watch(s);
	KUNIT_EXPECT_EQ(test, s->state, RAINFOREST_STATE_RUNNING);
	s->desc->cpu[0].beat++;
	s->pulse[1].hard_at -= stale;
	rf_subos_watch(s);
	KUNIT_EXPECT_EQ(test, s->state, RAINFOREST_STATE_UNRESPONSIVE);
	KUNIT_EXPECT_EQ(test, s->reason, RAINFOREST_REASON_HEARTBEAT);
	KUNIT_EXPECT_NOT_NULL(test, strstr(s->message, "hard"));
	/* until it goes on */
	s->desc->cpu[1].beat++;
	rf_subos_watch(s);
	KUNIT_EXPECT_EQ(test, s->state, RAINFOREST_STATE_RUNNING);
	KUNIT_EXPECT_EQ(test, s->message[0], 0);
	/* or goes offline in order, which sets it to 0 */
	s->desc->cpu[1].beat = 0;
	s->pulse[1].hard_at -= stale;
	rf_subos_watch(s);
	KUNIT_EXPECT_EQ(test, s->state, RAINFOREST_STATE_RUNNING);
}

/* Interrupts come, the real-time thread doesn't */
static void soft_beats_test(struct kunit *test)
{
	struct rf_subos *s = subos(test, "soft");
	unsigned long stale = msecs_to_jiffies(RF_STALE_MS) + 1;

	s->state = RAINFOREST_STATE_RUNNING;
	s->desc->state = RF_BOOT_USER;
	s->desc->cpu[1].beat = 1;
	s->desc->cpu[1].soft_beat = 1;
	rf_subos_watch(s);
	s->desc->cpu[1].beat++;
	s->pulse[1].soft_at -= stale;
	rf_subos_watch(s);
	KUNIT_EXPECT_EQ(test, s->state, RAINFOREST_STATE_UNRESPONSIVE);
	KUNIT_EXPECT_NOT_NULL(test, strstr(s->message, "soft"));
	s->desc->cpu[1].soft_beat++;
	rf_subos_watch(s);
	KUNIT_EXPECT_EQ(test, s->state, RAINFOREST_STATE_RUNNING);
}

/* ---- the list, and quarantine ---- */

static void list_test(struct kunit *test)
{
	struct netlink_ext_ack extack = { };
	struct rf_subos *a = subos(test, "a"), *again = subos(test, "a"), *found;

	KUNIT_EXPECT_NULL(test, rf_subos_find("a"));
	KUNIT_EXPECT_FALSE(test, rf_anything_granted());
	KUNIT_ASSERT_EQ(test, rf_subos_insert(a, &extack), 0);
	KUNIT_EXPECT_TRUE(test, rf_anything_granted());
	KUNIT_EXPECT_EQ(test, rf_subos_insert(again, &extack), -EEXIST);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	found = rf_subos_find("a");
	KUNIT_EXPECT_PTR_EQ(test, found, a);
	if (found)
		rf_subos_put(found);
	KUNIT_EXPECT_NULL(test, rf_subos_find("A"));
	rf_subos_remove(a);
	KUNIT_EXPECT_TRUE(test, a->dead);
	KUNIT_EXPECT_NULL(test, rf_subos_find("a"));
	KUNIT_EXPECT_EQ(test, rf_subos_insert(again, &extack), 0);
	KUNIT_EXPECT_GT(test, again->id, a->id);
	rf_subos_remove(again);
}

static void quarantine_test(struct kunit *test)
{
	struct rf_subos *s = subos(test, "q");
	struct rf_cpu *cpus = s->res.cpus;
	struct rf_quarantine *q;

	rf_quarantine(&s->res, s->name, 7, true, "for a test");
	KUNIT_ASSERT_FALSE(test, list_empty(&rf_quarantine_list));
	KUNIT_EXPECT_TRUE(test, rf_anything_granted());
	KUNIT_EXPECT_EQ(test, s->res.nr_cpus, 0);
	KUNIT_EXPECT_NULL(test, s->res.cpus);

	q = list_first_entry(&rf_quarantine_list, struct rf_quarantine, node);
	KUNIT_EXPECT_STREQ(test, q->owner, "q");
	KUNIT_EXPECT_EQ(test, q->owner_id, 7);
	KUNIT_EXPECT_PTR_EQ(test, q->res.cpus, cpus);
	KUNIT_EXPECT_EQ(test, q->res.nr_cpus, 2);
	KUNIT_EXPECT_EQ(test, cpus[1].status, RF_LEDGER_QUARANTINED);

	/* nothing left is nothing to keep */
	rf_quarantine(&s->res, s->name, 7, true, "for a test");
	KUNIT_EXPECT_TRUE(test, list_is_singular(&rf_quarantine_list));
	list_del(&q->node);
	rf_subos_free_resources(&q->res);
	kfree(q);
	module_put(THIS_MODULE);
}

static int subos_init(struct kunit *test)
{
	return rf_ledger_init();
}

static void subos_exit(struct kunit *test)
{
	rf_ledger_exit();
}

static struct kunit_case subos_cases[] = {
	KUNIT_CASE_PARAM(name_test, name_gen_params),
	KUNIT_CASE(msg_test),
	KUNIT_CASE(warn_test),
	KUNIT_CASE_PARAM(word_test, word_gen_params),
	KUNIT_CASE(alive_test),
	KUNIT_CASE(exit_status_test),
	KUNIT_CASE(message_test),
	KUNIT_CASE(beats_test),
	KUNIT_CASE(soft_beats_test),
	KUNIT_CASE(list_test),
	KUNIT_CASE(quarantine_test),
	{ }
};

static struct kunit_suite subos_suite = {
	.name		= "rf_subos",
	.init		= subos_init,
	.exit		= subos_exit,
	.test_cases	= subos_cases,
};

kunit_test_suite(subos_suite);
