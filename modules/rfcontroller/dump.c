// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a subOS as an ELF core file, by RF_IOC_DUMP: for one that died,
 * was stopped, or is held for as long as the file is open.
 *
 * What the subOS left in its control area (include/rf/abi/crash.h) is believed
 * only as far as it goes into the headers, for debuggers: reads are bounded by the
 * grant, which is looked up anew for each piece.
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/anon_inodes.h>
#include <linux/elf.h>
#include <linux/elfcore.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/memory.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "rfcontroller.h"

#define RF_DUMP_PIECE	SZ_256K		/* read with the subOS's lock held */
#define RF_VMCOREINFO_MAX SZ_16K	/* Linux's is a page */

/* Where Linux has it without KASLR, if the subOS's kernel didn't say */
#define RF_DIRECT_MAP	0xffff888000000000ULL

struct rf_dumped {
	struct rf_subos *s;
	u64 generation;
	struct mutex lock;	/* piece, and the file's position */
	u8 *piece;		/* RF_DUMP_PIECE bytes */
	u8 *head;		/* what comes before the memory */
	u64 head_size;		/* whole pages */
	u64 size;		/* of the file */
	unsigned int nr_regions;
	struct rf_boot_region region[];	/* sorted as the file has them */
};

/* ---- the grant ---- */

static bool rf_granted(struct rf_subos *s, u64 at, u64 len)
{
	u64 size = memory_block_size_bytes();

	for (; len; ) {
		u64 end = 0;

		for (unsigned int i = 0; i < s->res.nr_blocks && !end; i++)
			if (at >= s->res.blocks[i].start && at - s->res.blocks[i].start < size &&
			    s->res.blocks[i].status == RF_LEDGER_GRANTED)
				end = s->res.blocks[i].start + size;
		if (!end)
			return false;
		len -= min(len, end - at);
		at = end;
	}
	return true;
}

/* Copy from the subOS's memory. A page that the hardware can't read is zeroes. */
static int rf_dump_copy(struct rf_subos *s, u64 at, u8 *to, u64 len)
{
	u64 from = round_down(at, PAGE_SIZE), size = round_up(at + len, PAGE_SIZE) - from;
	unsigned long left;
	u8 *map;

	lockdep_assert_held(&s->lock);
	if (!rf_granted(s, at, len))
		return -ESTALE;
	map = memremap(from, size, MEMREMAP_WB);
	if (!map)
		return -ENOMEM;
	for (u64 n, done = 0; done < len; done += n) {
		n = min(len - done, PAGE_SIZE - ((at + done) & ~PAGE_MASK));
		left = copy_mc_to_kernel(to + done, map + (at - from) + done, n);
		if (left)
			memset(to + done + n - left, 0, left);
	}
	memunmap(map);
	return 0;
}

/* ---- the headers ---- */

struct rf_notes {
	u8 *at, *end;
	unsigned int regs;
	u32 vmcoreinfo;
};

static void *rf_note(struct rf_notes *n, const char *name, u32 type, size_t size)
{
	size_t name_size = strlen(name) + 1;
	struct elf64_note *note = (void *)n->at;
	size_t all = sizeof(*note) + ALIGN(name_size, 4) + ALIGN(size, 4);
	void *desc;

	if (WARN_ON_ONCE(n->end - n->at < all))
		return NULL;
	*note = (struct elf64_note) {
		.n_namesz = name_size,
		.n_descsz = size,
		.n_type = type,
	};
	memcpy(note + 1, name, name_size);
	desc = (u8 *)(note + 1) + ALIGN(name_size, 4);
	n->at += all;
	return desc;
}

/* Of each CPU whose registers the subOS saved: a thread, its number that of the slot */
static void rf_note_regs(struct rf_subos *s, struct rf_crash *crash, struct rf_notes *n)
{
	struct elf_prstatus *status;

	for (unsigned int i = 0; i < s->res.nr_cpus; i++) {
		u32 slot = s->res.cpus[i].slot;
		struct rf_crash_cpu *cpu = &crash->cpu[slot];

		if (smp_load_acquire(&cpu->saved) == RF_CRASH_NONE)
			continue;
		status = rf_note(n, "CORE", NT_PRSTATUS, sizeof(*status));
		if (!status)
			return;
		memset(status, 0, sizeof(*status));
		status->common.pr_pid = slot + 1;
		BUILD_BUG_ON(sizeof(status->pr_reg) != sizeof(cpu->reg));
		memcpy(&status->pr_reg, cpu->reg, sizeof(cpu->reg));
		n->regs++;
	}
}

