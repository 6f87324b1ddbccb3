// SPDX-License-Identifier: GPL-2.0
/*
 * Writes the names of a tree as a cpio archive (newc) into a memfd.
 *
 * Uncompressed, because a subOS unpacks it while somebody waits. The bytes
 * depend on the files alone: names are sorted, inode numbers are our own.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pack_int.h"

#define CHUNK		0x100000	/* bytes written at once */
#define MAX_FILE	0xffffffffLL	/* the format has eight hex digits */

static int by_path(const void *a, const void *b)
{
	const struct rf_item *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static int by_inode(const void *a, const void *b)
{
	const struct rf_item *x = *(struct rf_item * const *)a;
	const struct rf_item *y = *(struct rf_item * const *)b;

	if (x->st.st_dev != y->st.st_dev)
		return x->st.st_dev < y->st.st_dev ? -1 : 1;
	if (x->st.st_ino != y->st.st_ino)
		return x->st.st_ino < y->st.st_ino ? -1 : 1;
	return (x > y) - (x < y);
}

static bool is_linked(const struct rf_item *it)
{
	return S_ISREG(it->st.st_mode) && it->st.st_nlink > 1;
}

/*
 * Hard links: one inode number for all names, content at the last of them.
 * Links from outside the archive don't count.
 */
static int number_inodes(struct rf_packer *pk)
{
	struct rf_item **link;
	size_t n = 0, i, j, k;

	link = calloc(pk->n + 1, sizeof(*link));
	if (!link)
		return -ENOMEM;
	for (i = 0; i < pk->n; i++) {
		pk->item[i].ino = i + 1;
		if (is_linked(&pk->item[i]))
			link[n++] = &pk->item[i];
		else
			pk->item[i].st.st_nlink = 1;
	}
	qsort(link, n, sizeof(*link), by_inode);
	for (i = 0; i < n; i = j) {
		for (j = i + 1; j < n; j++)
			if (link[j]->st.st_dev != link[i]->st.st_dev ||
			    link[j]->st.st_ino != link[i]->st.st_ino)
				break;
		for (k = i; k < j; k++) {
			link[k]->ino = link[i]->ino;
			link[k]->st.st_nlink = j - i;
			if (k == j - 1)
				break;
			pk->total -= link[k]->st.st_size;
			link[k]->st.st_size = 0;
			free(link[k]->src);
			link[k]->src = NULL;
		}
	}
	free(link);
	return 0;
}

static void progress(struct rf_packer *pk, const char *what)
{
	if (pk->p->progress)
		pk->p->progress(pk->p->ctx, pk->done, pk->total, what);
}

static int write_data(struct rf_packer *pk, struct archive *a,
		      const struct rf_item *it, const char *buf, size_t len)
{
	if (archive_write_data(a, buf, len) != (la_ssize_t)len)
		return rf_pack_fail(pk, archive_errno(a) > 0 ? archive_errno(a) : EIO,
				    "%s: %s", it->path, archive_error_string(a));
	pk->done += len;
	return 0;
}

/* Exactly the bytes that the header has promised. */
static int copy_file(struct rf_packer *pk, struct archive *a,
		     const struct rf_item *it, int fd, char *buf)
{
	uint64_t left = it->st.st_size;
	ssize_t n;
	int ret;

	while (left) {
		n = read(fd, buf, left < CHUNK ? left : CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return rf_pack_fail(pk, errno, "%s: %s", it->src, strerror(errno));
		if (!n)
			return rf_pack_fail(pk, EAGAIN, "%s: became shorter while it was read",
					    it->src);
		ret = write_data(pk, a, it, buf, n);
		if (ret)
			return ret;
		left -= n;
		progress(pk, it->path);
	}
	return 0;
}

static int write_header(struct rf_packer *pk, struct archive *a,
			struct archive_entry *e, const struct rf_item *it)
{
	archive_entry_clear(e);
	archive_entry_copy_pathname(e, it->path);
	archive_entry_set_mode(e, it->st.st_mode);
	archive_entry_set_uid(e, it->st.st_uid);
	archive_entry_set_gid(e, it->st.st_gid);
	archive_entry_set_mtime(e, it->st.st_mtime > 0 ? it->st.st_mtime : 0, 0);
	archive_entry_set_nlink(e, it->st.st_nlink);
	archive_entry_set_ino(e, it->ino);
	archive_entry_set_size(e, S_ISREG(it->st.st_mode) ? it->st.st_size : 0);
	if (S_ISCHR(it->st.st_mode) || S_ISBLK(it->st.st_mode))
		archive_entry_set_rdev(e, it->st.st_rdev);
	if (S_ISLNK(it->st.st_mode))
		archive_entry_copy_symlink(e, it->data);
	if (archive_write_header(a, e) != ARCHIVE_OK)
		return rf_pack_fail(pk, archive_errno(a) > 0 ? archive_errno(a) : EIO,
				    "%s: %s", it->path, archive_error_string(a));
	return 0;
}

static int write_item(struct rf_packer *pk, struct archive *a,
		      struct archive_entry *e, struct rf_item *it, char *buf)
{
	struct stat st;
	int fd = -1, ret;

	if (it->src) {
		fd = open(it->src, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0 || fstat(fd, &st))
			ret = rf_pack_fail(pk, errno, "%s: %s", it->src, strerror(errno));
		else if (!S_ISREG(st.st_mode))
			ret = rf_pack_fail(pk, EAGAIN, "%s: changed while it was packed", it->src);
		else if (st.st_size > MAX_FILE)
			ret = rf_pack_fail(pk, EFBIG, "%s: 4 GiB or more can't be in an initramfs",
					   it->src);
		else
			ret = 0;
		if (ret)
			goto out;
		pk->total += st.st_size - it->st.st_size;
		it->st.st_size = st.st_size;
	}
	ret = write_header(pk, a, e, it);
	if (!ret && it->src)
		ret = copy_file(pk, a, it, fd, buf);
	else if (!ret && S_ISREG(it->st.st_mode) && it->st.st_size)
		ret = write_data(pk, a, it, it->data, it->st.st_size);
out:
	if (fd >= 0)
		close(fd);
	return ret;
}

static int write_all(struct rf_packer *pk, int fd)
{
	struct archive_entry *e = archive_entry_new();
	struct archive *a = archive_write_new();
	char *buf = malloc(CHUNK);
	int ret = -ENOMEM;
	size_t i;

	if (!e || !a || !buf)
		goto out;
	if (archive_write_set_format_cpio_newc(a) ||
	    archive_write_set_bytes_per_block(a, CHUNK) ||
	    archive_write_set_bytes_in_last_block(a, 1) ||
	    archive_write_open_fd(a, fd)) {
		ret = rf_pack_fail(pk, EIO, "libarchive: %s", archive_error_string(a));
		goto out;
	}
	ret = 0;
	for (i = 0; i < pk->n && !ret; i++)
		ret = write_item(pk, a, e, &pk->item[i], buf);
	if (ret)
		archive_write_fail(a);
	else if (archive_write_close(a) != ARCHIVE_OK)
		ret = rf_pack_fail(pk, archive_errno(a) > 0 ? archive_errno(a) : EIO,
				   "writing the archive: %s", archive_error_string(a));
out:
	archive_write_free(a);
	archive_entry_free(e);
	free(buf);
	return ret;
}

int rf_cpio_write(struct rf_packer *pk, const char *name, int *out)
{
	int fd, ret;

	free(pk->slot);
	pk->slot = NULL;
	pk->n_slot = 0;
	if (pk->n)
		qsort(pk->item, pk->n, sizeof(*pk->item), by_path);
	ret = number_inodes(pk);
	if (ret)
		return ret;
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return rf_pack_fail(pk, errno, "memfd_create: %s", strerror(errno));
	ret = write_all(pk, fd);
	if (!ret && (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK |
			   F_SEAL_GROW | F_SEAL_WRITE) || lseek(fd, 0, SEEK_SET)))
		ret = rf_pack_fail(pk, errno, "memfd: %s", strerror(errno));
	if (ret)
		close(fd);
	else
		*out = fd;
	return ret;
}
