// SPDX-License-Identifier: GPL-2.0
/*
 * Options. getopt_long() takes any unambiguous beginning of a word; here a
 * word is known or an error, so that no script depends on a guess.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rfm.h"

static void help(const char *verb, const struct rfm_opt *opts, const char *synopsis)
{
	char left[48];

	printf("usage: rfm %s %s\n\n", verb, synopsis);
	for (; opts->name; opts++) {
		if (opts->letter)
			snprintf(left, sizeof(left), "-%c, --%s%s%s", opts->letter, opts->name,
				 opts->arg ? " " : "", opts->arg ?: "");
		else
			snprintf(left, sizeof(left), "    --%s%s%s", opts->name,
				 opts->arg ? " " : "", opts->arg ?: "");
		printf("  %-28s %s\n", left, opts->help);
	}
	printf("  %-28s %s\n", "-h, --help", "this text");
}

static const struct rfm_opt *find(const struct rfm_opt *opts, const char *word, size_t len)
{
	for (; opts->name; opts++) {
		if (word[1] == '-' && strlen(opts->name) == len - 2 &&
		    !memcmp(opts->name, word + 2, len - 2))
			return opts;
		if (word[1] != '-' && opts->letter == word[1] && len == 2)
			return opts;
	}
	return NULL;
}

static int set(struct rfm *r, const struct rfm_opt *o, const char *value)
{
	struct rfm_strings *list = o->value;
	const char **string = o->value;

	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)o->value = true;
		return 0;
	case OPT_STRING:
		if (*string)
			return rf_error(r->rf, -EINVAL, "--%s is given twice", o->name);
		*string = value;
		return 0;
	case OPT_STRINGS:
		list->v = reallocarray(list->v, list->n + 1, sizeof(*list->v));
		if (!list->v)
			return rf_error(r->rf, -ENOMEM, "out of memory");
		list->v[list->n++] = value;
		return 0;
	}
	return 0;
}

/**
 * rfm_parse() - take the options out of a command line
 * @r: the program
 * @argc: words, the verb among them
 * @argv: the verb comes first; reordered
 * @opts: what is known
 * @synopsis: for the help
 * @words: what is left, in @argv's memory
 *
 * Return: 0; 1 when help was asked for and printed; -EINVAL.
 */
int rfm_parse(struct rfm *r, int argc, char **argv, const struct rfm_opt *opts,
	      const char *synopsis, struct rfm_words *words)
{
	const char *verb = argv[0];
	int i, ret;

	memset(words, 0, sizeof(*words));
	words->v = (const char **)argv;
	for (i = 1; i < argc; i++) {
		const char *word = argv[i], *eq, *value = NULL;
		const struct rfm_opt *o;

		if (word[0] != '-' || !word[1]) {
			words->v[words->n++] = word;
			continue;
		}
		if (!strcmp(word, "--")) {
			words->rest = (const char **)&argv[i + 1];
			words->n_rest = argc - i - 1;
			break;
		}
		if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
			help(verb, opts, synopsis);
			return 1;
		}
		eq = word[1] == '-' ? strchr(word, '=') : NULL;
		o = find(opts, word, eq ? (size_t)(eq - word) : strlen(word));
		if (!o)
			return rf_error(r->rf, -EINVAL, "unknown option \"%s\": see rfm %s --help",
					word, verb);
		if (o->kind == OPT_FLAG) {
			if (eq)
				return rf_error(r->rf, -EINVAL, "--%s takes no value", o->name);
		} else if (eq) {
			value = eq + 1;
		} else if (i + 1 < argc) {
			value = argv[++i];
		} else {
			return rf_error(r->rf, -EINVAL, "--%s needs a value: %s", o->name, o->arg);
		}
		ret = set(r, o, value);
		if (ret)
			return ret;
	}
	return 0;
}

int rfm_no_words(struct rfm *r, const struct rfm_words *words)
{
	if (words->n || words->n_rest)
		return rf_error(r->rf, -EINVAL, "\"%s\" is too much",
				words->n ? words->v[0] : words->rest[0]);
	return 0;
}

int rfm_one_name(struct rfm *r, const struct rfm_words *words, const char **name)
{
	if (words->n_rest)
		return rf_error(r->rf, -EINVAL, "nothing may follow --");
	if (!words->n)
		return rf_error(r->rf, -EINVAL, "which subOS? A name is needed");
	if (words->n > 1)
		return rf_error(r->rf, -EINVAL, "one name only: \"%s\" is too much", words->v[1]);
	*name = words->v[0];
	return rf_parse_name(r->rf, *name);
}
