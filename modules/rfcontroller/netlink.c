// SPDX-License-Identifier: GPL-2.0
/* The operator's interface: Documentation/netlink/specs/rainforest.yaml */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/capability.h>
#include <linux/cpu.h>
#include <linux/file.h>
#include <linux/memory.h>
#include <linux/mm.h>
#include <linux/rainforest_core.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include <linux/utsname.h>

#include <asm/msr.h>
#include <asm/smp.h>
#include <asm/tsc.h>

#include "genl.h"
#include "rfcontroller.h"

#define RF_SUBOS_MSG	(64 * 1024)	/* 256 CPUs, 64 regions */

int rainforest_admin_pre(const struct genl_split_ops *ops, struct sk_buff *skb,
			 struct genl_info *info)
{
	if (netlink_capable(skb, CAP_SYS_ADMIN))
		return 0;
	rf_msg(info->extack, "needs CAP_SYS_ADMIN in the initial user namespace");
	return -EPERM;
}

static struct sk_buff *rf_reply(struct genl_info *info, void **hdr, size_t size)
{
	struct sk_buff *skb = genlmsg_new(size, GFP_KERNEL);

	if (!skb)
		return NULL;
	*hdr = genlmsg_iput(skb, info);
	if (!*hdr) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

static int rf_send(struct sk_buff *skb, void *hdr, struct genl_info *info, int err)
{
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

/* Each 64-bit attribute with its padding; YNL's u64 needs no alignment */
static int rf_put_u64(struct sk_buff *skb, int type, u64 v)
{
	return nla_put(skb, type, sizeof(v), &v);
}

/* ---- info ---- */

int rainforest_nl_info_get_doit(struct sk_buff *req, struct genl_info *info)
{
	bool admin = netlink_capable(req, CAP_SYS_ADMIN);
	struct sk_buff *skb;
	void *hdr;
	int err;

	skb = rf_reply(info, &hdr, NLMSG_GOODSIZE);
	if (!skb)
		return -ENOMEM;
	err = nla_put_u32(skb, RAINFOREST_A_INFO_ABI_MAJOR, RF_BOOT_VERSION_MAJOR) ?:
	      nla_put_u32(skb, RAINFOREST_A_INFO_ABI_MINOR, RF_BOOT_VERSION_MINOR) ?:
	      nla_put_string(skb, RAINFOREST_A_INFO_RELEASE, init_utsname()->release) ?:
	      rf_put_u64(skb, RAINFOREST_A_INFO_BLOCK_SIZE, memory_block_size_bytes()) ?:
	      rf_put_u64(skb, RAINFOREST_A_INFO_MIN_MEMORY, RF_MIN_MEMORY) ?:
	      nla_put_u32(skb, RAINFOREST_A_INFO_RESERVE_CPUS, rf_reserve_cpus) ?:
	      rf_put_u64(skb, RAINFOREST_A_INFO_RESERVE_MEMORY, (u64)rf_reserve_memory << 20) ?:
	      nla_put_u8(skb, RAINFOREST_A_INFO_LOCKDOWN,
			 security_locked_down(LOCKDOWN_KEXEC) ? 1 : 0);
	if (!err && admin)
		err = rf_put_u64(skb, RAINFOREST_A_INFO_TRAMPOLINE, rf_trampoline_phys()) ?:
		      rf_put_u64(skb, RAINFOREST_A_INFO_LEDGER, rf_ledger_phys());
	return rf_send(skb, hdr, info, err);
}

/* ---- CPUs and nodes ---- */

static int rf_put_cpu(struct sk_buff *skb, unsigned int cpu)
{
	char owner[RF_BOOT_NAME_LEN];
	unsigned int sibling;
	bool quarantined;
	int err;

	err = nla_put_u32(skb, RAINFOREST_A_CPU_ID, cpu) ?:
	      nla_put_u32(skb, RAINFOREST_A_CPU_APIC_ID, cpu_physical_id(cpu)) ?:
	      nla_put_u32(skb, RAINFOREST_A_CPU_NODE, cpu_to_node(cpu)) ?:
	      nla_put_u32(skb, RAINFOREST_A_CPU_SOCKET, rf_cpu_place(cpu).socket) ?:
	      nla_put_u32(skb, RAINFOREST_A_CPU_CORE, rf_cpu_place(cpu).core) ?:
	      nla_put_u8(skb, RAINFOREST_A_CPU_ONLINE, cpu_online(cpu));
	for_each_present_cpu(sibling)
		if (!err && sibling != cpu && rf_cpu_same_core(sibling, cpu))
			err = nla_put_u32(skb, RAINFOREST_A_CPU_SIBLING, sibling);
	if (rf_cpu_owner(cpu, owner, &quarantined) && !err)
		err = nla_put_string(skb, RAINFOREST_A_CPU_OWNER, owner);
	if (!err && quarantined)
		err = nla_put_u8(skb, RAINFOREST_A_CPU_QUARANTINED, 1);
	return err;
}

int rainforest_dump_pre(struct netlink_callback *cb)
{
	cb->min_dump_alloc = RF_SUBOS_MSG;	/* the largest subOS in one message */
	return 0;
}

int rainforest_nl_cpu_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	unsigned int cpu;

	for (cpu = cb->args[0]; cpu < nr_cpu_ids; cpu++) {
		void *hdr;

		if (!cpu_present(cpu))
			continue;
		hdr = genlmsg_iput(skb, genl_info_dump(cb));
		if (!hdr)
			break;
		if (rf_put_cpu(skb, cpu)) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
	}
	cb->args[0] = cpu;
	return skb->len;
}

static u64 rf_node_granted(int node)
{
	struct rf_quarantine *q;
	struct rf_subos *s;
	u64 sum = 0;

	guard(mutex)(&rf_list_lock);
	list_for_each_entry(s, &rf_subos_list, node)
		sum += rf_memory_of(&s->res, node);
	list_for_each_entry(q, &rf_quarantine_list, node)
		sum += rf_memory_of(&q->res, node);
	return sum;
}

static u64 rf_node_free(int node)
{
	u64 pages = 0;

	for (int i = 0; i < MAX_NR_ZONES; i++)
		pages += zone_page_state(&NODE_DATA(node)->node_zones[i], NR_FREE_PAGES);
	return PFN_PHYS(pages);
}

static int rf_put_node(struct sk_buff *skb, int node)
{
	int other, err;

	err = nla_put_u32(skb, RAINFOREST_A_NODE_ID, node) ?:
	      rf_put_u64(skb, RAINFOREST_A_NODE_TOTAL, PFN_PHYS((u64)node_present_pages(node))) ?:
	      rf_put_u64(skb, RAINFOREST_A_NODE_FREE, rf_node_free(node)) ?:
	      rf_put_u64(skb, RAINFOREST_A_NODE_CARVABLE, rf_memory_carvable(node)) ?:
	      rf_put_u64(skb, RAINFOREST_A_NODE_GRANTED, rf_node_granted(node));
	for_each_online_node(other)
		err = err ?: nla_put_u32(skb, RAINFOREST_A_NODE_DISTANCE,
					 node_distance(node, other));
	return err;
}

int rainforest_nl_node_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	int node;

