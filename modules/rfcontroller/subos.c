// SPDX-License-Identifier: GPL-2.0
/* The life of a subOS: create, load, start, stop, kill, destroy, recover */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/delay.h>
#include <linux/file.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/rainforest_core.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include <asm/msr.h>

#include "rfcontroller.h"

/* The locks: see rfcontroller.h */
LIST_HEAD(rf_subos_list);
DEFINE_MUTEX(rf_list_lock);	/* the lists */
DEFINE_MUTEX(rf_grant_lock);	/* choosing and taking */
LIST_HEAD(rf_quarantine_list);
static u32 rf_next_id = 1;
static DEFINE_MUTEX(rf_recover_lock);

#define RF_START_MS	10000	/* for the first sign of life */
#define RF_STALE_MS	2500	/* without a heartbeat: unresponsive */
#define RF_BOOT_MS	120000	/* from the start to PID 1 */
#define RF_REBOOT_MS	10000	/* for all to stop before the machine reboots */

void rf_warn(struct rf_report *report, const char *fmt, ...)
{
	va_list args;

	if (!report || report->nr_warnings == RF_MAX_WARNINGS)
		return;
	va_start(args, fmt);
	vscnprintf(report->warning[report->nr_warnings++], sizeof(report->warning[0]), fmt, args);
	va_end(args);
}

/*
 * Say why a request is refused. extack has room for 79 characters, which is too
 * few to name what is wrong and what would be right; so the text stands here,
 * until 64 more requests were refused: long after it was sent.
 */
void rf_msg(struct netlink_ext_ack *extack, const char *fmt, ...)
{
	static char texts[64][256];
	static atomic_t next;
	char *text;
	va_list args;

	if (!extack)
		return;
	text = texts[(unsigned int)atomic_inc_return(&next) % ARRAY_SIZE(texts)];
	va_start(args, fmt);
	vscnprintf(text, sizeof(texts[0]), fmt, args);
	va_end(args);
	extack->_msg = text;
}

/* ---- finding, holding ---- */

static void rf_drop_files(struct rf_subos *s)
{
	while (s->nr_initrds)
		fput(s->initrd[--s->nr_initrds]);
	if (s->kernel)
		fput(s->kernel);
	s->kernel = NULL;
}

static void rf_subos_free(struct kref *ref)
{
	struct rf_subos *s = container_of(ref, struct rf_subos, ref);

	rf_drop_files(s);
	kfree(s->cmdline);
	rf_console_free(s);
	rf_subos_free_resources(&s->res);
	kfree(s);
}

void rf_subos_put(struct rf_subos *s)
{
	kref_put(&s->ref, rf_subos_free);
}

/* Take a reference to the subOS of that name, or NULL */
struct rf_subos *rf_subos_find(const char *name)
{
	struct rf_subos *s;

	guard(mutex)(&rf_list_lock);
	list_for_each_entry(s, &rf_subos_list, node) {
		if (!strcmp(s->name, name)) {
			kref_get(&s->ref);
			return s;
		}
	}
	return NULL;
}

void rf_subos_free_resources(struct rf_resources *res)
{
	rf_pinned_restore(&res->pinned);
	kfree(res->cpus);
	kfree(res->blocks);
	res->cpus = NULL;
	res->blocks = NULL;
	res->nr_cpus = 0;
	res->nr_blocks = 0;
}

bool rf_anything_granted(void)
{
	bool any;

	mutex_lock(&rf_list_lock);
	any = !list_empty(&rf_subos_list) || !list_empty(&rf_quarantine_list);
	mutex_unlock(&rf_list_lock);
	return any;
}

/* ---- state ---- */

bool rf_state_alive(enum rainforest_state state)
{
	return state == RAINFOREST_STATE_BOOTING || state == RAINFOREST_STATE_RUNNING ||
	       state == RAINFOREST_STATE_STOPPING || state == RAINFOREST_STATE_UNRESPONSIVE;
}

static const char * const rf_state_names[] = {
	"defined", "reserved", "loaded", "booting", "running", "stopping", "stopped",
	"panicked", "unresponsive", "failed",
};

