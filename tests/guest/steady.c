// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel under load that would notice if another one touched it: fills memory
 * with a pattern that changes from round to round, and compares all of it before
 * each change.
 *
 *   steady MIB
 *
 * Each second it tells the kernel's log, "steady: ROUNDS rounds, WRONG wrong,
 * stalled MS ms at most": the longest time that this busy program did not run.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MIB	(1UL << 20)
#define STEP	(64 * 1024 / sizeof(uint64_t))	/* words between two looks at the clock */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static uint64_t pattern(size_t at, uint64_t round)
{
	return (at + 1) * 0x9e3779b97f4a7c15ULL ^ round * 0xbf58476d1ce4e5b9ULL;
}

/* Not dprintf(): it wants to seek, which /dev/kmsg refuses, and says nothing */
static void tell(int fd, const char *line)
{
	if (write(fd, line, strlen(line)) < 0)
		perror("steady: /dev/kmsg");
}

int main(int argc, char **argv)
{
	size_t words = (argc > 1 ? strtoul(argv[1], NULL, 10) : 16) * MIB / sizeof(uint64_t);
	uint64_t round = 0, wrong = 0, stalled = 0, last, said;
	int fd = open("/dev/kmsg", O_WRONLY);
	char line[120];
	uint64_t *mem;

	mem = mmap(NULL, words * sizeof(*mem), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!words || mem == MAP_FAILED || fd < 0)
		return 1;
	for (size_t i = 0; i < words; i++)
		mem[i] = pattern(i, 0);
	tell(fd, "steady: begins\n");
	last = now_ns();
	said = last;
	for (;; round++) {
		for (size_t i = 0; i < words; i++) {
			uint64_t now;

			wrong += mem[i] != pattern(i, round);
			mem[i] = pattern(i, round + 1);
			if (i % STEP)
				continue;
			now = now_ns();
			if (now - last > stalled)
				stalled = now - last;
			last = now;
			if (now - said < 1000000000ULL)
				continue;
			said = now;
			snprintf(line, sizeof(line),
				 "steady: %llu rounds, %llu wrong, stalled %llu ms at most\n",
				 (unsigned long long)round, (unsigned long long)wrong,
				 (unsigned long long)stalled / 1000000);
			tell(fd, line);
		}
	}
}
