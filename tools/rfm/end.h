/* SPDX-License-Identifier: GPL-2.0 */
/* How a subOS ended: what run and wait tell. */
#ifndef RFM_END_H
#define RFM_END_H

#include "rfm.h"

void rfm_json_end(const struct rf_subos *end, int status);
void rfm_say_console(struct rfm *r, const char *name);

#endif /* RFM_END_H */
