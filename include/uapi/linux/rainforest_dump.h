/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * /dev/rainforest: the memory of a subOS, in the supervisor.
 *
 * RF_IOC_DUMP on any open file of the device returns a new file descriptor, from
 * which read(2), pread(2) and lseek(2) give an ELF core file as /proc/vmcore does:
 * notes (registers of the CPUs as far as they are known, VMCOREINFO), then the
 * memory, by physical address and as the subOS's kernel maps it.
 *
 * While the descriptor is open the subOS is not started, loaded, resized or
 * thawed: EBUSY. It can be killed and destroyed; when it is destroyed, reads end
 * with ESTALE. Needs CAP_SYS_ADMIN in the initial user namespace, and that
 * lockdown does not keep kernel memory confidential.
 */
#ifndef _UAPI_LINUX_RAINFOREST_DUMP_H
#define _UAPI_LINUX_RAINFOREST_DUMP_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define RF_DUMP_NMI	1	/* if it is to be held: CPUs that answer no interrupt by NMI,
				 * which resets the machine if one's IDT is broken
				 */

/*
 * A subOS that runs is held (frozen) until the descriptor is closed, by whatever
 * way. If it is unresponsive, as many of its CPUs as come to be held are.
 */
struct rf_dump {
	char name[64];
	__u32 flags;		/* RF_DUMP_*; unknown ones are EINVAL */
	__u32 timeout_ms;	/* for a running one to be held; 0: 1000, which is the most */
	__u64 size;		/* out: bytes of the ELF file */
	__u64 memory;		/* out: bytes of it that are the subOS's memory */
	__u32 cpus;		/* out: CPUs that it owns */
	__u32 regs;		/* out: of how many the registers are known */
	__u32 loose;		/* out: how many may run on */
	__u32 held;		/* out: 1: it was running, and is held until the close */
	__u32 vmcoreinfo;	/* out: bytes of VMCOREINFO, 0: its kernel gave none */
	__u32 pad;		/* 0 */
	char message[160];	/* out: after an error, why, if that is known */
};

/*
 * ENOENT no such subOS, ENODATA it never ran, EBUSY it boots or stops, EPERM,
 * ETIMEDOUT it could not be held, EINVAL, EHOSTDOWN it ended meanwhile, ENOMEM.
 */
#define RF_IOC_DUMP	_IOWR('R', 0xf1, struct rf_dump)

#endif /* _UAPI_LINUX_RAINFOREST_DUMP_H */
