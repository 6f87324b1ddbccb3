// SPDX-License-Identifier: GPL-2.0
/*
 * In place of rfcontroller, for tests of rfm's own part: a machine of two
 * sockets and one subOS "web", and what rfm creates, for as long as it runs.
 * A subOS is a child process: it runs the shell command in $FAKE_CMD.
 * $FAKE_END is how it ends instead of "exited": panic, quiet (no status).
 * $FAKE_FAIL names a step that fails: create, load, start.
 * $FAKE_SIGNAL names a step in which an INT comes: load.
 * $FAKE_STATE is web's state in the list, $FAKE_STATE_NOW when it is asked for, as a number.
 * $FAKE_LEASE: there is lease 7.
 * $FAKE_CONFIG is what web was made of. $FAKE_EVENTS are what happens to web, by letter: created, running, panicked,
 * destroyed, moved a CPU to it, Lost notices.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/rainforest.h>
#include <linux/rainforest_console.h>

#include "rf.h"

#define MIB (1ULL << 20)

static struct rf_subos mine;	/* that this run has made */
static bool exists;
static int ends[4][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } };
static int notices[2] = { -1, -1 };
static pid_t *command;	/* shared with its keeper */

static bool fails(const char *step)
{
	const char *fail = getenv("FAKE_FAIL");

	return fail && !strcmp(fail, step);
}

static void web(struct rf_subos *s)
{
	static const uint32_t cpu[] = { 2, 3 };

	memset(s, 0, sizeof(*s));
	s->id = 1;
	strcpy(s->name, "web");
	s->state = RAINFOREST_STATE_RUNNING;
	s->cpu = malloc(sizeof(cpu));
	memcpy(s->cpu, cpu, sizeof(cpu));
	s->nr_cpus = 2;
	s->mem = calloc(2, sizeof(*s->mem));
	s->mem[0] = (struct rf_mem){ 0x100000000, 128 * MIB, 1 };
	s->mem[1] = (struct rf_mem){ 0x110000000, 128 * MIB, 1 };
	s->nr_mems = 2;
	s->generation = 1;
	s->created_ns = 1700000000000000000;
	if (getenv("FAKE_CONFIG"))
		s->config = strdup(getenv("FAKE_CONFIG"));
}

int rf_info_get(struct rf *rf, struct rf_info *info)
{
	(void)rf;
	*info = (struct rf_info){ .abi_major = 1, .release = "6.12-fake", .block_size = 128 * MIB,
				  .min_memory = 48 * MIB, .reserve_cpus = 1 };
	return 0;
}

int rf_cpus_get(struct rf *rf, struct rf_cpu **list, size_t *n)
{
	(void)rf;
	*n = 4;
	*list = calloc(*n, sizeof(**list));
	for (size_t i = 0; i < *n; i++) {
		(*list)[i] = (struct rf_cpu){ .id = i, .apic_id = 2 * i, .node = i / 2,
					      .socket = i / 2, .core = i % 2, .online = i < 2 };
		if (i >= 2)
			strcpy((*list)[i].owner, "web");
	}
	return 0;
}

int rf_nodes_get(struct rf *rf, struct rf_node **list, size_t *n)
{
	(void)rf;
	*n = 2;
	*list = calloc(*n, sizeof(**list));
	for (size_t i = 0; i < *n; i++)
		(*list)[i] = (struct rf_node){ .id = i, .total = 2048 * MIB, .free = 1500 * MIB,
					       .carvable = (1024 - i * 256) * MIB,
					       .granted = i * 256 * MIB };
	return 0;
}

int rf_subos_list(struct rf *rf, struct rf_subos **list, size_t *n)
{
	const char *state = getenv("FAKE_STATE");

	(void)rf;
	*n = 1;
	*list = calloc(*n, sizeof(**list));
	web(*list);
	if (state)
		(*list)->state = atoi(state);
	return 0;
}

static int unknown(struct rf *rf, const char *name)
{
	return rf_error(rf, -ENOENT, "no subOS \"%s\"", name);
}

static void add_record(struct rf_subos *s, uint32_t op, int result, const char *what)
{
	struct rf_record *r;

	s->record = realloc(s->record, (s->nr_records + 1) * sizeof(*r));
	r = &s->record[s->nr_records++];
	*r = (struct rf_record){ .seq = s->nr_records + 7, .time_ns = 1700000000123456789,
				 .duration_ns = 1500000, .op = op, .result = result,
				 .cause = "rfm[42]" };
	snprintf(r->what, sizeof(r->what), "%s", what);
}

