// SPDX-License-Identifier: GPL-2.0
/* What is printed with --json. Keys are stable: other programs read them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rfm.h"

void rfm_put(struct json_object *o, const char *key, struct json_object *value)
{
	json_object_object_add(o, key, value);
}

/* Length of the UTF-8 sequence at @s, 0 for none */
static size_t utf8(const unsigned char *s, size_t left)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 :
		   s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

	if (!n || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/**
 * rfm_json_text() - a string that is valid JSON, whatever a subOS printed
 * @text: bytes; those that are no UTF-8 become U+FFFD
 * @len: how many
 */
struct json_object *rfm_json_text(const char *text, size_t len)
{
	char *clean = malloc(3 * len + 1);
	struct json_object *o;
	size_t out = 0;

	if (!clean)
		return NULL;
	for (size_t i = 0; i < len; ) {
		size_t n = utf8((const unsigned char *)text + i, len - i);

		if (n) {
			memcpy(clean + out, text + i, n);
			out += n;
			i += n;
		} else {
			memcpy(clean + out, "\xef\xbf\xbd", 3);
			out += 3;
			i++;
		}
	}
	o = json_object_new_string_len(clean, out);
	free(clean);
	return o;
}

static struct json_object *string(const char *s)
{
	return s ? rfm_json_text(s, strlen(s)) : NULL;
}

static struct json_object *strings(char **v, size_t n)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(a, string(v[i]));
	return a;
}

struct json_object *rfm_json_cpus(const uint32_t *cpu, size_t n)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(a, json_object_new_int64(cpu[i]));
	return a;
}

/* One element a node, with what is owned there */
struct json_object *rfm_json_memory(const struct rf_mem *mem, size_t n)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < n; i++) {
		uint64_t bytes = rfm_node_bytes(mem, n, i);
		struct json_object *o;

		if (!bytes)
			continue;
		o = json_object_new_object();
		rfm_put(o, "node", mem[i].node == RF_NO_NODE ? NULL :
					json_object_new_int(mem[i].node));
		rfm_put(o, "bytes", json_object_new_uint64(bytes));
		json_object_array_add(a, o);
	}
	return a;
}

struct json_object *rfm_json_regions(const struct rf_mem *mem, size_t n)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_new_object();

		rfm_put(o, "start", json_object_new_uint64(mem[i].start));
		rfm_put(o, "bytes", json_object_new_uint64(mem[i].size));
		rfm_put(o, "node", mem[i].node == RF_NO_NODE ? NULL :
					json_object_new_int(mem[i].node));
		json_object_array_add(a, o);
	}
	return a;
}

static struct json_object *timings(const struct rf_subos *s)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < s->nr_timings; i++) {
		struct json_object *o = json_object_new_object();

		rfm_put(o, "phase", string(s->timing[i].phase));
		rfm_put(o, "ns", json_object_new_uint64(s->timing[i].ns));
		json_object_array_add(a, o);
	}
	return a;
}

static struct json_object *owned(const struct rf_subos *s)
{
	struct json_object *o = json_object_new_object();

	rfm_put(o, "name", string(s->name));
	rfm_put(o, "id", json_object_new_int64(s->id));
	rfm_put(o, "state", string(rf_state_text(s->state)));
	rfm_put(o, "cpus", rfm_json_cpus(s->cpu, s->nr_cpus));
	rfm_put(o, "memory", rfm_json_memory(s->mem, s->nr_mems));
	rfm_put(o, "regions", rfm_json_regions(s->mem, s->nr_mems));
	return o;
}

/* Of a list: nothing that changes while the subOS stays as it is */
struct json_object *rfm_json_subos(const struct rf_subos *s)
{
	struct json_object *o = owned(s);

	rfm_put(o, "reason", string(rf_reason_text(s->reason)));
	rfm_put(o, "exit_status", s->exited ? json_object_new_int(s->exit_status) : NULL);
	rfm_put(o, "message", string(s->message));
	return o;
}

static void put_owned(struct json_object *o, const struct rf_owned *owned)
{
	rfm_put(o, "cpu_seconds", json_object_new_double(rfm_cpu_seconds(owned)));
	rfm_put(o, "byte_seconds", json_object_new_double(rfm_byte_seconds(owned)));
}

static struct json_object *record(const struct rf_record *r)
{
	struct json_object *o = json_object_new_object();

	rfm_put(o, "seq", json_object_new_uint64(r->seq));
	rfm_put(o, "time_ns", json_object_new_uint64(r->time_ns));
	rfm_put(o, "duration_ns", json_object_new_uint64(r->duration_ns));
	rfm_put(o, "op", string(rf_op_text(r->op)));
	rfm_put(o, "result", json_object_new_int(r->result));
	rfm_put(o, "error", r->result ? string(strerror(-r->result)) : NULL);
	rfm_put(o, "cause", string(r->cause));
	rfm_put(o, "what", string(r->what));
	return o;
}

