// SPDX-License-Identifier: GPL-2.0
/* Words of the command line. Nothing is guessed: what isn't exact is -EINVAL. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rainforest.h>

#include "internal.h"

/* Decimal digits only, all of them: no sign, no space, no base prefix */
static int number(const char **p, uint64_t *n)
{
	const char *s = *p;
	bool over = false;
	uint64_t v = 0;

	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	for (; isdigit((unsigned char)*s); s++)
		over |= __builtin_mul_overflow(v, 10, &v) ||
			__builtin_add_overflow(v, (uint64_t)(*s - '0'), &v);
	*p = s;
	*n = v;
	return over ? -ERANGE : 0;
}

/**
 * rf_parse_name() - is this the name of a subOS?
 * @rf: the handle
 * @name: [A-Za-z0-9][A-Za-z0-9._-]{0,62}
 *
 * Return: 0, -ENAMETOOLONG, -EINVAL.
 */
int rf_parse_name(struct rf *rf, const char *name)
{
	size_t len = strlen(name);

	if (len > RF_NAME_MAX)
		return rf_error(rf, -ENAMETOOLONG, "name of %zu characters: at most %d are allowed",
				len, RF_NAME_MAX);
	if (!len)
		return rf_error(rf, -EINVAL, "the name is empty");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = name[i];

		if (c < 0x80 && (isalnum(c) || (i && strchr("._-", c))))
			continue;
		return rf_error(rf, -EINVAL,
				"bad name \"%s\": letters, digits and . _ - only, a letter or digit first",
				name);
	}
	return 0;
}

/**
 * rf_parse_new_name() - may a subOS be given this name?
 * @rf: the handle
 * @name: as rf_parse_name() wants it, and not the supervisor's own
 *
 * Return: 0, -ENAMETOOLONG, -EINVAL.
 */
int rf_parse_new_name(struct rf *rf, const char *name)
{
	int ret = rf_parse_name(rf, name);

	if (!ret && !strcmp(name, RF_SUPERVISOR))
		ret = rf_error(rf, -EINVAL, "bad name \"%s\": that is the supervisor's own", name);
	return ret;
}

/* One piece "5", "2-3" or "0-6:2" into @set; -EEXIST when it is there already */
static int cpu_piece(const char **p, bool *set)
{
	uint64_t first, last, step = 1;
	int ret = number(p, &first);

	if (ret)
		return ret;
	last = first;
	if (**p == '-') {
		(*p)++;
		ret = number(p, &last);
		if (ret)
			return ret;
		if (last < first)
			return -EINVAL;
		if (**p == ':') {
			(*p)++;
			if (number(p, &step) || !step)
				return -EINVAL;
		}
	}
	if (last > UINT32_MAX)
		return -ERANGE;
	if (last >= RF_CPU_LIMIT)
		return -ENXIO;
	for (uint64_t i = first; i <= last; i += step) {
		if (set[i])
			return -EEXIST;
		set[i] = true;
		if (step > last)
			break;
	}
	return 0;
}

/**
 * rf_parse_cpus() - a list of CPUs as taskset(1) and numactl(8) write it
 * @rf: the handle
 * @word: "2-3", "5,7", "0-6:2"
 * @cpu: where an array is put, by rising id; free() it
 * @n: its length, at least 1
 *
 * Return: 0; -EINVAL, also for a CPU that is named twice; -ENXIO for ids that
 * no machine has; -ENOMEM.
 */
int rf_parse_cpus(struct rf *rf, const char *word, uint32_t **cpu, size_t *n)
{
	bool set[RF_CPU_LIMIT] = { false };
	const char *p = word;
	size_t count = 0;
	int ret;

	for (;;) {
		ret = cpu_piece(&p, set);
		if (ret || *p != ',')
			break;
		p++;
	}
	if (ret == -ENXIO)
		return rf_error(rf, ret, "CPU list \"%s\": what is beyond %d does not exist",
				word, RF_CPU_LIMIT - 1);
	if (ret == -EEXIST)
		return rf_error(rf, -EINVAL, "CPU list \"%s\" names a CPU twice", word);
	if (ret || *p)
		return rf_error(rf, -EINVAL, "bad CPU list \"%s\": want for example 2-3 or 5,7",
				word);

	for (size_t i = 0; i < RF_CPU_LIMIT; i++)
		count += set[i];
	*cpu = calloc(count, sizeof(**cpu));
	if (!*cpu)
		return rf_error(rf, -ENOMEM, "out of memory");
	*n = 0;
	for (size_t i = 0; i < RF_CPU_LIMIT; i++)
		if (set[i])
			(*cpu)[(*n)++] = i;
	return 0;
}

