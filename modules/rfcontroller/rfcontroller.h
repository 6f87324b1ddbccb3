/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rfcontroller: carves CPUs and memory out of the running supervisor, boots
 * kernels on them and takes them back.
 *
 * Locks, in this order:
 *   rf_subos.lock	one operation at a time on one subOS; may be held for
 *			as long as a subOS takes to stop. Of two subOSes, that of
 *			the lower id first
 *   rf_grant_lock	choosing, taking and returning resources
 *   rf_subos.drain	the rings, and what the subOS says of itself
 *   rf_list_lock	the list of subOSes, of quarantine, of dead consoles; and
 *			what a subOS in the list owns, to write; short
 *   rf_subos.account.lock	what it has owned, and its history; short
 *   rf_subos.state_lock (spin) state, reason, exit status, message
 */
#ifndef _RFCONTROLLER_H
#define _RFCONTROLLER_H

#include <linux/cpumask.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <uapi/linux/rainforest.h>
#include <uapi/linux/rainforest_console.h>
#include <uapi/linux/rainforest_dump.h>
#include <rf/abi/boot.h>
#include <rf/abi/crash.h>
#include <rf/abi/layout.h>
#include <rf/abi/ledger.h>
#include <rf/abi/ring.h>
#include <rf/abi/stat.h>

#include "supcon.h"

struct file;
struct netlink_ext_ack;

#define RF_CMDLINE_USER_MAX	1920	/* as in the netlink spec; boot.c puts more before it */
#define RF_MIN_MEMORY		(48ULL << 20)
#define RF_MAX_MEMORY		(1ULL << 46)	/* bytes: more than any machine has */
#define RF_MAX_INITRDS		4
#define RF_CONSOLE_HISTORY	(128 * 1024)	/* bytes kept of each console */
#define RF_GHOSTS		8		/* consoles kept after destroy */
#define RF_RECORDS		128		/* adjustments kept of each subOS */

struct rf_cpu {
	u32 cpu;		/* logical id in the supervisor */
	u32 apicid;
	u32 node;
	u32 slot;		/* of cpu[] in the descriptor; the first CPU's is 0 */
	enum rf_ledger_status status;
	bool proven;		/* seen outside the subOS since it last ran */
	bool left;		/* given up by its subOS, but not proven out yet */
};

struct rf_block {		/* one memory block */
	u64 start;
	u32 node;
	enum rf_ledger_status status;
	struct rf_scrub *scrub;		/* under way: not for anybody yet */
	bool stranded;			/* in the supervisor, but neither online nor out */
	bool added;		/* since its subOS booted: movable there */
};

struct rf_resources {
	struct rf_cpu *cpus;
	unsigned int nr_cpus;
	struct rf_block *blocks;	/* sorted by address but for the first */
	unsigned int nr_blocks;
	u64 scrub_ns;			/* spent zeroing by the last take or return */
	u64 scrub_wait_ns;		/* and how long it waited for that */
};

/* The supervisor's own copy of what a console printed last */
struct rf_history {
	u8 *data;		/* RF_CONSOLE_HISTORY bytes */
	u64 head;		/* bytes ever put */
	u64 lost;		/* bytes that were overwritten in the subOS's ring */
	u64 born;		/* head when this life began */
	u8 *previous;		/* what the life before printed last, or NULL */
	size_t previous_len;
};

/* What is to be copied from a console to the supervisor's log, for console_tee */
struct rf_tee {
	struct work_struct work;	/* queued: holds a reference to the subOS */
	u8 *text;			/* or NULL: nothing yet; to pos: rf_subos.drain */
	u64 head;			/* bytes ever put */
	u64 pos;			/* ... taken to be printed, or left out */
	u64 born;			/* head when a life ended or began last */
	u64 printed;			/* ... printed, or left out; the work's own, as the rest */
	char line[256];			/* not ended yet */
	unsigned int len;
	bool last;			/* no more comes: end the line; rf_subos.drain */
	bool done;			/* it is */
	bool late;			/* nobody waits any more: leave out what is not printed */
};

/* Our end of a ring: what we have read or written, whatever the peer says */
struct rf_end {
	u64 pos;
	bool busy;		/* somebody has it open */
	bool closed;		/* stdin: no more will come */
	u8 *rest;		/* stdout, stderr: what was unread at destroy */
	u64 rest_len;
};

/* What was seen of a CPU's heartbeat, and when it last moved */
struct rf_pulse {
	u64 hard, soft;
	unsigned long hard_at, soft_at;		/* jiffies */
};

