// SPDX-License-Identifier: GPL-2.0
/* The ledger for people, and for programs */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"
#include "rf.h"

static const char *const statuses[] = {
	[RF_LEDGER_TAKING]	= "taking",
	[RF_LEDGER_GRANTED]	= "granted",
	[RF_LEDGER_RETURNING]	= "returning",
	[RF_LEDGER_QUARANTINED]	= "quarantined",
};

/* What a subOS says of itself */
static const char *const words[] = {
	[RF_BOOT_NEW]		= "new",
	[RF_BOOT_ENTERED]	= "entered",
	[RF_BOOT_KERNEL]	= "kernel",
	[RF_BOOT_USER]		= "user",
	[RF_BOOT_STOPPED]	= "stopped",
	[RF_BOOT_PANICKED]	= "panicked",
	[RF_BOOT_REFUSED]	= "refused",
};

#define NAME_OF(table, i) \
	((i) < sizeof(table) / sizeof(*(table)) && (table)[i] ? (table)[i] : "unknown")

static bool is_listed(const struct rl_ledger *l, uint32_t id)
{
	for (uint32_t i = 0; i < l->head->nr_subos; i++)
		if (l->subos[i].id == id)
			return true;
	return false;
}

/* ---- people ---- */

/* Nothing that a terminal would obey */
static void put_plain(const char *s)
{
	for (; *s; s++)
		putchar(*s >= ' ' && *s < 0x7f ? *s : '?');
}

static void print_resource(const struct rf_ledger_resource *r)
{
	if (r->kind == RF_LEDGER_CPU)
		printf("    CPU %-4" PRIu64 " APIC ID %#" PRIx64, (uint64_t)r->size,
		       (uint64_t)r->at);
	else
		printf("    %6" PRIu64 " MiB at %#" PRIx64, (uint64_t)r->size >> 20,
		       (uint64_t)r->at);
	printf("  node %u  %s\n", r->node, NAME_OF(statuses, r->status));
}

static void print_subos(const struct rl_memory *m, const struct rl_ledger *l,
			const struct rf_ledger_subos *s, struct rf_boot_desc *d)
{
	put_plain(s->name);
	printf(": id %u, %s, start %" PRIu64, s->id, rf_state_text(s->state),
	       (uint64_t)s->generation);
	if (s->desc)
		printf(", descriptor at %#" PRIx64, (uint64_t)s->desc);
	printf("\n");
	if (!rl_desc(m, s, d)) {
		printf("    says: %s; heartbeats", NAME_OF(words, d->state));
		for (uint32_t i = 0; i < d->nr_cpus; i++)
			if (d->cpu[i].present)
				printf(" %" PRIu64, (uint64_t)d->cpu[i].beat);
		printf("\n");
	}
	for (uint32_t i = 0; i < l->head->nr_resources; i++)
		if (l->resource[i].owner == s->id)
			print_resource(&l->resource[i]);
}

void rl_print_text(const struct rl_memory *m, const struct rl_ledger *l)
{
	struct rf_boot_desc *d = malloc(sizeof(*d));
	bool first = true;

	printf("ledger: anchor at %#" PRIx64 "\n", l->anchor);
	for (int i = 0; i < 2; i++)
		printf("copy %d at %#" PRIx64 ": generation %" PRIu64 ", %s\n", i, l->copy[i].at,
		       l->copy[i].generation, l->copy[i].wrong ?: l->best == i ?
		       "valid, the one that counts" : "valid");
	if (l->best < 0 || !d)
		goto out;
	if (l->head->truncated)
		printf("there is more than fits in it: what follows is only the first of it\n");
	for (uint32_t i = 0; i < l->head->nr_subos; i++)
		print_subos(m, l, &l->subos[i], d);
	for (uint32_t i = 0; i < l->head->nr_resources; i++) {
		if (is_listed(l, l->resource[i].owner))
			continue;
		if (first)
			printf("of subOSes that are gone:\n");
		first = false;
		print_resource(&l->resource[i]);
	}
out:
	free(d);
}

/* ---- programs ---- */

static void put_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c >= 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void json_resources(const struct rl_ledger *l)
{
	printf("\"resources\": [");
	for (uint32_t i = 0; i < l->head->nr_resources; i++) {
		const struct rf_ledger_resource *r = &l->resource[i];

		printf("%s\n  {\"owner\": %u, \"node\": %u, \"status\": \"%s\", ", i ? "," : "",
		       r->owner, r->node, NAME_OF(statuses, r->status));
		if (r->kind == RF_LEDGER_CPU)
			printf("\"cpu\": %" PRIu64 ", \"apic_id\": %" PRIu64 "}",
			       (uint64_t)r->size, (uint64_t)r->at);
		else
			printf("\"start\": %" PRIu64 ", \"bytes\": %" PRIu64 "}",
			       (uint64_t)r->at, (uint64_t)r->size);
	}
	printf("]");
}

static void json_desc(const struct rf_boot_desc *d)
{
	bool first = true;

	printf(", \"says\": {\"state\": \"%s\", \"message\": ", NAME_OF(words, d->state));
	put_string(d->message);
	printf(", \"control_size\": %" PRIu64 ", \"heartbeats\": [", (uint64_t)d->control_size);
	for (uint32_t i = 0; i < d->nr_cpus; i++) {
		if (!d->cpu[i].present)
			continue;
		printf("%s%" PRIu64, first ? "" : ", ", (uint64_t)d->cpu[i].beat);
		first = false;
	}
	printf("]}");
}

static void json_subos(const struct rl_memory *m, const struct rl_ledger *l)
{
	struct rf_boot_desc *d = malloc(sizeof(*d));

	printf("\"subos\": [");
	for (uint32_t i = 0; i < l->head->nr_subos; i++) {
		const struct rf_ledger_subos *s = &l->subos[i];

		printf("%s\n  {\"name\": ", i ? "," : "");
		put_string(s->name);
		printf(", \"id\": %u, \"state\": \"%s\", \"generation\": %" PRIu64
		       ", \"descriptor\": %" PRIu64, s->id, rf_state_text(s->state),
		       (uint64_t)s->generation, (uint64_t)s->desc);
		if (d && !rl_desc(m, s, d))
			json_desc(d);
		printf("}");
	}
	printf("],\n ");
	free(d);
}

void rl_print_json(const struct rl_memory *m, const struct rl_ledger *l, const char *error)
{
	printf("{");
	if (error) {
		printf("\"error\": ");
		put_string(error);
		printf(", ");
	}
	printf("\"anchor\": %" PRIu64 ",\n \"copies\": [", l->anchor);
	for (int i = 0; i < 2; i++) {
		printf("%s\n  {\"at\": %" PRIu64 ", \"generation\": %" PRIu64
		       ", \"valid\": %s, \"counts\": %s, \"wrong\": ", i ? "," : "", l->copy[i].at,
		       l->copy[i].generation, l->copy[i].wrong ? "false" : "true",
		       l->best == i ? "true" : "false");
		if (l->copy[i].wrong)
			put_string(l->copy[i].wrong);
		else
			printf("null");
		printf("}");
	}
	printf("]");
	if (l->best >= 0) {
		printf(",\n \"generation\": %" PRIu64 ", \"truncated\": %s,\n ",
		       (uint64_t)l->head->generation, l->head->truncated ? "true" : "false");
		json_subos(m, l);
		json_resources(l);
	}
	printf("}\n");
}
