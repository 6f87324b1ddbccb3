// SPDX-License-Identifier: GPL-2.0
/*
 * The heartbeats of a subOS, read from its memory without asking anyone:
 *
 *   beats ADDRESS [MS]
 *
 * ADDRESS: physical, of its boot descriptor. Prints one counter a CPU; with MS,
 * once more after so many milliseconds.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rf/abi/boot.h>

static void print(const volatile struct rf_boot_desc *d)
{
	for (unsigned int i = 0; i < d->nr_cpus && i < RF_BOOT_MAX_CPUS; i++)
		printf("%" PRIu64 "%c", (uint64_t)d->cpu[i].beat, i + 1 < d->nr_cpus ? ' ' : '\n');
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct rf_boot_desc *d;
	int fd;

	if (argc < 2)
		return 64;
	fd = open("/dev/mem", O_RDONLY);
	if (fd < 0) {
		perror("/dev/mem");
		return 1;
	}
	d = mmap(NULL, (sizeof(*d) + 4095) & ~4095UL, PROT_READ, MAP_SHARED, fd,
		 strtoull(argv[1], NULL, 0));
	if (d == MAP_FAILED) {
		perror(argv[1]);
		return 1;
	}
	if (d->magic != RF_BOOT_MAGIC) {
		fprintf(stderr, "%s: no boot descriptor\n", argv[1]);
		return 1;
	}
	print(d);
	if (argc > 2) {
		usleep(1000 * atoi(argv[2]));
		print(d);
	}
	return 0;
}
