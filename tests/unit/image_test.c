// SPDX-License-Identifier: GPL-2.0
/* Kernel images, good and bad: librf/image.c */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

#include "rf.h"

static struct rf *rf;

static int setup(void **state)
{
	(void)state;
	return rf_new(&rf);
}

static int teardown(void **state)
{
	(void)state;
	rf_free(rf);
	return 0;
}

/* A file of @size bytes that begins with @head */
static int file_of(const void *head, size_t n, size_t size)
{
	int fd = memfd_create("image", 0);

	assert_true(fd >= 0);
	assert_int_equal(n, write(fd, head, n));
	assert_int_equal(0, ftruncate(fd, size));
	return fd;
}

/* Checks and closes; the words of the refusal must hold @want_text */
static void check(int fd, size_t size, int want, const char *want_text)
{
	struct rf_kernel k = { .fd = fd, .size = size };

	assert_int_equal(want, rf_kernel_check(rf, "image", &k));
	if (want)
		assert_non_null(strstr(rf_strerror(rf), want_text));
	else
		assert_non_null(strstr(k.kind, want_text));
	close(k.fd);
}

struct bz {
	uint8_t sects;
	uint32_t syssize;
	uint16_t version, xloadflags;
};

static void bz_head(const struct bz *b, unsigned char *h)
{
	memset(h, 0, 1024);
	h[0x1f1] = b->sects;
	memcpy(h + 0x1f4, &b->syssize, 4);
	h[0x1fe] = 0x55;
	h[0x1ff] = 0xaa;
	memcpy(h + 0x202, "HdrS", 4);
	memcpy(h + 0x206, &b->version, 2);
	memcpy(h + 0x236, &b->xloadflags, 2);
	memcpy(h + 0x260, &(uint32_t){ 20 << 20 }, 4);
}

static void bzimages(void **state)
{
	static const struct bz good = { 3, 1000, 0x20f, 1 }, narrow = { 3, 1000, 0x20f, 0 },
		old = { 3, 1000, 0x20b, 1 };
	const size_t size = 4 * 512 + 16 * 1000;
	unsigned char h[1024];
	struct rf_kernel k;

	(void)state;
	bz_head(&good, h);
	check(file_of(h, sizeof(h), size), size, 0, "bzImage");
	check(file_of(h, sizeof(h), size - 1), size - 1, -ENOEXEC, "truncated");
	check(file_of(h, 600, 600), 600, -ENOEXEC, "truncated");
	k = (struct rf_kernel){ .fd = file_of(h, sizeof(h), size), .size = size };
	assert_int_equal(0, rf_kernel_check(rf, "image", &k));
	assert_int_equal(20 << 20, k.span);
	close(k.fd);
	bz_head(&narrow, h);
	check(file_of(h, sizeof(h), size), size, -ENOEXEC, "32-bit");
	bz_head(&old, h);
	check(file_of(h, sizeof(h), size), size, -ENOEXEC, "too old");
}

struct elf {
	Elf64_Ehdr e;
	Elf64_Phdr p[2];
};

static const struct elf vmlinux = {
	.e = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC, .e_machine = EM_X86_64,
		.e_phoff = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2,
	},
	.p = {
		{ .p_type = PT_LOAD, .p_offset = 4096, .p_vaddr = 0xffffffff81000000, .p_paddr = 16 << 20, .p_filesz = 4096,
		  .p_memsz = 8192 },
		{ .p_type = PT_LOAD, .p_offset = 8192, .p_paddr = 20 << 20, .p_filesz = 4096,
		  .p_memsz = 1 << 20 },
	},
};
#define VMLINUX_SIZE	12288

static void vmlinuxes(void **state)
{
	struct elf v = vmlinux;
	struct rf_kernel k = { .fd = file_of(&v, sizeof(v), VMLINUX_SIZE), .size = VMLINUX_SIZE };

	(void)state;
	assert_int_equal(0, rf_kernel_check(rf, "image", &k));
	assert_string_equal("vmlinux", k.kind);
	assert_int_equal(5 << 20, k.span);
	close(k.fd);
	check(file_of(&v, sizeof(v), VMLINUX_SIZE - 1), VMLINUX_SIZE - 1, -ENOEXEC, "truncated");
	check(file_of(&v, 60, 60), 60, -ENOEXEC, "truncated");
	check(file_of(&v, sizeof(v) - 8, sizeof(v) - 8), sizeof(v) - 8, -ENOEXEC, "truncated");
}