/* "@node1" or "@1", up to the end */
static int node_suffix(const char *p, int *node)
{
	uint64_t n;
	int ret;

	*node = RF_NO_NODE;
	if (!*p)
		return 0;
	if (*p++ != '@')
		return -EINVAL;
	if (!strncmp(p, "node", 4))
		p += 4;
	ret = number(&p, &n);
	if (ret == -EINVAL || *p)
		return -EINVAL;
	if (ret || n >= RF_NODE_LIMIT)
		return -ENODEV;
	*node = n;
	return 0;
}

/**
 * rf_parse_ncpus() - a number of CPUs, of a node or of any
 * @rf: the handle
 * @word: "2", "2@node1", "2@1"
 * @ncpus: at least 1
 * @node: or RF_NO_NODE
 *
 * Return: 0, -EINVAL, -ENODEV (no machine has such a node), -ENOSPC.
 */
int rf_parse_ncpus(struct rf *rf, const char *word, uint32_t *ncpus, int *node)
{
	const char *p = word;
	uint64_t n;
	int ret = number(&p, &n);

	if (ret == -EINVAL || (!ret && !n))
		goto bad;
	if (ret || n >= RF_CPU_LIMIT)
		return rf_error(rf, -ENOSPC, "no machine has as many CPUs as \"%s\"", word);
	ret = node_suffix(p, node);
	if (ret == -ENODEV)
		return rf_error(rf, ret, "no such node: \"%s\"", word);
	if (ret)
		goto bad;
	*ncpus = n;
	return 0;
bad:
	return rf_error(rf, -EINVAL, "bad number of CPUs \"%s\": want for example 2 or 2@1",
			word);
}

static int size(const char **p, uint64_t *bytes)
{
	static const char suffix[] = "KMGTP";
	const char *s;
	uint64_t n;
	int ret = number(p, &n);

	if (ret)
		return ret;
	s = **p ? strchr(suffix, toupper((unsigned char)**p)) : NULL;
	if (s) {
		int shift = 10 * (s - suffix + 1);

		if (n > (UINT64_MAX >> shift))
			return -ERANGE;
		n <<= shift;
		(*p)++;
	}
	*bytes = n;
	return 0;
}

/**
 * rf_parse_size() - a size in bytes, with a binary suffix K M G T P
 * @rf: the handle
 * @word: "268435456", "256M"
 * @bytes: the result
 *
 * Return: 0, -EINVAL, -ERANGE.
 */
int rf_parse_size(struct rf *rf, const char *word, uint64_t *bytes)
{
	const char *p = word;
	int ret = size(&p, bytes);

	if (ret == -ERANGE)
		return rf_error(rf, ret, "size \"%s\" is too large", word);
	if (ret || *p)
		return rf_error(rf, -EINVAL, "bad size \"%s\": want for example 256M", word);
	return 0;
}

/**
 * rf_parse_memory() - memory, of a node or of the CPUs' nodes
 * @rf: the handle
 * @word: "256M", "256M@node1", "256M@1"
 * @mem: the result, start 0
 *
 * Return: 0, -EINVAL, -ERANGE, -ENODEV (no machine has such a node).
 */
int rf_parse_memory(struct rf *rf, const char *word, struct rf_mem *mem)
{
	const char *p = word;
	int ret = size(&p, &mem->size);

	mem->start = 0;
	if (ret == -ERANGE)
		return rf_error(rf, ret, "size \"%s\" is too large", word);
	if (!ret)
		ret = node_suffix(p, &mem->node);
	if (ret == -ENODEV)
		return rf_error(rf, ret, "no such node: \"%s\"", word);
	if (ret)
		return rf_error(rf, -EINVAL,
				"bad memory \"%s\": want for example 256M or 256M@node1", word);
	return 0;
}

