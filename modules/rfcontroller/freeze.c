// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs of a running subOS held, and let go again: see include/rf/abi/crash.h for
 * what its kernel does, and trampoline_64.S for where they wait.
 *
 * A CPU is asked by its doorbell, which it takes only if its interrupts and its
 * IDT work. One that answers none can be asked by NMI, and only if the operator
 * says so: a CPU without an IDT makes a triple fault of it, and that resets the
 * machine.
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/delay.h>
#include <linux/netlink.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>

#include "rfcontroller.h"

#define RF_HOLD_TRY_MS	100	/* for all to come; then all go once more */
#define RF_HOLD_NMI_MS	200
#define RF_LET_GO_MS	1000	/* it takes microseconds */

static struct rf_crash *rf_crash_of(struct rf_subos *s)
{
	return (void *)s->desc + RF_OFF_CRASH;
}

/* Its kernel beats there: one that is offline in it, or never was online, is still */
static bool rf_cpu_beats(struct rf_subos *s, const struct rf_cpu *c)
{
	return READ_ONCE(s->desc->cpu[c->slot].beat);
}

/* The next of its CPUs from @i on that runs, and is not held by @hold; nr_cpus: none */
static unsigned int rf_next_loose(struct rf_subos *s, unsigned int i, u32 hold)
{
	for (; i < s->res.nr_cpus; i++)
		if (rf_cpu_beats(s, &s->res.cpus[i]) &&
		    rf_trampoline_held(s->res.cpus[i].apicid) != hold)
			break;
	return i;
}

static bool rf_all_held(struct rf_subos *s, u32 hold, unsigned int ms)
{
	ktime_t end = ktime_add_ms(ktime_get(), ms);

	do {
		if (rf_next_loose(s, 0, hold) == s->res.nr_cpus)
			return true;
		usleep_range(20, 100);
	} while (ktime_before(ktime_get(), end));
	return rf_next_loose(s, 0, hold) == s->res.nr_cpus;
}

/* How many CPUs are in a hold still; the others are awake, if they were not */
static unsigned int rf_wake_held(struct rf_subos *s)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < s->res.nr_cpus; i++) {
		u32 apicid = s->res.cpus[i].apicid;

		if (!rf_trampoline_held(apicid))
			continue;
		/* it waits in our memory, with our IDT */
		rf_trampoline_nmi(apicid);
		n++;
	}
	return n;
}

/* Return: how many CPUs did not go, as a rule 0 */
static unsigned int rf_let_go(struct rf_subos *s)
{
	ktime_t end = ktime_add_ms(ktime_get(), RF_LET_GO_MS);
	struct rf_crash *crash = rf_crash_of(s);
	unsigned int left;

	WRITE_ONCE(crash->hold_nmi, 0);
	WRITE_ONCE(crash->hold, 0);
	smp_wmb();	/* nobody comes any more when those that did may go */
	for (unsigned int i = 0; i < s->res.nr_cpus; i++)
		rf_trampoline_hold(s->res.cpus[i].apicid, 0);
	/*
	 * One that just looked, and is about to halt, is halted when the NMI comes;
	 * else it gets the next one.
	 */
	usleep_range(50, 100);
	while ((left = rf_wake_held(s)) && ktime_before(ktime_get(), end))
		usleep_range(200, 1000);
	return left;
}

/* By NMI those that no interrupt reaches. Return: are all held? */
static bool rf_hold_by_nmi(struct rf_subos *s, u32 hold)
{
	unsigned int i;

	WRITE_ONCE(rf_crash_of(s)->hold_nmi, hold);
	smp_wmb();	/* before the NMI */
	for (i = rf_next_loose(s, 0, hold); i < s->res.nr_cpus; i = rf_next_loose(s, i + 1, hold))
		rf_trampoline_nmi(s->res.cpus[i].apicid);
	return rf_all_held(s, hold, RF_HOLD_NMI_MS);
}

/*
 * A CPU that is held may have what another one waits for with interrupts off: so
 * when not all come in time, all are let go, and asked again.
 *
 * Return: 0; -ETIMEDOUT: those that came are held.
 */
