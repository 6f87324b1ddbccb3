// SPDX-License-Identifier: GPL-2.0
/* What every program expects of a Linux: mounts, modules, names. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rf-init.h"

/* EBUSY: it is mounted there already. */
static void mount_at(const char *type, const char *path, unsigned long flags,
		     const char *opts)
{
	mkdir(path, 0755);
	if (mount(type, path, type, flags, opts) && errno != EBUSY)
		say("mounting %s: %s", path, strerror(errno));
}

static void make_dir(const char *path, mode_t mode)
{
	if (!mkdir(path, mode))
		chmod(path, mode);
}

/*
 * The root is in memory, as are /dev and what is below it, so that /run, /tmp
 * and /dev/shm are plain folders.
 */
void setup_mounts(void)
{
	mount_at("devtmpfs", "/dev", MS_NOSUID, "mode=0755");
	mount_at("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_at("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_at("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC,
		 "mode=0620,gid=5,ptmxmode=0666");
	make_dir("/dev/shm", 01777);
	make_dir("/run", 0755);
	make_dir("/tmp", 01777);
	if (symlink("/proc/self/fd", "/dev/fd") == 0) {
		(void)!symlink("/proc/self/fd/0", "/dev/stdin");
		(void)!symlink("/proc/self/fd/1", "/dev/stdout");
		(void)!symlink("/proc/self/fd/2", "/dev/stderr");
	}
}

void setup_modules(const struct rf_cfg *cfg)
{
	char path[512];
	size_t i;
	int fd;

	for (i = 0; i < cfg->n_module; i++) {
		snprintf(path, sizeof(path), RF_MODULES "/%s", cfg->module[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) &&
			       errno != EEXIST))
			say("%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
}

/* Copies what is left of one file to another; false when that fails. */
static bool copy_rest(int from, int to)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0)
		if (write(to, buf, n) != n)
			return false;
	return !n;
}

/*
 * RFloop's hosts file, which always knows the other subOSes, in the place of
 * /etc/hosts, whose lines it takes over.
 */
static void setup_hosts(void)
{
	int to = open(RF_HOSTS, O_WRONLY | O_CLOEXEC), from;

	if (to < 0)
		return;		/* a kernel without RFloop */
	from = open("/etc/hosts", O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
	if (from < 0 || !copy_rest(from, to) || mount(RF_HOSTS, "/etc/hosts", NULL, MS_BIND, NULL))
		say("/etc/hosts: %s", strerror(errno));
	if (from >= 0)
		close(from);
	close(to);
}

void setup_network(const struct rf_cfg *cfg)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (cfg->hostname && sethostname(cfg->hostname, strlen(cfg->hostname)))
		say("host name: %s", strerror(errno));
	setup_hosts();
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;		/* a kernel without networking */
	ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
}
