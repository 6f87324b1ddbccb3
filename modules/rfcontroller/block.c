// SPDX-License-Identifier: GPL-2.0
/* One memory block: whether it can be taken, out of the supervisor, and back */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/ioport.h>
#include <linux/jiffies.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/page-isolation.h>
#include <linux/rainforest_core.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <linux/timekeeping.h>
#include <linux/timer.h>

#include "rfcontroller.h"

/* What became of the last attempts on a block: don't try in vain each time */
#define RF_REFUSED_SLOTS 64
static struct {
	u64 start;
	unsigned long until;	/* jiffies */
} rf_refused[RF_REFUSED_SLOTS];
static unsigned int rf_refused_next;
#define RF_REFUSED_FOR	(60 * HZ)

bool rf_block_refused(u64 start)
{
	for (unsigned int i = 0; i < RF_REFUSED_SLOTS; i++)
		if (rf_refused[i].start == start && rf_refused[i].until &&
		    time_before(jiffies, rf_refused[i].until))
			return true;
	return false;
}

static void rf_block_remember(u64 start)
{
	rf_refused[rf_refused_next].start = start;
	rf_refused[rf_refused_next].until = (jiffies + RF_REFUSED_FOR) ?: 1;
	rf_refused_next = (rf_refused_next + 1) % RF_REFUSED_SLOTS;
}

static bool rf_is_only_node(int node)
{
	nodemask_t nodes = node_states[N_MEMORY];

	node_clear(node, nodes);
	return nodes_empty(nodes);
}

static long rf_node_pages(struct pglist_data *pgdat, enum node_stat_item item)
{
	return atomic_long_read(&pgdat->vm_stat[item]);
}

/* Pages that a node could take in, free ones and clean ones of files: an estimate */
static unsigned long rf_node_room(int node)
{
	struct pglist_data *pgdat = NODE_DATA(node);
	unsigned long sum, free;

	sum = max(0L, rf_node_pages(pgdat, NR_ACTIVE_FILE) +
		      rf_node_pages(pgdat, NR_INACTIVE_FILE) -
		      rf_node_pages(pgdat, NR_FILE_MAPPED) -
		      rf_node_pages(pgdat, NR_FILE_DIRTY) - rf_node_pages(pgdat, NR_WRITEBACK));
	for (struct zone *z = pgdat->node_zones; z < pgdat->node_zones + MAX_NR_ZONES; z++) {
		free = populated_zone(z) ? zone_page_state(z, NR_FREE_PAGES) : 0;
		if (free > high_wmark_pages(z))
			sum += free - high_wmark_pages(z);
	}
	return sum;
}

/**
 * rf_block_room - where offlining can put what is in a node's blocks
 * @node: it; while another one has memory, offlining moves pages there only
 *
 * When there is no room, Linux looks for it for ten seconds a page, warns that there
 * is none, and tries again: minutes in which nobody else gets anything.
 *
 * Return: pages.
 */
unsigned long rf_block_room(int node)
{
	nodemask_t nodes = node_states[N_MEMORY];
	unsigned long sum = 0;
	long swap = get_nr_swap_pages();
	int other;

	if (!rf_is_only_node(node))
		node_clear(node, nodes);
	for_each_node_mask(other, nodes)
		sum += rf_node_room(other);
	return sum + (swap > 0 ? swap : 0);
}

/**
 * rf_block_look - could a block be taken?
 * @start: its physical address
 * @size: its size
 * @node: the node that all of it has to be of
 * @load: gets the pages that offlining has to move, to be compared with rf_block_room()
 *
 * FREE when no page of it is in use; MAYBE when all those in use look movable,
 * as far as can be seen without locks: an estimate that offlining has the last
 * word on.
 *
 * Return: RF_BLOCK_NO, RF_BLOCK_MAYBE, RF_BLOCK_FREE.
 */
enum rf_block_kind rf_block_look(u64 start, u64 size, int node, unsigned long *load)
{
	unsigned long pfn = PHYS_PFN(start), end = PHYS_PFN(start + size);
	enum rf_block_kind kind = RF_BLOCK_FREE;

	*load = 0;
	while (pfn < end) {
		struct page *page = pfn_to_online_page(pfn);

		if (!page || page_to_nid(page) != node || PageHWPoison(page))
			return RF_BLOCK_NO;
		if (PageBuddy(page)) {
			unsigned int order = READ_ONCE(page->private);

			/* read without the zone's lock: bound it */
			pfn += order <= MAX_PAGE_ORDER ? 1UL << order : 1;
			continue;
		}
		if (PageReserved(page))
			return RF_BLOCK_NO;
		/* a free page on a per-CPU list, or a page of a user */
		if (page_count(page)) {
			if (!PageLRU(compound_head(page)) && !is_zone_movable_page(page))
				return RF_BLOCK_NO;
			kind = RF_BLOCK_MAYBE;
			++*load;
		}
		pfn++;
	}
	/* its own free pages count as room then, and go with it */
	if (kind == RF_BLOCK_MAYBE && rf_is_only_node(node))
		*load = PHYS_PFN(size);
	return kind;
}

