// SPDX-License-Identifier: GPL-2.0
/*
 * In a subOS: interrupts for CPUs that are not its own, as a driver gone wrong
 * would send them through the kernel's own APIC code. All are to be refused.
 */
#define pr_fmt(fmt) "rf_astray: " fmt

#include <linux/module.h>

#include <asm/apic.h>

static unsigned int apicid = 1;
module_param(apicid, uint, 0444);
MODULE_PARM_DESC(apicid, "of a CPU of another subOS; CPU 0's is taken for 0");

static int __init rf_astray_init(void)
{
	const struct { u32 low, id; } ipi[] = {
		{ APIC_DM_FIXED | 0x30, 0 },
		{ APIC_DM_NMI, 0 },
		{ APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT, 0 },
		{ APIC_DM_STARTUP | 0x10, 0 },
		{ APIC_DM_NMI, apicid },
		{ APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT, apicid },
		{ APIC_DEST_ALLBUT | APIC_DM_NMI, 0 },
		{ APIC_DEST_ALLINC | APIC_DM_FIXED | 0x30, 0 },
		{ APIC_DM_FIXED | 0xf5, 0xff },
	};

	for (int i = 0; i < ARRAY_SIZE(ipi); i++) {
		apic->icr_write(ipi[i].low, ipi[i].id);
		apic->wait_icr_idle();
	}
	pr_info("%zu sent\n", ARRAY_SIZE(ipi));
	return 0;
}

module_init(rf_astray_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("IPIs to CPUs of others, for a test of their refusal");
