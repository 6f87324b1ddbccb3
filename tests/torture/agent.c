// SPDX-License-Identifier: GPL-2.0
/*
 * The torture's end in a subOS: reads a command a line, and answers each with one.
 *
 *	own STAMP		sign as STAMP from now on		owned
 *	fill MIB		sign so much memory, no more		filled MIB
 *	check			look at all that is signed		checked PAGES BAD TEXT
 *	insmod PATH [PARAM]...						insmod ERRNO
 *	serve PATH PORT		start nettest				serve 0
 *	unruly KIND MODULE	a process of its own does it	unruly ERRNO
 *	crash KIND [ARG]...	no answer
 *
 * agent sum: the checksum of standard input, for `rfm exec`.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "crc.h"
#include "pattern.h"

static struct pattern mine;

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		ret = errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

static int load_module(const char *path, const char *params)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return errno;
	ret = syscall(SYS_finit_module, fd, params, 0) ? errno : 0;
	close(fd);
	return ret;
}

static size_t available_mib(void)
{
	unsigned long kib = 0;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %lu", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib >> 10;
}

/* Never so much that the kernel would have to kill */
static void fill(size_t mib)
{
	size_t free = available_mib();

	if (mib > mine.mib && mib - mine.mib + 32 > free)
		mib = mine.mib + (free > 32 ? (free - 32) / 2 : 0);
	pattern_size(&mine, mib);
	printf("filled %zu\n", mine.mib);
}

static void check(void)
{
	struct pattern_bad bad;

	pattern_check(&mine, &bad);
	printf("checked %zu %zu", mine.mib * (PATTERN_MIB / PATTERN_PAGE), bad.nr);
	if (bad.nr)
		printf(" page %zu word %zu is %#" PRIx64 ", on a page of %#" PRIx64, bad.page,
		       bad.word, bad.found, bad.owner);
	printf("\n");
}

static void serve(char *path, char *port)
{
	pid_t pid = fork();

	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		for (int i = 0; i < 3; i++)
			dup2(null, i);
		signal(SIGCHLD, SIG_DFL);
		execl(path, path, "serve", port, NULL);
		_exit(127);
	}
	printf("serve %d\n", pid < 0 ? errno : 0);
}

/* All memory, with the kernel told to die of it */
static void eat(void)
{
	put("/proc/sys/vm/panic_on_oom", "2");
	put("/proc/self/oom_score_adj", "0");
	for (;;) {
		char *p = mmap(NULL, PATTERN_MIB, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		if (p == MAP_FAILED)
			usleep(1000);
	}
}

/* A CPU that no other thread gets, however urgent */
static void hog(void)
{
	const struct sched_param first = { .sched_priority = 99 };

	/* musl's function of that name only refuses */
	if (!syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &first))
		for (;;)
			;
}

static void crash(const char *kind, const char *arg, const char *params)
{
	put("/proc/sys/kernel/panic_on_oops", "1");
	if (!strcmp(kind, "sysrq"))
		put("/proc/sysrq-trigger", arg ? arg : "c");
	else if (!strcmp(kind, "poweroff"))
		reboot(RB_POWER_OFF);
	else if (!strcmp(kind, "halt"))
		reboot(RB_HALT_SYSTEM);
	else if (!strcmp(kind, "restart"))
		reboot(RB_AUTOBOOT);
	else if (!strcmp(kind, "exit"))
		exit(3);
	else if (!strcmp(kind, "task"))
		hog();
	else if (!strcmp(kind, "oom"))
		eat();
	else if (!strcmp(kind, "module"))
		load_module(arg ? arg : "", params ? params : "");
	for (;;)
		pause();
}

/* Another kernel in place of this one. Return: 0: refused, as it has to be. */
static int kexec(void)
{
	if (!syscall(SYS_kexec_load, 0, 0, NULL, 0) || errno != ENOSYS ||
	    !syscall(SYS_kexec_file_load, -1, -1, 0UL, "", 0UL) || errno != ENOSYS ||
	    !reboot(RB_KEXEC))
		return EPROTO;
	return 0;
}

