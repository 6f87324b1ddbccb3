// SPDX-License-Identifier: GPL-2.0
/* CPUs into a running subOS and out of it. All of them, or none. */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/netlink.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "resize.h"
#include "trace.h"

static struct rf_cpu *rf_cpu_at(struct rf_subos *s, u32 slot)
{
	for (unsigned int i = 0; i < s->res.nr_cpus; i++)
		if (s->res.cpus[i].slot == slot)
			return &s->res.cpus[i];
	return NULL;
}

static struct rf_cpu *rf_cpu_of(struct rf_subos *s, u32 cpu)
{
	for (unsigned int i = 0; i < s->res.nr_cpus; i++)
		if (s->res.cpus[i].cpu == cpu)
			return &s->res.cpus[i];
	return NULL;
}

static void rf_cpu_drop(struct rf_resources *res, unsigned int i)
{
	res->nr_cpus--;
	memmove(&res->cpus[i], &res->cpus[i + 1], (res->nr_cpus - i) * sizeof(*res->cpus));
}

/* The slot that it had before, so that the subOS knows it again; or a free one */
static u32 rf_slot_find(struct rf_subos *s, u32 apicid)
{
	u32 free = 0;

	for (u32 slot = RF_BOOT_MAX_CPUS - 1; slot; slot--) {
		if (rf_cpu_at(s, slot))
			continue;
		if (READ_ONCE(s->desc->cpu[slot].apicid) == apicid && slot < s->nr_slots)
			return slot;
		free = slot;
	}
	return free;
}

/* From moving to what it owns: let it through the trampoline */
static u32 rf_cpu_enter(struct rf_subos *s)
{
	u64 slots = s->desc_phys + offsetof(struct rf_boot_desc, cpu);
	struct rf_cpu c = s->moving.cpus[0];
	struct rf_boot_cpu *at;

	c.slot = rf_slot_find(s, c.apicid);
	c.status = RF_LEDGER_GRANTED;
	c.proven = false;
	at = &s->desc->cpu[c.slot];
	at->apicid = c.apicid;
	at->node = rf_subos_node(s, c.node);
	at->started = 0;
	at->beat = 0;
	at->soft_beat = 0;
	s->nr_slots = max(s->nr_slots, c.slot + 1);
	WRITE_ONCE(s->desc->nr_cpus, s->nr_slots);
	smp_wmb(); /* who sees it present sees whose it is */
	WRITE_ONCE(at->present, 1);
	rf_trampoline_set(c.apicid, slots + c.slot * sizeof(*at), s->desc_phys + RF_OFF_IDENT);

	rf_owned_lock(s);
	s->pulse[c.slot] = (struct rf_pulse) { };
	s->res.cpus[s->res.nr_cpus++] = c;
	rf_cpu_drop(&s->moving, 0);
	rf_owned_unlock(s);
	rf_ledger_update();
	return c.slot;
}

/*
 * From what it owns to moving: the subOS may not start it again, and it is
 * seen to have left. Return: 0; -EUCLEAN when it was not: then it stays.
 */
static int rf_cpu_leave(struct rf_subos *s, u32 slot, struct netlink_ext_ack *extack)
{
	struct rf_cpu *c = rf_cpu_at(s, slot), left;

	if (s->desc)		/* or its load has failed */
		WRITE_ONCE(s->desc->cpu[slot].present, 0);
	c->left = true;
	c->proven = !rf_trampoline_prove(c->apicid);
	if (!c->proven) {
		rf_msg(extack, "CPU %u is not proven out of %s: try again, or destroy it",
		       c->cpu, s->name);
		pr_err("%s: CPU %u (APIC ID %#x) was given up, but does not come\n",
		       s->name, c->cpu, c->apicid);
		return -EUCLEAN;
	}
	left = *c;
	left.left = false;
	left.status = RF_LEDGER_RETURNING;
	rf_con_drop(s, RF_CON_CPU_ADD, slot);
	rf_con_drop(s, RF_CON_CPU_REMOVE, slot);
	rf_owned_lock(s);
	rf_cpu_drop(&s->res, c - s->res.cpus);
	s->moving.cpus[s->moving.nr_cpus++] = left;
	rf_owned_unlock(s);
	return 0;
}

