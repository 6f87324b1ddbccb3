// SPDX-License-Identifier: GPL-2.0
/* A subOS that is held, and its memory as a core file: <linux/rainforest_dump.h> */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/rainforest.h>
#include <linux/rainforest_console.h>
#include <linux/rainforest_dump.h>
#include <netlink/msg.h>

#include "internal.h"

#define ROUND_MS	1000	/* the kernel waits no longer in one request */

/* ---- freeze, thaw ---- */

static int freeze_once(struct rf *rf, const struct rf_freeze *f, int64_t ms, struct rf_subos *reply)
{
	struct nl_msg *msg = rf_named(rf, RAINFOREST_CMD_SUBOS_FREEZE, f->name, f->dry_run);

	if (msg)
		nla_put_u32(msg, RAINFOREST_A_SUBOS_TIMEOUT_MS, ms > 0 ? ms : 1);
	if (msg && f->nmi)
		nla_put_flag(msg, RAINFOREST_A_SUBOS_NMI);
	return rf_change(rf, msg, reply);
}

/**
 * rf_freeze() - hold all CPUs of a running subOS, until rf_thaw()
 * @rf: the handle
 * @f: its name, and how long to try
 * @reply: the subOS; rf_subos_clear() it
 *
 * Return: 0; -ENOENT, -EBUSY (it is frozen), -EINVAL (it does not run),
 * -ETIMEDOUT (a CPU takes no interrupt; it runs on), -EOPNOTSUPP, -EHOSTDOWN, -EINTR.
 */
int rf_freeze(struct rf *rf, const struct rf_freeze *f, struct rf_subos *reply)
{
	int64_t end = rf_now_ms() + f->timeout_ms, left;
	int ret;

	do {
		left = end - rf_now_ms();
		ret = freeze_once(rf, f, left < ROUND_MS ? left : ROUND_MS, reply);
	} while (ret == -ETIMEDOUT && left > ROUND_MS);
	return ret;
}

/**
 * rf_thaw() - let a frozen subOS go on
 * @rf: the handle
 * @name: its name
 * @dry_run: change nothing
 * @reply: the subOS; rf_subos_clear() it
 *
 * Return: 0; -ENOENT, -EINVAL (it isn't frozen), -EBUSY (a dump is written),
 * -ETIMEDOUT (a CPU did not go on).
 */
int rf_thaw(struct rf *rf, const char *name, bool dry_run, struct rf_subos *reply)
{
	return rf_change(rf, rf_named(rf, RAINFOREST_CMD_SUBOS_THAW, name, dry_run), reply);
}

/* ---- the core file ---- */

static int dump_error(struct rf *rf, int err, const struct rf_dump *d)
{
	const char *name = d->name;

	if (d->message[0])
		return rf_error(rf, err, "%.*s", (int)sizeof(d->message), d->message);
	switch (-err) {
	case ENOENT:
		return rf_error(rf, err, "no subOS \"%s\"", name);
	case ENOTTY:
		return rf_error(rf, -EOPNOTSUPP, "this rfcontroller gives no dumps: load a newer one");
	}
	return rf_error(rf, err, "dump of %s: %s", name, strerror(-err));
}

/**
 * rf_dump_open() - a subOS's memory to read as a core file
 * @rf: the handle
 * @f: its name; if it runs, how long to try to hold it. dry_run is not used
 * @info: what there is
 *
 * One that runs is held until the descriptor is closed, also by the death of the
 * process.
 *
 * Return: a descriptor that gives a core file; -ENOENT, -ENODATA (it never ran),
 * -EBUSY, -EPERM, -ETIMEDOUT (it can't be held), -EOPNOTSUPP, -EHOSTDOWN, -ENOMEM.
 */
int rf_dump_open(struct rf *rf, const struct rf_freeze *f, struct rf_dump_info *info)
{
	int64_t end = rf_now_ms() + f->timeout_ms, left;
	struct rf_dump d;
	int dev, fd, err;

	dev = open(RF_DEVICE, O_RDONLY | O_CLOEXEC);
	if (dev < 0) {
		err = -errno;
		if (err == -ENOENT || err == -ENXIO || err == -ENODEV)
			return rf_no_module(rf);
		return rf_error(rf, err, "%s: %s", RF_DEVICE, strerror(-err));
	}
	do {
		left = end - rf_now_ms();
		memset(&d, 0, sizeof(d));
		memcpy(d.name, f->name, strnlen(f->name, sizeof(d.name) - 1));
		d.flags = f->nmi ? RF_DUMP_NMI : 0;
		d.timeout_ms = left < 1 ? 1 : left < ROUND_MS ? left : ROUND_MS;
		fd = ioctl(dev, RF_IOC_DUMP, &d);
		err = fd < 0 ? -errno : 0;
	} while (err == -ETIMEDOUT && left > ROUND_MS);
	close(dev);
	if (err)
		return dump_error(rf, err, &d);
	*info = (struct rf_dump_info) {
		.size = d.size,
		.memory = d.memory,
		.cpus = d.cpus,
		.regs = d.regs,
		.loose = d.loose,
		.held = d.held,
		.vmcoreinfo = d.vmcoreinfo,
	};
	return fd;
}
