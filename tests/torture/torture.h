/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The torture driver, in the supervisor. What belongs where:
 *
 *	main.c		options, the loop, the report
 *	plan.c		what is done at which step: all of it follows from the seed
 *	machine.c	who has what, and whether that can be
 *	slot.c		a subOS of ours, and the agent in it
 *	life.c resize.c crash.c dump.c traffic.c trouble.c	the operations
 *	book.c		figures, and whether memory leaks
 *	tool.c		programs, time, modules
 *
 * An operation returns DONE, REFUSED (it was not done, as may be), or BROKEN, after
 * broken(): then something is wrong that must never be.
 */
#ifndef TORTURE_H
#define TORTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "pattern.h"
#include "rf.h"

#define NR_STEADY	3	/* subOSes that grow, shrink and talk */
#define VICTIM		3	/* one that dies */
#define NR_SLOTS	4
#define NR_RANDOM	8
#define TRAIL		24	/* operations that a failure tells */
#define MAX_BLOCKS	4	/* that a subOS gets */
#define MAX_CPUS	3

enum { DONE, REFUSED, BROKEN = -1 };

#define RESIZE_MS	30000	/* for a subOS's answers: as long as can be waited */

struct slot {
	char name[16];
	bool up;		/* it should run, and its agent answer */
	uint64_t stamp;
	int in, out;		/* the agent's streams */
	char text[1024];
	size_t have;
	size_t filled;		/* MiB */
	bool listens;		/* rf_ficm_test is in it */
	bool serves;		/* nettest */
	uint64_t beats;
	int64_t beats_at;
};

/* What a step does; r are random numbers of its own, whatever came before */
struct step {
	uint64_t nr;
	const struct op *op;
	uint64_t r[NR_RANDOM];
};

struct torture;

struct op {
	const char *name;
	unsigned int weight;
	int (*run)(struct torture *t, const struct step *s);
};

enum count {
	CREATED, BOOTED, DESTROYED, RESIZED, MOVED, LENT, CRASHED, MESSAGES, STREAMED,
	COPIED, EXECUTED, KILLED_RFM, FAILED_CALLS, PRESSED, RELOADED, REFUSALS, CHECKS,
	PAGES, FROZEN, DUMPED, UNRULY, ENDED, DETECT_LATE, RECLAIM_LATE, NR_COUNTS
};

#define MAX_KINDS	40
#define MAX_LOOKS	4096

struct book {
	uint64_t count[NR_COUNTS];
	struct kind {
		char name[24];
		uint64_t n;
		int64_t detect_ms, reclaim_ms;	/* the longest */
	} kind[MAX_KINDS];
	int64_t detect_ms, reclaim_ms;
	struct look {			/* when nothing is granted */
		uint64_t step, cycles;
		int64_t available, total, slab;	/* KiB */
	} look[MAX_LOOKS];
	size_t nr_looks;
	double slope, growth;
};

struct torture {
	struct rf *rf;
	struct rf_info info;
	uint64_t seed;
	uint64_t steps;		/* 0: as long as minutes say */
	double minutes;
	int slow;		/* the machine is so many times slower than it might be */
	bool verbose, keep_going;
	const char *dir;	/* what tests/torture/run has built */
	const char *json;
	const char *plant;
	const char *only;	/* these operations; NULL: all */
	uint64_t cycle;		/* steps from one look at all of the machine to the next */
	FILE *log;

	struct slot slot[NR_SLOTS];
	uint64_t births;
	struct rf_kernel kernel;
	int initrd[2], nr_initrds;
	struct pattern mine;
	uint64_t machine;	/* bytes, of all owners */
	int kmsg;
	int64_t began;
	pid_t press_memory, press_cpus;
	unsigned int fail_steps;

	uint64_t step;		/* now */
	char doing[160];
	char why[768];		/* what is broken */
	char trail[TRAIL][256];
	unsigned int trails;
	unsigned int failures;
	struct book book;
};

/* main.c */
__attribute__((format(printf, 2, 3)))
int broken(struct torture *t, const char *fmt, ...);
__attribute__((format(printf, 2, 3)))
void doing(struct torture *t, const char *fmt, ...);

