// SPDX-License-Identifier: GPL-2.0
/* Opening, listening, accepting; and who may */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "internal.h"

#define RF_BACKLOG	128	/* clients that are not accepted yet, by default */
#define RF_BACKLOG_MAX	4096
#define RF_TRIES	3	/* with a name that turns out to be stale */

/* ---- grants ---- */

/* What @peer may; the name itself before "*" */
u32 rf_rights_of(struct list_head *grants, const char *peer)
{
	struct rf_com_grantee *g;
	u32 all = 0;

	list_for_each_entry(g, grants, node) {
		if (!strcmp(g->peer, peer))
			return g->rights;
		if (!strcmp(g->peer, "*"))
			all = g->rights;
	}
	return all;
}

/* Context: process; the list is the caller's alone. Return: 0, -ENOMEM, -ENOSPC. */
int rf_rights_set(struct list_head *grants, const char *peer, u32 rights)
{
	struct rf_com_grantee *g;
	unsigned int n = 0;

	list_for_each_entry(g, grants, node) {
		n++;
		if (strcmp(g->peer, peer))
			continue;
		g->rights = rights;
		return 0;
	}
	if (n == ARRAY_SIZE(((struct rf_com_ioc_service *)0)->grant))
		return -ENOSPC;
	g = kzalloc(sizeof(*g), GFP_ATOMIC | __GFP_ACCOUNT);
	if (!g)
		return -ENOMEM;
	strscpy(g->peer, peer, sizeof(g->peer));
	g->rights = rights;
	list_add_tail(&g->node, grants);
	return 0;
}

void rf_rights_free(struct list_head *grants)
{
	struct rf_com_grantee *g, *next;

	list_for_each_entry_safe(g, next, grants, node)
		kfree(g);
	INIT_LIST_HEAD(grants);
}

/**
 * rf_grant - let a peer use a service
 * @l: the listener
 * @peer: name of a subOS, "supervisor", or "*" for each kernel
 * @rights: RF_MAY_*; 0: none any more. Channels that are open keep theirs
 *
 * Clients in the service's own kernel need none.
 *
 * Context: process, may sleep. Return: 0; -EINVAL (rights, name, no listener);
 * -ENOSPC (16 at most); -ENOMEM; -ETIMEDOUT, -ERESTARTSYS, -ENOTCONN (the registry).
 */
int rf_grant(struct rf_com *l, const char *peer, unsigned int rights)
{
	int err;

	if (READ_ONCE(l->state) != RF_IS_LISTENING || (rights & ~RF_MAY_ALL) ||
	    strnlen(peer, RF_COM_PEER_LEN) == RF_COM_PEER_LEN ||
	    (strcmp(peer, "*") && rf_name_check(peer)) ||
	    ((rights & RF_MAY_MAP_WRITE) && !(rights & RF_MAY_MAP)))
		return -EINVAL;
	if (mutex_lock_interruptible(&l->write_lock))
		return -ERESTARTSYS;
	spin_lock_irq(&l->lock);
	err = rf_rights_set(&l->grants, peer, rights);
	spin_unlock_irq(&l->lock);
	err = err ?: rf_name_grant(l, peer, rights);
	mutex_unlock(&l->write_lock);
	return err;
}
EXPORT_SYMBOL_NS_GPL(rf_grant, RAINFOREST);

/* ---- the service's side ---- */

/* May it open a channel? Return: 0 and its rights, or why not. */
static int rf_open_check(struct rf_com *l, struct rf_ficm_channel *ch, u32 *rights)
{
	int err = 0;

	*rights = RF_MAY_ALL;
	spin_lock_irq(&l->lock);
	if (ch)
		*rights = rf_rights_of(&l->grants, rf_ficm_name(ch));
	if (l->state != RF_IS_LISTENING)
		err = -ENOENT;
	else if (!*rights)
		err = -EACCES;
	else if (l->waiting >= l->backlog)
		err = -ECONNREFUSED;
	spin_unlock_irq(&l->lock);
	return err;
}

