// SPDX-License-Identifier: GPL-2.0
/* rfm channel: the channels between kernels */
#include <errno.h>
#include <linux/rainforest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rfm.h"

static const char synopsis[] =
	"list | stat [NAME] | connect A B | disconnect A B | tune [NAME] [OPTION]...\n\n"
	"Lists the channels by which kernels send each other messages, tells what went\n"
	"through them, makes and closes those between two subOSes, and sets where and how\n"
	"the supervisor, or a subOS, takes its doorbells. Without an option tune only tells.";

struct args {
	const char *core, *priority, *poll;
};

static const char *state(const struct rf_channel *ch)
{
	static const char * const names[] = {
		[RAINFOREST_CHANNEL_STATE_TOLD] = "opening",
		[RAINFOREST_CHANNEL_STATE_OPEN] = "open",
		[RAINFOREST_CHANNEL_STATE_LEAVING] = "closing",
		[RAINFOREST_CHANNEL_STATE_CLOSED] = "closed",
	};

	return ch->state < ARRAY_SIZE(names) ? names[ch->state] : "?";
}

static const char *peer(const struct rf_channel *ch)
{
	return ch->peer[0] ? ch->peer : "(supervisor)";
}

static const char * const refused[RF_REFUSALS] = {
	"sequence", "bounds", "service", "tail", "bell", "content",
};

static struct json_object *json(const struct rf_channel *ch, bool stat)
{
	struct json_object *o = json_object_new_object(), *why;

	rfm_put(o, "name", json_object_new_string(ch->name));
	rfm_put(o, "peer", ch->peer[0] ? json_object_new_string(ch->peer) : NULL);
	rfm_put(o, "state", json_object_new_string(state(ch)));
	rfm_put(o, "generation", json_object_new_uint64(ch->generation));
	rfm_put(o, "slots", json_object_new_int64(ch->slots));
	rfm_put(o, "sent", json_object_new_uint64(ch->sent));
	rfm_put(o, "received", json_object_new_uint64(ch->received));
	if (!stat || !ch->counted)
		return o;
	rfm_put(o, "irq", json_object_new_uint64(ch->irq));
	rfm_put(o, "full", json_object_new_uint64(ch->full));
	rfm_put(o, "rings", json_object_new_uint64(ch->rings));
	rfm_put(o, "room_rings", json_object_new_uint64(ch->room_rings));
	rfm_put(o, "throttled", json_object_new_uint64(ch->throttled));
	rfm_put(o, "dropped", json_object_new_uint64(ch->dropped));
	rfm_put(o, "late", json_object_new_uint64(ch->late));
	why = json_object_new_object();
	for (size_t i = 0; i < RF_REFUSALS; i++)
		rfm_put(why, refused[i], json_object_new_uint64(ch->refused[i]));
	rfm_put(o, "refused", why);
	return o;
}

static void print_list(const struct rf_channel *list, size_t n)
{
	int name = 4, other = 12;

	for (size_t i = 0; i < n; i++) {
		int w = strlen(list[i].name);

		name = w > name ? w : name;
		w = strlen(peer(&list[i]));
		other = w > other ? w : other;
	}
	printf("%-*s  %-*s  %-7s  %12s  %12s\n", name, "NAME", other, "PEER", "STATE",
	       "TO NAME", "FROM NAME");
	for (size_t i = 0; i < n; i++)
		printf("%-*s  %-*s  %-7s  %12llu  %12llu\n", name, list[i].name,
		       other, peer(&list[i]), state(&list[i]), (unsigned long long)list[i].sent,
		       (unsigned long long)list[i].received);
}

static void line(const char *what, uint64_t n)
{
	printf("  %-44s %llu\n", what, (unsigned long long)n);
}

static void print_stat(const struct rf_channel *ch)
{
	printf("%s - %s: %s, generation %llu, %u slots\n", ch->name, peer(ch), state(ch),
	       (unsigned long long)ch->generation, ch->slots);
	line("messages to it", ch->sent);
	line("messages from it", ch->received);
	if (!ch->counted)
		return;
	line("  of these in hard interrupt", ch->irq);
	line("sends that found no room", ch->full);
	line("doorbells sent for messages", ch->rings);
	line("doorbells sent for room", ch->room_rings);
	line("reading stopped for a slow service", ch->throttled);
	line("dropped", ch->dropped);
	line("late: no doorbell told of them", ch->late);
	for (size_t i = 0; i < RF_REFUSALS; i++) {
		char what[32];

		snprintf(what, sizeof(what), "refused: %s", refused[i]);
		line(what, ch->refused[i]);
	}
}

