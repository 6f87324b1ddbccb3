// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of resize.c, resize_cpu.c, move.c and preempt.c: who owns what,
 * whatever a subOS answers. The CPUs are made up: none is given or taken back.
 */
#define RF_NO_TRACE
#include "resize.c"
#include "resize_cpu.c"
#include "move.c"
#include "preempt.c"

#include <kunit/test.h>

#include "fakes.h"

static void comes(struct rf_subos *s, u32 cpu)
{
	s->moving.cpus[s->moving.nr_cpus++] = (struct rf_cpu) { .cpu = cpu, .apicid = cpu + 100,
								.proven = true };
}

static bool owns(struct rf_subos *s, u32 cpu)
{
	struct rf_cpu *c = rf_cpu_of(s, cpu);

	return c && READ_ONCE(s->desc->cpu[c->slot].present) &&
	       s->desc->cpu[c->slot].apicid == cpu + 100;
}

/* ---- CPUs come ---- */

static const struct enter_case {
	const char *name;
	u8 answers[4];
	int err, kick_err;
	bool first, second;	/* are they its own then? */
	unsigned int asked;
} enter_cases[] = {
	{ "both", { }, 0, 0, true, true, 2 },
	{ "the first refuses", { RF_CON_NOMEM }, -ENOMEM, 0, false, false, 1 },
	{ "the second refuses", { 0, RF_CON_BUSY }, -EBUSY, 0, false, false, 3 },
	{ "the second refuses, the first stays for it", { 0, RF_CON_BUSY, RF_CON_BUSY },
	  -EUCLEAN, 0, true, false, 3 },
	{ "the first gives no answer", { RF_FAKE_MUTE }, -EINPROGRESS, 0, true, false, 1 },
	{ "the second gives no answer", { 0, RF_FAKE_MUTE }, -EUCLEAN, 0, true, true, 2 },
	{ "to be stopped, at the first", { RF_FAKE_UNWANTED }, -ECANCELED, 0, true, false, 1 },
	{ "to be stopped, at the second", { 0, RF_FAKE_UNWANTED }, -EUCLEAN, 0, true, true, 2 },
	{ "it panics at the first", { RF_FAKE_DIE }, -EHOSTDOWN, 0, false, false, 1 },
	{ "it panics at the second", { 0, RF_FAKE_DIE }, -EHOSTDOWN, 0, false, false, 2 },
	{ "the first refuses, and does not come out", { RF_CON_BUSY }, -EUCLEAN, -ETIMEDOUT,
	  true, false, 1 },
};

KUNIT_ARRAY_PARAM_DESC(enter, enter_cases, name);

static void enter_test(struct kunit *test)
{
	const struct enter_case *c = test->param_value;
	struct rf_subos *s = rf_fake_grant(test, "enter", 1, 1);
	struct rf_resize r = rf_fake_resize();

	memcpy(rf_fakes.answers, c->answers, sizeof(c->answers));
	rf_fakes.kick_err = c->kick_err;
	comes(s, 110);
	comes(s, 111);
	mutex_lock(&s->lock);
	KUNIT_EXPECT_EQ(test, rf_cpus_enter(s, &r, NULL), c->err);
	mutex_unlock(&s->lock);
	KUNIT_EXPECT_EQ(test, !!rf_cpu_of(s, 110), c->first);
	KUNIT_EXPECT_EQ(test, !!rf_cpu_of(s, 111), c->second);
	KUNIT_EXPECT_EQ(test, s->res.nr_cpus, 1 + c->first + c->second);
	/* none is lost, and none has two owners */
	KUNIT_EXPECT_EQ(test, s->res.nr_cpus + s->moving.nr_cpus, 3);
	KUNIT_EXPECT_EQ(test, rf_fakes.nr_asked, c->asked);
	KUNIT_EXPECT_TRUE(test, owns(s, 100));
	for (unsigned int i = 0; i < s->moving.nr_cpus; i++)
		KUNIT_EXPECT_TRUE(test, s->moving.cpus[i].proven);
	/* what it does not own it may not start */
	for (unsigned int slot = 0; slot < RF_BOOT_MAX_CPUS; slot++)
		if (s->desc->cpu[slot].present)
			KUNIT_EXPECT_NOT_NULL(test, rf_cpu_at(s, slot));
}

