// SPDX-License-Identifier: GPL-2.0
/* rfm exec: one more command in a running subOS */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "agent.h"
#include "rfm.h"

#define PATIENCE_MS	3000	/* for a signal that is passed on to have an effect */
#define FORGET_MS	30000	/* after that it is another matter */

static const char synopsis[] =
	"NAME [-i] [-t] [--cwd DIR] -- COMMAND [ARG]...\n\n"
	"Runs a command in a running subOS, streams its input and output and returns its\n"
	"exit status (128+n for signal n; 126, 127: it can't be run, is not found). Signals\n"
	"are passed on. Where rfm itself fails: 125, with its own code in the message.";

struct job {
	const char *name, *cwd;
	bool in, tty;
	int ch;
	bool in_end;
	uint32_t under_way;		/* bytes of input that the command has not taken */
	char msg[AGENT_BUFFER];
};

static int sig_pipe[2] = { -1, -1 };
static struct termios saved;
static atomic_bool raw;
static atomic_llong asked_at;	/* ms: to end, and nothing has come since; 0: not */
static char gave_up[128 + RF_COM_NAME_LEN];

static void restore_tty(void)
{
	if (raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
	raw = false;
}

/* One of these came before, and still nothing has come of it: then it is for us */
static void lose_patience(int sig)
{
	int64_t now = rfm_now_ms();

	if (!asked_at || now - asked_at > FORGET_MS)
		asked_at = now;
	if (now - asked_at < PATIENCE_MS)
		return;
	restore_tty();
	(void)!write(STDERR_FILENO, gave_up, strlen(gave_up));
	_exit(128 + sig);
}

static void on_signal(int sig)
{
	int saved_errno = errno;
	char byte = sig;
	ssize_t n = write(sig_pipe[1], &byte, 1);

	(void)n;	/* full: there is enough to do already */
	if (sig == SIGINT || sig == SIGTERM)
		lose_patience(sig);
	errno = saved_errno;
}

static int make_raw(struct rfm *r)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &saved))
		return rf_error(r->rf, -EINVAL, "-t: standard input is no terminal");
	t = saved;
	cfmakeraw(&t);
	atexit(restore_tty);
	raw = true;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
	return 0;
}

static int catch_signals(struct rfm *r, const char *name, bool tty)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	if (pipe2(sig_pipe, O_CLOEXEC | O_NONBLOCK))
		return rf_error(r->rf, -errno, "pipe: %s", strerror(errno));
	snprintf(gave_up, sizeof(gave_up),
		 "rfm: exec: nothing comes from %s: the command may go on in it\n", name);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		sigaction(sigs[i], &sa, NULL);
	if (tty)
		sigaction(SIGWINCH, &sa, NULL);
	return 0;
}

static char *add(char *at, char *end, const char *s)
{
	size_t len = strlen(s) + 1;

	if (!at || len > (size_t)(end - at))
		return NULL;
	memcpy(at, s, len);
	return at + len;
}

static int begin(struct rfm *r, struct job *j, const struct rfm_words *w)
{
	struct agent_exec x = { .tty = j->tty, .in = j->in };
	char *at = j->msg + 1 + sizeof(x), *end = j->msg + sizeof(j->msg);
	const char *term = getenv("TERM");
	struct winsize ws;

	if (j->tty && !ioctl(STDIN_FILENO, TIOCGWINSZ, &ws)) {
		x.rows = ws.ws_row;
		x.cols = ws.ws_col;
	}
	j->msg[0] = AGENT_EXEC;
	memcpy(j->msg + 1, &x, sizeof(x));
	at = add(at, end, j->tty && term ? term : "");
	at = add(at, end, j->cwd ?: "");
	for (size_t i = 0; i < w->n_rest; i++)
		at = add(at, end, w->rest[i]);
	if (!at)
		return rf_error(r->rf, -E2BIG, "the command is too long");
	return rfm_agent_send(r, j->name, j->ch, j->msg, at - j->msg);
}

static int pass_signals(struct rfm *r, struct job *j)
{
	char sig, msg[5] = { AGENT_SIGNAL };
	struct winsize ws;
	uint16_t size[2];
	int ret = 0;

	while (!ret && read(sig_pipe[0], &sig, 1) == 1) {
		if (sig == SIGWINCH) {
			if (ioctl(STDIN_FILENO, TIOCGWINSZ, &ws))
				continue;
			size[0] = ws.ws_row;
			size[1] = ws.ws_col;
			msg[0] = AGENT_WINSIZE;
			memcpy(msg + 1, size, sizeof(size));
			ret = rfm_agent_send(r, j->name, j->ch, msg, sizeof(msg));
		} else {
			msg[0] = AGENT_SIGNAL;
			msg[1] = sig;
			ret = rfm_agent_send(r, j->name, j->ch, msg, 2);
		}
	}
	return ret;
}

