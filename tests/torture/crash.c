// SPDX-License-Identifier: GPL-2.0
/* A subOS dies, in each way there is; the others live, and all comes back */
#include <errno.h>
#include <linux/rainforest.h>
#include <string.h>
#include <unistd.h>

#include "torture.h"

#define DETECT_MS	3000
#define RECLAIM_MS	5000

static const struct crash {
	const char *name;
	const char *command;	/* the agent's, MODULE is rf_crash.ko; NULL: rfm kill */
} crashes[] = {
	{ "sysrq-c", "crash sysrq c" },
	{ "task", "crash task" },
	{ "panic", "crash MODULE kind=panic" },
	{ "irqs-off", "crash MODULE kind=irqs-off" },
	{ "idt", "crash MODULE kind=idt" },
	{ "nmi", "crash MODULE kind=nmi" },
	{ "oom", "crash oom" },
	{ "poweroff", "crash poweroff" },
	{ "halt", "crash halt" },
	{ "reboot", "crash restart" },
	{ "sysrq-b", "crash sysrq b" },
	{ "oops", "crash MODULE kind=oops" },
	{ "exit", "crash exit" },
	{ "killed", NULL },
	{ "bug-irq", "crash MODULE kind=bug-irq" },
	{ "jump", "crash MODULE kind=jump" },
	{ "stack", "crash MODULE kind=stack" },
	{ "double-fault", "crash MODULE kind=double-fault" },
	{ "init", "crash MODULE kind=init" },
	{ "irqs-off-one", "crash MODULE kind=irqs-off last=1" },
	{ "idt-one", "crash MODULE kind=idt last=1" },
	{ "nmi-one", "crash MODULE kind=nmi last=1" },
	{ "loop", "crash MODULE kind=loop" },
	{ "thread", "crash MODULE kind=thread" },
};

/* Its agent has died before its kernel, and what that had signed is free */
static bool agent_first(const struct crash *c)
{
	return !strcmp(c->name, "oom") || !strcmp(c->name, "exit");
}

/* It was told to end: counted, but as no crash */
static bool orderly(const struct crash *c)
{
	static const char *const kinds[] = { "poweroff", "halt", "reboot", "exit", "killed" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(c->name, kinds[i]))
			return true;
	return false;
}

static void word_of(const struct torture *t, const struct crash *c, char *line, size_t len)
{
	static const char word[] = "MODULE";
	const char *module = strstr(c->command, word);

	if (module)
		snprintf(line, len, "%.*smodule %s/subos/rf_crash.ko%s",
			 (int)(module - c->command), c->command, t->dir,
			 module + strlen(word));
	else
		snprintf(line, len, "%s", c->command);
}

/* It has died, or seems dead: how long that took, or BROKEN */
static int64_t noticed(struct torture *t, struct slot *s, const char *kind)
{
	int64_t begin = now_ms(), end = begin + (int64_t)DETECT_MS * t->slow;

	/* what was promised is counted; what fails is later than a slow machine explains */
	for (;;) {
		struct rf_subos now;
		uint32_t state;

		if (slot_get(t, s, &now))
			return BROKEN;
		state = now.state;
		rf_subos_clear(&now);
		if (rf_state_over(state) || state == RAINFOREST_STATE_UNRESPONSIVE) {
			t->book.count[DETECT_LATE] += now_ms() - begin > DETECT_MS;
			return now_ms() - begin;
		}
		if (now_ms() > end)
			return broken(t, "%s: nobody noticed it in %d ms: %s is %s", kind,
				      DETECT_MS * t->slow, s->name, rf_state_text(state));
		usleep(5000);
	}
}

/* Something that is under way when it dies, and may fail then */
static pid_t meanwhile(const struct step *s, int *out)
{
	static const char *const grow[] = { "rfm", "resize", "victim", "--memory", "+128M", NULL };
	static const char *const shrink[] = { "rfm", "resize", "victim", "--memory", "128M", NULL };
	static const char *const cpu[] = { "rfm", "resize", "victim", "--ncpus", "+1", NULL };
	static const char *const ping[] = { "rfm", "ping", "victim", "--count", "200", NULL };
	static const char *const stop[] = { "rfm", "stop", "victim", "--timeout", "1", NULL };
	static const char *const *const what[] = { grow, shrink, cpu, ping, stop };

	return spawn(what[s->r[4] % ARRAY_SIZE(what)], out);
}

static int siblings(struct torture *t)
{
	for (int i = 0; i < NR_STEADY; i++)
		if (t->slot[i].up && (slot_alive(t, &t->slot[i]) || slot_check(t, &t->slot[i])))
			return BROKEN;
	return 0;
}

