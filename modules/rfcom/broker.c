// SPDX-License-Identifier: GPL-2.0
/*
 * What subOSes ask of the supervisor: names, channels to each other, memory for
 * two. Who asks says the FICM channel. What takes its time is done by a work, so
 * that FICM's thread goes on: others, and the answers that we wait for, come by it.
 */
#define pr_fmt(fmt) "rfcom: " fmt

#include <linux/slab.h>

#include <rf/link.h>

#include "internal.h"

#define RF_JOBS		64	/* of one subOS at a time; what is beyond is refused */
#define RF_AGAIN_MS	5	/* when there was no room to tell of a change */

/* A subOS that has said hello */
struct rf_kernel {
	struct list_head node;
	struct rf_ficm_channel *ch;
	u32 id;
	char name[RF_COM_PEER_LEN];
	char text[2][RF_COM_TEXT];	/* the name for what comes next */
	u32 text_of;			/* its "to" */
	bool untold;			/* names have changed, and it was not told which */
	atomic_t jobs;
	struct kref ref;
};

struct rf_job {
	struct work_struct work;
	struct rf_kernel *k;		/* NULL: the supervisor's own */
	struct rf_com_found found;	/* a look-up: to be answered */
	struct rf_com_region want;	/* or a region */
	bool region;
};

static LIST_HEAD(rf_kernels);
static DEFINE_MUTEX(rf_kernels_lock);	/* the list, and untold */

static void rf_tell_again(struct work_struct *work);
static DECLARE_DELAYED_WORK(rf_tell_work, rf_tell_again);

static void rf_kernel_free(struct kref *ref)
{
	struct rf_kernel *k = container_of(ref, struct rf_kernel, ref);

	rf_ficm_put(k->ch);
	kfree(k);
}

static void rf_kernel_put(struct rf_kernel *k)
{
	if (k)
		kref_put(&k->ref, rf_kernel_free);
}

static struct rf_kernel *rf_kernel_find(struct rf_ficm_channel *ch)
{
	struct rf_kernel *k;

	guard(mutex)(&rf_kernels_lock);
	list_for_each_entry(k, &rf_kernels, node) {
		if (k->ch == ch) {
			kref_get(&k->ref);
			return k;
		}
	}
	return NULL;
}

/* ---- changes ---- */

/* A name has come, gone, or its grants have changed: whoever has it cached is to forget it */
void rf_broker_changed(const char *name)
{
	const struct rf_com_changed c = { .hash = rf_com_hash(name) };
	struct rf_kernel *k;

	rf_name_forget(c.hash);
	guard(mutex)(&rf_kernels_lock);
	list_for_each_entry(k, &rf_kernels, node) {
		if (rf_wire_post(k->ch, RF_COM_CHANGED, &c, sizeof(c)) != -EAGAIN)
			continue;
		k->untold = true;
		mod_delayed_work(rf_com_wq, &rf_tell_work, msecs_to_jiffies(RF_AGAIN_MS));
	}
}

static void rf_tell_again(struct work_struct *work)
{
	const struct rf_com_changed any = { };
	struct rf_kernel *k;

	guard(mutex)(&rf_kernels_lock);
	list_for_each_entry(k, &rf_kernels, node) {
		if (k->untold)
			k->untold = rf_wire_post(k->ch, RF_COM_CHANGED, &any, sizeof(any)) ==
				    -EAGAIN;
		if (k->untold)
			mod_delayed_work(rf_com_wq, &rf_tell_work, msecs_to_jiffies(RF_AGAIN_MS));
	}
}

/* ---- jobs ---- */

static void rf_refuse(struct rf_ficm_channel *ch, const struct rf_com_region *w, int err)
{
	const struct rf_com_share no = { .to = w->to, .kind = w->kind, .error = err };

	rf_wire_post(ch, RF_COM_REFUSED, &no, sizeof(no));
}

