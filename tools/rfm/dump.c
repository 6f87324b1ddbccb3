// SPDX-License-Identifier: GPL-2.0
/* rfm dump: a subOS's memory in a file, for gdb, makedumpfile and crash */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/rainforest.h>

#include "change.h"
#include "part.h"

#define HOLD_MS		5000
#define TELL_MS		5000	/* progress, where there is no terminal */

static const char synopsis[] =
	"NAME -o FILE [OPTION]...\n\n"
	"Writes a subOS's memory to FILE as an ELF core file with VMCOREINFO and the\n"
	"registers that are known, for gdb (with the vmlinux that it ran), makedumpfile and\n"
	"crash. One that runs is held meanwhile, and goes on afterwards, also when rfm is\n"
	"killed. FILE is made as FILE.part, readable by its owner only. It holds all that\n"
	"the subOS's programs had in memory: keep it as you keep their data.";

struct dump {
	struct rfm *r;
	struct rf_freeze f;
	struct rf_dump_info info;
	const char *file;	/* "-": standard output */
	char *part;		/* where it is made; NULL: standard output */
	bool compress;
	int64_t began, told;
	uint64_t stored;	/* bytes that it takes */
};

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static bool progress(uint64_t done, void *arg)
{
	struct dump *d = arg;
	bool tty = isatty(STDERR_FILENO);
	int64_t now = rfm_now_ms();

	if (now - d->told >= (tty ? 200 : TELL_MS)) {
		d->told = now;
		fprintf(stderr, tty ? "\r%s: %lu of %lu MiB " : "rfm: %s: %lu of %lu MiB\n",
			d->f.name, done >> 20, d->info.size >> 20);
		fflush(stderr);
	}
	return !stopped;
}

static int open_part(struct dump *d)
{
	struct rf *rf = d->r->rf;
	struct stat st;
	int fd;

	if (!strcmp(d->file, "-")) {
		if (isatty(STDOUT_FILENO))
			return rf_error(rf, -EINVAL, "a dump is not written to a terminal");
		return STDOUT_FILENO;
	}
	/* a device or a pipe is written to as it is */
	if (!stat(d->file, &st) && !S_ISREG(st.st_mode)) {
		fd = open(d->file, O_WRONLY | O_CLOEXEC);
		return fd < 0 ? rfm_file_error(d->r, d->file) : fd;
	}
	if (asprintf(&d->part, "%s.part", d->file) < 0) {
		d->part = NULL;
		return rf_error(rf, -ENOMEM, "out of memory");
	}
	unlink(d->part);	/* of one that was killed */
	fd = open(d->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		fd = rfm_file_error(d->r, d->part);
		free(d->part);
		d->part = NULL;
	}
	return fd;
}

/* The file is complete: under its name. Or there is none. */
static int close_part(struct dump *d, int fd, int ret)
{
	struct stat st;

	if (!ret && !fstat(fd, &st))
		d->stored = st.st_blocks * 512ULL;
	if (!ret && d->part && fsync(fd))
		ret = rf_error(d->r->rf, -errno, "%s: %s", d->part, strerror(errno));
	if (fd != STDOUT_FILENO && close(fd) && !ret)
		ret = rf_error(d->r->rf, -errno, "%s: %s", d->file, strerror(errno));
	if (!d->part)
		return ret;
	if (!ret && rename(d->part, d->file))
		ret = rfm_file_error(d->r, d->file);
	if (ret)
		unlink(d->part);
	free(d->part);
	return ret;
}

