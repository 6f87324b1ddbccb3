// SPDX-License-Identifier: GPL-2.0
/* A subOS's kernel and initramfs: reading, checking, placing */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/elf.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kernel_read_file.h>
#include <linux/netlink.h>
#include <linux/rainforest_core.h>
#include <linux/security.h>
#include <linux/sizes.h>
#include <linux/unaligned.h>
#include <linux/vmalloc.h>

#include <asm/bootparam.h>
#include <asm/setup.h>

#include "rfcontroller.h"
#include "image.h"

#define RF_MAX_KERNEL	(1UL << 30)
#define RF_INITRD_ALIGN	4
#define RF_MAX_INITRD	(1ULL << 46)

/* The 64-bit entry of a bzImage lies there, Documentation/arch/x86/boot.rst */
#define RF_BZIMAGE_ENTRY 0x200

/* Such a kernel masks the machine's interrupts before it finds out that it can't boot */
static int rf_not_subos(struct netlink_ext_ack *extack)
{
	rf_msg(extack, "kernel is not a subOS's: any other would take the whole machine for its own; build it with configs/subos.config (CONFIG_RAINFOREST_SUBOS)");
	return -ENOEXEC;
}

/* Has a bzImage's kernel_info a chunk with that magic? */
static bool rf_bzimage_says(const struct rf_image *img, u32 offset, const char *magic)
{
	const void *info = img->buf + img->image_off + offset;
	u32 at, size, end;

	if (offset > img->image_len || img->image_len - offset < 12 || memcmp(info, "LToP", 4))
		return false;
	at = get_unaligned_le32(info + 4);	/* the chunks begin where its fixed part ends */
	end = get_unaligned_le32(info + 8);
	if (end > img->image_len - offset)
		return false;
	for (; at < end && end - at >= 8; at += size) {
		if (!memcmp(info + at, magic, 4))
			return true;
		size = get_unaligned_le32(info + at + 4);
		if (size < 8 || size > end - at)
			return false;
	}
	return false;
}

/* Has a segment of a vmlinux an ELF note of that name and type? */
static bool rf_notes_say(const void *notes, u64 left, const char *name, u32 type)
{
	while (left >= sizeof(Elf64_Nhdr)) {
		const Elf64_Nhdr *n = notes;
		u64 size = sizeof(*n) + ALIGN((u64)n->n_namesz, 4) + ALIGN((u64)n->n_descsz, 4);

		if (size > left)
			return false;
		if (n->n_type == type && n->n_namesz == strlen(name) + 1 &&
		    !memcmp(notes + sizeof(*n), name, n->n_namesz))
			return true;
		notes += size;
		left -= size;
	}
	return false;
}

static bool rf_elf_says(const struct rf_image *img, const char *name, u32 type)
{
	for (unsigned int i = 0; i < img->nr_phdrs; i++) {
		const Elf64_Phdr *ph = &img->phdrs[i];

		if (ph->p_type == PT_NOTE && IS_ALIGNED(ph->p_offset, 4) &&
		    ph->p_offset <= img->len && ph->p_filesz <= img->len - ph->p_offset &&
		    rf_notes_say(img->buf + ph->p_offset, ph->p_filesz, name, type))
			return true;
	}
	return false;
}

static int rf_parse_bzimage(struct rf_image *img, struct netlink_ext_ack *extack)
{
	const struct setup_header *h = img->buf + offsetof(struct boot_params, hdr);
	u64 setup;

	if (img->len < sizeof(struct boot_params)) {
		rf_msg(extack, "kernel is truncated: it ends within its header");
		return -ENOEXEC;
	}
	if (h->version < 0x20c || !(h->xloadflags & XLF_KERNEL_64)) {
		rf_msg(extack, "kernel is a bzImage without a 64-bit entry: a 32-bit or an old kernel");
		return -ENOEXEC;
	}
	if (!h->relocatable_kernel || !(h->xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G)) {
		rf_msg(extack, "kernel can't be loaded anywhere: build it with CONFIG_RELOCATABLE");
		return -ENOEXEC;
	}
	setup = ((h->setup_sects ?: 4) + 1) * 512ULL;
	img->image_off = setup;
	img->image_len = (u64)h->syssize * 16;
	if (setup + img->image_len > img->len) {
		/* syssize is rounded up to 16 bytes */
		if (setup + img->image_len - 16 >= img->len || setup >= img->len) {
			rf_msg(extack, "kernel is truncated: %zu of %llu bytes", img->len,
			       setup + img->image_len);
			return -ENOEXEC;
		}
		img->image_len = img->len - setup;
	}
	if (img->image_len <= RF_BZIMAGE_ENTRY) {
		rf_msg(extack, "kernel is truncated: there is nothing behind its header");
		return -ENOEXEC;
	}
	img->bzimage = true;
	img->mem_size = max_t(u64, h->init_size, img->image_len);
	img->align = max_t(u64, h->kernel_alignment, SZ_2M);
	img->entry_off = RF_BZIMAGE_ENTRY;
	if (!is_power_of_2(img->align) || img->align > SZ_1G || img->mem_size > RF_MAX_KERNEL) {
		rf_msg(extack, "kernel's header asks for an impossible size or alignment");
		return -ENOEXEC;
	}
	if (h->version < 0x20f || !rf_bzimage_says(img, h->kernel_info_offset, RF_BOOT_INFO_MAGIC))
		return rf_not_subos(extack);
	return 0;
}

