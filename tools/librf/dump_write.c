// SPDX-License-Identifier: GPL-2.0
/* A core file from where the kernel gives it to where it is kept */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rf.h"

#define PIECE		(1 << 20)
#define PAGE		4096

/* Where the bytes go: as they are, with holes for zeroes, or through a compressor */
struct sink {
	int fd;
	bool sparse;
	struct archive *zstd;
	struct archive_entry *entry;
};

static int sink_open(struct sink *s, int fd, bool compress, uint64_t size)
{
	struct stat st;

	s->fd = fd;
	s->sparse = !compress && !fstat(fd, &st) && S_ISREG(st.st_mode);
	if (!compress)
		return 0;
	s->zstd = archive_write_new();
	s->entry = archive_entry_new();
	if (!s->zstd || !s->entry)
		return -ENOMEM;
	archive_entry_set_filetype(s->entry, AE_IFREG);
	archive_entry_set_pathname(s->entry, "vmcore");
	archive_entry_set_size(s->entry, size);
	archive_write_set_bytes_in_last_block(s->zstd, 1);	/* no padding */
	if (archive_write_set_format_raw(s->zstd) != ARCHIVE_OK ||
	    archive_write_add_filter_zstd(s->zstd) != ARCHIVE_OK)
		return -EOPNOTSUPP;
	archive_write_set_filter_option(s->zstd, "zstd", "compression-level", "3");
	if (archive_write_open_fd(s->zstd, fd) != ARCHIVE_OK ||
	    archive_write_header(s->zstd, s->entry) != ARCHIVE_OK)
		return -EIO;
	return 0;
}

static int write_at(const struct sink *s, const char *p, size_t n, uint64_t at)
{
	while (n) {
		ssize_t done = s->sparse ? pwrite(s->fd, p, n, at) : write(s->fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -EIO;
		p += done;
		n -= done;
		at += done;
	}
	return 0;
}

static bool zero(const char *p, size_t n)
{
	return !*p && !memcmp(p, p + 1, n - 1);
}

static int sink_put(struct sink *s, const char *p, size_t n, uint64_t at)
{
	size_t from, to, len;
	int ret = 0;

	if (s->zstd) {
		if (archive_write_data(s->zstd, p, n) == (la_ssize_t)n)
			return 0;
		return archive_errno(s->zstd) > 0 ? -archive_errno(s->zstd) : -EIO;
	}
	if (!s->sparse)
		return write_at(s, p, n, at);
	for (from = 0; from < n && !ret; from = to) {
		for (to = from; to < n; to += len) {
			len = n - to < PAGE ? n - to : PAGE;
			if (zero(p + to, len))
				break;
		}
		if (to > from)
			ret = write_at(s, p + from, to - from, at + from);
		if (to < n)
			to += len;	/* the zeroes that ended it stay a hole */
	}
	return ret;
}

static int sink_close(struct sink *s, uint64_t size, int ret)
{
	if (!ret && s->sparse && ftruncate(s->fd, size))
		ret = -errno;
	if (s->zstd) {
		if (!ret && archive_write_close(s->zstd) != ARCHIVE_OK)
			ret = archive_errno(s->zstd) > 0 ? -archive_errno(s->zstd) : -EIO;
		archive_write_free(s->zstd);
	}
	archive_entry_free(s->entry);
	return ret;
}

/**
 * rf_dump_write() - write what rf_dump_open() gave to a file
 * @rf: the handle
 * @from: the descriptor of the dump
 * @to: a descriptor to write to, at its beginning
 * @w: how; progress, if not NULL, is called now and then and may stop it
 *
 * A regular file gets holes where the memory is zero, unless it is compressed.
 *
 * Return: 0; -ESTALE (it was destroyed meanwhile), -EINTR (stopped), -ENOSPC and what
 * else writing gives.
 */
int rf_dump_write(struct rf *rf, int from, int to, const struct rf_dump_how *w)
{
	struct sink s = { 0 };
	uint64_t at = 0;
	char *buf = malloc(PIECE);
	ssize_t n = 0;
	int ret = buf ? sink_open(&s, to, w->compress, w->size) : -ENOMEM;

	if (ret)
		rf_error(rf, ret, "compressing: %s", strerror(-ret));
	while (!ret && at < w->size) {
		if (w->progress && !w->progress(at, w->arg)) {
			ret = rf_error(rf, -EINTR, "interrupted");
			break;
		}
		n = pread(from, buf, PIECE, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			ret = n ? -errno : -ESTALE;
			rf_error(rf, ret, ret == -ESTALE ? "it was destroyed while it was read" :
				 "reading its memory: %s", strerror(-ret));
			break;
		}
		ret = sink_put(&s, buf, n, at);
		if (ret)
			rf_error(rf, ret, "writing: %s", strerror(-ret));
		at += n;
	}
	n = sink_close(&s, w->size, ret);
	if (n && !ret)
		ret = rf_error(rf, n, "writing: %s", strerror(-n));
	free(buf);
	return ret;
}
