// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of boot.c */
#include "boot.c"

#include <kunit/test.h>
#include <linux/kthread.h>
#include <linux/memory.h>
#include <linux/vmalloc.h>

#include "fakes.h"

static void free_control(void *at)
{
	vfree(at);
}

/* A subOS with a control area that is filled with rubbish */
static struct rf_subos *subos(struct kunit *test, u64 desc_phys)
{
	struct rf_subos *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	mutex_init(&s->lock);
	s->desc = vmalloc(RF_CONTROL_SIZE);
	KUNIT_ASSERT_NOT_NULL(test, s->desc);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_control, s->desc), 0);
	memset(s->desc, 0xa5, RF_CONTROL_SIZE);
	s->desc_phys = desc_phys;
	return s;
}

/* ---- the identity map ---- */

/* What an address is mapped to by 4-level tables; U64_MAX: nothing */
static u64 walk(struct kunit *test, struct rf_subos *s, u64 at)
{
	u64 phys = s->desc_phys + RF_OFF_IDENT, table = phys;

	for (int shift = 39; ; shift -= 9) {
		u64 *entries, entry, mask = (1ULL << shift) - 1;

		KUNIT_ASSERT_TRUE(test, table >= phys && table < phys + RF_IDENT_SIZE);
		entries = rf_at(s, RF_OFF_IDENT) + (table - phys);
		entry = entries[(at >> shift) & 511];
		if (!(entry & _PAGE_PRESENT))
			return U64_MAX;
		KUNIT_EXPECT_TRUE(test, entry & _PAGE_RW);
		if (shift == 12 || (entry & _PAGE_PSE))
			return (entry & PTE_PFN_MASK & ~mask) | (at & mask);
		table = entry & PTE_PFN_MASK;
	}
}

static const struct ident_case {
	const char *name;
	u64 start, size;
} ident_cases[] = {
	{ "one block", SZ_128M, SZ_128M },
	{ "no multiple of 1 GiB", 5ULL * SZ_128M, 7ULL * SZ_128M },
	{ "across 4 GiB", SZ_4G - SZ_128M, SZ_256M },
	{ "across 512 GiB", 512 * (u64)SZ_1G - SZ_128M, SZ_256M },
	{ "as large as it gets", 512 * (u64)SZ_1G - 15 * SZ_128M, 32 * (u64)SZ_1G },
	{ "high up", 60 * 1024 * (u64)SZ_1G, SZ_128M },
};

KUNIT_ARRAY_PARAM_DESC(ident, ident_cases, name);

static void ident_test(struct kunit *test)
{
	const struct ident_case *c = test->param_value;
	struct rf_subos *s = subos(test, c->start);
	u64 end = c->start + c->size, tramp = RF_FAKE_TRAMPOLINE;

	KUNIT_ASSERT_EQ(test, rf_ident_build(s, end), 0);
	for (u64 at = c->start; at < end; at += SZ_2M)
		if (walk(test, s, at + 0x1234) != at + 0x1234)
			KUNIT_FAIL(test, "%#llx is not mapped to itself", at);
	/* and nothing else: not even a page beyond */
	KUNIT_EXPECT_EQ(test, walk(test, s, c->start - 1), U64_MAX);
	KUNIT_EXPECT_EQ(test, walk(test, s, end), U64_MAX);
	KUNIT_EXPECT_EQ(test, walk(test, s, 0), U64_MAX);
	KUNIT_EXPECT_EQ(test, walk(test, s, tramp), tramp);
	KUNIT_EXPECT_EQ(test, walk(test, s, tramp + PAGE_SIZE - 1), tramp + PAGE_SIZE - 1);
	KUNIT_EXPECT_EQ(test, walk(test, s, tramp - 1), U64_MAX);
	KUNIT_EXPECT_EQ(test, walk(test, s, tramp + PAGE_SIZE), U64_MAX);
	/* the kernel's half is its own affair */
	KUNIT_EXPECT_NULL(test, memchr_inv(rf_at(s, RF_OFF_IDENT + PAGE_SIZE / 2), 0,
					   PAGE_SIZE / 2));
	/* what lies around the tables is as it was */
	KUNIT_EXPECT_NULL(test, memchr_inv(s->desc, 0xa5, RF_OFF_IDENT));
	KUNIT_EXPECT_NULL(test, memchr_inv(rf_at(s, RF_OFF_CONSOLE_OUT), 0xa5,
					   RF_CONTROL_SIZE - RF_OFF_CONSOLE_OUT));
}

