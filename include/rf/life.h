/* SPDX-License-Identifier: GPL-2.0 */
/*
 * In the supervisor: hear of subOSes that are created and destroyed, from
 * rfcontroller. Of those that start and stop FICM tells. Namespace RAINFOREST.
 */
#ifndef _RF_LIFE_H
#define _RF_LIFE_H

#include <linux/types.h>

struct notifier_block;

#define RF_LIFE_CREATED		1
#define RF_LIFE_DESTROYED	2

struct rf_life {
	u32 id;
	const char *name;	/* valid during the call */
};

/* @nb: called with one of RF_LIFE_* and a struct rf_life; it may sleep, not for long */
int rf_life_register(struct notifier_block *nb);
void rf_life_unregister(struct notifier_block *nb);

#endif /* _RF_LIFE_H */
