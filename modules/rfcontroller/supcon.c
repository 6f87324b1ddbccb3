// SPDX-License-Identifier: GPL-2.0
/*
 * supcon: asking a running subOS, and its answers. The protocol is in
 * rf/abi/con.h. An answer may come after its time; what it was about stays as
 * it was then, and rf_resize_late() puts it in order.
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/memory.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include <rf/ficm.h>

#include "resize.h"
#include "rfcontroller.h"

#define RF_CON_AGAIN_MS	1000	/* a request without an answer is sent again */
#define RF_CON_GRACE_MS	1000	/* for the answer of one that gave up in time */
#define RF_CON_HELLO_MS	2000	/* PID 1 may be ready before suboscon said hello */

static const char * const rf_op_names[] = {
	[RF_CON_PING] = "ping",
	[RF_CON_CPU_ADD] = "CPU add",
	[RF_CON_CPU_REMOVE] = "CPU remove",
	[RF_CON_MEM_ADD] = "memory add",
	[RF_CON_MEM_REMOVE] = "memory remove",
};

/* Return: 0, -ENOTCONN, -EAGAIN: no channel, or no room even for what waits */
static int rf_con_send(struct rf_subos *s, u16 type, const void *data)
{
	struct rf_ficm_channel *ch = rf_channel_get(s);
	int err;

	if (!ch)
		return -ENOTCONN;
	err = rf_ficm_post(ch, RF_CON_PORT, type, data, sizeof(struct rf_con_request));
	rf_ficm_put(ch);
	return err;
}

/* ---- what comes ---- */

/* Refuse what makes no sense, and count it */
static void rf_con_odd(struct rf_subos *s, const char *what)
{
	s->con.odd++;
	pr_warn_ratelimited("%s: control message refused: %s (%llu so far)\n", s->name, what,
			    s->con.odd);
}

/* What nobody waits for was answered: see to it */
static void rf_con_settle(struct rf_subos *s)
{
	kref_get(&s->ref);
	if (!queue_work(rf_resize_wq, &s->con.late))
		rf_subos_put(s);
}

static void rf_got_hello(struct rf_subos *s, const struct rf_con_hello *hello)
{
	struct rf_con_hello ours = {
		.min = RF_CON_VERSION_MIN,
		.max = RF_CON_VERSION_MAX,
		.version = min_t(u16, hello->max, RF_CON_VERSION_MAX),
		.page_size = PAGE_SIZE,
		.block_size = memory_block_size_bytes(),
	};
	struct rf_con *con = &s->con;
	bool late = false;

	spin_lock(&con->lock);
	if (hello->min > hello->max || !hello->max)
		rf_con_odd(s, "a hello of impossible versions");
	if (ours.version < RF_CON_VERSION_MIN || ours.version < hello->min) {
		ours.version = 0;
		scnprintf(con->why_not, sizeof(con->why_not),
			  "it speaks versions %u to %u of the control protocol, the supervisor %u to %u",
			  hello->min, hello->max, ours.min, ours.max);
		strscpy(ours.text, "no common version", sizeof(ours.text));
	}
	con->version = ours.version;
	con->features = hello->features;
	con->block_size = hello->block_size;
	/* it is a new one that knows nothing of what the old one was asked */
	for (unsigned int i = 0; i < RF_CON_CALLS; i++) {
		struct rf_call *c = &con->call[i];

		if (c->id && !c->answered && c->since_ns) {
			c->status = RF_CON_FAILED;
			strscpy(c->text, "its control driver was loaded anew", sizeof(c->text));
			c->answered = true;
			late |= !c->waited;
		}
	}
	spin_unlock(&con->lock);
	rf_con_send(s, RF_CON_HELLO, &ours);
	wake_up_all(&s->wait);
	if (late)
		rf_con_settle(s);
}

static struct rf_call *rf_call_of(struct rf_con *con, u32 id)
{
	lockdep_assert_held(&con->lock);
	for (unsigned int i = 0; id && i < RF_CON_CALLS; i++)
		if (con->call[i].id == id && !con->call[i].answered)
			return &con->call[i];
	return NULL;
}

static void rf_got_text(struct rf_subos *s, const struct rf_con_text *t)
{
	struct rf_call *c;

	spin_lock(&s->con.lock);
	c = rf_call_of(&s->con, t->id);
	if (!c) {
		/* of an answer that is repeated, or that nobody wants any more */
	} else if (t->part >= RF_CON_TEXTS || t->part > c->texts || t->len > RF_CON_TEXT_LEN) {
		rf_con_odd(s, "a text out of order or too long");
	} else {
		char *to = c->text + t->part * RF_CON_TEXT_LEN;

		for (unsigned int i = 0; i < t->len; i++)
			to[i] = t->text[i] >= ' ' && t->text[i] <= '~' ? t->text[i] : '?';
		to[t->len] = 0;
		c->texts = t->part + 1;
	}
	spin_unlock(&s->con.lock);
}

