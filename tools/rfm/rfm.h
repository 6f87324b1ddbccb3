/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rfm: subOSes from the command line. One file a verb; main.c has the table,
 * prints what went wrong, and exits. A verb returns an exit code, or -errno
 * with the sentence in the handle of librf.
 */
#ifndef RFM_H
#define RFM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include "rf.h"

#define RFM_VERSION	"0.1"
#define RFM_STOP_MS	10000	/* for an orderly stop, by default */

struct rfm {
	struct rf *rf;
	bool json;	/* --json was given */
	bool told;	/* what failed stands in the JSON that was printed */
};

/* opts.c: exact words only, no abbreviations */
enum rfm_opt_kind {
	OPT_FLAG,	/* value: bool * */
	OPT_STRING,	/* value: const char **, given at most once */
	OPT_STRINGS,	/* value: struct rfm_strings *, repeatable */
};

struct rfm_strings {
	const char **v;
	size_t n;
};

struct rfm_opt {
	const char *name;	/* NULL ends a table */
	char letter;		/* or 0 */
	enum rfm_opt_kind kind;
	void *value;
	const char *arg;	/* its argument in the help */
	const char *help;
};

#define RFM_JSON(r) { "json", 0, OPT_FLAG, &(r)->json, NULL, "print JSON" }
#define RFM_DRY_RUN(v) { "dry-run", 0, OPT_FLAG, v, NULL, \
		"change nothing, say what would be done" }
#define RFM_END { NULL, 0, OPT_FLAG, NULL, NULL, NULL }

struct rfm_words {
	const char **v;		/* what is no option */
	size_t n;
	const char **rest;	/* what follows "--" */
	size_t n_rest;
};

int rfm_parse(struct rfm *r, int argc, char **argv, const struct rfm_opt *opts,
	      const char *synopsis, struct rfm_words *words);
int rfm_no_words(struct rfm *r, const struct rfm_words *words);
int rfm_one_name(struct rfm *r, const struct rfm_words *words, const char **name);

/* json.c */
void rfm_put(struct json_object *o, const char *key, struct json_object *value);
struct json_object *rfm_json_text(const char *text, size_t len);
struct json_object *rfm_json_cpus(const uint32_t *cpu, size_t n);
struct json_object *rfm_json_memory(const struct rf_mem *mem, size_t n);
struct json_object *rfm_json_regions(const struct rf_mem *mem, size_t n);
struct json_object *rfm_json_subos(const struct rf_subos *s);
struct json_object *rfm_json_subos_all(const struct rf_subos *s);
struct json_object *rfm_json_change(const struct rf_subos *s, bool dry_run);
struct json_object *rfm_json_event(const struct rf_subos *ev, const char *what);
struct json_object *rfm_json_history(const struct rf_subos *s, size_t from);
struct json_object *rfm_json_quarantine(const struct rf_quarantine *q, size_t n);
void rfm_put_failure(struct rfm *r, struct json_object *o, int err);
void rfm_json_print(struct json_object *o);

/* say.c: for people */
int64_t rfm_now_ms(void);
__attribute__((format(printf, 1, 2)))
void rfm_warn(const char *fmt, ...);
void rfm_warnings(const struct rf_subos *s);
int rfm_unread(struct rfm *r);
void rfm_say_change(const struct rf_subos *s, const char *what);
void rfm_say_dry_create(const struct rf_subos *s);
void rfm_say_quarantine(const struct rf_quarantine *q, size_t n);
char *rfm_time_text(uint64_t ns, char *buf, size_t len);
double rfm_cpu_seconds(const struct rf_owned *o);
double rfm_byte_seconds(const struct rf_owned *o);
char *rfm_memory_text(const struct rf_mem *mem, size_t n);
uint64_t rfm_node_bytes(const struct rf_mem *mem, size_t n, size_t i);
char *rfm_human(uint64_t bytes, char *buf, size_t len);

/* make.c: what create and run share */
struct rfm_make {
	const char *name;
	const char *cpus, *ncpus;
	const char *min_cpus, *priority;
	const char *on_crash, *restart_limit, *restart_delay;
	struct rfm_strings memory;
	bool exact;
	const char *kernel, *initrd, *rootfs, *bin, *init, *hostname;
	struct rfm_strings include, append, ip;
	bool dry_run;
	bool no_shell;		/* a command is needed */
	const char **argv;
	size_t argc;
	int lock;		/* of rf_lock_take(), set by rfm_make(); or negative */
	bool stale;		/* its file had been left */
	struct json_object *notes;	/* what was said on the way */
	struct rf_config config;	/* of create -f; what is above points into it */
	struct rfm_strings args;	/* its command */
	char *file_name;		/* the name, if it is the file's */
};