static void enter_many_test(struct kunit *test)
{
	struct rf_subos *s = rf_fake_grant(test, "many", RF_BOOT_MAX_CPUS, 1);
	struct netlink_ext_ack extack = { };
	struct rf_resize r = rf_fake_resize();

	comes(s, 1000);
	mutex_lock(&s->lock);
	KUNIT_EXPECT_EQ(test, rf_cpus_enter(s, &r, &extack), -EINVAL);
	mutex_unlock(&s->lock);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	KUNIT_EXPECT_EQ(test, s->moving.nr_cpus, 1);
	KUNIT_EXPECT_EQ(test, rf_fakes.nr_asked, 0);
}

/* A CPU that was here once gets the slot that its subOS knows it by */
static void slot_test(struct kunit *test)
{
	struct rf_subos *s = rf_fake_grant(test, "slots", 4, 1);
	struct rf_resize r = rf_fake_resize();

	mutex_lock(&s->lock);
	r.remove = (u32 []) { 102, 101 };
	r.nr_remove = 2;
	KUNIT_EXPECT_EQ(test, rf_cpus_leave(s, &r, 2, NULL), 0);
	KUNIT_EXPECT_EQ(test, s->moving.nr_cpus, 2);
	KUNIT_EXPECT_EQ(test, rf_fakes.about[0], 2);
	KUNIT_EXPECT_EQ(test, rf_fakes.about[1], 1);
	KUNIT_EXPECT_EQ(test, rf_slot_find(s, 202), 2);
	KUNIT_EXPECT_EQ(test, rf_slot_find(s, 201), 1);
	KUNIT_EXPECT_EQ(test, rf_slot_find(s, 203), 1);	/* in use: not for another one */
	KUNIT_EXPECT_EQ(test, rf_slot_find(s, 300), 1);
	KUNIT_EXPECT_EQ(test, rf_cpus_enter(s, &r, NULL), 0);
	mutex_unlock(&s->lock);
	KUNIT_EXPECT_EQ(test, rf_cpu_of(s, 102)->slot, 2);
	KUNIT_EXPECT_EQ(test, rf_cpu_of(s, 101)->slot, 1);
	KUNIT_EXPECT_EQ(test, s->nr_slots, 4);
}

/* ---- CPUs leave ---- */

static const struct leave_case {
	const char *name;
	u32 cpus[3];		/* by number; none: any count of them */
	unsigned int nr, count;
	u8 answers[4];
	int err, kick_err;
	unsigned int left;	/* how many have left */
	unsigned int asked;
} leave_cases[] = {
	{ "any one", { }, 0, 1, { }, 0, 0, 1, 1 },
	{ "all that can", { }, 0, 3, { }, 0, 0, 3, 3 },
	{ "more than can", { }, 0, 4, { }, -ENOSPC, 0, 0, 0 },
	{ "two by number", { 101, 103 }, 2, 2, { }, 0, 0, 2, 2 },
	{ "the first", { 100 }, 1, 1, { }, -EOPNOTSUPP, 0, 0, 0 },
	{ "the first, after another one", { 101, 100 }, 2, 2, { }, -EOPNOTSUPP, 0, 0, 0 },
	{ "somebody else's", { 101, 7 }, 2, 2, { }, -ENXIO, 0, 0, 0 },
	{ "one twice", { 101, 101 }, 2, 2, { }, -EINVAL, 0, 0, 0 },
	{ "any one, the first asked refuses", { }, 0, 1, { RF_CON_BUSY }, 0, 0, 1, 2 },
	{ "any two, one refuses", { }, 0, 2, { 0, RF_CON_BUSY }, 0, 0, 2, 3 },
	{ "any one, none will", { }, 0, 1, { RF_CON_BUSY, RF_CON_BUSY, RF_CON_REFUSED },
	  -EOPNOTSUPP, 0, 0, 3 },
	{ "the second by number refuses", { 101, 102 }, 2, 2, { 0, RF_CON_BUSY }, -EBUSY, 0, 0, 3 },
	{ "the second gives no answer", { 101, 102 }, 2, 2, { 0, RF_FAKE_MUTE }, -EINPROGRESS,
	  0, 0, 3 },
	{ "the second refuses, the first is not taken back", { 101, 102 }, 2, 2,
	  { 0, RF_CON_BUSY, RF_CON_BUSY }, -EUCLEAN, 0, 1, 3 },
	{ "to be stopped, at the second", { 101, 102 }, 2, 2, { 0, RF_FAKE_UNWANTED }, -ECANCELED,
	  0, 0, 3 },
	{ "it panics at the second", { 101, 102 }, 2, 2, { 0, RF_FAKE_DIE }, -EHOSTDOWN, 0, 0, 2 },
	{ "it is gone, but not proven out", { 101 }, 1, 1, { }, -EUCLEAN, -ETIMEDOUT, 0, 1 },
};

