// SPDX-License-Identifier: GPL-2.0
/* What a subOS finds in its control area, and its first instruction */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/delay.h>
#include <linux/io.h>
#include <linux/memory.h>
#include <linux/mm.h>
#include <linux/netlink.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/topology.h>

#include <asm/apic.h>
#include <asm/bootparam.h>
#include <asm/e820/types.h>
#include <asm/irq_vectors.h>
#include <asm/msr.h>
#include <asm/setup.h>
#include <asm/smp.h>
#include <asm/tsc.h>

#include <rf/ficm.h>

#include "image.h"
#include "rfcontroller.h"

extern unsigned int lapic_timer_period;

/*
 * In front of what the user gives, so that an "--" in that ends nothing here.
 * Microcode is the supervisor's to load; the kernel lies where it was put; the
 * root may fill all memory, not the half of it that tmpfs allows; memory that is
 * added later can leave again. One that boots with one CPU may get more: its lock
 * prefixes stay, else the first that comes waits until all are patched back in.
 */
#define RF_CMDLINE "dis_ucode_ldr nokaslr no5lvl noreplace-smp rootfstype=ramfs memhp_default_state=online_movable "
static_assert(sizeof(RF_CMDLINE) + RF_CMDLINE_USER_MAX <= RF_CMDLINE_MAX);

static void *rf_at(struct rf_subos *s, u32 offset)
{
	return (void *)s->desc + offset;
}

/* ---- the identity map: home region and trampoline, 4 levels ---- */

struct rf_ident {
	u64 *base;
	u64 phys;
	unsigned int used;
};

static u64 *rf_ident_next(struct rf_ident *id, u64 *entry)
{
	unsigned int n;

	if (*entry & _PAGE_PRESENT)
		return id->base + ((*entry & PTE_PFN_MASK) - id->phys) / sizeof(u64);
	n = id->used++;
	if (n >= RF_IDENT_SIZE / PAGE_SIZE)
		return NULL;
	*entry = (id->phys + n * PAGE_SIZE) | _PAGE_PRESENT | _PAGE_RW;
	return id->base + n * PAGE_SIZE / sizeof(u64);
}

static int rf_ident_map(struct rf_ident *id, u64 at, u64 end, bool large)
{
	int last = large ? 21 : 12;

	for (; at < end; at += 1ULL << last) {
		u64 *table = id->base;

		for (int shift = 39; shift > last; shift -= 9) {
			table = rf_ident_next(id, &table[(at >> shift) & 511]);
			if (!table)
				return -ENOSPC;
		}
		table[(at >> last) & 511] = at | _PAGE_PRESENT | _PAGE_RW | (large ? _PAGE_PSE : 0);
	}
	return 0;
}

/*
 * Only until the kernel has its own page tables: its image and the control
 * area; never more than is granted, as speculation may touch what is mapped.
 */
static int rf_ident_build(struct rf_subos *s, u64 end)
{
	struct rf_ident id = {
		.base = rf_at(s, RF_OFF_IDENT),
		.phys = s->desc_phys + RF_OFF_IDENT,
		.used = 1,
	};

	memset(id.base, 0, RF_IDENT_SIZE);
	return rf_ident_map(&id, s->desc_phys, end, true) ?:
	       rf_ident_map(&id, rf_trampoline_phys(), rf_trampoline_phys() + PAGE_SIZE, false);
}

/*
 * A subOS that was resized may find another home at its next start. Take the
 * last words from the old one before anything is written.
 */
void rf_boot_leave(struct rf_subos *s, const struct rf_placement *p)
{
	lockdep_assert_held(&s->drain);
	if (!s->desc || s->desc_phys == p->home.start)
		return;
	if (s->generation)
		rf_console_drain(s);
	rf_watch_remove(s);
	memunmap(s->desc);
	s->desc = NULL;
	for (unsigned int id = 0; id < RF_RING_COUNT; id++)
		s->end[id].pos = 0;
}

