// SPDX-License-Identifier: GPL-2.0
/* CPUs and memory that come and go while this kernel runs */
#include <linux/cpu.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/topology.h>

#include <asm/rainforest_subos.h>
#include <asm/smp.h>

#include "con.h"
#include "suboscon.h"

/* Exported by kernel/rcu/update.c, declared in its private header only */
void rcu_expedite_gp(void);
void rcu_unexpedite_gp(void);

/* ---- CPUs ---- */

/* The slot that a request is about. Return: false, and why, when it makes no sense. */
static bool rf_job_slot(struct rf_job *job, unsigned int *slot, u32 *apicid)
{
	if (job->req.arg[0] >= RF_BOOT_MAX_CPUS) {
		rf_job_fail(job, RF_CON_BAD, "slot %llu: there are %d", job->req.arg[0],
			    RF_BOOT_MAX_CPUS);
		return false;
	}
	*slot = job->req.arg[0];
	*apicid = READ_ONCE(rainforest_desc->cpu[*slot].apicid);
	if (!READ_ONCE(rainforest_desc->cpu[*slot].present) || *apicid != job->req.arg[1]) {
		rf_job_fail(job, RF_CON_BAD, "slot %u is not that of a granted CPU of APIC ID %#llx",
			    *slot, job->req.arg[1]);
		return false;
	}
	return true;
}

/* Our number of a CPU that we know, online or not; -ENODEV */
static int rf_cpu_of(u32 apicid)
{
	unsigned int cpu;

	for_each_present_cpu(cpu)
		if (cpu_physical_id(cpu) == apicid)
			return cpu;
	return -ENODEV;
}

void rf_resize_cpu_add(struct rf_job *job)
{
	unsigned int slot;
	u32 apicid;
	int cpu, err;

	if (!rf_job_slot(job, &slot, &apicid))
		return;
	cpu = rainforest_subos_add_cpu(slot);
	if (cpu < 0) {
		rf_job_errno(job, cpu, "making it known");
		return;
	}
	/* most of the time would go to grace periods */
	rcu_expedite_gp();
	err = add_cpu(cpu);
	rcu_unexpedite_gp();
	job->value[1] = cpu;
	if (err < 0)
		rf_job_errno(job, err, "bringing it online");
}

/* Somebody who may run on no other CPU. Return: false: nobody. */
static bool rf_cpu_pinned(unsigned int cpu, struct rf_job *job)
{
	struct task_struct *g, *p;
	bool pinned = false;
	cpumask_t others;

	cpumask_copy(&others, cpu_online_mask);
	cpumask_clear_cpu(cpu, &others);
	rcu_read_lock();
	for_each_process_thread(g, p) {
		if (pinned || (p->flags & (PF_KTHREAD | PF_EXITING)) ||
		    cpumask_intersects(p->cpus_ptr, &others))
			continue;
		rf_job_fail(job, RF_CON_BUSY, "task %d %s is pinned to CPU %u",
			    task_pid_nr(p), p->comm, cpu);
		pinned = true;
	}
	rcu_read_unlock();
	return pinned;
}

void rf_resize_cpu_remove(struct rf_job *job)
{
	unsigned int slot;
	u32 apicid;
	int cpu, err;

	if (!rf_job_slot(job, &slot, &apicid))
		return;
	cpu = rf_cpu_of(apicid);
	if (!slot || !cpu) {
		rf_job_fail(job, RF_CON_REFUSED, "it is the first CPU, which Linux can't take offline");
		return;
	}
	job->value[1] = cpu;
	if (cpu < 0 || !cpu_online(cpu))
		return;		/* it runs nothing */
	if (!(job->req.flags & RF_CON_FORCE) && rf_cpu_pinned(cpu, job))
		return;
	rcu_expedite_gp();
	err = remove_cpu(cpu);
	rcu_unexpedite_gp();
	if (err < 0)
		rf_job_errno(job, err, "taking it offline");
}

/* ---- memory ---- */