/* What the last doorbell found, see watch.c */
struct rf_watch {
	struct list_head node;
	bool on;			/* in the list */
	u64 seen[RF_RING_COUNT + 1];	/* of the rings, and its state */
};

struct rf_phase {
	const char *name;
	u64 ns;
};

/* A level summed over time: whole units times seconds, and a rest in ns */
struct rf_integral {
	u64 level, since;	/* since when, ktime_get_ns() */
	u64 whole, rest;
};

struct rf_record {
	u64 seq, time_ns, duration_ns;
	enum rainforest_op op;
	int result;
	char cause[48], what[104];
};

struct rf_account {
	struct mutex lock;		/* all of it */
	struct rf_integral cpu, mib;
	struct rf_record *record;	/* RF_RECORDS, the n-th at n % that */
	u64 nr;				/* ever made */
	char *config;			/* the operator's words of what is loaded, or NULL */
};

/* How far we are with a crash, see policy.c */
enum rf_policy_stage { RF_POLICY_NONE, RF_POLICY_SEEN, RF_POLICY_DUMPING, RF_POLICY_WAITING };

/* What the operator wants done when it crashes; set at create */
struct rf_policy {
	enum rainforest_on_crash on_crash;
	u32 limit;			/* restarts in a row; 0: no limit */
	u32 delay_ms;			/* before the first of them */
};

struct rf_policy_state {
	struct rf_policy policy;
	enum rf_policy_stage stage;	/* rf_subos.drain, to write */
	bool unwanted;			/* the operator asked it to end; s->lock, to write */
	unsigned long at;		/* jiffies of the crash */
	u32 tries;			/* restarts in a row; s->lock */
	u64 restarts;			/* ever */
	u64 generation;			/* of the life that is dumped */
	struct delayed_work work;
	struct work_struct dump;
};

struct rf_subos {
	struct list_head node;
	struct list_head ghost;		/* when dead: for its console */
	struct kref ref;
	struct mutex lock;		/* one operation at a time, see above */
	u32 id;
	char name[RF_BOOT_NAME_LEN];
	bool dead;			/* destroyed: not in the list any more */

	spinlock_t state_lock;		/* state, reason */
	enum rainforest_state state;
	enum rainforest_reason reason;
	bool exited;
	int exit_status;
	char message[192];
	wait_queue_head_t wait;		/* state changes, and bytes in buffers */

	struct rf_resources res;
	struct rf_resources moving;	/* on its way here or away, see resize.h */
	struct rf_con con;
	atomic_t unwanted;		/* how many wait to stop or destroy it */
	int nodes[RF_BOOT_MAX_NODES];	/* our numbers of the subOS's nodes */
	unsigned int nr_nodes;
	u32 nr_slots;			/* of cpu[], used or not */
	struct rf_boot_desc *desc;	/* control area, mapped; NULL: no grant */
	u64 desc_phys;
	u64 generation;
	u64 created_ns;
	u64 ficm_rx, ficm_tx;		/* physical: the rings that it reads and writes */
	u32 ficm_size;			/* bytes of each */
	u32 min_cpus;			/* not to be preempted */
	u32 priority;			/* may preempt those of a lower one */

	/* what to boot */
	struct file *kernel;
	struct file *initrd[RF_MAX_INITRDS];
	unsigned int nr_initrds;
	char *cmdline;
	u64 entry;			/* physical */
	bool image_fresh;		/* loaded, and not run since */

	struct mutex drain;		/* desc, the rings and what was read from them */
	struct rf_history history;
	struct rf_end end[RF_RING_COUNT];
	struct rf_tee tee;

	u32 hold;			/* number of the hold that its CPUs are in, 0: none */
	enum rainforest_state thawed_state;	/* what it was before, and why */
	enum rainforest_reason thawed_reason;
	unsigned int dumps;		/* open, see dump.c; not to be started anew */
	u32 dump_hold;			/* that hold was a dump's: the last one lets go */

	struct rf_pulse pulse[RF_BOOT_MAX_CPUS];	/* by slot */
	unsigned long boot_jiffies;	/* of the start */
	struct rf_watch watch;
	u64 alive_beat;			/* our own, as it is told */

	struct rf_policy_state crash;
	struct rf_account account;

	struct rf_phase phases[16];
	unsigned int nr_phases;
	u64 start_tsc;
};

struct rf_quarantine {
	struct list_head node;
	char owner[RF_BOOT_NAME_LEN];
	u32 owner_id;
	bool whole;		/* all that the owner had, who is gone; else he may live */
	char why[80];
	struct rf_resources res;
};

