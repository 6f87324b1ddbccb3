// SPDX-License-Identifier: GPL-2.0
/*
 * In a subOS: for some seconds writes garbage, or what is almost right, into all
 * words of its control area that the supervisor looks at while it runs: the headers
 * of the console's and the streams' rings, what it measures, and the boot descriptor
 * but for the words that end it (state, stop) or its own CPUs' start. Where its own
 * kernel would follow a word to anywhere, it stands there for some microseconds only.
 * Loaded into a kernel of one CPU.
 */
#define pr_fmt(fmt) "rf_scribble: " fmt

#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sched.h>

#include <asm/rainforest_subos.h>

#include <rf/abi/boot.h>
#include <rf/abi/layout.h>
#include <rf/abi/ring.h>
#include <rf/abi/stat.h>

static unsigned int seconds = 5;
module_param(seconds, uint, 0444);

static struct task_struct *task;

static const u32 rings[] = {
	RF_OFF_CONSOLE_OUT, RF_OFF_CONSOLE_IN, RF_OFF_STDIN, RF_OFF_STDOUT, RF_OFF_STDERR,
};

static u64 near(u64 n)
{
	switch (get_random_u32_below(4)) {
	case 0:
		return get_random_u64();
	case 1:
		return n + get_random_u32_below(70000) - 35000;
	case 2:
		return n ^ 1ULL << get_random_u32_below(64);
	}
	return get_random_u32_below(3);
}

static void ring(struct rf_boot_desc *d)
{
	struct rf_ring *r = (void *)d + rings[get_random_u32_below(ARRAY_SIZE(rings))];

	switch (get_random_u32_below(6)) {
	case 0:
		WRITE_ONCE(r->head, near(r->head));
		break;
	case 1:
		WRITE_ONCE(r->tail, near(r->tail));
		break;
	case 2:
		WRITE_ONCE(r->flags, near(r->flags));
		break;
	case 3:
		WRITE_ONCE(r->waiting, near(r->waiting));
		break;
	case 4:
		WRITE_ONCE(r->notify, near(r->notify));
		break;
	case 5:
		r->data[get_random_u32_below(4096)] = get_random_u32();
		break;
	}
}

static void measured(struct rf_boot_desc *d)
{
	struct rf_stat *st = (void *)d + RF_OFF_STAT;
	u32 at = get_random_u32_below(offsetof(struct rf_stat, cpu[4]) / 4);

	if (get_random_u32_below(3))
		((u32 *)st)[at] = near(((u32 *)st)[at]);
	else
		WRITE_ONCE(st->nr_cpus, near(st->nr_cpus));
}

/* Nobody but other kernels sees it: there is no other CPU */
static void for_a_moment(u64 *word)
{
	u64 was = *word;
	unsigned long flags;

	local_irq_save(flags);
	WRITE_ONCE(*word, get_random_u64());
	udelay(20);
	WRITE_ONCE(*word, was);
	local_irq_restore(flags);
}

static void descriptor(struct rf_boot_desc *d)
{
	static const u16 words[] = {
		offsetof(struct rf_boot_desc, magic), offsetof(struct rf_boot_desc, version_major),
		offsetof(struct rf_boot_desc, size), offsetof(struct rf_boot_desc, generation),
		offsetof(struct rf_boot_desc, id), offsetof(struct rf_boot_desc, reason),
		offsetof(struct rf_boot_desc, exited), offsetof(struct rf_boot_desc, exit_status),
		offsetof(struct rf_boot_desc, comm_apicid), offsetof(struct rf_boot_desc, nr_regions),
		offsetof(struct rf_boot_desc, nr_nodes), offsetof(struct rf_boot_desc, nr_apicids),
		offsetof(struct rf_boot_desc, control_size), offsetof(struct rf_boot_desc, ficm_rx),
		offsetof(struct rf_boot_desc, ficm_tx), offsetof(struct rf_boot_desc, ficm_size),
	};
	u32 n = get_random_u32_below(ARRAY_SIZE(words) + 5);
	u32 *at;

	if (n < ARRAY_SIZE(words)) {
		at = (void *)d + words[n];
		*at = near(*at);
		return;
	}
	switch (n - ARRAY_SIZE(words)) {
	case 0:
		d->message[get_random_u32_below(sizeof(d->message))] = get_random_u32();
		break;
	case 1:
		d->stamp[get_random_u32_below(8)] = get_random_u64();
		break;
	case 2:
		for_a_moment((void *)&d->ring[get_random_u32_below(RF_RING_SLOTS)]);
		break;
	case 3:
		d->cpu[get_random_u32_below(RF_BOOT_MAX_CPUS)].beat = get_random_u64();
		break;
	case 4:
		d->cpu[get_random_u32_below(RF_BOOT_MAX_CPUS)].soft_beat = get_random_u64();
		break;
	}
}

static int rage(void *unused)
{
	unsigned long end = jiffies + seconds * HZ, n = 0;

	while (!kthread_should_stop() && time_before(jiffies, end)) {
		u32 what = get_random_u32_below(8);

		if (what < 4)
			ring(rainforest_desc);
		else if (what < 6)
			measured(rainforest_desc);
		else
			descriptor(rainforest_desc);
		/* now and then it lets go, so that others write there as well */
		if (!(++n % 64))
			cond_resched();
	}
	pr_info("%lu words written\n", n);
	/* by the console's ring it may not be heard any more */
	WRITE_ONCE(rainforest_desc->exit_status, n);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ / 10);
	return 0;
}

static int __init rf_scribble_init(void)
{
	task = kthread_run(rage, NULL, "rf_scribble");
	return PTR_ERR_OR_ZERO(task);
}

static void __exit rf_scribble_exit(void)
{
	kthread_stop(task);
}

module_init(rf_scribble_init);
module_exit(rf_scribble_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("RainForest test: a subOS that scribbles over its control area");
MODULE_IMPORT_NS(RAINFOREST);
