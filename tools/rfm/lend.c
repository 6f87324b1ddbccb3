// SPDX-License-Identifier: GPL-2.0
/* rfm lend: CPUs or memory of one running subOS to another, for a term */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "change.h"

static const char synopsis[] =
	"FROM TO --term S [OPTION]...\n"
	"       rfm lend --list\n"
	"       rfm lend --recall ID\n\n"
	"Lends CPUs or memory of one running subOS to another. When the term is over they\n"
	"go back by themselves: to the lender, or, if he has ended, to the supervisor.";

static struct json_object *json(const struct rf_lease *l)
{
	struct json_object *o = json_object_new_object();

	rfm_put(o, "id", json_object_new_int64(l->id));
	rfm_put(o, "from", json_object_new_string(l->from));
	rfm_put(o, "to", json_object_new_string(l->to));
	rfm_put(o, "cpus", rfm_json_cpus(l->cpu, l->nr_cpus));
	rfm_put(o, "memory", rfm_json_memory(l->mem, l->nr_mems));
	rfm_put(o, "left_ms", json_object_new_uint64(l->left_ms));
	rfm_put(o, "tries", json_object_new_int64(l->tries));
	return o;
}

static void say(const struct rf_lease *l, const char *what)
{
	char *cpus = rf_cpus_text(l->cpu, l->nr_cpus);
	char *memory = rfm_memory_text(l->mem, l->nr_mems);

	printf("lease %u%s: %s to %s: CPUs %s, memory %s, %.1f s left%s\n", l->id, what,
	       l->from, l->to, cpus ?: "?", memory ?: "?",
	       l->left_ms / 1000.0, l->tries ? " (it is not let go)" : "");
	free(cpus);
	free(memory);
}

/* One lease ends now */
static int recall(struct rfm *r, const char *word, bool dry_run)
{
	struct rf_lease *l, *it = NULL;
	uint64_t id;
	size_t n;
	int ret = rf_parse_count(r->rf, word, &id) ?: rf_leases_get(r->rf, &l, &n);

	if (ret)
		return ret;
	for (size_t i = 0; i < n; i++)
		if (l[i].id == id)
			it = &l[i];
	if (!it)
		ret = rf_error(r->rf, -ENOENT, "there is no lease %s: rfm lend --list", word);
	else if (!dry_run)
		ret = rf_lease_recall(r->rf, id);
	if (!ret && r->json) {
		struct json_object *o = json(it);

		rfm_put(o, "dry_run", json_object_new_boolean(dry_run));
		rfm_json_print(o);
	} else if (!ret && dry_run) {
		say(it, " would end");
	}
	rf_leases_free(l, n);
	return ret;
}

static int list(struct rfm *r)
{
	struct rf_lease *l;
	size_t n;
	int ret = rf_leases_get(r->rf, &l, &n);
	struct json_object *all = json_object_new_array();

	for (size_t i = 0; !ret && i < n; i++) {
		json_object_array_add(all, json(&l[i]));
		if (!r->json)
			say(&l[i], "");
	}
	if (!ret && r->json)
		rfm_json_print(json_object_get(all));
	json_object_put(all);
	if (!ret)
		rf_leases_free(l, n);
	return ret;
}

int cmd_lend(struct rfm *r, int argc, char **argv)
{
	struct rf_resize z = { .cpu_node = RF_NO_NODE, .timeout_ms = -1 };
	struct rfm_resize_words w = { 0 };
	const char *term = NULL, *id = NULL;
	bool show = false;
	const struct rfm_opt opts[] = {
		{ "term", 0, OPT_STRING, &term, "S", "seconds until it goes back" },
		RFM_CPUS(&w), RFM_NCPUS(&w), RFM_MEMORY(&w), RFM_WAIT(&w), RFM_FORCE(&z),
		{ "list", 0, OPT_FLAG, &show, NULL, "list the leases" },
		{ "recall", 0, OPT_STRING, &id, "ID", "end a lease now" },
		RFM_DRY_RUN(&z.dry_run), RFM_JSON(r), RFM_END
	};
	struct rfm_words words;
	int64_t ms = 0;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	if (show || id) {
		ret = show && id ? rf_error(r->rf, -EINVAL, "either --list or --recall") :
				   rfm_no_words(r, &words);
		return ret ?: show ? list(r) : recall(r, id, z.dry_run);
	}
	ret = rfm_resize_two(r, &words, &z);
	if (!ret && !term)
		ret = rf_error(r->rf, -EINVAL, "for how long? --term S is needed");
	if (!ret)
		ret = rf_parse_seconds(r->rf, term, &ms);
	if (!ret && !ms)
		ret = rf_error(r->rf, -EINVAL, "a term of 0 s is none");
	z.term_ms = ms;
	return ret ?: rfm_resize(r, &w, &z, rf_lend);
}
