// SPDX-License-Identifier: GPL-2.0
/* rf-ledger: who owns what, from raw memory. The one place that prints failures. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rf/abi/layout.h>

#include "print.h"

static const char usage[] =
	"usage: rf-ledger [--json] [FILE]\n"
	"       rf-ledger --console NAME [FILE]\n"
	"       rf-ledger --where [FILE]\n"
	"Reads from raw memory which subOSes there are and what they own, as the supervisor\n"
	"wrote it down, dead or alive. FILE is /dev/mem (the default), a file whose offsets\n"
	"are physical addresses, or an ELF core: /proc/vmcore, or a dump of QEMU's.\n"
	"  --console NAME   what the console of a subOS printed last\n"
	"  --where          only \"START BYTES\" of what a file has to hold for the rest to be\n"
	"                   read: ask again until nothing is added\n"
	"Exit: 0 found, one copy is valid and nothing has two owners; 1 wrong usage; 2 FILE\n"
	"can't be read; 3 no such subOS, or no ledger; 4 no valid copy; 5 two owners.\n";

/* Where the low memory is, the copies, and the control areas that are known of */
static void print_where(const struct rl_memory *m, const struct rl_ledger *l)
{
	struct rf_ledger_anchor a;

	printf("0 %d\n", 1 << 20);
	if (!l->anchor || rl_read(m, l->anchor, &a, sizeof(a)))
		return;
	for (int i = 0; i < 2; i++)
		printf("%" PRIu64 " %u\n", (uint64_t)a.copy[i], a.copy_size);
	for (uint32_t i = 0; l->best >= 0 && i < l->head->nr_subos; i++)
		if (l->subos[i].desc)
			printf("%" PRIu64 " %u\n", (uint64_t)l->subos[i].desc,
			       RF_CONTROL_SIZE);
}

static int print_console(const struct rl_memory *m, const struct rl_ledger *l, const char *name)
{
	struct rf_boot_desc *d = malloc(sizeof(*d));
	int err = d ? -ENOENT : -ENOMEM;
	size_t len;
	char *text;

	for (uint32_t i = 0; d && i < l->head->nr_subos; i++) {
		if (strcmp(l->subos[i].name, name))
			continue;
		err = rl_desc(m, &l->subos[i], d);
		if (!err)
			err = rl_console(m, d, &text, &len);
		if (!err) {
			fwrite(text, 1, len, stdout);
			free(text);
		}
		break;
	}
	free(d);
	if (!err)
		return 0;
	fprintf(stderr, "rf-ledger: %s: %s\n", name, err == -ENOENT ? "no such subOS" :
		err == -ENODATA ? "it was never started" :
		err == -EBADMSG ? "its control area makes no sense" :
		err == -ENXIO ? "its control area is not in the file" : strerror(-err));
	return err == -ENOENT ? 3 : 2;
}

static const char *why_not(int err)
{
	switch (err) {
	case 0:
		return NULL;
	case -ENOENT:
		return "no ledger: there is no anchor below 1 MiB";
	case -EPROTO:
		return "there is an anchor, but not of a version that is known here";
	case -EBADMSG:
		return "no copy of the ledger is valid";
	default:
		return strerror(-err);
	}
}

/* Return: the exit code */
static int report(const struct rl_memory *m, const struct rl_ledger *l, int err, bool json)
{
	const struct rf_ledger_resource *a, *b;
	const char *why = why_not(err);

	if (json)
		rl_print_json(m, l, why);
	else if (l->anchor)
		rl_print_text(m, l);
	if (err) {
		fprintf(stderr, "rf-ledger: %s\n", why);
		return err == -EBADMSG ? 4 : 3;
	}
	b = rl_conflict(l, &a);
	if (!b)
		return 0;
	fprintf(stderr, "rf-ledger: %s %#" PRIx64 " has two entries: of subOS %u, and of %u\n",
		b->kind == RF_LEDGER_CPU ? "the CPU of APIC ID" : "memory at", (uint64_t)b->at,
		a->owner, b->owner);
	return 5;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "console", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "where", no_argument, NULL, 'w' },
		{ }
	};
	const char *console = NULL, *path;
	bool json = false, where = false;
	struct rl_memory m;
	struct rl_ledger l;
	int c, err, ret;

	while ((c = getopt_long(argc, argv, "hj", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			console = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'j':
			json = true;
			break;
		case 'w':
			where = true;
			break;
		default:
			fputs(usage, stderr);
			return 1;
		}
	}
	if (argc - optind > 1 || !!console + json + where > 1) {
		fputs(usage, stderr);
		return 1;
	}
	path = argv[optind] ?: "/dev/mem";
	err = rl_open(&m, path);
	if (err) {
		fprintf(stderr, "rf-ledger: %s: %s\n", path, err == -ENOEXEC ?
			"an ELF file, but no core of x86-64" : strerror(-err));
		return 2;
	}
	err = rl_load(&m, &l);
	if (where) {
		print_where(&m, &l);
		ret = 0;
	} else if (console && !err) {
		ret = print_console(&m, &l, console);
	} else {
		ret = report(&m, &l, err, json);
	}
	rl_free(&l);
	rl_close(&m);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "rf-ledger: standard output: %s\n", strerror(errno));
		return 2;
	}
	return ret;
}
