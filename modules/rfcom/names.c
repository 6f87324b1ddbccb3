// SPDX-License-Identifier: GPL-2.0
/*
 * Names of services. The supervisor has the registry; a subOS asks it, and keeps
 * the answers until the supervisor says that a name has changed. An answer that is
 * stale does no harm: the service's kernel looks itself whom it lets in.
 */
#define pr_fmt(fmt) "rfcom: " fmt

#include <linux/ctype.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include "internal.h"

static u64 rf_changes = 1;	/* of names, as far as we heard of them */
static DECLARE_WAIT_QUEUE_HEAD(rf_changes_wait);

int rf_name_check(const char *name)
{
	unsigned int at = 0, n = 0;

	for (; n < RF_COM_NAME_LEN && name[n]; n++) {
		at += name[n] == '@';
		if (!isascii(name[n]) || (!isalnum(name[n]) && !strchr(".-_:/@", name[n])))
			return -EINVAL;
	}
	return n && n < RF_COM_NAME_LEN && at < 2 && name[0] != '@' ? 0 : -EINVAL;
}

/* How often names have changed: to be taken before one looks for one */
u64 rf_name_changes(void)
{
	return READ_ONCE(rf_changes);
}

/* Wait until a name has changed since then. Return: 0, -ETIMEDOUT, -ERESTARTSYS. */
int rf_name_wait(u64 since, ktime_t end, bool forever)
{
	s64 ms = ktime_ms_delta(end, ktime_get());
	long left = forever ? MAX_SCHEDULE_TIMEOUT : ms > 0 ? msecs_to_jiffies(ms) : 0;

	left = wait_event_interruptible_timeout(rf_changes_wait,
						READ_ONCE(rf_changes) != since, left);
	return left > 0 ? 0 : left ?: -ETIMEDOUT;
}

static void rf_names_changed(void)
{
	WRITE_ONCE(rf_changes, rf_changes + 1);
	wake_up_all(&rf_changes_wait);
}

#ifdef CONFIG_RAINFOREST_SUBOS

#define RF_CACHE	256	/* names, at most */

struct rf_cached {
	struct list_head node;		/* the newest last */
	char name[RF_COM_NAME_LEN];
	u64 hash;
	struct rf_found found;
};

/* A look-up that waits for its answer */
struct rf_asked {
	struct list_head node;
	u32 token;
	int error;			/* 1: none yet */
	struct rf_found found;
};

static LIST_HEAD(rf_cache);
static unsigned int rf_cached;
static LIST_HEAD(rf_asked);
static u32 rf_next_token = 1;
static DEFINE_SPINLOCK(rf_cache_lock);	/* the two lists and what is in them, and rf_changes */
static DECLARE_WAIT_QUEUE_HEAD(rf_asked_wait);
static DEFINE_MUTEX(rf_names_lock);	/* a name and what it is for, on the wire */

/* ---- asking the supervisor ---- */

static int rf_ask(u16 type, const char *name, const void *data, size_t len)
{
	struct rf_ficm_channel *ch = rf_ficm_supervisor();
	struct rf_com_name part = { };
	char text[RF_COM_NAME_LEN] = "";
	int err = 0;

	if (!ch)
		return -ENOTCONN;
	memcpy(&part.to, data, sizeof(part.to));
	strscpy(text, name, sizeof(text));
	if (mutex_lock_interruptible(&rf_names_lock))
		return -ERESTARTSYS;
	for (; part.part < 2 && !err; part.part++) {
		memcpy(part.text, text + part.part * RF_COM_TEXT, RF_COM_TEXT);
		err = rf_wire_send(ch, RF_COM_NAME, &part, sizeof(part));
	}
	err = err ?: rf_wire_send(ch, type, data, len);
	mutex_unlock(&rf_names_lock);
	return err;
}

static bool rf_registered(struct rf_com *l)
{
	return READ_ONCE(l->registered) <= 0;
}

/* Context: any */
void rf_registered_got(const struct rf_com_word *w)
{
	struct rf_com *l = rf_com_find(w->to);

	if (!l)
		return;
	WRITE_ONCE(l->registered, w->error < 0 && w->error >= -MAX_ERRNO ? w->error : 0);
	wake_up_all(&l->wait);
	rf_com_put(l);
}

