// SPDX-License-Identifier: GPL-2.0
/* ELF dependencies and ld.so's cache, whole and damaged. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../tools/librf/elfdeps.h"

/* A small program with all that the reader looks at. */
struct image {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[3];
	char interp[16];
	Elf64_Dyn dyn[7];
	char str[64];
};

#define BASE	0x400000

static const char strings[] = "\0liba.so\0libb.so.2\0$ORIGIN/lib\0/old";

static struct image good(void)
{
	struct image im = {
		.eh = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3,
				     ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_DYN, .e_machine = EM_X86_64,
			.e_phoff = offsetof(struct image, ph),
			.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 3,
		},
		.ph = {
			{ .p_type = PT_LOAD, .p_vaddr = BASE,
			  .p_filesz = sizeof(im), .p_memsz = sizeof(im) },
			{ .p_type = PT_INTERP,
			  .p_offset = offsetof(struct image, interp),
			  .p_filesz = sizeof("/lib/ld.so") },
			{ .p_type = PT_DYNAMIC,
			  .p_offset = offsetof(struct image, dyn),
			  .p_filesz = sizeof(im.dyn) },
		},
		.interp = "/lib/ld.so",
		.dyn = {
			{ DT_NEEDED, { 1 } }, { DT_NEEDED, { 9 } },
			{ DT_RUNPATH, { 19 } }, { DT_RPATH, { 31 } },
			{ DT_STRTAB, { BASE + offsetof(struct image, str) } },
			{ DT_STRSZ, { sizeof(strings) } }, { DT_NULL, { 0 } },
		},
	};

	memcpy(im.str, strings, sizeof(strings));
	return im;
}

static int read_bytes(const void *buf, size_t len, struct rf_elf *elf)
{
	int fd = memfd_create("elf", 0), ret;
	const char *why = NULL;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, buf, len), len);
	ret = rf_elf_read(fd, elf, &why);
	if (ret == -ENOEXEC)
		assert_non_null(why);
	close(fd);
	return ret;
}

static void reads_everything(void **state)
{
	struct image im = good();
	struct rf_elf elf;

	(void)state;
	assert_int_equal(read_bytes(&im, sizeof(im), &elf), 0);
	assert_string_equal(elf.interp, "/lib/ld.so");
	assert_int_equal(elf.n_needed, 2);
	assert_string_equal(elf.needed[0], "liba.so");
	assert_string_equal(elf.needed[1], "libb.so.2");
	assert_string_equal(elf.runpath, "$ORIGIN/lib");
	assert_null(elf.rpath);
	rf_elf_free(&elf);
}

static void reads_itself(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	const char *why;
	struct rf_elf elf;
	int libc = 0;
	size_t i;

	(void)state;
	assert_int_equal(rf_elf_read(fd, &elf, &why), 0);
	for (i = 0; i < elf.n_needed; i++)
		libc |= !strncmp(elf.needed[i], "libc.so", 7);
	assert_true(!elf.interp || libc);
	rf_elf_free(&elf);
	close(fd);
}

#define REFUSED(change) do {						\
	struct image im = good();					\
	struct rf_elf elf;						\
	change;								\
	if (read_bytes(&im, sizeof(im), &elf) != -ENOEXEC)		\
		fail_msg("taken: %s", #change);				\
} while (0)