KUNIT_ARRAY_PARAM_DESC(leave, leave_cases, name);

static void leave_test(struct kunit *test)
{
	const struct leave_case *c = test->param_value;
	struct rf_subos *s = rf_fake_grant(test, "leave", 4, 1);
	struct rf_resize r = rf_fake_resize();
	u32 cpus[3];

	memcpy(cpus, c->cpus, sizeof(cpus));
	r.remove = cpus;
	r.nr_remove = c->nr;
	memcpy(rf_fakes.answers, c->answers, sizeof(c->answers));
	rf_fakes.kick_err = c->kick_err;
	mutex_lock(&s->lock);
	KUNIT_EXPECT_EQ(test, rf_cpus_leave(s, &r, c->count, NULL), c->err);
	mutex_unlock(&s->lock);
	KUNIT_EXPECT_EQ(test, s->moving.nr_cpus, c->left);
	KUNIT_EXPECT_EQ(test, s->res.nr_cpus, 4 - c->left);
	KUNIT_EXPECT_EQ(test, rf_fakes.nr_asked, c->asked);
	for (unsigned int i = 0; i < s->moving.nr_cpus; i++) {
		KUNIT_EXPECT_TRUE(test, s->moving.cpus[i].proven);
		KUNIT_EXPECT_EQ(test, s->moving.cpus[i].status, RF_LEDGER_RETURNING);
		KUNIT_EXPECT_FALSE(test, s->desc->cpu[s->moving.cpus[i].slot].present);
	}
	/* all that stay run there: who went offline for nothing was asked back */
	for (unsigned int i = 0; !c->kick_err && i < s->res.nr_cpus; i++)
		KUNIT_EXPECT_TRUE(test, owns(s, s->res.cpus[i].cpu));
	if (c->err == -EBUSY || c->err == -EINPROGRESS || c->err == -ECANCELED)
		KUNIT_EXPECT_EQ(test, rf_fakes.asked[2], RF_CON_CPU_ADD);
}

/* One that was given up, but not proven out: later nobody has to be asked again */
static void left_test(struct kunit *test)
{
	struct rf_subos *s = rf_fake_grant(test, "left", 2, 1);
	struct rf_resize r = rf_fake_resize();

	r.remove = (u32 []) { 101 };
	r.nr_remove = 1;
	rf_fakes.kick_err = -ETIMEDOUT;
	mutex_lock(&s->lock);
	KUNIT_EXPECT_EQ(test, rf_cpus_leave(s, &r, 1, NULL), -EUCLEAN);
	KUNIT_EXPECT_EQ(test, s->res.nr_cpus, 2);
	KUNIT_EXPECT_FALSE(test, rf_cpu_of(s, 101)->proven);
	KUNIT_EXPECT_EQ(test, rf_cpus_leave(s, &r, 1, NULL), -EUCLEAN);
	rf_fakes.kick_err = 0;
	KUNIT_EXPECT_EQ(test, rf_cpus_leave(s, &r, 1, NULL), 0);
	mutex_unlock(&s->lock);
	KUNIT_EXPECT_EQ(test, rf_fakes.nr_asked, 1);
	KUNIT_EXPECT_EQ(test, s->moving.nr_cpus, 1);
	KUNIT_EXPECT_FALSE(test, s->moving.cpus[0].left);
}

