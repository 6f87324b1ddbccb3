// SPDX-License-Identifier: GPL-2.0
/* The packer: what comes out is read back with libarchive, and run. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../tools/librf/initcfg.h"
#include "../../tools/librf/pack.h"

#define TOOL	"/usr/bin/sha256sum"	/* small, and linked dynamically */

static char top[] = "/tmp/rf-pack-XXXXXX";
static char err[512], notes[2048];
static int fds[RF_PACK_MAX_FDS], nfds;

static const char *in_top(const char *name)
{
	static char buf[64][256];
	static int turn;

	turn = (turn + 1) % 64;
	snprintf(buf[turn], sizeof(buf[0]), "%s/%s", top, name);
	return buf[turn];
}

static void write_file(const char *name, const void *data, size_t len, mode_t mode)
{
	int fd = open(in_top(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	fchmod(fd, mode);
	close(fd);
}

static void write_text(const char *name, const char *text, mode_t mode)
{
	write_file(name, text, strlen(text), mode);
}

static void take_note(void *ctx, const char *msg)
{
	(void)ctx;
	strncat(notes, msg, sizeof(notes) - strlen(notes) - 2);
	strcat(notes, "\n");
}

static void drop(void)
{
	while (nfds)
		close(fds[--nfds]);
}

static int pack(struct rf_pack p)
{
	drop();
	*notes = '\0';
	p.libdir = in_top("lib");
	p.note = take_note;
	return rf_pack(&p, fds, &nfds, err, sizeof(err));
}

static void packed(struct rf_pack p)
{
	int ret = pack(p);

	if (ret)
		fail_msg("%d: %s", ret, err);
	assert_int_equal(nfds, 2);
	assert_string_equal(err, "");
}

/* Finds @name in the archive @fd; with @data, its content. -1: not there. */
static int find(int fd, const char *name, struct stat *st, char **data)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	int n = 0, found = -1;

	lseek(fd, 0, SEEK_SET);
	archive_read_support_format_cpio(a);
	assert_int_equal(archive_read_open_fd(a, fd, 65536), ARCHIVE_OK);
	while (archive_read_next_header(a, &e) == ARCHIVE_OK) {
		if (!strcmp(archive_entry_pathname(e), name)) {
			found = n;
			*st = *archive_entry_stat(e);
			if (data && S_ISLNK(st->st_mode)) {
				*data = strdup(archive_entry_symlink(e));
			} else if (data) {
				*data = calloc(1, st->st_size + 1);
				assert_int_equal(archive_read_data(a, *data, st->st_size),
						 st->st_size);
			}
			break;
		}
		n++;
	}
	archive_read_free(a);
	return found;
}

static bool has(const char *name)
{
	struct stat st;

	return find(fds[0], name, &st, NULL) >= 0;
}

static void has_text(int fd, const char *name, const char *text)
{
	char *data = NULL;
	struct stat st;

	if (find(fd, name, &st, &data) < 0)
		fail_msg("%s is not in the archive", name);
	assert_string_equal(data, text);
	free(data);
}

static void parse_config(struct rf_cfg *cfg, char **buf)
{
	struct stat st;

	assert_true(find(fds[1], ".rf/config", &st, buf) >= 0);
	assert_int_equal(rf_cfg_parse(cfg, *buf, st.st_size), 0);
}

static int set_up(void **state)
{
	(void)state;
	umask(022);
	if (!mkdtemp(top) || mkdir(in_top("lib"), 0755))
		return -1;
	write_text("lib/rf-init", "PID 1", 0755);
	write_text("lib/b.ko", "module b", 0644);
	write_text("lib/suboscon.ko", "console", 0644);
	return 0;
}

static int tear_down(void **state)
{
	char cmd[128];

	(void)state;
	drop();
	snprintf(cmd, sizeof(cmd), "rm -rf --one-file-system '%s'", top);
	return system(cmd);
}

static void packs_a_folder_as_it_is(void **state)
{
	struct stat st, st2;

	(void)state;
	mkdir(in_top("root"), 0755);
	mkdir(in_top("root/dir"), 0750);
	mkdir(in_top("root/tmp"), 0700);
	write_text("root/dir/file", "some text", 04755);
	write_text("root/odd \n\xff name", "odd", 0600);
	write_text("root/empty", "", 0644);
	assert_int_equal(symlink("../nowhere", in_top("root/dir/sym")), 0);
	assert_int_equal(link(in_top("root/dir/file"), in_top("root/hard")), 0);
	assert_int_equal(mkfifo(in_top("root/fifo"), 0600), 0);

	packed((struct rf_pack){ .rootfs = in_top("root/") });
	has_text(fds[0], "odd \n\xff name", "odd");
	has_text(fds[0], "dir/sym", "../nowhere");
	assert_true(find(fds[0], "dir", &st, NULL) >= 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0750);
	assert_int_equal(st.st_uid, getuid());
	assert_true(find(fds[0], "fifo", &st, NULL) >= 0);
	assert_int_equal(st.st_mode, S_IFIFO | 0600);
	assert_true(find(fds[0], "tmp", &st, NULL) >= 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);	/* stays the user's */
	assert_true(find(fds[0], "empty", &st, NULL) >= 0);
	assert_int_equal(st.st_nlink, 1);

	/* hard links: one inode, content at the last */
	assert_true(find(fds[0], "dir/file", &st, NULL) >= 0);
	assert_true(find(fds[0], "hard", &st2, NULL) >= 0);
	assert_int_equal(st.st_mode, S_IFREG | 04755);
	assert_int_equal(st.st_ino, st2.st_ino);
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(st.st_size, 0);
	has_text(fds[0], "hard", "some text");

	/* a folder comes before what is in it, and /proc is made */
	assert_true(find(fds[0], "dir", &st, NULL) < find(fds[0], "dir/file", &st, NULL));
	assert_true(has("proc"));
	assert_false(has("etc/passwd"));
}

static void keeps_device_nodes(void **state)
{
	struct stat st;

	(void)state;
	mkdir(in_top("nodes"), 0755);
	if (mknod(in_top("nodes/null"), S_IFCHR | 0666, makedev(1, 3)))
		skip();
	packed((struct rf_pack){ .rootfs = in_top("nodes") });
	assert_true(find(fds[0], "null", &st, NULL) >= 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(major(st.st_rdev), 1);
	assert_int_equal(minor(st.st_rdev), 3);
}

static void gives_the_same_bytes_twice(void **state)
{
	struct rf_pack p = { .bin = TOOL };
	int first[2] = { -1, -1 }, i;
	char a[65536], b[65536];
	ssize_t n;

	(void)state;
	packed(p);
	for (i = 0; i < 2; i++)
		first[i] = dup(fds[i]);
	packed(p);
	for (i = 0; i < 2; i++) {
		do {
			n = read(first[i], a, sizeof(a));
			assert_int_equal(n, read(fds[i], b, sizeof(b)));
			assert_memory_equal(a, b, n);
		} while (n > 0);
		close(first[i]);
		assert_int_equal(write(fds[i], "x", 1), -1);	/* sealed */
	}
}

static void other_mounts_stay_out(void **state)
{
	(void)state;
	mkdir(in_top("mnt"), 0755);
	mkdir(in_top("mnt/on"), 0755);
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", in_top("mnt/on"), "tmpfs", 0, NULL))
		skip();
	write_text("mnt/on/inside", "x", 0644);
	packed((struct rf_pack){ .rootfs = in_top("mnt") });
	assert_true(has("on"));
	assert_false(has("on/inside"));
	assert_non_null(strstr(notes, "/mnt/on: another file system"));
	umount(in_top("mnt/on"));
}

static void brings_a_program_its_libraries(void **state)
{
	const char *argv[] = { "a b", "", "\n\xff" };
	struct rf_cfg cfg;
	char *buf;

	(void)state;
	packed((struct rf_pack){ .bin = TOOL, .argv = argv, .argc = 3,
				 .hostname = "leaf" });
	assert_true(has("usr/bin/sha256sum"));
	assert_true(has("lib64") && has("etc/ld.so.cache"));
	has_text(fds[0], "etc/hostname", "leaf\n");
	assert_true(has("etc/passwd") && has("tmp") && has("dev") && has("sys"));
	has_text(fds[1], ".rf/init", "PID 1");
	parse_config(&cfg, &buf);
	assert_int_equal(cfg.n_arg, 4);
	assert_string_equal(cfg.arg[0], TOOL);
	assert_string_equal(cfg.arg[1], "a b");
	assert_string_equal(cfg.arg[2], "");
	assert_string_equal(cfg.arg[3], "\n\xff");
	assert_string_equal(cfg.hostname, "leaf");
	rf_cfg_free(&cfg);
	free(buf);
}

static void unpack(int fd, const char *dir)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	char path[4096];

	lseek(fd, 0, SEEK_SET);
	archive_read_support_format_cpio(a);
	assert_int_equal(archive_read_open_fd(a, fd, 65536), ARCHIVE_OK);
	while (archive_read_next_header(a, &e) == ARCHIVE_OK) {
		snprintf(path, sizeof(path), "%s/%s", dir, archive_entry_pathname(e));
		archive_entry_copy_pathname(e, path);
		assert_int_equal(archive_read_extract(a, e, ARCHIVE_EXTRACT_PERM), ARCHIVE_OK);
	}
	archive_read_free(a);
}

/* Runs argv in the root that was packed; its exit status. */
static int run_inside(const char *dir, const char *const *argv)
{
	int st;
	pid_t pid;

	mkdir(in_top(dir), 0755);
	unpack(fds[0], in_top(dir));
	pid = fork();
	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		if (chroot(in_top(dir)) || chdir("/"))
			_exit(99);
		dup2(null, 1);
		execv(argv[0], (char *const *)argv);
		_exit(98);
	}
	assert_int_equal(waitpid(pid, &st, 0), pid);
	return WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

static void programs_run_in_their_root(void **state)
{
	const char *sum[] = { TOOL, "/etc/passwd", NULL };
	const char *script[] = { in_top("hello"), NULL };
	const char *inc[] = { "/usr/lib/python3.11" };
	const char *python[] = { "/usr/bin/python3", "-c",
		"import json, sqlite3, ctypes, threading, pwd, sys\n"
		"assert pwd.getpwuid(0).pw_name == 'root'\n"
		"sys.exit(int(sqlite3.connect(':memory:').execute('select 6*7')"
		".fetchone()[0]))", NULL };

	(void)state;
	if (geteuid())
		skip();
	packed((struct rf_pack){ .bin = TOOL });
	assert_int_equal(run_inside("r1", sum), 0);
	write_text("hello", "#!/usr/bin/env -S sh -e\nexit 5\n", 0755);
	packed((struct rf_pack){ .bin = script[0] });
	assert_int_equal(run_inside("r2", script), 5);
	if (access(python[0], X_OK) || access(inc[0], R_OK))
		return;
	packed((struct rf_pack){ .bin = python[0], .include = inc, .n_include = 1 });
	assert_int_equal(run_inside("r3", python), 42);
}

static void includes_what_links_point_to(void **state)
{
	const char *inc[] = { in_top("inc/one"), in_top("inc/deep") };

	(void)state;
	mkdir(in_top("inc"), 0755);
	mkdir(in_top("inc/deep"), 0755);
	write_text("inc/real", "r", 0644);
	write_text("inc/far", "f", 0644);
	write_text("inc/never", "n", 0644);
	assert_int_equal(symlink("real", in_top("inc/one")), 0);
	assert_int_equal(symlink(in_top("inc/far"), in_top("inc/deep/two")), 0);
	packed((struct rf_pack){ .bin = TOOL, .include = inc, .n_include = 2 });
	has_text(fds[0], in_top("inc/one") + 1, "real");
	has_text(fds[0], in_top("inc/real") + 1, "r");
	has_text(fds[0], in_top("inc/far") + 1, "f");
	assert_true(has(in_top("inc/deep/two") + 1));
	assert_false(has(in_top("inc/never") + 1));
}

static void modules_come_in_their_order(void **state)
{
	struct rf_cfg cfg;
	char *buf;

	(void)state;
	packed((struct rf_pack){ 0 });
	parse_config(&cfg, &buf);
	assert_int_equal(cfg.n_module, 1);
	assert_string_equal(cfg.module[0], "suboscon.ko");
	assert_true(cfg.shell);
	rf_cfg_free(&cfg);
	free(buf);
	write_text("lib/modules.order", "suboscon.ko\nb.ko\n", 0644);
	packed((struct rf_pack){ .no_shell = true });
	parse_config(&cfg, &buf);
	assert_int_equal(cfg.n_module, 2);
	assert_string_equal(cfg.module[1], "b.ko");
	has_text(fds[1], ".rf/modules/b.ko", "module b");
	assert_false(cfg.shell);
	rf_cfg_free(&cfg);
	free(buf);
	write_text("lib/modules.order", "gone.ko\n", 0644);
	assert_int_equal(pack((struct rf_pack){ 0 }), -ENOENT);
	assert_non_null(strstr(err, "gone.ko"));
	unlink(in_top("lib/modules.order"));
}

static void passes_an_initrd_on(void **state)
{
	struct rf_cfg cfg;
	char got[16] = "", *buf;

	(void)state;
	write_text("initrd", "\x1f\x8b whatever", 0644);
	packed((struct rf_pack){ .initrd = in_top("initrd") });
	assert_int_equal(read(fds[0], got, sizeof(got)), 11);
	assert_string_equal(got, "\x1f\x8b whatever");
	parse_config(&cfg, &buf);
	assert_true(cfg.initrd);
	rf_cfg_free(&cfg);
	free(buf);
	write_text("initrd", "", 0644);
	assert_int_equal(pack((struct rf_pack){ .initrd = in_top("initrd") }), -EINVAL);
	assert_int_equal(pack((struct rf_pack){ .initrd = in_top("nix") }), -ENOENT);
	assert_int_equal(pack((struct rf_pack){ .initrd = top }), -EINVAL);
}

static void refused(struct rf_pack p, int ret, const char *word)
{
	if (pack(p) != ret || nfds || !strstr(err, word))
		fail_msg("expected %d and \"%s\", got \"%s\"", ret, word, err);
}

static void says_what_is_wrong(void **state)
{
	const char *env[] = { "A" }, *inc[] = { in_top("none") };
	char *copy, *at, *data;
	struct stat st;

	(void)state;
	refused((struct rf_pack){ .bin = TOOL, .rootfs = top }, -EINVAL, "exclude");
	refused((struct rf_pack){ .bin = TOOL, .init = "/x" }, -EINVAL, "exclude");
	refused((struct rf_pack){ .init = "x" }, -EINVAL, "absolute");
	refused((struct rf_pack){ .cwd = "x" }, -EINVAL, "absolute");
	refused((struct rf_pack){ .hostname = "" }, -EINVAL, "host name");
	refused((struct rf_pack){ .env = env, .n_env = 1 }, -EINVAL, "NAME=VALUE");
	refused((struct rf_pack){ .initrd = TOOL, .include = inc, .n_include = 1 },
		-EINVAL, "initrd");
	refused((struct rf_pack){ .rootfs = in_top("none") }, -ENOENT, "none");
	refused((struct rf_pack){ .rootfs = TOOL }, -ENOTDIR, "not a folder");
	refused((struct rf_pack){ .bin = in_top("none") }, -ENOENT, "none");
	refused((struct rf_pack){ .bin = "/usr" }, -ENOEXEC, "regular");
	refused((struct rf_pack){ .bin = "/etc/passwd" }, -ENOEXEC, "executable");
	refused((struct rf_pack){ .bin = TOOL, .include = inc, .n_include = 1 },
		-ENOENT, "none");
	write_text("text", "no program", 0755);
	refused((struct rf_pack){ .bin = in_top("text") }, -ENOEXEC, "not an ELF");
	write_text("void", "", 0755);
	refused((struct rf_pack){ .bin = in_top("void") }, -ENOEXEC, "not an ELF");
	write_text("scr", "#!/no/shell\n", 0755);
	refused((struct rf_pack){ .bin = in_top("scr") }, -ENOENT, "/no/shell");
	write_text("scr", "#! sh\n", 0755);
	refused((struct rf_pack){ .bin = in_top("scr") }, -ENOEXEC, "absolute");
	write_text("scr", "#!/usr/bin/env nocommand -x\n", 0755);
	refused((struct rf_pack){ .bin = in_top("scr") }, -ENOENT, "nocommand");
	symlink("loop", in_top("loop"));
	refused((struct rf_pack){ .bin = in_top("loop") }, -ELOOP, "loop");

	/* the tool with another library's name in it */
	packed((struct rf_pack){ .bin = TOOL });
	find(fds[0], TOOL + 1, &st, &data);
	copy = data;
	at = memmem(copy, st.st_size, "\0libc.so.6", 11);
	assert_non_null(at);
	memcpy(at + 1, "libZ", 4);
	write_file("zlib", copy, st.st_size, 0755);
	free(data);
	refused((struct rf_pack){ .bin = in_top("zlib") }, -ENOENT, "libZ.so.6");
	assert_non_null(strstr(err, in_top("zlib")));
	inc[0] = in_top("zlib");
	packed((struct rf_pack){ .bin = TOOL, .include = inc, .n_include = 1 });
	assert_non_null(strstr(notes, "libZ.so.6"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(packs_a_folder_as_it_is),
		cmocka_unit_test(keeps_device_nodes),
		cmocka_unit_test(gives_the_same_bytes_twice),
		cmocka_unit_test(other_mounts_stay_out),
		cmocka_unit_test(brings_a_program_its_libraries),
		cmocka_unit_test(programs_run_in_their_root),
		cmocka_unit_test(includes_what_links_point_to),
		cmocka_unit_test(modules_come_in_their_order),
		cmocka_unit_test(passes_an_initrd_on),
		cmocka_unit_test(says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
