/* SPDX-License-Identifier: GPL-2.0 */
/* Text in boxes, for rfm topo. */
#ifndef RFM_CANVAS_H
#define RFM_CANVAS_H

#include <stdbool.h>
#include <stddef.h>

/* Lines of text; a zeroed one is empty */
struct canvas {
	char **line;
	size_t n;
};

__attribute__((format(printf, 2, 3)))
void canvas_add(struct canvas *c, const char *fmt, ...);
void canvas_below(struct canvas *c, struct canvas *more);
void canvas_beside(struct canvas *c, struct canvas *more);
void canvas_frame(struct canvas *c, const char *title, bool utf8);
size_t canvas_width(const struct canvas *c);
void canvas_print(const struct canvas *c);
void canvas_clear(struct canvas *c);

#endif /* RFM_CANVAS_H */
