/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packs what a subOS boots into: the user's root file system, and a small
 * archive with PID 1 (rf-init), the modules it loads and its instructions.
 *
 * The result is up to RF_PACK_MAX_FDS open files, to be passed in this order
 * as initrd-fd of subos-load. The kernel lays them one behind the other, each
 * at a multiple of 4 bytes, and unpacks all of them; a later file replaces an
 * earlier one of the same name. The subOS is to be booted with
 * "rdinit=/.rf/init".
 */
#ifndef _LIBRF_PACK_H
#define _LIBRF_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RF_PACK_MAX_FDS		2
#define RF_PACK_RDINIT		"/.rf/init"
#define RF_PACK_LIBDIR		"/usr/lib/rainforest"

/*
 * Zero it, then set what is wanted: at most one of @rootfs, @initrd and @bin.
 * None of them gives a root with nothing but its standard directories.
 */
struct rf_pack {
	const char *rootfs;	/* a folder: packed whole, but no other mounts below it */
	const char *initrd;	/* a file: passed on as it is */
	const char *bin;	/* a program: packed with its libraries or interpreter */
	const char *const *include; /* with bin or rootfs: files and folders to add */
	size_t n_include;

	/*
	 * The command. With @bin: its arguments, without the program's name.
	 * Else argv[0] is looked up in the subOS's PATH. Empty without @bin:
	 * the initrd's own init runs; in a rootfs, a login shell on the
	 * console, unless @no_shell.
	 */
	const char *const *argv;
	size_t argc;
	const char *init;	/* run this as PID 1, instead of a command */
	bool no_shell;

	const char *hostname;	/* NULL: "localhost" */
	const char *cwd;	/* NULL: "/" */
	const char *const *env;	/* "NAME=VALUE", on top of PATH, HOME, TERM */
	size_t n_env;

	/*
	 * NULL: RF_PACK_LIBDIR. Has rf-init, and the modules that a subOS
	 * loads: those named in its file modules.order, one a line, as a path
	 * from libdir; without that file ficm.ko and suboscon.ko, if there.
	 */
	const char *libdir;

	/* Both may be NULL. @what is the file in work, bytes are of content. */
	void (*progress)(void *ctx, uint64_t done, uint64_t total, const char *what);
	/* Something was left out, or done in another way: one line, no "\n". */
	void (*note)(void *ctx, const char *msg);
	void *ctx;
};

/**
 * rf_pack() - make the initramfs files of a subOS
 * @p: what to pack
 * @fds: room for RF_PACK_MAX_FDS; the caller closes them. Sealed memfds, or
 *	@initrd opened for reading. Position 0.
 * @nfds: how many there are
 * @err: takes one line that says what went wrong, without "\n"
 * @errlen: bytes in @err
 *
 * Return: 0, or -errno with @err set and no file left open: -EINVAL for
 * contradictory members, -ENOEXEC for a program that is neither x86-64 ELF
 * nor a script, -ENOENT for a missing file, library or interpreter, -EACCES
 * for one that can't be read, -EFBIG for a file of 4 GiB or more, -ENOMEM, or
 * what a system call said.
 */
int rf_pack(const struct rf_pack *p, int fds[RF_PACK_MAX_FDS], int *nfds,
	    char *err, size_t errlen);

#endif /* _LIBRF_PACK_H */
