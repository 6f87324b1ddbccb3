// SPDX-License-Identifier: GPL-2.0
/*
 * One command of rfm exec: its streams and its end. Nothing here waits for
 * anything but in poll(), so that neither a command that doesn't read nor an rfm
 * that doesn't stops the other words.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"
#include "rf-init.h"

#define HANGUP_MS	2000	/* from SIGHUP to SIGKILL, when rfm is gone */
#define ARGS_MAX	4096

enum { CHANNEL, CHILD, IN, OUT, ERR, NR };

struct session {
	int ch;
	int sig;		/* signalfd of SIGCHLD */
	int fd[NR];		/* IN, OUT, ERR: -1: closed; of a terminal OUT is IN too */
	bool tty;
	pid_t pid;
	int status;		/* -1: it runs */
	char in[AGENT_WINDOW];	/* for the command */
	size_t n_in;
	bool in_end;
	uint32_t took;		/* to be told */
	char out[1 + (32 << 10)];	/* to be sent */
	size_t n_out;
};

static void end_fd(struct session *s, int i)
{
	/* a terminal's input is its output too */
	if (s->fd[i] >= 0 && !(s->tty && i == IN))
		close(s->fd[i]);
	s->fd[i] = -1;
}

/* ---- starting ---- */

static int open_pty(int ch, const struct agent_exec *x, int *slave)
{
	struct winsize w = { .ws_row = x->rows, .ws_col = x->cols };
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	char *name = master >= 0 && !grantpt(master) && !unlockpt(master) ? ptsname(master) : NULL;

	*slave = name ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
	if (*slave < 0)
		agent_fail(ch, errno, "no terminal: %s", strerror(errno));
	ioctl(master, TIOCSWINSZ, &w);
	return master;
}

static noreturn void child(const int fd[3], bool tty, char **arg, const char *term,
			   const char *cwd)
{
	sigset_t none;

	setsid();
	for (int i = 0; i < 3; i++)
		dup2(fd[i], i);
	if (tty)
		ioctl(0, TIOCSCTTY, 1);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (*term)
		setenv("TERM", term, 1);
	if (chdir(*cwd ? cwd : "/root") && (*cwd || chdir("/"))) {
		dprintf(2, "rfm: exec: %s: %s\n", cwd, strerror(errno));
		_exit(EXIT_CANTEXEC);
	}
	execvp(arg[0], arg);
	dprintf(2, "rfm: exec: %s: %s\n", arg[0], strerror(errno));
	_exit(errno == ENOENT || errno == ENOTDIR ? EXIT_NOTFOUND : EXIT_CANTEXEC);
}

static void start(struct session *s, const struct agent_exec *x, char **arg, const char *term,
		  const char *cwd)
{
	int theirs[3], p[3][2];

	s->tty = x->tty;
	if (x->tty) {
		s->fd[OUT] = open_pty(s->ch, x, &theirs[0]);
		s->fd[IN] = s->fd[OUT];
		theirs[1] = theirs[0];
		theirs[2] = theirs[0];
	} else {
		for (int i = 0; i < 3; i++)
			if (pipe2(p[i], O_CLOEXEC))
				agent_fail(s->ch, errno, "pipe: %s", strerror(errno));
		for (int i = 0; i < 3; i++) {
			theirs[i] = p[i][!!i];
			s->fd[IN + i] = p[i][!i];
		}
	}
	if (!x->in && !x->tty) {
		close(theirs[0]);
		theirs[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		end_fd(s, IN);
	}
	for (int i = IN; i < NR; i++)
		if (s->fd[i] >= 0)
			fcntl(s->fd[i], F_SETFL, O_NONBLOCK);
	s->pid = fork();
	if (s->pid < 0)
		agent_fail(s->ch, errno, "fork: %s", strerror(errno));
	if (!s->pid)
		child(theirs, x->tty, arg, term, cwd);
	for (int i = 0; i < (x->tty ? 1 : 3); i++)
		close(theirs[i]);
}

/* ---- running ---- */

/* rfm is gone, and with it the sense of the command */
static noreturn void hang_up(struct session *s)
{
	struct pollfd p = { .fd = s->sig, .events = POLLIN };

	kill(-s->pid, SIGHUP);
	kill(-s->pid, SIGCONT);
	poll(&p, 1, s->status < 0 ? HANGUP_MS : 0);
	kill(-s->pid, SIGKILL);
	_exit(0);
}

static void obey(struct session *s, char *word, size_t n)
{
	struct winsize w = { 0 };
	uint16_t size[2];

	switch (word[0]) {
	case AGENT_IN:
		if (n == 1)
			s->in_end = true;
		else if (s->fd[IN] < 0)
			s->took += n - 1;	/* nobody will read it */
		else if (n - 1 > sizeof(s->in) - s->n_in)
			hang_up(s);
		else
			memcpy(s->in + s->n_in, word + 1, n - 1);
		if (s->fd[IN] >= 0)
			s->n_in += n - 1;
		break;
	case AGENT_WINSIZE:
		if (n < 1 + sizeof(size) || !s->tty || s->fd[OUT] < 0)
			break;
		memcpy(size, word + 1, sizeof(size));
		w.ws_row = size[0];
		w.ws_col = size[1];
		ioctl(s->fd[OUT], TIOCSWINSZ, &w);
		break;
	case AGENT_SIGNAL:
		if (n > 1 && s->status < 0)
			kill(-s->pid, word[1]);
		break;
	}
}

static void feed(struct session *s)
{
	ssize_t n = s->n_in ? write(s->fd[IN], s->in, s->n_in) : 0;

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		n = s->n_in;		/* it reads no more */
		end_fd(s, IN);
	}
	if (n > 0) {
		s->n_in -= n;
		s->took += n;
		memmove(s->in, s->in + n, s->n_in);
	}
	/* a terminal has no end of input but the one that is typed */
	if (!s->n_in && s->in_end && !s->tty)
		end_fd(s, IN);
}

