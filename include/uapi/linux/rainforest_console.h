/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * /dev/rainforest: the consoles and streams of subOSes, in the supervisor.
 *
 * An open file is attached once, by RF_IOC_ATTACH, to one stream of one
 * subOS; then read(2), write(2), poll(2) and O_NONBLOCK work as on a pipe.
 * RF_STREAM_CONSOLE reads what the subOS has printed, oldest kept byte first,
 * and goes on as it prints; end of file comes when the subOS does not run and
 * all was read (RF_ATTACH_FOLLOW: when it is destroyed). Many readers may
 * read one console, each sees all. STDOUT and STDERR have one reader.
 * Needs CAP_SYS_ADMIN in the initial user namespace.
 */
#ifndef _UAPI_LINUX_RAINFOREST_CONSOLE_H
#define _UAPI_LINUX_RAINFOREST_CONSOLE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define RF_DEVICE	"/dev/rainforest"

enum rf_stream {
	RF_STREAM_CONSOLE	= 0,	/* read: output; write: input */
	RF_STREAM_STDIN		= 1,	/* write; close ends the input */
	RF_STREAM_STDOUT	= 2,	/* read */
	RF_STREAM_STDERR	= 3,	/* read */
};

#define RF_ATTACH_FOLLOW	1	/* console: wait through restarts */
#define RF_ATTACH_END		2	/* console: only what is printed from now on */
#define RF_ATTACH_LAST		4	/* console: of the last destroyed subOS of that name,
					 * when none of that name exists
					 */
#define RF_ATTACH_PREVIOUS	8	/* console: only what the life printed that ended last:
					 * of one that runs, the life before. Then the end of
					 * file. ENODATA: there was none, or it is not kept
					 */

struct rf_attach {
	char name[64];
	__u32 stream;		/* enum rf_stream */
	__u32 flags;		/* RF_ATTACH_*; unknown ones are EINVAL */
	__u64 lost;		/* out: bytes of the console lost before the first kept one */
};

/*
 * ENOENT no such subOS, EBUSY attached already or the stream has a reader,
 * EINVAL a flag or stream that is not known, EPERM.
 */
#define RF_IOC_ATTACH	_IOWR('R', 0xf0, struct rf_attach)

/*
 * In a subOS: /dev/rf-stdin (read), /dev/rf-stdout and /dev/rf-stderr (write),
 * /dev/hvc0 (the console), and /dev/rf-ctl, which takes one line a write:
 * "ready", "exited N" (N 0..255, 128+n for signal n). poll() on /dev/rf-ctl
 * gives POLLIN when the supervisor asks for a stop; read() then gives "stop\n".
 */

#endif /* _UAPI_LINUX_RAINFOREST_CONSOLE_H */
