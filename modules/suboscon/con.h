/* SPDX-License-Identifier: GPL-2.0 */
/* subOScon: what the files of the control protocol share, rf/abi/con.h */
#ifndef _RF_SUBOSCON_CON_H
#define _RF_SUBOSCON_CON_H

#include <linux/types.h>

#include <rf/abi/con.h>

#define RF_WHY_MAX	(RF_CON_TEXTS * RF_CON_TEXT_LEN + 1)

/* A request at work, and what is to be answered */
struct rf_job {
	struct rf_con_request req;
	enum rf_con_status status;
	u64 value[6];
	char why[RF_WHY_MAX];		/* for a status other than RF_CON_OK */
};

__printf(3, 4)
void rf_job_fail(struct rf_job *job, enum rf_con_status status, const char *fmt, ...);
void rf_job_errno(struct rf_job *job, int err, const char *what);

/* con.c */
int rf_con_init(void);
void rf_con_exit(void);

/* resize.c; context: the control thread, which may be signalled to give up */
void rf_resize_cpu_add(struct rf_job *job);
void rf_resize_cpu_remove(struct rf_job *job);
void rf_resize_mem_add(struct rf_job *job);
void rf_resize_mem_remove(struct rf_job *job);

#endif /* _RF_SUBOSCON_CON_H */
