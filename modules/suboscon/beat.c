// SPDX-License-Identifier: GPL-2.0
/*
 * Heartbeats: each CPU counts in its slot of the descriptor, twice. From a timer
 * interrupt, so that a CPU that hangs with interrupts off stands still; and from
 * a real-time thread that this interrupt wakes, so that one that only serves
 * interrupts does.
 */
#include <linux/cpuhotplug.h>
#include <linux/hrtimer.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/smpboot.h>

#include <asm/smp.h>

#include "suboscon.h"

struct rf_beat {
	struct hrtimer timer;
	struct rf_boot_cpu *slot;
	bool due;		/* of the thread */
};

static DEFINE_PER_CPU(struct rf_beat, rf_beats);
static DEFINE_PER_CPU(struct task_struct *, rf_beat_task);
static int rf_beat_state;

static enum hrtimer_restart rf_beat(struct hrtimer *timer)
{
	struct rf_beat *b = container_of(timer, struct rf_beat, timer);

	WRITE_ONCE(b->slot->beat, b->slot->beat + 1);
	WRITE_ONCE(b->due, true);
	wake_up_process(__this_cpu_read(rf_beat_task));
	hrtimer_forward_now(timer, ms_to_ktime(RF_BEAT_MS));
	return HRTIMER_RESTART;
}

static int rf_beat_due(unsigned int cpu)
{
	return READ_ONCE(per_cpu_ptr(&rf_beats, cpu)->due);
}

/* Preemption is off here only in the callers: we are bound to this CPU */
static void rf_beat_soft(unsigned int cpu)
{
	struct rf_beat *b = per_cpu_ptr(&rf_beats, cpu);
	struct rf_boot_cpu *slot = READ_ONCE(b->slot);

	WRITE_ONCE(b->due, false);
	if (slot)
		WRITE_ONCE(slot->soft_beat, slot->soft_beat + 1);
}

static void rf_beat_setup(unsigned int cpu)
{
	sched_set_fifo(current);
}

static struct smp_hotplug_thread rf_beat_threads = {
	.store			= &rf_beat_task,
	.thread_should_run	= rf_beat_due,
	.thread_fn		= rf_beat_soft,
	.setup			= rf_beat_setup,
	.thread_comm		= "rf_beat/%u",
};

static struct rf_boot_cpu *rf_slot_of(unsigned int cpu)
{
	for (unsigned int i = 0; i < RF_BOOT_MAX_CPUS; i++)
		if (READ_ONCE(rainforest_desc->cpu[i].present) &&
		    rainforest_desc->cpu[i].apicid == cpu_physical_id(cpu))
			return &rainforest_desc->cpu[i];
	return NULL;
}

static int rf_beat_online(unsigned int cpu)
{
	struct rf_beat *b = per_cpu_ptr(&rf_beats, cpu);
	struct rf_boot_cpu *slot = rf_slot_of(cpu);

	WRITE_ONCE(b->slot, slot);
	if (!slot)
		return 0;
	WRITE_ONCE(slot->beat, slot->beat + 1);
	/* the first of both: a CPU that hangs before its thread ran is missed, too */
	WRITE_ONCE(slot->soft_beat, slot->soft_beat + 1);
	hrtimer_init(&b->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	b->timer.function = rf_beat;
	hrtimer_start(&b->timer, ms_to_ktime(RF_BEAT_MS), HRTIMER_MODE_REL_PINNED_HARD);
	return 0;
}

static int rf_beat_offline(unsigned int cpu)
{
	struct rf_beat *b = per_cpu_ptr(&rf_beats, cpu);
	struct rf_boot_cpu *slot = b->slot;

	if (!slot)
		return 0;
	hrtimer_cancel(&b->timer);
	WRITE_ONCE(b->slot, NULL);
	WRITE_ONCE(b->due, false);
	/* 0: nobody expects a beat of it. Its thread is bound here, as we are. */
	WRITE_ONCE(slot->beat, 0);
	WRITE_ONCE(slot->soft_beat, 0);
	return 0;
}

int rf_beat_init(void)
{
	int err = smpboot_register_percpu_thread(&rf_beat_threads);

	if (err)
		return err;
	rf_beat_state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "rainforest/beat:online",
					  rf_beat_online, rf_beat_offline);
	if (rf_beat_state < 0) {
		smpboot_unregister_percpu_thread(&rf_beat_threads);
		return rf_beat_state;
	}
	return 0;
}

void rf_beat_exit(void)
{
	cpuhp_remove_state(rf_beat_state);
	smpboot_unregister_percpu_thread(&rf_beat_threads);
}
