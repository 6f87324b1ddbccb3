// SPDX-License-Identifier: GPL-2.0
/* A pump never holds more than one buffer, so that each side slows the other. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "pump.h"

/**
 * rfm_pump_poll() - what a pump waits for
 * @p: the pump
 * @pfd: filled in; fd is -1 when it waits for nothing
 */
void rfm_pump_poll(const struct rfm_pump *p, struct pollfd *pfd)
{
	bool full = p->at < p->n;

	pfd->fd = p->done ? -1 : full ? p->to : p->from;
	pfd->events = full ? POLLOUT : POLLIN;
	pfd->revents = 0;
}

static void finish(struct rfm_pump *p)
{
	p->done = true;
	/* the end of the subOS's input must be seen there */
	if (p->in)
		close(p->to);
}

/* 1: something went through, 0: nothing now or never, -errno */
static int move(struct rfm_pump *p)
{
	ssize_t n;

	if (p->at == p->n) {
		n = read(p->from, p->buf, sizeof(p->buf));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0) {
			finish(p);
			return 0;
		}
		p->at = 0;
		p->n = n;
	}
	n = write(p->to, p->buf + p->at, p->n - p->at);
	if (n >= 0) {
		p->at += n;
		return p->at == p->n;
	}
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	n = p->in ? 0 : -errno;
	finish(p);
	return n;
}

/**
 * rfm_pump_step() - move what can be moved
 * @p: the pump
 * @pfd: what poll(2) gave; NULL: try a pump whose source does not block
 *
 * A subOS's stream is read until there is nothing: that asks for a doorbell
 * when there is more. Not for ever, because of the other pumps.
 *
 * Return: 0, or -errno when rfm's own output can't be written any more; the
 * pump is done then. A subOS that doesn't take input is only the input's end.
 */
int rfm_pump_step(struct rfm_pump *p, const struct pollfd *pfd)
{
	int ret = 1;

	if (p->done || (pfd && (pfd->fd < 0 || !pfd->revents)))
		return 0;
	for (int i = 0; ret > 0 && i < (p->in ? 1 : 64); i++)
		ret = move(p);
	return ret < 0 ? ret : 0;
}
