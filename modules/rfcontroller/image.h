/* SPDX-License-Identifier: GPL-2.0 */
/* What image.c and boot.c say to each other */
#ifndef _RF_IMAGE_H
#define _RF_IMAGE_H

#include <linux/elf.h>

#include "rfcontroller.h"

struct rf_image {
	void *buf;		/* the file, vmalloc */
	size_t len;
	bool bzimage;
	u64 image_off, image_len;	/* bzImage: what is loaded */
	const Elf64_Phdr *phdrs;	/* vmlinux */
	unsigned int nr_phdrs;
	u64 paddr_low;
	u64 mem_size;		/* bytes it occupies until it manages memory */
	u64 align;
	u64 entry_off;		/* from where it is loaded */
};

struct rf_placement {
	struct rf_boot_region home;	/* starts with the control area */
	u64 kernel;			/* physical */
	u64 initrd, initrd_size;
};

void rf_image_put(struct rf_image *img);
void rf_boot_leave(struct rf_subos *s, const struct rf_placement *p);
int rf_boot_map(struct rf_subos *s, const struct rf_placement *p);
void rf_boot_params(struct rf_subos *s, const struct rf_image *img,
		    const struct rf_placement *p);

#endif /* _RF_IMAGE_H */
