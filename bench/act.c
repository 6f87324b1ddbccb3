// SPDX-License-Identifier: GPL-2.0
/*
 * One change through librf, by the clock, without the start of a program:
 *
 *   act create NAME CPU[,CPU] BYTES		reserve, nothing is loaded
 *   act destroy NAME				by force
 *   act put FILE WORD [FILE WORD]...		Linux's own: write to files of sysfs
 *
 * Prints JSON: how long the calls took, and the kernel's own phases.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rf.h"

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static int create(struct rf *rf, char **argv, struct rf_subos *s)
{
	struct rf_mem mem = { .node = RF_NO_NODE, .size = strtoull(argv[2], NULL, 0) };
	struct rf_create c = { .name = argv[0], .mem = &mem, .nr_mems = 1 };
	uint32_t *cpu;
	int ret = rf_parse_cpus(rf, argv[1], &cpu, &c.nr_cpus);

	if (ret)
		return ret;
	c.cpu = cpu;
	ret = rf_create(rf, &c, s);
	free(cpu);
	return ret;
}

static int put(char **argv)
{
	uint64_t t, sum = 0;

	for (; argv[0] && argv[1]; argv += 2) {
		int fd = open(argv[0], O_WRONLY);
		ssize_t len = strlen(argv[1]);

		t = now_ns();
		if (fd < 0 || write(fd, argv[1], len) != len) {
			perror(argv[0]);
			return 1;
		}
		sum += now_ns() - t;
		close(fd);
	}
	printf("{\"ns\": %" PRIu64 "}\n", sum);
	return 0;
}

int main(int argc, char **argv)
{
	struct rf_stop stop = { .force = true };
	struct rf_subos s = { 0 };
	struct rf *rf;
	uint64_t t;
	int ret;

	if (argc > 3 && !strcmp(argv[1], "put"))
		return put(argv + 2);
	if (argc < 3 || rf_open(&rf))
		return 64;
	ret = rf_connect(rf);
	t = now_ns();
	stop.name = argv[2];
	if (!ret)
		ret = strcmp(argv[1], "create") ? rf_destroy(rf, &stop, &s) :
		      argc == 5 ? create(rf, argv + 2, &s) : -1;
	t = now_ns() - t;
	if (ret) {
		fprintf(stderr, "act: %s: %s\n", argv[1], rf_strerror(rf));
		return 1;
	}
	printf("{\"ns\": %" PRIu64 ", \"regions\": [", t);
	for (size_t i = 0; i < s.nr_mems; i++)
		printf("%s%" PRIu64 ", %" PRIu64, i ? ", " : "", s.mem[i].start, s.mem[i].size);
	printf("], \"phases\": [");
	for (size_t i = 0; i < s.nr_timings; i++)
		printf("%s[\"%s\", %" PRIu64 "]", i ? ", " : "", s.timing[i].phase,
		       s.timing[i].ns);
	printf("]}\n");
	rf_subos_clear(&s);
	rf_close(rf);
	return 0;
}
