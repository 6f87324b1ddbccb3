// SPDX-License-Identifier: GPL-2.0
/*
 * suboscon: a subOS's end of the control protocol.
 *
 *   beat.c    heartbeats of the CPUs
 *   stat.c    load, memory, interrupts; counters.c: hardware counters
 *   con.c     the supervisor's requests; resize.c: CPUs and memory
 *   stream.c  standard streams of the program, and PID 1's line to the supervisor
 */
#include <linux/module.h>

#include <rf/ficm.h>

#include "con.h"
#include "suboscon.h"

DECLARE_WAIT_QUEUE_HEAD(rf_doorbell_wait);

/* In interrupt: something is new in a ring, or the stop word */
static void rf_doorbell(void)
{
	rainforest_console_kick();
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
	rf_ficm_doorbell_add(&rf_bell);
	return 0;

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
