// SPDX-License-Identifier: GPL-2.0
/*
 * The page below 1 MiB through which every CPU comes: into a subOS, or out of
 * it into the park loop. Owned by the supervisor. See trampoline_64.S.
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/rainforest_core.h>

#include <asm/apic.h>
#include <asm/desc_defs.h>
#include <asm/irq_vectors.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/smp.h>
#include <asm/traps.h>

#include "rfcontroller.h"
#include "trampoline.h"

static_assert(offsetof(struct rf_tramp_data, table) == RF_TRAMP_TABLE);
static_assert(offsetof(struct rf_tramp_data, count) == RF_TRAMP_COUNT);
static_assert(offsetof(struct rf_tramp_data, cr3) == RF_TRAMP_CR3);
static_assert(offsetof(struct rf_tramp_data, far32) == RF_TRAMP_FAR32);
static_assert(offsetof(struct rf_tramp_data, far64) == RF_TRAMP_FAR64);
static_assert(offsetof(struct rf_tramp_data, gdt_desc) == RF_TRAMP_GDT_DESC);
static_assert(offsetof(struct rf_tramp_data, idt_desc) == RF_TRAMP_IDT_DESC);
static_assert(offsetof(struct rf_tramp_data, nr_msrs) == RF_TRAMP_NR_MSRS);
static_assert(offsetof(struct rf_tramp_data, msrs) == RF_TRAMP_MSRS);
static_assert(sizeof(struct rf_tramp_data) == RF_TRAMP_DATA_SIZE);
static_assert(offsetof(struct rf_tramp_entry, slot) == RF_ENTRY_SLOT);
static_assert(offsetof(struct rf_tramp_entry, cr3) == RF_ENTRY_CR3);
static_assert(offsetof(struct rf_tramp_entry, request) == RF_ENTRY_REQUEST);
static_assert(offsetof(struct rf_tramp_entry, arrived) == RF_ENTRY_ARRIVED);
static_assert(offsetof(struct rf_tramp_entry, has_tsc_adjust) == RF_ENTRY_HAS_ADJUST);
static_assert(offsetof(struct rf_tramp_entry, tsc_adjust) == RF_ENTRY_TSC_ADJUST);
static_assert(offsetof(struct rf_tramp_entry, hold) == RF_ENTRY_HOLD);
static_assert(offsetof(struct rf_tramp_entry, held) == RF_ENTRY_HELD);
static_assert(sizeof(struct rf_tramp_entry) == RF_ENTRY_SIZE);
static_assert(offsetof(struct rf_boot_cpu, started) == RF_SLOT_STARTED);
static_assert(offsetof(struct rf_boot_cpu, cr3) == RF_SLOT_CR3);
static_assert(offsetof(struct rf_boot_cpu, rip) == RF_SLOT_RIP);
static_assert(offsetof(struct rf_boot_cpu, rsp) == RF_SLOT_RSP);
static_assert(offsetof(struct rf_boot_cpu, rsi) == RF_SLOT_RSI);

extern const u8 rf_trampoline_code[], rf_trampoline_code_end[];
extern const u32 rf_trampoline_off_data, rf_trampoline_off_32, rf_trampoline_off_64,
	rf_trampoline_off_gdt, rf_trampoline_off_nmi, rf_trampoline_off_mce,
	rf_trampoline_off_fault, rf_trampoline_off_hold;

#define RF_PROOF_US	200000	/* for a CPU to come by; it takes some tens of us */
#define RF_PROOF_TRIES	3

static struct {
	void *page;			/* below 1 MiB, in the direct map */
	u64 phys;
	void *saved;			/* what the page held before */
	struct rf_tramp_entry *table;	/* one an APIC ID of the machine */
	unsigned int count, order;
	gate_desc *idt;			/* in the page: every address space here maps it */
	unsigned long tables[8];	/* page tables, all below 4 GiB */
	unsigned int nr_tables;
	u64 request;
} tramp;

static DEFINE_MUTEX(rf_tramp_lock);

