// SPDX-License-Identifier: GPL-2.0
/* Files of one subOS: librf/config.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "rf.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static struct rf *rf;
static char path[] = "/tmp/rf-config-XXXXXX";

static const struct rf_config_key keys[] = {
	{ .section = "subos", .name = "name" },
	{ .section = "subos", .name = "memory", .many = true },
	{ .section = "subos", .name = "exact", .yes = true },
	{ .section = "content", .name = "bin", .path = true },
	{ .section = "command", .name = "arg", .many = true },
	{ .name = NULL }
};

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0)
		return -1;
	close(fd);
	return rf_new(&rf);
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	rf_free(rf);
	return 0;
}

static void put(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void bad_input(void **state)
{
	static const struct {
		const char *text, *says;
	} t[] = {
		{ "[subos]\nnmae = web\n", "line 2: \"nmae\" is no key of [subos]" },
		{ "[subos]\n\n# a comment\nbin = /a\n", "line 4: \"bin\" is no key of [subos]" },
		{ "[sub]\nname = web\n", "line 2: \"name\" is no key of [sub]" },
		{ "name = web\n", "line 1: \"name\" stands before the first [section]" },
		{ "[subos]\nname = a\nmemory = 1G\nname = b\n",
		  "line 4: \"name\" is given twice, first in line 2" },
		{ "[subos]\nexact = maybe\n", "line 2: \"exact\" is yes or no" },
		{ "[subos]\nname =\n", "line 2: \"name\" has no value" },
		{ "[subos]\nname\n", "line 2: neither [section] nor key = value" },
		{ "[subos\nname = a\n", "line 1: neither [section] nor key = value" },
		{ "[content]\nbin = bin/sh\n", "line 2: \"bin\" is a path: it begins with /" },
		{ "[content]\nbin = \"bin/sh\"\n", "line 2: \"bin\" is a path" },
		{ "[subos]\nname = \"a\n", "line 2: \"name\" has quotes" },
		{ "[subos]\nname = \"a\" b\n", "line 2: \"name\" has quotes" },
		{ "[subos]\nname = \"\\q\"\n", "line 2: \"name\" has quotes" },
		{ "[subos]\nname = \"\\x0\"\n", "line 2: \"name\" has quotes" },
		{ "[subos]\nname = \"\\x00\"\n", "line 2: \"name\" has quotes" },
		{ "[subos]\nname = \"\\", "line 2: \"name\" has quotes" },
		{ "[subos]\n= web\n", "line 2: \"\" is no key of [subos]" },
		{ "[subos]\n\x01\xff\xfe\n", "line 2: neither" },
	};
	struct rf_config c;

	(void)state;
	for (size_t i = 0; i < ROWS(t); i++) {
		put(t[i].text, strlen(t[i].text));
		assert_int_equal(rf_config_read(rf, path, keys, &c), -EINVAL);
		if (!strstr(rf_strerror(rf), t[i].says))
			fail_msg("row %zu: \"%s\" instead of \"%s\"", i, rf_strerror(rf), t[i].says);
		/* and in which file */
		assert_ptr_equal(strstr(rf_strerror(rf), path), rf_strerror(rf));
		rf_config_clear(&c);
	}
}

static void bad_files(void **state)
{
	struct rf_config c;
	char *big;

	(void)state;
	assert_int_equal(rf_config_read(rf, "/no/such/file", keys, &c), -EINVAL);
	assert_int_equal(rf_config_read(rf, "/tmp", keys, &c), -EINVAL);
	assert_int_equal(rf_config_read(rf, "/dev/zero", keys, &c), -EINVAL);
	put("[subos]\nname = a\0b\n", 19);
	assert_int_equal(rf_config_read(rf, path, keys, &c), -EINVAL);
	assert_non_null(strstr(rf_strerror(rf), "zero byte"));
	big = malloc(RF_CONFIG_MAX + 1);
	assert_non_null(big);
	memset(big, '\n', RF_CONFIG_MAX + 1);
	put(big, RF_CONFIG_MAX + 1);
	assert_int_equal(rf_config_read(rf, path, keys, &c), -EFBIG);
	put(big, RF_CONFIG_MAX);
	assert_int_equal(rf_config_read(rf, path, keys, &c), 0);
	assert_int_equal(c.n, 0);
	free(big);
}

static void values(void **state)
{
	static const char text[] =
		"; both begin a comment\n# as usual\n"
		"[subos]\nname=web\n  memory = 256M@node1  \nmemory: 1G\nexact = yes\n"
		"[command]\narg = sh\narg = -c\narg = echo a ; echo \"b\" # c\narg = \"\"\n"
		"arg = \" \\\"\\\\\\n\\t\\x1b\\xff \"\n"
		"[content]\nbin = /bin/sh";
	static const struct {
		const char *name, *value;
		unsigned int line;
	} want[] = {
		{ "name", "web", 4 }, { "memory", "256M@node1", 5 }, { "memory", "1G", 6 },
		{ "exact", "yes", 7 }, { "arg", "sh", 9 }, { "arg", "-c", 10 },
		{ "arg", "echo a ; echo \"b\" # c", 11 }, { "arg", "", 12 },
		{ "arg", " \"\\\n\t\x1b\xff ", 13 }, { "bin", "/bin/sh", 15 },
	};
	struct rf_config c;

	(void)state;
	put(text, sizeof(text) - 1);
	if (rf_config_read(rf, path, keys, &c))
		fail_msg("%s", rf_strerror(rf));
	assert_int_equal(c.n, ROWS(want));
	for (size_t i = 0; i < ROWS(want); i++) {
		assert_string_equal(c.entry[i].key->name, want[i].name);
		assert_string_equal(c.entry[i].value, want[i].value);
		assert_int_equal(c.entry[i].line, want[i].line);
	}
	rf_config_clear(&c);
	assert_int_equal(c.n, 0);
}

/* What is written is read as it was, whatever it was */
static void round_trip(void **state)
{
	char value[300], all[256];
	struct rf_config c;
	FILE *f;

	(void)state;
	srand(1);
	for (int i = 1; i < 256; i++)
		all[i - 1] = i;
	all[255] = 0;
	for (int round = 0; round < 2000; round++) {
		size_t n = rand() % (sizeof(value) - 1);

		for (size_t i = 0; i < n; i++)
			value[i] = round % 2 ? 1 + rand() % 255 : " \"\\\n;#=[]ax"[rand() % 11];
		value[n] = 0;
		f = fopen(path, "w");
		assert_non_null(f);
		fputs("[command]\n", f);
		rf_config_put(f, "arg", round ? value : all);
		rf_config_put(f, "arg", "next");
		fclose(f);
		if (rf_config_read(rf, path, keys, &c))
			fail_msg("%s", rf_strerror(rf));
		assert_int_equal(c.n, 2);
		assert_string_equal(c.entry[0].value, round ? value : all);
		assert_string_equal(c.entry[1].value, "next");
		rf_config_clear(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_input),
		cmocka_unit_test(bad_files),
		cmocka_unit_test(values),
		cmocka_unit_test(round_trip),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