/* One that has stopped is not asked, if that is allowed; but its CPUs are proven */
static void stopped_test(struct kunit *test)
{
	struct rf_subos *s = rf_fake_grant(test, "stopped", 2, 2);
	struct rf_resize r = rf_fake_resize();

	s->state = RAINFOREST_STATE_STOPPED;
	mutex_lock(&s->lock);
	KUNIT_EXPECT_EQ(test, rf_resize_giver(s, &r, NULL), -EOPNOTSUPP);
	r.stopped_too = true;
	rf_fakes.kick_err = -ETIMEDOUT;
	KUNIT_EXPECT_EQ(test, rf_resize_giver(s, &r, NULL), -EUCLEAN);
	rf_fakes.kick_err = 0;
	KUNIT_EXPECT_EQ(test, rf_resize_giver(s, &r, NULL), 0);
	KUNIT_EXPECT_TRUE(test, r.unasked);
	KUNIT_EXPECT_EQ(test, rf_cpus_leave(s, &r, 1, NULL), 0);
	KUNIT_EXPECT_EQ(test, rf_blocks_leave(s, &r, 1, NUMA_NO_NODE, NULL), 0);
	mutex_unlock(&s->lock);
	KUNIT_EXPECT_EQ(test, rf_fakes.nr_asked, 0);
	KUNIT_EXPECT_EQ(test, s->moving.nr_cpus, 1);
	KUNIT_EXPECT_EQ(test, s->moving.blocks[0].start, rf_fake_block(1));
}

/* ---- what is asked for ---- */

static const struct delta_case {
	const char *name;
	u32 ncpus;
	enum rainforest_how how;
	int node, err;
	unsigned int add, remove;
} delta_cases[] = {	/* of a subOS with 3 CPUs, one of them of node 1 */
	{ "as it is", 3, RAINFOREST_HOW_TARGET, NUMA_NO_NODE, 0, 0, 0 },
	{ "more", 5, RAINFOREST_HOW_TARGET, NUMA_NO_NODE, 0, 2, 0 },
	{ "fewer", 1, RAINFOREST_HOW_TARGET, NUMA_NO_NODE, 0, 0, 2 },
	{ "none", 0, RAINFOREST_HOW_TARGET, NUMA_NO_NODE, -EINVAL, 0, 0 },
	{ "none of a node", 0, RAINFOREST_HOW_TARGET, 1, 0, 0, 1 },
	{ "more of a node", 2, RAINFOREST_HOW_TARGET, 1, 0, 1, 0 },
	{ "on top", 2, RAINFOREST_HOW_ADD, NUMA_NO_NODE, 0, 2, 0 },
	{ "away", 2, RAINFOREST_HOW_REMOVE, NUMA_NO_NODE, 0, 0, 2 },
};

KUNIT_ARRAY_PARAM_DESC(delta, delta_cases, name);

