// SPDX-License-Identifier: GPL-2.0
/* The table of rfm top, as text and as JSON */
#include <stdio.h>

#include "top.h"

const char *const rfm_top_titles[TOP_COLUMNS] = {
	[TOP_NAME] = "NAME", [TOP_STATE] = "STATE", [TOP_CPUS] = "CPUS", [TOP_BUSY] = "BUSY",
	[TOP_LOAD] = "LOAD", [TOP_MEMORY] = "MEMORY", [TOP_USED] = "USED",
	[TOP_RATE] = "MSG/S",
};

/* Negative: at the left, as for printf */
int rfm_top_width(enum top_column c)
{
	static const int widths[TOP_COLUMNS] = {
		[TOP_NAME] = -20, [TOP_STATE] = -12, [TOP_CPUS] = 5, [TOP_BUSY] = 7,
		[TOP_LOAD] = 7, [TOP_MEMORY] = 7, [TOP_USED] = 6, [TOP_RATE] = 9,
	};

	return widths[c];
}

/* What stands in a column; returns the number of characters */
int rfm_top_cell(const struct top_row *row, enum top_column c, char *buf, size_t len)
{
	char size[24];

	switch (c) {
	case TOP_NAME:
		return snprintf(buf, len, "%s", row->name);
	case TOP_STATE:
		return snprintf(buf, len, "%s", rf_state_text(row->state));
	case TOP_CPUS:
		return snprintf(buf, len, "%zu", row->cpus);
	case TOP_BUSY:
		return row->busy < 0 ? snprintf(buf, len, "-") :
		       snprintf(buf, len, "%.1f%%", 100 * row->busy);
	case TOP_LOAD:
		return row->load < 0 ? snprintf(buf, len, "-") :
		       snprintf(buf, len, "%.2f", row->load);
	case TOP_MEMORY:
		return snprintf(buf, len, "%s", rfm_human(row->memory, size, sizeof(size)));
	case TOP_USED:
		return row->used < 0 ? snprintf(buf, len, "-") :
		       snprintf(buf, len, "%.0f%%", 100 * row->used);
	case TOP_RATE:
		return row->rate < 0 ? snprintf(buf, len, "-") :
		       snprintf(buf, len, "%.0f", row->rate);
	default:
		return snprintf(buf, len, "?");
	}
}

static struct json_object *number(double v)
{
	return v < 0 ? NULL : json_object_new_double(v);
}

struct json_object *rfm_top_json(const struct top *t)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < t->n; i++) {
		const struct top_row *row = &t->row[i];
		struct json_object *o = json_object_new_object();

		rfm_put(o, "name", row->supervisor ? NULL : json_object_new_string(row->name));
		rfm_put(o, "state", json_object_new_string(rf_state_text(row->state)));
		rfm_put(o, "cpus", json_object_new_uint64(row->cpus));
		rfm_put(o, "busy", number(row->busy));
		rfm_put(o, "load", number(row->load));
		rfm_put(o, "memory", json_object_new_uint64(row->memory));
		rfm_put(o, "used", number(row->used));
		rfm_put(o, "messages_per_s", number(row->rate));
		json_object_array_add(a, o);
	}
	return a;
}