static int rf_cpu_ask(struct rf_subos *s, u16 op, u32 slot, const struct rf_resize *r,
		      struct netlink_ext_ack *extack)
{
	struct rf_ask ask = {
		.op = op, .arg = { slot, rf_cpu_at(s, slot)->apicid },
		.timeout_ms = rf_resize_left(r),
		.flags = op == RF_CON_CPU_REMOVE && r->force ? RF_CON_FORCE : 0,
	};
	u64 t = ktime_get_ns();
	int err;

	if (op == RF_CON_CPU_REMOVE && (r->unasked || rf_cpu_at(s, slot)->left))
		return 0;
	err = rf_con_ask(s, &ask, extack);
	rf_subos_phase(s, op == RF_CON_CPU_ADD ? "online-inside" : "offline-inside", t);
	trace_rf_resize(s, op, rf_cpu_at(s, slot)->cpu, err ?: ask.status);
	if (!err && ask.status) {
		err = rf_con_errno(ask.status);
		rf_msg(extack, "CPU %u can't %s %s: %s", rf_cpu_at(s, slot)->cpu,
		       op == RF_CON_CPU_ADD ? "enter" : "leave", s->name,
		       ask.text[0] ? ask.text : "it says no more");
	}
	return err;
}

/* Say how many CPUs it has now, in front of why not all were to go, or come, as asked */
static int rf_cpus_partial(struct rf_subos *s, struct netlink_ext_ack *extack)
{
	rf_msg(extack, "a part was done, %s has %u CPUs now: %s", s->name, s->res.nr_cpus,
	       extack && extack->_msg ? extack->_msg : "not all could be undone");
	return -EUCLEAN;
}

/**
 * rf_cpus_enter - give a running subOS the CPUs in @s->moving
 *
 * All or none: those that can't be are in moving again afterwards. One that the
 * subOS has not answered for stays its own.
 *
 * Context: s->lock held. Return: 0, or as rf_con_ask(); -EINTR, and those of
 * rf_con_errno(): none is in, but for one without an answer; -EUCLEAN: others
 * are, for it doesn't let them go, or does not answer; extack set.
 */
int rf_cpus_enter(struct rf_subos *s, const struct rf_resize *r, struct netlink_ext_ack *extack)
{
	u32 *slot __free(kfree) = kcalloc(s->moving.nr_cpus, sizeof(*slot), GFP_KERNEL);
	unsigned int n = 0, kept = 0;
	bool dead;
	int err = 0;

	lockdep_assert_held(&s->lock);
	if (!slot)
		return -ENOMEM;
	if (s->res.nr_cpus + s->moving.nr_cpus > RF_BOOT_MAX_CPUS) {
		rf_msg(extack, "a subOS has at most %d CPUs", RF_BOOT_MAX_CPUS);
		return -EINVAL;
	}
	while (s->moving.nr_cpus && !err) {
		slot[n] = rf_cpu_enter(s);
		err = rf_cpu_ask(s, RF_CON_CPU_ADD, slot[n], r, extack);
		if (!rf_resize_open(err))
			n++;
		if (!err && fatal_signal_pending(current)) {
			rf_msg(extack, "interrupted, and undone");
			err = -EINTR;
		}
	}
	/* to ask for those back that are in would be to wait behind that one, or for nothing */
	if (rf_resize_open(err) && n)
		return rf_cpus_partial(s, extack);
	if (!err || rf_resize_open(err))
		return err;
	/* backwards; the last one is out already, unless we were interrupted */
	dead = err == -EHOSTDOWN;
	for (bool out = err != -EINTR; n--; out = dead) {
		if (!out && rf_cpu_ask(s, RF_CON_CPU_REMOVE, slot[n], r, NULL))
			kept++;
		else if (rf_cpu_leave(s, slot[n], extack))
			err = -EUCLEAN;
	}
	return kept ? rf_cpus_partial(s, extack) : err;
}

/* CPUs that might leave: asked for by number, or the last ones that came */
static int rf_leave_candidates(struct rf_subos *s, const struct rf_resize *r, u32 *slot,
			       struct netlink_ext_ack *extack)
{
	int n = 0;