/* Return: true when it was another state before; then everyone is told */
bool rf_subos_set_state(struct rf_subos *s, enum rainforest_state state,
			enum rainforest_reason reason)
{
	enum rainforest_state old;

	spin_lock(&s->state_lock);
	old = s->state;
	s->state = state;
	s->reason = reason;
	spin_unlock(&s->state_lock);
	if (old == state)
		return false;

	pr_info("%s: %s -> %s%s%s\n", s->name, rf_state_names[old], rf_state_names[state],
		s->message[0] ? ": " : "", s->message);
	rf_ledger_update();
	wake_up_all(&s->wait);
	rf_netlink_notify(s, RAINFOREST_EVENT_STATE);
	return true;
}

static void rf_subos_phase_ns(struct rf_subos *s, const char *name, u64 ns)
{
	if (s->nr_phases < ARRAY_SIZE(s->phases))
		s->phases[s->nr_phases++] = (struct rf_phase) { name, ns };
}

/* How long a phase took that began at t0 */
static void rf_subos_phase(struct rf_subos *s, const char *name, u64 t0)
{
	rf_subos_phase_ns(s, name, ktime_get_ns() - t0);
}

/* What the subOS says of itself. Called for living ones only. */
static void rf_watch_state(struct rf_subos *s)
{
	u32 word = smp_load_acquire(&s->desc->state);
	enum rainforest_reason reason;

	if (READ_ONCE(s->desc->exited) && !s->exited) {
		s->exit_status = READ_ONCE(s->desc->exit_status) & 0xff;
		s->exited = true;
	}
	if (s->state == RAINFOREST_STATE_BOOTING && word < RF_BOOT_USER &&
	    time_after(jiffies, s->boot_jiffies + msecs_to_jiffies(RF_BOOT_MS)))
		rf_subos_set_state(s, RAINFOREST_STATE_UNRESPONSIVE,
				   RAINFOREST_REASON_BOOT_TIMEOUT);

	switch (word) {
	case RF_BOOT_USER:
		if (s->state == RAINFOREST_STATE_BOOTING ||
		    (s->state == RAINFOREST_STATE_UNRESPONSIVE &&
		     s->reason == RAINFOREST_REASON_BOOT_TIMEOUT))
			rf_subos_set_state(s, RAINFOREST_STATE_RUNNING, RAINFOREST_REASON_NONE);
		break;
	case RF_BOOT_STOPPED:
		reason = READ_ONCE(s->desc->reason);
		rf_console_drain(s, true);
		rf_subos_set_state(s, RAINFOREST_STATE_STOPPED,
				   reason <= RAINFOREST_REASON_EMERGENCY ? reason :
				   RAINFOREST_REASON_NONE);
		break;
	case RF_BOOT_PANICKED:
	case RF_BOOT_REFUSED:
		memcpy(s->message, s->desc->message, sizeof(s->message) - 1);
		for (char *p = s->message; *p; p++)
			if (*p < ' ' || *p > '~')
				*p = *p == '\n' ? 0 : '?';
		rf_console_drain(s, true);
		rf_subos_set_state(s, word == RF_BOOT_PANICKED ? RAINFOREST_STATE_PANICKED :
				   RAINFOREST_STATE_FAILED,
				   word == RF_BOOT_PANICKED ? RAINFOREST_REASON_PANIC :
				   RAINFOREST_REASON_REFUSED);
		break;
	}
}

/* A CPU that started beating and then stopped to is hung */
static void rf_watch_beats(struct rf_subos *s)
{
	bool all = true;

	for (unsigned int i = 0; i < s->res.nr_cpus; i++) {
		u64 beat = READ_ONCE(s->desc->cpu[i].beat);

		if (beat && beat == s->beats[i])
			all = false;
	}
	if (all || time_after(jiffies, s->beat_jiffies + msecs_to_jiffies(RF_STALE_MS))) {
		for (unsigned int i = 0; i < s->res.nr_cpus; i++)
			s->beats[i] = READ_ONCE(s->desc->cpu[i].beat);
		s->beat_jiffies = jiffies;
		if (!all && (s->state == RAINFOREST_STATE_RUNNING ||
			     s->state == RAINFOREST_STATE_STOPPING))
			rf_subos_set_state(s, RAINFOREST_STATE_UNRESPONSIVE,
					   RAINFOREST_REASON_HEARTBEAT);
		else if (all && s->state == RAINFOREST_STATE_UNRESPONSIVE &&
			 s->reason == RAINFOREST_REASON_HEARTBEAT)
			rf_subos_set_state(s, RAINFOREST_STATE_RUNNING, RAINFOREST_REASON_NONE);
	}
}

