// SPDX-License-Identifier: GPL-2.0
/* The life of a subOS: load, start, stop, kill, destroy */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/io.h>
#include <linux/netlink.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "rfcontroller.h"

#define RF_START_MS	10000	/* for the first sign of life */
#define RF_REBOOT_MS	10000	/* for all to stop before the machine reboots */
#define RF_REBOOT_MAX_MS (2 * RF_REBOOT_MS)	/* then it reboots all the same */

static DECLARE_COMPLETION(rf_all_stopped);

/* Somebody has destroyed it while we waited for its lock */
bool rf_gone(const struct rf_subos *s, struct netlink_ext_ack *extack)
{
	if (s->dead)
		rf_msg(extack, "%s is gone", s->name);
	return s->dead;
}

/* ---- load, start ---- */

/* Who writes down a dead one's memory has to be done before it is written to */
bool rf_subos_dumped(struct rf_subos *s, struct netlink_ext_ack *extack)
{
	lockdep_assert_held(&s->lock);
	if (s->dumps)
		rf_msg(extack, "a dump of %s is being written: wait for its end", s->name);
	return s->dumps;
}

/**
 * rf_subos_load - give a subOS its images, and put them in its memory
 *
 * Takes over the references to the files on success.
 * Return: 0; rf_image_check()'s; -EBUSY while it runs; -ENOENT.
 */
int rf_subos_load(struct rf_subos *s, struct file *kernel, struct file **initrd,
		  unsigned int nr_initrds, const char *cmdline, bool dry_run,
		  struct netlink_ext_ack *extack)
{
	struct file *old_kernel, *old_initrd[RF_MAX_INITRDS];
	unsigned int old_nr;
	char *line, *old_line;
	u64 t = ktime_get_ns();
	int err;

	line = kstrdup(cmdline, GFP_KERNEL);
	if (!line)
		return -ENOMEM;
	mutex_lock(&s->lock);
	err = -ENOENT;
	if (rf_gone(s, extack))
		goto out;
	if (rf_state_alive(s->state)) {
		rf_msg(extack, "%s is running: stop it first", s->name);
		err = -EBUSY;
		goto out;
	}
	if (rf_subos_dumped(s, extack)) {
		err = -EBUSY;
		goto out;
	}
	if (dry_run) {
		err = rf_image_check(kernel, initrd, nr_initrds, &s->res, extack);
		goto out;
	}
	if (rf_cpu_prove_all(&s->res)) {
		rf_msg(extack, "a CPU is not proven out of the subOS: destroy it");
		err = -EUCLEAN;
		goto out;
	}

	old_kernel = s->kernel;
	old_nr = s->nr_initrds;
	old_line = s->cmdline;
	memcpy(old_initrd, s->initrd, sizeof(old_initrd));
	s->kernel = kernel;
	s->nr_initrds = nr_initrds;
	s->cmdline = line;
	memcpy(s->initrd, initrd, nr_initrds * sizeof(*initrd));

	err = rf_image_load(s, extack);
	if (err) {
		s->kernel = old_kernel;
		s->nr_initrds = old_nr;
		s->cmdline = old_line;
		memcpy(s->initrd, old_initrd, sizeof(old_initrd));
		goto out;
	}
	rf_policy_forget(s);
	line = old_line;
	if (old_kernel)
		fput(old_kernel);
	for (unsigned int i = 0; i < old_nr; i++)
		fput(old_initrd[i]);
	s->exited = false;
	rf_subos_phase(s, "load", t);
	rf_subos_set_state(s, RAINFOREST_STATE_LOADED, RAINFOREST_REASON_NONE);
out:
	mutex_unlock(&s->lock);
	kfree(line);
	return err;
}

/* What its CPUs may still write, or may not: to call when they were to be proven out */
static void rf_channel_settle(struct rf_subos *s)
{
	bool proven = true;

	lockdep_assert_held(&s->lock);
	for (unsigned int i = 0; i < s->res.nr_cpus; i++)
		proven &= s->res.cpus[i].proven;
	if (proven)
		rf_channel_proven(s->id);
	else
		rf_channel_down(s->id);
}

