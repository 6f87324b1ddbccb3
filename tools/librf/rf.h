/* SPDX-License-Identifier: GPL-2.0 */
/*
 * librf: subOSes from user space. The only part of the tools that knows
 * generic netlink; the contract is Documentation/netlink/specs/rainforest.yaml.
 *
 * Every function that can fail returns 0 or -errno and leaves a sentence for
 * people in the handle (rf_strerror()); rf_exit_code() turns the errno into
 * the exit code that rfm promises. Nothing here prints or exits. A handle is
 * used by one thread at a time.
 *
 *   "handle"      ctx.c     rf_new() rf_free() rf_strerror()
 *   "questions"   query.c   rf_info_get() rf_cpus_get() rf_nodes_get() ...
 *   "changes"     change.c  rf_create() rf_load() rf_start() ...
 *   "channels"    channel.c rf_channels_get() rf_channel_connect() rf_ping() ...
 *                 resize.c  rf_resize() rf_move() rf_lend()
 *   "events"      event.c   rf_events_open() rf_wait()
 *   "streams"     stream.c  rf_attach()
 *   "dumps"       dump.c    rf_freeze() rf_thaw() rf_dump_open() rf_dump_write()
 *   "services"    com.c     rf_open() rf_close() rf_read() rf_write() ...: com.h
 *   "images"      image.c   rf_kernel_open()
 *   "files"       config.c  rf_config_read()
 *   "words"       parse.c, words.c, strings.c
 */
#ifndef LIBRF_RF_H
#define LIBRF_RF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "com.h"

#define RF_NAME_MAX	63	/* bytes of a name, without the NUL */
#define RF_SUPERVISOR	"supervisor"	/* its name among subOSes: no subOS can have it */
#define RF_CPU_LIMIT	8192	/* CPU ids beyond are on no machine */
#define RF_NODE_LIMIT	1024
#define RF_NO_NODE	(-1)
#define RF_PATIENCE_MS	15000	/* with an unresponsive subOS: it may come back */

#define RF_KERNEL_DEFAULT	"/usr/lib/rainforest/vmlinux"

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

struct rf;

/* ---- handle: ctx.c ---- */

int rf_new(struct rf **rfp);
void rf_free(struct rf *rf);
const char *rf_strerror(const struct rf *rf);
__attribute__((format(printf, 3, 4)))
int rf_error(struct rf *rf, int err, const char *fmt, ...);
int rf_connect(struct rf *rf);

/* ---- what the kernel says ---- */

struct rf_mem {
	uint64_t start;		/* physical address, bytes */
	uint64_t size;		/* bytes */
	int node;		/* or RF_NO_NODE */
};

struct rf_info {
	uint32_t abi_major, abi_minor;
	char release[65];
	uint64_t block_size;		/* bytes */
	uint64_t min_memory;		/* bytes */
	uint32_t reserve_cpus;
	uint64_t reserve_memory;	/* bytes */
	bool lockdown;
	uint64_t trampoline, ledger;	/* physical addresses, 0: not told */
};

struct rf_cpu {
	uint32_t id, apic_id;
	int node, socket, core;		/* -1: not known */
	uint32_t *sibling;
	size_t nr_siblings;
	bool online, quarantined;
	char owner[RF_NAME_MAX + 1];	/* "": the supervisor */
};

struct rf_node {
	uint32_t id;
	uint64_t total, free, carvable, granted;	/* bytes */
	uint32_t *distance;
	size_t nr_distances;
};

struct rf_timing {
	char phase[32];
	uint64_t ns;
};

/* One adjustment of a subOS */
struct rf_record {
	uint64_t seq;			/* from 1; gaps: not kept any more */
	uint64_t time_ns;		/* CLOCK_REALTIME, when it was done */
	uint64_t duration_ns;
	uint32_t op;			/* RAINFOREST_OP_* */
	int32_t result;			/* 0 or -errno */
	char cause[64], what[128];
};

/* What was owned, summed over time: units times seconds, and ns of them */
struct rf_owned {
	uint64_t cpu_s, mib_s;
	uint32_t cpu_ns, mib_ns;
};

