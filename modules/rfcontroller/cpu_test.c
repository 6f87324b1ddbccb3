// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of cpu.c: which CPUs would be taken; none is */
#include "cpu.c"

#include <kunit/test.h>

static const struct cpus_case {
	const char *name;
	u32 cpus[3];
	unsigned int nr_cpus;
	u32 ncpus;
	int node;
	int err;
} cpus_cases[] = {
	{ "none", { }, 0, 0, NUMA_NO_NODE, -EINVAL },
	{ "more than slots", { }, 0, RF_BOOT_MAX_CPUS + 1, NUMA_NO_NODE, -EINVAL },
	{ "CPU 0", { 0 }, 1, 0, NUMA_NO_NODE, -EOPNOTSUPP },
	{ "a CPU that there is not", { U32_MAX }, 1, 0, NUMA_NO_NODE, -ENODEV },
	{ "a CPU that nobody plugged in", { 511 }, 1, 0, NUMA_NO_NODE, -ENODEV },
	{ "one twice", { 1, 1 }, 2, 0, NUMA_NO_NODE, -EINVAL },
	{ "a good one and CPU 0", { 1, 0 }, 2, 0, NUMA_NO_NODE, -EOPNOTSUPP },
	{ "a node that there is not", { }, 0, 1, INT_MAX, -ENODEV },
	{ "a node below all", { }, 0, 1, MAX_NUMNODES, -ENODEV },
	{ "more than there are", { }, 0, RF_BOOT_MAX_CPUS, NUMA_NO_NODE, -ENOSPC },
	{ "one by number", { 1 }, 1, 0, NUMA_NO_NODE, 0 },
	{ "any one", { }, 0, 1, NUMA_NO_NODE, 0 },
};

KUNIT_ARRAY_PARAM_DESC(cpus, cpus_cases, name);

static void choose_test(struct kunit *test)
{
	const struct cpus_case *c = test->param_value;
	struct netlink_ext_ack extack = { };
	struct rf_resources res = { };
	struct rf_request *req = kunit_kzalloc(test, sizeof(*req), GFP_KERNEL);
	u32 cpus[3];
	int err;

	KUNIT_ASSERT_NOT_NULL(test, req);
	if (num_online_cpus() < 2 || num_online_cpus() > 16)
		kunit_skip(test, "for machines of 2 to 16 CPUs");
	memcpy(cpus, c->cpus, sizeof(cpus));
	req->cpus = cpus;
	req->nr_cpus = c->nr_cpus;
	req->ncpus = c->ncpus;
	req->cpu_node = c->node;
	mutex_lock(&rf_grant_lock);
	err = rf_cpu_choose(req, &res, NULL, &extack);
	mutex_unlock(&rf_grant_lock);

	KUNIT_EXPECT_EQ(test, err, c->err);
	KUNIT_EXPECT_EQ(test, !!extack._msg, !!c->err);
	if (!err) {
		KUNIT_EXPECT_EQ(test, res.nr_cpus, 1);
		KUNIT_EXPECT_NE(test, res.cpus[0].cpu, 0);
		KUNIT_EXPECT_EQ(test, res.cpus[0].apicid, cpu_physical_id(res.cpus[0].cpu));
		KUNIT_EXPECT_EQ(test, res.cpus[0].node, cpu_to_node(res.cpus[0].cpu));
		KUNIT_EXPECT_EQ(test, res.cpus[0].status, RF_LEDGER_TAKING);
		KUNIT_EXPECT_FALSE(test, res.cpus[0].proven);
		KUNIT_EXPECT_TRUE(test, cpu_online(res.cpus[0].cpu));
	}
	kfree(res.cpus);
}

/* The supervisor keeps its reserve */
static void reserve_test(struct kunit *test)
{
	unsigned int before = rf_reserve_cpus;
	struct netlink_ext_ack extack = { };
	struct rf_resources res = { };
	struct rf_request *req = kunit_kzalloc(test, sizeof(*req), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, req);
	if (num_online_cpus() < 2)
		kunit_skip(test, "for machines of 2 CPUs or more");
	req->ncpus = 1;
	req->cpu_node = NUMA_NO_NODE;
	rf_reserve_cpus = num_online_cpus();
	mutex_lock(&rf_grant_lock);
	KUNIT_EXPECT_EQ(test, rf_cpu_choose(req, &res, NULL, &extack), -ENOSPC);
	mutex_unlock(&rf_grant_lock);
	rf_reserve_cpus = before;
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	kfree(res.cpus);
}

static void owner_test(struct kunit *test)
{
	struct rf_cpu cpus[] = { { .cpu = 5 }, { .cpu = 9 } };
	struct rf_subos *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	struct rf_quarantine q = { .owner = "gone", .res = { .cpus = &cpus[1], .nr_cpus = 1 } };
	char name[RF_BOOT_NAME_LEN];
	bool quarantined;

	KUNIT_ASSERT_NOT_NULL(test, s);
	strscpy(s->name, "here", sizeof(s->name));
	s->res.cpus = cpus;
	s->res.nr_cpus = 1;
	list_add_tail(&s->node, &rf_subos_list);
	list_add_tail(&q.node, &rf_quarantine_list);
	KUNIT_EXPECT_TRUE(test, rf_cpu_owner(5, name, &quarantined));
	KUNIT_EXPECT_STREQ(test, name, "here");
	KUNIT_EXPECT_FALSE(test, quarantined);
	KUNIT_EXPECT_TRUE(test, rf_cpu_owner(9, name, &quarantined));
	KUNIT_EXPECT_STREQ(test, name, "gone");
	KUNIT_EXPECT_TRUE(test, quarantined);
	KUNIT_EXPECT_FALSE(test, rf_cpu_owner(6, name, &quarantined));
	KUNIT_EXPECT_FALSE(test, quarantined);
	list_del(&s->node);
	list_del(&q.node);
}

static int cpu_suite_init(struct kunit_suite *suite)
{
	return rf_cpu_init();
}

static void cpu_suite_exit(struct kunit_suite *suite)
{
	rf_cpu_exit();
}

static struct kunit_case cpu_cases[] = {
	KUNIT_CASE_PARAM(choose_test, cpus_gen_params),
	KUNIT_CASE(reserve_test),
	KUNIT_CASE(owner_test),
	{ }
};

static struct kunit_suite cpu_suite = {
	.name		= "rf_cpu",
	.suite_init	= cpu_suite_init,
	.suite_exit	= cpu_suite_exit,
	.test_cases	= cpu_cases,
};

kunit_test_suite(cpu_suite);
