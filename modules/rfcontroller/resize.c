// SPDX-License-Identifier: GPL-2.0
/* Resizing a running subOS: one transaction of its CPUs, then its memory */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/memory.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#define CREATE_TRACE_POINTS
#include "trace.h"

#include "resize.h"

/* What nobody waits for: late answers, and the ends of leases */
struct workqueue_struct *rf_resize_wq;

int rf_resize_init(void)
{
	rf_resize_wq = alloc_workqueue("rf_resize", WQ_UNBOUND, 0);
	return rf_resize_wq ? 0 : -ENOMEM;
}

/* No subOS is left; what is still at work there was the last to hold one */
void rf_resize_exit(void)
{
	destroy_workqueue(rf_resize_wq);
}

/* Who writes what a subOS in the list owns holds both: see rfcontroller.h */
void rf_owned_lock(struct rf_subos *s)
{
	mutex_lock(&s->drain);
	mutex_lock(&rf_list_lock);
}

void rf_owned_unlock(struct rf_subos *s)
{
	mutex_unlock(&rf_list_lock);
	mutex_unlock(&s->drain);
}

/* Milliseconds that are left for answers: at least one second for the next */
unsigned int rf_resize_left(const struct rf_resize *r)
{
	return clamp_t(s64, ktime_ms_delta(r->end, ktime_get()), 1000, RF_RESIZE_MAX_MS);
}

/* Is it not known, after rf_con_ask() returned that, what the subOS did? */
bool rf_resize_open(int err)
{
	return err == -EINPROGRESS || err == -ECANCELED;
}

/* The same, but what has stopped counts as well: it may have done it before */
bool rf_resize_unsure(int err)
{
	return rf_resize_open(err) || err == -EHOSTDOWN;
}

/* For those outside: what is open has timed out, or gives way to a stop */
int rf_resize_err(int err)
{
	return err == -EINPROGRESS ? -ETIMEDOUT : err == -ECANCELED ? -EBUSY :
	       err == -ENOBUFS ? -EBUSY : err;
}

/* Make room in s->moving. Return: 0, -ENOMEM. */
int rf_moving_begin(struct rf_subos *s, unsigned int cpus, unsigned int blocks)
{
	struct rf_cpu *c = kcalloc(cpus ?: 1, sizeof(*c), GFP_KERNEL);
	struct rf_block *b = kcalloc(blocks ?: 1, sizeof(*b), GFP_KERNEL);

	lockdep_assert_held(&s->lock);
	if (!c || !b) {
		kfree(c);
		kfree(b);
		return -ENOMEM;
	}
	rf_owned_lock(s);
	s->moving.cpus = c;
	s->moving.blocks = b;
	rf_owned_unlock(s);
	return 0;
}

/**
 * rf_moving_end - give what is still on its way to the supervisor
 *
 * Context: s->lock held, rf_grant_lock not. Return: 0; -EUCLEAN when not all of
 * it would go: the rest is in quarantine.
 */
int rf_moving_end(struct rf_subos *s, struct netlink_ext_ack *extack)
{
	struct rf_resources *m = &s->moving;
	struct rf_block *blocks;
	struct rf_cpu *cpus;
	u64 t = ktime_get_ns();
	int err = 0;

	lockdep_assert_held(&s->lock);
	if (m->nr_cpus || m->nr_blocks)
		rf_ledger_update();
	if (m->nr_blocks) {
		rf_memory_return(m);
		rf_subos_phase_ns(s, "return-memory", ktime_get_ns() - t - m->scrub_wait_ns);
		rf_subos_phase_ns(s, "scrub-wait", m->scrub_wait_ns);
		rf_subos_phase_ns(s, "scrub", m->scrub_ns);
	}
	t = ktime_get_ns();
	if (m->nr_cpus) {
		rf_cpu_return(m);
		rf_subos_phase(s, "return-cpu", t);
	}
	if (m->nr_cpus || m->nr_blocks) {
		rf_quarantine(m, s->name, s->id, false, "could not be given back");
		rf_msg(extack, "not all that left %s is back: see the quarantine, then 'rfm recover'",
		       s->name);
		err = -EUCLEAN;
	}
	cpus = m->cpus;
	blocks = m->blocks;
	rf_owned_lock(s);
	m->cpus = NULL;
	m->blocks = NULL;
	rf_owned_unlock(s);
	kfree(cpus);
	kfree(blocks);
	rf_ledger_update();
	return err;
}