/* Send what waits. Return: true when nothing does any more. */
static bool flush(struct session *s)
{
	for (;;) {
		ssize_t n;

		if (!s->n_out && s->took) {
			s->out[0] = AGENT_TOOK;
			memcpy(s->out + 1, &s->took, sizeof(s->took));
			s->n_out = 1 + sizeof(s->took);
			s->took = 0;
		}
		if (!s->n_out)
			return true;
		n = rf_write(s->ch, s->out, s->n_out);
		if (n == -EAGAIN)
			return false;
		if (n < 0 && n != -EINTR)
			hang_up(s);
		if (n > 0)
			s->n_out = 0;
	}
}

/* Take what the command has written. Return: was there anything? */
static bool drain(struct session *s, int i)
{
	ssize_t n;

	if (s->fd[i] < 0 || s->n_out)
		return false;
	n = read(s->fd[i], s->out + 1, sizeof(s->out) - 1);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {		/* EIO of a terminal: its last user has gone */
		if (s->tty)
			s->fd[IN] = -1;
		end_fd(s, i);
		return false;
	}
	s->out[0] = i == OUT ? AGENT_OUT : AGENT_ERR;
	s->n_out = n + 1;
	return true;
}

static void reap(struct session *s)
{
	struct signalfd_siginfo si;
	int st;

	(void)!read(s->sig, &si, sizeof(si));
	if (s->status < 0 && waitpid(s->pid, &st, WNOHANG) == s->pid)
		s->status = WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
}

/* What it wrote before it ended is sent; what its children still may, is not waited for */
static noreturn void finish(struct session *s, char *word, size_t size)
{
	const char end[2] = { AGENT_EXIT, s->status };

	fcntl(s->ch, F_SETFL, 0);
	flush(s);
	for (int i = OUT; i < NR; i++)
		while (drain(s, i))
			flush(s);
	rf_write(s->ch, end, sizeof(end));
	/* until rfm has read it: what it sends meanwhile is moot */
	while (rf_read(s->ch, word, size) > 0)
		;
	_exit(0);
}

static void look(struct session *s, struct pollfd *p)
{
	bool idle = flush(s);

	p[CHANNEL] = (struct pollfd) { s->ch, idle ? POLLIN : POLLIN | POLLOUT, 0 };
	p[CHILD] = (struct pollfd) { s->sig, POLLIN, 0 };
	p[IN] = (struct pollfd) { s->n_in ? s->fd[IN] : -1, POLLOUT, 0 };
	p[OUT] = (struct pollfd) { idle ? s->fd[OUT] : -1, POLLIN, 0 };
	p[ERR] = (struct pollfd) { idle ? s->fd[ERR] : -1, POLLIN, 0 };
	poll(p, NR, -1);
}

/* Context: a process of its own, with SIGCHLD as usual */
noreturn void session(int ch, char *at, char *end)
{
	static char word[AGENT_BUFFER], *arg[ARGS_MAX];
	static struct session s;
	struct agent_exec x;
	struct pollfd p[NR];
	char *term, *cwd;
	sigset_t set;
	ssize_t n;

	if (end - at < (ssize_t)sizeof(x))
		agent_fail(ch, EPROTO, "a word is too short");
	memcpy(&x, at, sizeof(x));
	at += sizeof(x);
	term = agent_string(&at, end);
	cwd = agent_string(&at, end);
	for (n = 0; n < ARGS_MAX - 1 && at < end; n++)
		arg[n] = agent_string(&at, end);
	if (!n || !cwd || at < end || !arg[n - 1])
		agent_fail(ch, n == ARGS_MAX - 1 ? E2BIG : EPROTO, "what shall it run?");
	s = (struct session) { .ch = ch, .fd = { -1, -1, -1, -1, -1 }, .status = -1 };
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
	s.sig = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	fcntl(ch, F_SETFL, O_NONBLOCK);
	start(&s, &x, arg, term, cwd);
	for (;;) {
		look(&s, p);
		if (p[CHILD].revents)
			reap(&s);
		if (s.status >= 0)
			finish(&s, word, sizeof(word));
		while (p[CHANNEL].revents & (POLLIN | POLLHUP | POLLERR)) {
			n = rf_read(ch, word, sizeof(word));
			if (n == -EAGAIN || n == -EINTR)
				break;
			if (n <= 0)
				hang_up(&s);
			obey(&s, word, n);
		}
		if (s.fd[IN] >= 0 && (s.n_in || s.in_end))
			feed(&s);
		for (int i = OUT; i < NR; i++)
			if (p[i].fd >= 0 && p[i].revents && drain(&s, i))
				flush(&s);
	}
}