int rf_history_get(struct rf *rf, const char *name, struct rf_subos *s)
{
	memset(s, 0, sizeof(*s));
	if (strcmp(name, "web"))
		return unknown(rf, name);
	web(s);
	s->owned = (struct rf_owned){ .cpu_s = 90, .cpu_ns = 500000000, .mib_s = 1024 };
	add_record(s, RAINFOREST_OP_CREATE, 0, "CPUs 2-3, 256M@node1");
	add_record(s, RAINFOREST_OP_START, 0, "");
	add_record(s, RAINFOREST_OP_CPU_REMOVE, -EBUSY, "CPUs 2");
	return 0;
}

int rf_subos_get(struct rf *rf, const char *name, struct rf_subos *s)
{
	memset(s, 0, sizeof(*s));
	if (!strcmp(name, "web")) {
		web(s);
		if (getenv("FAKE_STATE_NOW"))
			s->state = atoi(getenv("FAKE_STATE_NOW"));
		return 0;
	}
	if (!exists || strcmp(name, mine.name))
		return unknown(rf, name);
	*s = mine;
	return 0;
}

/* Each reading finds a second more, of which CPU 3 did half */
int rf_stat_get(struct rf *rf, const char *name, struct rf_stat *st)
{
	static unsigned int n;

	memset(st, 0, sizeof(*st));
	if (strcmp(name, "web"))
		return unknown(rf, name);
	if (getenv("FAKE_FAIL") && fails("stat"))
		return rf_error(rf, -EAGAIN, "web has not measured anything yet");
	n++;
	strcpy(st->name, "web");
	st->state = RAINFOREST_STATE_RUNNING;
	st->age_ns = 200000000;
	st->uptime_ns = n * 1000000000ULL;
	st->load_milli[0] = 1500;
	st->mem_total = 224 * MIB;
	st->mem_free = 100 * MIB;
	st->mem_available = 150 * MIB;
	st->nr_cpus = 2;
	st->cpu = calloc(2, sizeof(*st->cpu));
	st->cpu[0] = (struct rf_stat_cpu){ .id = 2, .idle_ns = n * 1000000000ULL, .timer = 7 * n };
	st->cpu[1] = (struct rf_stat_cpu){ .id = 3, .idle_ns = n * 500000000ULL,
		.user_ns = n * 300000000ULL, .system_ns = n * 200000000ULL, .doorbell = 5 * n,
		.counters = getenv("FAKE_COUNTERS"), .cycles = 2000 * n, .instructions = 3000 * n };
	return 0;
}

int rf_quarantine_list(struct rf *rf, struct rf_quarantine **list, size_t *n)
{
	(void)rf;
	*list = NULL;
	*n = 0;
	return 0;
}

int rf_channels_get(struct rf *rf, struct rf_channel **list, size_t *n)
{
	(void)rf;
	*n = 2;
	*list = calloc(*n, sizeof(**list));
	(*list)[0] = (struct rf_channel){ .name = "web", .state = RAINFOREST_CHANNEL_STATE_OPEN,
		.slots = 256, .generation = 1, .sent = 10, .received = 12, .counted = true,
		.irq = 12, .refused = { 3 } };
	(*list)[1] = (struct rf_channel){ .name = "web", .peer = "db", .slots = 256,
		.state = RAINFOREST_CHANNEL_STATE_LEAVING, .generation = 5, .sent = 7 };
	return 0;
}

static int two(struct rf *rf, const char *a, const char *b, int err)
{
	if (strcmp(a, "web"))
		return unknown(rf, a);
	return strcmp(b, "db") ? unknown(rf, b) : err;
}

int rf_channel_connect(struct rf *rf, const char *a, const char *b)
{
	return two(rf, a, b, rf_error(rf, -EEXIST, "they have a channel already"));
}

int rf_channel_disconnect(struct rf *rf, const char *a, const char *b)
{
	return two(rf, a, b, 0);
}

int rf_channel_tune(struct rf *rf, struct rf_tune *t)
{
	if (t->name && strcmp(t->name, "web"))
		return unknown(rf, t->name);
	if (t->core > 3)
		return rf_error(rf, -ENXIO, "CPU %d is none of this machine", (int)t->core);
	*t = (struct rf_tune){ .core = t->core < 0 ? 0 : t->core, .moves = 2,
			       .priority = t->priority < 0 ? 50 : t->priority };
	return 0;
}

