/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RFM_STAT_H
#define RFM_STAT_H

#include "rfm.h"

#define RFM_STAT_MS	500	/* a subOS measures itself that often */

void rfm_stat_minus(struct rf_stat *now, const struct rf_stat *then);
double rfm_stat_busy(const struct rf_stat_cpu *c);

#endif /* RFM_STAT_H */
