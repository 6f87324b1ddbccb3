// SPDX-License-Identifier: GPL-2.0
/* rfm create: reserve CPUs and memory, and load */
#include <errno.h>
#include <stdlib.h>

#include "rfm.h"

static const char synopsis[] =
	"NAME [OPTION]... [-- COMMAND [ARG]...]\n\n"
	"Reserves CPUs and memory for a new subOS and loads a kernel; `rfm start NAME`\n"
	"boots it. The command is what its PID 1 runs; with --bin, the program's arguments.";

static int create(struct rfm *r, struct rfm_make *m)
{
	struct rf_subos made;
	int ret = rfm_make(r, m, &made);

	rf_lock_drop(m->name, m->lock, m->stale && ret == -EEXIST);
	if (ret)
		return ret;
	if (r->json) {
		struct json_object *o = rfm_json_change(&made, m->dry_run);

		rfm_put(o, "notes", m->notes ? json_object_get(m->notes) : json_object_new_array());
		rfm_json_print(o);
	} else if (m->dry_run) {
		rfm_say_dry_create(&made);
	} else {
		rfm_say_change(&made, "created");
	}
	rf_subos_clear(&made);
	return 0;
}

int cmd_create(struct rfm *r, int argc, char **argv)
{
	struct rfm_make m = { 0 };
	const char *file = NULL;
	const struct rfm_opt more[] = {
		{ "file", 'f', OPT_STRING, &file, "FILE",
			"take what is not said here from FILE, or of a NAME from\n"
			"                               " RF_CONFIG_DIR "/NAME.conf" },
		RFM_DRY_RUN(&m.dry_run), RFM_JSON(r), RFM_END
	};
	struct rfm_opt opts[RFM_MAKE_OPTS + ARRAY_SIZE(more)];
	struct rfm_words words;
	int ret;

	rfm_make_opts(&m, opts, more);
	ret = rfm_parse(r, argc, argv, opts, synopsis, &words);
	if (ret) {
		ret = ret > 0 ? 0 : ret;
		goto out;
	}
	if (words.n > 1 || (words.n && m.name)) {
		ret = rf_error(r->rf, -EINVAL,
			       "one name only: \"%s\" is too much (a command goes after --)",
			       words.v[words.n - 1]);
		goto out;
	}
	if (words.n)
		m.name = words.v[0];
	m.argv = words.rest;
	m.argc = words.n_rest;
	ret = file ? rfm_config_load(r, file, &m) : 0;
	if (ret)
		goto out;
	if (!m.name) {
		ret = rf_error(r->rf, -EINVAL, "what shall it be called? A name is needed");
		goto out;
	}
	ret = rf_parse_new_name(r->rf, m.name);
	if (ret)
		goto out;
	ret = create(r, &m);
out:
	rfm_make_clear(&m);
	return ret;
}
