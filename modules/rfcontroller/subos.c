// SPDX-License-Identifier: GPL-2.0
/* SubOSes: the list, their states, and what they say of themselves */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/file.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include <rf/abi/alive.h>
#include <rf/ficm.h>
#include <rf/life.h>

#include "rfcontroller.h"
#include "trace.h"

/* The locks: see rfcontroller.h */
LIST_HEAD(rf_subos_list);
DEFINE_MUTEX(rf_list_lock);	/* the lists */
static u32 rf_next_id = 1;

#define RF_STALE_MS	2500	/* without a heartbeat: unresponsive */
#define RF_BOOT_MS	120000	/* from the start to PID 1 */

/* 3 s are promised: the last beat is seen a look late, and its absence another one */
static_assert(RF_STALE_MS + 2 * RF_ALIVE_MS <= 3000);

void rf_warn(struct rf_report *report, const char *fmt, ...)
{
	va_list args;

	if (!report || report->nr_warnings == RF_MAX_WARNINGS)
		return;
	va_start(args, fmt);
	vscnprintf(report->warning[report->nr_warnings++], sizeof(report->warning[0]), fmt, args);
	va_end(args);
}

/*
 * Say why a request is refused. extack has room for 79 characters, which is too
 * few to name what is wrong and what would be right; so the text stands here,
 * until 64 more requests were refused: long after it was sent.
 */
void rf_msg(struct netlink_ext_ack *extack, const char *fmt, ...)
{
	static char texts[64][256];
	static atomic_t next;
	char *text;
	va_list args;

	if (!extack)
		return;
	text = texts[(unsigned int)atomic_inc_return(&next) % ARRAY_SIZE(texts)];
	va_start(args, fmt);
	vscnprintf(text, sizeof(texts[0]), fmt, args);
	va_end(args);
	extack->_msg = text;
}

/* ---- finding, holding ---- */

void rf_subos_drop_files(struct rf_subos *s)
{
	while (s->nr_initrds)
		fput(s->initrd[--s->nr_initrds]);
	if (s->kernel)
		fput(s->kernel);
	s->kernel = NULL;
}

static void rf_subos_free(struct kref *ref)
{
	struct rf_subos *s = container_of(ref, struct rf_subos, ref);

	rf_subos_drop_files(s);
	kfree(s->cmdline);
	rf_console_free(s);
	rf_account_free(s);
	rf_subos_free_resources(&s->res);
	kfree(s);
}

void rf_subos_put(struct rf_subos *s)
{
	kref_put(&s->ref, rf_subos_free);
}

/* Take a reference to the subOS of that name, or NULL */
struct rf_subos *rf_subos_find(const char *name)
{
	struct rf_subos *s;

	guard(mutex)(&rf_list_lock);
	list_for_each_entry(s, &rf_subos_list, node) {
		if (!strcmp(s->name, name)) {
			kref_get(&s->ref);
			return s;
		}
	}
	return NULL;
}

/* Take a reference to the subOS of that id, or NULL */
struct rf_subos *rf_subos_of(u32 id)
{
	struct rf_subos *s;

	guard(mutex)(&rf_list_lock);
	list_for_each_entry(s, &rf_subos_list, node) {
		if (s->id == id) {
			kref_get(&s->ref);
			return s;
		}
	}
	return NULL;
}

void rf_subos_free_resources(struct rf_resources *res)
{
	kfree(res->cpus);
	kfree(res->blocks);
	res->cpus = NULL;
	res->blocks = NULL;
	res->nr_cpus = 0;
	res->nr_blocks = 0;
}

bool rf_anything_granted(void)
{
	bool any;

	mutex_lock(&rf_list_lock);
	any = !list_empty(&rf_subos_list) || !list_empty(&rf_quarantine_list);
	mutex_unlock(&rf_list_lock);
	return any;
}

/* ---- state ---- */

bool rf_state_alive(enum rainforest_state state)
{
	return state == RAINFOREST_STATE_BOOTING || state == RAINFOREST_STATE_RUNNING ||
	       state == RAINFOREST_STATE_STOPPING || state == RAINFOREST_STATE_UNRESPONSIVE ||
	       state == RAINFOREST_STATE_FROZEN;
}

const char * const rf_state_names[] = {
	"defined", "reserved", "loaded", "booting", "running", "stopping", "stopped",
	"panicked", "unresponsive", "failed", "frozen",
};

static const char * const rf_reason_names[] = {
	"none", "poweroff", "halt", "reboot", "panic", "emergency", "killed", "refused",
	"boot-timeout", "heartbeat",
};

/* Return: true when it was another state before; then everyone is told */
bool rf_subos_set_state(struct rf_subos *s, enum rainforest_state state,
			enum rainforest_reason reason)
{
	enum rainforest_state old;

	spin_lock(&s->state_lock);
	old = s->state;
	s->state = state;
	s->reason = reason;
	spin_unlock(&s->state_lock);
	if (old == state)
		return false;

