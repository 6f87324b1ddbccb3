// SPDX-License-Identifier: GPL-2.0
/* A change of one named subOS, told in lines or in JSON. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "change.h"

/* --timeout S, if it was given */
int rfm_timeout(struct rfm *r, const char *word, int64_t *ms)
{
	return word ? rf_parse_seconds(r->rf, word, ms) : 0;
}

int rfm_change(struct rfm *r, const struct rfm_change *c, const struct rf_stop *s)
{
	struct rf_subos reply;
	int ret = c->fn(r->rf, s, &reply);

	rfm_warnings(&reply);
	if (ret)
		goto out;
	if (!reply.name[0])
		snprintf(reply.name, sizeof(reply.name), "%s", s->name);
	if (r->json)
		rfm_json_print(rfm_json_change(&reply, s->dry_run));
	else if (reply.nr_cpus || reply.nr_mems)
		rfm_say_change(&reply, s->dry_run ? c->would : c->done);
	else
		printf("%s %s\n", s->name, s->dry_run ? c->would : c->done);
out:
	rf_subos_clear(&reply);
	return ret;
}

/**
 * rfm_change_verb() - all of a verb that changes one named subOS
 * @r: the program
 * @argc: of the words after the verb
 * @argv: the words
 * @c: what it does, with what is told about it
 *
 * Return: 0 or -errno, as the kernel has it.
 */
int rfm_change_verb(struct rfm *r, int argc, char **argv, const struct rfm_change *c)
{
	struct rf_stop s = { .timeout_ms = c->timeout_ms };
	const char *timeout = NULL;
	const struct rfm_opt all[] = {
		{ "timeout", 0, OPT_STRING, &timeout, "S", c->timeout },
		RFM_DRY_RUN(&s.dry_run), RFM_JSON(r), RFM_END
	};
	struct rfm_words words;
	int ret = rfm_parse(r, argc, argv, c->timeout ? all : all + 1, c->synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_one_name(r, &words, &s.name);
	if (!ret)
		ret = rfm_timeout(r, timeout, &s.timeout_ms);
	return ret ?: rfm_change(r, c, &s);
}