/* Remember what it has. Context: s->lock held. */
void rf_resize_before(struct rf_subos *s, struct rf_before *b)
{
	cpumask_clear(&b->cpus);
	for (unsigned int i = 0; i < s->res.nr_cpus; i++)
		cpumask_set_cpu(s->res.cpus[i].cpu, &b->cpus);
	for (int node = 0; node < RF_BOOT_MAX_NODES; node++)
		b->mem[node] = rf_memory_of(&s->res, node);
	b->ns = ktime_get_ns();
}

static void rf_note(struct rf_subos *s, const struct rf_before *b, const struct rf_resize *r,
		    enum rainforest_op op, const char *what, int result)
{
	if (what[0])
		rf_account_record(s, r->op ?: op, r->cause, what, ktime_get_ns() - b->ns, result);
}

/* For the history: what has changed since. Context: s->lock held. */
void rf_resize_note(struct rf_subos *s, const struct rf_before *b, const struct rf_resize *r,
		    int result)
{
	char more[96] = "", less[96] = "";
	cpumask_t now, diff;
	size_t m = 0, l = 0;

	cpumask_clear(&now);
	for (unsigned int i = 0; i < s->res.nr_cpus; i++)
		cpumask_set_cpu(s->res.cpus[i].cpu, &now);
	rf_account_update(s);
	if (cpumask_andnot(&diff, &now, &b->cpus))
		scnprintf(more, sizeof(more), "CPUs %*pbl", cpumask_pr_args(&diff));
	if (cpumask_andnot(&diff, &b->cpus, &now))
		scnprintf(less, sizeof(less), "CPUs %*pbl", cpumask_pr_args(&diff));
	rf_note(s, b, r, RAINFOREST_OP_CPU_ADD, more, result);
	rf_note(s, b, r, RAINFOREST_OP_CPU_REMOVE, less, result);
	more[0] = 0;
	less[0] = 0;
	for (int node = 0; node < RF_BOOT_MAX_NODES; node++) {
		u64 has = rf_memory_of(&s->res, node), had = b->mem[node];

		if (has > had)
			m += scnprintf(more + m, sizeof(more) - m, "%s%lluM@node%d", m ? ", " : "",
				       (has - had) >> 20, node);
		if (has < had)
			l += scnprintf(less + l, sizeof(less) - l, "%s%lluM@node%d", l ? ", " : "",
				       (had - has) >> 20, node);
	}
	rf_note(s, b, r, RAINFOREST_OP_MEMORY_ADD, more, result);
	rf_note(s, b, r, RAINFOREST_OP_MEMORY_REMOVE, less, result);
}

/* A number of CPUs: how many more or fewer that is */
static int rf_cpus_delta(struct rf_subos *s, const struct rf_resize *r, unsigned int *add,
			 unsigned int *remove, struct netlink_ext_ack *extack)
{
	unsigned int have = s->res.nr_cpus, want = r->ncpus;

	*add = r->nr_add;
	*remove = r->nr_remove;
	if (r->by_number)
		return 0;
	if (r->nr_add || r->nr_remove) {
		rf_msg(extack, "either CPUs by number or how many, not both");
		return -EINVAL;
	}
	switch (r->ncpus_how) {
	case RAINFOREST_HOW_ADD:
		*add = want;
		return 0;
	case RAINFOREST_HOW_REMOVE:
		*remove = want;
		return 0;
	default:
		break;
	}
	if (r->cpu_node != NUMA_NO_NODE) {
		have = 0;
		for (unsigned int i = 0; i < s->res.nr_cpus; i++)
			have += s->res.cpus[i].node == r->cpu_node;
	} else if (!want) {
		rf_msg(extack, "a subOS has at least one CPU");
		return -EINVAL;
	}
	*add = want > have ? want - have : 0;
	*remove = have > want ? have - want : 0;
	return 0;
}

/**
 * rf_resize_ready - can a running subOS do what a resize or move asks of it?
 *
 * Context: s->lock held. Return: as rf_con_ready(); -EOPNOTSUPP, too, when its
 * memory blocks are of another size.
 */
int rf_resize_ready(struct rf_subos *s, const struct rf_resize *r, struct netlink_ext_ack *extack)
{
	u32 features = (r->nr_add || r->nr_remove || !r->by_number ? RF_CON_HAS_CPU : 0) |
		       (r->nr_mem ? RF_CON_HAS_MEMORY : 0);
	int err = rf_con_ready(s, features, extack);

	lockdep_assert_held(&s->lock);
	if (err || !r->nr_mem || s->con.block_size == memory_block_size_bytes())
		return err;
	rf_msg(extack, "%s's memory blocks are of %llu MiB, the supervisor's of %lu",
	       s->name, s->con.block_size >> 20, memory_block_size_bytes() >> 20);
	return -EOPNOTSUPP;
}

