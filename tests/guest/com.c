// SPDX-License-Identifier: GPL-2.0
/*
 * Both sides of RFcom's tests, over librf's com.c, static.
 *
 *   com serve NAME [PEER[=RIGHTS]]...	a service, which does what messages say:
 *		e...	send it back		q	close, in order
 *		k	be killed		l<n>	send n messages of 1..n bytes
 *		m<n>	map n bytes, fill them, say "m"; then add 1 to each on "+"
 *		s	stop reading until "c" comes by another channel
 *   com call NAME			semantics, against such a service
 *   com bad				what must be refused, here
 *   com many NAME N			N channels at once, all in use
 *   com churn NAME N			N times open, a message, close
 *   com bulk NAME BYTES COUNT		messages of as many bytes, checked
 *   com hold NAME [map]		open, say "held", wait for its end, say how it ended
 *   com wait NAME			open, with RF_WAIT if it is not there, and say so; echo once
 *   com open NAME			the errno's name, or "open"
 *   com rights NAME			what the rights of a channel keep from being done
 *
 * Says "ok - ..." and "not ok - ..." for each check; ends with 1 if any failed.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "com_test.h"
int failed;
uint8_t buf[RF_COM_BUFFER_MAX + 1];
static bool quiet;		/* COM_QUIET: only what fails */

