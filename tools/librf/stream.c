// SPDX-License-Identifier: GPL-2.0
/* Consoles and streams, through /dev/rainforest. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/rainforest_console.h>

#include "internal.h"

/**
 * rf_attach() - open one stream of a subOS
 * @rf: the handle
 * @name: its name
 * @stream: RF_STREAM_*
 * @flags: RF_ATTACH_*
 * @lost: where the number of lost bytes is put, or NULL
 *
 * Return: a descriptor that does not block, the caller's to close; -EPERM,
 * -EOPNOTSUPP (no module), -ENOENT, -EBUSY (it has a reader).
 */
int rf_attach(struct rf *rf, const char *name, unsigned int stream,
	      unsigned int flags, uint64_t *lost)
{
	static const char *const what[] = { "console", "stdin", "stdout", "stderr" };
	struct rf_attach a = { .stream = stream, .flags = flags };
	int mode, fd, err;

	mode = stream == RF_STREAM_CONSOLE ? O_RDWR :
	       stream == RF_STREAM_STDIN ? O_WRONLY : O_RDONLY;
	fd = open(RF_DEVICE, mode | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		err = -errno;
		if (err == -ENOENT || err == -ENXIO || err == -ENODEV)
			return rf_no_module(rf);
		return rf_error(rf, err, "%s: %s", RF_DEVICE, strerror(-err));
	}
	memcpy(a.name, name, strnlen(name, sizeof(a.name) - 1));
	if (ioctl(fd, RF_IOC_ATTACH, &a)) {
		err = -errno;
		close(fd);
		if (err == -ENOENT)
			return rf_error(rf, err, "no subOS \"%s\"", name);
		if (err == -ENODATA)
			return rf_error(rf, -ENOENT, "%s has had no life before this one, or its console is not kept",
					name);
		if (err == -EBUSY)
			return rf_error(rf, err, "the %s of %s has a reader already",
					stream < 4 ? what[stream] : "stream", name);
		return rf_error(rf, err, "%s of %s: %s",
				stream < 4 ? what[stream] : "stream", name, strerror(-err));
	}
	if (lost)
		*lost = a.lost;
	return fd;
}
