// SPDX-License-Identifier: GPL-2.0
/* A number that a program gives: a command's output, or a file's content */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "metric.h"

#define METRIC_BYTES	256	/* a number is shorter */

static int read_file(struct rfm *r, const struct rfm_metric *m, char *text)
{
	struct timespec now;
	struct stat st;
	int64_t age_ms;
	ssize_t n;
	int fd = open(m->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return rf_error(r->rf, -EINVAL, "metric: %s: %s", m->file, strerror(errno));
	n = fstat(fd, &st) ? -1 : read(fd, text, METRIC_BYTES - 1);
	close(fd);
	if (n < 0)
		return rf_error(r->rf, -EINVAL, "metric: %s: %s", m->file, strerror(errno));
	text[n] = 0;
	/* its writer may have died: what it wrote last says nothing of now */
	clock_gettime(CLOCK_REALTIME, &now);
	age_ms = (now.tv_sec - st.st_mtim.tv_sec) * 1000LL +
		 (now.tv_nsec - st.st_mtim.tv_nsec) / 1000000;
	if (S_ISREG(st.st_mode) && age_ms > m->max_age_ms)
		return rf_error(r->rf, -EINVAL, "metric: %s was written %.1f s ago", m->file,
				age_ms / 1e3);
	return 0;
}

/* Its end: 0 with its exit status, -ETIMEDOUT; whatever it started goes too */
static int reap(pid_t pid, int64_t end_ms, int *status)
{
	struct pollfd p = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	int64_t left = end_ms - rfm_now_ms();
	/* it may have closed its output, and hang */
	bool ended = p.fd >= 0 && poll(&p, 1, left > 0 ? left : 0) > 0;

	kill(-pid, SIGKILL);
	waitpid(pid, status, 0);
	if (p.fd >= 0)
		close(p.fd);
	return ended ? 0 : -ETIMEDOUT;
}

static pid_t start(const char *command, int out)
{
	pid_t pid = fork();
	sigset_t none;

	if (pid)
		return pid;
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(out, STDOUT_FILENO);
	execl("/bin/sh", "sh", "-c", command, NULL);
	_exit(127);
}

static int read_command(struct rfm *r, const struct rfm_metric *m, char *text)
{
	int64_t end = rfm_now_ms() + m->timeout_ms, left;
	struct pollfd p = { .events = POLLIN };
	int pipefd[2], status, ret;
	size_t len = 0;
	ssize_t n = -1;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC))
		return rf_error(r->rf, -EINVAL, "metric: pipe: %s", strerror(errno));
	pid = start(m->command, pipefd[1]);
	close(pipefd[1]);
	if (pid < 0) {
		close(pipefd[0]);
		return rf_error(r->rf, -EINVAL, "metric: fork: %s", strerror(errno));
	}
	setpgid(pid, pid);	/* the child does so too: who is first */
	p.fd = pipefd[0];
	while ((left = end - rfm_now_ms()) > 0 && len < METRIC_BYTES - 1) {
		if (poll(&p, 1, left) <= 0)
			continue;
		n = read(pipefd[0], text + len, METRIC_BYTES - 1 - len);
		if (n <= 0)
			break;
		len += n;
	}
	text[len] = 0;
	close(pipefd[0]);
	ret = reap(pid, end, &status);
	if (ret)
		return rf_error(r->rf, -EINVAL, "metric: the command did not end within %.1f s",
				m->timeout_ms / 1e3);
	/* more than fits is no number anyway, and SIGPIPE no reason */
	if (len < METRIC_BYTES - 1 && status)
		return rf_error(r->rf, -EINVAL, "metric: the command ended with %d",
				rf_exit_from_wait(status));
	return 0;
}

/**
 * rfm_metric_read() - the number as it is now
 * @r: the program
 * @m: where it comes from
 * @v: the number
 *
 * Return: 0; -EINVAL: there is none, or not of now.
 */
int rfm_metric_read(struct rfm *r, const struct rfm_metric *m, double *v)
{
	char text[METRIC_BYTES];
	int ret = m->command ? read_command(r, m, text) : read_file(r, m, text);

	return ret ?: rf_parse_number(r->rf, "metric", text, v);
}