	pr_info("%s: %s -> %s%s%s\n", s->name, rf_state_names[old], rf_state_names[state],
		s->message[0] ? ": " : "", s->message);
	rf_policy_seen(s, state, reason);
	rf_ledger_update();
	wake_up_all(&s->wait);
	if (rf_state_alive(old) && !rf_state_alive(state))
		rf_channels_kick();
	rf_netlink_notify(s, RAINFOREST_EVENT_STATE);
	return true;
}

void rf_subos_phase_ns(struct rf_subos *s, const char *name, u64 ns)
{
	if (s->nr_phases < ARRAY_SIZE(s->phases))
		s->phases[s->nr_phases++] = (struct rf_phase) { name, ns };
	trace_rf_phase(s, name, ns);
}

/* How long a phase took that began at t0 */
void rf_subos_phase(struct rf_subos *s, const char *name, u64 t0)
{
	rf_subos_phase_ns(s, name, ktime_get_ns() - t0);
}

/* It has ended without being asked, or on its own after that */
static void rf_subos_ended(struct rf_subos *s, enum rainforest_state state,
			   enum rainforest_reason reason)
{
	if (!rf_subos_set_state(s, state, reason))
		return;
	rf_tee_life(s);
	rf_account_record(s, RAINFOREST_OP_END, state == RAINFOREST_STATE_STOPPED ? "itself" :
			  "crash", rf_reason_names[reason], 0, 0);
}

/* What the subOS says of itself. Called for living ones only. */
void rf_subos_watch_state(struct rf_subos *s)
{
	u32 word = smp_load_acquire(&s->desc->state);
	enum rainforest_reason reason;

	if (READ_ONCE(s->desc->exited) && !s->exited) {
		s->exit_status = READ_ONCE(s->desc->exit_status) & 0xff;
		s->exited = true;
	}
	if (s->state == RAINFOREST_STATE_BOOTING && word < RF_BOOT_USER &&
	    time_after(jiffies, s->boot_jiffies + msecs_to_jiffies(RF_BOOT_MS)))
		rf_subos_set_state(s, RAINFOREST_STATE_UNRESPONSIVE,
				   RAINFOREST_REASON_BOOT_TIMEOUT);

	switch (word) {
	case RF_BOOT_USER:
		if (s->state == RAINFOREST_STATE_BOOTING ||
		    (s->state == RAINFOREST_STATE_UNRESPONSIVE &&
		     s->reason == RAINFOREST_REASON_BOOT_TIMEOUT))
			rf_subos_set_state(s, RAINFOREST_STATE_RUNNING, RAINFOREST_REASON_NONE);
		break;
	case RF_BOOT_STOPPED:
		reason = READ_ONCE(s->desc->reason);
		rf_console_drain(s);
		rf_subos_ended(s, RAINFOREST_STATE_STOPPED,
			       reason <= RAINFOREST_REASON_EMERGENCY ? reason :
			       RAINFOREST_REASON_NONE);
		break;
	case RF_BOOT_PANICKED:
	case RF_BOOT_REFUSED:
		memcpy(s->message, s->desc->message, sizeof(s->message) - 1);
		for (char *p = s->message; *p; p++)
			if (*p < ' ' || *p > '~')
				*p = *p == '\n' ? 0 : '?';
		rf_console_drain(s);
		rf_subos_ended(s, word == RF_BOOT_PANICKED ? RAINFOREST_STATE_PANICKED :
			       RAINFOREST_STATE_FAILED,
			       word == RF_BOOT_PANICKED ? RAINFOREST_REASON_PANIC :
			       RAINFOREST_REASON_REFUSED);
		break;
	}
}

/* Is a beat that had begun standing still since too long? */
static bool rf_beat_late(u64 *seen, unsigned long *at, u64 now)
{
	if (now != *seen || !now) {
		*seen = now;
		*at = jiffies;
		return false;
	}
	return time_after(jiffies, *at + msecs_to_jiffies(RF_STALE_MS));
}

/*
 * A CPU that started beating and then stopped to is hung: hard, when its timer
 * interrupt stands still; soft, when only its real-time thread does.
 */
