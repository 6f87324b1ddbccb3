// SPDX-License-Identifier: GPL-2.0
/* CPUs and memory come, go, and pass from one to another */
#include <errno.h>
#include <linux/rainforest.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "torture.h"

static uint64_t bytes_of(const struct rf_subos *now)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < now->nr_mems; i++)
		sum += now->mem[i].size;
	return sum;
}

static int have(struct torture *t, struct slot *s, unsigned int *cpus, unsigned int *blocks)
{
	struct rf_subos now;
	int ret = slot_get(t, s, &now);

	if (ret)
		return ret;
	*cpus = now.nr_cpus;
	*blocks = bytes_of(&now) / t->info.block_size;
	rf_subos_clear(&now);
	return 0;
}

/* A third of it is signed: so what is to leave finds room in the rest */
static size_t share(const struct torture *t, unsigned int blocks)
{
	return blocks * (t->info.block_size >> 20) * 3 / 10;
}

/* The answer, and what it means for what was asked; what was done is counted */
static int changed(struct torture *t, const char *what, enum count count, int ret,
		   struct rf_subos *reply)
{
	rf_subos_clear(reply);
	ret = verdict(t, what, ret);
	t->book.count[count] += ret == DONE;
	if (ret == REFUSED && slots_settle(t))
		return BROKEN;
	return ret;
}

static int set_cpus(struct torture *t, struct slot *s, unsigned int n)
{
	const struct rf_resize z = { .name = s->name, .count = true, .ncpus = n,
				     .how = RAINFOREST_HOW_TARGET, .cpu_node = RF_NO_NODE,
				     .timeout_ms = RESIZE_MS };
	struct rf_subos reply;
	int ret = rf_resize(t->rf, &z, &reply);

	return changed(t, "resize of CPUs", RESIZED, ret, &reply);
}

static int set_blocks(struct torture *t, struct slot *s, unsigned int n, unsigned int before)
{
	const struct rf_mem target = { .size = n * t->info.block_size, .node = RF_NO_NODE };
	const struct rf_amount mem = { .mem = target, .how = RAINFOREST_HOW_TARGET };
	const struct rf_resize z = { .name = s->name, .cpu_node = RF_NO_NODE, .mem = &mem,
				     .nr_mems = 1, .timeout_ms = RESIZE_MS };
	struct rf_subos reply;
	int ret;

	if (n < before && slot_fill(t, s, share(t, n)))
		return BROKEN;
	ret = rf_resize(t->rf, &z, &reply);
	ret = changed(t, "resize of memory", RESIZED, ret, &reply);
	if (ret)
		return ret;
	return slot_fill(t, s, share(t, n));
}

int resize_least(struct torture *t, struct slot *s)
{
	return set_cpus(t, s, 1);
}

/* Room for another one: all that run go down to what they need */
int resize_room(struct torture *t)
{
	for (int i = 0; i < NR_STEADY; i++) {
		struct slot *s = &t->slot[i];
		unsigned int cpus, blocks;

		if (!s->up)
			continue;
		if (have(t, s, &cpus, &blocks))
			return BROKEN;
		if (cpus > 1 && set_cpus(t, s, 1) == BROKEN)
			return BROKEN;
		if (blocks > 2 && set_blocks(t, s, 2, blocks) == BROKEN)
			return BROKEN;
	}
	return DONE;
}

/* Another number than now, from 1 to most */
static unsigned int other(unsigned int now, unsigned int most, uint64_t r)
{
	unsigned int n = 1 + r % (most - 1);

	return n >= now && now <= most ? n + 1 : n;
}

static int some_cpus(struct torture *t, struct slot *s, uint64_t r)
{
	unsigned int cpus, blocks;

	if (have(t, s, &cpus, &blocks))
		return BROKEN;
	return set_cpus(t, s, other(cpus, MAX_CPUS, r));
}

static int some_memory(struct torture *t, struct slot *s, uint64_t r)
{
	unsigned int cpus, blocks;

	if (have(t, s, &cpus, &blocks))
		return BROKEN;
	return set_blocks(t, s, other(blocks, MAX_BLOCKS, r), blocks);
}

/* A CPU or a block, as lend and move have it; who has one only gives nothing */
static int pass(struct torture *t, struct slot *from, struct slot *to, uint64_t r,
		uint64_t term_ms)
{
	const struct rf_amount mem = { .mem = { .size = t->info.block_size, .node = RF_NO_NODE },
				       .how = RAINFOREST_HOW_TARGET };
	struct rf_resize z = { .name = from->name, .to = to->name, .cpu_node = RF_NO_NODE,
			       .timeout_ms = RESIZE_MS, .term_ms = term_ms };
	unsigned int cpus, blocks;
	struct rf_subos reply;
	int ret;

	if (have(t, from, &cpus, &blocks))
		return BROKEN;
	if (r % 3 != 1 && cpus > 1) {
		z.count = true;
		z.ncpus = 1;
		z.how = RAINFOREST_HOW_TARGET;
	}
	if (r % 3 != 0 && blocks > 1) {
		z.mem = &mem;
		z.nr_mems = 1;
		if (slot_fill(t, from, share(t, blocks - 1)))
			return BROKEN;
	}
	if (!z.count && !z.nr_mems)
		return REFUSED;
	ret = term_ms ? rf_lend(t->rf, &z, &reply) : rf_move(t->rf, &z, &reply);
	return changed(t, term_ms ? "lend" : "move", term_ms ? LENT : MOVED, ret, &reply);
}

