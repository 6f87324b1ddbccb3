// SPDX-License-Identifier: GPL-2.0
/* rfm collect: what a bug report needs, in one archive */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <rf/abi/ledger.h>

#include "part.h"
#include "rfm.h"

#define STEP_MS		15000	/* for a verb that gets no answer */
#define FILE_MAX	(8u << 20)	/* of each entry */
#define LEDGER_MAX	(1u << 20)	/* bytes of a copy that we believe in */
#define ROOT		"rainforest-report"

static const char synopsis[] =
	"[-o FILE]\n\n"
	"Puts into one archive what a bug report needs: versions, the machine, all subOSes,\n"
	"their histories, statistics and consoles (of destroyed ones too), the kernel's log,\n"
	"its configuration and memory map. No memory of programs, no commands' arguments\n"
	"and no standard streams are in it; consoles and the kernel's log are, as they are:\n"
	"look through them before you send it to anybody.";

/* What rfm says; %s is a subOS's name */
struct verb {
	const char *entry;
	const char *argv[6];
};

static const struct verb machine[] = {
	{ "rfm/version.json", { "version", "--json" } },
	{ "rfm/check.txt", { "check" } },
	{ "rfm/topo.txt", { "topo" } },
	{ "rfm/topo.json", { "topo", "--json" } },
	{ "rfm/list.txt", { "list" } },
	{ "rfm/list.json", { "list", "--json" } },
	{ "rfm/quarantine.json", { "list", "--quarantine", "--json" } },
	{ "rfm/channels.json", { "channel", "list", "--json" } },
	{ "rfm/channel-stat.txt", { "channel", "stat" } },
	{ "rfm/net.json", { "net", "show", "--json" } },
	{ "rfm/services.txt", { "service", "list" } },
};

static const struct verb living[] = {
	{ "subos/%s/show.txt", { "show", "%s" } },
	{ "subos/%s/show.json", { "show", "--json", "%s" } },
	{ "subos/%s/history.json", { "history", "--json", "%s" } },
	{ "subos/%s/stat.json", { "stat", "--json", "%s" } },
	{ "subos/%s/console.log", { "logs", "%s" } },
};

static const struct verb gone[] = {
	{ "gone/%s/history.json", { "history", "--json", "%s" } },
	{ "gone/%s/console.log", { "logs", "%s" } },
};

/* As they are; some have no size until they are read */
static const char *const files[] = {
	"/proc/version", "/proc/cmdline", "/proc/uptime", "/proc/iomem", "/proc/cpuinfo",
	"/proc/meminfo", "/proc/buddyinfo", "/proc/zoneinfo", "/proc/vmstat", "/proc/interrupts",
	"/proc/softirqs", "/proc/loadavg", "/proc/modules", "/proc/config.gz",
	"/proc/sys/kernel/tainted", "/etc/os-release",
	"/sys/devices/system/cpu/online", "/sys/devices/system/cpu/offline",
	"/sys/devices/system/cpu/present", "/sys/devices/system/memory/block_size_bytes",
	"/sys/module/rfcontroller/parameters/*", "/sys/module/ficm/parameters/*",
	"/sys/module/rfcom/parameters/*", "/sys/module/rfloop/parameters/*",
	"/sys/devices/system/clocksource/clocksource0/current_clocksource",
	"/sys/kernel/security/lockdown",
};

struct report {
	struct rfm *r;
	struct archive *a;
	char file[256], part[264];
	char *index;		/* a line an entry */
	size_t index_len;
	FILE *index_to;
	unsigned int entries, failed, steps;
	int64_t began;
};

static int put(struct report *p, const char *name, const char *data, size_t n)
{
	struct archive_entry *e = archive_entry_new();
	char path[512];
	int ret = 0;

	if (!e)
		return rf_error(p->r->rf, -ENOMEM, "out of memory");
	snprintf(path, sizeof(path), ROOT "/%s", name);
	archive_entry_set_pathname(e, path);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0600);
	archive_entry_set_size(e, n);
	archive_entry_set_mtime(e, time(NULL), 0);
	if (archive_write_header(p->a, e) != ARCHIVE_OK ||
	    (n && archive_write_data(p->a, data, n) != (la_ssize_t)n))
		ret = rf_error(p->r->rf, archive_errno(p->a) > 0 ? -archive_errno(p->a) : -EIO,
			       "%s: %s", p->part, archive_error_string(p->a) ?: "writing failed");
	archive_entry_free(e);
	p->entries++;
	return ret;
}

