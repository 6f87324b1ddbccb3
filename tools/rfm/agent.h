/* SPDX-License-Identifier: GPL-2.0 */
/* What exec and cp share: a channel to the agent in a subOS, ../librf/agent.h */
#ifndef RFM_AGENT_H
#define RFM_AGENT_H

#include <stddef.h>
#include <sys/types.h>

#include "../librf/agent.h"

struct rfm;

int rfm_agent_open(struct rfm *r, const char *name);
int rfm_agent_send(struct rfm *r, const char *name, int ch, const void *msg, size_t len);
int rfm_agent_failed(struct rfm *r, const char *msg, size_t len);
int rfm_agent_lost(struct rfm *r, const char *name, int err);

#endif /* RFM_AGENT_H */
