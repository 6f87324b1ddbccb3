// SPDX-License-Identifier: GPL-2.0
/*
 * ficm: messages between the kernels of a RainForest machine.
 *
 *   channel.c  opening, closing, finding
 *   receive.c  taking messages out of rings
 *   send.c     putting messages into rings
 *   service.c  who listens on which port
 *   thread.c   the two real-time threads
 *   core.c     the doorbell, and the CPU that takes it
 *   echo.c     port 2: ping
 *   region_service.c  who gets the memory that kernels share
 *   control.c  in a subOS: port 5, by which the supervisor makes channels,
 *              and shares memory: region.c
 */
#define pr_fmt(fmt) "ficm: " fmt

#include <linux/module.h>
#ifdef CONFIG_RAINFOREST_SUBOS
#include <asm/rainforest_subos.h>
#endif

#include "internal.h"

static int __init rf_init(void)
{
	int err;

#ifdef CONFIG_RAINFOREST_SUBOS
	if (!rainforest_desc) {
		pr_err("this kernel is no subOS\n");
		return -ENODEV;
	}
#endif
	err = rf_thread_init();
	if (err)
		return err;
	err = rf_core_init();
	if (err)
		goto err_thread;
	err = rf_echo_init();
	if (err)
		goto err_core;
	err = rf_control_init();
	if (err)
		goto err_echo;
	err = rf_proc_init();
	if (err)
		goto err_control;
	return 0;

err_control:
	rf_control_exit();
err_echo:
	rf_echo_exit();
err_core:
	rf_core_exit();
err_thread:
	rf_thread_exit();
	return err;
}

/* Who has channels or services uses our symbols, and is gone before us */
static void __exit rf_exit(void)
{
	rf_proc_exit();
	rf_control_exit();
	rf_echo_exit();
	rf_core_exit();
	rf_thread_exit();
}

module_init(rf_init);
module_exit(rf_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("RainForest: messages between the kernels of a machine");
MODULE_IMPORT_NS(RAINFOREST);