/* One line of the index, and of progress */
__attribute__((format(printf, 4, 5)))
static void note(struct report *p, const char *name, bool well, const char *fmt, ...)
{
	va_list ap;

	fprintf(p->index_to, "%-4s %-40s ", well ? "ok" : "FAIL", name);
	va_start(ap, fmt);
	vfprintf(p->index_to, fmt, ap);
	va_end(ap);
	fputc('\n', p->index_to);
	p->failed += !well;
	if (isatty(STDERR_FILENO)) {
		fprintf(stderr, "\r\033[K%u %s", p->entries, name);
		fflush(stderr);
	}
}

/* ---- what rfm says ---- */

static void child(int to, const char *const *argv, const char *name)
{
	char *args[8] = { "rfm" };
	int null = open("/dev/null", O_RDWR);

	for (size_t i = 0; i < 6 && argv[i]; i++)
		args[i + 1] = strcmp(argv[i], "%s") ? (char *)argv[i] : (char *)name;
	dup2(null, STDIN_FILENO);
	dup2(to, STDOUT_FILENO);
	dup2(to, STDERR_FILENO);
	execv("/proc/self/exe", args);
	_exit(127);
}

/* Read until the end, or until the time is up. Return: bytes, or -errno; *late: it was */
static ssize_t drain(int fd, char **data, bool *late)
{
	int64_t end = rfm_now_ms() + STEP_MS;
	size_t n = 0, room = 0;
	char *buf = NULL;

	for (;;) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		int64_t left = end - rfm_now_ms();
		ssize_t got;

		if (left <= 0 || n >= FILE_MAX) {
			*late = left <= 0;
			break;
		}
		if (room - n < 4096) {
			char *more = realloc(buf, room = room ? 2 * room : 1 << 16);

			if (!more) {
				free(buf);
				return -ENOMEM;
			}
			buf = more;
		}
		if (poll(&pfd, 1, left) <= 0)
			continue;
		got = read(fd, buf + n, room - n);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0)
			break;
		n += got;
	}
	*data = buf;
	return n;
}

static int ask(struct report *p, const struct verb *v, const char *name)
{
	char entry[256], *data = NULL;
	int64_t t = rfm_now_ms();
	int pipes[2], status = 0, ret;
	bool late = false;
	ssize_t n;
	pid_t pid;

	snprintf(entry, sizeof(entry), v->entry, name);
	if (pipe2(pipes, O_CLOEXEC))
		return rf_error(p->r->rf, -errno, "pipe: %s", strerror(errno));
	pid = fork();
	if (!pid)
		child(pipes[1], v->argv, name);
	close(pipes[1]);
	if (pid < 0) {
		close(pipes[0]);
		return rf_error(p->r->rf, -EAGAIN, "fork: %s", strerror(errno));
	}
	n = drain(pipes[0], &data, &late);
	close(pipes[0]);
	if (late)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (n < 0)
		return rf_error(p->r->rf, n, "out of memory");
	ret = put(p, entry, data, n);
	/* what a verb says of its failure is worth having, too */
	note(p, entry, !late && (n || !status), "rfm %s%s%s: exit %d, %ld ms%s", v->argv[0],
	     name ? " " : "", name ?: "", rf_exit_from_wait(status), (long)(rfm_now_ms() - t),
	     late ? ", killed: no answer" : "");
	free(data);
	return ret;
}

/* ---- files ---- */

static int take_file(struct report *p, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret = 0;
	bool late = false;
	char *data = NULL;
	ssize_t n;

	if (fd < 0) {
		note(p, path + 1, errno == ENOENT, "%s", strerror(errno));
		return 0;
	}
	n = drain(fd, &data, &late);
	close(fd);
	if (n >= 0) {
		ret = put(p, path + 1, data, n);
		note(p, path + 1, true, "%zd bytes", n);
	}
	free(data);
	return n < 0 ? rf_error(p->r->rf, n, "out of memory") : ret;
}