/* The first sign of life: the descriptor was read and understood */
static int rf_wait_entered(struct rf_subos *s, unsigned int timeout_ms,
			   struct netlink_ext_ack *extack)
{
	ktime_t end = ktime_add_ms(ktime_get(), timeout_ms);
	u32 state;

	while (!(state = smp_load_acquire(&s->desc->state))) {
		if (ktime_after(ktime_get(), end)) {
			rf_msg(extack, "%s gave no sign of life within %u ms: is its kernel a subOS kernel (CONFIG_RAINFOREST_SUBOS)?",
			       s->name, timeout_ms);
			return -ETIMEDOUT;
		}
		if (fatal_signal_pending(current) || atomic_read(&s->unwanted)) {
			rf_msg(extack, "%s is to end, it was not waited for", s->name);
			return -EINTR;
		}
		usleep_range(100, 300);
	}
	if (state == RF_BOOT_REFUSED) {
		rf_subos_watch(s);
		rf_msg(extack, "%s refused to boot: %s", s->name, s->message);
		return -EHOSTDOWN;
	}
	return 0;
}

/**
 * rf_start_locked - boot a subOS that is loaded, or has ended (then it is loaded again)
 * @s: the subOS
 * @timeout_ms: for its first sign of life; 0: a default
 * @cause: for the history; NULL: the task that runs
 * @what: for the history, or NULL
 * @extack: where a refusal is explained
 *
 * Context: process; s->lock held.
 * Return: as rf_subos_start().
 */
int rf_start_locked(struct rf_subos *s, unsigned int timeout_ms, const char *cause,
		    const char *what, struct netlink_ext_ack *extack)
{
	u64 t = ktime_get_ns();
	int err;

	lockdep_assert_held(&s->lock);
	if (rf_subos_dumped(s, extack))
		return -EBUSY;
	if (!s->image_fresh) {
		if (rf_cpu_prove_all(&s->res)) {
			rf_msg(extack, "a CPU is not proven out of the subOS: destroy it");
			return -EUCLEAN;
		}
		s->nr_phases = 0;
		err = rf_image_load(s, extack);
		if (err)
			return err;
	}
	err = rf_channel_start(s, extack);
	if (err)
		return err;
	mutex_lock(&s->drain);
	if (s->desc && s->generation)
		rf_console_drain(s);	/* the last words of its last life */
	s->message[0] = 0;
	s->exited = false;
	s->hold = 0;
	s->boot_jiffies = jiffies;
	WRITE_ONCE(s->crash.unwanted, false);
	memset(s->pulse, 0, sizeof(s->pulse));
	rf_con_reset(s);
	rf_subos_set_state(s, RAINFOREST_STATE_BOOTING, RAINFOREST_REASON_NONE);
	rf_watch_add(s);
	err = rf_boot_start(s, extack);
	mutex_unlock(&s->drain);
	if (!err)
		err = rf_wait_entered(s, timeout_ms ?: RF_START_MS, extack);
	if (err) {
		rf_cpu_prove_all(&s->res);
		rf_channel_settle(s);
		mutex_lock(&s->drain);
		rf_console_drain(s);	/* why it failed may stand there */
		/* who is waiting to end it has ended it */
		if (err == -EINTR && atomic_read(&s->unwanted))
			rf_subos_set_state(s, RAINFOREST_STATE_STOPPED,
					   RAINFOREST_REASON_KILLED);
		else
			rf_subos_set_state(s, RAINFOREST_STATE_FAILED,
					   err == -EHOSTDOWN ? RAINFOREST_REASON_REFUSED :
					   RAINFOREST_REASON_BOOT_TIMEOUT);
		mutex_unlock(&s->drain);
	}
	rf_subos_phase(s, "start", t);
	rf_account_record(s, RAINFOREST_OP_START, cause, what, ktime_get_ns() - t, err);
	rf_watch_kick();
	return err;
}

/**
 * rf_subos_start - boot a subOS that is loaded, or stopped (then it is loaded again)
 *
 * Return: 0; -EINVAL when nothing is loaded, -EBUSY when it runs, -ETIMEDOUT,
 * -EHOSTDOWN, -EUCLEAN, and rf_image_check()'s; -EINTR when somebody ends it meanwhile.
 */
