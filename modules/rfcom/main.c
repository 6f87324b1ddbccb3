// SPDX-License-Identifier: GPL-2.0
/*
 * rfcom: channels to services in any kernel of a RainForest machine, by name.
 *
 *   com.c      an end of a channel, or a listener: its life
 *   wire.c     messages of port 3 of FICM, in and out
 *   open.c     opening, listening, accepting; who may
 *   names.c    names: registering, looking up, the cache
 *   read.c     reading; write.c: writing; credits
 *   share.c    memory that both ends have
 *   map.c      that memory in a program, and its revocation
 *   device.c   /dev/rfcom
 *   registry.c in the supervisor: the names of all kernels
 *   broker.c   in the supervisor: what subOSes ask of it
 */
#define pr_fmt(fmt) "rfcom: " fmt

#include <linux/module.h>
#ifdef CONFIG_RAINFOREST_SUBOS
#include <asm/rainforest_subos.h>
#endif

#include "internal.h"

struct workqueue_struct *rf_com_wq;

/* The id of this kernel; 0: the supervisor */
u32 rf_com_self(void)
{
#ifdef CONFIG_RAINFOREST_SUBOS
	return rainforest_desc->id;
#else
	return 0;
#endif
}

const char *rf_com_self_name(void)
{
#ifdef CONFIG_RAINFOREST_SUBOS
	return rainforest_desc->name;
#else
	return RF_SUPERVISOR_NAME;
#endif
}

static int __init rf_init(void)
{
	int err;

#ifdef CONFIG_RAINFOREST_SUBOS
	if (!rainforest_desc) {
		pr_err("this kernel is no subOS\n");
		return -ENODEV;
	}
#endif
	rf_com_wq = alloc_workqueue("rfcom", WQ_UNBOUND, 0);
	if (!rf_com_wq)
		return -ENOMEM;
	err = rf_share_init();
	if (err)
		goto err_wq;
	err = rf_wire_init();
	if (err)
		goto err_share;
	err = rf_device_init();
	if (err)
		goto err_wire;
	return 0;

err_wire:
	rf_wire_exit();
	rf_broker_exit();
err_share:
	rf_share_exit();
err_wq:
	destroy_workqueue(rf_com_wq);
	return err;
}

/* Who has channels, programs or modules, holds a reference to us: there are none */
static void __exit rf_exit(void)
{
	rf_device_exit();
	rf_wire_exit();
	flush_workqueue(rf_com_wq);
	rf_share_exit();
	rf_broker_exit();
	rf_names_exit();
	rf_com_exit();
	destroy_workqueue(rf_com_wq);
}

module_init(rf_init);
module_exit(rf_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("RainForest: channels to services in any kernel of the machine");
MODULE_IMPORT_NS(RAINFOREST);