/* What a create asks for */
struct rf_request {
	const char *name;
	u32 *cpus;
	unsigned int nr_cpus;		/* of cpus[]; 0: choose ncpus */
	u32 ncpus;
	int cpu_node;			/* NUMA_NO_NODE: any */
	struct {
		u64 size;
		int node;		/* NUMA_NO_NODE: the CPUs' nodes */
		bool exact;
	} mem[RF_BOOT_MAX_NODES];
	unsigned int nr_mem;
	u32 min_cpus, priority;
	struct rf_policy crash;
	bool more;			/* for one that has some already */
	bool dry_run;
};

#define RF_MAX_WARNINGS 8
struct rf_report {
	char warning[RF_MAX_WARNINGS][120];
	unsigned int nr_warnings;
	u64 pinned;			/* for rf_pinned_line(); 0: no CPU was taken */
};

__printf(2, 3) void rf_warn(struct rf_report *report, const char *fmt, ...);
__printf(2, 3) void rf_msg(struct netlink_ext_ack *extack, const char *fmt, ...);

/* Exported by kernel/rcu/update.c, declared in its private header only */
void rcu_expedite_gp(void);
void rcu_unexpedite_gp(void);

/* main.c */
extern bool rf_console_tee;
extern unsigned int rf_reserve_cpus;
extern unsigned int rf_reserve_memory;	/* MiB */

/* watch.c */
void rf_watch_init(void);
void rf_watch_exit(void);
void rf_watch_kick(void);
void rf_watch_add(struct rf_subos *s);
void rf_watch_remove(struct rf_subos *s);

/* trampoline.c */
int rf_trampoline_init(void);
void rf_trampoline_exit(void);
u64 rf_trampoline_phys(void);
bool rf_trampoline_knows(u32 apicid);
void rf_trampoline_adopt(unsigned int cpu, u32 apicid);
void rf_trampoline_set(u32 apicid, u64 slot, u64 cr3);
void rf_trampoline_clear(u32 apicid);
int rf_trampoline_kick(u32 apicid, bool init);
int rf_trampoline_prove(u32 apicid);
u64 rf_trampoline_hold_entry(void);
void rf_trampoline_hold(u32 apicid, u64 hold);
u64 rf_trampoline_held(u32 apicid);
void rf_trampoline_nmi(u32 apicid);
struct rf_ledger_anchor *rf_trampoline_anchor(void);

/* cpu.c */
struct rf_cpu_place {
	u32 socket, core;
};
int rf_cpu_init(void);
void rf_cpu_exit(void);
struct rf_cpu_place rf_cpu_place(unsigned int cpu);
bool rf_cpu_same_core(unsigned int a, unsigned int b);
unsigned int rf_cpu_grantable(int node);
bool rf_cpu_owner(unsigned int cpu, char *name, bool *quarantined);
int rf_cpu_choose(const struct rf_request *req, struct rf_resources *res,
		  struct rf_report *report, struct netlink_ext_ack *extack);
int rf_cpu_take(struct rf_resources *res, struct rf_report *report,
		struct netlink_ext_ack *extack);
int rf_cpu_prove_all(struct rf_resources *res);
unsigned int rf_cpu_return(struct rf_resources *res);

/* pinned.c */
void rf_pinned_record(const struct rf_resources *res, struct rf_report *report);
void rf_pinned_come_home(void);
bool rf_pinned_line(u64 op, unsigned int nr, char *line, size_t len);
void rf_pinned_exit(void);

/* memory.c */
int rf_memory_choose(const struct rf_request *req, struct rf_resources *res,
		     struct netlink_ext_ack *extack);
int rf_memory_begin(const struct rf_request *req, struct rf_resources *res,
		    struct netlink_ext_ack *extack);
int rf_memory_finish(struct rf_resources *res, struct netlink_ext_ack *extack);
int rf_memory_take(const struct rf_request *req, struct rf_resources *res,
		   struct netlink_ext_ack *extack);
unsigned int rf_memory_return(struct rf_resources *res);
u64 rf_memory_carvable(int node);
u64 rf_memory_of(const struct rf_resources *res, int node);
int rf_memory_scrub(struct rf_resources *res, struct netlink_ext_ack *extack);
unsigned int rf_memory_pieces(const struct rf_resources *res);
bool rf_memory_region(const struct rf_resources *res, unsigned int *at, struct rf_boot_region *r);
unsigned int rf_memory_regions(const struct rf_resources *res,
			       struct rf_boot_region *regions, unsigned int max);

