/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of librf share, and nobody else sees. */
#ifndef LIBRF_INTERNAL_H
#define LIBRF_INTERNAL_H

#include <netlink/attr.h>
#include <netlink/netlink.h>

#include "rf.h"

struct rf {
	struct nl_sock *sock;	/* requests; NULL until rf_connect() */
	struct nl_sock *events;	/* notices; NULL until rf_events_open() */
	int family;
	char error[1024];
};

/* ctx.c */
int rf_no_module(struct rf *rf);

/* nl.c */

/* Called for each message of an answer, with its attributes */
typedef int (*rf_answer_fn)(struct nlattr *attrs, int len, void *arg);

struct nl_msg *rf_request_of(struct rf *rf, int family, int version, int cmd, int flags);
struct nl_msg *rf_request(struct rf *rf, int cmd, int flags);
int rf_exchange(struct rf *rf, struct nl_msg *msg, rf_answer_fn fn, void *arg);
int rf_nl_error(struct rf *rf, int nlerr, const char *what);

/* change.c */
struct nl_msg *rf_named(struct rf *rf, int cmd, const char *name, bool dry_run);
int rf_change(struct rf *rf, struct nl_msg *msg, struct rf_subos *reply);

/* decode.c */
int rf_decode_info(struct nlattr *attrs, int len, void *info);
int rf_decode_cpu(struct nlattr *attrs, int len, void *cpu);
int rf_decode_node(struct nlattr *attrs, int len, void *node);
int rf_decode_subos(struct nlattr *attrs, int len, void *subos);
int64_t rf_now_ms(void);
int rf_decode_lease(struct nlattr *attrs, int len, void *lease);
int rf_decode_quarantine(struct nlattr *attrs, int len, void *quarantine);

/* stat.c */
int rf_decode_stat(struct nlattr *attrs, int len, void *stat);

/* query.c: a dump into an array */
struct rf_collect {
	void *array;
	size_t n;
	size_t size;	/* of an element */
	int (*decode)(struct nlattr *attrs, int len, void *element);
};

int rf_dump(struct rf *rf, int cmd, struct rf_collect *c);

/* field.c */
void *rf_grow(void *array, size_t n, size_t size);

#endif /* LIBRF_INTERNAL_H */
