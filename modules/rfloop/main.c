// SPDX-License-Identifier: GPL-2.0
/*
 * rfloop: IP packets between the kernels of a machine, at memory speed. The same
 * module in the supervisor and in each subOS. Documentation/rfloop.md.
 *
 *   dev.c      rf0: where a packet goes
 *   divert.c   what routing would send elsewhere
 *   tx.c rx.c  a packet into a ring, and out of it
 *   pool.c     the pages that packets lie in
 *   link.c     the rings to and from one kernel
 *   map.c      who has which address
 *   local.c    which ones we have
 *   reset.c    what senders are told when there is nobody
 *   hosts.c    /proc/rf_hosts
 *   event.c    what changes all this, one after the other
 *   sub.c      a subOS's end of port 4
 *   sup.c      the supervisor's: who is there, and the list; sup_netlink.c: the operator
 */
#define pr_fmt(fmt) "rfloop: " fmt

#include <linux/module.h>

#include "rfloop.h"

static int rf_given(struct rf_region *r, void *ctx)
{
	const struct rf_event e = {
		.type = RF_EVENT_GIVEN, .region = r, .generation = r->id,
	};

	return rf_event_put(&e, GFP_KERNEL);
}

static void rf_taken(struct rf_region *r, void *ctx)
{
	const struct rf_event e = {
		.type = RF_EVENT_TAKEN, .region = r, .generation = r->id,
	};

	/* without memory for it the region stays, until the subOS or the module goes */
	if (rf_event_put(&e, GFP_KERNEL))
		pr_warn("no memory to close a link\n");
}

static const struct rf_region_service rf_regions = {
	.given	= rf_given,
	.taken	= rf_taken,
};

/* No list, link or region is left when this returns. The rest that makes events is gone. */
static void rf_regions_exit(void)
{
	rf_event_leave();
	rf_region_unregister(RF_PORT_LOOP);
	rf_event_flush();
	rf_end_free();
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
	err = rf_event_init();
	if (err)
		return err;
	err = rf_dev_init();
	if (err)
		goto err_event;
	err = rf_hosts_init();
	if (err)
		goto err_dev;
	rf_link_init();
	err = rf_region_register(RF_PORT_LOOP, &rf_regions);
	if (err)
		goto err_link;
	err = rf_local_init();
	if (err)
		goto err_region;
	err = rf_end_init();
	if (err)
		goto err_local;
	err = rf_divert_init();
	if (err)
		goto err_end;
	return 0;

err_end:
	rf_end_exit();
err_local:
	rf_local_exit();
err_region:
	rf_regions_exit();
err_link:
	rf_link_exit();
	rf_hosts_exit();
err_dev:
	rf_dev_exit();
err_event:
	rf_event_exit();
	return err;
}

static void __exit rf_exit(void)
{
	rf_divert_exit();
	rf_local_exit();
	rf_end_exit();
	rf_regions_exit();
	rf_link_exit();
	rf_hosts_exit();
	rf_dev_exit();
	rf_event_exit();
	rcu_barrier();
}

module_init(rf_init);
module_exit(rf_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("RainForest: IP packets between the kernels of a machine");
MODULE_IMPORT_NS(RAINFOREST);
