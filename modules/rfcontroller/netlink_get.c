// SPDX-License-Identifier: GPL-2.0
/* What the operator may read: Documentation/netlink/specs/rainforest.yaml */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/cpu.h>
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

#include "netlink.h"

/* A change makes its reply first: what has happened can't fail for want of memory */
struct sk_buff *rf_nl_reply(struct genl_info *info, size_t size)
{
	struct sk_buff *skb = genlmsg_new(size, GFP_KERNEL);

	if (skb && !genlmsg_iput(skb, info)) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

/**
 * rf_nl_errno - what a request is answered with
 * @err: how it ended: 0 or an errno
 *
 * The netlink core acknowledges nothing that ends with -EINTR: whoever asked would wait
 * for ever. He may live on when a signal of his, or an order to end the subOS, has
 * broken it off.
 *
 * Return: @err; -ECANCELED instead of -EINTR.
 */
int rf_nl_errno(int err)
{
	return err == -EINTR ? -ECANCELED : err;
}

/* Send what rf_nl_reply() made; with an error it is freed, and the error returned */
int rf_nl_send(struct sk_buff *skb, struct genl_info *info, int err)
{
	if (err) {
		nlmsg_free(skb);
		return rf_nl_errno(err);
	}
	genlmsg_end(skb, genlmsg_data(nlmsg_data(nlmsg_hdr(skb))));
	return genlmsg_reply(skb, info);
}

/* Each 64-bit attribute with its padding; YNL's u64 needs no alignment */
int rf_nl_put_u64(struct sk_buff *skb, int type, u64 v)
{
	return nla_put(skb, type, sizeof(v), &v);
}

/* ---- info ---- */

int rainforest_nl_info_get_doit(struct sk_buff *req, struct genl_info *info)
{
	bool admin = netlink_capable(req, CAP_SYS_ADMIN);
	char name[RF_BOOT_NAME_LEN];
	struct sk_buff *skb;
	int err;

	skb = rf_nl_reply(info, NLMSG_GOODSIZE);
	if (!skb)
		return -ENOMEM;
	err = nla_put_u32(skb, RAINFOREST_A_INFO_ABI_MAJOR, RF_BOOT_VERSION_MAJOR) ?:
	      nla_put_u32(skb, RAINFOREST_A_INFO_ABI_MINOR, RF_BOOT_VERSION_MINOR) ?:
	      nla_put_string(skb, RAINFOREST_A_INFO_RELEASE, init_utsname()->release) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_INFO_BLOCK_SIZE, memory_block_size_bytes()) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_INFO_MIN_MEMORY, RF_MIN_MEMORY) ?:
	      nla_put_u32(skb, RAINFOREST_A_INFO_RESERVE_CPUS, rf_reserve_cpus) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_INFO_RESERVE_MEMORY, (u64)rf_reserve_memory << 20) ?:
	      nla_put_u8(skb, RAINFOREST_A_INFO_LOCKDOWN,
			 security_locked_down(LOCKDOWN_KEXEC) ? 1 : 0);
	if (!err && admin)
		err = rf_nl_put_u64(skb, RAINFOREST_A_INFO_TRAMPOLINE, rf_trampoline_phys()) ?:
		      rf_nl_put_u64(skb, RAINFOREST_A_INFO_LEDGER, rf_ledger_phys());
	for (unsigned int i = 0; admin && !err && rf_console_ghost_name(i, name); i++)
		err = nla_put_string(skb, RAINFOREST_A_INFO_GONE, name);
	return rf_nl_send(skb, info, err);
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
		sum += rf_memory_of(&s->res, node) + rf_memory_of(&s->moving, node);
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
	      rf_nl_put_u64(skb, RAINFOREST_A_NODE_TOTAL,
			    PFN_PHYS((u64)node_present_pages(node))) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_NODE_FREE, rf_node_free(node)) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_NODE_CARVABLE, rf_memory_carvable(node)) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_NODE_GRANTED, rf_node_granted(node));
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

