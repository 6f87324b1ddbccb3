// SPDX-License-Identifier: GPL-2.0
/* Packs what a subOS boots into; see pack.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "initcfg.h"
#include "pack_int.h"

#define MAX_SMALL	(16u << 20)	/* bytes of a file that is read whole */

int rf_pack_fail(struct rf_packer *pk, int err, const char *fmt, ...)
{
	va_list ap;

	if (!*pk->err) {
		va_start(ap, fmt);
		vsnprintf(pk->err, pk->errlen, fmt, ap);
		va_end(ap);
	}
	return -err;
}

void rf_pack_note(struct rf_packer *pk, const char *fmt, ...)
{
	char msg[1024];
	va_list ap;

	if (!pk->p->note)
		return;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	pk->p->note(pk->p->ctx, msg);
}

/* A whole small file, with a NUL behind it. */
int rf_pack_read(struct rf_packer *pk, const char *path, char **buf, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;
	struct stat st;
	size_t done = 0;
	ssize_t n = 1;
	char *b = NULL;

	if (fd < 0 || fstat(fd, &st)) {
		ret = rf_pack_fail(pk, errno, "%s: %s", path, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > MAX_SMALL) {
		ret = rf_pack_fail(pk, EFBIG, "%s: not a file of at most %u bytes",
				   path, MAX_SMALL);
		goto out;
	}
	b = malloc(st.st_size + 1);
	ret = b ? 0 : -ENOMEM;
	while (!ret && n && done < (size_t)st.st_size) {
		n = read(fd, b + done, st.st_size - done);
		if (n < 0)
			ret = rf_pack_fail(pk, errno, "%s: %s", path, strerror(errno));
		else
			done += n;
	}
out:
	if (fd >= 0)
		close(fd);
	if (ret) {
		free(b);
		return ret;
	}
	b[done] = '\0';
	*buf = b;
	*len = done;
	return 0;
}

static int add_dirs(struct rf_packer *pk)
{
	static const struct { const char *path; mode_t mode; } dirs[] = {
		{ "dev", 0755 }, { "etc", 0755 }, { "proc", 0755 },
		{ "root", 0700 }, { "run", 0755 }, { "sys", 0755 },
		{ "tmp", 01777 }, { "var", 0755 }, { "var/tmp", 01777 },
	};
	size_t i;
	int ret = 0;

	for (i = 0; i < sizeof(dirs) / sizeof(*dirs) && !ret; i++)
		ret = rf_tree_dir(pk, dirs[i].path, dirs[i].mode);
	return ret;
}

/* The least of /etc that programs expect; what is there already stays. */
static int add_etc(struct rf_packer *pk, const char *hostname)
{
	static const struct { const char *path, *data; } files[] = {
		{ "etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
		  "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n" },
		{ "etc/group", "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n" },
		{ "etc/nsswitch.conf", "passwd: files\ngroup: files\n"
		  "shadow: files\nhosts: files dns\n" },
	};
	char buf[512];
	size_t i;
	int ret, n;

	for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
		ret = rf_tree_data(pk, files[i].path, 0644, files[i].data,
				   strlen(files[i].data));
		if (ret)
			return ret;
	}
	n = snprintf(buf, sizeof(buf), "%s\n", hostname);
	ret = rf_tree_data(pk, "etc/hostname", 0644, buf, n);
	if (ret)
		return ret;
	n = snprintf(buf, sizeof(buf),
		     "127.0.0.1\tlocalhost\n127.0.1.1\t%s\n::1\tlocalhost\n", hostname);
	return rf_tree_data(pk, "etc/hosts", 0644, buf, n);
}

static void put_cfg(FILE *f, const char *key, const char *val)
{
	fprintf(f, "%s=%zu:%s\n", key, strlen(val), val);
}

static void put_command(FILE *f, const struct rf_pack *p)
{
	size_t i;

	if (p->bin)
		put_cfg(f, "arg", p->bin);
	for (i = 0; i < p->argc; i++)
		put_cfg(f, "arg", p->argv[i]);
	if (p->init)
		put_cfg(f, "init", p->init);
	else if (p->initrd && !p->argc)
		put_cfg(f, "initrd", "1");
	else if (!p->no_shell)
		put_cfg(f, "shell", "1");
}

