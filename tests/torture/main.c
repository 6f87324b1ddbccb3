// SPDX-License-Identifier: GPL-2.0
/*
 * torture: everything that can be done to subOSes, at random, for long; after each
 * step all must add up. tests/torture/run builds and starts it in a supervisor.
 *
 *	torture [OPTION]...
 *	  --seed N	the same seed does the same, step for step
 *	  --minutes N, --steps N	for so long
 *	  --dir DIR	where the agent and the modules are
 *	  --slow N	the machine is so many times slower than an idle one
 *	  --json FILE	figures
 *	  --log FILE	each step, as it ends
 *	  --plan	say what would be done, and do nothing
 *	  --keep-going	count failures, clean up, and go on
 *	  --plant WHAT	a fault that must be found: leak, owner, message, bounds, books
 *	  --only OP,OP...	these operations only: see plan.c
 *	  --cycle N	all is taken back and looked at after so many steps (24)
 *	  --verbose
 *
 * Ends with 0 if nothing was wrong, else 1: with seed, step, and what was done last.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "torture.h"
#include "plant.h"

/* The first reason stands: others follow from it */
int broken(struct torture *t, const char *fmt, ...)
{
	va_list ap;

	if (t->why[0])
		return BROKEN;
	va_start(ap, fmt);
	vsnprintf(t->why, sizeof(t->why), fmt, ap);
	va_end(ap);
	return BROKEN;
}

void doing(struct torture *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->doing, sizeof(t->doing), fmt, ap);
	va_end(ap);
}

static void note(struct torture *t, const struct step *s, int ret, int64_t took)
{
	char *line = t->trail[t->trails++ % TRAIL];

	snprintf(line, sizeof(t->trail[0]), "step %llu: %s: %s: %s, %lld ms",
		 (unsigned long long)s->nr, s->op->name, t->doing,
		 ret == BROKEN ? "broken" : ret ? "refused" : "done", (long long)took);
	if (t->log) {
		fprintf(t->log, "%s\n", line);
		fflush(t->log);
	}
	if (t->verbose) {
		printf("%s\n", line);
		fflush(stdout);
	}
}

static void report(struct torture *t)
{
	unsigned int first = t->trails > TRAIL ? t->trails - TRAIL : 0;

	t->failures++;
	printf("torture: FAILED at step %llu of seed %llu: %s\n", (unsigned long long)t->step,
	       (unsigned long long)t->seed, t->why);
	for (unsigned int i = first; i < t->trails; i++)
		printf("    %s\n", t->trail[i % TRAIL]);
	fflush(stdout);
}

/* Take all away, whatever is wrong, so that the next step can begin with nothing */
static int clean_up(struct torture *t)
{
	static const char *const names[] = { "t0", "t1", "t2", "victim", "spare" };
	struct rf_quarantine freed;
	struct rf_subos gone;

	press_end(t);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct rf_stop stop = { .name = names[i], .force = true };

		rf_destroy(t->rf, &stop, &gone);
		rf_subos_clear(&gone);
	}
	for (int i = 0; i < NR_SLOTS; i++)
		slot_drop(&t->slot[i]);
	module_unload("rf_fail");
	rf_recover(t->rf, &freed);
	t->why[0] = 0;
	return machine_empty(t);
}

static int all_alive(struct torture *t)
{
	for (int i = 0; i < NR_STEADY; i++)
		if (t->slot[i].up && slot_alive(t, &t->slot[i]))
			return BROKEN;
	return 0;
}

static int check_mine(struct torture *t)
{
	struct pattern_bad bad;

	pattern_check(&t->mine, &bad);
	if (!bad.nr)
		return 0;
	return broken(t, "memory of the supervisor was written by another: %zu words, the first on a page of %#llx",
		      bad.nr, (unsigned long long)bad.owner);
}

/* After each step one subOS looks for its signature, and now and then we for ours */
static int check_signatures(struct torture *t, const struct step *s)
{
	struct slot *one = &t->slot[s->nr % NR_STEADY];

	if (one->up && slot_check(t, one))
		return BROKEN;
	return s->nr % 8 == 7 ? check_mine(t) : 0;
}

/* Now and then all end, and nothing may be missing */
static int look_at_all(struct torture *t, const struct step *s)
{
	if (life_all_end(t))
		return BROKEN;
	press_end(t);
	if (machine_empty(t) || check_mine(t))
		return BROKEN;
	if (s->r[7] % 3 == 0 && modules_reload(t))
		return BROKEN;
	if (s->nr / t->cycle % 8 == 7 && kmemleak_check(t))
		return BROKEN;
	book_look(t);
	return book_leak(t);
}

static int one_step(struct torture *t, const struct step *s)
{
	int64_t begin = now_ms();
	int ret;

	t->step = s->nr;
	t->why[0] = 0;
	doing(t, "-");
	ret = s->op->run(t, s);
	if (ret != BROKEN && (plant_now(t) || machine_check(t) || all_alive(t) ||
			      check_signatures(t, s)))
		ret = BROKEN;
	if (ret != BROKEN && s->nr % t->cycle == t->cycle - 1 && look_at_all(t, s))
		ret = BROKEN;
	if (kmsg_check(t))
		ret = BROKEN;
	note(t, s, ret, now_ms() - begin);
	return ret;
}

