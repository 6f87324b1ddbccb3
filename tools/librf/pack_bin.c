// SPDX-License-Identifier: GPL-2.0
/*
 * A program with all that it needs in order to start: interpreter, shared
 * libraries where ld.so would find them, each under its own path.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elfdeps.h"
#include "pack_int.h"

#define MAX_SCRIPTS	4	/* as Linux: a script run by a script */
#define LD_CACHE	"/etc/ld.so.cache"
#define MUSL_DIRS	"/lib:/usr/local/lib:/usr/lib"
#define GLIBC_DIRS	"/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:" \
			"/lib64:/usr/lib64:/lib:/usr/lib"
#define COMMAND_PATH	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* A file and those that led to it: an RPATH holds for all that follow. */
struct loader {
	const struct loader *by;
	const char *path;	/* as it was found */
	const char *origin;	/* its folder */
	const struct rf_elf *elf;
	bool musl;
	bool strict;		/* a missing library is an error, not a note */
};

struct hunt {
	struct rf_packer *pk;
	char *path;		/* the first one for every CPU */
	int ret;
};

static int add_libs(struct rf_packer *pk, const struct loader *ld);

static bool is_usable(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct rf_elf elf;
	const char *why;
	bool ok = false;

	if (fd < 0)
		return false;
	if (!rf_elf_read(fd, &elf, &why)) {
		rf_elf_free(&elf);
		ok = true;
	}
	close(fd);
	return ok;
}

/* An entry of ld.so's cache. Variants for newer CPUs are taken as well. */
static int from_cache(void *ctx, const char *path, int hwcaps)
{
	struct hunt *h = ctx;

	if (*path != '/' || !is_usable(path))
		return 0;
	if (hwcaps) {
		h->ret = rf_tree_add(h->pk, path, NULL);
		return h->ret;
	}
	if (!h->path) {
		h->path = strdup(path);
		h->ret = h->path ? 0 : -ENOMEM;
	}
	return h->ret;
}

/* Replaces $ORIGIN and its like; NULL when memory is short. */
static char *expand(const char *dir, size_t len, const char *origin)
{
	static const struct { const char *name, *value; } vars[] = {
		{ "ORIGIN", NULL }, { "LIB", "lib/x86_64-linux-gnu" },
		{ "PLATFORM", "x86_64" },
	};
	const char *end = dir + len;
	size_t n_out, i, n;
	char *out = NULL;
	FILE *f = open_memstream(&out, &n_out);

	if (!f)
		return NULL;
	while (dir < end) {
		for (i = 0; *dir == '$' && i < sizeof(vars) / sizeof(*vars); i++) {
			bool brace = dir + 1 < end && dir[1] == '{';

			n = strlen(vars[i].name);
			if ((size_t)(end - dir) < 1 + n + 2 * brace ||
			    strncmp(dir + 1 + brace, vars[i].name, n) ||
			    (brace && dir[2 + n] != '}'))
				continue;
			fputs(vars[i].value ? vars[i].value : origin, f);
			dir += 1 + n + 2 * brace;
			break;
		}
		if (dir < end && (*dir != '$' || i == sizeof(vars) / sizeof(*vars)))
			fputc(*dir++, f);
	}
	if (fclose(f)) {
		free(out);
		return NULL;
	}
	return out;
}

/* Looks in a list of folders with ':' between them; 1 when found. */
static int from_dirs(const char *dirs, const char *origin, const char *name,
		     char **path)
{
	size_t len;
	char *dir;
	int n;

	for (; dirs && *dirs; dirs += len + (dirs[len] == ':')) {
		len = strcspn(dirs, ":");
		dir = expand(dirs, len, origin);
		n = dir ? asprintf(path, "%s/%s", dir, name) : -1;
		free(dir);
		if (n < 0)
			return -ENOMEM;
		if (**path == '/' && is_usable(*path))
			return 1;
		free(*path);
		*path = NULL;
	}
	return 0;
}

static int from_musl(struct rf_packer *pk, const char *name, char **path)
{
	static const char conf[] = "/etc/ld-musl-x86_64.path";
	char *dirs, *p;
	size_t len;
	int ret;

	if (access(conf, R_OK))
		return from_dirs(MUSL_DIRS, "", name, path);
	ret = rf_pack_read(pk, conf, &dirs, &len);
	if (ret)
		return ret;
	for (p = dirs; *p; p++)
		if (*p == '\n')
			*p = ':';
	ret = from_dirs(dirs, "", name, path);
	free(dirs);
	return ret ? ret : rf_tree_add(pk, conf, NULL);
}

