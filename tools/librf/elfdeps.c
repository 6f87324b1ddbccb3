// SPDX-License-Identifier: GPL-2.0
/* A small bounded reader of ELF dependencies and of ld.so's cache. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elfdeps.h"

#define MAX_PHDRS	256
#define MAX_DYNS	4096
#define MAX_STRTAB	(16u << 20)
#define MAX_PATH	4096

/* All of [off, off + len), or -ENOEXEC when the file ends before. */
static int read_at(int fd, void *buf, size_t len, uint64_t off)
{
	size_t done = 0;
	ssize_t n;

	if (off > INT64_MAX - len)
		return -ENOEXEC;
	while (done < len) {
		n = pread(fd, (char *)buf + done, len - done, off + done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -ENOEXEC;
		done += n;
	}
	return 0;
}

static int read_header(int fd, Elf64_Ehdr *eh, const char **why)
{
	int ret = read_at(fd, eh, sizeof(*eh), 0);

	*why = "not an ELF file";
	if (ret == -ENOEXEC)
		return ret;
	if (ret)
		return ret;
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG))
		return -ENOEXEC;
	*why = "an ELF file, but not a 64-bit little-endian one";
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	*why = "an ELF file for another processor than x86-64";
	if (eh->e_machine != EM_X86_64)
		return -ENOEXEC;
	*why = "an ELF file, but no program or shared library";
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return -ENOEXEC;
	*why = "a damaged ELF file";
	if (eh->e_phentsize != sizeof(Elf64_Phdr) || !eh->e_phnum ||
	    eh->e_phnum > MAX_PHDRS)
		return -ENOEXEC;
	return 0;
}

/* File offset of an address, and how many bytes of its segment follow. */
static int addr_to_off(const Elf64_Phdr *ph, size_t n, uint64_t addr,
		       uint64_t *off, uint64_t *left)
{
	size_t i;

	for (i = 0; i < n; i++) {
		uint64_t rel = addr - ph[i].p_vaddr;

		if (ph[i].p_type != PT_LOAD || addr < ph[i].p_vaddr ||
		    rel >= ph[i].p_filesz)
			continue;
		if (ph[i].p_offset > UINT64_MAX - rel)
			return -ENOEXEC;
		*off = ph[i].p_offset + rel;
		*left = ph[i].p_filesz - rel;
		return 0;
	}
	return -ENOEXEC;
}

/* A string of the table, which must have its end in it. */
static int get_string(const char *tab, uint64_t size, uint64_t at, char **str)
{
	if (at >= size || !memchr(tab + at, '\0', size - at))
		return -ENOEXEC;
	free(*str);
	*str = strdup(tab + at);
	return *str ? 0 : -ENOMEM;
}

static int read_interp(int fd, const Elf64_Phdr *ph, struct rf_elf *elf)
{
	int ret;

	if (elf->interp || ph->p_filesz < 2 || ph->p_filesz > MAX_PATH)
		return -ENOEXEC;
	elf->interp = malloc(ph->p_filesz);
	if (!elf->interp)
		return -ENOMEM;
	ret = read_at(fd, elf->interp, ph->p_filesz, ph->p_offset);
	if (ret)
		return ret;
	return elf->interp[ph->p_filesz - 1] ? -ENOEXEC : 0;
}

static int take_dyns(const Elf64_Dyn *dyn, size_t n, const char *tab,
		     uint64_t size, struct rf_elf *elf)
{
	size_t i;
	int ret;

	for (i = 0; i < n && dyn[i].d_tag != DT_NULL; i++) {
		uint64_t at = dyn[i].d_un.d_val;

		ret = 0;
		if (dyn[i].d_tag == DT_NEEDED) {
			char **s = &elf->needed[elf->n_needed];

			ret = get_string(tab, size, at, s);
			if (*s)
				elf->n_needed++;
		} else if (dyn[i].d_tag == DT_RPATH) {
			ret = get_string(tab, size, at, &elf->rpath);
		} else if (dyn[i].d_tag == DT_RUNPATH) {
			ret = get_string(tab, size, at, &elf->runpath);
		}
		if (ret)
			return ret;
	}
	if (elf->runpath) {
		free(elf->rpath);
		elf->rpath = NULL;
	}
	return 0;
}

