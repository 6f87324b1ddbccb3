/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that its owner has signed: each page of the area says whose it is, which
 * page, and the rest follows from both. Whoever else writes there is found out,
 * and if it was another owner, by his signature.
 */
#ifndef TORTURE_PATTERN_H
#define TORTURE_PATTERN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#define PATTERN_MIB	(1UL << 20)
#define PATTERN_MAX	1024UL		/* MiB */
#define PATTERN_PAGE	4096UL
#define PATTERN_WORDS	(PATTERN_PAGE / sizeof(uint64_t))

struct pattern {
	uint64_t *at;
	uint64_t stamp;
	size_t mib;
};

struct pattern_bad {
	size_t nr;		/* words */
	size_t page, word;	/* of the first */
	uint64_t found, owner;	/* there, and the stamp of that page */
};

static inline uint64_t pattern_word(uint64_t stamp, size_t page, size_t i)
{
	if (!i)
		return stamp;
	return i == 1 ? page : (stamp + page * PATTERN_WORDS + i) * 0x9e3779b97f4a7c15ULL;
}

static inline void pattern_write(struct pattern *p, size_t from, size_t to)
{
	for (size_t page = from; page < to; page++)
		for (size_t i = 0; i < PATTERN_WORDS; i++)
			p->at[page * PATTERN_WORDS + i] = pattern_word(p->stamp, page, i);
}

static inline int pattern_init(struct pattern *p, uint64_t stamp)
{
	p->at = mmap(NULL, PATTERN_MAX * PATTERN_MIB, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p->at == MAP_FAILED)
		return -1;
	/* small pages lie anywhere, and each can be moved by itself */
	madvise(p->at, PATTERN_MAX * PATTERN_MIB, MADV_NOHUGEPAGE);
	p->stamp = stamp;
	p->mib = 0;
	return 0;
}

/* Make it @mib long; what is given up is free at once */
static inline void pattern_size(struct pattern *p, size_t mib)
{
	const size_t pages = PATTERN_MIB / PATTERN_PAGE;

	if (mib > PATTERN_MAX)
		mib = PATTERN_MAX;
	if (mib > p->mib)
		pattern_write(p, p->mib * pages, mib * pages);
	else if (mib < p->mib)
		madvise((char *)p->at + mib * PATTERN_MIB, (p->mib - mib) * PATTERN_MIB,
			MADV_DONTNEED);
	p->mib = mib;
}

static inline void pattern_check(const struct pattern *p, struct pattern_bad *bad)
{
	const size_t pages = p->mib * PATTERN_MIB / PATTERN_PAGE;

	*bad = (struct pattern_bad){ 0 };
	for (size_t page = 0; page < pages; page++)
		for (size_t i = 0; i < PATTERN_WORDS; i++) {
			uint64_t found = p->at[page * PATTERN_WORDS + i];

			if (found == pattern_word(p->stamp, page, i))
				continue;
			if (!bad->nr++) {
				bad->page = page;
				bad->word = i;
				bad->found = found;
				bad->owner = p->at[page * PATTERN_WORDS];
			}
		}
}

#endif /* TORTURE_PATTERN_H */
