// SPDX-License-Identifier: GPL-2.0
/* A subOS is held, let go, and its memory read as a core file */
#include <elf.h>
#include <errno.h>
#include <linux/rainforest.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "torture.h"

#define PIECE		(1UL << 20)
#define MAX_LOADS	80	/* ranges of memory in a core file */

struct core {
	int fd;
	Elf64_Ehdr head;
	Elf64_Phdr part[MAX_LOADS];
};

static int read_all(int fd, void *to, size_t len, uint64_t at)
{
	for (size_t have = 0; have < len;) {
		ssize_t n = pread(fd, (char *)to + have, len - have, at + have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		have += n;
	}
	return 0;
}

static int core_open(struct torture *t, const struct slot *s, struct core *core)
{
	const struct rf_freeze f = { .name = s->name, .timeout_ms = 5000LL * t->slow };
	struct rf_dump_info info;
	Elf64_Ehdr *h = &core->head;

	core->fd = rf_dump_open(t->rf, &f, &info);
	if (core->fd < 0)
		return verdict(t, "dump", core->fd);
	if (read_all(core->fd, h, sizeof(*h), 0) || memcmp(h->e_ident, ELFMAG, SELFMAG) ||
	    h->e_type != ET_CORE || h->e_phentsize != sizeof(core->part[0]) ||
	    !h->e_phnum || h->e_phnum > MAX_LOADS ||
	    read_all(core->fd, core->part, h->e_phnum * sizeof(core->part[0]), h->e_phoff)) {
		broken(t, "the dump of %s is no core file", s->name);
		close(core->fd);
		return BROKEN;
	}
	return DONE;
}

static bool signed_by(const uint64_t *page, uint64_t stamp)
{
	return page[0] == stamp && page[2] == pattern_word(stamp, page[1], 2) &&
	       page[PATTERN_WORDS - 1] == pattern_word(stamp, page[1], PATTERN_WORDS - 1);
}

/* Tick off each page that its owner signed. Return: how many, or -errno. */
static int64_t signed_pages(const struct core *core, uint64_t stamp, bool *seen, size_t max)
{
	uint64_t *buf = malloc(PIECE);
	int64_t n = 0;

	for (int i = 0; buf && i < core->head.e_phnum; i++) {
		const Elf64_Phdr *p = &core->part[i];

		for (uint64_t at = 0; p->p_type == PT_LOAD && at < p->p_filesz; at += PIECE) {
			size_t len = p->p_filesz - at < PIECE ? p->p_filesz - at : PIECE;
			int ret = read_all(core->fd, buf, len, p->p_offset + at);

			if (ret) {
				free(buf);
				return ret;
			}
			for (size_t k = 0; k + PATTERN_PAGE <= len; k += PATTERN_PAGE) {
				const uint64_t *page = buf + k / sizeof(*buf);

				/* one that was moved may be there twice */
				if (signed_by(page, stamp) && page[1] < max && !seen[page[1]]) {
					seen[page[1]] = true;
					n++;
				}
			}
		}
	}
	free(buf);
	return buf ? n : -ENOMEM;
}

/* A core file of it has each page that it has signed */
int dump_check(struct torture *t, const struct slot *s)
{
	const size_t max = s->filled * PATTERN_MIB / PATTERN_PAGE;
	bool *seen = calloc(max + 1, sizeof(*seen));
	struct core core;
	int64_t n;
	int ret = seen ? core_open(t, s, &core) : broken(t, "no memory");

	if (ret) {
		free(seen);
		return ret;
	}
	n = signed_pages(&core, s->stamp, seen, max);
	free(seen);
	close(core.fd);
	if (n < 0)
		return broken(t, "reading the dump of %s: %s", s->name, strerror(-n));
	if ((size_t)n != max)
		return broken(t, "the dump of %s has %lld of the %zu pages that it signed", s->name,
			      (long long)n, max);
	t->book.count[DUMPED]++;
	return DONE;
}

/* While it is held: no heart beats, nothing of it changes, and it can't be resized */
static int held(struct torture *t, struct slot *s, const struct step *step)
{
	const struct rf_amount more = { .mem = { .size = t->info.block_size, .node = RF_NO_NODE },
					.how = RAINFOREST_HOW_ADD };
	const struct rf_resize z = { .name = s->name, .cpu_node = RF_NO_NODE, .mem = &more,
				     .nr_mems = 1, .timeout_ms = 1000 };
	struct rf_subos now;
	uint64_t beats;

	if (slot_get(t, s, &now))
		return BROKEN;
	beats = slot_beats(&now);
	if (now.state != RAINFOREST_STATE_FROZEN)
		broken(t, "%s is frozen, and %s", s->name, rf_state_text(now.state));
	rf_subos_clear(&now);
	if (t->why[0])
		return BROKEN;
	if (step->r[2] % 3 == 0) {
		int ret = rf_resize(t->rf, &z, &now);

		rf_subos_clear(&now);
		if (!ret)
			return broken(t, "%s grew while it was frozen", s->name);
	} else if (step->r[2] % 3 == 1 && dump_check(t, s)) {
		return broken(t, "%s is held, and gives no dump: %s", s->name,
			      rf_strerror(t->rf));
	}
	usleep(step->r[3] % 300000);
	if (slot_get(t, s, &now))
		return BROKEN;
	if (slot_beats(&now) != beats)
		broken(t, "%s is frozen, and beats", s->name);
	rf_subos_clear(&now);
	return t->why[0] ? BROKEN : DONE;
}

/* Hold one under work; then let it go on, or end it as it is */
int op_freeze(struct torture *t, const struct step *step)
{
	struct slot *s = &t->slot[step->r[0] % NR_STEADY];
	struct slot *sibling = &t->slot[(step->r[0] + 1) % NR_STEADY];
	const struct rf_freeze f = { .name = s->name, .timeout_ms = 5000LL * t->slow };
	bool ends = step->r[4] % 5 == 0;
	struct rf_subos now;
	int ret = life_need(t, s, step->r[1]);

	doing(t, "%s%s", s->name, ends ? ", and destroy it so" : "");
	if (ret)
		return ret;
	ret = rf_freeze(t->rf, &f, &now);
	rf_subos_clear(&now);
	if (ret)
		return verdict(t, "freeze", ret);
	if (held(t, s, step) || (sibling->up && slot_check(t, sibling)))
		return BROKEN;
	t->book.count[FROZEN]++;
	if (ends)
		return life_gone(t, s);
	ret = rf_thaw(t->rf, s->name, false, &now);
	rf_subos_clear(&now);
	if (ret)
		return broken(t, "thaw of %s: %s", s->name, rf_strerror(t->rf));
	return slot_alive(t, s) || slot_check(t, s) ? BROKEN : DONE;
}

/* A core file of one that works, which is held for as long as that takes */
int op_dump(struct torture *t, const struct step *step)
{
	struct slot *s = &t->slot[step->r[0] % NR_STEADY];
	int ret = life_need(t, s, step->r[1]);

	doing(t, "%s", s->name);
	if (!ret)
		ret = dump_check(t, s);
	if (ret)
		return ret;
	return slot_alive(t, s) || slot_check(t, s) ? BROKEN : DONE;
}
