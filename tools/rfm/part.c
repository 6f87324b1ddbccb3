// SPDX-License-Identifier: GPL-2.0
/*
 * Files that are written here: why they can't be, and that no half of one stays
 * behind when a signal ends us, whatever we wait for.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "part.h"
#include "rfm.h"

static char part[PATH_MAX + 64];

static void stop(int sig)
{
	unlink(part);
	signal(sig, SIG_DFL);
	raise(sig);	/* when we return */
}

/**
 * rfm_file_error() - a file can't be opened or made; errno says why
 * @r: the program
 * @path: of the file
 *
 * Return: -errno; -EINVAL for what is missing, which is no unknown subOS.
 */
int rfm_file_error(struct rfm *r, const char *path)
{
	int err = errno;
	bool missing = err == ENOENT || err == ENXIO || err == ENODEV;

	return rf_error(r->rf, missing ? -EINVAL : -err, "%s: %s", path, strerror(err));
}

/**
 * rfm_remove_on_signal() - from now on INT, TERM and HUP remove a file, and end us
 * @path: of the file, which need not be there yet, nor any more
 *
 * A signal that is ignored stays so.
 */
void rfm_remove_on_signal(const char *path)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = stop }, old;

	snprintf(part, sizeof(part), "%s", path);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		if (!sigaction(sigs[i], NULL, &old) && old.sa_handler == SIG_DFL)
			sigaction(sigs[i], &sa, NULL);
}