/**
 * rf_subos_watch - take in what a subOS has written: bytes, state, heartbeats
 *
 * Context: process, from the watcher, s->drain not held.
 */
void rf_subos_watch(struct rf_subos *s)
{
	mutex_lock(&s->drain);
	if (s->desc && rf_state_alive(s->state)) {
		rf_console_drain(s, false);
		rf_watch_state(s);
		if (rf_state_alive(s->state))
			rf_watch_beats(s);
	}
	mutex_unlock(&s->drain);
}

/* ---- create ---- */

static int rf_name_check(const char *name, struct netlink_ext_ack *extack)
{
	const char *p = name;

	if (isalnum(*p))
		while (isalnum(*p) || *p == '-' || *p == '_' || *p == '.')
			p++;
	if (*p || p == name) {
		rf_msg(extack, "bad name: a letter or digit, then letters, digits, '-', '_' and '.', 63 at most");
		return -EINVAL;
	}
	return 0;
}

/* Where a grant begins: in the ledger from the first CPU on */
static int rf_subos_insert(struct rf_subos *s, struct netlink_ext_ack *extack)
{
	struct rf_subos *other;

	guard(mutex)(&rf_list_lock);
	list_for_each_entry(other, &rf_subos_list, node) {
		if (!strcmp(other->name, s->name)) {
			rf_msg(extack, "%s exists already", s->name);
			return -EEXIST;
		}
	}
	s->id = rf_next_id++;
	/* A removal that has begun waits for us, and then frees all */
	if (!try_module_get(THIS_MODULE)) {
		rf_msg(extack, "rfcontroller is being removed");
		return -ENODEV;
	}
	list_add_tail(&s->node, &rf_subos_list);
	return 0;
}

static void rf_subos_remove(struct rf_subos *s)
{
	mutex_lock(&rf_list_lock);
	list_del(&s->node);
	s->dead = true;
	mutex_unlock(&rf_list_lock);
	rf_ledger_update();
	wake_up_all(&s->wait);
	module_put(THIS_MODULE);
}

static struct rf_subos *rf_subos_alloc(const char *name)
{
	struct rf_subos *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	kref_init(&s->ref);
	mutex_init(&s->lock);
	mutex_init(&s->drain);
	spin_lock_init(&s->state_lock);
	init_waitqueue_head(&s->wait);
	INIT_LIST_HEAD(&s->res.pinned);
	strscpy(s->name, name, sizeof(s->name));
	s->created_ns = ktime_get_real_ns();
	if (rf_console_setup(s)) {
		rf_console_free(s);
		kfree(s);
		return NULL;
	}
	return s;
}

static void rf_quarantine(struct rf_resources *res, const char *owner, u32 id, const char *why)
{
	struct rf_quarantine *q;

	if (!res->nr_cpus && !res->nr_blocks)
		return;
	/* What is at stake is worth waiting for a few hundred bytes */
	q = kzalloc(sizeof(*q), GFP_KERNEL | __GFP_NOFAIL);
	strscpy(q->owner, owner, sizeof(q->owner));
	q->owner_id = id;
	strscpy(q->why, why, sizeof(q->why));
	for (unsigned int i = 0; i < res->nr_cpus; i++)
		res->cpus[i].status = RF_LEDGER_QUARANTINED;
	for (unsigned int i = 0; i < res->nr_blocks; i++)
		res->blocks[i].status = RF_LEDGER_QUARANTINED;
	__module_get(THIS_MODULE);	/* until all of it is recovered */
	mutex_lock(&rf_list_lock);
	q->res = *res;
	INIT_LIST_HEAD(&q->res.pinned);
	list_splice_init(&res->pinned, &q->res.pinned);
	memset(res, 0, offsetof(struct rf_resources, pinned));
	list_add_tail(&q->node, &rf_quarantine_list);
	mutex_unlock(&rf_list_lock);
	pr_err("%s: %u CPUs and %llu MiB in quarantine: %s\n", owner, q->res.nr_cpus,
	       rf_memory_of(&q->res, NUMA_NO_NODE) >> 20, why);
	rf_ledger_update();
}

