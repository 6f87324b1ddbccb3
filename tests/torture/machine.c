// SPDX-License-Identifier: GPL-2.0
/* Who has what, and whether that can be */
#include <errno.h>
#include <fcntl.h>
#include <linux/rainforest.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "torture.h"

struct view {
	struct rf_cpu *cpu;
	size_t nr_cpus;
	struct rf_node *node;
	size_t nr_nodes;
	struct rf_subos *subos;
	size_t nr_subos;
	struct rf_quarantine *quarantine;
	size_t nr_quarantine;
};

struct piece {
	uint64_t start, size;
	const char *owner;
};

static void view_clear(struct view *v)
{
	rf_cpus_free(v->cpu, v->nr_cpus);
	rf_nodes_free(v->node, v->nr_nodes);
	rf_subos_free(v->subos, v->nr_subos);
	rf_quarantine_free(v->quarantine, v->nr_quarantine);
	memset(v, 0, sizeof(*v));
}

static int view_get(struct torture *t, struct view *v)
{
	int ret;

	memset(v, 0, sizeof(*v));
	ret = rf_cpus_get(t->rf, &v->cpu, &v->nr_cpus);
	if (!ret)
		ret = rf_nodes_get(t->rf, &v->node, &v->nr_nodes);
	if (!ret)
		ret = rf_subos_list(t->rf, &v->subos, &v->nr_subos);
	if (!ret)
		ret = rf_quarantine_list(t->rf, &v->quarantine, &v->nr_quarantine);
	return ret ? broken(t, "the machine does not tell: %s", rf_strerror(t->rf)) : 0;
}

static uint64_t bytes_of(const struct view *v)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < v->nr_nodes; i++)
		sum += v->node[i].total + v->node[i].granted;
	return sum;
}

