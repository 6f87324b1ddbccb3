/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RFM_METRIC_H
#define RFM_METRIC_H

#include "rfm.h"

/* Where a number comes from: one of the two */
struct rfm_metric {
	const char *command;	/* for /bin/sh; its output is the number */
	const char *file;	/* or its content */
	int64_t timeout_ms;	/* of the command */
	int64_t max_age_ms;	/* of the file */
};

int rfm_metric_read(struct rfm *r, const struct rfm_metric *m, double *v);

#endif /* RFM_METRIC_H */
