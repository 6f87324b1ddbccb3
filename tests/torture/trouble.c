// SPDX-License-Identifier: GPL-2.0
/* What goes wrong from outside: rfm is killed, calls fail, others want CPU and memory */
#include <errno.h>
#include <fcntl.h>
#include <linux/rainforest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "torture.h"

static const char fail_at[] = "/sys/module/rf_fail/parameters/at";
static const char fail_nth_file[] = "/proc/self/fail-nth";

/* What was left behind comes back, leases end, and what still runs still talks */
static int recover(struct torture *t)
{
	char text[4096];
	int ret = TOOL(t, text, 60, "rfm", "recover");

	if (ret)
		return broken(t, "rfm recover: %d: %s", ret, text);
	if (leases_end(t) || slots_settle(t) || life_sync(t))
		return BROKEN;
	return DONE;
}

static const char *const killed[][10] = {
	{ "rfm", "resize", "A", "--ncpus", "2" },
	{ "rfm", "resize", "A", "--ncpus", "1" },
	{ "rfm", "resize", "A", "--memory", "+128M" },
	{ "rfm", "resize", "A", "--memory", "128M" },
	{ "rfm", "move", "A", "B", "--ncpus", "1" },
	{ "rfm", "move", "A", "B", "--memory", "128M" },
	{ "rfm", "lend", "A", "B", "--memory", "128M", "--term", "600" },
	{ "rfm", "create", "victim", "--memory", "256M", "--bin", "/bin/busybox" },
	{ "rfm", "run", "--rm", "--name", "victim", "--bin", "/bin/busybox" },
	{ "rfm", "destroy", "A" },
	{ "rfm", "destroy", "A", "--force" },
	{ "rfm", "stop", "A" },
};

/* kill -9 of rfm, wherever it is then */
int op_kill9(struct torture *t, const struct step *s)
{
	const char *const *form = killed[s->r[0] % ARRAY_SIZE(killed)];
	struct slot *a = &t->slot[s->r[1] % NR_STEADY], *b = &t->slot[(s->r[1] + 1) % NR_STEADY];
	unsigned int us = s->r[2] % 250000 * (s->r[3] % 3 + 1);
	const char *argv[11] = { NULL };
	char text[4096], more[] = "sleep";
	int ret, out;
	pid_t pid;

	for (int i = 0; i < 10 && form[i]; i++)
		argv[i] = !strcmp(form[i], "A") ? a->name :
			  !strcmp(form[i], "B") ? b->name : form[i];
	if (!strcmp(form[1], "run")) {
		argv[7] = "--";
		argv[8] = more;
		argv[9] = "1000";
	}
	doing(t, "rfm %s %s after %u ms", argv[1], argv[2], us / 1000);
	ret = life_need(t, a, s->r[4]) ?: life_need(t, b, s->r[5]);
	if (ret || slot_fill(t, a, 24))
		return ret ?: BROKEN;
	pid = spawn(argv, &out);
	if (pid < 0)
		return broken(t, "fork: %s", strerror(errno));
	usleep(us);
	kill(pid, SIGKILL);
	ret = spawned(t, pid, out, text, sizeof(text), 60);
	if (ret == -ETIMEDOUT)
		return broken(t, "rfm %s does not die", argv[1]);
	t->book.count[KILLED_RFM] += ret == 128 + SIGKILL;
	/* it was asked, and will end some time */
	if ((!strcmp(form[1], "stop") || !strcmp(form[1], "destroy")) && life_gone(t, a))
		return BROKEN;
	if (recover(t))
		return BROKEN;
	for (int i = 0; i < NR_STEADY; i++)
		if (t->slot[i].up && slot_check(t, &t->slot[i]))
			return BROKEN;
	return ret == 128 + SIGKILL ? DONE : REFUSED;
}