/*
 * Give everything back: memory first, so that a CPU that comes back finds it.
 * While one CPU is not proven out nothing goes: neither memory, which it may
 * write, nor its siblings, to which it may send an IPI as if they were its own.
 */
static int rf_release(struct rf_subos *s)
{
	struct rf_resources *res = &s->res;
	bool proven = true;
	u64 t = ktime_get_ns();

	lockdep_assert_held(&s->lock);
	for (unsigned int i = 0; i < res->nr_cpus; i++)
		proven &= res->cpus[i].proven;
	for (unsigned int i = 0; proven && i < res->nr_blocks; i++)
		res->blocks[i].status = RF_LEDGER_RETURNING;
	for (unsigned int i = 0; proven && i < res->nr_cpus; i++)
		if (res->cpus[i].status != RF_LEDGER_TAKING)
			res->cpus[i].status = RF_LEDGER_RETURNING;
	rf_ledger_update();
	res->scrub_ns = 0;
	if (proven)
		rf_memory_return(res);
	rf_subos_phase_ns(s, "return-memory", ktime_get_ns() - t - res->scrub_ns);
	rf_subos_phase_ns(s, "scrub", res->scrub_ns);
	t = ktime_get_ns();
	if (proven)
		rf_cpu_return(res);
	rf_subos_phase_ns(s, "return-cpu", ktime_get_ns() - t);
	if (!res->nr_cpus && !res->nr_blocks) {
		rf_pinned_restore(&res->pinned);
		return 0;
	}
	rf_quarantine(res, s->name, s->id, proven ? "could not be given back" :
		      "a CPU is not proven out of the subOS");
	return -EUCLEAN;
}

/**
 * rf_subos_create - reserve CPUs and memory under a name
 *
 * All or nothing. On success *out is the new subOS with a reference for the
 * caller; with dry_run nothing is changed and *out is not in the list.
 * Return: 0; what rf_cpu_*() and rf_memory_*() return; -EEXIST, -EINVAL.
 */
int rf_subos_create(const struct rf_request *req, struct rf_subos **out,
		    struct rf_report *report, struct netlink_ext_ack *extack)
{
	struct rf_subos *s, *other;
	u64 t;
	int err;

	err = rf_name_check(req->name, extack);
	if (err)
		return err;
	other = rf_subos_find(req->name);
	if (other) {
		rf_msg(extack, "%s exists already", req->name);
		rf_subos_put(other);
		return -EEXIST;
	}
	s = rf_subos_alloc(req->name);
	if (!s)
		return -ENOMEM;

	mutex_lock(&s->lock);		/* nobody knows it yet */
	if (mutex_lock_killable(&rf_grant_lock)) {
		err = -EINTR;
		goto out_lock;
	}
	err = rf_cpu_choose(req, &s->res, report, extack) ?:
	      rf_memory_choose(req, &s->res, report, extack);
	if (err || req->dry_run)
		goto out_unlock;

	err = rf_subos_insert(s, extack);
	if (err)
		goto out_unlock;
	rf_ledger_update();
	t = ktime_get_ns();
	err = rf_memory_take(req, &s->res, extack);
	rf_subos_phase_ns(s, "carve-memory", ktime_get_ns() - t - s->res.scrub_ns);
	rf_subos_phase_ns(s, "scrub", s->res.scrub_ns);
	if (err) {
		/* CPUs were only chosen */
		s->res.nr_cpus = 0;
		goto err_remove;
	}
	rf_ledger_update();
	t = ktime_get_ns();
	err = rf_cpu_take(&s->res, report, extack);
	rf_subos_phase(s, "carve-cpu", t);
	if (err)
		goto err_remove;
	rf_subos_set_state(s, RAINFOREST_STATE_RESERVED, RAINFOREST_REASON_NONE);
	kref_get(&s->ref);	/* the list's, before a destroy can put it */
	mutex_unlock(&rf_grant_lock);
	mutex_unlock(&s->lock);
	rf_netlink_notify(s, RAINFOREST_EVENT_CREATED);
	*out = s;
	return 0;

err_remove:
	/* nothing ran on them yet: whatever is left is proven */
	if (rf_release(s))
		err = -EUCLEAN;
	rf_subos_remove(s);
out_unlock:
	mutex_unlock(&rf_grant_lock);
out_lock:
	mutex_unlock(&s->lock);
	if (err)
		rf_subos_put(s);
	else
		*out = s;
	return err;
}

