// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks that lost their last CPU to a grant. Linux lets them run anywhere then;
 * they get their affinity back when a CPU of it is the supervisor's again,
 * whoever had it meanwhile.
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/cpumask.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "rfcontroller.h"

struct rf_pinned {
	struct list_head node;
	u64 op;			/* that took the CPU: rf_report.pinned */
	struct pid *pid;
	cpumask_t mask;		/* what it was pinned to */
};

static LIST_HEAD(rf_pinned_list);
static DEFINE_MUTEX(rf_pinned_lock);	/* the list; nothing is taken under it */
static u64 rf_pinned_op;

static void rf_pinned_drop(struct rf_pinned *pin)
{
	list_del(&pin->node);
	put_pid(pin->pid);
	kfree(pin);
}

/**
 * rf_pinned_record - remember those tasks that CPUs about to go are the last home of
 * @res: its CPUs are about to go
 * @report: gets a number, for rf_pinned_line()
 */
void rf_pinned_record(const struct rf_resources *res, struct rf_report *report)
{
	struct task_struct *g, *p;
	cpumask_t taken, left;

	cpumask_clear(&taken);
	for (unsigned int i = 0; i < res->nr_cpus; i++)
		cpumask_set_cpu(res->cpus[i].cpu, &taken);
	/* A CPU that is offline already is no home either */
	cpumask_andnot(&left, cpu_online_mask, &taken);

	guard(mutex)(&rf_pinned_lock);
	report->pinned = ++rf_pinned_op;
	rcu_read_lock();
	for_each_process_thread(g, p) {
		struct rf_pinned *pin;

		if ((p->flags & (PF_KTHREAD | PF_NO_SETAFFINITY | PF_EXITING)) ||
		    cpumask_intersects(p->cpus_ptr, &left))
			continue;
		pin = kzalloc(sizeof(*pin), GFP_ATOMIC);
		if (!pin)
			break;
		pin->op = rf_pinned_op;
		pin->pid = get_task_pid(p, PIDTYPE_PID);
		cpumask_copy(&pin->mask, p->cpus_ptr);
		list_add_tail(&pin->node, &rf_pinned_list);
	}
	rcu_read_unlock();
}

/**
 * rf_pinned_come_home - CPUs came back: those tasks that have a home again get it
 *
 * Only those that still have the affinity that Linux gave them when it took
 * their last CPU, which is all CPUs. Who has ended is forgotten.
 */
void rf_pinned_come_home(void)
{
	struct rf_pinned *pin, *tmp;

	guard(mutex)(&rf_pinned_lock);
	list_for_each_entry_safe(pin, tmp, &rf_pinned_list, node) {
		struct task_struct *p = get_pid_task(pin->pid, PIDTYPE_PID);

		if (p && !cpumask_intersects(&pin->mask, cpu_online_mask)) {
			put_task_struct(p);
			continue;
		}
		if (p && cpumask_subset(cpu_possible_mask, p->cpus_ptr) &&
		    set_cpus_allowed_ptr(p, &pin->mask))
			pr_warn("task %d (%s) can't have its affinity %*pbl back\n",
				p->pid, p->comm, cpumask_pr_args(&pin->mask));
		if (p)
			put_task_struct(p);
		rf_pinned_drop(pin);
	}
}

/**
 * rf_pinned_line - a task that an operation took the last CPU of, in words
 * @op: rf_report.pinned
 * @nr: which of them, from 0; some may have got it back meanwhile
 *
 * Return: false: there are no more.
 */
bool rf_pinned_line(u64 op, unsigned int nr, char *line, size_t len)
{
	struct rf_pinned *pin;

	guard(mutex)(&rf_pinned_lock);
	list_for_each_entry(pin, &rf_pinned_list, node) {
		struct task_struct *p;

		if (pin->op != op || nr--)
			continue;
		p = get_pid_task(pin->pid, PIDTYPE_PID);
		scnprintf(line, len, "%d %s %*pbl", p ? p->pid : 0, p ? p->comm : "(ended)",
			  cpumask_pr_args(&pin->mask));
		if (p)
			put_task_struct(p);
		return true;
	}
	return false;
}

/* The module goes: all CPUs are back */
void rf_pinned_exit(void)
{
	struct rf_pinned *pin, *tmp;

	rf_pinned_come_home();
	list_for_each_entry_safe(pin, tmp, &rf_pinned_list, node)
		rf_pinned_drop(pin);
}