/* Modules by modules.order; *f takes their names for rf-init. */
static int add_modules(struct rf_packer *pk, const char *libdir, FILE *f)
{
	char path[4096], name[512], *list = NULL, *line, *save;
	size_t len;
	int ret;

	snprintf(path, sizeof(path), "%s/modules.order", libdir);
	if (!access(path, F_OK)) {
		ret = rf_pack_read(pk, path, &list, &len);
		if (ret)
			return ret;
	} else {
		/* in the order in which they need each other */
		static const char * const own[] = { "ficm.ko", "suboscon.ko" };

		list = calloc(1, sizeof(path));
		if (!list)
			return -ENOMEM;
		for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
			snprintf(path, sizeof(path), "%s/%s", libdir, own[i]);
			if (access(path, F_OK))
				continue;
			strcat(list, own[i]);
			strcat(list, "\n");
		}
	}
	ret = rf_tree_dir(pk, ".rf/modules", 0755);
	for (line = strtok_r(list, "\n", &save); line && !ret;
	     line = strtok_r(NULL, "\n", &save)) {
		const char *base = strrchr(line, '/');

		base = base ? base + 1 : line;
		snprintf(path, sizeof(path), "%s/%s", libdir, line);
		snprintf(name, sizeof(name), ".rf/modules/%s", base);
		ret = rf_tree_file(pk, name, 0644, path);
		put_cfg(f, "module", base);
	}
	free(list);
	return ret;
}

/* PID 1, modules and instructions. */
static int pack_own(struct rf_packer *pk, int *fd)
{
	const struct rf_pack *p = pk->p;
	const char *libdir = p->libdir ? p->libdir : RF_PACK_LIBDIR;
	char path[4096], *cfg = NULL;
	size_t len, i;
	FILE *f;
	int ret;

	f = open_memstream(&cfg, &len);
	if (!f)
		return -ENOMEM;
	put_cfg(f, "rf", RF_CFG_VERSION);
	put_cfg(f, "hostname", p->hostname ? p->hostname : "localhost");
	if (p->cwd)
		put_cfg(f, "cwd", p->cwd);
	for (i = 0; i < p->n_env; i++)
		put_cfg(f, "env", p->env[i]);
	put_command(f, p);
	snprintf(path, sizeof(path), "%s/rf-init", libdir);
	ret = rf_tree_dir(pk, ".rf", 0755);
	if (!ret)
		ret = rf_tree_file(pk, ".rf/init", 0755, path);
	if (!ret)
		ret = add_modules(pk, libdir, f);
	if (fclose(f) && !ret)
		ret = -ENOMEM;
	if (!ret && len > RF_CFG_MAX)
		ret = rf_pack_fail(pk, E2BIG, "the command is longer than %u bytes",
				   RF_CFG_MAX);
	if (!ret)
		ret = rf_tree_data(pk, ".rf/config", 0600, cfg, len);
	free(cfg);
	return ret ? ret : rf_cpio_write(pk, "rf-init.cpio", fd);
}

static int pack_root(struct rf_packer *pk, int *fd)
{
	const struct rf_pack *p = pk->p;
	const char *hostname = p->hostname ? p->hostname : "localhost";
	struct stat st;
	size_t i;
	int ret = 0;

	if (p->bin)
		ret = rf_bin_add(pk, p->bin);
	for (i = 0; i < p->n_include && !ret; i++)
		ret = rf_bin_include(pk, p->include[i]);
	if (!ret && p->rootfs) {
		char *slash, *dir = strdup(p->rootfs);

		if (!dir)
			return -ENOMEM;
		while ((slash = strrchr(dir, '/')) && !slash[1])
			*slash = '\0';
		if (stat(p->rootfs, &st))
			ret = rf_pack_fail(pk, errno, "%s: %s", p->rootfs, strerror(errno));
		else if (!S_ISDIR(st.st_mode))
			ret = rf_pack_fail(pk, ENOTDIR, "%s: not a folder", p->rootfs);
		else
			ret = rf_tree_walk(pk, dir, "");
		free(dir);
	}
	if (!ret)
		ret = add_dirs(pk);
	if (!ret && !p->rootfs)
		ret = add_etc(pk, hostname);
	return ret ? ret : rf_cpio_write(pk, "root.cpio", fd);
}

