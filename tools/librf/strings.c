// SPDX-License-Identifier: GPL-2.0
/* Words for the kernel's numbers, and what they amount to: exit codes. */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>

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

/**
 * rf_parse_on_crash() - what is to be done with a subOS that has crashed
 * @rf: the handle
 * @text: stop, restart, dump or dump-restart
 * @policy: out, RAINFOREST_ON_CRASH_*
 *
 * Return: 0, -EINVAL.
 */
int rf_parse_on_crash(struct rf *rf, const char *text, uint32_t *policy)
{
	for (size_t i = 0; i < ARRAY_SIZE(on_crash); i++) {
		if (strcmp(text, on_crash[i]))
			continue;
		*policy = i;
		return 0;
	}
	return rf_error(rf, -EINVAL, "\"%s\" is no policy: stop, restart, dump or dump-restart",
			text);
}

/**
 * rf_exit_code() - rfm's exit code for a failure
 * @err: 0 or -errno
 *
 * Return: 0 ok, 1 bad request or image, 2 refused, 3 unknown name, CPU or
 * node, 4 taken or too little, 5 timeout, 6 the subOS crashed, 7 partly done.
 * What is not in the table is "refused": nothing was done.
 */
int rf_exit_code(int err)
{
	switch (-err) {
	case 0:
		return 0;
	case EINVAL:
	case ENOEXEC:
	case EFBIG:
	case ENAMETOOLONG:
	case ERANGE:
	case E2BIG:
	case ENOTDIR:
	case EISDIR:
	case EBADMSG:
		return 1;
	case EPERM:
	case EACCES:
	case EOPNOTSUPP:
	case EKEYREJECTED:
		return 2;
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return 3;
	case EEXIST:
	case EBUSY:
	case ENOSPC:
	case ENOMEM:
		return 4;
	case ETIMEDOUT:
	case EINTR:
		return 5;
	case EHOSTDOWN:
		return 6;
	case EUCLEAN:
		return 7;
	}
	return 2;
}

/**
 * rf_exit_from_wait() - an exit status from what wait(2) gave
 * @wstatus: of wait(2)
 *
 * Return: 0..255, 128+n for signal n.
 */
int rf_exit_from_wait(int wstatus)
{
	if (WIFSIGNALED(wstatus))
		return 128 + WTERMSIG(wstatus);
	return WEXITSTATUS(wstatus);
}

/**
 * rf_state_over() - has a subOS in this state ended?
 * @state: RAINFOREST_STATE_*
 *
 * One that is unresponsive has not: it may come back; nor one that is frozen.
 */
bool rf_state_over(uint32_t state)
{
	return state >= RAINFOREST_STATE_STOPPED && state != RAINFOREST_STATE_UNRESPONSIVE &&
	       state != RAINFOREST_STATE_FROZEN;
}

/**
 * rf_state_active() - do CPUs run in a subOS in this state, or are held there?
 * @state: RAINFOREST_STATE_*
 */
bool rf_state_active(uint32_t state)
{
	return state == RAINFOREST_STATE_BOOTING || state == RAINFOREST_STATE_RUNNING ||
	       state == RAINFOREST_STATE_STOPPING || state == RAINFOREST_STATE_UNRESPONSIVE ||
	       state == RAINFOREST_STATE_FROZEN;
}

/**
 * rf_subos_status() - the exit status that a subOS's end amounts to
 * @rf: the handle
 * @s: a subOS that is over
 *
 * Return: 0..255: the command's, or 0 for an orderly end that had none, or
 * 137 if it was killed; -EHOSTDOWN when it crashed, with its last word noted.
 */
int rf_subos_status(struct rf *rf, const struct rf_subos *s)
{
	bool crashed = s->state > RAINFOREST_STATE_STOPPED;

	switch (s->reason) {
	case RAINFOREST_REASON_PANIC:
	case RAINFOREST_REASON_EMERGENCY:
	case RAINFOREST_REASON_REFUSED:
	case RAINFOREST_REASON_BOOT_TIMEOUT:
	case RAINFOREST_REASON_HEARTBEAT:
		crashed = true;
		break;
	}
	if (s->exited && s->reason != RAINFOREST_REASON_PANIC)
		return s->exit_status & 0xff;
	if (crashed)
		return rf_error(rf, -EHOSTDOWN, "%s crashed (%s, %s)%s%s", s->name,
				rf_state_text(s->state), rf_reason_text(s->reason),
				s->message ? ": " : "", s->message ?: "");
	if (s->reason == RAINFOREST_REASON_KILLED)
		return 128 + 9;
	return 0;
}
