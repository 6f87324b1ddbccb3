// SPDX-License-Identifier: GPL-2.0
/*
 * Leases: CPUs and memory that one subOS lends another for a term. When it is
 * over, the lender is short of what he has left, or the borrower was destroyed,
 * they go back by themselves: to the lender, or, when he does not run any more, to
 * the supervisor.
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/memory.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "lease.h"

#define RF_LEASE_AGAIN_MS	1000	/* the borrower did not let go: try again */
#define RF_LEASE_MILD		3	/* tries before affinities are broken */

static struct rf_pressure_limits rf_lease_limits = { .busy = 95, .low = 5 };
module_param_named(lease_busy, rf_lease_limits.busy, uint, 0644);
MODULE_PARM_DESC(lease_busy, "percent that a lender's CPUs are busy for two seconds: what it lent goes back; 0: it doesn't (default 95)");
module_param_named(lease_low, rf_lease_limits.low, uint, 0644);
MODULE_PARM_DESC(lease_low, "percent of a lender's memory available, for two seconds: with less what it lent goes back; 0: it doesn't (default 5)");

LIST_HEAD(rf_leases);
DEFINE_MUTEX(rf_lease_lock);	/* the list; nothing is taken under it */
static u32 rf_lease_next = 1;

/* Which of a's CPUs b had not */
static unsigned int rf_new_cpus(const struct rf_resources *now, const u32 *had, unsigned int nr,
				u32 *list)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < now->nr_cpus; i++) {
		bool old = false;

		for (unsigned int j = 0; j < nr; j++)
			old |= had[j] == now->cpus[i].cpu;
		if (!old)
			list[n++] = now->cpus[i].cpu;
	}
	return n;
}

/* From its own work */
static void rf_lease_free(struct rf_lease *l)
{
	mutex_lock(&rf_lease_lock);
	list_del(&l->node);
	mutex_unlock(&rf_lease_lock);
	cancel_delayed_work(&l->work);	/* a recall may just have queued it again */
	kfree(l);
	module_put(THIS_MODULE);
}

/* The subOS of that id, with a reference; NULL: it was destroyed */
static struct rf_subos *rf_lease_party(const char *name, u32 id)
{
	struct rf_subos *s = rf_subos_find(name);

	if (s && (s->id != id || s->dead)) {
		rf_subos_put(s);
		s = NULL;
	}
	return s;
}

static bool rf_owns_cpu(struct rf_subos *s, u32 cpu)
{
	if (!s)
		return false;
	guard(mutex)(&rf_list_lock);	/* a quarantine takes all of it */
	for (unsigned int i = 0; i < s->res.nr_cpus; i++)
		if (s->res.cpus[i].cpu == cpu)
			return true;
	return false;
}

static u64 rf_owns_memory(struct rf_subos *s, int node)
{
	guard(mutex)(&rf_list_lock);
	return rf_memory_of(&s->res, node);
}

/* Let go of one thing at a time: what refuses holds back nothing else */
static int rf_lease_back(struct rf_subos *from, struct rf_subos *to, struct rf_resize *r)
{
	return from ? rf_subos_move(to, from, r, NULL, NULL) : rf_subos_resize(to, r, NULL, NULL);
}

static void rf_lease_back_cpu(struct rf_lease *l, unsigned int i, struct rf_subos *from,
			      struct rf_subos *to)
{
	struct rf_report *report;
	struct rf_resize r = {
		.remove = &l->cpu[i], .nr_remove = 1, .by_number = true,
		.cpu_node = NUMA_NO_NODE, .force = l->tries >= RF_LEASE_MILD, .stopped_too = true,
		.cause = l->why, .op = RAINFOREST_OP_GIVE_BACK,
	};
	int err = -ENOMEM;

	report = kzalloc(sizeof(*report), GFP_KERNEL);
	if (!report)
		return;
	if (rf_owns_cpu(to, l->cpu[i])) {
		err = rf_lease_back(from, to, &r);
	} else if (from && !rf_owns_cpu(from, l->cpu[i])) {
		/* the borrower is gone, and left it to the supervisor */
		r.nr_remove = 0;
		r.add = &l->cpu[i];
		r.nr_add = 1;
		err = rf_subos_resize(from, &r, report, NULL);
		/* somebody else has it: it can't be helped */
		if (err != -ETIMEDOUT)
			err = 0;
	} else {
		err = 0;
	}
	kfree(report);
	if (err)
		return;
	mutex_lock(&rf_lease_lock);
	l->cpu[i] = l->cpu[--l->nr_cpus];
	mutex_unlock(&rf_lease_lock);
}

