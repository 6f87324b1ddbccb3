// SPDX-License-Identifier: GPL-2.0
/* Signals that end a long verb: what it has begun is undone, or told. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "signals.h"

atomic_int rfm_signal;
static int pipe_fd[2] = { -1, -1 };

static void on_signal(int sig)
{
	int saved = errno;
	char byte = sig;
	ssize_t n;

	rfm_signal = sig;
	/* when it is full, there is enough to read already */
	n = write(pipe_fd[1], &byte, 1);
	(void)n;
	errno = saved;
}

/**
 * rfm_signals_catch() - from now on INT, TERM and HUP are only noted
 * @r: the program
 *
 * In rfm_signal, and by rfm_signals_fd() being readable. No SA_RESTART: a long
 * operation of the kernel's is to be interrupted. A second call does nothing.
 *
 * Return: 0 or -errno.
 */
int rfm_signals_catch(struct rfm *r)
{
	struct sigaction sa = { .sa_handler = on_signal }, hup;

	if (pipe_fd[0] >= 0)
		return 0;
	if (pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK))
		return rf_error(r->rf, -errno, "pipe: %s", strerror(errno));
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	/* nohup(1) */
	if (!sigaction(SIGHUP, NULL, &hup) && hup.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &sa, NULL);
	return 0;
}

/* To poll(); -1 before rfm_signals_catch() */
int rfm_signals_fd(void)
{
	return pipe_fd[0];
}

/* The signal that came last, or 0; it is forgotten */
int rfm_signals_take(void)
{
	char drop[64];
	int sig = atomic_exchange(&rfm_signal, 0);

	while (read(pipe_fd[0], drop, sizeof(drop)) > 0)
		;
	return sig;
}
