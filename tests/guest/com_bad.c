// SPDX-License-Identifier: GPL-2.0
/* What RFcom must refuse, of com.c: bad calls, and what the rights of a channel leave out */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "com_test.h"

static long raw(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

int bad(void)
{
	char longest[120], self[RF_COM_PEER_LEN];
	struct rf_com_ioc_open o = { .name = "test/bad" };
	struct rf_com_ioc_accept a = { 0 };
	struct rf_com_ioc_grant g = { .peer = "*", .rights = RF_MAY_ALL };
	struct rf_com_ioc_map m = { .size = 4096 };
	struct rf_com_ioc_service s;
	struct rf_com_ioc_info info;
	int gate = open(RF_COM_DEVICE, O_RDWR), l, c, fd;
	size_t size = 4096;

	memset(longest, 'n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	is("a name that nobody has", rf_open("test/none", 0), -ENOENT);
	is("an empty name", rf_open("", 0), -EINVAL);
	is("a name with a blank", rf_open("a b", RF_LISTEN), -EINVAL);
	is("a name with two @", rf_open("a@b@c", RF_LISTEN), -EINVAL);
	is("a name that begins with @", rf_open("@b", RF_LISTEN), -EINVAL);
	is("a long name", rf_open(longest, 0), -ENAMETOOLONG);
	longest[95] = 0;
	is("the longest name", rf_open(longest, 0), -ENOENT);
	is("to open x@", rf_open("x@", 0), -EINVAL);
	is("another kernel's name", rf_open("x@nobody", RF_LISTEN), -EACCES);
	is("an unknown flag", rf_open("test/none", 64), -EINVAL);
	is("listen and wait", rf_open("test/none", RF_LISTEN | RF_WAIT), -EINVAL);
	is("wait, in vain", rf_open_wait("test/none", RF_WAIT, 50), -ETIMEDOUT);
	is("a small buffer", rf_listen("test/bad", 0, 4096, 0), -EINVAL);
	is("a large one", rf_listen("test/bad", 0, 32 << 20, 0), -EINVAL);
	is("an odd one", rf_listen("test/bad", 0, 100001, 0), -EINVAL);
	is("a long backlog", rf_listen("test/bad", 0, 0, 100000), -EINVAL);
	o.flags = RF_LISTEN;
	o.pad[2] = 1;
	is("padding", raw(gate, RF_IOC_OPEN, &o), -EINVAL);
	o.pad[2] = 0;
	o.timeout_ms = 5;
	is("a timeout without RF_WAIT", raw(gate, RF_IOC_OPEN, &o), -EINVAL);
	memset(o.name, 'x', sizeof(o.name));
	is("a name without an end", raw(gate, RF_IOC_OPEN, &o), -EINVAL);
	is("nowhere", raw(gate, RF_IOC_OPEN, (void *)8), -EFAULT);
	is("an unknown ioctl", raw(gate, 0x5277, &o), -ENOTTY);
	is("a read of the device", rf_read(gate, buf, 1), -EINVAL);
	is("info of the device", rf_info(gate, &info), -ENOTTY);
	is("accept of the device", rf_accept(gate, 0, NULL), -ENOTTY);
	is("accept of a file", rf_accept(0, 0, NULL), -ENOTTY);
	is("accept of nothing", rf_accept(99, 0, NULL), -EBADF);
	is("map of nothing", rf_map(99, &size, PROT_READ) ? 0 : -errno, -EBADF);
	is("grant of nothing", rf_grant(99, "*", 1), -EBADF);

	l = must_open("test/bad", RF_LISTEN | RF_NONBLOCK);
	is("the name again", rf_open("test/bad", RF_LISTEN), -EEXIST);
	is("accept when nobody is there", rf_accept(l, 0, NULL), -EAGAIN);
	is("read of a listener", rf_read(l, buf, 1), -ENOTCONN);
	is("write of a listener", rf_write(l, buf, 1), -ENOTCONN);
	is("map of a listener", rf_map(l, &size, PROT_READ) ? 0 : -errno, -ENOTCONN);
	is("unknown rights", rf_grant(l, "*", 16), -EINVAL);
	is("to map writable what can't be read", rf_grant(l, "*", RF_MAY_MAP_WRITE), -EINVAL);
	is("to nobody", rf_grant(l, "", 1), -EINVAL);
	g.pad = 1;
	is("padding", raw(l, RF_IOC_GRANT, &g), -EINVAL);
	memset(g.peer, 'x', sizeof(g.peer));
	g.pad = 0;
	is("a peer without an end", raw(l, RF_IOC_GRANT, &g), -EINVAL);
	a.flags = RF_WAIT;
	is("accept with an unknown flag", raw(l, RF_IOC_ACCEPT, &a), -EINVAL);
	a.flags = 0;
	a.peer[3] = 1;
	is("accept with something in peer", raw(l, RF_IOC_ACCEPT, &a), -EINVAL);

	c = must_open("test/bad", RF_NONBLOCK);
	check(events(l, POLLIN, 1000) & POLLIN, "poll: somebody is there");
	fd = rf_accept(l, 0, self);
	check(fd >= 0, "he is accepted, from %s", self);
	is("accept of a channel", rf_accept(c, 0, NULL), -EINVAL);
	is("grant of a channel", rf_grant(c, "*", 1), -EINVAL);
	m.pad = 1;
	is("padding", raw(c, RF_IOC_MAP, &m), -EINVAL);
	m.pad = 0;
	m.size = 0;
	is("a map of nothing", raw(c, RF_IOC_MAP, &m), -EINVAL);
	m.size = 1ULL << 40;
	is("a map of a TiB", raw(c, RF_IOC_MAP, &m), -EINVAL);
	check(mmap(NULL, 4096, PROT_READ, MAP_SHARED, c, 0) == MAP_FAILED && errno == ENODEV,
	      "mmap before there is a map");
	rf_close(l);
	is("the name is free", rf_open("test/bad", 0), -ENOENT);
	is("who was accepted stays", rf_write(c, "hello", 5), 5);
	is("  and is heard", rf_read(fd, buf, 10), 5);
	is("a message is left", rf_write(fd, "hello", 5), 5);
	check(events(c, POLLIN, 1000) & POLLIN, "  and comes");
	rf_close(c);
	is("who leaves it resets the other", rf_read(fd, buf, 10), -ECONNRESET);
	rf_close(fd);

	/* who was not accepted */
	l = rf_listen("test/bad", RF_NONBLOCK, 0, 2);
	c = must_open("test/bad", 0);
	fd = must_open("test/bad", 0);
	is("one more than the backlog", rf_open("test/bad", 0), -ECONNREFUSED);
	rf_close(l);
	is("they are told", rf_read(c, buf, 10), -ECONNRESET);
	is("both", rf_read(fd, buf, 10), -ECONNRESET);
	rf_close(c);
	rf_close(fd);

	memset(&s, 0, sizeof(s));
	for (fd = 0; !rf_service_next(&s); )
		fd += !!strstr(s.name, "test/bad");
	check(!fd, "nothing is left in the registry");
	return failed;
}

int try_open(const char *name)
{
	struct rf_com_ioc_info info = { 0 };
	int fd = rf_open(name, 0);

	if (fd >= 0)
		rf_info(fd, &info);
	printf("%s: ", name);
	if (fd < 0)
		printf("%s\n", strerrorname_np(-fd));
	else
		printf("open, rights %u\n", info.rights);
	return fd < 0;
}

/* What the rights of a channel keep from being done */
int rights(const char *name)
{
	int fd = must_open(name, 0);
	struct rf_com_ioc_info info;
	size_t size = 4096;
	void *p;

	rf_info(fd, &info);
	printf("rights %u\n", info.rights);
	is("write", rf_write(fd, "e", 1), info.rights & RF_MAY_WRITE ? 1 : -EACCES);
	if (!(info.rights & RF_MAY_READ))
		is("read", rf_read(fd, buf, 10), -EACCES);
	p = rf_map(fd, &size, PROT_READ);
	is("map", p ? 0 : -errno, info.rights & RF_MAY_MAP ? 0 : -EACCES);
	if (p) {
		is("make it writable", mprotect(p, size, PROT_READ | PROT_WRITE) ? -errno : 0,
		   info.rights & RF_MAY_MAP_WRITE ? 0 : -EACCES);
		is("map writable", rf_map(fd, &size, PROT_READ | PROT_WRITE) ? 0 : -errno,
		   info.rights & RF_MAY_MAP_WRITE ? 0 : -EACCES);
	}
	rf_close(fd);
	return failed;
}
