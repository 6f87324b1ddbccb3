// SPDX-License-Identifier: GPL-2.0
/*
 * Heartbeats: each CPU counts in its slot of the descriptor, from a timer
 * interrupt, so that a CPU that hangs with interrupts off stands still.
 */
#include <linux/cpuhotplug.h>
#include <linux/hrtimer.h>
#include <linux/percpu.h>

#include <asm/smp.h>

#include "suboscon.h"

struct rf_beat {
	struct hrtimer timer;
	struct rf_boot_cpu *slot;
};

static DEFINE_PER_CPU(struct rf_beat, rf_beats);
static int rf_beat_state;

static enum hrtimer_restart rf_beat(struct hrtimer *timer)
{
	struct rf_beat *b = container_of(timer, struct rf_beat, timer);

	WRITE_ONCE(b->slot->beat, b->slot->beat + 1);
	hrtimer_forward_now(timer, ms_to_ktime(RF_BEAT_MS));
	return HRTIMER_RESTART;
}

static struct rf_boot_cpu *rf_slot_of(unsigned int cpu)
{
	for (unsigned int i = 0; i < RF_BOOT_MAX_CPUS; i++)
		if (rainforest_desc->cpu[i].present &&
		    rainforest_desc->cpu[i].apicid == cpu_physical_id(cpu))
			return &rainforest_desc->cpu[i];
	return NULL;
}

static int rf_beat_online(unsigned int cpu)
{
	struct rf_beat *b = per_cpu_ptr(&rf_beats, cpu);

	b->slot = rf_slot_of(cpu);
	if (!b->slot)
		return 0;
	WRITE_ONCE(b->slot->beat, b->slot->beat + 1);
	hrtimer_init(&b->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	b->timer.function = rf_beat;
	hrtimer_start(&b->timer, ms_to_ktime(RF_BEAT_MS), HRTIMER_MODE_REL_PINNED_HARD);
	return 0;
}

static int rf_beat_offline(unsigned int cpu)
{
	struct rf_beat *b = per_cpu_ptr(&rf_beats, cpu);

	if (!b->slot)
		return 0;
	hrtimer_cancel(&b->timer);
	/* 0: nobody expects a beat of it */
	WRITE_ONCE(b->slot->beat, 0);
	b->slot = NULL;
	return 0;
}

int rf_beat_init(void)
{
	rf_beat_state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "rainforest/beat:online",
					  rf_beat_online, rf_beat_offline);
	return rf_beat_state < 0 ? rf_beat_state : 0;
}

void rf_beat_exit(void)
{
	cpuhp_remove_state(rf_beat_state);
}
