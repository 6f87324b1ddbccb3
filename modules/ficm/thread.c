// SPDX-License-Identifier: GPL-2.0
/* The two real-time threads: read calls services that sleep, write sends what was posted */
#define pr_fmt(fmt) "ficm: " fmt

#include <linux/export.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <uapi/linux/sched/types.h>

#include "internal.h"

#define RF_LATE_MS	100	/* between two looks at what may be late */
#define RF_POLL_LOOKS	32	/* at the rings between two at the clock */

static unsigned int rf_priority = 50;
module_param_named(priority, rf_priority, uint, 0444);
MODULE_PARM_DESC(priority, "SCHED_FIFO priority of the two threads, 1 to 98 (default 50)");

unsigned int rf_poll_us;
module_param_named(poll_us, rf_poll_us, uint, 0444);
MODULE_PARM_DESC(poll_us, "microseconds to poll on after a message before asking for doorbells (default 0)");

static struct task_struct *rf_reader, *rf_writer;
static bool rf_read_kicked, rf_write_kicked;
static bool rf_read_left;	/* rings are left to the read thread, without doorbells */

/* Context: any but NMI */
void rf_thread_read(void)
{
	WRITE_ONCE(rf_read_kicked, true);
	wake_up_process(rf_reader);
}

/* As rf_thread_read(), after a ring was left without asking for a doorbell */
void rf_thread_poll(void)
{
	WRITE_ONCE(rf_read_left, true);
	rf_thread_read();
}

void rf_thread_write(void)
{
	WRITE_ONCE(rf_write_kicked, true);
	wake_up_process(rf_writer);
}

/* Sleep until kicked. Return: false when the time is up, or the module goes. */
static bool rf_wait_kick(bool *kicked, long timeout)
{
	for (;;) {
		set_current_state(TASK_IDLE);
		if (xchg(kicked, false)) {
			__set_current_state(TASK_RUNNING);
			return true;
		}
		if (!timeout || kthread_should_stop()) {
			__set_current_state(TASK_RUNNING);
			return false;
		}
		timeout = schedule_timeout(timeout);
	}
}

static bool rf_has_work(struct rf_ficm_channel *ch)
{
	return READ_ONCE(ch->work);
}

static bool rf_any(struct rf_ficm_channel *ch)
{
	return true;
}

/*
 * Each channel that has something gets a turn. Who polls leaves its ring, for he
 * comes back; else a doorbell is asked for. Return: true when some want another.
 */
static bool rf_read_round(enum rf_then then)
{
	struct rf_ficm_channel *ch;
	bool more = false;
	u64 last = 0;

	while ((ch = rf_channel_next(last, rf_has_work))) {
		last = ch->serial;
		more |= rf_receive_some(ch, then);
		rf_ficm_put(ch);
		cond_resched();
	}
	return more;
}

/* Look at each ring, and take what is there. Return: was there something? */
static bool rf_poll_look(bool *work)
{
	struct rf_ficm_channel *ch;
	bool found = false;

	guard(rcu)();
	list_for_each_entry_rcu(ch, &rf_channels, node) {
		if (!rf_receive_ready(ch))
			continue;
		*work |= rf_receive(ch, RF_BUDGET, RF_THEN_LINGER);
		found = true;
	}
	return found;
}

/* Poll all until nothing came for rf_poll_us, then ask for doorbells */
static void rf_read_poll(void)
{
	struct rf_ficm_channel *ch;
	u64 end = 0, now;

	while (!kthread_should_stop()) {
		bool work = false, found = false;

		/* the clock costs more than a look */
		for (int i = 0; i < RF_POLL_LOOKS && !found; i++) {
			found = rf_poll_look(&work);
			if (!found)
				cpu_relax();
		}
		if (work)
			rf_read_round(RF_THEN_LEAVE);
		cond_resched();
		if (found) {
			end = 0;
			continue;
		}
		now = ktime_get_ns();
		if (!end)
			end = now + READ_ONCE(rf_poll_us) * (u64)NSEC_PER_USEC;
		else if (now >= end)
			break;
	}

	for (u64 last = 0; (ch = rf_channel_next(last, rf_any)); rf_ficm_put(ch)) {
		last = ch->serial;
		rf_receive(ch, RF_BUDGET, RF_THEN_SLEEP);
		rf_send_room(ch);
	}
}