/* Two that are up, the giver with something to give */
static int pair(struct torture *t, const struct step *s, struct slot **from, struct slot **to)
{
	unsigned int a = s->r[0] % NR_STEADY, cpus, blocks;
	int ret;

	*from = &t->slot[a];
	*to = &t->slot[(a + 1 + s->r[1] % (NR_STEADY - 1)) % NR_STEADY];
	ret = life_need(t, *to, s->r[2]) ?: life_need(t, *from, s->r[3]);
	if (ret || have(t, *from, &cpus, &blocks))
		return ret ?: BROKEN;
	if (cpus < 2)
		ret = set_cpus(t, *from, 2);
	if (ret != BROKEN && blocks < 2)
		ret = set_blocks(t, *from, 2, blocks);
	return ret == BROKEN ? BROKEN : DONE;
}

static int check_both(struct torture *t, struct slot *a, struct slot *b)
{
	return slot_check(t, a) ?: slot_check(t, b);
}

int op_cpus(struct torture *t, const struct step *s)
{
	struct slot *slot = &t->slot[s->r[0] % NR_STEADY];
	int ret = life_need(t, slot, s->r[1]);

	doing(t, "%s", slot->name);
	return ret ?: some_cpus(t, slot, s->r[2]);
}

int op_memory(struct torture *t, const struct step *s)
{
	struct slot *slot = &t->slot[s->r[0] % NR_STEADY];
	int ret = life_need(t, slot, s->r[1]);

	doing(t, "%s", slot->name);
	ret = ret ?: some_memory(t, slot, s->r[2]);
	return ret == BROKEN ? ret : slot_check(t, slot) ?: ret;
}

/* One after the other, of two of them, without a pause */
int op_burst(struct torture *t, const struct step *s)
{
	unsigned int n = 8 + s->r[0] % 12;
	struct slot *a = &t->slot[s->r[1] % NR_STEADY], *b = &t->slot[(s->r[1] + 1) % NR_STEADY];
	int ret = life_need(t, a, s->r[2]);

	if (!ret)
		ret = life_need(t, b, s->r[3]);
	doing(t, "%u resizes of %s and %s", n, a->name, b->name);
	if (ret)
		return ret;
	for (unsigned int i = 0; i < n; i++) {
		uint64_t r = mix(s->r[4] + i);
		struct slot *slot = r >> 40 & 1 ? a : b;

		ret = r >> 32 & 1 ? some_cpus(t, slot, r) : some_memory(t, slot, r);
		if (ret == BROKEN || machine_check(t))
			return BROKEN;
	}
	return check_both(t, a, b);
}

int op_move(struct torture *t, const struct step *s)
{
	struct slot *from, *to;
	int ret = pair(t, s, &from, &to);

	doing(t, "%s to %s", from->name, to->name);
	if (ret)
		return ret;
	ret = pass(t, from, to, s->r[4], 0);
	return ret == BROKEN ? ret : check_both(t, from, to) ?: ret;
}

/* Wait until no lease is left; @recall: call all of them back */
static int leases_over(struct torture *t, bool recall)
{
	int64_t end = now_ms() + 30000LL * t->slow;

	for (;;) {
		struct rf_lease *list;
		size_t n;
		int ret = rf_leases_get(t->rf, &list, &n);

		if (ret)
			return broken(t, "leases: %s", rf_strerror(t->rf));
		for (size_t i = 0; recall && i < n; i++) {
			ret = rf_lease_recall(t->rf, list[i].id);
			if (ret && ret != -ENOENT)
				broken(t, "recall: %s", rf_strerror(t->rf));
			else
				ret = 0;
		}
		if (!ret && n && now_ms() > end)
			ret = broken(t, "lease %u from %s to %s does not end (%u tries)",
				     list[0].id, list[0].from, list[0].to, list[0].tries);
		rf_leases_free(list, n);
		if (ret || !n)
			return ret;
		usleep(50000);
	}
}

int leases_end(struct torture *t)
{
	return leases_over(t, true);
}

/* Lend; call it back, let the term end, or let borrower or lender go meanwhile */
int op_lend(struct torture *t, const struct step *s)
{
	static const char *const ways[] = { "recalled", "to its end", "the borrower goes",
					    "the lender goes" };
	unsigned int way = s->r[5] % ARRAY_SIZE(ways);
	struct slot *from, *to;
	int ret = pair(t, s, &from, &to);

	doing(t, "%s to %s, %s", from->name, to->name, ways[way]);
	if (ret)
		return ret;
	ret = pass(t, from, to, s->r[4], way == 1 ? 300 + s->r[6] % 1000 : 600000);
	if (ret == BROKEN)
		return ret;
	/* the borrower uses what it has got */
	if (!ret && slot_fill(t, to, to->filled + 24))
		return BROKEN;
	if (way >= 2 && life_end(t, way == 2 ? to : from, s->r[6]))
		return BROKEN;
	if (slot_check(t, way == 2 ? from : to) || leases_over(t, way != 1))
		return BROKEN;
	if (slots_settle(t))
		return BROKEN;
	return slot_check(t, way == 2 ? from : to) ?: ret;
}
