// SPDX-License-Identifier: GPL-2.0
/*
 * Accounts of subOSes: every adjustment, with who asked for it and how long it
 * took, and what was owned over time. Both stay readable after destroy, with
 * the last console.
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/cpumask.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "rfcontroller.h"

/* ---- what was owned over time ---- */

/* Sum up to @now, as whole units and a rest of less than a second's worth */
static void rf_integral_advance(struct rf_integral *i, u64 now)
{
	u64 seconds;
	u32 ns;

	if (now <= i->since)
		return;
	seconds = div_u64_rem(now - i->since, NSEC_PER_SEC, &ns);
	/* at most 2^34 (MiB) times 10^9: the product fits */
	i->rest += i->level * ns;
	i->whole += i->level * seconds + div_u64_rem(i->rest, NSEC_PER_SEC, &ns);
	i->rest = ns;
	i->since = now;
}

static void rf_integral_set(struct rf_integral *i, u64 level, u64 now)
{
	rf_integral_advance(i, now);
	i->level = level;
	i->since = max(i->since, now);
}

/**
 * rf_account_update - what a subOS owns has changed: from now on sum that
 * @s: the subOS
 *
 * Context: process; s->lock held, or @s known to nobody else.
 */
void rf_account_update(struct rf_subos *s)
{
	u64 now = ktime_get_ns();

	guard(mutex)(&s->account.lock);
	rf_integral_set(&s->account.cpu, s->res.nr_cpus, now);
	rf_integral_set(&s->account.mib, rf_memory_of(&s->res, NUMA_NO_NODE) >> 20, now);
}

/**
 * rf_account_read - what a subOS has owned over its life, until now
 * @s: the subOS
 * @cpu: out, whole CPU-seconds and a rest in CPU-nanoseconds
 * @mib: out, whole MiB-seconds and a rest in MiB-nanoseconds
 *
 * Context: process.
 */
void rf_account_read(struct rf_subos *s, struct rf_integral *cpu, struct rf_integral *mib)
{
	u64 now = ktime_get_ns();

	mutex_lock(&s->account.lock);
	*cpu = s->account.cpu;
	*mib = s->account.mib;
	mutex_unlock(&s->account.lock);
	rf_integral_advance(cpu, now);
	rf_integral_advance(mib, now);
}

/* ---- adjustments ---- */

/* Texts go to terminals: a task names itself as it likes */
static void rf_clean(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

/**
 * rf_account_grant_text - what a subOS owns, for people: "CPUs 2-3, 256M@node1"
 * @s: the subOS
 * @buf: takes the text; may be cut
 * @len: of @buf
 *
 * Context: process; s->lock held.
 */
void rf_account_grant_text(struct rf_subos *s, char *buf, size_t len)
{
	cpumask_var_t mask;
	size_t n = 0;
	u64 bytes;
	int node;

	buf[0] = 0;
	if (!zalloc_cpumask_var(&mask, GFP_KERNEL))
		return;
	for (unsigned int i = 0; i < s->res.nr_cpus; i++)
		cpumask_set_cpu(s->res.cpus[i].cpu, mask);
	if (s->res.nr_cpus)
		n = scnprintf(buf, len, "CPUs %*pbl", cpumask_pr_args(mask));
	free_cpumask_var(mask);
	for_each_node(node) {
		bytes = rf_memory_of(&s->res, node);
		if (bytes)
			n += scnprintf(buf + n, len - n, "%s%lluM@node%d", n ? ", " : "",
				       bytes >> 20, node);
	}
}

/*
 * An operator who waits for a stop asks again and again, as the kernel waits
 * no longer than a second in one request: that is one adjustment.
 */
static struct rf_record *rf_account_continued(struct rf_account *a, enum rainforest_op op,
					      const char *cause)
{
	struct rf_record *last;

	if (!a->nr)
		return NULL;
	last = &a->record[(a->nr - 1) % RF_RECORDS];
	if (last->op == op && last->result == -ETIMEDOUT && !strcmp(last->cause, cause))
		return last;
	return NULL;
}

/**
 * rf_account_record - note an adjustment, and tell who listens
 * @s: the subOS
 * @op: what was done
 * @cause: by whom or why; NULL: the task that runs
 * @what: the CPUs and memory concerned, for people
 * @duration_ns: how long it took, until now
 * @result: 0 or -errno
 *
 * The sums of what is owned are another matter, see rf_account_update().
 *
 * Context: process; any locks but s->account.lock.
 */
void rf_account_record(struct rf_subos *s, enum rainforest_op op, const char *cause,
		       const char *what, u64 duration_ns, int result)
{
	struct rf_account *a = &s->account;
	struct rf_record r = {
		.time_ns = ktime_get_real_ns(),
		.duration_ns = duration_ns,
		.op = op,
		.result = result,
	};
	struct rf_record *last;

	if (cause)
		strscpy(r.cause, cause, sizeof(r.cause));
	else
		scnprintf(r.cause, sizeof(r.cause), "%s[%d]", current->comm,
			  task_tgid_nr(current));
	strscpy(r.what, what ?: "", sizeof(r.what));
	rf_clean(r.cause);
	rf_clean(r.what);

	mutex_lock(&a->lock);
	last = rf_account_continued(a, op, r.cause);
	if (last) {
		r.seq = last->seq;
		/* since the first try; the clock may have been set meanwhile */
		if (r.time_ns > last->time_ns)
			r.duration_ns = r.time_ns - last->time_ns + last->duration_ns;
	} else {
		last = &a->record[a->nr % RF_RECORDS];
		r.seq = ++a->nr;
	}
	*last = r;
	mutex_unlock(&a->lock);
	rf_netlink_notify_record(s, &r);
}

/**
 * rf_account_keep_config - keep the operator's words of what is loaded
 * @s: the subOS
 * @text: copied; NULL: none
 *
 * Context: process.
 * Return: 0, -ENOMEM (then what was kept stays).
 */
int rf_account_keep_config(struct rf_subos *s, const char *text)
{
	char *copy = NULL;

	if (text) {
		copy = kstrdup(text, GFP_KERNEL);
		if (!copy)
			return -ENOMEM;
	}
	mutex_lock(&s->account.lock);
	swap(copy, s->account.config);
	mutex_unlock(&s->account.lock);
	kfree(copy);
	return 0;
}

int rf_account_setup(struct rf_subos *s)
{
	mutex_init(&s->account.lock);
	s->account.record = kvcalloc(RF_RECORDS, sizeof(*s->account.record), GFP_KERNEL);
	return s->account.record ? 0 : -ENOMEM;
}

void rf_account_free(struct rf_subos *s)
{
	kvfree(s->account.record);
	kfree(s->account.config);
}
