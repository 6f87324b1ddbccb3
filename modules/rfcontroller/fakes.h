/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests see of the hardware's end, see fakes.c */
#ifndef _RF_FAKES_H
#define _RF_FAKES_H

#include "rfcontroller.h"

#define RF_FAKE_TRAMPOLINE	0x10000

struct rf_fakes {
	u64 slot, cr3;		/* of the last rf_trampoline_set() */
	u32 kicked;		/* APIC ID */
	int kick_err;		/* what the next kick returns */
	unsigned int rings;	/* doorbells rung */
	unsigned int notices;	/* told to user space */
	unsigned int records;	/* adjustments, told to user space */
	struct rf_record record;	/* the last of them */
};

extern struct rf_fakes rf_fakes;

#endif /* _RF_FAKES_H */
