// SPDX-License-Identifier: GPL-2.0
/* Programs, time, modules */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "torture.h"

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* What a change may answer though nothing is wrong */
int verdict(struct torture *t, const char *what, int ret)
{
	switch (-ret) {
	case 0:
		return DONE;
	case EBUSY:
	case ENOSPC:
	case ENOMEM:
	case EUCLEAN:
	case ETIMEDOUT:
		t->book.count[REFUSALS]++;
		if (t->verbose)
			printf("    %s: refused: %s\n", what, rf_strerror(t->rf));
		return REFUSED;
	}
	return broken(t, "%s: %s: %s", what, strerror(-ret), rf_strerror(t->rf));
}

int put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int get_file(const char *path, char *text, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	while (have < len - 1 && (n = read(fd, text + have, len - 1 - have)) > 0)
		have += n;
	text[have] = 0;
	close(fd);
	return n < 0 ? -errno : (int)have;
}

int64_t meminfo(const char *field)
{
	size_t n = strlen(field);
	char text[4096], *line;

	if (get_file("/proc/meminfo", text, sizeof(text)) < 0)
		return -1;
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, field, n) && line[n] == ':')
			return strtoll(line + n + 1, NULL, 10);
	return -1;
}

/*
 * KiB in the CPUs' own lists of free pages, which MemFree leaves out: up to an
 * eighth of a zone after a large program has ended.
 */
int64_t held_by_cpus(void)
{
	FILE *f = fopen("/proc/zoneinfo", "re");
	long long count, pages = 0;
	char line[256];

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %lld", &count) == 1)
			pages += count;
	fclose(f);
	return pages * (PATTERN_PAGE / 1024);
}

pid_t spawn(const char *const argv[], int *out)
{
	int fd[2];
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK))
		return -1;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		int null = open("/dev/null", O_RDONLY);

		fcntl(fd[1], F_SETFL, 0);
		dup2(null, 0);
		dup2(fd[1], 1);
		dup2(fd[1], 2);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(fd[1]);
	if (pid < 0)
		close(fd[0]);
	*out = fd[0];
	return pid;
}

/* Its exit status, 128 + a signal's number, or -ETIMEDOUT: then it was killed */
int spawned(struct torture *t, pid_t pid, int out, char *text, size_t len, int seconds)
{
	int64_t end = now_ms() + seconds * 1000LL * t->slow;
	struct pollfd pfd = { .fd = out, .events = POLLIN };
	bool late = false;
	size_t have = 0;
	char rest[512];
	int status;

	for (;;) {
		int64_t left = end - now_ms();
		size_t room = have < len - 1 ? len - 1 - have : 0;
		ssize_t n;

		if (left <= 0) {
			late = true;
			kill(pid, SIGKILL);
			break;
		}
		poll(&pfd, 1, left);
		n = read(out, room ? text + have : rest, room ? room : sizeof(rest));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			break;
		have += room ? n : 0;
	}
	text[have] = 0;
	close(out);
	waitpid(pid, &status, 0);
	if (late)
		return -ETIMEDOUT;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int tool(struct torture *t, char *text, size_t len, int seconds, const char *const argv[])
{
	int out;
	pid_t pid = spawn(argv, &out);

	if (pid < 0)
		return -errno;
	return spawned(t, pid, out, text, len, seconds);
}

/* One of those that tests/torture/run has built for the supervisor */
int module_load(const struct torture *t, const char *name, const char *params)
{
	char path[512];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/supervisor/%s.ko", t->dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, params, 0) ? -errno : 0;
	close(fd);
	return ret;
}

int module_unload(const char *name)
{
	for (int i = 0; i < 100; i++) {
		if (!syscall(SYS_delete_module, name, O_NONBLOCK))
			return 0;
		if (errno != EAGAIN && errno != EBUSY)
			break;
		usleep(50000);
	}
	return -errno;
}
