// SPDX-License-Identifier: GPL-2.0
/* What the kernel says: which attribute goes where, and the end of it all */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rainforest.h>

#include "field.h"
#include "internal.h"

static const struct rf_field mem_fields[] = {
	RF_NUMBER(RAINFOREST_A_MEM_START, struct rf_mem, start),
	RF_NUMBER(RAINFOREST_A_MEM_SIZE, struct rf_mem, size),
	RF_NUMBER(RAINFOREST_A_MEM_NODE, struct rf_mem, node),
};

static const struct rf_mem fresh_mem = { .node = RF_NO_NODE };
static const struct rf_table mem_table = { mem_fields, ARRAY_SIZE(mem_fields), &fresh_mem };

static const struct rf_field timing_fields[] = {
	RF_TEXT(RAINFOREST_A_TIMING_PHASE, struct rf_timing, phase),
	RF_NUMBER(RAINFOREST_A_TIMING_NS, struct rf_timing, ns),
};

static const struct rf_table timing_table = RF_TABLE(timing_fields);

static const struct rf_field record_fields[] = {
	RF_NUMBER(RAINFOREST_A_RECORD_SEQ, struct rf_record, seq),
	RF_NUMBER(RAINFOREST_A_RECORD_TIME_NS, struct rf_record, time_ns),
	RF_NUMBER(RAINFOREST_A_RECORD_DURATION_NS, struct rf_record, duration_ns),
	RF_NUMBER(RAINFOREST_A_RECORD_OP, struct rf_record, op),
	RF_NUMBER(RAINFOREST_A_RECORD_RESULT, struct rf_record, result),
	RF_TEXT(RAINFOREST_A_RECORD_CAUSE, struct rf_record, cause),
	RF_TEXT(RAINFOREST_A_RECORD_WHAT, struct rf_record, what),
};

static const struct rf_table record_table = RF_TABLE(record_fields);

static const struct rf_field info_fields[] = {
	RF_NUMBER(RAINFOREST_A_INFO_ABI_MAJOR, struct rf_info, abi_major),
	RF_NUMBER(RAINFOREST_A_INFO_ABI_MINOR, struct rf_info, abi_minor),
	RF_TEXT(RAINFOREST_A_INFO_RELEASE, struct rf_info, release),
	RF_NUMBER(RAINFOREST_A_INFO_BLOCK_SIZE, struct rf_info, block_size),
	RF_NUMBER(RAINFOREST_A_INFO_MIN_MEMORY, struct rf_info, min_memory),
	RF_NUMBER(RAINFOREST_A_INFO_RESERVE_CPUS, struct rf_info, reserve_cpus),
	RF_NUMBER(RAINFOREST_A_INFO_RESERVE_MEMORY, struct rf_info, reserve_memory),
	RF_NUMBER(RAINFOREST_A_INFO_LOCKDOWN, struct rf_info, lockdown),
	RF_NUMBER(RAINFOREST_A_INFO_TRAMPOLINE, struct rf_info, trampoline),
	RF_NUMBER(RAINFOREST_A_INFO_LEDGER, struct rf_info, ledger),
};

int rf_decode_info(struct nlattr *attrs, int len, void *arg)
{
	static const struct rf_table table = RF_TABLE(info_fields);

	return rf_fields_decode(&table, attrs, len, arg);
}

static const struct rf_field cpu_fields[] = {
	RF_NUMBER(RAINFOREST_A_CPU_ID, struct rf_cpu, id),
	RF_NUMBER(RAINFOREST_A_CPU_APIC_ID, struct rf_cpu, apic_id),
	RF_NUMBER(RAINFOREST_A_CPU_NODE, struct rf_cpu, node),
	RF_NUMBER(RAINFOREST_A_CPU_SOCKET, struct rf_cpu, socket),
	RF_NUMBER(RAINFOREST_A_CPU_CORE, struct rf_cpu, core),
	RF_NUMBERS(RAINFOREST_A_CPU_SIBLING, struct rf_cpu, sibling, nr_siblings),
	RF_NUMBER(RAINFOREST_A_CPU_ONLINE, struct rf_cpu, online),
	RF_TEXT(RAINFOREST_A_CPU_OWNER, struct rf_cpu, owner),
	RF_NUMBER(RAINFOREST_A_CPU_QUARANTINED, struct rf_cpu, quarantined),
};