static void rf_got_answer(struct rf_subos *s, const struct rf_con_answer *a)
{
	bool late = false;
	struct rf_call *c;

	spin_lock(&s->con.lock);
	c = rf_call_of(&s->con, a->id);
	if (!c) {
		/* a repeated one, or forgotten */
	} else if (a->op != c->op || a->texts > RF_CON_TEXTS || a->status > RF_CON_LATE) {
		rf_con_odd(s, "an answer that doesn't fit its request");
	} else {
		c->status = a->status;
		memcpy(c->value, a->value, sizeof(c->value));
		if (a->texts < c->texts || a->status == RF_CON_OK)
			c->text[0] = 0;
		c->answered = true;
		late = !c->waited;
	}
	spin_unlock(&s->con.lock);
	if (!c)
		return;
	wake_up_all(&s->wait);
	if (late)
		rf_con_settle(s);
}

static void rf_con_got(struct rf_subos *s, u16 type, const void *data, u8 len)
{
	const char *odd = NULL;

	if (len != sizeof(struct rf_con_answer))
		odd = "it has not 56 bytes";
	else if (type == RF_CON_HELLO)
		rf_got_hello(s, data);
	else if (type == RF_CON_TEXT)
		rf_got_text(s, data);
	else if (type == RF_CON_ANSWER)
		rf_got_answer(s, data);
	else
		odd = "of an unknown type";
	if (!odd)
		return;
	spin_lock(&s->con.lock);
	rf_con_odd(s, odd);
	spin_unlock(&s->con.lock);
}

/* In FICM's read thread. Who it is says the channel, not the message. */
static void rf_con_receive(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg, void *ctx)
{
	struct rf_subos *s = rf_subos_find(rf_ficm_name(ch));

	if (!s)
		return;
	if (s->id == rf_ficm_peer(ch)) {
		u64 odd = READ_ONCE(s->con.odd);

		rf_con_got(s, msg->type, msg->data, msg->len);
		if (READ_ONCE(s->con.odd) != odd)
			rf_ficm_refuse(ch);
	}
	rf_subos_put(s);
}

static const struct rf_ficm_service rf_con_service = {
	.receive	= rf_con_receive,
};

int rf_con_init(void)
{
	return rf_ficm_register(RF_CON_PORT, &rf_con_service);
}

void rf_con_exit(void)
{
	rf_ficm_unregister(RF_CON_PORT);
}

static void rf_con_late_work(struct work_struct *work)
{
	struct rf_subos *s = container_of(work, struct rf_subos, con.late);

	rf_resize_late(s);
	rf_subos_put(s);
}

void rf_con_setup(struct rf_subos *s)
{
	spin_lock_init(&s->con.lock);
	INIT_WORK(&s->con.late, rf_con_late_work);
	s->con.next_id = 1;
}

/**
 * rf_con_reset - forget whom we spoke with: it starts, or has stopped
 *
 * What was asked and not answered is moot. Ids go on, so that nothing of an
 * earlier life is taken for an answer. Context: s->lock held.
 */
void rf_con_reset(struct rf_subos *s)
{
	struct rf_con *con = &s->con;

	lockdep_assert_held(&s->lock);
	spin_lock(&con->lock);
	con->version = 0;
	con->features = 0;
	con->block_size = 0;
	con->why_not[0] = 0;
	memset(con->call, 0, sizeof(con->call));
	spin_unlock(&con->lock);
}

/* ---- asking ---- */

static bool rf_con_told(struct rf_subos *s)
{
	return READ_ONCE(s->con.version) || READ_ONCE(s->con.why_not[0]);
}

/**
 * rf_con_ready - can a subOS be asked?
 * @features: RF_CON_HAS_* that are needed
 *
 * Waits a moment for its hello when it has just booted.
 *
 * Return: 0; -EHOSTDOWN (not running), -EOPNOTSUPP (no common version, or it
 * can't do that), -ETIMEDOUT (no hello), -EINTR; extack set.
 */
