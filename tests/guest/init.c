// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of the supervisor under rf-vm.
 *
 * Reads /rf/conf (one directive a line, fields separated by tabs), makes the
 * host's root file system, read-only over 9p under a tmpfs overlay, the root,
 * then runs the command and carries its streams over virtio-serial ports:
 *
 *	share			mount the 9p tag "share" at /mnt/share
 *	cwd	DIR		where the command starts, if it exists
 *	env	NAME=VALUE
 *	link	TARGET	PATH	symbolic link
 *	copy	FROM	PATH
 *	insmod	FILE	ARGS	load a module
 *	stdin			feed the port "stdin" to the command
 *	arg	HEX		one argument of the command, in hexadecimal
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_LINES 4096
#define PORT_MS 10000	/* of no event at all, before a port is given up */

static char *lines[MAX_LINES];
static int nr_lines;
static char *command[MAX_LINES];
static int nr_args;
static int want_stdin;
static int status_fd = -1;

static void say(const char *fmt, ...)
{
	char buf[1024];
	va_list ap;
	int fd, n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	fd = open("/dev/kmsg", O_WRONLY);
	if (fd < 0)
		return;
	if (write(fd, buf, n < (int)sizeof(buf) ? n : (int)sizeof(buf) - 1) < 0)
		perror("kmsg");
	close(fd);
}

static void off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void fatal(const char *what)
{
	say("<2>rf-vm: guest: %s: %s", what, strerror(errno));
	off();
}

static int try_mount(const char *from, const char *to, const char *type,
		     unsigned long flags, const char *opts)
{
	mkdir(to, 0755);
	return mount(from, to, type, flags, opts);
}

static void must_mount(const char *from, const char *to, const char *type,
		       unsigned long flags, const char *opts)
{
	if (try_mount(from, to, type, flags, opts))
		fatal(to);
}

static char *slurp(const char *path, size_t *len)
{
	char *buf = NULL;
	size_t size = 0, used = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return NULL;
	do {
		if (used + 1 >= size)
			buf = realloc(buf, size = size * 2 + 4096);
		n = read(fd, buf + used, size - used - 1);
		used += n > 0 ? n : 0;
	} while (n > 0);
	close(fd);
	buf[used] = 0;
	*len = used;
	return buf;
}

static void read_conf(void)
{
	size_t len;
	char *buf = slurp("/rf/conf", &len);
	char *line;

	if (!buf)
		fatal("/rf/conf");
	while ((line = strsep(&buf, "\n")) && nr_lines < MAX_LINES)
		if (*line)
			lines[nr_lines++] = line;
}

static char *unhex(const char *hex)
{
	size_t n = strlen(hex) / 2;
	char *out = calloc(1, n + 1);
	unsigned int c;

	for (size_t i = 0; i < n; i++) {
		sscanf(hex + 2 * i, "%2x", &c);
		out[i] = c;
	}
	return out;
}

static void make_root(void)
{
	static const char ro9p[] =
		"trans=virtio,version=9p2000.L,msize=131072,cache=loose";

	must_mount("tmpfs", "/rw", "tmpfs", 0, "mode=755,size=80%");
	must_mount("root", "/ro", "9p", MS_RDONLY, ro9p);
	mkdir("/rw/up", 0755);
	mkdir("/rw/work", 0755);
	must_mount("overlay", "/new", "overlay", 0,
		   "lowerdir=/ro,upperdir=/rw/up,workdir=/rw/work");
	must_mount("devtmpfs", "/new/dev", "devtmpfs", MS_NOSUID, "mode=755");
	must_mount("proc", "/new/proc", "proc", 0, NULL);
	must_mount("sysfs", "/new/sys", "sysfs", 0, NULL);
	must_mount("tmpfs", "/new/run", "tmpfs", MS_NOSUID, "mode=755");
	must_mount("devpts", "/new/dev/pts", "devpts", 0, "gid=5,mode=620,ptmxmode=666");
	must_mount("tmpfs", "/new/dev/shm", "tmpfs", 0, "mode=1777");
	try_mount("debugfs", "/new/sys/kernel/debug", "debugfs", 0, NULL);
	try_mount("tracefs", "/new/sys/kernel/tracing", "tracefs", 0, NULL);
	try_mount("securityfs", "/new/sys/kernel/security", "securityfs", 0, NULL);
	try_mount("cgroup2", "/new/sys/fs/cgroup", "cgroup2", 0, NULL);
	mkdir("/new/mnt", 0755);
	if (chdir("/new") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		fatal("switching root");
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
	mkdir("/run/lock", 01777);
}

static void mkdirs(char *path)
{
	for (char *p = path + 1; (p = strchr(p, '/')); p++) {
		*p = 0;
		mkdir(path, 0755);
		*p = '/';
	}
}

static void copy(const char *from, const char *to)
{
	size_t len = 0;
	char *buf = slurp(from, &len);
	struct stat st;
	int fd;

	unlink(to);
	fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	if (!buf || fd < 0 || write(fd, buf, len) != (ssize_t)len)
		say("<3>rf-vm: guest: cannot copy %s: %s", from, strerror(errno));
	if (fd >= 0 && !stat(from, &st))
		fchmod(fd, st.st_mode & 0777);
	close(fd);
	free(buf);
}

static void insmod(const char *file, const char *args)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, args, 0))
		say("<3>rf-vm: guest: cannot load %s: %s", file, strerror(errno));
	close(fd);
}

