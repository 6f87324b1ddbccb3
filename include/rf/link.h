/* SPDX-License-Identifier: GPL-2.0 */
/* What rfcontroller does for the supervisor's half of a service; namespace RAINFOREST */
#ifndef _RF_LINK_H
#define _RF_LINK_H

#include <linux/types.h>

int rf_channel_ensure(u32 a, u32 b);

#endif /* _RF_LINK_H */