	for (node = cb->args[0]; node < MAX_NUMNODES; node++) {
		void *hdr;

		if (!node_online(node))
			continue;
		hdr = genlmsg_iput(skb, genl_info_dump(cb));
		if (!hdr)
			break;
		if (rf_put_node(skb, node)) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
	}
	cb->args[0] = node;
	return skb->len;
}

/* ---- subOSes ---- */

static int rf_put_memory(struct sk_buff *skb, int type, const struct rf_resources *res)
{
	struct rf_boot_region *r __free(kfree) =
		kcalloc(RF_BOOT_MAX_REGIONS, sizeof(*r), GFP_KERNEL);
	unsigned int n;

	if (!r)
		return -ENOMEM;
	n = rf_memory_regions(res, r, RF_BOOT_MAX_REGIONS);
	for (unsigned int i = 0; i < n; i++) {
		struct nlattr *nest = nla_nest_start(skb, type);

		if (!nest || rf_put_u64(skb, RAINFOREST_A_MEM_START, r[i].start) ||
		    rf_put_u64(skb, RAINFOREST_A_MEM_SIZE, r[i].size) ||
		    nla_put_u32(skb, RAINFOREST_A_MEM_NODE, r[i].node))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

static int rf_put_phase(struct sk_buff *skb, const char *name, u64 ns)
{
	struct nlattr *nest = nla_nest_start(skb, RAINFOREST_A_SUBOS_TIMING);

	if (!nest || nla_put_string(skb, RAINFOREST_A_TIMING_PHASE, name) ||
	    rf_put_u64(skb, RAINFOREST_A_TIMING_NS, ns))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* What it took to carve and load; and, since the start-up IPI, to boot */
static int rf_put_timing(struct sk_buff *skb, struct rf_subos *s)
{
	static const char * const stamps[] = {
		NULL, "boot-entry", "boot-kernel", "boot-initcalls", "boot-user",
	};
	int err = 0;

	for (unsigned int i = 0; i < s->nr_phases && !err; i++)
		err = rf_put_phase(skb, s->phases[i].name, s->phases[i].ns);
	for (unsigned int i = 1; i < ARRAY_SIZE(stamps) && !err; i++) {
		u64 at = s->desc && s->generation ? READ_ONCE(s->desc->stamp[i]) : 0;

		if (at > s->start_tsc && at - s->start_tsc < (u64)tsc_khz * 3600000)
			err = rf_put_phase(skb, stamps[i], mul_u64_u32_div(at - s->start_tsc,
									   NSEC_PER_MSEC, tsc_khz));
	}
	return err;
}

static u64 rf_host_bytes(const struct rf_subos *s)
{
	return sizeof(*s) + RF_CONSOLE_HISTORY + s->res.nr_cpus * sizeof(*s->res.cpus) +
	       s->res.nr_blocks * sizeof(*s->res.blocks);
}

static int rf_put_state(struct sk_buff *skb, struct rf_subos *s)
{
	int err;

	err = nla_put_u32(skb, RAINFOREST_A_SUBOS_ID, s->id) ?:
	      nla_put_string(skb, RAINFOREST_A_SUBOS_NAME, s->name) ?:
	      nla_put_u32(skb, RAINFOREST_A_SUBOS_STATE, s->state) ?:
	      nla_put_u32(skb, RAINFOREST_A_SUBOS_REASON, s->reason);
	if (!err && s->exited)
		err = nla_put_flag(skb, RAINFOREST_A_SUBOS_EXITED) ?:
		      nla_put_s32(skb, RAINFOREST_A_SUBOS_EXIT_STATUS, s->exit_status);
	if (!err && s->message[0])
		err = nla_put_string(skb, RAINFOREST_A_SUBOS_MESSAGE, s->message);
	return err;
}

static int rf_put_grant(struct sk_buff *skb, struct rf_subos *s)
{
	int err = 0;

	guard(mutex)(&rf_list_lock);	/* a destroy may move it to quarantine */
	for (unsigned int i = 0; i < s->res.nr_cpus && !err; i++)
		err = nla_put_u32(skb, RAINFOREST_A_SUBOS_CPU, s->res.cpus[i].cpu);
	return err ?: rf_put_memory(skb, RAINFOREST_A_SUBOS_MEMORY, &s->res);
}

static int rf_put_subos(struct sk_buff *skb, struct rf_subos *s)
{
	int err;

	/* s->drain keeps the descriptor mapped */
	mutex_lock(&s->drain);
	err = rf_put_state(skb, s) ?: rf_put_grant(skb, s) ?: rf_put_timing(skb, s) ?:
	      rf_put_u64(skb, RAINFOREST_A_SUBOS_GENERATION, s->generation) ?:
	      rf_put_u64(skb, RAINFOREST_A_SUBOS_CONSOLE_BYTES, s->history.head) ?:
	      rf_put_u64(skb, RAINFOREST_A_SUBOS_CONSOLE_LOST, s->history.lost) ?:
	      rf_put_u64(skb, RAINFOREST_A_SUBOS_HOST_BYTES, rf_host_bytes(s)) ?:
	      rf_put_u64(skb, RAINFOREST_A_SUBOS_CREATED_NS, s->created_ns);
	for (unsigned int i = 0; i < s->res.nr_cpus && !err; i++)
		err = rf_put_u64(skb, RAINFOREST_A_SUBOS_BEAT, s->desc && s->generation ?
				 READ_ONCE(s->desc->cpu[i].beat) : 0);
	mutex_unlock(&s->drain);
	return err;
}

/* The subOS that a request names, with a reference */
static struct rf_subos *rf_named(struct genl_info *info)
{
	struct rf_subos *s;

	if (GENL_REQ_ATTR_CHECK(info, RAINFOREST_A_SUBOS_NAME)) {
		rf_msg(info->extack, "a name is missing");
		return ERR_PTR(-EINVAL);
	}
	s = rf_subos_find(nla_data(info->attrs[RAINFOREST_A_SUBOS_NAME]));
	if (!s) {
		rf_msg(info->extack, "no subOS is named %s",
		       (char *)nla_data(info->attrs[RAINFOREST_A_SUBOS_NAME]));
		return ERR_PTR(-ENOENT);
	}
	return s;
}

int rainforest_nl_subos_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct rf_subos *s = rf_named(info);
	struct sk_buff *skb;
	void *hdr;
	int err;

	if (IS_ERR(s))
		return PTR_ERR(s);
	skb = rf_reply(info, &hdr, RF_SUBOS_MSG);
	err = skb ? rf_send(skb, hdr, info, rf_put_subos(skb, s)) : -ENOMEM;
	rf_subos_put(s);
	return err;
}

int rainforest_nl_subos_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rf_subos *s;
	u32 after = cb->args[0];

	for (;;) {
		struct rf_subos *next = NULL;
		void *hdr;
		int err;

		/* ids grow along the list */
		mutex_lock(&rf_list_lock);
		list_for_each_entry(s, &rf_subos_list, node)
			if (s->id > after) {
				next = s;
				kref_get(&s->ref);
				break;
			}
		mutex_unlock(&rf_list_lock);
		if (!next)
			break;
		hdr = genlmsg_iput(skb, genl_info_dump(cb));
		err = hdr ? rf_put_subos(skb, next) : -EMSGSIZE;
		if (err && hdr)
			genlmsg_cancel(skb, hdr);
		else if (hdr)
			genlmsg_end(skb, hdr);
		if (!err)
			after = next->id;
		rf_subos_put(next);
		if (err) {
			if (!skb->len)
				return err;
			break;
		}
	}
	cb->args[0] = after;
	return skb->len;
}

/* The answer to every change: what it is now, and what was noteworthy */
static int rf_changed(struct genl_info *info, struct rf_subos *s, const struct rf_report *report)
{
	struct sk_buff *skb;
	struct rf_pinned *pin;
	void *hdr;
	int err;

	skb = rf_reply(info, &hdr, RF_SUBOS_MSG);
	if (!skb)
		return -ENOMEM;
	mutex_lock(&s->drain);
	err = rf_put_state(skb, s) ?: rf_put_grant(skb, s) ?: rf_put_timing(skb, s);
	mutex_unlock(&s->drain);
	for (unsigned int i = 0; report && i < report->nr_warnings && !err; i++)
		err = nla_put_string(skb, RAINFOREST_A_SUBOS_WARNING, report->warning[i]);
	if (report && report->pinned && !err) {
		mutex_lock(&s->lock);	/* a destroy frees the list */
		list_for_each_entry(pin, report->pinned, node) {
			struct task_struct *p = get_pid_task(pin->pid, PIDTYPE_PID);
			char line[80];

			if (!p)
				continue;
			scnprintf(line, sizeof(line), "%d %s %*pbl", p->pid, p->comm,
				  cpumask_pr_args(&pin->mask));
			put_task_struct(p);
			/* a long list may be cut: it is for people */
			if (nla_put_string(skb, RAINFOREST_A_SUBOS_PID_PINNED, line))
				break;
		}
		mutex_unlock(&s->lock);
	}
	return rf_send(skb, hdr, info, err);
}

/* Node numbers are int: a larger one is unknown as such */
static int rf_get_node(const struct nlattr *a)
{
	return min_t(u32, nla_get_u32(a), INT_MAX);
}

static int rf_parse_memory(struct nlattr *nest, struct rf_request *req,
			   struct netlink_ext_ack *extack)
{
	struct nlattr *tb[RAINFOREST_A_MEM_EXACT + 1];
	int err;

	err = nla_parse_nested(tb, RAINFOREST_A_MEM_EXACT, nest, rainforest_mem_nl_policy, extack);
	if (err)
		return err;
	if (!tb[RAINFOREST_A_MEM_SIZE]) {
		rf_msg(extack, "memory without a size");
		return -EINVAL;
	}
	if (req->nr_mem == ARRAY_SIZE(req->mem)) {
		rf_msg(extack, "more than %zu amounts of memory", ARRAY_SIZE(req->mem));
		return -EINVAL;
	}
	req->mem[req->nr_mem].size = nla_get_u64(tb[RAINFOREST_A_MEM_SIZE]);
	req->mem[req->nr_mem].exact = nla_get_flag(tb[RAINFOREST_A_MEM_EXACT]);
	req->mem[req->nr_mem].node = NUMA_NO_NODE;
	if (tb[RAINFOREST_A_MEM_NODE])
		req->mem[req->nr_mem].node = rf_get_node(tb[RAINFOREST_A_MEM_NODE]);
	req->nr_mem++;
	return 0;
}

static int rf_parse_request(struct genl_info *info, struct rf_request *req)
{
	struct nlattr *a;
	int rem, err;

	if (GENL_REQ_ATTR_CHECK(info, RAINFOREST_A_SUBOS_NAME)) {
		rf_msg(info->extack, "a name is missing");
		return -EINVAL;
	}
	req->name = nla_data(info->attrs[RAINFOREST_A_SUBOS_NAME]);
	req->cpu_node = NUMA_NO_NODE;
	req->dry_run = nla_get_flag(info->attrs[RAINFOREST_A_SUBOS_DRY_RUN]);
	if (info->attrs[RAINFOREST_A_SUBOS_NCPUS])
		req->ncpus = nla_get_u32(info->attrs[RAINFOREST_A_SUBOS_NCPUS]);
	if (info->attrs[RAINFOREST_A_SUBOS_CPU_NODE])
		req->cpu_node = rf_get_node(info->attrs[RAINFOREST_A_SUBOS_CPU_NODE]);

	nlmsg_for_each_attr(a, info->nlhdr, GENL_HDRLEN, rem) {
		switch (nla_type(a)) {
		case RAINFOREST_A_SUBOS_CPU:
			if (req->nr_cpus == RF_BOOT_MAX_CPUS) {
				rf_msg(info->extack, "a subOS has at most %d CPUs",
				       RF_BOOT_MAX_CPUS);
				return -EINVAL;
			}
			req->cpus[req->nr_cpus++] = nla_get_u32(a);
			break;
		case RAINFOREST_A_SUBOS_MEMORY:
			err = rf_parse_memory(a, req, info->extack);
			if (err)
				return err;
			break;
		}
	}
	if (req->nr_cpus && req->ncpus) {
		rf_msg(info->extack, "either CPUs by number or how many, not both");
		return -EINVAL;
	}
	if (!req->nr_mem) {
		rf_msg(info->extack, "memory is missing");
		return -EINVAL;
	}
	return 0;
}

int rainforest_nl_subos_create_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rf_report *report __free(kfree) = kzalloc(sizeof(*report), GFP_KERNEL);
	struct rf_request *req __free(kfree) = kzalloc(sizeof(*req), GFP_KERNEL);
	u32 *cpus __free(kfree) = kcalloc(RF_BOOT_MAX_CPUS, sizeof(*cpus), GFP_KERNEL);
	struct rf_subos *s;
	int err;

	if (!report || !req || !cpus)
		return -ENOMEM;
	req->cpus = cpus;
	err = rf_parse_request(info, req) ?: rf_subos_create(req, &s, report, info->extack);
	if (err)
		return err;
	err = rf_changed(info, s, report);
	rf_subos_put(s);
	return err;
}

