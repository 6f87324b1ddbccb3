// SPDX-License-Identifier: GPL-2.0
/* Attributes into structures, and their end. Unknown ones are from newer kernels. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rainforest.h>

#include "internal.h"

/* One more element for an array of @n; the caller keeps the old on failure */
void *rf_grow(void *array, size_t n, size_t size)
{
	/* room is made at powers of two only */
	if (n && (n & (n - 1)))
		return array;
	return realloc(array, (n ? 2 * n : 1) * size);
}

/* A number of any width */
uint64_t rf_decode_uint(struct nlattr *a)
{
	switch (nla_len(a)) {
	case 1:
		return nla_get_u8(a);
	case 2:
		return nla_get_u16(a);
	case 4:
		return nla_get_u32(a);
	case 8:
		return nla_get_u64(a);
	}
	return 0;
}

static int add_u32(struct nlattr *a, uint32_t **array, size_t *n)
{
	uint32_t *v = rf_grow(*array, *n, sizeof(*v));

	if (!v)
		return -ENOMEM;
	*array = v;
	v[(*n)++] = rf_decode_uint(a);
	return 0;
}

static int add_u64(struct nlattr *a, uint64_t **array, size_t *n)
{
	uint64_t *v = rf_grow(*array, *n, sizeof(*v));

	if (!v)
		return -ENOMEM;
	*array = v;
	v[(*n)++] = rf_decode_uint(a);
	return 0;
}

static int set_string(struct nlattr *a, char **s)
{
	free(*s);
	*s = strndup(nla_data(a), nla_len(a));
	return *s ? 0 : -ENOMEM;
}

static int add_string(struct nlattr *a, char ***array, size_t *n)
{
	char **v = rf_grow(*array, *n, sizeof(*v));

	if (!v)
		return -ENOMEM;
	*array = v;
	v[*n] = NULL;
	return set_string(a, &v[(*n)++]);
}

static int add_mem(struct nlattr *nest, struct rf_mem **array, size_t *n)
{
	struct rf_mem *v = rf_grow(*array, *n, sizeof(*v));
	struct rf_mem mem = { .node = RF_NO_NODE };
	struct nlattr *a;
	int rem;

	if (!v)
		return -ENOMEM;
	*array = v;
	nla_for_each_nested(a, nest, rem) {
		switch (nla_type(a)) {
		case RAINFOREST_A_MEM_START:
			mem.start = rf_decode_uint(a);
			break;
		case RAINFOREST_A_MEM_SIZE:
			mem.size = rf_decode_uint(a);
			break;
		case RAINFOREST_A_MEM_NODE:
			mem.node = rf_decode_uint(a);
			break;
		}
	}
	v[(*n)++] = mem;
	return 0;
}

static int add_timing(struct nlattr *nest, struct rf_timing **array, size_t *n)
{
	struct rf_timing *v = rf_grow(*array, *n, sizeof(*v));
	struct rf_timing t = { 0 };
	struct nlattr *a;
	int rem;

	if (!v)
		return -ENOMEM;
	*array = v;
	nla_for_each_nested(a, nest, rem) {
		switch (nla_type(a)) {
		case RAINFOREST_A_TIMING_PHASE:
			nla_strlcpy(t.phase, a, sizeof(t.phase));
			break;
		case RAINFOREST_A_TIMING_NS:
			t.ns = rf_decode_uint(a);
			break;
		}
	}
	v[(*n)++] = t;
	return 0;
}