static bool supervisor_address(struct sockaddr_in *to)
{
	FILE *f = fopen("/proc/rf_hosts", "r");
	char line[256], ip[64];
	bool found = false;

	*to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(9) };
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%63s", ip) == 1 && strstr(line, "\tsupervisor\n") &&
			inet_pton(AF_INET, ip, &to->sin_addr) == 1;
	if (f)
		fclose(f);
	return found;
}

/* A socket that reaches the supervisor over RFloop, once the link is up, or -1 */
static int reach(struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (int i = 0; i < 1000; i++, usleep(20000))
		if (supervisor_address(to) &&
		    sendto(fd, "", 1, 0, (void *)to, sizeof(*to)) == 1)
			return fd;
	return -1;
}

/* Nobody wants them; each is refused by a packet */
static void flood(int fd, const struct sockaddr_in *to)
{
	static const char data[1400];

	for (;;)
		sendto(fd, data, sizeof(data), 0, (const void *)to, sizeof(*to));
}

/* What a kernel must bear: a process of its own does it, and we go on answering */
static void unruly(const char *kind, const char *module)
{
	const struct timespec past = { .tv_sec = 981172800 };
	bool net = !strcmp(kind, "net");
	struct sockaddr_in to;
	int fd = net ? reach(&to) : -1;
	char params[64];
	pid_t pid;

	if (net && fd < 0) {
		printf("unruly %d\n", ENETUNREACH);
		return;
	}
	if (!strcmp(kind, "kexec")) {
		printf("unruly %d\n", kexec());
		return;
	}
	pid = fork();
	if (pid) {
		if (net)
			close(fd);
		printf("unruly %d\n", pid < 0 ? errno : 0);
		return;
	}
	/* it is the first to go when memory ends */
	put("/proc/self/oom_score_adj", "1000");
	if (net)
		flood(fd, &to);
	else if (!strcmp(kind, "clock"))
		clock_settime(CLOCK_REALTIME, &past);
	else if (!strcmp(kind, "forks"))
		for (;;)
			fork();
	else if (!strcmp(kind, "memory"))
		for (;;)
			mmap(NULL, PATTERN_MIB, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	snprintf(params, sizeof(params), "kind=%s", kind);
	if (strcmp(kind, "clock"))
		load_module(module, params);
	for (;;)
		pause();
}

static void obey(char *line)
{
	char *rest = line, *word = strsep(&rest, " "), *arg;

	if (!strcmp(word, "own") && rest) {
		mine.stamp = strtoull(rest, NULL, 0);
		printf("owned\n");
	} else if (!strcmp(word, "fill") && rest) {
		fill(strtoul(rest, NULL, 0));
	} else if (!strcmp(word, "check")) {
		check();
	} else if (!strcmp(word, "insmod") && rest) {
		arg = strsep(&rest, " ");
		printf("insmod %d\n", load_module(arg, rest ? rest : ""));
	} else if (!strcmp(word, "serve") && rest) {
		arg = strsep(&rest, " ");
		serve(arg, rest ? rest : "5000");
	} else if (!strcmp(word, "unruly") && rest) {
		arg = strsep(&rest, " ");
		unruly(arg, rest ? rest : "");
	} else if (!strcmp(word, "crash") && rest) {
		word = strsep(&rest, " ");
		arg = strsep(&rest, " ");
		crash(word, arg, rest);
	} else {
		printf("what? %s\n", word);
	}
	fflush(stdout);
}

static int sum(void)
{
	static char buf[65536];
	uint32_t crc = 0;
	ssize_t n;

	while ((n = read(0, buf, sizeof(buf))) > 0)
		crc = crc_of(crc, buf, n);
	printf("%08x\n", crc);
	return n < 0;
}

int main(int argc, char **argv)
{
	static char line[1024];

	if (argc > 1 && !strcmp(argv[1], "sum"))
		return sum();
	signal(SIGCHLD, SIG_IGN);
	put("/proc/self/oom_score_adj", "-900");
	if (pattern_init(&mine, 0))
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		obey(line);
	}
	/* the supervisor's end was closed: that is no reason to end */
	for (;;)
		pause();
}
