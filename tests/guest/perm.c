// SPDX-License-Identifier: GPL-2.0
/*
 * As one who may less than root: run something, or see what is refused.
 *
 *   perm WHO run COMMAND [ARG]...	its exit status
 *   perm WHO open FILE...		a line each: FILE, what became of it
 *   perm WHO netlink FAMILY N		every command up to N, empty: "do 3 EPERM"
 *
 * WHO: root; sysadmin and netadmin: nobody with that one capability; userns: nobody
 * who is root in a user namespace of its own; usernet: with a network of its own,
 * too; nobody.
 *
 * What becomes of it: "yes", or the errno's name.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY	65534

static void die(const char *what)
{
	perror(what);
	exit(120);
}

static void put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die(path);
	close(fd);
}

/* Of all capabilities at most one is left */
static void become_nobody(int cap)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { };

	if (cap >= 0)
		d[0] = (struct __user_cap_data_struct) { 1U << cap, 1U << cap, 1U << cap };
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY))
		die("setgid");
	for (int c = 0; c <= 63; c++)
		if (c != cap && prctl(PR_CAPBSET_DROP, c, 0, 0, 0) && errno != EINVAL)
			die("bounding set");
	if (cap >= 0)
		prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	if (setresuid(NOBODY, NOBODY, NOBODY))
		die("setuid");
	if (cap >= 0 && (syscall(SYS_capset, &h, d) ||
			 prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0)))
		die("capset");
	/* or else our own /proc/self is root's */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
		die("dumpable");
}

static void become_ns_root(int more)
{
	become_nobody(-1);
	if (unshare(CLONE_NEWUSER | more))
		die("unshare");
	put_file("/proc/self/setgroups", "deny");
	put_file("/proc/self/uid_map", "0 65534 1");
	put_file("/proc/self/gid_map", "0 65534 1");
}

static void become(const char *who)
{
	if (!strcmp(who, "sysadmin"))
		become_nobody(CAP_SYS_ADMIN);
	else if (!strcmp(who, "netadmin"))
		become_nobody(CAP_NET_ADMIN);
	else if (!strcmp(who, "nobody"))
		become_nobody(-1);
	else if (!strcmp(who, "userns"))
		become_ns_root(0);
	else if (!strcmp(who, "usernet"))
		become_ns_root(CLONE_NEWNET);
	else if (strcmp(who, "root"))
		die(who);
}

static const char *word(int err)
{
	return err ? strerrorname_np(err) : "yes";
}

static int opens(char **files)
{
	for (; *files; files++) {
		int fd = open(*files, O_RDWR | O_NONBLOCK);

		printf("%s %s\n", *files, word(fd < 0 ? errno : 0));
		close(fd);
	}
	return 0;
}

/* ---- generic netlink ---- */

static struct {
	struct nlmsghdr n;
	struct genlmsghdr g;
	char rest[16384];
} msg;

/* Return: 0, or an errno; msg is the first answer */
static int ask(int fd, int type, int flags, int cmd, int version, const char *name)
{
	static unsigned int seq;
	struct nlattr *a = (void *)msg.rest;
	ssize_t n;

	memset(&msg, 0, sizeof(msg));
	msg.n = (struct nlmsghdr) {
		.nlmsg_len = NLMSG_LENGTH(sizeof(msg.g)), .nlmsg_type = type,
		.nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = ++seq,
	};
	msg.g = (struct genlmsghdr) { .cmd = cmd, .version = version };
	if (name) {
		*a = (struct nlattr) { NLA_HDRLEN + strlen(name) + 1, CTRL_ATTR_FAMILY_NAME };
		strcpy((char *)a + NLA_HDRLEN, name);
		msg.n.nlmsg_len += NLA_ALIGN(a->nla_len);
	}
	if (send(fd, &msg, msg.n.nlmsg_len, 0) < 0)
		return errno;
	/* what belongs to an earlier question comes first */
	do {
		n = recv(fd, &msg, sizeof(msg), 0);
		if (n < 0)
			return errno;
	} while (msg.n.nlmsg_seq != seq);
	if (msg.n.nlmsg_type == NLMSG_ERROR)
		return -((struct nlmsgerr *)&msg.g)->error;
	if (msg.n.nlmsg_type == NLMSG_DONE)
		return -*(int *)&msg.g > 0 ? -*(int *)&msg.g : 0;
	return 0;
}

static int family_id(int fd, const char *name)
{
	struct nlattr *a = (void *)msg.rest;
	int err = ask(fd, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 2, name);

	if (err) {
		printf("family %s\n", word(err));
		exit(0);
	}
	while ((char *)a < (char *)&msg + msg.n.nlmsg_len && a->nla_len >= NLA_HDRLEN) {
		if (a->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(unsigned short *)((char *)a + NLA_HDRLEN);
		a = (void *)((char *)a + NLA_ALIGN(a->nla_len));
	}
	die("no family id");
	return 0;
}

static int netlink(const char *name, int commands)
{
	struct timeval patience = { .tv_sec = 20 };
	int fd, id;

	for (int cmd = 0; cmd <= commands; cmd++) {
		/* each a socket of its own: nothing of the last dump is in it */
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
		if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
			die("netlink");
		id = family_id(fd, name);
		if (cmd)
			printf("do %d %s\n", cmd, word(ask(fd, id, NLM_F_ACK, cmd, 1, NULL)));
		if (cmd)
			printf("dump %d %s\n", cmd, word(ask(fd, id, NLM_F_DUMP, cmd, 1, NULL)));
		close(fd);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: see the source\n");
		return 120;
	}
	become(argv[1]);
	if (!strcmp(argv[2], "open"))
		return opens(argv + 3);
	if (!strcmp(argv[2], "netlink") && argc == 5)
		return netlink(argv[3], atoi(argv[4]));
	if (strcmp(argv[2], "run"))
		die(argv[2]);
	execvp(argv[3], argv + 3);
	die(argv[3]);
	return 120;
}
