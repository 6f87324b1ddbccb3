// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz of modules/rfcontroller/image.c: what is a kernel, where it goes in the
 * subOS's memory, and that nothing is written beside that place.
 */
#include "fuzz.h"

#define RF_FUZZ_SIZE	SZ_1M	/* of kernels that are really written */

void *memmem(const void *in, size_t in_len, const void *what, size_t len);

struct file {
	const u8 *data;
	size_t len;
};
struct inode;
struct netlink_ext_ack {
	const char *_msg;
};

typedef s64 fuzz_loff_t;
#define READING_KEXEC_IMAGE	0
#define READING_KEXEC_INITRAMFS	1
#define security_kernel_read_file(f, id, contents)	0
#define MEMREMAP_WB		0
#define file_inode(f)		(f)
#define i_size_read(f)		((f)->len)

static void *memremap(u64 at, size_t size, int how);
static void memunmap(void *at);
static ssize_t kernel_read(struct file *f, void *to, size_t n, loff_t *pos);
static ssize_t kernel_read_file(struct file *f, loff_t at, void **buf, size_t max, size_t *size,
				int what);
static int rainforest_verify_kernel(const void *buf, size_t len);

#include <asm/bootparam.h>
#include "../../modules/rfcontroller/image.c"

unsigned int fuzz_spins, fuzz_starve;
void fuzz_queue(struct work_struct *w) { (void)w; }
bool fuzz_work(void) { return false; }
bool fuzz_meanwhile(void) { return false; }

static struct {
	u64 at;
	size_t size;
	u8 *mem;
} mapped;

static void *memremap(u64 at, size_t size, int how)
{
	MUST(!mapped.mem);
	if (!size)
		return NULL;
	mapped.at = at;
	mapped.size = size;
	mapped.mem = malloc(size);
	return mapped.mem;
}

static void memunmap(void *at)
{
	MUST(at == mapped.mem);
	free(at);
	mapped.mem = NULL;
}

static ssize_t kernel_read(struct file *f, void *to, size_t n, loff_t *pos)
{
	n = min(n, f->len - (size_t)*pos);
	memset(to, 'i', n);
	*pos += n;
	return n;
}

/* The module sees as many bytes as the file has, not one more */
static ssize_t kernel_read_file(struct file *f, loff_t at, void **buf, size_t max, size_t *size,
				int what)
{
	MUST(!at && f->len <= max);
	if (!f->len)
		return -EINVAL;
	*buf = malloc(f->len);
	memcpy(*buf, f->data, f->len);
	return f->len;
}

static int rainforest_verify_kernel(const void *buf, size_t len) { return 0; }

void rf_msg(struct netlink_ext_ack *extack, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	extack->_msg = "set";
}

static struct rf_boot_region region[4];
static unsigned int nr_regions;

unsigned int rf_memory_regions(const struct rf_resources *res, struct rf_boot_region *r,
			       unsigned int max)
{
	MUST(max == RF_BOOT_MAX_REGIONS);
	memcpy(r, region, sizeof(region));
	return nr_regions;
}

u64 rf_memory_of(const struct rf_resources *res, int node)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < nr_regions; i++)
		sum += region[i].size;
	return sum;
}

void rf_boot_leave(struct rf_subos *s, const struct rf_placement *p) { }
int rf_boot_map(struct rf_subos *s, const struct rf_placement *p) { return 0; }
void rf_boot_params(struct rf_subos *s, const struct rf_image *img, const struct rf_placement *p) { }

/* ---- kernels that are almost right ---- */

#define FILE_LEN	0x4000
#define INFO		(2560 + 0x40)	/* the bzImage's kernel_info */
#define NOTE		232		/* the vmlinux's, behind its headers */

static void almost_bzimage(u8 *at)
{
	struct setup_header h = {
		.setup_sects = 4, .syssize = (FILE_LEN - 2560) / 16, .boot_flag = 0xaa55,
		.header = 0x53726448, .version = 0x20f, .relocatable_kernel = 1,
		.xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G,
		.kernel_alignment = SZ_2M, .init_size = SZ_1M / 16,
		.kernel_info_offset = INFO - 2560,
	};
	static const u32 info[] = { 0, 16, 36, 15, 0, 12, 0, 0, 8 };

	memcpy(at + offsetof(struct boot_params, hdr), &h, sizeof(h));
	memcpy(at + INFO, info, sizeof(info));
	memcpy(at + INFO, "LToP", 4);
	memcpy(at + INFO + 28, RF_BOOT_INFO_MAGIC, 4);
}