static int pass_input(struct rfm *r, struct job *j)
{
	ssize_t n = read(STDIN_FILENO, j->msg + 1, AGENT_WINDOW - j->under_way);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	n = n < 0 ? 0 : n;
	j->in_end = !n;
	j->under_way += n;
	j->msg[0] = AGENT_IN;
	return rfm_agent_send(r, j->name, j->ch, j->msg, 1 + n);
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);
		struct pollfd wait = { .fd = fd, .events = POLLOUT };

		if (done > 0) {
			p += done;
			n -= done;
		} else if (done < 0 && errno == EAGAIN) {
			poll(&wait, 1, -1);
		} else if (done < 0 && errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

/* Return: as take() */
static int put_out(struct rfm *r, bool out, const char *p, size_t n)
{
	int err = write_all(out ? STDOUT_FILENO : STDERR_FILENO, p, n);

	/* nobody reads us any more: nor the command */
	if (err == -EPIPE)
		return 128 + SIGPIPE;
	if (err)
		return rf_error(r->rf, err, "standard %s: %s", out ? "output" : "error",
				strerror(-err));
	return -EAGAIN;
}

/* Return: the exit status; -EAGAIN: it goes on; or -errno */
static int take(struct rfm *r, struct job *j)
{
	ssize_t n = rf_read(j->ch, j->msg, sizeof(j->msg));
	uint32_t took;

	if (n == -EINTR)
		return -EAGAIN;
	if (n <= 0)
		return rfm_agent_lost(r, j->name, n);
	asked_at = 0;
	switch (j->msg[0]) {
	case AGENT_OUT:
	case AGENT_ERR:
		return put_out(r, j->msg[0] == AGENT_OUT, j->msg + 1, n - 1);
	case AGENT_TOOK:
		memcpy(&took, j->msg + 1, sizeof(took));
		j->under_way -= took < j->under_way ? took : j->under_way;
		break;
	case AGENT_EXIT:
		return n > 1 ? (unsigned char)j->msg[1] : 0;
	case AGENT_FAIL:
		return rfm_agent_failed(r, j->msg, n);
	}
	return -EAGAIN;
}

/* Sending failed. What the agent said last says more, if its end is why. */
static int last_word(struct rfm *r, struct job *j, int err)
{
	struct pollfd p = { .fd = j->ch, .events = POLLIN };
	int ret = -EAGAIN;

	while (err == -EHOSTDOWN && ret == -EAGAIN && poll(&p, 1, 0) > 0)
		ret = take(r, j);
	return ret == -EAGAIN ? err : ret;
}

static int pump(struct rfm *r, struct job *j)
{
	enum { CHANNEL, SIGNAL, IN, NR };
	struct pollfd p[NR] = {
		[CHANNEL] = { .fd = j->ch, .events = POLLIN },
		[SIGNAL] = { .fd = sig_pipe[0], .events = POLLIN },
		[IN] = { .events = POLLIN },
	};
	int ret = -EAGAIN, err;

	while (ret == -EAGAIN) {
		p[IN].fd = j->in && !j->in_end && j->under_way < AGENT_WINDOW ? STDIN_FILENO : -1;
		if (poll(p, NR, -1) < 0 && errno != EINTR)
			return rf_error(r->rf, -errno, "poll: %s", strerror(errno));
		err = p[SIGNAL].revents ? pass_signals(r, j) : 0;
		if (!err && p[IN].fd >= 0 && p[IN].revents)
			err = pass_input(r, j);
		if (err)
			return last_word(r, j, err);
		if (p[CHANNEL].revents)
			ret = take(r, j);
	}
	return ret;
}

int cmd_exec(struct rfm *r, int argc, char **argv)
{
	static struct job j;
	bool both = false;
	const struct rfm_opt opts[] = {
		{ "interactive", 'i', OPT_FLAG, &j.in, NULL, "pass standard input on" },
		{ "tty", 't', OPT_FLAG, &j.tty, NULL, "on a terminal of its own" },
		{ "it", 0, OPT_FLAG, &both, NULL, "both; also -it" },
		{ "cwd", 0, OPT_STRING, &j.cwd, "DIR", "the command's folder (default: /root)" },
		RFM_END
	};
	struct rfm_words w;
	int ret;

	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "-it") || !strcmp(argv[i], "-ti"))
			argv[i] = "--it";
	ret = rfm_parse(r, argc, argv, opts, synopsis, &w);
	if (ret)
		return ret > 0 ? 0 : ret;
	j.in |= both;
	j.tty |= both;
	if (w.n != 1)
		return rf_error(r->rf, -EINVAL, w.n ?
				"\"%s\" is too much: the command goes after --" :
				"in which subOS? A name is needed", w.n ? w.v[1] : "");
	if (!w.n_rest)
		return rf_error(r->rf, -EINVAL, "what shall it run? rfm exec %s -- COMMAND",
				w.v[0]);
	if (j.tty && !isatty(STDIN_FILENO))
		return rf_error(r->rf, -EINVAL, "-t: standard input is no terminal");
	j.name = w.v[0];
	ret = rf_parse_name(r->rf, j.name);
	if (ret)
		return ret;
	j.ch = rfm_agent_open(r, j.name);
	if (j.ch < 0)
		return j.ch;
	ret = catch_signals(r, j.name, j.tty) ?: begin(r, &j, &w);
	if (!ret && j.tty)
		ret = make_raw(r);
	if (!ret)
		ret = pump(r, &j);
	restore_tty();
	rf_close(j.ch);
	return ret;
}
