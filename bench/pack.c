// SPDX-License-Identifier: GPL-2.0
/*
 * The initramfs that rfm would make for a program, as files: the root, which
 * is given to rfm too, and the whole, for QEMU.
 *
 *   pack LIBDIR PROGRAM ROOT WHOLE
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "pack.h"

static off_t append(int from, int to)
{
	char buf[65536];
	off_t sum = 0;
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0) {
		if (write(to, buf, n) != n)
			return -1;
		sum += n;
	}
	return n < 0 ? -1 : sum;
}

int main(int argc, char **argv)
{
	struct rf_pack p = { .no_shell = true };
	int fds[RF_PACK_MAX_FDS], nfds, root, whole;
	char err[256];

	if (argc != 5)
		return 64;
	p.libdir = argv[1];
	p.bin = argv[2];
	if (rf_pack(&p, fds, &nfds, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	root = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	whole = open(argv[4], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	for (int i = 0; i < nfds; i++) {
		off_t n;

		if (!i && append(fds[i], root) < 0)
			return 1;
		lseek(fds[i], 0, SEEK_SET);
		n = append(fds[i], whole);
		/* the kernel wants each at a multiple of 4 */
		if (n < 0 || write(whole, "\0\0\0", -n & 3) < 0)
			return 1;
	}
	return 0;
}
