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