static u64 *rf_table_page(u64 *entry)
{
	unsigned long page;

	if (*entry & _PAGE_PRESENT)
		return __va(*entry & PTE_PFN_MASK);
	if (tramp.nr_tables == ARRAY_SIZE(tramp.tables))
		return NULL;
	page = get_zeroed_page(GFP_KERNEL | GFP_DMA32);
	if (!page)
		return NULL;
	tramp.tables[tramp.nr_tables++] = page;
	*entry = __pa(page) | _PAGE_PRESENT | _PAGE_RW;
	return (u64 *)page;
}

/* All that we map lies below 4 GiB */
static int rf_map_1to1(u64 *pgd, u64 from, u64 bytes)
{
	for (u64 at = from & PAGE_MASK; at < from + bytes; at += PAGE_SIZE) {
		u64 *table = pgd;

		for (int shift = 39; shift > 12; shift -= 9) {
			table = rf_table_page(&table[(at >> shift) & 511]);
			if (!table)
				return -ENOMEM;
		}
		table[(at >> 12) & 511] = at | _PAGE_PRESENT | _PAGE_RW;
	}
	return 0;
}

/*
 * The kernel reserves the first MiB as a whole and uses only what it has
 * placed at its top end; firmware's tables lie in the first pages. Take the
 * first page from 64 KiB on that is System RAM.
 */
static int rf_find_page(void)
{
	for (u64 pfn = 0x10; pfn < 0x9f; pfn++) {
		if (!page_is_ram(pfn) || !pfn_valid(pfn) || !PageReserved(pfn_to_page(pfn)))
			continue;
		tramp.phys = PFN_PHYS(pfn);
		tramp.page = __va(tramp.phys);
		return 0;
	}
	pr_err("no usable page below 1 MiB for the trampoline\n");
	return -ENOMEM;
}

static struct rf_tramp_entry *rf_entry(u32 apicid)
{
	for (unsigned int i = 0; i < tramp.count; i++)
		if (tramp.table[i].apicid == apicid)
			return &tramp.table[i];
	return NULL;
}

bool rf_trampoline_knows(u32 apicid)
{
	return rf_entry(apicid);
}

static void rf_fill_idt(void)
{
	for (unsigned int i = 0; i < NUM_EXCEPTION_VECTORS; i++) {
		u64 to = tramp.phys + (i == X86_TRAP_NMI ? rf_trampoline_off_nmi :
				       i == X86_TRAP_MC ? rf_trampoline_off_mce :
							  rf_trampoline_off_fault);

		tramp.idt[i] = (gate_desc) {
			.offset_low	= (u16)to,
			.offset_middle	= (u16)(to >> 16),
			.offset_high	= (u32)(to >> 32),
			.segment	= 0x10,
			.bits.type	= GATE_INTERRUPT,
			.bits.p		= 1,
		};
	}
}

static void rf_msr(struct rf_tramp_data *data, u32 msr, u64 value)
{
	u64 now;

	/* A hypervisor may show the feature and not the MSR */
	if (WARN_ON_ONCE(data->nr_msrs == RF_TRAMP_MAX_MSRS) || rdmsrl_safe(msr, &now))
		return;
	data->msrs[data->nr_msrs].msr = msr;
	data->msrs[data->nr_msrs].low = (u32)value;
	data->msrs[data->nr_msrs++].high = value >> 32;
}

/*
 * What INIT preserves (SDM vol. 3, table 10-1) and Linux sets only at power-on,
 * or trusts: as the supervisor has it, or off. By CPUID: a write to an MSR that
 * is not there would be a fault in the trampoline.
 */
