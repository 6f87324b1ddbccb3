// SPDX-License-Identifier: GPL-2.0
/*
 * In the supervisor: a CPU that hears neither INIT nor a start-up IPI. What is
 * sent to it goes to an APIC ID that nobody has, for as long as this is loaded.
 */
#define pr_fmt(fmt) "rf_deaf: " fmt

#include <linux/kprobes.h>
#include <linux/module.h>

#include <asm/apicdef.h>

#define NOBODY	0xfe

static unsigned int apicid;
module_param(apicid, uint, 0444);
MODULE_PARM_DESC(apicid, "of the CPU");

static atomic_t lost;

/* native_apic_icr_write(u32 low, u32 id) */
static int astray(struct kprobe *p, struct pt_regs *regs)
{
	u32 mode = regs->di & APIC_DM_FIXED_MASK;

	if ((u32)regs->si == apicid && (mode == APIC_DM_INIT || mode == APIC_DM_STARTUP)) {
		regs->si = NOBODY;
		atomic_inc(&lost);
	}
	return 0;
}

static struct kprobe probe = {
	.symbol_name	= "native_apic_icr_write",
	.pre_handler	= astray,
};

static int __init rf_deaf_init(void)
{
	int err = register_kprobe(&probe);

	if (!err)
		pr_info("APIC ID %#x hears no INIT\n", apicid);
	return err;
}

static void __exit rf_deaf_exit(void)
{
	unregister_kprobe(&probe);
	pr_info("APIC ID %#x has missed %d IPIs\n", apicid, atomic_read(&lost));
}

module_init(rf_deaf_init);
module_exit(rf_deaf_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("a CPU that hears no INIT, for tests of quarantine");
