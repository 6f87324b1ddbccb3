// SPDX-License-Identifier: GPL-2.0
/* Where and how a kernel takes its doorbells: this one, or a subOS, which is asked */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/netlink.h>

#include <asm/smp.h>

#include "channels.h"

#define RF_TUNE_MS	2000	/* for a subOS to answer */

struct rf_asked {
	struct list_head node;
	struct rf_ficm_channel *ch;	/* who may answer */
	u64 token;
	struct rf_control_tune answer;
	struct completion done;
};

static LIST_HEAD(rf_asked_list);
static DEFINE_MUTEX(rf_asked_lock);	/* the list, and the answers */

/* In FICM's read thread */
void rf_tune_answer(struct rf_ficm_channel *ch, const struct rf_control_tune *answer)
{
	struct rf_asked *a;

	guard(mutex)(&rf_asked_lock);
	list_for_each_entry(a, &rf_asked_list, node) {
		if (a->ch == ch && a->token == answer->token && !completion_done(&a->done)) {
			a->answer = *answer;
			complete(&a->done);
		}
	}
}

static int rf_tune_ask(struct rf_ficm_channel *ch, struct rf_control_tune *t)
{
	static u64 token;
	struct rf_asked a = { .ch = ch };
	long left;
	int err;

	init_completion(&a.done);
	mutex_lock(&rf_asked_lock);
	a.token = ++token;
	t->token = a.token;
	list_add(&a.node, &rf_asked_list);
	mutex_unlock(&rf_asked_lock);
	err = rf_ficm_send_timeout(ch, RF_PORT_CONTROL, RF_CONTROL_TUNE, t, sizeof(*t), RF_TUNE_MS);
	left = err ? 0 : wait_for_completion_killable_timeout(&a.done,
							      msecs_to_jiffies(RF_TUNE_MS));
	mutex_lock(&rf_asked_lock);
	list_del(&a.node);
	mutex_unlock(&rf_asked_lock);
	if (err)
		return err;
	if (left <= 0)
		return left ? -EINTR : -ETIMEDOUT;
	*t = a.answer;
	return clamp(t->error, -MAX_ERRNO, 0);
}

static int rf_tune_subos(struct rf_subos *s, struct rf_tune *t, struct netlink_ext_ack *extack)
{
	struct rf_control_tune c = { .apicid = RF_TUNE_KEEP, .priority = t->priority,
				     .poll_us = t->poll_us };
	struct rf_ficm_channel *ch = rf_channel_get(s);
	unsigned int cpu;
	int err;

	if (!ch) {
		rf_msg(extack, "%s does not run (%s)", s->name, rf_state_names[s->state]);
		return -EHOSTDOWN;
	}
	if (t->cpu != RF_TUNE_KEEP)
		c.apicid = cpu_physical_id(t->cpu);
	err = rf_tune_ask(ch, &c);
	rf_ficm_put(ch);
	switch (err) {
	case 0:
		break;
	case -ENXIO:
	case -ENODEV:
		rf_msg(extack, "CPU %u is not one that %s runs on", t->cpu, s->name);
		return err;
	case -ECONNRESET:
		rf_msg(extack, "%s stopped", s->name);
		return -EHOSTDOWN;
	case -ETIMEDOUT:
		rf_msg(extack, "%s does not answer: does it have ficm.ko?", s->name);
		return err;
	default:
		rf_msg(extack, "%s refused: %pe", s->name, ERR_PTR(err));
		return err;
	}
	t->cpu = RF_TUNE_KEEP;
	for_each_present_cpu(cpu)
		if (cpu_physical_id(cpu) == c.apicid)
			t->cpu = cpu;
	t->priority = c.priority;
	t->poll_us = c.poll_us;
	t->moves = c.moves;
	return 0;
}

/**
 * rf_tune - set a kernel's communication core, its threads' priority, its polling
 * @s: the subOS, or NULL for the supervisor itself
 * @t: in: what to change; out: what is now
 *
 * Context: process, may sleep; up to some seconds for a subOS.
 * Return: 0; with extack -ENXIO (no such CPU), -ENODEV (not online in that
 * kernel), -EINVAL, -EHOSTDOWN (it does not run), -ETIMEDOUT, -EINTR.
 */
int rf_tune(struct rf_subos *s, struct rf_tune *t, struct netlink_ext_ack *extack)
{
	int err = 0;

	/* ranges first: before anything changes */
	if (t->priority != RF_TUNE_KEEP && (!t->priority || t->priority > 98)) {
		rf_msg(extack, "priority %u: 1 to 98, of SCHED_FIFO", t->priority);
		return -EINVAL;
	}
	if (t->poll_us != RF_TUNE_KEEP && t->poll_us > USEC_PER_SEC) {
		rf_msg(extack, "poll for %u us: a second at most", t->poll_us);
		return -EINVAL;
	}
	if (t->cpu != RF_TUNE_KEEP && (t->cpu >= nr_cpu_ids || !cpu_present(t->cpu))) {
		rf_msg(extack, "CPU %u is none of this machine", t->cpu);
		return -ENXIO;
	}
	if (s)
		return rf_tune_subos(s, t, extack);
	if (t->cpu != RF_TUNE_KEEP)
		err = rf_ficm_set_core(t->cpu);
	if (err) {
		rf_msg(extack, "CPU %u is not the supervisor's now", t->cpu);
		return err;
	}
	if (t->priority != RF_TUNE_KEEP)
		err = rf_ficm_set_priority(t->priority);
	if (t->poll_us != RF_TUNE_KEEP)
		rf_ficm_set_poll(t->poll_us);
	t->cpu = rf_ficm_core();
	t->priority = rf_ficm_priority();
	t->poll_us = rf_ficm_poll();
	t->moves = rf_ficm_moves();
	return err;
}