static const struct {
	const char *params;
	unsigned int calls;
	const char *ways;	/* of try_something(), which come by there */
} fails[] = {
	{ "result=0 calls=flags=1__kmalloc_noprof,flags=1__kmalloc_cache_noprof,"
	  "flags=0__alloc_pages_noprof", 24, "01234" },
	{ "result=-16 calls=remove_cpu", 2, "234" },
	{ "result=-12 calls=add_cpu", 2, "234" },
	{ "result=-16 calls=offline_and_remove_memory", 3, "04" },
	{ "result=-12 calls=rainforest_add_memory", 3, "14" },
	{ "result=-11 calls=rf_ficm_post", 3, "0123" },
	{ "result=-110 calls=rf_trampoline_prove", 2, "234" },
};

/* What it may hit. How it ends is not told: only that nothing is lost. */
static void try_something(struct torture *t, struct rf *rf, const struct step *s,
			  const char *ways)
{
	const struct rf_amount more = { .mem = { .size = t->info.block_size, .node = RF_NO_NODE },
					.how = RAINFOREST_HOW_ADD };
	const struct rf_amount less = { .mem = { .size = t->info.block_size, .node = RF_NO_NODE },
					.how = RAINFOREST_HOW_TARGET };
	const struct rf_mem mem = { 0, t->info.block_size, RF_NO_NODE };
	const char *name = t->slot[s->r[1] % NR_STEADY].name;
	struct rf_resize z = { .name = name, .cpu_node = RF_NO_NODE,
			       .timeout_ms = RESIZE_MS };
	const struct rf_create c = { .name = "spare", .ncpus = 1, .cpu_node = RF_NO_NODE,
				     .mem = &mem, .nr_mems = 1 };
	const struct rf_stop stop = { .name = "spare", .force = true };
	const char way = ways[s->r[4] % strlen(ways)];
	struct rf_subos reply;

	switch (way) {
	case '0':
	case '1':
		z.mem = way == '1' ? &less : &more;
		z.nr_mems = 1;
		rf_resize(rf, &z, &reply);
		break;
	case '2':
	case '3':
		z.count = true;
		z.ncpus = 1 + s->r[5] % 2;
		z.how = RAINFOREST_HOW_TARGET;
		rf_resize(rf, &z, &reply);
		break;
	default:
		rf_create(rf, &c, &reply);
		rf_subos_clear(&reply);
		rf_destroy(rf, &stop, &reply);
	}
	rf_subos_clear(&reply);
}

