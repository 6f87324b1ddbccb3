// SPDX-License-Identifier: GPL-2.0
/* Words for the kernel's numbers. rf-ledger has them, too: nothing else is needed here. */
#include <linux/rainforest.h>

#include "rf.h"

static const char *word(const char *const *table, size_t size, uint32_t n)
{
	return n < size && table[n] ? table[n] : "unknown";
}

static const char *const states[] = {
	[RAINFOREST_STATE_DEFINED] = "defined",
	[RAINFOREST_STATE_RESERVED] = "reserved",
	[RAINFOREST_STATE_LOADED] = "loaded",
	[RAINFOREST_STATE_BOOTING] = "booting",
	[RAINFOREST_STATE_RUNNING] = "running",
	[RAINFOREST_STATE_STOPPING] = "stopping",
	[RAINFOREST_STATE_STOPPED] = "stopped",
	[RAINFOREST_STATE_PANICKED] = "panicked",
	[RAINFOREST_STATE_UNRESPONSIVE] = "unresponsive",
	[RAINFOREST_STATE_FAILED] = "failed",
	[RAINFOREST_STATE_FROZEN] = "frozen",
};

static const char *const reasons[] = {
	[RAINFOREST_REASON_NONE] = "none",
	[RAINFOREST_REASON_POWEROFF] = "poweroff",
	[RAINFOREST_REASON_HALT] = "halt",
	[RAINFOREST_REASON_REBOOT] = "reboot",
	[RAINFOREST_REASON_PANIC] = "panic",
	[RAINFOREST_REASON_EMERGENCY] = "emergency",
	[RAINFOREST_REASON_KILLED] = "killed",
	[RAINFOREST_REASON_REFUSED] = "refused",
	[RAINFOREST_REASON_BOOT_TIMEOUT] = "boot-timeout",
	[RAINFOREST_REASON_HEARTBEAT] = "heartbeat",
};

static const char *const events[] = {
	[RAINFOREST_EVENT_CREATED] = "created",
	[RAINFOREST_EVENT_STATE] = "state",
	[RAINFOREST_EVENT_DESTROYED] = "destroyed",
	[RAINFOREST_EVENT_QUARANTINE] = "quarantine",
	[RAINFOREST_EVENT_CHANGED] = "changed",
};

static const char *const ops[] = {
	[RAINFOREST_OP_CREATE] = "create",
	[RAINFOREST_OP_START] = "start",
	[RAINFOREST_OP_STOP] = "stop",
	[RAINFOREST_OP_KILL] = "kill",
	[RAINFOREST_OP_DESTROY] = "destroy",
	[RAINFOREST_OP_END] = "end",
	[RAINFOREST_OP_CPU_ADD] = "cpu-add",
	[RAINFOREST_OP_CPU_REMOVE] = "cpu-remove",
	[RAINFOREST_OP_MEMORY_ADD] = "memory-add",
	[RAINFOREST_OP_MEMORY_REMOVE] = "memory-remove",
	[RAINFOREST_OP_LEND] = "lend",
	[RAINFOREST_OP_GIVE_BACK] = "give-back",
	[RAINFOREST_OP_DUMP] = "dump",
	[RAINFOREST_OP_FREEZE] = "freeze",
	[RAINFOREST_OP_THAW] = "thaw",
};

static const char *const on_crash[] = {
	[RAINFOREST_ON_CRASH_STOP] = "stop",
	[RAINFOREST_ON_CRASH_RESTART] = "restart",
	[RAINFOREST_ON_CRASH_DUMP] = "dump",
	[RAINFOREST_ON_CRASH_DUMP_RESTART] = "dump-restart",
};

const char *rf_state_text(uint32_t state)
{
	return word(states, ARRAY_SIZE(states), state);
}

const char *rf_reason_text(uint32_t reason)
{
	return word(reasons, ARRAY_SIZE(reasons), reason);
}

const char *rf_event_text(uint32_t event)
{
	return word(events, ARRAY_SIZE(events), event);
}

const char *rf_op_text(uint32_t op)
{
	return word(ops, ARRAY_SIZE(ops), op);
}

const char *rf_on_crash_text(uint32_t policy)
{
	return word(on_crash, ARRAY_SIZE(on_crash), policy);
}