/* An open file of the caller, for reading */
static struct file *rf_get_file(struct nlattr *a, const char *what, struct netlink_ext_ack *extack)
{
	struct file *f = fget(nla_get_u32(a));

	if (f && (!(f->f_mode & FMODE_READ) || !S_ISREG(file_inode(f)->i_mode))) {
		fput(f);
		f = NULL;
	}
	if (f)
		return f;
	rf_msg(extack, "%s is no regular file open for reading", what);
	return ERR_PTR(-EINVAL);
}

int rainforest_nl_subos_load_doit(struct sk_buff *skb, struct genl_info *info)
{
	bool dry_run = nla_get_flag(info->attrs[RAINFOREST_A_SUBOS_DRY_RUN]);
	struct nlattr *line = info->attrs[RAINFOREST_A_SUBOS_CMDLINE], *a;
	struct file *kernel, *initrd[RF_MAX_INITRDS];
	unsigned int nr = 0;
	struct rf_subos *s;
	int err = 0, rem;

	s = rf_named(info);
	if (IS_ERR(s))
		return PTR_ERR(s);
	if (GENL_REQ_ATTR_CHECK(info, RAINFOREST_A_SUBOS_KERNEL_FD)) {
		rf_msg(info->extack, "a kernel is missing");
		err = -EINVAL;
		goto put_subos;
	}
	kernel = rf_get_file(info->attrs[RAINFOREST_A_SUBOS_KERNEL_FD], "kernel", info->extack);
	if (IS_ERR(kernel)) {
		err = PTR_ERR(kernel);
		goto put_subos;
	}
	nlmsg_for_each_attr(a, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(a) != RAINFOREST_A_SUBOS_INITRD_FD)
			continue;
		if (nr == RF_MAX_INITRDS) {
			rf_msg(info->extack, "more than %d initrds", RF_MAX_INITRDS);
			err = -EINVAL;
			goto put_files;
		}
		initrd[nr] = rf_get_file(a, "initrd", info->extack);
		if (IS_ERR(initrd[nr])) {
			err = PTR_ERR(initrd[nr]);
			goto put_files;
		}
		nr++;
	}
	if (line && strlen(nla_data(line)) > RF_CMDLINE_MAX - 64) {
		rf_msg(info->extack, "command line is longer than %d bytes", RF_CMDLINE_MAX - 64);
		err = -EINVAL;
		goto put_files;
	}
	err = rf_subos_load(s, kernel, initrd, nr, line ? nla_data(line) : "", dry_run,
			    info->extack);
	if (err || dry_run)
		goto put_files;
	err = rf_changed(info, s, NULL);
	goto put_subos;

