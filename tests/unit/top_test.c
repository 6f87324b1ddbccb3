// SPDX-License-Identifier: GPL-2.0
/* Readings of subOSes, and the table of rfm top: librf/stat.c, rfm/top_data.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "top_data.c"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static void differences(void **state)
{
	struct rf_stat_cpu then_cpu[] = {
		{ .id = 3, .user_ns = 100, .idle_ns = 900, .timer = 7, .cache_misses = 4 },
		{ .id = 5, .user_ns = 50 },
	};
	struct rf_stat_cpu now_cpu[] = {
		{ .id = 2, .user_ns = 10, .timer = 3 },		/* came */
		{ .id = 3, .user_ns = 150, .idle_ns = 1000, .timer = 9, .cache_misses = 5 },
		{ .id = 5, .user_ns = 20, .idle_ns = 1 },	/* left, and came back */
	};
	struct rf_stat then = { .cpu = then_cpu, .nr_cpus = ROWS(then_cpu) };
	struct rf_stat now = { .cpu = now_cpu, .nr_cpus = ROWS(now_cpu) };

	(void)state;
	rf_stat_minus(&now, &then);
	assert_int_equal(now_cpu[0].user_ns, 10);
	assert_int_equal(now_cpu[0].timer, 3);
	assert_int_equal(now_cpu[1].user_ns, 50);
	assert_int_equal(now_cpu[1].idle_ns, 100);
	assert_int_equal(now_cpu[1].timer, 2);
	assert_int_equal(now_cpu[1].cache_misses, 1);
	assert_int_equal(now_cpu[1].id, 3);
	assert_int_equal(now_cpu[2].user_ns, 20);
	assert_int_equal(now_cpu[2].idle_ns, 1);
	/* what stood before stays */
	assert_int_equal(then_cpu[0].user_ns, 100);
}

static void busy(void **state)
{
	static const struct {
		struct rf_stat_cpu c;
		double want;
	} t[] = {
		{ { .idle_ns = 0 }, -1 },
		{ { .idle_ns = 5 }, 0 },
		{ { .user_ns = 5 }, 1 },
		{ { .user_ns = 1, .system_ns = 1, .irq_ns = 1, .idle_ns = 1 }, 0.75 },
		{ { .user_ns = UINT64_MAX, .idle_ns = UINT64_MAX }, 0.5 },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(t); i++)
		assert_true(rf_stat_busy(&t[i].c) == t[i].want);
}

static void rates(void **state)
{
	struct top_row then[] = {
		{ .name = "a", .messages = 100 }, { .name = "b", .messages = 100 },
		{ .name = "d", .messages = 100 },
	};
	struct top_row now[] = {
		{ .name = "b", .messages = 350 }, { .name = "a", .messages = 99 },
		{ .name = "c", .messages = 1000 }, { .name = "d", .messages = UINT64_MAX },
	};
	struct top t = { .row = now, .n = ROWS(now), .row_then = then, .n_then = ROWS(then) };

	(void)state;
	rfm_top_rates(&t, 500);
	assert_true(now[0].rate == 500);
	assert_true(now[1].rate == -1);		/* its channel was opened anew */
	assert_true(now[2].rate == -1);		/* not seen before */
	assert_true(now[3].rate == -1);		/* not counted */
	rfm_top_rates(&t, 0);
	assert_true(now[0].rate == -1);
}

static const char *names_by(enum top_column by, bool reverse)
{
	static char names[16];
	struct top_row row[] = {
		{ .name = "(", .supervisor = true, .cpus = 3, .busy = 0.5, .load = 9 },
		{ .name = "c", .state = 4, .cpus = 1, .busy = 0.2, .load = 1, .memory = 5, .used = -1 },
		{ .name = "a", .state = 4, .cpus = 2, .busy = -1, .load = -1, .memory = 5, .used = 0.5 },
		{ .name = "d", .state = 6, .cpus = 9, .busy = 0.9, .load = 0, .memory = 7, .used = 0.1 },
		{ .name = "b", .state = 1, .cpus = 2, .busy = 0.2, .load = 2, .memory = 1, .used = 0.9 },
	};

	rfm_top_sort(row, ROWS(row), by, reverse);
	for (size_t i = 0; i < ROWS(row); i++)
		names[i] = row[i].name[0];
	return names;
}

static void order_of_rows(void **state)
{
	static const struct {
		enum top_column by;
		const char *forth, *back;
	} t[] = {
		{ TOP_NAME, "(abcd", "(dcba" },
		{ TOP_STATE, "(bacd", "(dcab" },
		{ TOP_CPUS, "(dabc", "(cbad" },
		{ TOP_BUSY, "(dbca", "(acbd" },
		{ TOP_LOAD, "(bcda", "(adcb" },
		{ TOP_MEMORY, "(dacb", "(bcad" },
		{ TOP_USED, "(badc", "(cdab" },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(t); i++) {
		assert_string_equal(names_by(t[i].by, false), t[i].forth);
		assert_string_equal(names_by(t[i].by, true), t[i].back);
	}
}

/* say.c's, which is rfm's own */
int64_t rfm_now_ms(void)
{
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(differences),
		cmocka_unit_test(busy),
		cmocka_unit_test(rates),
		cmocka_unit_test(order_of_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
