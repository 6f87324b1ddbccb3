// SPDX-License-Identifier: GPL-2.0
/*
 * create_cold, our side, in the supervisor: runs a command and prints the TSC
 * before it was forked and at the first byte of its standard output. Then
 * passes on the end of its own input, and the command's exit status.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

static unsigned long long tsc(void)
{
	_mm_lfence();
	return __rdtsc();
}

int main(int argc, char **argv)
{
	unsigned long long begin, first;
	int in[2], out[2], status;
	char buf[256];
	pid_t pid;

	if (argc < 2 || pipe(in) || pipe(out))
		return 125;
	begin = tsc();
	pid = fork();
	if (!pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[0]);
		close(in[1]);
		close(out[0]);
		close(out[1]);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	if (read(out[0], buf, 1) == 1) {
		first = tsc();
		printf("%llu %llu\n", begin, first);
		fflush(stdout);
		while (read(0, buf, sizeof(buf)) > 0)
			;
	}
	close(in[1]);
	while (read(out[0], buf, sizeof(buf)) > 0)
		;
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return 125;
	return WEXITSTATUS(status);
}