put_files:
	while (nr)
		fput(initrd[--nr]);
	fput(kernel);
	if (!err)
		err = rf_changed(info, s, NULL);
put_subos:
	rf_subos_put(s);
	return err;
}

/* The common form of start, stop, kill and destroy */
static int rf_act(struct genl_info *info,
		  int (*act)(struct rf_subos *s, unsigned int ms, bool force, bool dry_run,
			     struct netlink_ext_ack *extack))
{
	struct nlattr *ms = info->attrs[RAINFOREST_A_SUBOS_TIMEOUT_MS];
	struct rf_subos *s = rf_named(info);
	int err;

	if (IS_ERR(s))
		return PTR_ERR(s);
	err = act(s, ms ? nla_get_u32(ms) : 0,
		  nla_get_flag(info->attrs[RAINFOREST_A_SUBOS_FORCE]),
		  nla_get_flag(info->attrs[RAINFOREST_A_SUBOS_DRY_RUN]), info->extack);
	err = err ?: rf_changed(info, s, NULL);
	rf_subos_put(s);
	return err;
}

/*
 * Generic netlink holds a lock of all families while we wait: who wants to
 * wait longer than this asks again.
 */
#define RF_MAX_STOP_MS	1000U
#define RF_MAX_START_MS	30000U

static int rf_act_stop(struct rf_subos *s, unsigned int ms, bool force, bool dry_run,
		       struct netlink_ext_ack *extack)
{
	return rf_subos_stop(s, min(ms, RF_MAX_STOP_MS), force, dry_run, extack);
}

