// SPDX-License-Identifier: GPL-2.0
/*
 * In the supervisor: faults for the torture to find. What is planted happens when
 * RainForest calls something of Linux's, or sends a message.
 */
#define pr_fmt(fmt) "rf_plant: " fmt

#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#define LEAK	(512 << 10)
#define EVERY	700	/* of so many messages one is lost */
#define SIZE	60	/* of a slab's 64 bytes */

static char *what = "leak";
module_param(what, charp, 0444);
MODULE_PARM_DESC(what, "leak: memory with each block that is carved; message: some are lost; bounds: a byte behind an object is written");

static atomic_t calls;

static int leak(struct kprobe *p, struct pt_regs *regs)
{
	/* nobody keeps where it is */
	kmalloc(LEAK, GFP_ATOMIC | __GFP_NOWARN);
	return 0;
}

static int lose(struct kprobe *p, struct pt_regs *regs)
{
	if (atomic_inc_return(&calls) % EVERY)
		return 0;
	/* as if it had been sent */
	regs->ax = 0;
	regs->ip = *(unsigned long *)regs->sp;
	regs->sp += sizeof(long);
	return 1;
}

static int overrun(struct kprobe *p, struct pt_regs *regs)
{
	char *object = kmalloc(SIZE, GFP_ATOMIC);
	size_t at = SIZE + 1;

	OPTIMIZER_HIDE_VAR(at);
	if (object)
		WRITE_ONCE(object[at], 1);
	kfree(object);
	return 0;
}

/* With this no jump is put in place of the breakpoint: a jump can't be told to return */
static void after(struct kprobe *p, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe probe = {
	.symbol_name	= "offline_and_remove_memory",
	.post_handler	= after,
};

static int __init rf_plant_init(void)
{
	int err;

	if (!strcmp(what, "leak")) {
		probe.pre_handler = leak;
	} else if (!strcmp(what, "bounds")) {
		probe.pre_handler = overrun;
	} else if (!strcmp(what, "message")) {
		probe.pre_handler = lose;
		probe.symbol_name = "rf_ficm_send_timeout";
	} else {
		return -EINVAL;
	}
	err = register_kprobe(&probe);
	if (!err)
		pr_info("%s\n", what);
	return err;
}

static void __exit rf_plant_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(rf_plant_init);
module_exit(rf_plant_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("plants faults, for tests of the torture");