static void refuses_what_does_not_fit(void **state)
{
	(void)state;
	REFUSED(im.eh.e_ident[0] = 'E');
	REFUSED(im.eh.e_ident[EI_CLASS] = ELFCLASS32);
	REFUSED(im.eh.e_ident[EI_DATA] = ELFDATA2MSB);
	REFUSED(im.eh.e_machine = EM_AARCH64);
	REFUSED(im.eh.e_type = ET_REL);
	REFUSED(im.eh.e_type = ET_CORE);
	REFUSED(im.eh.e_phentsize = 32);
	REFUSED(im.eh.e_phnum = 0);
	REFUSED(im.eh.e_phnum = 60000);
	REFUSED(im.eh.e_phoff = sizeof(im));
	REFUSED(im.eh.e_phoff = UINT64_MAX);
	REFUSED(im.ph[1].p_filesz = 0);
	REFUSED(im.ph[1].p_filesz = 1u << 30);
	REFUSED(im.ph[1].p_offset = UINT64_MAX - 4);
	REFUSED(im.ph[1].p_filesz = sizeof("/lib/ld.so") - 1);
	REFUSED(im.ph[2].p_filesz = UINT64_MAX);
	REFUSED(im.ph[2].p_offset = INT64_MAX);
	REFUSED(im.ph[0].p_offset = UINT64_MAX);
	REFUSED(im.ph[0].p_type = PT_NOTE);
	REFUSED(im.dyn[0].d_un.d_val = sizeof(im));
	REFUSED(im.dyn[0].d_un.d_val = UINT64_MAX);
	REFUSED(im.dyn[4].d_un.d_ptr = 0);
	REFUSED(im.dyn[4].d_un.d_ptr = UINT64_MAX);
	REFUSED(im.dyn[5].d_un.d_val = 0);
	REFUSED(im.dyn[5].d_un.d_val = 1u << 30);
	REFUSED(im.dyn[5].d_un.d_val = 12);
}

static void bears_every_cut_and_flip(void **state)
{
	struct image im = good();
	unsigned char *b = (unsigned char *)&im;
	struct rf_elf elf;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(im) - sizeof(im.str); i++)
		assert_int_equal(read_bytes(&im, i, &elf), -ENOEXEC);
	for (i = 0; i < sizeof(im); i++) {
		b[i] ^= 0xff;
		if (!read_bytes(&im, sizeof(im), &elf))
			rf_elf_free(&elf);
		b[i] ^= 0xff;
	}
}

struct cache {
	char magic[20];
	uint32_t n, len;
	uint32_t rest[5];
	struct { int32_t flags; uint32_t key, value, os; uint64_t hwcap; } e[3];
	char str[64];
};

static struct cache good_cache(void)
{
	const uint32_t str = offsetof(struct cache, str);
	struct cache c = {
		.magic = "glibc-ld.so.cache1.1",
		.n = 3, .len = 64,
		.e = {
			{ 0x0303, str, str + 8, 0, 1ULL << 62 },
			{ 0x0003, str, str + 16, 0, 0 },
			{ 0x0303, str, str + 24, 0, 0 },
		},
		.str = "liba.so\0/hw/a\0\0\0/i386/a\0/lib/a",
	};

	return c;
}

struct seen {
	int n, hw, stop;
	char last[16];
};

static int see(void *ctx, const char *path, int hwcaps)
{
	struct seen *s = ctx;

	s->n++;
	s->hw += hwcaps;
	strncpy(s->last, path, sizeof(s->last) - 1);
	return s->stop;
}

static void finds_in_cache(void **state)
{
	struct cache c = good_cache();
	struct seen s = { 0 };

	(void)state;
	assert_int_equal(rf_ldcache_find((char *)&c, sizeof(c), "liba.so", see, &s), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.hw, 1);
	assert_string_equal(s.last, "/lib/a");
	s = (struct seen){ .stop = 9 };
	assert_int_equal(rf_ldcache_find((char *)&c, sizeof(c), "liba.so", see, &s), 9);
	assert_int_equal(s.n, 1);
	s = (struct seen){ 0 };
	assert_int_equal(rf_ldcache_find((char *)&c, sizeof(c), "lib", see, &s), 0);
	assert_int_equal(rf_ldcache_find(NULL, 0, "liba.so", see, &s), 0);
	assert_int_equal(s.n, 0);
}

static void bears_a_damaged_cache(void **state)
{
	struct cache c = good_cache();
	unsigned char *b = (unsigned char *)&c;
	struct seen s = { 0 };
	char *copy;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(c); i++) {
		b[i] ^= 0xff;
		rf_ldcache_find((char *)&c, sizeof(c), "liba.so", see, &s);
		b[i] ^= 0xff;
		copy = malloc(i + 1);	/* so that a checker sees the end */
		memcpy(copy, &c, i);
		rf_ldcache_find(copy, i, "liba.so", see, &s);
		free(copy);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_everything),
		cmocka_unit_test(reads_itself),
		cmocka_unit_test(refuses_what_does_not_fit),
		cmocka_unit_test(bears_every_cut_and_flip),
		cmocka_unit_test(finds_in_cache),
		cmocka_unit_test(bears_a_damaged_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
