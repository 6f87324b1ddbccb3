// SPDX-License-Identifier: GPL-2.0
/* subOSes come, start again and go */
#include <errno.h>
#include <linux/rainforest.h>
#include <linux/rainforest_console.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "torture.h"

#define CMDLINE	"rdinit=/.rf/init"

static int destroy(struct torture *t, const char *name, int64_t timeout_ms)
{
	const struct rf_stop stop = { .name = name, .timeout_ms = timeout_ms, .force = true };
	struct rf_subos gone;
	int ret = rf_destroy(t->rf, &stop, &gone);

	rf_subos_clear(&gone);
	if (!ret)
		t->book.count[DESTROYED]++;
	return ret;
}

static int reserve(struct torture *t, const char *name, uint64_t r)
{
	const uint64_t block = t->info.block_size;
	struct rf_mem mem[2] = { { 0, block * (1 + (r >> 8) % 3), RF_NO_NODE },
				 { 0, block, 1 } };
	const struct rf_create c = { .name = name, .ncpus = 1 + r % 2, .cpu_node = RF_NO_NODE,
				     .mem = mem, .nr_mems = (r >> 16) % 4 == 3 ? 2 : 1 };
	struct rf_subos made;
	int ret;

	switch ((r >> 16) % 4) {
	case 0:
	case 3:
		mem[0].node = 0;
		break;
	case 1:
		mem[0].node = 1;
		break;
	}
	ret = rf_create(t->rf, &c, &made);
	rf_subos_clear(&made);
	if (!ret)
		t->book.count[CREATED]++;
	return ret;
}

static int load(struct torture *t, const char *name)
{
	const struct rf_load l = { .name = name, .kernel_fd = t->kernel.fd, .initrd_fd = t->initrd,
				   .nr_initrds = t->nr_initrds, .cmdline = CMDLINE };
	struct rf_subos loaded;
	int ret = rf_load(t->rf, &l, &loaded);

	rf_subos_clear(&loaded);
	return ret;
}

/* The streams, before it starts: then nothing is missed */
static int attach(struct torture *t, struct slot *s)
{
	slot_drop(s);
	s->in = rf_attach(t->rf, s->name, RF_STREAM_STDIN, 0, NULL);
	if (s->in >= 0)
		s->out = rf_attach(t->rf, s->name, RF_STREAM_STDOUT, 0, NULL);
	if (s->in < 0 || s->out < 0)
		return broken(t, "%s: %s", s->name, rf_strerror(t->rf));
	return 0;
}

static int start(struct torture *t, struct slot *s)
{
	const struct rf_stop stop = { .name = s->name, .timeout_ms = 20000LL * t->slow };
	struct rf_subos now;
	char line[64], answer[256];
	int ret = attach(t, s);

	if (ret)
		return ret;
	ret = rf_start(t->rf, &stop, &now);
	rf_subos_clear(&now);
	if (ret)
		return broken(t, "start of %s: %s", s->name, rf_strerror(t->rf));
	s->stamp = mix(t->seed ^ ++t->births);
	snprintf(line, sizeof(line), "own %#llx", (unsigned long long)s->stamp);
	if (slot_ask(t, s, line, answer, sizeof(answer)))
		return BROKEN;
	t->book.count[BOOTED]++;
	s->up = true;
	s->beats = 0;
	s->beats_at = now_ms();
	return slot_fill(t, s, 16 + s->stamp % 32);
}

/* A new one; the others shrink if there is no room */
int life_boot(struct torture *t, struct slot *s, uint64_t r)
{
	int ret = reserve(t, s->name, r);

	if (ret == -EBUSY || ret == -ENOSPC) {
		if (resize_room(t) == BROKEN)
			return BROKEN;
		ret = reserve(t, s->name, r & ~0x3ff);
	}
	if (ret)
		return verdict(t, s->name, ret);
	ret = load(t, s->name);
	if (!ret)
		return start(t, s);
	ret = verdict(t, s->name, ret);
	destroy(t, s->name, 0);
	return ret;
}

int life_need(struct torture *t, struct slot *s, uint64_t r)
{
	return s->up ? DONE : life_boot(t, s, r);
}