/* One bad field each, in a good vmlinux */
static void vmlinuxes_bad(void **state)
{
	struct elf v;

	(void)state;
	v = vmlinux;
	v.e.e_ident[EI_CLASS] = ELFCLASS32;
	check(file_of(&v, sizeof(v), VMLINUX_SIZE), VMLINUX_SIZE, -ENOEXEC, "32-bit");
	v = vmlinux;
	v.e.e_machine = EM_AARCH64;
	check(file_of(&v, sizeof(v), VMLINUX_SIZE), VMLINUX_SIZE, -ENOEXEC, "another architecture");
	v = vmlinux;
	v.e.e_ident[EI_DATA] = ELFDATA2MSB;
	check(file_of(&v, sizeof(v), VMLINUX_SIZE), VMLINUX_SIZE, -ENOEXEC, "another architecture");
	v = vmlinux;
	v.e.e_type = ET_REL;
	check(file_of(&v, sizeof(v), VMLINUX_SIZE), VMLINUX_SIZE, -ENOEXEC, "not a kernel");
	v = vmlinux;
	v.e.e_phnum = 0;
	check(file_of(&v, sizeof(v), VMLINUX_SIZE), VMLINUX_SIZE, -ENOEXEC, "not a kernel");
	v = vmlinux;
	v.e.e_phoff = UINT64_MAX - 8;
	check(file_of(&v, sizeof(v), VMLINUX_SIZE), VMLINUX_SIZE, -ENOEXEC, "truncated");
	v = vmlinux;
	v.p[0].p_type = PT_INTERP;
	check(file_of(&v, sizeof(v), VMLINUX_SIZE), VMLINUX_SIZE, -ENOEXEC, "a program");
	v = vmlinux;
	v.p[1].p_offset = UINT64_MAX;
	check(file_of(&v, sizeof(v), VMLINUX_SIZE), VMLINUX_SIZE, -ENOEXEC, "truncated");
	v = vmlinux;
	v.p[1].p_paddr = UINT64_MAX;
	check(file_of(&v, sizeof(v), VMLINUX_SIZE), VMLINUX_SIZE, -ENOEXEC, "bad address");
	v = vmlinux;
	v.p[0].p_vaddr = 4 << 20;
	check(file_of(&v, sizeof(v), VMLINUX_SIZE), VMLINUX_SIZE, -ENOEXEC, "a program");
	v = vmlinux;
	v.p[0].p_type = PT_NOTE;
	v.p[1].p_type = PT_NOTE;
	check(file_of(&v, sizeof(v), VMLINUX_SIZE), VMLINUX_SIZE, -ENOEXEC, "without anything");
}

static void no_kernels(void **state)
{
	static const char text[] = "#!/bin/sh\necho hello\n";
	struct rf_kernel k;

	(void)state;
	check(file_of("", 0, 0), 0, -ENOEXEC, "not a kernel");
	check(file_of(text, sizeof(text), sizeof(text)), sizeof(text), -ENOEXEC, "not a kernel");
	assert_int_equal(-EINVAL, rf_kernel_open(rf, "/no/such/file", &k));
	assert_int_equal(-1, k.fd);
	assert_int_equal(-ENOEXEC, rf_kernel_open(rf, "/", &k));
	assert_int_equal(-ENOEXEC, rf_kernel_open(rf, "/proc/self/exe", &k));
}

/* @filter: of libarchive; -1 when this machine can't pack so */
static int packed(int filter, const void *content, size_t n, size_t pad, size_t *size)
{
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	char *zero = calloc(1, pad);
	int fd = memfd_create("packed", 0);

	assert_non_null(zero);
	archive_write_add_filter(a, filter);
	archive_write_set_format_raw(a);
	assert_int_equal(ARCHIVE_OK, archive_write_open_fd(a, fd));
	archive_entry_set_filetype(entry, AE_IFREG);
	assert_int_equal(ARCHIVE_OK, archive_write_header(a, entry));
	archive_write_data(a, content, n);
	archive_write_data(a, zero, pad);
	archive_write_close(a);
	archive_write_free(a);
	archive_entry_free(entry);
	free(zero);
	*size = lseek(fd, 0, SEEK_END);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void compressed(void **state)
{
	static const int filters[] = { ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_ZSTD,
				       ARCHIVE_FILTER_BZIP2, ARCHIVE_FILTER_LZ4 };
	size_t size, pad = VMLINUX_SIZE - sizeof(vmlinux);
	struct rf_kernel k;
	struct elf v;
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		fd = packed(filters[i], &vmlinux, sizeof(vmlinux), pad, &size);
		k = (struct rf_kernel){ .fd = fd, .size = size };
		assert_int_equal(0, rf_kernel_check(rf, "image", &k));
		assert_string_equal("vmlinux, compressed", k.kind);
		assert_int_equal(VMLINUX_SIZE, k.size);
		close(k.fd);
	}
	fd = packed(ARCHIVE_FILTER_GZIP, &vmlinux, sizeof(vmlinux), pad, &size);
	assert_int_equal(0, ftruncate(fd, size / 2));
	check(fd, size / 2, -ENOEXEC, "truncated");
	fd = packed(ARCHIVE_FILTER_GZIP, "hello", 5, 1, &size);
	check(fd, size, -ENOEXEC, "not a kernel");
	v = vmlinux;
	v.e.e_machine = EM_PPC64;
	fd = packed(ARCHIVE_FILTER_XZ, &v, sizeof(v), pad, &size);
	check(fd, size, -ENOEXEC, "another architecture");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bzimages),
		cmocka_unit_test(vmlinuxes),
		cmocka_unit_test(vmlinuxes_bad),
		cmocka_unit_test(no_kernels),
		cmocka_unit_test(compressed),
	};

	return cmocka_run_group_tests_name("image", tests, setup, teardown);
}