/* Map the control area at its new home and build what doesn't change in it */
int rf_boot_map(struct rf_subos *s, const struct rf_placement *p)
{
	if (!s->desc) {
		s->desc = memremap(p->home.start, RF_CONTROL_SIZE, MEMREMAP_WB);
		if (!s->desc)
			return -ENOMEM;
		s->desc_phys = p->home.start;
		/* an earlier life may have had anything there, no rings */
		memset(s->desc, 0, RF_CONTROL_SIZE);
	}
	/* at most 32 GiB: one table a GiB must fit the space for the tables */
	return rf_ident_build(s, min(p->home.start + p->home.size, p->home.start + (32ULL << 30)));
}

/* ---- boot_params ---- */

/*
 * Linux refuses a map of fewer than two entries, and after mem= looks again: so
 * beside the memory, of which there may be one region, stands the page through
 * which all CPUs come, as what it is: not the subOS's.
 */
static void rf_e820(struct boot_params *bp, const struct rf_subos *s)
{
	struct boot_e820_entry *e = bp->e820_table;
	struct rf_boot_region *r;
	unsigned int nr;

	bp->e820_entries = 0;
	r = kcalloc(RF_BOOT_MAX_REGIONS, sizeof(*r), GFP_KERNEL);
	if (!r)
		return;		/* no entries: the kernel says so and stops */
	*e++ = (struct boot_e820_entry) {
		.addr = rf_trampoline_phys(), .size = PAGE_SIZE, .type = E820_TYPE_RESERVED,
	};
	nr = rf_memory_regions(&s->res, r, RF_BOOT_MAX_REGIONS);
	for (unsigned int i = 0; i < nr; i++)
		*e++ = (struct boot_e820_entry) {
			.addr = r[i].start, .size = r[i].size, .type = E820_TYPE_RAM,
		};
	bp->e820_entries = e - bp->e820_table;
	kfree(r);
}

void rf_boot_params(struct rf_subos *s, const struct rf_image *img, const struct rf_placement *p)
{
	struct boot_params *bp = rf_at(s, RF_OFF_BOOT_PARAMS);
	char *cmdline = rf_at(s, RF_OFF_CMDLINE);
	u64 cmdline_phys = s->desc_phys + RF_OFF_CMDLINE;

	memset(bp, 0, PAGE_SIZE);
	if (img->bzimage) {
		/* as far as the header says, from byte 0x201 on */
		size_t len = 0x202 + ((u8 *)img->buf)[0x201] - 0x1f1;

		memcpy(&bp->hdr, img->buf + 0x1f1, min(len, sizeof(bp->hdr)));
	} else {
		bp->hdr.boot_flag = 0xaa55;
		bp->hdr.header = 0x53726448;
		bp->hdr.version = 0x20f;
		bp->hdr.kernel_alignment = img->align;
	}
	bp->hdr.type_of_loader = 0xff;
	bp->hdr.loadflags = LOADED_HIGH;
	bp->hdr.code32_start = (u32)p->kernel;
	bp->hdr.ramdisk_image = (u32)p->initrd;
	bp->ext_ramdisk_image = p->initrd >> 32;
	bp->hdr.ramdisk_size = (u32)p->initrd_size;
	bp->ext_ramdisk_size = p->initrd_size >> 32;
	bp->hdr.cmd_line_ptr = (u32)cmdline_phys;
	bp->ext_cmd_line_ptr = cmdline_phys >> 32;
	bp->hdr.hardware_subarch = RF_BOOT_SUBARCH;
	bp->hdr.hardware_subarch_data = s->desc_phys;
	rf_e820(bp, s);
	snprintf(cmdline, RF_CMDLINE_MAX, RF_CMDLINE "%s", s->cmdline ?: "");
}

/* ---- the descriptor ---- */

/* The subOS's number of one of our nodes; -1: it doesn't know it */
int rf_subos_node(const struct rf_subos *s, int node)
{
	for (unsigned int i = 0; i < s->nr_nodes; i++)
		if (s->nodes[i] == node)
			return i;
	return -1;
}

