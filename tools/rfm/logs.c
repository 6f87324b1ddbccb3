// SPDX-License-Identifier: GPL-2.0
/* rfm logs: what the console printed, also of a subOS that is gone */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/rainforest_console.h>

#include "rfm.h"

static const char synopsis[] =
	"[OPTION]... NAME\n\n"
	"Prints what a subOS's console printed and the ring has kept. Of a destroyed one,\n"
	"the last console of that name. --previous: only what the life printed that ended\n"
	"last; of one that runs, the life before.";

struct text {
	char *v;
	size_t n, room;
};

#define KEPT_MAX (1u << 20)	/* more than the kernel keeps; who floods his console is cut off */

/* All that is there now */
static int read_kept(struct rfm *r, int fd, struct text *t)
{
	ssize_t n;

	while (t->n < KEPT_MAX) {
		if (t->room - t->n < 4096) {
			size_t room = t->room ? 2 * t->room : 1 << 16;
			char *v = realloc(t->v, room);

			if (!v)
				return rf_error(r->rf, -ENOMEM, "out of memory");
			t->v = v;
			t->room = room;
		}
		n = read(fd, t->v + t->n, t->room - t->n);
		if (n > 0)
			t->n += n;
		else if (!n || errno == EAGAIN)
			return 0;
		else if (errno != EINTR)
			return rf_error(r->rf, -errno, "console: %s", strerror(errno));
	}
	return 0;
}

/* A console ends its lines with CR LF; a log ends them with LF */
static size_t without_cr(char *v, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++)
		if (v[i] != '\r' || (i + 1 < n && v[i + 1] != '\n' && v[i + 1] != '\r'))
			v[out++] = v[i];
	return out;
}

static const char *tail(const struct text *t, uint64_t lines)
{
	const char *p = t->v + t->n;

	if (p > t->v && p[-1] == '\n')
		p--;
	for (; p > t->v; p--)
		if (p[-1] == '\n' && !--lines)
			break;
	return p;
}

static int follow(struct rfm *r, int fd)
{
	struct pollfd p[2] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = STDOUT_FILENO },	/* POLLERR: its reader has left */
	};
	char buf[1 << 14];
	ssize_t n;

	for (;;) {
		n = read(fd, buf, sizeof(buf));
		if (!n)
			return 0;
		if (n < 0 && errno == EAGAIN) {
			if (poll(p, 2, -1) < 0 && errno != EINTR)
				return rf_error(r->rf, -errno, "console: %s", strerror(errno));
			if (p[1].revents & (POLLERR | POLLNVAL))
				return 0;
			continue;
		}
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return rf_error(r->rf, -errno, "console: %s", strerror(errno));
		}
		n = without_cr(buf, n);
		if (fwrite(buf, 1, n, stdout) != (size_t)n || fflush(stdout))
			return rfm_unread(r);
	}
}

static int logs(struct rfm *r, const char *name, unsigned int flags, const char *word)
{
	struct text t = { 0 };
	uint64_t lost, lines = 0;
	const char *from;
	int fd, ret;
	size_t n;

	if (word) {
		ret = rf_parse_count(r->rf, word, &lines);
		if (ret)
			return ret;
	}
	fd = rf_attach(r->rf, name, RF_STREAM_CONSOLE, RF_ATTACH_LAST | flags, &lost);
	if (fd < 0)
		return fd;
	ret = read_kept(r, fd, &t);
	if (ret)
		goto out;
	t.n = without_cr(t.v, t.n);
	from = !word ? t.v : lines ? tail(&t, lines) : t.v + t.n;
	if (r->json) {
		struct json_object *o = json_object_new_object();

		rfm_put(o, "name", json_object_new_string(name));
		rfm_put(o, "lost", json_object_new_uint64(lost));
		rfm_put(o, "text", rfm_json_text(from, t.v + t.n - from));
		rfm_json_print(o);
		goto out;
	}
	if (lost && !word)
		rfm_warn("the first %lu bytes are lost", lost);
	n = t.v + t.n - from;
	if (fwrite(from, 1, n, stdout) != n || fflush(stdout))
		ret = rfm_unread(r);
	else if (flags & RF_ATTACH_FOLLOW)
		ret = follow(r, fd);
out:
	free(t.v);
	close(fd);
	return ret;
}

int cmd_logs(struct rfm *r, int argc, char **argv)
{
	const char *name, *lines = NULL;
	bool on = false, previous = false;
	const struct rfm_opt opts[] = {
		{ "follow", 'f', OPT_FLAG, &on, NULL, "go on until the subOS is destroyed" },
		{ "previous", 'p', OPT_FLAG, &previous, NULL, "of the life that ended last only" },
		{ "tail", 'n', OPT_STRING, &lines, "N", "the last N lines only" },
		RFM_JSON(r), RFM_END
	};
	struct rfm_words words;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	if (on && r->json)
		return rf_error(r->rf, -EINVAL, "--follow and --json exclude each other");
	if (on && previous)
		return rf_error(r->rf, -EINVAL,
				"--follow and --previous exclude each other: that life is over");
	return rfm_one_name(r, &words, &name) ?:
	       logs(r, name, (on ? RF_ATTACH_FOLLOW : 0) | (previous ? RF_ATTACH_PREVIOUS : 0),
		    lines);
}
