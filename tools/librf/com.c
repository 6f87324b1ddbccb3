// SPDX-License-Identifier: GPL-2.0
/* RFcom: /dev/rfcom as functions. See linux/rfcom.h and rf_open(3). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "com.h"

static int gate(unsigned long cmd, void *arg)
{
	int fd = open(RF_COM_DEVICE, O_RDWR | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = ioctl(fd, cmd, arg);
	if (ret < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static int open_ioc(const char *name, struct rf_com_ioc_open *o)
{
	size_t len = strlen(name);

	if (len >= sizeof(o->name))
		return -ENAMETOOLONG;
	memcpy(o->name, name, len + 1);
	return gate(RF_IOC_OPEN, o);
}

/**
 * rf_open() - open a channel to a service, or register one
 * @name: of the service
 * @flags: RF_LISTEN, RF_WAIT (for ever), RF_NONBLOCK, RF_CLOEXEC
 *
 * Return: a descriptor, for rf_close(); -ENOENT (no such service, or no RFcom
 * here), -EACCES (no grant; another kernel's name; not root), -EEXIST, -EINVAL,
 * -ENAMETOOLONG, -ECONNREFUSED, -EBUSY, -EDQUOT (too many names), -ETIMEDOUT,
 * -EINTR, ...
 */
int rf_open(const char *name, unsigned int flags)
{
	return rf_open_wait(name, flags, -1);
}

/**
 * rf_open_wait() - the same, and wait for as long at most
 * @name: of the service
 * @flags: as for rf_open()
 * @timeout_ms: with RF_WAIT; negative: for ever
 *
 * Return: as rf_open().
 */
int rf_open_wait(const char *name, unsigned int flags, int timeout_ms)
{
	struct rf_com_ioc_open o = {
		.flags = flags,
		.timeout_ms = flags & RF_WAIT ? timeout_ms : 0,
	};

	return open_ioc(name, &o);
}

/**
 * rf_listen() - register a service
 * @name: of the service
 * @flags: RF_NONBLOCK, RF_CLOEXEC
 * @buffer: bytes of a message at most; 0: RF_COM_BUFFER_DEFAULT
 * @backlog: clients that wait to be accepted, at most; 0: 128
 *
 * Return: as rf_open().
 */
int rf_listen(const char *name, unsigned int flags, unsigned int buffer, unsigned int backlog)
{
	struct rf_com_ioc_open o = {
		.flags = flags | RF_LISTEN, .buffer = buffer, .backlog = backlog,
	};

	return open_ioc(name, &o);
}

/**
 * rf_close() - close a channel or listener
 * @fd: the descriptor
 *
 * Return: 0, -EBADF.
 */
int rf_close(int fd)
{
	return close(fd) ? -errno : 0;
}

/**
 * rf_accept() - take the next client of a service
 * @fd: the listener
 * @flags: RF_NONBLOCK, RF_CLOEXEC: of the new descriptor
 * @peer: RF_COM_PEER_LEN bytes, where the name of its kernel is put; or NULL
 *
 * Return: a descriptor; -EAGAIN (the listener doesn't block), -EINTR, -EINVAL.
 */
int rf_accept(int fd, unsigned int flags, char *peer)
{
	struct rf_com_ioc_accept a = { .flags = flags };
	int ret = ioctl(fd, RF_IOC_ACCEPT, &a);

	if (ret < 0)
		return -errno;
	if (peer)
		memcpy(peer, a.peer, sizeof(a.peer));
	return ret;
}

/**
 * rf_grant() - let a kernel's programs use a service
 * @fd: the listener
 * @peer: name of a subOS, "supervisor", or "*" for each kernel
 * @rights: RF_MAY_*; 0: none any more
 *
 * Return: 0, -EINVAL, -ENAMETOOLONG, -ENOSPC (16 peers have one), -ETIMEDOUT,
 * -EINTR.
 */
int rf_grant(int fd, const char *peer, unsigned int rights)
{
	struct rf_com_ioc_grant g = { .rights = rights };
	size_t len = strlen(peer);

	if (len >= sizeof(g.peer))
		return -ENAMETOOLONG;
	memcpy(g.peer, peer, len + 1);
	return ioctl(fd, RF_IOC_GRANT, &g) ? -errno : 0;
}

/**
 * rf_info() - what a descriptor is
 * @fd: a channel or listener
 * @info: out
 *
 * Return: 0, -EBADF, -ENOTTY (neither).
 */
int rf_info(int fd, struct rf_com_ioc_info *info)
{
	return ioctl(fd, RF_IOC_INFO, info) ? -errno : 0;
}

/**
 * rf_read() - take a message
 * @fd: a channel
 * @to: where to
 * @len: bytes of it
 *
 * Return: the message's length; 0: the other end has closed, and all was read;
 * -EMSGSIZE: it is longer than @len, and stays; -ECONNRESET: the other end is
 * dead; -EAGAIN, -EINTR, -EACCES, -EFAULT, ...
 */
ssize_t rf_read(int fd, void *to, size_t len)
{
	ssize_t n = read(fd, to, len);

	return n < 0 ? -errno : n;
}

/**
 * rf_write() - send a message
 * @fd: a channel
 * @from: the message
 * @len: of it, at least 1
 *
 * Return: @len; or nothing was sent: -EMSGSIZE, -EPIPE: the other end has closed;
 * -ECONNRESET: it is dead; -EAGAIN, -EINTR, -EACCES, -EFAULT, ...
 */
ssize_t rf_write(int fd, const void *from, size_t len)
{
	ssize_t n = write(fd, from, len);

	return n < 0 ? -errno : n;
}

/**
 * rf_map() - map the memory that both ends of a channel share
 * @fd: a channel
 * @size: in: bytes at least: who comes first decides; out: what it has
 * @prot: PROT_READ, PROT_WRITE
 *
 * When the other end closes or dies, touching it is a SIGBUS.
 *
 * Return: where, for rf_unmap(); NULL with errno: EACCES, EINVAL, ENOMEM, EDQUOT,
 * ETIMEDOUT, EPIPE, ECONNRESET, ...
 */
void *rf_map(int fd, size_t *size, int prot)
{
	struct rf_com_ioc_map m = { .size = *size };
	void *at;

	if (ioctl(fd, RF_IOC_MAP, &m))
		return NULL;
	at = mmap(NULL, m.size, prot, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return NULL;
	*size = m.size;
	return at;
}

/**
 * rf_unmap() - unmap it
 * @addr: as rf_map() returned it
 * @size: as rf_map() told it
 *
 * The other end has it until the channel is closed.
 *
 * Return: 0, -EINVAL.
 */
int rf_unmap(void *addr, size_t size)
{
	return munmap(addr, size) ? -errno : 0;
}

/**
 * rf_service_next() - the next service of the registry
 * @s: in: serial, 0 or of the one before; out: all of it
 *
 * Return: 0; -ENOENT: there are no more; -EOPNOTSUPP: not in a subOS.
 */
int rf_service_next(struct rf_com_ioc_service *s)
{
	return gate(RF_IOC_SERVICES, s);
}