static int rf_parse_elf(struct rf_image *img, struct netlink_ext_ack *extack)
{
	const Elf64_Ehdr *eh = img->buf;
	u64 low = U64_MAX, high = 0;

	if (img->len < sizeof(*eh)) {
		rf_msg(extack, "kernel is truncated: it ends within its header");
		return -ENOEXEC;
	}
	if (eh->e_ident[EI_CLASS] != ELFCLASS64) {
		rf_msg(extack, "kernel is a 32-bit ELF file: x86-64 is needed");
		return -ENOEXEC;
	}
	if (eh->e_machine != EM_X86_64) {
		rf_msg(extack, "kernel is for another architecture (ELF machine %u, x86-64 is %u)",
		       eh->e_machine, EM_X86_64);
		return -ENOEXEC;
	}
	if (eh->e_type != ET_EXEC || eh->e_phentsize != sizeof(Elf64_Phdr) || !eh->e_phnum) {
		rf_msg(extack, "kernel is an ELF file, but no vmlinux");
		return -ENOEXEC;
	}
	if (eh->e_phoff > img->len ||
	    eh->e_phnum * sizeof(Elf64_Phdr) > img->len - eh->e_phoff) {
		rf_msg(extack, "kernel is truncated: it ends before its program headers");
		return -ENOEXEC;
	}
	img->phdrs = img->buf + eh->e_phoff;
	img->nr_phdrs = eh->e_phnum;
	for (unsigned int i = 0; i < img->nr_phdrs; i++) {
		const Elf64_Phdr *ph = &img->phdrs[i];

		if (ph->p_type != PT_LOAD)
			continue;
		if (ph->p_offset > img->len || ph->p_filesz > img->len - ph->p_offset) {
			rf_msg(extack, "kernel is truncated: segment %u ends at byte %llu of %zu",
			       i, ph->p_offset + ph->p_filesz, img->len);
			return -ENOEXEC;
		}
		if (ph->p_filesz > ph->p_memsz || ph->p_paddr > (1ULL << 40) ||
		    ph->p_memsz > RF_MAX_KERNEL) {
			rf_msg(extack, "kernel's segment %u makes no sense", i);
			return -ENOEXEC;
		}
		/* the entry is physical; its segment is linked where kernels are */
		if (eh->e_entry >= ph->p_paddr && eh->e_entry - ph->p_paddr < ph->p_memsz &&
		    (s64)ph->p_vaddr >= 0) {
			rf_msg(extack, "kernel is an ELF file, but no vmlinux: it is a program");
			return -ENOEXEC;
		}
		low = min(low, ph->p_paddr);
		high = max(high, ph->p_paddr + ph->p_memsz);
	}
	if (low >= high || !IS_ALIGNED(low, SZ_2M) || high - low > RF_MAX_KERNEL ||
	    eh->e_entry < low || eh->e_entry >= high) {
		rf_msg(extack, "kernel is an ELF file, but no vmlinux: its segments or entry don't fit");
		return -ENOEXEC;
	}
	img->paddr_low = low;
	img->mem_size = high - low;
	img->align = SZ_2M;
	img->entry_off = eh->e_entry - low;
	if (!rf_elf_says(img, RF_BOOT_NOTE_NAME, RF_BOOT_NOTE_TYPE))
		return rf_not_subos(extack);
	return 0;
}