int rf_con_ready(struct rf_subos *s, u32 features, struct netlink_ext_ack *extack)
{
	long left;

	if (s->state == RAINFOREST_STATE_FROZEN) {
		rf_msg(extack, "%s is frozen: thaw it first", s->name);
		return -EBUSY;
	}
	if (s->state != RAINFOREST_STATE_RUNNING) {
		rf_msg(extack, "%s is not running (%s): only a running subOS is resized",
		       s->name, rf_state_names[s->state]);
		return s->state == RAINFOREST_STATE_UNRESPONSIVE ||
		       s->state == RAINFOREST_STATE_PANICKED ? -EHOSTDOWN : -EOPNOTSUPP;
	}
	left = wait_event_killable_timeout(s->wait, rf_con_told(s) || !rf_state_alive(s->state),
					   msecs_to_jiffies(RF_CON_HELLO_MS));
	if (left < 0)
		return -EINTR;
	if (!rf_con_told(s)) {
		rf_msg(extack, "%s has not connected to the supervisor's control: is suboscon loaded in it?",
		       s->name);
		return rf_state_alive(s->state) ? -ETIMEDOUT : -EHOSTDOWN;
	}
	if (!s->con.version) {
		rf_msg(extack, "%s can't be asked: %s", s->name, s->con.why_not);
		return -EOPNOTSUPP;
	}
	if ((s->con.features & features) != features) {
		rf_msg(extack, "%s's kernel can't add or remove %s while it runs", s->name,
		       features & ~s->con.features & RF_CON_HAS_CPU ? "CPUs" : "memory");
		return -EOPNOTSUPP;
	}
	return 0;
}

int rf_con_errno(u8 status)
{
	static const int errnos[] = {
		[RF_CON_OK] = 0,
		[RF_CON_UNKNOWN] = -EOPNOTSUPP,
		[RF_CON_BAD] = -EINVAL,
		[RF_CON_BUSY] = -EBUSY,
		[RF_CON_REFUSED] = -EOPNOTSUPP,
		[RF_CON_NOMEM] = -ENOMEM,
		[RF_CON_FAILED] = -EBUSY,
		[RF_CON_LATE] = -EBUSY,
	};

	return status < ARRAY_SIZE(errnos) ? errnos[status] : -EPROTO;
}

/* The same request without an answer, or a free place with a new id */
static struct rf_call *rf_call_get(struct rf_con *con, const struct rf_ask *ask)
{
	struct rf_call *free = NULL;

	lockdep_assert_held(&con->lock);
	for (unsigned int i = 0; i < RF_CON_CALLS; i++) {
		struct rf_call *c = &con->call[i];

		if (!c->id)
			free = free ?: c;
		else if (!c->waited && c->op == ask->op &&
			 !memcmp(c->arg, ask->arg, sizeof(c->arg)))
			return c;
	}
	if (!free)
		return NULL;
	*free = (struct rf_call) {
		.id = con->next_id, .op = ask->op, .flags = ask->flags,
		.since_ns = ktime_get_ns(),
	};
	memcpy(free->arg, ask->arg, sizeof(free->arg));
	con->next_id = con->next_id + 1 ?: 1;
	return free;
}

static int rf_call_send(struct rf_subos *s, const struct rf_call *c, unsigned int timeout_ms)
{
	struct rf_con_request req = {
		.id = c->id, .op = c->op, .flags = c->flags, .timeout_ms = timeout_ms,
	};

	memcpy(req.arg, c->arg, sizeof(req.arg));
	return rf_con_send(s, RF_CON_REQUEST, &req);
}

/**
 * rf_con_ask - ask a running subOS for something, and wait for the answer
 * @s: the subOS; rf_con_ready() said that it can be asked
 * @ask: what, and how long to wait; status, value and text are filled in
 *
 * A request without an answer stays in the books: asking the same again goes on
 * waiting for it, and when its answer comes with nobody waiting rf_resize_late()
 * gets it.
 *
 * Context: process; s->lock held.
 * Return: 0 when it was answered (look at @ask->status); -EINPROGRESS when it
 * was not within the time, -ECANCELED when somebody wants to stop or destroy it:
 * in these two the answer may still come;
 * -EHOSTDOWN when it has stopped, -ENOBUFS with too many requests open.
 */
