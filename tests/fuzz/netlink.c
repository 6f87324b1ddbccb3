// SPDX-License-Identifier: GPL-2.0
/*
 * Messages to the supervisor's netlink families, by chance, out of the YAML
 * specs (netlink.py): right ones, almost right ones, and garbage.
 *
 * usage: netlink [-n MESSAGES] [-s SEED] [-c CHANGES] [-u nobody|userns] [-f FILE]...
 *   -c	after as many successful changes what has a dry-run is one (default: all)
 *   -u	as whom; then what is for administrators must be refused, each time
 *   -f	files for kernel-fd and initrd-fd
 *
 * Each message must be answered within a minute, each refusal of a known command
 * say why (extack). Prints a line a command; ends with 1 if something was not so.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>

enum kind { NUMBER, STRING, FLAG, NEST };

struct attr {
	const char *name;
	unsigned short number;
	enum kind kind;
	unsigned short width;	/* bytes; of a string, at most */
	const struct attr *nested;
};

struct op {
	const char *name;
	unsigned char cmd, has_do, has_dump, admin;
	const struct attr *set;
	const unsigned short *may;
};

struct family {
	const char *name;
	const struct op *op;
	unsigned int nr;
};

#include "netlink-spec.h"	/* by netlink.py */

#define FAMILIES	(sizeof(families) / sizeof(*families))
#define OPS		64
#define ERRORS		134

static uint64_t state = 88172645463325252ULL;
static int sock, file[16], nr_files;
static unsigned int wrong, changes, lost;	/* lost: answers that the socket had no room for */
static unsigned int count[FAMILIES][OPS][ERRORS], silent[FAMILIES][OPS][ERRORS];
static int type[FAMILIES];
static uint32_t seq;
static const char *asked = "";	/* the operation of the last message */

static uint32_t chance(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 16) % n;
}

static uint64_t any(void)
{
	uint64_t v = (uint64_t)chance(1u << 31) << 33 ^ chance(1u << 31) << 1 ^ chance(2);

	return chance(3) ? v >> chance(64) : -(v >> chance(64));
}

/* ---- a message ---- */

static union {
	struct nlmsghdr h;
	uint8_t bytes[32768];
} msg;

static void *put(uint16_t number, const void *data, size_t len)
{
	struct nlattr *a = (void *)(msg.bytes + NLMSG_ALIGN(msg.h.nlmsg_len));

	if (NLMSG_ALIGN(msg.h.nlmsg_len) + NLA_HDRLEN + len > sizeof(msg) - 8)
		return NULL;
	memset(a, 0, NLA_HDRLEN + NLA_ALIGN(len));
	a->nla_type = number;
	a->nla_len = NLA_HDRLEN + len;
	memcpy(a + 1, data, len);
	msg.h.nlmsg_len = NLMSG_ALIGN(msg.h.nlmsg_len) + NLA_ALIGN(a->nla_len);
	return a;
}

static bool ends(const char *name, const char *with)
{
	size_t a = strlen(name), b = strlen(with);

	return a >= b && !strcmp(name + a - b, with);
}

static uint64_t number(const char *name)
{
	if (!chance(8))
		return any();
	if (ends(name, "-fd"))
		return nr_files && chance(4) ? (uint64_t)file[chance(nr_files)] : chance(1100);
	if (!strcmp(name, "size"))
		return (uint64_t)chance(6) << (chance(4) ? 27 : chance(40));
	if (ends(name, "-ms"))
		return chance(20) ? chance(200) : chance(3000);
	if (ends(name, "node") || !strcmp(name, "how") || ends(name, "-how"))
		return chance(4);
	return chance(7);
}

