// SPDX-License-Identifier: GPL-2.0
/* What only a report asks for: subOSes that are gone, of which something is kept */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rainforest.h>
#include <netlink/msg.h>

#include "field.h"
#include "internal.h"

struct gone {
	char **name;
	size_t n;
};

static int decode(struct nlattr *attrs, int len, void *to)
{
	static const struct rf_field fields[] = {
		RF_STRINGS(RAINFOREST_A_INFO_GONE, struct gone, name, n),
	};
	static const struct rf_table table = RF_TABLE(fields);

	return rf_fields_decode(&table, attrs, len, to);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/**
 * rf_gone_get() - the destroyed subOSes whose last consoles are kept
 * @rf: the handle
 * @names: where the array is put, each name once; rf_gone_free() it
 * @n: its length; 0 for who is not root
 *
 * Return: 0, -EOPNOTSUPP without the module, -ENOMEM.
 */
int rf_gone_get(struct rf *rf, char ***names, size_t *n)
{
	struct nl_msg *msg = rf_request(rf, RAINFOREST_CMD_INFO_GET, 0);
	struct gone gone = { 0 };
	size_t kept = 0;
	int ret;

	*names = NULL;
	*n = 0;
	if (!msg)
		return rf_connect(rf) ?: -ENOMEM;
	ret = rf_exchange(rf, msg, decode, &gone);
	if (ret) {
		rf_gone_free(gone.name, gone.n);
		return ret;
	}
	if (gone.n)
		qsort(gone.name, gone.n, sizeof(*gone.name), by_text);
	for (size_t i = 0; i < gone.n; i++) {
		if (kept && !strcmp(gone.name[kept - 1], gone.name[i]))
			free(gone.name[i]);
		else
			gone.name[kept++] = gone.name[i];
	}
	*names = gone.name;
	*n = kept;
	return 0;
}

void rf_gone_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}
