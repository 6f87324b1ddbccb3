// SPDX-License-Identifier: GPL-2.0
/* Memory blocks: choosing them, taking them from the supervisor, and back */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/netlink.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/timekeeping.h>

#include "rfcontroller.h"

/* Walk a node's blocks from the top: the kernel's own things lie at the bottom */
#define rf_for_each_block_down(start, node, size)				\
	for (start = ALIGN_DOWN(PFN_PHYS(node_end_pfn(node) - 1), size);	\
	     start >= PFN_PHYS(node_start_pfn(node)) && start >= SZ_16M;	\
	     start -= size)

/* @full: what is in some blocks has nowhere to go */
static u64 rf_carvable_now(int node, bool *full)
{
	u64 size = memory_block_size_bytes(), start, sum = 0;
	unsigned long room, load;

	lockdep_assert_held(&rf_grant_lock);	/* nothing leaves while we look */
	if (!node_online(node) || !NODE_DATA(node)->node_spanned_pages)
		return 0;
	room = rf_block_room(node);
	rf_for_each_block_down(start, node, size) {
		cond_resched();
		if (rf_block_look(start, size, node, &load) == RF_BLOCK_NO)
			continue;
		if (load > room) {
			*full = true;
			continue;
		}
		sum += size;
		room -= load;
	}
	return sum;
}

/**
 * rf_memory_carvable - estimate how much of a node could be granted now
 * @node: its number; one that does not exist has nothing
 *
 * Anybody may ask: it looks at most once a second, and not while a create is
 * under way; then the last figure stands.
 *
 * Return: bytes.
 */
u64 rf_memory_carvable(int node)
{
	static u64 last[RF_BOOT_MAX_NODES];
	static unsigned long until[RF_BOOT_MAX_NODES];
	bool full;

	if (node < 0 || node >= RF_BOOT_MAX_NODES)
		return 0;
	if ((!until[node] || time_after(jiffies, until[node])) && mutex_trylock(&rf_grant_lock)) {
		WRITE_ONCE(last[node], rf_carvable_now(node, &full));
		until[node] = (jiffies + HZ) ?: 1;
		mutex_unlock(&rf_grant_lock);
	}
	return READ_ONCE(last[node]);
}

/* Bytes of node, or of all with NUMA_NO_NODE */
u64 rf_memory_of(const struct rf_resources *res, int node)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < res->nr_blocks; i++)
		if (node == NUMA_NO_NODE || res->blocks[i].node == node)
			sum += memory_block_size_bytes();
	return sum;
}

#define RF_TAKE_MS	20000	/* for those blocks of a node that refuse, together */

/*
 * Take count blocks of node; how many were taken is in res. @full: what is in some that
 * were not has nowhere to go.
 */
static int rf_node_take(int node, unsigned int count, struct rf_resources *res, bool *full)
{
	u64 size = memory_block_size_bytes(), start;
	unsigned int goal = res->nr_blocks + count;
	ktime_t end = ktime_add_ms(ktime_get(), RF_TAKE_MS + rf_block_patience_ms(count * size));
	int err;

	/* the free ones; those that need migration; those refused lately */
	for (int pass = 0; pass < 3 && res->nr_blocks < goal; pass++) {
		rf_for_each_block_down(start, node, size) {
			enum rf_block_kind kind;
			unsigned long load;
			bool refused;

			if (res->nr_blocks == goal)
				break;
			if (fatal_signal_pending(current))
				return -EINTR;
			if (ktime_after(ktime_get(), end))
				return -ENOSPC;
			kind = rf_block_look(start, size, node, &load);
			refused = rf_block_refused(start);
			if (kind == RF_BLOCK_NO || (pass == 0 && kind != RF_BLOCK_FREE) ||
			    (pass < 2 && refused) || (pass == 2 && !refused))
				continue;
			if (load > rf_block_room(node)) {
				*full = true;
				continue;
			}
			err = rf_block_take(start, node, res);
			/* any signal ends offlining; it says nothing of the block */
			if (err == -EINTR || err == -EUCLEAN)
				return err;
			cond_resched();
		}
	}
	return res->nr_blocks == goal ? 0 : -ENOSPC;
}

