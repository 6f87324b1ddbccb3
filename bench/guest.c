// SPDX-License-Identifier: GPL-2.0
/*
 * What runs in a subOS that is resized: says when it has something of it. The
 * kernel's own events wake it (what udev listens to), as they would any program
 * that waits for a CPU; the times are the TSC's, which both kernels share.
 *
 *   ready
 *   cpu N TSC		it runs on CPU N, which has come; then it goes back to CPU 0
 *   mem MIB TSC	a memory block has come; MIB is all there is now
 *   irqs OTHER OWN NAME=COUNT...	interrupts since the last such line, of rows
 *		that no kernel causes itself, and of its own (timer, doorbell, IPIs
 *		between its CPUs); for each line of input
 *
 * Ends at the end of its input.
 */
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <linux/netlink.h>
#include <unistd.h>
#include <x86intrin.h>

#define MAX_ROWS 256

/* Timer, doorbell, rescheduling, calls, TLB, work in interrupt */
static const char *const own[] = { "LOC", "RFD", "RES", "CAL", "TLB", "IWI" };

static struct row {
	char name[16];
	unsigned long long count;
} rows[MAX_ROWS];

static unsigned long long tsc(void)
{
	_mm_lfence();
	return __rdtsc();
}

static int run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static void event(const char *text)
{
	struct sysinfo i;
	int n;

	if (sscanf(text, "online@/devices/system/cpu/cpu%d", &n) == 1) {
		if (run_on(n) || sched_getcpu() != n)
			return;
		printf("cpu %d %llu\n", n, tsc());
		run_on(0);
	} else if (sscanf(text, "online@/devices/system/memory/memory%d", &n) == 1) {
		unsigned long long now = tsc();

		sysinfo(&i);
		printf("mem %llu %llu\n", (unsigned long long)i.totalram * i.mem_unit >> 20, now);
	}
}

static int is_own(const char *name)
{
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (!strcmp(name, own[i]))
			return 1;
	return 0;
}

/* How many more of a row there are than last time */
static unsigned long long more(const char *name, unsigned long long count)
{
	for (int i = 0; i < MAX_ROWS; i++) {
		if (rows[i].name[0] && strcmp(rows[i].name, name))
			continue;
		strcpy(rows[i].name, name);
		count -= rows[i].count;
		rows[i].count += count;
		return count;
	}
	abort();
}

static void irqs(void)
{
	unsigned long long sum[2] = { 0, 0 }, n;
	char line[4096], text[2048] = "";
	FILE *f = fopen("/proc/interrupts", "r");

	while (f && fgets(line, sizeof(line), f)) {
		char name[16], *at = strchr(line, ':'), *end;
		unsigned long long count = 0;

		if (!at || sscanf(line, " %15[^:]", name) != 1)
			continue;
		for (at++; n = strtoull(at, &end, 10), end != at; at = end)
			count += n;
		/* how often it polled for machine checks is no interrupt */
		if (!strcmp(name, "MCP"))
			continue;
		n = more(name, count);
		sum[is_own(name)] += n;
		if (n && strlen(text) < sizeof(text) - 64)
			sprintf(text + strlen(text), " %s=%llu", name, n);
	}
	if (f)
		fclose(f);
	printf("irqs %llu %llu%s\n", sum[0], sum[1], text);
}

int main(void)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	struct pollfd fds[2] = { { .events = POLLIN }, { .events = POLLIN } };
	char buf[8192];
	ssize_t n;

	fds[1].fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	if (fds[1].fd < 0 || bind(fds[1].fd, (struct sockaddr *)&at, sizeof(at)) || run_on(0)) {
		perror("guest");
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready\n");
	while (poll(fds, 2, -1) > 0) {
		if (fds[1].revents) {
			n = recv(fds[1].fd, buf, sizeof(buf) - 1, 0);
			buf[n > 0 ? n : 0] = 0;
			event(buf);
		}
		if (fds[0].revents) {
			n = read(0, buf, sizeof(buf));
			if (n <= 0)
				return n < 0;
			irqs();
		}
	}
	return 1;
}
