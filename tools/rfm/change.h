/* SPDX-License-Identifier: GPL-2.0 */
/* What start, stop, kill and destroy have in common: a name and a timeout. */
#ifndef RFM_CHANGE_H
#define RFM_CHANGE_H

#include "rfm.h"

struct rfm_change {
	int (*fn)(struct rf *rf, const struct rf_stop *s, struct rf_subos *reply);
	const char *done;	/* "stopped" */
	const char *would;	/* "would be stopped" */
	const char *synopsis;	/* what --help prints */
	const char *timeout;	/* what it says of --timeout; NULL: there is none */
	int64_t timeout_ms;	/* without it */
};

int rfm_change(struct rfm *r, const struct rfm_change *c, const struct rf_stop *s);
int rfm_change_verb(struct rfm *r, int argc, char **argv, const struct rfm_change *c);
int rfm_timeout(struct rfm *r, const char *word, int64_t *ms);

#endif /* RFM_CHANGE_H */