int rf_decode_cpu(struct nlattr *attrs, int len, void *arg)
{
	static const struct rf_table table = RF_TABLE(cpu_fields);
	struct rf_cpu *c = arg;

	c->node = -1;
	c->socket = -1;
	c->core = -1;
	return rf_fields_decode(&table, attrs, len, c);
}

static const struct rf_field node_fields[] = {
	RF_NUMBER(RAINFOREST_A_NODE_ID, struct rf_node, id),
	RF_NUMBER(RAINFOREST_A_NODE_TOTAL, struct rf_node, total),
	RF_NUMBER(RAINFOREST_A_NODE_FREE, struct rf_node, free),
	RF_NUMBER(RAINFOREST_A_NODE_CARVABLE, struct rf_node, carvable),
	RF_NUMBER(RAINFOREST_A_NODE_GRANTED, struct rf_node, granted),
	RF_NUMBERS(RAINFOREST_A_NODE_DISTANCE, struct rf_node, distance, nr_distances),
};

int rf_decode_node(struct nlattr *attrs, int len, void *arg)
{
	static const struct rf_table table = RF_TABLE(node_fields);

	return rf_fields_decode(&table, attrs, len, arg);
}

static const struct rf_field subos_fields[] = {
	RF_NUMBER(RAINFOREST_A_SUBOS_ID, struct rf_subos, id),
	RF_TEXT(RAINFOREST_A_SUBOS_NAME, struct rf_subos, name),
	RF_NUMBER(RAINFOREST_A_SUBOS_STATE, struct rf_subos, state),
	RF_NUMBER(RAINFOREST_A_SUBOS_REASON, struct rf_subos, reason),
	RF_NUMBER(RAINFOREST_A_SUBOS_EVENT, struct rf_subos, event),
	RF_GIVEN(RAINFOREST_A_SUBOS_EXITED, struct rf_subos, exited),
	RF_NUMBER(RAINFOREST_A_SUBOS_EXIT_STATUS, struct rf_subos, exit_status),
	RF_NUMBER(RAINFOREST_A_SUBOS_GENERATION, struct rf_subos, generation),
	RF_NUMBER(RAINFOREST_A_SUBOS_CONSOLE_BYTES, struct rf_subos, console_bytes),
	RF_NUMBER(RAINFOREST_A_SUBOS_CONSOLE_LOST, struct rf_subos, console_lost),
	RF_NUMBER(RAINFOREST_A_SUBOS_HOST_BYTES, struct rf_subos, host_bytes),
	RF_NUMBER(RAINFOREST_A_SUBOS_MIN_CPUS, struct rf_subos, min_cpus),
	RF_NUMBER(RAINFOREST_A_SUBOS_PRIORITY, struct rf_subos, priority),
	RF_NUMBER(RAINFOREST_A_SUBOS_ON_CRASH, struct rf_subos, on_crash),
	RF_NUMBER(RAINFOREST_A_SUBOS_RESTART_LIMIT, struct rf_subos, restart_limit),
	RF_NUMBER(RAINFOREST_A_SUBOS_RESTART_DELAY_MS, struct rf_subos, restart_delay_ms),
	RF_NUMBER(RAINFOREST_A_SUBOS_RESTARTS, struct rf_subos, restarts),
	RF_GIVEN(RAINFOREST_A_SUBOS_RESTARTING, struct rf_subos, restarting),
	RF_NUMBER(RAINFOREST_A_SUBOS_CREATED_NS, struct rf_subos, created_ns),
	RF_NUMBER(RAINFOREST_A_SUBOS_TIME_NS, struct rf_subos, time_ns),
	RF_NUMBER(RAINFOREST_A_SUBOS_CPU_SECONDS, struct rf_subos, owned.cpu_s),
	RF_NUMBER(RAINFOREST_A_SUBOS_CPU_REST, struct rf_subos, owned.cpu_ns),
	RF_NUMBER(RAINFOREST_A_SUBOS_MIB_SECONDS, struct rf_subos, owned.mib_s),
	RF_NUMBER(RAINFOREST_A_SUBOS_MIB_REST, struct rf_subos, owned.mib_ns),
	RF_NUMBERS(RAINFOREST_A_SUBOS_CPU, struct rf_subos, cpu, nr_cpus),
	RF_NUMBERS(RAINFOREST_A_SUBOS_BEAT, struct rf_subos, beat, nr_beats),
	RF_NESTS(RAINFOREST_A_SUBOS_MEMORY, struct rf_subos, mem, nr_mems, &mem_table),
	RF_STRING(RAINFOREST_A_SUBOS_MESSAGE, struct rf_subos, message),
	RF_STRING(RAINFOREST_A_SUBOS_CONFIG, struct rf_subos, config),
	RF_STRINGS(RAINFOREST_A_SUBOS_WARNING, struct rf_subos, warning, nr_warnings),
	RF_STRINGS(RAINFOREST_A_SUBOS_PID_PINNED, struct rf_subos, pinned, nr_pinned),
	RF_STRINGS(RAINFOREST_A_SUBOS_PENDING, struct rf_subos, pending, nr_pending),
	RF_NESTS(RAINFOREST_A_SUBOS_TIMING, struct rf_subos, timing, nr_timings, &timing_table),
	RF_NESTS(RAINFOREST_A_SUBOS_RECORD, struct rf_subos, record, nr_records, &record_table),
};

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
	static const struct rf_table table = RF_TABLE(subos_fields);
	int ret = rf_fields_decode(&table, attrs, len, arg);

	if (!ret)
		sort_cpus(arg);
	return ret;
}