static void rf_fill_msrs(struct rf_tramp_data *data)
{
	unsigned int version = cpuid_eax(0) >= 10 ? cpuid_eax(10) & 0xff : 0;
	u64 pat;

	if (boot_cpu_has(X86_FEATURE_PAT)) {
		rdmsrl(MSR_IA32_CR_PAT, pat);
		rf_msr(data, MSR_IA32_CR_PAT, pat);
	}
	/* a kernel that died of a machine check has left it set: the next one is a shutdown */
	if (boot_cpu_has(X86_FEATURE_MCA))
		rf_msr(data, MSR_IA32_MCG_STATUS, 0);
	if (boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL))
		rf_msr(data, MSR_IA32_SPEC_CTRL, 0);
	rf_msr(data, MSR_IA32_DEBUGCTLMSR, 0);	/* AMD's DbgCtl, too */
	if (boot_cpu_data.x86_vendor == X86_VENDOR_INTEL) {
		if (version >= 2) {
			rf_msr(data, MSR_CORE_PERF_GLOBAL_CTRL, 0);
			rf_msr(data, MSR_CORE_PERF_FIXED_CTR_CTRL, 0);
		}
		for (unsigned int i = 0; version && i < min((cpuid_eax(10) >> 8) & 0xff, 8U); i++)
			rf_msr(data, MSR_P6_EVNTSEL0 + i, 0);
		if (boot_cpu_has(X86_FEATURE_DS)) {
			rf_msr(data, MSR_IA32_PEBS_ENABLE, 0);
			rf_msr(data, MSR_IA32_DS_AREA, 0);
		}
		return;
	}
	if (boot_cpu_has(X86_FEATURE_PERFMON_V2))
		rf_msr(data, MSR_AMD64_PERF_CNTR_GLOBAL_CTL, 0);
	if (boot_cpu_has(X86_FEATURE_IBS)) {
		rf_msr(data, MSR_AMD64_IBSFETCHCTL, 0);
		rf_msr(data, MSR_AMD64_IBSOPCTL, 0);
	}
	/* those that have no more are the first four's other names */
	for (unsigned int i = 0; i < (boot_cpu_has(X86_FEATURE_PERFCTR_CORE) ? 6 : 4); i++)
		rf_msr(data, boot_cpu_has(X86_FEATURE_PERFCTR_CORE) ?
		       MSR_F15H_PERF_CTL + 2 * i : MSR_K7_EVNTSEL0 + i, 0);
}

/**
 * rf_trampoline_adopt - remember what is a CPU's own, while the supervisor runs on it
 * @cpu: logical id, online
 * @apicid: its APIC ID
 */
void rf_trampoline_adopt(unsigned int cpu, u32 apicid)
{
	struct rf_tramp_entry *e = rf_entry(apicid);
	u64 adjust;

	e->has_tsc_adjust = boot_cpu_has(X86_FEATURE_TSC_ADJUST) &&
			    !rdmsrl_safe_on_cpu(cpu, MSR_IA32_TSC_ADJUST, &adjust);
	if (e->has_tsc_adjust)
		e->tsc_adjust = adjust;
}

/**
 * rf_trampoline_init - install the trampoline
 *
 * Return: 0, or -ENOMEM. Context: process, at module load.
 */
