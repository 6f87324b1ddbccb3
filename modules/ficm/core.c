// SPDX-License-Identifier: GPL-2.0
/*
 * The communication core: the CPU that takes this kernel's doorbells and runs
 * its two threads. It moves when its CPU goes offline, and back. Nothing is lost
 * on the way: see Documentation/ficm.md.
 */
#define pr_fmt(fmt) "ficm: " fmt

#include <linux/bsearch.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/rainforest_core.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include <asm/apic.h>
#include <asm/smp.h>
#ifdef CONFIG_RAINFOREST_SUBOS
#include <asm/rainforest_subos.h>
#endif

#include "internal.h"

int rf_core_wish = -1;
module_param_named(core, rf_core_wish, int, 0444);
MODULE_PARM_DESC(core, "CPU that takes doorbells and runs the threads while it is online (default: the first)");

static DEFINE_MUTEX(rf_core_lock);
static unsigned int rf_core;
static u64 rf_core_moves;
static int rf_core_state;

static LIST_HEAD(rf_bells);		/* RCU */
static DEFINE_MUTEX(rf_bells_lock);

/* ---- the CPUs of this machine: whom a ring may name ---- */

static u32 *rf_known;		/* sorted */
static unsigned int rf_nr_known;

static int rf_compare(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

bool rf_core_knows(u32 apicid)
{
	return bsearch(&apicid, rf_known, rf_nr_known, sizeof(apicid), rf_compare);
}

/**
 * rf_ficm_knows - is there a CPU of that APIC ID in this machine?
 * @apicid: as a peer wrote it
 *
 * Whom a peer asks to be rung is to be looked at before it is.
 *
 * Context: any.
 */
bool rf_ficm_knows(u32 apicid)
{
	return rf_core_knows(apicid);
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_knows, RAINFOREST);

static int rf_known_init(void)
{
	unsigned int cpu, n = num_present_cpus();

#ifdef CONFIG_RAINFOREST_SUBOS
	n = min_t(u32, rainforest_desc->nr_apicids, RF_BOOT_MAX_APICIDS);
#endif
	rf_known = kcalloc(n, sizeof(*rf_known), GFP_KERNEL);
	if (!rf_known)
		return -ENOMEM;
#ifdef CONFIG_RAINFOREST_SUBOS
	for (cpu = 0; cpu < n; cpu++)
		rf_known[rf_nr_known++] = rainforest_desc->apicid[cpu];
#else
	for_each_present_cpu(cpu)
		if (rf_nr_known < n)
			rf_known[rf_nr_known++] = cpu_physical_id(cpu);
#endif
	sort(rf_known, rf_nr_known, sizeof(*rf_known), rf_compare, NULL);
	return 0;
}

/* ---- doorbells ---- */

void rf_core_ring(u32 apicid)
{
	rainforest_ring(apicid);
}

/*
 * Look at a channel as a doorbell would make us. A ring that is left without asking
 * for a doorbell is the read thread's to poll, in any case. Context: any but NMI.
 */
void rf_core_kick(struct rf_ficm_channel *ch)
{
	bool poll = READ_ONCE(rf_poll_us);
	bool more = rf_receive(ch, RF_BUDGET, poll ? RF_THEN_LEAVE : RF_THEN_SLEEP);

	if (poll)
		rf_thread_poll();
	else if (more)
		rf_thread_read();
	rf_send_room(ch);
}

/* In hard interrupt, or with interrupts off. Which channel it is isn't told. */
static void rf_doorbell(void)
{
	struct rf_ficm_channel *ch;
	struct rf_ficm_bell *bell;

	guard(rcu)();
	list_for_each_entry_rcu(ch, &rf_channels, node)
		rf_core_kick(ch);
	list_for_each_entry_rcu(bell, &rf_bells, node)
		bell->rung();
}

/**
 * rf_ficm_doorbell_add - hear of each doorbell of this kernel
 * @bell: whom to call; the caller's until rf_ficm_doorbell_remove() returns
 *
 * Context: process, may sleep.
 */
void rf_ficm_doorbell_add(struct rf_ficm_bell *bell)
{
	mutex_lock(&rf_bells_lock);
	list_add_tail_rcu(&bell->node, &rf_bells);
	mutex_unlock(&rf_bells_lock);
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_doorbell_add, RAINFOREST);

/**
 * rf_ficm_doorbell_remove - hear of it no more
 * @bell: as given to rf_ficm_doorbell_add()
 *
 * When this returns it is not being called. Context: process, may sleep.
 */
void rf_ficm_doorbell_remove(struct rf_ficm_bell *bell)
{
	mutex_lock(&rf_bells_lock);
	list_del_rcu(&bell->node);
	mutex_unlock(&rf_bells_lock);
	synchronize_rcu_expedited();
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_doorbell_remove, RAINFOREST);

/* ---- where it is ---- */

/**
 * rf_ficm_core - this kernel's communication core
 *
 * Return: its logical number. It may move at any moment.
 */
unsigned int rf_ficm_core(void)
{
	return READ_ONCE(rf_core);
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_core, RAINFOREST);

/**
 * rf_ficm_core_apicid - the APIC ID of this kernel's communication core
 *
 * Return: where others ring us. It may move at any moment.
 */
u32 rf_ficm_core_apicid(void)
{
	return cpu_physical_id(READ_ONCE(rf_core));
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_core_apicid, RAINFOREST);

/**
 * rf_ficm_moves - how often the communication core has moved
 *
 * Return: a count since the module was loaded.
 */
u64 rf_ficm_moves(void)
{
	return READ_ONCE(rf_core_moves);
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_moves, RAINFOREST);

/* Tell the peer of one channel. Under rf_channels_lock: none is opened meanwhile. */
static void rf_channel_move(struct rf_ficm_channel *ch, u32 apicid)
{
	raw_spin_lock_irq(&ch->rx_lock);
	if (!ch->rx_closed)
		rf_msgrx_move(&ch->rx, apicid);
	raw_spin_unlock_irq(&ch->rx_lock);
	raw_spin_lock_irq(&ch->tx_lock);
	if (!ch->tx_closed)
		rf_msgtx_move(&ch->tx, apicid);
	raw_spin_unlock_irq(&ch->tx_lock);
}

/*
 * From here on doorbells come to @cpu. Who read the old one's ID before we wrote
 * the new one has released his message before that: so look, once, after.
 */
static void rf_core_move(unsigned int cpu)
{
	struct rf_ficm_channel *ch;

	lockdep_assert_held(&rf_core_lock);
	if (cpu == rf_core)
		return;
	mutex_lock(&rf_channels_lock);
	WRITE_ONCE(rf_core, cpu);
	list_for_each_entry(ch, &rf_channels, node)
		rf_channel_move(ch, cpu_physical_id(cpu));
	mutex_unlock(&rf_channels_lock);
#ifdef CONFIG_RAINFOREST_SUBOS
	WRITE_ONCE(rainforest_desc->comm_apicid, cpu_physical_id(cpu));
#endif
	WRITE_ONCE(rf_core_moves, rf_core_moves + 1);
	rf_thread_move(cpu);
	smp_mb(); /* the bells before the look: see above, and for the other bells */
	local_irq_disable();
	rf_doorbell();
	local_irq_enable();
}

/**
 * rf_ficm_set_core - choose the communication core
 * @cpu: logical number
 *
 * It moves there at once, and again whenever @cpu comes online after it was off.
 *
 * Context: process, may sleep; not from a CPU hotplug callback.
 * Return: 0; -EINVAL when there is no such CPU; -ENODEV when it is offline.
 */
int rf_ficm_set_core(unsigned int cpu)
{
	int err = -ENODEV;

	if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return -EINVAL;
	cpus_read_lock();
	mutex_lock(&rf_core_lock);
	if (cpu_online(cpu)) {
		rf_core_wish = cpu;
		rf_core_move(cpu);
		err = 0;
	}
	mutex_unlock(&rf_core_lock);
	cpus_read_unlock();
	return err;
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_set_core, RAINFOREST);

static int rf_core_online(unsigned int cpu)
{
	mutex_lock(&rf_core_lock);
	if (cpu == rf_core_wish)
		rf_core_move(cpu);
	mutex_unlock(&rf_core_lock);
	return 0;
}

/* On the CPU that goes. Doorbells still reach it, until they don't. */
static int rf_core_offline(unsigned int cpu)
{
	unsigned int other;

	mutex_lock(&rf_core_lock);
	if (cpu == rf_core) {
		other = cpumask_any_but(cpu_online_mask, cpu);
		if (other < nr_cpu_ids)
			rf_core_move(other);
	}
	mutex_unlock(&rf_core_lock);
	return 0;
}

/* After the threads are there */
int rf_core_init(void)
{
	int err;

	err = rf_known_init();
	if (err)
		return err;
	cpus_read_lock();
	rf_core = cpumask_first(cpu_online_mask);
	if (rf_core_wish >= 0 && rf_core_wish < nr_cpu_ids && cpu_online(rf_core_wish))
		rf_core = rf_core_wish;
	else if (rf_core_wish >= 0)
		pr_warn("core=%d is not online: CPU %u takes the doorbells\n",
			rf_core_wish, rf_core);
	rf_thread_move(rf_core);
#ifdef CONFIG_RAINFOREST_SUBOS
	WRITE_ONCE(rainforest_desc->comm_apicid, cpu_physical_id(rf_core));
#endif
	/* before the CPU may go */
	rf_core_state = cpuhp_setup_state_nocalls_cpuslocked(CPUHP_AP_ONLINE_DYN,
							     "rainforest/ficm:online",
							     rf_core_online, rf_core_offline);
	cpus_read_unlock();
	if (rf_core_state < 0) {
		err = rf_core_state;
		goto err_known;
	}
	err = rainforest_set_doorbell(rf_doorbell);
	if (err)
		goto err_state;
	return 0;

err_state:
	cpuhp_remove_state_nocalls(rf_core_state);
err_known:
	kfree(rf_known);
	return err;
}

void rf_core_exit(void)
{
	rainforest_set_doorbell(NULL);
	cpuhp_remove_state_nocalls(rf_core_state);
	kfree(rf_known);
}