	for (unsigned int i = 0; i < r->nr_remove; i++) {
		struct rf_cpu *c = rf_cpu_of(s, r->remove[i]);

		if (!c) {
			rf_msg(extack, "CPU %u is not %s's", r->remove[i], s->name);
			return -ENXIO;
		}
		if (!c->slot) {
			rf_msg(extack, "CPU %u can't leave: it is the first of %s", c->cpu,
			       s->name);
			return -EOPNOTSUPP;
		}
		for (int j = 0; j < n; j++)
			if (slot[j] == c->slot) {
				rf_msg(extack, "CPU %u is named twice", c->cpu);
				return -EINVAL;
			}
		slot[n++] = c->slot;
	}
	for (unsigned int i = s->res.nr_cpus; !r->nr_remove && i--;) {
		struct rf_cpu *c = &s->res.cpus[i];

		if (c->slot && (r->cpu_node == NUMA_NO_NODE || c->node == r->cpu_node))
			slot[n++] = c->slot;
	}
	return n;
}

/*
 * Ask it to take CPUs back that it had let go: their slots. One that it does not want
 * any more leaves; one that it gives no answer for, as when it is to be stopped, stays
 * its own, and is put in order by the answer. Return: 0; -EUCLEAN: some have left.
 */
static int rf_cpus_undo(struct rf_subos *s, const struct rf_resize *r, const u32 *gone,
			unsigned int n, struct netlink_ext_ack *extack)
{
	bool left = false;
	int err;

	while (n--) {
		err = rf_cpu_ask(s, RF_CON_CPU_ADD, gone[n], r, NULL);
		if (!err || rf_resize_unsure(err))
			continue;
		left = true;
		rf_cpu_leave(s, gone[n], extack);
	}
	return left ? rf_cpus_partial(s, extack) : 0;
}

/**
 * rf_cpus_leave - let CPUs leave a running subOS, into @s->moving
 * @r: which; without numbers, any @count of them
 * @count: how many
 *
 * All or none; those that have left when the subOS does not take them back are in
 * moving all the same. moving has room for all.
 *
 * Context: s->lock held. Return: 0, or as rf_cpus_enter(); -ENXIO (not its own),
 * -EOPNOTSUPP (the first), -ENOSPC (too few).
 */
int rf_cpus_leave(struct rf_subos *s, const struct rf_resize *r, unsigned int count,
		  struct netlink_ext_ack *extack)
{
	u32 *slot __free(kfree) =
		kcalloc(s->res.nr_cpus + r->nr_remove, sizeof(*slot), GFP_KERNEL);
	u32 *gone __free(kfree) = kcalloc(count, sizeof(*gone), GFP_KERNEL);
	unsigned int n = 0;
	int have, err = 0;

	lockdep_assert_held(&s->lock);
	if (!slot || !gone)
		return -ENOMEM;
	have = rf_leave_candidates(s, r, slot, extack);
	if (have < 0)
		return have;
	if (have < count) {
		rf_msg(extack, "%u CPUs shall leave %s, %d can: the first one stays", count,
		       s->name, have);
		return -ENOSPC;
	}
	for (int i = 0; i < have && n < count; i++) {
		err = rf_cpu_ask(s, RF_CON_CPU_REMOVE, slot[i], r, extack);
		if (!err)
			gone[n++] = slot[i];
		if (!err && fatal_signal_pending(current)) {
			rf_msg(extack, "interrupted, and undone");
			err = -EINTR;
		}
		/* any other will do, if there are enough of them */
		if (err && (err == -EINTR || err == -EHOSTDOWN || rf_resize_open(err) ||
			    have - i - 1 < count - n))
			break;
	}
	if (err == -EHOSTDOWN)
		return err;	/* all is still its own, and it has ended */
	if (n < count || err == -EINTR)
		return rf_cpus_undo(s, r, gone, n, extack) ?: err;
	err = 0;
	for (unsigned int i = 0; i < n; i++)
		err = rf_cpu_leave(s, gone[i], extack) ?: err;
	return err;
}

/* ---- from and to the supervisor ---- */

static int rf_cpus_take(struct rf_subos *s, const struct rf_resize *r, unsigned int count,
			struct rf_report *report, struct netlink_ext_ack *extack)
{
	struct rf_request req = {
		.cpus = r->add, .nr_cpus = r->nr_add, .ncpus = count,
		/* where its first one is, if it may be there */
		.cpu_node = r->cpu_node == NUMA_NO_NODE ? s->res.cpus[0].node : r->cpu_node,
	};
	struct rf_resources chosen = { };
	u64 t = ktime_get_ns();
	int err;

