// SPDX-License-Identifier: GPL-2.0
/*
 * pin MIB: fill so much memory, and pin a page of each MiB, as a program does
 * whose pipe holds pages that it gave away by vmsplice(2). On SIGTERM look at
 * all of it, and end with 0 if it is as it was.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define MIB	(1UL << 20)
#define PAGE	4096UL

int main(int argc, char **argv)
{
	size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	uint64_t *mem;
	sigset_t end;
	int fd[2], sig;

	mem = mmap(NULL, mib * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!mib || mem == MAP_FAILED)
		return 1;
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);
	for (size_t at = 0; at < mib * MIB; at += PAGE)
		mem[at / sizeof(*mem)] = ~at;
	for (size_t at = 0; at < mib * MIB; at += MIB) {
		struct iovec page = { (char *)mem + at, PAGE };

		/* a pipe has room for 16 */
		if (at % (16 * MIB) == 0 && pipe(fd))
			return 2;
		if (vmsplice(fd[1], &page, 1, 0) != PAGE)
			return 3;
	}
	printf("pinned a page of each of %zu MiB\n", mib);
	fflush(stdout);
	sigwait(&end, &sig);
	for (size_t at = 0; at < mib * MIB; at += PAGE)
		if (mem[at / sizeof(*mem)] != ~at)
			return 4;
	return 0;
}