static void rf_lease_back_memory(struct rf_lease *l, unsigned int i, struct rf_subos *from,
				 struct rf_subos *to)
{
	struct rf_resize r = {
		.by_number = true, .cpu_node = NUMA_NO_NODE, .nr_mem = 1, .stopped_too = true,
		.cause = l->why, .op = RAINFOREST_OP_GIVE_BACK,
	};
	struct rf_lease_mem *m = &l->mem[i];
	u64 before, after;
	int err = 0;

	if (to) {
		before = rf_owns_memory(to, m->node);
		/* the block that was asked for last may have gone since */
		if (m->left > before)
			m->size -= min3(m->left - before, m->size,
					(u64)memory_block_size_bytes());
		r.mem[0] = (struct rf_resize_mem) { m->size, m->node, RAINFOREST_HOW_REMOVE };
		if (m->size)
			err = rf_lease_back(from, to, &r);
		after = rf_owns_memory(to, m->node);
		if (err && before > after)
			m->size -= min(before - after, m->size);
		m->left = err == -ETIMEDOUT || err == -EUCLEAN ? after : 0;
		if (err == -ENOSPC) {
			/* somebody took it from the borrower: it can't be helped */
			pr_warn("lease %u: %s has not so much memory any more\n", l->id, l->to);
			err = 0;
		}
	} else if (from) {
		before = rf_owns_memory(from, m->node);
		r.mem[0] = (struct rf_resize_mem) { m->size, m->node, RAINFOREST_HOW_ADD };
		err = rf_subos_resize(from, &r, NULL, NULL);
		/* what it has not answered for is its own already */
		after = rf_owns_memory(from, m->node);
		if (after > before)
			m->size -= min(after - before, m->size);
		if (err != -ETIMEDOUT)
			err = 0;
	}
	if (err && m->size)
		return;
	mutex_lock(&rf_lease_lock);
	l->mem[i] = l->mem[--l->nr_mem];
	mutex_unlock(&rf_lease_lock);
}

/* Look again when its time is over, and before that at how the lender is */
static void rf_lease_wait(struct rf_lease *l, u64 left_ms)
{
	queue_delayed_work(rf_resize_wq, &l->work,
			   msecs_to_jiffies(min_t(u64, left_ms, RF_PRESSURE_LOOK_MS)));
}

/* The term is over, it was called back, or the lender needs it */
static void rf_lease_end(struct rf_lease *l)
{
	struct rf_subos *from = rf_lease_party(l->from, l->from_id);
	struct rf_subos *to = rf_lease_party(l->to, l->to_id);

	/* a lender that does not run has no use for it: then to the supervisor */
	if (from && from->state != RAINFOREST_STATE_RUNNING) {
		rf_subos_put(from);
		from = NULL;
	}
	for (unsigned int i = l->nr_cpus; i--;)
		rf_lease_back_cpu(l, i, from, to);
	for (unsigned int i = l->nr_mem; i--;)
		rf_lease_back_memory(l, i, from, to);
	if (from)
		rf_subos_put(from);
	if (to)
		rf_subos_put(to);
	if (!l->nr_cpus && !l->nr_mem) {
		pr_info("lease %u of %s to %s has ended: %s\n", l->id, l->from, l->to, l->why);
		rf_lease_free(l);
		return;
	}
	if (!l->tries++)
		pr_warn("lease %u: %s does not let go yet\n", l->id, l->to);
	queue_delayed_work(rf_resize_wq, &l->work, msecs_to_jiffies(RF_LEASE_AGAIN_MS));
}

/* What is the lender short of? NULL: of nothing, or he does not say. */
static const char *rf_lease_pressure(struct rf_lease *l)
{
	struct rf_stat *st __free(kvfree) = kvmalloc(sizeof(*st), GFP_KERNEL);
	struct rf_subos *from = rf_lease_party(l->from, l->from_id);
	const char *why = NULL;
	int err = -ENOMEM;

	if (!from)
		return NULL;
	if (st) {
		mutex_lock(&from->drain);
		err = from->state == RAINFOREST_STATE_RUNNING ? rf_stat_read(from, st, NULL) :
								-EHOSTDOWN;
		mutex_unlock(&from->drain);
	}
	if (!err)
		why = rf_pressure_look(&l->seen, st, &(struct rf_pressure_limits) {
			.busy = l->nr_cpus ? READ_ONCE(rf_lease_limits.busy) : 0,
			.low = l->nr_mem ? READ_ONCE(rf_lease_limits.low) : 0,
		});
	rf_subos_put(from);
	return why;
}

/* Was the borrower destroyed? All that it had is the supervisor's by then. */
static bool rf_lease_idle(struct rf_lease *l)
{
	struct rf_subos *to = rf_lease_party(l->to, l->to_id);

	if (to)
		rf_subos_put(to);
	return !to;
}

