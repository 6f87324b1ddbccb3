// SPDX-License-Identifier: GPL-2.0
/* What the kernel's numbers amount to: exit codes. */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include <linux/rainforest.h>

#include "rf.h"

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
