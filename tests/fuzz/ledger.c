// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz of tools/rf-ledger: anchor, copies, boot descriptors and consoles in raw memory,
 * of which any word may be anything. What it takes for valid has to be so, of two
 * valid copies the later one counts, and what it prints has to be JSON.
 */
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "fuzz.h"
#include "must.h"

#define fuzz_min(a, b)	((a) < (b) ? (a) : (b))
/* Everything is printed into a string */
static char *said;
static size_t said_len;
static FILE *said_to;
#define printf(...)	fprintf(said_to, __VA_ARGS__)
#define putchar(c)	putc(c, said_to)

#include "../../tools/rf-ledger/ledger.c"
#include "../../tools/rf-ledger/subos.c"
#include "../../tools/rf-ledger/print.c"

const char *rf_state_text(uint32_t state) { (void)state; return "some"; }

/* ---- memory: three pieces, nothing beside them ---- */

#define COPY_SIZE	8192
#define COPIES		0x200000ULL		/* and the second behind it */
#define CONTROL		0x40000000ULL

static uint8_t low[4096];			/* the anchor's page */
static uint64_t low_at;
static _Alignas(8) uint8_t copies[2][COPY_SIZE];
static uint8_t control[RF_CONTROL_SIZE];	/* of a subOS */

static int piece(uint64_t at, void *to, size_t len, uint64_t from, const void *mem, size_t size)
{
	if (at < from || at - from > size || len > size - (at - from))
		return 0;
	memcpy(to, (const uint8_t *)mem + (at - from), len);
	return 1;
}

int rl_read(const struct rl_memory *m, uint64_t at, void *to, size_t len)
{
	(void)m;
	MUST(len <= RL_MAX_COPY);
	if (piece(at, to, len, low_at, low, sizeof(low)) ||
	    piece(at, to, len, COPIES, copies, sizeof(copies)) ||
	    piece(at, to, len, CONTROL, control, sizeof(control)))
		return 0;
	if (at + len > 1 << 20)
		return -ENXIO;
	memset(to, 0, len);
	return 0;
}

/* ---- what stands there ---- */

/* As it should be, or of the input's own words */
static uint64_t word(uint64_t right, unsigned int len)
{
	return take(1) & 15 ? right : take(len);
}

static void write_copy(uint8_t *to)
{
	struct rf_ledger l = {
		.magic = word(RF_LEDGER_MAGIC, 8), .version = word(RF_LEDGER_VERSION, 4),
		.generation = take(1), .nr_subos = take(1) % 5, .nr_resources = take(1) % 12,
		.truncated = take(1) & 1,
	};
	struct rf_ledger_subos s;
	struct rf_ledger_resource r;
	uint8_t *p = to + sizeof(l);

	memset(to, 0, COPY_SIZE);
	for (uint32_t i = 0; i < l.nr_subos; i++, p += sizeof(s)) {
		s = (struct rf_ledger_subos) {
			.desc = word(CONTROL, 8), .generation = word(1, 8), .id = take(1) % 4,
			.state = take(1) % 16,
		};
		for (uint64_t n = word(1 + i, 1), c = 0; c < fuzz_min(n, sizeof(s.name)); c++)
			s.name[c] = word('a', 1);
		memcpy(p, &s, sizeof(s));
	}
	for (uint32_t i = 0; i < l.nr_resources; i++, p += sizeof(r)) {
		r = (struct rf_ledger_resource) {
			.at = word((uint64_t)i << 27, 8), .size = word(1 << 27, 8),
			.kind = word(1 + i % 2, 2), .status = word(RF_LEDGER_GRANTED, 2),
			.owner = take(1) % 4, .node = word(0, 4),
		};
		memcpy(p, &r, sizeof(r));
	}
	l.size = word(p - to, 4);
	l.nr_subos = word(l.nr_subos, 4);
	l.nr_resources = word(l.nr_resources, 4);
	memcpy(to, &l, sizeof(l));
	l.checksum = rl_crc(to, l.size <= COPY_SIZE ? l.size : COPY_SIZE);
	memcpy(to + offsetof(struct rf_ledger, checksum), &l.checksum, sizeof(l.checksum));
	for (unsigned int n = take(1) & 31 ? 0 : take(1) % 8; n; n--)
		to[take(2) % COPY_SIZE] = take(1);
}

