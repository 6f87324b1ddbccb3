// SPDX-License-Identifier: GPL-2.0
/*
 * One change through librf, by the clock, without the start of a program:
 *
 *   act create NAME CPU[,CPU] BYTES		reserve, nothing is loaded
 *   act destroy NAME				by force
 *   act resize NAME cpu|mem +|-N		of a running one: CPU N, or N bytes
 *   act move NAME TO CPU
 *   act put FILE WORD [FILE WORD]...		Linux's own: write to files of sysfs
 *
 * Prints JSON: how long the calls took, the TSC before and after, and the kernel's
 * own phases; of put, how long each write took.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include <linux/rainforest.h>

#include "rf.h"

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static unsigned long long tsc(void)
{
	_mm_lfence();
	return __rdtsc();
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

static int resize(struct rf *rf, char **argv, struct rf_subos *s)
{
	uint64_t n = strtoull(argv[2] + 1, NULL, 0);
	uint32_t cpu = n;
	struct rf_amount amount = {
		.mem = { .node = RF_NO_NODE, .size = n },
		.how = argv[2][0] == '+' ? RAINFOREST_HOW_ADD : RAINFOREST_HOW_REMOVE,
	};
	struct rf_resize z = { .name = argv[0], .cpu_node = RF_NO_NODE, .timeout_ms = -1 };

	if (!strcmp(argv[1], "mem")) {
		z.mem = &amount;
		z.nr_mems = 1;
	} else if (argv[2][0] == '+') {
		z.add = &cpu;
		z.nr_add = 1;
	} else {
		z.remove = &cpu;
		z.nr_remove = 1;
	}
	return rf_resize(rf, &z, s);
}

static int move(struct rf *rf, char **argv, struct rf_subos *s)
{
	uint32_t cpu = strtoul(argv[2], NULL, 0);
	struct rf_resize z = {
		.name = argv[0], .to = argv[1], .remove = &cpu, .nr_remove = 1,
		.cpu_node = RF_NO_NODE, .timeout_ms = -1,
	};

	return rf_move(rf, &z, s);
}

static int put(char **argv)
{
	uint64_t t, sum = 0;
	const char *sep = "";

	printf("{\"each\": [");

	for (; argv[0] && argv[1]; argv += 2) {
		int fd = open(argv[0], O_WRONLY);
		ssize_t len = strlen(argv[1]);

		t = now_ns();
		if (fd < 0 || write(fd, argv[1], len) != len) {
			perror(argv[0]);
			return 1;
		}
		t = now_ns() - t;
		sum += t;
		close(fd);
		printf("%s%" PRIu64, sep, t);
		sep = ", ";
	}
	printf("], \"ns\": %" PRIu64 "}\n", sum);
	return 0;
}

int main(int argc, char **argv)
{
	struct rf_stop stop = { .force = true };
	struct rf_subos s = { 0 };
	unsigned long long begin, end;
	struct rf *rf;
	uint64_t t;
	int ret;

	if (argc > 3 && !strcmp(argv[1], "put"))
		return put(argv + 2);
	if (argc < 3 || rf_new(&rf))
		return 64;
	ret = rf_connect(rf);
	t = now_ns();
	begin = tsc();
	stop.name = argv[2];
	if (!ret && !strcmp(argv[1], "destroy"))
		ret = rf_destroy(rf, &stop, &s);
	else if (!ret)
		ret = argc != 5 ? -1 : !strcmp(argv[1], "create") ? create(rf, argv + 2, &s) :
		      !strcmp(argv[1], "resize") ? resize(rf, argv + 2, &s) :
		      !strcmp(argv[1], "move") ? move(rf, argv + 2, &s) : -1;
	end = tsc();
	t = now_ns() - t;
	if (ret) {
		fprintf(stderr, "act: %s: %s\n", argv[1], rf_strerror(rf));
		return 1;
	}
	printf("{\"ns\": %" PRIu64 ", \"begin\": %llu, \"end\": %llu, \"regions\": [", t, begin, end);
	for (size_t i = 0; i < s.nr_mems; i++)
		printf("%s%" PRIu64 ", %" PRIu64, i ? ", " : "", s.mem[i].start, s.mem[i].size);
	printf("], \"phases\": [");
	for (size_t i = 0; i < s.nr_timings; i++)
		printf("%s[\"%s\", %" PRIu64 "]", i ? ", " : "", s.timing[i].phase,
		       s.timing[i].ns);
	printf("]}\n");
	rf_subos_clear(&s);
	rf_free(rf);
	return 0;
}
