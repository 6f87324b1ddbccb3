/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Regions: pages of the supervisor that two kernels share. The calls are the
 * same in both kernels; who gives regions is rfcontroller in the supervisor and
 * ficm in a subOS; rf_region_make() is the supervisor's alone. All symbols are
 * in the namespace RAINFOREST. What goes between the kernels: rf/abi/region.h.
 *
 * Each end gets given(), and has the region until rf_region_release(). When one
 * end has released it, or is dead, the other gets taken(). The pages are freed
 * when both have released it or are proven stopped, so that what one end reads
 * or writes never hits a page that is somebody else's by now.
 */
#ifndef _RF_REGION_H
#define _RF_REGION_H

#include <linux/types.h>
#include <linux/wait.h>

#include <rf/abi/region.h>

/**
 * struct rf_region - an end's view of a region
 * @id: never used again
 * @port: of the service that it is for
 * @peer: id of the kernel at the other end; 0: the supervisor
 * @tag: the service's own words, of rf_region_make()
 * @size: bytes, a multiple of PAGE_SIZE
 * @flags: RF_REGION_*, of this end
 * @nr_chunks: of @chunk
 * @chunk: where it lies, checked; in a subOS none of it is its own memory
 * @addr: all of it in one piece, mapped write-back; NULL with RF_REGION_UNMAPPED
 * @priv: the service's
 */
struct rf_region {
	u64 id;
	unsigned int port;
	u32 peer;
	u64 tag[2];
	u64 size;
	u32 flags;
	unsigned int nr_chunks;
	const struct rf_region_chunk *chunk;
	void *addr;
	void *priv;
};

/**
 * struct rf_region_service - who gets the regions of a port
 * @given: here is one. Return: 0, then rf_region_release() is to follow at some
 *	time; or an errno, then it is not ours. May sleep, not for long.
 * @taken: the other end has left, or is dead. Stop using it and call
 *	rf_region_release(), here or soon after. Called once at most, and not after
 *	the release has begun. May sleep, not for long.
 * @ctx: the service's own
 */
struct rf_region_service {
	int (*given)(struct rf_region *r, void *ctx);
	void (*taken)(struct rf_region *r, void *ctx);
	void *ctx;
};

int rf_region_register(unsigned int port, const struct rf_region_service *svc);
void rf_region_unregister(unsigned int port);
void rf_region_release(struct rf_region *r);
u64 rf_region_phys(const struct rf_region *r, u64 offset, u64 *left);

/* ---- who gives them: modules/ficm/region_service.c ---- */

/**
 * struct rf_region_giver - that part of this kernel which has the regions
 * @none: take all of a port from its service, as far as that wasn't done yet.
 *	Return: has it released all?
 * @wait: woken when one was released
 */
struct rf_region_giver {
	bool (*none)(unsigned int port);
	struct wait_queue_head *wait;
};

void rf_region_set_giver(const struct rf_region_giver *giver);
const struct rf_region_service *rf_region_service_get(unsigned int port, bool *closing);
void rf_region_service_put(void);

/* ---- the supervisor ---- */

/**
 * struct rf_region_params - what a region is made of
 * @port: of the service
 * @end: ids of two kernels that run; 0, the supervisor, is @end[0] if it is one
 * @flags: RF_REGION_*, of each end
 * @size: bytes, up to RF_REGION_MAX; rounded up to pages
 * @node: of the pages; NUMA_NO_NODE: that of @end[1]
 * @tag: the service's own words
 */
struct rf_region_params {
	unsigned int port;
	u32 end[2];
	u32 flags[2];
	u64 size;
	int node;
	u64 tag[2];
};

s64 rf_region_make(const struct rf_region_params *p);
void rf_region_drop(u64 id);
unsigned int rf_region_count(unsigned int port, u32 a, u32 b);

#endif /* _RF_REGION_H */
