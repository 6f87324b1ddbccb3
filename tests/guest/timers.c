// SPDX-License-Identifier: GPL-2.0
/*
 * timers SECONDS: in a subOS that is held: how often do timers fire that were due
 * meanwhile? A timer every 100 ms, another once after SECONDS. Says:
 *
 *   timers: begins
 *   timers: once N			the second one, N times
 *   timers: late N			the first was read, and had fired N > 20 times
 *   timers: sum N of M at S		each second: of M that were due, S s after the begin
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_MS	100

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static int timer(int64_t first_ms, int64_t period_ms)
{
	struct itimerspec t = {
		.it_value = { first_ms / 1000, first_ms % 1000 * 1000000 },
		.it_interval = { period_ms / 1000, period_ms % 1000 * 1000000 },
	};
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	if (fd < 0 || timerfd_settime(fd, 0, &t, NULL)) {
		perror("timerfd");
		exit(1);
	}
	return fd;
}

static uint64_t fired(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

int main(int argc, char **argv)
{
	int64_t begin = now_ms(), said = 0;
	struct pollfd p[2] = {
		{ .fd = timer(PERIOD_MS, PERIOD_MS), .events = POLLIN },
		{ .fd = timer(argc > 1 ? 1000 * atoi(argv[1]) : 1000, 0), .events = POLLIN },
	};
	uint64_t n, sum = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("timers: begins\n");
	while (poll(p, 2, -1) > 0) {
		if (p[1].revents)
			printf("timers: once %d\n", (int)fired(p[1].fd));
		if (!p[0].revents)
			continue;
		n = fired(p[0].fd);
		sum += n;
		if (n > 20)
			printf("timers: late %d\n", (int)n);
		if (now_ms() - begin - said < 1000)
			continue;
		said = now_ms() - begin;
		printf("timers: sum %d of %d at %d\n", (int)sum, (int)(said / PERIOD_MS),
		       (int)(said / 1000));
	}
	return 1;
}