static void ident_full_test(struct kunit *test)
{
	struct rf_subos *s = subos(test, SZ_128M);

	KUNIT_EXPECT_EQ(test, rf_ident_build(s, SZ_128M + 64 * (u64)SZ_1G), -ENOSPC);
	KUNIT_EXPECT_NULL(test, memchr_inv(rf_at(s, RF_OFF_CONSOLE_OUT), 0xa5,
					   RF_CONTROL_SIZE - RF_OFF_CONSOLE_OUT));
}

/* ---- boot_params ---- */

static void e820_test(struct kunit *test)
{
	u64 size = memory_block_size_bytes();
	struct rf_block blocks[] = { { 8 * size }, { 9 * size }, { 2 * size }, { 4 * size } };
	struct boot_params *bp = kunit_kzalloc(test, sizeof(*bp), GFP_KERNEL);
	struct rf_subos *s = subos(test, 8 * size);
	const struct boot_e820_entry want[] = {
		{ RF_FAKE_TRAMPOLINE, PAGE_SIZE, E820_TYPE_RESERVED },
		{ 8 * size, 2 * size, E820_TYPE_RAM },
		{ 2 * size, size, E820_TYPE_RAM },
		{ 4 * size, size, E820_TYPE_RAM },
	};

	KUNIT_ASSERT_NOT_NULL(test, bp);
	s->res.blocks = blocks;
	s->res.nr_blocks = 1;
	rf_e820(bp, s);
	/* Linux refuses fewer, also when mem= has merged what is adjacent */
	KUNIT_EXPECT_EQ(test, bp->e820_entries, 2);

	s->res.nr_blocks = ARRAY_SIZE(blocks);
	rf_e820(bp, s);
	KUNIT_ASSERT_EQ(test, bp->e820_entries, ARRAY_SIZE(want));
	for (unsigned int i = 0; i < ARRAY_SIZE(want); i++) {
		KUNIT_EXPECT_EQ(test, bp->e820_table[i].addr, want[i].addr);
		KUNIT_EXPECT_EQ(test, bp->e820_table[i].size, want[i].size);
		KUNIT_EXPECT_EQ(test, bp->e820_table[i].type, want[i].type);
	}
}

static void boot_params_test(struct kunit *test)
{
	u64 phys = 5 * (u64)SZ_2G + SZ_128M;
	struct rf_subos *s = subos(test, phys);
	struct boot_params *bp = rf_at(s, RF_OFF_BOOT_PARAMS);
	struct rf_block block = { phys };
	struct rf_image img = { .bzimage = true, .align = SZ_2M };
	struct rf_placement p = {
		.kernel = phys + SZ_2M, .initrd = phys + SZ_64M, .initrd_size = 12345,
	};
	char *cmdline = rf_at(s, RF_OFF_CMDLINE);
	u8 *file = kunit_kmalloc(test, 4096, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, file);
	memset(file, 0x5a, 4096);
	/* as far as the header can claim to reach, that is not beyond ours */
	file[0x201] = 0xff;
	img.buf = file;
	s->res.blocks = &block;
	s->res.nr_blocks = 1;
	s->cmdline = "a=b -- c";
	rf_boot_params(s, &img, &p);

	KUNIT_EXPECT_EQ(test, bp->hdr.init_size, 0x5a5a5a5a);
	KUNIT_EXPECT_EQ(test, bp->hdr.type_of_loader, 0xff);
	KUNIT_EXPECT_EQ(test, bp->hdr.loadflags, LOADED_HIGH);	/* no KASLR flag */
	KUNIT_EXPECT_EQ(test, bp->hdr.ramdisk_image | (u64)bp->ext_ramdisk_image << 32, p.initrd);
	KUNIT_EXPECT_EQ(test, bp->hdr.ramdisk_size | (u64)bp->ext_ramdisk_size << 32, 12345);
	KUNIT_EXPECT_EQ(test, bp->hdr.cmd_line_ptr | (u64)bp->ext_cmd_line_ptr << 32,
			phys + RF_OFF_CMDLINE);
	KUNIT_EXPECT_EQ(test, bp->hdr.hardware_subarch, RF_BOOT_SUBARCH);
	KUNIT_EXPECT_EQ(test, bp->hdr.hardware_subarch_data, phys);
	KUNIT_EXPECT_NULL(test, memchr_inv(&bp->screen_info, 0, sizeof(bp->screen_info)));
	KUNIT_EXPECT_STREQ(test, cmdline, RF_CMDLINE "a=b -- c");

	img.bzimage = false;
	s->cmdline = kunit_kmalloc(test, RF_CMDLINE_MAX + 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s->cmdline);
	memset(s->cmdline, 'x', RF_CMDLINE_MAX);
	s->cmdline[RF_CMDLINE_MAX] = 0;
	rf_boot_params(s, &img, &p);
	KUNIT_EXPECT_EQ(test, bp->hdr.header, 0x53726448);
	KUNIT_EXPECT_EQ(test, bp->hdr.version, 0x20f);
	KUNIT_EXPECT_EQ(test, strnlen(cmdline, PAGE_SIZE), RF_CMDLINE_MAX - 1);
	KUNIT_EXPECT_EQ(test, (u8)cmdline[RF_CMDLINE_MAX], 0xa5);
}

