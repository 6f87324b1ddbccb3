// SPDX-License-Identifier: GPL-2.0
/* A file of one subOS in place of options, and options as such a file */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rfm.h"

/* The keys are the long options; see rfm.conf(5) */
const struct rf_config_key rfm_config_keys[] = {
	{ .section = "subos", .name = "name" },
	{ .section = "subos", .name = "cpus" },
	{ .section = "subos", .name = "ncpus" },
	{ .section = "subos", .name = "memory", .many = true },
	{ .section = "subos", .name = "exact", .yes = true },
	{ .section = "subos", .name = "min-cpus" },
	{ .section = "subos", .name = "priority" },
	{ .section = "subos", .name = "on-crash" },
	{ .section = "subos", .name = "restart-limit" },
	{ .section = "subos", .name = "restart-delay" },
	{ .section = "content", .name = "kernel", .path = true },
	{ .section = "content", .name = "initrd", .path = true },
	{ .section = "content", .name = "rootfs", .path = true },
	{ .section = "content", .name = "bin", .path = true },
	{ .section = "content", .name = "include", .path = true, .many = true },
	{ .section = "content", .name = "init" },
	{ .section = "content", .name = "hostname" },
	{ .section = "content", .name = "ip", .many = true },
	{ .section = "content", .name = "append", .many = true },
	{ .section = "command", .name = "arg", .many = true },
	{ .name = NULL }
};

/* Where the value of a key goes, in the order above; what excludes each other
 * on the command line is one group, and given there it silences the file's
 */
enum group { ALONE, CPUS, CONTENT, COMMAND };

static const struct field {
	size_t at;
	enum rfm_opt_kind kind;
	enum group group;
} fields[] = {
	{ offsetof(struct rfm_make, name), OPT_STRING, ALONE },
	{ offsetof(struct rfm_make, cpus), OPT_STRING, CPUS },
	{ offsetof(struct rfm_make, ncpus), OPT_STRING, CPUS },
	{ offsetof(struct rfm_make, memory), OPT_STRINGS, ALONE },
	{ offsetof(struct rfm_make, exact), OPT_FLAG, ALONE },
	{ offsetof(struct rfm_make, min_cpus), OPT_STRING, ALONE },
	{ offsetof(struct rfm_make, priority), OPT_STRING, ALONE },
	{ offsetof(struct rfm_make, on_crash), OPT_STRING, ALONE },
	{ offsetof(struct rfm_make, restart_limit), OPT_STRING, ALONE },
	{ offsetof(struct rfm_make, restart_delay), OPT_STRING, ALONE },
	{ offsetof(struct rfm_make, kernel), OPT_STRING, ALONE },
	{ offsetof(struct rfm_make, initrd), OPT_STRING, CONTENT },
	{ offsetof(struct rfm_make, rootfs), OPT_STRING, CONTENT },
	{ offsetof(struct rfm_make, bin), OPT_STRING, CONTENT },
	{ offsetof(struct rfm_make, include), OPT_STRINGS, CONTENT },
	{ offsetof(struct rfm_make, init), OPT_STRING, COMMAND },
	{ offsetof(struct rfm_make, hostname), OPT_STRING, ALONE },
	{ offsetof(struct rfm_make, ip), OPT_STRINGS, ALONE },
	{ offsetof(struct rfm_make, append), OPT_STRINGS, ALONE },
	{ offsetof(struct rfm_make, args), OPT_STRINGS, COMMAND },
};

_Static_assert(ARRAY_SIZE(fields) == RFM_MAKE_OPTS + 1, "a key for each option, and arg");
_Static_assert(ARRAY_SIZE(fields) + 1 == ARRAY_SIZE(rfm_config_keys), "a place for each key");

static const void *place(const struct rfm_make *m, const struct field *f)
{
	return (const char *)m + f->at;
}

static bool given(const struct rfm_make *m, const struct field *f)
{
	switch (f->kind) {
	case OPT_FLAG:
		return *(const bool *)place(m, f);
	case OPT_STRING:
		return *(const char *const *)place(m, f);
	case OPT_STRINGS:
		return ((const struct rfm_strings *)place(m, f))->n;
	}
	return false;
}

static int merge_one(struct rfm_make *m, const struct field *f, const struct rf_config_entry *e)
{
	struct rfm_strings *list = (struct rfm_strings *)place(m, f);
	const char **v;

	switch (f->kind) {
	case OPT_FLAG:
		*(bool *)place(m, f) = !strcmp(e->value, "yes");
		return 0;
	case OPT_STRING:
		*(const char **)place(m, f) = e->value;
		return 0;
	case OPT_STRINGS:
		v = reallocarray(list->v, list->n + 1, sizeof(*v));
		if (!v)
			return -ENOMEM;
		list->v = v;
		list->v[list->n++] = e->value;
	}
	return 0;
}

