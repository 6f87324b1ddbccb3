// SPDX-License-Identifier: GPL-2.0
/* The reader of raw memory, tools/rf-ledger: good, damaged and hostile ledgers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#include "../../tools/rf-ledger/memory.c"
#include "../../tools/rf-ledger/ledger.c"
#include "../../tools/rf-ledger/subos.c"

#include <cmocka.h>

#include <rf/abi/layout.h>
#include <rf/abi/ring.h>

#define ANCHOR	(0x10000 + RF_LEDGER_ANCHOR_OFFSET)
#define COPY_0	0x200000
#define COPY_1	0x300000
#define LEN	0x4000
#define DESC	0x400000ULL
#define END	0x600000

#define NR_SUBOS 2
#define NR_RES	5

static struct rl_memory mem;

static void poke(uint64_t at, const void *from, size_t len)
{
	assert_int_equal(len, pwrite(mem.fd, from, len, at));
}

static void seal(struct rf_ledger *l)
{
	l->checksum = 0;
	l->checksum = rl_crc(l, l->size);
}

/* A ledger as the supervisor writes it */
static struct rf_ledger *make(uint64_t generation)
{
	static const struct rf_ledger_resource res[NR_RES] = {
		{ .at = 2, .size = 2, .kind = RF_LEDGER_CPU, .status = RF_LEDGER_GRANTED, .owner = 1 },
		{ .at = 3, .size = 3, .kind = RF_LEDGER_CPU, .status = RF_LEDGER_TAKING, .owner = 2 },
		{ .at = DESC, .size = 0x8000000, .kind = RF_LEDGER_MEMORY,
		  .status = RF_LEDGER_GRANTED, .owner = 1 },
		{ .at = 0x10000000, .size = 0x8000000, .kind = RF_LEDGER_MEMORY,
		  .status = RF_LEDGER_RETURNING, .owner = 2, .node = 1 },
		{ .at = 7, .size = 7, .kind = RF_LEDGER_CPU,
		  .status = RF_LEDGER_QUARANTINED, .owner = 77 },
	};
	struct rf_ledger *l = calloc(1, LEN);
	struct rf_ledger_subos *s = (void *)(l + 1);

	assert_non_null(l);
	*l = (struct rf_ledger) {
		.magic = RF_LEDGER_MAGIC, .version = RF_LEDGER_VERSION, .generation = generation,
		.nr_subos = NR_SUBOS, .nr_resources = NR_RES,
		.size = sizeof(*l) + NR_SUBOS * sizeof(*s) + sizeof(res),
	};
	strcpy(s[0].name, "a");
	s[0] = (struct rf_ledger_subos) { .name = "a", .desc = DESC, .generation = 3, .id = 1, .state = 4 };
	s[1] = (struct rf_ledger_subos) { .name = "b", .id = 2 };
	memcpy(s + NR_SUBOS, res, sizeof(res));
	seal(l);
	return l;
}

static void put(uint64_t at, struct rf_ledger *l)
{
	poke(at, l, LEN);
	free(l);
}

static void anchor(uint64_t at, uint32_t version, uint32_t size, uint64_t copy_0, uint64_t copy_1)
{
	struct rf_ledger_anchor a = { RF_LEDGER_ANCHOR_MAGIC, version, size, { copy_0, copy_1 } };

	poke(at, &a, sizeof(a));
}

static int setup(void **state)
{
	(void)state;
	mem = (struct rl_memory) { .fd = memfd_create("memory", 0) };
	if (mem.fd < 0 || ftruncate(mem.fd, END))
		return -1;
	anchor(ANCHOR, RF_LEDGER_VERSION, LEN, COPY_0, COPY_1);
	put(COPY_0, make(8));
	put(COPY_1, make(7));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rl_close(&mem);
	return 0;
}

/* Return: the generation that counts, 0 for none */
static uint64_t counts(int want)
{
	struct rl_ledger l;
	uint64_t generation = 0;

	assert_int_equal(want, rl_load(&mem, &l));
	if (!want)
		generation = l.head->generation;
	rl_free(&l);
	return generation;
}

/* ---- the tests ---- */

