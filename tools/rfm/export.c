// SPDX-License-Identifier: GPL-2.0
/* rfm export: the file that create -f makes such a subOS of */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rfm.h"

static const char synopsis[] =
	"NAME [OPTION]...\n\n"
	"Writes what a subOS is made of: the CPUs and the memory that it owns now, and the\n"
	"content as it was given to create or run; see rfm.conf(5). Only root may.";

/* "256M@node1": one text a node, as it is on the command line */
static void each_memory(const struct rf_subos *s, void (*put)(void *ctx, const char *text),
			void *ctx)
{
	for (size_t i = 0; i < s->nr_mems; i++) {
		char size[24], text[48];
		uint64_t bytes = 0;
		size_t j;

		for (j = 0; j < i && s->mem[j].node != s->mem[i].node; j++)
			;
		if (j < i)
			continue;
		for (j = i; j < s->nr_mems; j++)
			if (s->mem[j].node == s->mem[i].node)
				bytes += s->mem[j].size;
		rf_size_text(bytes, size, sizeof(size));
		snprintf(text, sizeof(text), s->mem[i].node == RF_NO_NODE ? "%s" : "%s@node%d",
			 size, s->mem[i].node);
		put(ctx, text);
	}
}

static void put_memory(void *ctx, const char *text)
{
	rf_config_put(ctx, "memory", text);
}

static void add_memory(void *ctx, const char *text)
{
	json_object_array_add(ctx, json_object_new_string(text));
}

static void print(const struct rf_subos *s, const struct rf_config *c, const char *cpus)
{
	const char *section = "subos";

	printf("[subos]\n");
	rf_config_put(stdout, "name", s->name);
	rf_config_put(stdout, "cpus", cpus);
	each_memory(s, put_memory, stdout);
	for (size_t i = 0; i < c->n; i++) {
		const struct rf_config_key *key = c->entry[i].key;

		if (rfm_config_of_grant(key))
			continue;
		if (strcmp(section, key->section))
			printf("\n[%s]\n", key->section);
		section = key->section;
		rf_config_put(stdout, key->name, c->entry[i].value);
	}
	if (!s->config)
		printf("\n# no content is known: rfm has not loaded it, or its words were too long\n");
}

static struct json_object *section_of(struct json_object *o, const char *name)
{
	struct json_object *section;

	if (!json_object_object_get_ex(o, name, &section)) {
		section = json_object_new_object();
		rfm_put(o, name, section);
	}
	return section;
}

static void print_json(const struct rf_subos *s, const struct rf_config *c, const char *cpus)
{
	struct json_object *o = json_object_new_object(), *in = section_of(o, "subos"), *a;

	rfm_put(in, "name", json_object_new_string(s->name));
	rfm_put(in, "cpus", json_object_new_string(cpus));
	a = json_object_new_array();
	each_memory(s, add_memory, a);
	rfm_put(in, "memory", a);
	for (size_t i = 0; i < c->n; i++) {
		const struct rf_config_key *key = c->entry[i].key;
		const char *v = c->entry[i].value;
		struct json_object *value = rfm_json_text(v, strlen(v));

		if (rfm_config_of_grant(key)) {
			json_object_put(value);
			continue;
		}
		in = section_of(o, key->section);
		if (!key->many) {
			rfm_put(in, key->name, key->yes ? json_object_new_boolean(v[0] == 'y') :
				json_object_get(value));
			json_object_put(value);
			continue;
		}
		if (!json_object_object_get_ex(in, key->name, &a)) {
			a = json_object_new_array();
			rfm_put(in, key->name, a);
		}
		json_object_array_add(a, value);
	}
	rfm_json_print(o);
}

int cmd_export(struct rfm *r, int argc, char **argv)
{
	const struct rfm_opt opts[] = { RFM_JSON(r), RFM_END };
	struct rf_config config = { 0 };
	struct rfm_words words;
	struct rf_subos s;
	const char *name;
	char *cpus;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_one_name(r, &words, &name) ?: rf_subos_get(r->rf, name, &s);
	if (ret)
		return ret;
	if (s.config)
		ret = rf_config_parse(r->rf, s.name, s.config, rfm_config_keys, &config);
	cpus = ret ? NULL : rf_cpus_text(s.cpu, s.nr_cpus);
	if (!ret && !cpus)
		ret = rf_error(r->rf, -ENOMEM, "out of memory");
	if (!ret && r->json)
		print_json(&s, &config, cpus);
	else if (!ret)
		print(&s, &config, cpus);
	if (!ret && !s.config)
		rfm_warn("the content of %s is not known%s", name,
			 geteuid() ? ": only root is told" : "");
	free(cpus);
	rf_config_clear(&config);
	rf_subos_clear(&s);
	return ret;
}
