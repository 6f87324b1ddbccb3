// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel that hears nothing any more: every CPU, or the last one, spins with
 * interrupts off. Or the last one runs one kernel thread and nothing else, and
 * serves interrupts.
 */
#define pr_fmt(fmt) "rf_spin: " fmt

#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/smp.h>
#include <linux/sysrq.h>

#include <asm/desc.h>

static char *mode = "irqs_off";
module_param(mode, charp, 0444);
MODULE_PARM_DESC(mode, "irqs_off, idt: with an interrupt table of no entries as well, or thread");

static bool last_only;
module_param(last_only, bool, 0444);
MODULE_PARM_DESC(last_only, "not every CPU, only the last one");

static char *sysrq = "";
module_param(sysrq, charp, 0444);
MODULE_PARM_DESC(sysrq, "keys to press then, with last_only; loading does not end without that CPU");

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
	if (last_only) {
		pr_info("%s on CPU %u\n", mode, last);
		smp_call_function_single(last, spin, NULL, false);
		for (const char *key = sysrq; *key; key++) {
			pr_info("sysrq %c\n", *key);
			handle_sysrq(*key);
		}
		return 0;
	}
	pr_info("%s on %u CPUs\n", mode, num_online_cpus());
	preempt_disable();
	smp_call_function(spin, NULL, false);
	spin(NULL);
	return 0;
}

module_init(rf_spin_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("spins with interrupts off, for tests of forced destroy");
