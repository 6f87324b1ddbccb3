// SPDX-License-Identifier: GPL-2.0
/*
 * Memory blocks into a running subOS and out of it. Some may go where others
 * can't: what could be done is done, and said.
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/memory.h>
#include <linux/netlink.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "resize.h"
#include "trace.h"

static int rf_block_index(const struct rf_resources *res, u64 start)
{
	for (unsigned int i = 0; i < res->nr_blocks; i++)
		if (res->blocks[i].start == start)
			return i;
	return -1;
}

static void rf_block_drop(struct rf_resources *res, unsigned int i)
{
	res->nr_blocks--;
	memmove(&res->blocks[i], &res->blocks[i + 1],
		(res->nr_blocks - i) * sizeof(*res->blocks));
}

/* By address: rf_memory_regions() joins neighbours */
static void rf_block_insert(struct rf_resources *res, const struct rf_block *b)
{
	unsigned int i = res->nr_blocks++;

	for (; i && res->blocks[i - 1].start > b->start; i--)
		res->blocks[i] = res->blocks[i - 1];
	res->blocks[i] = *b;
}

/* Room for more blocks in what it owns, before anything is asked */
static int rf_blocks_room(struct rf_subos *s, unsigned int more)
{
	struct rf_block *old = s->res.blocks, *blocks;

	blocks = kcalloc(s->res.nr_blocks + more, sizeof(*blocks), GFP_KERNEL);
	if (!blocks)
		return -ENOMEM;
	rf_owned_lock(s);
	memcpy(blocks, old, s->res.nr_blocks * sizeof(*blocks));
	s->res.blocks = blocks;
	rf_owned_unlock(s);
	kfree(old);
	return 0;
}

/*
 * Would what it owns, with what moves in, fit the descriptor of its next start?
 * Return: 0, -ENOSPC, -ENOMEM.
 */
static int rf_blocks_fit(struct rf_subos *s, struct netlink_ext_ack *extack)
{
	struct rf_resources all = { };
	bool fits;

	all.blocks = kcalloc(s->res.nr_blocks + s->moving.nr_blocks, sizeof(*all.blocks),
			     GFP_KERNEL);
	if (!all.blocks)
		return -ENOMEM;
	for (unsigned int i = 0; i < s->res.nr_blocks; i++)
		rf_block_insert(&all, &s->res.blocks[i]);
	for (unsigned int i = 0; i < s->moving.nr_blocks; i++)
		rf_block_insert(&all, &s->moving.blocks[i]);
	fits = rf_memory_pieces(&all) <= RF_BOOT_MAX_REGIONS;
	kfree(all.blocks);
	if (fits)
		return 0;
	rf_msg(extack, "%s's memory would be in more than %d pieces", s->name,
	       RF_BOOT_MAX_REGIONS);
	return -ENOSPC;
}

static int rf_block_ask(struct rf_subos *s, u16 op, const struct rf_block *b,
			const struct rf_resize *r, struct netlink_ext_ack *extack)
{
	struct rf_ask ask = {
		.op = op, .arg = { b->start, memory_block_size_bytes() },
		.timeout_ms = rf_resize_left(r),
	};
	u64 t = ktime_get_ns();
	int err;

	if (r->unasked && op == RF_CON_MEM_REMOVE)
		return 0;
	if (op == RF_CON_MEM_ADD)
		ask.arg[2] = rf_subos_node(s, b->node);
	err = rf_con_ask(s, &ask, extack);
	rf_subos_phase(s, op == RF_CON_MEM_ADD ? "online-inside" : "offline-inside", t);
	trace_rf_resize(s, op, b->start, err ?: ask.status);
	if (!err && ask.status) {
		err = rf_con_errno(ask.status);
		rf_msg(extack, "block %#llx can't %s %s: %s", b->start,
		       op == RF_CON_MEM_ADD ? "enter" : "leave", s->name,
		       ask.text[0] ? ask.text : "it says no more");
	}
	return err;
}