/* ---- the descriptor ---- */

static void rings_test(struct kunit *test)
{
	u64 end = RF_OFF_IDENT + RF_IDENT_SIZE;
	struct rf_subos *s = subos(test, SZ_128M);

	rf_desc_rings(s->desc);
	for (unsigned int i = 0; i < RF_RING_COUNT; i++) {
		struct rf_boot_ring *r = &s->desc->ring[i];

		KUNIT_EXPECT_GE(test, r->offset, end);	/* apart from what is before */
		KUNIT_EXPECT_GT(test, r->size, sizeof(struct rf_ring));
		KUNIT_EXPECT_EQ(test, r->offset % 64, 0);
		KUNIT_EXPECT_NULL(test, memchr_inv(rf_at(s, r->offset), 0, sizeof(struct rf_ring)));
		end = r->offset + r->size;
	}
	KUNIT_EXPECT_LE(test, end, RF_CONTROL_SIZE);
	KUNIT_EXPECT_LE(test, RF_OFF_STACKS + RF_BOOT_MAX_CPUS * RF_STACK_SIZE, RF_OFF_IDENT);
}

static void node_index_test(struct kunit *test)
{
	struct rf_subos *s = subos(test, SZ_128M);

	KUNIT_EXPECT_EQ(test, rf_node_index(s, 7), 0);
	KUNIT_EXPECT_EQ(test, rf_node_index(s, 3), 1);
	KUNIT_EXPECT_EQ(test, rf_node_index(s, 7), 0);
	for (int n = 100; n < 100 + RF_BOOT_MAX_NODES - 2; n++)
		KUNIT_EXPECT_EQ(test, rf_node_index(s, n), n - 98);
	KUNIT_EXPECT_EQ(test, s->nr_nodes, RF_BOOT_MAX_NODES);
	KUNIT_EXPECT_EQ(test, rf_node_index(s, 500), 0);
	KUNIT_EXPECT_EQ(test, s->nr_nodes, RF_BOOT_MAX_NODES);
	KUNIT_EXPECT_EQ(test, rf_subos_node(s, 3), 1);
	KUNIT_EXPECT_EQ(test, rf_subos_node(s, 500), -1);
}

