// SPDX-License-Identifier: GPL-2.0
/*
 * RFcom while something dies: against "com serve", over librf's com.c, static.
 *
 *   stages service NAME	the service is killed while clients read, write, poll, use
 *				a map, open: each is told, and finds it when it comes again
 *   stages kernel NAME		likewise its kernel, by whoever has read "ready"
 *   stages clients NAME	clients are killed while they do that: the service goes on
 *   stages use NAME SECONDS	use a map in programs and in the kernel until it goes: by
 *				SIGBUS and EFAULT
 *   stages epoll NAME		edge- and level-triggered, and EPOLLRDHUP
 *   stages huge NAME		4 MiB are mapped by few faults
 *   stages opens NAME N	N opens and closes, as fast as it goes
 *
 * Says "ok - ..." and "not ok - ..." for each check; ends with 1 if any failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "com.h"

#define MIB	(1 << 20)
#define MANY	20000		/* ms that anything may take */

static bool failed;
static char buf[MIB];

__attribute__((format(printf, 2, 3)))
static void check(bool so, const char *fmt, ...)
{
	va_list ap;

	failed |= !so;
	printf(so ? "ok - " : "not ok - ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

static const char *word(long err) { return err < 0 ? strerrorname_np(-err) ?: "?" : "none"; }

static int must_open(const char *name)
{
	int fd = rf_open(name, RF_CLOEXEC);

	if (fd < 0) {
		printf("not ok - open %s: %s\n", name, word(fd));
		exit(1);
	}
	return fd;
}

/* One word of the service's, e.g. "s": stop reading; it answers with the same letter */
static int told(const char *name, const char *what)
{
	int fd = must_open(name);

	if (rf_write(fd, what, strlen(what)) < 0 || rf_read(fd, buf, sizeof(buf)) != 1) {
		printf("not ok - the service does not do \"%s\"\n", what);
		exit(1);
	}
	return fd;
}

/* ---- what a client may be doing: returns how it ended ---- */

static sigjmp_buf jump;

static void on_bus(int sig)
{
	(void)sig;
	siglongjmp(jump, 1);
}

static void ready(int pipe)
{
	if (write(pipe, "r", 1) != 1)
		_exit(99);
}

static long reads(const char *name, int pipe)
{
	int fd = must_open(name);

	ready(pipe);
	return rf_read(fd, buf, sizeof(buf));
}

/* To one that has stopped reading: lines, or large messages, until it has to wait */
static long writes(const char *name, int pipe, size_t len)
{
	int fd = told(name, "s");
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	ssize_t n;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	do
		n = rf_write(fd, buf, len);
	while (n > 0 || (n == -EAGAIN && poll(&p, 1, 1000)));
	if (n != -EAGAIN)
		return n;
	fcntl(fd, F_SETFL, 0);
	ready(pipe);
	return rf_write(fd, buf, len);
}

static long writes_lines(const char *name, int pipe) { return writes(name, pipe, 150); }
static long writes_bulk(const char *name, int pipe) { return writes(name, pipe, 300000); }

static long polls(const char *name, int pipe)
{
	int fd = must_open(name);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	ready(pipe);
	if (poll(&p, 1, MANY) != 1 || !(p.revents & POLLHUP) || !(p.revents & POLLERR))
		return -ETIME;
	return rf_read(fd, buf, sizeof(buf));
}

static long epolls(const char *name, int pipe)
{
	int fd = must_open(name), ep = epoll_create1(0);
	struct epoll_event ev = { .events = EPOLLIN };
	const uint32_t both = EPOLLHUP | EPOLLERR;

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
		return -errno;
	ready(pipe);
	if (epoll_wait(ep, &ev, 1, MANY) != 1 || (ev.events & both) != both)
		return -ETIME;
	return rf_read(fd, buf, sizeof(buf));
}

/* Touches it until it is gone */
static long maps(const char *name, int pipe)
{
	int fd = told(name, "m4194304");
	size_t size = 4 * MIB;
	volatile char *p = rf_map(fd, &size, PROT_READ | PROT_WRITE);

	if (!p)
		return -ENOMEM;
	ready(pipe);
	if (sigsetjmp(jump, 1))
		return rf_read(fd, buf, sizeof(buf));
	signal(SIGBUS, on_bus);
	for (;;)
		for (size_t i = 0; i < size; i += 4096)
			p[i]++;
}

static long echoes(const char *name, int pipe)
{
	int fd = must_open(name);
	ssize_t n;

	ready(pipe);
	memset(buf, 'e', 70000);
	do {
		n = rf_write(fd, buf, 70000);
		if (n > 0)
			n = rf_read(fd, buf, sizeof(buf));
	} while (n > 0);
	return n;
}

/* One is kept: the name may be there again before anybody has seen that it was not */
static long opens(const char *name, int pipe)
{
	int kept = must_open(name), fd;
	struct pollfd p = { .fd = kept, .events = POLLIN };

	ready(pipe);
	do {
		fd = rf_open(name, RF_CLOEXEC);
		if (fd >= 0)
			rf_close(fd);
	} while (!poll(&p, 1, 0));
	return rf_read(kept, buf, sizeof(buf));
}

/* Also while it is not there: until it is there again */
static long opens_waiting(const char *name, int pipe)
{
	int kept = must_open(name), fd;
	struct pollfd p = { .fd = kept, .events = POLLIN };
	bool gone = false;

	ready(pipe);
	do {
		gone = poll(&p, 1, 0);
		fd = rf_open_wait(name, RF_WAIT | RF_CLOEXEC, 3 * MANY);
		if (fd < 0)
			return fd;
		rf_close(fd);
	} while (!gone);
	return rf_read(kept, buf, sizeof(buf));
}

static const struct {
	const char *what;
	long (*run)(const char *name, int pipe);
} stage[] = {
	{ "reads", reads }, { "writes lines", writes_lines }, { "writes large ones", writes_bulk },
	{ "polls", polls }, { "uses epoll", epolls }, { "uses a map", maps },
	{ "is in traffic", echoes }, { "opens", opens }, { "opens, and waits", opens_waiting },
};

#define STAGES (sizeof(stage) / sizeof(*stage))

/* All of them at once, each where it is to be */
static void start(const char *name, pid_t *pid)
{
	int fd[2];
	char c;

	if (pipe(fd))
		exit(1);
	for (size_t i = 0; i < STAGES; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			close(fd[0]);
			_exit(-stage[i].run(name, fd[1]));
		}
	}
	close(fd[1]);
	for (size_t i = 0; i < STAGES; i++) {
		struct pollfd p = { .fd = fd[0], .events = POLLIN };

		if (poll(&p, 1, MANY) != 1 || read(fd[0], &c, 1) != 1) {
			check(false, "%zu of %zu clients got where they should", i, STAGES);
			break;
		}
	}
	close(fd[0]);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static int ended(pid_t pid, int64_t end)
{
	int status;

	while (!waitpid(pid, &status, WNOHANG)) {
		if (now_ms() > end)
			return -1;
		usleep(5000);
	}
	return status;
}

static void service_dies(const char *name, bool kernel)
{
	int fd = must_open(name);
	pid_t pid[STAGES];
	int64_t end;

	start(name, pid);
	if (kernel) {
		printf("ready\n");
		fflush(stdout);
	} else {
		check(rf_write(fd, "k", 1) == 1, "the service is to be killed");
	}
	check(rf_read(fd, buf, 1) == -ECONNRESET, "who only looks on is told");
	end = now_ms() + 3 * MANY;
	for (size_t i = 0; i < STAGES; i++) {
		int status = ended(pid[i], end);

		if (status < 0)
			kill(pid[i], SIGKILL);
		check(status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == ECONNRESET,
		      "who %s is told: %s", stage[i].what,
		      status < 0 ? "nothing" : WIFEXITED(status) ? word(-WEXITSTATUS(status)) :
		      strsignal(WTERMSIG(status)));
	}
}

static void clients_die(const char *name)
{
	pid_t pid[STAGES];

	start(name, pid);
	for (size_t i = 0; i < STAGES; i++)
		kill(pid[i], SIGKILL);
	for (size_t i = 0; i < STAGES; i++)
		check(ended(pid[i], now_ms() + MANY) >= 0, "who %s can be killed", stage[i].what);
	memset(buf, 'e', 1000);
	for (int i = 0; i < 3; i++) {
		int fd = must_open(name);

		check(rf_write(fd, buf, 1000) == 1000 && rf_read(fd, buf, sizeof(buf)) == 1000,
		      "the service goes on");
		rf_close(fd);
	}
}

/* ---- a map in use ---- */

static void use(const char *name, int seconds)
{
	int fd = told(name, "m4194304"), mem = memfd_create("use", 0), status;
	size_t size = 4 * MIB;
	int64_t end = now_ms() + seconds * 1000LL;
	char *p = rf_map(fd, &size, PROT_READ | PROT_WRITE);
	volatile char *v = p;
	long rounds = 0;
	pid_t kernel, other;

	check(p, "a map");
	kernel = fork();
	if (!kernel) {
		/* the kernel reads it, and writes it; where it ends half-way the next fails */
		while (now_ms() < end)
			if (pwrite(mem, p, size, 0) < 0 || pread(mem, p, size, 0) < 0)
				_exit(errno == EFAULT ? 0 : 2);
		_exit(3);
	}
	other = fork();
	if (!other) {
		signal(SIGBUS, SIG_DFL);
		while (now_ms() < end)
			for (size_t i = 0; i < size; i += 512)
				v[i] += 3;
		_exit(3);
	}
	printf("in use\n");
	fflush(stdout);
	signal(SIGBUS, on_bus);
	if (!sigsetjmp(jump, 1)) {
		for (; now_ms() < end; rounds++)
			for (size_t i = 0; i < size; i += 64)
				v[i]++;
		check(false, "it went away");
	} else {
		check(true, "it went away, with SIGBUS");
	}
	status = ended(other, now_ms() + MANY);
	check(status >= 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS,
	      "so it did for a child, which is dead of it (%#x)", status);
	status = ended(kernel, now_ms() + MANY);
	check(!status, "in the kernel it is EFAULT, or a short copy (%#x)", status);
	check(rf_read(fd, buf, sizeof(buf)) == -ECONNRESET, "the channel is gone");
	check(!rf_map(fd, &size, PROT_READ) && errno == ECONNRESET, "it can't be had again");
}

/* ---- epoll ---- */

static int waits(int ep, uint32_t *events, int ms)
{
	struct epoll_event ev = { 0 };
	int n = epoll_wait(ep, &ev, 1, ms);

	*events = ev.events;
	return n;
}

static void edges(const char *name)
{
	int fd = must_open(name), ep = epoll_create1(0);
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET };
	uint32_t got;

	check(!epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), "epoll takes it");
	check(!waits(ep, &got, 0), "nothing is there");
	rf_write(fd, "e1", 2);
	check(waits(ep, &got, MANY) == 1 && got == EPOLLIN, "an answer: an edge");
	check(!waits(ep, &got, 50), "only one");
	rf_write(fd, "e2", 2);
	check(waits(ep, &got, MANY) == 1 && got == EPOLLIN,
	      "the next: an edge, with the first unread");
	ev.events = EPOLLIN | EPOLLRDHUP;
	epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev);
	check(waits(ep, &got, 0) == 1 && waits(ep, &got, 0) == 1,
	      "by level: as often as one asks");
	check(rf_read(fd, buf, 10) == 2 && rf_read(fd, buf, 10) == 2, "both are there");
	check(!waits(ep, &got, 0), "nothing is left");
	rf_write(fd, "q", 1);
	check(waits(ep, &got, MANY) == 1 && got == (EPOLLIN | EPOLLRDHUP | EPOLLHUP),
	      "it closes: IN, RDHUP, HUP (%#x)", got);
	rf_close(fd);
	check(!waits(ep, &got, 0), "closed, it is in no set any more");
	close(ep);
}