/**
 * rf_blocks_enter - give a running subOS the memory blocks in @s->moving
 *
 * Block by block; at the first that can't be the rest stays in moving. One that
 * it gave no answer for is its own, also when it has stopped: until its CPUs are
 * proven out they may write there.
 *
 * Context: s->lock held. Return: 0, or as rf_con_ask() and rf_con_errno(),
 * -ENOSPC (too many pieces), -ENOMEM, -EINTR; extack set.
 */
int rf_blocks_enter(struct rf_subos *s, const struct rf_resize *r, struct netlink_ext_ack *extack)
{
	int err;

	lockdep_assert_held(&s->lock);
	err = rf_blocks_fit(s, extack) ?: rf_blocks_room(s, s->moving.nr_blocks);
	while (!err && s->moving.nr_blocks) {
		struct rf_block b = s->moving.blocks[0];

		b.status = RF_LEDGER_GRANTED;
		b.added = true;
		rf_owned_lock(s);
		rf_block_insert(&s->res, &b);
		rf_block_drop(&s->moving, 0);
		rf_owned_unlock(s);
		rf_ledger_update();
		err = rf_block_ask(s, RF_CON_MEM_ADD, &b, r, extack);
		if (err && !rf_resize_unsure(err)) {
			rf_owned_lock(s);
			rf_block_drop(&s->res, rf_block_index(&s->res, b.start));
			b.status = RF_LEDGER_RETURNING;
			rf_block_insert(&s->moving, &b);
			rf_owned_unlock(s);
		}
		if (!err && s->moving.nr_blocks && fatal_signal_pending(current))
			err = -EINTR;
	}
	rf_boot_regions(s);
	return err;
}

static void rf_block_leave(struct rf_subos *s, u64 start)
{
	int i = rf_block_index(&s->res, start);

	rf_con_drop(s, RF_CON_MEM_ADD, start);
	rf_con_drop(s, RF_CON_MEM_REMOVE, start);
	rf_owned_lock(s);
	s->res.blocks[i].status = RF_LEDGER_RETURNING;
	rf_block_insert(&s->moving, &s->res.blocks[i]);
	rf_block_drop(&s->res, i);
	rf_owned_unlock(s);
	s->image_fresh = false;		/* its image knows what memory it has */
}

/* Never the one with the control area: its kernel lives there, and we write it */
static bool rf_block_is_home(struct rf_subos *s, const struct rf_block *b)
{
	return s->desc_phys >= b->start && s->desc_phys < b->start + memory_block_size_bytes();
}

/**
 * rf_blocks_leave - let memory blocks leave a running subOS, into @s->moving
 * @count: how many; moving has room for them
 * @node: of which node, or NUMA_NO_NODE
 *
 * Those that came last first, which are movable there; then those that it
 * booted with. How many went is in moving.
 *
 * Context: s->lock held. Return: 0; else the first refusal, -ENOSPC when there
 * are no more to try, or as rf_con_ask(); extack set.
 */
int rf_blocks_leave(struct rf_subos *s, const struct rf_resize *r, unsigned int count, int node,
		    struct netlink_ext_ack *extack)
{
	unsigned int nr = s->res.nr_blocks, had = s->moving.nr_blocks;
	struct rf_block *try __free(kfree) = kcalloc(nr, sizeof(*try), GFP_KERNEL);
	int err = 0, first = 0;

	lockdep_assert_held(&s->lock);
	if (!try)
		return -ENOMEM;
	memcpy(try, s->res.blocks, nr * sizeof(*try));
	for (int pass = 1; pass >= 0; pass--) {
		for (int i = nr - 1; i >= 0 && s->moving.nr_blocks - had < count; i--) {
			if (try[i].added != pass || rf_block_is_home(s, &try[i]) ||
			    (node != NUMA_NO_NODE && try[i].node != node))
				continue;
			err = rf_block_ask(s, RF_CON_MEM_REMOVE, &try[i], r, first ? NULL : extack);
			if (!err)
				rf_block_leave(s, try[i].start);
			else
				first = first ?: err;
			if (rf_resize_unsure(err))
				goto out;
			if (fatal_signal_pending(current)) {
				first = -EINTR;
				goto out;
			}
			/* each refusal may take a second: no more of them than there is time for */
			if (first && ktime_after(ktime_get(), r->end))
				goto out;
		}
	}
out:
	rf_ledger_update();
	rf_boot_regions(s);
	if (s->moving.nr_blocks - had == count)
		return 0;
	if (first)
		return first;
	rf_msg(extack, "%s has no more memory%s that could leave: the block with its kernel stays",
	       s->name, node == NUMA_NO_NODE ? "" : " of that node");
	return -ENOSPC;
}