/* A region for a service's end, which asks, and its client's */
static int rf_region_for(u32 owner, const struct rf_com_region *w)
{
	bool owner_first = !owner;	/* the supervisor goes first */
	struct rf_region_params p = {
		.port = RF_PORT_COM,
		.size = w->size,
		.node = NUMA_NO_NODE,
		.tag = { (u64)w->to << 32 | w->client, (u64)w->kind << 32 | owner },
	};
	s64 id;

	if (w->kind >= RF_COM_SHARES || !w->size || w->size > RF_REGION_MAX ||
	    w->peer == owner || (w->rights & ~RF_MAY_ALL))
		return -EINVAL;
	p.end[!owner_first] = owner;
	p.end[owner_first] = w->peer;
	if (!p.end[1])
		swap(p.end[0], p.end[1]);
	if (w->kind == RF_COM_MAP && !(w->rights & RF_MAY_MAP_WRITE))
		p.flags[p.end[0] == owner] = RF_REGION_READ_ONLY;
	id = rf_region_make(&p);
	return id < 0 ? id : 0;
}

static void rf_job_work(struct work_struct *work)
{
	struct rf_job *j = container_of(work, struct rf_job, work);
	struct rf_kernel *k = j->k;
	int err;

	if (j->region) {
		err = rf_region_for(k ? k->id : 0, &j->want);
		if (err)
			rf_refuse(k ? k->ch : NULL, &j->want, err);
	} else {
		err = rf_channel_ensure(k->id, j->found.owner);
		if (err)
			j->found = (struct rf_com_found) { .to = j->found.to, .error = err };
		rf_wire_post(k->ch, RF_COM_FOUND, &j->found, sizeof(j->found));
	}
	if (k)
		atomic_dec(&k->jobs);
	rf_kernel_put(k);
	kfree(j);
}

static struct rf_job *rf_job_new(struct rf_kernel *k)
{
	struct rf_job *j;

	if (k && atomic_inc_return(&k->jobs) > RF_JOBS) {
		atomic_dec(&k->jobs);
		return NULL;
	}
	j = kzalloc(sizeof(*j), GFP_KERNEL);
	if (!j) {
		if (k)
			atomic_dec(&k->jobs);
		return NULL;
	}
	INIT_WORK(&j->work, rf_job_work);
	if (k)
		kref_get(&k->ref);
	j->k = k;
	return j;
}

/* The supervisor's own service wants a region. Return: 0: the answer comes later. */
int rf_broker_region(u32 owner, const struct rf_com_region *want)
{
	struct rf_job *j = rf_job_new(NULL);

	if (!j)
		return -ENOMEM;
	j->region = true;
	j->want = *want;
	queue_work(rf_com_wq, &j->work);
	return 0;
}

/* ---- what subOSes say ---- */

static void rf_got_hello(struct rf_ficm_channel *ch, const struct rf_com_word *w)
{
	struct rf_kernel *k = rf_kernel_find(ch);

	if (w->error != RF_COM_VERSION) {
		pr_warn("%s speaks version %d of RFcom, we %d\n", rf_ficm_name(ch), w->error,
			RF_COM_VERSION);
	} else if (k) {
		rf_registry_remove_all(k->id);	/* the module was loaded anew */
	} else {
		k = kzalloc(sizeof(*k), GFP_KERNEL);
		if (!k)
			return;
		kref_init(&k->ref);
		kref_get(&k->ref);
		rf_ficm_get(ch);
		k->ch = ch;
		k->id = rf_ficm_peer(ch);
		strscpy(k->name, rf_ficm_name(ch), sizeof(k->name));
		mutex_lock(&rf_kernels_lock);
		list_add_tail(&k->node, &rf_kernels);
		mutex_unlock(&rf_kernels_lock);
	}
	rf_kernel_put(k);
}

static void rf_got_name(struct rf_kernel *k, const struct rf_com_name *n)
{
	if (n->part > 1)
		return;
	k->text_of = n->to;
	memcpy(k->text[n->part], n->text, RF_COM_TEXT);
}

static void rf_got_lookup(struct rf_kernel *k, u32 token, const char *name)
{
	struct rf_com_found f = { .to = token };
	struct rf_found found = { };
	struct rf_job *j;

	f.error = rf_registry_find(k->id, k->name, name, &found);
	f.owner = found.owner;
	f.service = found.service;
	f.rights = found.rights;
	/* two subOSes: they need a channel, which takes its time */
	if (!f.error && f.owner && f.owner != k->id) {
		j = rf_job_new(k);
		if (j) {
			j->found = f;
			queue_work(rf_com_wq, &j->work);
			return;
		}
		f.error = -EBUSY;
	}
	rf_wire_post(k->ch, RF_COM_FOUND, &f, sizeof(f));
}

