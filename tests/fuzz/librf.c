// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz of what librf and rf-init read: files of one subOS, words of the command
 * line, ELF programs, ld.so's cache, kernels, PID 1's instructions, the kernel's
 * answers; and of the packer's archives, which are read again. The first byte of
 * the input says which of them.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "must.h"
#include "elfdeps.h"
#include "initcfg.h"
#include "internal.h"
#include "pack_int.h"

static struct rf *rf;

/* What is left of the input, in as many bytes as it has, and a NUL */
static char *rest(size_t *len)
{
	char *text = malloc(fuzz_left() + 1);

	MUST(text);
	*len = fuzz_left();
	memcpy(text, fuzz_at, *len);
	text[*len] = 0;
	fuzz_at = fuzz_end;
	return text;
}

static int file(const void *data, size_t len)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	MUST(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	return fd;
}

/* A refusal is a small errno, and has a sentence */
static bool good(int ret)
{
	MUST(ret <= 0 && ret > -4096);
	MUST(!ret || rf_strerror(rf)[0]);
	return !ret;
}

/* ---- files of one subOS ---- */

static const struct rf_config_key keys[] = {
	{ .section = "subos", .name = "name" },
	{ .section = "subos", .name = "memory", .many = true },
	{ .section = "subos", .name = "exact", .yes = true },
	{ .section = "content", .name = "bin", .path = true },
	{ .section = "command", .name = "arg", .many = true },
	{ .name = NULL },
};

/* What was read and is written again says the same */
static void config_again(const struct rf_config *c)
{
	struct rf_config again;
	const char *section = "";
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(section, c->entry[i].key->section))
			fprintf(f, "[%s]\n", section = c->entry[i].key->section);
		rf_config_put(f, c->entry[i].key->name, c->entry[i].value);
	}
	fclose(f);
	if (len <= RF_CONFIG_MAX) {
		MUST(good(rf_config_parse(rf, "again", text, keys, &again)) && again.n == c->n);
		for (size_t i = 0; i < c->n; i++)
			MUST(again.entry[i].key == c->entry[i].key &&
			     !strcmp(again.entry[i].value, c->entry[i].value));
		rf_config_clear(&again);
	}
	free(text);
}

static void config(void)
{
	struct rf_config c;
	size_t len;
	char *text = rest(&len);

	if (good(rf_config_parse(rf, "fuzz", text, keys, &c)))
		config_again(&c);
	rf_config_clear(&c);
	free(text);
}

/* ---- words ---- */

static void words(void)
{
	struct rf_amount amount;
	struct rf_mem mem;
	uint32_t *cpu, *again, n32, how;
	uint64_t n64;
	int64_t ms;
	size_t len, n, m;
	double d;
	char *w = rest(&len), *text;
	int node;

	good(rf_parse_name(rf, w));
	if (good(rf_parse_cpus(rf, w, &cpu, &n))) {
		text = rf_cpus_text(cpu, n);
		MUST(n && text && good(rf_parse_cpus(rf, text, &again, &m)) && m == n);
		MUST(!memcmp(cpu, again, n * sizeof(*cpu)));
		free(text);
		free(again);
		free(cpu);
	}
	if (good(rf_parse_ncpus(rf, w, &n32, &node)))
		MUST(n32);
	good(rf_parse_count_how(rf, w, &n32, &node, &how));
	good(rf_parse_size(rf, w, &n64));
	if (good(rf_parse_memory(rf, w, &mem))) {
		good(rf_check_memory(rf, &mem, 1, 48 << 20));
		good(rf_round_memory(rf, &mem, 128 << 20, false, &text));
		free(text);
	}
	good(rf_parse_amount(rf, w, &amount));
	if (good(rf_parse_seconds(rf, w, &ms)))
		MUST(ms >= 0);
	good(rf_parse_count(rf, w, &n64));
	good(rf_parse_number(rf, "fuzz", w, &d));
	free(w);
}

/* ---- ELF ---- */

/* A small program, of which the input overwrites some words */
static void elf(void)
{
	struct {
		Elf64_Ehdr eh;
		Elf64_Phdr ph[3];
		char interp[16];
		Elf64_Dyn dyn[7];
		char str[64];
	} im = {
		.eh = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB },
			.e_type = ET_DYN, .e_machine = EM_X86_64, .e_phnum = 3,
			.e_phoff = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr),
		},
		.ph = {
			{ .p_type = PT_LOAD, .p_filesz = sizeof(im), .p_memsz = sizeof(im) },
			{ .p_type = PT_INTERP, .p_offset = 232, .p_filesz = 11 },
			{ .p_type = PT_DYNAMIC, .p_offset = 248, .p_filesz = sizeof(im.dyn) },
		},
		.interp = "/lib/ld.so",
		.dyn = { { DT_NEEDED, { 1 } }, { DT_NEEDED, { 9 } }, { DT_RUNPATH, { 19 } },
			 { DT_RPATH, { 31 } }, { DT_STRTAB, { 360 } }, { DT_STRSZ, { 40 } } },
		.str = "\0liba.so\0libb.so.2\0$ORIGIN/lib\0/old",
	};
	bool spoil = take(1);
	const char *why = NULL;
	struct rf_elf e;
	size_t len = 0;
	char *raw;
	int fd;

	while (spoil && fuzz_left()) {
		uint64_t at = take(2) % sizeof(im), width = take(1) % 9, v = take(width);

		if (at + width <= sizeof(im))
			memcpy((char *)&im + at, &v, width);
	}
	raw = rest(&len);
	fd = spoil ? file(&im, sizeof(im)) : file(raw, len);
	if (!rf_elf_read(fd, &e, &why)) {
		for (size_t i = 0; i < e.n_needed; i++)
			MUST(strlen(e.needed[i]) < sizeof(im) + len);
		rf_elf_free(&e);
	} else {
		MUST(why);
	}
	close(fd);
	free(raw);
}