void check(bool so, const char *fmt, ...)
{
	va_list ap;

	failed |= !so;
	if (so && quiet)
		return;
	printf(so ? "ok - " : "not ok - ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

void is(const char *what, long got, long want)
{
	check(got == want, "%s: %ld%s%s%s", what, got, got < 0 ? " " : "",
	      got < 0 ? strerrorname_np(-got) ?: "?" : "", got == want ? "" : ", not as it should");
	if (got != want)
		printf("    wanted %ld %s\n", want, want < 0 ? strerrorname_np(-want) : "");
}

int must_open(const char *name, unsigned int flags)
{
	int fd = rf_open(name, flags | RF_CLOEXEC);

	if (fd < 0) {
		printf("not ok - open %s: %s\n", name, strerror(-fd));
		exit(1);
	}
	return fd;
}

int events(int fd, short want, int ms)
{
	struct pollfd p = { .fd = fd, .events = want };

	return poll(&p, 1, ms) > 0 ? p.revents : 0;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

void fill(uint8_t *p, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		p[i] = seed >> 24;
	}
}

bool filled(const uint8_t *p, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		if (p[i] != seed >> 24)
			return false;
	}
	return true;
}

/* ---- the client ---- */

static void echo(int fd, size_t len)
{
	uint8_t *out = malloc(len), *in = malloc(len + 1);

	fill(out, len, len);
	out[0] = 'e';
	is("write", rf_write(fd, out, len), len);
	is("  it comes back", rf_read(fd, in, len + 1), len);
	check(!memcmp(in, out, len), "  %zu bytes are the same", len);
	free(out);
	free(in);
}

static void basics(const char *name)
{
	static const size_t sizes[] = { 1, 2, 47, 48, 49, 96, 191, 192, 193, 4096, 65536,
					100001, 1 << 20 };
	int fd = must_open(name, 0);
	struct rf_com_ioc_info info;
	char small[4];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		echo(fd, sizes[i]);
	is("an empty message", rf_write(fd, buf, 0), -EINVAL);
	is("one of more than the service takes", rf_write(fd, buf, (1 << 20) + 1), -EMSGSIZE);
	is("from nowhere", rf_write(fd, (void *)8, 100), -EFAULT);
	is("from nowhere, large", rf_write(fd, (void *)8, 10000), -EFAULT);

	is("eight bytes", rf_write(fd, "e2345678", 8), 8);
	check(events(fd, POLLIN, 5000) & POLLIN, "poll: they have come back");
	is("info", rf_info(fd, &info), 0);
	is("  the message that waits", info.next, 8);
	is("  of how many", info.waiting, 1);
	check(!strcmp(info.name, name), "  the name: %s", info.name);
	is("to four bytes", rf_read(fd, small, 4), -EMSGSIZE);
	is("to nowhere", rf_read(fd, (void *)8, 8), -EFAULT);
	is("it is still there", rf_read(fd, buf, sizeof(buf)), 8);
	check(!memcmp(buf, "e2345678", 8), "and whole");
	is("close", rf_close(fd), 0);
	is("read after", rf_read(fd, buf, 1), -EBADF);
	is("write after", rf_write(fd, buf, 1), -EBADF);
	is("close after", rf_close(fd), -EBADF);
}

static void stop(int fd)
{
	is("the service is to stop reading", rf_write(fd, "s", 1), 1);
	check(events(fd, POLLIN, 5000) & POLLIN, "it answers");
	is("and does so", rf_read(fd, buf, 1), 1);
}

/* Order, boundaries, and what a slow reader does to a writer */
static void flow(const char *name)
{
	int fd = must_open(name, RF_NONBLOCK), other = must_open(name, 0);
	bool good = true;
	long n = 0, got;

	is("read when nothing is there", rf_read(fd, buf, 10), -EAGAIN);
	check(!(events(fd, POLLIN, 0) & POLLIN), "poll: nothing to read");
	check(events(fd, POLLOUT, 0) & POLLOUT, "poll: room");
	stop(fd);
	do {
		memset(buf, 'e', 100);
		memcpy(buf + 1, &n, sizeof(n));
		got = rf_write(fd, buf, 100);
		n += got == 100;
	} while (got == 100 && n < 1000);
	is("then the writer stops", got, -EAGAIN);
	check(n > 10 && n <= 64, "after %ld messages of 100 bytes", n);
	check(!(events(fd, POLLOUT, 0) & POLLOUT), "poll: no room");
	is("it goes on", rf_write(other, "c", 1), 1);
	check(events(fd, POLLOUT, 5000) & POLLOUT, "poll: room again");
	for (long i = 0; i < n && good; i++) {
		long is_it = -1;

		events(fd, POLLIN, 5000);
		good = rf_read(fd, buf, sizeof(buf)) == 100;
		memcpy(&is_it, buf + 1, sizeof(is_it));
		good &= is_it == i;
	}
	check(good, "all of them come, in order");

	is("500 messages of 1 to 500 bytes", rf_write(other, "l500", 4), 4);
	for (long i = 1; i <= 500 && good; i++)
		good = rf_read(other, buf, sizeof(buf)) == i && filled(buf, i, i);
	check(good, "each as it was written");
	rf_close(fd);

	/* large ones, to one who doesn't read */
	fd = must_open(name, RF_NONBLOCK);
	stop(fd);
	n = 0;
	memset(buf, 'e', 400000);
	while (n < 100) {
		got = rf_write(fd, buf, 400000);
		if (got == -EAGAIN && n < 2 && events(fd, POLLOUT, 5000))
			continue;
		if (got != 400000)
			break;
		n++;
	}
	is("large ones, until", got, -EAGAIN);
	check(n == 5, "after %ld of 400000 bytes: two messages of the largest size fit", n);
	check(!(events(fd, POLLOUT, 0) & POLLOUT), "poll: no room for another");
	check(events(fd, POLLOUT, 0) == 0, "nor is there anything else");
	is("it goes on", rf_write(other, "c", 1), 1);
	check(events(fd, POLLOUT, 5000) & POLLOUT, "poll: there is room again");
	for (good = true; n && good; n--) {
		events(fd, POLLIN, 5000);
		good = rf_read(fd, buf, sizeof(buf)) == 400000;
	}
	check(good, "all come back");
	rf_close(fd);
	rf_close(other);
}

static sigjmp_buf jump;

static void on_bus(int sig)
{
	(void)sig;
	siglongjmp(jump, 1);
}

static bool faults(volatile uint8_t *p)
{
	if (sigsetjmp(jump, 1))
		return true;
	(void)*p;
	return false;
}

static void map(const char *name, size_t size)
{
	int fd = must_open(name, 0);
	size_t got = size, more = size + 4096;
	char word[32];
	uint8_t *p;
	bool good;

	signal(SIGBUS, on_bus);
	snprintf(word, sizeof(word), "m%zu", size);
	is("the service maps", rf_write(fd, word, strlen(word)), strlen(word));
	is("  and has filled it", rf_read(fd, buf, sizeof(buf)), 1);
	check(mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == EINVAL,
	      "a private mapping is refused");
	check(mmap(NULL, more, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EINVAL,
	      "one of more than there is, too");
	check(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, size) == MAP_FAILED && errno == EINVAL,
	      "one behind its end, too");
	check(!rf_map(fd, &more, PROT_READ) && errno == EINVAL, "so says rf_map()");
	p = rf_map(fd, &got, PROT_READ | PROT_WRITE);
	check(p && got == size, "map %zu bytes: %s", size, p ? "done" : strerror(errno));
	if (!p)
		return;
	check(filled(p, size, 7), "what is there is what the service wrote");
	for (size_t i = 0; i < size; i += 4096)
		p[i] = 41;
	is("it adds 1", rf_write(fd, "+", 1), 1);
	is("  and has", rf_read(fd, buf, sizeof(buf)), 1);
	good = true;
	for (size_t i = 0; i < size; i += 4096)
		good &= p[i] == 42;
	check(good, "and sees what we wrote");
	p[0] = 'e';
	is("a message out of it", rf_write(fd, p, 4096), 4096);
	is("  and back into it", rf_read(fd, p, 4096), 4096);
	check(!faults(p), "it is there");
	is("the service closes", rf_write(fd, "q", 1), 1);
	for (int64_t end = now_ms() + 5000; !faults(p) && now_ms() < end; )
		usleep(1000);
	check(faults(p) && faults(p + size - 1), "and it is gone: SIGBUS");
	check(rf_write(fd, p, 100) < 0, "the kernel doesn't fall over it either");
	is("unmap", rf_unmap(p, size), 0);
	rf_close(fd);
}

static void ends(const char *name)
{
	int fd = must_open(name, 0), ev;

	is("the service is to answer twice and close", rf_write(fd, "e1", 2), 2);
	is("  (again)", rf_write(fd, "e2", 2), 2);
	is("  (close)", rf_write(fd, "q", 1), 1);
	ev = 0;
	for (int64_t end = now_ms() + 5000; !(ev & POLLHUP) && now_ms() < end; )
		ev = events(fd, POLLIN, 100);
	check((ev & POLLHUP) && !(ev & POLLERR), "poll: it has closed, in order (%#x)", ev);
	is("what it sent before is there", rf_read(fd, buf, sizeof(buf)), 2);
	is("all of it", rf_read(fd, buf, sizeof(buf)), 2);
	is("then the end", rf_read(fd, buf, sizeof(buf)), 0);
	is("and for ever", rf_read(fd, buf, sizeof(buf)), 0);
	is("nobody takes what we write", rf_write(fd, "e", 1), -EPIPE);
	is("nor large", rf_write(fd, buf, 100000), -EPIPE);
	rf_close(fd);
}

/* The service is killed: the last test */
static void death(const char *name)
{
	int fd = must_open(name, 0), ev = 0;

	echo(fd, 100);
	is("be killed", rf_write(fd, "k", 1), 1);
	is("read", rf_read(fd, buf, sizeof(buf)), -ECONNRESET);
	ev = events(fd, POLLIN | POLLOUT, 1000);
	check((ev & POLLHUP) && (ev & POLLERR), "poll: HUP and ERR (%#x)", ev);
	is("write", rf_write(fd, "e", 1), -ECONNRESET);
	rf_close(fd);
	is("the name is gone", rf_open(name, 0), -ENOENT);
}

static int call(const char *name)
{
	basics(name);
	flow(name);
	map(name, 4096);
	map(name, 5 << 20);
	ends(name);
	death(name);
	return failed;
}

/* ---- numbers ---- */

static int many(const char *name, int n)
{
	int *fd = calloc(n, sizeof(*fd));
	bool good = true;
	char word[16];

	for (int i = 0; i < n; i++)
		fd[i] = must_open(name, 0);
	check(true, "%d channels at once", n);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < n; i++) {
			int len = snprintf(word, sizeof(word), "e%d.%d", round, i);

			good &= rf_write(fd[i], word, len) == len;
		}
		for (int i = n - 1; i >= 0; i--) {
			int len = snprintf(word, sizeof(word), "e%d.%d", round, i);

			good &= rf_read(fd[i], buf, sizeof(buf)) == len && !memcmp(buf, word, len);
		}
	}
	check(good, "each has its own messages");
	/* a few with buffers */
	for (int i = 0; i < n && i < 20; i++) {
		fill(buf, 50000, i);
		buf[0] = 'e';
		good &= rf_write(fd[i], buf, 50000) == 50000;
	}
	for (int i = 0; i < n && i < 20; i++)
		good &= rf_read(fd[i], buf, sizeof(buf)) == 50000;
	check(good, "large ones, too");
	for (int i = 0; i < n; i++)
		rf_close(fd[i]);
	return failed;
}