/* In order, with little patience, or by force at once */
int life_end(struct torture *t, struct slot *s, uint64_t r)
{
	static const int64_t patience[] = { 20000, 20000, 1, 0 };
	int64_t timeout = patience[r % ARRAY_SIZE(patience)] * t->slow;
	int ret;

	if (s->up && r % 3 == 0 && slot_check(t, s))
		return BROKEN;
	ret = destroy(t, s->name, timeout);
	slot_drop(s);
	return ret ? broken(t, "destroy of %s: %s", s->name, rf_strerror(t->rf)) : DONE;
}

/* It may be there, in any state: no more */
int life_gone(struct torture *t, struct slot *s)
{
	int ret = destroy(t, s->name, 0);

	slot_drop(s);
	return ret && ret != -ENOENT && ret != -EUCLEAN ?
		broken(t, "destroy of %s: %s", s->name, rf_strerror(t->rf)) : DONE;
}

int life_all_end(struct torture *t)
{
	for (int i = 0; i < NR_SLOTS; i++) {
		struct slot *s = &t->slot[i];

		if (s->up && (slot_check(t, s) || life_end(t, s, t->step + i)))
			return BROKEN;
	}
	return DONE;
}

/*
 * After something that may have taken one of them away: what runs has an agent that
 * answers, what doesn't is destroyed.
 */
int life_sync(struct torture *t)
{
	for (int i = 0; i < NR_SLOTS; i++) {
		struct slot *s = &t->slot[i];
		struct rf_subos now;
		int ret = rf_subos_get(t->rf, s->name, &now);
		uint32_t state = now.state;

		if (ret == -ENOENT) {
			slot_drop(s);
			continue;
		}
		if (ret)
			return broken(t, "%s: %s", s->name, rf_strerror(t->rf));
		rf_subos_clear(&now);
		if (s->up && (state == RAINFOREST_STATE_RUNNING ||
			      state == RAINFOREST_STATE_UNRESPONSIVE))
			continue;
		if (life_gone(t, s))
			return BROKEN;
	}
	return DONE;
}

int op_create(struct torture *t, const struct step *s)
{
	struct slot *slot = &t->slot[s->r[0] % NR_STEADY];

	doing(t, "%s anew", slot->name);
	if (slot->up && life_end(t, slot, s->r[1]))
		return BROKEN;
	return life_boot(t, slot, s->r[2]);
}

int op_destroy(struct torture *t, const struct step *s)
{
	struct slot *slot = &t->slot[s->r[0] % NR_STEADY];
	int ret;

	doing(t, "%s", slot->name);
	ret = life_need(t, slot, s->r[2]);
	return ret ?: life_end(t, slot, s->r[1]);
}

/* Stop or kill it, and start it again in its grant */
int op_restart(struct torture *t, const struct step *s)
{
	struct slot *slot = &t->slot[s->r[0] % NR_STEADY];
	const struct rf_stop stop = { .name = slot->name, .timeout_ms = 20000LL * t->slow,
				      .force = true };
	struct rf_subos now;
	int ret = life_need(t, slot, s->r[1]);
	bool kill = s->r[2] % 2;

	doing(t, "%s, %s", slot->name, kill ? "killed" : "stopped");
	if (ret)
		return ret;
	ret = kill ? rf_kill(t->rf, &stop, &now) : rf_stop(t->rf, &stop, &now);
	rf_subos_clear(&now);
	slot_drop(slot);
	if (ret)
		return broken(t, "%s can't be %s: %s", slot->name, kill ? "killed" : "stopped",
			      rf_strerror(t->rf));
	return start(t, slot);
}

/* Carve and give back, without a boot */
int op_reserve(struct torture *t, const struct step *s)
{
	unsigned int n = 4 + s->r[0] % 8;
	int ret = DONE;

	doing(t, "%u times", n);
	for (unsigned int i = 0; i < n && !ret; i++) {
		ret = reserve(t, "spare", mix(s->r[1] + i));
		if (ret) {
			ret = verdict(t, "spare", ret);
			break;
		}
		ret = machine_check(t);
		if (!ret && destroy(t, "spare", 0))
			ret = broken(t, "destroy of spare: %s", rf_strerror(t->rf));
	}
	return ret;
}