/* Once a second: has a message lain there, or room, that no doorbell told of? */
static bool rf_read_late(void)
{
	struct rf_ficm_channel *ch;
	bool again = false;

	for (u64 last = 0; (ch = rf_channel_next(last, rf_any)); rf_ficm_put(ch)) {
		last = ch->serial;
		again |= rf_receive_late(ch);
		again |= rf_send_late(ch);
	}
	return again;
}

static int rf_read(void *unused)
{
	long timeout = HZ;

	while (!kthread_should_stop()) {
		if (!rf_wait_kick(&rf_read_kicked, timeout)) {
			timeout = rf_read_late() ? msecs_to_jiffies(RF_LATE_MS) : HZ;
			continue;
		}
		if (xchg(&rf_read_left, false))
			rf_read_poll();
		while (rf_read_round(RF_THEN_SLEEP) && !kthread_should_stop())
			;
	}
	return 0;
}

static bool rf_has_posted(struct rf_ficm_channel *ch)
{
	return rf_queue_used(&ch->outbox);
}

static int rf_write(void *unused)
{
	while (!kthread_should_stop()) {
		struct rf_ficm_channel *ch;
		bool more = false;

		rf_wait_kick(&rf_write_kicked, MAX_SCHEDULE_TIMEOUT);
		for (u64 last = 0; (ch = rf_channel_next(last, rf_has_posted)); rf_ficm_put(ch)) {
			last = ch->serial;
			more |= rf_send_posted(ch);
		}
		if (more)
			rf_thread_write();
	}
	return 0;
}

static int rf_thread_priority(struct task_struct *p, unsigned int priority)
{
	struct sched_attr attr = {
		.size		= sizeof(attr),
		.sched_policy	= SCHED_FIFO,
		.sched_priority	= priority,
	};

	return sched_setattr_nocheck(p, &attr);
}

/**
 * rf_ficm_set_priority - set the real-time priority of FICM's two threads
 * @priority: 1 to 98, of SCHED_FIFO
 *
 * Context: process, may sleep. Return: 0, -EINVAL.
 */
int rf_ficm_set_priority(unsigned int priority)
{
	int err;

	if (!priority || priority > 98)
		return -EINVAL;
	err = rf_thread_priority(rf_reader, priority) ?: rf_thread_priority(rf_writer, priority);
	if (!err)
		rf_priority = priority;
	return err;
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_set_priority, RAINFOREST);

/**
 * rf_ficm_priority - the real-time priority of FICM's two threads
 *
 * Return: it, of SCHED_FIFO.
 */
unsigned int rf_ficm_priority(void)
{
	return rf_priority;
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_priority, RAINFOREST);

/**
 * rf_ficm_set_poll - let the read thread poll on after a message
 * @us: how long, microseconds; 0: ask for doorbells at once
 *
 * Context: any.
 */
void rf_ficm_set_poll(unsigned int us)
{
	WRITE_ONCE(rf_poll_us, us);
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_set_poll, RAINFOREST);

/**
 * rf_ficm_poll - how long the read thread polls on after a message
 *
 * Return: microseconds.
 */
unsigned int rf_ficm_poll(void)
{
	return READ_ONCE(rf_poll_us);
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_poll, RAINFOREST);

/* To the communication core. Context: process; @cpu stays online. */
void rf_thread_move(unsigned int cpu)
{
	set_cpus_allowed_ptr(rf_reader, cpumask_of(cpu));
	set_cpus_allowed_ptr(rf_writer, cpumask_of(cpu));
}

int rf_thread_init(void)
{
	if (!rf_priority || rf_priority > 98) {
		pr_err("priority=%u: 1 to 98\n", rf_priority);
		return -EINVAL;
	}
	rf_reader = kthread_create(rf_read, NULL, "rf_ficm_read");
	if (IS_ERR(rf_reader))
		return PTR_ERR(rf_reader);
	rf_writer = kthread_create(rf_write, NULL, "rf_ficm_write");
	if (IS_ERR(rf_writer)) {
		kthread_stop(rf_reader);
		return PTR_ERR(rf_writer);
	}
	rf_thread_priority(rf_reader, rf_priority);
	rf_thread_priority(rf_writer, rf_priority);
	wake_up_process(rf_reader);
	wake_up_process(rf_writer);
	return 0;
}

void rf_thread_exit(void)
{
	kthread_stop(rf_writer);
	kthread_stop(rf_reader);
}
