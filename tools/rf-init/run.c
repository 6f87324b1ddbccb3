// SPDX-License-Identifier: GPL-2.0
/* Starts the command, a shell, or another PID 1. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "rf-init.h"

static const char *const consoles[] = { "/dev/hvc0", "/dev/console" };
static const char *const shells[] = { "/bin/bash", "/bin/sh", "/bin/busybox" };
static const char *const inits[] = {
	"/init", "/sbin/init", "/etc/init", "/bin/init",
};

#define N(a)	(sizeof(a) / sizeof(*(a)))

static int open_tty(int flags)
{
	size_t i;
	int fd = -1;

	for (i = 0; i < N(consoles) && fd < 0; i++)
		fd = open(consoles[i], flags | O_NOCTTY);
	return fd;
}

bool have_console(void)
{
	int fd = open_tty(O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

const char *find_shell(void)
{
	size_t i;

	for (i = 0; i < N(shells); i++)
		if (!access(shells[i], X_OK))
			return shells[i];
	return NULL;
}

static void put_fd(int fd, int as)
{
	if (fd < 0)
		fd = open("/dev/null", O_RDWR);
	if (fd < 0 || fd == as)
		return;
	dup2(fd, as);
	close(fd);
}

/* The three standard files; /dev/null where there is no console. */
void open_console(void)
{
	put_fd(open_tty(O_RDWR), 0);
	dup2(0, 1);
	dup2(0, 2);
}

/* A stream of the supervisor, or the console on a kernel without them. */
static void open_stream(const char *path, int flags, int as)
{
	int fd = open(path, flags | O_NOCTTY);

	put_fd(fd >= 0 ? fd : open_tty(flags), as);
}

void set_env(const struct rf_cfg *cfg)
{
	size_t i;

	clearenv();
	putenv("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	putenv("HOME=/root");
	putenv("TERM=linux");
	for (i = 0; i < cfg->n_env; i++)
		putenv(cfg->env[i]);
}

/* PID 1 blocks all signals; a program must find them as usual. */
static void reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void go_to(const struct rf_cfg *cfg)
{
	if (cfg->cwd && chdir(cfg->cwd)) {
		dprintf(2, "rf-init: %s: %s\n", cfg->cwd, strerror(errno));
		_exit(EXIT_CANTEXEC);
	}
}

/*
 * vfork(): nothing of PID 1 is copied, and it goes on once the program has
 * been loaded. What runs until then is this file's own.
 */
pid_t start_command(const struct rf_cfg *cfg)
{
	pid_t pid = vfork();
	int err;

	if (pid)
		return pid;
	setsid();
	open_stream("/dev/rf-stdin", O_RDONLY, 0);
	open_stream("/dev/rf-stdout", O_WRONLY, 1);
	open_stream("/dev/rf-stderr", O_WRONLY, 2);
	if (isatty(0))
		ioctl(0, TIOCSCTTY, 0);
	reset_signals();
	go_to(cfg);
	execvp(cfg->arg[0], cfg->arg);
	err = errno;
	dprintf(2, "rf-init: %s: %s\n", cfg->arg[0], strerror(err));
	_exit(err == ENOENT || err == ENOTDIR ? EXIT_NOTFOUND : EXIT_CANTEXEC);
}

pid_t start_shell(const struct rf_cfg *cfg, const char *shell)
{
	pid_t pid = vfork();

	if (pid)
		return pid;
	setsid();
	open_console();
	ioctl(0, TIOCSCTTY, 1);
	reset_signals();
	if (chdir(cfg->cwd ? cfg->cwd : "/root") && chdir("/"))
		_exit(EXIT_CANTEXEC);
	if (strstr(shell, "busybox"))
		execl(shell, "sh", "-l", NULL);
	else
		execl(shell, shell, "-l", NULL);
	_exit(EXIT_CANTEXEC);
}

/* Replaces PID 1; returns only when there is nothing to run. */
void exec_init(const struct rf_cfg *cfg)
{
	size_t i;

	open_console();
	reset_signals();
	if (cfg->init) {
		execl(cfg->init, cfg->init, NULL);
		say("%s: %s", cfg->init, strerror(errno));
		return;
	}
	for (i = 0; i < N(inits); i++) {
		execl(inits[i], inits[i], NULL);
		if (errno != ENOENT)
			say("%s: %s", inits[i], strerror(errno));
	}
	say("no init in the initrd");
}
