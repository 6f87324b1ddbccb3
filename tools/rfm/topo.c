// SPDX-License-Identifier: GPL-2.0
/* rfm topo: the machine and who owns what of it */
#include <errno.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"
#include "rfm.h"

#define CPUS_A_ROW	8

static const char synopsis[] =
	"[OPTION]...\n\n"
	"Draws the machine: sockets, NUMA nodes, CPUs and memory, with their owners. A dot\n"
	"is this kernel. What can be granted is an estimate.";

struct machine {
	struct rf_cpu *cpu;
	struct rf_node *node;
	struct rf_subos *subos;
	struct rf_quarantine *quarantine;
	size_t nr_cpus, nr_nodes, nr_subos, nr_quarantines;
	bool utf8;
};

static int get(struct rfm *r, struct machine *m)
{
	int ret = rf_cpus_get(r->rf, &m->cpu, &m->nr_cpus);

	if (!ret)
		ret = rf_nodes_get(r->rf, &m->node, &m->nr_nodes);
	if (!ret)
		ret = rf_subos_list(r->rf, &m->subos, &m->nr_subos);
	if (!ret)
		ret = rf_quarantine_list(r->rf, &m->quarantine, &m->nr_quarantines);
	return ret;
}

static void put(struct machine *m)
{
	rf_cpus_free(m->cpu, m->nr_cpus);
	rf_nodes_free(m->node, m->nr_nodes);
	rf_subos_free(m->subos, m->nr_subos);
	rf_quarantine_free(m->quarantine, m->nr_quarantines);
}

static struct json_object *json_cpu(const struct rf_cpu *c)
{
	struct json_object *o = json_object_new_object();

	rfm_put(o, "id", json_object_new_int64(c->id));
	rfm_put(o, "apic_id", json_object_new_int64(c->apic_id));
	rfm_put(o, "node", json_object_new_int(c->node));
	rfm_put(o, "socket", json_object_new_int(c->socket));
	rfm_put(o, "core", json_object_new_int(c->core));
	rfm_put(o, "siblings", rfm_json_cpus(c->sibling, c->nr_siblings));
	rfm_put(o, "online", json_object_new_boolean(c->online));
	rfm_put(o, "owner", c->owner[0] ? json_object_new_string(c->owner) : NULL);
	rfm_put(o, "quarantined", json_object_new_boolean(c->quarantined));
	return o;
}

static struct json_object *json_node(const struct rf_node *n)
{
	struct json_object *o = json_object_new_object();

	rfm_put(o, "id", json_object_new_int64(n->id));
	rfm_put(o, "total_bytes", json_object_new_uint64(n->total));
	rfm_put(o, "free_bytes", json_object_new_uint64(n->free));
	rfm_put(o, "carvable_bytes_estimate", json_object_new_uint64(n->carvable));
	rfm_put(o, "granted_bytes", json_object_new_uint64(n->granted));
	rfm_put(o, "distances", rfm_json_cpus(n->distance, n->nr_distances));
	return o;
}

static void print_json(const struct machine *m)
{
	struct json_object *o = json_object_new_object(), *a;

	a = json_object_new_array();
	for (size_t i = 0; i < m->nr_cpus; i++)
		json_object_array_add(a, json_cpu(&m->cpu[i]));
	rfm_put(o, "cpus", a);
	a = json_object_new_array();
	for (size_t i = 0; i < m->nr_nodes; i++)
		json_object_array_add(a, json_node(&m->node[i]));
	rfm_put(o, "nodes", a);
	a = json_object_new_array();
	for (size_t i = 0; i < m->nr_subos; i++)
		json_object_array_add(a, rfm_json_subos(&m->subos[i]));
	rfm_put(o, "subos", a);
	rfm_put(o, "quarantine", rfm_json_quarantine(m->quarantine, m->nr_quarantines));
	rfm_json_print(o);
}

static const char *owner(const struct machine *m, const struct rf_cpu *c)
{
	if (c->quarantined)
		return "quarantined";
	if (c->owner[0])
		return c->owner;
	return c->online ? (m->utf8 ? "·" : ".") : "offline";
}

/* The CPUs of one node in one socket, some a row, one box each */
static void draw_cpus(const struct machine *m, int socket, int node, struct canvas *out)
{
	struct canvas row = { 0 };
	int in_row = 0;

	for (size_t i = 0; i < m->nr_cpus; i++) {
		const struct rf_cpu *c = &m->cpu[i];
		struct canvas box = { 0 };
		char title[24];

		if (c->socket != socket || c->node != node)
			continue;
		canvas_add(&box, "%s", owner(m, c));
		snprintf(title, sizeof(title), "CPU %u", c->id);
		canvas_frame(&box, title, m->utf8);
		canvas_beside(&row, &box);
		if (++in_row == CPUS_A_ROW) {
			canvas_below(out, &row);
			in_row = 0;
		}
	}
	canvas_below(out, &row);
}