/**
 * rf_memory_choose - check what a request asks of memory, and say from where
 * @req: what is asked
 * @res: has the CPUs; blocks is allocated here, the caller frees it
 * @extack: where the reason goes
 *
 * Without a node memory comes from the nodes of the CPUs, by how many each has.
 * Fills res->blocks with room for the blocks, and, for a dry run, with what
 * would be tried first.
 *
 * Context: rf_grant_lock held, CPUs chosen.
 *
 * Return: 0, -ENODEV, -ENOSPC, -EINVAL, -ERANGE, -ENOMEM with extack.
 */
int rf_memory_choose(const struct rf_request *req, struct rf_resources *res,
		     struct netlink_ext_ack *extack)
{
	u64 size = memory_block_size_bytes(), total = 0, asked = 0, keep;
	u64 per_node[RF_BOOT_MAX_NODES] = { };
	u64 can[RF_BOOT_MAX_NODES];
	bool full;

	lockdep_assert_held(&rf_grant_lock);
	for (unsigned int i = 0; i < req->nr_mem; i++) {
		u64 bytes = req->mem[i].size;
		int node = req->mem[i].node;

		if (node != NUMA_NO_NODE && (node >= RF_BOOT_MAX_NODES || node < 0 ||
					     !node_online(node) || !node_present_pages(node))) {
			rf_msg(extack, "node %d does not exist or has no memory", node);
			return -ENODEV;
		}
		if (bytes > RF_MAX_MEMORY) {
			rf_msg(extack, "no machine has that much memory");
			return -ENOSPC;
		}
		if (req->mem[i].exact && !IS_ALIGNED(bytes, size)) {
			rf_msg(extack, "%llu MiB is no multiple of the memory block: %llu or %llu MiB",
			       bytes >> 20, (bytes - bytes % size) >> 20,
			       ALIGN(bytes, size) >> 20);
			return -EINVAL;
		}
		asked += bytes;
		bytes = ALIGN(bytes, size);
		total += bytes;
		if (node != NUMA_NO_NODE) {
			per_node[node] += bytes;
			continue;
		}
		/* block by block, round the CPUs' nodes; what is left over goes first */
		for (unsigned int c = 0; bytes; c = (c + 1) % res->nr_cpus, bytes -= size) {
			if (res->cpus[c].node >= RF_BOOT_MAX_NODES) {
				rf_msg(extack, "CPU %u is of node %u, and memory comes from nodes 0 to %d: say from which with SIZE@nodeK",
				       res->cpus[c].cpu, res->cpus[c].node, RF_BOOT_MAX_NODES - 1);
				return -ENOSPC;
			}
			per_node[res->cpus[c].node] += size;
		}
	}
	if (!req->more && asked < RF_MIN_MEMORY) {
		rf_msg(extack, "a subOS needs at least %llu MiB", RF_MIN_MEMORY >> 20);
		return -ENOSPC;
	}
	for (int node = 0; node < RF_BOOT_MAX_NODES; node++) {
		if (!per_node[node])
			continue;
		if (!node_online(node) || !node_present_pages(node)) {
			rf_msg(extack, "node %d of the CPUs has no memory: say from which with SIZE@nodeK",
			       node);
			return -ENOSPC;
		}
		full = false;
		can[node] = rf_carvable_now(node, &full);
		if (can[node] < per_node[node]) {
			rf_msg(extack, "node %d can give %llu MiB now, %llu asked%s",
			       node, can[node] >> 20, per_node[node] >> 20,
			       full ? ": the rest has nowhere to go, memory is full" : "");
			return -ENOSPC;
		}
	}
	keep = (u64)rf_reserve_memory << 20;
	if (PFN_PHYS((u64)totalram_pages()) < total + keep) {
		rf_msg(extack, "%llu MiB asked, the supervisor has %llu and keeps %llu: %llu can be granted",
		       total >> 20, PFN_PHYS((u64)totalram_pages()) >> 20, keep >> 20,
		       PFN_PHYS((u64)totalram_pages()) > keep ?
		       (PFN_PHYS((u64)totalram_pages()) - keep) >> 20 : 0);
		return -ENOSPC;
	}

