// SPDX-License-Identifier: GPL-2.0
/* rfm cp: a file into a running subOS, or out of one */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent.h"
#include "part.h"
#include "rfm.h"

static const char synopsis[] =
	"SRC NAME:DST | NAME:SRC DST\n\n"
	"Copies a file into a running subOS, or out of one, with its permissions. DST may\n"
	"be a folder. What is there is replaced when the copy is whole, not before.";

struct copy {
	const char *name;	/* of the subOS */
	const char *path;	/* there */
	const char *file;	/* here */
	bool quiet, progress;
	uint64_t size, done;
	int64_t start, said;	/* ms */
	int ch;
	char msg[AGENT_BUFFER];
};

static void progress(struct copy *c, bool last)
{
	int64_t now = rfm_now_ms(), ms = now - c->start;
	bool known = c->size != AGENT_ANY_SIZE;
	char size[32], rate[32];

	if (!c->progress || (!last && (!known || now < c->said + 200)))
		return;
	c->said = now;
	c->size = known ? c->size : c->done;
	fprintf(stderr, "\r%s: %3d%% of %s, %s/s \x1b[K%s", c->file,
		c->size ? (int)(c->done * 100 / c->size) : 100,
		rfm_human(c->size, size, sizeof(size)),
		rfm_human(ms ? c->done * 1000 / ms : c->done, rate, sizeof(rate)),
		last ? "\n" : "");
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Sending failed. What the agent said last says more, if its end is why. */
static int why(struct rfm *r, struct copy *c, int err)
{
	struct pollfd p = { .fd = c->ch, .events = POLLIN };
	ssize_t n = 0;

	if (err == -EHOSTDOWN && poll(&p, 1, 0) > 0)
		n = rf_read(c->ch, c->msg, sizeof(c->msg));
	if (n > 0 && c->msg[0] == AGENT_FAIL)
		return rfm_agent_failed(r, c->msg, n);
	return err;
}

static int send_file(struct rfm *r, struct copy *c, int fd, const struct stat *st)
{
	struct agent_file f = { .size = agent_file_size(fd, st), .mode = st->st_mode & 07777 };
	size_t at = 1 + sizeof(f), base = strlen(base_of(c->file)) + 1, path = strlen(c->path) + 1;
	ssize_t n;
	int ret;

	if (base + path > sizeof(c->msg) - at)
		return rf_error(r->rf, -ENAMETOOLONG, "the path is too long");
	c->msg[0] = AGENT_PUT;
	memcpy(c->msg + 1, &f, sizeof(f));
	memcpy(c->msg + at, base_of(c->file), base);
	memcpy(c->msg + at + base, c->path, path);
	ret = rfm_agent_send(r, c->name, c->ch, c->msg, at + base + path);
	c->size = f.size;
	while (!ret && (n = read(fd, c->msg + 1, AGENT_CHUNK)) > 0) {
		c->msg[0] = AGENT_DATA;
		ret = rfm_agent_send(r, c->name, c->ch, c->msg, 1 + n);
		c->done += n;
		progress(c, false);
	}
	if (!ret && n < 0)
		return rfm_file_error(r, c->file);
	c->msg[0] = AGENT_END;
	ret = ret ?: rfm_agent_send(r, c->name, c->ch, c->msg, 1);
	if (ret)
		return why(r, c, ret);
	n = rf_read(c->ch, c->msg, sizeof(c->msg));
	if (n > 0 && c->msg[0] == AGENT_EXIT)
		return 0;
	if (n > 0 && c->msg[0] == AGENT_FAIL)
		return rfm_agent_failed(r, c->msg, n);
	return rfm_agent_lost(r, c->name, n < 0 ? n : 0);
}

static int copy_in(struct rfm *r, struct copy *c)
{
	int fd = open(c->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret;
	struct stat st;

	if (fd < 0)
		return rfm_file_error(r, c->file);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		ret = rf_error(r->rf, -EINVAL, "%s is no file", c->file);
	else
		ret = rfm_agent_open(r, c->name);
	if (ret >= 0) {
		c->ch = ret;
		ret = send_file(r, c, fd, &st);
		rf_close(c->ch);
	}
	close(fd);
	return ret;
}

static int take_data(struct rfm *r, struct copy *c, int fd)
{
	for (;;) {
		ssize_t n = rf_read(c->ch, c->msg, sizeof(c->msg)), wrote;

		if (n <= 0)
			return rfm_agent_lost(r, c->name, n);
		if (c->msg[0] == AGENT_FAIL)
			return rfm_agent_failed(r, c->msg, n);
		if (c->msg[0] == AGENT_END)
			break;
		for (ssize_t at = 1; at < n; at += wrote) {
			wrote = write(fd, c->msg + at, n - at);
			if (wrote < 0)
				return rf_error(r->rf, -errno, "%s: %s", c->file, strerror(errno));
		}
		c->done += n - 1;
		progress(c, false);
	}
	if (c->done != c->size && c->size != AGENT_ANY_SIZE)
		return rf_error(r->rf, -EIO, "%s changed while it was copied", c->path);
	return 0;
}

/* To a file of another name, until it is whole; or to what is no file, as it comes */
static int take_file(struct rfm *r, struct copy *c)
{
	char to[PATH_MAX], tmp[PATH_MAX + 32] = "";
	struct agent_file f;
	struct stat st;
	ssize_t n = rf_read(c->ch, c->msg, sizeof(c->msg));
	bool there;
	int fd, ret;

	if (n > 0 && c->msg[0] == AGENT_FAIL)
		return rfm_agent_failed(r, c->msg, n);
	if (n < (ssize_t)(1 + sizeof(f)) || c->msg[0] != AGENT_FILE)
		return rfm_agent_lost(r, c->name, n < 0 ? n : 0);
	memcpy(&f, c->msg + 1, sizeof(f));
	c->size = f.size;
	there = !stat(c->file, &st);
	n = there && S_ISDIR(st.st_mode) ?
	    snprintf(to, sizeof(to), "%s/%s", c->file, base_of(c->path)) :
	    snprintf(to, sizeof(to), "%s", c->file);
	if (n >= (ssize_t)sizeof(to))
		return rf_error(r->rf, -ENAMETOOLONG, "the path is too long");
	there = !stat(to, &st);
	/* what a link leads to is replaced, not the link */
	if (there && realpath(to, tmp))
		strcpy(to, tmp);
	tmp[0] = 0;
	if (there && !S_ISREG(st.st_mode)) {
		fd = open(to, O_WRONLY | O_CLOEXEC);
	} else {
		snprintf(tmp, sizeof(tmp), "%s.rfm-%d", to, getpid());
		rfm_remove_on_signal(tmp);
		fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	}
	if (fd < 0)
		return rfm_file_error(r, to);
	ret = take_data(r, c, fd);
	if (!ret && *tmp && (fchmod(fd, f.mode & 07777) || fsync(fd) || rename(tmp, to)))
		ret = rfm_file_error(r, to);
	close(fd);
	if (ret && *tmp)
		unlink(tmp);
	return ret;
}

static int copy_out(struct rfm *r, struct copy *c)
{
	size_t len = strlen(c->path) + 1;
	int ret;

	if (len > sizeof(c->msg) - 1)
		return rf_error(r->rf, -ENAMETOOLONG, "the path is too long");
	c->ch = rfm_agent_open(r, c->name);
	if (c->ch < 0)
		return c->ch;
	c->msg[0] = AGENT_GET;
	memcpy(c->msg + 1, c->path, len);
	ret = rfm_agent_send(r, c->name, c->ch, c->msg, 1 + len);
	ret = ret ? why(r, c, ret) : take_file(r, c);
	rf_close(c->ch);
	return ret;
}

/* "NAME:PATH"? A word with a '/' before the ':' is a path here. */
static char *split(const char *word, const char **path)
{
	const char *colon = strchr(word, ':');

	if (!colon || memchr(word, '/', colon - word))
		return NULL;
	*path = colon + 1;
	return strndup(word, colon - word);
}

int cmd_cp(struct rfm *r, int argc, char **argv)
{
	static struct copy c;
	const struct rfm_opt opts[] = {
		{ "quiet", 'q', OPT_FLAG, &c.quiet, NULL, "don't tell how far it is" },
		RFM_END
	};
	const char *in = NULL, *out = NULL;
	struct rfm_words w;
	char *from, *to;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &w);

	if (ret)
		return ret > 0 ? 0 : ret;
	if (w.n != 2 || w.n_rest)
		return rf_error(r->rf, -EINVAL, "from where to where? SRC NAME:DST, or NAME:SRC DST");
	from = split(w.v[0], &out);
	to = split(w.v[1], &in);
	c.name = from ?: to;
	c.path = from ? out : in;
	if (!from == !to) {
		ret = rf_error(r->rf, -EINVAL, from ?
			       "from one subOS to another: copy it here first" :
			       "neither is in a subOS: NAME:PATH");
		goto out;
	}
	c.file = w.v[from ? 1 : 0];
	ret = rf_parse_name(r->rf, c.name);
	if (!ret && !*c.path)
		ret = rf_error(r->rf, -EINVAL, "a path is missing behind \"%s:\"", c.name);
	if (ret)
		goto out;
	c.start = rfm_now_ms();
	c.said = c.start;
	c.progress = !c.quiet && isatty(STDERR_FILENO);
	ret = from ? copy_out(r, &c) : copy_in(r, &c);
	if (!ret)
		progress(&c, true);
	else if (c.progress && c.done)
		fputc('\n', stderr);
out:
	free(from);
	free(to);
	return ret;
}