/* It takes no memory: a change that is done is told of */
static int rf_put_memory(struct sk_buff *skb, int type, const struct rf_resources *res)
{
	struct rf_boot_region r;

	for (unsigned int at = 0; rf_memory_region(res, &at, &r);) {
		struct nlattr *nest = nla_nest_start(skb, type);

		if (!nest || rf_nl_put_u64(skb, RAINFOREST_A_MEM_START, r.start) ||
		    rf_nl_put_u64(skb, RAINFOREST_A_MEM_SIZE, r.size) ||
		    nla_put_u32(skb, RAINFOREST_A_MEM_NODE, r.node))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

static int rf_put_phase(struct sk_buff *skb, const char *name, u64 ns)
{
	struct nlattr *nest = nla_nest_start(skb, RAINFOREST_A_SUBOS_TIMING);

	if (!nest || nla_put_string(skb, RAINFOREST_A_TIMING_PHASE, name) ||
	    rf_nl_put_u64(skb, RAINFOREST_A_TIMING_NS, ns))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* What it took to carve and load; and, since the start-up IPI, to boot */
int rf_nl_put_timing(struct sk_buff *skb, struct rf_subos *s)
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
	       s->res.nr_blocks * sizeof(*s->res.blocks) +
	       RF_RECORDS * sizeof(struct rf_record) + s->history.previous_len;
}

int rf_nl_put_state(struct sk_buff *skb, struct rf_subos *s)
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
	if (!err && rf_policy_restarting(s))
		err = nla_put_flag(skb, RAINFOREST_A_SUBOS_RESTARTING);
	return err;
}

int rf_nl_put_grant(struct sk_buff *skb, struct rf_subos *s)
{
	int err = 0;

	guard(mutex)(&rf_list_lock);	/* a destroy may move it to quarantine */
	for (unsigned int i = 0; i < s->res.nr_cpus && !err; i++)
		err = nla_put_u32(skb, RAINFOREST_A_SUBOS_CPU, s->res.cpus[i].cpu);
	return err ?: rf_put_memory(skb, RAINFOREST_A_SUBOS_MEMORY, &s->res);
}

/* What it was asked, and owes an answer to */
static int rf_put_pending(struct sk_buff *skb, struct rf_subos *s)
{
	struct rf_call *calls __free(kfree) = kcalloc(RF_CON_CALLS, sizeof(*calls), GFP_KERNEL);
	unsigned int n;
	int err = 0;

	if (!calls)
		return -ENOMEM;
	n = rf_con_outstanding(s, calls, RF_CON_CALLS);
	for (unsigned int i = 0; i < n && !err; i++) {
		char line[96];

		if (!rf_con_describe(s, &calls[i], line, sizeof(line)))
			continue;
		err = nla_put_string(skb, RAINFOREST_A_SUBOS_PENDING, line);
	}
	return err;
}

static int rf_put_crash(struct sk_buff *skb, const struct rf_policy_state *c)
{
	return nla_put_u32(skb, RAINFOREST_A_SUBOS_ON_CRASH, c->policy.on_crash) ?:
	       nla_put_u32(skb, RAINFOREST_A_SUBOS_RESTART_LIMIT, c->policy.limit) ?:
	       nla_put_u32(skb, RAINFOREST_A_SUBOS_RESTART_DELAY_MS, c->policy.delay_ms) ?:
	       rf_nl_put_u64(skb, RAINFOREST_A_SUBOS_RESTARTS, c->restarts);
}

static int rf_put_subos(struct sk_buff *skb, struct rf_subos *s)
{
	int err;

	/* s->drain keeps the descriptor mapped */
	mutex_lock(&s->drain);
	err = rf_nl_put_state(skb, s) ?: rf_nl_put_grant(skb, s) ?: rf_nl_put_timing(skb, s) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_SUBOS_GENERATION, s->generation) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_SUBOS_CONSOLE_BYTES, s->history.head) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_SUBOS_CONSOLE_LOST, s->history.lost) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_SUBOS_HOST_BYTES, rf_host_bytes(s)) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_SUBOS_CREATED_NS, s->created_ns);
	for (unsigned int i = 0; i < s->res.nr_cpus && !err; i++)
		err = rf_nl_put_u64(skb, RAINFOREST_A_SUBOS_BEAT, s->desc && s->generation ?
				 READ_ONCE(s->desc->cpu[s->res.cpus[i].slot].beat) : 0);
	err = err ?: rf_put_pending(skb, s) ?:
	      nla_put_u32(skb, RAINFOREST_A_SUBOS_MIN_CPUS, s->min_cpus) ?:
	      nla_put_u32(skb, RAINFOREST_A_SUBOS_PRIORITY, s->priority) ?:
	      rf_put_crash(skb, &s->crash);
	mutex_unlock(&s->drain);
	return err ?: rf_nl_put_owned(skb, s);
}

int rainforest_nl_subos_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct rf_subos *s = rf_nl_named(info);
	struct sk_buff *skb;
	int err;

	if (IS_ERR(s))
		return PTR_ERR(s);
	skb = rf_nl_reply(info, RF_SUBOS_MSG);
	if (skb) {
		err = rf_put_subos(skb, s);
		/* arguments of a command may be secret */
		if (!err && netlink_capable(req, CAP_SYS_ADMIN))
			err = rf_nl_put_config(skb, s);
		err = rf_nl_send(skb, info, err);
	} else {
		err = -ENOMEM;
	}
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