int rf_decode_info(struct nlattr *attrs, int len, void *arg)
{
	struct rf_info *i = arg;
	struct nlattr *a;
	int rem;

	nla_for_each_attr(a, attrs, len, rem) {
		switch (nla_type(a)) {
		case RAINFOREST_A_INFO_ABI_MAJOR:
			i->abi_major = rf_decode_uint(a);
			break;
		case RAINFOREST_A_INFO_ABI_MINOR:
			i->abi_minor = rf_decode_uint(a);
			break;
		case RAINFOREST_A_INFO_RELEASE:
			nla_strlcpy(i->release, a, sizeof(i->release));
			break;
		case RAINFOREST_A_INFO_BLOCK_SIZE:
			i->block_size = rf_decode_uint(a);
			break;
		case RAINFOREST_A_INFO_MIN_MEMORY:
			i->min_memory = rf_decode_uint(a);
			break;
		case RAINFOREST_A_INFO_RESERVE_CPUS:
			i->reserve_cpus = rf_decode_uint(a);
			break;
		case RAINFOREST_A_INFO_RESERVE_MEMORY:
			i->reserve_memory = rf_decode_uint(a);
			break;
		case RAINFOREST_A_INFO_LOCKDOWN:
			i->lockdown = rf_decode_uint(a);
			break;
		case RAINFOREST_A_INFO_TRAMPOLINE:
			i->trampoline = rf_decode_uint(a);
			break;
		case RAINFOREST_A_INFO_LEDGER:
			i->ledger = rf_decode_uint(a);
			break;
		}
	}
	return 0;
}

int rf_decode_cpu(struct nlattr *attrs, int len, struct rf_cpu *c)
{
	struct nlattr *a;
	int rem, ret = 0;

	c->node = -1;
	c->socket = -1;
	c->core = -1;
	nla_for_each_attr(a, attrs, len, rem) {
		switch (nla_type(a)) {
		case RAINFOREST_A_CPU_ID:
			c->id = rf_decode_uint(a);
			break;
		case RAINFOREST_A_CPU_APIC_ID:
			c->apic_id = rf_decode_uint(a);
			break;
		case RAINFOREST_A_CPU_NODE:
			c->node = rf_decode_uint(a);
			break;
		case RAINFOREST_A_CPU_SOCKET:
			c->socket = rf_decode_uint(a);
			break;
		case RAINFOREST_A_CPU_CORE:
			c->core = rf_decode_uint(a);
			break;
		case RAINFOREST_A_CPU_SIBLING:
			ret = add_u32(a, &c->sibling, &c->nr_siblings);
			break;
		case RAINFOREST_A_CPU_ONLINE:
			c->online = rf_decode_uint(a);
			break;
		case RAINFOREST_A_CPU_OWNER:
			nla_strlcpy(c->owner, a, sizeof(c->owner));
			break;
		case RAINFOREST_A_CPU_QUARANTINED:
			c->quarantined = rf_decode_uint(a);
			break;
		}
		if (ret)
			return ret;
	}
	return 0;
}

int rf_decode_node(struct nlattr *attrs, int len, struct rf_node *n)
{
	struct nlattr *a;
	int rem, ret = 0;

	nla_for_each_attr(a, attrs, len, rem) {
		switch (nla_type(a)) {
		case RAINFOREST_A_NODE_ID:
			n->id = rf_decode_uint(a);
			break;
		case RAINFOREST_A_NODE_TOTAL:
			n->total = rf_decode_uint(a);
			break;
		case RAINFOREST_A_NODE_FREE:
			n->free = rf_decode_uint(a);
			break;
		case RAINFOREST_A_NODE_CARVABLE:
			n->carvable = rf_decode_uint(a);
			break;
		case RAINFOREST_A_NODE_GRANTED:
			n->granted = rf_decode_uint(a);
			break;
		case RAINFOREST_A_NODE_DISTANCE:
			ret = add_u32(a, &n->distance, &n->nr_distances);
			break;
		}
		if (ret)
			return ret;
	}
	return 0;
}