static int read_dynamic(int fd, const Elf64_Phdr *ph, size_t n_ph,
			const Elf64_Phdr *seg, struct rf_elf *elf)
{
	size_t n = seg->p_filesz / sizeof(Elf64_Dyn), i, needs = 0;
	uint64_t addr = 0, size = 0, off, left;
	Elf64_Dyn *dyn = NULL;
	char *tab = NULL;
	int ret;

	if (!n || n > MAX_DYNS)
		return -ENOEXEC;
	dyn = calloc(n, sizeof(*dyn));
	if (!dyn)
		return -ENOMEM;
	ret = read_at(fd, dyn, n * sizeof(*dyn), seg->p_offset);
	if (ret)
		goto out;
	for (i = 0; i < n && dyn[i].d_tag != DT_NULL; i++) {
		if (dyn[i].d_tag == DT_STRTAB)
			addr = dyn[i].d_un.d_ptr;
		else if (dyn[i].d_tag == DT_STRSZ)
			size = dyn[i].d_un.d_val;
		else if (dyn[i].d_tag == DT_NEEDED || dyn[i].d_tag == DT_RPATH ||
			 dyn[i].d_tag == DT_RUNPATH)
			needs++;
	}
	if (!needs)
		goto out;
	ret = addr_to_off(ph, n_ph, addr, &off, &left);
	if (ret)
		goto out;
	ret = -ENOEXEC;
	if (!size || size > left || size > MAX_STRTAB)
		goto out;
	ret = -ENOMEM;
	tab = malloc(size);
	elf->needed = calloc(needs, sizeof(*elf->needed));
	if (!tab || !elf->needed)
		goto out;
	ret = read_at(fd, tab, size, off);
	if (!ret)
		ret = take_dyns(dyn, n, tab, size, elf);
out:
	free(tab);
	free(dyn);
	return ret;
}

int rf_elf_read(int fd, struct rf_elf *elf, const char **why)
{
	Elf64_Phdr *ph;
	Elf64_Ehdr eh;
	size_t i;
	int ret;

	memset(elf, 0, sizeof(*elf));
	ret = read_header(fd, &eh, why);
	if (ret)
		return ret;
	ph = calloc(eh.e_phnum, sizeof(*ph));
	if (!ph)
		return -ENOMEM;
	ret = read_at(fd, ph, eh.e_phnum * sizeof(*ph), eh.e_phoff);
	for (i = 0; !ret && i < eh.e_phnum; i++) {
		if (ph[i].p_type == PT_INTERP)
			ret = read_interp(fd, &ph[i], elf);
		else if (ph[i].p_type == PT_DYNAMIC && !elf->needed)
			ret = read_dynamic(fd, ph, eh.e_phnum, &ph[i], elf);
	}
	free(ph);
	if (ret)
		rf_elf_free(elf);
	return ret;
}

void rf_elf_free(struct rf_elf *elf)
{
	size_t i;

	for (i = 0; i < elf->n_needed; i++)
		free(elf->needed[i]);
	free(elf->needed);
	free(elf->interp);
	free(elf->rpath);
	free(elf->runpath);
	memset(elf, 0, sizeof(*elf));
}

/* The form that glibc writes since 2.32, and before it behind an older one. */
struct cache_entry {
	int32_t flags;
	uint32_t key, value;	/* offsets from the header */
	uint32_t osversion;
	uint64_t hwcap;
};

struct cache_header {
	char magic[20];		/* "glibc-ld.so.cache1.1" */
	uint32_t n;
	uint32_t len_strings;
	uint8_t flags, pad[3];
	uint32_t extension;
	uint32_t unused[3];
};

#define CACHE_MAGIC	"glibc-ld.so.cache1.1"
#define CACHE_X86_64	0x0303	/* ELF libc6, x86-64 */

int rf_ldcache_find(const char *cache, size_t len, const char *soname,
		    int (*found)(void *ctx, const char *path, int hwcaps),
		    void *ctx)
{
	struct cache_header h;
	struct cache_entry e;
	const char *at;
	size_t i;
	int ret;

	at = len ? memmem(cache, len, CACHE_MAGIC, sizeof(h.magic)) : NULL;
	if (!at)
		return 0;
	len -= at - cache;
	cache = at;
	if (len < sizeof(h))
		return 0;
	memcpy(&h, cache, sizeof(h));
	if (h.n > (len - sizeof(h)) / sizeof(e))
		return 0;
	for (i = 0; i < h.n; i++) {
		memcpy(&e, cache + sizeof(h) + i * sizeof(e), sizeof(e));
		if (e.key >= len || !memchr(cache + e.key, '\0', len - e.key) ||
		    e.value >= len || !memchr(cache + e.value, '\0', len - e.value))
			return 0;
		if (e.flags != CACHE_X86_64 || strcmp(cache + e.key, soname))
			continue;
		ret = found(ctx, cache + e.value, e.hwcap != 0);
		if (ret)
			return ret;
	}
	return 0;
}