/* block.c */
enum rf_block_kind { RF_BLOCK_NO, RF_BLOCK_MAYBE, RF_BLOCK_FREE };
enum rf_block_kind rf_block_look(u64 start, u64 size, int node, unsigned long *load);
bool rf_block_refused(u64 start);
unsigned long rf_block_room(int node);
unsigned int rf_block_patience_ms(u64 size);
int rf_block_take(u64 start, u32 node, struct rf_resources *res);
void rf_block_scrub(struct rf_block *b);
int rf_block_return(struct rf_block *b, struct rf_resources *res);

/* scrub.c */
int rf_scrub_init(void);
void rf_scrub_exit(void);
struct rf_scrub *rf_scrub_start(u64 start, int node);
int rf_scrub_finish(struct rf_scrub *scrub, u64 *ns);
void rf_scrub_cancel(struct rf_scrub *scrub);

/* image.c */
int rf_image_check(struct file *kernel, struct file **initrd, unsigned int nr,
		   const struct rf_resources *res, struct netlink_ext_ack *extack);
int rf_image_load(struct rf_subos *s, struct netlink_ext_ack *extack);

/* boot.c */
int rf_boot_prepare(struct rf_subos *s);
int rf_boot_start(struct rf_subos *s, struct netlink_ext_ack *extack);
void rf_boot_regions(struct rf_subos *s);
int rf_subos_node(const struct rf_subos *s, int node);
void rf_ring(u32 apicid);

/* subos.c */
extern struct list_head rf_subos_list;
extern struct mutex rf_list_lock;
extern const char * const rf_state_names[];
struct rf_subos *rf_subos_find(const char *name);
struct rf_subos *rf_subos_of(u32 id);
void rf_subos_put(struct rf_subos *s);
void rf_subos_drop_files(struct rf_subos *s);
void rf_subos_free_resources(struct rf_resources *res);
bool rf_subos_set_state(struct rf_subos *s, enum rainforest_state state,
			enum rainforest_reason reason);
bool rf_state_alive(enum rainforest_state state);
void rf_subos_phase_ns(struct rf_subos *s, const char *name, u64 ns);
void rf_subos_phase(struct rf_subos *s, const char *name, u64 t0);
void rf_subos_watch(struct rf_subos *s);
void rf_subos_watch_state(struct rf_subos *s);
int rf_subos_name_check(const char *name, struct netlink_ext_ack *extack);
int rf_subos_insert(struct rf_subos *s, struct netlink_ext_ack *extack);
void rf_subos_remove(struct rf_subos *s);
struct rf_subos *rf_subos_alloc(const char *name);
bool rf_anything_granted(void);

/* grant.c */
extern struct mutex rf_grant_lock;
extern struct list_head rf_quarantine_list;
int rf_subos_create(const struct rf_request *req, struct rf_subos **out,
		    struct rf_report *report, struct netlink_ext_ack *extack);
int rf_subos_release(struct rf_subos *s);
void rf_quarantine(struct rf_resources *res, const char *owner, u32 id, bool whole,
		   const char *why);
int rf_recover(u32 *cpus, u64 *bytes, struct netlink_ext_ack *extack);

/* birth.c */
void rf_life_tell(struct rf_subos *s, unsigned long what);

/* life.c */
int rf_subos_load(struct rf_subos *s, struct file *kernel, struct file **initrd,
		  unsigned int nr_initrds, const char *cmdline, bool dry_run,
		  struct netlink_ext_ack *extack);
int rf_subos_start(struct rf_subos *s, unsigned int timeout_ms, bool dry_run,
		   struct netlink_ext_ack *extack);
int rf_start_locked(struct rf_subos *s, unsigned int timeout_ms, const char *cause,
		    const char *what, struct netlink_ext_ack *extack);
int rf_halt_locked(struct rf_subos *s, enum rainforest_state state,
		   enum rainforest_reason reason);
int rf_subos_stop(struct rf_subos *s, unsigned int timeout_ms, bool force,
		  bool dry_run, struct netlink_ext_ack *extack);
int rf_subos_kill(struct rf_subos *s, bool dry_run, struct netlink_ext_ack *extack);
int rf_subos_destroy(struct rf_subos *s, unsigned int timeout_ms, bool force,
		     bool dry_run, struct netlink_ext_ack *extack);
void rf_subos_stop_all(void);
bool rf_gone(const struct rf_subos *s, struct netlink_ext_ack *extack);
bool rf_subos_dumped(struct rf_subos *s, struct netlink_ext_ack *extack);

/* freeze.c */
#define RF_FREEZE_MS	1000U	/* for all CPUs to be held, as a rule */
int rf_subos_freeze(struct rf_subos *s, unsigned int timeout_ms, bool nmi, bool dry_run,
		    struct netlink_ext_ack *extack);
