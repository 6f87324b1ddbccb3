// SPDX-License-Identifier: GPL-2.0
/*
 * RFcom's figures, and what they are held against, over librf's com.c, static.
 *
 *   com serve NAME			echo what is small; of 1 MiB, count them
 *   com rtt NAME N LEN			round trips, nanoseconds, one a line
 *   com unix CPU N LEN			the same through a UNIX socket pair to CPU
 *   com bulk NAME N			N messages of 1 MiB one way: MiB/s
 *   com pipe CPU N			the same through a pipe
 *   com map NAME			MiB/s of reading the shared region, and own memory
 */
#include <stdint.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "com.h"

#define BULK	(1 << 20)

static char buf[BULK];

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void die(const char *what, long err)
{
	fprintf(stderr, "com: %s: %ld\n", what, err);
	exit(1);
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("no such CPU", cpu);
}

static void serve(const char *name)
{
	int l = rf_open(name, RF_LISTEN), err = rf_grant(l, "*", RF_MAY_ALL);

	if (l < 0 || err)
		die("listen", l < 0 ? l : err);
	printf("com: serving\n");
	fflush(stdout);
	for (;;) {
		int fd = rf_accept(l, 0, NULL);
		ssize_t n;

		while ((n = rf_read(fd, buf, sizeof(buf))) > 0) {
			if (n < BULK)
				rf_write(fd, buf, n);
			if (buf[0] == 'M') {
				size_t size = 4 << 20;
				char *p = rf_map(fd, &size, PROT_READ | PROT_WRITE);

				memset(p, 1, size);
				rf_write(fd, "m", 1);
				rf_read(fd, buf, sizeof(buf));
				rf_unmap(p, size);
			}
		}
		rf_close(fd);
	}
}

static void trip(int fd, size_t len)
{
	if (write(fd, buf, len) != (ssize_t)len || read(fd, buf, sizeof(buf)) != (ssize_t)len)
		die("round trip", fd);
}

static int rtt(int fd, long n, size_t len)
{
	int64_t *ns = calloc(n, sizeof(*ns));

	for (int i = 0; i < 20; i++)
		trip(fd, len);
	for (long i = 0; i < n; i++) {
		int64_t start = now_ns();

		trip(fd, len);
		ns[i] = now_ns() - start;
	}
	for (long i = 0; i < n; i++)
		printf("%lld\n", (long long)ns[i]);
	return 0;
}

static int unix_rtt(int cpu, long n, size_t len)
{
	int fd[2];
	ssize_t got;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd))
		die("socketpair", 0);
	if (!fork()) {
		close(fd[0]);
		pin(cpu);
		while ((got = read(fd[1], buf, sizeof(buf))) > 0)
			if (write(fd[1], buf, got) != got)
				break;
		_exit(0);
	}
	close(fd[1]);
	return rtt(fd[0], n, len);
}

static void rate(int64_t start, long n)
{
	printf("%.1f\n", n * 1e9 / (now_ns() - start));
}

static int bulk(int fd, long n)
{
	int64_t start = 0;

	memset(buf, 'b', sizeof(buf));
	for (long i = -2; i < n; i++) {
		if (!i)
			start = now_ns();
		if (rf_write(fd, buf, BULK) != BULK)
			die("write", i);
	}
	trip(fd, 1);	/* all of it has been read */
	rate(start, n);
	return 0;
}

static int pipe_bulk(int cpu, long n)
{
	int64_t start = 0;
	int fd[2], back[2];

	if (pipe(fd) || pipe(back))
		die("pipe", 0);
	if (!fork()) {
		close(fd[1]);
		pin(cpu);
		while (read(fd[0], buf, sizeof(buf)) > 0)
			;
		_exit(write(back[1], "x", 1) != 1);
	}
	close(fd[0]);
	memset(buf, 'b', sizeof(buf));
	for (long i = -2; i < n; i++) {
		if (!i)
			start = now_ns();
		if (write(fd[1], buf, BULK) != BULK)
			die("write", i);
	}
	close(fd[1]);
	if (read(back[0], buf, 1) != 1)
		die("read", 0);
	rate(start, n);
	return 0;
}

static double scan(const char *p, size_t size)
{
	volatile uint64_t sum = 0;
	int64_t start = 0;

	for (int round = 0; round < 9; round++) {
		uint64_t s = 0;

		if (round == 1)
			start = now_ns();
		for (size_t i = 0; i < size; i += 8)
			s += *(const volatile uint64_t *)(p + i);
		sum += s;
	}
	return 8.0 * (size >> 20) * 1e9 / (now_ns() - start);
}

static int map(int fd)
{
	size_t size = 4 << 20;
	char *own = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *p;

	memset(own, 1, size);
	rf_write(fd, "M", 1);
	rf_read(fd, buf, sizeof(buf));
	rf_read(fd, buf, sizeof(buf));
	p = rf_map(fd, &size, PROT_READ);
	if (!p)
		die("map", 0);
	printf("%.1f\n", scan(p, size));
	printf("%.1f\n", scan(own, size));
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "", *name = argc > 2 ? argv[2] : "";
	long n = argc > 3 ? atol(argv[3]) : 0, len = argc > 4 ? atol(argv[4]) : 64;
	int fd;

	if (!strcmp(verb, "serve"))
		serve(name);
	if (getenv("COM_CPU"))
		pin(atoi(getenv("COM_CPU")));
	if (!strcmp(verb, "unix"))
		return unix_rtt(atoi(name), n, len);
	if (!strcmp(verb, "pipe"))
		return pipe_bulk(atoi(name), n);
	fd = rf_open(name, 0);
	if (fd < 0)
		die(name, fd);
	if (!strcmp(verb, "rtt"))
		return rtt(fd, n, len);
	if (!strcmp(verb, "bulk"))
		return bulk(fd, n);
	if (!strcmp(verb, "map"))
		return map(fd);
	return 64;
}