#define RFM_MAKE_OPTS	19	/* options that rfm_make_opts() has */

void rfm_make_opts(struct rfm_make *m, struct rfm_opt *opts, const struct rfm_opt *more);
int rfm_make(struct rfm *r, struct rfm_make *m, struct rf_subos *made);
int rfm_unmake(struct rfm *r, const char *name, int status, char *text, size_t len);
void rfm_make_clear(struct rfm_make *m);

/* config.c */
extern const struct rf_config_key rfm_config_keys[];
int rfm_config_load(struct rfm *r, const char *word, struct rfm_make *m);
char *rfm_config_text(const struct rfm_make *m);
bool rfm_config_of_grant(const struct rf_config_key *key);

/* resize.c: what resize, move and lend share */
struct rfm_resize_words {
	const char *add, *remove, *ncpus, *wait;
	struct rfm_strings memory;
};

/* What can be taken of a subOS that another one gets it, and how; w and z are pointers */
#define RFM_CPUS(w) { "cpus", 0, OPT_STRING, &(w)->remove, "LIST", "these CPUs of FROM" }
#define RFM_NCPUS(w) { "ncpus", 0, OPT_STRING, &(w)->ncpus, "N[@nodeK]", "as many CPUs, of node K" }
#define RFM_MEMORY(w) { "memory", 0, OPT_STRINGS, &(w)->memory, "SIZE[@nodeK]", \
		"memory, of node K; repeatable" }
#define RFM_WAIT(w) { "wait", 0, OPT_STRING, &(w)->wait, "S", \
		"seconds for an answer, 0.001 to 30 (default 10)" }
#define RFM_FORCE(z) { "force", 0, OPT_FLAG, &(z)->force, NULL, \
		"CPUs leave though tasks are pinned to them" }

int rfm_resize_two(struct rfm *r, const struct rfm_words *words, struct rf_resize *z);
int rfm_resize(struct rfm *r, const struct rfm_resize_words *w, struct rf_resize *z,
	       int (*fn)(struct rf *rf, const struct rf_resize *z, struct rf_subos *reply));

/* One file a verb */
int cmd_check(struct rfm *r, int argc, char **argv);
int cmd_topo(struct rfm *r, int argc, char **argv);
int cmd_create(struct rfm *r, int argc, char **argv);
int cmd_start(struct rfm *r, int argc, char **argv);
int cmd_run(struct rfm *r, int argc, char **argv);
int cmd_list(struct rfm *r, int argc, char **argv);
int cmd_show(struct rfm *r, int argc, char **argv);
int cmd_history(struct rfm *r, int argc, char **argv);
int cmd_export(struct rfm *r, int argc, char **argv);
int cmd_stat(struct rfm *r, int argc, char **argv);
int cmd_top(struct rfm *r, int argc, char **argv);
int cmd_autoscale(struct rfm *r, int argc, char **argv);
int cmd_console(struct rfm *r, int argc, char **argv);
int cmd_logs(struct rfm *r, int argc, char **argv);
int cmd_wait(struct rfm *r, int argc, char **argv);
int cmd_stop(struct rfm *r, int argc, char **argv);
int cmd_kill(struct rfm *r, int argc, char **argv);
int cmd_freeze(struct rfm *r, int argc, char **argv);
int cmd_thaw(struct rfm *r, int argc, char **argv);
int cmd_dump(struct rfm *r, int argc, char **argv);
int cmd_collect(struct rfm *r, int argc, char **argv);
int cmd_destroy(struct rfm *r, int argc, char **argv);
int cmd_monitor(struct rfm *r, int argc, char **argv);
int cmd_channel(struct rfm *r, int argc, char **argv);
int cmd_net(struct rfm *r, int argc, char **argv);
int cmd_ping(struct rfm *r, int argc, char **argv);
int cmd_resize(struct rfm *r, int argc, char **argv);
int cmd_lend(struct rfm *r, int argc, char **argv);
int cmd_move(struct rfm *r, int argc, char **argv);
int cmd_exec(struct rfm *r, int argc, char **argv);
int cmd_cp(struct rfm *r, int argc, char **argv);
int cmd_service(struct rfm *r, int argc, char **argv);
int cmd_recover(struct rfm *r, int argc, char **argv);
int cmd_version(struct rfm *r, int argc, char **argv);

#endif /* RFM_H */