/* The i-th takes i us; the third is lost, of "mute" all are */
int rf_ping(struct rf *rf, const char *name, const struct rf_ping *ping, uint64_t **ns, size_t *n)
{
	static unsigned int sent;
	bool mute = !strcmp(name, "mute");

	if (!mute && strcmp(name, "web"))
		return unknown(rf, name);
	*n = ping->count;
	*ns = calloc(*n, sizeof(**ns));
	for (size_t i = 0; i < *n; i++)
		(*ns)[i] = ++sent == 3 || mute ? UINT64_MAX : sent * 1000;
	return 0;
}

static void done(struct rf_subos *reply, const char *name)
{
	memset(reply, 0, sizeof(*reply));
	if (name && !strcmp(name, "web"))
		web(reply);
	else
		*reply = mine;
}

/* A life's steps are told on stderr, so that a test sees their order */
static void tell(const char *step, bool dry_run)
{
	if (getenv("FAKE_TELL"))
		fprintf(stderr, "fake: %s%s\n", step, dry_run ? " (dry run)" : "");
}

int rf_create(struct rf *rf, const struct rf_create *c, struct rf_subos *reply)
{
	memset(reply, 0, sizeof(*reply));
	tell("create", c->dry_run);
	for (size_t i = 0; i < c->nr_cpus; i++)
		if (!c->cpu[i])
			return rf_error(rf, -EPERM, "CPU 0 can't be granted");
	if (!strcmp(c->name, "web"))
		return rf_error(rf, -EEXIST, "web exists already");
	if (fails("create"))
		return rf_error(rf, -ENOSPC, "node 1 can give 128M");
	memset(&mine, 0, sizeof(mine));
	mine.id = 2;
	snprintf(mine.name, sizeof(mine.name), "%s", c->name);
	mine.state = RAINFOREST_STATE_RESERVED;
	exists = !c->dry_run;
	*reply = mine;
	return 0;
}

int rf_load(struct rf *rf, const struct rf_load *l, struct rf_subos *reply)
{
	memset(reply, 0, sizeof(*reply));
	tell("load", l->dry_run);
	if (getenv("FAKE_TELL"))
		fprintf(stderr, "fake: %zu initrds, command line \"%s\"\n", l->nr_initrds, l->cmdline);
	if (getenv("FAKE_TELL_CONFIG"))
		fputs(l->config ?: "fake: no config\n", stderr);
	if (getenv("FAKE_SIGNAL") && !strcmp(getenv("FAKE_SIGNAL"), "load"))
		raise(SIGINT);
	if (fails("load"))
		return rf_error(rf, -ENOEXEC, "not for this machine");
	mine.state = RAINFOREST_STATE_LOADED;
	*reply = mine;
	return 0;
}

/* Waits for the command, and writes how it ended as a notice */
static void keep(const char *cmd)
{
	int status;
	pid_t pid;

	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		signal(SIGTERM, SIG_DFL);
		signal(SIGINT, SIG_DFL);
		signal(SIGPIPE, SIG_DFL);
		dup2(ends[RF_STREAM_STDIN][0], 0);
		dup2(ends[RF_STREAM_STDOUT][1], 1);
		dup2(ends[RF_STREAM_STDERR][1], 2);
		for (int i = 0; i < 4; i++) {
			close(ends[i][0]);
			close(ends[i][1]);
		}
		execl("/bin/sh", "sh", "-c", cmd, NULL);
		_exit(127);
	}
	setpgid(pid, pid);
	*command = pid;
	for (int i = 0; i < 4; i++) {
		close(ends[i][0]);
		close(ends[i][1]);
	}
	waitpid(pid, &status, 0);
	if (write(notices[1], &status, sizeof(status)) < 0)
		_exit(1);
	_exit(0);
}

int rf_start(struct rf *rf, const struct rf_stop *s, struct rf_subos *reply)
{
	memset(reply, 0, sizeof(*reply));
	tell("start", s->dry_run);
	if (fails("start"))
		return rf_error(rf, -ETIMEDOUT, "%s gave no sign of life", s->name);
	mine.state = RAINFOREST_STATE_RUNNING;
	command = mmap(NULL, sizeof(*command), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!fork())
		keep(getenv("FAKE_CMD") ?: "true");
	close(ends[RF_STREAM_STDIN][0]);
	close(ends[RF_STREAM_STDOUT][1]);
	close(ends[RF_STREAM_STDERR][1]);
	done(reply, s->name);
	return 0;
}