/* plan.c */
void plan_step(const struct torture *t, uint64_t nr, struct step *s);
uint64_t mix(uint64_t x);

/* machine.c */
int machine_remember(struct torture *t);
int machine_check(struct torture *t);
int machine_empty(struct torture *t);
int machine_self_test(struct torture *t);
int kmsg_open(void);
int kmsg_check(struct torture *t);

/* slot.c */
int slots_init(struct torture *t);
void slot_drop(struct slot *s);
int slot_ask(struct torture *t, struct slot *s, const char *question, char *answer, size_t len);
void slot_tell(struct torture *t, struct slot *s, const char *command);
int slot_fill(struct torture *t, struct slot *s, size_t mib);
int slot_check(struct torture *t, struct slot *s);
int slot_alive(struct torture *t, struct slot *s);
int slot_get(struct torture *t, struct slot *s, struct rf_subos *now);
int slots_settle(struct torture *t);
uint64_t slot_beats(const struct rf_subos *now);

/* life.c */
int life_boot(struct torture *t, struct slot *s, uint64_t r);
int life_need(struct torture *t, struct slot *s, uint64_t r);
int life_end(struct torture *t, struct slot *s, uint64_t r);
int life_gone(struct torture *t, struct slot *s);
int life_all_end(struct torture *t);
int life_sync(struct torture *t);
int op_create(struct torture *t, const struct step *s);
int op_destroy(struct torture *t, const struct step *s);
int op_restart(struct torture *t, const struct step *s);
int op_reserve(struct torture *t, const struct step *s);

/* resize.c */
int resize_least(struct torture *t, struct slot *s);
int resize_room(struct torture *t);
int op_cpus(struct torture *t, const struct step *s);
int op_memory(struct torture *t, const struct step *s);
int op_burst(struct torture *t, const struct step *s);
int op_move(struct torture *t, const struct step *s);
int op_lend(struct torture *t, const struct step *s);
int leases_end(struct torture *t);

/* crash.c */
int op_crash(struct torture *t, const struct step *s);
int op_unruly(struct torture *t, const struct step *s);

/* dump.c */
int dump_check(struct torture *t, const struct slot *s);
int op_freeze(struct torture *t, const struct step *s);
int op_dump(struct torture *t, const struct step *s);

/* traffic.c */
int op_messages(struct torture *t, const struct step *s);
int op_copy(struct torture *t, const struct step *s);
int op_exec(struct torture *t, const struct step *s);
int op_net(struct torture *t, const struct step *s);

/* trouble.c */
int op_kill9(struct torture *t, const struct step *s);
int op_fail(struct torture *t, const struct step *s);
int fails_check(struct torture *t);
int op_press_memory(struct torture *t, const struct step *s);
int op_press_cpus(struct torture *t, const struct step *s);
int op_refuse(struct torture *t, const struct step *s);
int modules_reload(struct torture *t);
void press_end(struct torture *t);

/* book.c */
void book_death(struct torture *t, const char *kind, bool orderly, int64_t detect_ms,
		int64_t reclaim_ms);
int book_look(struct torture *t);
int book_leak(struct torture *t);
int book_write(struct torture *t);
void book_print(const struct torture *t);
int kmemleak_check(struct torture *t);

/* tool.c */
int64_t now_ms(void);
int verdict(struct torture *t, const char *what, int ret);
int put_file(const char *path, const char *text);
int get_file(const char *path, char *text, size_t len);
int64_t meminfo(const char *field);
int64_t held_by_cpus(void);
pid_t spawn(const char *const argv[], int *out);
int spawned(struct torture *t, pid_t pid, int out, char *text, size_t len, int seconds);
int tool(struct torture *t, char *text, size_t len, int seconds, const char *const argv[]);
int module_load(const struct torture *t, const char *name, const char *params);
int module_unload(const char *name);

#define TOOL(t, text, seconds, ...) \
	tool(t, text, sizeof(text), seconds, (const char *const[]){ __VA_ARGS__, NULL })

#endif /* TORTURE_H */