struct rf_subos {
	uint32_t id;
	char name[RF_NAME_MAX + 1];
	uint32_t state;			/* RAINFOREST_STATE_* */
	uint32_t reason;		/* RAINFOREST_REASON_* */
	uint32_t event;			/* RAINFOREST_EVENT_*, of notices only */
	uint64_t time_ns;		/* CLOCK_REALTIME, of notices only; 0: not told */
	bool exited;
	int32_t exit_status;		/* of the command, if exited */
	char *message;			/* or NULL */
	uint32_t *cpu;
	size_t nr_cpus;
	struct rf_mem *mem;
	size_t nr_mems;
	uint64_t *beat;
	size_t nr_beats;
	struct rf_timing *timing;
	size_t nr_timings;
	char **warning;
	size_t nr_warnings;
	char **pinned;
	size_t nr_pinned;
	char **pending;			/* what it was asked and has not answered */
	size_t nr_pending;
	uint32_t min_cpus, priority;
	uint32_t on_crash;		/* RAINFOREST_ON_CRASH_* */
	uint32_t restart_limit;		/* in a row; 0: none */
	uint32_t restart_delay_ms;	/* before the first */
	uint64_t restarts;		/* after crashes, ever */
	bool restarting;		/* it has crashed, and will be started again */
	uint64_t generation, console_bytes, console_lost, host_bytes, created_ns;
	struct rf_owned owned;
	char *config;			/* of rf_load(), or NULL: for root only */
	struct rf_record *record;	/* of rf_history_get() and of notices */
	size_t nr_records;
};

/* What a subOS measures of one of its CPUs: sums since its kernel booted */
struct rf_stat_cpu {
	uint32_t id;			/* as the supervisor numbers it */
	bool counters;			/* what is last is valid */
	uint64_t user_ns, system_ns, irq_ns, idle_ns;
	uint64_t timer, resched, call, doorbell, device;	/* interrupts */
	uint64_t cycles, instructions, cache_refs, cache_misses;
};

struct rf_stat {
	char name[RF_NAME_MAX + 1];
	uint32_t state;
	uint64_t age_ns;		/* how long ago it was measured */
	uint64_t uptime_ns;
	uint32_t load_milli[3];		/* of 1, 5 and 15 minutes */
	uint64_t mem_total, mem_free, mem_available, mem_shared;	/* bytes */
	struct rf_stat_cpu *cpu;
	size_t nr_cpus;
};

struct rf_quarantine {
	char owner[RF_NAME_MAX + 1];
	char *why;			/* or NULL */
	uint32_t *cpu;
	size_t nr_cpus;
	struct rf_mem *mem;
	size_t nr_mems;
	uint32_t recovered_cpus;	/* of rf_recover() only */
	uint64_t recovered_memory;	/* bytes */
};

struct rf_lease {
	uint32_t id;
	char from[RF_NAME_MAX + 1], to[RF_NAME_MAX + 1];
	uint32_t *cpu;
	size_t nr_cpus;
	struct rf_mem *mem;
	size_t nr_mems;
	uint64_t left_ms;		/* 0: it is due */
	uint32_t tries;			/* to get it back, in vain */
};

void rf_leases_free(struct rf_lease *list, size_t n);
void rf_cpus_free(struct rf_cpu *list, size_t n);
void rf_nodes_free(struct rf_node *list, size_t n);
void rf_subos_clear(struct rf_subos *s);
void rf_subos_free(struct rf_subos *list, size_t n);
void rf_stat_clear(struct rf_stat *st);
void rf_quarantine_free(struct rf_quarantine *list, size_t n);

/* ---- questions: query.c; nobody needs to be root ---- */

int rf_info_get(struct rf *rf, struct rf_info *info);
int rf_cpus_get(struct rf *rf, struct rf_cpu **list, size_t *n);
int rf_nodes_get(struct rf *rf, struct rf_node **list, size_t *n);
int rf_subos_get(struct rf *rf, const char *name, struct rf_subos *s);
int rf_subos_list(struct rf *rf, struct rf_subos **list, size_t *n);
int rf_history_get(struct rf *rf, const char *name, struct rf_subos *s);
int rf_stat_get(struct rf *rf, const char *name, struct rf_stat *st);
int rf_leases_get(struct rf *rf, struct rf_lease **list, size_t *n);
int rf_quarantine_list(struct rf *rf, struct rf_quarantine **list, size_t *n);

