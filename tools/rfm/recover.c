// SPDX-License-Identifier: GPL-2.0
/* rfm recover: what a killed rfm left behind, and what is in quarantine */
#include <errno.h>
#include <linux/rainforest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rfm.h"

static const char synopsis[] =
	"[OPTION]...\n\n"
	"Destroys subOSes that an interrupted rfm left half made or abandoned, and tries\n"
	"once more to free CPUs and memory in quarantine. Exit code 7: something is left.";

struct result {
	struct json_object *destroyed;
	struct rf_quarantine freed;
	struct rf_quarantine *left;
	size_t nr_left;
	size_t nr_destroyed, nr_failed;
};

/* create never ends in these */
static bool half_made(const struct rf_subos *s)
{
	return s->state == RAINFOREST_STATE_DEFINED || s->state == RAINFOREST_STATE_RESERVED;
}

/*
 * A locked file that nobody holds: its rfm died. Without a file, one that has
 * not got as far as a kernel.
 */
static bool abandoned(const struct rf_subos *s)
{
	int ret = rf_lock_orphan(s->name);

	if (ret == -EACCES)
		rfm_warn("%s: only root can see whether an interrupted rfm left it", s->name);
	if (ret >= 0)
		return ret;
	return ret == -ENOENT && half_made(s);
}

/*
 * Is it still the one that was listed, and abandoned? Context: its name is locked.
 * Return: 1 yes, 0 no, -ENOENT: there is none, or another -errno.
 */
static int still(struct rfm *r, const struct rf_subos *listed, bool stale)
{
	struct rf_subos now;
	int ret = rf_subos_get(r->rf, listed->name, &now);

	if (!ret)
		ret = now.id == listed->id && (stale || half_made(&now));
	rf_subos_clear(&now);
	return ret;
}

/*
 * Holds the lock meanwhile, so that nobody takes the name; removes the file.
 * Return: 1: it is abandoned no more; 0, -errno.
 */
static int destroy(struct rfm *r, const struct rf_subos *listed)
{
	const struct rf_stop s = { .name = listed->name, .timeout_ms = 0, .force = true };
	struct rf_subos gone;
	bool stale;
	int lock, ret;

	lock = rf_lock_take(r->rf, listed->name, &stale);
	if (lock == -EBUSY)
		return 1;
	if (lock < 0)
		return lock;
	/* the list may be old: others before it took their time */
	ret = still(r, listed, stale);
	if (ret <= 0) {
		rf_lock_drop(listed->name, lock, stale && ret != -ENOENT);
		return !ret || ret == -ENOENT ? 1 : ret;
	}
	ret = rf_destroy(r->rf, &s, &gone);
	rfm_warnings(&gone);
	rf_subos_clear(&gone);
	rf_lock_drop(listed->name, lock, stale && ret && ret != -ENOENT && ret != -EUCLEAN);
	return ret == -ENOENT ? 0 : ret;
}

static int orphans(struct rfm *r, bool dry_run, struct result *res)
{
	struct rf_subos *list;
	size_t n;
	int ret = rf_subos_list(r->rf, &list, &n);

	if (ret)
		return ret;
	for (size_t i = 0; i < n; i++) {
		if (!abandoned(&list[i]))
			continue;
		ret = dry_run ? 0 : destroy(r, &list[i]);
		if (ret > 0) {
			ret = 0;
			continue;
		}
		/* no rights: the others would fail as well */
		if (ret == -EPERM || ret == -EACCES)
			break;
		if (ret && ret != -EUCLEAN) {
			fprintf(stderr, "rfm: recover: %s: %s\n", list[i].name,
				rf_strerror(r->rf));
			res->nr_failed++;
			ret = 0;
			continue;
		}
		ret = 0;
		json_object_array_add(res->destroyed, json_object_new_string(list[i].name));
		res->nr_destroyed++;
		if (!r->json)
			rfm_say_change(&list[i], dry_run ?
				       "was left behind and would be destroyed" :
				       "was left behind and is destroyed");
	}
	rf_subos_free(list, n);
	return ret;
}

static void print_json(struct rfm *r, struct result *res, bool dry_run, int err)
{
	struct json_object *o = json_object_new_object();

	rfm_put(o, "dry_run", json_object_new_boolean(dry_run));
	rfm_put(o, "destroyed", json_object_get(res->destroyed));
	rfm_put(o, "recovered_cpus", json_object_new_int64(res->freed.recovered_cpus));
	rfm_put(o, "recovered_bytes", json_object_new_uint64(res->freed.recovered_memory));
	rfm_put(o, "quarantine", rfm_json_quarantine(res->left, res->nr_left));
	rfm_put_failure(r, o, err);
	rfm_json_print(o);
}

static void print(const struct result *res, bool dry_run)
{
	char size[24];

	if (res->freed.recovered_cpus || res->freed.recovered_memory)
		printf("freed from quarantine: %u CPUs, %s of memory\n", res->freed.recovered_cpus,
		       rf_size_text(res->freed.recovered_memory, size, sizeof(size)));
	rfm_say_quarantine(res->left, res->nr_left);
	if (dry_run && res->nr_left)
		printf("would be tried again: the above\n");
	else if (!res->nr_destroyed && !res->nr_left && !res->freed.recovered_cpus &&
		 !res->freed.recovered_memory)
		printf("nothing to recover\n");
}

static int recover(struct rfm *r, bool dry_run, struct result *res)
{
	int ret = orphans(r, dry_run, res);

	if (!ret && !dry_run) {
		ret = rf_recover(r->rf, &res->freed);
		free(res->freed.why);
		free(res->freed.cpu);
		free(res->freed.mem);
		if (ret == -EUCLEAN)
			ret = 0;	/* what is left comes next */
	}
	if (!ret)
		ret = rf_quarantine_list(r->rf, &res->left, &res->nr_left);
	if (ret)
		return ret;
	if (!dry_run && (res->nr_left || res->nr_failed))
		ret = rf_error(r->rf, -EUCLEAN,
			       "%zu things are still in quarantine, %zu subOSes are left",
			       res->nr_left, res->nr_failed);
	if (r->json)
		print_json(r, res, dry_run, ret);
	else
		print(res, dry_run);
	return ret;
}

int cmd_recover(struct rfm *r, int argc, char **argv)
{
	bool dry_run = false;
	const struct rfm_opt opts[] = { RFM_DRY_RUN(&dry_run), RFM_JSON(r), RFM_END };
	struct result res = { 0 };
	struct rfm_words words;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_no_words(r, &words);
	if (ret)
		return ret;
	res.destroyed = json_object_new_array();
	ret = recover(r, dry_run, &res);
	json_object_put(res.destroyed);
	rf_quarantine_free(res.left, res.nr_left);
	return ret;
}
