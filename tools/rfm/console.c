// SPDX-License-Identifier: GPL-2.0
/* rfm console: talk to a subOS */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <linux/rainforest_console.h>

#include "rfm.h"

#define DETACH_KEY	0x1d	/* Ctrl-] */

static const char synopsis[] =
	"NAME [OPTION]...\n\n"
	"Connects this terminal to a subOS's console: first what it has kept, then both\n"
	"ways until the detach key, Ctrl-], or until the subOS is destroyed. When input\n"
	"is no terminal, until the subOS ends.";

struct console {
	int fd;
	bool tty;
	char typed[64 << 10];	/* that the subOS has not taken yet */
	size_t n;
};

static atomic_int signalled;

static void on_signal(int sig)
{
	signalled = sig;
}

/* All of it, whatever @fd is; EPIPE and the like are the caller's */
static int put(int fd, const char *buf, size_t n)
{
	while (n) {
		ssize_t w = write(fd, buf, n);

		if (w < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };

			poll(&p, 1, -1);
		} else if (w < 0 && errno != EINTR) {
			return -errno;
		}
		if (signalled)
			return -EINTR;
		if (w > 0) {
			buf += w;
			n -= w;
		}
	}
	return 0;
}

/* 1: the end, 0: go on */
static int output(int fd)
{
	char buf[1 << 14];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n > 0)
		return put(STDOUT_FILENO, buf, n) < 0;
	return !n || (errno != EAGAIN && errno != EINTR);
}

/* What it takes now: the detach key is never to wait for the rest */
static void give(struct console *c)
{
	ssize_t n = c->n ? write(c->fd, c->typed, c->n) : 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* a subOS that does not run takes no input: not a reason to leave */
	c->n -= n < 0 ? c->n : (size_t)n;
	if (n > 0)
		memmove(c->typed, c->typed + n, c->n);
}

/* 1: detach, -1: no more input, 0: go on */
static int input(struct console *c)
{
	char buf[1024], *key;
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));
	size_t len, room = sizeof(c->typed) - c->n;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -1;
	if (!n)
		return -1;
	key = memchr(buf, DETACH_KEY, n);
	len = key ? key - buf : n;
	if (len > room) {
		len = room;
		(void)!write(STDERR_FILENO, "\a", 1);
	}
	memcpy(c->typed + c->n, buf, len);
	c->n += len;
	give(c);
	return !!key;
}

static void talk(struct console *c)
{
	struct pollfd p[2] = { { .fd = c->fd } };
	bool end = false;

	while (!signalled) {
		p[0].events = c->n ? POLLIN | POLLOUT : POLLIN;
		/* what is typed is read in any case; a file can wait */
		p[1].fd = !end && (c->tty || !c->n) ? STDIN_FILENO : -1;
		p[1].events = POLLIN;
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[0].revents & POLLOUT)
			give(c);
		if ((p[0].revents & ~POLLOUT) && output(c->fd))
			return;
		if (p[1].fd >= 0 && p[1].revents) {
			int ret = input(c);

			if (ret > 0)
				return;
			end = ret < 0;
		}
	}
}

static int connect_to(struct rfm *r, const char *name, bool fresh)
{
	static struct console c;
	struct sigaction sa = { .sa_handler = on_signal };
	struct termios old, raw;
	unsigned int flags = fresh ? RF_ATTACH_END : 0;

	c.tty = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &old);
	c.fd = rf_attach(r->rf, name, RF_STREAM_CONSOLE, c.tty ? flags | RF_ATTACH_FOLLOW : flags,
			 NULL);
	if (c.fd < 0)
		return c.fd;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	fprintf(stderr, "rfm: console of %s: detach with Ctrl-]\n", name);
	if (c.tty) {
		raw = old;
		cfmakeraw(&raw);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	talk(&c);
	if (c.tty)
		tcsetattr(STDIN_FILENO, TCSANOW, &old);
	fprintf(stderr, "%srfm: detached from %s\n", c.tty ? "\n" : "", name);
	close(c.fd);
	return signalled ? 128 + signalled : 0;
}

int cmd_console(struct rfm *r, int argc, char **argv)
{
	bool fresh = false;
	const char *name;
	const struct rfm_opt opts[] = {
		{ "new", 0, OPT_FLAG, &fresh, NULL, "only what is printed from now on" },
		RFM_END
	};
	struct rfm_words words;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	return rfm_one_name(r, &words, &name) ?: connect_to(r, name, fresh);
}