static int subos_number(struct nlattr *a, struct rf_subos *s)
{
	switch (nla_type(a)) {
	case RAINFOREST_A_SUBOS_ID:
		s->id = rf_decode_uint(a);
		break;
	case RAINFOREST_A_SUBOS_STATE:
		s->state = rf_decode_uint(a);
		break;
	case RAINFOREST_A_SUBOS_REASON:
		s->reason = rf_decode_uint(a);
		break;
	case RAINFOREST_A_SUBOS_EVENT:
		s->event = rf_decode_uint(a);
		break;
	case RAINFOREST_A_SUBOS_EXITED:
		s->exited = true;
		break;
	case RAINFOREST_A_SUBOS_EXIT_STATUS:
		s->exit_status = nla_get_s32(a);
		break;
	case RAINFOREST_A_SUBOS_GENERATION:
		s->generation = rf_decode_uint(a);
		break;
	case RAINFOREST_A_SUBOS_CONSOLE_BYTES:
		s->console_bytes = rf_decode_uint(a);
		break;
	case RAINFOREST_A_SUBOS_CONSOLE_LOST:
		s->console_lost = rf_decode_uint(a);
		break;
	case RAINFOREST_A_SUBOS_HOST_BYTES:
		s->host_bytes = rf_decode_uint(a);
		break;
	case RAINFOREST_A_SUBOS_MIN_CPUS:
		s->min_cpus = rf_decode_uint(a);
		break;
	case RAINFOREST_A_SUBOS_PRIORITY:
		s->priority = rf_decode_uint(a);
		break;
	case RAINFOREST_A_SUBOS_CREATED_NS:
		s->created_ns = rf_decode_uint(a);
		break;
	case RAINFOREST_A_SUBOS_TIME_NS:
		s->time_ns = rf_decode_uint(a);
		break;
	case RAINFOREST_A_SUBOS_CPU_SECONDS:
		s->owned.cpu_s = rf_decode_uint(a);
		break;
	case RAINFOREST_A_SUBOS_CPU_REST:
		s->owned.cpu_ns = rf_decode_uint(a);
		break;
	case RAINFOREST_A_SUBOS_MIB_SECONDS:
		s->owned.mib_s = rf_decode_uint(a);
		break;
	case RAINFOREST_A_SUBOS_MIB_REST:
		s->owned.mib_ns = rf_decode_uint(a);
		break;
	}
	return 0;
}

/* The kernel names the first CPU first; people and scripts want them in order */
static void sort_cpus(struct rf_subos *s)
{
	for (size_t i = 1; i < s->nr_cpus; i++) {
		for (size_t j = i; j && s->cpu[j - 1] > s->cpu[j]; j--) {
			uint32_t cpu = s->cpu[j];
			uint64_t beat;

			s->cpu[j] = s->cpu[j - 1];
			s->cpu[j - 1] = cpu;
			if (j >= s->nr_beats)
				continue;
			beat = s->beat[j];
			s->beat[j] = s->beat[j - 1];
			s->beat[j - 1] = beat;
		}
	}
}

int rf_decode_subos(struct nlattr *attrs, int len, void *arg)
{
	struct rf_subos *s = arg;
	struct nlattr *a;
	int rem, ret;

	nla_for_each_attr(a, attrs, len, rem) {
		switch (nla_type(a)) {
		case RAINFOREST_A_SUBOS_NAME:
			nla_strlcpy(s->name, a, sizeof(s->name));
			ret = 0;
			break;
		case RAINFOREST_A_SUBOS_CPU:
			ret = add_u32(a, &s->cpu, &s->nr_cpus);
			break;
		case RAINFOREST_A_SUBOS_MEMORY:
			ret = add_mem(a, &s->mem, &s->nr_mems);
			break;
		case RAINFOREST_A_SUBOS_MESSAGE:
			ret = set_string(a, &s->message);
			break;
		case RAINFOREST_A_SUBOS_CONFIG:
			ret = set_string(a, &s->config);
			break;
		case RAINFOREST_A_SUBOS_WARNING:
			ret = add_string(a, &s->warning, &s->nr_warnings);
			break;
		case RAINFOREST_A_SUBOS_PID_PINNED:
			ret = add_string(a, &s->pinned, &s->nr_pinned);
			break;
		case RAINFOREST_A_SUBOS_PENDING:
			ret = add_string(a, &s->pending, &s->nr_pending);
			break;
		case RAINFOREST_A_SUBOS_TIMING:
			ret = add_timing(a, &s->timing, &s->nr_timings);
			break;
		case RAINFOREST_A_SUBOS_BEAT:
			ret = add_u64(a, &s->beat, &s->nr_beats);
			break;
		case RAINFOREST_A_SUBOS_RECORD:
			ret = rf_decode_record(a, &s->record, &s->nr_records);
			break;
		default:
			ret = subos_number(a, s);
		}
		if (ret)
			return ret;
	}
	sort_cpus(s);
	return 0;
}

