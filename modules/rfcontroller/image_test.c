// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of image.c */
#include "image.c"

#include <kunit/test.h>
#include <linux/memory.h>

/* ---- recognising kernels ---- */

#define FILE_LEN	0x4000
#define SETUP		2560		/* of a bzImage with 4 setup sectors */
#define SYSSIZE		(FILE_LEN - SETUP)
#define LOW		SZ_16M		/* where the vmlinux is linked to */
#define INFO		1001		/* of a bzImage's kernel_info, in what is loaded */
#define NOTES		0x3000		/* of a vmlinux, in the file */

struct parse_case {
	const char *name;
	void (*spoil)(struct rf_image *img);
	int err;
};

/* The file in as many bytes as it has, so that KASAN sees a read beyond it */
static void cut_to_size(struct kunit *test, struct rf_image *img)
{
	void *buf = kunit_kmalloc(test, img->len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	memcpy(buf, img->buf, img->len);
	img->buf = buf;
}

static void parse(struct kunit *test, struct rf_image *img,
		  int (*parser)(struct rf_image *img, struct netlink_ext_ack *extack))
{
	const struct parse_case *c = test->param_value;
	struct netlink_ext_ack extack = { };

	c->spoil(img);
	cut_to_size(test, img);
	KUNIT_EXPECT_EQ(test, parser(img, &extack), c->err);
	KUNIT_EXPECT_EQ(test, !!extack._msg, !!c->err);
}

static struct setup_header *hdr(struct rf_image *img)
{
	return img->buf + offsetof(struct boot_params, hdr);
}

static void bz_good(struct rf_image *img) { }
static void bz_header(struct rf_image *img) { img->len = sizeof(struct boot_params) - 1; }
static void bz_old(struct rf_image *img) { hdr(img)->version = 0x20b; }
static void bz_32(struct rf_image *img) { hdr(img)->xloadflags &= ~XLF_KERNEL_64; }

static void bz_fixed(struct rf_image *img)
{
	hdr(img)->relocatable_kernel = 0;
}

static void bz_low(struct rf_image *img) { hdr(img)->xloadflags &= ~XLF_CAN_BE_LOADED_ABOVE_4G; }
static void bz_short_15(struct rf_image *img) { img->len -= 15; }
static void bz_short_16(struct rf_image *img) { img->len -= 16; }
static void bz_short(struct rf_image *img) { img->len = sizeof(struct boot_params); }
static void bz_long(struct rf_image *img) { hdr(img)->syssize = U32_MAX; }
static void bz_setup(struct rf_image *img) { hdr(img)->setup_sects = 255; }

static void bz_setup_0(struct rf_image *img)
{
	hdr(img)->setup_sects = 0;
}

static void bz_size_0(struct rf_image *img)
{
	hdr(img)->init_size = 0;
}

static void bz_size(struct rf_image *img) { hdr(img)->init_size = U32_MAX; }
static void bz_align(struct rf_image *img) { hdr(img)->kernel_alignment = 3 * SZ_1M; }
static void bz_align_2g(struct rf_image *img) { hdr(img)->kernel_alignment = SZ_2G; }

static void bz_align_0(struct rf_image *img)
{
	hdr(img)->kernel_alignment = 0;
}

static u8 *info(struct rf_image *img) { return img->buf + SETUP + INFO; }

static void bz_20e(struct rf_image *img) { hdr(img)->version = 0x20e; }

static void bz_info_0(struct rf_image *img)
{
	hdr(img)->kernel_info_offset = 0;
}

static void bz_info_max(struct rf_image *img) { hdr(img)->kernel_info_offset = U32_MAX; }
static void bz_info_end(struct rf_image *img) { hdr(img)->kernel_info_offset = SYSSIZE - 11; }
static void bz_info_total(struct rf_image *img) { put_unaligned_le32(U32_MAX, info(img) + 8); }
static void bz_info_fixed(struct rf_image *img) { put_unaligned_le32(U32_MAX, info(img) + 4); }
static void bz_info_none(struct rf_image *img) { put_unaligned_le32(28, info(img) + 8); }
static void bz_chunk_0(struct rf_image *img) { put_unaligned_le32(0, info(img) + 20); }
static void bz_chunk_max(struct rf_image *img) { put_unaligned_le32(U32_MAX, info(img) + 20); }
static void bz_chunk_other(struct rf_image *img) { info(img)[28] = 'r'; }

static void bz_empty(struct rf_image *img)
{
	hdr(img)->syssize = 0;
	img->len = FILE_LEN;
}

static const struct parse_case bz_cases[] = {
	{ "good", bz_good, 0 },
	{ "ends in the header", bz_header, -ENOEXEC },
	{ "old boot protocol", bz_old, -ENOEXEC },
	{ "32-bit", bz_32, -ENOEXEC },
	{ "not relocatable", bz_fixed, -ENOEXEC },
	{ "only below 4 GiB", bz_low, -ENOEXEC },
	{ "the last 16 bytes not full", bz_short_15, 0 },
	{ "16 bytes missing", bz_short_16, -ENOEXEC },
	{ "nearly all missing", bz_short, -ENOEXEC },
	{ "64 GiB of kernel", bz_long, -ENOEXEC },
	{ "setup code beyond the end", bz_setup, -ENOEXEC },
	{ "setup_sects 0 is 4", bz_setup_0, 0 },
	{ "nothing but a header", bz_empty, -ENOEXEC },
	{ "init_size 0", bz_size_0, 0 },
	{ "init_size 4 GiB", bz_size, -ENOEXEC },
	{ "alignment no power of two", bz_align, -ENOEXEC },
	{ "alignment 2 GiB", bz_align_2g, -ENOEXEC },
	{ "alignment 0", bz_align_0, 0 },
	{ "of no subOS: boot protocol 2.14", bz_20e, -ENOEXEC },
	{ "of no subOS: no kernel_info", bz_info_0, -ENOEXEC },
	{ "of no subOS: kernel_info beyond all", bz_info_max, -ENOEXEC },
	{ "of no subOS: kernel_info at the end", bz_info_end, -ENOEXEC },
	{ "of no subOS: kernel_info longer than all", bz_info_total, -ENOEXEC },
	{ "of no subOS: a fixed part longer than all", bz_info_fixed, -ENOEXEC },
	{ "of no subOS: nothing behind the first chunk", bz_info_none, -ENOEXEC },
	{ "of no subOS: a chunk of no bytes", bz_chunk_0, -ENOEXEC },
	{ "of no subOS: a chunk longer than all", bz_chunk_max, -ENOEXEC },
	{ "of no subOS: other chunks only", bz_chunk_other, -ENOEXEC },
};

KUNIT_ARRAY_PARAM_DESC(bz, bz_cases, name);

static void bzimage_test(struct kunit *test)
{
	const struct parse_case *c = test->param_value;
	struct rf_image img = { .len = FILE_LEN };
	struct setup_header *h;

	img.buf = kunit_kzalloc(test, FILE_LEN, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, img.buf);
	h = hdr(&img);
	h->version = 0x20f;
	h->xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G;
	h->relocatable_kernel = 1;
	h->setup_sects = 4;
	h->syssize = SYSSIZE / 16;
	h->init_size = SZ_16M;
	h->kernel_alignment = SZ_4M;
	h->kernel_info_offset = INFO;
	memcpy(info(&img), "LToP", 4);
	put_unaligned_le32(16, info(&img) + 4);
	put_unaligned_le32(36, info(&img) + 8);
	memcpy(info(&img) + 16, "what", 4);	/* a chunk of somebody else's */
	put_unaligned_le32(12, info(&img) + 20);
	memcpy(info(&img) + 28, RF_BOOT_INFO_MAGIC, 4);
	put_unaligned_le32(8, info(&img) + 32);

	parse(test, &img, rf_parse_bzimage);
	if (c->err)
		return;
	KUNIT_EXPECT_TRUE(test, img.bzimage);
	KUNIT_EXPECT_EQ(test, img.image_off, SETUP);
	KUNIT_EXPECT_EQ(test, img.image_off + img.image_len, img.len);
	KUNIT_EXPECT_EQ(test, img.mem_size, c->spoil == bz_size_0 ? SYSSIZE : SZ_16M);
	KUNIT_EXPECT_EQ(test, img.align, c->spoil == bz_align_0 ? SZ_2M : SZ_4M);
	KUNIT_EXPECT_EQ(test, img.entry_off, 0x200);
}

static Elf64_Ehdr *eh(struct rf_image *img)
{
	return img->buf;
}

static Elf64_Phdr *ph(struct rf_image *img, unsigned int n)
{
	return img->buf + sizeof(Elf64_Ehdr) + n * sizeof(Elf64_Phdr);
}

static void elf_good(struct rf_image *img) { }
static void elf_header(struct rf_image *img) { img->len = sizeof(Elf64_Ehdr) - 1; }
static void elf_32(struct rf_image *img) { eh(img)->e_ident[EI_CLASS] = ELFCLASS32; }
static void elf_arm(struct rf_image *img) { eh(img)->e_machine = EM_AARCH64; }
static void elf_dyn(struct rf_image *img) { eh(img)->e_type = ET_DYN; }
static void elf_phent(struct rf_image *img) { eh(img)->e_phentsize = 32; }

static void elf_phnum_0(struct rf_image *img)
{
	eh(img)->e_phnum = 0;
}

static void elf_phnum(struct rf_image *img) { eh(img)->e_phnum = U16_MAX; }
static void elf_phoff(struct rf_image *img) { eh(img)->e_phoff = FILE_LEN - 8; }
static void elf_phoff_max(struct rf_image *img) { eh(img)->e_phoff = U64_MAX; }
static void elf_cut(struct rf_image *img) { img->len = 0x1fff; }
static void elf_offset(struct rf_image *img) { ph(img, 1)->p_offset = U64_MAX; }
static void elf_filesz(struct rf_image *img) { ph(img, 1)->p_filesz = U64_MAX; }
static void elf_memsz(struct rf_image *img) { ph(img, 1)->p_memsz = 0xfff; }
static void elf_memsz_max(struct rf_image *img) { ph(img, 1)->p_memsz = U64_MAX; }
static void elf_high(struct rf_image *img) { ph(img, 1)->p_paddr = U64_MAX; }
static void elf_far(struct rf_image *img) { ph(img, 1)->p_paddr = LOW + 2ULL * SZ_1G; }
static void elf_unaligned(struct rf_image *img) { ph(img, 0)->p_paddr = LOW - SZ_4K; }
static void elf_program(struct rf_image *img) { ph(img, 0)->p_vaddr = SZ_4M; }
static void elf_below(struct rf_image *img) { eh(img)->e_entry = LOW - 1; }
static void elf_above(struct rf_image *img) { eh(img)->e_entry = LOW + 0x5000; }
static void elf_last(struct rf_image *img) { eh(img)->e_entry = LOW + 0x4fff; }
static void elf_note(struct rf_image *img) { ph(img, 3)->p_filesz = U64_MAX; }

/* Somebody else's of 28 bytes, then ours */
static struct note {
	Elf64_Nhdr h;
	char name[12];
	u32 desc;
} *note(struct rf_image *img, unsigned int n)
{
	return img->buf + NOTES + n * sizeof(struct note);
}

static void elf_no_notes(struct rf_image *img) { ph(img, 2)->p_type = PT_NULL; }
static void elf_notes_far(struct rf_image *img) { ph(img, 2)->p_offset = U64_MAX & ~3ULL; }
static void elf_notes_long(struct rf_image *img) { ph(img, 2)->p_filesz = FILE_LEN; }
static void elf_notes_cut(struct rf_image *img) { ph(img, 2)->p_filesz--; }
static void elf_note_name(struct rf_image *img) { note(img, 1)->name[0] = 'r'; }
static void elf_note_type(struct rf_image *img) { note(img, 1)->h.n_type = 2; }
static void elf_note_prefix(struct rf_image *img) { note(img, 1)->h.n_namesz = 10; }
static void elf_note_max(struct rf_image *img) { note(img, 0)->h.n_namesz = U32_MAX; }
static void elf_note_desc(struct rf_image *img) { note(img, 0)->h.n_descsz = U32_MAX; }

static void elf_unloaded(struct rf_image *img)
{
	ph(img, 0)->p_type = PT_NOTE;
	ph(img, 1)->p_type = PT_NOTE;
}

static const struct parse_case elf_cases[] = {
	{ "good", elf_good, 0 },
	{ "ends in the header", elf_header, -ENOEXEC },
	{ "32-bit", elf_32, -ENOEXEC },
	{ "another architecture", elf_arm, -ENOEXEC },
	{ "a shared library", elf_dyn, -ENOEXEC },
	{ "strange program headers", elf_phent, -ENOEXEC },
	{ "no program headers", elf_phnum_0, -ENOEXEC },
	{ "65535 program headers", elf_phnum, -ENOEXEC },
	{ "program headers past the end", elf_phoff, -ENOEXEC },
	{ "program headers beyond all", elf_phoff_max, -ENOEXEC },
	{ "ends in a segment", elf_cut, -ENOEXEC },
	{ "segment beyond all", elf_offset, -ENOEXEC },
	{ "segment longer than all", elf_filesz, -ENOEXEC },
	{ "less memory than file", elf_memsz, -ENOEXEC },
	{ "more memory than all", elf_memsz_max, -ENOEXEC },
	{ "address beyond all", elf_high, -ENOEXEC },
	{ "segments 2 GiB apart", elf_far, -ENOEXEC },
	{ "linked to no 2 MiB boundary", elf_unaligned, -ENOEXEC },
	{ "a program", elf_program, -ENOEXEC },
	{ "nothing to load", elf_unloaded, -ENOEXEC },
	{ "entry below", elf_below, -ENOEXEC },
	{ "entry above", elf_above, -ENOEXEC },
	{ "entry in the last byte", elf_last, 0 },
	{ "notes beyond all, of no use", elf_note, 0 },
	{ "of no subOS: no notes", elf_no_notes, -ENOEXEC },
	{ "of no subOS: notes past the end", elf_notes_far, -ENOEXEC },
	{ "of no subOS: notes longer than all", elf_notes_long, -ENOEXEC },
	{ "of no subOS: notes that end in one", elf_notes_cut, -ENOEXEC },
	{ "of no subOS: another name", elf_note_name, -ENOEXEC },
	{ "of no subOS: another type", elf_note_type, -ENOEXEC },
	{ "of no subOS: the name's first letters", elf_note_prefix, -ENOEXEC },
	{ "of no subOS: a note with a name longer than all", elf_note_max, -ENOEXEC },
	{ "of no subOS: a note with more in it than all", elf_note_desc, -ENOEXEC },
};

KUNIT_ARRAY_PARAM_DESC(elf, elf_cases, name);

/* Two segments of a page, the second with a page of zeros after it */
static void elf_test(struct kunit *test)
{
	const struct parse_case *c = test->param_value;
	struct rf_image img = { .len = FILE_LEN };
	u8 *to;

	img.buf = kunit_kzalloc(test, FILE_LEN, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, img.buf);
	*eh(&img) = (Elf64_Ehdr) {
		.e_ident[EI_CLASS] = ELFCLASS64, .e_machine = EM_X86_64, .e_type = ET_EXEC,
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 4, .e_phoff = sizeof(Elf64_Ehdr),
		.e_entry = LOW + 0x10,
	};
	*ph(&img, 0) = (Elf64_Phdr) {
		.p_type = PT_LOAD, .p_offset = 0x1000, .p_filesz = 0x1000, .p_memsz = 0x1000,
		.p_paddr = LOW, .p_vaddr = __START_KERNEL_map + LOW,
	};
	*ph(&img, 1) = (Elf64_Phdr) {
		.p_type = PT_LOAD, .p_offset = 0x2000, .p_filesz = 0x1000, .p_memsz = 0x2000,
		.p_paddr = LOW + 0x3000, .p_vaddr = __START_KERNEL_map + LOW + 0x3000,
	};
	*ph(&img, 2) = (Elf64_Phdr) {
		.p_type = PT_NOTE, .p_offset = NOTES, .p_filesz = 2 * sizeof(struct note),
	};
	*ph(&img, 3) = (Elf64_Phdr) { .p_type = PT_NOTE };
	*note(&img, 0) = (struct note) { { 11, 4, 1 }, "Somebody's" };
	*note(&img, 1) = (struct note) { { sizeof(RF_BOOT_NOTE_NAME), 4, RF_BOOT_NOTE_TYPE },
					 RF_BOOT_NOTE_NAME };
	memset(img.buf + 0x1000, 0x11, 0x1000);
	memset(img.buf + 0x2000, 0x22, 0x1000);

	parse(test, &img, rf_parse_elf);
	if (c->err)
		return;
	KUNIT_EXPECT_FALSE(test, img.bzimage);
	KUNIT_EXPECT_EQ(test, img.paddr_low, LOW);
	KUNIT_EXPECT_EQ(test, img.align, SZ_2M);
	KUNIT_EXPECT_EQ(test, img.entry_off, eh(&img)->e_entry - LOW);
	KUNIT_ASSERT_EQ(test, img.mem_size, 0x5000);

	to = kunit_kmalloc(test, img.mem_size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, to);
	memset(to, 0xa5, img.mem_size);
	rf_write_elf(&img, to);
	KUNIT_EXPECT_NULL(test, memchr_inv(to, 0x11, 0x1000));
	KUNIT_EXPECT_NULL(test, memchr_inv(to + 0x1000, 0xa5, 0x2000));
	KUNIT_EXPECT_NULL(test, memchr_inv(to + 0x3000, 0x22, 0x1000));
	KUNIT_EXPECT_NULL(test, memchr_inv(to + 0x4000, 0, 0x1000));
}

/* ---- placing them; all in MiB, blocks of 128 MiB ---- */

#define BLOCK 128

static const struct place_case {
	const char *name;
	unsigned int nr_blocks;
	unsigned int block[4];	/* MiB */
	unsigned int kernel, align, initrd;
	int err;
	unsigned int home, kernel_at, initrd_at;
} place_cases[] = {
	{ "no initrd", 1, { 128 }, 40, 2, 0, 0, 128, 130, 0 },
	{ "alignment", 1, { 128 }, 40, 16, 0, 0, 128, 144, 0 },
	{ "initrd behind the kernel", 1, { 128 }, 40, 2, 30, 0, 128, 130, 170 },
	{ "neighbours are one piece", 2, { 128, 256 }, 200, 2, 0, 0, 128, 130, 0 },
	{ "the largest piece is home", 3, { 128, 384, 512 }, 40, 2, 10, 0, 384, 386, 426 },
	{ "of equal ones the first", 2, { 512, 128 }, 40, 2, 10, 0, 512, 514, 554 },
	{ "initrd in another piece", 2, { 128, 512 }, 100, 2, 50, 0, 128, 130, 590 },
	{ "kernel just fits", 1, { 128 }, 126, 2, 0, 0, 128, 130, 0 },
	{ "kernel is 1 MiB too large", 1, { 128 }, 127, 2, 0, -EFBIG, },
	{ "alignment beyond the piece", 1, { 128 }, 1, 1024, 0, -EFBIG, },
	{ "initrd too large to unpack", 1, { 128 }, 20, 2, 60, -EFBIG, },
	{ "initrd in no piece", 4, { 128, 384, 640, 896 }, 20, 2, 129, -EFBIG, },
};

KUNIT_ARRAY_PARAM_DESC(place, place_cases, name);

static void place_test(struct kunit *test)
{
	const struct place_case *c = test->param_value;
	struct netlink_ext_ack extack = { };
	struct rf_block blocks[4] = { };
	struct rf_resources res = { .blocks = blocks, .nr_blocks = c->nr_blocks };
	struct rf_image img = {
		.mem_size = (u64)c->kernel * SZ_1M, .align = (u64)c->align * SZ_1M,
	};
	struct rf_placement p = { };

	if (memory_block_size_bytes() != BLOCK * SZ_1M)
		kunit_skip(test, "memory blocks are not 128 MiB");
	for (unsigned int i = 0; i < c->nr_blocks; i++)
		blocks[i].start = (u64)c->block[i] * SZ_1M;
	KUNIT_ASSERT_EQ(test, rf_image_place(&img, (u64)c->initrd * SZ_1M, &res, &p, &extack),
			c->err);
	KUNIT_EXPECT_EQ(test, !!extack._msg, !!c->err);
	if (c->err)
		return;
	KUNIT_EXPECT_EQ(test, p.home.start >> 20, c->home);
	KUNIT_EXPECT_EQ(test, p.kernel >> 20, c->kernel_at);
	KUNIT_EXPECT_EQ(test, p.initrd >> 20, c->initrd_at);
	KUNIT_EXPECT_EQ(test, p.initrd_size >> 20, c->initrd);
}

/* An initrd of any length starts on a page, right behind the kernel */
static void place_page_test(struct kunit *test)
{
	u64 size = memory_block_size_bytes();
	struct rf_block block = { .start = size };
	struct rf_resources res = { .blocks = &block, .nr_blocks = 1 };
	struct rf_image img = { .mem_size = SZ_16M, .align = SZ_2M };
	struct rf_placement p = { };

	KUNIT_ASSERT_EQ(test, rf_image_place(&img, PAGE_SIZE + 1, &res, &p, NULL), 0);
	KUNIT_EXPECT_EQ(test, p.initrd, size + SZ_2M + SZ_16M);
	KUNIT_EXPECT_EQ(test, p.initrd_size, PAGE_SIZE + 1);
}

static void place_pieces_test(struct kunit *test)
{
	u64 size = memory_block_size_bytes();
	struct netlink_ext_ack extack = { };
	struct rf_resources res = { .nr_blocks = RF_BOOT_MAX_REGIONS + 1 };
	struct rf_image img = { .mem_size = SZ_16M, .align = SZ_2M };
	struct rf_placement p = { };

	res.blocks = kunit_kcalloc(test, res.nr_blocks, sizeof(*res.blocks), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, res.blocks);
	for (unsigned int i = 0; i < res.nr_blocks; i++)
		res.blocks[i].start = (2 * i + 1) * size;
	KUNIT_EXPECT_EQ(test, rf_image_place(&img, 0, &res, &p, &extack), -ENOSPC);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	res.nr_blocks--;
	KUNIT_EXPECT_EQ(test, rf_image_place(&img, 0, &res, &p, &extack), 0);
}

static struct kunit_case image_cases[] = {
	KUNIT_CASE_PARAM(bzimage_test, bz_gen_params),
	KUNIT_CASE_PARAM(elf_test, elf_gen_params),
	KUNIT_CASE_PARAM(place_test, place_gen_params),
	KUNIT_CASE(place_page_test),
	KUNIT_CASE(place_pieces_test),
	{ }
};

static struct kunit_suite image_suite = {
	.name		= "rf_image",
	.test_cases	= image_cases,
};

kunit_test_suite(image_suite);
