// SPDX-License-Identifier: GPL-2.0
/* Notices of state changes, and waiting for the end. Nothing polls. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/genetlink.h>
#include <linux/rainforest.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include "internal.h"

#define BUFFER	(1 << 20)	/* bytes: a few hundred notices */

/**
 * rf_events_open() - listen to the notices of all subOSes from now on
 * @rf: the handle
 *
 * Return: 0 or -errno. A second call does nothing.
 */
int rf_events_open(struct rf *rf)
{
	struct nl_sock *sock;
	int group, ret;

	if (rf->events)
		return 0;
	ret = rf_connect(rf);
	if (ret)
		return ret;
	group = genl_ctrl_resolve_grp(rf->sock, RAINFOREST_FAMILY_NAME,
				      RAINFOREST_MCGRP_EVENTS);
	if (group < 0)
		return rf_nl_error(rf, group, "notices of rfcontroller");
	sock = nl_socket_alloc();
	if (!sock)
		return rf_error(rf, -ENOMEM, "out of memory");
	ret = genl_connect(sock);
	if (!ret)
		ret = nl_socket_add_membership(sock, group);
	if (!ret)
		ret = nl_socket_set_nonblocking(sock);
	if (ret < 0) {
		nl_socket_free(sock);
		return rf_nl_error(rf, ret, "notices of rfcontroller");
	}
	nl_socket_enable_msg_peek(sock);
	rf->events = sock;
	/* less than wanted is no failure: what is lost is told */
	rf_events_buffer(rf, BUFFER);
	return 0;
}

/**
 * rf_events_buffer() - room for notices that are not taken yet
 * @rf: a handle with rf_events_open()
 * @bytes: how much; the kernel has a least size, and for others than root a
 * largest (net.core.rmem_max)
 *
 * Return: 0, -ERANGE.
 */
int rf_events_buffer(struct rf *rf, uint64_t bytes)
{
	int fd = nl_socket_get_fd(rf->events), size = bytes;

	if (bytes > INT32_MAX / 2)
		return rf_error(rf, -ERANGE, "a buffer has less than 1G");
	if (!setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    !setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)))
		return 0;
	return rf_error(rf, -ERANGE, "a buffer of that size: %s", strerror(errno));
}

/**
 * rf_events_fd() - what to poll for notices
 * @rf: a handle with rf_events_open()
 *
 * Return: a descriptor, owned by the handle.
 */
int rf_events_fd(const struct rf *rf)
{
	return nl_socket_get_fd(rf->events);
}

struct notice {
	struct rf_subos *ev;
	bool got;
};

/* Notices are answers to nothing: their sequence numbers say nothing either */
static int no_seq_check(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_OK;
}

static int on_notice(struct nl_msg *msg, void *arg)
{
	struct genlmsghdr *ghdr = nlmsg_data(nlmsg_hdr(msg));
	struct notice *n = arg;

	if (ghdr->cmd != RAINFOREST_CMD_SUBOS_NTF || n->got)
		return NL_OK;
	if (!rf_decode_subos(genlmsg_attrdata(ghdr, 0), genlmsg_attrlen(ghdr, 0), n->ev))
		n->got = true;
	return NL_OK;
}

/**
 * rf_event_next() - take one notice, without waiting
 * @rf: a handle with rf_events_open()
 * @ev: filled in; rf_subos_clear() it in every case
 *
 * Return: 1 with a notice, 0 without; -ENOBUFS when notices were lost: ask
 * for the state anew.
 */
int rf_event_next(struct rf *rf, struct rf_subos *ev)
{
	struct notice n = { .ev = ev };
	struct nl_cb *cb;
	int ret = 0;

	memset(ev, 0, sizeof(*ev));
	cb = nl_cb_alloc(NL_CB_CUSTOM);
	if (!cb)
		return rf_error(rf, -ENOMEM, "out of memory");
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_notice, &n);
	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, no_seq_check, NULL);
	while (!n.got && ret >= 0)
		ret = nl_recvmsgs(rf->events, cb);
	nl_cb_put(cb);
	if (n.got)
		return 1;
	if (ret == -NLE_AGAIN)
		return 0;
	if (ret == -NLE_NOMEM)
		return rf_error(rf, -ENOBUFS, "notices were lost");
	return rf_nl_error(rf, ret, "notices of rfcontroller");
}

int64_t rf_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Milliseconds to wait, for poll() */
static int span(int64_t from, int64_t to)
{
	if (to == INT64_MAX)
		return -1;
	return to - from > INT32_MAX ? INT32_MAX : to - from;
}

/* One that will be started again has not ended yet */
static bool ended(const struct rf_subos *s)
{
	return rf_state_over(s->state) && !s->restarting;
}

/* Take all notices; 1 when one says that @name is over, which is then @end */
static int drain(struct rf *rf, const char *name, struct rf_subos *end)
{
	struct rf_subos ev;
	int ret;

	while ((ret = rf_event_next(rf, &ev)) > 0) {
		if (strcmp(ev.name, name) ||
		    (ev.event != RAINFOREST_EVENT_DESTROYED && !ended(&ev))) {
			rf_subos_clear(&ev);
			continue;
		}
		*end = ev;
		return 1;
	}
	rf_subos_clear(&ev);
	return ret == -ENOBUFS ? 0 : ret;
}

/**
 * rf_wait() - wait until a subOS has stopped or crashed
 * @rf: the handle
 * @name: its name
 * @timeout_ms: milliseconds; negative: for ever
 * @end: how it ended; rf_subos_clear() it
 *
 * One that has ended already is reported at once; one that crashed and will be
 * started again has not ended; one that was not started yet is waited for, and if it is
 * destroyed before, that is -ENOENT; one that
 * stays unresponsive for RF_PATIENCE_MS, and is to stay so, is given up.
 *
 * Return: 0; -ENOENT, -ETIMEDOUT, -EINTR (a signal).
 */
int rf_wait(struct rf *rf, const char *name, int64_t timeout_ms, struct rf_subos *end)
{
	int64_t until = timeout_ms < 0 ? INT64_MAX : rf_now_ms() + timeout_ms;
	int64_t give_up = INT64_MAX, now;
	int ret;

	memset(end, 0, sizeof(*end));
	ret = rf_events_open(rf);
	if (ret)
		return ret;
	for (;;) {
		struct pollfd p = { .fd = rf_events_fd(rf), .events = POLLIN };

		/* after subscribing, so that no change falls between the two */
		ret = rf_subos_get(rf, name, end);
		if (ret)
			return ret;
		if (ended(end))
			return 0;
		now = rf_now_ms();
		if (end->state != RAINFOREST_STATE_UNRESPONSIVE || end->restarting)
			give_up = INT64_MAX;
		else if (give_up == INT64_MAX)
			give_up = now + RF_PATIENCE_MS;
		else if (now >= give_up)
			return 0;
		rf_subos_clear(end);
		if (now >= until)
			return rf_error(rf, -ETIMEDOUT, "%s has not stopped in time", name);
		ret = poll(&p, 1, span(now, until < give_up ? until : give_up));
		if (ret < 0)
			return rf_error(rf, -errno, "waiting for %s: %s", name, strerror(errno));
		ret = drain(rf, name, end);
		if (ret > 0 && !rf_state_over(end->state))
			return rf_error(rf, -ENOENT, "%s was destroyed before it had run", name);
		if (ret)
			return ret < 0 ? ret : 0;
	}
}