static void good_test(void **state)
{
	const struct rf_ledger_resource *other;
	struct rl_ledger l;

	(void)state;
	/* the CRC is the one that zlib and crc32_le() know */
	assert_int_equal(~0xcbf43926U, rl_crc("123456789", 9));
	assert_int_equal(0, rl_load(&mem, &l));
	assert_int_equal(ANCHOR, l.anchor);
	assert_int_equal(0, l.best);
	assert_null(l.copy[0].wrong);
	assert_null(l.copy[1].wrong);
	assert_int_equal(7, l.copy[1].generation);
	assert_int_equal(NR_SUBOS, l.head->nr_subos);
	assert_string_equal("b", l.subos[1].name);
	assert_int_equal(77, l.resource[4].owner);
	assert_null(rl_conflict(&l, &other));
	rl_free(&l);
}

/* Each bit of one copy, in turn: then the other counts. Of both: none does. */
static void damaged_test(void **state)
{
	uint32_t size;
	uint8_t byte;

	(void)state;
	assert_int_equal(0, rl_read(&mem, COPY_0 + offsetof(struct rf_ledger, size), &size, 4));
	for (uint32_t bit = 0; bit < size * 8; bit += bit < 512 ? 1 : 7) {
		assert_int_equal(0, rl_read(&mem, COPY_0 + bit / 8, &byte, 1));
		byte ^= 1 << bit % 8;
		poke(COPY_0 + bit / 8, &byte, 1);
		assert_int_equal(7, counts(0));
		byte ^= 1 << bit % 8;
		poke(COPY_0 + bit / 8, &byte, 1);
	}
	assert_int_equal(8, counts(0));
	poke(COPY_0 + 20, "x", 1);
	poke(COPY_1 + 90, "x", 1);
	assert_int_equal(0, counts(-EBADMSG));
}

/* What was written is there up to some point, what was there before behind it */
static void torn_test(void **state)
{
	struct rf_ledger *l = make(9);
	uint32_t size = l->size;

	(void)state;
	/* as rf_ledger_update(): magic and checksum go first, and come last */
	for (uint32_t at = 0; at <= size; at += 4) {
		put(COPY_0, make(8));
		poke(COPY_0, "\0\0\0\0\0\0\0\0", 8);
		poke(COPY_0 + offsetof(struct rf_ledger, checksum), "\0\0\0\0", 4);
		if (at > 8)
			poke(COPY_0 + 8, (char *)l + 8, at - 8);
		assert_int_equal(7, counts(0));
	}
	put(COPY_0, l);
	assert_int_equal(9, counts(0));
}

/* A checksum that is right does not make counts true */
static void hostile_test(void **state)
{
	static const struct { size_t at; uint32_t value; const char *wrong; } bad[] = {
		{ offsetof(struct rf_ledger, version), 2, "version" },
		{ offsetof(struct rf_ledger, size), LEN + 1, "size" },
		{ offsetof(struct rf_ledger, size), 63, "size" },
		{ offsetof(struct rf_ledger, size), 0, "size" },
		{ offsetof(struct rf_ledger, nr_subos), 0xffffffff, "counts" },
		{ offsetof(struct rf_ledger, nr_subos), 1, "counts" },
		{ offsetof(struct rf_ledger, nr_resources), 0x80000000, "counts" },
		{ sizeof(struct rf_ledger), 0, "name" },
	};
	const struct rf_ledger_resource *other;
	struct rf_ledger_resource *r;
	struct rl_ledger got;
	struct rf_ledger *l;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		l = make(8);
		memcpy((char *)l + bad[i].at, &bad[i].value, 4);
		l->checksum = 0;
		l->checksum = rl_crc(l, l->size < LEN ? l->size : LEN);
		assert_non_null(rl_check(l, LEN));
		assert_non_null(strstr(rl_check(l, LEN), bad[i].wrong));
		free(l);
	}
	l = make(8);
	memset((l + 1), 'x', 64);
	seal(l);
	assert_non_null(strstr(rl_check(l, LEN), "name"));
	assert_non_null(strstr(rl_check(l, 63), "short"));
	free(l);
	for (int i = 0; i < 4; i++) {
		l = make(8);
		r = (void *)((struct rf_ledger_subos *)(l + 1) + NR_SUBOS);
		if (i == 0)
			r[1].kind = 3;
		else if (i == 1)
			r[1].status = 0;
		else if (i == 2)
			r[2].size = ~0ULL;
		else
			r[2].size = 0;
		seal(l);
		assert_non_null(rl_check(l, LEN));
		free(l);
	}
	/* valid, and wrong all the same: one CPU, one byte of memory have two owners */
	for (int i = 0; i < 2; i++) {
		l = make(9);
		r = (void *)((struct rf_ledger_subos *)(l + 1) + NR_SUBOS);
		if (i)
			r[3].at = r[2].at + r[2].size - 1;
		else
			r[4].at = 2;
		seal(l);
		put(COPY_1, l);
		assert_int_equal(0, rl_load(&mem, &got));
		r = (void *)rl_conflict(&got, &other);
		assert_non_null(r);
		assert_int_equal(1, other->owner);
		rl_free(&got);
	}
}

