// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that both ends have: the buffer for messages, and what rf_map() maps.
 * Made when it is first wanted. Between two kernels it is a region of the
 * supervisor's (rf/region.h), which the service's end asks it for; within one
 * kernel it is plain pages.
 *
 * A region's tags say whose it is: [0] the service's end's handle, and that of
 * the client's; [1] what for, and the id of the service's kernel.
 */
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "internal.h"

/* ---- plain pages ---- */

static void rf_plain_free(struct kref *ref)
{
	struct rf_plain *p = container_of(ref, struct rf_plain, ref);

	vfree(p->addr);
	kfree(p);
}

static struct rf_plain *rf_plain_new(u64 size)
{
	struct rf_plain *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return NULL;
	kref_init(&p->ref);
	p->size = size;
	p->addr = vmalloc_user(size);
	if (p->addr)
		return p;
	kfree(p);
	return NULL;
}

/* Return: false when it has one already, or is closed */
static bool rf_plain_give(struct rf_com *c, unsigned int kind, struct rf_plain *p)
{
	struct rf_share *s = &c->share[kind];
	bool given = false;

	spin_lock_irq(&c->lock);
	if (c->state == RF_IS_OPEN && !s->size) {
		kref_get(&p->ref);
		s->plain = p;
		s->ready = true;
		WRITE_ONCE(s->size, p->size);
		given = true;
	}
	spin_unlock_irq(&c->lock);
	wake_up_all(&c->wait);
	return given;
}

static int rf_plain_make(struct rf_com *c, unsigned int kind, u64 size)
{
	struct rf_com *other = rf_com_of(NULL, c->to);
	struct rf_plain *p;
	int err = 0;

	if (!other)
		return -ECONNRESET;
	p = rf_plain_new(size);
	if (p) {
		if (rf_plain_give(other, kind, p))
			rf_plain_give(c, kind, p);
		kref_put(&p->ref, rf_plain_free);
	} else {
		err = -ENOMEM;
	}
	rf_com_put(other);
	return err;
}

/* ---- asking ---- */

/* The service's end asks the supervisor */
static int rf_share_region(struct rf_com *c, unsigned int kind, u64 size)
{
	const struct rf_com_region want = {
		.to = c->handle, .kind = kind, .peer = c->peer, .client = c->to,
		.size = size, .rights = c->rights,
	};

#ifdef CONFIG_RAINFOREST_SUBOS
	return rf_wire_send(rf_ficm_supervisor(), RF_COM_REGION, &want, sizeof(want));
#else
	return rf_broker_region(0, &want);
#endif
}

static int rf_share_ask(struct rf_com *c, unsigned int kind, u64 size)
{
	const struct rf_com_share ask = { .to = c->to, .kind = kind, .size = size };

	if (!c->ch)
		return rf_plain_make(c, kind, size);
	if (c->server)
		return rf_share_region(c, kind, size);
	return rf_wire_send(c->ch, RF_COM_SHARE, &ask, sizeof(ask));
}

static bool rf_share_usable(const struct rf_share *s)
{
	return READ_ONCE(s->ready) && READ_ONCE(s->size) && !READ_ONCE(s->gone);
}

/* Is it asked for, and not decided? */
bool rf_share_pending(const struct rf_share *s)
{
	return READ_ONCE(s->asked) && !READ_ONCE(s->gone) && !rf_share_usable(s);
}

/* Has the answer come? Each kind has its own, as there is no argument. */
static bool rf_share_told(struct rf_com *c, unsigned int kind)
{
	const struct rf_share *s = &c->share[kind];

	return rf_share_usable(s) || !READ_ONCE(s->asked) || READ_ONCE(s->gone) ||
	       rf_com_check(c);
}

static bool rf_buffer_told(struct rf_com *c)
{
	return rf_share_told(c, RF_COM_BUFFER);
}

static bool rf_map_told(struct rf_com *c)
{
	return rf_share_told(c, RF_COM_MAP);
}

/* Mark that it is asked for. Return: is it us who is to ask? */
static bool rf_share_mark(struct rf_com *c, unsigned int kind)
{
	struct rf_share *s = &c->share[kind];
	bool ask;

	spin_lock_irq(&c->lock);
	ask = !s->asked;
	s->asked = true;
	if (ask)
		s->error = 0;
	spin_unlock_irq(&c->lock);
	return ask;
}

