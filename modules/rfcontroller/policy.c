// SPDX-License-Identifier: GPL-2.0
/*
 * What is done with a subOS that has crashed, as its operator wanted at create:
 * nothing; a dump; a new start, after a pause that doubles from one to the next and
 * so many times in a row at most. All of it happens here and needs no daemon; a dump
 * is written by a helper in user space, as core_pattern's is.
 *
 * rf_policy_seen() takes note, rf_policy_work() acts, one step a run, and holds s->lock
 * meanwhile. The operator wins: what he does with the subOS makes us forget the
 * crash, and who waits for s->lock to end it makes a start give up.
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/math64.h>
#include <linux/moduleparam.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/umh.h>

#include "rfcontroller.h"

#define RF_POLICY_MAX_DELAY_MS	60000U
#define RF_POLICY_STEADY_MS	(10 * 60 * 1000)	/* so long a life ends a row */
#define RF_POLICY_BUSY_MS	1000			/* until we look again */
#define RF_DUMP_MS		(10 * 60 * 1000)	/* for the helper */

static unsigned int rf_policy_hang_ms = 5000;
module_param_named(crash_hang_ms, rf_policy_hang_ms, uint, 0644);
MODULE_PARM_DESC(crash_hang_ms,
		 "a subOS that has been unresponsive for so long has crashed (default 5000)");

char rf_dump_helper[256] = "rfm";
module_param_string(dump_helper, rf_dump_helper, sizeof(rf_dump_helper), 0644);
MODULE_PARM_DESC(dump_helper,
		 "is run as root: HELPER dump NAME -o FILE (default rfm, wherever it is)");

char rf_dump_dir[256] = "/var/crash";
module_param_string(dump_dir, rf_dump_dir, sizeof(rf_dump_dir), 0644);
MODULE_PARM_DESC(dump_dir, "where dumps of crashed subOSes go (default /var/crash)");

static struct workqueue_struct *rf_policy_wq;
static bool rf_policy_over;	/* the machine reboots */

static bool rf_policy_restarts(const struct rf_subos *s)
{
	return s->crash.policy.on_crash == RAINFOREST_ON_CRASH_RESTART ||
	       s->crash.policy.on_crash == RAINFOREST_ON_CRASH_DUMP_RESTART;
}

static bool rf_policy_dumps(const struct rf_subos *s)
{
	return s->crash.policy.on_crash == RAINFOREST_ON_CRASH_DUMP ||
	       s->crash.policy.on_crash == RAINFOREST_ON_CRASH_DUMP_RESTART;
}

/* Has it ended in a way that nobody wanted? */
static bool rf_policy_crashed(enum rainforest_state state, enum rainforest_reason reason)
{
	switch (state) {
	case RAINFOREST_STATE_PANICKED:
	case RAINFOREST_STATE_UNRESPONSIVE:
	case RAINFOREST_STATE_FAILED:
		return true;
	case RAINFOREST_STATE_STOPPED:
		return reason == RAINFOREST_REASON_EMERGENCY;
	default:
		return false;
	}
}

/**
 * rf_policy_restarting - will it be started again, if nobody does anything?
 * @s: the subOS
 */
bool rf_policy_restarting(const struct rf_subos *s)
{
	return READ_ONCE(s->crash.stage) != RF_POLICY_NONE && rf_policy_restarts(s);
}

/*
 * The next restart, if there is to be one. @c: the tries are counted. @lived_ms: how
 * long the last life was. @delay_ms: out, the pause before it. Return: false: enough.
 */
static bool rf_policy_plan(struct rf_policy_state *c, u64 lived_ms, u32 *delay_ms)
{
	u64 delay;

	if (lived_ms >= RF_POLICY_STEADY_MS)
		c->tries = 0;
	if (c->policy.limit && c->tries >= c->policy.limit)
		return false;
	delay = (u64)c->policy.delay_ms << min(c->tries, 16U);
	*delay_ms = min_t(u64, delay, max(c->policy.delay_ms, RF_POLICY_MAX_DELAY_MS));
	c->tries++;
	return true;
}

/* The work holds a reference from here to its end */
static void rf_policy_queue(struct rf_subos *s, unsigned int ms)
{
	kref_get(&s->ref);
	if (mod_delayed_work(rf_policy_wq, &s->crash.work, msecs_to_jiffies(ms)))
		rf_subos_put(s);
}

static void rf_policy_stage(struct rf_subos *s, enum rf_policy_stage stage)
{
	mutex_lock(&s->drain);
	WRITE_ONCE(s->crash.stage, stage);
	mutex_unlock(&s->drain);
}

/**
 * rf_policy_seen - a subOS is in another state now
 * @s: the subOS
 * @state: it
 * @reason: why
 *
 * Context: process; s->drain held if it is the state of a crash.
 */