static void huge(const char *name)
{
	int fd = told(name, "m4194304");
	struct rusage before, after;
	size_t size = 4 * MIB;
	volatile char *p = rf_map(fd, &size, PROT_READ);
	long faults;

	check(p && !((uintptr_t)p % (2 * MIB)), "it is mapped at a multiple of 2 MiB");
	getrusage(RUSAGE_SELF, &before);
	for (size_t i = 0; p && i < size; i += 4096)
		(void)p[i];
	getrusage(RUSAGE_SELF, &after);
	faults = after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt;
	check(faults <= 8, "4 MiB took %ld faults", faults);
}

static void many_opens(const char *name, long n)
{
	for (long i = 0; i < n; i++) {
		int fd = rf_open(name, RF_CLOEXEC);

		if (fd < 0 && fd != -ECONNREFUSED) {
			check(false, "open %ld: %s", i, word(fd));
			return;
		}
		if (fd >= 0)
			rf_close(fd);
		else
			usleep(1000);
	}
	check(true, "%ld opens", n);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "", *name = argc > 2 ? argv[2] : "";
	int n = argc > 3 ? atoi(argv[3]) : 60;

	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(verb, "service"))
		service_dies(name, false);
	else if (!strcmp(verb, "kernel"))
		service_dies(name, true);
	else if (!strcmp(verb, "clients"))
		clients_die(name);
	else if (!strcmp(verb, "use"))
		use(name, n);
	else if (!strcmp(verb, "epoll"))
		edges(name);
	else if (!strcmp(verb, "huge"))
		huge(name);
	else if (!strcmp(verb, "opens"))
		many_opens(name, n);
	else
		return 64;
	return failed;
}
