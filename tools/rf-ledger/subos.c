// SPDX-License-Identifier: GPL-2.0
/* What lies in a subOS's control area, believed as little as a peer's words are */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rf/abi/layout.h>
#include <rf/abi/ring.h>

#include "rl.h"

/**
 * rl_desc() - the boot descriptor of a subOS in the ledger
 *
 * Return: 0; -ENODATA: it has none yet; -ENXIO: not in the file; -EBADMSG: that
 * is no descriptor of it.
 */
int rl_desc(const struct rl_memory *m, const struct rf_ledger_subos *s, struct rf_boot_desc *d)
{
	int err;

	if (!s->desc || !s->generation)
		return -ENODATA;
	err = rl_read(m, s->desc, d, sizeof(*d));
	if (err)
		return err;
	d->name[sizeof(d->name) - 1] = 0;
	d->message[sizeof(d->message) - 1] = 0;
	if (d->nr_cpus > RF_BOOT_MAX_CPUS)
		d->nr_cpus = RF_BOOT_MAX_CPUS;
	return d->magic == RF_BOOT_MAGIC && d->version_major == RF_BOOT_VERSION_MAJOR &&
	       d->self == s->desc ? 0 : -EBADMSG;
}

/**
 * rl_console() - the last that a subOS printed: what its ring still holds
 * @text: out, to free; not terminated
 *
 * Return: 0; -EBADMSG: the ring makes no sense; -ENXIO; -ENOMEM.
 */
int rl_console(const struct rl_memory *m, const struct rf_boot_desc *d, char **text, size_t *len)
{
	struct rf_boot_ring where = d->ring[RF_RING_CONSOLE_OUT];
	struct rf_ring head;
	uint64_t cap, from, part;
	int err;

	if (where.size <= sizeof(head) || where.size > RF_CONTROL_SIZE ||
	    where.offset > RF_CONTROL_SIZE - where.size)
		return -EBADMSG;
	err = rl_read(m, d->self + where.offset, &head, sizeof(head));
	if (err)
		return err;
	cap = where.size - sizeof(head);
	*len = head.head < cap ? head.head : cap;
	*text = malloc(*len ? *len : 1);
	if (!*text)
		return -ENOMEM;
	from = (head.head - *len) % cap;
	part = cap - from < *len ? cap - from : *len;
	err = rl_read(m, d->self + where.offset + sizeof(head) + from, *text, part);
	if (!err)
		err = rl_read(m, d->self + where.offset + sizeof(head), *text + part, *len - part);
	if (err)
		free(*text);
	return err;
}