static size_t text(const char *name, unsigned int width, char *to)
{
	static const char *const names[] = {
		"f1", "f2", "f3", "f1", "f2", "f3", "nobody", "", "a/b", "-x", "..", "supervisor",
	};
	size_t len;

	if (chance(6) && (ends(name, "name") || !strcmp(name, "to") || !strcmp(name, "peer")))
		return stpcpy(to, names[chance(sizeof(names) / sizeof(*names))]) - to;
	if (chance(2) && !strcmp(name, "address"))
		return sprintf(to, chance(2) ? "10.77.%u.%u/%u" : "fd00::%x:%x/%u", chance(300),
			       chance(300), chance(140));
	len = chance(8) ? chance(20) : chance(width + 3);
	if (len > 20000)
		len = 20000;
	for (size_t i = 0; i < len; i++)
		to[i] = chance(20) ? ' ' + chance(95) : chance(256);
	return len;
}

static void put_attr(const struct attr *a, int depth)
{
	static char buf[20100];
	uint64_t v;
	size_t len;

	switch (chance(40) ? a->kind : chance(4)) {
	case NUMBER:
		v = number(a->name);
		put(a->number, &v, chance(60) && a->width && a->width <= 8 ? a->width : chance(9));
		break;
	case STRING:
		len = text(a->name, a->width, buf);
		buf[len] = 0;
		put(a->number, buf, len + !!chance(60));
		break;
	case FLAG:
		put(a->number, "", chance(60) ? 0 : chance(5));
		break;
	case NEST: {
		struct nlattr *nest = put(a->number | (chance(20) ? NLA_F_NESTED : 0), "", 0);

		for (const struct attr *in = a->nested; nest && in && in->name && depth < 3; in++) {
			unsigned int n = !strcmp(in->name, "size") ? !!chance(10) :
					 !chance(4) + !chance(30);

			for (; n; n--)
				put_attr(in, depth + 1);
		}
		if (nest)
			nest->nla_len = msg.bytes + msg.h.nlmsg_len - (uint8_t *)nest;
	}
	}
}

static const struct attr *attr_of(const struct op *op, unsigned int number)
{
	const struct attr *a = op->set;

	while (a->name && a->number != number)
		a++;
	return a->name ? a : NULL;
}

static bool may(const struct op *op, const char *name)
{
	for (const unsigned short *n = op->may; *n; n++)
		if (!strcmp(attr_of(op, *n)->name, name))
			return true;
	return false;
}

/* Return: with the family's and the command's own form? */
static bool build(unsigned int f, const struct op *op, bool dry)
{
	struct genlmsghdr *g = NLMSG_DATA(&msg.h);
	bool dump = op->has_dump && (!op->has_do || chance(2));
	uint8_t how = chance(100);

	memset(&msg, 0, NLMSG_HDRLEN + GENL_HDRLEN);
	msg.h.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN;
	msg.h.nlmsg_type = type[f];
	msg.h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | (dump ? NLM_F_DUMP : 0);
	msg.h.nlmsg_seq = ++seq;
	g->cmd = op->cmd;
	g->version = 1;
	for (const unsigned short *n = op->may; *n; n++) {
		const struct attr *a = attr_of(op, *n);
		bool must = !strcmp(a->name, "name") || !strcmp(a->name, "to") || ends(a->name, "-fd");
		unsigned int i = must ? !!chance(20) : !chance(3) + !chance(30) + 2 * !chance(100);

		for (; i; i--)
			put_attr(a, 0);
	}
	if (dry && may(op, "dry-run"))
		for (const struct attr *a = op->set; a->name; a++)
			if (!strcmp(a->name, "dry-run"))
				put(a->number, "", 0);
	if (how < 80)
		return true;
	/* what isn't for this command, or for none; bits that flip; too long, too short */
	if (how < 88 && op->set->name) {
		for (const struct attr *a = op->set; a->name; a++)
			if (!chance(4))
				put_attr(a, 0);
		return true;
	}
	if (dry)
		return true;
	if (how < 92) {
		put(chance(1 << 14), msg.bytes, chance(64));
		return true;
	}
	if (how < 97) {
		for (unsigned int i = chance(8); i; i--)
			msg.bytes[NLMSG_HDRLEN + chance(msg.h.nlmsg_len - NLMSG_HDRLEN)] ^=
				1 << chance(8);
		return false;
	}
	g->cmd = chance(256);
	g->version = chance(3);
	if (chance(2))
		msg.h.nlmsg_flags = chance(1 << 12) | NLM_F_ACK | NLM_F_REQUEST;
	if (chance(2))
		msg.h.nlmsg_len = NLMSG_HDRLEN + chance(GENL_HDRLEN + 9);
	return false;
}