/**
 * rf_resize_giver - as rf_resize_ready(), of a subOS that might have stopped
 * @r: if that is allowed @r->unasked says that it has
 *
 * Return: also -EUCLEAN: it has stopped, and a CPU of it is not proven out.
 */
int rf_resize_giver(struct rf_subos *s, struct rf_resize *r, struct netlink_ext_ack *extack)
{
	r->unasked = r->stopped_too && !rf_state_alive(s->state);
	if (!r->unasked)
		return rf_resize_ready(s, r, extack);
	if (rf_subos_dumped(s, extack))
		return -EBUSY;
	if (!s->desc) {
		rf_msg(extack, "%s could not be loaded: start it again, or destroy it", s->name);
		return -EBUSY;
	}
	if (!rf_cpu_prove_all(&s->res))
		return 0;
	rf_msg(extack, "a CPU of %s is not proven out: destroy it", s->name);
	return -EUCLEAN;
}

static int rf_resize_locked(struct rf_subos *s, struct rf_resize *r, struct rf_report *report,
			    struct netlink_ext_ack *extack)
{
	unsigned int add, remove;
	bool changed = false;
	int err;

	err = rf_resize_giver(s, r, extack) ?: rf_cpus_delta(s, r, &add, &remove, extack);
	if (err)
		return err;
	s->nr_phases = 0;
	if (add) {
		err = rf_resize_cpus_add(s, r, add, report, extack);
		if (err)
			return err;
		changed = true;
	}
	if (remove) {
		err = rf_resize_cpus_remove(s, r, remove, report, extack);
		changed |= !err;
	}
	for (unsigned int i = 0; i < r->nr_mem && !err; i++) {
		err = rf_resize_memory(s, r, &r->mem[i], report, extack);
		changed |= !err;
	}
	if (!err || !changed || err == -EUCLEAN || r->dry_run)
		return err;
	rf_msg(extack, "a part was done, %s has %u CPUs and %llu MiB now; then: %s", s->name,
	       s->res.nr_cpus, rf_memory_of(&s->res, NUMA_NO_NODE) >> 20,
	       extack && extack->_msg ? extack->_msg : "interrupted");
	return -EUCLEAN;
}

/**
 * rf_subos_resize - change what a running subOS owns
 * @r: what to change; @r->end is set here
 * @report: what was noteworthy
 *
 * CPUs first, all or none of those added, and of those removed; then memory.
 *
 * Return: 0; -EUCLEAN: some of it was done, extack says what it has now;
 * otherwise nothing has changed: -ENOENT, -EINVAL, -EOPNOTSUPP (it is not
 * running, or can't), -EHOSTDOWN (it crashed), -EBUSY (in use there, or it is
 * being stopped), -ENOSPC, -ENXIO, -ENODEV, -ENOMEM, -EINTR; -ETIMEDOUT: it gave
 * no answer, what it was asked about stays its own until it does.
 */
int rf_subos_resize(struct rf_subos *s, struct rf_resize *r, struct rf_report *report,
		    struct netlink_ext_ack *extack)
{
	struct rf_before b;
	int err = -ENOENT;

	if (mutex_lock_killable(&s->lock))
		return -EINTR;
	rf_resize_before(s, &b);
	/* when the lock is ours, not when we began to wait for it */
	r->end = ktime_add_ms(ktime_get(), min(r->timeout_ms ?: RF_RESIZE_MS, RF_RESIZE_MAX_MS));
	if (s->dead)
		rf_msg(extack, "%s is gone", s->name);
	else
		err = rf_resize_err(rf_resize_locked(s, r, report, extack));
	rf_resize_note(s, &b, r, err);
	mutex_unlock(&s->lock);
	return err;
}

/* What was asked in vain is answered now: put in order what it was about */
void rf_resize_late(struct rf_subos *s)
{
	struct rf_call *call = kmalloc(sizeof(*call), GFP_KERNEL | __GFP_NOFAIL);
	struct rf_resize r = { .cause = "a late answer" };
	struct rf_before b;

	mutex_lock(&s->lock);
	rf_resize_before(s, &b);
	while (!s->dead && rf_con_late(s, call)) {
		switch (call->op) {
		case RF_CON_CPU_ADD:
		case RF_CON_CPU_REMOVE:
			rf_resize_cpu_late(s, call);
			break;
		case RF_CON_MEM_ADD:
		case RF_CON_MEM_REMOVE:
			rf_resize_memory_late(s, call);
			break;
		}
	}
	rf_resize_note(s, &b, &r, 0);
	mutex_unlock(&s->lock);
	kfree(call);
}
