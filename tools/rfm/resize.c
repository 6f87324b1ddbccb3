// SPDX-License-Identifier: GPL-2.0
/* rfm resize and rfm move: CPUs and memory of subOSes that run */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rainforest.h>

#include "change.h"

static const char resize_synopsis[] =
	"NAME [OPTION]...\n\n"
	"Changes what a running subOS has. A number or size without a sign is the target,\n"
	"with + it comes on top, with - it goes. CPUs: all or none. If only a part of the\n"
	"memory could go or come, the exit code is 7 and the text says which.";

static const char move_synopsis[] =
	"FROM TO [OPTION]...\n\n"
	"Moves CPUs or memory of one running subOS to another, past the supervisor.";

/* Whole blocks: up for what comes and for a target, down for what goes */
static int round_amount(struct rfm *r, struct rf_amount *a, uint64_t block)
{
	char *notice, asked[24], down[24];
	int ret;

	if (a->how == RAINFOREST_HOW_REMOVE && a->mem.size > block && a->mem.size % block) {
		rf_size_text(a->mem.size, asked, sizeof(asked));
		a->mem.size -= a->mem.size % block;
		fprintf(stderr, "rfm: %s rounded down to %s\n", asked,
			rf_size_text(a->mem.size, down, sizeof(down)));
		return 0;
	}
	ret = rf_round_memory(r->rf, &a->mem, block, false, &notice);
	if (!ret && notice)
		fprintf(stderr, "rfm: %s\n", notice);
	free(notice);
	return ret;
}

static int read_memory(struct rfm *r, const struct rfm_resize_words *w, struct rf_resize *z,
		       struct rf_amount *mem)
{
	struct rf_info info;
	int ret = rf_info_get(r->rf, &info);

	for (size_t i = 0; !ret && i < w->memory.n; i++) {
		ret = rf_parse_amount(r->rf, w->memory.v[i], &mem[i]);
		if (!ret && !mem[i].mem.size && (mem[i].how != RAINFOREST_HOW_TARGET ||
						 mem[i].mem.node == RF_NO_NODE || z->to))
			ret = rf_error(r->rf, -EINVAL, "no memory at all: \"%s\"",
				       w->memory.v[i]);
		if (!ret && z->to && mem[i].how != RAINFOREST_HOW_TARGET)
			ret = rf_error(r->rf, -EINVAL, "what moves has no sign: \"%s\"",
				       w->memory.v[i]);
		if (!ret && mem[i].mem.size)
			ret = round_amount(r, &mem[i], info.block_size);
	}
	z->mem = mem;
	z->nr_mems = w->memory.n;
	return ret;
}

static int read_words(struct rfm *r, const struct rfm_resize_words *w, struct rf_resize *z,
		      uint32_t **add, uint32_t **remove, struct rf_amount **mem)
{
	int ret = 0;

	if (w->ncpus && (w->add || w->remove))
		return rf_error(r->rf, -EINVAL, "either CPUs by number or how many, not both");
	if (!w->ncpus && !w->add && !w->remove && !w->memory.n)
		return rf_error(r->rf, -EINVAL, "neither CPUs nor memory: nothing to change");
	if (w->add)
		ret = rf_parse_cpus(r->rf, w->add, add, &z->nr_add);
	if (!ret && w->remove)
		ret = rf_parse_cpus(r->rf, w->remove, remove, &z->nr_remove);
	if (!ret && w->ncpus) {
		ret = rf_parse_count_how(r->rf, w->ncpus, &z->ncpus, &z->cpu_node, &z->how);
		z->count = true;
		if (!ret && z->to && z->how != RAINFOREST_HOW_TARGET)
			ret = rf_error(r->rf, -EINVAL, "what moves has no sign: \"%s\"",
				       w->ncpus);
	}
	if (!ret && w->wait)
		ret = rf_parse_seconds(r->rf, w->wait, &z->timeout_ms);
	if (ret || !w->memory.n)
		goto out;
	*mem = calloc(w->memory.n, sizeof(**mem));
	ret = *mem ? read_memory(r, w, z, *mem) : rf_error(r->rf, -ENOMEM, "out of memory");
out:
	z->add = *add;
	z->remove = *remove;
	return ret;
}