static void anchor_test(void **state)
{
	(void)state;
	anchor(ANCHOR, RF_LEDGER_VERSION + 1, LEN, COPY_0, COPY_1);
	assert_int_equal(0, counts(-EPROTO));
	/* a stale one of another version does not hide the right one */
	anchor(0x20000 + RF_LEDGER_ANCHOR_OFFSET, RF_LEDGER_VERSION, LEN, COPY_0, COPY_1);
	assert_int_equal(8, counts(0));
	anchor(ANCHOR, RF_LEDGER_VERSION, 8, COPY_0, COPY_1);
	assert_int_equal(8, counts(0));
	anchor(ANCHOR, RF_LEDGER_VERSION, ~0U, COPY_0, COPY_1);
	assert_int_equal(8, counts(0));
	anchor(ANCHOR, RF_LEDGER_VERSION, LEN, ~0ULL - 1, COPY_1);
	assert_int_equal(7, counts(0));
	anchor(ANCHOR, RF_LEDGER_VERSION, LEN, END, 1ULL << 60);
	assert_int_equal(0, counts(-EBADMSG));
	poke(ANCHOR, "x", 1);
	poke(0x20000 + RF_LEDGER_ANCHOR_OFFSET, "x", 1);
	assert_int_equal(0, counts(-ENOENT));
}

/* Any bytes anywhere: no crash, and never a copy that the checksum does not cover */
static void fuzz_test(void **state)
{
	uint64_t seed = 20261128;
	unsigned int both = 0, none = 0;
	struct rf_ledger *good = make(8), *l;

	(void)state;
	for (unsigned int n = 0; n < 200000; n++) {
		unsigned int hits = 1 + n % 4;

		l = make(8);
		while (hits--) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			((uint8_t *)l)[(seed >> 33) % (n & 1 ? 64 : good->size)] =
				n & 2 ? seed >> 24 : 0xff * (seed >> 63);
		}
		/* half of them by one who knows how to seal */
		if (n % 8 >= 4 && l->size >= sizeof(*l) && l->size <= LEN)
			seal(l);
		if (rl_check(l, LEN)) {
			none++;
		} else {
			const struct rf_ledger_resource *other;
			struct rl_ledger view = {
				.head = l, .subos = (void *)(l + 1),
				.resource = (void *)((struct rf_ledger_subos *)(l + 1) + l->nr_subos),
			};

			both++;
			if (n % 8 < 4)
				assert_memory_equal(l, good, good->size);
			rl_conflict(&view, &other);
		}
		free(l);
	}
	free(good);
	assert_true(both > 1000);
	assert_true(none > 1000);
}

/* ---- descriptor and console ---- */

