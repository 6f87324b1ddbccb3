// SPDX-License-Identifier: GPL-2.0
/* A subOS of ours, and the agent in it */
#include <errno.h>
#include <inttypes.h>
#include <linux/rainforest.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pack.h"
#include "torture.h"

#define ANSWER_MS	30000

/* Packed once: each of them is the same, and is told who it is */
int slots_init(struct torture *t)
{
	static char agent[512], include[3][512];
	static const char *includes[3];
	static const char *const names[] = { "nettest", "subos/rf_ficm_test.ko",
					     "subos/rf_crash.ko" };
	struct rf_pack pack = { .bin = agent, .include = includes, .hostname = "tortured",
				.libdir = getenv("RF_LIBDIR") };
	const char *kernel = getenv("RF_KERNEL");
	char err[256];
	int ret;

	snprintf(agent, sizeof(agent), "%s/agent", t->dir);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(include[pack.n_include], sizeof(include[0]), "%s/%s", t->dir, names[i]);
		includes[pack.n_include] = include[pack.n_include];
		if (!access(include[pack.n_include], R_OK))
			pack.n_include++;
	}
	ret = rf_pack(&pack, t->initrd, &t->nr_initrds, err, sizeof(err));
	if (ret)
		return broken(t, "packing: %s", err);
	ret = rf_kernel_open(t->rf, kernel ? kernel : RF_KERNEL_DEFAULT, &t->kernel);
	if (ret)
		return broken(t, "kernel: %s", rf_strerror(t->rf));
	for (int i = 0; i < NR_SLOTS; i++) {
		struct slot *s = &t->slot[i];

		s->in = -1;
		s->out = -1;
		if (i == VICTIM)
			strcpy(s->name, "victim");
		else
			snprintf(s->name, sizeof(s->name), "t%d", i);
	}
	return 0;
}

/* It is not there any more, or not to be talked to */
void slot_drop(struct slot *s)
{
	if (s->in >= 0)
		close(s->in);
	if (s->out >= 0)
		close(s->out);
	s->in = -1;
	s->out = -1;
	s->up = false;
	s->listens = false;
	s->serves = false;
	s->have = 0;
	s->filled = 0;
}

static int say(struct slot *s, const char *text, int64_t end)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = write(s->in, text, len);

		if (n > 0) {
			text += n;
			len -= n;
			continue;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (now_ms() > end)
			return -ETIMEDOUT;
		usleep(2000);
	}
	return 0;
}

static int hear(struct slot *s, char *answer, size_t len, int64_t end)
{
	for (;;) {
		char *nl = memchr(s->text, '\n', s->have);
		struct pollfd pfd = { .fd = s->out, .events = POLLIN };
		int64_t left = end - now_ms();
		ssize_t n;

		if (nl) {
			*nl = 0;
			snprintf(answer, len, "%s", s->text);
			s->have -= nl + 1 - s->text;
			memmove(s->text, nl + 1, s->have);
			return 0;
		}
		if (left <= 0)
			return -ETIMEDOUT;
		poll(&pfd, 1, left < 500 ? left : 500);
		n = read(s->out, s->text + s->have, sizeof(s->text) - s->have);
		if (!n)
			return -EPIPE;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		s->have += n > 0 ? n : 0;
	}
}

int slot_ask(struct torture *t, struct slot *s, const char *question, char *answer, size_t len)
{
	int64_t end = now_ms() + (int64_t)ANSWER_MS * t->slow;
	char line[600];
	int ret;

	snprintf(line, sizeof(line), "%s\n", question);
	ret = say(s, line, end);
	if (!ret)
		ret = hear(s, answer, len, end);
	if (!ret)
		return 0;
	return broken(t, "%s does not answer \"%s\": %s", s->name, question, strerror(-ret));
}

/* A command that has no answer */
void slot_tell(struct torture *t, struct slot *s, const char *command)
{
	char line[600];

	snprintf(line, sizeof(line), "%s\n", command);
	say(s, line, now_ms() + 1000LL * t->slow);
}

int slot_fill(struct torture *t, struct slot *s, size_t mib)
{
	char line[64], answer[256];

	if (mib == s->filled)
		return 0;
	snprintf(line, sizeof(line), "fill %zu", mib);
	if (slot_ask(t, s, line, answer, sizeof(answer)))
		return BROKEN;
	if (sscanf(answer, "filled %zu", &s->filled) != 1)
		return broken(t, "%s: %s: %s", s->name, line, answer);
	return 0;
}

/* Is all that it signed as it was? */
int slot_check(struct torture *t, struct slot *s)
{
	size_t pages, bad;
	char answer[256];
	int at;

	if (slot_ask(t, s, "check", answer, sizeof(answer)))
		return BROKEN;
	if (sscanf(answer, "checked %zu %zu%n", &pages, &bad, &at) != 2)
		return broken(t, "%s: check: %s", s->name, answer);
	t->book.count[PAGES] += pages;
	if (bad)
		return broken(t, "memory of %s (stamp %#" PRIx64 ") was written by another: %zu words,%s",
			      s->name, s->stamp, bad, answer + at);
	return 0;
}

int slot_get(struct torture *t, struct slot *s, struct rf_subos *now)
{
	int ret = rf_subos_get(t->rf, s->name, now);

	return ret ? broken(t, "%s: %s", s->name, rf_strerror(t->rf)) : 0;
}

uint64_t slot_beats(const struct rf_subos *now)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < now->nr_beats; i++)
		if (now->beat[i] < least)
			least = now->beat[i];
	return least;
}

/*
 * It runs, and its hearts beat. On a machine that others load a subOS may seem to be
 * unresponsive for a while: only not for ever.
 */
int slot_alive(struct torture *t, struct slot *s)
{
	int64_t end = now_ms() + 10000LL * t->slow;
	struct rf_subos now;
	uint64_t beats;
	uint32_t state;

	for (;;) {
		if (slot_get(t, s, &now))
			return BROKEN;
		state = now.state;
		beats = slot_beats(&now);
		if (state == RAINFOREST_STATE_RUNNING || now_ms() > end ||
		    state != RAINFOREST_STATE_UNRESPONSIVE)
			break;
		rf_subos_clear(&now);
		usleep(100000);
	}
	if (state != RAINFOREST_STATE_RUNNING) {
		broken(t, "%s is %s (%s): %s", s->name, rf_state_text(state),
		       rf_reason_text(now.reason), now.message ?: "");
		rf_subos_clear(&now);
		return BROKEN;
	}
	rf_subos_clear(&now);
	if (beats != s->beats) {
		s->beats = beats;
		s->beats_at = now_ms();
	} else if (now_ms() - s->beats_at > 5000LL * t->slow) {
		return broken(t, "%s runs, but has not beaten for %lld ms", s->name,
			      (long long)(now_ms() - s->beats_at));
	}
	return 0;
}

/* Wait until no subOS has something pending */
int slots_settle(struct torture *t)
{
	int64_t end = now_ms() + 30000LL * t->slow;

	for (int i = 0; i < NR_SLOTS; i++) {
		struct rf_subos now;
		bool pending = true;

		while (pending) {
			if (rf_subos_get(t->rf, t->slot[i].name, &now))
				break;
			pending = now.nr_pending && rf_state_active(now.state);
			if (pending && now_ms() > end) {
				broken(t, "%s never answered: %s", now.name, now.pending[0]);
				rf_subos_clear(&now);
				return BROKEN;
			}
			rf_subos_clear(&now);
			usleep(pending ? 50000 : 0);
		}
	}
	return 0;
}
