/* SPDX-License-Identifier: GPL-2.0 */
/* Bytes between rfm's own standard streams and those of a subOS. */
#ifndef RFM_PUMP_H
#define RFM_PUMP_H

#include <stdbool.h>
#include <stddef.h>

struct rfm_pump {
	int from, to;		/* the subOS's side does not block */
	bool in;		/* @to is the subOS's side */
	bool done;
	size_t at, n;		/* what is in buf and not yet written */
	char buf[1 << 16];
};

struct pollfd;

void rfm_pump_poll(const struct rfm_pump *p, struct pollfd *pfd);
int rfm_pump_step(struct rfm_pump *p, const struct pollfd *pfd);

#endif /* RFM_PUMP_H */