static const struct rf_field lease_fields[] = {
	RF_NUMBER(RAINFOREST_A_LEASE_ID, struct rf_lease, id),
	RF_TEXT(RAINFOREST_A_LEASE_FROM, struct rf_lease, from),
	RF_TEXT(RAINFOREST_A_LEASE_TO, struct rf_lease, to),
	RF_NUMBERS(RAINFOREST_A_LEASE_CPU, struct rf_lease, cpu, nr_cpus),
	RF_NESTS(RAINFOREST_A_LEASE_MEMORY, struct rf_lease, mem, nr_mems, &mem_table),
	RF_NUMBER(RAINFOREST_A_LEASE_LEFT_MS, struct rf_lease, left_ms),
	RF_NUMBER(RAINFOREST_A_LEASE_TRIES, struct rf_lease, tries),
};

int rf_decode_lease(struct nlattr *attrs, int len, void *arg)
{
	static const struct rf_table table = RF_TABLE(lease_fields);

	return rf_fields_decode(&table, attrs, len, arg);
}

static const struct rf_field quarantine_fields[] = {
	RF_TEXT(RAINFOREST_A_QUARANTINE_OWNER, struct rf_quarantine, owner),
	RF_NUMBERS(RAINFOREST_A_QUARANTINE_CPU, struct rf_quarantine, cpu, nr_cpus),
	RF_NESTS(RAINFOREST_A_QUARANTINE_MEMORY, struct rf_quarantine, mem, nr_mems, &mem_table),
	RF_STRING(RAINFOREST_A_QUARANTINE_WHY, struct rf_quarantine, why),
	RF_NUMBER(RAINFOREST_A_QUARANTINE_RECOVERED_CPUS, struct rf_quarantine, recovered_cpus),
	RF_NUMBER(RAINFOREST_A_QUARANTINE_RECOVERED_MEMORY, struct rf_quarantine,
		  recovered_memory),
};

int rf_decode_quarantine(struct nlattr *attrs, int len, void *arg)
{
	static const struct rf_table table = RF_TABLE(quarantine_fields);

	return rf_fields_decode(&table, attrs, len, arg);
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
