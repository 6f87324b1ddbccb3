// SPDX-License-Identifier: GPL-2.0
/* The supervisor's registry: which service is where, and who may use it */
#include <linux/slab.h>

#include "internal.h"

#define RF_SERVICES	1024	/* of one kernel, at most */

struct rf_service {
	struct list_head node;		/* by serial */
	u64 serial;
	char name[RF_COM_NAME_LEN];
	u32 owner;			/* id of its kernel */
	char owner_name[RF_COM_PEER_LEN];
	u32 service;			/* its handle there */
	u32 lookups;
	struct list_head grants;
};

static LIST_HEAD(rf_services);
static DEFINE_MUTEX(rf_registry_lock);
static u64 rf_next_serial = 1;

static struct rf_service *rf_service_of(u32 owner, u32 service)
{
	struct rf_service *s;

	lockdep_assert_held(&rf_registry_lock);
	list_for_each_entry(s, &rf_services, node)
		if (s->owner == owner && s->service == service)
			return s;
	return NULL;
}

/* Return: 0; 1: it has it already; -EEXIST, or why it may not have the name */
static int rf_registry_check(u32 owner, const char *owner_name, const char *name, u32 service)
{
	const char *at = strchr(name, '@');
	struct rf_service *s;
	unsigned int n = 0;

	if (at && strcmp(at + 1, owner_name))
		return -EACCES;
	list_for_each_entry(s, &rf_services, node) {
		bool own = s->owner == owner && s->service == service;

		n += s->owner == owner;
		if (!strcmp(s->name, name))
			return own ? 1 : -EEXIST;
		if (own)
			return -EEXIST;
	}
	return n < RF_SERVICES ? 0 : -EDQUOT;
}

/**
 * rf_registry_add - register a service
 * @owner: id of its kernel
 * @owner_name: its name
 * @name: the service's
 * @service: its handle in its kernel
 *
 * To be told twice does no harm: see rf_who_got().
 *
 * Context: process, may sleep. Return: 0; -EEXIST; -EINVAL (name); -EACCES (it
 * is another kernel's); -EDQUOT (it has RF_SERVICES); -ENOMEM.
 */
int rf_registry_add(u32 owner, const char *owner_name, const char *name, u32 service)
{
	struct rf_service *s = kzalloc(sizeof(*s), GFP_KERNEL);
	int err = s ? rf_name_check(name) : -ENOMEM;

	if (err)
		goto out_free;
	INIT_LIST_HEAD(&s->grants);
	strscpy(s->name, name, sizeof(s->name));
	strscpy(s->owner_name, owner_name, sizeof(s->owner_name));
	s->owner = owner;
	s->service = service;
	mutex_lock(&rf_registry_lock);
	err = rf_registry_check(owner, owner_name, name, service);
	if (!err) {
		s->serial = rf_next_serial++;
		list_add_tail(&s->node, &rf_services);
		s = NULL;
	}
	mutex_unlock(&rf_registry_lock);
	if (!err)
		rf_broker_changed(name);
out_free:
	kfree(s);
	return min(err, 0);
}

/* Return: 0; -ENOENT, -EINVAL, -ENOSPC, -ENOMEM */
int rf_registry_grant(u32 owner, u32 service, const char *peer, u32 rights)
{
	char name[RF_COM_NAME_LEN] = "";
	struct rf_service *s;
	int err = -ENOENT;

	if ((rights & ~RF_MAY_ALL) || (strcmp(peer, "*") && rf_name_check(peer)))
		return -EINVAL;
	mutex_lock(&rf_registry_lock);
	s = rf_service_of(owner, service);
	if (s) {
		err = rf_rights_set(&s->grants, peer, rights);
		strscpy(name, s->name, sizeof(name));
	}
	mutex_unlock(&rf_registry_lock);
	if (!err)
		rf_broker_changed(name);
	return err;
}

void rf_registry_remove(u32 owner, u32 service)
{
	struct rf_service *s;

	mutex_lock(&rf_registry_lock);
	s = rf_service_of(owner, service);
	if (s)
		list_del(&s->node);
	mutex_unlock(&rf_registry_lock);
	if (!s)
		return;
	rf_broker_changed(s->name);
	rf_rights_free(&s->grants);
	kfree(s);
}

/* Its kernel is gone, or doesn't know of any more */
void rf_registry_remove_all(u32 owner)
{
	struct rf_service *s;
	u32 service;

	for (;;) {
		bool found = false;

		mutex_lock(&rf_registry_lock);
		list_for_each_entry(s, &rf_services, node) {
			if (s->owner != owner)
				continue;
			service = s->service;
			found = true;
			break;
		}
		mutex_unlock(&rf_registry_lock);
		if (!found)
			return;
		rf_registry_remove(owner, service);
	}
}

/**
 * rf_registry_find - where is a service, and what may one do there?
 * @who: id of the kernel that asks
 * @who_name: its name
 * @name: the service's
 * @found: out
 *
 * Return: 0; -ENOENT; -EACCES: it grants nothing to @who.
 */
int rf_registry_find(u32 who, const char *who_name, const char *name, struct rf_found *found)
{
	struct rf_service *s;

	guard(mutex)(&rf_registry_lock);
	list_for_each_entry(s, &rf_services, node) {
		if (strcmp(s->name, name))
			continue;
		*found = (struct rf_found) {
			.owner = s->owner, .service = s->service,
			.rights = s->owner == who ? RF_MAY_ALL :
				  rf_rights_of(&s->grants, who_name),
		};
		s->lookups++;
		return found->rights ? 0 : -EACCES;
	}
	return -ENOENT;
}

/**
 * rf_registry_list - the next service
 * @out: in: the serial of the one before; out: all about it
 *
 * Return: 0; -ENOENT: there are no more.
 */
int rf_registry_list(struct rf_com_ioc_service *out)
{
	struct rf_com_grantee *g;
	struct rf_service *s;

	guard(mutex)(&rf_registry_lock);
	list_for_each_entry(s, &rf_services, node) {
		if (s->serial <= out->serial)
			continue;
		memset(out, 0, sizeof(*out));
		out->serial = s->serial;
		out->lookups = s->lookups;
		strscpy(out->name, s->name, sizeof(out->name));
		strscpy(out->owner, s->owner_name, sizeof(out->owner));
		list_for_each_entry(g, &s->grants, node) {
			struct rf_com_ioc_grant *to = &out->grant[out->nr_grants++];

			strscpy(to->peer, g->peer, sizeof(to->peer));
			to->rights = g->rights;
		}
		return 0;
	}
	return -ENOENT;
}
