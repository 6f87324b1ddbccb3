// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic of which each byte is checked, for tests of RFloop. Static, so that it
 * runs in any subOS.
 *
 *   nettest serve PORT                 TCP and UDP; says "serving"
 *   nettest to HOST PORT BYTES FLOWS   send to a server, which checks
 *   nettest from HOST PORT BYTES FLOWS receive from one, and check
 *   nettest udp HOST PORT FIRST LAST STEP   datagrams of each size there and back
 *   nettest flood HOST PORT N SIZE     N datagrams in bursts, and what comes back: lost and
 *                                      re-ordered ones are counted, wrong ones are the end
 *   nettest rr HOST PORT N             64 bytes there and back; microseconds, p50 and p99
 *   nettest churn HOST PORT N          N connections, one after the other
 *   nettest many HOST PORT N           N at once
 *   nettest stall HOST PORT SOURCE     without anybody who reads: send (SOURCE 0) or have
 *                                      sent (1) until nothing moves any more; wait then
 *   nettest wait HOST PORT             connect, say so, wait for the end: which errno?
 *   nettest connect HOST PORT          only try: which errno?
 *   nettest group-get ADDR PORT IFACE  one datagram to a group; says its text
 *   nettest group-put ADDR PORT IFACE TEXT
 *
 * Ends with 0 if all was right, and says what and how fast.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK	(256 * 1024)
#define MAGIC	0x54454e6652ULL
#define STALL	2		/* instead of a source: nobody reads */

struct order {
	uint64_t magic, bytes, seed;
	uint64_t source;	/* 1: the server sends */
};

static void die(const char *what)
{
	fprintf(stderr, "nettest: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void is_wrong(const char *what, uint64_t at)
{
	fprintf(stderr, "nettest: wrong: %s at %llu\n", what, (unsigned long long)at);
	exit(2);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* The bytes of a stream from word number @at on */
static void fill(uint64_t *to, size_t words, uint64_t seed, uint64_t at)
{
	for (size_t i = 0; i < words; i++)
		to[i] = (seed + at + i) * 0x9e3779b97f4a7c15ULL;
}

static void read_all(int fd, void *to, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = read(fd, (char *)to + got, len - got);

		if (n <= 0) {
			errno = n ? errno : ECONNRESET;
			die("read");
		}
		got += n;
	}
}

static void write_all(int fd, const void *from, size_t len)
{
	for (size_t put = 0; put < len;) {
		ssize_t n = write(fd, (const char *)from + put, len - put);

		if (n < 0)
			die("write");
		put += n;
	}
}

static void send_stream(int fd, uint64_t bytes, uint64_t seed)
{
	uint64_t *buf = malloc(CHUNK);

	for (uint64_t at = 0; at < bytes; at += CHUNK) {
		uint64_t n = bytes - at < CHUNK ? bytes - at : CHUNK;

		fill(buf, CHUNK / 8, seed, at / 8);
		write_all(fd, buf, n);
	}
	free(buf);
}

static void check_stream(int fd, uint64_t bytes, uint64_t seed)
{
	uint64_t *buf = malloc(CHUNK), *want = malloc(CHUNK);

	for (uint64_t at = 0; at < bytes; at += CHUNK) {
		uint64_t n = bytes - at < CHUNK ? bytes - at : CHUNK;

		read_all(fd, buf, n);
		fill(want, CHUNK / 8, seed, at / 8);
		if (memcmp(buf, want, n))
			is_wrong("a stream's bytes", at);
	}
	free(buf);
	free(want);
}

/* ---- server ---- */

static void serve_one(int fd)
{
	struct order o;

	read_all(fd, &o, sizeof(o));
	if (o.magic != MAGIC)
		is_wrong("an order", 0);
	if (o.source == STALL) {
		for (;;)
			pause();
	} else if (o.source) {
		send_stream(fd, o.bytes, o.seed);
		read_all(fd, &o, sizeof(o));	/* its word that all was right */
	} else {
		check_stream(fd, o.bytes, o.seed);
		write_all(fd, &o, sizeof(o));
	}
	exit(0);
}

static int bound(int type, int port)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, type, 0), on = 1, off = 0;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (void *)&sa, sizeof(sa)))
		die("bind");
	return fd;
}