/* As Linux comes only those fail that nothing is reclaimed for, and none of a page */
static void fail_all_kinds(void)
{
	static const char *const settings[][2] = {
		{ "failslab/verbose", "0" },
		{ "failslab/ignore-gfp-wait", "N" },
		{ "fail_page_alloc/verbose", "0" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" },
		{ "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "fail_page_alloc/min-order", "0" },
	};
	char path[80];

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s", settings[i][0]);
		put_file(path, settings[i][1]);
	}
}

/* The debug kernel fails allocations by itself, any of them, of a task that asks */
static int fail_nth(struct torture *t, const struct step *s)
{
	int status = 0;
	pid_t pid;

	fail_all_kinds();
	fflush(NULL);
	pid = fork();
	if (!pid) {
		int fd = open(fail_nth_file, O_RDWR | O_CLOEXEC);
		char text[32];
		struct rf *rf;

		if (fd < 0 || rf_new(&rf) || rf_connect(rf))
			_exit(2);
		snprintf(text, sizeof(text), "%u", 1 + (unsigned int)(s->r[3] % 200));
		if (pwrite(fd, text, strlen(text), 0) < 0)
			_exit(2);
		try_something(t, rf, s, "01234");
		/* it counts down; to open it only now might be what fails */
		if (pread(fd, text, sizeof(text), 0) <= 0 || pwrite(fd, "0", 1, 0) < 0)
			_exit(2);
		_exit(text[0] == '0');
	}
	if (pid < 0)
		return broken(t, "fork: %s", strerror(errno));
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		return broken(t, "fail-nth: the child ended with %#x", status);
	t->book.count[FAILED_CALLS] += WEXITSTATUS(status);
	return 0;
}

static int fail_call(struct torture *t, const struct step *s, unsigned int which)
{
	unsigned int hits = 0;
	char text[256];
	int ret;

	snprintf(text, sizeof(text), "who=torture %s", fails[which].params);
	ret = module_load(t, "rf_fail", text);
	if (ret)
		return broken(t, "rf_fail: %s", strerror(-ret));
	/* if there are not so many calls, one that comes earlier */
	for (unsigned int at = 1 + s->r[3] % fails[which].calls; at && !hits; at /= 2) {
		snprintf(text, sizeof(text), "%u", at);
		put_file(fail_at, text);
		try_something(t, t->rf, s, fails[which].ways);
		/* before "at" is written again: that begins anew */
		if (get_file("/sys/module/rf_fail/parameters/hits", text, sizeof(text)) > 0)
			hits = strtoul(text, NULL, 10);
	}
	put_file(fail_at, "0");
	t->book.count[FAILED_CALLS] += hits;
	ret = module_unload("rf_fail");
	return ret ? broken(t, "rf_fail stays: %s", strerror(-ret)) : 0;
}

/* One allocation, or one call of Linux's, fails */
int op_fail(struct torture *t, const struct step *s)
{
	unsigned int which = s->r[0] % ARRAY_SIZE(fails);
	struct slot *slot = &t->slot[s->r[1] % NR_STEADY];
	const struct rf_stop stop = { .name = "spare", .force = true };
	bool nth = !access(fail_nth_file, W_OK) && s->r[6] % 2;
	struct rf_subos gone;
	int ret = life_need(t, slot, s->r[2]);

	doing(t, "%s, %s", slot->name, nth ? "fail-nth" : fails[which].params);
	if (ret || slot_fill(t, slot, 24))
		return ret ?: BROKEN;
	if (nth ? fail_nth(t, s) : fail_call(t, s, which))
		return BROKEN;
	t->fail_steps++;
	rf_destroy(t->rf, &stop, &gone);
	rf_subos_clear(&gone);
	if (recover(t))
		return BROKEN;
	/* a CPU that was not proven out is still its own, and gone there */
	if (slot->up && resize_least(t, slot) == BROKEN)
		return BROKEN;
	return slot->up ? slot_check(t, slot) : DONE;
}

/* A torture that makes nothing fail is none */
int fails_check(struct torture *t)
{
	if (t->fail_steps < 10 || t->book.count[FAILED_CALLS])
		return 0;
	return broken(t, "in %u steps no call has failed", t->fail_steps);
}

/* ---- pressure; it ends by the same step, some time later ---- */

static void press_stop(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(-*pid, SIGKILL);
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

void press_end(struct torture *t)
{
	press_stop(&t->press_memory);
	press_stop(&t->press_cpus);
}

/* Returns when it presses as hard as it will, or after a minute */
static pid_t press(void (*how)(uint64_t), uint64_t arg)
{
	struct pollfd pfd = { .events = POLLIN };
	int ready[2];
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		return 0;
	fflush(NULL);
	pid = fork();
	if (pid) {
		close(ready[1]);
		pfd.fd = ready[0];
		poll(&pfd, 1, 60000);
		close(ready[0]);
		return pid < 0 ? 0 : pid;
	}
	setpgid(0, 0);
	dup2(ready[1], 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "press");
	/* the streams of subOSes among them, which would have a reader for ever */
	close_range(3, ~0U, 0);
	put_file("/proc/self/oom_score_adj", "1000");
	how(arg);
	_exit(0);
}

/* All but so many MiB, touched again and again */
static void hold_memory(uint64_t leave_mib)
{
	int64_t mib = meminfo("MemAvailable") / 1024 - leave_mib;
	char *p;

	if (mib <= 0)
		return;
	p = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (;;) {
		for (int64_t i = 0; p != MAP_FAILED && i < mib << 20; i += 4096)
			p[i]++;
		close(0);	/* it has all that it wants; what is granted from now on is not its */
		usleep(200000);
	}
}

static void burn(uint64_t n)
{
	close(0);
	while (n-- > 1 && fork())
		;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (volatile unsigned int i = 0;; i++)
		;
}

int op_press_memory(struct torture *t, const struct step *s)
{
	uint64_t leave = 600 + s->r[0] % 600;

	doing(t, "%s", t->press_memory ? "no longer" : "begins");
	if (t->press_memory) {
		press_stop(&t->press_memory);
		return DONE;
	}
	t->press_memory = press(hold_memory, leave);
	t->book.count[PRESSED]++;
	return DONE;
}

int op_press_cpus(struct torture *t, const struct step *s)
{
	doing(t, "%s", t->press_cpus ? "no longer" : "begins");
	if (t->press_cpus) {
		press_stop(&t->press_cpus);
		return DONE;
	}
	t->press_cpus = press(burn, 1 + s->r[0] % 2);
	t->book.count[PRESSED]++;
	return DONE;
}

/* ---- modules ---- */

/* What may not be is refused: the module goes, a name or a CPU is taken twice */
int op_refuse(struct torture *t, const struct step *s)
{
	struct slot *slot = &t->slot[s->r[0] % NR_STEADY];
	struct rf_mem mem = { 0, t->info.block_size, RF_NO_NODE };
	struct rf_create c = { .name = slot->name, .ncpus = 1, .cpu_node = RF_NO_NODE, .mem = &mem,
			       .nr_mems = 1 };
	struct rf_subos now, made;
	char text[1024];
	int ret = life_need(t, slot, s->r[1]);

	doing(t, "with %s", slot->name);
	if (ret || slot_get(t, slot, &now))
		return ret ?: BROKEN;
	if (!TOOL(t, text, 30, "rmmod", "rfcontroller"))
		ret = broken(t, "rmmod took rfcontroller away while %s runs", slot->name);
	if (!ret && !rf_create(t->rf, &c, &made))
		ret = broken(t, "the name %s was given twice", slot->name);
	c.name = "spare";
	c.ncpus = 0;
	c.cpu = now.cpu;
	c.nr_cpus = 1;
	if (!ret && !rf_create(t->rf, &c, &made))
		ret = broken(t, "CPU %u was given twice", now.cpu[0]);
	c.cpu = NULL;
	c.nr_cpus = 0;
	c.ncpus = 1;
	mem.size = 1ULL << 40;
	if (!ret && !rf_create(t->rf, &c, &made))
		ret = broken(t, "a TiB was given");
	rf_subos_clear(&now);
	return ret;
}

static int reload(struct torture *t, const char *name)
{
	char path[512], text[1024];
	int ret;

	snprintf(path, sizeof(path), "%s/supervisor/ko/%s.ko", getenv("RF_BUILD") ?: "", name);
	/* so that the harness sees the consoles of subOSes */
	ret = TOOL(t, text, 60, "insmod", path, strcmp(name, "rfcontroller") ? "" : "console_tee=1");
	return ret ? broken(t, "insmod %s: %s", name, text) : 0;
}

/* Nothing is granted: all but ficm may go, and come again */
int modules_reload(struct torture *t)
{
	char path[512], list[512], text[1024], *name[16] = { NULL };
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/supervisor/modules.list", getenv("RF_BUILD") ?: "");
	if (get_file(path, list, sizeof(list)) < 0)
		return broken(t, "no %s", path);
	for (char *p = strtok(list, "\n"); p && n < ARRAY_SIZE(name); p = strtok(NULL, "\n"))
		if (strcmp(p, "ficm"))
			name[n++] = p;
	rf_free(t->rf);
	for (size_t i = n; i-- > 0;)
		if (TOOL(t, text, 60, "rmmod", name[i]))
			broken(t, "rmmod %s: %s", name[i], text);
	for (size_t i = 0; !t->why[0] && i < n; i++)
		reload(t, name[i]);
	if (rf_new(&t->rf) || rf_connect(t->rf))
		broken(t, "nobody answers after a reload: %s", rf_strerror(t->rf));
	if (t->why[0])
		return BROKEN;
	t->book.count[RELOADED]++;
	return DONE;
}