/* "+" and "-" in front of an amount; without, it is the target */
static uint32_t sign(const char **word)
{
	switch (**word) {
	case '+':
		++*word;
		return RAINFOREST_HOW_ADD;
	case '-':
		++*word;
		return RAINFOREST_HOW_REMOVE;
	}
	return RAINFOREST_HOW_TARGET;
}

/**
 * rf_parse_count_how() - how many CPUs, more or fewer
 * @rf: the handle
 * @word: "2", "+1", "-1@node1"
 * @ncpus: at least 1
 * @node: or RF_NO_NODE
 * @how: RAINFOREST_HOW_*
 *
 * Return: as rf_parse_ncpus().
 */
int rf_parse_count_how(struct rf *rf, const char *word, uint32_t *ncpus, int *node,
		       uint32_t *how)
{
	const char *p = word;
	int ret;

	*how = sign(&p);
	ret = rf_parse_ncpus(rf, p, ncpus, node);
	if (ret == -EINVAL)
		return rf_error(rf, ret,
				"bad number of CPUs \"%s\": want for example 2, +1 or -1@node1",
				word);
	return ret;
}

/**
 * rf_parse_amount() - how much memory, more or less
 * @rf: the handle
 * @word: "512M", "+256M@node1", "-1G"
 * @amount: the result
 *
 * Return: as rf_parse_memory().
 */
int rf_parse_amount(struct rf *rf, const char *word, struct rf_amount *amount)
{
	const char *p = word;
	int ret;

	amount->how = sign(&p);
	ret = rf_parse_memory(rf, p, &amount->mem);
	if (ret == -EINVAL)
		return rf_error(rf, ret,
				"bad memory \"%s\": want for example 512M, +256M or -256M@node1",
				word);
	return ret;
}

/**
 * rf_parse_seconds() - seconds, with up to three decimals
 * @rf: the handle
 * @word: "10", "0.5"
 * @ms: milliseconds
 *
 * Return: 0, -EINVAL, -ERANGE (more than a year).
 */
int rf_parse_seconds(struct rf *rf, const char *word, int64_t *ms)
{
	const char *p = word;
	uint64_t s, unit = 100;
	int ret = number(&p, &s);

	if (ret == -ERANGE || (!ret && s > 366 * 86400))
		return rf_error(rf, -ERANGE, "\"%s\" seconds are more than a year", word);
	if (ret)
		goto bad;
	*ms = s * 1000;
	if (*p == '.') {
		p++;
		if (!isdigit((unsigned char)*p))
			goto bad;
		for (; isdigit((unsigned char)*p) && unit; p++, unit /= 10)
			*ms += (*p - '0') * unit;
	}
	if (*p)
		goto bad;
	return 0;
bad:
	return rf_error(rf, -EINVAL, "bad number of seconds \"%s\"", word);
}

/**
 * rf_parse_count() - a plain number
 * @rf: the handle
 * @word: digits
 * @n: the result
 *
 * Return: 0, -EINVAL, -ERANGE.
 */
int rf_parse_count(struct rf *rf, const char *word, uint64_t *n)
{
	const char *p = word;
	int ret = number(&p, n);

	if (ret == -ERANGE)
		return rf_error(rf, ret, "number \"%s\" is too large", word);
	if (ret || *p)
		return rf_error(rf, -EINVAL, "bad number \"%s\"", word);
	return 0;
}

/**
 * rf_size_text() - a size for people: the largest suffix that is exact
 * @bytes: the size
 * @buf: takes the text
 * @len: of @buf, at least 24
 *
 * Return: @buf.
 */
char *rf_size_text(uint64_t bytes, char *buf, size_t len)
{
	static const char suffix[] = " KMGTP";
	int i = 0;

	while (bytes && !(bytes & 1023) && i < 5) {
		bytes >>= 10;
		i++;
	}
	if (i)
		snprintf(buf, len, "%lu%c", bytes, suffix[i]);
	else
		snprintf(buf, len, "%lu", bytes);
	return buf;
}

