/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RFM_TOP_H
#define RFM_TOP_H

#include "rfm.h"

enum top_column {
	TOP_NAME, TOP_STATE, TOP_CPUS, TOP_BUSY, TOP_LOAD, TOP_MEMORY, TOP_USED, TOP_RATE,
	TOP_COLUMNS
};

/* One subOS, or the supervisor; what is not measured is negative */
struct top_row {
	char name[RF_NAME_MAX + 1];
	bool supervisor;
	uint32_t state;
	size_t cpus;
	double busy;		/* of 1, the mean of its CPUs */
	double load;		/* of a minute */
	uint64_t memory;	/* bytes owned */
	double used;		/* of 1 */
	uint64_t messages;	/* through its channels, both ways, since they are open */
	double rate;		/* of them, a second */
};

struct top {
	struct rf *rf;
	struct top_row *row;
	size_t n;
	/* to tell what was added since the last time */
	struct rf_stat *then;
	size_t nr_then;
	struct top_row *row_then;
	size_t n_then;
	int64_t ms_then;
	uint64_t idle, all;	/* of the supervisor, ticks */
};

/* top_data.c */
int rfm_top_read(struct top *t);
void rfm_top_rates(struct top *t, int64_t ms);
void rfm_top_sort(struct top_row *row, size_t n, enum top_column by, bool reverse);
void rfm_top_clear(struct top *t);

/* top_text.c */
extern const char *const rfm_top_titles[TOP_COLUMNS];
int rfm_top_cell(const struct top_row *row, enum top_column c, char *buf, size_t len);
int rfm_top_width(enum top_column c);
struct json_object *rfm_top_json(const struct top *t);

/* top_screen.c */
int rfm_top_screen(struct top *t, int64_t delay_ms, enum top_column by);

#endif /* RFM_TOP_H */