/* In the order of ld.so(8), without LD_LIBRARY_PATH. 1 when found. */
static int find_lib(struct rf_packer *pk, const struct loader *ld,
		    const char *name, char **path)
{
	const struct loader *up;
	int ret = 0;

	*path = NULL;
	if (strchr(name, '/')) {
		*path = expand(name, strlen(name), ld->origin);
		if (!*path)
			return -ENOMEM;
		return **path == '/' && is_usable(*path);
	}
	if (!ld->elf->runpath)
		for (up = ld; up && !ret; up = up->by)
			ret = from_dirs(up->elf->rpath, up->origin, name, path);
	if (!ret)
		ret = from_dirs(ld->elf->runpath, ld->origin, name, path);
	if (!ret && ld->musl)
		return from_musl(pk, name, path);
	if (!ret) {
		struct hunt h = { .pk = pk };

		ret = rf_ldcache_find(pk->cache, pk->cache_len, name, from_cache, &h);
		*path = h.path;
		if (!ret && h.path)
			ret = 1;
	}
	if (!ret)
		ret = from_dirs(GLIBC_DIRS, ld->origin, name, path);
	return ret;
}

/* @real is the file's own path; each file is looked through once. */
static int scan(struct rf_packer *pk, const char *path, const char *real,
		const struct loader *by, bool strict)
{
	struct rf_item *it = rf_tree_find(pk, real);
	struct loader ld = { .by = by, .path = path, .strict = strict };
	char *origin, *slash;
	struct rf_elf elf;
	const char *why;
	int fd, ret;

	if (it && it->scanned)
		return 0;
	if (it)
		it->scanned = true;
	fd = open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return rf_pack_fail(pk, errno, "%s: %s", path, strerror(errno));
	ret = rf_elf_read(fd, &elf, &why);
	close(fd);
	if (ret == -ENOEXEC && !strict)
		return 0;
	if (ret)
		return rf_pack_fail(pk, -ret, "%s: %s", path,
				    ret == -ENOEXEC ? why : strerror(-ret));
	origin = strdup(by ? path : real);
	if (!origin) {
		rf_elf_free(&elf);
		return -ENOMEM;
	}
	slash = strrchr(origin, '/');
	*(slash ? slash : origin) = '\0';
	ld.origin = origin;
	ld.elf = &elf;
	ld.musl = by ? by->musl : elf.interp && strstr(elf.interp, "/ld-musl-");
	ret = add_libs(pk, &ld);
	free(origin);
	rf_elf_free(&elf);
	return ret;
}

static int missing(struct rf_packer *pk, const struct loader *ld,
		   const char *what, const char *name)
{
	if (ld->strict)
		return rf_pack_fail(pk, ENOENT, "%s: its %s %s is not on this machine",
				    ld->path, what, name);
	rf_pack_note(pk, "%s: its %s %s is not on this machine", ld->path, what, name);
	return 0;
}

static int add_lib(struct rf_packer *pk, const struct loader *ld, const char *name)
{
	char *path, *real = NULL;
	int ret;

	if (ld->musl && (!strcmp(name, "libc.so") || !strncmp(name, "libc.musl", 9)))
		return 0;	/* the interpreter itself */
	ret = find_lib(pk, ld, name, &path);
	if (ret == 1) {
		ret = rf_tree_add(pk, path, &real);
		if (ret == -ENOENT)
			ret = missing(pk, ld, "library", name);
		else if (!ret)
			ret = scan(pk, path, real, ld, ld->strict);
	} else if (!ret) {
		ret = missing(pk, ld, "library", name);
	}
	free(real);
	free(path);
	return ret;
}

static int add_libs(struct rf_packer *pk, const struct loader *ld)
{
	const char *interp = ld->elf->interp;
	size_t i;
	int ret;

	if (interp && !ld->by) {
		char *real = NULL;

		ret = *interp == '/' ? rf_tree_add(pk, interp, &real) : -ENOENT;
		free(real);
		if (ret == -ENOENT)
			ret = missing(pk, ld, "interpreter", interp);
		if (!ret && !ld->musl)
			ret = rf_tree_add(pk, LD_CACHE, NULL);
		if (ret && ret != -ENOENT)
			return ret;
	}
	for (i = 0; i < ld->elf->n_needed; i++) {
		ret = add_lib(pk, ld, ld->elf->needed[i]);
		if (ret)
			return ret;
	}
	return 0;
}

static int load_cache(struct rf_packer *pk)
{
	if (pk->cache || access(LD_CACHE, R_OK))
		return 0;
	return rf_pack_read(pk, LD_CACHE, &pk->cache, &pk->cache_len);
}

/* "#!/usr/bin/env NAME" and "#!/usr/bin/env -S NAME": where NAME is. */
static char *find_command(const char *arg)
{
	const char *dir = COMMAND_PATH;
	size_t len, n;
	char *path;

	if (!strncmp(arg, "-S", 2))
		for (arg += 2; *arg == ' ' || *arg == '\t'; arg++)
			;
	n = strcspn(arg, " \t");
	if (!n || *arg == '-' || memchr(arg, '=', n))
		return NULL;
	for (; *dir; dir += len + (dir[len] == ':')) {
		len = strcspn(dir, ":");
		if (asprintf(&path, "%.*s/%.*s", (int)len, dir, (int)n, arg) < 0)
			return NULL;
		if (!access(path, X_OK))
			return path;
		free(path);
	}
	return NULL;
}

