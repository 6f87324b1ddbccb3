/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SUBOSCON_H
#define _SUBOSCON_H

#include <linux/types.h>
#include <linux/wait.h>

#include <rf/abi/boot.h>
#include <rf/abi/ring.h>

extern struct rf_boot_desc *rainforest_desc;
void rainforest_ring_supervisor(void);
void rainforest_console_kick(void);

static inline struct rf_ring *rf_ring_at(unsigned int id)
{
	return (void *)rainforest_desc + rainforest_desc->ring[id].offset;
}

/* main.c: woken by the supervisor's doorbell */
extern wait_queue_head_t rf_doorbell_wait;

/* alive.c */
extern bool rf_supervisor_silent;	/* READ_ONCE(); rf_doorbell_wait is woken */
void rf_alive_init(void);
void rf_alive_exit(void);

/* beat.c */
int rf_beat_init(void);
void rf_beat_exit(void);

/* stream.c */
int rf_stream_init(void);
void rf_stream_exit(void);

/* hold.c */
int rf_hold_init(void);
void rf_hold_exit(void);
void rf_hold_rung(void);

/* stat.c */
int rf_stat_init(void);
void rf_stat_exit(void);

/* counters.c */
struct rf_stat_cpu;
void rf_counters_init(void);
void rf_counters_exit(void);
bool rf_counters_read(struct rf_stat_cpu *to, unsigned int cpu);

#endif /* _SUBOSCON_H */