int rf_stop(struct rf *rf, const struct rf_stop *s, struct rf_subos *reply)
{
	memset(reply, 0, sizeof(*reply));
	tell("stop", s->dry_run);
	if (command && *command)
		kill(-*command, SIGTERM);
	return rf_error(rf, -ETIMEDOUT, "%s did not stop", s->name);
}

int rf_kill(struct rf *rf, const struct rf_stop *s, struct rf_subos *reply)
{
	(void)rf;
	memset(reply, 0, sizeof(*reply));
	tell("kill", s->dry_run);
	if (command && *command)
		kill(-*command, SIGKILL);
	return 0;
}

int rf_destroy(struct rf *rf, const struct rf_stop *s, struct rf_subos *reply)
{
	tell("destroy", s->dry_run);
	if (strcmp(s->name, "web") && (!exists || strcmp(s->name, mine.name))) {
		memset(reply, 0, sizeof(*reply));
		return unknown(rf, s->name);
	}
	done(reply, s->name);
	exists = exists && !strcmp(s->name, "web");
	return 0;
}

/* web takes part in anything, and nothing changes */
static int fake_resize(struct rf *rf, const struct rf_resize *z, struct rf_subos *reply)
{
	char what[160];

	memset(reply, 0, sizeof(*reply));
	snprintf(what, sizeof(what), "resize %s%s%s %s%u", z->name, z->to ? " to " : "",
		 z->to ?: "", z->how == RAINFOREST_HOW_ADD ? "+" :
		 z->how == RAINFOREST_HOW_REMOVE ? "-" : "", z->ncpus);
	tell(what, z->dry_run);
	if (fails("resize"))
		return rf_error(rf, -EUCLEAN, "128 of 256 MiB added, web has 384 MiB now: fake");
	return rf_subos_get(rf, z->name, reply);
}

int rf_resize(struct rf *rf, const struct rf_resize *z, struct rf_subos *reply)
{
	return fake_resize(rf, z, reply);
}

int rf_move(struct rf *rf, const struct rf_resize *z, struct rf_subos *reply)
{
	return fake_resize(rf, z, reply);
}

int rf_lend(struct rf *rf, const struct rf_resize *z, struct rf_subos *reply)
{
	return fake_resize(rf, z, reply);
}

int rf_lease_recall(struct rf *rf, uint32_t id)
{
	tell("recall", false);
	return id == 7 ? 0 : rf_error(rf, -ENOENT, "there is no lease %u", id);
}

int rf_leases_get(struct rf *rf, struct rf_lease **list, size_t *n)
{
	(void)rf;
	*n = getenv("FAKE_LEASE") ? 1 : 0;
	*list = calloc(1, sizeof(**list));
	if (*n)
		**list = (struct rf_lease){ .id = 7, .from = "web", .to = "other", .left_ms = 1500 };
	return 0;
}

int rf_freeze(struct rf *rf, const struct rf_freeze *f, struct rf_subos *reply)
{
	memset(reply, 0, sizeof(*reply));
	tell(f->nmi ? "freeze by nmi" : "freeze", f->dry_run);
	return rf_subos_get(rf, f->name, reply);
}

int rf_thaw(struct rf *rf, const char *name, bool dry_run, struct rf_subos *reply)
{
	memset(reply, 0, sizeof(*reply));
	tell("thaw", dry_run);
	if (!strcmp(name, "web"))
		return rf_error(rf, -EINVAL, "web is not frozen (running)");
	return unknown(rf, name);
}

/* Of web: a page of letters, 2 MiB of zeroes, a page of letters */
int rf_dump_open(struct rf *rf, const struct rf_freeze *f, struct rf_dump_info *info)
{
	char page[4096];
	int fd;

	if (strcmp(f->name, "web"))
		return unknown(rf, f->name);
	fd = memfd_create("dump", MFD_CLOEXEC);
	memset(page, 'x', sizeof(page));
	*info = (struct rf_dump_info) {
		.size = (2 << 20) + 2 * sizeof(page), .memory = 2 << 20, .cpus = 2, .regs = 2,
		.vmcoreinfo = 1,
	};
	if (fails("dump"))	/* it is destroyed when half of it was read */
		return fd;
	if (pwrite(fd, page, sizeof(page), 0) < 0 ||
	    pwrite(fd, page, sizeof(page), (2 << 20) + sizeof(page)) < 0)
		return rf_error(rf, -errno, "write");
	return fd;
}