/* "web" from ".../web.conf", to be freed with the entries */
static char *name_of(const char *path)
{
	const char *base = strrchr(path, '/');
	char *name = strdup(base ? base + 1 : path), *dot = name ? strrchr(name, '.') : NULL;

	if (dot && !strcmp(dot, ".conf"))
		*dot = 0;
	return name;
}

/**
 * rfm_config_load() - take from a file what the command line left open
 * @r: the program
 * @word: a path; or a name, then of the folder for them
 * @m: what the options say; argv and argc are set
 *
 * Return: 0 or -errno.
 */
int rfm_config_load(struct rfm *r, const char *word, struct rfm_make *m)
{
	const char *dir = getenv("RF_CONFIG_DIR") ?: RF_CONFIG_DIR;
	bool silent[ARRAY_SIZE(fields)], silenced[COMMAND + 1] = { false };
	const char *dot = strrchr(word, '.');
	char *path = NULL;
	int ret;

	if (strchr(word, '/') || (dot && !strcmp(dot, ".conf")))
		path = strdup(word);
	else if (asprintf(&path, "%s/%s.conf", dir, word) < 0)
		path = NULL;
	if (!path)
		return rf_error(r->rf, -ENOMEM, "out of memory");
	ret = rf_config_read(r->rf, path, rfm_config_keys, &m->config);
	if (ret)
		goto out;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		silenced[fields[i].group] |= given(m, &fields[i]);
		silent[i] = given(m, &fields[i]);
	}
	/* a command is of its content */
	silenced[COMMAND] |= m->argc || silenced[CONTENT];
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		silent[i] |= fields[i].group && silenced[fields[i].group];
	for (size_t i = 0; i < m->config.n && !ret; i++) {
		size_t n = m->config.entry[i].key - rfm_config_keys;

		if (!silent[n])
			ret = merge_one(m, &fields[n], &m->config.entry[i]);
	}
	if (!ret && m->args.n) {
		m->argv = m->args.v;
		m->argc = m->args.n;
	}
	if (!ret && !m->name)
		m->file_name = name_of(path);
	if (!m->name)
		m->name = m->file_name;
	if (ret || !m->name)
		ret = rf_error(r->rf, -ENOMEM, "out of memory");
out:
	free(path);
	return ret;
}

static void put_path(FILE *f, const char *name, const char *value)
{
	char *cwd = value[0] == '/' ? NULL : getcwd(NULL, 0), *full = NULL;

	if (cwd && asprintf(&full, "%s/%s", cwd, value) < 0)
		full = NULL;
	rf_config_put(f, name, full ?: value);
	free(full);
	free(cwd);
}

/**
 * rfm_config_text() - what the options say, as a file
 * @m: the options
 *
 * Return: the text, to free(); NULL when it is too long to keep.
 */
char *rfm_config_text(const struct rfm_make *m)
{
	const char *section = "";
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct rf_config_key *key = &rfm_config_keys[i];
		const struct rfm_strings *list = place(m, &fields[i]);
		const struct rfm_strings argv = { m->argv, m->argc };
		void (*put)(FILE *f, const char *name, const char *value) =
			key->path ? put_path : rf_config_put;

		if (fields[i].at == offsetof(struct rfm_make, args))
			list = &argv;
		else if (!given(m, &fields[i]))
			continue;
		if (fields[i].kind == OPT_STRINGS && !list->n)
			continue;
		if (strcmp(section, key->section))
			fprintf(f, "%s[%s]\n", section[0] ? "\n" : "", key->section);
		section = key->section;
		if (fields[i].kind == OPT_FLAG)
			fprintf(f, "%s = yes\n", key->name);
		else if (fields[i].kind == OPT_STRING)
			put(f, key->name, *(const char *const *)place(m, &fields[i]));
		for (size_t j = 0; fields[i].kind == OPT_STRINGS && j < list->n; j++)
			put(f, key->name, list->v[j]);
	}
	if (fclose(f) || len > RF_CONFIG_MAX) {
		free(text);
		return NULL;
	}
	return text;
}

/* Is it about CPUs and memory, which may have changed since? */
bool rfm_config_of_grant(const struct rf_config_key *key)
{
	const struct field *f = &fields[key - rfm_config_keys];

	return f->group == CPUS || f->at == offsetof(struct rfm_make, memory) ||
	       f->at == offsetof(struct rfm_make, name);
}