static uint64_t sum(const struct rf_mem *mem, size_t n, int node)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		if (mem[i].node == node)
			bytes += mem[i].size;
	return bytes;
}

static void draw_memory(const struct machine *m, const struct rf_node *n, struct canvas *out)
{
	char total[24], carvable[24], size[24];

	canvas_add(out, "memory  %7s  %s  (about %s can be granted)",
		   rfm_human(n->total, total, sizeof(total)), m->utf8 ? "·" : ".",
		   rfm_human(n->carvable, carvable, sizeof(carvable)));
	for (size_t i = 0; i < m->nr_subos; i++) {
		uint64_t bytes = sum(m->subos[i].mem, m->subos[i].nr_mems, n->id);

		if (bytes)
			canvas_add(out, "        %7s  %s", rfm_human(bytes, size, sizeof(size)),
				   m->subos[i].name);
	}
	for (size_t i = 0; i < m->nr_quarantines; i++) {
		uint64_t bytes = sum(m->quarantine[i].mem, m->quarantine[i].nr_mems, n->id);

		if (bytes)
			canvas_add(out, "        %7s  quarantined, from %s",
				   rfm_human(bytes, size, sizeof(size)), m->quarantine[i].owner);
	}
}

static bool has_cpu(const struct machine *m, int socket, int node)
{
	for (size_t i = 0; i < m->nr_cpus; i++)
		if (m->cpu[i].node == node && (socket < 0 || m->cpu[i].socket == socket))
			return true;
	return false;
}

static void draw_node(const struct machine *m, int socket, const struct rf_node *n, bool memory,
		      struct canvas *out)
{
	struct canvas box = { 0 };
	char title[24];

	if (socket >= 0)
		draw_cpus(m, socket, n->id, &box);
	if (memory)
		draw_memory(m, n, &box);
	snprintf(title, sizeof(title), "node %u", n->id);
	canvas_frame(&box, title, m->utf8);
	canvas_below(out, &box);
}

/* A node's memory is drawn once, in the first socket with CPUs of the node */
static void draw_socket(const struct machine *m, int socket, bool *drawn, struct canvas *out)
{
	struct canvas box = { 0 };
	char title[24];

	for (size_t i = 0; i < m->nr_nodes; i++) {
		if (!has_cpu(m, socket, m->node[i].id))
			continue;
		draw_node(m, socket, &m->node[i], !drawn[i], &box);
		drawn[i] = true;
	}
	/* CPUs whose node has no memory and isn't listed */
	draw_cpus(m, socket, -1, &box);
	snprintf(title, sizeof(title), "socket %d", socket);
	canvas_frame(&box, title, m->utf8);
	canvas_below(out, &box);
}

static void print_subos(const struct machine *m)
{
	for (size_t i = 0; i < m->nr_subos; i++) {
		const struct rf_subos *s = &m->subos[i];
		char *cpus = rf_cpus_text(s->cpu, s->nr_cpus);
		char *memory = rfm_memory_text(s->mem, s->nr_mems);

		printf("%s: %s, CPUs %s, memory %s\n", s->name, rf_state_text(s->state),
		       cpus ?: "?", memory ?: "?");
		free(cpus);
		free(memory);
	}
}

static int draw(struct rfm *r, const struct machine *m)
{
	bool *drawn = calloc(m->nr_nodes + 1, sizeof(*drawn));
	struct canvas out = { 0 };
	int last = -1, next;

	if (!drawn)
		return rf_error(r->rf, -ENOMEM, "out of memory");
	for (;;) {
		next = -1;
		for (size_t i = 0; i < m->nr_cpus; i++)
			if (m->cpu[i].socket > last && (next < 0 || m->cpu[i].socket < next))
				next = m->cpu[i].socket;
		if (next < 0)
			break;
		draw_socket(m, next, drawn, &out);
		last = next;
	}
	for (size_t i = 0; i < m->nr_nodes; i++)
		if (!drawn[i])
			draw_node(m, -1, &m->node[i], true, &out);
	canvas_print(&out);
	canvas_clear(&out);
	free(drawn);
	print_subos(m);
	rfm_say_quarantine(m->quarantine, m->nr_quarantines);
	return 0;
}

int cmd_topo(struct rfm *r, int argc, char **argv)
{
	bool ascii = false;
	const struct rfm_opt opts[] = {
		{ "ascii", 0, OPT_FLAG, &ascii, NULL, "draw with ASCII characters only" },
		RFM_JSON(r), RFM_END
	};
	struct machine m = { 0 };
	struct rfm_words words;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_no_words(r, &words);
	if (!ret)
		ret = get(r, &m);
	m.utf8 = !ascii && !strcmp(nl_langinfo(CODESET), "UTF-8");
	if (!ret && r->json)
		print_json(&m);
	else if (!ret)
		ret = draw(r, &m);
	put(&m);
	return ret;
}
