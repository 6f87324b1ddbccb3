// SPDX-License-Identifier: GPL-2.0
/*
 * In a subOS: leaves what INIT preserves in a state that no kernel wants to
 * find, on every CPU, and says what the machine has of it. Then all spin.
 */
#define pr_fmt(fmt) "rf_poison: " fmt

#include <linux/module.h>
#include <linux/smp.h>

#include <asm/msr.h>

static const struct poison {
	const char *name;
	u32 msr;
	u64 value;
} poisons[] = {
	{ "PAT", MSR_IA32_CR_PAT, 0x0606060606060606 },	/* all of it write-back */
	{ "TSC_ADJUST", MSR_IA32_TSC_ADJUST, 0x123456 },
	{ "SPEC_CTRL", MSR_IA32_SPEC_CTRL, SPEC_CTRL_STIBP },
	{ "DEBUGCTL", MSR_IA32_DEBUGCTLMSR, DEBUGCTLMSR_LBR },
	{ "DS_AREA", MSR_IA32_DS_AREA, 0xffff888000100000 },
	{ "PERF_GLOBAL_CTRL", MSR_CORE_PERF_GLOBAL_CTRL, 1 },
	{ "FIXED_CTR_CTRL", MSR_CORE_PERF_FIXED_CTR_CTRL, 3 },
};

/* What is not there faults, or takes no value */
static void spoil(void *unused)
{
	for (int i = 0; i < ARRAY_SIZE(poisons); i++) {
		const struct poison *p = &poisons[i];
		u64 before, after;

		if (rdmsrl_safe(p->msr, &before) || wrmsrl_safe(p->msr, p->value) ||
		    rdmsrl_safe(p->msr, &after) || after != p->value)
			pr_info("CPU %d: %s is not here\n", smp_processor_id(), p->name);
		else
			pr_info("CPU %d: %s was %#llx, is %#llx\n", smp_processor_id(),
				p->name, before, after);
	}
}

static void spin(void *unused)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
}

static int __init rf_poison_init(void)
{
	on_each_cpu(spoil, NULL, true);
	pr_info("%u CPUs are spoilt\n", num_online_cpus());
	preempt_disable();
	smp_call_function(spin, NULL, false);
	spin(NULL);
	return 0;
}

module_init(rf_poison_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("spoils what INIT preserves, for tests of forced destroy");