static int rf_register_ask(struct rf_com *l, u16 type, const char *name,
			   const void *data, size_t len)
{
	int err;

	WRITE_ONCE(l->registered, 1);
	err = rf_ask(type, name, data, len) ?: rf_com_wait(l, rf_registered, RF_ANSWER_MS);
	return err ?: l->registered;
}

int rf_name_register(struct rf_com *l)
{
	const struct rf_com_word w = { .to = l->handle };
	int err = rf_register_ask(l, RF_COM_REGISTER, l->name, &w, sizeof(w));

	/* it may have been done all the same */
	if (err == -ETIMEDOUT || err == -ERESTARTSYS)
		rf_name_unregister(l);
	return err;
}

int rf_name_grant(struct rf_com *l, const char *peer, u32 rights)
{
	const struct rf_com_grant g = { .to = l->handle, .rights = rights };

	return rf_register_ask(l, RF_COM_GRANT, peer, &g, sizeof(g));
}

void rf_name_unregister(struct rf_com *l)
{
	const struct rf_com_word w = { .to = l->handle };
	struct rf_ficm_channel *ch = rf_ficm_supervisor();

	/* also of one that is being killed: rf_wire_send() would not wait then */
	for (int i = 0; ch && i < RF_LINE_MS; i++) {
		if (rf_wire_post(ch, RF_COM_UNREGISTER, &w, sizeof(w)) != -EAGAIN)
			return;
		schedule_timeout_uninterruptible(1);
	}
	pr_warn_ratelimited("the supervisor was not told that %s is gone\n", l->name);
}

/* ---- the cache ---- */

static bool rf_cache_find(const char *name, struct rf_found *found)
{
	struct rf_cached *k;
	bool hit = false;

	spin_lock_irq(&rf_cache_lock);
	list_for_each_entry(k, &rf_cache, node) {
		if (strcmp(k->name, name))
			continue;
		*found = k->found;
		list_move_tail(&k->node, &rf_cache);
		hit = true;
		break;
	}
	spin_unlock_irq(&rf_cache_lock);
	return hit;
}

/* Keep an answer, unless something has changed since it was asked for */
static void rf_cache_add(const char *name, const struct rf_found *found, u64 changes)
{
	struct rf_cached *k = kzalloc(sizeof(*k), GFP_KERNEL), *old = NULL;

	if (!k)
		return;		/* then we ask again */
	strscpy(k->name, name, sizeof(k->name));
	k->hash = rf_com_hash(name);
	k->found = *found;
	spin_lock_irq(&rf_cache_lock);
	if (changes == rf_changes) {
		list_add_tail(&k->node, &rf_cache);
		if (++rf_cached > RF_CACHE) {
			old = list_first_entry(&rf_cache, struct rf_cached, node);
			list_del(&old->node);
			rf_cached--;
		}
		k = NULL;
	}
	spin_unlock_irq(&rf_cache_lock);
	kfree(k);
	kfree(old);
}

/* A name has changed: 0: any may have. Context: any. */
void rf_name_forget(u64 hash)
{
	struct rf_cached *k, *next;
	unsigned long flags;

	spin_lock_irqsave(&rf_cache_lock, flags);
	list_for_each_entry_safe(k, next, &rf_cache, node) {
		if (hash && k->hash != hash)
			continue;
		list_del(&k->node);
		rf_cached--;
		kfree(k);
	}
	rf_names_changed();
	spin_unlock_irqrestore(&rf_cache_lock, flags);
}

/* ---- looking up ---- */

/* Context: any */
void rf_found_got(const struct rf_com_found *f)
{
	struct rf_asked *a;
	unsigned long flags;

	spin_lock_irqsave(&rf_cache_lock, flags);
	list_for_each_entry(a, &rf_asked, node) {
		if (a->token != f->to)
			continue;
		a->found = (struct rf_found) { f->owner, f->service, f->rights };
		WRITE_ONCE(a->error, f->error < 0 && f->error >= -MAX_ERRNO ? f->error : 0);
	}
	spin_unlock_irqrestore(&rf_cache_lock, flags);
	wake_up_all(&rf_asked_wait);
}

