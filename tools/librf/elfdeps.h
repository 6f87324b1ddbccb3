/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an ELF file needs in order to run: interpreter, shared libraries, and
 * where it says they are. The file is not trusted: every offset is bounded.
 */
#ifndef _LIBRF_ELFDEPS_H
#define _LIBRF_ELFDEPS_H

#include <stddef.h>
#include <stdint.h>

struct rf_elf {
	char *interp;		/* NULL for a library or a static program */
	char *rpath;		/* DT_RPATH, NULL when absent or overridden */
	char *runpath;		/* DT_RUNPATH, NULL when absent */
	char **needed;		/* DT_NEEDED, in order */
	size_t n_needed;
};

/**
 * rf_elf_read() - read the dependencies of an ELF file
 * @fd: the file, open for reading; its position isn't used
 * @elf: filled in; to be given to rf_elf_free() on success
 * @why: on -ENOEXEC what is wrong with the file, a constant
 *
 * Return: 0, -ENOEXEC (no x86-64 program or library, or a damaged one),
 * -ENOMEM, or the error of read(2).
 */
int rf_elf_read(int fd, struct rf_elf *elf, const char **why);
void rf_elf_free(struct rf_elf *elf);

/*
 * /etc/ld.so.cache: calls @found for each path that is listed for the library
 * @soname, until it returns non-zero, which is then returned. Paths come with
 * @hwcaps set when they are for some CPUs only. Returns 0 at the end, and for
 * a cache that is empty, of an unknown form or damaged.
 */
int rf_ldcache_find(const char *cache, size_t len, const char *soname,
		    int (*found)(void *ctx, const char *path, int hwcaps),
		    void *ctx);

#endif /* _LIBRF_ELFDEPS_H */