static void say(const struct dump *d)
{
	const struct rf_dump_info *i = &d->info;
	char size[16], stored[16];
	FILE *to = strcmp(d->file, "-") ? stdout : stderr;
	struct json_object *o;

	if (i->loose)
		rfm_warn("%u of %u CPUs could not be held: what they wrote meanwhile may be torn",
			 i->loose, i->cpus);
	if (!i->vmcoreinfo)
		rfm_warn("no VMCOREINFO: its kernel had not made it yet, or is older. makedumpfile won't do");
	if (d->r->json) {
		o = json_object_new_object();
		rfm_put(o, "name", json_object_new_string(d->f.name));
		rfm_put(o, "file", rfm_json_text(d->file, strlen(d->file)));
		rfm_put(o, "bytes", json_object_new_uint64(i->size));
		rfm_put(o, "stored_bytes", json_object_new_uint64(d->stored));
		rfm_put(o, "memory_bytes", json_object_new_uint64(i->memory));
		rfm_put(o, "compressed", json_object_new_boolean(d->compress));
		rfm_put(o, "cpus", json_object_new_int64(i->cpus));
		rfm_put(o, "cpus_with_registers", json_object_new_int64(i->regs));
		rfm_put(o, "cpus_not_held", json_object_new_int64(i->loose));
		rfm_put(o, "vmcoreinfo", json_object_new_boolean(i->vmcoreinfo > 0));
		rfm_put(o, "was_held_for_it", json_object_new_boolean(i->held));
		rfm_put(o, "ms", json_object_new_int64(rfm_now_ms() - d->began));
		rfm_json_print(o);
		return;
	}
	fprintf(to, "%s dumped to %s: %s, %s on disk%s, registers of %u of %u CPUs\n", d->f.name,
		d->file, rfm_human(i->size, size, sizeof(size)),
		rfm_human(d->stored, stored, sizeof(stored)),
		d->compress ? " (zstd -d before use)" : "", i->regs, i->cpus);
}

static int dump(struct dump *d)
{
	struct rf_dump_how how = {
		.compress = d->compress,
		.progress = progress,
		.arg = d,
	};
	struct sigaction sa = { .sa_handler = stop };
	int to, from, ret;

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	d->began = rfm_now_ms();
	d->told = d->began;
	to = open_part(d);	/* before the subOS is held */
	if (to < 0)
		return to;
	from = rf_dump_open(d->r->rf, &d->f, &d->info);
	if (from < 0)
		return close_part(d, to, from);
	how.size = d->info.size;
	ret = rf_dump_write(d->r->rf, from, to, &how);
	close(from);		/* it goes on before the disk is waited for */
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	ret = close_part(d, to, ret);
	if (!ret)
		say(d);
	return ret;
}

static int would_hold(struct dump *d)
{
	struct rf_subos held;
	int ret = rf_freeze(d->r->rf, &d->f, &held);

	rf_subos_clear(&held);
	return ret;
}

/* What would be done, without holding it */
static int would(struct dump *d)
{
	struct rf_subos s;
	int ret = rf_subos_get(d->r->rf, d->f.name, &s);
	bool runs = !ret && s.state == RAINFOREST_STATE_RUNNING;

	if (ret)
		return ret;
	if (!s.generation)
		ret = rf_error(d->r->rf, -ENODATA, "%s has never run: there is nothing to dump",
			       s.name);
	else if (runs)
		ret = would_hold(d);
	if (!ret && d->r->json)
		rfm_json_print(rfm_json_change(&s, true));
	else if (!ret)
		printf("%s (%s) would be dumped to %s%s\n", s.name, rf_state_text(s.state),
		       d->file, runs ? ", and held meanwhile" : "");
	rf_subos_clear(&s);
	return ret;
}

int cmd_dump(struct rfm *r, int argc, char **argv)
{
	struct dump d = { .r = r, .f.timeout_ms = HOLD_MS };
	const char *timeout = NULL;
	const struct rfm_opt opts[] = {
		{ "output", 'o', OPT_STRING, &d.file, "FILE",
		  "where to; -: standard output, not with --json" },
		{ "compress", 0, OPT_FLAG, &d.compress, NULL,
		  "the file as a whole by zstd: unpack it before use" },
		{ "timeout", 0, OPT_STRING, &timeout, "S",
		  "seconds to try to hold one that runs (default 5)" },
		{ "nmi", 0, OPT_FLAG, &d.f.nmi, NULL,
		  "CPUs that take no interrupt by NMI; RESETS THE MACHINE if one has no IDT" },
		RFM_DRY_RUN(&d.f.dry_run), RFM_JSON(r), RFM_END
	};
	struct rfm_words words;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_one_name(r, &words, &d.f.name) ?: rfm_timeout(r, timeout, &d.f.timeout_ms);
	if (!ret && !d.file)
		ret = rf_error(r->rf, -EINVAL, "where to? -o FILE is needed");
	else if (!ret && r->json && !strcmp(d.file, "-"))
		ret = rf_error(r->rf, -EINVAL,
			       "--json goes where the dump would go: -o FILE is needed");
	if (ret)
		return ret;
	return d.f.dry_run ? would(&d) : dump(&d);
}