static int rf_act_destroy(struct rf_subos *s, unsigned int ms, bool force, bool dry_run,
			  struct netlink_ext_ack *extack)
{
	return rf_subos_destroy(s, min(ms, RF_MAX_STOP_MS), force, dry_run, extack);
}

static int rf_act_start(struct rf_subos *s, unsigned int ms, bool force, bool dry_run,
			struct netlink_ext_ack *extack)
{
	return rf_subos_start(s, min(ms, RF_MAX_START_MS), dry_run, extack);
}

static int rf_act_kill(struct rf_subos *s, unsigned int ms, bool force, bool dry_run,
		       struct netlink_ext_ack *extack)
{
	return rf_subos_kill(s, dry_run, extack);
}

int rainforest_nl_subos_start_doit(struct sk_buff *skb, struct genl_info *info)
{
	return rf_act(info, rf_act_start);
}

int rainforest_nl_subos_stop_doit(struct sk_buff *skb, struct genl_info *info)
{
	return rf_act(info, rf_act_stop);
}

int rainforest_nl_subos_kill_doit(struct sk_buff *skb, struct genl_info *info)
{
	return rf_act(info, rf_act_kill);
}

int rainforest_nl_subos_destroy_doit(struct sk_buff *skb, struct genl_info *info)
{
	return rf_act(info, rf_act_destroy);
}