static void rf_share_fail(struct rf_com *c, unsigned int kind, int error)
{
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	WRITE_ONCE(c->share[kind].error, error);
	WRITE_ONCE(c->share[kind].unheard, true);
	WRITE_ONCE(c->share[kind].asked, false);
	spin_unlock_irqrestore(&c->lock, flags);
	wake_up_all(&c->wait);
}

/**
 * rf_share_get - see to it that both ends have it
 * @c: the channel
 * @kind: RF_COM_BUFFER or RF_COM_MAP
 * @size: bytes, if it is to be made
 * @timeout_ms: 0: ask, and don't wait: the next call says why not; else RF_ANSWER_MS at most
 *
 * Context: process.
 * Return: 0; -EAGAIN; -ETIMEDOUT; -ERESTARTSYS; why it can't be had; what
 * rf_com_check() says of the channel; -ECONNRESET: the other end has left it.
 */
int rf_share_get(struct rf_com *c, unsigned int kind, u64 size, int timeout_ms)
{
	struct rf_share *s = &c->share[kind];
	int err = 0;

	if (READ_ONCE(s->gone))
		return -ECONNRESET;
	if (rf_share_usable(s))
		return 0;
	/* why it failed while nobody waited */
	if (!timeout_ms && !READ_ONCE(s->asked) && xchg(&s->unheard, false))
		return READ_ONCE(s->error) ?: -EAGAIN;
	if (rf_share_mark(c, kind))
		err = rf_share_ask(c, kind, size);
	err = err ?: rf_com_wait(c, kind == RF_COM_MAP ? rf_map_told : rf_buffer_told,
				 timeout_ms ? RF_ANSWER_MS : 0);
	if (rf_share_usable(s))
		return 0;
	if (err && err != -EAGAIN && err != -ERESTARTSYS)
		rf_share_fail(c, kind, err);	/* the next one asks again */
	if (err != -EAGAIN)
		WRITE_ONCE(s->unheard, false);
	return err ?: rf_com_check(c) ?: READ_ONCE(s->error) ?: -ECONNRESET;
}

/* ---- what the other end says ---- */

/* The client's end wants one. Context: FICM's read thread. */
void rf_share_wanted(struct rf_com *c, const struct rf_com_share *w)
{
	u32 need = w->kind == RF_COM_MAP ? RF_MAY_MAP : RF_MAY_READ | RF_MAY_WRITE;
	u64 size = w->kind == RF_COM_MAP ? w->size : 4ULL * c->buffer;
	int err = 0;

	if (!c->server || w->kind >= RF_COM_SHARES || !size || size > RF_REGION_MAX)
		err = -EINVAL;
	else if (!(c->rights & need))
		err = -EACCES;
	else if (READ_ONCE(c->share[w->kind].gone))
		err = -ECONNRESET;
	else if (rf_share_mark(c, w->kind))
		err = rf_share_region(c, w->kind, size);
	if (!err || w->kind >= RF_COM_SHARES)
		return;
	rf_share_fail(c, w->kind, err);
	rf_wire_due(c, RF_DUE_FAILED + w->kind);
}

/* The other end has it. Context: any. */
void rf_share_ready(struct rf_com *c, const struct rf_com_share *s)
{
	if (s->kind >= RF_COM_SHARES)
		return;
	WRITE_ONCE(c->share[s->kind].ready, true);
	wake_up_all(&c->wait);
}

/* It can't be had: says the supervisor, or the service's end. Context: any. */
void rf_share_failed(struct rf_com *c, const struct rf_com_share *s)
{
	int error = s->error < 0 && s->error >= -MAX_ERRNO ? s->error : -EIO;

	if (s->kind >= RF_COM_SHARES)
		return;
	rf_share_fail(c, s->kind, error);
	if (c->server)
		rf_wire_due(c, RF_DUE_FAILED + s->kind);
}

/* ---- regions ---- */

