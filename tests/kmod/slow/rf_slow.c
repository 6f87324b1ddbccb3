// SPDX-License-Identifier: GPL-2.0
/*
 * In a subOS: CPUs and memory that come or go only after a while, or refuse. What
 * is held waits until it is not any more: so answers come as late as a test wants.
 */
#define pr_fmt(fmt) "rf_slow: " fmt

#include <linux/cpuhotplug.h>
#include <linux/delay.h>
#include <linux/memory.h>
#include <linux/module.h>
#include <linux/notifier.h>

enum { CPU_COMES = 1, CPU_GOES = 2, MEM_COMES = 4, MEM_GOES = 8 };

static int hold;
module_param(hold, int, 0644);
MODULE_PARM_DESC(hold, "sum of: 1 CPUs that come, 2 that go, 4 memory that comes, 8 that goes");

static int refuse;
module_param(refuse, int, 0644);
MODULE_PARM_DESC(refuse, "likewise: these get an error");

static int allow;
module_param(allow, int, 0644);
MODULE_PARM_DESC(allow, "so many pass before one is held or refused");

static int error = EBUSY;
module_param(error, int, 0644);
MODULE_PARM_DESC(error, "which");

static int pass(int what, const char *name)
{
	/* hotplug has one at a time */
	if ((READ_ONCE(hold) | READ_ONCE(refuse)) & what && READ_ONCE(allow) > 0) {
		WRITE_ONCE(allow, allow - 1);
		return 0;
	}
	if (READ_ONCE(hold) & what) {
		pr_info("holds %s\n", name);
		while (READ_ONCE(hold) & what)
			msleep(20);
		pr_info("lets %s go on\n", name);
	}
	return READ_ONCE(refuse) & what ? -READ_ONCE(error) : 0;
}

static int cpu_comes(unsigned int cpu)
{
	return pass(CPU_COMES, "a CPU that comes");
}

static int cpu_goes(unsigned int cpu)
{
	return pass(CPU_GOES, "a CPU that goes");
}

static int memory(struct notifier_block *nb, unsigned long action, void *data)
{
	switch (action) {
	case MEM_GOING_ONLINE:
		return notifier_from_errno(pass(MEM_COMES, "memory that comes"));
	case MEM_GOING_OFFLINE:
		return notifier_from_errno(pass(MEM_GOES, "memory that goes"));
	}
	return NOTIFY_OK;
}

static struct notifier_block memory_block = {
	.notifier_call	= memory,
};

static int state;

static int __init rf_slow_init(void)
{
	int err = register_memory_notifier(&memory_block);

	if (err)
		return err;
	state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "rf_slow", cpu_comes, cpu_goes);
	if (state < 0) {
		unregister_memory_notifier(&memory_block);
		return state;
	}
	return 0;
}

static void __exit rf_slow_exit(void)
{
	cpuhp_remove_state_nocalls(state);
	unregister_memory_notifier(&memory_block);
}

module_init(rf_slow_init);
module_exit(rf_slow_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("holds up and refuses hotplug in a subOS, for tests of late answers");