static void rf_got_region(struct rf_kernel *k, const struct rf_com_region *w)
{
	struct rf_job *j = rf_job_new(k);

	if (!j) {
		rf_refuse(k->ch, w, -EBUSY);
		return;
	}
	j->region = true;
	j->want = *w;
	queue_work(rf_com_wq, &j->work);
}

/* It has not said hello, to us: it is not to wait for an answer */
static void rf_got_unknown(struct rf_ficm_channel *ch, u16 type, const void *data)
{
	struct rf_com_found found = { .error = -ENOTCONN };
	struct rf_com_word w;

	memcpy(&w, data, sizeof(w));
	switch (type) {
	case RF_COM_REGISTER:
	case RF_COM_GRANT:
		w.error = -ENOTCONN;
		rf_wire_post(ch, RF_COM_REGISTERED, &w, sizeof(w));
		break;
	case RF_COM_LOOKUP:
		found.to = w.to;
		rf_wire_post(ch, RF_COM_FOUND, &found, sizeof(found));
		break;
	case RF_COM_REGION:
		rf_refuse(ch, data, -ENOTCONN);
		break;
	}
}

/* From a subOS, in FICM's read thread */
void rf_broker_got(struct rf_ficm_channel *ch, u16 type, const void *data)
{
	struct rf_com_word w;
	struct rf_com_grant g;
	struct rf_kernel *k;
	char name[RF_COM_NAME_LEN] = "";

	if (!ch)
		return;
	memcpy(&w, data, sizeof(w));
	if (type == RF_COM_HELLO) {
		rf_got_hello(ch, &w);
		return;
	}
	k = rf_kernel_find(ch);
	if (!k) {
		rf_got_unknown(ch, type, data);
		return;
	}
	if (k->text_of == w.to)
		memcpy(name, k->text, sizeof(name) - 1);
	switch (type) {
	case RF_COM_NAME:
		rf_got_name(k, data);
		break;
	case RF_COM_REGISTER:
		w.error = rf_registry_add(k->id, k->name, name, w.to);
		rf_wire_post(ch, RF_COM_REGISTERED, &w, sizeof(w));
		break;
	case RF_COM_GRANT:
		memcpy(&g, data, sizeof(g));
		name[RF_COM_PEER_LEN - 1] = 0;
		w.error = rf_registry_grant(k->id, w.to, name, g.rights);
		rf_wire_post(ch, RF_COM_REGISTERED, &w, sizeof(w));
		break;
	case RF_COM_UNREGISTER:
		rf_registry_remove(k->id, w.to);
		break;
	case RF_COM_LOOKUP:
		rf_got_lookup(k, w.to, name);
		break;
	case RF_COM_REGION:
		rf_got_region(k, data);
		break;
	}
	rf_kernel_put(k);
}

/* A subOS is dead, or its channel is closed: its names go */
void rf_broker_gone(struct rf_ficm_channel *ch)
{
	struct rf_kernel *k = rf_kernel_find(ch);

	if (!k)
		return;
	mutex_lock(&rf_kernels_lock);
	list_del(&k->node);
	mutex_unlock(&rf_kernels_lock);
	rf_registry_remove_all(k->id);
	rf_kernel_put(k);	/* the list's */
	rf_kernel_put(k);
}

static struct rf_kernel *rf_kernel_pop(void)
{
	struct rf_kernel *k;

	guard(mutex)(&rf_kernels_lock);
	k = list_first_entry_or_null(&rf_kernels, struct rf_kernel, node);
	if (k)
		list_del(&k->node);
	return k;
}

/* We begin: subOSes that run already have said hello to nobody, or to who was here before */
void rf_broker_who(void)
{
	const struct rf_com_word who = { };
	struct rf_ficm_channel *ch;
	u64 serial = 0;

	for (; (ch = rf_ficm_next(&serial)); rf_ficm_put(ch)) {
		if (rf_wire_post(ch, RF_COM_WHO, &who, sizeof(who)) == -EAGAIN)
			pr_warn("%s has no room for a word: its services are not known\n",
				rf_ficm_name(ch));
	}
}

/* FICM calls us no more */
void rf_broker_exit(void)
{
	struct rf_kernel *k;

	while ((k = rf_kernel_pop())) {
		rf_registry_remove_all(k->id);
		rf_kernel_put(k);
	}
	/* last: names that go are told to who is left, by it if need be */
	cancel_delayed_work_sync(&rf_tell_work);
	flush_workqueue(rf_com_wq);
}
