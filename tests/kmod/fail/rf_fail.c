// SPDX-License-Identifier: GPL-2.0
/*
 * In the supervisor: makes one call fail that rfcontroller makes for "who". The
 * at-th call, counted from the last write to "at", of any of "calls" returns
 * "result" without being made. For kernels without CONFIG_FAULT_INJECTION, and
 * at each step in turn: 1, 2, 3... until "hits" says that there was no such call.
 */
#define pr_fmt(fmt) "rf_fail: " fmt

#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

#define MAX_CALLS	8

static char *calls[MAX_CALLS];
static unsigned int nr_calls;
module_param_array(calls, charp, &nr_calls, 0444);
MODULE_PARM_DESC(calls, "names of functions; flags=N in front: argument N, from 0, is a gfp_t");

static char *who = "rfm";
module_param(who, charp, 0444);
MODULE_PARM_DESC(who, "only when a task of such a name calls: how it begins");

static long result;
module_param(result, long, 0644);
MODULE_PARM_DESC(result, "what the one that fails returns");

static atomic_t seen, hits;
static int at;

static int set_at(const char *text, const struct kernel_param *kp)
{
	atomic_set(&hits, 0);
	atomic_set(&seen, 0);
	return param_set_int(text, kp);
}

static const struct kernel_param_ops at_ops = {
	.set = set_at,
	.get = param_get_int,
};
module_param_cb(at, &at_ops, &at, 0644);
MODULE_PARM_DESC(at, "which call fails, from 1; 0: none");

static int get_hits(char *text, const struct kernel_param *kp)
{
	return sysfs_emit(text, "%d\n", atomic_read(&hits));
}

static const struct kernel_param_ops hits_ops = {
	.get = get_hits,
};
module_param_cb(hits, &hits_ops, NULL, 0444);
MODULE_PARM_DESC(hits, "how many have failed since at was set");

static struct fail {
	struct kprobe probe;
	int flags;		/* the number of its gfp_t, or -1 */
} fails[MAX_CALLS];

static bool from_rfcontroller(const struct pt_regs *regs)
{
	char text[KSYM_SYMBOL_LEN];

	sprint_symbol(text, *(unsigned long *)regs->sp);
	return strstr(text, "[rfcontroller]");
}

static bool never_fails(const struct fail *f, const struct pt_regs *regs)
{
	const unsigned long arg[] = { regs->di, regs->si, regs->dx, regs->cx };

	return f->flags >= 0 && f->flags < ARRAY_SIZE(arg) &&
	       arg[f->flags] & (__force unsigned long)__GFP_NOFAIL;
}

static int called(struct kprobe *p, struct pt_regs *regs)
{
	struct fail *f = container_of(p, struct fail, probe);

	if (!READ_ONCE(at) || !strstarts(current->comm, who) || never_fails(f, regs) ||
	    !from_rfcontroller(regs) || atomic_inc_return(&seen) != at)
		return 0;
	atomic_inc(&hits);
	pr_info("%s from %pS\n", p->symbol_name, *(void **)regs->sp);
	/* as if it had returned */
	regs->ax = READ_ONCE(result);
	regs->ip = *(unsigned long *)regs->sp;
	regs->sp += sizeof(long);
	return 1;
}

/* With this no jump is put in place of the breakpoint: a jump can't be told to return */
static void after(struct kprobe *p, struct pt_regs *regs, unsigned long flags)
{
}

static int __init rf_fail_init(void)
{
	int err = nr_calls ? 0 : -EINVAL;
	unsigned int i;

	for (i = 0; i < nr_calls && !err; i++) {
		char *name = calls[i];

		fails[i].flags = -1;
		if (!strncmp(name, "flags=", 6)) {
			fails[i].flags = name[6] - '0';
			name += 7;
		}
		fails[i].probe.symbol_name = name;
		fails[i].probe.pre_handler = called;
		fails[i].probe.post_handler = after;
		err = register_kprobe(&fails[i].probe);
		if (err)
			pr_err("%s: error %d\n", name, -err);
	}
	if (err)
		while (i-- > 1)
			unregister_kprobe(&fails[i - 1].probe);
	return err;
}

static void __exit rf_fail_exit(void)
{
	for (unsigned int i = 0; i < nr_calls; i++)
		unregister_kprobe(&fails[i].probe);
}

module_init(rf_fail_init);
module_exit(rf_fail_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("makes calls of rfcontroller fail, for tests of its undoing");
