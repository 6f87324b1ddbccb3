// SPDX-License-Identifier: GPL-2.0
/* The way to the agent in a subOS */
#include <errno.h>
#include <linux/rainforest.h>
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "rfm.h"

#define AGENT_MS	5000	/* for a subOS that has just booted to have its agent */

/**
 * rfm_agent_open() - a channel to the agent of a subOS
 * @r: the program
 * @name: of the subOS
 *
 * Return: a descriptor; -ENOENT (no such subOS), -EHOSTDOWN (it does not run),
 * -EOPNOTSUPP (it has no agent), ...
 */
int rfm_agent_open(struct rfm *r, const char *name)
{
	char service[RF_COM_NAME_LEN];
	struct rf_subos s;
	uint32_t state;
	int ret;

	ret = rf_subos_get(r->rf, name, &s);
	state = s.state;
	rf_subos_clear(&s);
	if (ret)
		return ret;
	if (state != RAINFOREST_STATE_RUNNING && state != RAINFOREST_STATE_BOOTING)
		return rf_error(r->rf, -EOPNOTSUPP, "%s does not run (%s): rfm start %s",
				name, rf_state_text(state), name);
	snprintf(service, sizeof(service), AGENT_SERVICE "%s", name);
	ret = rf_open_wait(service, RF_WAIT | RF_CLOEXEC, AGENT_MS);
	if (ret == -ENOENT)
		return rf_error(r->rf, -EOPNOTSUPP, RF_COM_DEVICE ": is the module rfcom loaded?");
	if (ret == -ETIMEDOUT)
		return rf_error(r->rf, ret, "%s has no agent: is rfcom.ko loaded in it, and rf-init its PID 1?",
				name);
	if (ret < 0)
		return rf_error(r->rf, ret, "the agent of %s: %s", name, strerror(-ret));
	return ret;
}

/* The channel is of no use any more; @err: why, 0: the agent has closed it */
int rfm_agent_lost(struct rfm *r, const char *name, int err)
{
	if (!err || err == -ECONNRESET || err == -EPIPE)
		return rf_error(r->rf, -EHOSTDOWN, "%s, or its agent, has stopped", name);
	return rf_error(r->rf, err, "channel to %s: %s", name, strerror(-err));
}

int rfm_agent_send(struct rfm *r, int ch, const void *msg, size_t len)
{
	ssize_t n;

	do
		n = rf_write(ch, msg, len);
	while (n == -EINTR);
	if (n == -EMSGSIZE)
		return rf_error(r->rf, -E2BIG, "too long: %zu bytes", len);
	return n < 0 ? n : 0;
}

/* The agent's FAIL: its errno, as far as it means the same to us, and its sentence */
int rfm_agent_failed(struct rfm *r, const char *msg, size_t len)
{
	uint32_t number = 0;

	if (len < 6)
		return rf_error(r->rf, -EPROTO, "the agent failed");
	memcpy(&number, msg + 1, sizeof(number));
	return rf_error(r->rf, number && number < 4096 ? -(int)number : -EPROTO, "%.*s",
			(int)strnlen(msg + 5, len - 5), msg + 5);
}
