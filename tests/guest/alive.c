// SPDX-License-Identifier: GPL-2.0
/*
 * In a subOS: work, and talk to a sibling, for ever; by every way there is, over
 * connections that stay and over new ones. Says how far it is once a second, on
 * the console:
 *
 *   alive: work=N com=N opens=N large=N refused=N asked=N tcp=N conns=N out=N bad=N
 *
 * work: rounds of memory written and verified; com: messages there and back over a
 * channel of RFcom that stays open; opens: small ones over new channels; large: large
 * ones over these, whose buffer is the supervisor's to give; refused: it was not given,
 * which was told in time; asked: the registry in the supervisor for a name, and to have
 * one: it answers, or that it is silent is told in time; tcp, conns: messages over a
 * connection that stays, and over new ones; out: writes to standard output; bad: what
 * came back wrong, late or not at all. And once, when standard input ends:
 *
 *   alive: input ends: TEXT
 *   alive: input polled: BITS
 *
 *   alive NAME PEER
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "com.h"

#define PORT	5050
#define LEN	1000
#define SMALL	100	/* needs no buffer */
#define LATE_S	8	/* for what needs the supervisor to say that it can't be had */
#define FULL_S	60	/* for standard output to find that nobody reads it any more */
#define MEMORY	(4 << 20)

static atomic_ulong nr_work, nr_com, nr_opens, nr_large, nr_refused, nr_asked;
static atomic_ulong nr_tcp, nr_conns, nr_out, nr_bad;
static atomic_bool silent;	/* the supervisor, as standard input says */
static char mine[80], theirs[80];
static const char *peer;
static FILE *console;

__attribute__((format(printf, 1, 2)))
static void say(const char *fmt, ...)
{
	char line[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(console, "<4>alive: %s\n", line);	/* also where the kernel is quiet */
	fflush(console);
}

static void bad(const char *what, int err)
{
	if (atomic_fetch_add(&nr_bad, 1) < 20)
		say("bad %s: %s", what, strerror(err));
}

static void fill(uint8_t *to, unsigned long seed)
{
	for (int i = 0; i < LEN; i++)
		to[i] = seed * 31 + i * 7;
}

/* ---- RFcom ---- */

static void *com_echo(void *arg)
{
	int fd = (intptr_t)arg;
	uint8_t buf[LEN];
	ssize_t n;

	while ((n = rf_read(fd, buf, sizeof(buf))) > 0)
		rf_write(fd, buf, n);
	rf_close(fd);
	return NULL;
}

static void start(void *(*f)(void *), intptr_t arg)
{
	pthread_t t;

	if (pthread_create(&t, NULL, f, (void *)arg))
		bad("thread", EAGAIN);
	else
		pthread_detach(t);
}

static void *com_serve(void *unused)
{
	int l = rf_listen(mine, RF_CLOEXEC, 0, 16), fd;

	(void)unused;
	if (l < 0 || rf_grant(l, peer, RF_MAY_ALL)) {
		bad(mine, l < 0 ? -l : EPERM);
		return NULL;
	}
	while ((fd = rf_accept(l, RF_CLOEXEC, NULL)) >= 0)
		start(com_echo, fd);
	bad("accept", -fd);
	return NULL;
}

/* A message there and back. Return: 0, -EPROTO, or what rf_write() and rf_read() say. */
static int com_once(int fd, unsigned long seed, ssize_t len)
{
	uint8_t out[LEN], in[LEN];
	ssize_t n;

	fill(out, seed);
	n = rf_write(fd, out, len);
	if (n == len)
		n = rf_read(fd, in, len);
	if (n < 0)
		return n;
	return n == len && !memcmp(in, out, len) ? 0 : -EPROTO;
}

static void com_new(int fd, unsigned long seed)
{
	time_t since = time(NULL);
	int err = com_once(fd, seed, SMALL);

	if (err) {
		bad("first message", -err);
		return;
	}
	nr_opens++;
	err = com_once(fd, seed, LEN);
	if (!err)
		nr_large++;
	else if (err == -ETIMEDOUT && time(NULL) - since < LATE_S)
		nr_refused++;
	else
		bad("large message", -err);
}

static void *com_open(void *unused)
{
	(void)unused;
	for (unsigned long i = 0;; i++, usleep(500000)) {
		int fd = rf_open_wait(theirs, RF_CLOEXEC, 60000);

		if (fd < 0) {
			bad("open", -fd);
			continue;
		}
		com_new(fd, i);
		rf_close(fd);
	}
	return NULL;
}

static void *com_call(void *unused)
{
	int fd, err;

	(void)unused;
	/* the other one may be up much later */
	for (int i = 0; (fd = rf_open_wait(theirs, RF_CLOEXEC, 60000)) < 0; i++) {
		if (i == 600)
			bad(theirs, -fd);
		usleep(100000);
	}
	say("com is open");
	for (unsigned long i = 0; !(err = com_once(fd, i, LEN)); i++) {
		if (!nr_com++)
			start(com_open, 0);
		usleep(5000);
	}
	bad("message", -err);
	return NULL;
}

static void *com_ask(void *unused)
{
	char name[90];

	(void)unused;
	snprintf(name, sizeof(name), "%s/other", mine);
	for (;; usleep(500000)) {
		time_t since = time(NULL);
		int err = rf_open("alive/nobody", RF_CLOEXEC);
		int l = rf_listen(name, RF_CLOEXEC, 0, 16);

		if (l >= 0)
			rf_close(l);
		if (err != -ENOENT && err != -ETIMEDOUT)
			bad("unknown name", err < 0 ? -err : EPROTO);
		else if (l < 0 && l != -ETIMEDOUT)
			bad("new name", -l);
		else if (time(NULL) - since >= 2 * LATE_S)
			bad("registry", ETIME);
		else
			nr_asked++;
	}
	return NULL;
}

/* ---- TCP ---- */

static void *tcp_echo(void *arg)
{
	int fd = (intptr_t)arg;
	uint8_t buf[LEN];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), MSG_WAITALL)) == LEN)
		send(fd, buf, n, MSG_NOSIGNAL);
	close(fd);
	return NULL;
}

