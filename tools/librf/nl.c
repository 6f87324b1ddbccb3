// SPDX-License-Identifier: GPL-2.0
/*
 * Requests and their answers. The kernel does the work inside sendmsg(), so
 * that a signal without SA_RESTART interrupts the work itself; the answer is
 * there afterwards, and receiving waits for nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/rainforest.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include "internal.h"

struct exchange {
	struct rf *rf;
	rf_answer_fn fn;
	void *arg;
	int error;	/* -errno of the kernel, or of fn */
	bool done;
	char text[512];	/* extack */
};

/* libnl has errors of its own; its sentence says more than an errno */
int rf_nl_error(struct rf *rf, int nlerr, const char *what)
{
	static const struct {
		int nlerr, err;
	} map[] = {
		{ NLE_NOMEM, -ENOMEM },
		{ NLE_PERM, -EPERM },
		{ NLE_NOACCESS, -EACCES },
		{ NLE_INTR, -EINTR },
		{ NLE_AGAIN, -EAGAIN },
		{ NLE_OBJ_NOTFOUND, -EOPNOTSUPP },
		{ NLE_AF_NOSUPPORT, -EOPNOTSUPP },
		{ NLE_PROTO_MISMATCH, -EOPNOTSUPP },
		{ NLE_MSG_TOOSHORT, -EINVAL },
	};
	int err = -EIO;

	if (nlerr < 0)
		nlerr = -nlerr;
	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (map[i].nlerr == nlerr)
			err = map[i].err;
	return rf_error(rf, err, "%s: %s", what, nl_geterror(nlerr));
}

/* A request to any family; NULL: the error is noted */
struct nl_msg *rf_request_of(struct rf *rf, int family, int version, int cmd, int flags)
{
	struct nl_msg *msg;

	/* a command line of 2 KiB and hundreds of CPUs fit */
	msg = nlmsg_alloc_size(64 << 10);
	if (!msg) {
		rf_error(rf, -ENOMEM, "out of memory");
		return NULL;
	}
	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, flags | NLM_F_ACK, cmd, version);
	return msg;
}

/* A request with its header; NULL: the error is noted */
struct nl_msg *rf_request(struct rf *rf, int cmd, int flags)
{
	if (rf_connect(rf))
		return NULL;
	return rf_request_of(rf, rf->family, RAINFOREST_FAMILY_VERSION, cmd, flags);
}

/* The kernel's sentence, from the attributes behind an error or an ack */
static void take_extack(struct exchange *x, struct nlmsghdr *nlh, int skip)
{
	struct nlattr *attr;
	int rem;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || nlmsg_datalen(nlh) <= skip)
		return;
	attr = (struct nlattr *)((char *)nlmsg_data(nlh) + NLMSG_ALIGN(skip));
	rem = nlmsg_datalen(nlh) - NLMSG_ALIGN(skip);
	for (; nla_ok(attr, rem); attr = nla_next(attr, &rem)) {
		if (nla_type(attr) != NLMSGERR_ATTR_MSG || x->text[0])
			continue;
		nla_strlcpy(x->text, attr, sizeof(x->text));
	}
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *err, void *arg)
{
	struct exchange *x = arg;
	struct nlmsghdr *nlh = (struct nlmsghdr *)((char *)err - NLMSG_HDRLEN);
	int skip = sizeof(*err);

	(void)from;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += err->msg.nlmsg_len - sizeof(err->msg);
	/* the kernel's -EINTR, for which netlink has no answer */
	x->error = err->error == -ECANCELED ? -EINTR : err->error;
	x->done = true;
	take_extack(x, nlh, skip);
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	struct exchange *x = arg;

	(void)msg;
	x->done = true;
	return NL_STOP;
}

/* The end of a dump carries an errno of its own */
static int on_finish(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct exchange *x = arg;
	int err = 0;

	if (nlmsg_datalen(nlh) >= (int)sizeof(err)) {
		memcpy(&err, nlmsg_data(nlh), sizeof(err));
		take_extack(x, nlh, sizeof(err));
	}
	if (err < 0)
		x->error = err;
	x->done = true;
	return NL_STOP;
}

static int on_answer(struct nl_msg *msg, void *arg)
{
	struct genlmsghdr *ghdr = nlmsg_data(nlmsg_hdr(msg));
	struct exchange *x = arg;
	int ret;

	if (!x->fn || x->error)
		return NL_OK;
	ret = x->fn(genlmsg_attrdata(ghdr, 0), genlmsg_attrlen(ghdr, 0), x->arg);
	if (ret < 0)
		x->error = ret;
	return NL_OK;
}

/*
 * Send a request, free it, and hand every message of the answer to @fn.
 * 0, or the kernel's -errno with its extack noted.
 */
int rf_exchange(struct rf *rf, struct nl_msg *msg, rf_answer_fn fn, void *arg)
{
	struct exchange x = { .rf = rf, .fn = fn, .arg = arg };
	struct nl_cb *cb;
	int ret;

	cb = nl_cb_alloc(NL_CB_CUSTOM);
	if (!cb) {
		nlmsg_free(msg);
		return rf_error(rf, -ENOMEM, "out of memory");
	}
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, &x);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, &x);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, &x);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_answer, &x);

	ret = nl_send_auto(rf->sock, msg);
	nlmsg_free(msg);
	if (ret < 0) {
		ret = rf_nl_error(rf, ret, "request to rfcontroller");
		goto out;
	}
	for (;;) {
		ret = nl_recvmsgs(rf->sock, cb);
		if (x.done)
			break;
		if (ret == -NLE_AGAIN)
			ret = rf_error(rf, -EIO, "rfcontroller gave no answer");
		else if (ret < 0)
			ret = rf_nl_error(rf, ret, "answer of rfcontroller");
		if (ret < 0)
			goto out;
	}
	ret = x.error;
	if (ret < 0)
		rf_error(rf, ret, "%s", x.text[0] ? x.text : strerror(-ret));
out:
	nl_cb_put(cb);
	return ret;
}