/* The subOS's note holds one name and one description; ours are made anew */
static void rf_note_vmcoreinfo(struct rf_subos *s, struct rf_crash *crash, struct rf_notes *n)
{
	u64 at = READ_ONCE(crash->vmcoreinfo), size = READ_ONCE(crash->vmcoreinfo_size);
	struct elf64_note *note;
	u8 *raw, *desc;
	u64 skip;

	if (!at || size < sizeof(*note) || size > RF_VMCOREINFO_MAX)
		return;
	raw = kvzalloc(size, GFP_KERNEL);
	if (!raw || rf_dump_copy(s, at, raw, size))
		goto out;
	note = (void *)raw;
	skip = sizeof(*note) + ALIGN((u64)note->n_namesz, 4);
	if (skip > size || note->n_descsz > size - skip || !note->n_descsz)
		goto out;
	desc = rf_note(n, "VMCOREINFO", 0, note->n_descsz);
	if (!desc)
		goto out;
	memcpy(desc, raw + skip, note->n_descsz);
	n->vmcoreinfo = note->n_descsz;
out:
	kvfree(raw);
}

static const struct rf_boot_region *rf_dump_region(const struct rf_dumped *d, u64 at, u64 len,
						   u64 *offset)
{
	*offset = d->head_size;
	for (unsigned int i = 0; i < d->nr_regions; i++) {
		const struct rf_boot_region *r = &d->region[i];

		if (at >= r->start && len <= r->size && at - r->start <= r->size - len) {
			*offset += at - r->start;
			return r;
		}
		*offset += r->size;
	}
	return NULL;
}

static Elf64_Phdr rf_load(u64 offset, u64 virt, u64 phys, u64 size)
{
	return (Elf64_Phdr) {
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W | PF_X,
		.p_offset = offset,
		.p_vaddr = virt,
		.p_paddr = phys,
		.p_filesz = size,
		.p_memsz = size,
	};
}

/* The kernel's image as it maps it: its bytes are those of a region */
static unsigned int rf_dump_loads(struct rf_dumped *d, struct rf_crash *crash, Elf64_Phdr *ph)
{
	u64 direct = READ_ONCE(crash->direct_map) ?: RF_DIRECT_MAP, offset = d->head_size;
	u64 text = READ_ONCE(crash->text), at = READ_ONCE(crash->text_phys);
	u64 size = READ_ONCE(crash->text_size), in_region;
	unsigned int n = 0;

	if (text && size && rf_dump_region(d, at, size, &in_region))
		ph[n++] = rf_load(in_region, text, at, size);
	for (unsigned int i = 0; i < d->nr_regions; i++) {
		const struct rf_boot_region *r = &d->region[i];

		ph[n++] = rf_load(offset, direct + r->start, r->start, r->size);
		offset += r->size;
	}
	d->size = offset;
	return n;
}

static int rf_dump_head(struct rf_dumped *d, struct rf_dump *arg)
{
	struct rf_subos *s = d->s;
	struct rf_crash *crash = (void *)s->desc + RF_OFF_CRASH;
	u64 notes = sizeof(Elf64_Ehdr) + (d->nr_regions + 2) * sizeof(Elf64_Phdr);
	struct rf_notes n = { };
	Elf64_Ehdr *eh;
	Elf64_Phdr *ph;

	d->head_size = PAGE_ALIGN(notes + s->res.nr_cpus * (sizeof(struct elf_prstatus) + 64) +
				  RF_VMCOREINFO_MAX + 64);
	d->head = kvzalloc(d->head_size, GFP_KERNEL);
	if (!d->head)
		return -ENOMEM;
	n.at = d->head + notes;
	n.end = d->head + d->head_size;
	rf_note_regs(s, crash, &n);
	rf_note_vmcoreinfo(s, crash, &n);

	eh = (void *)d->head;
	*eh = (Elf64_Ehdr) {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(*eh),
		.e_ehsize = sizeof(*eh),
		.e_phentsize = sizeof(*ph),
	};
	ph = (void *)(eh + 1);
	ph[0] = (Elf64_Phdr) {
		.p_type = PT_NOTE,
		.p_offset = notes,
		.p_filesz = n.at - (d->head + notes),
		.p_memsz = n.at - (d->head + notes),
		.p_align = 4,
	};
	eh->e_phnum = 1 + rf_dump_loads(d, crash, ph + 1);

	arg->size = d->size;
	arg->memory = d->size - d->head_size;
	arg->cpus = s->res.nr_cpus;
	arg->regs = n.regs;
	arg->vmcoreinfo = n.vmcoreinfo;
	return 0;
}