static void *tcp_serve(void *unused)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int l = socket(AF_INET, SOCK_STREAM, 0), fd;

	(void)unused;
	if (bind(l, (void *)&at, sizeof(at)) || listen(l, 16)) {
		bad("listen", errno);
		return NULL;
	}
	while ((fd = accept(l, NULL, NULL)) >= 0)
		start(tcp_echo, fd);
	bad("accept", errno);
	return NULL;
}

/* The first IPv4 address that the hosts file has for the peer */
static bool address(struct in_addr *addr)
{
	char ip[64], *word, *save, line[256];
	FILE *f = fopen("/proc/rf_hosts", "r");
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s", ip) != 1 || inet_pton(AF_INET, ip, addr) != 1)
			continue;
		strtok_r(line, " \t\n", &save);
		while (!found && (word = strtok_r(NULL, " \t\n", &save)))
			found = !strcmp(word, peer);
	}
	if (f)
		fclose(f);
	return found;
}

/* Return: a socket that gives up after 20 s, or -1 */
static int tcp_open(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct timeval patience = { .tv_sec = 20 };
	int fd;

	if (!address(&to.sin_addr)) {
		errno = ENOENT;
		return -1;
	}
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (void *)&to, sizeof(to)))
		return fd;
	close(fd);
	return -1;
}

static bool tcp_once(int fd, unsigned long seed)
{
	uint8_t out[LEN], in[LEN];
	ssize_t n;

	fill(out, seed);
	n = send(fd, out, LEN, MSG_NOSIGNAL);
	if (n == LEN)
		n = recv(fd, in, LEN, MSG_WAITALL);
	if (n == LEN && !memcmp(in, out, LEN))
		return true;
	bad("segment", n < 0 ? errno : EPROTO);
	return false;
}

static void *tcp_connect(void *unused)
{
	(void)unused;
	for (unsigned long i = 0;; i++, usleep(500000)) {
		int fd = tcp_open();

		if (fd < 0) {
			bad("connect", errno);
			continue;
		}
		nr_conns += tcp_once(fd, i);
		close(fd);
	}
	return NULL;
}

static void *tcp_call(void *unused)
{
	int fd;

	(void)unused;
	for (int i = 0; (fd = tcp_open()) < 0; i++) {
		if (i == 600)
			bad("connect", errno);
		usleep(100000);
	}
	say("tcp is open");
	for (unsigned long i = 0; tcp_once(fd, i); i++) {
		if (!nr_tcp++)
			start(tcp_connect, 0);
		usleep(5000);
	}
	return NULL;
}

/* ---- on its own ---- */

static void *work(void *unused)
{
	uint64_t *at = malloc(MEMORY);

	(void)unused;
	for (unsigned long round = 1;; round++, usleep(20000)) {
		for (size_t i = 0; i < MEMORY / sizeof(*at); i++)
			at[i] = i * round;
		for (size_t i = 0; i < MEMORY / sizeof(*at); i++)
			if (at[i] != i * round)
				bad("memory", EIO);
		nr_work++;
	}
	return NULL;
}

/*
 * As much as standard output takes, until it makes us wait. Then little, or else what
 * goes to the log instead is all that there is in it.
 */
static void *output(void *unused)
{
	char text[1024];
	size_t len = sizeof(text);

	(void)unused;
	memset(text, '.', sizeof(text));
	for (;; usleep(len == sizeof(text) ? 50000 : 300000)) {
		time_t since = time(NULL);

		if (write(STDOUT_FILENO, text, len) != (ssize_t)len)
			bad("standard output", errno);
		if (time(NULL) - since > FULL_S)
			bad("standard output", ETIMEDOUT);
		if (time(NULL) - since > 2 || silent)
			len = 20;
		nr_out++;
	}
	return NULL;
}

/* Where nobody writes anything: who has begun to read, or polls, must come back */
static void *input(void *unused)
{
	char byte;
	ssize_t n;

	(void)unused;
	do
		n = read(STDIN_FILENO, &byte, 1);
	while (n > 0);
	silent = n < 0;
	say("input ends: %s", n ? strerror(errno) : "no more");
	return NULL;
}

static void *input_poll(void *unused)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	(void)unused;
	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
	say("input polled:%s%s", p.revents & POLLIN ? " in" : "",
	    p.revents & POLLERR ? " error" : "");
	return NULL;
}

int main(int argc, char **argv)
{
	void *(*const all[])(void *) = {
		com_serve, tcp_serve, work, output, input, input_poll, com_call, com_ask, tcp_call,
	};

	console = fopen("/dev/kmsg", "w");
	if (argc != 3 || !console)
		return 1;
	peer = argv[2];
	snprintf(mine, sizeof(mine), "alive/%s", argv[1]);
	snprintf(theirs, sizeof(theirs), "alive/%s", peer);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		start(all[i], 0);
	for (;; sleep(1)) {
		char rfcom[100];

		snprintf(rfcom, sizeof(rfcom), "com=%lu opens=%lu large=%lu refused=%lu asked=%lu",
			 nr_com, nr_opens, nr_large, nr_refused, nr_asked);
		say("work=%lu %s tcp=%lu conns=%lu out=%lu bad=%lu", nr_work, rfcom, nr_tcp,
		    nr_conns, nr_out, nr_bad);
	}
}
