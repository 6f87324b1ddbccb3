/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the files of the packer; nothing here is for its callers. */
#ifndef _LIBRF_PACK_INT_H
#define _LIBRF_PACK_INT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "pack.h"

/* One name in the archive. */
struct rf_item {
	char *path;		/* without a leading slash */
	char *src;		/* where its content is, or NULL */
	char *data;		/* with src NULL: content or target of a symlink */
	struct stat st;
	uint32_t ino;		/* set when the archive is written */
	bool scanned;		/* its libraries have been looked for */
};

struct rf_packer {
	const struct rf_pack *p;
	char *err;
	size_t errlen;
	struct rf_item *item;	/* moves when one is added */
	size_t n, room;
	uint32_t *slot;		/* hash of paths: index into item[], plus one */
	size_t n_slot;
	uint64_t done, total;	/* bytes of content */
	char *cache;		/* /etc/ld.so.cache */
	size_t cache_len;
};

/* pack.c: describes the error and returns -@err; reports what is left out */
__attribute__((format(printf, 3, 4)))
int rf_pack_fail(struct rf_packer *pk, int err, const char *fmt, ...);
__attribute__((format(printf, 2, 3)))
void rf_pack_note(struct rf_packer *pk, const char *fmt, ...);
int rf_pack_read(struct rf_packer *pk, const char *path, char **buf, size_t *len);

/* pack_tree.c: a name that is there already stays as it is */
struct rf_item *rf_tree_find(struct rf_packer *pk, const char *path);
int rf_tree_dir(struct rf_packer *pk, const char *path, mode_t mode);
int rf_tree_data(struct rf_packer *pk, const char *path, mode_t mode,
		 const char *data, size_t len);
int rf_tree_file(struct rf_packer *pk, const char *path, mode_t mode,
		 const char *src);
int rf_tree_add(struct rf_packer *pk, const char *path, char **real);
int rf_tree_walk(struct rf_packer *pk, const char *src, const char *path);
void rf_tree_free(struct rf_packer *pk);

/* pack_bin.c */
int rf_bin_add(struct rf_packer *pk, const char *path);
int rf_bin_include(struct rf_packer *pk, const char *path);

/* pack_cpio.c: sorts item[], after which no name can be found or added */
int rf_cpio_write(struct rf_packer *pk, const char *name, int *fd);

#endif /* _LIBRF_PACK_INT_H */