/* ---- and its answer ---- */

static void odd(const char *what, const char *op, int err)
{
	if (wrong++ < 20)
		printf("not ok - %s: %s (%s)\n", op, what, err ? strerror(err) : "no error");
}

static bool has_text(const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);
	size_t at = NLMSG_HDRLEN + sizeof(*e);

	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		at += NLMSG_ALIGN(e->msg.nlmsg_len) - sizeof(e->msg);
	while (at + NLA_HDRLEN <= h->nlmsg_len) {
		const struct nlattr *a = (const void *)((const uint8_t *)h + at);

		if (a->nla_len < NLA_HDRLEN)
			break;
		if ((a->nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG)
			return a->nla_len > NLA_HDRLEN + 1;
		at += NLA_ALIGN(a->nla_len);
	}
	return false;
}

static void send_it(void)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };

	if (sendto(sock, &msg, msg.h.nlmsg_len, 0, (void *)&to, sizeof(to)) < 0 && errno != EINVAL) {
		perror("netlink: send");
		exit(1);
	}
}

/* What no family knows, and says so */
static void probe(void)
{
	struct genlmsghdr *g = NLMSG_DATA(&msg.h);

	memset(&msg, 0, NLMSG_HDRLEN + GENL_HDRLEN);
	msg.h.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN;
	msg.h.nlmsg_type = type[0];
	msg.h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	msg.h.nlmsg_seq = ++seq;
	g->cmd = 255;
	g->version = 1;
	send_it();
}

/*
 * Return: the errno of the answer to the last message; *why: it says why. One message
 * may hold many, whose answers are more than the socket takes: ours is lost then, and
 * what is asked next tells that all before it was heard.
 */
static int answer(bool *why)
{
	static union {
		struct nlmsghdr h;
		uint8_t bytes[1 << 17];
	} in;

	*why = false;
	for (;;) {
		ssize_t n = recv(sock, &in, sizeof(in), 0);
		struct nlmsghdr *h = &in.h;

		if (n < 0 && errno == ENOBUFS) {
			lost++;
			probe();
			continue;
		}
		if (n < 0) {
			printf("not ok - %s: no answer: %s\n", asked, strerror(errno));
			exit(1);
		}
		for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_seq != seq)
				continue;
			if (h->nlmsg_type == NLMSG_DONE)
				return h->nlmsg_len >= NLMSG_HDRLEN + 4 ? -*(int *)NLMSG_DATA(h) : 0;
			if (h->nlmsg_type != NLMSG_ERROR)
				continue;
			*why = has_text(h);
			return -((struct nlmsgerr *)NLMSG_DATA(h))->error;
		}
	}
}