int rf_subos_thaw(struct rf_subos *s, bool dry_run, struct netlink_ext_ack *extack);
int rf_freeze_locked(struct rf_subos *s, unsigned int timeout_ms, bool nmi, bool partly,
		     struct netlink_ext_ack *extack);
int rf_thaw_locked(struct rf_subos *s, struct netlink_ext_ack *extack);

/* dump.c */
long rf_dump_ioctl(struct rf_dump __user *user);

/* policy.c */
#define RF_POLICY_LIMIT		5	/* restarts in a row, if nothing is said */
#define RF_POLICY_DELAY_MS	1000
extern char rf_dump_helper[256], rf_dump_dir[256];
int rf_policy_init(void);
void rf_policy_exit(void);
void rf_policy_stop(void);
void rf_policy_setup(struct rf_subos *s);
void rf_policy_seen(struct rf_subos *s, enum rainforest_state state,
		    enum rainforest_reason reason);
void rf_policy_forget(struct rf_subos *s);
bool rf_policy_restarting(const struct rf_subos *s);

/* channels.c */
struct rf_ficm_channel;
int rf_channels_init(void);
void rf_channels_exit(void);
void rf_channels_kick(void);
struct rf_ficm_channel *rf_channel_get(struct rf_subos *s);
int rf_channel_start(struct rf_subos *s, struct netlink_ext_ack *extack);
void rf_channel_down(u32 id);
void rf_channel_proven(u32 id);

/* connect.c */
int rf_channel_connect(struct rf_subos *a, struct rf_subos *b, struct netlink_ext_ack *extack);
int rf_channel_disconnect(struct rf_subos *a, struct rf_subos *b, struct netlink_ext_ack *extack);

/* console.c */
#define RF_COPY_MAX	(16 * 1024)	/* bytes a read or write moves at most */
struct rf_ring *rf_ring_of(struct rf_subos *s, unsigned int id);
u64 rf_ring_cap(unsigned int id);
u64 rf_ring_used(struct rf_subos *s, unsigned int id);
void rf_ring_copy_out(struct rf_subos *s, unsigned int id, u64 pos, u8 *to, u64 len);
void rf_ring_consumed(struct rf_subos *s, unsigned int id, u64 len);
struct rf_subos *rf_console_ghost(const char *name);
bool rf_console_ghost_name(unsigned int i, char *name);
void rf_console_free_ghosts(void);
int rf_console_setup(struct rf_subos *s);
void rf_console_free(struct rf_subos *s);
void rf_console_start(struct rf_subos *s);
void rf_console_drain(struct rf_subos *s);
void rf_console_bury(struct rf_subos *s);
u8 *rf_console_previous(struct rf_subos *s, size_t *len);

/* tee.c */
#define RF_TEE_MS	1000	/* milliseconds a destroy waits for the log at most */
#define RF_TEE_REBOOT_MS 2000	/* and a reboot, for all subOSes */
void rf_tee_setup(struct rf_subos *s);
void rf_tee_put(struct rf_subos *s, const u8 *from, size_t len);
void rf_tee_life(struct rf_subos *s);
void rf_tee_free(struct rf_subos *s);
void rf_tee_finish(struct rf_subos *s, unsigned long late);
int rf_tee_init(void);
void rf_tee_exit(void);

/* device.c */
int rf_device_init(void);
void rf_device_exit(void);

/* account.c */
int rf_account_setup(struct rf_subos *s);
void rf_account_free(struct rf_subos *s);
void rf_account_update(struct rf_subos *s);
void rf_account_read(struct rf_subos *s, struct rf_integral *cpu, struct rf_integral *mib);
int rf_account_keep_config(struct rf_subos *s, const char *text);
void rf_account_grant_text(struct rf_subos *s, char *buf, size_t len);
void rf_account_record(struct rf_subos *s, enum rainforest_op op, const char *cause,
		       const char *what, u64 duration_ns, int result);

/* stat.c */
int rf_stat_read(struct rf_subos *s, struct rf_stat *to, struct netlink_ext_ack *extack);
u64 rf_stat_age(const struct rf_stat *st);

/* ledger.c */
int rf_ledger_init(void);
void rf_ledger_exit(void);
u64 rf_ledger_phys(void);
void rf_ledger_update(void);

/* netlink.c */
int rf_netlink_init(void);
void rf_netlink_exit(void);
void rf_netlink_notify(struct rf_subos *s, enum rainforest_event event);
void rf_netlink_notify_record(struct rf_subos *s, const struct rf_record *r);

#endif /* _RFCONTROLLER_H */
