// SPDX-License-Identifier: GPL-2.0
/*
 * The region of a channel in a program's memory. It is revoked when the other
 * end has left: what is mapped goes, and who touches it gets SIGBUS. The pages
 * stay until we have let go of them, so this kernel never touches somebody else's.
 */
#include <linux/export.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pfn_t.h>
#include <linux/vmalloc.h>

#include "internal.h"

/* What the client's end may do; the service's may all */
static bool rf_may(const struct rf_com *c, u32 right)
{
	return c->server || (c->rights & right);
}

/**
 * rf_com_map - make the region that both ends share, or see that it is there
 * @c: the channel
 * @size: in: bytes at least; of who comes first it is made as large. Out: what it has
 * @timeout_ms: 0: ask, and don't wait; else RF_ANSWER_MS at most
 *
 * Context: process. Return: 0; -EINVAL (size is 0, or more than it has, or than
 * RF_REGION_MAX), -EACCES (no right to), or rf_share_get()'s.
 */
int rf_com_map(struct rf_com *c, u64 *size, int timeout_ms)
{
	struct rf_share *s = &c->share[RF_COM_MAP];
	int err = rf_com_check(c);

	/* who has no right to hears so, also when the other end has gone meanwhile */
	if (err != -ENOTCONN && !rf_may(c, RF_MAY_MAP))
		return -EACCES;
	if (err)
		return err;
	if (!*size || *size > RF_REGION_MAX)
		return -EINVAL;
	err = rf_share_get(c, RF_COM_MAP, PAGE_ALIGN(*size), timeout_ms);
	if (err)
		return err;
	if (*size > s->size)
		return -EINVAL;
	*size = s->size;
	return 0;
}

/* Where a byte of it is: page frame number, and bytes that follow there; 0: nowhere */
static unsigned long rf_map_pfn(struct rf_com *c, u64 offset, u64 *left)
{
	struct rf_share *s = &c->share[RF_COM_MAP];
	unsigned long pfn = 0;

	if (s->gone || offset >= s->size)
		return 0;
	if (s->region) {
		pfn = PHYS_PFN(rf_region_phys(s->region, offset, left));
	} else if (s->plain) {
		*left = PAGE_SIZE;
		pfn = vmalloc_to_pfn(s->plain->addr + offset);
	}
	return pfn;
}

static vm_fault_t rf_map_fault(struct vm_fault *vmf)
{
	struct rf_com *c = vmf->vma->vm_private_data;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	unsigned long pfn;
	u64 left;

	down_read(&c->map_lock);
	pfn = rf_map_pfn(c, (u64)vmf->pgoff << PAGE_SHIFT, &left);
	if (pfn)
		ret = vmf_insert_pfn(vmf->vma, vmf->address & PAGE_MASK, pfn);
	up_read(&c->map_lock);
	return ret;
}

/* 2 MiB at once, where they lie together and both begin at a multiple of it */
static vm_fault_t rf_map_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long at = vmf->address & PMD_MASK, pfn;
	struct rf_com *c = vma->vm_private_data;
	vm_fault_t ret = VM_FAULT_FALLBACK;
	u64 offset, left;

	if (order != PMD_ORDER || at < vma->vm_start || at + PMD_SIZE > vma->vm_end)
		return ret;
	offset = (u64)linear_page_index(vma, at) << PAGE_SHIFT;
	down_read(&c->map_lock);
	pfn = rf_map_pfn(c, offset, &left);
	if (pfn && left >= PMD_SIZE && IS_ALIGNED(pfn, PMD_SIZE >> PAGE_SHIFT))
		ret = vmf_insert_pfn_pmd(vmf, pfn_to_pfn_t(pfn), vmf->flags & FAULT_FLAG_WRITE);
	up_read(&c->map_lock);
	return ret;
}

static const struct vm_operations_struct rf_map_ops = {
	.fault		= rf_map_fault,
	.huge_fault	= rf_map_huge_fault,
};

/* Context: mmap_lock held. Return: 0, -EINVAL, -EACCES, -ENODEV (there is none). */
int rf_com_mmap(struct rf_com *c, struct vm_area_struct *vma)
{
	struct rf_share *s = &c->share[RF_COM_MAP];
	u64 len = vma->vm_end - vma->vm_start, offset = (u64)vma->vm_pgoff << PAGE_SHIFT;

	if (!READ_ONCE(s->size) || READ_ONCE(s->gone))
		return -ENODEV;
	if (!(vma->vm_flags & VM_SHARED) || offset > s->size || len > s->size - offset)
		return -EINVAL;
	if (!rf_may(c, RF_MAY_MAP) || (vma->vm_flags & VM_EXEC))
		return -EACCES;
	if (!rf_may(c, RF_MAY_MAP_WRITE)) {
		if (vma->vm_flags & VM_WRITE)
			return -EACCES;
		vm_flags_clear(vma, VM_MAYWRITE);
	}
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vm_flags_clear(vma, VM_MAYEXEC);
	vma->vm_private_data = c;	/* the file holds it, and the mapping the file */
	vma->vm_ops = &rf_map_ops;
	return 0;
}

/* The other end has left. Context: process. */
void rf_map_revoke(struct rf_com *c)
{
	down_write(&c->map_lock);	/* faults have ended, and the next see that it is gone */
	downgrade_write(&c->map_lock);	/* our file may close meanwhile: not before we are done */
	if (c->mapping)
		unmap_mapping_range(c->mapping, 0, 0, 1);
	up_read(&c->map_lock);
}

/**
 * rf_map - get at the memory that both ends share
 * @c: a channel
 * @size: in: bytes at least; of who comes first it is made as large. Out: what it has
 * @timeout_ms: to wait at most; RF_FOREVER: as long as the other kernels may take
 *
 * There is one region a channel; nothing orders what the two ends do in it. The
 * address stays good until rf_unmap() or rf_close(), also when the other end has
 * left. A client without RF_MAY_MAP_WRITE must not write: its mapping is read-only.
 *
 * Context: process, may sleep. Return: where it is, or ERR_PTR: -EINVAL (size),
 * -EACCES, -ENOMEM, -EDQUOT, -EBUSY, -ETIMEDOUT, -ERESTARTSYS, -EPIPE, -ECONNRESET,
 * -EHOSTDOWN.
 */
void *rf_map(struct rf_com *c, u64 *size, int timeout_ms)
{
	int err = rf_com_map(c, size, timeout_ms);
	void *addr;

	if (err)
		return ERR_PTR(err);
	addr = rf_share_addr(&c->share[RF_COM_MAP]);
	return addr ?: ERR_PTR(-ENOMEM);
}
EXPORT_SYMBOL_NS_GPL(rf_map, RAINFOREST);

/**
 * rf_unmap - let go of what rf_map() gave
 * @c: the channel
 *
 * The other end loses it too, as if we had closed: there is none for this channel
 * any more.
 *
 * Context: process, may sleep.
 */
void rf_unmap(struct rf_com *c)
{
	rf_share_leave(c, RF_COM_MAP);
}
EXPORT_SYMBOL_NS_GPL(rf_unmap, RAINFOREST);
