// SPDX-License-Identifier: GPL-2.0
/*
 * In the supervisor: what INIT preserves, as a CPU has it when it comes online,
 * before Linux has put anything of it right itself.
 */
#define pr_fmt(fmt) "rf_arrival: " fmt

#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/smp.h>

#include <asm/msr.h>

static const struct {
	const char *name;
	u32 msr;
} msrs[] = {
	{ "PAT", MSR_IA32_CR_PAT },
	{ "TSC_ADJUST", MSR_IA32_TSC_ADJUST },
	{ "SPEC_CTRL", MSR_IA32_SPEC_CTRL },
	{ "DEBUGCTL", MSR_IA32_DEBUGCTLMSR },
	{ "DS_AREA", MSR_IA32_DS_AREA },
	{ "PERF_GLOBAL_CTRL", MSR_CORE_PERF_GLOBAL_CTRL },
	{ "FIXED_CTR_CTRL", MSR_CORE_PERF_FIXED_CTR_CTRL },
};

/* identify_secondary_cpu(): on the CPU itself, ahead of cache_ap_init() */
static int arrives(struct kprobe *p, struct pt_regs *regs)
{
	for (int i = 0; i < ARRAY_SIZE(msrs); i++) {
		u64 value;

		if (!rdmsrl_safe(msrs[i].msr, &value))
			pr_info("CPU %d comes with %s %#llx\n", smp_processor_id(),
				msrs[i].name, value);
	}
	return 0;
}

static struct kprobe probe = {
	.symbol_name	= "identify_secondary_cpu",
	.pre_handler	= arrives,
};

static int __init rf_arrival_init(void)
{
	return register_kprobe(&probe);
}

static void __exit rf_arrival_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(rf_arrival_init);
module_exit(rf_arrival_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("tells the state in which CPUs come online, for tests");
