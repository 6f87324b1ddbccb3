// SPDX-License-Identifier: GPL-2.0
/* Text in boxes. Without memory a picture lacks lines; nothing else fails. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"

/* Columns: all our characters are one wide, some are several bytes */
static size_t columns(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static void push(struct canvas *c, char *line)
{
	char **v;

	if (!line)
		return;
	v = reallocarray(c->line, c->n + 1, sizeof(*v));
	if (!v) {
		free(line);
		return;
	}
	c->line = v;
	c->line[c->n++] = line;
}

void canvas_add(struct canvas *c, const char *fmt, ...)
{
	va_list ap;
	char *line;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		line = NULL;
	va_end(ap);
	push(c, line);
}

size_t canvas_width(const struct canvas *c)
{
	size_t width = 0, w;

	for (size_t i = 0; i < c->n; i++) {
		w = columns(c->line[i]);
		width = w > width ? w : width;
	}
	return width;
}

void canvas_clear(struct canvas *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->line[i]);
	free(c->line);
	memset(c, 0, sizeof(*c));
}

/* @more under @c; @more is empty then */
void canvas_below(struct canvas *c, struct canvas *more)
{
	for (size_t i = 0; i < more->n; i++) {
		push(c, more->line[i]);
		more->line[i] = NULL;
	}
	more->n = 0;
	canvas_clear(more);
}

/* @more right of @c; @more is empty then */
void canvas_beside(struct canvas *c, struct canvas *more)
{
	size_t width = canvas_width(c);

	for (size_t i = 0; i < more->n; i++) {
		const char *left = i < c->n ? c->line[i] : "";
		int pad = width - columns(left);
		char *line;

		if (asprintf(&line, "%s%*s%s%s", left, pad, "", width ? " " : "",
			     more->line[i]) < 0)
			continue;
		if (i < c->n) {
			free(c->line[i]);
			c->line[i] = line;
		} else {
			push(c, line);
		}
	}
	canvas_clear(more);
}

static void repeat(char *to, const char *what, size_t n)
{
	for (size_t len = strlen(what); n--; to += len)
		memcpy(to, what, len);
	*to = 0;
}

void canvas_frame(struct canvas *c, const char *title, bool utf8)
{
	const char *h = utf8 ? "─" : "-", *v = utf8 ? "│" : "|";
	size_t width = canvas_width(c), t = columns(title);
	struct canvas framed = { 0 };
	char *rule;

	if (t + 2 > width)
		width = t + 2;
	rule = malloc(width * strlen(h) + 2 * strlen(h) + 1);
	if (!rule)
		return;
	repeat(rule, h, width - t - 1);
	canvas_add(&framed, "%s%s %s %s%s", utf8 ? "┌" : "+", h, title, rule,
		   utf8 ? "┐" : "+");
	for (size_t i = 0; i < c->n; i++)
		canvas_add(&framed, "%s %s%*s %s", v, c->line[i],
			   (int)(width - columns(c->line[i])), "", v);
	repeat(rule, h, width + 2);
	canvas_add(&framed, "%s%s%s", utf8 ? "└" : "+", rule, utf8 ? "┘" : "+");
	free(rule);
	canvas_clear(c);
	*c = framed;
}

void canvas_print(const struct canvas *c)
{
	for (size_t i = 0; i < c->n; i++)
		puts(c->line[i]);
}