/* ---- reading ---- */

/* Return: bytes put in d->piece, 0 at the end, or -errno */
static ssize_t rf_dump_piece(struct rf_dumped *d, u64 pos, size_t len)
{
	struct rf_subos *s = d->s;
	u64 offset = d->head_size, in;
	unsigned int i;
	int err;

	len = min_t(u64, len, RF_DUMP_PIECE);
	if (pos >= d->size)
		return 0;
	if (pos < d->head_size) {
		len = min_t(u64, len, d->head_size - pos);
		memcpy(d->piece, d->head + pos, len);
		return len;
	}
	for (i = 0; i < d->nr_regions && pos - offset >= d->region[i].size; i++)
		offset += d->region[i].size;
	in = pos - offset;
	len = min_t(u64, len, d->region[i].size - in);

	if (mutex_lock_killable(&s->lock))
		return -EINTR;
	/* it may be destroyed, or a kill may have taken it out of our hold: then it is still */
	err = s->dead || s->generation != d->generation ? -ESTALE :
	      rf_dump_copy(s, d->region[i].start + in, d->piece, len);
	mutex_unlock(&s->lock);
	return err ?: len;
}

static ssize_t rf_dump_read(struct file *file, char __user *to, size_t len, loff_t *ppos)
{
	struct rf_dumped *d = file->private_data;
	size_t done = 0;
	ssize_t n = 0;

	if (*ppos < 0)
		return -EINVAL;
	if (mutex_lock_killable(&d->lock))
		return -EINTR;
	while (done < len && !fatal_signal_pending(current)) {
		n = rf_dump_piece(d, *ppos + done, len - done);
		if (n <= 0)
			break;
		if (copy_to_user(to + done, d->piece, n)) {
			n = -EFAULT;
			break;
		}
		done += n;
		cond_resched();
	}
	*ppos += done;
	mutex_unlock(&d->lock);
	return done ?: n;
}

static loff_t rf_dump_seek(struct file *file, loff_t offset, int whence)
{
	struct rf_dumped *d = file->private_data;

	return fixed_size_llseek(file, offset, whence, d->size);
}

/* The last dump has ended: on it goes, if it was one of them that stopped it */
static void rf_dump_let_go(struct rf_subos *s)
{
	u32 hold = s->dump_hold;

	lockdep_assert_held(&s->lock);
	s->dump_hold = 0;
	if (hold && s->hold == hold && s->state == RAINFOREST_STATE_FROZEN &&
	    rf_thaw_locked(s, NULL))
		pr_err("%s: not all CPUs went on after the dump\n", s->name);
}

static void rf_dump_free(struct rf_dumped *d)
{
	struct rf_subos *s = d->s;

	mutex_lock(&s->lock);
	if (!--s->dumps)
		rf_dump_let_go(s);
	mutex_unlock(&s->lock);
	rf_subos_put(s);
	kvfree(d->head);
	kvfree(d->piece);
	kvfree(d);
}

static int rf_dump_release(struct inode *inode, struct file *file)
{
	rf_dump_free(file->private_data);
	return 0;
}

static const struct file_operations rf_dump_fops = {
	.owner		= THIS_MODULE,
	.read		= rf_dump_read,
	.llseek		= rf_dump_seek,
	.release	= rf_dump_release,
};

/* ---- opening ---- */

static int rf_dump_allowed(struct netlink_ext_ack *extack)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (security_locked_down(LOCKDOWN_KCORE)) {
		rf_msg(extack, "lockdown keeps kernel memory confidential, a subOS's too");
		return -EPERM;
	}
	return 0;
}

/* Let it be still. Return: 0; rf_freeze_locked()'s; -ENODATA, -EBUSY. */
static int rf_dump_still(struct rf_subos *s, struct rf_dump *arg,
			 struct netlink_ext_ack *extack)
{
	bool hangs = s->state == RAINFOREST_STATE_UNRESPONSIVE;
	int loose;