static void tell(struct rfm *r, const struct rf_resize *z, struct rf_subos *now)
{
	rfm_warnings(now);
	if (!now->name[0])
		snprintf(now->name, sizeof(now->name), "%s", z->name);
	if (r->json)
		rfm_json_print(rfm_json_change(now, z->dry_run));
	else
		rfm_say_change(now, z->dry_run ? "is" : "has now");
}

/**
 * rfm_resize() - read the words, do it, and tell what is now
 * @r: the program
 * @w: from the options; the lists are freed
 * @z: gets what they say
 * @fn: what to do
 *
 * Return: 0 or -errno.
 */
int rfm_resize(struct rfm *r, const struct rfm_resize_words *w, struct rf_resize *z,
	       int (*fn)(struct rf *rf, const struct rf_resize *z, struct rf_subos *reply))
{
	uint32_t *add = NULL, *remove = NULL;
	struct rf_amount *mem = NULL;
	struct rf_subos now;
	int ret = read_words(r, w, z, &add, &remove, &mem);

	if (ret)
		goto out;
	ret = fn(r->rf, z, &now);
	if (!ret)
		tell(r, z, &now);
	rf_subos_clear(&now);
out:
	free(add);
	free(remove);
	free(mem);
	free(w->memory.v);
	return ret;
}

/* FROM TO */
int rfm_resize_two(struct rfm *r, const struct rfm_words *words, struct rf_resize *z)
{
	if (words->n != 2 || words->n_rest)
		return rf_error(r->rf, -EINVAL, "two names are needed: from which subOS to which");
	z->name = words->v[0];
	z->to = words->v[1];
	return rf_parse_name(r->rf, z->name) ?: rf_parse_name(r->rf, z->to);
}

int cmd_resize(struct rfm *r, int argc, char **argv)
{
	struct rf_resize z = { .cpu_node = RF_NO_NODE, .timeout_ms = -1 };
	struct rfm_resize_words w = { 0 };
	const struct rfm_opt opts[] = {
		{ "add-cpus", 0, OPT_STRING, &w.add, "LIST", "these CPUs of the supervisor" },
		{ "remove-cpus", 0, OPT_STRING, &w.remove, "LIST", "these CPUs of the subOS" },
		{ "ncpus", 0, OPT_STRING, &w.ncpus, "[+-]N[@nodeK]", "as many CPUs, of node K" },
		{ "memory", 0, OPT_STRINGS, &w.memory, "[+-]SIZE[@nodeK]",
			"memory, of node K; repeatable" },
		RFM_WAIT(&w), RFM_FORCE(&z),
		{ "preempt", 0, OPT_FLAG, &z.preempt, NULL,
			"take CPUs from subOSes of lower priority, if need be" },
		RFM_DRY_RUN(&z.dry_run), RFM_JSON(r), RFM_END
	};
	struct rfm_words words;
	int ret = rfm_parse(r, argc, argv, opts, resize_synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_one_name(r, &words, &z.name);
	return ret ?: rfm_resize(r, &w, &z, rf_resize);
}

int cmd_move(struct rfm *r, int argc, char **argv)
{
	struct rf_resize z = { .cpu_node = RF_NO_NODE, .timeout_ms = -1 };
	struct rfm_resize_words w = { 0 };
	const struct rfm_opt opts[] = {
		RFM_CPUS(&w), RFM_NCPUS(&w), RFM_MEMORY(&w), RFM_WAIT(&w), RFM_FORCE(&z),
		RFM_DRY_RUN(&z.dry_run), RFM_JSON(r), RFM_END
	};
	struct rfm_words words;
	int ret = rfm_parse(r, argc, argv, opts, move_synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_resize_two(r, &words, &z);
	return ret ?: rfm_resize(r, &w, &z, rf_move);
}
