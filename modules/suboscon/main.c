// SPDX-License-Identifier: GPL-2.0
/*
 * suboscon: a subOS's end of the control protocol.
 *
 *   alive.c   the supervisor's heartbeat
 *   beat.c    heartbeats of the CPUs
 *   hold.c    CPUs held and let go again
 *   stat.c    load, memory, interrupts; counters.c: hardware counters
 *   con.c     the supervisor's requests; resize.c: CPUs and memory
 *   stream.c  standard streams of the program, and PID 1's line to the supervisor
 */
#include <linux/module.h>

#include <rf/ficm.h>

#include "con.h"
#include "suboscon.h"

DECLARE_WAIT_QUEUE_HEAD(rf_doorbell_wait);

/* Two interrupts may be at it when the communication core moves */
static bool rf_new(u64 *seen, u64 now)
{
	return READ_ONCE(*seen) != now && xchg(seen, now) != now;
}

/*
 * In interrupt. Most doorbells are for messages, which FICM has taken by then:
 * so wake somebody only if a word has moved that the supervisor writes before it
 * rings us for anything else. Nothing is lost by that: if a word is as it was,
 * an interrupt before saw it, and woke after that. Who sleeps since has looked at
 * the word in between, after he had put himself into the queue.
 */
static void rf_doorbell(void)
{
	static u64 typed, in, out, err, stop;
	const struct rf_ring *ring = rf_ring_at(RF_RING_STDIN);
	bool wake;

	rf_hold_rung();
	if (rf_new(&typed, READ_ONCE(rf_ring_at(RF_RING_CONSOLE_IN)->head)))
		rainforest_console_kick();
	wake = rf_new(&in, READ_ONCE(ring->head) << 1 |
		      (READ_ONCE(ring->flags) & RF_RING_CLOSED));
	wake |= rf_new(&out, READ_ONCE(rf_ring_at(RF_RING_STDOUT)->tail));
	wake |= rf_new(&err, READ_ONCE(rf_ring_at(RF_RING_STDERR)->tail));
	wake |= rf_new(&stop, READ_ONCE(rainforest_desc->stop));
	if (wake)
		wake_up_all(&rf_doorbell_wait);
}

static struct rf_ficm_bell rf_bell = {
	.rung	= rf_doorbell,
};

static int __init rf_init(void)
{
	int err;

	if (!rainforest_desc) {
		pr_err("suboscon: this kernel is no subOS\n");
		return -ENODEV;
	}
	err = rf_beat_init();
	if (err)
		return err;
	err = rf_stat_init();
	if (err)
		goto err_beat;
	err = rf_stream_init();
	if (err)
		goto err_stat;
	err = rf_con_init();
	if (err)
		goto err_stream;
	rf_alive_init();
	err = rf_hold_init();
	if (err)
		goto err_alive;
	rf_ficm_doorbell_add(&rf_bell);
	return 0;

err_alive:
	rf_alive_exit();
	rf_con_exit();
err_stream:
	rf_stream_exit();
err_stat:
	rf_stat_exit();
err_beat:
	rf_beat_exit();
	return err;
}

static void __exit rf_exit(void)
{
	rf_ficm_doorbell_remove(&rf_bell);
	rf_hold_exit();
	rf_alive_exit();
	rf_con_exit();
	rf_stream_exit();
	rf_stat_exit();
	rf_beat_exit();
}

module_init(rf_init);
module_exit(rf_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("RainForest: a subOS's end of the control protocol");
MODULE_IMPORT_NS(RAINFOREST);