int rf_con_ask(struct rf_subos *s, struct rf_ask *ask, struct netlink_ext_ack *extack)
{
	ktime_t end = ktime_add_ms(ktime_get(), ask->timeout_ms + RF_CON_GRACE_MS);
	struct rf_con *con = &s->con;
	struct rf_call *c;
	int err = 0;

	spin_lock(&con->lock);
	c = rf_call_get(con, ask);
	if (c)
		c->waited = true;
	spin_unlock(&con->lock);
	if (!c) {
		rf_msg(extack, "%s has %d requests without an answer", s->name, RF_CON_CALLS);
		return -ENOBUFS;
	}
	while (!READ_ONCE(c->answered) && !err) {
		s64 left = ktime_ms_delta(end, ktime_get());

		/* a full channel is as good as no answer */
		rf_call_send(s, c, max_t(s64, left - RF_CON_GRACE_MS, 1));
		/* not killable: it is bounded, and half of a change helps nobody */
		wait_event_timeout(s->wait, READ_ONCE(c->answered) ||
				   !rf_state_alive(s->state) || atomic_read(&s->unwanted),
				   msecs_to_jiffies(clamp_t(s64, left, 1, RF_CON_AGAIN_MS)));
		if (READ_ONCE(c->answered))
			break;
		if (!rf_state_alive(s->state))
			err = -EHOSTDOWN;
		else if (atomic_read(&s->unwanted))
			err = -ECANCELED;
		else if (ktime_after(ktime_get(), end))
			err = -EINPROGRESS;
	}

	spin_lock(&con->lock);
	c->waited = false;
	if (c->answered) {
		err = 0;
		ask->status = c->status;
		memcpy(ask->value, c->value, sizeof(ask->value));
		memcpy(ask->text, c->text, sizeof(ask->text));
	}
	if (c->answered || err == -EHOSTDOWN)
		c->id = 0;
	spin_unlock(&con->lock);

	if (err == -EHOSTDOWN)
		rf_msg(extack, "%s is not running any more (%s)", s->name,
		       rf_state_names[s->state]);
	else if (err == -EINPROGRESS)
		rf_msg(extack, "%s does not answer: %s %#llx stays open", s->name,
		       rf_op_names[ask->op], ask->arg[0]);
	else if (err == -ECANCELED)
		rf_msg(extack, "%s is being stopped", s->name);
	return err;
}

/* Forget requests about what is settled in another way */
void rf_con_drop(struct rf_subos *s, u16 op, u64 arg)
{
	spin_lock(&s->con.lock);
	for (unsigned int i = 0; i < RF_CON_CALLS; i++)
		if (s->con.call[i].op == op && s->con.call[i].arg[0] == arg)
			s->con.call[i].id = 0;
	spin_unlock(&s->con.lock);
}

/* Take out a request whose answer came when nobody waited. Return: false: none. */
bool rf_con_late(struct rf_subos *s, struct rf_call *call)
{
	bool found = false;

	spin_lock(&s->con.lock);
	for (unsigned int i = 0; i < RF_CON_CALLS && !found; i++) {
		struct rf_call *c = &s->con.call[i];

		if (!c->id || !c->answered || c->waited)
			continue;
		*call = *c;
		c->id = 0;
		found = true;
	}
	spin_unlock(&s->con.lock);
	return found;
}

/* Copies of the requests that wait for an answer. Return: how many. */
unsigned int rf_con_outstanding(struct rf_subos *s, struct rf_call *calls, unsigned int max)
{
	unsigned int n = 0;

	if (!rf_state_alive(s->state))
		return 0;	/* nobody will answer */
	spin_lock(&s->con.lock);
	for (unsigned int i = 0; i < RF_CON_CALLS && n < max; i++)
		if (s->con.call[i].id && !s->con.call[i].answered)
			calls[n++] = s->con.call[i];
	spin_unlock(&s->con.lock);
	return n;
}

/* Words for a request that waits; s->drain held. Return: false: not worth telling. */
bool rf_con_describe(struct rf_subos *s, const struct rf_call *call, char *line, size_t len)
{
	u64 ms = div_u64(ktime_get_ns() - call->since_ns, NSEC_PER_MSEC);
	bool add = call->op == RF_CON_CPU_ADD || call->op == RF_CON_MEM_ADD;

	switch (call->op) {
	case RF_CON_CPU_ADD:
	case RF_CON_CPU_REMOVE:
		line[0] = 0;
		for (unsigned int i = 0; i < s->res.nr_cpus; i++)
			if (s->res.cpus[i].slot == call->arg[0])
				scnprintf(line, len, "CPU %u was to %s, no answer since %llu ms",
					  s->res.cpus[i].cpu, add ? "enter" : "leave", ms);
		return line[0];
	case RF_CON_MEM_ADD:
	case RF_CON_MEM_REMOVE:
		scnprintf(line, len, "memory at %#llx was to %s, no answer since %llu ms",
			  call->arg[0], add ? "enter" : "leave", ms);
		return true;
	}
	return false;
}
