// SPDX-License-Identifier: GPL-2.0
/*
 * A subOS that rfm has not finished with has a locked file. When rfm is
 * killed the lock goes and the file stays: that is how `rfm recover` tells
 * what was left behind from what another rfm still works on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define RUN_DIR "/run/rainforest"

static void lock_path(const char *name, char *path, size_t len)
{
	snprintf(path, len, RUN_DIR "/%s.lock", name);
}

static int open_lock(const char *path, bool *stale)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
	int fd = open(path, flags | O_CREAT | O_EXCL, 0600);

	*stale = false;
	if (fd >= 0 || errno != EEXIST)
		return fd;
	*stale = true;
	return open(path, flags);
}

/**
 * rf_lock_take() - say that this process works on a subOS
 * @rf: the handle
 * @name: a name that rf_parse_name() accepts
 * @stale: set when an rfm that died had left its file
 *
 * Return: a descriptor for rf_lock_drop(); -EBUSY when another process works
 * on it, -EACCES, -EPERM or what open(2) said.
 */
int rf_lock_take(struct rf *rf, const char *name, bool *stale)
{
	struct stat here, there;
	char path[128];
	int fd, err;

	if (mkdir(RUN_DIR, 0755) && errno != EEXIST)
		return rf_error(rf, -errno, RUN_DIR ": %s", strerror(errno));
	lock_path(name, path, sizeof(path));
	for (;;) {
		fd = open_lock(path, stale);
		if (fd < 0 && errno == ENOENT)
			continue;	/* removed between the two looks */
		if (fd < 0)
			return rf_error(rf, -errno, "%s: %s", path, strerror(errno));
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			err = errno;
			close(fd);
			if (err == EWOULDBLOCK)
				return rf_error(rf, -EBUSY, "another rfm works on %s", name);
			return rf_error(rf, -err, "%s: %s", path, strerror(err));
		}
		/* its last holder may have removed it in between */
		if (!fstat(fd, &here) && !stat(path, &there) &&
		    here.st_ino == there.st_ino && here.st_dev == there.st_dev)
			return fd;
		close(fd);
	}
}

/**
 * rf_lock_drop() - the work is done
 * @name: as taken
 * @fd: of rf_lock_take(); negative does nothing
 * @keep: leave the file: it belongs to what an rfm that died left behind
 */
void rf_lock_drop(const char *name, int fd, bool keep)
{
	char path[128];

	if (fd < 0)
		return;
	lock_path(name, path, sizeof(path));
	if (!keep)
		unlink(path);
	close(fd);
}

/**
 * rf_lock_clear() - a subOS is gone: remove the file of an rfm that died
 * @name: its name
 *
 * Does nothing when a living rfm holds it.
 */
void rf_lock_clear(const char *name)
{
	char path[128];
	int fd;

	lock_path(name, path, sizeof(path));
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		unlink(path);
	close(fd);
}

/**
 * rf_lock_orphan() - was a subOS left behind by an rfm that died?
 * @name: its name
 *
 * Return: 1 it was; 0 some rfm works on it; -ENOENT no rfm does, and none
 * left it.
 */
int rf_lock_orphan(const char *name)
{
	char path[128];
	int fd, ret;

	lock_path(name, path, sizeof(path));
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	ret = flock(fd, LOCK_EX | LOCK_NB) ? 0 : 1;
	close(fd);
	return ret;
}
