// SPDX-License-Identifier: GPL-2.0
/*
 * In the supervisor: a boot descriptor of another build. While this is loaded
 * one field of the one at @desc is changed just before its CPU is started.
 */
#define pr_fmt(fmt) "rf_mismatch: " fmt

#include <linux/io.h>
#include <linux/kprobes.h>
#include <linux/module.h>

#include <rf/abi/boot.h>

static ulong desc;
module_param(desc, ulong, 0444);
MODULE_PARM_DESC(desc, "physical address of the boot descriptor");

static char *field = "version";
module_param(field, charp, 0444);
MODULE_PARM_DESC(field, "version, minor, size, self or la57");

static struct rf_boot_desc *map;

/* rf_trampoline_kick() of rfcontroller: the descriptor is complete */
static int spoil(struct kprobe *p, struct pt_regs *regs)
{
	if (!strcmp(field, "version"))
		map->version_major++;
	else if (!strcmp(field, "minor"))
		map->version_minor++;
	else if (!strcmp(field, "size"))
		map->size--;
	else if (!strcmp(field, "self"))
		map->self += PAGE_SIZE;
	else
		map->la57 = 1;
	return 0;
}

static struct kprobe probe = {
	.symbol_name	= "rfcontroller:rf_trampoline_kick",
	.pre_handler	= spoil,
};

static int __init rf_mismatch_init(void)
{
	int err;

	map = memremap(desc, sizeof(*map), MEMREMAP_WB);
	if (!map)
		return -ENOMEM;
	err = register_kprobe(&probe);
	if (err)
		memunmap(map);
	else
		pr_info("%s of the descriptor at %#lx will be wrong\n", field, desc);
	return err;
}

static void __exit rf_mismatch_exit(void)
{
	unregister_kprobe(&probe);
	memunmap(map);
}

module_init(rf_mismatch_init);
module_exit(rf_mismatch_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("a boot descriptor of another build, for tests of its rejection");