/*
 * Offlining tries for as long as a page is pinned, and only a signal ends it.
 * Others wait for what we hold meanwhile: so a timer gives it the look of one.
 * A block full of data takes some ms a MiB to move.
 */
unsigned int rf_block_patience_ms(u64 size)
{
	return 2000 + 20 * (size >> 20);
}

struct rf_patience {
	struct timer_list timer;
	struct task_struct *task;
	bool over;
};

static void rf_patience_over(struct timer_list *timer)
{
	struct rf_patience *p = from_timer(p, timer, timer);

	WRITE_ONCE(p->over, true);
	set_tsk_thread_flag(p->task, TIF_SIGPENDING);
}

/* Return: offline_and_remove_memory()'s; -EBUSY when patience has ended */
static int rf_block_offline(u64 start, u64 size)
{
	struct rf_patience p = { .task = current };
	int err;

	timer_setup_on_stack(&p.timer, rf_patience_over, 0);
	mod_timer(&p.timer, jiffies + msecs_to_jiffies(rf_block_patience_ms(size)));
	err = offline_and_remove_memory(start, size);
	timer_delete_sync(&p.timer);
	destroy_timer_on_stack(&p.timer);
	if (!READ_ONCE(p.over))
		return err;
	recalc_sigpending();
	return err == -EINTR && !signal_pending(current) ? -EBUSY : err;
}

/*
 * Add a block to the supervisor. If that fails it is marked as taken again;
 * unless it is in already, and neither comes online nor leaves: then it is
 * stranded, to be removed before it is tried once more.
 */
static int rf_block_add(struct rf_block *b)
{
	u64 size = memory_block_size_bytes();
	int err = rainforest_add_memory(b->node, b->start, size);

	if (err && !request_mem_region(b->start, size, "RainForest"))
		b->stranded = true;
	if (err)
		pr_err("memory block %#llx does not come back: error %d%s\n", b->start, -err,
		       b->stranded ? "; it is in, but not online" : "");
	return err;
}

/* A block has left: nothing else can add it, and zeroing begins */
static int rf_block_out(struct rf_block *b)
{
	u64 size = memory_block_size_bytes();
	int err = -EBUSY;

	if (request_mem_region(b->start, size, "RainForest")) {
		b->scrub = rf_scrub_start(b->start, b->node);
		if (b->scrub)
			return 0;
		release_mem_region(b->start, size);
		err = -ENOMEM;
	}
	if (rf_block_add(b)) {
		b->status = RF_LEDGER_QUARANTINED;
		return -EUCLEAN;
	}
	return err;
}

/**
 * rf_block_take - take a block from the supervisor
 * @start: physical address
 * @node: the supervisor's number of its node
 * @res: gets it as its last block; there is room
 *
 * It is in the ledger before it leaves the supervisor, and in the resource tree
 * as busy while it is away. One at a time: of several that go offline as one
 * range each crash-hotplug event leaves out only its own block, and those before
 * it would stay in a crash kernel's list of memory.
 *
 * Context: rf_grant_lock held. Return: 0; -EBUSY, -EINVAL: it does not leave;
 * -EINTR; -ENOMEM: it could not be zeroed and is back; -EUCLEAN: it has left,
 * does not come back, and stays in @res.
 */
int rf_block_take(u64 start, u32 node, struct rf_resources *res)
{
	struct rf_block *b = &res->blocks[res->nr_blocks];
	int err;

	mutex_lock(&rf_list_lock);	/* who writes the ledger sees all of it or nothing */
	*b = (struct rf_block) { .start = start, .node = node, .status = RF_LEDGER_TAKING };
	res->nr_blocks++;
	mutex_unlock(&rf_list_lock);
	rf_ledger_update();
	err = rf_block_offline(start, memory_block_size_bytes());
	if (err == -EBUSY)
		rf_block_remember(start);
	if (!err) {
		err = rf_block_out(b);
		if (!err || err == -EUCLEAN)
			return err;
	}
	res->nr_blocks--;
	return err;
}

/*
 * Begin to zero a block that comes back. What was begun before counts for
 * nothing: a subOS may have written since.
 */
void rf_block_scrub(struct rf_block *b)
{
	u64 size = memory_block_size_bytes();

	if (b->scrub)
		rf_scrub_cancel(b->scrub);
	b->scrub = NULL;
	if (b->stranded) {
		if (rf_block_offline(b->start, size))
			return;
		b->stranded = false;
		if (!request_mem_region(b->start, size, "RainForest"))
			pr_warn("memory block %#llx is not marked as taken\n", b->start);
	}
	b->scrub = rf_scrub_start(b->start, b->node);
}

/* After rf_block_scrub(). Return: 0 when it is back in the supervisor. */
int rf_block_return(struct rf_block *b, struct rf_resources *res)
{
	u64 t = ktime_get_ns();
	int err = b->scrub ? rf_scrub_finish(b->scrub, &res->scrub_ns) : -ENOMEM;

	b->scrub = NULL;
	res->scrub_wait_ns += ktime_get_ns() - t;
	if (err) {
		pr_err("memory block %#llx %s\n", b->start,
		       b->stranded ? "does not leave again" : "can't be zeroed");
		return err;
	}
	release_mem_region(b->start, memory_block_size_bytes());
	return rf_block_add(b);
}
