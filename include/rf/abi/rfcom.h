/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * RFcom between kernels: messages of RF_PORT_COM of a FICM channel. This
 * interface is a contract between two kernels, see boot.h. Every message has 56
 * bytes, what isn't used is zero. Documentation/rfcom.md tells how they follow each other.
 *
 * An end of a channel, and a service, is known by a handle that its own kernel
 * chose; 0 is none. Who a message is from says the channel that it came by. A
 * message to a handle that its kernel doesn't have, or whose other end is another
 * one, is dropped.
 *
 * The registry answers who has not said HELLO to it -ENOTCONN. It says WHO when it
 * begins; a subOS that does not know that word drops it, and stays unknown.
 *
 * Credits: an end may have RF_COM_WINDOW lines (RF_COM_DATA, RF_COM_BULK) sent
 * that the other one's reader has not taken, and as many bytes in the buffer as
 * it has. What was taken says RF_COM_CREDIT, in counts since the channel was opened.
 *
 * The buffer is a region (region.h) of two halves: bytes from the client to the
 * service, then those the other way. Byte n lies at n % (size / 2) of its half.
 */
#ifndef _RF_ABI_RFCOM_H
#define _RF_ABI_RFCOM_H

#include <linux/rfcom.h>
#include <linux/types.h>

#define RF_COM_VERSION		1
#define RF_COM_WINDOW		64	/* lines */
#define RF_COM_PART		48	/* bytes of a message in a line */
#define RF_COM_PARTS		4	/* lines of a message without the buffer */
#define RF_COM_TEXT		48	/* bytes of a name in a message */

enum rf_com_type {
	/* between the two ends of a channel */
	RF_COM_DATA	= 1,	/* rf_com_data: a part of a small message */
	RF_COM_BULK	= 2,	/* rf_com_bulk: a message in the buffer */
	RF_COM_CREDIT	= 3,	/* rf_com_credit */
	RF_COM_WANT	= 4,	/* rf_com_word: a writer waits: tell credits after each read */
	RF_COM_CLOSE	= 5,	/* rf_com_word: error 0: in order, after what was sent */
	RF_COM_SHARE	= 6,	/* rf_com_share: the client wants it made */
	RF_COM_READY	= 7,	/* rf_com_share: the sender has it */
	RF_COM_FAILED	= 8,	/* rf_com_share: it can't be had: error */
	RF_COM_OPEN	= 9,	/* rf_com_open: to a service's handle */
	RF_COM_OPENED	= 10,	/* rf_com_open: to the client's handle */
	/* between a subOS and the registry in the supervisor */
	RF_COM_HELLO	= 16,	/* rf_com_word: error is the version; forget what you knew of us */
	RF_COM_NAME	= 17,	/* rf_com_name: for what follows; two of them */
	RF_COM_REGISTER	= 18,	/* rf_com_word: error 0, the service's handle; NAME before */
	RF_COM_REGISTERED = 19,	/* rf_com_word: to the service's handle */
	RF_COM_GRANT	= 20,	/* rf_com_grant: NAME, the peer's, before; answer REGISTERED */
	RF_COM_UNREGISTER = 21,	/* rf_com_word */
	RF_COM_LOOKUP	= 22,	/* rf_com_word: a token; NAME before */
	RF_COM_FOUND	= 23,	/* rf_com_found: to the token */
	RF_COM_CHANGED	= 24,	/* rf_com_changed: forget what you know of a name */
	RF_COM_REGION	= 25,	/* rf_com_region: the service's end wants one for both */
	RF_COM_REFUSED	= 26,	/* rf_com_share: to the service's end: no region: error */
	RF_COM_WHO	= 27,	/* rf_com_word: the registry begins: HELLO and all names again */
};

enum rf_com_share_kind {
	RF_COM_BUFFER	= 0,	/* for messages */
	RF_COM_MAP	= 1,	/* for rf_map() */
	RF_COM_SHARES	= 2,
};

struct rf_com_word {
	__u32 to;
	__s32 error;		/* 0, or a negative errno of Linux */
};

struct rf_com_data {
	__u32 to;
	__u16 total;		/* bytes of the message */
	__u16 part;		/* from 0; all but the last are full */
	__u8 data[RF_COM_PART];
};

struct rf_com_bulk {
	__u32 to;
	__u32 len;		/* bytes of the message */
	__u64 pos;		/* of its first byte: as many were sent before */
};

struct rf_com_credit {
	__u32 to;
	__u32 pad;
	__u64 lines;		/* taken */
	__u64 bytes;		/* taken out of the buffer */
};

struct rf_com_share {
	__u32 to;
	__u32 kind;		/* enum rf_com_share_kind */
	__u64 size;		/* SHARE: bytes */
	__s32 error;
	__u32 pad;
};

struct rf_com_open {
	__u32 to;
	__u32 from;		/* the sender's handle; 0 with an error */
	__s32 error;
	__u32 rights;		/* OPENED: RF_MAY_* (linux/rfcom.h), of the client */
	__u32 buffer;		/* OPENED: bytes of a message at most */
	__u32 pad;
};

struct rf_com_name {
	__u32 to;		/* as in what follows */
	__u32 part;		/* 0, 1 */
	__u8 text[RF_COM_TEXT];
};

struct rf_com_grant {
	__u32 to;		/* the service's handle */
	__u32 rights;		/* 0: none any more */
};

struct rf_com_found {
	__u32 to;
	__s32 error;		/* -ENOENT: no such name; -EACCES: not for you; ... */
	__u32 owner;		/* id of the kernel */
	__u32 service;		/* its handle there */
	__u32 rights;
	__u32 pad;
};

struct rf_com_changed {
	__u64 hash;		/* rf_com_hash() of the name; 0: of any */
};

struct rf_com_region {
	__u32 to;		/* the service's end: handle */
	__u32 kind;
	__u32 peer;		/* id of the client's kernel */
	__u32 client;		/* the client's handle there */
	__u64 size;		/* bytes */
	__u32 rights;		/* of the client */
	__u32 pad;
};

/* Of a name with its NUL, never 0 (FNV-1a) */
static inline __u64 rf_com_hash(const char *name)
{
	__u64 hash = 0xcbf29ce484222325ULL;

	while (*name)
		hash = (hash ^ (__u8)*name++) * 0x100000001b3ULL;
	return hash ? hash : 1;
}

#ifdef __KERNEL__
#include <linux/build_bug.h>
static_assert(RF_COM_NAME_LEN == 2 * RF_COM_TEXT);
static_assert(sizeof(struct rf_com_data) == 56);
static_assert(sizeof(struct rf_com_name) == 56);
static_assert(sizeof(struct rf_com_bulk) == 16);
static_assert(sizeof(struct rf_com_credit) == 24);
static_assert(sizeof(struct rf_com_share) == 24);
static_assert(sizeof(struct rf_com_open) == 24);
static_assert(sizeof(struct rf_com_found) == 24);
static_assert(sizeof(struct rf_com_region) == 32);
#endif

#endif /* _RF_ABI_RFCOM_H */
