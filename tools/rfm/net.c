// SPDX-License-Identifier: GPL-2.0
/* rfm net: the network between kernels */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rfm.h"

static const char synopsis[] =
	"show [NAME] | set NAME [OPTION]...\n\n"
	"Shows who has which address on the network between the kernels of this machine,\n"
	"and what went between the supervisor and each; gives a subOS, or the supervisor,\n"
	"other addresses or a second name, and limits what it may send to each other kernel.";

struct args {
	struct rfm_strings ip;
	const char *host, *packets, *bytes;
};

static struct json_object *json(const struct rf_net *net)
{
	struct json_object *o = json_object_new_object(), *a = json_object_new_array(), *stat;

	rfm_put(o, "name", json_object_new_string(net->name));
	rfm_put(o, "id", json_object_new_int64(net->id));
	rfm_put(o, "hostname", net->host[0] ? json_object_new_string(net->host) : NULL);
	rfm_put(o, "here", json_object_new_boolean(net->here));
	for (size_t i = 0; i < net->nr_addresses; i++)
		json_object_array_add(a, json_object_new_string(net->address[i]));
	rfm_put(o, "addresses", a);
	rfm_put(o, "packets_per_second", json_object_new_uint64(net->packets));
	rfm_put(o, "bytes_per_second", json_object_new_uint64(net->bytes));
	stat = net->nr_stats ? json_object_new_object() : NULL;
	for (size_t i = 0; i < net->nr_stats && i < net->nr_names; i++)
		rfm_put(stat, net->stat_name[i], json_object_new_uint64(net->stat[i]));
	rfm_put(o, "link", stat);
	return o;
}

static void limit(uint64_t n, const char *what)
{
	if (n)
		printf("  may send %llu %s a second to each\n", (unsigned long long)n, what);
}

static void print(const struct rf_net *net)
{
	printf("%s%s%s%s:%s", net->name, net->host[0] ? " (" : "", net->host,
	       net->host[0] ? ")" : "", net->here ? "" : " not there;");
	for (size_t i = 0; i < net->nr_addresses; i++)
		printf(" %s", net->address[i]);
	putchar('\n');
	limit(net->packets, "packets");
	limit(net->bytes, "bytes");
	for (size_t i = 0; i < net->nr_stats && i < net->nr_names; i++)
		if (net->stat[i])
			printf("  %-14s %llu\n", net->stat_name[i],
			       (unsigned long long)net->stat[i]);
}

static int show(struct rfm *r, const char *name)
{
	struct json_object *a = r->json ? json_object_new_array() : NULL;
	struct rf_net *list;
	size_t n, found = 0;
	int ret = rf_nets_get(r->rf, &list, &n);

	if (ret) {
		json_object_put(a);
		return ret;
	}
	for (size_t i = 0; i < n; i++) {
		if (name && strcmp(list[i].name, name))
			continue;
		found++;
		if (r->json)
			json_object_array_add(a, json(&list[i]));
		else
			print(&list[i]);
	}
	rf_nets_free(list, n);
	if (name && !found) {
		json_object_put(a);
		return rf_error(r->rf, -ENOENT, "no subOS is named %s", name);
	}
	if (r->json)
		rfm_json_print(a);
	return 0;
}

/* A number a second; 0: any */
static int rate(struct rfm *r, const char *word, bool *has, uint64_t *n)
{
	*has = word;
	*n = 0;
	return word && strcmp(word, "0") ? rf_parse_count(r->rf, word, n) : 0;
}

static int set_it(struct rfm *r, const struct args *args, const char *name)
{
	struct rf_net_set set = {
		.name = name, .host = args->host, .ip = args->ip.v, .nr_ips = args->ip.n,
	};
	int ret = rf_parse_name(r->rf, name) ?:
		  rate(r, args->packets, &set.has_packets, &set.packets) ?:
		  rate(r, args->bytes, &set.has_bytes, &set.bytes);

	if (ret)
		return ret;
	if (!set.nr_ips && !set.host && !set.has_packets && !set.has_bytes)
		return rf_error(r->rf, -EINVAL,
				"what shall change? --ip, --hostname, --packets or --bytes");
	ret = rf_net_set(r->rf, &set);
	return ret ?: show(r, name);
}

int cmd_net(struct rfm *r, int argc, char **argv)
{
	struct args args = { 0 };
	const struct rfm_opt opts[] = {
		{ "ip", 0, OPT_STRINGS, &args.ip, "ADDR[/N]",
		  "set: its address on rf0, one of IPv4, one of IPv6" },
		{ "hostname", 0, OPT_STRING, &args.host, "H", "set: a second name" },
		{ "packets", 0, OPT_STRING, &args.packets, "N",
		  "set: packets a second that it may send to each, 0: any" },
		{ "bytes", 0, OPT_STRING, &args.bytes, "N", "set: bytes a second, likewise" },
		RFM_JSON(r), RFM_END
	};
	struct rfm_words w;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &w);

	if (!ret && (!w.n || w.n_rest))
		ret = rf_error(r->rf, -EINVAL, "show or set?");
	else if (!ret && w.n > 2)
		ret = rf_error(r->rf, -EINVAL, "\"%s\" is too much", w.v[2]);
	else if (!ret && !strcmp(w.v[0], "show"))
		ret = args.ip.n || args.host || args.packets || args.bytes ?
		      rf_error(r->rf, -EINVAL, "options but --json go with set") :
		      show(r, w.n > 1 ? w.v[1] : NULL);
	else if (!ret && !strcmp(w.v[0], "set"))
		ret = w.n < 2 ? rf_error(r->rf, -EINVAL, "set whom? A name is needed") :
		      set_it(r, &args, w.v[1]);
	else if (!ret)
		ret = rf_error(r->rf, -EINVAL, "\"%s\": show or set", w.v[0]);
	free(args.ip.v);
	return ret > 0 ? 0 : ret;
}