int rf_trampoline_init(void)
{
	struct rf_tramp_data *data;
	unsigned int cpu, n = 0;
	u64 *pgd;
	int err;

	err = rf_find_page();
	if (err)
		return err;

	tramp.count = num_present_cpus();
	tramp.order = get_order(tramp.count * sizeof(struct rf_tramp_entry));
	tramp.table = (void *)__get_free_pages(GFP_KERNEL | GFP_DMA32 | __GFP_ZERO,
					       tramp.order);
	tramp.idt = tramp.page + RF_TRAMP_IDT_OFFSET;
	pgd = (u64 *)get_zeroed_page(GFP_KERNEL | GFP_DMA32);
	if (pgd)
		tramp.tables[tramp.nr_tables++] = (unsigned long)pgd;
	tramp.saved = kmemdup(tramp.page, PAGE_SIZE, GFP_KERNEL);
	err = -ENOMEM;
	if (!tramp.table || !pgd || !tramp.saved)
		goto err_free;

	for_each_present_cpu(cpu)
		tramp.table[n++].apicid = cpu_physical_id(cpu);

	err = rf_map_1to1(pgd, tramp.phys, PAGE_SIZE) ?:
	      rf_map_1to1(pgd, __pa(tramp.table), PAGE_SIZE << tramp.order);
	if (err)
		goto err_free;

	if (WARN_ON(rf_trampoline_code_end - rf_trampoline_code > RF_TRAMP_IDT_OFFSET)) {
		err = -E2BIG;
		goto err_free;
	}
	BUILD_BUG_ON(RF_TRAMP_IDT_OFFSET + NUM_EXCEPTION_VECTORS * sizeof(gate_desc) >
		     RF_LEDGER_ANCHOR_OFFSET);
	BUILD_BUG_ON(RF_LEDGER_ANCHOR_OFFSET + sizeof(struct rf_ledger_anchor) > PAGE_SIZE);
	memset(tramp.page, 0, PAGE_SIZE);
	memcpy(tramp.page, rf_trampoline_code, rf_trampoline_code_end - rf_trampoline_code);
	rf_fill_idt();
	data = tramp.page + rf_trampoline_off_data;
	data->table = __pa(tramp.table);
	data->count = tramp.count;
	data->cr3 = __pa(pgd);
	data->far32.off = tramp.phys + rf_trampoline_off_32;
	data->far32.sel = 0x08;
	data->far64.off = tramp.phys + rf_trampoline_off_64;
	data->far64.sel = 0x10;
	data->gdt_desc.limit = 4 * 8 - 1;
	data->gdt_desc.base = tramp.phys + rf_trampoline_off_gdt;
	data->idt_desc.limit = NUM_EXCEPTION_VECTORS * sizeof(gate_desc) - 1;
	data->idt_desc.base = tramp.phys + RF_TRAMP_IDT_OFFSET;
	rf_fill_msrs(data);
	return 0;

err_free:
	rf_trampoline_exit();
	return err;
}

/* To call when no CPU is granted or in quarantine: none is parked here then */
void rf_trampoline_exit(void)
{
	if (tramp.saved)
		memcpy(tramp.page, tramp.saved, PAGE_SIZE);
	kfree(tramp.saved);
	while (tramp.nr_tables)
		free_page(tramp.tables[--tramp.nr_tables]);
	free_pages((unsigned long)tramp.table, tramp.order);
	memset(&tramp, 0, sizeof(tramp));
}

u64 rf_trampoline_phys(void)
{
	return tramp.phys;
}

struct rf_ledger_anchor *rf_trampoline_anchor(void)
{
	return tramp.page + RF_LEDGER_ANCHOR_OFFSET;
}

/**
 * rf_trampoline_set - let a CPU through into a subOS
 * @apicid: its APIC ID
 * @slot: physical address of its struct rf_boot_cpu
 * @cr3: physical address of a page table that maps slot and trampoline 1:1
 */
void rf_trampoline_set(u32 apicid, u64 slot, u64 cr3)
{
	struct rf_tramp_entry *e = rf_entry(apicid);

	WRITE_ONCE(e->cr3, cr3);
	smp_wmb(); /* a CPU that finds the slot finds its page table */
	WRITE_ONCE(e->slot, slot);
}

/* From now on the CPU parks, whoever starts it */
void rf_trampoline_clear(u32 apicid)
{
	WRITE_ONCE(rf_entry(apicid)->slot, 0);
}

static void rf_icr(u32 low, u32 apicid)
{
	preempt_disable();
	weak_wrmsr_fence();	/* x2APIC ICR writes order nothing before them */
	apic->icr_write(low, apicid);
	if (apic->safe_wait_icr_idle)	/* x2APIC has nothing to wait for */
		apic->safe_wait_icr_idle();
	preempt_enable();
}

static bool rf_arrived(struct rf_tramp_entry *e, u64 request, unsigned int us)
{
	ktime_t end = ktime_add_us(ktime_get(), us);

	/* Some tens of us as a rule: don't sleep at first */
	for (int i = 0; i < 200; i++) {
		if (READ_ONCE(e->arrived) == request)
			return true;
		udelay(1);
	}
	while (ktime_before(ktime_get(), end)) {
		if (READ_ONCE(e->arrived) == request)
			return true;
		usleep_range(50, 200);
	}
	return READ_ONCE(e->arrived) == request;
}

