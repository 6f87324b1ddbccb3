/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests see of the hardware's end, see fakes.c */
#ifndef _RF_FAKES_H
#define _RF_FAKES_H

#include "resize.h"

struct kunit;

#define RF_FAKE_TRAMPOLINE	0x10000

struct rf_fakes {
	u64 slot, cr3;		/* of the last rf_trampoline_set() */
	u32 kicked;		/* APIC ID */
	int kick_err;		/* what the next kick returns */
	unsigned int rings;	/* doorbells rung */
	unsigned int notices;	/* told to user space */
	unsigned int records;	/* adjustments, told to user space */
	struct rf_record record;	/* the last of them */
	/* a subOS's end of the control protocol: gets what supcon sends; NULL: no channel */
	int (*post)(u16 type, const void *data);
	struct rf_subos *peer;	/* whose end */
	unsigned int posts;
	u32 last_id;		/* of the last request */
	u8 answers[8];		/* to the requests, enum rf_con_status or RF_FAKE_* */
	unsigned int nr_asked;
	u16 asked[8];		/* operations, in order */
	u64 about[8];		/* and their first argument */
};

/* What a fake subOS does besides answering with a status */
#define RF_FAKE_MUTE	0x80
#define RF_FAKE_DIE	0x81	/* it panics instead */
#define RF_FAKE_UNWANTED 0x82	/* no answer, and somebody wants to stop it */

int rf_fake_post(u16 type, const void *data);
int rf_fake_answer(u16 type, const void *data);
struct rf_subos *rf_fake_subos(struct kunit *test, const char *name);
struct rf_subos *rf_fake_grant(struct kunit *test, const char *name, unsigned int cpus,
			       unsigned int blocks);
u64 rf_fake_block(int nr);
struct rf_resize rf_fake_resize(void);

extern struct rf_fakes rf_fakes;

#endif /* _RF_FAKES_H */