/* Read and recognise a kernel. Give it back with rf_image_put(). */
static int rf_image_get(struct file *file, struct rf_image *img, struct netlink_ext_ack *extack)
{
	ssize_t len;
	int err;

	memset(img, 0, sizeof(*img));
	len = kernel_read_file(file, 0, &img->buf, RF_MAX_KERNEL, NULL, READING_KEXEC_IMAGE);
	if (len < 0) {
		if (len == -EFBIG)
			rf_msg(extack, "kernel is larger than 1 GiB");
		else
			rf_msg(extack, "kernel can't be read: error %zd", -len);
		return len == -EINVAL ? -ENOEXEC : len;
	}
	img->len = len;

	/* The same question as kexec_file_load() asks: no way round Secure Boot */
	err = rainforest_verify_kernel(img->buf, img->len);
	if (err) {
		rf_msg(extack, "kernel refused: the supervisor is locked down or wants signed kernels");
		if (err != -ENOMEM)
			err = -EPERM;
		goto out;
	}
	if (len >= SELFMAG && !memcmp(img->buf, ELFMAG, SELFMAG)) {
		err = rf_parse_elf(img, extack);
	} else if (len >= 0x206 && *(u16 *)(img->buf + 0x1fe) == 0xaa55 &&
		   !memcmp(img->buf + 0x202, "HdrS", 4)) {
		err = rf_parse_bzimage(img, extack);
	} else {
		rf_msg(extack, "not a kernel: neither a bzImage nor a vmlinux (ELF)");
		err = -ENOEXEC;
	}
out:
	if (err)
		rf_image_put(img);
	return err;
}

void rf_image_put(struct rf_image *img)
{
	vfree(img->buf);
	img->buf = NULL;
}

/*
 * Ask the security modules, as kexec_file_load() does: those that look at what is read
 * (IMA), or from where (LoadPin). They read the file themselves.
 */
static int rf_initrds_allowed(struct file **initrd, unsigned int nr,
			      struct netlink_ext_ack *extack)
{
	for (unsigned int i = 0; i < nr; i++)
		if (security_kernel_read_file(initrd[i], READING_KEXEC_INITRAMFS, false)) {
			rf_msg(extack, "initrd refused by the supervisor's security policy");
			return -EPERM;
		}
	return 0;
}

static u64 rf_initrds_size(struct file **initrd, unsigned int nr)
{
	u64 sum = 0;

	/* a sum beyond any memory stays there: sparse files can be larger than that */
	for (unsigned int i = 0; i < nr; i++) {
		u64 size = min_t(u64, i_size_read(file_inode(initrd[i])), RF_MAX_INITRD);

		sum = min_t(u64, ALIGN(sum, RF_INITRD_ALIGN) + size, RF_MAX_INITRD);
	}
	return sum;
}

/*
 * Where things go: the control area and the kernel at the start of the largest
 * region, the initramfs behind them, or else at the end of any that holds it.
 */
static int rf_image_place(const struct rf_image *img, u64 initrd_size,
			  const struct rf_resources *res, struct rf_placement *p,
			  struct netlink_ext_ack *extack)
{
	struct rf_boot_region *r __free(kfree) = NULL;
	unsigned int n, home = 0;
	u64 size = PAGE_ALIGN(initrd_size), end;

