/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RFcom: channels to services in any kernel of a RainForest machine, by name.
 * The same module runs in the supervisor and in each subOS. What it promises:
 * Documentation/rfcom.md; what goes between kernels: rf/abi/rfcom.h. All
 * symbols are in the namespace RAINFOREST.
 */
#ifndef _RF_RFCOM_H
#define _RF_RFCOM_H

#include <linux/rfcom.h>
#include <linux/types.h>

struct rf_com;

#define RF_FOREVER	(-1)		/* a timeout in ms; 0: don't wait */

struct rf_com *rf_open(const char *name, unsigned int flags, int timeout_ms);
struct rf_com *rf_accept(struct rf_com *listener, int timeout_ms);
int rf_grant(struct rf_com *listener, const char *peer, unsigned int rights);
void rf_close(struct rf_com *c);
ssize_t rf_read(struct rf_com *c, void *to, size_t len, int timeout_ms);
ssize_t rf_write(struct rf_com *c, const void *from, size_t len, int timeout_ms);
void *rf_map(struct rf_com *c, u64 *size, int timeout_ms);
void rf_unmap(struct rf_com *c);

#endif /* _RF_RFCOM_H */
