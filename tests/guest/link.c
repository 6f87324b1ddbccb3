// SPDX-License-Identifier: GPL-2.0
/*
 * A minimal virtual link between subOSes, for tests of what is ordinary without RFloop:
 * a tun device at each end, whose packets go one by one over a channel of RFcom, and
 * the supervisor forwards between the links as any router does.
 *
 *   link hub		in the supervisor: a device vl-NAME for each subOS that joins
 *   link join IFACE	in a subOS
 *
 * A device goes with its process. Over librf's com.c, static.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "com.h"

#define SERVICE	"link"

static void die(const char *what, int err)
{
	fprintf(stderr, "link: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

static int attach(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR);

	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr))
		die("no device", errno);
	return fd;
}

/* Until the other end is gone */
static void pump(int dev, int ch)
{
	static char buf[65536];

	for (;;) {
		struct pollfd p[2] = { { dev, POLLIN, 0 }, { ch, POLLIN, 0 } };
		ssize_t n;

		if (poll(p, 2, -1) < 0)
			die("poll", errno);
		if (p[0].revents) {
			n = read(dev, buf, sizeof(buf));
			/* a device that is down has nothing */
			if (n > 0 && write(ch, buf, n) != n)
				die("channel", errno);
		}
		if (p[1].revents) {
			n = read(ch, buf, sizeof(buf));
			if (n <= 0)
				die("channel", n ? errno : EPIPE);
			/* what it doesn't like is lost, as on any link */
			if (write(dev, buf, n) != n && errno != EIO && errno != EINVAL)
				die("device", errno);
		}
	}
}

static void serve(void)
{
	char peer[RF_COM_PEER_LEN], name[RF_COM_PEER_LEN + 8];
	int fd = rf_listen(SERVICE, RF_CLOEXEC, 0, 0), err, ch;

	if (fd < 0)
		die("listen", fd);
	err = rf_grant(fd, "*", RF_MAY_READ | RF_MAY_WRITE);
	if (err)
		die("grant", err);
	signal(SIGCHLD, SIG_IGN);
	printf("the hub is there\n");
	fflush(stdout);
	while ((ch = rf_accept(fd, RF_CLOEXEC, peer)) >= 0) {
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			snprintf(name, sizeof(name), "vl-%s", peer);
			pump(attach(name), ch);
		}
		close(ch);
	}
	die("accept", ch);
}

int main(int argc, char **argv)
{
	int ch;

	if (argc == 2 && !strcmp(argv[1], "hub"))
		serve();
	if (argc != 3 || strcmp(argv[1], "join"))
		die("hub or join IFACE", EINVAL);
	ch = rf_open_wait(SERVICE, RF_WAIT, 30000);
	if (ch < 0)
		die(SERVICE, ch);
	pump(attach(argv[2]), ch);
}
