// SPDX-License-Identifier: GPL-2.0
/* The list of names that will be in the archive. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pack_int.h"

#define MAX_LINKS	40	/* as Linux: symlinks in one path */
#define MAX_DEPTH	512	/* folders in folders */

static size_t hash_path(const char *s)
{
	size_t h = 1469598103934665603ULL;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211ULL;
	return h;
}

static uint32_t *find_slot(struct rf_packer *pk, const char *path)
{
	size_t i = hash_path(path) & (pk->n_slot - 1);

	while (pk->slot[i] && strcmp(pk->item[pk->slot[i] - 1].path, path))
		i = (i + 1) & (pk->n_slot - 1);
	return &pk->slot[i];
}

static int grow(struct rf_packer *pk)
{
	size_t room = pk->room ? pk->room * 2 : 256, i;
	struct rf_item *item;
	uint32_t *slot;

	slot = calloc(room * 2, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	item = realloc(pk->item, room * sizeof(*item));
	if (!item) {
		free(slot);
		return -ENOMEM;
	}
	free(pk->slot);
	pk->slot = slot;
	pk->n_slot = room * 2;
	pk->item = item;
	pk->room = room;
	for (i = 0; i < pk->n; i++)
		*find_slot(pk, item[i].path) = i + 1;
	return 0;
}

struct rf_item *rf_tree_find(struct rf_packer *pk, const char *path)
{
	uint32_t i;

	while (*path == '/')
		path++;
	i = pk->n_slot ? *find_slot(pk, path) : 0;
	return i ? &pk->item[i - 1] : NULL;
}

/* Returns 1 when @path is new, then *out is zero but for its path. */
static int put(struct rf_packer *pk, const char *path, struct rf_item **out)
{
	struct rf_item *it;

	while (*path == '/')
		path++;
	if (!*path || rf_tree_find(pk, path))
		return 0;
	if (pk->n == pk->room && grow(pk))
		return -ENOMEM;
	it = &pk->item[pk->n];
	memset(it, 0, sizeof(*it));
	it->path = strdup(path);
	if (!it->path)
		return -ENOMEM;
	*find_slot(pk, path) = ++pk->n;
	*out = it;
	return 1;
}

int rf_tree_dir(struct rf_packer *pk, const char *path, mode_t mode)
{
	struct rf_item *it;
	int ret = put(pk, path, &it);

	if (ret == 1)
		it->st.st_mode = S_IFDIR | mode;
	return ret < 0 ? ret : 0;
}

int rf_tree_data(struct rf_packer *pk, const char *path, mode_t mode,
		 const char *data, size_t len)
{
	struct rf_item *it;
	int ret = put(pk, path, &it);

	if (ret <= 0)
		return ret;
	it->st.st_mode = S_IFREG | mode;
	it->st.st_size = len;
	it->data = malloc(len + 1);
	if (!it->data)
		return -ENOMEM;
	memcpy(it->data, data, len);
	pk->total += len;
	return 0;
}

static char *read_link(const char *src)
{
	char buf[4096];
	ssize_t n = readlink(src, buf, sizeof(buf));

	if (n == sizeof(buf))
		errno = ENAMETOOLONG;
	if (n < 0 || n == sizeof(buf))
		return NULL;
	return strndup(buf, n);
}

/* @src, whose lstat() is @st, under the name @path */
static int put_src(struct rf_packer *pk, const char *path, const char *src,
		   const struct stat *st)
{
	struct rf_item *it;
	int ret = put(pk, path, &it);

	if (ret <= 0)
		return ret;
	it->st = *st;
	if (S_ISLNK(st->st_mode)) {
		it->data = read_link(src);
		if (!it->data)
			return rf_pack_fail(pk, errno, "%s: %s", src, strerror(errno));
		it->st.st_size = strlen(it->data);
	} else if (S_ISREG(st->st_mode)) {
		it->src = strdup(src);
		if (!it->src)
			return -ENOMEM;
		pk->total += st->st_size;
	}
	return 0;
}

int rf_tree_file(struct rf_packer *pk, const char *path, mode_t mode,
		 const char *src)
{
	struct stat st;

	if (stat(src, &st))
		return rf_pack_fail(pk, errno, "%s: %s", src, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return rf_pack_fail(pk, EINVAL, "%s: not a regular file", src);
	st.st_mode = S_IFREG | mode;
	st.st_uid = 0;
	st.st_gid = 0;
	st.st_nlink = 1;
	return put_src(pk, path, src, &st);
}

/* Cuts the last component off; "" is the root. */
static void to_parent(char *path)
{
	char *slash = strrchr(path, '/');

	*(slash ? slash : path) = '\0';
}

static char *join(const char *a, const char *b, const char *c)
{
	char *s;

	return asprintf(&s, "%s/%s%s%s", a, b, *c ? "/" : "", c) < 0 ? NULL : s;
}

/*
 * Adds what an absolute path leads through, component by component: folders,
 * symlinks and where they point, so that the path resolves in the archive as
 * it does here. *real (may be NULL) becomes the path without symlinks, to be
 * freed; "" for the root. Fails with ENOENT and no text when the file isn't
 * there, so that the caller can say who needed it.
 */
int rf_tree_add(struct rf_packer *pk, const char *path, char **real)
{
	char *cur = strdup(""), *rest = strdup(path), *at = rest, *next, *end;
	int links = 0, ret = -ENOMEM;
	struct stat st;

	if (!cur || !rest)
		goto out;
	for (;;) {
		while (*at == '/')
			at++;
		ret = 0;
		if (!*at)
			break;
		end = strchrnul(at, '/');
		if (*end)
			*end++ = '\0';
		if (!strcmp(at, ".") || !strcmp(at, "..")) {
			if (at[1])
				to_parent(cur);
			at = end;
			continue;
		}
		next = join(cur, at, "");
		ret = -ENOMEM;
		if (!next)
			break;
		if (lstat(next, &st)) {
			ret = -errno;
			free(next);
			break;
		}
		ret = put_src(pk, next, next, &st);
		if (!ret && S_ISLNK(st.st_mode)) {
			char *link = read_link(next), *more;

			free(next);
			ret = -ELOOP;
			if (!link || ++links > MAX_LINKS) {
				free(link);
				break;
			}
			ret = -ENOMEM;
			more = join(link, end, "");
			if (*link == '/')
				*cur = '\0';
			free(link);
			if (!more)
				break;
			free(rest);
			rest = more;
			at = rest;
			continue;
		}
		free(cur);
		cur = next;
		at = end;
		if (ret)
			break;
	}
out:
	free(rest);
	if (!ret && real)
		*real = cur;
	else
		free(cur);
	return ret;
}

static bool is_mount(const char *path)
{
	struct statx sx;

	return !statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, 0, &sx) &&
		sx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT &&
		sx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

static int not_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") && strcmp(d->d_name, "..");
}

static int walk(struct rf_packer *pk, const char *src, const char *path, int depth)
{
	struct dirent **list = NULL;
	char *sub_src, *sub;
	struct stat st;
	int n, i, ret = 0;

	if (depth > MAX_DEPTH)
		return rf_pack_fail(pk, ELOOP, "%s: folders too deep", src);
	n = scandir(*src ? src : "/", &list, not_dots, NULL);
	if (n < 0)
		return rf_pack_fail(pk, errno, "%s: %s", src, strerror(errno));
	for (i = 0; i < n && !ret; i++) {
		sub_src = join(src, list[i]->d_name, "");
		sub = join(path, list[i]->d_name, "");
		if (!sub_src || !sub)
			ret = -ENOMEM;
		else if (lstat(sub_src, &st))
			ret = rf_pack_fail(pk, errno, "%s: %s", sub_src, strerror(errno));
		else
			ret = put_src(pk, sub, sub_src, &st);
		if (!ret && S_ISDIR(st.st_mode)) {
			if (is_mount(sub_src))
				rf_pack_note(pk, "%s: another file system, it is left out",
					     sub_src);
			else
				ret = walk(pk, sub_src, sub, depth + 1);
		}
		free(sub_src);
		free(sub);
	}
	for (i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return ret;
}

/* Adds what is in the folder @src, without it, below the folder @path. */
int rf_tree_walk(struct rf_packer *pk, const char *src, const char *path)
{
	return walk(pk, src, path, 0);
}

void rf_tree_free(struct rf_packer *pk)
{
	size_t i;

	for (i = 0; i < pk->n; i++) {
		free(pk->item[i].path);
		free(pk->item[i].src);
		free(pk->item[i].data);
	}
	free(pk->item);
	free(pk->slot);
	pk->item = NULL;
	pk->slot = NULL;
	pk->n = 0;
	pk->room = 0;
	pk->n_slot = 0;
	pk->done = 0;
	pk->total = 0;
}
