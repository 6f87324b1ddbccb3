// SPDX-License-Identifier: GPL-2.0
/*
 * Who has the regions of a port. The same in both kernels; who gives and takes
 * them is region.c in a subOS, and rfcontroller in the supervisor.
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include <rf/abi/ring.h>
#include <rf/region.h>

static struct {
	const struct rf_region_service *svc;
	bool closing;
} rf_services[RF_PORTS];
/* held to read while a service is called */
static DECLARE_RWSEM(rf_services_lock);
static const struct rf_region_giver *rf_giver;

/**
 * rf_region_set_giver - from now on a kernel has regions, or has none any more
 * @giver: who gives them, the caller's; NULL: no service is registered any more
 *
 * Context: process, may sleep.
 */
void rf_region_set_giver(const struct rf_region_giver *giver)
{
	guard(rwsem_write)(&rf_services_lock);
	rf_giver = giver;
}
EXPORT_SYMBOL_NS_GPL(rf_region_set_giver, RAINFOREST);

/**
 * rf_region_service_get - who has the regions of a port?
 * @port: RF_PORT_COM and up
 * @closing: out: it is to be given no more
 *
 * It stays until rf_region_service_put(), which is to follow in any case.
 *
 * Context: process, may sleep. Return: the service, or NULL.
 */
const struct rf_region_service *rf_region_service_get(unsigned int port, bool *closing)
{
	down_read(&rf_services_lock);
	*closing = rf_services[port].closing;
	return rf_services[port].svc;
}
EXPORT_SYMBOL_NS_GPL(rf_region_service_get, RAINFOREST);

/* The end of rf_region_service_get() */
void rf_region_service_put(void)
{
	up_read(&rf_services_lock);
}
EXPORT_SYMBOL_NS_GPL(rf_region_service_put, RAINFOREST);

/**
 * rf_region_register - get the regions of a port
 * @port: RF_PORT_COM and up
 * @svc: who; the caller's until rf_region_unregister() has returned
 *
 * Context: process. Return: 0; -EINVAL (port), -EBUSY (somebody does), -ENODEV (this
 * kernel has no regions).
 */
int rf_region_register(unsigned int port, const struct rf_region_service *svc)
{
	if (port < RF_PORT_COM || port >= RF_PORTS)
		return -EINVAL;
	guard(rwsem_write)(&rf_services_lock);
	if (!rf_giver)
		return -ENODEV;
	if (rf_services[port].svc)
		return -EBUSY;
	rf_services[port].svc = svc;
	rf_services[port].closing = false;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(rf_region_register, RAINFOREST);

/**
 * rf_region_unregister - get no more regions
 * @port: the port
 *
 * What the service has is taken from it; when this returns all is released, and
 * none of its functions runs.
 *
 * Context: process, may sleep; not from the service itself.
 */
void rf_region_unregister(unsigned int port)
{
	const struct rf_region_giver *giver = rf_giver;
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	down_write(&rf_services_lock);
	rf_services[port].closing = true;
	up_write(&rf_services_lock);
	add_wait_queue(giver->wait, &wait);
	while (!giver->none(port))
		wait_woken(&wait, TASK_IDLE, MAX_SCHEDULE_TIMEOUT);
	remove_wait_queue(giver->wait, &wait);
	down_write(&rf_services_lock);
	rf_services[port].svc = NULL;
	up_write(&rf_services_lock);
}
EXPORT_SYMBOL_NS_GPL(rf_region_unregister, RAINFOREST);

/**
 * rf_region_phys - where a byte of a region lies
 * @r: the region
 * @offset: of the byte
 * @left: out: bytes from there on that are physically contiguous
 *
 * Context: any. Return: its physical address; 0 when @offset is beyond the end.
 */
u64 rf_region_phys(const struct rf_region *r, u64 offset, u64 *left)
{
	for (unsigned int i = 0; i < r->nr_chunks; i++) {
		if (offset < r->chunk[i].size) {
			*left = r->chunk[i].size - offset;
			return r->chunk[i].start + offset;
		}
		offset -= r->chunk[i].size;
	}
	return 0;
}
EXPORT_SYMBOL_NS_GPL(rf_region_phys, RAINFOREST);