	res->blocks = kcalloc(total / size, sizeof(*res->blocks), GFP_KERNEL);
	if (!res->blocks)
		return -ENOMEM;
	/* what to take, without where: rf_memory_take() decides */
	for (int node = 0; node < RF_BOOT_MAX_NODES; node++)
		for (u64 n = 0; n < per_node[node]; n += size)
			res->blocks[res->nr_blocks++] = (struct rf_block) {
				.node = node, .status = RF_LEDGER_TAKING,
			};

	for (int node = 0; req->dry_run && node < RF_BOOT_MAX_NODES; node++) {
		unsigned long load;
		unsigned int b = 0;
		u64 start;

		if (!per_node[node])
			continue;
		for (int pass = RF_BLOCK_FREE; pass >= RF_BLOCK_MAYBE; pass--)
			rf_for_each_block_down(start, node, size) {
				if (rf_block_look(start, size, node, &load) != pass)
					continue;
				while (b < res->nr_blocks && (res->blocks[b].node != node ||
							      res->blocks[b].start))
					b++;
				if (b < res->nr_blocks)
					res->blocks[b].start = start;
			}
	}
	return 0;
}

/* How many runs of adjacent blocks of one node; sorted */
unsigned int rf_memory_pieces(const struct rf_resources *res)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < res->nr_blocks; i++)
		n += !i || res->blocks[i].node != res->blocks[i - 1].node ||
		     res->blocks[i].start != res->blocks[i - 1].start + memory_block_size_bytes();
	return n;
}