static void apply(char *line)
{
	char *verb = strsep(&line, "\t"), *a = strsep(&line, "\t"), *b = strsep(&line, "\t");

	a = a ? a : "";
	b = b ? b : "";
	if (!strcmp(verb, "share")) {
		must_mount("share", "/mnt/share", "9p", 0,
			   "trans=virtio,version=9p2000.L,msize=131072,cache=mmap");
	} else if (!strcmp(verb, "cwd")) {
		(void)!chdir(a);
	} else if (!strcmp(verb, "env")) {
		putenv(a);
	} else if (!strcmp(verb, "link")) {
		mkdirs(b);
		unlink(b);
		if (symlink(a, b))
			say("<3>rf-vm: guest: cannot link %s: %s", b, strerror(errno));
	} else if (!strcmp(verb, "copy")) {
		mkdirs(b);
		copy(a, b);
	} else if (!strcmp(verb, "insmod")) {
		insmod(a, b);
	} else if (!strcmp(verb, "stdin")) {
		want_stdin = 1;
	} else if (!strcmp(verb, "arg")) {
		command[nr_args++] = unhex(a);
	} else {
		say("<3>rf-vm: guest: what is '%s'?", verb);
	}
}

/* Ports are found by name: their numbers depend on what else QEMU was given. */
static int try_port(const char *name, int flags)
{
	char path[128], buf[64];
	int fd, n;

	for (int v = 0; v < 4; v++)
		for (int p = 1; p < 9; p++) {
			snprintf(path, sizeof(path),
				 "/sys/class/virtio-ports/vport%dp%d/name", v, p);
			fd = open(path, O_RDONLY);
			if (fd < 0)
				continue;
			n = read(fd, buf, sizeof(buf) - 1);
			close(fd);
			buf[n > 0 ? n : 0] = 0;
			buf[strcspn(buf, "\n")] = 0;
			if (strcmp(buf, name))
				continue;
			snprintf(path, sizeof(path), "/dev/vport%dp%d", v, p);
			fd = open(path, flags | O_CLOEXEC);
			if (fd >= 0)
				return fd;
		}
	return -1;
}

/* QEMU tells them one by one: each that comes is an event of the kernel's. */
static int open_port(const char *name, int flags)
{
	struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int events = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	struct pollfd p = { .fd = events, .events = POLLIN };
	char event[4096];
	int fd;

	if (events < 0 || bind(events, (struct sockaddr *)&all, sizeof(all)))
		fatal("kernel events");
	while ((fd = try_port(name, flags)) < 0 && poll(&p, 1, PORT_MS) > 0)
		(void)!read(events, event, sizeof(event));
	close(events);
	if (fd < 0)
		fatal(name);
	return fd;
}

static void write_all(int fd, const char *buf, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, buf, len);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (n > 0) {
			buf += n;
			len -= n;
		}
	}
}