static unsigned int rf_node_index(struct rf_subos *s, int node)
{
	int i = rf_subos_node(s, node);

	if (i >= 0)
		return i;
	if (s->nr_nodes == RF_BOOT_MAX_NODES)
		return 0;
	s->nodes[s->nr_nodes] = node;
	return s->nr_nodes++;
}

/**
 * rf_boot_regions - write down which memory a subOS has
 *
 * At its start, for it; later for whoever looks after us. It may run, and write
 * there too: nothing is read back. Context: s->lock held.
 */
void rf_boot_regions(struct rf_subos *s)
{
	struct rf_boot_desc *d = s->desc;
	struct rf_boot_region r;
	unsigned int n = 0;

	if (!d)
		return;		/* it is not loaded */
	for (unsigned int at = 0; rf_memory_region(&s->res, &at, &r); n++) {
		if (n == RF_BOOT_MAX_REGIONS) {
			n = 0;		/* more than can be told */
			break;
		}
		r.node = rf_node_index(s, r.node);
		d->region[n] = r;
	}
	WRITE_ONCE(d->nr_regions, n);
}

/*
 * The subOS numbers its nodes from 0: first those that it owns something on,
 * then the machine's others, from which something may come later.
 */
static void rf_desc_topology(struct rf_subos *s, struct rf_boot_desc *d)
{
	unsigned int cpu, i, j;
	int node;

	s->nr_nodes = 0;
	rf_boot_regions(s);
	for (i = 0; i < s->res.nr_blocks; i++)
		s->res.blocks[i].added = false;

	s->nr_slots = s->res.nr_cpus;
	d->nr_cpus = s->nr_slots;
	for (i = 0; i < s->res.nr_cpus; i++) {
		s->res.cpus[i].slot = i;
		d->cpu[i] = (struct rf_boot_cpu) {
			.apicid	 = s->res.cpus[i].apicid,
			.node	 = rf_node_index(s, s->res.cpus[i].node),
			.present = 1,
		};
	}
	for (i = 0; i < RF_BOOT_MAX_CPUS; i++)
		d->cpu[i].rsp = s->desc_phys + RF_OFF_STACKS + (i + 1) * RF_STACK_SIZE;

	for_each_present_cpu(cpu) {
		if (d->nr_apicids == RF_BOOT_MAX_APICIDS)
			break;
		d->apicid[d->nr_apicids] = cpu_physical_id(cpu);
		d->apicid_node[d->nr_apicids++] = rf_node_index(s, cpu_to_node(cpu));
	}
	for_each_online_node(node)	/* some have memory and no CPU */
		rf_node_index(s, node);
	d->nr_nodes = s->nr_nodes;
	for (i = 0; i < s->nr_nodes; i++)
		for (j = 0; j < s->nr_nodes; j++)
			d->distance[i][j] = node_distance(s->nodes[i], s->nodes[j]);
}

static void rf_desc_rings(struct rf_boot_desc *d)
{
	static const struct rf_boot_ring rings[RF_RING_COUNT] = {
		[RF_RING_CONSOLE_OUT]	= { RF_OFF_CONSOLE_OUT, RF_LEN_CONSOLE_OUT },
		[RF_RING_CONSOLE_IN]	= { RF_OFF_CONSOLE_IN, RF_LEN_CONSOLE_IN },
		[RF_RING_STDIN]		= { RF_OFF_STDIN, RF_LEN_STDIN },
		[RF_RING_STDOUT]	= { RF_OFF_STDOUT, RF_LEN_STDOUT },
		[RF_RING_STDERR]	= { RF_OFF_STDERR, RF_LEN_STDERR },
	};

	for (unsigned int i = 0; i < RF_RING_COUNT; i++) {
		d->ring[i] = rings[i];
		memset((void *)d + rings[i].offset, 0, sizeof(struct rf_ring));
	}
}