/* Why is a lease to end now? NULL: it isn't. */
static const char *rf_lease_over(struct rf_lease *l, bool term)
{
	if (term)
		return "the lease is over";
	if (rf_lease_idle(l))
		return "the borrower is gone";
	return rf_lease_pressure(l);
}

/* Each look at a lease: is it to end? */
static void rf_lease_work(struct work_struct *work)
{
	struct rf_lease *l = container_of(to_delayed_work(work), struct rf_lease, work);
	u64 now = ktime_get_boottime_ns(), end = READ_ONCE(l->end_ns);

	if (!l->why)
		l->why = rf_lease_over(l, now >= end);
	if (!l->why) {
		rf_lease_wait(l, div_u64(end - now, NSEC_PER_MSEC) + 1);
		return;
	}
	WRITE_ONCE(l->end_ns, min(now, end));
	rf_lease_end(l);
}

/**
 * rf_subos_lend - lend CPUs or memory of a running subOS to another, for a term
 * @term_ms: milliseconds
 *
 * It ends sooner when the lender is under pressure: pressure.c.
 *
 * Return: as rf_subos_move(); then nothing is lent.
 */
int rf_subos_lend(struct rf_subos *from, struct rf_subos *to, struct rf_resize *r, u64 term_ms,
		  struct rf_report *report, struct netlink_ext_ack *extack)
{
	struct rf_lease *l = kzalloc(sizeof(*l), GFP_KERNEL);
	u32 *had __free(kfree) = kcalloc(RF_BOOT_MAX_CPUS, sizeof(*had), GFP_KERNEL);
	u64 had_mem[RF_BOOT_MAX_NODES];
	unsigned int nr;
	int err;

	if (!l || !had) {
		err = -ENOMEM;
		goto free;
	}
	if (!term_ms || term_ms > RF_LEASE_MAX_MS) {
		rf_msg(extack, "a term is 1 ms to %llu days",
		       RF_LEASE_MAX_MS / MSEC_PER_SEC / 86400);
		err = -EINVAL;
		goto free;
	}
	if (from == to) {
		rf_msg(extack, "from %s to itself", from->name);
		err = -EINVAL;
		goto free;
	}
	err = rf_move_lock(from, to);
	if (err)
		goto free;
	r->op = RAINFOREST_OP_LEND;
	nr = to->res.nr_cpus;
	for (unsigned int i = 0; i < nr; i++)
		had[i] = to->res.cpus[i].cpu;
	for (int i = 0; i < RF_BOOT_MAX_NODES; i++)
		had_mem[i] = rf_memory_of(&to->res, i);
	err = rf_move_locked(from, to, r, report, extack);
	/* what the borrower gave no answer for is its own, and lent, too */
	if (!r->dry_run) {
		l->nr_cpus = rf_new_cpus(&to->res, had, nr, l->cpu);
		for (int i = 0; i < RF_BOOT_MAX_NODES; i++) {
			u64 now = rf_memory_of(&to->res, i);

			if (now > had_mem[i])
				l->mem[l->nr_mem++] = (struct rf_lease_mem) {
					.size = now - had_mem[i], .node = i,
				};
		}
	}
	mutex_unlock(&from->lock);
	mutex_unlock(&to->lock);
	if (!l->nr_cpus && !l->nr_mem)
		goto free;

	strscpy(l->from, from->name, sizeof(l->from));
	strscpy(l->to, to->name, sizeof(l->to));
	l->from_id = from->id;
	l->to_id = to->id;
	l->end_ns = ktime_get_boottime_ns() + term_ms * NSEC_PER_MSEC;
	INIT_DELAYED_WORK(&l->work, rf_lease_work);
	__module_get(THIS_MODULE);
	mutex_lock(&rf_lease_lock);
	l->id = rf_lease_next++;
	list_add_tail(&l->node, &rf_leases);
	rf_lease_wait(l, term_ms);
	mutex_unlock(&rf_lease_lock);
	return err;
free:
	kfree(l);
	return err;
}

/**
 * rf_lease_recall - end a lease before its term
 *
 * Return: 0, it goes back now; -ENOENT.
 */
int rf_lease_recall(u32 id, struct netlink_ext_ack *extack)
{
	struct rf_lease *l;
	int err = -ENOENT;

	mutex_lock(&rf_lease_lock);
	list_for_each_entry(l, &rf_leases, node) {
		if (l->id != id)
			continue;
		WRITE_ONCE(l->end_ns, min(l->end_ns, ktime_get_boottime_ns()));
		mod_delayed_work(rf_resize_wq, &l->work, 0);
		err = 0;
		break;
	}
	mutex_unlock(&rf_lease_lock);
	if (err)
		rf_msg(extack, "there is no lease %u", id);
	return err;
}
