// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel that hears nothing any more: every CPU spins with interrupts off. Or
 * its last CPU runs one kernel thread and nothing else, and serves interrupts.
 */
#define pr_fmt(fmt) "rf_spin: " fmt

#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/smp.h>

#include <asm/desc.h>

static char *mode = "irqs_off";
module_param(mode, charp, 0444);
MODULE_PARM_DESC(mode, "irqs_off, idt: with an interrupt table of no entries as well, or thread");

static bool no_idt;

static void spin(void *unused)
{
	static const struct desc_ptr none = { };

	local_irq_disable();
	if (no_idt)
		load_idt(&none);
	for (;;)
		cpu_relax();
}

static int spin_thread(void *unused)
{
	preempt_disable();
	for (;;)
		cpu_relax();
	return 0;
}

static int __init rf_spin_init(void)
{
	unsigned int last = cpumask_last(cpu_online_mask);

	if (!strcmp(mode, "thread")) {
		pr_info("thread on CPU %u\n", last);
		return PTR_ERR_OR_ZERO(kthread_run_on_cpu(spin_thread, NULL, last, "spin/%u"));
	}
	if (strcmp(mode, "irqs_off") && strcmp(mode, "idt"))
		return -EINVAL;
	no_idt = !strcmp(mode, "idt");
	pr_info("%s on %u CPUs\n", mode, num_online_cpus());
	preempt_disable();
	smp_call_function(spin, NULL, false);
	spin(NULL);
	return 0;
}

module_init(rf_spin_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("spins with interrupts off, for tests of forced destroy");
