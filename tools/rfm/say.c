// SPDX-License-Identifier: GPL-2.0
/* Lines for people. Results go to stdout, warnings to stderr. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rfm.h"

/* Milliseconds since some time */
int64_t rfm_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* "2026-11-21 15:04:05.123456", local time */
char *rfm_time_text(uint64_t ns, char *buf, size_t len)
{
	time_t t = ns / 1000000000;
	struct tm tm;
	size_t n = 0;

	if (localtime_r(&t, &tm))
		n = strftime(buf, len, "%F %T", &tm);
	snprintf(buf + n, len - n, ".%06lu", ns / 1000 % 1000000);
	return buf;
}

void rfm_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("rfm: warning: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

/**
 * rfm_unread() - standard output could not be written; errno says why
 * @r: the program
 *
 * Return: 0: nobody reads any more, which is no failure of ours; otherwise -errno.
 */
int rfm_unread(struct rfm *r)
{
	int err = errno;

	clearerr(stdout);	/* it is told, or none */
	if (err == EPIPE)
		return 0;
	return rf_error(r->rf, -err, "standard output: %s", strerror(err));
}

/* What the kernel did in another way than asked, and who had to move */
void rfm_warnings(const struct rf_subos *s)
{
	for (size_t i = 0; i < s->nr_warnings; i++)
		rfm_warn("%s", s->warning[i]);
	for (size_t i = 0; i < s->nr_pinned; i++)
		rfm_warn("task was pinned to a CPU that is taken: %s", s->pinned[i]);
}

/* "1.5G", for columns: not exact, where rf_size_text() is */
char *rfm_human(uint64_t bytes, char *buf, size_t len)
{
	static const char suffix[] = "BKMGTP";
	double v = bytes;
	int i = 0;

	while (v >= 1024 && i < 5) {
		v /= 1024;
		i++;
	}
	if (v < 10 && i && v != (uint64_t)v)
		snprintf(buf, len, "%.1f%c", v, suffix[i]);
	else
		snprintf(buf, len, "%.0f%c", v, suffix[i]);
	return buf;
}

double rfm_cpu_seconds(const struct rf_owned *o)
{
	return o->cpu_s + o->cpu_ns / 1e9;
}

double rfm_byte_seconds(const struct rf_owned *o)
{
	return (o->mib_s + o->mib_ns / 1e9) * (1 << 20);
}

/* What all of mem[] on the node of mem[i] amount to; 0 if one before it is of that node */
uint64_t rfm_node_bytes(const struct rf_mem *mem, size_t n, size_t i)
{
	uint64_t bytes = 0;

	for (size_t j = 0; j < n; j++) {
		if (mem[j].node != mem[i].node)
			continue;
		if (j < i)
			return 0;
		bytes += mem[j].size;
	}
	return bytes;
}

/* "256M@node0,1G@node1", to free() */
char *rfm_memory_text(const struct rf_mem *mem, size_t n)
{
	char *text = NULL, size[24];
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		uint64_t bytes = rfm_node_bytes(mem, n, i);

		if (!bytes)
			continue;
		fprintf(f, "%s%s", i ? "," : "", rf_size_text(bytes, size, sizeof(size)));
		if (mem[i].node != RF_NO_NODE)
			fprintf(f, "@node%d", mem[i].node);
	}
	if (!n)
		fputc('-', f);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

/* One line: what was done, or would be, with what */
void rfm_say_change(const struct rf_subos *s, const char *what)
{
	char *cpus = rf_cpus_text(s->cpu, s->nr_cpus);
	char *memory = rfm_memory_text(s->mem, s->nr_mems);

	printf("%s %s: CPUs %s, memory %s\n", s->name, what, cpus ?: "?", memory ?: "?");
	free(cpus);
	free(memory);
}

/* What create and run would take: the blocks, too */
void rfm_say_dry_create(const struct rf_subos *s)
{
	char size[24];

	rfm_say_change(s, "would be created");
	for (size_t i = 0; i < s->nr_mems; i++)
		if (s->mem[i].start)
			printf("  block %#lx-%#lx (%s) of node %d\n", s->mem[i].start,
			       s->mem[i].start + s->mem[i].size - 1,
			       rf_size_text(s->mem[i].size, size, sizeof(size)), s->mem[i].node);
}

void rfm_say_quarantine(const struct rf_quarantine *q, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *cpus = rf_cpus_text(q[i].cpu, q[i].nr_cpus);
		char *memory = rfm_memory_text(q[i].mem, q[i].nr_mems);

		printf("quarantine, from %s: CPUs %s, memory %s: %s\n", q[i].owner, cpus ?: "?",
		       memory ?: "?", q[i].why ?: "not proven free");
		free(cpus);
		free(memory);
	}
}
