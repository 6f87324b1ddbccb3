// SPDX-License-Identifier: GPL-2.0
/* What we measure of ourselves, for the supervisor to read: rf/abi/stat.h */
#define pr_fmt(fmt) "suboscon: " fmt

#include <linux/cpu.h>
#include <linux/kernel_stat.h>
#include <linux/mm.h>
#include <linux/sched/loadavg.h>
#include <linux/tick.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include <asm/hardirq.h>
#include <asm/msr.h>
#include <asm/smp.h>

#include <rf/abi/stat.h>

#include "suboscon.h"

static struct rf_stat *rf_stat;

static void rf_stat_times(struct rf_stat_cpu *c, unsigned int cpu)
{
	const u64 *t = kcpustat_cpu(cpu).cpustat;
	u64 idle = get_cpu_idle_time_us(cpu, NULL), wait = get_cpu_iowait_time_us(cpu, NULL);

	c->user_ns = t[CPUTIME_USER] + t[CPUTIME_NICE];
	c->system_ns = t[CPUTIME_SYSTEM];
	c->irq_ns = t[CPUTIME_IRQ] + t[CPUTIME_SOFTIRQ];
	/* without a tick nobody accounts for idle time but these two; -1: they don't */
	c->idle_ns = idle == -1ULL || wait == -1ULL ? t[CPUTIME_IDLE] + t[CPUTIME_IOWAIT] :
		     (idle + wait) * NSEC_PER_USEC;
}

static void rf_stat_interrupts(struct rf_stat_cpu *c, unsigned int cpu)
{
	const irq_cpustat_t *irq = &per_cpu(irq_stat, cpu);

	c->timer = irq->apic_timer_irqs;
	c->resched = irq->irq_resched_count;
	c->call = irq->irq_call_count;
	c->doorbell = irq->rainforest_doorbells;
	c->device = kstat_cpu_irqs_sum(cpu);
}

static void rf_stat_memory(struct rf_stat *st)
{
	struct sysinfo i;

	si_meminfo(&i);
	st->mem_total = (u64)i.totalram * i.mem_unit;
	st->mem_free = (u64)i.freeram * i.mem_unit;
	st->mem_shared = (u64)i.sharedram * i.mem_unit;
	st->mem_available = max(si_mem_available(), 0L) * (u64)i.mem_unit;
}

static void rf_stat_write(struct rf_stat *st)
{
	unsigned int cpu, n = 0;

	for (int i = 0; i < ARRAY_SIZE(st->load_milli); i++)
		st->load_milli[i] = ((u64)READ_ONCE(avenrun[i]) * 1000) >> FSHIFT;
	rf_stat_memory(st);
	for_each_online_cpu(cpu) {
		struct rf_stat_cpu *c = &st->cpu[n];

		if (n++ == RF_STAT_MAX_CPUS)
			break;
		c->apicid = cpu_physical_id(cpu);
		rf_stat_times(c, cpu);
		rf_stat_interrupts(c, cpu);
		c->flags = rf_counters_read(c, cpu) ? RF_STAT_COUNTERS : 0;
	}
	st->nr_cpus = min(n, RF_STAT_MAX_CPUS);
	st->uptime_ns = ktime_get_boottime_ns();
	st->tsc = rdtsc_ordered();
}

static void rf_stat_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(rf_stat_again, rf_stat_work);

static void rf_stat_work(struct work_struct *work)
{
	u32 seq = rf_stat->seq;

	cpus_read_lock();
	WRITE_ONCE(rf_stat->seq, seq + 1);
	smp_wmb(); /* odd before the picture: pairs with the reader's acquire */
	rf_stat_write(rf_stat);
	smp_store_release(&rf_stat->seq, seq + 2);
	cpus_read_unlock();
	/* on any CPU: the one that it ran on may be about to leave */
	queue_delayed_work(system_unbound_wq, &rf_stat_again, msecs_to_jiffies(RF_BEAT_MS));
}

int rf_stat_init(void)
{
	if (rainforest_desc->control_size < RF_OFF_STAT + RF_LEN_STAT)
		return 0;	/* an older supervisor, which does not ask either */
	rf_counters_init();
	rf_stat = (void *)rainforest_desc + RF_OFF_STAT;
	rf_stat->version_major = RF_STAT_VERSION_MAJOR;
	rf_stat->version_minor = RF_STAT_VERSION_MINOR;
	rf_stat->size = sizeof(*rf_stat);
	rf_stat->generation = rainforest_desc->generation;
	rf_stat->seq = 1;	/* until the first picture stands */
	smp_store_release(&rf_stat->magic, RF_STAT_MAGIC);
	rf_stat->seq = 0;
	rf_stat_work(&rf_stat_again.work);
	return 0;
}

void rf_stat_exit(void)
{
	if (!rf_stat)
		return;
	cancel_delayed_work_sync(&rf_stat_again);
	rf_counters_exit();
}