/* ---- changes: change.c; root only ---- */

struct rf_create {
	const char *name;
	const uint32_t *cpu;		/* these, or else */
	size_t nr_cpus;
	uint32_t ncpus;			/* as many, */
	int cpu_node;			/* of this node, or RF_NO_NODE */
	const struct rf_mem *mem;	/* start is not used */
	size_t nr_mems;
	uint32_t min_cpus;		/* not to be preempted */
	uint32_t priority;
	uint32_t on_crash;		/* RAINFOREST_ON_CRASH_* */
	int64_t restart_limit;		/* in a row, 0: without end; negative: the default */
	int64_t restart_delay_ms;	/* negative: the default */
	bool exact;
	bool dry_run;
};

struct rf_load {
	const char *name;
	int kernel_fd;
	const int *initrd_fd;
	size_t nr_initrds;
	const char *cmdline;		/* or NULL */
	const char *config;		/* kept for who asks what it was made of, or NULL */
	bool dry_run;
};

struct rf_stop {
	const char *name;
	int64_t timeout_ms;		/* negative: what the kernel thinks best */
	bool force;
	bool dry_run;
};

struct rf_amount {
	struct rf_mem mem;		/* start is not used */
	uint32_t how;			/* RAINFOREST_HOW_* */
};

struct rf_resize {
	const char *name;
	const char *to;			/* rf_move(): who gets it */
	const uint32_t *add;		/* CPUs by number, */
	size_t nr_add;
	const uint32_t *remove;
	size_t nr_remove;
	bool count;			/* or else ncpus of cpu_node, as how says */
	uint32_t ncpus;
	uint32_t how;			/* RAINFOREST_HOW_* */
	int cpu_node;			/* or RF_NO_NODE */
	const struct rf_amount *mem;
	size_t nr_mems;
	int64_t timeout_ms;		/* negative: what the kernel thinks best */
	uint64_t term_ms;		/* rf_lend() */
	bool preempt;			/* rf_resize(): rob others, if need be */
	bool force;
	bool dry_run;
};

int rf_create(struct rf *rf, const struct rf_create *c, struct rf_subos *reply);
int rf_load(struct rf *rf, const struct rf_load *l, struct rf_subos *reply);
int rf_start(struct rf *rf, const struct rf_stop *s, struct rf_subos *reply);
int rf_stop(struct rf *rf, const struct rf_stop *s, struct rf_subos *reply);
int rf_kill(struct rf *rf, const struct rf_stop *s, struct rf_subos *reply);
int rf_destroy(struct rf *rf, const struct rf_stop *s, struct rf_subos *reply);
int rf_recover(struct rf *rf, struct rf_quarantine *reply);
int rf_resize(struct rf *rf, const struct rf_resize *z, struct rf_subos *reply);
int rf_move(struct rf *rf, const struct rf_resize *z, struct rf_subos *reply);
int rf_lend(struct rf *rf, const struct rf_resize *z, struct rf_subos *reply);
int rf_lease_recall(struct rf *rf, uint32_t id);

/* ---- channels: channel.c ---- */

#define RF_REFUSALS	6	/* sequence, bounds, service, tail, bell, content */

struct rf_channel {
	char name[RF_NAME_MAX + 1];
	char peer[RF_NAME_MAX + 1];	/* empty: the supervisor */
	uint32_t state;			/* enum rainforest_channel_state */
	uint32_t slots;
	uint64_t generation;
	uint64_t sent;			/* to name */
	uint64_t received;		/* from name */
	bool counted;			/* the rest is known: it is the supervisor's */
	uint64_t irq, full, rings, room_rings, throttled, dropped, late;
	uint64_t refused[RF_REFUSALS];
};

struct rf_ping {
	uint32_t count;
	uint32_t timeout_ms;		/* of each */
	bool poll;
};

struct rf_tune {
	const char *name;			/* NULL: the supervisor's */
	int64_t core, priority, poll_us;	/* negative: leave */
	uint64_t moves;				/* out */
};

