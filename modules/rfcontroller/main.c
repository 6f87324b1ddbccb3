// SPDX-License-Identifier: GPL-2.0
/*
 * rfcontroller: the supervisor's end of RainForest.
 *
 *   trampoline.c  the page below 1 MiB, INIT and SIPI, and the proof
 *   cpu.c         CPUs out of the supervisor and back
 *   memory.c      memory: which blocks, out of the supervisor and back
 *   block.c       one block of it
 *   scrub.c       zeroes in between
 *   image.c       kernels and initramfs into a subOS's memory
 *   boot.c        boot parameters, descriptor, first instruction
 *   subos.c       the list of subOSes, and their states
 *   watch.c       looking at them, at doorbells and now and then
 *   birth.c       who hears of them
 *   grant.c       what they own, and quarantine
 *   life.c        load, start, stop, destroy
 *   policy.c      what is done with those that have crashed
 *   freeze.c      CPUs held and let go again
 *   dump.c        a subOS's memory as a vmcore
 *   supcon.c      asking a running subOS; resize.c, resize_cpu.c,
 *                 resize_memory.c, move.c, lease.c, preempt.c: what for
 *   console.c     consoles and streams; tee.c: into the supervisor's log
 *   device.c      /dev/rainforest, their readers
 *   account.c     what was adjusted, and owned over time
 *   stat.c        what subOSes measure of themselves
 *   channels.c    the rings between kernels, and who has which
 *   connect.c     channels between two subOSes
 *   region.c      memory that two kernels share
 *   tune.c        where and how kernels take their doorbells
 *   ledger.c      who owns what, for those who come after us
 *   netlink.c     the operator's interface: changes; netlink_get.c: reading;
 *                 netlink_account.c: accounts; netlink_channel.c: channels
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/cpu.h>
#include <linux/memory.h>
#include <linux/module.h>
#include <linux/rainforest_core.h>
#include <linux/reboot.h>
#include <linux/suspend.h>
#include <net/genetlink.h>

#include <asm/tsc.h>

#include "resize.h"

bool rf_console_tee;
module_param_named(console_tee, rf_console_tee, bool, 0644);
MODULE_PARM_DESC(console_tee, "copy subOS consoles to the supervisor's log, each line with the name");

unsigned int rf_reserve_cpus = 1;
module_param_named(reserve_cpus, rf_reserve_cpus, uint, 0444);
MODULE_PARM_DESC(reserve_cpus, "CPUs that the supervisor keeps for itself (default 1)");

unsigned int rf_reserve_memory = 512;
module_param_named(reserve_memory, rf_reserve_memory, uint, 0444);
MODULE_PARM_DESC(reserve_memory, "MiB that the supervisor keeps for itself (default 512)");

/* ---- the rest of the system ---- */

static int rf_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	rf_subos_stop_all();
	return NOTIFY_DONE;
}

static struct notifier_block rf_reboot_block = {
	.notifier_call	= rf_reboot,
	.priority	= INT_MAX,
};

static int rf_pm(struct notifier_block *nb, unsigned long action, void *data)
{
	switch (action) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		if (rf_anything_granted()) {
			pr_notice("suspend refused: CPUs or memory are granted\n");
			return notifier_from_errno(-EBUSY);
		}
	}
	return NOTIFY_DONE;
}

static struct notifier_block rf_pm_block = {
	.notifier_call	= rf_pm,
};

static int __init rf_init(void)
{
	int err;

	if (check_tsc_unstable()) {
		pr_err("the TSC is unstable here: subOSes have no other clock\n");
		return -EOPNOTSUPP;
	}
	err = rf_cpu_init();
	if (err)
		return err;
	err = rf_scrub_init();
	if (err)
		goto err_cpu;
	err = rf_trampoline_init();
	if (err)
		goto err_scrub;
	err = rf_ledger_init();
	if (err)
		goto err_trampoline;
	err = rf_channels_init();
	if (err)
		goto err_ledger;
	err = rf_policy_init();
	if (err)
		goto err_channels;
	err = rf_tee_init();
	if (err)
		goto err_policy;
	rf_watch_init();
	err = rf_device_init();
	if (err)
		goto err_watch;
	err = rf_resize_init();
	if (err)
		goto err_device;
	err = rf_con_init();
	if (err)
		goto err_resize;
	err = register_reboot_notifier(&rf_reboot_block);
	if (err)
		goto err_con;
	err = register_pm_notifier(&rf_pm_block);
	if (err)
		goto err_reboot;
	err = rf_netlink_init();
	if (err)
		goto err_pm;
	pr_info("ready: trampoline at %#llx, memory blocks of %lu MiB\n",
		rf_trampoline_phys(), memory_block_size_bytes() >> 20);
	return 0;

err_pm:
	unregister_pm_notifier(&rf_pm_block);
err_reboot:
	unregister_reboot_notifier(&rf_reboot_block);
err_con:
	rf_con_exit();
err_resize:
	rf_resize_exit();
err_device:
	rf_device_exit();
err_watch:
	rf_watch_exit();
	rf_tee_exit();
err_policy:
	rf_policy_exit();
err_channels:
	rf_channels_exit();
err_ledger:
	rf_ledger_exit();
err_trampoline:
	rf_trampoline_exit();
err_scrub:
	rf_scrub_exit();
err_cpu:
	rf_cpu_exit();
	return err;
}

/* Each subOS and each quarantine holds a reference to the module: none is left */
static void __exit rf_exit(void)
{
	rf_netlink_exit();
	unregister_pm_notifier(&rf_pm_block);
	unregister_reboot_notifier(&rf_reboot_block);
	rf_watch_exit();
	rf_tee_exit();
	rf_policy_exit();
	rf_channels_exit();
	rf_con_exit();
	rf_resize_exit();
	rf_device_exit();
	rf_ledger_exit();
	rf_trampoline_exit();
	rf_scrub_exit();
	rf_pinned_exit();
	rf_cpu_exit();
}

module_init(rf_init);
module_exit(rf_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("RainForest: carves CPUs and memory and boots subOSes on them");
MODULE_IMPORT_NS(RAINFOREST);
MODULE_ALIAS_GENL_FAMILY(RAINFOREST_FAMILY_NAME);