static void rf_watch_beats(struct rf_subos *s)
{
	const struct rf_cpu *late = NULL;
	unsigned long since = 0;
	bool hard = false;

	for (unsigned int i = 0; i < s->res.nr_cpus; i++) {
		const struct rf_cpu *c = &s->res.cpus[i];
		struct rf_boot_cpu *slot = &s->desc->cpu[c->slot];
		struct rf_pulse *p = &s->pulse[c->slot];
		bool soft = rf_beat_late(&p->soft, &p->soft_at, READ_ONCE(slot->soft_beat));

		if (rf_beat_late(&p->hard, &p->hard_at, READ_ONCE(slot->beat))) {
			late = c;
			since = p->hard_at;
			hard = true;
			break;
		}
		if (soft && !late) {
			late = c;
			since = p->soft_at;
		}
	}
	if (late && (s->state == RAINFOREST_STATE_RUNNING ||
		     s->state == RAINFOREST_STATE_STOPPING)) {
		scnprintf(s->message, sizeof(s->message), hard ?
			  "CPU %u hangs hard: no timer interrupt for %u ms" :
			  "CPU %u hangs soft: interrupts come, but no real-time thread ran for %u ms",
			  late->cpu, jiffies_to_msecs(jiffies - since));
		rf_subos_set_state(s, RAINFOREST_STATE_UNRESPONSIVE, RAINFOREST_REASON_HEARTBEAT);
	} else if (!late && s->state == RAINFOREST_STATE_UNRESPONSIVE &&
		   s->reason == RAINFOREST_REASON_HEARTBEAT) {
		s->message[0] = 0;
		rf_subos_set_state(s, RAINFOREST_STATE_RUNNING, RAINFOREST_REASON_NONE);
	}
}

/* We are alive, and look at it: see rf/abi/alive.h */
static void rf_watch_alive(struct rf_subos *s)
{
	struct rf_alive *a = (void *)s->desc + RF_OFF_ALIVE;

	lockdep_assert_held(&s->drain);
	a->version_major = RF_ALIVE_VERSION_MAJOR;
	a->version_minor = RF_ALIVE_VERSION_MINOR;
	a->period_ms = RF_ALIVE_MS;
	WRITE_ONCE(a->magic, RF_ALIVE_MAGIC);
	WRITE_ONCE(a->beat, ++s->alive_beat);
}

/**
 * rf_subos_watch - take in what a subOS has written: bytes, state, heartbeats
 *
 * Context: process, from the watcher, s->drain not held.
 */
void rf_subos_watch(struct rf_subos *s)
{
	mutex_lock(&s->drain);
	if (s->desc && rf_state_alive(s->state)) {
		/* the communication core may have moved; it rings us then */
		WRITE_ONCE(s->desc->sup_apicid, rf_ficm_core_apicid());
		rf_watch_alive(s);
		rf_console_drain(s);
		rf_subos_watch_state(s);
		/* one that is held has no pulse, and is well */
		if (rf_state_alive(s->state) && s->state != RAINFOREST_STATE_FROZEN)
			rf_watch_beats(s);
	}
	mutex_unlock(&s->drain);
}

/* ---- coming and going ---- */

int rf_subos_name_check(const char *name, struct netlink_ext_ack *extack)
{
	const char *p = name;

	if (isalnum(*p))
		while (isalnum(*p) || *p == '-' || *p == '_' || *p == '.')
			p++;
	if (*p || p == name) {
		rf_msg(extack, "bad name: a letter or digit, then letters, digits, '-', '_' and '.', 63 at most");
		return -EINVAL;
	}
	/* rights are granted by name */
	if (!strcmp(name, RF_SUPERVISOR_NAME)) {
		rf_msg(extack, "bad name: %s is the supervisor's own", name);
		return -EINVAL;
	}
	return 0;
}

/* Where a grant begins: in the ledger from the first CPU on */
int rf_subos_insert(struct rf_subos *s, struct netlink_ext_ack *extack)
{
	struct rf_subos *other;

	mutex_lock(&rf_list_lock);
	list_for_each_entry(other, &rf_subos_list, node) {
		if (!strcmp(other->name, s->name)) {
			mutex_unlock(&rf_list_lock);
			rf_msg(extack, "%s exists already", s->name);
			return -EEXIST;
		}
	}
	s->id = rf_next_id++;
	/* A removal that has begun waits for us, and then frees all */
	if (!try_module_get(THIS_MODULE)) {
		mutex_unlock(&rf_list_lock);
		rf_msg(extack, "rfcontroller is being removed");
		return -ENODEV;
	}
	list_add_tail(&s->node, &rf_subos_list);
	mutex_unlock(&rf_list_lock);
	rf_life_tell(s, RF_LIFE_CREATED);
	return 0;
}

void rf_subos_remove(struct rf_subos *s)
{
	mutex_lock(&rf_list_lock);
	list_del(&s->node);
	s->dead = true;
	mutex_unlock(&rf_list_lock);
	rf_life_tell(s, RF_LIFE_DESTROYED);
	rf_ledger_update();
	wake_up_all(&s->wait);
	module_put(THIS_MODULE);
}

struct rf_subos *rf_subos_alloc(const char *name)
{
	struct rf_subos *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	kref_init(&s->ref);
	mutex_init(&s->lock);
	mutex_init(&s->drain);
	spin_lock_init(&s->state_lock);
	init_waitqueue_head(&s->wait);
	rf_con_setup(s);
	rf_policy_setup(s);
	rf_tee_setup(s);
	strscpy(s->name, name, sizeof(s->name));
	s->created_ns = ktime_get_real_ns();
	if (rf_console_setup(s) || rf_account_setup(s)) {
		rf_account_free(s);
		rf_console_free(s);
		kfree(s);
		return NULL;
	}
	return s;
}