/* Whose it is, with a reference; or NULL */
static struct rf_com *rf_region_com(const struct rf_region *r)
{
	u32 server = upper_32_bits(r->tag[0]), client = lower_32_bits(r->tag[0]);
	bool ours = lower_32_bits(r->tag[1]) == rf_com_self();
	struct rf_com *c = rf_com_find(ours ? server : client);

	if (c && c->ch && c->server == ours && c->peer == r->peer &&
	    c->to == (ours ? client : server) && upper_32_bits(r->tag[1]) < RF_COM_SHARES)
		return c;
	if (c)
		rf_com_put(c);
	return NULL;
}

static int rf_share_given(struct rf_region *r, void *ctx)
{
	unsigned int kind = upper_32_bits(r->tag[1]);
	struct rf_com *c = rf_region_com(r);
	struct rf_share *s;
	int err = -ENOENT;
	bool gone;

	if (!c)
		return err;
	s = &c->share[kind];
	spin_lock_irq(&c->lock);
	if (c->state == RF_IS_OPEN && !s->size &&
	    (kind == RF_COM_MAP || (r->addr && r->size == 4ULL * c->buffer))) {
		s->region = r;
		s->asked = true;
		WRITE_ONCE(s->size, r->size);
		err = 0;
	}
	gone = s->gone;
	spin_unlock_irq(&c->lock);
	if (!err)
		rf_wire_due(c, RF_DUE_READY + kind);
	else if (gone)
		rf_wire_due(c, RF_DUE_FAILED + kind);	/* asked for again, in vain */
	wake_up_all(&c->wait);
	rf_com_put(c);
	return err;
}

/*
 * The other end has left, or could not map it, and waits for who tells it so. Messages
 * in the buffer can still be read: it goes when we close. What programs have mapped
 * goes now.
 */
static void rf_share_taken(struct rf_region *r, void *ctx)
{
	unsigned int kind = upper_32_bits(r->tag[1]);
	struct rf_com *c = rf_region_com(r);
	struct rf_share *s;
	bool ours, waits;

	if (!c)
		return;		/* it is closing, and lets go by itself */
	s = &c->share[kind];
	spin_lock_irq(&c->lock);
	ours = s->region == r;
	waits = ours && !s->ready;
	if (ours)
		WRITE_ONCE(s->gone, true);
	if (waits)
		WRITE_ONCE(s->error, -ENOMEM);
	spin_unlock_irq(&c->lock);
	if (waits)
		rf_wire_due(c, RF_DUE_FAILED + kind);
	if (ours && kind == RF_COM_MAP)
		rf_map_revoke(c);
	wake_up_all(&c->wait);
	rf_com_put(c);
}

static const struct rf_region_service rf_share_service = {
	.given	= rf_share_given,
	.taken	= rf_share_taken,
};

/* Where it is in this kernel; NULL when it is for programs only */
void *rf_share_addr(const struct rf_share *s)
{
	return s->plain ? s->plain->addr : s->region ? s->region->addr : NULL;
}

/* Let go of one, that nobody here uses. The other end's programs lose what they map. */
void rf_share_leave(struct rf_com *c, unsigned int kind)
{
	struct rf_share *s = &c->share[kind];
	struct rf_com *other = NULL;
	struct rf_region *r;
	struct rf_plain *p;

	spin_lock_irq(&c->lock);
	r = s->region;
	p = s->plain;
	s->region = NULL;
	s->plain = NULL;
	s->gone = true;
	spin_unlock_irq(&c->lock);
	if (r)
		rf_region_release(r);
	if (!p)
		return;
	other = rf_com_of(NULL, c->to);
	if (other) {
		WRITE_ONCE(other->share[kind].gone, true);
		if (kind == RF_COM_MAP)
			rf_map_revoke(other);
		rf_com_put(other);
	}
	kref_put(&p->ref, rf_plain_free);
}

/* Our end is closed: let go of all */
void rf_share_drop(struct rf_com *c)
{
	for (unsigned int kind = 0; kind < RF_COM_SHARES; kind++)
		rf_share_leave(c, kind);
}

int rf_share_init(void)
{
	return rf_region_register(RF_PORT_COM, &rf_share_service);
}

void rf_share_exit(void)
{
	rf_region_unregister(RF_PORT_COM);
}