static void console_test(void **state)
{
	struct rf_boot_desc *d = calloc(1, sizeof(*d)), *got = calloc(1, sizeof(*got));
	struct rf_ledger_subos s = { .name = "a", .desc = DESC, .generation = 1 };
	struct rf_ring ring = { .head = 5 };
	size_t len, cap = 256 - sizeof(ring);
	char *text;

	(void)state;
	assert_non_null(d);
	assert_non_null(got);
	d->magic = RF_BOOT_MAGIC;
	d->version_major = RF_BOOT_VERSION_MAJOR;
	d->self = DESC;
	d->nr_cpus = ~0U;
	d->ring[RF_RING_CONSOLE_OUT] = (struct rf_boot_ring) { RF_OFF_CONSOLE_OUT, 256 };
	poke(DESC, d, sizeof(*d));
	poke(DESC + RF_OFF_CONSOLE_OUT, &ring, sizeof(ring));
	poke(DESC + RF_OFF_CONSOLE_OUT + sizeof(ring), "hello", 5);
	assert_int_equal(0, rl_desc(&mem, &s, got));
	assert_int_equal(RF_BOOT_MAX_CPUS, got->nr_cpus);
	assert_int_equal(0, rl_console(&mem, got, &text, &len));
	assert_int_equal(5, len);
	assert_memory_equal("hello", text, 5);
	free(text);
	/* it went round: the last bytes lie at the start */
	ring.head = cap * 3 + 2;
	poke(DESC + RF_OFF_CONSOLE_OUT, &ring, sizeof(ring));
	assert_int_equal(0, rl_console(&mem, got, &text, &len));
	assert_int_equal(cap, len);
	assert_memory_equal("llo", text, 3);
	assert_memory_equal("he", text + cap - 2, 2);
	free(text);
	for (int i = 0; i < 4; i++) {
		got->ring[RF_RING_CONSOLE_OUT] = (struct rf_boot_ring) {
			i == 0 ? ~0U : 0, i == 1 ? ~0U : i == 2 ? 8 : i == 3 ? 0 : 256,
		};
		assert_int_equal(-EBADMSG, rl_console(&mem, got, &text, &len));
	}
	s.desc = END;
	assert_int_equal(-ENXIO, rl_desc(&mem, &s, got));
	s.desc = COPY_0;
	assert_int_equal(-EBADMSG, rl_desc(&mem, &s, got));
	s.generation = 0;
	assert_int_equal(-ENODATA, rl_desc(&mem, &s, got));
	free(d);
	free(got);
}

/* ---- ELF cores ---- */

static int core(Elf64_Ehdr *eh, const Elf64_Phdr *ph, unsigned int nr)
{
	char path[] = "/tmp/ledger_test.XXXXXX";
	int fd = mkstemp(path), err;
	struct rl_memory m;
	char text[6] = "";

	assert_true(fd >= 0);
	assert_int_equal(sizeof(*eh), pwrite(fd, eh, sizeof(*eh), 0));
	assert_int_equal(nr * sizeof(*ph), pwrite(fd, ph, nr * sizeof(*ph), eh->e_phoff));
	assert_int_equal(8, pwrite(fd, "abcdefgh", 8, 0x1000));
	err = rl_open(&m, path);
	unlink(path);
	close(fd);
	if (err)
		return err;
	/* across two pieces, the second of which lies before the first in the file */
	err = rl_read(&m, 0x100002, text, 4);
	if (!err)
		assert_string_equal("ghab", text);
	assert_int_equal(-ENXIO, rl_read(&m, 0x100006, text, 4));
	assert_int_equal(-ENXIO, rl_read(&m, 0, text, 1));
	assert_int_equal(-ENXIO, rl_read(&m, ~0ULL, text, 4));
	rl_close(&m);
	return err;
}

static void core_test(void **state)
{
	Elf64_Ehdr eh = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64 },
		.e_type = ET_CORE, .e_machine = EM_X86_64, .e_phoff = sizeof(eh),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 3,
	};
	Elf64_Phdr ph[] = {
		{ .p_type = PT_NOTE, .p_paddr = 0x100000, .p_filesz = 8 },
		{ .p_type = PT_LOAD, .p_paddr = 0x100000, .p_filesz = 4, .p_offset = 0x1004 },
		{ .p_type = PT_LOAD, .p_paddr = 0x100004, .p_filesz = 4, .p_offset = 0x1000 },
	};

	(void)state;
	assert_int_equal(0, core(&eh, ph, 3));
	eh.e_phnum = 1;		/* no memory in it */
	assert_int_equal(-ENOEXEC, core(&eh, ph, 3));
	eh.e_phnum = 3;
	eh.e_type = ET_EXEC;
	assert_int_equal(-ENOEXEC, core(&eh, ph, 3));
	eh.e_type = ET_CORE;
	eh.e_phentsize = 8;
	assert_int_equal(-ENOEXEC, core(&eh, ph, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(good_test, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_test, setup, teardown),
		cmocka_unit_test_setup_teardown(torn_test, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_test, setup, teardown),
		cmocka_unit_test_setup_teardown(anchor_test, setup, teardown),
		cmocka_unit_test_setup_teardown(fuzz_test, setup, teardown),
		cmocka_unit_test_setup_teardown(console_test, setup, teardown),
		cmocka_unit_test(core_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