static struct rf_com *rf_server_new(struct rf_com *l, struct rf_ficm_channel *ch, u32 to,
				    u32 rights)
{
	struct rf_com *c = rf_com_new();

	if (!c)
		return NULL;
	c->peer = ch ? rf_ficm_peer(ch) : rf_com_self();
	c->to = to;
	c->server = true;
	c->rights = rights;
	c->buffer = l->buffer;
	strscpy(c->name, l->name, sizeof(c->name));
	if (ch)
		rf_ficm_get(ch);
	spin_lock_irq(&c->lock);
	WRITE_ONCE(c->state, RF_IS_OPEN);
	c->ch = ch;		/* last: from here on that kernel can say something to it */
	spin_unlock_irq(&c->lock);
	return c;
}

/* A client wants a channel. Context: FICM's read thread, or the client itself. */
void rf_open_got(struct rf_ficm_channel *ch, const struct rf_com_open *open)
{
	struct rf_com_open answer = { .to = open->from };
	struct rf_com *l = rf_com_find(open->to), *c = NULL;
	bool listed = false;

	answer.error = l ? rf_open_check(l, ch, &answer.rights) : -ENOENT;
	if (!answer.error) {
		c = rf_server_new(l, ch, open->from, answer.rights);
		answer.error = c ? 0 : -ENOMEM;
	}
	if (c) {
		answer.from = c->handle;
		answer.buffer = c->buffer;
	}
	/* before anybody accepts and writes */
	if (rf_wire_post(ch, RF_COM_OPENED, &answer, sizeof(answer)) && c)
		rf_com_fail(c, -ECONNRESET);
	if (c) {
		spin_lock_irq(&l->lock);
		if (l->state == RF_IS_LISTENING) {
			list_add_tail(&c->accept_node, &l->accept);
			WRITE_ONCE(l->waiting, l->waiting + 1);
			listed = true;
		}
		spin_unlock_irq(&l->lock);
		wake_up_all(&l->wait);
		if (!listed) {
			rf_com_shut(c, true);
			rf_com_put(c);
		}
	}
	if (l)
		rf_com_put(l);
}

static bool rf_acceptable(struct rf_com *l)
{
	return READ_ONCE(l->waiting) || READ_ONCE(l->state) != RF_IS_LISTENING;
}

struct rf_com *rf_com_accept(struct rf_com *l, int timeout_ms)
{
	struct rf_com *c = NULL;
	int err;

	while (READ_ONCE(l->state) == RF_IS_LISTENING) {
		err = rf_com_wait(l, rf_acceptable, timeout_ms);
		if (err)
			return ERR_PTR(err);
		spin_lock_irq(&l->lock);
		c = list_first_entry_or_null(&l->accept, struct rf_com, accept_node);
		if (c) {
			list_del_init(&c->accept_node);
			WRITE_ONCE(l->waiting, l->waiting - 1);
		}
		spin_unlock_irq(&l->lock);
		if (c)
			return c;
	}
	return ERR_PTR(-EINVAL);
}

/**
 * rf_accept - take the next client of a service
 * @l: the listener
 * @timeout_ms: to wait at most; 0: not at all; RF_FOREVER
 *
 * Context: process, may sleep.
 * Return: a channel, for rf_close(); ERR_PTR: -EAGAIN, -ETIMEDOUT, -ERESTARTSYS,
 * -EINVAL (no listener).
 */
struct rf_com *rf_accept(struct rf_com *l, int timeout_ms)
{
	return rf_com_accept(l, timeout_ms);
}
EXPORT_SYMBOL_NS_GPL(rf_accept, RAINFOREST);

/* Who was not accepted is told. The state is not LISTENING: nobody comes any more. */
static void rf_backlog_close(struct rf_com *l)
{
	struct rf_com *c;

	do {
		spin_lock_irq(&l->lock);
		c = list_first_entry_or_null(&l->accept, struct rf_com, accept_node);
		if (c)
			list_del_init(&c->accept_node);
		spin_unlock_irq(&l->lock);
		if (c) {
			rf_com_shut(c, true);
			rf_com_put(c);
		}
	} while (c);
}

/* It listens no more. The state is CLOSED. */
void rf_listener_close(struct rf_com *l)
{
	/* who registers it anew has ended, or sees the state: the last word is ours */
	mutex_lock(&l->write_lock);
	rf_name_unregister(l);
	mutex_unlock(&l->write_lock);
	rf_backlog_close(l);
}

