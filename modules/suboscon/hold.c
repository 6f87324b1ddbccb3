// SPDX-License-Identifier: GPL-2.0
/*
 * Being held: a CPU that is rung while the supervisor holds this kernel saves its
 * registers, and goes to wait in the supervisor's trampoline, with interrupts off
 * and every source of an NMI masked, until it may go on. See rf/abi/crash.h.
 *
 * The clocks go on meanwhile. To programs it is as if their machine had been
 * stopped by a debugger: when it is over, timers that are due fire once, and what
 * waits with a timeout finds that it has passed. Those that watch this kernel for
 * hangs are told that it was none; the scheduler takes it for a long interrupt.
 */
#include <linux/cpu.h>
#include <linux/nmi.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include <asm/apic.h>
#include <asm/desc.h>
#include <asm/irq_regs.h>
#include <asm/nmi.h>
#include <asm/rainforest_subos.h>
#include <asm/special_insns.h>

#include <rf/abi/crash.h>

#include "suboscon.h"

/* Exported by kernel/rcu/update.c, declared in its private header only */
extern int rcu_cpu_stall_suppress;

/*
 * After a hold nobody is called stalled until the grace period that it kept waiting has
 * ended; or for so long at most, for one that never ends is to be told.
 */
#define RF_QUIET_MS	3000	/* until we look the first time, and */
#define RF_LOOK_MS	500	/* again */
#define RF_LOOKS	120
#define RF_QUIET	2	/* in rcu_cpu_stall_suppress: that we set it */

typedef void (*rf_hold_fn)(u32 apicid, struct rf_hold_tables *tables, u32 halt);

static struct rf_crash *rf_crash;
/*
 * Our half, and the supervisor's identity map as the other. Two pages, for the
 * first: with page table isolation, that address bit says whose CR3 it is.
 */
static pgd_t *rf_hold_pgd;
static u64 rf_hold_cr3;
/* Perhaps an NMI comes that was to wake us when we were awake */
static DEFINE_PER_CPU(bool, rf_woken);

static void rf_hold_over(struct work_struct *work);
static DECLARE_DELAYED_WORK(rf_over_work, rf_hold_over);

static unsigned int rf_looks;	/* since the last hold */

static void rf_hold_end(void)
{
	int cpu;

	WRITE_ONCE(rf_looks, 0);
	cmpxchg(&rcu_cpu_stall_suppress, RF_QUIET, 0);
	for_each_possible_cpu(cpu)
		per_cpu(rf_woken, cpu) = false;
}

static void rf_hold_over(struct work_struct *work)
{
	static unsigned long period;
	unsigned int looks = READ_ONCE(rf_looks);

	WRITE_ONCE(rf_looks, looks + 1);
	if (!looks)
		period = start_poll_synchronize_rcu();
	if (looks < RF_LOOKS && !poll_state_synchronize_rcu(period))
		queue_delayed_work(system_wq, &rf_over_work, msecs_to_jiffies(RF_LOOK_MS));
	else
		rf_hold_end();
}

/* Interrupts are off. @halt: an NMI gets through to us */
static void rf_hold_here(struct pt_regs *regs, bool halt)
{
	struct rf_hold_tables tables = { };
	u32 lvtpc = apic->read(APIC_LVTPC);
	unsigned long cr3 = __read_cr3();

	rainforest_save_regs(regs, RF_CRASH_HELD);
	cmpxchg(&rcu_cpu_stall_suppress, 0, RF_QUIET);
	this_cpu_write(rf_woken, true);
	/* The one local source of NMIs. One that is on its way is taken here. */
	apic->write(APIC_LVTPC, lvtpc | APIC_LVT_MASKED);
	apic->read(APIC_LVTPC);
	native_store_gdt((void *)tables.gdt);
	store_idt((void *)tables.idt);

	native_write_cr3(rf_hold_cr3);
	((rf_hold_fn)rf_crash->hold_entry)(cpu_physical_id(smp_processor_id()), &tables, halt);
	native_write_cr3(cr3);

	apic->write(APIC_LVTPC, lvtpc);
	rainforest_save_regs(NULL, RF_CRASH_NONE);
	touch_softlockup_watchdog();
	reset_hung_task_detector();
}

/**
 * rf_hold_rung - perhaps this CPU is to be held
 *
 * Returns when it may go on. Context: hard interrupt, of a doorbell.
 */
void rf_hold_rung(void)
{
	unsigned long quiet = msecs_to_jiffies(RF_QUIET_MS);

	if (!rf_crash)
		return;
	if (READ_ONCE(rf_crash->hold)) {
		rf_hold_here(get_irq_regs(), true);
		WRITE_ONCE(rf_looks, 0);
		mod_delayed_work(system_wq, &rf_over_work, quiet);
	} else if (READ_ONCE(rcu_cpu_stall_suppress) == RF_QUIET) {
		queue_delayed_work(system_wq, &rf_over_work, quiet);	/* was it by NMI? */
	}
}

/* Only when the operator asked for it: then an NMI is as good as a doorbell */
static int rf_hold_nmi(unsigned int type, struct pt_regs *regs)
{
	u32 nmi = READ_ONCE(rf_crash->hold_nmi);

	if (!nmi || nmi != READ_ONCE(rf_crash->hold))
		return NMI_DONE;
	rf_hold_here(regs, false);
	return NMI_HANDLED;
}

/* Nobody else knows it: the one that came too late to wake us? */
static int rf_hold_late(unsigned int type, struct pt_regs *regs)
{
	return this_cpu_xchg(rf_woken, false) ? NMI_HANDLED : NMI_DONE;
}

int rf_hold_init(void)
{
	struct rf_boot_desc *d = rainforest_desc;
	struct rf_crash *crash = (void *)d + d->crash;
	pgd_t *ident = __va(d->ident_pgd), *now = __va(read_cr3_pa());
	int err;

	if (d->version_minor < 2 || !d->crash || !crash->hold_entry)
		return 0;	/* an older supervisor, which holds nobody */
	rf_hold_pgd = (pgd_t *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 1);
	if (!rf_hold_pgd)
		return -ENOMEM;
	/* The kernel's half of all address spaces has the same entries from boot on */
	memcpy(rf_hold_pgd, ident, PTRS_PER_PGD / 2 * sizeof(pgd_t));
	memcpy(rf_hold_pgd + PTRS_PER_PGD / 2, now + PTRS_PER_PGD / 2,
	       PTRS_PER_PGD / 2 * sizeof(pgd_t));
	rf_hold_cr3 = __sme_pa(rf_hold_pgd);

	err = register_nmi_handler(NMI_LOCAL, rf_hold_nmi, 0, "rf_hold");
	if (err)
		goto err_pgd;
	err = register_nmi_handler(NMI_UNKNOWN, rf_hold_late, 0, "rf_hold_late");
	if (err)
		goto err_nmi;
	smp_store_release(&rf_crash, crash);
	return 0;

err_nmi:
	unregister_nmi_handler(NMI_LOCAL, "rf_hold");
err_pgd:
	free_pages((unsigned long)rf_hold_pgd, 1);
	return err;
}

/* The doorbell calls rf_hold_rung() no more */
void rf_hold_exit(void)
{
	if (!rf_crash)
		return;
	unregister_nmi_handler(NMI_UNKNOWN, "rf_hold_late");
	unregister_nmi_handler(NMI_LOCAL, "rf_hold");
	cancel_delayed_work_sync(&rf_over_work);
	rf_hold_end();
	free_pages((unsigned long)rf_hold_pgd, 1);
}