	err = rf_cpu_choose(&req, &chosen, report, extack);
	if (err == -ENOSPC && r->cpu_node == NUMA_NO_NODE && !r->nr_add) {
		kfree(chosen.cpus);
		chosen = (struct rf_resources) { };
		req.cpu_node = NUMA_NO_NODE;
		err = rf_cpu_choose(&req, &chosen, report, extack);
	}
	for (unsigned int i = 0; !err && i < chosen.nr_cpus; i++)
		if (rf_subos_node(s, chosen.cpus[i].node) < 0) {
			rf_msg(extack, "CPU %u is of node %u, which %s doesn't know",
			       chosen.cpus[i].cpu, chosen.cpus[i].node, s->name);
			err = -EOPNOTSUPP;
		}
	if (err || r->dry_run) {
		for (unsigned int i = 0; !err && i < chosen.nr_cpus; i++)
			rf_warn(report, "CPU %u would be added", chosen.cpus[i].cpu);
		kfree(chosen.cpus);
		return err;
	}
	rf_owned_lock(s);
	s->moving.cpus = chosen.cpus;
	s->moving.nr_cpus = chosen.nr_cpus;
	rf_owned_unlock(s);
	rf_ledger_update();
	err = rf_cpu_take(&s->moving, report, extack);
	rf_subos_phase(s, "carve-cpu", t);
	return err;
}

/**
 * rf_resize_cpus_add - CPUs from the supervisor into a running subOS
 *
 * Context: s->lock held. Return: as rf_cpu_choose(), rf_cpu_take() and
 * rf_cpus_enter(); after a failure they are the supervisor's again, but for one
 * that the subOS gave no answer for.
 */
int rf_resize_cpus_add(struct rf_subos *s, const struct rf_resize *r, unsigned int count,
		       struct rf_report *report, struct netlink_ext_ack *extack)
{
	int err;

	if (mutex_lock_killable(&rf_grant_lock))
		return -EINTR;
	err = rf_cpus_take(s, r, count, report, extack);
	mutex_unlock(&rf_grant_lock);
	if (r->dry_run)
		return err;
	if (!err)
		err = rf_cpus_enter(s, r, extack);
	return rf_moving_end(s, extack) ?: err;
}

/**
 * rf_resize_cpus_remove - CPUs from a running subOS back to the supervisor
 *
 * Context: s->lock held. Return: as rf_cpus_leave(); -EUCLEAN when one does not
 * come online: it is in quarantine then.
 */
int rf_resize_cpus_remove(struct rf_subos *s, const struct rf_resize *r, unsigned int count,
			  struct rf_report *report, struct netlink_ext_ack *extack)
{
	int err;

	if (r->dry_run) {
		u32 *slot __free(kfree) = kcalloc(s->res.nr_cpus + r->nr_remove, sizeof(*slot),
						  GFP_KERNEL);

		err = slot ? rf_leave_candidates(s, r, slot, extack) : -ENOMEM;
		for (int i = 0; i < err && i < count; i++)
			rf_warn(report, "CPU %u would be removed", rf_cpu_at(s, slot[i])->cpu);
		if (err >= 0 && err < count) {
			rf_msg(extack, "%u CPUs shall leave %s, %d can: the first one stays",
			       count, s->name, err);
			return -ENOSPC;
		}
		return min(err, 0);
	}
	err = rf_moving_begin(s, count, 0);
	if (err)
		return err;
	err = rf_cpus_leave(s, r, count, extack);
	return rf_moving_end(s, extack) ?: err;
}

/* An answer that came after its time */
void rf_resize_cpu_late(struct rf_subos *s, const struct rf_call *call)
{
	struct rf_cpu *c = call->arg[0] < RF_BOOT_MAX_CPUS ? rf_cpu_at(s, call->arg[0]) : NULL;
	bool added = call->op == RF_CON_CPU_ADD, done = call->status == RF_CON_OK;

	if (!c)
		return;
	pr_info("%s: a late answer: CPU %u %s%s%s\n", s->name, c->cpu,
		added ? (done ? "entered" : "did not enter") : (done ? "has left" : "stays"),
		call->text[0] ? ": " : "", call->text);
	if (added == done || rf_moving_begin(s, 1, 0))
		return;
	rf_cpu_leave(s, c->slot, NULL);
	rf_moving_end(s, NULL);
}