static void serve(int port)
{
	int tcp = bound(SOCK_STREAM, port), udp = bound(SOCK_DGRAM, port);
	static char buf[65536];
	int buffer = 4 << 20;

	/* a burst of flood() is not to be lost in here */
	setsockopt(udp, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	signal(SIGCHLD, SIG_IGN);
	if (listen(tcp, 4096))
		die("listen");
	printf("serving\n");
	fflush(stdout);
	for (;;) {
		struct pollfd p[2] = { { tcp, POLLIN, 0 }, { udp, POLLIN, 0 } };

		poll(p, 2, -1);
		if (p[0].revents) {
			int fd = accept(tcp, NULL, NULL);

			if (fd >= 0 && !fork())
				serve_one(fd);
			close(fd);
		}
		if (p[1].revents) {
			struct sockaddr_storage from;
			socklen_t len = sizeof(from);
			ssize_t n = recvfrom(udp, buf, sizeof(buf), 0, (void *)&from, &len);

			if (n >= 0)
				sendto(udp, buf, n, 0, (void *)&from, len);
		}
	}
}

/* ---- client ---- */

static int reach(const char *host, const char *port, int type)
{
	struct addrinfo hint = { .ai_socktype = type }, *ai;
	int fd, err = getaddrinfo(host, port, &hint, &ai);

	if (err) {
		fprintf(stderr, "nettest: %s: %s\n", host, gai_strerror(err));
		exit(1);
	}
	fd = socket(ai->ai_family, type, 0);
	if (fd < 0 || connect(fd, ai->ai_addr, ai->ai_addrlen)) {
		err = errno;
		printf("connect: %s\n", strerror(err));
		errno = err;
		die("connect");
	}
	freeaddrinfo(ai);
	return fd;
}

static void flow(const char *host, const char *port, uint64_t bytes, int source, uint64_t seed)
{
	struct order o = { MAGIC, bytes, seed, source };
	int fd = reach(host, port, SOCK_STREAM);

	write_all(fd, &o, sizeof(o));
	if (source) {
		check_stream(fd, bytes, seed);
		write_all(fd, &o, sizeof(o));
	} else {
		send_stream(fd, bytes, seed);
		read_all(fd, &o, sizeof(o));
	}
	close(fd);
}

/* Flows in processes of their own. Return: how many failed. */
static int run_flows(const char *host, const char *port, uint64_t bytes, int n, int source)
{
	double began = now(), took;
	int bad = 0, status;

	for (int i = 0; i < n; i++) {
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			flow(host, port, bytes, source, (uint64_t)i << 40);
			exit(0);
		}
	}
	while (wait(&status) > 0)
		bad += status != 0;
	took = now() - began;
	printf("%d of %d flows right, %.1f MB/s\n", n - bad, n, bytes * n / took / 1e6);
	return bad;
}

static int churn(const char *host, const char *port, int n)
{
	double began = now();

	for (int i = 0; i < n; i++)
		flow(host, port, 100, i & 1, i);
	printf("%d connections right, %.0f/s\n", n, n / (now() - began));
	return 0;
}

static int many(const char *host, const char *port, int n)
{
	struct order o = { MAGIC, 1000, 0, 1 };
	int *fd = calloc(n, sizeof(*fd));

	for (int i = 0; i < n; i++)
		fd[i] = reach(host, port, SOCK_STREAM);
	for (int i = 0; i < n; i++) {
		o.seed = i;
		write_all(fd[i], &o, sizeof(o));
	}
	for (int i = 0; i < n; i++) {
		check_stream(fd[i], 1000, i);
		write_all(fd[i], &o, sizeof(o));
		close(fd[i]);
	}
	printf("%d connections at once right\n", n);
	return 0;
}