/* ---- from and to the supervisor ---- */

/* Node by node; without one, round the nodes of its CPUs that it knows */
static int rf_memory_request(struct rf_subos *s, const struct rf_resize_mem *m, u64 bytes,
			     struct rf_request *req, struct netlink_ext_ack *extack)
{
	u64 block = memory_block_size_bytes(), share[RF_BOOT_MAX_NODES] = { };

	if (m->node != NUMA_NO_NODE) {
		/* whether there is such a node rf_memory_choose() looks */
		if (m->node >= 0 && m->node < MAX_NUMNODES && node_online(m->node) &&
		    rf_subos_node(s, m->node) < 0) {
			rf_msg(extack, "%s doesn't know node %d: it had no part in the machine when it booted",
			       s->name, m->node);
			return -EOPNOTSUPP;
		}
		req->mem[req->nr_mem].size = bytes;
		req->mem[req->nr_mem++].node = m->node;
		return 0;
	}
	for (unsigned int i = 0; bytes; i = (i + 1) % s->res.nr_cpus, bytes -= block)
		share[rf_subos_node(s, s->res.cpus[i].node)] += block;
	for (unsigned int i = 0; i < s->nr_nodes; i++) {
		if (!share[i])
			continue;
		req->mem[req->nr_mem].size = share[i];
		req->mem[req->nr_mem++].node = s->nodes[i];
	}
	return 0;
}

static int rf_memory_add(struct rf_subos *s, const struct rf_resize *r,
			 const struct rf_resize_mem *m, u64 bytes, struct rf_report *report,
			 struct netlink_ext_ack *extack)
{
	struct rf_request req = { .dry_run = r->dry_run, .more = true };
	struct rf_resources chosen = { };
	u64 t = ktime_get_ns();
	int err;

	err = rf_memory_request(s, m, bytes, &req, extack);
	if (err)
		return err;
	if (mutex_lock_killable(&rf_grant_lock))
		return -EINTR;
	err = rf_memory_choose(&req, &chosen, extack);
	if (err || r->dry_run) {
		for (int node = 0; !err && node < RF_BOOT_MAX_NODES; node++)
			if (rf_memory_of(&chosen, node))
				rf_warn(report, "%llu MiB of node %d would be added",
					rf_memory_of(&chosen, node) >> 20, node);
		kfree(chosen.blocks);
		goto unlock;
	}
	rf_owned_lock(s);
	s->moving.blocks = chosen.blocks;
	s->moving.nr_blocks = chosen.nr_blocks;
	rf_owned_unlock(s);
	err = rf_memory_take(&req, &s->moving, extack);
	rf_subos_phase_ns(s, "carve-memory", ktime_get_ns() - t - s->moving.scrub_wait_ns);
	rf_subos_phase_ns(s, "scrub-wait", s->moving.scrub_wait_ns);
	rf_subos_phase_ns(s, "scrub", s->moving.scrub_ns);
	rf_ledger_update();
unlock:
	mutex_unlock(&rf_grant_lock);
	return err;
}

/* Say how far it came, in front of why it came no further */
static int rf_memory_partial(struct rf_subos *s, u64 done, u64 asked, const char *what,
			     struct netlink_ext_ack *extack)
{
	rf_msg(extack, "%llu of %llu MiB %s, %s has %llu MiB now: %s", done >> 20, asked >> 20,
	       what, s->name, rf_memory_of(&s->res, NUMA_NO_NODE) >> 20,
	       extack && extack->_msg ? extack->_msg : "interrupted");
	return -EUCLEAN;
}

