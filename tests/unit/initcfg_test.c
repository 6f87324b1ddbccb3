// SPDX-License-Identifier: GPL-2.0
/* /.rf/config: what rf-init understands, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../tools/librf/initcfg.h"

static int parse(struct rf_cfg *cfg, const char *text, size_t len, char **buf)
{
	*buf = malloc(len + 1);
	memcpy(*buf, text, len);
	return rf_cfg_parse(cfg, *buf, len);
}

#define PARSE(cfg, text, buf)	parse(cfg, text, sizeof(text) - 1, buf)

static void takes_all_keys(void **state)
{
	struct rf_cfg cfg;
	char *buf;

	(void)state;
	assert_int_equal(PARSE(&cfg, "rf=1:1\nhostname=2:n1\ncwd=4:/tmp\n"
			       "env=3:A=B\nenv=2:C=\nmodule=4:a.ko\n"
			       "arg=3:/a \narg=0:\narg=3:x\ny\nshell=1:1\n"
			       "initrd=1:0\n", &buf), 0);
	assert_string_equal(cfg.hostname, "n1");
	assert_string_equal(cfg.cwd, "/tmp");
	assert_null(cfg.init);
	assert_int_equal(cfg.n_env, 2);
	assert_string_equal(cfg.env[1], "C=");
	assert_null(cfg.env[2]);
	assert_int_equal(cfg.n_module, 1);
	assert_string_equal(cfg.module[0], "a.ko");
	assert_int_equal(cfg.n_arg, 3);
	assert_string_equal(cfg.arg[0], "/a ");
	assert_string_equal(cfg.arg[1], "");
	assert_string_equal(cfg.arg[2], "x\ny");
	assert_null(cfg.arg[3]);
	assert_true(cfg.shell);
	assert_false(cfg.initrd);
	rf_cfg_free(&cfg);
	free(buf);
}

static void takes_any_byte_but_nul(void **state)
{
	char text[512], all[256], *buf;
	struct rf_cfg cfg;
	int i, n;

	(void)state;
	for (i = 0; i < 255; i++)
		all[i] = i + 1;
	all[255] = '\0';
	n = snprintf(text, sizeof(text), "rf=1:1\narg=255:%s\n", all);
	assert_int_equal(parse(&cfg, text, n, &buf), 0);
	assert_string_equal(cfg.arg[0], all);
	rf_cfg_free(&cfg);
	free(buf);
}

static void refuses_junk(void **state)
{
	static const struct { const char *text; size_t len; } bad[] = {
#define T(s)	{ s, sizeof(s) - 1 }
		T(""), T("\n"), T("rf"), T("rf="), T("rf=1"), T("rf=1:"),
		T("rf=1:1"), T("rf=1:2\n"), T("rf=2:1\n"), T("rf=01:1\n"),
		T("rf=:1\n"), T("rf=-1:1\n"), T("=1:1\n"), T("RF=1:1\n"),
		T("arg=1:a\n"),
		T("rf=1:1\nnone=1:a\n"), T("rf=1:1\narg=2:a\n"),
		T("rf=1:1\narg=1:ab\n"), T("rf=1:1\narg=1:\0\n"),
		T("rf=1:1\narg=99999999999999999999:a\n"),
		T("rf=1:1\narg=4194305:a\n"), T("rf=1:1\nenv=1:a\n"),
		T("rf=1:1\nenv=2:=a\n"), T("rf=1:1\nshell=1:2\n"),
		T("rf=1:1\nshell=2:11\n"), T("rf=1:1\nmodule=4:a/ko\n"),
		T("rf=1:1\nmodule=0:\n"), T("rf=1:1\ninit=0:\n"),
		T("rf=1:1\ninit=1:a\ninit=1:a\n"), T("rf=1:1\n\n"),
		T("rf=1:1\nrf=1:1\n"), T("rf=1:1\narg=1:a\n "),
#undef T
	};
	struct rf_cfg cfg;
	char *buf;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (parse(&cfg, bad[i].text, bad[i].len, &buf) != -EINVAL)
			fail_msg("taken: \"%s\"", bad[i].text);
		assert_null(cfg.arg);
		assert_int_equal(cfg.n_arg, 0);
		free(buf);
	}
}

/* Every cut of a good file is refused or shorter, and never read beyond. */
static void bears_every_cut(void **state)
{
	static const char good[] = "rf=1:1\nhostname=2:n1\narg=10:0123456789\n";
	struct rf_cfg cfg;
	size_t len;
	char *buf;
	int ret;

	(void)state;
	for (len = 0; len < sizeof(good); len++) {
		ret = parse(&cfg, good, len, &buf);
		if (ret == 0)
			rf_cfg_free(&cfg);
		else
			assert_int_equal(ret, -EINVAL);
		free(buf);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_all_keys),
		cmocka_unit_test(takes_any_byte_but_nul),
		cmocka_unit_test(refuses_junk),
		cmocka_unit_test(bears_every_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