int rf_decode_lease(struct nlattr *attrs, int len, void *arg)
{
	struct rf_lease *l = arg;
	struct nlattr *a;
	int rem, ret = 0;

	nla_for_each_attr(a, attrs, len, rem) {
		switch (nla_type(a)) {
		case RAINFOREST_A_LEASE_ID:
			l->id = rf_decode_uint(a);
			break;
		case RAINFOREST_A_LEASE_FROM:
			nla_strlcpy(l->from, a, sizeof(l->from));
			break;
		case RAINFOREST_A_LEASE_TO:
			nla_strlcpy(l->to, a, sizeof(l->to));
			break;
		case RAINFOREST_A_LEASE_CPU:
			ret = add_u32(a, &l->cpu, &l->nr_cpus);
			break;
		case RAINFOREST_A_LEASE_MEMORY:
			ret = add_mem(a, &l->mem, &l->nr_mems);
			break;
		case RAINFOREST_A_LEASE_LEFT_MS:
			l->left_ms = rf_decode_uint(a);
			break;
		case RAINFOREST_A_LEASE_TRIES:
			l->tries = rf_decode_uint(a);
			break;
		}
		if (ret)
			return ret;
	}
	return 0;
}

int rf_decode_quarantine(struct nlattr *attrs, int len, void *arg)
{
	struct rf_quarantine *q = arg;
	struct nlattr *a;
	int rem, ret = 0;

	nla_for_each_attr(a, attrs, len, rem) {
		switch (nla_type(a)) {
		case RAINFOREST_A_QUARANTINE_OWNER:
			nla_strlcpy(q->owner, a, sizeof(q->owner));
			break;
		case RAINFOREST_A_QUARANTINE_CPU:
			ret = add_u32(a, &q->cpu, &q->nr_cpus);
			break;
		case RAINFOREST_A_QUARANTINE_MEMORY:
			ret = add_mem(a, &q->mem, &q->nr_mems);
			break;
		case RAINFOREST_A_QUARANTINE_WHY:
			ret = set_string(a, &q->why);
			break;
		case RAINFOREST_A_QUARANTINE_RECOVERED_CPUS:
			q->recovered_cpus = rf_decode_uint(a);
			break;
		case RAINFOREST_A_QUARANTINE_RECOVERED_MEMORY:
			q->recovered_memory = rf_decode_uint(a);
			break;
		}
		if (ret)
			return ret;
	}
	return 0;
}

void rf_leases_free(struct rf_lease *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].cpu);
		free(list[i].mem);
	}
	free(list);
}

void rf_cpus_free(struct rf_cpu *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].sibling);
	free(list);
}

void rf_nodes_free(struct rf_node *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].distance);
	free(list);
}

static void strings_free(char **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i]);
	free(v);
}

/**
 * rf_subos_clear() - free the parts of a subOS's description, and zero it
 * @s: the description, not itself freed
 */
void rf_subos_clear(struct rf_subos *s)
{
	free(s->message);
	free(s->config);
	free(s->cpu);
	free(s->mem);
	free(s->beat);
	free(s->timing);
	free(s->record);
	strings_free(s->warning, s->nr_warnings);
	strings_free(s->pinned, s->nr_pinned);
	strings_free(s->pending, s->nr_pending);
	memset(s, 0, sizeof(*s));
}

void rf_subos_free(struct rf_subos *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		rf_subos_clear(&list[i]);
	free(list);
}

void rf_quarantine_free(struct rf_quarantine *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].why);
		free(list[i].cpu);
		free(list[i].mem);
	}
	free(list);
}
