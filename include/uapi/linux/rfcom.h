/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * RFcom for programs: channels to services in any kernel of the machine, by
 * name. librf wraps it: rf_open(3).
 *
 *   /dev/rfcom			who may open it may open channels
 *     RF_IOC_OPEN		a new descriptor: a channel, or a listener
 *     RF_IOC_SERVICES		the registry (in the supervisor)
 *   a listener
 *     RF_IOC_GRANT		who may do what
 *     RF_IOC_ACCEPT		a new descriptor: a channel
 *   a channel
 *     read(2), write(2)	a message; poll(2)
 *     RF_IOC_MAP, mmap(2)	the region that both ends share
 *   either
 *     RF_IOC_INFO		what it is
 *
 * Fields that are not used, and unknown flags, must be 0: else -EINVAL.
 */
#ifndef _UAPI_LINUX_RFCOM_H
#define _UAPI_LINUX_RFCOM_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define RF_COM_DEVICE		"/dev/rfcom"
#define RF_COM_NAME_LEN		96	/* of a service, with the NUL */
#define RF_COM_PEER_LEN		64	/* of a kernel, with the NUL */
#define RF_COM_BUFFER_MIN	(64 << 10)
#define RF_COM_BUFFER_MAX	(16 << 20)
#define RF_COM_BUFFER_DEFAULT	(1 << 20)

/* Flags of RF_IOC_OPEN and RF_IOC_ACCEPT */
#define RF_LISTEN		1	/* register the name */
#define RF_NONBLOCK		2	/* the new descriptor doesn't block */
#define RF_CLOEXEC		4
#define RF_WAIT			8	/* until the name is registered */

struct rf_com_ioc_open {
	char name[RF_COM_NAME_LEN];
	__u32 flags;
	__s32 timeout_ms;	/* with RF_WAIT; negative: for ever */
	__u32 buffer;		/* RF_LISTEN: bytes of a message at most; 0: ..._DEFAULT */
	__u32 backlog;		/* RF_LISTEN: not accepted, at most; 0: 128 */
	__u32 pad[4];
};

struct rf_com_ioc_grant {
	char peer[RF_COM_PEER_LEN];	/* a subOS, "supervisor", or "*": each kernel */
	__u32 rights;			/* RF_MAY_*; 0: none any more */
	__u32 pad;
};

#define RF_MAY_READ		1
#define RF_MAY_WRITE	2
#define RF_MAY_MAP		4	/* the region, to read */
#define RF_MAY_MAP_WRITE	8	/* and to write */
#define RF_MAY_ALL		15

struct rf_com_ioc_accept {
	__u32 flags;
	__u32 pad;
	char peer[RF_COM_PEER_LEN];	/* out: the client's kernel */
};

struct rf_com_ioc_info {
	char name[RF_COM_NAME_LEN];
	char peer[RF_COM_PEER_LEN];	/* of a channel: the other end's kernel */
	__u32 flags;			/* RF_LISTEN */
	__u32 rights;			/* of the client's end */
	__u32 buffer;			/* bytes of a message at most */
	__u32 next;			/* bytes of the message that waits, 0: none */
	__u32 waiting;			/* messages; of a listener: clients */
	__u32 pad;
	__u64 map;			/* bytes of the shared region, 0: none */
};

struct rf_com_ioc_map {
	__u64 size;		/* in: at least, for who comes first; out: what it is */
	__u64 pad;
};

struct rf_com_ioc_service {
	__u64 serial;		/* in: of the one before, 0: the first; out */
	char name[RF_COM_NAME_LEN];
	char owner[RF_COM_PEER_LEN];
	__u32 lookups;		/* that the registry answered; caches answer the rest */
	__u32 nr_grants;
	struct rf_com_ioc_grant grant[16];
};

#define RF_IOC_OPEN	_IOW('R', 0x40, struct rf_com_ioc_open)
#define RF_IOC_SERVICES	_IOWR('R', 0x41, struct rf_com_ioc_service)
#define RF_IOC_GRANT	_IOW('R', 0x42, struct rf_com_ioc_grant)
#define RF_IOC_ACCEPT	_IOWR('R', 0x43, struct rf_com_ioc_accept)
#define RF_IOC_INFO	_IOR('R', 0x44, struct rf_com_ioc_info)
#define RF_IOC_MAP	_IOWR('R', 0x45, struct rf_com_ioc_map)

#endif /* _UAPI_LINUX_RFCOM_H */