static void write_control(void)
{
	struct rf_boot_desc *d = (void *)control;
	struct rf_boot_ring *w = &d->ring[RF_RING_CONSOLE_OUT];
	struct rf_ring *ring;

	d->magic = word(RF_BOOT_MAGIC, 8);
	d->version_major = word(RF_BOOT_VERSION_MAJOR, 2);
	d->self = word(CONTROL, 8);
	d->state = take(1);
	d->nr_cpus = word(2, 4);
	d->cpu[0].present = take(1) & 1;
	d->cpu[RF_BOOT_MAX_CPUS - 1].present = take(1) & 1;
	for (unsigned int i = 0; i < sizeof(d->message); i++)
		d->message[i] = word('m', 1);
	w->offset = word(RF_OFF_CONSOLE_OUT, 4);
	w->size = word(RF_LEN_CONSOLE_OUT, 4);
	ring = (void *)(control + RF_OFF_CONSOLE_OUT);
	ring->head = take(1) & 1 ? take(8) : take(3);
}

/* ---- what is made of it ---- */

static void prints(const struct rl_memory *m, const struct rl_ledger *l)
{
	struct json_object *o;

	said_to = open_memstream(&said, &said_len);
	rl_print_text(m, l);
	fclose(said_to);
	for (size_t i = 0; i < said_len; i++)
		MUST(said[i] == '\n' || (said[i] >= ' ' && said[i] < 0x7f));
	free(said);
	said_to = open_memstream(&said, &said_len);
	rl_print_json(m, l, NULL);
	fclose(said_to);
	o = json_tokener_parse(said);
	MUST(o);
	json_object_put(o);
	free(said);
}

static void fuzz_one(void)
{
	struct rl_memory m = { .fd = -1 };
	const struct rf_ledger_resource *other;
	struct rf_ledger_anchor a = {
		.magic = RF_LEDGER_ANCHOR_MAGIC, .version = word(RF_LEDGER_VERSION, 4),
		.copy_size = word(COPY_SIZE, 4),
		.copy = { word(COPIES, 8), word(COPIES + COPY_SIZE, 8) },
	};
	static struct rf_boot_desc d;
	struct rl_ledger l;
	size_t len;
	char *text;
	int err;

	low_at = take(1) * 4096;
	memset(low, 0, sizeof(low));
	memcpy(low + RF_LEDGER_ANCHOR_OFFSET, &a, sizeof(a));
	write_copy(copies[0]);
	write_copy(copies[1]);
	write_control();

	err = rl_load(&m, &l);
	MUST((err == 0) == (l.best >= 0));
	if (!err) {
		MUST(!l.copy[l.best].wrong && !rl_check(l.bytes, a.copy_size));
		MUST(l.copy[!l.best].wrong ||
		     l.copy[!l.best].generation <= l.copy[l.best].generation);
		MUST((const uint8_t *)(l.resource + l.head->nr_resources) ==
		     (const uint8_t *)l.bytes + l.head->size);
		if (rl_conflict(&l, &other))
			MUST(other >= l.resource && other < l.resource + l.head->nr_resources);
		for (uint32_t i = 0; i < l.head->nr_subos; i++) {
			MUST(memchr(l.subos[i].name, 0, sizeof(l.subos[i].name)));
			if (rl_desc(&m, &l.subos[i], &d) || rl_console(&m, &d, &text, &len))
				continue;
			MUST(len < RF_CONTROL_SIZE);
			MUST(!len || memchr(text, text[len - 1], len));	/* ASan looks */
			free(text);
		}
	}
	prints(&m, &l);
	rl_free(&l);
}
