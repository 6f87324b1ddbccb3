// SPDX-License-Identifier: GPL-2.0
/* The service of com.c: its messages are orders */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "com_test.h"

#define CLIENTS 1100

struct client {
	int fd;
	uint8_t *map;
	size_t size;
	bool held;
};

/* Return: false when it is over with this client */
static bool obey(struct client *c, struct client *all, int n)
{
	ssize_t got = rf_read(c->fd, buf, sizeof(buf) - 1);
	size_t want;

	if (got <= 0)
		return false;
	buf[got] = 0;
	switch (buf[0]) {
	case 'e':
		return rf_write(c->fd, buf, got) == got;
	case 'k':
		kill(getpid(), SIGKILL);
		return false;
	case 'l':
		want = strtoul((char *)buf + 1, NULL, 10);
		for (size_t i = 1; i <= want; i++) {
			fill(buf, i, i);
			if (rf_write(c->fd, buf, i) != (ssize_t)i)
				return false;
		}
		return true;
	case 'm':
		c->size = strtoul((char *)buf + 1, NULL, 10);
		c->map = rf_map(c->fd, &c->size, PROT_READ | PROT_WRITE);
		if (!c->map)
			return false;
		fill(c->map, c->size, 7);
		return rf_write(c->fd, "m", 1) == 1;
	case '+':
		for (size_t i = 0; c->map && i < c->size; i += 4096)
			c->map[i]++;
		return rf_write(c->fd, "+", 1) == 1;
	case 's':
		c->held = true;
		return rf_write(c->fd, "s", 1) == 1;
	case 'c':
		for (int i = 0; i < n; i++)
			all[i].held = false;
		return true;
	}
	return false;
}

int serve(const char *name, char **grants)
{
	static struct client client[CLIENTS];
	static struct pollfd p[CLIENTS + 1];
	int l = rf_listen(name, RF_CLOEXEC, 0, 1024), n = 0, err = 0;

	if (l < 0) {
		printf("com: %s: %s\n", name, strerror(-l));
		return 1;
	}
	for (; *grants && !err; grants++) {
		char *eq = strchr(*grants, '=');
		unsigned int rights = eq ? strtoul(eq + 1, NULL, 0) : RF_MAY_ALL;

		if (eq)
			*eq = 0;
		err = rf_grant(l, *grants, rights);
	}
	printf("com: %s is served (%d)\n", name, err);
	fflush(stdout);
	for (;;) {
		p[0] = (struct pollfd) { .fd = l, .events = POLLIN };
		for (int i = 0; i < n; i++)
			p[i + 1] = (struct pollfd) {
				.fd = client[i].held ? -1 : client[i].fd, .events = POLLIN,
			};
		if (poll(p, n + 1, -1) < 0)
			continue;
		for (int i = n - 1; i >= 0; i--) {
			if (!p[i + 1].revents || obey(&client[i], client, n))
				continue;
			if (client[i].map)
				rf_unmap(client[i].map, client[i].size);
			rf_close(client[i].fd);
			client[i] = client[--n];
		}
		if (p[0].revents && n < CLIENTS) {
			int fd = rf_accept(l, RF_CLOEXEC, NULL);

			if (fd >= 0)
				client[n++] = (struct client) { .fd = fd };
		}
	}
}
