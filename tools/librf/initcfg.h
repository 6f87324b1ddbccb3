/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /.rf/config: what the packer tells rf-init, PID 1 of a subOS.
 *
 * A list of items, each "KEY=LENGTH:BYTES\n" with LENGTH in decimal, so that
 * arguments may have any byte but NUL. The first item is rf=1:1, the version.
 * What isn't understood is refused: both ends come from one build.
 *
 *	hostname	the subOS's name for itself
 *	init		a file to run as PID 1, in place of rf-init
 *	initrd		1: run the archive's own init as PID 1
 *	shell		1: offer a shell on the console when there is no arg
 *	cwd		the command's folder
 *	arg		an argument of the command, in order
 *	env		NAME=VALUE, in order
 *	module		a file in /.rf/modules, in the order of loading
 */
#ifndef _LIBRF_INITCFG_H
#define _LIBRF_INITCFG_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define RF_CFG_VERSION	"1"
#define RF_CFG_MAX	(4u << 20)	/* bytes of the file */

struct rf_cfg {
	char *hostname;		/* NULL when not given, as all strings here */
	char *init;
	char *cwd;
	bool initrd;
	bool shell;
	char **arg;		/* these three end with NULL */
	char **env;
	char **module;
	size_t n_arg, n_env, n_module;
};

/*
 * Takes the next item from *pos, and moves *pos behind it. The value is
 * terminated in place. Returns 1, 0 at the end, or -EINVAL.
 */
static inline int rf_cfg_next(char **pos, char *end, char **key, char **val)
{
	char *p = *pos;
	size_t len = 0;

	if (p == end)
		return 0;
	*key = p;
	while (p < end && *p >= 'a' && *p <= 'z')
		p++;
	if (p == *key || p == end || *p != '=')
		return -EINVAL;
	*p++ = '\0';
	if (p == end || *p < '0' || *p > '9')
		return -EINVAL;
	if (*p == '0' && p + 1 < end && p[1] != ':')
		return -EINVAL;
	while (p < end && *p >= '0' && *p <= '9') {
		len = len * 10 + (*p++ - '0');
		if (len > RF_CFG_MAX)
			return -EINVAL;
	}
	if (p == end || *p++ != ':')
		return -EINVAL;
	if ((size_t)(end - p) <= len || p[len] != '\n' || memchr(p, '\0', len))
		return -EINVAL;
	*val = p;
	p[len] = '\0';
	*pos = p + len + 1;
	return 1;
}

static inline int rf_cfg_flag(bool *flag, const char *val)
{
	if (strcmp(val, "0") && strcmp(val, "1"))
		return -EINVAL;
	*flag = val[0] == '1';
	return 0;
}

static inline int rf_cfg_add(char ***list, size_t *n, char *val)
{
	char **new = realloc(*list, (*n + 2) * sizeof(*new));

	if (!new)
		return -ENOMEM;
	*list = new;
	new[(*n)++] = val;
	new[*n] = NULL;
	return 0;
}

static inline int rf_cfg_once(char **place, char *val)
{
	if (*place || !*val)
		return -EINVAL;
	*place = val;
	return 0;
}

static inline int rf_cfg_set(struct rf_cfg *cfg, const char *key, char *val)
{
	if (!strcmp(key, "arg"))
		return rf_cfg_add(&cfg->arg, &cfg->n_arg, val);
	if (!strcmp(key, "env"))
		return strchr(val, '=') && val[0] != '=' ?
			rf_cfg_add(&cfg->env, &cfg->n_env, val) : -EINVAL;
	if (!strcmp(key, "module"))
		return *val && !strchr(val, '/') ?
			rf_cfg_add(&cfg->module, &cfg->n_module, val) : -EINVAL;
	if (!strcmp(key, "hostname"))
		return rf_cfg_once(&cfg->hostname, val);
	if (!strcmp(key, "init"))
		return rf_cfg_once(&cfg->init, val);
	if (!strcmp(key, "cwd"))
		return rf_cfg_once(&cfg->cwd, val);
	if (!strcmp(key, "initrd"))
		return rf_cfg_flag(&cfg->initrd, val);
	if (!strcmp(key, "shell"))
		return rf_cfg_flag(&cfg->shell, val);
	return -EINVAL;
}

static inline void rf_cfg_free(struct rf_cfg *cfg)
{
	free(cfg->arg);
	free(cfg->env);
	free(cfg->module);
	memset(cfg, 0, sizeof(*cfg));
}

/*
 * Reads @len bytes at @buf, which it changes, and which the strings in @cfg
 * point into. Returns 0, -EINVAL or -ENOMEM; then @cfg is empty.
 */
static inline int rf_cfg_parse(struct rf_cfg *cfg, char *buf, size_t len)
{
	char *pos = buf, *key, *val;
	int ret;

	memset(cfg, 0, sizeof(*cfg));
	if (len > RF_CFG_MAX)
		return -EINVAL;
	if (rf_cfg_next(&pos, buf + len, &key, &val) != 1 ||
	    strcmp(key, "rf") || strcmp(val, RF_CFG_VERSION))
		return -EINVAL;
	while ((ret = rf_cfg_next(&pos, buf + len, &key, &val)) == 1) {
		ret = rf_cfg_set(cfg, key, val);
		if (ret)
			break;
	}
	if (ret)
		rf_cfg_free(cfg);
	return ret;
}

#endif /* _LIBRF_INITCFG_H */
