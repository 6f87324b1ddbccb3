// SPDX-License-Identifier: GPL-2.0
/*
 * rf-init: PID 1 of a subOS.
 *
 * Sets up what programs expect, tells the supervisor "ready" over
 * /dev/rf-ctl, runs the command of /.rf/config, reaps, reports "exited N",
 * and powers off when the command has ended or the supervisor asks for it.
 * It does without everything: no console, no /dev/rf-*, no command.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rf-init.h"

struct state {
	struct rf_cfg cfg;
	const char *shell;	/* offer this one; NULL: none */
	int ctl;		/* /dev/rf-ctl, -1 without */
	int sig;		/* signalfd of SIGCHLD */
	pid_t command, shell_pid;
	int64_t shell_at;	/* when the shell is, or was, started */
	int status;		/* to report, -1: none */
};

void say(const char *fmt, ...)
{
	char msg[512] = "<4>rf-init: ";
	size_t n = strlen(msg);
	va_list ap;
	int fd;

	va_start(ap, fmt);
	vsnprintf(msg + n, sizeof(msg) - n - 1, fmt, ap);
	va_end(ap);
	n = strlen(msg);
	msg[n++] = '\n';
	fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		(void)!write(2, msg + 3, n - 3);
		return;
	}
	(void)!write(fd, msg, n);
	close(fd);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void tell(struct state *s, const char *word)
{
	if (s->ctl >= 0 && write(s->ctl, word, strlen(word)) < 0)
		say("/dev/rf-ctl: %s", strerror(errno));
}

/* Absent: nothing to do. Damaged: PID 1 has nothing to go by. */
static int read_config(struct rf_cfg *cfg)
{
	int fd = open(RF_CONFIG, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t done = 0;
	ssize_t n = 1;
	char *buf;
	int ret;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) || st.st_size > RF_CFG_MAX) {
		close(fd);
		return -EINVAL;
	}
	buf = malloc(st.st_size + 1);
	while (buf && n > 0 && done < (size_t)st.st_size) {
		n = read(fd, buf + done, st.st_size - done);
		done += n > 0 ? n : 0;
	}
	close(fd);
	if (!buf)
		return -ENOMEM;
	ret = rf_cfg_parse(cfg, buf, done);
	if (ret)
		free(buf);
	return ret;
}

/* Collects who has ended; false when nobody is left. */
static bool reap(struct state *s)
{
	int st;
	pid_t pid;

	while ((pid = waitpid(-1, &st, WNOHANG)) > 0) {
		if (pid == s->command) {
			s->status = WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
			s->command = 0;
		}
		if (pid == s->shell_pid)
			s->shell_pid = 0;
	}
	return pid == 0;
}

static void drain(int sig)
{
	struct signalfd_siginfo si[8];

	(void)!read(sig, si, sizeof(si));
}

/* Reaps until nobody is left; true unless @ms have passed before. */
static bool wait_for_all(struct state *s, int ms)
{
	struct pollfd pfd = { .fd = s->sig, .events = POLLIN };
	int64_t end = now_ms() + ms, left;

	while (reap(s)) {
		left = end - now_ms();
		if (left <= 0)
			return false;
		if (poll(&pfd, 1, left) > 0)
			drain(s->sig);
	}
	return true;
}

/* Nobody holds a stream when the report is made: all that was said is sent. */
static noreturn void finish(struct state *s)
{
	char word[32];

	kill(-1, SIGKILL);
	if (!wait_for_all(s, REAP_MS))
		say("processes are left that can't be killed");
	if (s->status >= 0) {
		snprintf(word, sizeof(word), "exited %d", s->status);
		tell(s, word);
	}
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static noreturn void stop(struct state *s)
{
	kill(-1, SIGTERM);
	if (s->shell_pid > 0)
		kill(-s->shell_pid, SIGHUP);	/* on a terminal it ignores SIGTERM */
	kill(-1, SIGCONT);
	if (!wait_for_all(s, STOP_GRACE_MS))
		say("not everything has ended in %d s", STOP_GRACE_MS / 1000);
	finish(s);
}

/* The word of the supervisor: 1 stop, 0 nothing, -1 never again. */
static int stop_asked(int ctl)
{
	char buf[64];
	ssize_t n = read(ctl, buf, sizeof(buf) - 1);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	buf[n] = '\0';
	if (!strncmp(buf, "stop", 4))
		return 1;
	say("/dev/rf-ctl: \"%s\" is not understood", buf);
	return 0;
}

/* Milliseconds until a shell is due, -1 when none is. */
static int shell_due(struct state *s)
{
	int64_t left;

	if (!s->shell || s->shell_pid)
		return -1;
	left = s->shell_at ? s->shell_at + SHELL_PAUSE_MS - now_ms() : 0;
	if (left > 0)
		return left;
	s->shell_pid = start_shell(&s->cfg, s->shell);
	s->shell_at = now_ms();
	return -1;
}

static noreturn void serve(struct state *s)
{
	struct pollfd pfd[2] = {
		{ .fd = s->sig, .events = POLLIN },
		{ .fd = s->ctl, .events = POLLIN },
	};
	int asked;

	for (;;) {
		if (poll(pfd, 2, shell_due(s)) < 0)
			continue;
		if (pfd[0].revents) {
			drain(s->sig);
			reap(s);
			if (s->status >= 0)
				finish(s);
		}
		if (!pfd[1].revents)
			continue;
		asked = pfd[1].revents & POLLIN ? stop_asked(s->ctl) : -1;
		if (asked > 0)
			stop(s);
		if (asked < 0)
			pfd[1].fd = -1;
	}
}

static int watch_children(void)
{
	sigset_t set;

	sigfillset(&set);	/* PID 1 is not to be disturbed */
	sigprocmask(SIG_SETMASK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(void)
{
	struct state s = { .ctl = -1, .status = -1 };
	int ret;

	umask(0);
	ret = read_config(&s.cfg);
	setup_mounts();
	setup_modules(&s.cfg);
	setup_network(&s.cfg);
	umask(022);
	(void)!chdir("/");
	s.ctl = open("/dev/rf-ctl", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	s.sig = watch_children();
	set_env(&s.cfg);
	tell(&s, "ready");
	if (ret) {
		say(RF_CONFIG ": %s", strerror(-ret));
		s.status = EXIT_RFM;
		finish(&s);
	}
	if (s.cfg.init || s.cfg.initrd) {
		start_agent();
		exec_init(&s.cfg);
		s.status = EXIT_NOTFOUND;
		finish(&s);
	}
	if (s.cfg.n_arg) {
		s.command = start_command(&s.cfg);
		if (s.command < 0) {
			say("fork: %s", strerror(errno));
			s.status = EXIT_RFM;
			finish(&s);
		}
	} else if (s.cfg.shell && have_console()) {
		s.shell = find_shell();
	}
	start_agent();
	serve(&s);
}