static int udp(const char *host, const char *port, int first, int last, int step)
{
	static uint64_t out[8192], in[8192];
	int fd = reach(host, port, SOCK_DGRAM), lost = 0, n = 0;
	struct timeval tv = { .tv_sec = 5 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	for (int size = first; size <= last; size += step, n++) {
		fill(out, 8192, size, 0);
		for (int tries = 0; ; tries++) {
			ssize_t got;

			if (send(fd, out, size, 0) != size)
				die("send");
			got = recv(fd, in, sizeof(in), 0);
			if (got == size && !memcmp(in, out, size))
				break;
			if (got >= 0)
				is_wrong("a datagram", size);
			if (errno != EAGAIN || tries == 2)
				die("recv");
			lost++;
		}
	}
	printf("%d datagrams right, %d lost\n", n, lost);
	return 0;
}

static int readable(int fd, int ms)
{
	return poll(&(struct pollfd) { fd, POLLIN, 0 }, 1, ms) > 0;
}

/* Bursts of 32, each as soon as the one before is back, or 20 ms have passed */
static int flood(const char *host, const char *port, int n, int size)
{
	static uint64_t out[8192], in[8192];
	int fd = reach(host, port, SOCK_DGRAM), back = 0, disordered = 0, buffer = 4 << 20;
	uint64_t last = 0;

	if (size < 8 || size > (int)sizeof(out))
		is_wrong("a size", size);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	for (uint64_t seq = 1; seq <= (uint64_t)n || readable(fd, 2000);) {
		for (int i = 0; i < 32 && seq <= (uint64_t)n; i++, seq++) {
			fill(out, size / 8, seq, 0);
			out[0] = seq;
			if (send(fd, out, size, 0) != size)
				die("send");
		}
		while (readable(fd, 20)) {
			ssize_t got = recv(fd, in, sizeof(in), 0);

			if (got != size || !in[0] || in[0] > (uint64_t)n)
				is_wrong("a datagram", in[0]);
			fill(out, size / 8, in[0], 0);
			out[0] = in[0];
			if (memcmp(in, out, size / 8 * 8))
				is_wrong("a datagram's bytes", in[0]);
			disordered += in[0] < last;
			last = in[0];
			if (++back >= (int)seq - 1)
				break;
		}
	}
	printf("%d of %d came back, %d out of order\n", back, n, disordered);
	return 0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int rr(const char *host, const char *port, int n)
{
	struct timeval tv = { .tv_sec = 5 };
	double *took = calloc(n, sizeof(*took));
	int fd = reach(host, port, SOCK_DGRAM);
	char buf[64] = "";

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	for (int i = 0; i < n; i++) {
		double began = now();

		if (send(fd, buf, sizeof(buf), 0) < 0 || recv(fd, buf, sizeof(buf), 0) < 0)
			die("rr");
		took[i] = (now() - began) * 1e6;
	}
	qsort(took, n, sizeof(*took), compare);
	printf("%.2f %.2f\n", took[n / 2], took[n * 99 / 100]);
	return 0;
}

static int wait_end(const char *host, const char *port)
{
	int fd = reach(host, port, SOCK_STREAM);
	char c;

	printf("connected\n");
	fflush(stdout);
	if (read(fd, &c, 1) < 0)
		printf("read: %s\n", strerror(errno));
	else
		printf("read: end\n");
	return 0;
}

/* What the other end doesn't read, or what we don't, fills all buffers there are */
static int stall(const char *host, const char *port, int source)
{
	struct order o = { MAGIC, 1ULL << 40, 0, source ? 1 : STALL };
	int fd = reach(host, port, SOCK_STREAM), queued = -1, last = -1;
	char c, buf[65536] = "";

	write_all(fd, &o, sizeof(o));
	while (!source && poll(&(struct pollfd) { fd, POLLOUT, 0 }, 1, 1000) > 0)
		if (send(fd, buf, sizeof(buf), MSG_DONTWAIT) < 0 && errno != EAGAIN)
			die("send");
	while (source && (queued <= 0 || queued != last)) {
		last = queued;
		sleep(1);
		if (ioctl(fd, FIONREAD, &queued))
			die("FIONREAD");
	}
	printf("stuck\n");
	fflush(stdout);
	/* an end in order does not come */
	while (poll(&(struct pollfd) { fd, POLLRDHUP, 0 }, 1, -1) < 0)
		;
	if (source)
		return 0;
	return recv(fd, &c, 1, 0) < 0 && errno == ECONNRESET ? 0 : 1;
}

static int group(const char *addr, const char *port, const char *iface, const char *text)
{
	struct addrinfo hint = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST }, *ai;
	struct group_req g = { .gr_interface = if_nametoindex(iface) };
	struct timeval tv = { .tv_sec = 30 };
	char buf[100];
	ssize_t n;
	int fd;

	if (getaddrinfo(addr, port, &hint, &ai))
		is_wrong("a group", 0);
	fd = socket(ai->ai_family, SOCK_DGRAM, 0);
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, iface, strlen(iface)))
		die(iface);
	if (text) {
		if (sendto(fd, text, strlen(text), 0, ai->ai_addr, ai->ai_addrlen) < 0)
			die("sendto");
		return 0;
	}
	memcpy(&g.gr_group, ai->ai_addr, ai->ai_addrlen);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) ||
	    setsockopt(fd, ai->ai_family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP,
		       MCAST_JOIN_GROUP, &g, sizeof(g)))
		die("group");
	printf("listening\n");
	fflush(stdout);
	n = recv(fd, buf, sizeof(buf) - 1, 0);
	if (n < 0)
		die("recv");
	buf[n] = 0;
	printf("got %s\n", buf);
	return 0;
}