/* ---- quarantine ---- */

int rainforest_nl_quarantine_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rf_quarantine *q;
	long n = 0;

	guard(mutex)(&rf_list_lock);
	list_for_each_entry(q, &rf_quarantine_list, node) {
		void *hdr;
		int err;

		if (n++ < cb->args[0])
			continue;
		hdr = genlmsg_iput(skb, genl_info_dump(cb));
		if (!hdr)
			break;
		err = nla_put_string(skb, RAINFOREST_A_QUARANTINE_OWNER, q->owner) ?:
		      nla_put_string(skb, RAINFOREST_A_QUARANTINE_WHY, q->why);
		for (unsigned int i = 0; i < q->res.nr_cpus && !err; i++)
			err = nla_put_u32(skb, RAINFOREST_A_QUARANTINE_CPU, q->res.cpus[i].cpu);
		err = err ?: rf_put_memory(skb, RAINFOREST_A_QUARANTINE_MEMORY, &q->res);
		if (err) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
		cb->args[0] = n;
	}
	return skb->len;
}

int rainforest_nl_recover_doit(struct sk_buff *req, struct genl_info *info)
{
	struct sk_buff *skb;
	u32 cpus;
	u64 bytes;
	void *hdr;
	int err;

	err = rf_recover(&cpus, &bytes, info->extack);
	if (err)
		return err;
	skb = rf_reply(info, &hdr, NLMSG_GOODSIZE);
	if (!skb)
		return -ENOMEM;
	err = nla_put_u32(skb, RAINFOREST_A_QUARANTINE_RECOVERED_CPUS, cpus) ?:
	      rf_put_u64(skb, RAINFOREST_A_QUARANTINE_RECOVERED_MEMORY, bytes);
	return rf_send(skb, hdr, info, err);
}

/* ---- events ---- */

void rf_netlink_notify(struct rf_subos *s, enum rainforest_event event)
{
	struct sk_buff *skb;
	void *hdr;

	if (!genl_has_listeners(&rainforest_nl_family, &init_net, RAINFOREST_NLGRP_EVENTS))
		return;
	skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!skb)
		return;		/* who waits looks again by himself */
	hdr = genlmsg_put(skb, 0, 0, &rainforest_nl_family, 0, RAINFOREST_CMD_SUBOS_NTF);
	if (!hdr || nla_put_u32(skb, RAINFOREST_A_SUBOS_EVENT, event) || rf_put_state(skb, s)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast(&rainforest_nl_family, skb, 0, RAINFOREST_NLGRP_EVENTS, GFP_KERNEL);
}

int rf_netlink_init(void)
{
	return genl_register_family(&rainforest_nl_family);
}

void rf_netlink_exit(void)
{
	genl_unregister_family(&rainforest_nl_family);
}