/* Each CPU is online, or somebody's, and of one only */
static int check_cpus(struct torture *t, const struct view *v)
{
	for (size_t i = 0; i < v->nr_cpus; i++) {
		const struct rf_cpu *c = &v->cpu[i];
		const char *owner = NULL;

		if (c->online == (c->owner[0] || c->quarantined))
			return broken(t, "CPU %u is %s, owner \"%s\"%s", c->id,
				      c->online ? "online" : "offline", c->owner,
				      c->quarantined ? ", in quarantine" : "");
		for (size_t k = 0; k < v->nr_subos; k++)
			for (size_t n = 0; n < v->subos[k].nr_cpus; n++) {
				if (v->subos[k].cpu[n] != c->id)
					continue;
				if (owner)
					return broken(t, "CPU %u has two owners: %s and %s", c->id,
						      owner, v->subos[k].name);
				owner = v->subos[k].name;
			}
		if (owner && strcmp(owner, c->owner))
			return broken(t, "CPU %u is of \"%s\", and %s has it", c->id, c->owner,
				      owner);
		if (!owner && c->owner[0] && !c->quarantined)
			return broken(t, "CPU %u is of \"%s\", who has it not", c->id, c->owner);
	}
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* Is a byte of it in the supervisor's hands? */
static bool is_online(const struct torture *t, const struct piece *p)
{
	char path[64], text[32];

	for (uint64_t at = p->start; at < p->start + p->size; at += t->info.block_size) {
		snprintf(path, sizeof(path), "/sys/devices/system/memory/memory%llu/state",
			 (unsigned long long)(at / t->info.block_size));
		if (get_file(path, text, sizeof(text)) > 0 && !strncmp(text, "online", 6))
			return true;
	}
	return false;
}

static int check_pieces(struct torture *t, const struct view *v, struct piece *p, size_t n)
{
	uint64_t granted = 0, sum = 0;

	qsort(p, n, sizeof(*p), by_start);
	for (size_t i = 0; i < n; i++) {
		sum += p[i].size;
		if (p[i].start % t->info.block_size || p[i].size % t->info.block_size ||
		    !p[i].size)
			return broken(t, "%s has %#llx + %#llx: no whole blocks", p[i].owner,
				      (unsigned long long)p[i].start, (unsigned long long)p[i].size);
		if (i && p[i - 1].start + p[i - 1].size > p[i].start)
			return broken(t, "memory at %#llx has two owners: %s and %s",
				      (unsigned long long)p[i].start, p[i - 1].owner, p[i].owner);
		if (is_online(t, &p[i]))
			return broken(t, "memory at %#llx is of %s, and online in the supervisor",
				      (unsigned long long)p[i].start, p[i].owner);
	}
	for (size_t i = 0; i < v->nr_nodes; i++)
		granted += v->node[i].granted;
	if (sum != granted)
		return broken(t, "%llu MiB are granted, the owners have %llu MiB",
			      (unsigned long long)granted >> 20, (unsigned long long)sum >> 20);
	return 0;
}

static int check_memory(struct torture *t, const struct view *v)
{
	struct piece *piece;
	size_t n = 0;
	int ret;

	for (size_t i = 0; i < v->nr_subos; i++)
		n += v->subos[i].nr_mems;
	for (size_t i = 0; i < v->nr_quarantine; i++)
		n += v->quarantine[i].nr_mems;
	piece = calloc(n + 1, sizeof(*piece));
	n = 0;
	for (size_t i = 0; i < v->nr_subos; i++)
		for (size_t k = 0; k < v->subos[i].nr_mems; k++)
			piece[n++] = (struct piece){ v->subos[i].mem[k].start,
						     v->subos[i].mem[k].size, v->subos[i].name };
	for (size_t i = 0; i < v->nr_quarantine; i++)
		for (size_t k = 0; k < v->quarantine[i].nr_mems; k++)
			piece[n++] = (struct piece){ v->quarantine[i].mem[k].start,
						     v->quarantine[i].mem[k].size, "quarantine" };
	ret = check_pieces(t, v, piece, n);
	free(piece);
	if (!ret && bytes_of(v) != t->machine)
		ret = broken(t, "the machine has %llu MiB, the owners together %llu MiB",
			     (unsigned long long)t->machine >> 20,
			     (unsigned long long)bytes_of(v) >> 20);
	return ret;
}

static int check_view(struct torture *t, const struct view *v)
{
	int ret = check_cpus(t, v) ?: check_memory(t, v);

	if (!ret && v->nr_quarantine)
		ret = broken(t, "in quarantine: of %s, %s", v->quarantine[0].owner,
			     v->quarantine[0].why ?: "no reason is told");
	return ret;
}

/*
 * The questions are asked one after the other, while leases end and late answers
 * come: what does not add up must do so soon. Quarantine is tried again once.
 */
int machine_check(struct torture *t)
{
	int64_t end = now_ms() + 3000LL * t->slow;
	int ret;

	t->book.count[CHECKS]++;
	for (;;) {
		struct rf_quarantine freed;
		struct view v;

		t->why[0] = 0;
		ret = view_get(t, &v) ?: check_view(t, &v);
		if (ret && v.nr_quarantine)
			rf_recover(t->rf, &freed);
		view_clear(&v);
		if (!ret || now_ms() > end)
			return ret;
		usleep(100000);
	}
}

int machine_remember(struct torture *t)
{
	struct view v;
	int ret = view_get(t, &v);

	t->machine = bytes_of(&v);
	view_clear(&v);
	return ret;
}

/* Nothing is granted, all is here */
int machine_empty(struct torture *t)
{
	struct view v;
	int ret = machine_check(t) ?: view_get(t, &v);

	if (ret)
		return ret;
	if (v.nr_subos)
		ret = broken(t, "%s is still there", v.subos[0].name);
	for (size_t i = 0; !ret && i < v.nr_cpus; i++)
		if (!v.cpu[i].online)
			ret = broken(t, "CPU %u did not come back", v.cpu[i].id);
	for (size_t i = 0; !ret && i < v.nr_nodes; i++)
		if (v.node[i].granted)
			ret = broken(t, "node %u: %llu MiB did not come back", v.node[i].id,
				     (unsigned long long)v.node[i].granted >> 20);
	view_clear(&v);
	return ret;
}

/* Do the checks see what they are there for? Of a view that is spoilt; nothing is done */
int machine_self_test(struct torture *t)
{
	static uint32_t cpu[] = { 1 }, cpu2[] = { 1 };
	static struct rf_mem low, high;
	static const char *const want[] = {
		"CPU 1 has two owners", "CPU 1 is online", "CPU 1 is offline",
		"has two owners: a and b", "MiB are granted", "no whole blocks", "online in the",
	};
	unsigned int caught = 0;

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		const uint64_t block = t->info.block_size, at = 1ULL << 40;
		struct rf_cpu c[] = { { .id = 0, .online = true },
				      { .id = 1, .online = i == 1, .owner = "a" } };
		struct rf_node n = { .granted = 2 * block };
		struct rf_subos s[] = { { .name = "a", .cpu = cpu, .nr_cpus = 1, .mem = &low,
					  .nr_mems = 1 },
					{ .name = "b", .cpu = cpu2, .nr_cpus = i == 0,
					  .mem = &high, .nr_mems = 1 } };
		struct view v = { c, 2, &n, 1, s, 2, NULL, 0 };
		uint64_t machine = t->machine;

		if (i == 2)
			c[1].owner[0] = 0;
		low = (struct rf_mem){ i == 6 ? 0 : at, block, 0 };
		high = (struct rf_mem){ at + (i == 3 ? 0 : block) + (i == 5 ? 4096 : 0), block, 0 };
		n.granted += i == 4 ? block : 0;
		t->machine = n.granted;
		t->why[0] = 0;
		check_view(t, &v);
		t->machine = machine;
		if (strstr(t->why, want[i]))
			caught++;
		else
			printf("the checks say \"%s\" instead of \"%s\"\n", t->why, want[i]);
	}
	t->why[0] = 0;
	printf("torture: %u of %zu spoilt machines are seen\n", caught, ARRAY_SIZE(want));
	return caught != ARRAY_SIZE(want);
}

/* ---- what the supervisor's kernel says; subOSes' lines are the harness's ---- */

int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

int kmsg_check(struct torture *t)
{
	static const char reports[] =
		"(^|[ :])(BUG|WARNING|UBSAN|KASAN|KCSAN|KFENCE|ODEBUG)[:(]|kernel BUG at|Oops|"
		"INFO: (task|rcu|possible|trying|suspicious)|unable to handle kernel|"
		"general protection fault|self-detected stall|workqueue lockup|^Call Trace:|"
		"kmemleak: [0-9]+ new suspected";
	static regex_t re;
	static bool ready;
	char line[2048];
	ssize_t n;

	if (!ready && regcomp(&re, reports, REG_EXTENDED | REG_NOSUB))
		return broken(t, "no regular expression");
	ready = true;
	for (;;) {
		char *text;

		n = read(t->kmsg, line, sizeof(line) - 1);
		if (n < 0 && errno == EPIPE)
			continue;	/* some were lost: the harness has them */
		if (n <= 0)
			return 0;
		line[n] = 0;
		text = strchr(line, ';');
		if (!text++)
			continue;
		text[strcspn(text, "\n")] = 0;
		if (strncmp(text, "rainforest: [", 13) && !regexec(&re, text, 0, NULL, 0))
			return broken(t, "the supervisor says: %s", text);
	}
}
