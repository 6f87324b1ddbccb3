// SPDX-License-Identifier: GPL-2.0
/* CPUs and memory from one running subOS to another, past the supervisor */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/memory.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "resize.h"

/* Both locks, that of the lower id first. Return: 0, -EINTR. */
int rf_move_lock(struct rf_subos *a, struct rf_subos *b)
{
	if (a->id > b->id)
		swap(a, b);
	if (mutex_lock_killable(&a->lock))
		return -EINTR;
	if (mutex_lock_killable_nested(&b->lock, SINGLE_DEPTH_NESTING)) {
		mutex_unlock(&a->lock);
		return -EINTR;
	}
	return 0;
}

/* What is on its way from one is on its way to the other */
static void rf_move_over(struct rf_subos *from, struct rf_subos *to)
{
	struct rf_subos *first = from->id < to->id ? from : to;

	mutex_lock(&first->drain);
	mutex_lock_nested(first == from ? &to->drain : &from->drain, SINGLE_DEPTH_NESTING);
	mutex_lock(&rf_list_lock);
	swap(from->moving.cpus, to->moving.cpus);
	swap(from->moving.nr_cpus, to->moving.nr_cpus);
	swap(from->moving.blocks, to->moving.blocks);
	swap(from->moving.nr_blocks, to->moving.nr_blocks);
	mutex_unlock(&rf_list_lock);
	mutex_unlock(&from->drain);
	mutex_unlock(&to->drain);
	rf_ledger_update();
}

/* What the other one refused goes back; what this one refuses too, further */
static int rf_move_back(struct rf_subos *from, struct rf_subos *to, const struct rf_resize *r,
			struct netlink_ext_ack *extack)
{
	int err = 0;

	if (to->moving.nr_cpus || to->moving.nr_blocks)
		rf_move_over(from, to);
	if (from->moving.nr_cpus && rf_cpus_enter(from, r, NULL))
		pr_warn("%s: %u CPUs go to the supervisor: neither subOS takes them\n",
			from->name, from->moving.nr_cpus);
	if (from->moving.nr_blocks && rf_blocks_enter(from, r, NULL))
		pr_warn("%s: %u memory blocks go to the supervisor: neither subOS takes them\n",
			from->name, from->moving.nr_blocks);
	err = rf_moving_end(to, extack);
	return rf_moving_end(from, extack) ?: err;
}

static int rf_move_cpus(struct rf_subos *from, struct rf_subos *to, const struct rf_resize *r,
			struct rf_report *report, struct netlink_ext_ack *extack)
{
	unsigned int count = r->nr_remove ?: r->ncpus;
	int err;

	if (to->res.nr_cpus + count > RF_BOOT_MAX_CPUS) {
		rf_msg(extack, "a subOS has at most %d CPUs", RF_BOOT_MAX_CPUS);
		return -EINVAL;
	}
	if (from->res.nr_cpus < count + r->keep) {
		rf_msg(extack, "%s has %u CPUs, and keeps %u", from->name, from->res.nr_cpus,
		       r->keep);
		return -ENOSPC;
	}
	for (unsigned int i = 0; i < from->res.nr_cpus; i++)
		if (rf_subos_node(to, from->res.cpus[i].node) < 0) {
			rf_msg(extack, "CPU %u is of node %u, which %s doesn't know",
			       from->res.cpus[i].cpu, from->res.cpus[i].node, to->name);
			return -EOPNOTSUPP;
		}
	if (r->dry_run)		/* the same checks as a removal */
		return rf_resize_cpus_remove(from, r, count, report, extack);
	err = rf_moving_begin(from, count, 0);
	if (err)
		return err;
	err = rf_cpus_leave(from, r, count, extack);
	if (!err) {
		rf_move_over(from, to);
		err = rf_cpus_enter(to, r, extack);
	}
	return rf_move_back(from, to, r, extack) ?: err;
}

static int rf_move_memory(struct rf_subos *from, struct rf_subos *to, const struct rf_resize *r,
			  const struct rf_resize_mem *m, struct rf_report *report,
			  struct netlink_ext_ack *extack)
{
	u64 block = memory_block_size_bytes(), had = rf_memory_of(&to->res, NUMA_NO_NODE), moved, t;
	u64 gave = rf_memory_of(&from->res, NUMA_NO_NODE);
	int err, end = 0;

