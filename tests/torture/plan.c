// SPDX-License-Identifier: GPL-2.0
/*
 * What is done at which step. Each step has random numbers of its own, made of the
 * seed and its number: so a run of the same seed does the same, step for step, and
 * what one of them met with does not change the others.
 */
#include <string.h>

#include "torture.h"

static const struct op ops[] = {
	{ "create", 8, op_create },
	{ "cpus", 14, op_cpus },
	{ "memory", 14, op_memory },
	{ "burst", 14, op_burst },
	{ "move", 12, op_move },
	{ "lend", 5, op_lend },
	{ "messages", 6, op_messages },
	{ "copy", 2, op_copy },
	{ "exec", 2, op_exec },
	{ "net", 5, op_net },
	{ "crash", 14, op_crash },
	{ "restart", 3, op_restart },
	{ "freeze", 5, op_freeze },
	{ "dump", 3, op_dump },
	{ "kill9", 6, op_kill9 },
	{ "fail", 3, op_fail },
	{ "reserve", 6, op_reserve },
	{ "press-memory", 3, op_press_memory },
	{ "press-cpus", 3, op_press_cpus },
	{ "refuse", 2, op_refuse },
	{ "destroy", 5, op_destroy },
	{ "unruly", 5, op_unruly },
};

/* The finaliser of splitmix64 */
uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* --only: words with commas between */
static unsigned int weight(const struct torture *t, const struct op *op)
{
	size_t len = strlen(op->name);

	for (const char *p = t->only; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (!strncmp(p, op->name, len) && (!p[len] || p[len] == ','))
			return op->weight;
	}
	return t->only ? 0 : op->weight;
}

/* Each operation once to begin with, then as it comes */
void plan_step(const struct torture *t, uint64_t nr, struct step *s)
{
	uint64_t at = mix(t->seed + mix(nr + 1)), sum = 0, pick;
	size_t i;

	s->nr = nr;
	for (i = 0; i < NR_RANDOM; i++)
		s->r[i] = mix(at += 0x9e3779b97f4a7c15ULL);
	if (!t->only && nr < ARRAY_SIZE(ops)) {
		s->op = &ops[nr];
		return;
	}
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		sum += weight(t, &ops[i]);
	pick = mix(at + 1) % (sum ?: 1);
	for (i = 0; i < ARRAY_SIZE(ops) - 1 && pick >= weight(t, &ops[i]); i++)
		pick -= weight(t, &ops[i]);
	s->op = &ops[i];
}
