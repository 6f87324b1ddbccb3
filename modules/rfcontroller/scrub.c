// SPDX-License-Identifier: GPL-2.0
/*
 * Scrubbing: nobody sees what a memory block held for its last owner. Done on
 * the side, by CPUs of the block's node, while other blocks and CPUs come and go.
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/cpumask.h>
#include <linux/io.h>
#include <linux/memory.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "rfcontroller.h"

/* A few CPUs use all bandwidth that memory has, and the supervisor has other work */
#define RF_SCRUB_WORKERS	clamp(num_online_cpus() / 4, 1U, 4U)

static bool rf_scrub_beside = true;
module_param_named(scrub_beside, rf_scrub_beside, bool, 0644);
MODULE_PARM_DESC(scrub_beside, "zero memory while other blocks and CPUs come and go; N: when they have (default Y)");

static struct workqueue_struct *rf_scrub_wq;

struct rf_scrub {
	struct work_struct work;
	bool beside;		/* it is queued, or was */
	u64 start;
	u64 ns;			/* that it took */
	int err;
};

/*
 * Zero what was the supervisor's or a subOS's, past the caches: nobody needs
 * it soon. Four-byte REP prefixes are slow on some machines and simulators.
 */
static void rf_zero(void *at, u64 size)
{
	void *end = at + size;

	for (; at < end; at += 64)
		asm volatile("movnti %1, 0(%0)\n\tmovnti %1, 8(%0)\n\t"
			     "movnti %1, 16(%0)\n\tmovnti %1, 24(%0)\n\t"
			     "movnti %1, 32(%0)\n\tmovnti %1, 40(%0)\n\t"
			     "movnti %1, 48(%0)\n\tmovnti %1, 56(%0)"
			     : : "r" (at), "r" (0UL) : "memory");
	asm volatile("sfence" : : : "memory");
}

static void rf_scrub_work(struct work_struct *work)
{
	struct rf_scrub *scrub = container_of(work, struct rf_scrub, work);
	u64 size = memory_block_size_bytes(), t = ktime_get_ns();
	void *at = memremap(scrub->start, size, MEMREMAP_WB);

	scrub->err = at ? 0 : -ENOMEM;
	for (u64 done = 0; at && done < size; done += SZ_2M) {
		rf_zero(at + done, SZ_2M);
		cond_resched();
	}
	if (at)
		memunmap(at);
	scrub->ns = ktime_get_ns() - t;
}

/**
 * rf_scrub_start - begin to zero a memory block
 * @start: its physical address; it has left the supervisor
 * @node: the supervisor's number of its node
 *
 * Return: what to give to rf_scrub_finish(), which must be called before
 * anybody gets the block; NULL when there is no memory.
 */
struct rf_scrub *rf_scrub_start(u64 start, int node)
{
	struct rf_scrub *scrub = kzalloc(sizeof(*scrub), GFP_KERNEL);

	if (!scrub)
		return NULL;
	INIT_WORK(&scrub->work, rf_scrub_work);
	scrub->start = start;
	scrub->beside = READ_ONCE(rf_scrub_beside);
	if (scrub->beside)
		queue_work_node(node, rf_scrub_wq, &scrub->work);
	return scrub;
}

/**
 * rf_scrub_finish - wait until a memory block is zero
 * @scrub: from rf_scrub_start(); freed here
 * @ns: the time that zeroing took is added
 *
 * Return: 0, or -ENOMEM when the block could not be mapped: it is as it was.
 */
int rf_scrub_finish(struct rf_scrub *scrub, u64 *ns)
{
	int err;

	if (scrub->beside)
		flush_work(&scrub->work);
	else
		rf_scrub_work(&scrub->work);
	*ns += scrub->ns;
	err = scrub->err;
	kfree(scrub);
	return err;
}

/* The block is not wanted any more: don't begin what has not begun */
void rf_scrub_cancel(struct rf_scrub *scrub)
{
	cancel_work_sync(&scrub->work);
	kfree(scrub);
}

int rf_scrub_init(void)
{
	rf_scrub_wq = alloc_workqueue("rf_scrub", WQ_UNBOUND, RF_SCRUB_WORKERS);
	return rf_scrub_wq ? 0 : -ENOMEM;
}

void rf_scrub_exit(void)
{
	destroy_workqueue(rf_scrub_wq);
}