int rf_subos_start(struct rf_subos *s, unsigned int timeout_ms, bool dry_run,
		   struct netlink_ext_ack *extack)
{
	int err;

	mutex_lock(&s->lock);
	err = -ENOENT;
	if (rf_gone(s, extack))
		goto out;
	if (rf_state_alive(s->state)) {
		rf_msg(extack, "%s is running already", s->name);
		err = -EBUSY;
		goto out;
	}
	if (rf_subos_dumped(s, extack)) {
		err = -EBUSY;
		goto out;
	}
	if (!s->kernel) {
		rf_msg(extack, "%s has no kernel: load one first", s->name);
		err = -EINVAL;
		goto out;
	}
	err = 0;
	if (dry_run)
		goto out;
	/* a new row of tries begins */
	rf_policy_forget(s);
	s->crash.tries = 0;
	err = rf_start_locked(s, timeout_ms, NULL, NULL, extack);
out:
	mutex_unlock(&s->lock);
	return err;
}

/* ---- stop, kill, destroy ---- */

/*
 * Who waits for a subOS's answer gives way, unless it is only asked what would be done.
 * Return: 0, s->lock is ours; -EINTR.
 */
static int rf_lock_to_end(struct rf_subos *s, bool dry_run)
{
	int err;

	if (dry_run)
		return mutex_lock_killable(&s->lock);
	atomic_inc(&s->unwanted);
	wake_up_all(&s->wait);
	err = mutex_lock_killable(&s->lock);
	atomic_dec(&s->unwanted);
	return err;
}

/**
 * rf_halt_locked - take its CPUs by INIT, whatever it does
 * @s: the subOS
 * @state: what it is then, unless it has ended by itself
 * @reason: and why
 *
 * Context: process; s->lock held.
 * Return: 0 when all its CPUs are proven out, -EUCLEAN otherwise.
 */
int rf_halt_locked(struct rf_subos *s, enum rainforest_state state,
		   enum rainforest_reason reason)
{
	int unproven;

	lockdep_assert_held(&s->lock);
	if (s->desc)
		WRITE_ONCE(s->desc->stop, RF_STOP_FORCE);
	unproven = rf_cpu_prove_all(&s->res);
	mutex_lock(&s->drain);
	if (s->desc && rf_state_alive(s->state)) {
		rf_console_drain(s);
		rf_subos_watch_state(s);
	}
	if (rf_state_alive(s->state))
		rf_subos_set_state(s, state, reason);
	rf_tee_life(s);
	s->hold = 0;	/* INIT took its CPUs out of that, too */
	mutex_unlock(&s->drain);
	rf_channel_settle(s);
	return unproven ? -EUCLEAN : 0;
}

static int rf_halt_now(struct rf_subos *s)
{
	return rf_halt_locked(s, RAINFOREST_STATE_STOPPED, RAINFOREST_REASON_KILLED);
}

/* The operator does not want it to run: from here on no crash starts it again */
static void rf_unwanted(struct rf_subos *s)
{
	bool waited = rf_policy_restarting(s);

	WRITE_ONCE(s->crash.unwanted, true);
	rf_policy_forget(s);
	/* who waits for its end has waited for the end of that */
	if (waited)
		rf_netlink_notify(s, RAINFOREST_EVENT_STATE);
}

/* Ask PID 1, and wait. Return: 0 when it has stopped, -ETIMEDOUT, -EINTR. */
static int rf_ask(struct rf_subos *s, unsigned int timeout_ms)
{
	long left = msecs_to_jiffies(timeout_ms);

	/* or else its own poweroff, seen just now, would be overwritten */
	mutex_lock(&s->drain);
	if (rf_state_alive(s->state)) {
		if (s->state != RAINFOREST_STATE_UNRESPONSIVE)
			rf_subos_set_state(s, RAINFOREST_STATE_STOPPING, RAINFOREST_REASON_NONE);
		WRITE_ONCE(s->desc->stop, RF_STOP_REQUEST);
	}
	mutex_unlock(&s->drain);
	rf_ring(READ_ONCE(s->res.cpus[0].apicid));
	left = wait_event_killable_timeout(s->wait, !rf_state_alive(s->state), left);
	if (!rf_state_alive(s->state))
		return 0;
	return left < 0 ? -EINTR : -ETIMEDOUT;
}