int rf_channels_get(struct rf *rf, struct rf_channel **list, size_t *n);
int rf_channel_connect(struct rf *rf, const char *a, const char *b);
int rf_channel_disconnect(struct rf *rf, const char *a, const char *b);
int rf_channel_tune(struct rf *rf, struct rf_tune *tune);
int rf_ping(struct rf *rf, const char *name, const struct rf_ping *ping, uint64_t **ns, size_t *n);

/* ---- the network between kernels: net.c ---- */

struct rf_net {
	char name[64];		/* "supervisor" or a subOS */
	char host[64];		/* "": none but the name */
	uint32_t id;
	bool here;		/* its RFloop has said hello */
	char **address;		/* with prefix */
	size_t nr_addresses;
	uint64_t packets, bytes;	/* a second that it may send, 0: any number */
	char **stat_name;	/* of the supervisor's link to it, as ethtool has them */
	size_t nr_names;
	uint64_t *stat;
	size_t nr_stats;
};

struct rf_net_set {
	const char *name;
	const char *host;	/* NULL: leave it */
	const char *const *ip;	/* of each family one at most; none: leave them */
	size_t nr_ips;
	bool has_packets, has_bytes;
	uint64_t packets, bytes;
};

int rf_nets_get(struct rf *rf, struct rf_net **list, size_t *n);
void rf_nets_free(struct rf_net *list, size_t n);
int rf_net_set(struct rf *rf, const struct rf_net_set *set);

/* ---- events: event.c ---- */

int rf_events_open(struct rf *rf);
int rf_events_buffer(struct rf *rf, uint64_t bytes);
int rf_events_fd(const struct rf *rf);
int rf_event_next(struct rf *rf, struct rf_subos *ev);
int rf_wait(struct rf *rf, const char *name, int64_t timeout_ms,
	    struct rf_subos *end);

/* ---- streams: stream.c ---- */

int rf_attach(struct rf *rf, const char *name, unsigned int stream,
	      unsigned int flags, uint64_t *lost);

/* ---- held, and dumped: dump.c ---- */

struct rf_freeze {
	const char *name;
	int64_t timeout_ms;
	bool nmi;	/* CPUs that take no interrupt: resets the machine if one has no IDT */
	bool dry_run;
};

struct rf_dump_info {
	uint64_t size;		/* bytes of the core file */
	uint64_t memory;	/* of it, the subOS's memory */
	uint32_t cpus, regs;	/* that it has; of how many the registers are known */
	uint32_t loose;		/* that may run on */
	bool held;		/* it ran, and is held until the close */
	uint32_t vmcoreinfo;	/* bytes, 0: none */
};

struct rf_dump_how {
	uint64_t size;		/* of rf_dump_info */
	bool compress;		/* by zstd, as a whole */
	bool (*progress)(uint64_t done, void *arg);	/* false: stop */
	void *arg;
};

int rf_freeze(struct rf *rf, const struct rf_freeze *f, struct rf_subos *reply);
int rf_thaw(struct rf *rf, const char *name, bool dry_run, struct rf_subos *reply);
int rf_dump_open(struct rf *rf, const struct rf_freeze *f, struct rf_dump_info *info);
int rf_dump_write(struct rf *rf, int from, int to, const struct rf_dump_how *how);

/* ---- reports: report.c ---- */

int rf_gone_get(struct rf *rf, char ***names, size_t *n);
void rf_gone_free(char **names, size_t n);

/* ---- images: image.c ---- */

struct rf_kernel {
	int fd;
	const char *kind;	/* "bzImage", "vmlinux", "vmlinux, compressed" */
	uint64_t size;		/* bytes of the file given to the kernel */
	uint64_t span;		/* bytes of memory it needs when it starts */
};

int rf_kernel_open(struct rf *rf, const char *path, struct rf_kernel *k);
int rf_kernel_check(struct rf *rf, const char *path, struct rf_kernel *k);

/* ---- locks of subOSes that rfm works on: lock.c ---- */

int rf_lock_take(struct rf *rf, const char *name, bool *stale);
void rf_lock_drop(const char *name, int fd, bool keep);
void rf_lock_clear(const char *name);
int rf_lock_orphan(const char *name);