int main(int argc, char **argv)
{
	const struct rlimit files = { 65536, 65536 };
	const char *verb = argc > 1 ? argv[1] : "";

	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &files);
	if (!strcmp(verb, "serve") && argc == 3)
		serve(atoi(argv[2]));
	if (!strcmp(verb, "to") && argc == 6)
		return run_flows(argv[2], argv[3], strtoull(argv[4], NULL, 0), atoi(argv[5]), 0);
	if (!strcmp(verb, "from") && argc == 6)
		return run_flows(argv[2], argv[3], strtoull(argv[4], NULL, 0), atoi(argv[5]), 1);
	if (!strcmp(verb, "udp") && argc == 7)
		return udp(argv[2], argv[3], atoi(argv[4]), atoi(argv[5]), atoi(argv[6]));
	if (!strcmp(verb, "flood") && argc == 6)
		return flood(argv[2], argv[3], atoi(argv[4]), atoi(argv[5]));
	if (!strcmp(verb, "rr") && argc == 5)
		return rr(argv[2], argv[3], atoi(argv[4]));
	if (!strcmp(verb, "churn") && argc == 5)
		return churn(argv[2], argv[3], atoi(argv[4]));
	if (!strcmp(verb, "many") && argc == 5)
		return many(argv[2], argv[3], atoi(argv[4]));
	if (!strcmp(verb, "wait") && argc == 4)
		return wait_end(argv[2], argv[3]);
	if (!strcmp(verb, "stall") && argc == 5)
		return stall(argv[2], argv[3], atoi(argv[4]));
	if (!strcmp(verb, "connect") && argc == 4)
		return close(reach(argv[2], argv[3], SOCK_STREAM)), 0;
	if (!strncmp(verb, "group-", 6) && argc >= 5)
		return group(argv[2], argv[3], argv[4], argc > 5 ? argv[5] : NULL);
	fprintf(stderr, "nettest: see the head of tests/guest/nettest.c\n");
	return 1;
}