/* Register it, or let it be no listener. Return: 0, or rf_name_register()'s. */
static int rf_listen_register(struct rf_com *l)
{
	int err;

	mutex_lock(&l->write_lock);
	WRITE_ONCE(l->state, RF_IS_LISTENING);
	err = rf_name_register(l);
	if (err) {
		spin_lock_irq(&l->lock);
		WRITE_ONCE(l->state, RF_IS_OPENING);	/* there is nothing to unregister */
		spin_unlock_irq(&l->lock);
	}
	mutex_unlock(&l->write_lock);
	/* the registry may have had the name for a moment, and led clients here */
	if (err)
		rf_backlog_close(l);
	return err;
}

static struct rf_com *rf_listen(const char *name, u32 buffer, u32 backlog)
{
	struct rf_com *l;
	size_t len = strlen(name);
	int err;

	if ((buffer && (buffer < RF_COM_BUFFER_MIN || buffer > RF_COM_BUFFER_MAX ||
			!PAGE_ALIGNED(buffer))) || backlog > RF_BACKLOG_MAX)
		return ERR_PTR(-EINVAL);
	l = rf_com_new();
	if (!l)
		return ERR_PTR(-ENOMEM);
	l->buffer = buffer ?: RF_COM_BUFFER_DEFAULT;
	l->backlog = backlog ?: RF_BACKLOG;
	/* "x@": of this kernel */
	if (snprintf(l->name, sizeof(l->name), "%s%s", name, name[len - 1] == '@' ?
		     rf_com_self_name() : "") >= sizeof(l->name)) {
		err = -ENAMETOOLONG;
		goto err_shut;
	}
	err = rf_listen_register(l);
	if (!err)
		return l;
err_shut:
	rf_com_shut(l, false);
	rf_com_put(l);
	return ERR_PTR(err);
}

/* ---- the client's side ---- */

/* The answer. Context: any. */
void rf_opened_got(struct rf_ficm_channel *ch, const struct rf_com_open *o)
{
	const struct rf_com_word away = { .to = o->from, .error = -ECONNRESET };
	struct rf_com *c = rf_com_of(ch, o->to);
	bool taken = false;
	unsigned long flags;

	if (c) {
		spin_lock_irqsave(&c->lock, flags);
		if (c->state == RF_IS_OPENING && !c->server && !c->error) {
			taken = true;
			if (o->error || !o->from || (o->rights & ~RF_MAY_ALL) || !o->rights ||
			    o->buffer < RF_COM_BUFFER_MIN || o->buffer > RF_COM_BUFFER_MAX) {
				c->error = o->error < 0 && o->error >= -MAX_ERRNO ?
					   o->error : -EPROTO;
			} else {
				c->to = o->from;
				c->rights = o->rights;
				c->buffer = o->buffer;
				WRITE_ONCE(c->state, RF_IS_OPEN);
			}
		}
		spin_unlock_irqrestore(&c->lock, flags);
		wake_up_all(&c->wait);
		rf_com_put(c);
	}
	/* who asked has given up: its other end is not to wait for it */
	if (!taken && !o->error && o->from)
		rf_wire_post(ch, RF_COM_CLOSE, &away, sizeof(away));
}

static bool rf_answered(struct rf_com *c)
{
	return READ_ONCE(c->state) != RF_IS_OPENING || READ_ONCE(c->error);
}

/* To a service that was found. Return: a channel, or ERR_PTR: -ESTALE: it was not there. */
static struct rf_com *rf_connect(const char *name, const struct rf_found *f)
{
	struct rf_com_open open = { .to = f->service };
	struct rf_com *c = rf_com_new();
	int err = -ESTALE;

	if (!c)
		return ERR_PTR(-ENOMEM);
	strscpy(c->name, name, sizeof(c->name));
	c->peer = f->owner;
	open.from = c->handle;
	if (f->owner != rf_com_self()) {
		c->ch = rf_ficm_find_peer(f->owner);
		if (!c->ch)
			goto err_shut;
	}
	err = rf_wire_send(c->ch, RF_COM_OPEN, &open, sizeof(open)) ?:
	      rf_com_wait(c, rf_answered, RF_ANSWER_MS);
	if (!err && READ_ONCE(c->state) == RF_IS_OPEN)
		return c;
	err = err ?: c->error;
	if (err == -ENOENT || err == -ECONNRESET)
		err = -ESTALE;
err_shut:
	rf_com_shut(c, true);
	rf_com_put(c);
	return ERR_PTR(err);
}