/* ---- files of one subOS: config.c ---- */

#define RF_CONFIG_DIR	"/etc/rfm/subos.d"
#define RF_CONFIG_MAX	16000	/* bytes of a file */

struct rf_config_key {
	const char *section, *name;	/* a name of NULL ends a table */
	bool many;			/* may be given more than once */
	bool yes;			/* takes yes or no */
	bool path;			/* takes an absolute path */
};

struct rf_config_entry {
	const struct rf_config_key *key;
	char *value;
	unsigned int line;
};

struct rf_config {
	struct rf_config_entry *entry;
	size_t n;
};

int rf_config_parse(struct rf *rf, const char *path, const char *text,
		    const struct rf_config_key *keys, struct rf_config *config);
int rf_config_read(struct rf *rf, const char *path, const struct rf_config_key *keys,
		   struct rf_config *config);
void rf_config_clear(struct rf_config *config);
void rf_config_put(FILE *f, const char *name, const char *value);

/* ---- what a subOS measures: stat.c ---- */

#define RF_STAT_MS	500	/* it does that often */

void rf_stat_minus(struct rf_stat *now, const struct rf_stat *then);
double rf_stat_busy(const struct rf_stat_cpu *c);

/* ---- the elastic policy: autoscale.c ---- */

enum rf_autoscale_step { RF_AUTOSCALE_HOLD, RF_AUTOSCALE_GROW, RF_AUTOSCALE_SHRINK };

struct rf_autoscale {
	double lower, upper;		/* thresholds of the metric */
	uint32_t min_cpus, max_cpus;	/* of the subject; max_cpus 0: no limit */
	uint32_t donor_min;		/* that the donor keeps */
	int64_t cooldown_ms;		/* between two moves, at least */
};

struct rf_autoscale_view {
	double metric;
	uint32_t cpus, donor_cpus;
	bool moved;			/* at moved_ms, */
	int64_t now_ms, moved_ms;	/* of one clock */
};

enum rf_autoscale_step rf_autoscale_decide(const struct rf_autoscale *p,
					   const struct rf_autoscale_view *v, const char **why);
int rf_parse_number(struct rf *rf, const char *what, const char *text, double *v);

/* ---- words: parse.c, strings.c ---- */

int rf_parse_name(struct rf *rf, const char *name);
int rf_parse_new_name(struct rf *rf, const char *name);
int rf_parse_cpus(struct rf *rf, const char *word, uint32_t **cpu, size_t *n);
int rf_parse_ncpus(struct rf *rf, const char *word, uint32_t *ncpus, int *node);
int rf_parse_count_how(struct rf *rf, const char *word, uint32_t *ncpus, int *node,
		       uint32_t *how);
int rf_parse_amount(struct rf *rf, const char *word, struct rf_amount *amount);
int rf_parse_size(struct rf *rf, const char *word, uint64_t *bytes);
int rf_parse_memory(struct rf *rf, const char *word, struct rf_mem *mem);
int rf_parse_seconds(struct rf *rf, const char *word, int64_t *ms);
int rf_parse_count(struct rf *rf, const char *word, uint64_t *n);
int rf_parse_on_crash(struct rf *rf, const char *text, uint32_t *policy);
int rf_check_memory(struct rf *rf, const struct rf_mem *mem, size_t n,
		    uint64_t min);
int rf_round_memory(struct rf *rf, struct rf_mem *mem, uint64_t block,
		    bool exact, char **notice);
char *rf_size_text(uint64_t bytes, char *buf, size_t len);
char *rf_cpus_text(const uint32_t *cpu, size_t n);

const char *rf_state_text(uint32_t state);
const char *rf_reason_text(uint32_t reason);
const char *rf_event_text(uint32_t event);
const char *rf_op_text(uint32_t op);
const char *rf_on_crash_text(uint32_t policy);
bool rf_state_over(uint32_t state);
bool rf_state_active(uint32_t state);
int rf_subos_status(struct rf *rf, const struct rf_subos *s);
int rf_exit_code(int err);
int rf_exit_from_wait(int wstatus);

#endif /* LIBRF_RF_H */
