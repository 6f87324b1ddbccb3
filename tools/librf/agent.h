/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What rfm says to the agent in a subOS, rf-init's, by a channel of RFcom to the
 * service "exec@NAME": a channel is one command or one file. The first byte of a
 * message says what it is, the rest follows unaligned. Both ends come from one build.
 *
 *	rfm				the agent
 *	EXEC agent_exec, TERM, cwd, args
 *	IN bytes (none: the end)	TOOK u32: bytes of it that the command took
 *	WINDOW u16 rows, u16 columns	OUT bytes, ERR bytes
 *	SIGNAL u8			EXIT u8 status: the last word
 *
 *	PUT agent_file, base, path	EXIT 0: it is there, whole
 *	DATA bytes ... END
 *
 *	GET path			FILE agent_file, DATA bytes ... END
 *
 * A size of AGENT_ANY_SIZE is not known before, and not looked at.
 *
 * Instead of any word of the agent's: FAIL u32 errno, text; then it closes. Strings
 * end with a NUL. Of IN no more than AGENT_WINDOW bytes may be under way.
 */
#ifndef LIBRF_AGENT_H
#define LIBRF_AGENT_H

#include <linux/magic.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define AGENT_SERVICE	"exec@"
#define AGENT_BUFFER	(1u << 20)	/* bytes of a message at most */
#define AGENT_CHUNK	(256u << 10)	/* of a file in one message */
#define AGENT_WINDOW	(64u << 10)
#define AGENT_ANY_SIZE	UINT64_MAX

enum agent_word {
	AGENT_EXEC = 'X', AGENT_IN = 'I', AGENT_WINSIZE = 'W', AGENT_SIGNAL = 'S',
	AGENT_PUT = 'P', AGENT_GET = 'G', AGENT_DATA = 'D', AGENT_END = '.',
	AGENT_TOOK = 'K', AGENT_OUT = 'O', AGENT_ERR = 'E', AGENT_EXIT = 'Q',
	AGENT_FILE = 'A', AGENT_FAIL = 'F',
};

struct agent_exec {
	uint16_t rows, cols;
	uint8_t tty;		/* 1: a terminal */
	uint8_t in;		/* 1: IN comes; 0: standard input is empty */
} __attribute__((packed));

struct agent_file {
	uint64_t size;
	uint32_t mode;		/* permission bits */
} __attribute__((packed));

/* What is made as it is read, as in /proc, says it has none; /sys says a page */
static inline uint64_t agent_file_size(int fd, const struct stat *st)
{
	struct statfs fs;

	if (!st->st_size || (!fstatfs(fd, &fs) && fs.f_type == SYSFS_MAGIC))
		return AGENT_ANY_SIZE;
	return st->st_size;
}

#endif /* LIBRF_AGENT_H */