/* Destroy it by force. Return: how long that took, or BROKEN */
static int64_t reclaim(struct torture *t, struct slot *s, const char *kind)
{
	const struct rf_stop stop = { .name = s->name, .timeout_ms = 0, .force = true };
	int64_t begin = now_ms(), took;
	struct rf_subos gone;
	int ret = rf_destroy(t->rf, &stop, &gone);

	rf_subos_clear(&gone);
	took = now_ms() - begin;
	slot_drop(s);
	if (ret)
		return broken(t, "%s: destroy: %s", kind, rf_strerror(t->rf));
	t->book.count[DESTROYED]++;
	t->book.count[RECLAIM_LATE] += took > RECLAIM_MS;
	if (took > (int64_t)RECLAIM_MS * t->slow)
		return broken(t, "%s: it took %lld ms to take all back", kind, (long long)took);
	return machine_check(t) ? BROKEN : took;
}

int op_crash(struct torture *t, const struct step *s)
{
	const struct crash *c = &crashes[s->nr < 100 ? s->nr % ARRAY_SIZE(crashes) :
					 s->r[0] % ARRAY_SIZE(crashes)];
	struct slot *victim = &t->slot[VICTIM], *sibling = &t->slot[s->r[1] % NR_STEADY];
	bool busy = s->r[2] % 3 == 0;
	char line[600], text[1024];
	int64_t detect, took = BROKEN;
	int ret, out;
	pid_t pid = 0;

	doing(t, "%s%s", c->name, busy ? " in mid-work" : "");
	ret = life_need(t, sibling, s->r[3]);
	if (ret != BROKEN)
		ret = life_boot(t, victim, s->r[5]);
	if (ret)
		return ret;
	if (busy)
		pid = meanwhile(s, &out);
	if (busy)
		usleep(s->r[6] % 60000);
	if (c->command) {
		word_of(t, c, line, sizeof(line));
		slot_tell(t, victim, line);
	} else {
		const struct rf_stop stop = { .name = victim->name };
		struct rf_subos dead;

		ret = rf_kill(t->rf, &stop, &dead);
		rf_subos_clear(&dead);
		if (ret)
			return broken(t, "kill: %s", rf_strerror(t->rf));
	}
	detect = noticed(t, victim, c->name);
	/* its memory, before all is taken back */
	if (detect >= 0 && s->r[7] % 4 == 0 && !busy && !agent_first(c) &&
	    dump_check(t, victim) == BROKEN)
		detect = BROKEN;
	if (detect >= 0)
		took = reclaim(t, victim, c->name);
	if (took >= 0)
		book_death(t, c->name, orderly(c), detect, took);
	if (pid > 0 && spawned(t, pid, out, text, sizeof(text), 30) == -ETIMEDOUT)
		ret = broken(t, "%s: what was under way never ended: %s", c->name, text);
	if (took < 0 || ret)
		return BROKEN;
	return siblings(t);
}

/* ---- what a kernel survives: nobody else feels it, and it can be ended meanwhile ---- */

#define TEE	"/sys/module/rfcontroller/parameters/console_tee"

static int unruly_for(struct torture *t, struct slot *victim, const char *kind, int64_t ms)
{
	int64_t end = now_ms() + ms, begin;
	struct rf_subos now;
	uint32_t state;

	do {
		if (siblings(t))
			return BROKEN;
		begin = now_ms();
		if (slot_get(t, victim, &now))
			return BROKEN;
		state = now.state;
		rf_subos_clear(&now);
		if (now_ms() - begin > 2000LL * t->slow)
			return broken(t, "%s: the supervisor took %lld ms to answer", kind,
				      (long long)(now_ms() - begin));
		if (rf_state_over(state))
			return broken(t, "%s has killed its kernel: %s", kind,
				      rf_state_text(state));
	} while (now_ms() < end);
	return 0;
}

int op_unruly(struct torture *t, const struct step *s)
{
	static const char *const kinds[] = {
		"oops", "forks", "memory", "flood", "ficm", "net", "ipi", "kexec", "clock",
	};
	const char *kind = kinds[s->r[0] % ARRAY_SIZE(kinds)];
	struct slot *victim = &t->slot[VICTIM], *sibling = &t->slot[s->r[1] % NR_STEADY];
	char line[600], answer[64];
	int ret;

	doing(t, "%s", kind);
	ret = life_need(t, sibling, s->r[2]);
	if (ret != BROKEN)
		ret = life_boot(t, victim, s->r[3]);
	if (ret)
		return ret;
	/* faster than the supervisor's log can be written */
	put_file(TEE, strcmp(kind, "flood") ? "1" : "0");
	snprintf(line, sizeof(line), "unruly %s %s/subos/rf_crash.ko", kind, t->dir);
	ret = slot_ask(t, victim, line, answer, sizeof(answer));
	if (!ret && strcmp(answer, "unruly 0"))
		ret = broken(t, "%s: %s", line, answer);
	if (!ret)
		ret = unruly_for(t, victim, kind, 200 + s->r[4] % 1500);
	if (!ret && reclaim(t, victim, kind) < 0)
		ret = BROKEN;
	put_file(TEE, "1");
	if (ret)
		return BROKEN;
	t->book.count[UNRULY]++;
	return siblings(t);
}
