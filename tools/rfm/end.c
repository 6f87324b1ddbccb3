// SPDX-License-Identifier: GPL-2.0
/* How a subOS ended. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/rainforest_console.h>

#include "end.h"

#define TAIL_BYTES	8192
#define TAIL_LINES	20	/* and as many more as a panic has said since */

void rfm_json_end(const struct rf_subos *end, int status)
{
	struct json_object *o = json_object_new_object();

	rfm_put(o, "name", json_object_new_string(end->name));
	rfm_put(o, "state", json_object_new_string(rf_state_text(end->state)));
	rfm_put(o, "reason", json_object_new_string(rf_reason_text(end->reason)));
	rfm_put(o, "exited", json_object_new_boolean(end->exited));
	rfm_put(o, "exit_status", json_object_new_int(status));
	rfm_put(o, "rfm_code", json_object_new_int(0));
	rfm_json_print(o);
}

/* The last bytes of a console that are there now */
static size_t read_tail(int fd, char *tail)
{
	char buf[TAIL_BYTES];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		size_t room = TAIL_BYTES - n, keep = len > room ? room : len;

		memmove(tail, tail + len - keep, keep);
		memcpy(tail + keep, buf, n);
		len = keep + n;
	}
	return len;
}

/**
 * rfm_say_console() - the last lines of a crashed subOS's console, on stderr
 * @r: the program; its error is left alone
 * @name: the subOS
 */
void rfm_say_console(struct rfm *r, const char *name)
{
	char tail[TAIL_BYTES + 1], *line, *next, *panic;
	char error[512];
	int fd, lines = 0;
	size_t len;

	snprintf(error, sizeof(error), "%s", rf_strerror(r->rf));
	fd = rf_attach(r->rf, name, RF_STREAM_CONSOLE, RF_ATTACH_LAST, NULL);
	rf_error(r->rf, 0, "%s", error);
	if (fd < 0)
		return;
	len = read_tail(fd, tail);
	close(fd);
	tail[len] = 0;
	panic = strstr(tail, "Kernel panic - not syncing");
	for (line = tail + len; line > tail; line--)
		if (line[-1] == '\n' && line != tail + len && ++lines >= TAIL_LINES &&
		    (!panic || line <= panic))
			break;
	for (; *line; line = next) {
		next = line + strcspn(line, "\r\n");
		fprintf(stderr, "rfm: console: %.*s\n", (int)(next - line), line);
		next += strspn(next, "\r\n");
	}
}