/**
 * rf_resize_memory - memory from the supervisor into a running subOS, or back
 * @m: how much, of which node
 *
 * Context: s->lock held. Return: 0; -EUCLEAN: a part of it was done, extack says
 * which; otherwise nothing was: as rf_memory_choose(), rf_memory_take(),
 * rf_blocks_enter(), rf_blocks_leave(); -EINVAL, -ENOSPC.
 */
int rf_resize_memory(struct rf_subos *s, const struct rf_resize *r,
		     const struct rf_resize_mem *m, struct rf_report *report,
		     struct netlink_ext_ack *extack)
{
	u64 block = memory_block_size_bytes(), have = rf_memory_of(&s->res, m->node), bytes;
	bool add = m->how == RAINFOREST_HOW_ADD;
	unsigned int moved;
	int err, end;

	if (!IS_ALIGNED(m->size, block)) {
		rf_msg(extack, "%llu MiB is no multiple of the memory block: %llu MiB",
		       m->size >> 20, block >> 20);
		return -EINVAL;
	}
	bytes = m->size;
	if (m->how == RAINFOREST_HOW_TARGET) {
		add = m->size > have;
		bytes = add ? m->size - have : have - m->size;
	}
	if (!bytes)
		return 0;
	if (add && bytes > RF_MAX_MEMORY) {
		rf_msg(extack, "no machine has that much memory");
		return -ENOSPC;
	}
	if (add) {
		err = rf_memory_add(s, r, m, bytes, report, extack);
		if (r->dry_run)
			return err;
		if (!err)
			err = rf_blocks_enter(s, r, extack);
		/* the last one is its own, but nobody knows whether it is in */
		moved = (rf_memory_of(&s->res, m->node) - have) / block;
		moved -= moved && rf_resize_unsure(err);
		end = rf_moving_end(s, err ? NULL : extack);
		if (!err || !moved)
			return end ?: err;
		return rf_memory_partial(s, moved * block, bytes, "added", extack);
	}
	if (bytes > have || rf_memory_of(&s->res, NUMA_NO_NODE) - bytes < RF_MIN_MEMORY) {
		rf_msg(extack, "%llu MiB shall leave %s, which has %llu%s and keeps at least %llu",
		       bytes >> 20, s->name, have >> 20,
		       m->node == NUMA_NO_NODE ? "" : " there", max(RF_MIN_MEMORY, block) >> 20);
		return -ENOSPC;
	}
	if (r->dry_run) {
		rf_warn(report, "%llu MiB would be asked back", bytes >> 20);
		return 0;
	}
	err = rf_moving_begin(s, 0, bytes / block);
	if (err)
		return err;
	err = rf_blocks_leave(s, r, bytes / block, m->node, extack);
	moved = s->moving.nr_blocks;
	end = rf_moving_end(s, err ? NULL : extack);
	if (!err || !moved)
		return end ?: err;
	return rf_memory_partial(s, moved * block, bytes, "removed", extack);
}

/* An answer that came after its time */
void rf_resize_memory_late(struct rf_subos *s, const struct rf_call *call)
{
	bool added = call->op == RF_CON_MEM_ADD, done = call->status == RF_CON_OK;
	int i = rf_block_index(&s->res, call->arg[0]);

	if (i < 0 || rf_block_is_home(s, &s->res.blocks[i]))
		return;
	pr_info("%s: a late answer: block %#llx %s%s%s\n", s->name, call->arg[0],
		added ? (done ? "entered" : "did not enter") : (done ? "has left" : "stays"),
		call->text[0] ? ": " : "", call->text);
	if (added == done || rf_moving_begin(s, 0, 1))
		return;
	rf_block_leave(s, call->arg[0]);
	rf_boot_regions(s);
	rf_moving_end(s, NULL);
}
