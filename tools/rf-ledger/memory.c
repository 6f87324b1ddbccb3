// SPDX-License-Identifier: GPL-2.0
/*
 * Physical memory in a file: raw, where the offset is the address (/dev/mem, or
 * what a monitor has saved), or the ELF core of a dump (/proc/vmcore, or QEMU's
 * dump-guest-memory).
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rl.h"

#define RL_MAX_PIECES	4096

static int read_at(int fd, uint64_t offset, void *to, size_t len)
{
	while (len) {
		ssize_t n = pread(fd, to, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EFAULT ? -ENXIO : -errno;
		if (!n)
			return -ENXIO;
		to = (char *)to + n;
		offset += n;
		len -= n;
	}
	return 0;
}

static int read_pieces(struct rl_memory *m, const Elf64_Ehdr *eh)
{
	Elf64_Phdr ph;
	int err;

	if (eh->e_phentsize != sizeof(ph) || !eh->e_phnum || eh->e_phnum > RL_MAX_PIECES)
		return -ENOEXEC;
	m->piece = calloc(eh->e_phnum, sizeof(*m->piece));
	if (!m->piece)
		return -ENOMEM;
	for (unsigned int i = 0; i < eh->e_phnum; i++) {
		err = read_at(m->fd, eh->e_phoff + i * sizeof(ph), &ph, sizeof(ph));
		if (err)
			return err;
		if (ph.p_type == PT_LOAD && ph.p_filesz)
			m->piece[m->nr++] = (struct rl_piece) {
				.at = ph.p_paddr, .size = ph.p_filesz, .offset = ph.p_offset,
			};
	}
	return m->nr ? 0 : -ENOEXEC;
}

/**
 * rl_open() - open what holds the machine's memory
 *
 * Return: 0; -errno; -ENOEXEC: an ELF file, but no core of x86-64.
 */
int rl_open(struct rl_memory *m, const char *path)
{
	Elf64_Ehdr eh;
	int err;

	*m = (struct rl_memory) { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	if (m->fd < 0)
		return -errno;
	if (read_at(m->fd, 0, &eh, sizeof(eh)) || memcmp(eh.e_ident, ELFMAG, SELFMAG))
		return 0;	/* raw; what is short says so later */
	err = eh.e_ident[EI_CLASS] == ELFCLASS64 && eh.e_type == ET_CORE &&
	      eh.e_machine == EM_X86_64 ? read_pieces(m, &eh) : -ENOEXEC;
	if (err)
		rl_close(m);
	return err;
}

void rl_close(struct rl_memory *m)
{
	free(m->piece);
	close(m->fd);
	*m = (struct rl_memory) { .fd = -1 };
}

/**
 * rl_read() - bytes at a physical address
 *
 * Return: 0; -ENXIO: not, or not all of it, in the file; -errno.
 */
int rl_read(const struct rl_memory *m, uint64_t at, void *to, size_t len)
{
	if (at + len < at || at + len > INT64_MAX)
		return -ENXIO;
	if (!m->piece)
		return read_at(m->fd, at, to, len);
	while (len) {
		const struct rl_piece *p = NULL;
		size_t n;
		int err;

		for (unsigned int i = 0; i < m->nr && !p; i++)
			if (at >= m->piece[i].at && at - m->piece[i].at < m->piece[i].size)
				p = &m->piece[i];
		if (!p)
			return -ENXIO;
		n = p->size - (at - p->at) < len ? p->size - (at - p->at) : len;
		err = read_at(m->fd, p->offset + (at - p->at), to, n);
		if (err)
			return err;
		to = (char *)to + n;
		at += n;
		len -= n;
	}
	return 0;
}