	r = kcalloc(RF_BOOT_MAX_REGIONS, sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	n = rf_memory_regions(res, r, RF_BOOT_MAX_REGIONS);
	if (!n) {
		rf_msg(extack, "memory is in more than %d pieces", RF_BOOT_MAX_REGIONS);
		return -ENOSPC;
	}
	for (unsigned int i = 1; i < n; i++)
		if (r[i].size > r[home].size)
			home = i;
	p->home = r[home];
	p->kernel = ALIGN(r[home].start + RF_CONTROL_SIZE, img->align);
	end = p->kernel + img->mem_size;
	if (end > r[home].start + r[home].size) {
		rf_msg(extack, "kernel is too large for the memory: it needs %llu MiB in one piece, the largest has %llu",
		       (end - r[home].start + SZ_1M - 1) >> 20, r[home].size >> 20);
		return -EFBIG;
	}
	p->initrd_size = initrd_size;
	p->initrd = 0;
	if (!initrd_size)
		return 0;
	/* What the kernel needs while it unpacks: as much again, and then some */
	if (rf_memory_of(res, NUMA_NO_NODE) < img->mem_size + RF_CONTROL_SIZE + 2 * size + SZ_8M) {
		rf_msg(extack, "initrd is too large for the memory: it has %llu MiB and is unpacked beside itself, the subOS has %llu",
		       size >> 20, rf_memory_of(res, NUMA_NO_NODE) >> 20);
		return -EFBIG;
	}
	/* right behind the kernel: mem= may take away what lies above */
	end = PAGE_ALIGN(end);
	if (end + size <= r[home].start + r[home].size) {
		p->initrd = end;
		return 0;
	}
	for (unsigned int i = 0; i < n; i++) {
		if (i != home && r[i].size >= size) {
			p->initrd = r[i].start + r[i].size - size;
			return 0;
		}
	}
	rf_msg(extack, "initrd is too large: no piece of the memory holds its %llu MiB",
	       size >> 20);
	return -EFBIG;
}

/**
 * rf_image_check - would these images boot in this memory?
 * @kernel: a bzImage or a vmlinux; the caller's reference
 * @initrd: the initrds, in the order they are loaded; the caller's references
 * @nr: how many of @initrd
 * @res: the memory; only looked at
 * @extack: where the reason goes
 *
 * Return: 0; -ENOEXEC, -EFBIG, -EPERM, -ENOSPC, -ENOMEM with extack.
 */
int rf_image_check(struct file *kernel, struct file **initrd, unsigned int nr,
		   const struct rf_resources *res, struct netlink_ext_ack *extack)
{
	struct rf_placement place;
	struct rf_image img;
	int err = rf_image_get(kernel, &img, extack);

	if (err)
		return err;
	err = rf_initrds_allowed(initrd, nr, extack);
	if (!err)
		err = rf_image_place(&img, rf_initrds_size(initrd, nr), res, &place, extack);
	rf_image_put(&img);
	return err;
}

static int rf_write_elf(const struct rf_image *img, void *to)
{
	for (unsigned int i = 0; i < img->nr_phdrs; i++) {
		const Elf64_Phdr *ph = &img->phdrs[i];

		if (ph->p_type != PT_LOAD)
			continue;
		memcpy(to + ph->p_paddr - img->paddr_low, img->buf + ph->p_offset, ph->p_filesz);
		memset(to + ph->p_paddr - img->paddr_low + ph->p_filesz, 0,
		       ph->p_memsz - ph->p_filesz);
		cond_resched();
	}
	return 0;
}

static int rf_write_kernel(const struct rf_image *img, u64 at)
{
	void *to = memremap(at, img->mem_size, MEMREMAP_WB);

	if (!to)
		return -ENOMEM;
	if (img->bzimage)
		memcpy(to, img->buf + img->image_off, img->image_len);
	else
		rf_write_elf(img, to);
	memunmap(to);
	return 0;
}

static int rf_write_initrds(struct rf_subos *s, const struct rf_placement *p)
{
	u64 done = 0, size = PAGE_ALIGN(p->initrd_size);
	void *to;
	int err = 0;

	if (!p->initrd)
		return 0;
	to = memremap(p->initrd, size, MEMREMAP_WB);
	if (!to)
		return -ENOMEM;
	for (unsigned int i = 0; i < s->nr_initrds && !err; i++) {
		u64 pad = ALIGN(done, RF_INITRD_ALIGN) - done;
		loff_t pos = 0;

		memset(to + done, 0, pad);
		done += pad;
		/* A file that grew since it was measured is read as far as it was */
		while (done < p->initrd_size) {
			ssize_t n = kernel_read(s->initrd[i], to + done,
						min_t(u64, p->initrd_size - done, SZ_1M), &pos);

			if (n < 0)
				err = n;
			if (n <= 0)
				break;
			done += n;
			cond_resched();
		}
	}
	if (!err && done != p->initrd_size)
		err = -EIO;	/* it shrank */
	memset(to + done, 0, size - done);
	memunmap(to);
	return err;
}

/**
 * rf_image_load - put a subOS's images in its memory, and its boot parameters
 * @s: the subOS; its kernel, initrds and command line are set
 * @extack: where the reason goes
 *
 * Context: s->lock held, the CPUs are proven out.
 *
 * Return: 0; errors as rf_image_check(), -EIO; the memory is undefined then.
 */
int rf_image_load(struct rf_subos *s, struct netlink_ext_ack *extack)
{
	struct rf_placement place;
	struct rf_image img;
	int err;

	lockdep_assert_held(&s->lock);
	s->image_fresh = false;
	err = rf_image_get(s->kernel, &img, extack);
	if (err)
		return err;
	err = rf_initrds_allowed(s->initrd, s->nr_initrds, extack);
	if (!err)
		err = rf_image_place(&img, rf_initrds_size(s->initrd, s->nr_initrds), &s->res,
				     &place, extack);
	if (!err) {
		mutex_lock(&s->drain);
		rf_boot_leave(s, &place);
		mutex_unlock(&s->drain);
		err = rf_write_kernel(&img, place.kernel);
	}
	if (!err)
		err = rf_write_initrds(s, &place);
	/* the descriptor is read under it; files may take their time to be read */
	mutex_lock(&s->drain);
	if (!err)
		err = rf_boot_map(s, &place);
	if (!err) {
		rf_boot_params(s, &img, &place);
		s->entry = place.kernel + img.entry_off;
		s->image_fresh = true;
	}
	mutex_unlock(&s->drain);
	rf_image_put(&img);
	if (err && extack && !extack->_msg)
		rf_msg(extack, "images can't be loaded: error %d", -err);
	return err;
}