static int churn(const char *name, long n)
{
	int64_t start = now_ms();
	bool good = true;
	long i;

	for (i = 0; i < n && good; i++) {
		int fd = rf_open(name, 0);

		if (fd == -ECONNREFUSED) {	/* its service can't follow */
			usleep(1000);
			i--;
			continue;
		}
		good = fd >= 0;
		if (good && i % 16 == 0)
			good = rf_write(fd, "eX", 2) == 2 && rf_read(fd, buf, 10) == 2;
		if (fd >= 0)
			rf_close(fd);
		if (!good)
			printf("    the %ld-th: %d %s\n", i, fd, fd < 0 ? strerror(-fd) : "");
	}
	check(good, "%ld times open and close, %lld us each", i,
	      (now_ms() - start) * 1000LL / (i ?: 1));
	return failed;
}

static int bulk(const char *name, size_t len, long n)
{
	uint8_t *out = malloc(len);
	int fd = must_open(name, 0);
	bool good = true;

	for (long i = 0; i < n && good; i++) {
		fill(out, len, i);
		out[0] = 'e';
		good = rf_write(fd, out, len) == (ssize_t)len &&
		       rf_read(fd, buf, sizeof(buf)) == (ssize_t)len && !memcmp(buf, out, len);
	}
	check(good, "%ld messages of %zu bytes", n, len);
	rf_close(fd);
	return failed;
}

