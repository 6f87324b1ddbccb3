// SPDX-License-Identifier: GPL-2.0
/*
 * In a subOS: interrupts for CPUs that are not its own, as a driver gone wrong
 * would send them through the kernel's own APIC code. All are to be refused.
 */
#define pr_fmt(fmt) "rf_astray: " fmt

#include <linux/module.h>

#include <asm/apic.h>
#include <asm/smp.h>

static unsigned int apicid = 1;
module_param(apicid, uint, 0444);
MODULE_PARM_DESC(apicid, "of a CPU of another subOS; CPU 0's is taken for 0");

static int __init rf_astray_init(void)
{
	u32 own = cpu_physical_id(smp_processor_id());
	const struct { u32 low, id; } ipi[] = {
		{ APIC_DEST_LOGICAL | APIC_DM_FIXED | 0x30, own },	/* no APIC ID then */
		{ APIC_DM_SMI, own },
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

	unsigned int nobody = cpumask_next_zero(-1, cpu_online_mask);
	int sent = ARRAY_SIZE(ipi);

	for (int i = 0; i < ARRAY_SIZE(ipi); i++) {
		apic->icr_write(ipi[i].low, ipi[i].id);
		apic->wait_icr_idle();
	}
	/* By Linux's number: a CPU that isn't there. Its APIC ID would mean all. */
	apic->send_IPI(nobody, NMI_VECTOR);
	sent++;
	if (nobody < nr_cpu_ids) {
		apic->send_IPI_mask(cpumask_of(nobody), NMI_VECTOR);
		apic->send_IPI_mask_allbutself(cpumask_of(nobody), 0x30);
		sent += 2;
	}
	pr_info("%d sent\n", sent);
	pr_info("CPUs that leave end in %ps\n", smp_ops.play_dead);
	return 0;
}

static void __exit rf_astray_exit(void)
{
}

module_init(rf_astray_init);
module_exit(rf_astray_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("IPIs to CPUs of others, for a test of their refusal");