struct json_object *rfm_json_history(const struct rf_subos *s, size_t from)
{
	struct json_object *o = json_object_new_object(), *a = json_object_new_array();

	rfm_put(o, "name", string(s->name));
	rfm_put(o, "id", json_object_new_int64(s->id));
	rfm_put(o, "state", string(rf_state_text(s->state)));
	put_owned(o, &s->owned);
	for (size_t i = from; i < s->nr_records; i++)
		json_object_array_add(a, record(&s->record[i]));
	rfm_put(o, "history", a);
	return o;
}

/* All of it, counters and times as well */
struct json_object *rfm_json_subos_all(const struct rf_subos *s)
{
	struct json_object *o = rfm_json_subos(s);
	struct json_object *beats = json_object_new_array();

	for (size_t i = 0; i < s->nr_beats; i++)
		json_object_array_add(beats, json_object_new_uint64(s->beat[i]));
	rfm_put(o, "heartbeats", beats);
	rfm_put(o, "generation", json_object_new_uint64(s->generation));
	rfm_put(o, "console_bytes", json_object_new_uint64(s->console_bytes));
	rfm_put(o, "console_lost", json_object_new_uint64(s->console_lost));
	rfm_put(o, "host_bytes", json_object_new_uint64(s->host_bytes));
	rfm_put(o, "created_ns", json_object_new_uint64(s->created_ns));
	rfm_put(o, "timings", timings(s));
	rfm_put(o, "min_cpus", json_object_new_int64(s->min_cpus));
	rfm_put(o, "priority", json_object_new_int64(s->priority));
	rfm_put(o, "on_crash", string(rf_on_crash_text(s->on_crash)));
	rfm_put(o, "restart_limit", json_object_new_int64(s->restart_limit));
	rfm_put(o, "restart_delay_ms", json_object_new_int64(s->restart_delay_ms));
	rfm_put(o, "restarts", json_object_new_uint64(s->restarts));
	rfm_put(o, "restarting", json_object_new_boolean(s->restarting));
	rfm_put(o, "pending", strings(s->pending, s->nr_pending));
	put_owned(o, &s->owned);
	return o;
}

/* One line of rfm monitor; events are missed of nobody in particular */
struct json_object *rfm_json_event(const struct rf_subos *ev, const char *what)
{
	struct json_object *o = json_object_new_object();

	rfm_put(o, "time_ns", json_object_new_uint64(ev->time_ns));
	rfm_put(o, "event", string(what));
	if (!ev->name[0])
		return o;
	rfm_put(o, "name", string(ev->name));
	rfm_put(o, "id", json_object_new_int64(ev->id));
	rfm_put(o, "state", string(rf_state_text(ev->state)));
	rfm_put(o, "reason", string(rf_reason_text(ev->reason)));
	rfm_put(o, "exit_status", ev->exited ? json_object_new_int(ev->exit_status) : NULL);
	rfm_put(o, "message", string(ev->message));
	rfm_put(o, "restarting", json_object_new_boolean(ev->restarting));
	if (ev->nr_records)
		rfm_put(o, "change", record(&ev->record[0]));
	return o;
}

struct json_object *rfm_json_change(const struct rf_subos *s, bool dry_run)
{
	struct json_object *o = owned(s);

	rfm_put(o, "dry_run", json_object_new_boolean(dry_run));
	rfm_put(o, "warnings", strings(s->warning, s->nr_warnings));
	rfm_put(o, "pinned", strings(s->pinned, s->nr_pinned));
	rfm_put(o, "timings", timings(s));
	return o;
}

struct json_object *rfm_json_quarantine(const struct rf_quarantine *q, size_t n)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_new_object();

		rfm_put(o, "owner", string(q[i].owner));
		rfm_put(o, "why", string(q[i].why));
		rfm_put(o, "cpus", rfm_json_cpus(q[i].cpu, q[i].nr_cpus));
		rfm_put(o, "memory", rfm_json_memory(q[i].mem, q[i].nr_mems));
		rfm_put(o, "regions", rfm_json_regions(q[i].mem, q[i].nr_mems));
		json_object_array_add(a, o);
	}
	return a;
}

/**
 * rfm_put_failure() - what failed, in the one object that is printed
 * @r: the program, with the sentence in its handle
 * @o: takes "rfm_code" and "error"
 * @err: -errno; otherwise nothing is done
 */
void rfm_put_failure(struct rfm *r, struct json_object *o, int err)
{
	const char *text = rf_strerror(r->rf);

	if (err >= 0)
		return;
	rfm_put(o, "rfm_code", json_object_new_int(rf_exit_code(err)));
	rfm_put(o, "error", rfm_json_text(text, strlen(text)));
	r->told = true;
}

/* Print and free */
void rfm_json_print(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_SPACED |
					       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}
