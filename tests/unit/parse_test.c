// SPDX-License-Identifier: GPL-2.0
/* The words of rfm's command line: librf/parse.c and librf/strings.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/rainforest.h>

#include "rf.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

static struct rf *rf;

static int setup(void **state)
{
	(void)state;
	return rf_new(&rf);
}

static int teardown(void **state)
{
	(void)state;
	rf_free(rf);
	return 0;
}

/* A failure always leaves a sentence */
static void assert_refused(int want, int got)
{
	assert_int_equal(want, got);
	if (want)
		assert_true(rf_strerror(rf)[0]);
}

static void names(void **state)
{
	char longest[RF_NAME_MAX + 1], longer[RF_NAME_MAX + 2];
	static const struct {
		const char *word;
		int want;
	} t[] = {
		{ "a", 0 }, { "Z", 0 }, { "9", 0 }, { "web-1", 0 }, { "a.b_c-d", 0 }, { "0x", 0 },
		{ "", -EINVAL }, { "-a", -EINVAL }, { ".", -EINVAL }, { "..", -EINVAL },
		{ "_a", -EINVAL }, { "a b", -EINVAL }, { "a/b", -EINVAL }, { "../a", -EINVAL },
		{ "a\n", -EINVAL }, { "a,b", -EINVAL }, { "\xc3\xa4", -EINVAL }, { "a%s", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(t); i++)
		assert_refused(t[i].want, rf_parse_name(rf, t[i].word));
	assert_int_equal(0, rf_parse_new_name(rf, "web"));
	assert_refused(-EINVAL, rf_parse_new_name(rf, "a b"));
	assert_int_equal(0, rf_parse_name(rf, "supervisor"));
	assert_refused(-EINVAL, rf_parse_new_name(rf, "supervisor"));
	memset(longest, 'x', sizeof(longest));
	longest[RF_NAME_MAX] = 0;
	assert_int_equal(0, rf_parse_name(rf, longest));
	memset(longer, 'x', sizeof(longer));
	longer[RF_NAME_MAX + 1] = 0;
	assert_refused(-ENAMETOOLONG, rf_parse_name(rf, longer));
}

static void cpu_lists(void **state)
{
	static const struct {
		const char *word, *want;
	} t[] = {
		{ "0", "0" }, { "3", "3" }, { "2-3", "2-3" }, { "5,7", "5,7" },
		{ "7,5", "5,7" }, { "0-6:2", "0,2,4,6" }, { "1-2,3-4", "1-4" },
		{ "4-4", "4" }, { "0-3:100", "0" }, { "1-7:3,2", "1-2,4,7" },
		{ "8191", "8191" }, { "007", "7" },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(t); i++) {
		uint32_t *cpu;
		size_t n;
		char *text;

		assert_int_equal(0, rf_parse_cpus(rf, t[i].word, &cpu, &n));
		assert_true(n > 0);
		text = rf_cpus_text(cpu, n);
		assert_string_equal(t[i].want, text);
		free(text);
		free(cpu);
	}
}

static void cpu_lists_bad(void **state)
{
	static const struct {
		const char *word;
		int want;
	} t[] = {
		{ "", -EINVAL }, { ",", -EINVAL }, { "1,", -EINVAL }, { ",1", -EINVAL },
		{ "a", -EINVAL }, { "1-", -EINVAL }, { "-1", -EINVAL }, { "3-2", -EINVAL },
		{ "1-2-3", -EINVAL }, { "0-6:0", -EINVAL }, { "0-6:", -EINVAL }, { "1:2", -EINVAL },
		{ " 1", -EINVAL }, { "1 ", -EINVAL }, { "+1", -EINVAL }, { "0x2", -EINVAL },
		{ "1;2", -EINVAL }, { "1,,2", -EINVAL }, { "all", -EINVAL },
		{ "2,2", -EINVAL }, { "1-2,2-4", -EINVAL }, { "0-6:2,4", -EINVAL },
		{ "8192", -ENXIO }, { "0-8192", -ENXIO }, { "0-4294967295", -ENXIO },
		{ "4294967296", -EINVAL }, { "99999999999999999999999", -EINVAL },
		{ "1-99999999999999999999999", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(t); i++) {
		uint32_t *cpu;
		size_t n;

		assert_refused(t[i].want, rf_parse_cpus(rf, t[i].word, &cpu, &n));
	}
}

static void cpu_text(void **state)
{
	static const uint32_t cpu[] = { 0, 1, 2, 5, 7, 8 };
	char *text = rf_cpus_text(cpu, ROWS(cpu));

	(void)state;
	assert_string_equal("0-2,5,7-8", text);
	free(text);
	text = rf_cpus_text(NULL, 0);
	assert_string_equal("-", text);
	free(text);
}

static void cpu_numbers(void **state)
{
	static const struct {
		const char *word;
		int want;
		uint32_t n;
		int node;
	} t[] = {
		{ "1", 0, 1, RF_NO_NODE }, { "2@1", 0, 2, 1 }, { "2@node1", 0, 2, 1 },
		{ "16@node0", 0, 16, 0 }, { "3@node1023", 0, 3, 1023 },
		{ "0", -EINVAL, 0, 0 }, { "", -EINVAL, 0, 0 }, { "two", -EINVAL, 0, 0 },
		{ "2@", -EINVAL, 0, 0 }, { "2@node", -EINVAL, 0, 0 }, { "2@x", -EINVAL, 0, 0 },
		{ "@1", -EINVAL, 0, 0 }, { "2node1", -EINVAL, 0, 0 }, { "2@-1", -EINVAL, 0, 0 },
		{ "2@1@1", -EINVAL, 0, 0 }, { "-2", -EINVAL, 0, 0 }, { "2K", -EINVAL, 0, 0 },
		{ "1@1024", -ENODEV, 0, 0 }, { "1@node99999999999999999999", -ENODEV, 0, 0 },
		{ "8192", -ENOSPC, 0, 0 }, { "99999999999999999999", -ENOSPC, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(t); i++) {
		uint32_t n = 0;
		int node = 0;

		assert_refused(t[i].want, rf_parse_ncpus(rf, t[i].word, &n, &node));
		if (t[i].want)
			continue;
		assert_int_equal(t[i].n, n);
		assert_int_equal(t[i].node, node);
	}
}

static void memory(void **state)
{
	static const struct {
		const char *word;
		int want;
		uint64_t size;
		int node;
	} t[] = {
		{ "256M", 0, 256 * MIB, RF_NO_NODE }, { "256m", 0, 256 * MIB, RF_NO_NODE },
		{ "1G@1", 0, GIB, 1 }, { "1G@node1", 0, GIB, 1 }, { "512@0", 0, 512, 0 },
		{ "4K", 0, 4096, RF_NO_NODE }, { "2T", 0, 2048 * GIB, RF_NO_NODE },
		{ "0", 0, 0, RF_NO_NODE }, { "18446744073709551615", 0, UINT64_MAX, RF_NO_NODE },
		{ "", -EINVAL, 0, 0 }, { "M", -EINVAL, 0, 0 }, { "-1", -EINVAL, 0, 0 },
		{ "256MB", -EINVAL, 0, 0 }, { "256MiB", -EINVAL, 0, 0 }, { "1.5G", -EINVAL, 0, 0 },
		{ "256 M", -EINVAL, 0, 0 }, { "256M@", -EINVAL, 0, 0 }, { "256M@node", -EINVAL, 0, 0 },
		{ "256M@one", -EINVAL, 0, 0 }, { "256M@1,2", -EINVAL, 0, 0 }, { "0x100M", -EINVAL, 0, 0 },
		{ "256M@ 1", -EINVAL, 0, 0 }, { "256M1", -EINVAL, 0, 0 }, { "@1", -EINVAL, 0, 0 },
		{ "18446744073709551616", -ERANGE, 0, 0 }, { "16777216T", -ERANGE, 0, 0 },
		{ "99999999999G", -ERANGE, 0, 0 }, { "256M@1024", -ENODEV, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(t); i++) {
		struct rf_mem m;

		assert_refused(t[i].want, rf_parse_memory(rf, t[i].word, &m));
		if (t[i].want)
			continue;
		assert_true(t[i].size == m.size);
		assert_int_equal(t[i].node, m.node);
		assert_true(!m.start);
	}
}

static void size_texts(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *want;
	} t[] = {
		{ 0, "0" }, { 1, "1" }, { 1023, "1023" }, { 1024, "1K" }, { 1025, "1025" },
		{ 256 * MIB, "256M" }, { 1536 * MIB, "1536M" }, { 2 * GIB, "2G" },
		{ UINT64_MAX, "18446744073709551615" },
	};
	char buf[24];

	(void)state;
	for (size_t i = 0; i < ROWS(t); i++)
		assert_string_equal(t[i].want, rf_size_text(t[i].bytes, buf, sizeof(buf)));
}

static void seconds(void **state)
{
	static const struct {
		const char *word;
		int want;
		int64_t ms;
	} t[] = {
		{ "0", 0, 0 }, { "10", 0, 10000 }, { "0.5", 0, 500 }, { "1.25", 0, 1250 },
		{ "0.001", 0, 1 }, { "31622400", 0, 31622400000 },
		{ "", -EINVAL, 0 }, { "-1", -EINVAL, 0 }, { "1.", -EINVAL, 0 }, { ".5", -EINVAL, 0 },
		{ "0.0001", -EINVAL, 0 }, { "10s", -EINVAL, 0 }, { "1e3", -EINVAL, 0 },
		{ "31622401", -ERANGE, 0 }, { "99999999999999999999", -ERANGE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(t); i++) {
		int64_t ms = -1;

		assert_refused(t[i].want, rf_parse_seconds(rf, t[i].word, &ms));
		if (!t[i].want)
			assert_true(t[i].ms == ms);
	}
}

static void counts(void **state)
{
	uint64_t n;

	(void)state;
	assert_int_equal(0, rf_parse_count(rf, "20", &n));
	assert_true(n == 20);
	assert_refused(-EINVAL, rf_parse_count(rf, "20x", &n));
	assert_refused(-EINVAL, rf_parse_count(rf, "-1", &n));
	assert_refused(-ERANGE, rf_parse_count(rf, "18446744073709551616", &n));
}

/* The minimum is tested before rounding, on all that is asked for */
static void minimum(void **state)
{
	static const struct {
		uint64_t size[2];
		size_t n;
		int want;
	} t[] = {
		{ { 64 * MIB }, 1, 0 }, { { 64 * MIB - 1 }, 1, -ENOMEM }, { { 0 }, 1, -ENOMEM },
		{ { 32 * MIB, 32 * MIB }, 2, 0 }, { { 256 * MIB, 0 }, 2, -ENOMEM },
		{ { UINT64_MAX, 1 }, 2, -ERANGE },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(t); i++) {
		struct rf_mem m[2] = { { 0, t[i].size[0], 0 }, { 0, t[i].size[1], 1 } };

		assert_refused(t[i].want, rf_check_memory(rf, m, t[i].n, 64 * MIB));
	}
	assert_int_equal(-ENOMEM, rf_check_memory(rf, &(struct rf_mem){ 0, 10 * MIB, 0 }, 1, 64 * MIB));
	assert_non_null(strstr(rf_strerror(rf), "10M"));
	assert_non_null(strstr(rf_strerror(rf), "64M"));
}

static void rounding(void **state)
{
	static const struct {
		uint64_t size, want;
		const char *notice;
	} t[] = {
		{ 128 * MIB, 128 * MIB, NULL }, { 256 * MIB, 256 * MIB, NULL },
		{ 200 * MIB, 256 * MIB, "200M rounded up to 256M (memory block is 128M)" },
		{ 1, 128 * MIB, "1 rounded up to 128M (memory block is 128M)" },
		{ 129 * MIB, 256 * MIB, "129M rounded up to 256M (memory block is 128M)" },
	};
	struct rf_mem m = { 0 };
	char *notice;

	(void)state;
	for (size_t i = 0; i < ROWS(t); i++) {
		m.size = t[i].size;
		assert_int_equal(0, rf_round_memory(rf, &m, 128 * MIB, false, &notice));
		assert_true(m.size == t[i].want);
		if (t[i].notice)
			assert_string_equal(t[i].notice, notice);
		else
			assert_null(notice);
		free(notice);
	}
	m.size = UINT64_MAX;
	assert_refused(-ERANGE, rf_round_memory(rf, &m, 128 * MIB, false, &notice));
	m.size = 5;
	assert_int_equal(0, rf_round_memory(rf, &m, 0, false, &notice));
	assert_true(m.size == 5);
}

static void rounding_exact(void **state)
{
	struct rf_mem m = { .size = 200 * MIB };
	char *notice;

	(void)state;
	assert_refused(-EINVAL, rf_round_memory(rf, &m, 128 * MIB, true, &notice));
	assert_null(notice);
	assert_true(m.size == 200 * MIB);
	assert_non_null(strstr(rf_strerror(rf), "128M and 256M"));
	m.size = 100 * MIB;
	assert_refused(-EINVAL, rf_round_memory(rf, &m, 128 * MIB, true, &notice));
	assert_non_null(strstr(rf_strerror(rf), "nearest is 128M"));
	m.size = 256 * MIB;
	assert_int_equal(0, rf_round_memory(rf, &m, 128 * MIB, true, &notice));
}

static void exit_codes(void **state)
{
	static const struct {
		int err, code;
	} t[] = {
		{ 0, 0 },
		{ -EINVAL, 1 }, { -ENOEXEC, 1 }, { -EFBIG, 1 }, { -ENAMETOOLONG, 1 }, { -ERANGE, 1 },
		{ -EPERM, 2 }, { -EACCES, 2 }, { -EOPNOTSUPP, 2 }, { -EKEYREJECTED, 2 }, { -EIO, 2 },
		{ -ENOENT, 3 }, { -ENODEV, 3 }, { -ENXIO, 3 },
		{ -EEXIST, 4 }, { -EBUSY, 4 }, { -ENOSPC, 4 }, { -ENOMEM, 4 },
		{ -ETIMEDOUT, 5 }, { -EINTR, 5 }, { -EHOSTDOWN, 6 }, { -EUCLEAN, 7 },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(t); i++)
		assert_int_equal(t[i].code, rf_exit_code(t[i].err));
}

static void wait_statuses(void **state)
{
	(void)state;
	assert_int_equal(0, rf_exit_from_wait(0));
	assert_int_equal(3, rf_exit_from_wait(3 << 8));
	assert_int_equal(255, rf_exit_from_wait(255 << 8));
	assert_int_equal(128 + 9, rf_exit_from_wait(9));
	assert_int_equal(128 + 11, rf_exit_from_wait(11 | 0x80));
}

/* How a subOS's end becomes an exit status */
static void ends(void **state)
{
	static const struct {
		uint32_t state, reason;
		bool exited;
		int32_t status;
		int want;
	} t[] = {
		{ RAINFOREST_STATE_STOPPED, RAINFOREST_REASON_POWEROFF, true, 0, 0 },
		{ RAINFOREST_STATE_STOPPED, RAINFOREST_REASON_POWEROFF, true, 42, 42 },
		{ RAINFOREST_STATE_STOPPED, RAINFOREST_REASON_POWEROFF, true, 137, 137 },
		{ RAINFOREST_STATE_STOPPED, RAINFOREST_REASON_POWEROFF, false, 0, 0 },
		{ RAINFOREST_STATE_STOPPED, RAINFOREST_REASON_HALT, false, 0, 0 },
		{ RAINFOREST_STATE_STOPPED, RAINFOREST_REASON_REBOOT, false, 0, 0 },
		{ RAINFOREST_STATE_STOPPED, RAINFOREST_REASON_KILLED, false, 0, 137 },
		{ RAINFOREST_STATE_STOPPED, RAINFOREST_REASON_EMERGENCY, false, 0, -EHOSTDOWN },
		{ RAINFOREST_STATE_PANICKED, RAINFOREST_REASON_PANIC, false, 0, -EHOSTDOWN },
		{ RAINFOREST_STATE_PANICKED, RAINFOREST_REASON_PANIC, true, 3, -EHOSTDOWN },
		{ RAINFOREST_STATE_UNRESPONSIVE, RAINFOREST_REASON_HEARTBEAT, false, 0, -EHOSTDOWN },
		{ RAINFOREST_STATE_FAILED, RAINFOREST_REASON_REFUSED, false, 0, -EHOSTDOWN },
		{ RAINFOREST_STATE_FAILED, RAINFOREST_REASON_BOOT_TIMEOUT, false, 0, -EHOSTDOWN },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(t); i++) {
		const struct rf_subos s = {
			.name = "web", .state = t[i].state, .reason = t[i].reason,
			.exited = t[i].exited, .exit_status = t[i].status,
		};

		assert_int_equal(t[i].want, rf_subos_status(rf, &s));
	}
	assert_true(rf_state_over(RAINFOREST_STATE_STOPPED));
	assert_true(rf_state_over(RAINFOREST_STATE_FAILED));
	/* it may come back */
	assert_false(rf_state_over(RAINFOREST_STATE_UNRESPONSIVE));
	assert_false(rf_state_over(RAINFOREST_STATE_LOADED));
	assert_false(rf_state_over(RAINFOREST_STATE_STOPPING));
	assert_true(rf_state_active(RAINFOREST_STATE_BOOTING));
	assert_false(rf_state_active(RAINFOREST_STATE_STOPPED));
}

static void words(void **state)
{
	(void)state;
	assert_string_equal("defined", rf_state_text(RAINFOREST_STATE_DEFINED));
	assert_string_equal("failed", rf_state_text(RAINFOREST_STATE_FAILED));
	assert_string_equal("unknown", rf_state_text(1000));
	assert_string_equal("boot-timeout", rf_reason_text(RAINFOREST_REASON_BOOT_TIMEOUT));
	assert_string_equal("unknown", rf_reason_text(1000));
	assert_string_equal("quarantine", rf_event_text(RAINFOREST_EVENT_QUARANTINE));
	assert_string_equal("unknown", rf_event_text(UINT32_MAX));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(cpu_lists),
		cmocka_unit_test(cpu_lists_bad),
		cmocka_unit_test(cpu_text),
		cmocka_unit_test(cpu_numbers),
		cmocka_unit_test(memory),
		cmocka_unit_test(size_texts),
		cmocka_unit_test(seconds),
		cmocka_unit_test(counts),
		cmocka_unit_test(minimum),
		cmocka_unit_test(rounding),
		cmocka_unit_test(rounding_exact),
		cmocka_unit_test(exit_codes),
		cmocka_unit_test(wait_statuses),
		cmocka_unit_test(ends),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests_name("parse", tests, setup, teardown);
}
