// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel images: recognised, checked and, where rfcontroller can't do it
 * itself, unpacked, all before anything is reserved. rfcontroller checks
 * again what it is given: nothing depends on this file for safety.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "internal.h"

#define UNPACKED_MAX	(1024ULL << 20)	/* bytes; a vmlinux with debug info has 400 MB */

/* Offsets in a bzImage: Documentation/arch/x86/boot.rst */
#define BZ_SETUP_SECTS	0x1f1
#define BZ_SYSSIZE	0x1f4
#define BZ_BOOT_FLAG	0x1fe
#define BZ_HEADER	0x202
#define BZ_VERSION	0x206
#define BZ_XLOADFLAGS	0x236
#define BZ_INIT_SIZE	0x260
#define BZ_HEAD		0x268	/* bytes looked at */
#define XLF_KERNEL_64	1

#define KERNEL_MAP	0xffffffff80000000UL	/* where every x86-64 vmlinux is linked */

static uint32_t le(const unsigned char *p, int bytes)
{
	uint32_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

static bool is_bzimage(const unsigned char *h, size_t n)
{
	return n >= BZ_VERSION && le(h + BZ_BOOT_FLAG, 2) == 0xaa55 &&
	       !memcmp(h + BZ_HEADER, "HdrS", 4);
}

static int check_bzimage(struct rf *rf, const char *path, const unsigned char *h, size_t n,
			 struct rf_kernel *k)
{
	uint64_t sects = h[BZ_SETUP_SECTS] ?: 4;
	uint64_t want = (sects + 1) * 512 + 16ULL * le(h + BZ_SYSSIZE, 4);

	k->kind = "bzImage";
	if (n < BZ_HEAD)
		return rf_error(rf, -ENOEXEC, "%s: truncated: no whole header", path);
	if (le(h + BZ_VERSION, 2) < 0x20c)
		return rf_error(rf, -ENOEXEC, "%s: boot protocol %u.%02u, 2.12 is needed: too old",
				path, h[BZ_VERSION + 1], h[BZ_VERSION]);
	if (!(le(h + BZ_XLOADFLAGS, 2) & XLF_KERNEL_64))
		return rf_error(rf, -ENOEXEC, "%s: a 32-bit kernel: an x86-64 one is needed", path);
	if (k->size < want)
		return rf_error(rf, -ENOEXEC, "%s: truncated: %lu bytes of %lu", path, k->size,
				want);
	k->span = le(h + BZ_INIT_SIZE, 4);
	return 0;
}

static int check_elf(struct rf *rf, const char *path, const unsigned char *head,
		     size_t n, struct rf_kernel *k)
{
	const Elf64_Ehdr *e = (const void *)head;
	uint64_t low = UINT64_MAX, high = 0;
	bool kernel_half = false;
	Elf64_Phdr ph;

	if (n > EI_CLASS && head[EI_CLASS] == ELFCLASS32)
		return rf_error(rf, -ENOEXEC, "%s: a 32-bit image: an x86-64 kernel is needed",
				path);
	if (n < sizeof(*e))
		return rf_error(rf, -ENOEXEC, "%s: truncated: no whole ELF header", path);
	if (e->e_ident[EI_CLASS] != ELFCLASS64 || e->e_ident[EI_DATA] != ELFDATA2LSB ||
	    e->e_machine != EM_X86_64)
		return rf_error(rf, -ENOEXEC,
				"%s: for another architecture (ELF machine %u): an x86-64 kernel is needed",
				path, e->e_machine);
	/* programs and libraries are ET_DYN or have an interpreter */
	if (e->e_type != ET_EXEC || !e->e_phnum || e->e_phentsize != sizeof(ph))
		return rf_error(rf, -ENOEXEC, "%s: an ELF file, but not a kernel", path);
	for (int i = 0; i < e->e_phnum; i++) {
		if (pread(k->fd, &ph, sizeof(ph), e->e_phoff + i * sizeof(ph)) != sizeof(ph))
			return rf_error(rf, -ENOEXEC, "%s: truncated: no whole program headers",
					path);
		if (ph.p_type == PT_INTERP)
			return rf_error(rf, -ENOEXEC, "%s: a program, not a kernel", path);
		if (ph.p_type != PT_LOAD)
			continue;
		if (ph.p_filesz > ph.p_memsz || ph.p_offset > k->size ||
		    ph.p_filesz > k->size - ph.p_offset)
			return rf_error(rf, -ENOEXEC,
					"%s: truncated: segment %d ends beyond the file", path, i);
		if (ph.p_paddr + ph.p_memsz < ph.p_paddr)
			return rf_error(rf, -ENOEXEC, "%s: segment %d has a bad address", path, i);
		kernel_half |= ph.p_vaddr >= KERNEL_MAP;
		if (ph.p_paddr < low)
			low = ph.p_paddr;
		if (ph.p_paddr + ph.p_memsz > high)
			high = ph.p_paddr + ph.p_memsz;
	}
	if (!high)
		return rf_error(rf, -ENOEXEC, "%s: an ELF file without anything to load", path);
	/* a static program is ET_EXEC as well */
	if (!kernel_half)
		return rf_error(rf, -ENOEXEC, "%s: a program, not a kernel", path);
	k->span = high - low;
	return 0;
}

static bool is_packed(const unsigned char *h, size_t n)
{
	static const struct {
		const char *magic;
		size_t len;
	} packers[] = {
		{ "\x1f\x8b", 2 },			/* gzip */
		{ "\x28\xb5\x2f\xfd", 4 },		/* zstd */
		{ "\xfd\x37zXZ\0", 6 },		/* xz */
		{ "BZh", 3 },				/* bzip2 */
		{ "\x04\x22\x4d\x18", 4 },		/* lz4 frame */
		{ "\x5d\0\0", 3 },			/* lzma */
	};

	for (size_t i = 0; i < ARRAY_SIZE(packers); i++)
		if (n >= packers[i].len && !memcmp(h, packers[i].magic, packers[i].len))
			return true;
	return false;
}

/* All of what @a unpacks to into @out */
static int copy_out(struct rf *rf, const char *path, struct archive *a, int out, uint64_t *size)
{
	static char buf[1 << 16];
	la_ssize_t n;

	*size = 0;
	while ((n = archive_read_data(a, buf, sizeof(buf))) > 0) {
		if (*size + n > UNPACKED_MAX)
			return rf_error(rf, -EFBIG, "%s: unpacks to more than 1G", path);
		for (la_ssize_t done = 0; done < n; ) {
			ssize_t w = write(out, buf + done, n - done);

			if (w < 0)
				return rf_error(rf, -errno, "%s: %s", path, strerror(errno));
			done += w;
		}
		*size += n;
	}
	if (n < 0)
		return rf_error(rf, -ENOEXEC, "%s: damaged or truncated: %s", path,
				archive_error_string(a));
	return 0;
}

/* Replace k->fd by a memfd with what it unpacks to */
static int unpack(struct rf *rf, const char *path, struct rf_kernel *k)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	int out, ret;

	if (!a)
		return rf_error(rf, -ENOMEM, "out of memory");
	out = memfd_create("rf-vmlinux", MFD_CLOEXEC);
	if (out < 0) {
		ret = rf_error(rf, -errno, "memfd: %s", strerror(errno));
		goto out_archive;
	}
	archive_read_support_filter_all(a);
	archive_read_support_format_raw(a);
	if (archive_read_open_fd(a, k->fd, 1 << 16) != ARCHIVE_OK ||
	    archive_read_next_header(a, &entry) != ARCHIVE_OK)
		ret = rf_error(rf, -ENOEXEC, "%s: damaged or truncated: %s", path,
			       archive_error_string(a));
	else
		ret = copy_out(rf, path, a, out, &k->size);
	if (ret) {
		close(out);
		goto out_archive;
	}
	close(k->fd);
	k->fd = out;
out_archive:
	archive_read_free(a);
	return ret;
}