static int torture(struct torture *t)
{
	int64_t end = t->began + (int64_t)(t->minutes * 60000);

	for (uint64_t nr = 0; t->steps ? nr < t->steps : now_ms() < end; nr++) {
		struct step s;

		plan_step(t, nr, &s);
		if (one_step(t, &s) != BROKEN) {
			/* the machine may die of what comes */
			if (nr % t->cycle == t->cycle - 1)
				book_write(t);
			continue;
		}
		report(t);
		if (!t->keep_going)
			return 1;
		if (clean_up(t)) {
			printf("torture: and it can't be cleaned up: %s\n", t->why);
			return 1;
		}
		book_write(t);
	}
	t->why[0] = 0;
	if (life_all_end(t) || machine_empty(t) || kmemleak_check(t) || kmsg_check(t) ||
	    fails_check(t))
		report(t);
	press_end(t);
	return !!t->failures;
}

static void say_plan(const struct torture *t)
{
	for (uint64_t nr = 0; nr < t->steps; nr++) {
		struct step s;

		plan_step(t, nr, &s);
		printf("step %llu: %s", (unsigned long long)nr, s.op->name);
		for (int i = 0; i < NR_RANDOM; i++)
			printf(" %llx", (unsigned long long)s.r[i]);
		printf("\n");
	}
}

/* Let each block leave and return once: page structures are made anew then */
static int warm_up(struct torture *t)
{
	for (int node = 0; node < 2; node++) {
		const struct rf_mem mem = { 0, 1ULL << 30, node };
		const struct rf_create c = { .name = "spare", .ncpus = 1, .cpu_node = RF_NO_NODE,
					     .mem = &mem, .nr_mems = 1 };
		const struct rf_stop stop = { .name = "spare", .force = true };
		struct rf_subos reply;
		int ret = rf_create(t->rf, &c, &reply);

		rf_subos_clear(&reply);
		if (!ret)
			ret = rf_destroy(t->rf, &stop, &reply);
		rf_subos_clear(&reply);
		if (ret)
			return broken(t, "warming up: %s", rf_strerror(t->rf));
	}
	return 0;
}

static int set_up(struct torture *t)
{
	if (access("/sys/kernel/debug/sched", F_OK))
		mount("none", "/sys/kernel/debug", "debugfs", 0, NULL);
	put_file("/proc/self/oom_score_adj", "-1000");
	t->kmsg = kmsg_open();
	if (t->kmsg < 0)
		return broken(t, "/dev/kmsg: %s", strerror(errno));
	if (rf_new(&t->rf) || rf_connect(t->rf) || rf_info_get(t->rf, &t->info))
		return broken(t, "%s", rf_strerror(t->rf));
	if (slots_init(t) || warm_up(t) || machine_remember(t) || machine_empty(t))
		return BROKEN;
	if (pattern_init(&t->mine, mix(t->seed) | 1))
		return broken(t, "no memory");
	pattern_size(&t->mine, 128);
	return plant_init(t);
}

static int options(struct torture *t, int argc, char **argv, bool *plan)
{
	const char *log = NULL, *minutes = NULL;
	uint64_t slow = t->slow;
	const struct {
		const char *name;
		uint64_t *number;
		const char **word;
		bool *yes;
	} known[] = {
		{ "--seed", .number = &t->seed }, { "--steps", .number = &t->steps },
		{ "--slow", .number = &slow }, { "--cycle", .number = &t->cycle },
		{ "--minutes", .word = &minutes }, { "--dir", .word = &t->dir },
		{ "--json", .word = &t->json }, { "--log", .word = &log },
		{ "--plant", .word = &t->plant }, { "--only", .word = &t->only },
		{ "--plan", .yes = plan }, { "--keep-going", .yes = &t->keep_going },
		{ "--verbose", .yes = &t->verbose },
	};

	for (int i = 1; i < argc; i++) {
		size_t k = 0;

		while (k < ARRAY_SIZE(known) && strcmp(argv[i], known[k].name))
			k++;
		if (k == ARRAY_SIZE(known) || (!known[k].yes && ++i == argc))
			return -1;
		if (known[k].yes)
			*known[k].yes = true;
		else if (known[k].word)
			*known[k].word = argv[i];
		else
			*known[k].number = strtoull(argv[i], NULL, 0);
	}
	t->minutes = minutes ? strtod(minutes, NULL) : 0;
	t->log = log ? fopen(log, "we") : NULL;
	t->slow = slow;
	if (!t->cycle || t->slow < 1 || (log && !t->log))
		return -1;
	return (t->steps || t->minutes > 0) && (t->dir || *plan) ? 0 : -1;
}

int main(int argc, char **argv)
{
	static struct torture t = { .slow = 4, .seed = 1, .cycle = 24 };
	bool plan = false;
	int ret = 1;

	if (options(&t, argc, argv, &plan)) {
		fprintf(stderr, "torture: --minutes N or --steps N, and --dir DIR: see its main.c\n");
		return 64;
	}
	if (plan) {
		say_plan(&t);
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("torture: seed %llu\n", (unsigned long long)t.seed);
	t.began = now_ms();
	if (set_up(&t))
		report(&t);
	else
		ret = t.plant && !strcmp(t.plant, "books") ? machine_self_test(&t) : torture(&t);
	book_print(&t);
	if (book_write(&t)) {
		fprintf(stderr, "torture: %s: %s\n", t.json, strerror(errno));
		return 1;
	}
	return ret;
}
