// SPDX-License-Identifier: GPL-2.0
/* rfm list: the subOSes, and what is in quarantine */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rfm.h"

static const char synopsis[] = "[OPTION]...\n\nLists the subOSes.";

static int by_id(const void *a, const void *b)
{
	const struct rf_subos *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static void print_table(const struct rf_subos *list, size_t n)
{
	int name = 4, cpus = 4, w;

	for (size_t i = 0; i < n; i++) {
		char *text = rf_cpus_text(list[i].cpu, list[i].nr_cpus);

		w = strlen(list[i].name);
		name = w > name ? w : name;
		w = text ? strlen(text) : 0;
		cpus = w > cpus ? w : cpus;
		free(text);
	}
	printf("%-*s  %3s  %-12s  %-*s  %s\n", name, "NAME", "ID", "STATE", cpus, "CPUS", "MEMORY");
	for (size_t i = 0; i < n; i++) {
		char *text = rf_cpus_text(list[i].cpu, list[i].nr_cpus);
		char *memory = rfm_memory_text(list[i].mem, list[i].nr_mems);

		printf("%-*s  %3u  %-12s  %-*s  %s\n", name, list[i].name, list[i].id,
		       rf_state_text(list[i].state), cpus, text ?: "?", memory ?: "?");
		free(text);
		free(memory);
	}
}

static int list_subos(struct rfm *r)
{
	struct rf_quarantine *q;
	struct rf_subos *list;
	size_t n, nq;
	int ret = rf_subos_list(r->rf, &list, &n);

	if (ret)
		return ret;
	if (n)
		qsort(list, n, sizeof(*list), by_id);
	if (r->json) {
		struct json_object *a = json_object_new_array();

		for (size_t i = 0; i < n; i++)
			json_object_array_add(a, rfm_json_subos(&list[i]));
		rfm_json_print(a);
	} else {
		print_table(list, n);
	}
	rf_subos_free(list, n);
	if (r->json)
		return 0;
	ret = rf_quarantine_list(r->rf, &q, &nq);
	if (ret)
		return ret;
	rfm_say_quarantine(q, nq);
	rf_quarantine_free(q, nq);
	return 0;
}

static int list_quarantine(struct rfm *r)
{
	struct rf_quarantine *q;
	size_t n;
	int ret = rf_quarantine_list(r->rf, &q, &n);

	if (ret)
		return ret;
	if (r->json)
		rfm_json_print(rfm_json_quarantine(q, n));
	else if (n)
		rfm_say_quarantine(q, n);
	else
		printf("nothing is in quarantine\n");
	rf_quarantine_free(q, n);
	return 0;
}

int cmd_list(struct rfm *r, int argc, char **argv)
{
	bool quarantine = false;
	const struct rfm_opt opts[] = {
		{ "quarantine", 0, OPT_FLAG, &quarantine, NULL,
			"list what is kept back because it is not proven free" },
		RFM_JSON(r), RFM_END
	};
	struct rfm_words words;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	return rfm_no_words(r, &words) ?: quarantine ? list_quarantine(r) : list_subos(r);
}