static void almost_vmlinux(u8 *at)
{
	struct {
		Elf64_Ehdr eh;
		Elf64_Phdr ph[3];
	} k = {
		.eh = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB },
			.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_phnum = 3,
			.e_phoff = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr),
			.e_entry = SZ_8M,
		},
		.ph = {
			{ .p_type = PT_LOAD, .p_offset = 0x1000, .p_filesz = 0x1000, .p_paddr = SZ_8M,
			  .p_vaddr = 0xffffffff81000000, .p_memsz = 0x2000 },
			{ .p_type = PT_LOAD, .p_offset = 0x2000, .p_filesz = 0x800,
			  .p_paddr = SZ_8M + 0x4000, .p_vaddr = 0xffffffff81004000, .p_memsz = 0x5000 },
			{ .p_type = PT_NOTE, .p_offset = NOTE, .p_filesz = 28 },
		},
	};
	static const u32 note[] = { sizeof(RF_BOOT_NOTE_NAME), 4, RF_BOOT_NOTE_TYPE };

	_Static_assert(sizeof(k) == NOTE, "the note is behind the headers");
	memcpy(at, &k, sizeof(k));
	memcpy(at + NOTE, note, sizeof(note));
	memcpy(at + NOTE + sizeof(note), RF_BOOT_NOTE_NAME, sizeof(RF_BOOT_NOTE_NAME));
}

static size_t spoil(u8 *at, unsigned int kind)
{
	size_t len = take(1) & 3 ? FILE_LEN : take(2) % (FILE_LEN + 1);

	for (unsigned int n = take(1) % 6; n; n--) {
		/* words of the headers, by chance of the size that they have */
		u64 pos = take(1), width = 1 << (take(1) & 3);
		u64 v;

		if (!kind)
			pos = pos < 0x80 ? 0x1f1 + pos : INFO + pos % 40;
		v = take(1) & 1 ? take(width) : (u64)(s64)(s8)take(1) << (take(1) & 63);

		for (unsigned int i = 0; i < width && pos + i < FILE_LEN; i++)
			at[pos + i] = v >> 8 * i;
	}
	return len;
}

static void fuzz_one(void)
{
	static u8 buf[FILE_LEN];
	struct file kernel = { buf, 0 }, initrd = { NULL, 0 }, *initrds[] = { &initrd };
	struct netlink_ext_ack extack = { NULL };
	struct rf_placement p;
	struct rf_subos *s;
	struct rf_image img;
	unsigned int kind = take(1) % 3;
	int err;

	memset(buf, 'k', sizeof(buf));
	nr_regions = take(1) % 4 + 1;
	for (unsigned int i = 0; i < nr_regions; i++)
		region[i] = (struct rf_boot_region) {
			.start = SZ_1G + i * 4 * SZ_1G, .size = (take(1) % 32 + 1) * (128UL << 20),
		};
	initrd.len = take(1) & 1 ? take(3) : take(8) & INT64_MAX;
	if (kind == 2) {
		kernel.data = fuzz_at;
		kernel.len = fuzz_left();
	} else {
		memset(buf, 0, 0x400);
		(kind ? almost_vmlinux : almost_bzimage)(buf);
		kernel.len = spoil(buf, kind);
	}
	err = rf_image_get(&kernel, &img, &extack);
	MUST(!err == !extack._msg && err <= 0);
	if (err) {
		MUST(!img.buf);
		return;
	}
	/* nobody guesses what says that it is a subOS's */
	MUST(memmem(kernel.data, kernel.len, RF_BOOT_INFO_MAGIC, 4) ||
	     memmem(kernel.data, kernel.len, RF_BOOT_NOTE_NAME, sizeof(RF_BOOT_NOTE_NAME)));
	MUST(img.mem_size && img.entry_off < img.mem_size && is_power_of_2(img.align));
	err = rf_image_place(&img, rf_initrds_size(initrds, 1), NULL, &p, &extack);
	MUST(!err == !extack._msg);
	if (!err) {
		u64 end = p.kernel + img.mem_size;

		MUST(IS_ALIGNED(p.kernel, img.align) && p.kernel >= p.home.start + RF_CONTROL_SIZE &&
		     end <= p.home.start + p.home.size);
		MUST(!p.initrd_size || p.initrd >= end || p.initrd + p.initrd_size <= p.home.start ||
		     p.initrd >= p.home.start + p.home.size);
		if (img.mem_size <= RF_FUZZ_SIZE)
			MUST(!rf_write_kernel(&img, p.kernel));
	}
	if (!err && p.initrd_size && p.initrd_size <= RF_FUZZ_SIZE) {
		s = calloc(1, sizeof(*s));
		s->initrd[0] = &initrd;
		s->nr_initrds = 1;
		MUST(!rf_write_initrds(s, &p));
		free(s);
	}
	rf_image_put(&img);
}
