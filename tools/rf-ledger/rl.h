/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rf-ledger: who owns what, read from raw memory by what include/rf/abi says,
 * without the supervisor that wrote it.
 *
 *   memory.c  where bytes of physical memory come from
 *   ledger.c  anchor, copies, what is wrong with them
 *   subos.c   what a subOS says of itself: descriptor, console
 *   main.c    options, printing
 */
#ifndef RL_H
#define RL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rf/abi/boot.h>
#include <rf/abi/ledger.h>

/* memory.c */

struct rl_piece {
	uint64_t at;		/* physical address */
	uint64_t size;		/* bytes */
	uint64_t offset;	/* in the file */
};

struct rl_memory {
	int fd;
	struct rl_piece *piece;	/* NULL: the offset in the file is the address */
	unsigned int nr;
};

int rl_open(struct rl_memory *m, const char *path);
void rl_close(struct rl_memory *m);
int rl_read(const struct rl_memory *m, uint64_t at, void *to, size_t len);

/* ledger.c */

#define RL_MAX_COPY	(64U << 20)	/* bytes that are believed of an anchor */

struct rl_copy {
	uint64_t at;
	uint64_t generation;	/* as it says, valid or not; 0: not read */
	const char *wrong;	/* NULL: valid */
};

struct rl_ledger {
	uint64_t anchor;	/* physical address */
	struct rl_copy copy[2];
	int best;		/* the copy that counts; -1: none is valid */
	void *bytes;
	const struct rf_ledger *head;			/* of the best */
	const struct rf_ledger_subos *subos;		/* head->nr_subos */
	const struct rf_ledger_resource *resource;	/* head->nr_resources */
};

const char *rl_check(const void *bytes, size_t len);
int rl_load(const struct rl_memory *m, struct rl_ledger *l);
void rl_free(struct rl_ledger *l);
const struct rf_ledger_resource *rl_conflict(const struct rl_ledger *l,
					     const struct rf_ledger_resource **other);
uint32_t rl_crc(const void *bytes, size_t len);

/* subos.c */

int rl_desc(const struct rl_memory *m, const struct rf_ledger_subos *s, struct rf_boot_desc *d);
int rl_console(const struct rl_memory *m, const struct rf_boot_desc *d, char **text, size_t *len);

#endif
