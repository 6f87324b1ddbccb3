// SPDX-License-Identifier: GPL-2.0
/* The anchor below 1 MiB, and the two copies that it names: rf/abi/ledger.h */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rl.h"

/* CRC-32 (IEEE), reflected, seed ~0, not inverted at the end: as crc32_le() */
uint32_t rl_crc(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint32_t crc = ~0U;

	while (len--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return crc;
}

static const char *check_contents(const struct rf_ledger *l)
{
	const struct rf_ledger_subos *s = (const void *)(l + 1);
	const struct rf_ledger_resource *r = (const void *)(s + l->nr_subos);

	for (uint32_t i = 0; i < l->nr_subos; i++)
		if (!s[i].name[0] || !memchr(s[i].name, 0, sizeof(s[i].name)))
			return "a name without an end";
	for (uint32_t i = 0; i < l->nr_resources; i++) {
		if (r[i].kind != RF_LEDGER_CPU && r[i].kind != RF_LEDGER_MEMORY)
			return "a resource of unknown kind";
		if (r[i].status < RF_LEDGER_TAKING || r[i].status > RF_LEDGER_QUARANTINED)
			return "a resource of unknown status";
		if (r[i].kind == RF_LEDGER_MEMORY &&
		    (!r[i].size || r[i].at + r[i].size < r[i].at))
			return "memory of no or too much size";
	}
	return NULL;
}

/**
 * rl_check() - what is wrong with a copy
 * @bytes: it, aligned to 8
 * @len: how many bytes may belong to it
 *
 * Return: NULL when it is valid; else why not.
 */
const char *rl_check(const void *bytes, size_t len)
{
	const struct rf_ledger *l = bytes;
	struct rf_ledger head;
	uint64_t size;
	uint8_t *mine;
	uint32_t crc;

	if (len < sizeof(*l))
		return "too short";
	memcpy(&head, l, sizeof(head));
	if (head.magic != RF_LEDGER_MAGIC)
		return "no magic: it was being written, or never";
	if (head.version != RF_LEDGER_VERSION)
		return "of another version";
	if (head.size < sizeof(*l) || head.size > len)
		return "its size does not fit";
	size = sizeof(*l) + (uint64_t)head.nr_subos * sizeof(struct rf_ledger_subos) +
	       (uint64_t)head.nr_resources * sizeof(struct rf_ledger_resource);
	if (size != head.size)
		return "its counts do not fit its size";
	mine = malloc(head.size);
	if (!mine)
		return "no memory to check it";
	memcpy(mine, bytes, head.size);
	memset(mine + offsetof(struct rf_ledger, checksum), 0, sizeof(head.checksum));
	crc = rl_crc(mine, head.size);
	free(mine);
	if (crc != head.checksum)
		return "wrong checksum: it was being written, or is damaged";
	return check_contents(l);
}

static void load_copy(const struct rl_memory *m, struct rl_ledger *l, int i, size_t size)
{
	struct rl_copy *c = &l->copy[i];
	struct rf_ledger *bytes = malloc(size);

	c->wrong = !bytes ? "no memory" :
		   rl_read(m, c->at, bytes, size) ? "it can't be read" : NULL;
	if (!c->wrong) {
		c->generation = bytes->generation;
		c->wrong = rl_check(bytes, size);
	}
	if (c->wrong || (l->best >= 0 && l->copy[l->best].generation >= c->generation)) {
		free(bytes);
		return;
	}
	free(l->bytes);
	l->bytes = bytes;
	l->best = i;
	l->head = bytes;
	l->subos = (const void *)(l->head + 1);
	l->resource = (const void *)(l->subos + l->head->nr_subos);
}

/**
 * rl_load() - find the ledger and read the copy that counts
 *
 * Return: 0; -ENOENT: there is no anchor; -EPROTO: one of another version;
 * -EBADMSG: no copy is valid, see @l->copy. rl_free() in any case.
 */
int rl_load(const struct rl_memory *m, struct rl_ledger *l)
{
	struct rf_ledger_anchor a;
	bool other = false;

	*l = (struct rl_ledger) { .best = -1 };
	for (uint64_t at = RF_LEDGER_ANCHOR_OFFSET; at < 1 << 20; at += 4096) {
		if (rl_read(m, at, &a, sizeof(a)) || a.magic != RF_LEDGER_ANCHOR_MAGIC)
			continue;
		if (a.version != RF_LEDGER_VERSION || a.copy_size < sizeof(struct rf_ledger) ||
		    a.copy_size > RL_MAX_COPY) {
			other = true;
			continue;
		}
		l->anchor = at;
		for (int i = 0; i < 2; i++) {
			l->copy[i].at = a.copy[i];
			load_copy(m, l, i, a.copy_size);
		}
		return l->best < 0 ? -EBADMSG : 0;
	}
	return other ? -EPROTO : -ENOENT;
}

void rl_free(struct rl_ledger *l)
{
	free(l->bytes);
	*l = (struct rl_ledger) { .best = -1 };
}

/**
 * rl_conflict() - has anything two owners, or one that lists it twice?
 *
 * Return: NULL, or the second of them; @other is the first.
 */
const struct rf_ledger_resource *rl_conflict(const struct rl_ledger *l,
					     const struct rf_ledger_resource **other)
{
	const struct rf_ledger_resource *r = l->resource;

	for (uint32_t i = 1; i < l->head->nr_resources; i++)
		for (uint32_t j = 0; j < i; j++) {
			if (r[i].kind != r[j].kind)
				continue;
			if (r[i].kind == RF_LEDGER_CPU ? r[i].at != r[j].at :
			    r[i].at >= r[j].at + r[j].size || r[j].at >= r[i].at + r[i].size)
				continue;
			*other = &r[j];
			return &r[i];
		}
	return NULL;
}