/* The id of a family, from the kernel's controller; 0: there is none of that name */
static int family(const char *name)
{
	static union {
		struct nlmsghdr h;
		uint8_t bytes[32768];
	} in;
	struct genlmsghdr *g = NLMSG_DATA(&msg.h);

	memset(&msg, 0, NLMSG_HDRLEN + GENL_HDRLEN);
	msg.h.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN;
	msg.h.nlmsg_type = GENL_ID_CTRL;
	msg.h.nlmsg_flags = NLM_F_REQUEST;
	msg.h.nlmsg_seq = ++seq;
	g->cmd = CTRL_CMD_GETFAMILY;
	g->version = 1;
	put(CTRL_ATTR_FAMILY_NAME, name, strlen(name) + 1);
	send_it();
	if (recv(sock, &in, sizeof(in), 0) < 0 || in.h.nlmsg_type == NLMSG_ERROR)
		return 0;
	for (size_t at = NLMSG_HDRLEN + GENL_HDRLEN; at + NLA_HDRLEN <= in.h.nlmsg_len; ) {
		const struct nlattr *a = (const void *)(in.bytes + at);

		if (a->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(const uint16_t *)(a + 1);
		at += NLA_ALIGN(a->nla_len);
	}
	return 0;
}

static void one(unsigned int f, unsigned int o, bool dry, bool refused)
{
	const struct op *op = &families[f].op[o];
	bool proper = build(f, op, dry), why;
	int err;

	asked = proper ? op->name : "an improper message";
	send_it();
	if (!proper) {
		/* it may get no answer: behind it one that does */
		probe();
		answer(&why);
		return;
	}
	err = answer(&why);
	if (err < 0 || err >= ERRORS) {
		odd("no errno of Linux", op->name, -err);
		return;
	}
	count[f][o][err]++;
	if (err && !why && err != ENOMEM)
		silent[f][o][err]++;
	if (refused && op->admin && !err)
		odd("it was not refused", op->name, 0);
	if (!err && !dry && may(op, "dry-run"))
		changes++;
}

static void report(bool refused)
{
	for (unsigned int f = 0; f < FAMILIES; f++) {
		for (unsigned int o = 0; o < families[f].nr; o++) {
			printf("%s.%s:", families[f].name, families[f].op[o].name);
			for (unsigned int e = 0; e < ERRORS; e++) {
				if (!count[f][o][e])
					continue;
				printf(" %s %u", e ? strerrorname_np(e) : "done", count[f][o][e]);
				/*
				 * EPERM, ENOBUFS of a socket that is full, and of
				 * dumps all, are the core's
				 */
				if (silent[f][o][e] && e != EPERM && e != ENOBUFS && !refused &&
				    families[f].op[o].has_do)
					odd("an error without its reason",
					    families[f].op[o].name, e);
			}
			printf("\n");
		}
	}
}

static void become(const char *who)
{
	if (!strcmp(who, "nobody")) {
		if (!setgid(65534) && !setuid(65534))
			return;
	} else if (!strcmp(who, "userns")) {
		char map[] = "0 65534 1\n";
		int fd;

		/* who changed his user may not write his own maps else */
		if (!setgid(65534) && !setuid(65534) && !prctl(PR_SET_DUMPABLE, 1) &&
		    !unshare(CLONE_NEWUSER) &&
		    (fd = open("/proc/self/uid_map", O_WRONLY)) >= 0 &&
		    write(fd, map, strlen(map)) == (ssize_t)strlen(map) && !getuid())
			return;
	}
	perror(who);
	exit(64);
}

int main(int argc, char **argv)
{
	struct timeval minute = { .tv_sec = 60 };
	struct sockaddr_nl self = { .nl_family = AF_NETLINK };
	unsigned long n = 10000, most = -1UL, seed = 1;
	const char *who = NULL;
	int c, on = 1;

	while ((c = getopt(argc, argv, "n:s:c:u:f:")) != -1) {
		switch (c) {
		case 'n':
			n = strtoul(optarg, NULL, 0);
			break;
		case 's':
			seed = strtoul(optarg, NULL, 0);
			break;
		case 'c':
			most = strtoul(optarg, NULL, 0);
			break;
		case 'u':
			who = optarg;
			break;
		case 'f':
			if (nr_files < 16)
				file[nr_files++] = open(optarg, O_RDONLY);
			break;
		default:
			return 64;
		}
	}
	state ^= seed * 0x9e3779b97f4a7c15ULL;
	for (int i = 0; i < 20; i++)
		chance(2);
	if (who)
		become(who);
	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (sock < 0 || bind(sock, (void *)&self, sizeof(self))) {
		perror("socket");
		return 1;
	}
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof(minute));
	setsockopt(sock, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	for (unsigned int f = 0; f < FAMILIES; f++) {
		type[f] = family(families[f].name);
		if (!type[f]) {
			printf("not ok - no family %s\n", families[f].name);
			return 1;
		}
	}
	for (unsigned long i = 0; i < n; i++) {
		unsigned int f = !chance(10) ? chance(FAMILIES) : FAMILIES - 1;

		one(f, chance(families[f].nr), changes >= most, who);
	}
	printf("%lu messages, seed %lu, %u changes, %u times more answers than room\n", n, seed,
	       changes, lost);
	report(who);
	return !!wrong;
}