static void desc_test(struct kunit *test)
{
	u8 seed[RF_BOOT_SEED_LEN];
	struct rf_cpu cpus[] = { { .cpu = 3, .apicid = 6 }, { .cpu = 4, .apicid = 0x80 } };
	struct rf_block block = { SZ_128M };
	struct rf_subos *s = subos(test, SZ_128M);
	struct rf_boot_desc *d = s->desc;

	strscpy(s->name, "desc", sizeof(s->name));
	s->id = 4;
	s->generation = 9;
	s->entry = SZ_128M + SZ_2M + 0x200;
	s->res.cpus = cpus;
	s->res.nr_cpus = ARRAY_SIZE(cpus);
	s->res.blocks = &block;
	s->res.nr_blocks = 1;
	rf_desc_fill(s);

	KUNIT_EXPECT_EQ(test, d->magic, RF_BOOT_MAGIC);
	KUNIT_EXPECT_EQ(test, d->size, sizeof(*d));
	KUNIT_EXPECT_EQ(test, d->self, SZ_128M);
	KUNIT_EXPECT_EQ(test, d->generation, 9);
	KUNIT_EXPECT_EQ(test, d->state, RF_BOOT_NEW);
	KUNIT_EXPECT_EQ(test, d->stop, RF_STOP_NONE);
	KUNIT_EXPECT_STREQ(test, d->name, "desc");
	KUNIT_EXPECT_NOT_NULL(test, memchr_inv(d->seed, 0, sizeof(d->seed)));
	KUNIT_EXPECT_EQ(test, d->nr_regions, 1);
	KUNIT_EXPECT_EQ(test, d->region[0].start, SZ_128M);
	KUNIT_EXPECT_EQ(test, d->region[0].node, 0);
	KUNIT_EXPECT_EQ(test, d->nr_apicids, num_present_cpus());
	KUNIT_EXPECT_GE(test, d->nr_nodes, 1);
	for (unsigned int i = 0; i < d->nr_apicids; i++)
		KUNIT_EXPECT_LT(test, d->apicid_node[i], d->nr_nodes);
	for (unsigned int i = 0; i < d->nr_nodes; i++)
		KUNIT_EXPECT_EQ(test, d->distance[i][i], LOCAL_DISTANCE);

	KUNIT_EXPECT_EQ(test, d->nr_cpus, 2);
	KUNIT_EXPECT_EQ(test, d->comm_apicid, 6);
	KUNIT_EXPECT_EQ(test, d->cpu[1].apicid, 0x80);
	KUNIT_EXPECT_EQ(test, cpus[1].slot, 1);
	KUNIT_EXPECT_EQ(test, d->cpu[1].present, 1);
	KUNIT_EXPECT_EQ(test, d->cpu[1].rip, 0);	/* the subOS starts it */
	KUNIT_EXPECT_EQ(test, d->cpu[2].present, 0);
	KUNIT_EXPECT_EQ(test, d->cpu[0].rip, s->entry);
	KUNIT_EXPECT_EQ(test, d->cpu[0].rsi, SZ_128M + RF_OFF_BOOT_PARAMS);
	/* each start has a seed of its own */
	memcpy(seed, d->seed, sizeof(seed));
	rf_desc_fill(s);
	KUNIT_EXPECT_NE(test, memcmp(seed, d->seed, sizeof(seed)), 0);
	KUNIT_EXPECT_EQ(test, d->cpu[0].cr3, SZ_128M + RF_OFF_IDENT);
	for (unsigned int i = 0; i < RF_BOOT_MAX_CPUS; i++)
		KUNIT_EXPECT_EQ(test, d->cpu[i].rsp,
				SZ_128M + RF_OFF_STACKS + (i + 1) * RF_STACK_SIZE);
}

/* A running subOS, which writes where we do */
static int liar(void *data)
{
	struct rf_boot_desc *d = data;

	while (!kthread_should_stop()) {
		for (unsigned int i = 0; i < 1000; i++) {
			WRITE_ONCE(d->nr_regions, 4000);
			WRITE_ONCE(d->region[0].node, 77);
		}
		cond_resched();
	}
	return 0;
}

static void regions_hostile_test(struct kunit *test)
{
	struct rf_block block = { SZ_128M };
	struct rf_subos *s = subos(test, SZ_128M);
	struct rf_boot_desc *d = s->desc;
	struct task_struct *task;

	s->res.blocks = &block;
	s->res.nr_blocks = 1;
	task = kthread_run(liar, d, "rf_liar");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (unsigned int i = 0; i < 20000; i++) {
		rf_boot_regions(s);
		if (!(i % 100))
			cond_resched();
	}
	kthread_stop(task);
	KUNIT_EXPECT_NULL(test, memchr_inv(&d->region[2], 0xa5, 4000 * sizeof(d->region[0])));
	KUNIT_EXPECT_EQ(test, s->nr_nodes, 1);
}

static struct kunit_case boot_cases[] = {
	KUNIT_CASE_PARAM(ident_test, ident_gen_params),
	KUNIT_CASE(ident_full_test),
	KUNIT_CASE(e820_test),
	KUNIT_CASE(boot_params_test),
	KUNIT_CASE(rings_test),
	KUNIT_CASE(node_index_test),
	KUNIT_CASE(desc_test),
	KUNIT_CASE(regions_hostile_test),
	{ }
};

static struct kunit_suite boot_suite = {
	.name		= "rf_boot",
	.test_cases	= boot_cases,
};

kunit_test_suite(boot_suite);
