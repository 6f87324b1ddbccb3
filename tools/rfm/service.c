// SPDX-License-Identifier: GPL-2.0
/* rfm service: the registry of RFcom */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rfm.h"

static const char synopsis[] =
	"list\n\n"
	"Lists the services that programs and kernels have registered: their names, in\n"
	"which kernel they are, and who may use them how (r read, w write, m map, M map\n"
	"writable).";

static const char *rights(uint32_t mask, char *to)
{
	char *at = to;

	for (int i = 0; i < 4; i++)
		if (mask & 1 << i)
			*at++ = "rwmM"[i];
	*at = 0;
	return to;
}

static struct json_object *json(const struct rf_com_ioc_service *s)
{
	struct json_object *o = json_object_new_object(), *a = json_object_new_array();
	char text[8];

	rfm_put(o, "name", json_object_new_string(s->name));
	rfm_put(o, "owner", json_object_new_string(s->owner));
	rfm_put(o, "serial", json_object_new_uint64(s->serial));
	rfm_put(o, "lookups", json_object_new_int64(s->lookups));
	for (uint32_t i = 0; i < s->nr_grants; i++) {
		struct json_object *g = json_object_new_object();

		rfm_put(g, "peer", json_object_new_string(s->grant[i].peer));
		rfm_put(g, "rights", json_object_new_string(rights(s->grant[i].rights, text)));
		json_object_array_add(a, g);
	}
	rfm_put(o, "grants", a);
	return o;
}

static void print(const struct rf_com_ioc_service *s)
{
	char text[8];

	printf("%-28s  %-16s ", s->name, s->owner);
	for (uint32_t i = 0; i < s->nr_grants; i++)
		printf(" %s=%s", s->grant[i].peer, rights(s->grant[i].rights, text));
	printf("\n");
}

int cmd_service(struct rfm *r, int argc, char **argv)
{
	const struct rfm_opt opts[] = { RFM_JSON(r), RFM_END };
	struct rf_com_ioc_service s = { 0 };
	struct json_object *a;
	struct rfm_words w;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &w);

	if (ret)
		return ret > 0 ? 0 : ret;
	if (w.n != 1 || w.n_rest || strcmp(w.v[0], "list"))
		return rf_error(r->rf, -EINVAL, "list?");
	a = r->json ? json_object_new_array() : NULL;
	if (!r->json)
		printf("%-28s  %-16s  %s\n", "NAME", "IN", "GRANTS");
	while (!(ret = rf_service_next(&s))) {
		if (r->json)
			json_object_array_add(a, json(&s));
		else
			print(&s);
	}
	/* the device is not there, or there are no more: which? */
	if (ret == -ENOENT && rf_open("", 0) == -EINVAL)
		ret = 0;
	if (!ret && r->json)
		rfm_json_print(json_object_get(a));
	json_object_put(a);
	if (ret == -ENOENT)
		return rf_error(r->rf, -EOPNOTSUPP, RF_COM_DEVICE ": is the module rfcom loaded?");
	if (ret == -EACCES)
		return rf_error(r->rf, -EPERM, RF_COM_DEVICE ": only root may");
	return ret ? rf_error(r->rf, ret, "services: %s", strerror(-ret)) : 0;
}
