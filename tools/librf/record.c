// SPDX-License-Identifier: GPL-2.0
/* Attributes of an adjustment into its structure */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rainforest.h>

#include "internal.h"

int rf_decode_record(struct nlattr *nest, struct rf_record **array, size_t *n)
{
	struct rf_record *v = rf_grow(*array, *n, sizeof(*v)), r = { 0 };
	struct nlattr *a;
	int rem;

	if (!v)
		return -ENOMEM;
	*array = v;
	nla_for_each_nested(a, nest, rem) {
		switch (nla_type(a)) {
		case RAINFOREST_A_RECORD_SEQ:
			r.seq = rf_decode_uint(a);
			break;
		case RAINFOREST_A_RECORD_TIME_NS:
			r.time_ns = rf_decode_uint(a);
			break;
		case RAINFOREST_A_RECORD_DURATION_NS:
			r.duration_ns = rf_decode_uint(a);
			break;
		case RAINFOREST_A_RECORD_OP:
			r.op = rf_decode_uint(a);
			break;
		case RAINFOREST_A_RECORD_RESULT:
			r.result = rf_decode_uint(a);
			break;
		case RAINFOREST_A_RECORD_CAUSE:
			nla_strlcpy(r.cause, a, sizeof(r.cause));
			break;
		case RAINFOREST_A_RECORD_WHAT:
			nla_strlcpy(r.what, a, sizeof(r.what));
			break;
		}
	}
	v[(*n)++] = r;
	return 0;
}
