// SPDX-License-Identifier: GPL-2.0
/*
 * The agent: what rfm exec and rfm cp reach. A process of its own, for each
 * channel another; see ../librf/agent.h. Only the supervisor is let in.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent.h"
#include "rf-init.h"

#define BACKLOG	64

static char buf[AGENT_BUFFER + 1];

noreturn void agent_fail(int ch, int err, const char *fmt, ...)
{
	char msg[512] = { AGENT_FAIL };
	uint32_t number = err;
	va_list ap;
	int n;

	memcpy(msg + 1, &number, sizeof(number));
	va_start(ap, fmt);
	n = vsnprintf(msg + 5, sizeof(msg) - 5, fmt, ap);
	va_end(ap);
	n = n < (int)sizeof(msg) - 6 ? n : (int)sizeof(msg) - 6;
	fcntl(ch, F_SETFL, 0);
	rf_write(ch, msg, 5 + n + 1);
	_exit(0);
}

/* The next string of a message that ends at @end; NULL: it has no end */
char *agent_string(char **pos, char *end)
{
	char *s = *pos, *nul = s < end ? memchr(s, 0, end - s) : NULL;

	*pos = nul ? nul + 1 : end;
	return nul ? s : NULL;
}

/* ---- files ---- */

/* All of the file, by DATA; then END */
static void put_data(int ch, int fd, const char *tmp, uint64_t size)
{
	uint64_t done = 0;
	ssize_t n, wrote;

	for (;;) {
		n = rf_read(ch, buf, sizeof(buf));
		if (n <= 0) {
			unlink(tmp);	/* rfm is dead: nothing is left of it */
			_exit(0);
		}
		if (buf[0] == AGENT_END)
			break;
		for (ssize_t at = 1; at < n; at += wrote) {
			wrote = write(fd, buf + at, n - at);
			if (wrote < 0) {
				int err = errno;

				unlink(tmp);
				agent_fail(ch, err, "%s", strerror(err));
			}
		}
		done += n - 1;
	}
	if (done != size && size != AGENT_ANY_SIZE) {
		unlink(tmp);
		agent_fail(ch, EIO, "it changed while it was copied");
	}
}

/* Under another name until it is whole */
static void put(int ch, char *at, char *end)
{
	char to[PATH_MAX], tmp[PATH_MAX + 32], *base, *path;
	const char done[2] = { AGENT_EXIT, 0 };
	struct agent_file f;
	struct stat st;
	int fd, n;

	if (end - at < (ssize_t)sizeof(f))
		agent_fail(ch, EPROTO, "a word is too short");
	memcpy(&f, at, sizeof(f));
	at += sizeof(f);
	base = agent_string(&at, end);
	path = agent_string(&at, end);
	if (!base || !path || !*path)
		agent_fail(ch, EPROTO, "a path is missing");
	n = snprintf(to, sizeof(to), !stat(path, &st) && S_ISDIR(st.st_mode) ? "%s/%s" : "%s",
		     path, base);
	if (n >= (int)sizeof(to))
		agent_fail(ch, ENAMETOOLONG, "%s: the path is too long", path);
	if (!stat(to, &st) && !S_ISREG(st.st_mode))
		agent_fail(ch, EINVAL, "%s is there, and no file", to);
	/* what a link leads to is replaced, not the link */
	if (realpath(to, tmp))
		strcpy(to, tmp);
	snprintf(tmp, sizeof(tmp), "%s.rfm-%d", to, getpid());
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		agent_fail(ch, errno, "%s: %s", to, strerror(errno));
	put_data(ch, fd, tmp, f.size);
	if (fchmod(fd, f.mode & 07777) || close(fd) || rename(tmp, to)) {
		n = errno;
		unlink(tmp);
		agent_fail(ch, n, "%s: %s", to, strerror(n));
	}
	rf_write(ch, done, sizeof(done));
}

static void get(int ch, char *at, char *end)
{
	char *path = agent_string(&at, end);
	struct agent_file f;
	struct stat st;
	ssize_t n;
	int fd;

	if (!path)
		agent_fail(ch, EPROTO, "a path is missing");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st))
		agent_fail(ch, errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		agent_fail(ch, S_ISDIR(st.st_mode) ? EISDIR : EINVAL, "%s is no file", path);
	f = (struct agent_file) { .size = agent_file_size(fd, &st), .mode = st.st_mode & 07777 };
	buf[0] = AGENT_FILE;
	memcpy(buf + 1, &f, sizeof(f));
	rf_write(ch, buf, 1 + sizeof(f));
	buf[0] = AGENT_DATA;
	while ((n = read(fd, buf + 1, AGENT_CHUNK)) > 0)
		if (rf_write(ch, buf, n + 1) < 0)
			_exit(0);
	if (n < 0)
		agent_fail(ch, errno, "%s: %s", path, strerror(errno));
	buf[0] = AGENT_END;
	rf_write(ch, buf, 1);
}

/* ---- the service ---- */

static noreturn void serve_one(int ch)
{
	ssize_t n = rf_read(ch, buf, AGENT_BUFFER);

	if (n <= 0)
		_exit(0);
	buf[n] = 0;
	switch (buf[0]) {
	case AGENT_EXEC:
		session(ch, buf + 1, buf + n);
	case AGENT_PUT:
		put(ch, buf + 1, buf + n);
		break;
	case AGENT_GET:
		get(ch, buf + 1, buf + n);
		break;
	default:
		agent_fail(ch, EPROTO, "the agent does not know this word");
	}
	/* its end, so that nothing that we wrote is lost with us */
	while (rf_read(ch, buf, sizeof(buf)) > 0)
		;
	_exit(0);
}

static noreturn void serve(int l)
{
	for (;;) {
		int ch = rf_accept(l, RF_CLOEXEC, NULL);

		if (ch == -EINTR)
			continue;
		if (ch < 0) {
			say("rfm's agent: %s", strerror(-ch));
			_exit(1);
		}
		switch (fork()) {
		case 0:
			close(l);
			signal(SIGCHLD, SIG_DFL);
			serve_one(ch);
		case -1:
			say("rfm's agent: fork: %s", strerror(errno));
			close(ch);
			break;
		default:
			close(ch);
		}
	}
}

/* A process of its own. Without RFcom there is none. */
void start_agent(void)
{
	sigset_t none;
	int l;

	if (access(RF_COM_DEVICE, F_OK) || fork())
		return;
	setsid();
	umask(022);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);	/* nobody waits for what we fork */
	for (int fd = 0; fd < 3; fd++)
		(void)!open("/dev/null", O_RDWR);
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	l = rf_listen(AGENT_SERVICE, RF_CLOEXEC, AGENT_BUFFER, BACKLOG);
	if (l < 0) {
		say("rfm's agent: %s", strerror(-l));
		_exit(1);
	}
	rf_grant(l, "supervisor", RF_MAY_READ | RF_MAY_WRITE);
	serve(l);
}