/* All zero, so that nothing in it is of an earlier life */
static void rf_crash_fill(struct rf_subos *s)
{
	struct rf_crash *crash = rf_at(s, RF_OFF_CRASH);

	memset(crash, 0, sizeof(*crash));
	crash->size = sizeof(*crash);
	crash->nr_cpus = RF_BOOT_MAX_CPUS;
	crash->hold_entry = rf_trampoline_hold_entry();
	s->desc->crash = RF_OFF_CRASH;
}

static void rf_desc_fill(struct rf_subos *s)
{
	struct rf_boot_desc *d = s->desc;

	memset(d, 0, sizeof(*d));
	d->magic = RF_BOOT_MAGIC;
	d->version_major = RF_BOOT_VERSION_MAJOR;
	d->version_minor = RF_BOOT_VERSION_MINOR;
	d->size = sizeof(*d);
	d->self = s->desc_phys;
	d->generation = s->generation;
	d->id = s->id;
	strscpy(d->name, s->name, sizeof(d->name));
	d->doorbell_vector = RAINFOREST_DOORBELL_VECTOR;
	d->sup_apicid = rf_ficm_core_apicid();
	d->sup_vector = RAINFOREST_DOORBELL_VECTOR;
	d->comm_apicid = s->res.cpus[0].apicid;
	d->x2apic = x2apic_enabled();
	d->bsp_apicid = boot_cpu_physical_apicid;
	d->tsc_khz = tsc_khz;
	/* With a TSC deadline there is no period, and the subOS needs none */
	d->lapic_hz = boot_cpu_has(X86_FEATURE_TSC_DEADLINE_TIMER) ? 0 : lapic_timer_period * HZ;
	d->trampoline = rf_trampoline_phys();
	d->ident_pgd = s->desc_phys + RF_OFF_IDENT;
	d->control_size = RF_CONTROL_SIZE;
	d->block_size = memory_block_size_bytes();
	get_random_bytes(d->seed, sizeof(d->seed));
	rf_desc_topology(s, d);
	rf_desc_rings(d);
	d->ficm_rx = s->ficm_rx;
	d->ficm_tx = s->ficm_tx;
	d->ficm_size = s->ficm_size;
	rf_crash_fill(s);

	d->cpu[0].cr3 = d->ident_pgd;
	d->cpu[0].rip = s->entry;
	d->cpu[0].rsi = s->desc_phys + RF_OFF_BOOT_PARAMS;
	d->wall_ns = ktime_get_real_ns();
	d->wall_tsc = rdtsc_ordered();
}

/**
 * rf_boot_start - start a loaded subOS's first CPU
 *
 * Context: s->lock held, images fresh, all CPUs proven out.
 * Return: 0 once the CPU has gone through the trampoline, -ETIMEDOUT with
 * extack when it did not; it is to be proven out then.
 */
int rf_boot_start(struct rf_subos *s, struct netlink_ext_ack *extack)
{
	u64 slots = s->desc_phys + offsetof(struct rf_boot_desc, cpu);
	int err;

	lockdep_assert_held(&s->lock);
	s->generation++;
	s->image_fresh = false;
	rf_desc_fill(s);
	rf_console_start(s);
	for (unsigned int i = 0; i < s->res.nr_cpus; i++) {
		s->res.cpus[i].proven = false;
		s->res.cpus[i].left = false;
		rf_trampoline_set(s->res.cpus[i].apicid,
				  slots + s->res.cpus[i].slot * sizeof(struct rf_boot_cpu),
				  s->desc->ident_pgd);
	}
	wmb(); /* all of it before the start-up IPI */
	s->start_tsc = rdtsc_ordered();
	s->desc->stamp[0] = s->start_tsc;
	err = rf_trampoline_kick(s->res.cpus[0].apicid, true);
	if (err)
		rf_msg(extack, "CPU %u (APIC ID %#x) does not start",
		       s->res.cpus[0].cpu, s->res.cpus[0].apicid);
	return err;
}