/* ---- load, start ---- */

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
	if (s->dead)
		goto out;
	if (rf_state_alive(s->state)) {
		rf_msg(extack, "%s is running: stop it first", s->name);
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
		if (fatal_signal_pending(current))
			return -EINTR;
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
 * rf_subos_start - boot a subOS that is loaded, or stopped (then it is loaded again)
 *
 * Return: 0; -EINVAL when nothing is loaded, -EBUSY when it runs, -ETIMEDOUT,
 * -EHOSTDOWN, -EUCLEAN, and rf_image_check()'s.
 */
int rf_subos_start(struct rf_subos *s, unsigned int timeout_ms, bool dry_run,
		   struct netlink_ext_ack *extack)
{
	u64 t = ktime_get_ns();
	int err;

	mutex_lock(&s->lock);
	err = -ENOENT;
	if (s->dead)
		goto out;
	if (rf_state_alive(s->state)) {
		rf_msg(extack, "%s is running already", s->name);
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
	if (!s->image_fresh) {
		if (rf_cpu_prove_all(&s->res)) {
			rf_msg(extack, "a CPU is not proven out of the subOS: destroy it");
			err = -EUCLEAN;
			goto out;
		}
		s->nr_phases = 0;
		err = rf_image_load(s, extack);
		if (err)
			goto out;
	}
	mutex_lock(&s->drain);
	if (s->desc && s->generation)
		rf_console_drain(s, true);	/* the last words of its last life */
	s->message[0] = 0;
	s->exited = false;
	s->beat_jiffies = jiffies;
	s->boot_jiffies = jiffies;
	memset(s->beats, 0, sizeof(s->beats));
	rf_subos_set_state(s, RAINFOREST_STATE_BOOTING, RAINFOREST_REASON_NONE);
	err = rf_boot_start(s, extack);
	mutex_unlock(&s->drain);
	if (!err)
		err = rf_wait_entered(s, timeout_ms ?: RF_START_MS, extack);
	if (err) {
		rf_cpu_prove_all(&s->res);
		mutex_lock(&s->drain);
		rf_console_drain(s, true);	/* why it failed may stand there */
		rf_subos_set_state(s, RAINFOREST_STATE_FAILED,
				   err == -EHOSTDOWN ? RAINFOREST_REASON_REFUSED :
				   RAINFOREST_REASON_BOOT_TIMEOUT);
		mutex_unlock(&s->drain);
	}
	rf_subos_phase(s, "start", t);
	rf_watch_kick();
out:
	mutex_unlock(&s->lock);
	return err;
}

/* ---- stop, kill, destroy ---- */

/* By INIT, whatever it does. Return: 0 when all its CPUs are proven out. */
static int rf_halt_now(struct rf_subos *s)
{
	int unproven;

	if (s->desc)
		WRITE_ONCE(s->desc->stop, RF_STOP_FORCE);
	unproven = rf_cpu_prove_all(&s->res);
	mutex_lock(&s->drain);
	if (s->desc && rf_state_alive(s->state)) {
		rf_console_drain(s, true);
		rf_watch_state(s);
	}
	if (rf_state_alive(s->state))
		rf_subos_set_state(s, RAINFOREST_STATE_STOPPED, RAINFOREST_REASON_KILLED);
	mutex_unlock(&s->drain);
	return unproven ? -EUCLEAN : 0;
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
	int err = timeout_ms || !force ? rf_ask(s, timeout_ms) : -ETIMEDOUT;

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
	int err = -ENOENT;

	if (mutex_lock_killable(&s->lock))
		return -EINTR;
	if (s->dead)
		goto out;
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
	u64 t;

	mutex_lock(&s->lock);
	if (s->dead || dry_run) {
		err = s->dead ? -ENOENT : 0;
		goto out;
	}
	s->nr_phases = 0;
	t = ktime_get_ns();
	if (rf_state_alive(s->state))
		err = rf_stop_locked(s, timeout_ms, force, extack);
	else
		err = rf_cpu_prove_all(&s->res) ? -EUCLEAN : 0;
	if (err && err != -EUCLEAN)
		goto out;
	rf_subos_phase(s, "stop", t);

	mutex_lock(&s->drain);
	rf_console_bury(s);
	if (s->desc)
		memunmap(s->desc);
	s->desc = NULL;
	mutex_unlock(&s->drain);

	err = rf_release(s);
	if (err)
		rf_msg(extack, "%s is gone, but not all it had is proven free and back: see the quarantine, then 'rfm recover'",
		       s->name);
	rf_drop_files(s);
	rf_subos_remove(s);
	rf_netlink_notify(s, RAINFOREST_EVENT_DESTROYED);
	mutex_unlock(&s->lock);
	rf_subos_put(s);	/* the list's */
	return err;
out:
	mutex_unlock(&s->lock);
	return err;
}

/**
 * rf_recover - try again to free what is in quarantine
 * @cpus: out, how many CPUs came back
 * @bytes: out, how much memory came back
 *
 * Return: 0 when nothing is left, -EUCLEAN otherwise.
 */
int rf_recover(u32 *cpus, u64 *bytes, struct netlink_ext_ack *extack)
{
	struct rf_quarantine *q, *tmp;
	int err = 0;

	*cpus = 0;
	*bytes = 0;
	if (mutex_lock_killable(&rf_recover_lock))
		return -EINTR;
	/* new ones are added at the end; only we remove */
	list_for_each_entry_safe(q, tmp, &rf_quarantine_list, node) {
		unsigned int had_cpus = q->res.nr_cpus;
		u64 had = rf_memory_of(&q->res, NUMA_NO_NODE);
		bool proven;

		proven = !rf_cpu_prove_all(&q->res);
		if (proven) {
			rf_memory_return(&q->res);
			rf_cpu_return(&q->res);
		}
		*cpus += had_cpus - q->res.nr_cpus;
		*bytes += had - rf_memory_of(&q->res, NUMA_NO_NODE);
		if (q->res.nr_cpus || q->res.nr_blocks) {
			rf_msg(extack, "not all could be freed: see the quarantine");
			err = -EUCLEAN;
			continue;
		}
		mutex_lock(&rf_list_lock);
		list_del(&q->node);
		mutex_unlock(&rf_list_lock);
		rf_subos_free_resources(&q->res);
		kfree(q);
		module_put(THIS_MODULE);
	}
	mutex_unlock(&rf_recover_lock);
	rf_ledger_update();
	return err;
}

/* The next living subOS behind id, with a reference */
static struct rf_subos *rf_next_alive(u32 id)
{
	struct rf_subos *s;

	guard(mutex)(&rf_list_lock);
	list_for_each_entry(s, &rf_subos_list, node) {
		if (s->id > id && rf_state_alive(s->state)) {
			kref_get(&s->ref);
			return s;
		}
	}
	return NULL;
}

/* At reboot: all are asked at once, and stopped by force when 10 s have passed */
void rf_subos_stop_all(void)
{
	ktime_t end = ktime_add_ms(ktime_get(), RF_REBOOT_MS);
	struct rf_subos *s;
	u32 id;

	for (id = 0; (s = rf_next_alive(id)); rf_subos_put(s)) {
		id = s->id;
		mutex_lock(&s->drain);
		if (s->desc && rf_state_alive(s->state)) {
			WRITE_ONCE(s->desc->stop, RF_STOP_REQUEST);
			rf_ring(s->res.cpus[0].apicid);
		}
		mutex_unlock(&s->drain);
	}
	for (id = 0; (s = rf_next_alive(id)); rf_subos_put(s)) {
		s64 left = ktime_ms_delta(end, ktime_get());

		id = s->id;
		if (rf_subos_stop(s, max_t(s64, left, 1), true, false, NULL))
			pr_err("%s is not proven stopped\n", s->name);
	}
}