static void delta_test(struct kunit *test)
{
	const struct delta_case *c = test->param_value;
	struct rf_subos *s = rf_fake_grant(test, "delta", 3, 1);
	struct rf_resize r = { .ncpus = c->ncpus, .ncpus_how = c->how, .cpu_node = c->node };
	struct netlink_ext_ack extack = { };
	unsigned int add, remove;
	int err;

	s->res.cpus[2].node = 1;
	err = rf_cpus_delta(s, &r, &add, &remove, &extack);
	KUNIT_EXPECT_EQ(test, err, c->err);
	KUNIT_EXPECT_EQ(test, !!extack._msg, !!c->err);
	if (!err) {
		KUNIT_EXPECT_EQ(test, add, c->add);
		KUNIT_EXPECT_EQ(test, remove, c->remove);
	}
	r.nr_add = 1;
	KUNIT_EXPECT_EQ(test, rf_cpus_delta(s, &r, &add, &remove, &extack), -EINVAL);
}

static void move_check_test(struct kunit *test)
{
	struct netlink_ext_ack extack = { };
	struct rf_resize good = { .ncpus = 1 }, r;

	KUNIT_EXPECT_EQ(test, rf_move_check(&good, &extack), 0);
	KUNIT_EXPECT_NULL(test, extack._msg);
	r = good;
	r.ncpus = 0;
	KUNIT_EXPECT_EQ(test, rf_move_check(&r, &extack), -EINVAL);
	r = good;
	r.ncpus_how = RAINFOREST_HOW_ADD;
	KUNIT_EXPECT_EQ(test, rf_move_check(&r, &extack), -EINVAL);
	r = good;
	r.nr_remove = 1;
	KUNIT_EXPECT_EQ(test, rf_move_check(&r, &extack), -EINVAL);
	r.by_number = true;
	KUNIT_EXPECT_EQ(test, rf_move_check(&r, &extack), 0);
	r.nr_add = 1;
	KUNIT_EXPECT_EQ(test, rf_move_check(&r, &extack), -EINVAL);
	r = (struct rf_resize) { .by_number = true, .nr_mem = 1 };
	r.mem[0].how = RAINFOREST_HOW_ADD;
	KUNIT_EXPECT_EQ(test, rf_move_check(&r, &extack), -EINVAL);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
}

/* What is promised to who gives holds in the move, too, whatever was seen before */
static void move_keep_test(struct kunit *test)
{
	struct rf_subos *from = rf_fake_grant(test, "from", 3, 1);
	struct rf_subos *to = rf_fake_grant(test, "to", 1, 1);
	struct netlink_ext_ack extack = { };
	struct rf_resize r = rf_fake_resize();

	r.by_number = false;
	r.ncpus = 2;
	r.keep = 2;
	mutex_lock(&from->lock);
	mutex_lock_nested(&to->lock, SINGLE_DEPTH_NESTING);
	KUNIT_EXPECT_EQ(test, rf_move_cpus(from, to, &r, NULL, &extack), -ENOSPC);
	mutex_unlock(&to->lock);
	mutex_unlock(&from->lock);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	KUNIT_EXPECT_EQ(test, rf_fakes.nr_asked, 0);
	KUNIT_EXPECT_EQ(test, from->res.nr_cpus, 3);
}

/* ---- preemption ---- */

static const struct spare_case {
	const char *name;
	unsigned int cpus;
	u32 min_cpus, priority;
	int node;
	enum rainforest_state state;
	unsigned int spare;
} spare_cases[] = {	/* for one of priority 5; the odd CPUs are of node 1 */
	{ "all but the first", 4, 0, 0, NUMA_NO_NODE, RAINFOREST_STATE_RUNNING, 3 },
	{ "down to what was promised", 4, 3, 4, NUMA_NO_NODE, RAINFOREST_STATE_RUNNING, 1 },
	{ "promised more than it has", 2, 3, 0, NUMA_NO_NODE, RAINFOREST_STATE_RUNNING, 0 },
	{ "the same priority", 4, 0, 5, NUMA_NO_NODE, RAINFOREST_STATE_RUNNING, 0 },
	{ "a higher one", 4, 0, 6, NUMA_NO_NODE, RAINFOREST_STATE_RUNNING, 0 },
	{ "stopped", 4, 0, 0, NUMA_NO_NODE, RAINFOREST_STATE_STOPPED, 0 },
	{ "of node 1", 4, 0, 0, 1, RAINFOREST_STATE_RUNNING, 2 },
	{ "of node 0, where its first is", 4, 0, 0, 0, RAINFOREST_STATE_RUNNING, 1 },
	{ "of node 1, and promised three", 4, 3, 0, 1, RAINFOREST_STATE_RUNNING, 1 },
};

