// SPDX-License-Identifier: GPL-2.0
/* Services: who listens on which port */
#include <linux/export.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/srcu.h>

#include "internal.h"

static const struct rf_ficm_service __rcu *rf_services[RF_PORTS];
static DEFINE_MUTEX(rf_services_lock);
/* for calls that may sleep; those in interrupt are under RCU */
DEFINE_STATIC_SRCU(rf_services_srcu);

/**
 * rf_ficm_register - listen on a port
 * @port: enum rf_ficm_port
 * @svc: who; it stays the caller's until rf_ficm_unregister() has returned
 *
 * Of channels that are open already @svc->opened is not told: who asks for them
 * by rf_ficm_find() or rf_ficm_next() after this misses none, but may see one twice.
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL (port); -EBUSY when somebody listens.
 */
int rf_ficm_register(unsigned int port, const struct rf_ficm_service *svc)
{
	int err = -EBUSY;

	if (!port || port >= RF_PORTS)
		return -EINVAL;
	mutex_lock(&rf_services_lock);
	if (!rcu_access_pointer(rf_services[port])) {
		rcu_assign_pointer(rf_services[port], svc);
		err = 0;
	}
	mutex_unlock(&rf_services_lock);
	return err;
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_register, RAINFOREST);

/**
 * rf_ficm_unregister - listen no more
 * @port: the port
 *
 * When this returns none of the service's functions runs.
 *
 * Context: process, may sleep; not from the service itself.
 */
void rf_ficm_unregister(unsigned int port)
{
	mutex_lock(&rf_services_lock);
	RCU_INIT_POINTER(rf_services[port], NULL);
	mutex_unlock(&rf_services_lock);
	synchronize_rcu_expedited();
	synchronize_srcu_expedited(&rf_services_srcu);
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_unregister, RAINFOREST);

/*
 * Called under the channel's rx_lock. Return: true when a service took it;
 * otherwise *later says whether there is one for the read thread.
 */
bool rf_service_irq(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg, bool *later)
{
	const struct rf_ficm_service *svc;

	guard(rcu)();
	svc = rcu_dereference(rf_services[msg->port]);
	if (!svc)
		return false;
	if (svc->irq && svc->irq(ch, msg, svc->ctx))
		return true;
	if (!(svc->flags & RF_FICM_IRQ)) {
		*later = true;
		return false;
	}
	svc->receive(ch, msg, svc->ctx);
	return true;
}

/* In the read thread. Return: false when nobody listens any more. */
bool rf_service_thread(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg)
{
	int idx = srcu_read_lock(&rf_services_srcu);
	const struct rf_ficm_service *svc;

	svc = srcu_dereference(rf_services[msg->port], &rf_services_srcu);
	if (svc)
		svc->receive(ch, msg, svc->ctx);
	srcu_read_unlock(&rf_services_srcu, idx);
	return svc;
}

enum rf_service_event { RF_OPENED, RF_GONE, RF_SILENT };

/* Call what each service has for an event of a channel */
static void rf_service_tell(struct rf_ficm_channel *ch, enum rf_service_event event)
{
	int idx = srcu_read_lock(&rf_services_srcu);

	for (unsigned int port = 0; port < RF_PORTS; port++) {
		const struct rf_ficm_service *svc =
			srcu_dereference(rf_services[port], &rf_services_srcu);
		void (*call)(struct rf_ficm_channel *ch, void *ctx);

		if (!svc)
			continue;
		call = event == RF_OPENED ? svc->opened :
		       event == RF_GONE ? svc->gone : svc->silent;
		if (call)
			call(ch, svc->ctx);
	}
	srcu_read_unlock(&rf_services_srcu, idx);
}

void rf_service_opened(struct rf_ficm_channel *ch)
{
	rf_service_tell(ch, RF_OPENED);
}

void rf_service_gone(struct rf_ficm_channel *ch)
{
	rf_service_tell(ch, RF_GONE);
}

/**
 * rf_ficm_silent - tell all services that a channel's other end does nothing any more
 * @ch: the channel; it lasts until this returns
 *
 * For who watches the other kernel. It is no end: messages may come again.
 *
 * Context: process, may sleep.
 */
void rf_ficm_silent(struct rf_ficm_channel *ch)
{
	rf_service_tell(ch, RF_SILENT);
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_silent, RAINFOREST);