void rf_policy_seen(struct rf_subos *s, enum rainforest_state state,
		    enum rainforest_reason reason)
{
	struct rf_policy_state *c = &s->crash;

	/* a hang that was none */
	if (state == RAINFOREST_STATE_RUNNING && c->stage == RF_POLICY_SEEN)
		WRITE_ONCE(c->stage, RF_POLICY_NONE);
	if (c->policy.on_crash == RAINFOREST_ON_CRASH_STOP || !rf_policy_crashed(state, reason) ||
	    READ_ONCE(c->unwanted) || c->stage > RF_POLICY_SEEN)
		return;
	lockdep_assert_held(&s->drain);
	c->at = jiffies;
	WRITE_ONCE(c->stage, RF_POLICY_SEEN);
	rf_policy_queue(s, state == RAINFOREST_STATE_UNRESPONSIVE ? rf_policy_hang_ms : 0);
}

/**
 * rf_policy_forget - the operator does something himself
 * @s: the subOS
 *
 * Context: process; s->lock held, s->drain not.
 */
void rf_policy_forget(struct rf_subos *s)
{
	lockdep_assert_held(&s->lock);
	rf_policy_stage(s, RF_POLICY_NONE);
	/* if it runs already it waits for s->lock, and will find nothing to do */
	if (cancel_delayed_work(&s->crash.work))
		rf_subos_put(s);
}

/* ---- a dump ---- */

/* As echo(1) wrote it, without the end of the line; to kfree(), or NULL */
static char *rf_policy_word(const char *param)
{
	char *word;

	kernel_param_lock(THIS_MODULE);
	word = kstrndup(param, strcspn(param, "\n"), GFP_KERNEL);
	kernel_param_unlock(THIS_MODULE);
	return word;
}

static int rf_policy_help(struct rf_subos *s, char *helper, char *file)
{
	char *argv[7] = { "/usr/bin/env", helper, "dump", s->name, "-o", file, NULL };
	char *envp[3] = {
		"HOME=/", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL
	};
	int err;

	if (!helper || !file)
		return -ENOMEM;
	if (!helper[0])
		return -ENOENT;	/* to the kernel nothing is a helper, too */
	/* one that is a path needs nobody to look for it */
	err = strchr(helper, '/') ? call_usermodehelper(helper, argv + 1, envp, UMH_WAIT_PROC) :
				    call_usermodehelper(argv[0], argv, envp, UMH_WAIT_PROC);
	if (err)
		pr_err("%s: no dump: %s ended with %d\n", s->name, helper,
		       err > 0 ? err >> 8 : err);
	return err > 0 ? -EIO : err;
}

static void rf_policy_dump(struct work_struct *work)
{
	struct rf_subos *s = container_of(work, struct rf_subos, crash.dump);
	char *dir = rf_policy_word(rf_dump_dir), *helper = rf_policy_word(rf_dump_helper);
	u64 t = ktime_get_ns();
	char *file = NULL;
	int err;

	if (dir)
		file = kasprintf(GFP_KERNEL, "%s/%s-%llu-%llu.vmcore", dir, s->name,
				 s->crash.generation, (u64)ktime_get_real_seconds());
	err = rf_policy_help(s, helper, file);
	rf_account_record(s, RAINFOREST_OP_DUMP, "crash", file, ktime_get_ns() - t, err);
	kfree(file);
	kfree(helper);
	kfree(dir);

	mutex_lock(&s->lock);
	if (!s->dead && s->crash.stage == RF_POLICY_DUMPING &&
	    s->crash.generation == s->generation)
		rf_policy_queue(s, 0);
	mutex_unlock(&s->lock);
	rf_subos_put(s);
}

/* Return: false: one is still being written */
static bool rf_policy_dump_begins(struct rf_subos *s)
{
	kref_get(&s->ref);
	s->crash.generation = s->generation;
	if (queue_work(rf_policy_wq, &s->crash.dump))
		return true;
	rf_subos_put(s);
	return false;
}

/* ---- a new start ---- */

/* @err: for the history; @why: NULL: what it said last of itself */
static void rf_policy_gives_up(struct rf_subos *s, int err, const char *why)
{
	enum rainforest_op op = rf_policy_restarts(s) ? RAINFOREST_OP_START : RAINFOREST_OP_DUMP;
	char *text;

	why = why ?: s->message;
	text = kasprintf(GFP_KERNEL, "gave up after %u restart%s%s%s", s->crash.tries,
			 s->crash.tries == 1 ? "" : "s", why[0] ? ": " : "", why);

	pr_err("%s: %s\n", s->name, text ?: "gave up");
	mutex_lock(&s->drain);
	if (text)
		strscpy(s->message, text, sizeof(s->message));
	WRITE_ONCE(s->crash.stage, RF_POLICY_NONE);
	mutex_unlock(&s->drain);
	rf_account_record(s, op, "crash", text, 0, err);
	kfree(text);
	wake_up_all(&s->wait);
	rf_netlink_notify(s, RAINFOREST_EVENT_STATE);
}