static int open_initrd(struct rf_packer *pk, int *fd)
{
	const char *path = pk->p->initrd;
	struct stat st;
	int ret = 0;

	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0 || fstat(*fd, &st))
		ret = rf_pack_fail(pk, errno, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		ret = rf_pack_fail(pk, EINVAL, "%s: not a regular file", path);
	else if (!st.st_size)
		ret = rf_pack_fail(pk, EINVAL, "%s: empty", path);
	if (ret && *fd >= 0)
		close(*fd);
	return ret;
}

static int check(struct rf_packer *pk)
{
	const struct rf_pack *p = pk->p;
	size_t i;

	if (!!p->rootfs + !!p->initrd + !!p->bin > 1)
		return rf_pack_fail(pk, EINVAL, "rootfs, initrd and bin exclude each other");
	if (p->initrd && p->n_include)
		return rf_pack_fail(pk, EINVAL, "nothing can be included in an initrd");
	if (p->init && (p->bin || p->argc))
		return rf_pack_fail(pk, EINVAL, "init excludes bin and a command");
	if ((p->init && *p->init != '/') || (p->cwd && *p->cwd != '/'))
		return rf_pack_fail(pk, EINVAL, "%s: not an absolute path",
				    p->init && *p->init != '/' ? p->init : p->cwd);
	if (p->hostname && (!*p->hostname || strlen(p->hostname) > 64))
		return rf_pack_fail(pk, EINVAL, "a host name has 1 to 64 characters");
	if (p->argc && !p->bin && !*p->argv[0])
		return rf_pack_fail(pk, EINVAL, "the command's name is empty");
	for (i = 0; i < p->n_env; i++)
		if (p->env[i][0] == '=' || !strchr(p->env[i], '='))
			return rf_pack_fail(pk, EINVAL, "\"%s\": not NAME=VALUE", p->env[i]);
	return 0;
}

/* From here on every path begins at the root. */
static int to_absolute(char **out, const char *path)
{
	char *cwd;
	int n;

	if (*path == '/') {
		*out = strdup(path);
		return *out ? 0 : -ENOMEM;
	}
	cwd = getcwd(NULL, 0);
	n = cwd ? asprintf(out, "%s/%s", strcmp(cwd, "/") ? cwd : "", path) : -1;
	free(cwd);
	return n < 0 ? -ENOMEM : 0;
}

int rf_pack(const struct rf_pack *user, int fds[RF_PACK_MAX_FDS], int *nfds,
	    char *err, size_t errlen)
{
	struct rf_pack p = *user;
	char spare[2], *bin = NULL, **include = NULL;
	struct rf_packer pk = {
		.p = &p,
		.err = errlen ? err : spare,
		.errlen = errlen ? errlen : sizeof(spare),
	};
	size_t i;
	int ret;

	*pk.err = '\0';
	*nfds = 0;
	ret = check(&pk);
	if (ret)
		return ret;
	if (p.bin) {
		ret = to_absolute(&bin, p.bin);
		p.bin = bin;
	}
	include = calloc(p.n_include + 1, sizeof(*include));
	if (!include)
		ret = -ENOMEM;
	for (i = 0; i < p.n_include && !ret; i++)
		ret = to_absolute(&include[i], p.include[i]);
	p.include = (const char *const *)include;
	if (!ret)
		ret = p.initrd ? open_initrd(&pk, &fds[0]) : pack_root(&pk, &fds[0]);
	rf_tree_free(&pk);
	if (!ret) {
		*nfds = 1;
		ret = pack_own(&pk, &fds[1]);
		rf_tree_free(&pk);
		if (ret)
			close(fds[0]);
		*nfds = ret ? 0 : 2;
	}
	if (ret)
		rf_pack_fail(&pk, -ret, "%s", strerror(-ret));
	for (i = 0; include && i < p.n_include; i++)
		free(include[i]);
	free(include);
	free(bin);
	free(pk.cache);
	return ret;
}