static int take_files(struct report *p)
{
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files) && !ret; i++) {
		glob_t g;

		/* where nothing fits it is taken by its own name, and not found */
		if (glob(files[i], GLOB_NOCHECK, NULL, &g)) {
			note(p, files[i] + 1, false, "can't be listed");
			continue;
		}
		for (size_t j = 0; j < g.gl_pathc && !ret; j++)
			ret = take_file(p, g.gl_pathv[j]);
		globfree(&g);
	}
	return ret;
}

static int take_dmesg(struct report *p)
{
	int size = klogctl(10 /* SYSLOG_ACTION_SIZE_BUFFER */, NULL, 0), n, ret;
	char *data = size > 0 ? malloc(size) : NULL;

	if (!data) {
		note(p, "dmesg", false, "%s", strerror(errno));
		return 0;
	}
	n = klogctl(3 /* SYSLOG_ACTION_READ_ALL */, data, size);
	note(p, "dmesg", n >= 0, "%d bytes", n);
	ret = n >= 0 ? put(p, "dmesg", data, n) : 0;
	free(data);
	return ret;
}

/* Both copies, one behind the other, as whoever comes after this supervisor would read them */
static int take_ledger(struct report *p)
{
	struct rf_ledger_anchor anchor = { };
	struct rf_info info;
	char *data = NULL;
	ssize_t n = -1;
	int fd, ret;

	if (rf_info_get(p->r->rf, &info) || !info.ledger) {
		note(p, "ledger.bin", false, "its address is not known: %s", rf_strerror(p->r->rf));
		return 0;
	}
	fd = open("/dev/mem", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && pread(fd, &anchor, sizeof(anchor), info.ledger) == sizeof(anchor)) {
		if (anchor.magic != RF_LEDGER_ANCHOR_MAGIC || anchor.copy_size > LEDGER_MAX)
			errno = EBADMSG;
		else
			data = malloc(2 * anchor.copy_size);
	}
	for (int i = 0; data && i < 2; i++) {
		n = pread(fd, data + i * anchor.copy_size, anchor.copy_size, anchor.copy[i]);
		if (n != anchor.copy_size) {
			n = -1;
			break;
		}
	}
	if (n < 0)
		note(p, "ledger.bin", false, "anchor at %#" PRIx64 ": %s", info.ledger,
		     strerror(errno));
	else
		note(p, "ledger.bin", true, "copies of %#x bytes, from %#" PRIx64 " and %#" PRIx64,
		     anchor.copy_size, (uint64_t)anchor.copy[0], (uint64_t)anchor.copy[1]);
	if (fd >= 0)
		close(fd);
	ret = n < 0 ? 0 : put(p, "ledger.bin", data, 2 * anchor.copy_size);
	free(data);
	return ret;
}

/* ---- all of it ---- */

static int take_subos(struct report *p)
{
	struct rf_subos *list;
	char **names;
	size_t n, nr, i, j;
	int ret = rf_subos_list(p->r->rf, &list, &n);

	if (ret) {
		note(p, "subos", false, "%s", rf_strerror(p->r->rf));
		return 0;	/* that may be the bug: the rest is worth having */
	}
	for (i = 0; i < n && !ret; i++)
		for (j = 0; j < ARRAY_SIZE(living) && !ret; j++)
			ret = ask(p, &living[j], list[i].name);
	if (!ret && !rf_gone_get(p->r->rf, &names, &nr)) {
		for (i = 0; i < nr && !ret; i++) {
			bool again = false;

			for (j = 0; j < n; j++)
				again |= !strcmp(list[j].name, names[i]);
			/* the name means the living one then; its console has its own lives */
			for (j = 0; j < ARRAY_SIZE(gone) && !ret && !again; j++)
				ret = ask(p, &gone[j], names[i]);
		}
		rf_gone_free(names, nr);
	}
	rf_subos_free(list, n);
	return ret;
}

static int take_all(struct report *p)
{
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(machine) && !ret; i++)
		ret = ask(p, &machine[i], NULL);
	ret = ret ?: take_subos(p) ?: take_dmesg(p) ?: take_files(p) ?: take_ledger(p);
	if (ret)
		return ret;
	fflush(p->index_to);
	return put(p, "INDEX", p->index, p->index_len);
}