static int rf_hold(struct rf_subos *s, u32 hold, unsigned int timeout_ms, bool nmi)
{
	ktime_t end = ktime_add_ms(ktime_get(), timeout_ms);
	unsigned int i;

	for (;;) {
		for (i = 0; i < s->res.nr_cpus; i++)
			rf_trampoline_hold(s->res.cpus[i].apicid, hold);
		smp_wmb();	/* who hears of it finds that it is to wait */
		WRITE_ONCE(rf_crash_of(s)->hold, hold);
		for (i = rf_next_loose(s, 0, hold); i < s->res.nr_cpus;
		     i = rf_next_loose(s, i + 1, hold))
			rf_ring(s->res.cpus[i].apicid);
		if (rf_all_held(s, hold, RF_HOLD_TRY_MS))
			return 0;
		if (fatal_signal_pending(current) || !ktime_before(ktime_get(), end))
			break;
		rf_let_go(s);
		usleep_range(1000, 3000);
	}
	return nmi && rf_hold_by_nmi(s, hold) ? 0 : -ETIMEDOUT;
}

static int rf_freeze_ready(struct rf_subos *s, struct netlink_ext_ack *extack)
{
	unsigned int beating = 0;

	if (rf_gone(s, extack))
		return -ENOENT;
	if (s->state == RAINFOREST_STATE_FROZEN) {
		rf_msg(extack, "%s is frozen already", s->name);
		return -EBUSY;
	}
	if (s->state != RAINFOREST_STATE_RUNNING && s->state != RAINFOREST_STATE_UNRESPONSIVE) {
		rf_msg(extack, "%s is not running (%s): only a running subOS can be frozen",
		       s->name, rf_state_names[s->state]);
		return -EINVAL;
	}
	for (unsigned int i = 0; i < s->res.nr_cpus; i++)
		beating += rf_cpu_beats(s, &s->res.cpus[i]);
	if (!beating) {
		rf_msg(extack, "%s has no heartbeat: it can't be frozen without suboscon in it",
		       s->name);
		return -EOPNOTSUPP;
	}
	return 0;
}

/**
 * rf_freeze_locked - hold all CPUs of a running subOS
 * @s: the subOS
 * @timeout_ms: for all of them to come
 * @nmi: then ask the rest by NMI
 * @partly: hold those that come, if not all do
 * @extack: says why not
 *
 * A CPU that is offline in the subOS halts there, and stays as it is.
 *
 * Context: s->lock held.
 * Return: how many CPUs are not held, 0 but with @partly; -ENOENT, -EBUSY (it is
 * frozen), -EINVAL (it does not run), -EOPNOTSUPP, -EHOSTDOWN (it ended),
 * -ETIMEDOUT (all of it goes on).
 */
int rf_freeze_locked(struct rf_subos *s, unsigned int timeout_ms, bool nmi, bool partly,
		     struct netlink_ext_ack *extack)
{
	static atomic_t holds = ATOMIC_INIT(0);
	unsigned int i, loose = 0;
	int err;
	u32 hold;

	lockdep_assert_held(&s->lock);
	err = rf_freeze_ready(s, extack);
	if (err)
		return err;
	do {
		hold = atomic_inc_return(&holds);
	} while (!hold);
	if (rf_hold(s, hold, timeout_ms, nmi)) {
		i = rf_next_loose(s, 0, hold);
		if (i < s->res.nr_cpus)
			rf_msg(extack, "CPU %u of %s answers no interrupt%s: it hangs with interrupts off, or its kernel knows nothing of this. See --nmi",
			       s->res.cpus[i].cpu, s->name, nmi ? " and no NMI" : "");
		for (; i < s->res.nr_cpus; i = rf_next_loose(s, i + 1, hold))
			loose++;
		if (loose && !partly) {
			rf_let_go(s);
			return -ETIMEDOUT;
		}
	}