static int found(void *ctx, const char *path, int hwcaps)
{
	(void)hwcaps;
	*(size_t *)ctx += strlen(path);
	return 0;
}

static void ldcache(void)
{
	size_t len, sum = 0;
	char *text = rest(&len), *exact = malloc(len ? len : 1);

	memcpy(exact, text, len);
	rf_ldcache_find(exact, len, "libc.so.6", found, &sum);
	free(exact);
	free(text);
}

/* ---- kernels, instructions, answers ---- */

static void kernel(void)
{
	struct rf_kernel k = { 0 };
	size_t len;
	char *raw = rest(&len);

	k.fd = file(raw, len);
	k.size = len;
	if (good(rf_kernel_check(rf, "fuzz", &k)))
		MUST(k.kind);
	close(k.fd);
	free(raw);
}

static void initcfg(void)
{
	struct rf_cfg cfg;
	size_t len;
	char *text = rest(&len), *exact = malloc(len ? len : 1);

	memcpy(exact, text, len);
	if (!rf_cfg_parse(&cfg, exact, len)) {
		for (size_t i = 0; i < cfg.n_arg; i++)
			MUST(memchr(cfg.arg[i], 0, exact + len - cfg.arg[i]));
		rf_cfg_free(&cfg);
	}
	free(exact);
	free(text);
}

static void answer(void)
{
	unsigned int what = take(1) % 4;
	struct rf_quarantine *q = calloc(1, sizeof(*q));
	struct rf_subos s = { 0 };
	struct rf_stat *st = calloc(1, sizeof(*st));
	struct rf_info info = { 0 };
	size_t len;
	char *raw = rest(&len), *exact = aligned_alloc(16, (len + 16) & ~15UL);
	struct nlattr *attrs = (void *)exact;

	memcpy(exact, raw, len);
	switch (what) {
	case 0:
		rf_decode_subos(attrs, len, &s);
		break;
	case 1:
		rf_decode_quarantine(attrs, len, q);
		break;
	case 2:
		rf_decode_info(attrs, len, &info);
		break;
	case 3:
		rf_decode_stat(attrs, len, st);
		break;
	}
	rf_subos_clear(&s);
	rf_quarantine_free(q, 1);
	free(st->cpu);
	free(st);
	free(exact);
	free(raw);
}

/* ---- the packer ---- */

static uint32_t hex(const char *at)
{
	char word[9] = "";

	memcpy(word, at, 8);
	return strtoul(word, NULL, 16);
}

/* The archive as the kernel's unpacker goes through it: all names are there, in order */
static void read_cpio(const struct rf_packer *pk, const char *at, size_t len)
{
	size_t pos = 0, n = 0;

	for (;;) {
		uint32_t size, name_size;
		const char *name;

		MUST(pos + 110 <= len && !memcmp(at + pos, "070701", 6));
		size = hex(at + pos + 54);
		name_size = hex(at + pos + 94);
		name = at + pos + 110;
		MUST(name_size && pos + 110 + name_size <= len && !name[name_size - 1]);
		pos = (pos + 110 + name_size + 3) & ~3UL;
		MUST(pos + size <= len);
		if (!strcmp(name, "TRAILER!!!"))
			break;
		MUST(n < pk->n && !strcmp(name, pk->item[n].path));
		MUST(S_ISLNK(pk->item[n].st.st_mode) || !pk->item[n].data ||
		     (size == pk->item[n].st.st_size && !memcmp(at + pos, pk->item[n].data, size)));
		n++;
		pos = (pos + size + 3) & ~3UL;
	}
	MUST(n == pk->n);
}

static void pack(void)
{
	char err[256] = "", name[300];
	struct rf_pack p = { 0 };
	struct rf_packer pk = { .p = &p, .err = err, .errlen = sizeof(err) };
	int fd = -1, ret = 0;

	while (fuzz_left() > 2 && !ret && pk.n < 600) {
		bool dir = take(1) & 1;
		size_t len = take(1) % 64 + 1, repeat = take(1) & 3;
		unsigned int i = 0;

		/* names of all bytes but NUL; what begins with / loses it */
		for (; i < len * repeat && i < sizeof(name) - 1 && fuzz_left(); i++)
			name[i] = take(1) ?: 'x';
		name[i] = 0;
		if (!strcmp(name, "TRAILER!!!"))
			continue;
		ret = dir ? rf_tree_dir(&pk, name, take(2) & 07777) :
		      rf_tree_data(&pk, name, take(2) & 07777, name, take(1) % (i + 1));
	}
	MUST(!ret);
	ret = rf_cpio_write(&pk, "fuzz", &fd);
	MUST(ret <= 0 && (!ret || err[0]));
	if (!ret) {
		off_t size = lseek(fd, 0, SEEK_END);
		char *at = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

		MUST(at != MAP_FAILED);
		read_cpio(&pk, at, size);
		munmap(at, size);
		close(fd);
	}
	rf_tree_free(&pk);
}

static void fuzz_one(void)
{
	static void (*const targets[])(void) = {
		config, words, elf, ldcache, kernel, initcfg, answer, pack,
	};

	if (!rf)
		MUST(!rf_new(&rf));
	targets[take(1) % (sizeof(targets) / sizeof(*targets))]();
}