KUNIT_ARRAY_PARAM_DESC(spare, spare_cases, name);

static void spare_test(struct kunit *test)
{
	const struct spare_case *c = test->param_value;
	struct rf_subos *s = rf_fake_grant(test, "spare", c->cpus, 1);

	s->min_cpus = c->min_cpus;
	s->priority = c->priority;
	s->state = c->state;
	for (unsigned int i = 0; i < c->cpus; i++)
		s->res.cpus[i].node = i % 2;
	mutex_lock(&rf_list_lock);
	KUNIT_EXPECT_EQ(test, rf_spare(s, 5, c->node), c->spare);
	mutex_unlock(&rf_list_lock);
}

/* The lowest priority first, then who can spare most */
static void victim_test(struct kunit *test)
{
	static const u32 priority[] = { 9, 3, 1, 1 };
	struct rf_refusals no = { };
	struct rf_subos *s[4], *victim;
	unsigned int spare, all;

	for (int i = 0; i < 4; i++) {
		s[i] = rf_fake_grant(test, "victim", i + 2, 1);
		snprintf(s[i]->name, sizeof(s[i]->name), "v%d", i);
		s[i]->priority = priority[i];
		KUNIT_ASSERT_EQ(test, rf_subos_insert(s[i], NULL), 0);
	}
	victim = rf_victim(s[0], NUMA_NO_NODE, &no, &spare, &all);
	KUNIT_EXPECT_PTR_EQ(test, victim, s[3]);
	KUNIT_EXPECT_EQ(test, spare, 4);
	KUNIT_EXPECT_EQ(test, all, 2 + 3 + 4);
	if (victim)
		rf_subos_put(victim);
	/* who has refused is passed over */
	no.id[no.nr++] = s[3]->id;
	victim = rf_victim(s[0], NUMA_NO_NODE, &no, &spare, &all);
	KUNIT_EXPECT_PTR_EQ(test, victim, s[2]);
	KUNIT_EXPECT_EQ(test, all, 2 + 3);
	if (victim)
		rf_subos_put(victim);
	no.nr = 0;
	victim = rf_victim(s[3], NUMA_NO_NODE, &no, &spare, &all);
	KUNIT_EXPECT_NULL(test, victim);
	KUNIT_EXPECT_EQ(test, all, 0);
	for (int i = 0; i < 4; i++)
		rf_subos_remove(s[i]);
}

static int resize_init(struct kunit *test)
{
	int err = rf_ledger_init();

	return err ?: rf_resize_init();
}

static void resize_exit(struct kunit *test)
{
	rf_resize_exit();
	rf_ledger_exit();
	memset(&rf_fakes, 0, sizeof(rf_fakes));
}

static struct kunit_case resize_cases[] = {
	KUNIT_CASE_PARAM(enter_test, enter_gen_params),
	KUNIT_CASE(enter_many_test),
	KUNIT_CASE(slot_test),
	KUNIT_CASE_PARAM(leave_test, leave_gen_params),
	KUNIT_CASE(left_test),
	KUNIT_CASE(stopped_test),
	KUNIT_CASE_PARAM(delta_test, delta_gen_params),
	KUNIT_CASE(move_check_test),
	KUNIT_CASE(move_keep_test),
	KUNIT_CASE_PARAM(spare_test, spare_gen_params),
	KUNIT_CASE(victim_test),
	{ }
};

static struct kunit_suite resize_suite = {
	.name		= "rf_resize",
	.init		= resize_init,
	.exit		= resize_exit,
	.test_cases	= resize_cases,
};

kunit_test_suite(resize_suite);