	if (!s->generation || !s->desc) {
		rf_msg(extack, "%s has never run: there is nothing to dump", s->name);
		return -ENODATA;
	}
	if (s->state == RAINFOREST_STATE_FROZEN || !rf_state_alive(s->state))
		return 0;
	if (s->state != RAINFOREST_STATE_RUNNING && !hangs) {
		rf_msg(extack, "%s is %s: wait until it runs or has stopped", s->name,
		       rf_state_names[s->state]);
		return -EBUSY;
	}
	loose = rf_freeze_locked(s, min(arg->timeout_ms ?: RF_FREEZE_MS, RF_FREEZE_MS),
				 arg->flags & RF_DUMP_NMI, hangs, extack);
	if (loose == -EOPNOTSUPP && hangs) {
		arg->loose = s->res.nr_cpus;	/* it never got as far: dump what there is */
		return 0;
	}
	if (loose < 0)
		return loose;
	arg->loose = loose;
	arg->held = 1;
	s->dump_hold = s->hold;
	return 0;
}

static int rf_dump_setup(struct rf_subos *s, struct rf_dumped **out, struct rf_dump *arg,
			 struct netlink_ext_ack *extack)
{
	unsigned int n = rf_memory_pieces(&s->res);
	struct rf_dumped *d;
	int err;

	lockdep_assert_held(&s->lock);
	if (rf_gone(s, extack))
		return -ENOENT;
	d = kvzalloc(struct_size(d, region, n), GFP_KERNEL);
	if (!d)
		return -ENOMEM;
	mutex_init(&d->lock);
	d->s = s;
	d->generation = s->generation;
	d->nr_regions = rf_memory_regions(&s->res, d->region, n);
	d->piece = kvmalloc(RF_DUMP_PIECE, GFP_KERNEL);
	err = d->piece ? rf_dump_still(s, arg, extack) : -ENOMEM;
	if (!err)
		err = rf_dump_head(d, arg);
	if (!err) {
		s->dumps++;
		*out = d;
		return 0;
	}
	if (!s->dumps)
		rf_dump_let_go(s);
	kvfree(d->head);
	kvfree(d->piece);
	kvfree(d);
	return err;
}

/* Return: a file; rf_dump_ioctl()'s errors, and @extack says why */
static struct file *rf_dump_open(struct rf_dump *arg, struct netlink_ext_ack *extack)
{
	struct rf_dumped *d;
	struct rf_subos *s;
	struct file *file;
	int err;

	err = rf_dump_allowed(extack);
	if (err)
		return ERR_PTR(err);
	if (arg->flags & ~RF_DUMP_NMI || arg->pad || strnlen(arg->name, 64) == 64)
		return ERR_PTR(-EINVAL);
	s = rf_subos_find(arg->name);
	if (!s)
		return ERR_PTR(-ENOENT);
	err = -EINTR;
	if (!mutex_lock_killable(&s->lock)) {
		err = rf_dump_setup(s, &d, arg, extack);
		mutex_unlock(&s->lock);
	}
	if (err) {
		rf_subos_put(s);
		return ERR_PTR(err);
	}
	file = anon_inode_getfile("[rainforest-dump]", &rf_dump_fops, d, O_RDONLY);
	if (IS_ERR(file))
		rf_dump_free(d);
	else
		file->f_mode |= FMODE_LSEEK | FMODE_PREAD;
	return file;
}

/**
 * rf_dump_ioctl - a file descriptor that reads a subOS's memory as a core file
 * @user: whose, and how; out: what there is, or why not
 *
 * A running subOS is held until it is closed.
 *
 * Context: process, may sleep.
 * Return: the descriptor; -EPERM, -EINVAL, -ENOENT, -ENODATA, -EBUSY, -ENOMEM,
 * -EINTR, -EMFILE, -EFAULT, and rf_freeze_locked()'s.
 */
long rf_dump_ioctl(struct rf_dump __user *user)
{
	struct netlink_ext_ack why = { };
	struct rf_dump arg;
	struct file *file;
	int fd, err;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = rf_dump_open(&arg, &why);
	err = PTR_ERR_OR_ZERO(file);
	strscpy_pad(arg.message, err && why._msg ? why._msg : "", sizeof(arg.message));
	if (copy_to_user(user, &arg, sizeof(arg))) {
		if (!err)
			fput(file);
		err = -EFAULT;
	}
	if (err) {
		put_unused_fd(fd);
		return err;
	}
	fd_install(fd, file);
	return fd;
}