static int rf_block_cmp(const void *a, const void *b)
{
	const struct rf_block *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/**
 * rf_memory_begin - take the chosen amounts of memory from the supervisor
 * @req: what is asked
 * @res: from rf_memory_choose(); gets the blocks
 * @extack: where the reason goes
 *
 * All or nothing: on failure what was taken is back. Afterwards the blocks are
 * sorted by address, and being zeroed: nobody may have them before
 * rf_memory_finish().
 *
 * Context: rf_grant_lock held.
 *
 * Return: 0, -ENOSPC, -ENOMEM, -EINTR with extack.
 */
int rf_memory_begin(const struct rf_request *req, struct rf_resources *res,
		    struct netlink_ext_ack *extack)
{
	unsigned int want[RF_BOOT_MAX_NODES] = { }, i;
	u64 size = memory_block_size_bytes();
	bool full = false;
	int err = 0, node;

	for (i = 0; i < res->nr_blocks; i++)
		want[res->blocks[i].node]++;
	res->nr_blocks = 0;

	rcu_expedite_gp();	/* as in rf_cpu_take() */
	for (node = 0; node < RF_BOOT_MAX_NODES && !err; node++) {
		unsigned int before = res->nr_blocks;

		if (!want[node])
			continue;
		err = rf_node_take(node, want[node], res, &full);
		if (err == -ENOSPC)
			rf_msg(extack, "node %d gave only %llu of %llu MiB: the rest holds pages that %s",
			       node, (res->nr_blocks - before) * size >> 20,
			       want[node] * size >> 20,
			       full ? "have nowhere to go: the supervisor's memory is full" :
				      "can't move");
		else if (err)
			rf_msg(extack, "interrupted; nothing was taken");
	}
	rcu_unexpedite_gp();
	if (err) {
		rf_memory_return(res);
		return err;
	}
	mutex_lock(&rf_list_lock);	/* another's change may write the ledger meanwhile */
	sort(res->blocks, res->nr_blocks, sizeof(*res->blocks), rf_block_cmp, NULL);
	mutex_unlock(&rf_list_lock);
	if (rf_memory_pieces(res) > RF_BOOT_MAX_REGIONS) {
		rf_msg(extack, "the memory would be in %u pieces, %d is the most: ask for less, or of other nodes",
		       rf_memory_pieces(res), RF_BOOT_MAX_REGIONS);
		rf_memory_return(res);
		return -ENOSPC;
	}
	return 0;
}

/**
 * rf_memory_finish - wait until what rf_memory_begin() took is zero
 * @res: the blocks; scrub_ns and scrub_wait_ns are what it took and how much of
 *	that was waited for here
 * @extack: where the reason goes
 *
 * Return: 0; -ENOMEM with extack when a block could not be zeroed: then all are
 * still to be given back.
 */
int rf_memory_finish(struct rf_resources *res, struct netlink_ext_ack *extack)
{
	u64 t = ktime_get_ns();
	int err = 0;

	res->scrub_ns = 0;
	for (unsigned int i = 0; i < res->nr_blocks; i++) {
		struct rf_block *b = &res->blocks[i];

		if (!b->scrub)
			continue;
		if (rf_scrub_finish(b->scrub, &res->scrub_ns))
			err = -ENOMEM;
		else
			b->status = RF_LEDGER_GRANTED;
		b->scrub = NULL;
	}
	res->scrub_wait_ns = ktime_get_ns() - t;
	if (err)
		rf_msg(extack, "a memory block can't be zeroed: there is no address space to map it");
	return err;
}

/* Both, for those who have nothing to do meanwhile */
int rf_memory_take(const struct rf_request *req, struct rf_resources *res,
		   struct netlink_ext_ack *extack)
{
	int err = rf_memory_begin(req, res, extack);

	if (err)
		return err;
	err = rf_memory_finish(res, extack);
	if (err)
		rf_memory_return(res);
	return err;
}

/**
 * rf_memory_return - scrub memory blocks and give them back to the supervisor
 * @res: the blocks; the array stays the caller's
 *
 * Every CPU of the subOS must be proven out. What could not be given back stays
 * in @res as quarantined. scrub_ns and scrub_wait_ns are what zeroing took, and
 * how much of that was waited for.
 *
 * Return: how many blocks stayed.
 */
unsigned int rf_memory_return(struct rf_resources *res)
{
	unsigned int left = 0;

	res->scrub_ns = 0;
	res->scrub_wait_ns = 0;
	for (unsigned int i = 0; i < res->nr_blocks; i++) {
		struct rf_block *b = &res->blocks[i];

		b->status = RF_LEDGER_RETURNING;
		rf_block_scrub(b);
	}
	rcu_expedite_gp();
	for (unsigned int i = 0; i < res->nr_blocks; i++) {
		struct rf_block *b = &res->blocks[i];

		if (rf_block_return(b, res)) {
			b->status = RF_LEDGER_QUARANTINED;
			res->blocks[left++] = *b;
		}
		cond_resched();
	}
	rcu_unexpedite_gp();
	res->nr_blocks = left;
	return left;
}

/*
 * Zero blocks on their way to another subOS; whatever is returned, nothing is being
 * zeroed any more then. Return: 0, -ENOMEM, or as rf_memory_finish().
 */
int rf_memory_scrub(struct rf_resources *res, struct netlink_ext_ack *extack)
{
	int missing = 0;

	for (unsigned int i = 0; i < res->nr_blocks; i++)
		rf_block_scrub(&res->blocks[i]);
	for (unsigned int i = 0; i < res->nr_blocks; i++)
		if (!res->blocks[i].scrub)
			missing = -ENOMEM;
	return rf_memory_finish(res, extack) ?: missing;
}

/**
 * rf_memory_region - the next contiguous region of one node
 * @res: blocks, in any order; neighbours in it are joined
 * @at: in: the first block to look at, 0 at the start; out: that of the next region
 * @r: out; node is the supervisor's number
 *
 * Context: any. Return: false when there is none left.
 */
bool rf_memory_region(const struct rf_resources *res, unsigned int *at, struct rf_boot_region *r)
{
	u64 size = memory_block_size_bytes();
	const struct rf_block *b;

	if (*at == res->nr_blocks)
		return false;
	b = &res->blocks[(*at)++];
	*r = (struct rf_boot_region) { .start = b->start, .size = size, .node = b->node };
	for (; *at < res->nr_blocks; (*at)++, r->size += size) {
		b = &res->blocks[*at];
		if (b->node != r->node || b->start != r->start + r->size)
			break;
	}
	return true;
}

/* All regions of a grant. Return: how many; 0: more than @max. */
unsigned int rf_memory_regions(const struct rf_resources *res,
			       struct rf_boot_region *regions, unsigned int max)
{
	struct rf_boot_region r;
	unsigned int n = 0;

	for (unsigned int at = 0; rf_memory_region(res, &at, &r); n++) {
		if (n == max)
			return 0;
		regions[n] = r;
	}
	return n;
}