static int add_program(struct rf_packer *pk, const char *path, int depth);

/* @line is what follows "#!" */
static int add_script(struct rf_packer *pk, const char *path, char *line, int depth)
{
	char *interp, *arg, *cmd;
	const char *base;
	int ret;

	line[strcspn(line, "\n")] = '\0';
	interp = line + strspn(line, " \t");
	arg = interp + strcspn(interp, " \t");
	if (*arg)
		*arg++ = '\0';
	arg += strspn(arg, " \t");
	if (*interp != '/')
		return rf_pack_fail(pk, ENOEXEC, "%s: a script with no absolute path after #!",
				    path);
	if (depth >= MAX_SCRIPTS)
		return rf_pack_fail(pk, ELOOP, "%s: too many scripts run by scripts", path);
	if (access(interp, F_OK))
		return rf_pack_fail(pk, errno, "%s: its interpreter %s: %s",
				    path, interp, strerror(errno));
	ret = add_program(pk, interp, depth + 1);
	base = strrchr(interp, '/') + 1;
	if (ret || strcmp(base, "env"))
		return ret;
	cmd = find_command(arg);
	if (!cmd)
		return rf_pack_fail(pk, ENOENT, "%s: its interpreter \"%s\" is not in %s",
				    path, arg, COMMAND_PATH);
	ret = add_program(pk, cmd, depth + 1);
	free(cmd);
	return ret;
}

static int add_program(struct rf_packer *pk, const char *path, int depth)
{
	char head[PATH_MAX + 1], *real = NULL;
	ssize_t n = -1;
	struct stat st;
	int fd, ret;

	ret = rf_tree_add(pk, path, &real);
	if (ret)
		return *pk->err ? ret : rf_pack_fail(pk, -ret, "%s: %s", path, strerror(-ret));
	fd = open(*real ? real : "/", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st))
		ret = rf_pack_fail(pk, errno, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		ret = rf_pack_fail(pk, ENOEXEC, "%s: not a regular file", path);
	else if (!(st.st_mode & 0111))
		ret = rf_pack_fail(pk, ENOEXEC, "%s: not executable", path);
	else
		n = pread(fd, head, sizeof(head) - 1, 0);
	if (!ret && n < 0)
		ret = rf_pack_fail(pk, errno, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (n < 0)
		goto out;
	head[n] = '\0';
	if (n >= 2 && head[0] == '#' && head[1] == '!')
		ret = add_script(pk, path, head + 2, depth);
	else
		ret = scan(pk, path, real, NULL, true);
out:
	free(real);
	return ret;
}

int rf_bin_add(struct rf_packer *pk, const char *path)
{
	char *unwinder = NULL;
	struct hunt h = { .pk = pk };
	int ret;

	ret = load_cache(pk);
	if (!ret)
		ret = add_program(pk, path, 0);
	if (ret || !rf_tree_find(pk, LD_CACHE))
		return ret;
	/* glibc opens this one by name when a thread ends early */
	ret = rf_ldcache_find(pk->cache, pk->cache_len, "libgcc_s.so.1", from_cache, &h);
	unwinder = h.path;
	if (!ret && unwinder)
		ret = rf_tree_add(pk, unwinder, NULL);
	free(unwinder);
	return ret;
}

static bool may_be_elf(const struct rf_item *it)
{
	const char *name = strrchr(it->path, '/');

	name = name ? name : it->path;
	return it->src && !it->scanned && it->st.st_size >= 64 &&
		(it->st.st_mode & 0111 || strstr(name, ".so"));
}

/*
 * A file or folder at its own place, with what its symlinks to files point
 * to and with the libraries of the programs and libraries in it.
 */
int rf_bin_include(struct rf_packer *pk, const char *path)
{
	char *real = NULL, *tmp;
	size_t first, i;
	struct stat st;
	int ret;

	ret = load_cache(pk);
	if (ret)
		return ret;
	first = pk->n;
	ret = rf_tree_add(pk, path, &real);
	if (!ret && stat(*real ? real : "/", &st))
		ret = -errno;
	if (ret && !*pk->err)
		rf_pack_fail(pk, -ret, "%s: %s", path, strerror(-ret));
	if (!ret && S_ISDIR(st.st_mode))
		ret = rf_tree_walk(pk, real, real);
	free(real);
	for (i = first; !ret && i < pk->n; i++) {
		if (!S_ISLNK(pk->item[i].st.st_mode) && !may_be_elf(&pk->item[i]))
			continue;
		if (asprintf(&tmp, "/%s", pk->item[i].path) < 0)
			return -ENOMEM;
		if (!S_ISLNK(pk->item[i].st.st_mode))
			ret = scan(pk, tmp, tmp, NULL, false);
		else if (!stat(tmp, &st) && S_ISREG(st.st_mode))
			ret = rf_tree_add(pk, tmp, NULL);
		free(tmp);
	}
	return ret;
}