static int open_archive(struct report *p)
{
	const char *dot = strrchr(p->file, '.');
	int fd, ret;

	snprintf(p->part, sizeof(p->part), "%s.part", p->file);
	p->a = archive_write_new();
	if (!p->a)
		return rf_error(p->r->rf, -ENOMEM, "out of memory");
	archive_write_set_format_pax_restricted(p->a);
	if (dot && (!strcmp(dot, ".gz") || !strcmp(dot, ".tgz")))
		archive_write_add_filter_gzip(p->a);
	else if (dot && !strcmp(dot, ".zst"))
		archive_write_add_filter_zstd(p->a);
	else if (dot && !strcmp(dot, ".xz"))
		archive_write_add_filter_xz(p->a);
	unlink(p->part);
	rfm_remove_on_signal(p->part);
	fd = open(p->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		ret = rfm_file_error(p->r, p->part);
		archive_write_free(p->a);
		return ret;
	}
	if (archive_write_open_fd(p->a, fd) != ARCHIVE_OK) {
		ret = rf_error(p->r->rf, -EIO, "%s: %s", p->part, archive_error_string(p->a));
		archive_write_free(p->a);
		close(fd);
		unlink(p->part);
		return ret;
	}
	return fd;
}

static int collect(struct report *p)
{
	int fd = open_archive(p), ret;
	struct stat st = { 0 };

	if (fd < 0)
		return fd;
	ret = take_all(p);
	if (archive_write_close(p->a) != ARCHIVE_OK && !ret)
		ret = rf_error(p->r->rf, -EIO, "%s: %s", p->part, archive_error_string(p->a));
	archive_write_free(p->a);
	fstat(fd, &st);
	if (close(fd) && !ret)
		ret = rf_error(p->r->rf, -errno, "%s: %s", p->part, strerror(errno));
	if (!ret && rename(p->part, p->file))
		ret = rfm_file_error(p->r, p->file);
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	if (ret) {
		unlink(p->part);
		return ret;
	}
	if (p->r->json) {
		struct json_object *o = json_object_new_object();

		rfm_put(o, "file", rfm_json_text(p->file, strlen(p->file)));
		rfm_put(o, "bytes", json_object_new_uint64(st.st_size));
		rfm_put(o, "entries", json_object_new_int64(p->entries));
		rfm_put(o, "failed", json_object_new_int64(p->failed));
		rfm_put(o, "ms", json_object_new_int64(rfm_now_ms() - p->began));
		rfm_json_print(o);
		return 0;
	}
	printf("%s: %u entries, %ld bytes", p->file, p->entries, (long)st.st_size);
	printf(p->failed ? "; %u could not be had, see INDEX in it\n" : "\n", p->failed);
	return 0;
}

static int name_file(struct report *p, const char *word)
{
	time_t now = time(NULL);
	char host[65] = "", when[32];
	struct tm tm;
	int n;

	if (!word) {
		gethostname(host, sizeof(host) - 1);
		localtime_r(&now, &tm);
		strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &tm);
		n = snprintf(p->file, sizeof(p->file), ROOT "-%s-%s.tar.gz", host, when);
	} else {
		n = snprintf(p->file, sizeof(p->file), "%s", word);
	}
	if (!n || n >= (int)sizeof(p->file))
		return rf_error(p->r->rf, -EINVAL, "bad name of a file: 1 to %zu bytes",
				sizeof(p->file) - 1);
	return 0;
}

int cmd_collect(struct rfm *r, int argc, char **argv)
{
	struct report p = { .r = r, .began = rfm_now_ms() };
	const char *file = NULL;
	const struct rfm_opt opts[] = {
		{ "output", 'o', OPT_STRING, &file, "FILE",
		  "to write, compressed as its ending says: .tar.gz, .tar.zst, .tar.xz, .tar" },
		RFM_JSON(r), RFM_END
	};
	struct rfm_words words;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_no_words(r, &words) ?: name_file(&p, file);
	if (ret)
		return ret;
	p.index_to = open_memstream(&p.index, &p.index_len);
	if (!p.index_to)
		return rf_error(r->rf, -ENOMEM, "out of memory");
	ret = collect(&p);
	fclose(p.index_to);
	free(p.index);
	return ret;
}
