// SPDX-License-Identifier: GPL-2.0
/* The handle: connection and last error. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/rainforest.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include "internal.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

/**
 * rf_new() - make a handle
 * @rfp: where it is put
 *
 * Does not talk to the kernel yet, so that words can be checked on any
 * machine; see rf_connect().
 *
 * Return: 0, -ENOMEM.
 */
int rf_new(struct rf **rfp)
{
	*rfp = calloc(1, sizeof(**rfp));
	return *rfp ? 0 : -ENOMEM;
}

/**
 * rf_free() - free a handle, NULL is fine
 * @rf: the handle
 */
void rf_free(struct rf *rf)
{
	if (!rf)
		return;
	nl_socket_free(rf->events);
	nl_socket_free(rf->sock);
	free(rf);
}

/**
 * rf_strerror() - the sentence that belongs to the last failure
 * @rf: the handle
 *
 * Return: text without a newline, owned by the handle.
 */
const char *rf_strerror(const struct rf *rf)
{
	return rf->error;
}

/**
 * rf_error() - note a failure
 * @rf: the handle
 * @err: -errno
 * @fmt: the sentence, without newline
 *
 * Return: @err.
 */
int rf_error(struct rf *rf, int err, const char *fmt, ...)
{
	char text[sizeof(rf->error)];
	va_list ap;

	/* not into rf->error at once: it may be one of the arguments */
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	memcpy(rf->error, text, sizeof(text));
	return err;
}

/* Is CONFIG_RAINFOREST's code part of the running kernel? 1, 0, -1: can't say */
static int kernel_patched(void)
{
	char line[512];
	FILE *f = fopen("/proc/kallsyms", "re");
	int found = -1;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		found = 0;
		/* modules name themselves in brackets */
		if (strstr(line, " rainforest_") && !strchr(line, '[')) {
			found = 1;
			break;
		}
	}
	fclose(f);
	return found;
}

/* Why nobody answers; -EOPNOTSUPP */
int rf_no_module(struct rf *rf)
{
	struct utsname uts;

	if (kernel_patched() == 0 && !uname(&uts))
		return rf_error(rf, -EOPNOTSUPP,
				"the running kernel, %s, is not a patched kernel: boot the RainForest supervisor",
				uts.release);
	return rf_error(rf, -EOPNOTSUPP,
			"the module rfcontroller is not loaded: modprobe rfcontroller");
}

/**
 * rf_connect() - connect a handle to rfcontroller
 * @rf: the handle
 *
 * Done by whatever needs it; a second call does nothing.
 *
 * Return: 0; -EOPNOTSUPP when the module is not loaded or the kernel is not
 * patched, -EPERM, -ENOMEM.
 */
int rf_connect(struct rf *rf)
{
	struct nl_sock *sock;
	int on = 1, ret;

	if (rf->sock)
		return 0;
	sock = nl_socket_alloc();
	if (!sock)
		return rf_error(rf, -ENOMEM, "out of memory");
	ret = genl_connect(sock);
	if (ret < 0) {
		ret = rf_nl_error(rf, ret, "generic netlink");
		goto err_free;
	}
	nl_socket_set_buffer_size(sock, 1 << 20, 1 << 20);
	nl_socket_enable_msg_peek(sock);
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));

	ret = genl_ctrl_resolve(sock, RAINFOREST_FAMILY_NAME);
	if (ret < 0) {
		ret = rf_no_module(rf);
		goto err_free;
	}
	/* its answers are there when a request was sent: who finds none must not wait */
	if (nl_socket_set_nonblocking(sock) < 0) {
		ret = rf_error(rf, -EIO, "the netlink socket can't be set");
		goto err_free;
	}
	rf->family = ret;
	rf->sock = sock;
	return 0;

err_free:
	nl_socket_free(sock);
	return ret;
}
