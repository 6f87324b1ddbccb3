// SPDX-License-Identifier: GPL-2.0
/*
 * The longest time between two heartbeats of a subOS, read from its memory without
 * asking anyone:
 *
 *   gap ADDRESS
 *
 * ADDRESS: physical, of its boot descriptor. On SIGUSR1 prints, in milliseconds,
 * the longest gap of any of its CPUs since the last SIGUSR1, the one that is still
 * open included; and how long at most this program itself was late to look. Time in
 * which it did not run is not counted as a gap: where the machine's host stands still
 * everything does. Where several beats came between two looks each counts with its
 * share.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <rf/abi/boot.h>

#define LOOK_NS	5000000

static volatile sig_atomic_t asked;

static void on_signal(int sig)
{
	(void)sig;
	asked = 1;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static uint64_t beat[RF_BOOT_MAX_CPUS], at[RF_BOOT_MAX_CPUS];
static uint64_t longest, open_gap;

/* @late: how much of the time since the last look does not count */
static void look(const volatile struct rf_boot_desc *d, uint64_t late)
{
	open_gap = 0;
	for (unsigned int i = 0; i < d->nr_cpus && i < RF_BOOT_MAX_CPUS; i++) {
		uint64_t b = d->cpu[i].beat, now = now_ns(), passed;

		if (!b)
			continue;
		at[i] = at[i] ? at[i] + late : now;
		passed = now > at[i] ? now - at[i] : 0;
		if (b != beat[i]) {
			if (beat[i] && passed / (b - beat[i]) > longest)
				longest = passed / (b - beat[i]);
			beat[i] = b;
			at[i] = now;
		} else if (passed > open_gap) {
			open_gap = passed;
		}
	}
}

int main(int argc, char **argv)
{
	const struct sched_param first = { .sched_priority = 50 };
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	const volatile struct rf_boot_desc *d;
	uint64_t last, latest = 0;
	int fd = open("/dev/mem", O_RDONLY);

	if (argc < 2 || fd < 0)
		return 64;
	d = mmap(NULL, (sizeof(*d) + 4095) & ~4095UL, PROT_READ, MAP_SHARED, fd,
		 strtoull(argv[1], NULL, 0));
	if (d == MAP_FAILED || d->magic != RF_BOOT_MAGIC)
		return 1;
	if (sched_setscheduler(0, SCHED_FIFO, &first))
		return 2;
	signal(SIGUSR1, on_signal);
	for (last = now_ns();;) {
		uint64_t now = now_ns(), late = now - last;

		last = now;
		late = late > 2 * LOOK_NS ? late - 2 * LOOK_NS : 0;
		if (late > latest)
			latest = late;
		look(d, late);
		if (asked) {
			asked = 0;
			if (open_gap > longest)
				longest = open_gap;
			printf("%llu %llu\n", (unsigned long long)longest / 1000000,
			       (unsigned long long)latest / 1000000);
			fflush(stdout);
			longest = 0;
			latest = 0;
		}
		nanosleep(&pause, NULL);
	}
}
