/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's words that include/rf/msgring.h is written in, for user space */
#ifndef RING_SHIM_H
#define RING_SHIM_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define smp_load_acquire(p)	__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define xchg(p, v)		__atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
/* TSan knows no fences; the CPU does, and acquire and release are checked */
#define smp_mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST)

#ifdef __SANITIZE_THREAD__
/* TSan does not look into the C library's: byte by byte it sees the races */
static inline void *ring_copy(void *to, const void *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
	return to;
}
#define memcpy(to, from, n)	ring_copy(to, from, n)
#endif

#include <rf/msgring.h>
#include "../fuzz/must.h"

static inline struct rf_ficm_ring *ring_new(unsigned int order, uint64_t generation)
{
	/* no byte more: ASan sees a step over either end */
	void *p = aligned_alloc(64, rf_msgring_size(order));

	MUST(p);
	memset(p, 0, rf_msgring_size(order));
	rf_msgring_init(p, order, generation);
	return p;
}

#endif /* RING_SHIM_H */