/**
 * rf_cpus_text() - the list that rf_parse_cpus() would read
 * @cpu: ids, rising
 * @n: how many
 *
 * Return: text to free(), "-" for none; NULL without memory.
 */
char *rf_cpus_text(const uint32_t *cpu, size_t n)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (size_t i = 0, j; i < n; i = j + 1) {
		for (j = i; j + 1 < n && cpu[j + 1] == cpu[j] + 1; j++)
			;
		fprintf(f, i ? ",%u" : "%u", cpu[i]);
		if (j > i)
			fprintf(f, "-%u", cpu[j]);
	}
	if (!n)
		fputc('-', f);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

/**
 * rf_check_memory() - is it enough for a subOS? To be asked before rounding
 * @rf: the handle
 * @mem: what is asked for
 * @n: how many
 * @min: bytes, of rf_info
 *
 * Return: 0, -ENOMEM, -ERANGE.
 */
int rf_check_memory(struct rf *rf, const struct rf_mem *mem, size_t n, uint64_t min)
{
	char least[24], asked[24];
	uint64_t total = 0;
	bool none = false;

	for (size_t i = 0; i < n; i++) {
		if (__builtin_add_overflow(total, mem[i].size, &total))
			return rf_error(rf, -ERANGE, "more memory than a machine can have");
		none |= !mem[i].size;
	}
	if (!none && total >= min)
		return 0;
	return rf_error(rf, -ENOMEM, "%s of memory is too little: the minimum is %s",
			rf_size_text(none ? 0 : total, asked, sizeof(asked)),
			rf_size_text(min, least, sizeof(least)));
}

/**
 * rf_round_memory() - round a size up to whole memory blocks
 * @rf: the handle
 * @mem: changed
 * @block: bytes of a block, of rf_info
 * @exact: refuse instead
 * @notice: where a sentence to free() is put when it was rounded, else NULL
 *
 * Return: 0; -EINVAL (exact), which names the two nearest sizes; -ERANGE;
 * -ENOMEM.
 */
int rf_round_memory(struct rf *rf, struct rf_mem *mem, uint64_t block,
		    bool exact, char **notice)
{
	char asked[24], down[24], up[24], unit[24];
	uint64_t over, rounded;

	*notice = NULL;
	over = block ? mem->size % block : 0;
	if (!over)
		return 0;
	if (__builtin_add_overflow(mem->size, block - over, &rounded))
		return rf_error(rf, -ERANGE, "more memory than a machine can have");
	rf_size_text(mem->size, asked, sizeof(asked));
	rf_size_text(mem->size - over, down, sizeof(down));
	rf_size_text(rounded, up, sizeof(up));
	rf_size_text(block, unit, sizeof(unit));
	if (exact && mem->size < block)
		return rf_error(rf, -EINVAL,
				"%s is no multiple of the memory block (%s): nearest is %s",
				asked, unit, up);
	if (exact)
		return rf_error(rf, -EINVAL,
				"%s is no multiple of the memory block (%s): nearest are %s and %s",
				asked, unit, down, up);
	if (asprintf(notice, "%s rounded up to %s (memory block is %s)", asked, up, unit) < 0) {
		*notice = NULL;
		return rf_error(rf, -ENOMEM, "out of memory");
	}
	mem->size = rounded;
	return 0;
}

/**
 * rf_parse_on_crash() - what is to be done with a subOS that has crashed
 * @rf: the handle
 * @text: stop, restart, dump or dump-restart
 * @policy: out, RAINFOREST_ON_CRASH_*
 *
 * Return: 0, -EINVAL.
 */
int rf_parse_on_crash(struct rf *rf, const char *text, uint32_t *policy)
{
	for (uint32_t i = 0; i <= RAINFOREST_ON_CRASH_DUMP_RESTART; i++) {
		if (strcmp(text, rf_on_crash_text(i)))
			continue;
		*policy = i;
		return 0;
	}
	return rf_error(rf, -EINVAL, "\"%s\" is no policy: stop, restart, dump or dump-restart",
			text);
}