/**
 * rf_trampoline_kick - start a CPU at the trampoline
 * @apicid: its APIC ID
 * @init: send INIT first, which takes it out of whatever it runs, interrupts
 *	off or not. Only a CPU that is in VMX root operation or has GIF clear
 *	holds INIT back; kernels that run in subOSes are built without KVM.
 *
 * Context: may sleep. Return: 0 once the CPU has come by, which proves that it
 * left what it ran before; -ETIMEDOUT when it did not.
 */
int rf_trampoline_kick(u32 apicid, bool init)
{
	struct rf_tramp_entry *e = rf_entry(apicid);
	int err = -ETIMEDOUT;
	u64 request;

	if (!e)
		return -ENODEV;

	mutex_lock(&rf_tramp_lock);
	request = ++tramp.request;
	WRITE_ONCE(e->request, request);
	smp_wmb();

	for (int try = 0; try < RF_PROOF_TRIES && err; try++) {
		if (init || try) {
			rf_icr(APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT, apicid);
			udelay(10);	/* 10 ms on CPUs before the P6 family */
			rf_icr(APIC_INT_LEVELTRIG | APIC_DM_INIT, apicid);
		}
		/* SDM: two start-up IPIs, 200 us apart; one does on all since the P4 */
		rf_icr(APIC_DM_STARTUP | (tramp.phys >> PAGE_SHIFT), apicid);
		if (rf_arrived(e, request, 300)) {
			err = 0;
		} else {
			rf_icr(APIC_DM_STARTUP | (tramp.phys >> PAGE_SHIFT), apicid);
			if (rf_arrived(e, request, RF_PROOF_US))
				err = 0;
		}
	}
	if (!err) {
		/* it left the hold that it may have been in, too */
		WRITE_ONCE(e->hold, 0);
		WRITE_ONCE(e->held, 0);
	}
	mutex_unlock(&rf_tramp_lock);
	return err;
}

/**
 * rf_trampoline_prove - take a CPU out of whatever it runs, into the park loop
 * @apicid: its APIC ID
 *
 * Return: 0 when it is proven there; -ETIMEDOUT otherwise.
 */
int rf_trampoline_prove(u32 apicid)
{
	rf_trampoline_clear(apicid);
	return rf_trampoline_kick(apicid, true);
}

/* Where a subOS's kernel goes to be held: physical, and 1:1 in its identity map */
u64 rf_trampoline_hold_entry(void)
{
	return tramp.phys + rf_trampoline_off_hold;
}

/**
 * rf_trampoline_hold - let a CPU that comes to be held wait
 * @apicid: its APIC ID
 * @hold: a number that is no other hold's; 0: it may go. It sleeps perhaps, see
 *	rf_trampoline_wake().
 */
void rf_trampoline_hold(u32 apicid, u64 hold)
{
	WRITE_ONCE(rf_entry(apicid)->hold, hold);
}

/* Return: the hold that a CPU waits for, 0: it runs */
u64 rf_trampoline_held(u32 apicid)
{
	return READ_ONCE(rf_entry(apicid)->held);
}

/**
 * rf_trampoline_nmi - send an NMI to a granted CPU
 * @apicid: its APIC ID
 *
 * One that is held wakes, and looks whether it still is. Any other one takes it
 * by its subOS's IDT: if that is broken, this resets the machine.
 *
 * Context: process.
 */
void rf_trampoline_nmi(u32 apicid)
{
	rf_icr(APIC_DM_NMI, apicid);
}

/**
 * rf_ring - ring a subOS's doorbell
 * @apicid: of one of its CPUs
 *
 * Context: any. A CPU that is parked or waits for SIPI ignores it.
 */
void rf_ring(u32 apicid)
{
	rainforest_ring(apicid);
}