int rf_gone_get(struct rf *rf, char ***names, size_t *n)
{
	(void)rf;
	*names = malloc(sizeof(**names));
	(*names)[0] = strdup("old");
	*n = 1;
	return 0;
}

void rf_gone_free(char **names, size_t n)
{
	while (n)
		free(names[--n]);
	free(names);
}

int rf_recover(struct rf *rf, struct rf_quarantine *reply)
{
	(void)rf;
	memset(reply, 0, sizeof(*reply));
	return 0;
}

int rf_events_open(struct rf *rf)
{
	const char *events = getenv("FAKE_EVENTS");

	if (notices[0] < 0 && pipe2(notices, O_CLOEXEC | O_NONBLOCK))
		return rf_error(rf, -errno, "pipe");
	if (events && write(notices[1], events, strlen(events)) < 0)
		return rf_error(rf, -errno, "write");
	return 0;
}

int rf_events_buffer(struct rf *rf, uint64_t bytes)
{
	(void)rf;
	(void)bytes;
	return 0;
}

int rf_events_fd(const struct rf *rf)
{
	(void)rf;
	return notices[0];
}

/* One letter of $FAKE_EVENTS */
static int fake_event(struct rf *rf, struct rf_subos *ev)
{
	char letter;

	if (read(notices[0], &letter, 1) != 1)
		return 0;
	if (letter == 'L')
		return rf_error(rf, -ENOBUFS, "notices were lost");
	web(ev);
	ev->event = letter == 'c' ? RAINFOREST_EVENT_CREATED :
		    letter == 'd' ? RAINFOREST_EVENT_DESTROYED : RAINFOREST_EVENT_STATE;
	if (letter == 'p') {
		ev->state = RAINFOREST_STATE_PANICKED;
		ev->reason = RAINFOREST_REASON_PANIC;
		ev->message = strdup("Kernel panic: for a test");
	}
	if (letter == 'm') {
		ev->event = RAINFOREST_EVENT_CHANGED;
		add_record(ev, RAINFOREST_OP_CPU_ADD, 0, "CPUs 1");
	}
	ev->time_ns = 1700000000123456789;
	return 1;
}

int rf_event_next(struct rf *rf, struct rf_subos *ev)
{
	const char *end = getenv("FAKE_END");
	int status;

	memset(ev, 0, sizeof(*ev));
	if (getenv("FAKE_EVENTS"))
		return fake_event(rf, ev);
	if (read(notices[0], &status, sizeof(status)) != sizeof(status))
		return 0;
	mine.state = RAINFOREST_STATE_STOPPED;
	mine.reason = RAINFOREST_REASON_POWEROFF;
	if (end && !strcmp(end, "panic")) {
		mine.state = RAINFOREST_STATE_PANICKED;
		mine.reason = RAINFOREST_REASON_PANIC;
	} else if (!end) {
		mine.exited = true;
		mine.exit_status = rf_exit_from_wait(status);
	}
	*ev = mine;
	return 1;
}

int rf_wait(struct rf *rf, const char *name, int64_t timeout_ms, struct rf_subos *end)
{
	int ret = rf_subos_get(rf, name, end);

	(void)timeout_ms;
	if (ret)
		return ret;
	rf_subos_clear(end);
	return rf_error(rf, -ETIMEDOUT, "%s has not stopped in time", name);
}

int rf_attach(struct rf *rf, const char *name, unsigned int stream, unsigned int flags,
	      uint64_t *lost)
{
	static const char log[] = "line 1\r\nline 2\r\n[panic] line 3\xff\r\n";
	bool in = stream == RF_STREAM_STDIN;

	(void)flags;
	if (lost)
		*lost = 0;
	if (strcmp(name, "web") && (!exists || strcmp(name, mine.name)))
		return unknown(rf, name);
	if (pipe2(ends[stream], O_CLOEXEC))
		return rf_error(rf, -errno, "pipe");
	fcntl(ends[stream][in], F_SETFL, O_NONBLOCK);
	if (stream == RF_STREAM_CONSOLE) {
		if (write(ends[stream][1], log, sizeof(log) - 1) < 0)
			return rf_error(rf, -errno, "write");
		close(ends[stream][1]);
	}
	return ends[stream][in];
}
