// SPDX-License-Identifier: GPL-2.0
/* The way to the agent in a subOS */
#include <errno.h>
#include <linux/rainforest.h>
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "rfm.h"

#define AGENT_MS	5000	/* for a subOS that has just booted to have its agent */

static int get_state(struct rfm *r, const char *name, uint32_t *state)
{
	struct rf_subos s;
	int ret = rf_subos_get(r->rf, name, &s);

	*state = s.state;
	rf_subos_clear(&s);
	return ret;
}

/* Why there is no agent to be had in a subOS of this state */
static int no_agent(struct rfm *r, const char *name, uint32_t state)
{
	switch (state) {
	case RAINFOREST_STATE_RUNNING:
		return rf_error(r->rf, -ETIMEDOUT,
				"%s has no agent: is rfcom.ko loaded in it, and rf-init its PID 1?",
				name);
	case RAINFOREST_STATE_BOOTING:
		return rf_error(r->rf, -ETIMEDOUT, "%s still boots: see rfm logs %s", name, name);
	case RAINFOREST_STATE_FROZEN:
		return rf_error(r->rf, -EOPNOTSUPP, "%s is frozen: rfm thaw %s", name, name);
	case RAINFOREST_STATE_STOPPING:
		return rf_error(r->rf, -EOPNOTSUPP, "%s is about to stop", name);
	case RAINFOREST_STATE_UNRESPONSIVE:
		return rf_error(r->rf, -EOPNOTSUPP, "%s does not respond: see rfm show %s", name,
				name);
	}
	return rf_error(r->rf, -EOPNOTSUPP, "%s does not run (%s): rfm start %s", name,
			rf_state_text(state), name);
}

/**
 * rfm_agent_open() - a channel to the agent of a subOS
 * @r: the program
 * @name: of the subOS
 *
 * Return: a descriptor; -ENOENT (no such subOS), -EOPNOTSUPP (it does not run),
 * -ETIMEDOUT (it has no agent), ...
 */
int rfm_agent_open(struct rfm *r, const char *name)
{
	char service[RF_COM_NAME_LEN];
	uint32_t state;
	int ret;

	ret = get_state(r, name, &state);
	if (ret)
		return ret;
	if (state != RAINFOREST_STATE_RUNNING && state != RAINFOREST_STATE_BOOTING)
		return no_agent(r, name, state);
	snprintf(service, sizeof(service), AGENT_SERVICE "%s", name);
	ret = rf_open_wait(service, RF_WAIT | RF_CLOEXEC, AGENT_MS);
	if (ret == -ENOENT)
		return rf_error(r->rf, -EOPNOTSUPP, RF_COM_DEVICE ": is the module rfcom loaded?");
	if (ret == -ETIMEDOUT)
		return get_state(r, name, &state) ?: no_agent(r, name, state);
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

/* Return: 0; rfm_agent_lost()'s: -EHOSTDOWN: the agent may have said why, before */
int rfm_agent_send(struct rfm *r, const char *name, int ch, const void *msg, size_t len)
{
	ssize_t n;

	do
		n = rf_write(ch, msg, len);
	while (n == -EINTR);
	if (n == -EMSGSIZE)
		return rf_error(r->rf, -E2BIG, "too long: %zu bytes", len);
	return n < 0 ? rfm_agent_lost(r, name, n) : 0;
}

/* The agent's FAIL: its errno, as far as it means the same to us, and its sentence */
int rfm_agent_failed(struct rfm *r, const char *msg, size_t len)
{
	uint32_t number = 0;

	if (len < 6)
		return rf_error(r->rf, -EPROTO, "the agent failed");
	memcpy(&number, msg + 1, sizeof(number));
	/* a missing file is a bad request, no unknown subOS */
	if (number == ENOENT || number == ENXIO || number == ENODEV)
		number = EINVAL;
	return rf_error(r->rf, number && number < 4096 ? -(int)number : -EPROTO, "%.*s",
			(int)strnlen(msg + 5, len - 5), msg + 5);
}