static void rf_policy_plan_next(struct rf_subos *s)
{
	u64 lived_ms = div_u64((u64)(s->crash.at - s->boot_jiffies) * MSEC_PER_SEC, HZ);
	u32 delay;

	if (!rf_policy_plan(&s->crash, lived_ms, &delay)) {
		rf_policy_gives_up(s, -EHOSTDOWN, NULL);
		return;
	}
	rf_policy_stage(s, RF_POLICY_WAITING);
	rf_policy_queue(s, delay);
}

static void rf_policy_start(struct rf_subos *s)
{
	struct netlink_ext_ack extack = { };
	char what[48];
	int err;

	scnprintf(what, sizeof(what), s->crash.policy.limit ? "restart %u of %u" : "restart %u",
		  s->crash.tries, s->crash.policy.limit);
	/* a start that fails is seen as a crash of its own */
	rf_policy_stage(s, RF_POLICY_NONE);
	err = rf_start_locked(s, 0, "crash", what, &extack);
	if (!err) {
		s->crash.restarts++;
		return;
	}
	pr_err("%s: %s: error %d%s%s\n", s->name, what, -err, extack._msg ? ": " : "",
	       extack._msg ?: "");
	if (s->crash.stage != RF_POLICY_NONE || READ_ONCE(s->crash.unwanted))
		return;
	if (err == -EBUSY) {
		/* somebody still reads its memory: no try */
		rf_policy_stage(s, RF_POLICY_WAITING);
		rf_policy_queue(s, RF_POLICY_BUSY_MS);
	} else if (err == -EUCLEAN) {
		/* only destroy can help */
		rf_policy_gives_up(s, err, extack._msg);
	} else if (err != -EINTR) {
		s->crash.at = jiffies;
		rf_policy_plan_next(s);
	}
}

/*
 * Nothing of it may run when its memory is read or written. Of one that hangs INIT
 * would take the registers: before a dump its CPUs are asked to save them, those that
 * hear. By no NMI: where there is no interrupt table any more it resets the machine.
 */
static int rf_policy_halt(struct rf_subos *s)
{
	enum rainforest_reason reason = s->reason;

	if (rf_policy_dumps(s) && s->state == RAINFOREST_STATE_UNRESPONSIVE)
		rf_freeze_locked(s, RF_FREEZE_MS, false, true, NULL);
	return rf_halt_locked(s, RAINFOREST_STATE_FAILED, reason);
}

static void rf_policy_act(struct rf_subos *s)
{
	struct rf_policy_state *c = &s->crash;

	switch (c->stage) {
	case RF_POLICY_NONE:
		return;
	case RF_POLICY_SEEN:
		rf_policy_stage(s, RF_POLICY_DUMPING);
		if (rf_policy_halt(s)) {
			rf_policy_gives_up(s, -EUCLEAN,
					   "a CPU is not proven out of it: destroy it");
			return;
		}
		if (rf_policy_dumps(s) && rf_policy_dump_begins(s)) {
			rf_policy_queue(s, RF_DUMP_MS);
			return;
		}
		break;
	case RF_POLICY_DUMPING:
		/* it is written, or takes too long */
		break;
	case RF_POLICY_WAITING:
		rf_policy_start(s);
		return;
	}
	if (rf_policy_restarts(s))
		rf_policy_plan_next(s);
	else
		rf_policy_stage(s, RF_POLICY_NONE);
}

static void rf_policy_work(struct work_struct *work)
{
	struct rf_subos *s = container_of(to_delayed_work(work), struct rf_subos, crash.work);

	mutex_lock(&s->lock);
	if (s->dead || s->crash.unwanted || READ_ONCE(rf_policy_over) ||
	    !rf_policy_crashed(s->state, s->reason))
		rf_policy_stage(s, RF_POLICY_NONE);
	else
		rf_policy_act(s);
	mutex_unlock(&s->lock);
	rf_subos_put(s);
}

void rf_policy_setup(struct rf_subos *s)
{
	INIT_DELAYED_WORK(&s->crash.work, rf_policy_work);
	INIT_WORK(&s->crash.dump, rf_policy_dump);
}

/* The machine reboots: from now on nothing is started any more */
void rf_policy_stop(void)
{
	WRITE_ONCE(rf_policy_over, true);
}

int rf_policy_init(void)
{
	/* a step may take long, and those of several subOSes go on side by side */
	rf_policy_wq = alloc_workqueue("rf_policy", WQ_UNBOUND, 0);
	return rf_policy_wq ? 0 : -ENOMEM;
}

/* No subOS is left; a step that waited for its lock may not be at its end yet */
void rf_policy_exit(void)
{
	destroy_workqueue(rf_policy_wq);
}
