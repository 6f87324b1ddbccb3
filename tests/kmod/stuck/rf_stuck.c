// SPDX-License-Identifier: GPL-2.0
/*
 * In the supervisor: somebody takes the lock of the control plane and hangs, or
 * sleeps, with it. For ever: this can't be unloaded.
 */
#define pr_fmt(fmt) "rf_stuck: " fmt

#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>

static char *how = "irqs_off";
module_param(how, charp, 0444);
MODULE_PARM_DESC(how, "irqs_off: its CPU spins with interrupts off; sleep: it only sleeps");

static unsigned int cpu = 1;
module_param(cpu, uint, 0444);
MODULE_PARM_DESC(cpu, "where");

static char *lock = "rf_list_lock";
module_param(lock, charp, 0444);
MODULE_PARM_DESC(lock, "the name of a mutex");

static int hang(void *mutex)
{
	mutex_lock(mutex);
	pr_info("%s is held: %s\n", lock, how);
	while (!strcmp(how, "sleep"))
		msleep(1000);
	local_irq_disable();
	for (;;)
		cpu_relax();
	return 0;
}

/* Not exported; a probe knows where it is */
static void *find(const char *name)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };
	unsigned long (*lookup)(const char *name);

	if (register_kprobe(&probe))
		return NULL;
	lookup = (void *)probe.addr;
	unregister_kprobe(&probe);
	return (void *)lookup(name);
}

static int __init rf_stuck_init(void)
{
	void *mutex = find(lock);

	if (!mutex) {
		pr_err("there is no %s\n", lock);
		return -ENOENT;
	}
	__module_get(THIS_MODULE);
	return PTR_ERR_OR_ZERO(kthread_run_on_cpu(hang, mutex, cpu, "rf_stuck/%u"));
}

module_init(rf_stuck_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("holds the control plane for ever, for tests");