static int hold(const char *name, bool mapped)
{
	int fd = must_open(name, 0);
	size_t size = 4 << 20;
	uint8_t *p = NULL;
	ssize_t n;

	signal(SIGBUS, on_bus);
	echo(fd, 100);
	echo(fd, 100000);
	if (mapped) {
		is("map", rf_write(fd, "m4194304", 8), 8);
		is("  it has", rf_read(fd, buf, sizeof(buf)), 1);
		p = rf_map(fd, &size, PROT_READ | PROT_WRITE);
		check(p && filled(p, size, 7), "mapped");
	}
	printf("held\n");
	fflush(stdout);
	n = rf_read(fd, buf, sizeof(buf));
	printf("ended: %s\n", n < 0 ? strerrorname_np(-n) : n ? "a message" : "in order");
	if (p) {
		for (int64_t end = now_ms() + 5000; !faults(p) && now_ms() < end; )
			usleep(1000);
		printf("map: %s\n", faults(p) && faults(p + size - 1) ? "gone" : "there");
	}
	fflush(stdout);
	rf_close(fd);
	return failed;
}

static int wait_for(const char *name)
{
	int fd = rf_open(name, RF_CLOEXEC);

	if (fd < 0) {
		printf("not there: %s\n", strerrorname_np(-fd));
		fflush(stdout);
		fd = rf_open_wait(name, RF_WAIT, 60000);
	}
	if (fd < 0) {
		printf("not ok - %s: %s\n", name, strerror(-fd));
		return 1;
	}
	echo(fd, 10);
	printf("found\n");
	return failed;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "", *name = argc > 2 ? argv[2] : "";
	long n = argc > 3 ? atol(argv[3]) : 0;

	quiet = getenv("COM_QUIET");
	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(verb, "serve"))
		return serve(name, argv + 3);
	if (!strcmp(verb, "call"))
		return call(name);
	if (!strcmp(verb, "bad"))
		return bad();
	if (!strcmp(verb, "many"))
		return many(name, n);
	if (!strcmp(verb, "churn"))
		return churn(name, n);
	if (!strcmp(verb, "bulk") && argc > 4)
		return bulk(name, n, atol(argv[4]));
	if (!strcmp(verb, "hold"))
		return hold(name, argc > 3);
	if (!strcmp(verb, "wait"))
		return wait_for(name);
	if (!strcmp(verb, "open"))
		return try_open(name);
	if (!strcmp(verb, "rights"))
		return rights(name);
	fprintf(stderr, "com: see the head of tests/guest/com.c\n");
	return 64;
}