static int rf_stop_locked(struct rf_subos *s, unsigned int timeout_ms, bool force,
			  struct netlink_ext_ack *extack)
{
	/* 0 with force: at once; 0 without: ask, and don't wait */
	int err = -ETIMEDOUT;

	if (s->state == RAINFOREST_STATE_FROZEN)
		force = true;	/* nobody hears a request */
	else if (timeout_ms || !force)
		err = rf_ask(s, timeout_ms);
	if (err == -ETIMEDOUT && !timeout_ms && !force)
		return 0;
	if (err && !force) {
		if (err == -ETIMEDOUT)
			rf_msg(extack, "%s did not stop within %u ms; kill stops it by force",
			       s->name, timeout_ms);
		return err;
	}
	/* Also when it says that it stopped: only INIT proves it */
	err = rf_halt_now(s);
	if (err)
		rf_msg(extack, "%s: a CPU is not proven out; destroy puts it in quarantine",
		       s->name);
	return err;
}

/**
 * rf_subos_stop - ask a subOS to power off; with force, stop it after the timeout
 *
 * The grant stays. Return: 0, -ETIMEDOUT, -EINTR, -EUCLEAN, -EINVAL (not running).
 */
int rf_subos_stop(struct rf_subos *s, unsigned int timeout_ms, bool force,
		  bool dry_run, struct netlink_ext_ack *extack)
{
	bool kill = force && !timeout_ms;
	u64 t = ktime_get_ns();
	int err = -ENOENT;

	if (rf_lock_to_end(s, dry_run))
		return -EINTR;
	if (rf_gone(s, extack))
		goto out;
	if (s->state == RAINFOREST_STATE_FROZEN && !force) {
		rf_msg(extack, "%s is frozen and hears no request: thaw it first, or kill it",
		       s->name);
		err = -EBUSY;
		goto out;
	}
	if (!dry_run)
		rf_unwanted(s);
	if (!rf_state_alive(s->state)) {
		if (s->state < RAINFOREST_STATE_STOPPED) {
			rf_msg(extack, "%s is not running (%s)", s->name, rf_state_names[s->state]);
			err = -EINVAL;
		} else {
			/* it says that it stopped: by force it is made sure */
			err = force && !dry_run ? rf_halt_now(s) : 0;
		}
		goto out;
	}
	err = dry_run ? 0 : rf_stop_locked(s, timeout_ms, force, extack);
	if (!dry_run)
		rf_account_record(s, kill ? RAINFOREST_OP_KILL : RAINFOREST_OP_STOP, NULL, NULL,
				  ktime_get_ns() - t, err);
out:
	mutex_unlock(&s->lock);
	return err;
}

int rf_subos_kill(struct rf_subos *s, bool dry_run, struct netlink_ext_ack *extack)
{
	return rf_subos_stop(s, 0, true, dry_run, extack);
}

/**
 * rf_subos_destroy - stop a subOS and give everything back
 *
 * When it returns 0, CPUs and memory are online in the supervisor. -EUCLEAN:
 * the subOS is gone, what is not proven free is in quarantine. -ETIMEDOUT,
 * without force: it did not stop, and nothing else has changed.
 */