	if (!m->size || !IS_ALIGNED(m->size, block)) {
		rf_msg(extack, "%llu MiB is no multiple of the memory block: %llu MiB",
		       m->size >> 20, block >> 20);
		return -EINVAL;
	}
	if (m->size > rf_memory_of(&from->res, m->node) ||
	    rf_memory_of(&from->res, NUMA_NO_NODE) - m->size < RF_MIN_MEMORY) {
		rf_msg(extack, "%s has %llu MiB%s, too little for that", from->name,
		       rf_memory_of(&from->res, m->node) >> 20,
		       m->node == NUMA_NO_NODE ? "" : " there");
		return -ENOSPC;
	}
	for (unsigned int i = 0; i < from->res.nr_blocks; i++)
		if ((m->node == NUMA_NO_NODE || from->res.blocks[i].node == m->node) &&
		    rf_subos_node(to, from->res.blocks[i].node) < 0) {
			rf_msg(extack, "%s doesn't know node %u", to->name,
			       from->res.blocks[i].node);
			return -EOPNOTSUPP;
		}
	if (r->dry_run) {
		rf_warn(report, "%llu MiB%s would be asked back from %s, for %s", m->size >> 20,
			m->node == NUMA_NO_NODE ? "" : " there", from->name, to->name);
		return 0;
	}
	err = rf_moving_begin(from, 0, m->size / block);
	if (err)
		return err;
	err = rf_blocks_leave(from, r, m->size / block, m->node, extack);
	if (from->moving.nr_blocks) {
		t = ktime_get_ns();
		end = rf_memory_scrub(&from->moving, err ? NULL : extack);
		rf_subos_phase(from, "scrub", t);
		if (!end) {
			rf_move_over(from, to);
			end = rf_blocks_enter(to, r, err ? NULL : extack);
		}
	}
	moved = rf_memory_of(&to->res, NUMA_NO_NODE) - had;
	if (moved && rf_resize_unsure(end))
		moved -= block;	/* its own, but nobody knows whether it is in */
	err = err ?: end;
	end = rf_move_back(from, to, r, err ? NULL : extack);
	gave -= rf_memory_of(&from->res, NUMA_NO_NODE);
	if (end || !err || !gave || (!moved && rf_resize_unsure(err)))
		return end ?: err;
	/* what neither of them takes is the supervisor's now */
	rf_msg(extack, "%llu of %llu MiB moved, %s has %llu MiB now, %s %llu: %s", moved >> 20,
	       m->size >> 20, from->name, rf_memory_of(&from->res, NUMA_NO_NODE) >> 20, to->name,
	       rf_memory_of(&to->res, NUMA_NO_NODE) >> 20,
	       extack && extack->_msg ? extack->_msg : "interrupted");
	return -EUCLEAN;
}

/* Is that something that can move? Return: 0, -EINVAL. */
static int rf_move_check(const struct rf_resize *r, struct netlink_ext_ack *extack)
{
	bool signs = r->ncpus_how != RAINFOREST_HOW_TARGET;

	for (unsigned int i = 0; i < r->nr_mem; i++)
		signs |= r->mem[i].how == RAINFOREST_HOW_ADD;
	if (r->nr_add || signs)
		rf_msg(extack, "what moves has no sign, and comes from the other subOS only");
	else if (r->nr_remove && !r->by_number)
		rf_msg(extack, "either CPUs by number or how many, not both");
	else if (!r->by_number && !r->ncpus)
		rf_msg(extack, "no CPUs: nothing to move");
	else
		return 0;
	return -EINVAL;
}

static int rf_move_both(struct rf_subos *from, struct rf_subos *to, struct rf_resize *r,
			struct rf_report *report, struct netlink_ext_ack *extack)
{
	bool changed = false;
	int err;

	lockdep_assert_held(&from->lock);
	lockdep_assert_held(&to->lock);
	r->end = ktime_add_ms(ktime_get(), min(r->timeout_ms ?: RF_RESIZE_MS, RF_RESIZE_MAX_MS));
	if (from->dead || to->dead) {
		rf_msg(extack, "%s is gone", from->dead ? from->name : to->name);
		return -ENOENT;
	}
	err = rf_move_check(r, extack);
	if (err)
		return err;
	err = rf_resize_ready(to, r, extack) ?: rf_resize_giver(from, r, extack);
	if (err)
		return err;
	from->nr_phases = 0;
	to->nr_phases = 0;
	if (r->nr_remove || r->ncpus) {
		err = rf_move_cpus(from, to, r, report, extack);
		changed = !err;
	}
	for (unsigned int i = 0; i < r->nr_mem && !err; i++) {
		err = rf_move_memory(from, to, r, &r->mem[i], report, extack);
		changed |= !err;
	}
	if (!err || !changed || err == -EUCLEAN || r->dry_run)
		return err;
	rf_msg(extack, "a part was moved, %s has %u CPUs and %llu MiB now; then: %s", from->name,
	       from->res.nr_cpus, rf_memory_of(&from->res, NUMA_NO_NODE) >> 20,
	       extack && extack->_msg ? extack->_msg : "interrupted");
	return -EUCLEAN;
}

/**
 * rf_move_locked - as rf_subos_move(), both locks held
 */
int rf_move_locked(struct rf_subos *from, struct rf_subos *to, struct rf_resize *r,
		   struct rf_report *report, struct netlink_ext_ack *extack)
{
	struct rf_before *b = kmalloc_array(2, sizeof(*b), GFP_KERNEL);
	int err;

	if (!b)
		return -ENOMEM;
	rf_resize_before(from, &b[0]);
	rf_resize_before(to, &b[1]);
	err = rf_resize_err(rf_move_both(from, to, r, report, extack));
	rf_resize_note(from, &b[0], r, err);
	rf_resize_note(to, &b[1], r, err);
	kfree(b);
	return err;
}

/**
 * rf_subos_move - CPUs or memory of a running subOS to another one
 * @r: nr_remove/remove or ncpus, and mem, say what
 *
 * CPUs: all or none. Return: as rf_subos_resize().
 */
int rf_subos_move(struct rf_subos *from, struct rf_subos *to, struct rf_resize *r,
		  struct rf_report *report, struct netlink_ext_ack *extack)
{
	int err;

	if (from == to) {
		rf_msg(extack, "from %s to itself", from->name);
		return -EINVAL;
	}
	if (rf_move_lock(from, to))
		return -EINTR;
	err = rf_move_locked(from, to, r, report, extack);
	mutex_unlock(&from->lock);
	mutex_unlock(&to->lock);
	return err;
}
