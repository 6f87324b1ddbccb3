/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RFM_SIGNALS_H
#define RFM_SIGNALS_H

#include <stdatomic.h>

#include "rfm.h"

extern atomic_int rfm_signal;	/* what came last, or 0 */

int rfm_signals_catch(struct rfm *r);
int rfm_signals_fd(void);
int rfm_signals_take(void);

#endif
