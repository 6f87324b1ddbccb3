// SPDX-License-Identifier: GPL-2.0
/*
 * What runs in the booted kernel: prints the line that the clocks wait for, to
 * standard output (a subOS has one) and to the kernel's log (a kernel that
 * QEMU boots directly has nothing else), then waits for the end of its input;
 * with an argument, for ever.
 */
#include <fcntl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static const char line[] = "rf-bench: first line\n";
	char c;
	int fd;

	(void)argv;
	(void)!write(1, line, sizeof(line) - 1);
	fd = open("/dev/kmsg", O_WRONLY);
	(void)!write(fd, line, sizeof(line) - 1);
	while (argc > 1)
		pause();
	while (read(0, &c, 1) > 0)
		;
	return 0;
}