/* Where is it? Return: 0; -ENOENT, -EACCES; -ETIMEDOUT, -ERESTARTSYS ... */
int rf_name_find(const char *name, struct rf_found *found)
{
	struct rf_asked a = { .error = 1 };
	struct rf_com_word w = { };
	u64 changes = rf_name_changes();
	long left = 1;
	int err;

	if (rf_cache_find(name, found))
		return 0;
	spin_lock_irq(&rf_cache_lock);
	a.token = rf_next_token++;
	w.to = a.token;
	list_add(&a.node, &rf_asked);
	spin_unlock_irq(&rf_cache_lock);
	err = rf_ask(RF_COM_LOOKUP, name, &w, sizeof(w));
	/* twice as long as for others: a channel to its kernel may have to be made */
	if (!err)
		left = wait_event_interruptible_timeout(rf_asked_wait, READ_ONCE(a.error) <= 0,
							msecs_to_jiffies(2 * RF_ANSWER_MS));
	spin_lock_irq(&rf_cache_lock);
	list_del(&a.node);
	spin_unlock_irq(&rf_cache_lock);
	if (err || left <= 0)
		return err ?: left ?: -ETIMEDOUT;
	if (a.error)
		return a.error;
	*found = a.found;
	rf_cache_add(name, found, changes);
	return 0;
}

/* ---- a registry that begins anew ---- */

/* Register a listener with all its grants, unless it closes */
static void rf_name_again(struct rf_com *l)
{
	const struct rf_com_word w = { .to = l->handle };
	struct rf_com_grantee *g;
	int err = 0;

	/* only who has the lock changes the grants */
	if (mutex_lock_interruptible(&l->write_lock))
		return;
	if (READ_ONCE(l->state) == RF_IS_LISTENING)
		err = rf_register_ask(l, RF_COM_REGISTER, l->name, &w, sizeof(w));
	list_for_each_entry(g, &l->grants, node) {
		if (err || READ_ONCE(l->state) != RF_IS_LISTENING)
			break;
		err = rf_name_grant(l, g->peer, g->rights);
	}
	mutex_unlock(&l->write_lock);
	if (err)
		pr_warn("the supervisor does not register %s again: %d\n", l->name, err);
}

/* Hello makes it forget our names: what is registered already comes once more after it */
static void rf_who_work(struct work_struct *work)
{
	unsigned long handle = 0;
	struct rf_com *l;
	int err = mutex_lock_interruptible(&rf_names_lock);

	/* not between a name and what it is for: hello makes it forget that, too */
	if (!err) {
		err = rf_wire_hello();
		mutex_unlock(&rf_names_lock);
	}
	if (err) {
		pr_warn("the supervisor takes no hello: %d\n", err);
		return;
	}
	rf_name_forget(0);	/* who waits for a name looks again */
	for (; (l = rf_com_listener(&handle)); handle++) {
		rf_name_again(l);
		rf_com_put(l);
	}
}

static DECLARE_WORK(rf_who, rf_who_work);

/* The supervisor's registry begins, and knows nothing of us. Context: any. */
void rf_who_got(void)
{
	queue_work(rf_com_wq, &rf_who);
}

void rf_names_exit(void)
{
	rf_name_forget(0);
}

#else /* the supervisor has them itself */

int rf_name_register(struct rf_com *l)
{
	return rf_registry_add(0, rf_com_self_name(), l->name, l->handle);
}

int rf_name_grant(struct rf_com *l, const char *peer, u32 rights)
{
	return rf_registry_grant(0, l->handle, peer, rights);
}

void rf_name_unregister(struct rf_com *l)
{
	rf_registry_remove(0, l->handle);
}

int rf_name_find(const char *name, struct rf_found *found)
{
	return rf_registry_find(0, rf_com_self_name(), name, found);
}

void rf_name_forget(u64 hash)
{
	rf_names_changed();
}

void rf_registered_got(const struct rf_com_word *w)
{
}

void rf_who_got(void)
{
}

void rf_found_got(const struct rf_com_found *f)
{
}

void rf_names_exit(void)
{
}

#endif
