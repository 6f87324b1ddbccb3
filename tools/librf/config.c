// SPDX-License-Identifier: GPL-2.0
/*
 * Files of one subOS: /etc/rfm/subos.d/NAME.conf. The lines are inih's; here
 * are the keys that are known, quoting, and errors that name key and line.
 */
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

struct reading {
	struct rf *rf;
	struct rf_config *config;
	const struct rf_config_key *keys;
	const char *path;
	const char *at;		/* what is left of the text */
	unsigned int line;
	int error;
};

/* fgets() from memory, which counts lines */
static char *next_line(char *to, int size, void *stream)
{
	struct reading *rd = stream;
	const char *end = strchr(rd->at, '\n');
	size_t n = end ? (size_t)(end - rd->at) + 1 : strlen(rd->at);

	if (!n || size < 2)
		return NULL;
	if (n > (size_t)size - 1)
		n = size - 1;
	memcpy(to, rd->at, n);
	to[n] = 0;
	rd->at += n;
	/* a long line comes in pieces: its last one ends it */
	if (to[n - 1] == '\n' || !*rd->at)
		rd->line++;
	return to;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character behind a backslash, and on; 0: there is no such */
static int unescape(const char **p)
{
	static const char from[] = "\"\\nrt", to[] = "\"\\\n\r\t";
	const char *s = *p, *f = *s ? strchr(from, *s) : NULL;

	*p = s + 1;
	if (f)
		return to[f - from];
	if (*s != 'x' || hex(s[1]) < 0 || hex(s[2]) < 0)
		return 0;
	*p = s + 3;
	return hex(s[1]) << 4 | hex(s[2]);
}

/* What a quoted value means, to free(); NULL: the quotes are wrong */
static char *unquote(const char *value)
{
	char *out = malloc(strlen(value) + 1), *o = out;
	const char *p = value + 1;

	if (!out)
		return NULL;
	while (*p && *p != '"') {
		int c = (unsigned char)*p++;

		if (c == '\\')
			c = unescape(&p);
		if (!c)
			goto bad;
		*o++ = c;
	}
	if (p[0] != '"' || p[1])
		goto bad;
	*o = 0;
	return out;
bad:
	free(out);
	return NULL;
}

static const struct rf_config_key *find_key(const struct rf_config_key *k, const char *section,
					    const char *name)
{
	for (; k->name; k++)
		if (!strcmp(k->section, section) && !strcmp(k->name, name))
			return k;
	return NULL;
}

static int add(struct rf_config *c, const struct rf_config_key *key, char *value,
	       unsigned int line)
{
	struct rf_config_entry *e = rf_grow(c->entry, c->n, sizeof(*e));

	if (!e)
		return -ENOMEM;
	c->entry = e;
	e[c->n++] = (struct rf_config_entry){ key, value, line };
	return 0;
}

static int refuse(struct reading *rd, const char *name, const char *why)
{
	return rf_error(rd->rf, -EINVAL, "%s: line %u: \"%s\" %s", rd->path, rd->line, name, why);
}

static int take(struct reading *rd, const char *section, const char *name, const char *value)
{
	const struct rf_config_key *key = find_key(rd->keys, section, name);
	char *copy, why[80];

	if (!section[0])
		return refuse(rd, name, "stands before the first [section]");
	if (!key) {
		snprintf(why, sizeof(why), "is no key of [%.40s]", section);
		return refuse(rd, name, why);
	}
	for (size_t i = 0; i < rd->config->n && !key->many; i++) {
		if (rd->config->entry[i].key != key)
			continue;
		snprintf(why, sizeof(why), "is given twice, first in line %u",
			 rd->config->entry[i].line);
		return refuse(rd, name, why);
	}
	if (key->yes && strcmp(value, "yes") && strcmp(value, "no"))
		return refuse(rd, name, "is yes or no");
	if (!value[0])
		return refuse(rd, name, "has no value: write \"\" for an empty one");
	copy = value[0] == '"' ? unquote(value) : strdup(value);
	if (!copy)
		return refuse(rd, name, "has quotes or backslashes that do not fit: \\\" \\\\ \\n \\r \\t \\xHH");
	if (key->path && copy[0] != '/') {
		free(copy);
		return refuse(rd, name, "is a path: it begins with /");
	}
	if (add(rd->config, key, copy, rd->line)) {
		free(copy);
		return rf_error(rd->rf, -ENOMEM, "out of memory");
	}
	return 0;
}

/* inih's: 0 is an error */
static int on_value(void *arg, const char *section, const char *name, const char *value)
{
	struct reading *rd = arg;

	if (!rd->error)
		rd->error = take(rd, section, name, value);
	return !rd->error;
}

static int read_text(struct rf *rf, const char *path, char *text)
{
	ssize_t n, len = 0;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		/* a missing file is a bad request, no unknown subOS */
		return rf_error(rf, errno == ENOENT ? -EINVAL : -errno, "%s: %s", path,
				strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return rf_error(rf, -EINVAL, "%s: no regular file", path);
	}
	while ((n = read(fd, text + len, RF_CONFIG_MAX + 1 - len)) > 0)
		len += n;
	close(fd);
	if (n < 0)
		return rf_error(rf, -EINVAL, "%s: %s", path, strerror(errno));
	if (len > RF_CONFIG_MAX)
		return rf_error(rf, -EFBIG, "%s: larger than %d bytes", path, RF_CONFIG_MAX);
	text[len] = 0;
	if ((ssize_t)strlen(text) != len)
		return rf_error(rf, -EINVAL, "%s: no text: it has a zero byte", path);
	return 0;
}

/**
 * rf_config_parse() - take a text of one subOS apart
 * @rf: the handle
 * @path: what the text is called in errors
 * @text: with its NUL
 * @keys: what is known; ends with a name of NULL; @config points into it
 * @config: its entries, in their order; rf_config_clear() it in every case
 *
 * Return: 0; -EINVAL with the key and the line in the sentence, -ENOMEM.
 */
int rf_config_parse(struct rf *rf, const char *path, const char *text,
		    const struct rf_config_key *keys, struct rf_config *config)
{
	struct reading rd = {
		.rf = rf, .config = config, .keys = keys, .path = path, .at = text,
	};
	int ret;

	memset(config, 0, sizeof(*config));
	/* as it was written: no ';' ends a value, and no line goes on below */
	ini_allow_inline_comments = false;
	ini_allow_multiline = false;
	ini_stop_on_first_error = true;
	ini_use_stack = false;
	ini_allow_realloc = true;
	ini_max_line = RF_CONFIG_MAX + 2;
	ret = ini_parse_stream(next_line, &rd, on_value, &rd);
	if (rd.error)
		return rd.error;
	if (ret > 0)
		return rf_error(rf, -EINVAL, "%s: line %u: neither [section] nor key = value",
				path, rd.line);
	return ret ? rf_error(rf, -ENOMEM, "out of memory") : 0;
}

/**
 * rf_config_read() - read a file of one subOS
 * @rf: the handle
 * @path: the file
 * @keys: see rf_config_parse()
 * @config: see rf_config_parse()
 *
 * Return: as rf_config_parse(); -EINVAL for what is no such file, -EFBIG, -EACCES.
 */
int rf_config_read(struct rf *rf, const char *path, const struct rf_config_key *keys,
		   struct rf_config *config)
{
	char *text = malloc(RF_CONFIG_MAX + 2);
	int ret;

	memset(config, 0, sizeof(*config));
	if (!text)
		return rf_error(rf, -ENOMEM, "out of memory");
	ret = read_text(rf, path, text) ?: rf_config_parse(rf, path, text, keys, config);
	free(text);
	return ret;
}

void rf_config_clear(struct rf_config *config)
{
	for (size_t i = 0; i < config->n; i++)
		free(config->entry[i].value);
	free(config->entry);
	memset(config, 0, sizeof(*config));
}

/* Would the value be read as it stands? */
static bool plain(const char *value)
{
	size_t n = strlen(value);

	if (!n || value[0] == '"' || value[0] == ' ' || value[n - 1] == ' ')
		return false;
	for (const char *p = value; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	return true;
}

/**
 * rf_config_put() - write a line that rf_config_read() reads as @value
 * @f: where to
 * @name: the key
 * @value: any bytes
 */
void rf_config_put(FILE *f, const char *name, const char *value)
{
	if (plain(value)) {
		fprintf(f, "%s = %s\n", name, value);
		return;
	}
	fprintf(f, "%s = \"", name);
	for (const char *p = value; *p; p++) {
		unsigned char c = *p;

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c == '\n' || c == '\t')
			fputs(c == '\n' ? "\\n" : "\\t", f);
		else if (c < ' ' || c == 0x7f)
			fprintf(f, "\\x%02x", c);
		else
			fputc(c, f);
	}
	fputs("\"\n", f);
}