	mutex_lock(&s->drain);
	rf_console_drain(s);
	rf_subos_watch_state(s);	/* its last word, if it was that */
	if (rf_state_alive(s->state)) {
		s->hold = hold;
		s->thawed_state = s->state;
		s->thawed_reason = s->reason;
		rf_subos_set_state(s, RAINFOREST_STATE_FROZEN, RAINFOREST_REASON_NONE);
	}
	mutex_unlock(&s->drain);
	if (s->state == RAINFOREST_STATE_FROZEN)
		return loose;
	rf_let_go(s);
	rf_msg(extack, "%s has ended just now (%s)", s->name, rf_state_names[s->state]);
	return -EHOSTDOWN;
}

/**
 * rf_thaw_locked - let the CPUs of a frozen subOS go on
 * @s: the subOS
 * @extack: says why not
 *
 * Context: s->lock held.
 * Return: 0, -EINVAL (it isn't frozen), -ETIMEDOUT: a CPU did not go.
 */
int rf_thaw_locked(struct rf_subos *s, struct netlink_ext_ack *extack)
{
	unsigned int left;

	lockdep_assert_held(&s->lock);
	if (s->state != RAINFOREST_STATE_FROZEN) {
		rf_msg(extack, "%s is not frozen (%s)", s->name, rf_state_names[s->state]);
		return -EINVAL;
	}
	left = rf_let_go(s);
	rf_ring(s->res.cpus[0].apicid);	/* it learns that it is over, if an NMI held it */
	mutex_lock(&s->drain);
	s->hold = 0;
	/* the pulse is taken anew: they have 2.5 s from now on */
	memset(s->pulse, 0, sizeof(s->pulse));
	rf_subos_set_state(s, s->thawed_state, s->thawed_reason);
	mutex_unlock(&s->drain);
	rf_watch_kick();
	if (left) {
		rf_msg(extack, "%u CPU(s) of %s did not go on", left, s->name);
		return -ETIMEDOUT;
	}
	return 0;
}

/**
 * rf_subos_freeze - hold all CPUs of a running subOS, until rf_subos_thaw()
 * @s: the subOS
 * @timeout_ms: for all of them to come; 0: RF_FREEZE_MS
 * @nmi: then ask the rest by NMI
 * @dry_run: change nothing, say whether it could be tried
 * @extack: says why not
 *
 * Return: 0, and rf_freeze_locked()'s; -EINTR.
 */
int rf_subos_freeze(struct rf_subos *s, unsigned int timeout_ms, bool nmi, bool dry_run,
		    struct netlink_ext_ack *extack)
{
	u64 t = ktime_get_ns();
	int err;

	if (mutex_lock_killable(&s->lock))
		return -EINTR;
	err = rf_freeze_ready(s, extack);
	if (!err && !dry_run) {
		err = rf_freeze_locked(s, timeout_ms ?: RF_FREEZE_MS, nmi, false, extack);
		rf_account_record(s, RAINFOREST_OP_FREEZE, NULL, NULL, ktime_get_ns() - t, err);
	}
	mutex_unlock(&s->lock);
	return err;
}

/**
 * rf_subos_thaw - let a frozen subOS go on
 * @s: the subOS
 * @dry_run: change nothing
 * @extack: says why not
 *
 * Return: 0, and rf_thaw_locked()'s; -ENOENT, -EBUSY (a dump is written), -EINTR.
 */
int rf_subos_thaw(struct rf_subos *s, bool dry_run, struct netlink_ext_ack *extack)
{
	u64 t = ktime_get_ns();
	int err = -ENOENT;

	if (mutex_lock_killable(&s->lock))
		return -EINTR;
	if (rf_gone(s, extack))
		goto out;
	if (s->state != RAINFOREST_STATE_FROZEN || dry_run) {
		err = s->state == RAINFOREST_STATE_FROZEN ? 0 : rf_thaw_locked(s, extack);
		goto out;
	}
	err = -EBUSY;
	if (rf_subos_dumped(s, extack))
		goto out;
	err = rf_thaw_locked(s, extack);
	rf_account_record(s, RAINFOREST_OP_THAW, NULL, NULL, ktime_get_ns() - t, err);
out:
	mutex_unlock(&s->lock);
	return err;
}
