// SPDX-License-Identifier: GPL-2.0
/* The elastic policy: librf/autoscale.c */
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rf.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static void decisions(void **state)
{
	/* the paper's thresholds: 160 and 200 ms of the p99 */
	static const struct rf_autoscale p = {
		.lower = 160, .upper = 200, .min_cpus = 1, .max_cpus = 4, .donor_min = 1,
		.cooldown_ms = 1000,
	};
	static const struct {
		double metric;
		uint32_t cpus, donor;
		int64_t since_ms;	/* of the last move; negative: none */
		enum rf_autoscale_step want;
		const char *says;
	} t[] = {
		{ 180, 2, 4, -1, RF_AUTOSCALE_HOLD, "between" },
		{ 160, 2, 4, -1, RF_AUTOSCALE_HOLD, "between" },
		{ 200, 2, 4, -1, RF_AUTOSCALE_HOLD, "between" },
		{ 200.001, 2, 4, -1, RF_AUTOSCALE_GROW, "above the upper threshold" },
		{ 159.999, 2, 4, -1, RF_AUTOSCALE_SHRINK, "below the lower threshold" },
		{ 1e300, 3, 2, -1, RF_AUTOSCALE_GROW, "above" },
		{ -5, 2, 1, -1, RF_AUTOSCALE_SHRINK, "below" },
		/* bounds */
		{ 300, 4, 4, -1, RF_AUTOSCALE_HOLD, "as many CPUs as it may" },
		{ 300, 5, 4, -1, RF_AUTOSCALE_HOLD, "as many CPUs as it may" },
		{ 300, 2, 1, -1, RF_AUTOSCALE_HOLD, "donor has no CPU to spare" },
		{ 300, 2, 0, -1, RF_AUTOSCALE_HOLD, "donor has no CPU to spare" },
		{ 100, 1, 4, -1, RF_AUTOSCALE_HOLD, "as few CPUs as it may" },
		{ 100, 0, 4, -1, RF_AUTOSCALE_HOLD, "as few CPUs as it may" },
		/* the rate */
		{ 300, 2, 4, 0, RF_AUTOSCALE_HOLD, "cooling down" },
		{ 300, 2, 4, 999, RF_AUTOSCALE_HOLD, "above the upper threshold, but cooling down" },
		{ 300, 2, 4, 1000, RF_AUTOSCALE_GROW, "above" },
		{ 100, 2, 4, 999, RF_AUTOSCALE_HOLD, "below the lower threshold, but cooling down" },
		{ 100, 2, 4, 1000, RF_AUTOSCALE_SHRINK, "below" },
		/* what can't be is said before what will be later */
		{ 300, 4, 4, 10, RF_AUTOSCALE_HOLD, "as many" },
	};
	const char *why;

	(void)state;
	for (size_t i = 0; i < ROWS(t); i++) {
		struct rf_autoscale_view v = {
			.metric = t[i].metric, .cpus = t[i].cpus, .donor_cpus = t[i].donor,
			.now_ms = 5000, .moved = t[i].since_ms >= 0,
			.moved_ms = 5000 - t[i].since_ms,
		};

		if (rf_autoscale_decide(&p, &v, &why) != t[i].want || !strstr(why, t[i].says))
			fail_msg("row %zu: %s", i, why);
	}
}

static void no_maximum(void **state)
{
	const struct rf_autoscale p = { .lower = 1, .upper = 2, .min_cpus = 1 };
	const struct rf_autoscale_view v = { .metric = 3, .cpus = 8000, .donor_cpus = UINT32_MAX };
	const char *why;

	(void)state;
	assert_int_equal(rf_autoscale_decide(&p, &v, &why), RF_AUTOSCALE_GROW);
}

/* A load that falls as CPUs come: it settles between the thresholds, and stays */
static void settles(void **state)
{
	const struct rf_autoscale p = {
		.lower = 40, .upper = 80, .min_cpus = 1, .max_cpus = 8, .donor_min = 1,
		.cooldown_ms = 1000,
	};
	struct rf_autoscale_view v = { .cpus = 1, .donor_cpus = 8 };
	const char *why;
	int moves = 0;

	(void)state;
	for (int second = 0; second < 100; second++) {
		double load = second < 50 ? 300 : 60;
		enum rf_autoscale_step step;

		v.now_ms = second * 500;
		v.metric = load / v.cpus;
		step = rf_autoscale_decide(&p, &v, &why);
		if (step == RF_AUTOSCALE_HOLD)
			continue;
		v.cpus += step == RF_AUTOSCALE_GROW ? 1 : -1;
		v.donor_cpus -= step == RF_AUTOSCALE_GROW ? 1 : -1;
		v.moved = true;
		v.moved_ms = v.now_ms;
		moves++;
		assert_int_equal(v.cpus + v.donor_cpus, 9);
		if (second == 49)
			assert_int_equal(v.cpus, 4);
	}
	assert_int_equal(v.cpus, 1);
	assert_int_equal(moves, 6);
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		int want;
		double v;
	} t[] = {
		{ "12", 0, 12 }, { " 1.5\n", 0, 1.5 }, { "-3e2", 0, -300 }, { "+0.25 ", 0, 0.25 },
		{ "", -EINVAL, 0 }, { "\n", -EINVAL, 0 }, { "nan", -EINVAL, 0 },
		{ "inf", -EINVAL, 0 }, { "1e999", -EINVAL, 0 }, { "12 ms", -EINVAL, 0 },
		{ "1 2", -EINVAL, 0 }, { "1,5", -EINVAL, 0 }, { "p99=3", -EINVAL, 0 },
	};
	struct rf *rf;
	double v;

	(void)state;
	assert_int_equal(rf_new(&rf), 0);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < ROWS(t); i++) {
			assert_int_equal(rf_parse_number(rf, "metric", t[i].text, &v), t[i].want);
			if (!t[i].want)
				assert_true(v == t[i].v);
			else
				assert_non_null(strstr(rf_strerror(rf), "metric"));
		}
		/* where people write 1,5 a program still writes 1.5 */
		setlocale(LC_ALL, "de_DE.UTF-8");
	}
	setlocale(LC_ALL, "C");
	rf_free(rf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decisions),
		cmocka_unit_test(no_maximum),
		cmocka_unit_test(settles),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