static bool rf_job_range(struct rf_job *job)
{
	u64 start = job->req.arg[0], size = job->req.arg[1], block = memory_block_size_bytes();

	if (size && IS_ALIGNED(start, block) && IS_ALIGNED(size, block) && start + size > start)
		return true;
	rf_job_fail(job, RF_CON_BAD, "%#llx at %#llx are no whole memory blocks of %#llx", size,
		    start, block);
	return false;
}

void rf_resize_mem_add(struct rf_job *job)
{
	u64 start = job->req.arg[0], size = job->req.arg[1], node = job->req.arg[2];
	int err;

	if (!rf_job_range(job))
		return;
	if (node >= MAX_NUMNODES || !node_possible(node)) {
		rf_job_fail(job, RF_CON_REFUSED, "there is no node %llu here", node);
		return;
	}
	err = add_memory(node, start, size, MHP_NONE);
	if (err) {
		rf_job_errno(job, err, "adding it");
		return;
	}
	/* memhp_default_state= onlines it, and add_memory() doesn't say whether it could */
	for (u64 at = start; at < start + size; at += memory_block_size_bytes()) {
		if (pfn_to_online_page(PHYS_PFN(at)))
			continue;
		err = offline_and_remove_memory(start, size);
		if (err)
			pr_err("suboscon: memory at %#llx is neither online nor out: error %d\n",
			       start, -err);
		rf_job_fail(job, RF_CON_FAILED, "it does not go online");
		return;
	}
}

/* The first page of a block that holds it back, in words */
static const char *rf_page_why(struct page *page)
{
	if (PageReserved(page))
		return "of the kernel itself, since boot";
	if (PageSlab(page))
		return "of kernel objects (slab)";
	if (PageTable(page))
		return "of page tables";
	if (PageHWPoison(page))
		return "with a memory error";
	if (folio_maybe_dma_pinned(page_folio(page)))
		return "pinned for DMA";
	return "of the kernel";
}

static void rf_mem_why(struct rf_job *job, int err)
{
	unsigned long pfn = PHYS_PFN(job->req.arg[0]), end = pfn + PHYS_PFN(job->req.arg[1]);

	for (; pfn < end; pfn++) {
		struct page *page = pfn_to_online_page(pfn);

		if (!page || !page_count(page) || PageBuddy(page) ||
		    (PageLRU(compound_head(page)) && !folio_maybe_dma_pinned(page_folio(page))) ||
		    __folio_test_movable(page_folio(page)))
			continue;
		rf_job_fail(job, RF_CON_BUSY, "page %#lx is %s and can't move", pfn,
			    rf_page_why(page));
		return;
	}
	rf_job_errno(job, err, err == -EINTR ? "its pages did not move" : "taking it offline");
}

/*
 * Would programs have room without so much memory? Linux finds out page by page,
 * when it moves them: it fails to allocate, says so, and kills one of them.
 */
static bool rf_mem_to_spare(struct rf_job *job, u64 size)
{
	long spare = si_mem_available() - (long)PHYS_PFN(size);
	long left = (long)totalram_pages() - (long)PHYS_PFN(size);
	long least = clamp(left / 16, (long)PHYS_PFN(SZ_8M), (long)PHYS_PFN(SZ_128M));

	if (spare >= least)
		return true;
	rf_job_fail(job, RF_CON_BUSY,
		    "its programs need it: %ld MiB would be available, %ld MiB are the least",
		    max(spare, 0L) >> (20 - PAGE_SHIFT), least >> (20 - PAGE_SHIFT));
	return false;
}

void rf_resize_mem_remove(struct rf_job *job)
{
	u64 start = job->req.arg[0], size = job->req.arg[1];
	int err;

	if (!rf_job_range(job))
		return;
	if (size != memory_block_size_bytes()) {
		rf_job_fail(job, RF_CON_BAD, "one block at a time");
		return;
	}
	if (rainforest_desc->self >= start && rainforest_desc->self < start + size) {
		rf_job_fail(job, RF_CON_REFUSED, "the control area lies there");
		return;
	}
	if (!rf_mem_to_spare(job, size))
		return;
	rcu_expedite_gp();
	err = offline_and_remove_memory(start, size);
	rcu_unexpedite_gp();
	if (err)
		rf_mem_why(job, err);
}