/* All, or those of @name; as a table, or all that is known */
static int show(struct rfm *r, const char *name, bool stat)
{
	struct json_object *a = r->json ? json_object_new_array() : NULL;
	struct rf_channel *list;
	size_t n, kept = 0;
	int ret = rf_channels_get(r->rf, &list, &n);

	if (ret) {
		json_object_put(a);
		return ret;
	}
	for (size_t i = 0; i < n; i++)
		if (!name || !strcmp(list[i].name, name) || !strcmp(list[i].peer, name))
			list[kept++] = list[i];
	for (size_t i = 0; i < kept; i++) {
		if (r->json)
			json_object_array_add(a, json(&list[i], stat));
		else if (stat)
			print_stat(&list[i]);
	}
	if (name && !kept)
		ret = rf_error(r->rf, -ENOENT, "%s has no channel: see rfm channel list", name);
	else if (r->json)
		rfm_json_print(json_object_get(a));
	else if (!stat)
		print_list(list, kept);
	json_object_put(a);
	free(list);
	return ret;
}

static int number(struct rfm *r, const char *option, const char *word, int64_t *v)
{
	uint64_t n;
	int ret;

	*v = -1;
	if (!word)
		return 0;
	if (!strcmp(word, "0")) {
		*v = 0;
		return 0;
	}
	ret = rf_parse_count(r->rf, word, &n);
	if (!ret && n > INT32_MAX)
		ret = rf_error(r->rf, -EINVAL, "--%s %s is too large", option, word);
	*v = n;
	return ret;
}

static int tune(struct rfm *r, const struct args *args, const char *name)
{
	struct rf_tune t = { .name = name };
	int ret = name ? rf_parse_name(r->rf, name) : 0;

	if (ret)
		return ret;
	ret = number(r, "core", args->core, &t.core) ?:
	      number(r, "priority", args->priority, &t.priority) ?:
	      number(r, "poll", args->poll, &t.poll_us);
	ret = ret ?: rf_channel_tune(r->rf, &t);
	if (ret)
		return ret;
	if (r->json) {
		struct json_object *o = json_object_new_object();

		rfm_put(o, "core", json_object_new_int64(t.core));
		rfm_put(o, "priority", json_object_new_int64(t.priority));
		rfm_put(o, "poll_us", json_object_new_int64(t.poll_us));
		rfm_put(o, "moves", json_object_new_uint64(t.moves));
		rfm_json_print(o);
	} else {
		printf("doorbells go to CPU %lld (moved %llu times); threads: priority %lld, polling %lld us\n",
		       (long long)t.core, (unsigned long long)t.moves, (long long)t.priority,
		       (long long)t.poll_us);
	}
	return 0;
}

static int two(struct rfm *r, const struct rfm_words *w,
	       int (*act)(struct rf *rf, const char *a, const char *b))
{
	int ret;

	if (w->n != 3)
		return rf_error(r->rf, -EINVAL, "%s needs the names of two subOSes", w->v[0]);
	ret = rf_parse_name(r->rf, w->v[1]) ?: rf_parse_name(r->rf, w->v[2]);
	if (!ret)
		ret = act(r->rf, w->v[1], w->v[2]);
	if (!ret && r->json) {
		struct json_object *o = json_object_new_object();

		rfm_put(o, "name", json_object_new_string(w->v[1]));
		rfm_put(o, "peer", json_object_new_string(w->v[2]));
		rfm_put(o, "connected", json_object_new_boolean(act == rf_channel_connect));
		rfm_json_print(o);
	}
	return ret;
}

static int too_much(struct rfm *r, const struct rfm_words *w, size_t most)
{
	if (w->n > most)
		return rf_error(r->rf, -EINVAL, "\"%s\" is too much", w->v[most]);
	return 0;
}

int cmd_channel(struct rfm *r, int argc, char **argv)
{
	struct args args = { 0 };
	const struct rfm_opt opts[] = {
		{ "core", 0, OPT_STRING, &args.core, "CPU",
		  "tune: the CPU that takes doorbells" },
		{ "priority", 0, OPT_STRING, &args.priority, "N",
		  "tune: of the two threads, SCHED_FIFO, 1 to 98" },
		{ "poll", 0, OPT_STRING, &args.poll, "US",
		  "tune: microseconds to poll after a message" },
		RFM_JSON(r), RFM_END
	};
	struct rfm_words w;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &w);

	if (ret)
		return ret > 0 ? 0 : ret;
	if (!w.n || w.n_rest)
		return rf_error(r->rf, -EINVAL, "list, stat, connect, disconnect or tune?");
	if ((args.core || args.priority || args.poll) && strcmp(w.v[0], "tune"))
		return rf_error(r->rf, -EINVAL, "--core, --priority and --poll go with tune");
	if (!strcmp(w.v[0], "list"))
		return too_much(r, &w, 1) ?: show(r, NULL, false);
	if (!strcmp(w.v[0], "stat"))
		return too_much(r, &w, 2) ?: show(r, w.n > 1 ? w.v[1] : NULL, true);
	if (!strcmp(w.v[0], "connect"))
		return two(r, &w, rf_channel_connect);
	if (!strcmp(w.v[0], "disconnect"))
		return two(r, &w, rf_channel_disconnect);
	if (!strcmp(w.v[0], "tune"))
		return too_much(r, &w, 2) ?: tune(r, &args, w.n > 1 ? w.v[1] : NULL);
	return rf_error(r->rf, -EINVAL, "\"%s\": list, stat, connect, disconnect or tune", w.v[0]);
}
