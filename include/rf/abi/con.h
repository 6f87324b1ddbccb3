/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * The control protocol: what a supervisor asks of a running subOS, in messages
 * of port RF_CON_PORT of their channel. A subOS asks nothing.
 *
 * This interface is a contract between two kernels that may be of different
 * builds, see boot.h. The payload of a message has 56 bytes, whatever of it a
 * type uses; the rest is zero. Requests of unknown operations and flags are
 * answered with RF_CON_UNKNOWN. Messages of unknown types or of another length
 * are dropped and counted, and never taken for something else.
 *
 * A channel begins with the subOS's RF_CON_HELLO, which says which versions it
 * speaks. The supervisor answers with its own, @version being the highest that
 * both speak, or 0: then it says why in @text, and asks nothing. A subOS that
 * says HELLO again has forgotten what it was asked before.
 *
 * A request has an id, which is never 0 and not used again while its answer
 * may come. A request that is sent twice with the same id is done once: the
 * answerer keeps its last RF_CON_KEEP answers and sends the kept one again, and
 * says nothing while the first is still worked on. Requests are worked on one
 * after another in the order they came, but for RF_CON_PING, which is answered
 * at once. An answer of a status other than RF_CON_OK may
 * be preceded by its reason: up to RF_CON_TEXTS texts in order, of which the
 * answer says how many.
 *
 * Errors are numbers of this header, not of either kernel's errno.h.
 */
#ifndef _RF_ABI_CON_H
#define _RF_ABI_CON_H

#include <linux/types.h>

#define RF_CON_PORT		1
#define RF_CON_VERSION_MIN	1
#define RF_CON_VERSION_MAX	1
#define RF_CON_KEEP		16	/* answers kept for repeated requests */
#define RF_CON_TEXT_LEN		48	/* bytes of text in one message */
#define RF_CON_TEXTS		3	/* messages of text before an answer */

enum rf_con_type {
	RF_CON_HELLO	= 1,
	RF_CON_REQUEST	= 2,
	RF_CON_TEXT	= 3,
	RF_CON_ANSWER	= 4,
};

enum rf_con_op {
	RF_CON_PING	= 1,	/* value[0] of the answer is arg[0] */
	RF_CON_CPU_ADD	= 2,	/* arg[0]: slot of cpu[] of the descriptor, [1]: APIC ID */
	RF_CON_CPU_REMOVE = 3,	/* the same; after OK nothing runs there */
	RF_CON_MEM_ADD	= 4,	/* arg[0]: start, [1]: bytes, [2]: node, as region[] */
	RF_CON_MEM_REMOVE = 5,	/* arg[0]: start, [1]: bytes; one memory block */
};

/* Flags of a request; unknown ones are refused */
#define RF_CON_FORCE	1	/* CPU_REMOVE: break affinities */

enum rf_con_status {
	RF_CON_OK	= 0,
	RF_CON_UNKNOWN	= 1,	/* no such operation, or flag */
	RF_CON_BAD	= 2,	/* an argument makes no sense */
	RF_CON_BUSY	= 3,	/* it is in use, and can't leave; or can't just now */
	RF_CON_REFUSED	= 4,	/* never: the first CPU, for example */
	RF_CON_NOMEM	= 5,
	RF_CON_FAILED	= 6,	/* value[0]: the errno of its kernel, for people */
	RF_CON_LATE	= 7,	/* gave up after the request's timeout; undone */
};

/* Features, bits of rf_con_hello.features */
#define RF_CON_HAS_CPU		(1 << 0)
#define RF_CON_HAS_MEMORY	(1 << 1)

struct rf_con_hello {
	__u16 min, max;		/* versions that the sender speaks */
	__u16 version;		/* from the supervisor: the one chosen, 0: none */
	__u16 pad;
	__u32 features;
	__u32 page_size;	/* bytes */
	__u64 block_size;	/* bytes of the sender's memory block, 0: no hotplug */
	char text[32];		/* from the supervisor: why not; with its NUL */
};

struct rf_con_request {
	__u32 id;
	__u16 op;		/* enum rf_con_op */
	__u16 flags;
	__u32 timeout_ms;	/* the answerer gives up then, if it can */
	__u32 pad;
	__u64 arg[5];
};

struct rf_con_answer {
	__u32 id;
	__u16 op;
	__u8 status;		/* enum rf_con_status */
	__u8 texts;		/* how many RF_CON_TEXT of this id came before */
	__u64 value[6];
};

struct rf_con_text {
	__u32 id;
	__u8 part;		/* from 0 */
	__u8 len;		/* bytes of text, no NUL */
	__u8 pad[2];
	char text[RF_CON_TEXT_LEN];
};

#ifdef __KERNEL__
#include <linux/build_bug.h>
static_assert(sizeof(struct rf_con_hello) == 56);
static_assert(sizeof(struct rf_con_request) == 56);
static_assert(sizeof(struct rf_con_answer) == 56);
static_assert(sizeof(struct rf_con_text) == 56);
#endif

#endif /* _RF_ABI_CON_H */