/* Find it and open it; what is cached may be stale */
static struct rf_com *rf_open_once(const char *name)
{
	struct rf_com *c = NULL;

	for (int i = 0; i < RF_TRIES; i++) {
		struct rf_found found;
		int err = rf_name_find(name, &found);

		if (err)
			return ERR_PTR(err);
		c = rf_connect(name, &found);
		if (c != ERR_PTR(-ESTALE))
			return c;
		rf_name_forget(rf_com_hash(name));
	}
	return ERR_PTR(-ENOENT);
}

struct rf_com *rf_com_open(const char *name, u32 flags, int timeout_ms, u32 buffer, u32 backlog)
{
	ktime_t end = ktime_add_ms(ktime_get(), max(timeout_ms, 0));
	struct rf_com *c;
	int err = rf_name_check(name);

	if (err)
		return ERR_PTR(err);
	if (flags & RF_LISTEN)
		return flags & RF_WAIT ? ERR_PTR(-EINVAL) : rf_listen(name, buffer, backlog);
	if (buffer || backlog || name[strlen(name) - 1] == '@')
		return ERR_PTR(-EINVAL);
	for (;;) {
		u64 changes = rf_name_changes();	/* before we look */

		/* a service registers, and then grants: neither may be done yet */
		c = rf_open_once(name);
		if ((c != ERR_PTR(-ENOENT) && c != ERR_PTR(-EACCES)) || !(flags & RF_WAIT))
			return c;
		err = rf_name_wait(changes, end, timeout_ms < 0);
		if (err)
			return err == -ETIMEDOUT && c == ERR_PTR(-EACCES) ? c : ERR_PTR(err);
	}
}

/**
 * rf_open - open a channel to a service, or register one
 * @name: of the service: letters, digits and ".-_:/", up to RF_COM_NAME_LEN with
 *	the NUL. "x@NAME" can be registered by the kernel of that name alone; "x@",
 *	to register, is that of this kernel
 * @flags: RF_LISTEN: register; RF_WAIT: wait until somebody has, and granted it
 * @timeout_ms: with RF_WAIT: at most; RF_FOREVER
 *
 * Nobody in another kernel can open what rf_grant() has not granted him.
 *
 * Context: process, may sleep: up to some seconds also without RF_WAIT.
 * Return: a channel or listener, for rf_close(); ERR_PTR: -EINVAL (name, flags);
 * -EEXIST (the name is taken); -ENOENT (no such service); -EACCES (no grant; or
 * another kernel's name); -ECONNREFUSED (too many wait to be accepted); -ENOTCONN (no
 * supervisor, or one that does not know us yet); -EBUSY (64 requests of this kernel wait
 * there already); -EDQUOT (it has registered 1024 names); -EHOSTDOWN (the service's has
 * stopped just now); -ETIMEDOUT, -ERESTARTSYS, -ENOMEM, -ENAMETOOLONG.
 */
struct rf_com *rf_open(const char *name, unsigned int flags, int timeout_ms)
{
	if (flags & ~(RF_LISTEN | RF_WAIT))
		return ERR_PTR(-EINVAL);
	return rf_com_open(name, flags, timeout_ms, 0, 0);
}
EXPORT_SYMBOL_NS_GPL(rf_open, RAINFOREST);

/**
 * rf_close - close a channel or a listener
 * @c: it; nobody uses it any more. Or NULL
 *
 * What was written, and not read, can still be read. When something that came was
 * not read the other end gets -ECONNRESET, as when its other end dies.
 *
 * Context: process, may sleep.
 */
void rf_close(struct rf_com *c)
{
	if (!c)
		return;
	rf_com_shut(c, false);
	rf_com_put(c);
}
EXPORT_SYMBOL_NS_GPL(rf_close, RAINFOREST);