int rf_subos_destroy(struct rf_subos *s, unsigned int timeout_ms, bool force,
		     bool dry_run, struct netlink_ext_ack *extack)
{
	int err = -ENOENT;
	char what[104];
	u64 t;

	if (rf_lock_to_end(s, dry_run))
		return -EINTR;
	if (rf_gone(s, extack))
		goto out;
	err = 0;
	if (dry_run)
		goto out;
	rf_unwanted(s);
	s->nr_phases = 0;
	t = ktime_get_ns();
	rf_account_grant_text(s, what, sizeof(what));
	if (rf_state_alive(s->state))
		err = rf_stop_locked(s, timeout_ms, force, extack);
	else
		err = rf_cpu_prove_all(&s->res) ? -EUCLEAN : 0;
	if (err && err != -EUCLEAN) {
		rf_account_record(s, RAINFOREST_OP_DESTROY, NULL, what, ktime_get_ns() - t, err);
		goto out;
	}
	rf_channel_settle(s);
	rf_subos_phase(s, "stop", t);

	mutex_lock(&s->drain);
	rf_console_bury(s);
	rf_watch_remove(s);
	if (s->desc)
		memunmap(s->desc);
	s->desc = NULL;
	mutex_unlock(&s->drain);

	err = rf_subos_release(s);
	if (err)
		rf_msg(extack, "%s is gone, but not all it had is proven free and back: see the quarantine, then 'rfm recover'",
		       s->name);
	rf_subos_drop_files(s);
	rf_tee_finish(s, jiffies + msecs_to_jiffies(RF_TEE_MS));
	rf_subos_remove(s);
	rf_account_record(s, RAINFOREST_OP_DESTROY, NULL, what, ktime_get_ns() - t, err);
	rf_netlink_notify(s, RAINFOREST_EVENT_DESTROYED);
	mutex_unlock(&s->lock);
	rf_subos_put(s);	/* the list's */
	return err;
out:
	mutex_unlock(&s->lock);
	return err;
}

/* The next subOS behind id, if it lives or any, with a reference */
static struct rf_subos *rf_next(u32 id, bool alive)
{
	struct rf_subos *s;

	guard(mutex)(&rf_list_lock);
	list_for_each_entry(s, &rf_subos_list, node) {
		if (s->id > id && (!alive || rf_state_alive(s->state))) {
			kref_get(&s->ref);
			return s;
		}
	}
	return NULL;
}

/* All are asked at once, and stopped by force when 10 s have passed */
static void rf_stop_all(struct work_struct *work)
{
	ktime_t end = ktime_add_ms(ktime_get(), RF_REBOOT_MS);
	unsigned long late;
	struct rf_subos *s;
	u32 id;

	rf_policy_stop();
	for (id = 0; (s = rf_next(id, true)); rf_subos_put(s)) {
		id = s->id;
		mutex_lock(&s->drain);
		if (s->desc && rf_state_alive(s->state)) {
			WRITE_ONCE(s->desc->stop, RF_STOP_REQUEST);
			rf_ring(s->res.cpus[0].apicid);
		}
		mutex_unlock(&s->drain);
	}
	for (id = 0; (s = rf_next(id, true)); rf_subos_put(s)) {
		s64 left = ktime_ms_delta(end, ktime_get());

		id = s->id;
		if (rf_subos_stop(s, max_t(s64, left, 1), true, false, NULL))
			pr_err("%s is not proven stopped\n", s->name);
	}
	/* their last words; a slow serial line does not hold the reboot */
	late = jiffies + msecs_to_jiffies(RF_TEE_REBOOT_MS);
	for (id = 0; (s = rf_next(id, false)); rf_subos_put(s)) {
		id = s->id;
		rf_tee_finish(s, late);
	}
	complete(&rf_all_stopped);
}

/**
 * rf_subos_stop_all - before the machine reboots: stop all subOSes in order
 *
 * By force after RF_REBOOT_MS; and when somebody holds what is needed for that,
 * an operation that hangs for example, it is given up after RF_REBOOT_MAX_MS: the
 * operator wants his machine back. The reset then ends them.
 *
 * Context: process, may sleep.
 */
void rf_subos_stop_all(void)
{
	static DECLARE_WORK(work, rf_stop_all);

	reinit_completion(&rf_all_stopped);
	queue_work(system_unbound_wq, &work);
	if (!wait_for_completion_timeout(&rf_all_stopped, msecs_to_jiffies(RF_REBOOT_MAX_MS)))
		pr_err("after %d s not all subOSes are stopped, something hangs: they end with the machine\n",
		       RF_REBOOT_MAX_MS / 1000);
}