/**
 * rf_kernel_check() - is an open file a kernel that can be loaded?
 * @rf: the handle
 * @path: its name, for messages
 * @k: fd and size are set; kind and span are filled in. A packed vmlinux is
 *	unpacked, and fd replaced by a file in memory
 *
 * Return: 0; -ENOEXEC for what is no x86-64 bzImage or vmlinux, -EFBIG.
 */
int rf_kernel_check(struct rf *rf, const char *path, struct rf_kernel *k)
{
	union {
		unsigned char bytes[1024];
		Elf64_Ehdr align;
	} h;
	unsigned char *head = h.bytes;
	ssize_t n = pread(k->fd, head, sizeof(h), 0);
	bool packed;
	int ret;

	if (n < 0)
		return rf_error(rf, -EINVAL, "%s: %s", path, strerror(errno));
	if (is_bzimage(head, n))
		return check_bzimage(rf, path, head, n, k);
	packed = is_packed(head, n);
	if (packed) {
		ret = unpack(rf, path, k);
		if (ret)
			return ret;
		n = pread(k->fd, head, sizeof(h), 0);
	}
	if (n < SELFMAG || memcmp(head, ELFMAG, SELFMAG))
		return rf_error(rf, -ENOEXEC, "%s: not a kernel: neither bzImage nor vmlinux",
				path);
	k->kind = packed ? "vmlinux, compressed" : "vmlinux";
	return check_elf(rf, path, head, n, k);
}

/**
 * rf_kernel_open() - open a kernel image for rf_load()
 * @rf: the handle
 * @path: the file
 * @k: filled in; the caller closes fd
 *
 * Return: 0; -EINVAL (no such file), -EACCES, -ENOEXEC, -EFBIG.
 */
int rf_kernel_open(struct rf *rf, const char *path, struct rf_kernel *k)
{
	struct stat st;
	int ret;

	memset(k, 0, sizeof(*k));
	k->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (k->fd < 0)
		return rf_error(rf, errno == EACCES ? -EACCES : -EINVAL, "kernel %s: %s",
				path, strerror(errno));
	if (fstat(k->fd, &st) || !S_ISREG(st.st_mode)) {
		ret = rf_error(rf, -ENOEXEC, "%s: not a kernel: not a regular file", path);
	} else {
		k->size = st.st_size;
		ret = rf_kernel_check(rf, path, k);
	}
	if (ret) {
		close(k->fd);
		k->fd = -1;
	}
	return ret;
}