/* Read what there is; 0 once the writers have gone. */
static int pump(int from, int to)
{
	static char buf[65536];
	ssize_t n = read(from, buf, sizeof(buf));

	if (n > 0)
		write_all(to, buf, n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

struct feed {
	int from, to;		/* port, pipe; to is -1 when done */
	char buf[4096];
	size_t have, sent;
};

/* Standard input: fill from the port when empty, then write what the pipe takes. */
static void feed(struct feed *f, int revents_in, int revents_out)
{
	ssize_t n;

	if (f->have == f->sent && revents_in) {
		n = read(f->from, f->buf, sizeof(f->buf));
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			close(f->to);
			f->to = -1;
			return;
		}
		f->have = n > 0 ? n : 0;
		f->sent = 0;
	}
	if (f->have > f->sent && revents_out) {
		n = write(f->to, f->buf + f->sent, f->have - f->sent);
		if (n > 0) {
			f->sent += n;
		} else if (n < 0 && errno == EPIPE) {
			close(f->to);
			f->to = -1;
		}
	}
}

static pid_t start(int in, int out, int err)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	setsid();
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	execvp(command[0], command);
	fprintf(stderr, "rf-vm: %s: %s\n", command[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Run the command until it ends; its exit status as a shell would give it. */
static int run(int out_port, int err_port, struct feed *f)
{
	int in[2], out[2], err[2], wstatus = 0, running = 1, alive[2] = { 1, 1 };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct pollfd pfd[4];
	pid_t pid, got;

	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) || pipe2(in, O_CLOEXEC))
		fatal("pipe");
	pid = start(want_stdin ? in[0] : null, out[1], err[1]);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	f->to = want_stdin ? in[1] : -1;
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	fcntl(in[1], F_SETFL, O_NONBLOCK);

	while (running) {
		int pending = f->have > f->sent;

		pfd[0] = (struct pollfd){ alive[0] ? out[0] : -1, POLLIN, 0 };
		pfd[1] = (struct pollfd){ alive[1] ? err[0] : -1, POLLIN, 0 };
		pfd[2] = (struct pollfd){ f->to >= 0 && !pending ? f->from : -1, POLLIN, 0 };
		pfd[3] = (struct pollfd){ f->to >= 0 ? f->to : -1, pending ? POLLOUT : 0, 0 };
		poll(pfd, 4, 20);
		if (pfd[0].revents)
			alive[0] = pump(out[0], out_port);
		if (pfd[1].revents)
			alive[1] = pump(err[0], err_port);
		if (f->to >= 0)
			feed(f, pfd[2].revents, pfd[3].revents);
		while ((got = waitpid(-1, &wstatus, WNOHANG)) > 0)
			if (got == pid) {
				running = 0;
				break;
			}
	}
	/* What it wrote before it ended is in the pipes; others may hold them open. */
	for (int i = 0; i < 2; i++) {
		struct pollfd last = { i ? err[0] : out[0], POLLIN, 0 };

		while (poll(&last, 1, 0) > 0 && (last.revents & POLLIN))
			if (!pump(last.fd, i ? err_port : out_port))
				break;
	}
	return WIFSIGNALED(wstatus) ? 128 + WTERMSIG(wstatus) : WEXITSTATUS(wstatus);
}

/* As every Linux comes up; what a kernel answers to itself goes that way, too */
static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		say("<4>rf-vm: guest: lo stays down: %m");
	close(fd);
}

int main(void)
{
	static struct feed f = { .from = -1, .to = -1 };
	char buf[32];
	int out, err, n;

	signal(SIGPIPE, SIG_IGN);
	umask(022);
	putenv("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	putenv("HOME=/root");
	putenv("USER=root");
	putenv("TERM=dumb");
	must_mount("proc", "/proc", "proc", 0, NULL);
	must_mount("sysfs", "/sys", "sysfs", 0, NULL);
	must_mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	sethostname("supervisor", 10);
	loopback_up();
	/* /dev/kmsg lines are rationed by default */
	n = open("/proc/sys/kernel/printk_devkmsg", O_WRONLY);
	write_all(n, "on\n", 3);
	close(n);
	read_conf();
	make_root();
	(void)!chdir("/root");
	for (int i = 0; i < nr_lines; i++)
		apply(lines[i]);

	out = open_port("rf.stdout", O_WRONLY);
	err = open_port("rf.stderr", O_WRONLY);
	status_fd = open_port("rf.status", O_WRONLY);
	if (want_stdin)
		f.from = open_port("rf.stdin", O_RDONLY | O_NONBLOCK);
	say("<5>rf-vm: the command starts");
	n = run(out, err, &f);
	say("<5>rf-vm: the command ended with %d", n);
	snprintf(buf, sizeof(buf), "exit %d\n", n);
	write_all(status_fd, buf, strlen(buf));
	off();
	return 0;
}
