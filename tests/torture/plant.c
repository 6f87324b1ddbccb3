// SPDX-License-Identifier: GPL-2.0
/*
 * Faults that must be found: what the driver would not see, it would not see in
 * earnest either. tests/kmod/plant has those of the kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/rainforest.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "torture.h"
#include "plant.h"

#define FOREIGN	0xbadbadbadbadULL

int plant_init(struct torture *t)
{
	char params[64];
	int ret;

	if (!t->plant || !strcmp(t->plant, "owner") || !strcmp(t->plant, "books"))
		return 0;
	snprintf(params, sizeof(params), "what=%s", t->plant);
	ret = module_load(t, "rf_plant", params);
	return ret ? broken(t, "rf_plant %s: %s", params, strerror(-ret)) : 0;
}

/* As another owner of the same block would: sign all of it */
static int sign_foreign(struct torture *t, uint64_t block)
{
	int fd = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
	struct pattern theirs = { .stamp = FOREIGN };
	size_t len = t->info.block_size;

	theirs.at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, block);
	close(fd);
	if (theirs.at == MAP_FAILED)
		return broken(t, "/dev/mem: %s", strerror(errno));
	pattern_write(&theirs, 0, len / PATTERN_PAGE);
	munmap(theirs.at, len);
	return 0;
}

static bool has(const struct rf_subos *s, uint64_t block)
{
	for (size_t i = 0; i < s->nr_mems; i++)
		if (s->mem[i].start <= block && block < s->mem[i].start + s->mem[i].size)
			return true;
	return false;
}

/* A block that a subOS got while it ran: there are only programs' pages in it */
static int own_twice(struct torture *t)
{
	struct slot *s = &t->slot[0];
	struct rf_amount more = { .mem = { .size = t->info.block_size, .node = RF_NO_NODE },
				  .how = RAINFOREST_HOW_ADD };
	const struct rf_resize z = { .name = s->name, .cpu_node = RF_NO_NODE, .mem = &more,
				     .nr_mems = 1, .timeout_ms = RESIZE_MS };
	struct rf_subos before, now;
	int ret = life_need(t, s, 0);

	if (ret || slot_get(t, s, &before))
		return broken(t, "no subOS to plant it in");
	ret = rf_resize(t->rf, &z, &now);
	if (!ret)
		ret = slot_fill(t, s, 100);
	for (size_t i = 0; !ret && i < now.nr_mems; i++)
		for (uint64_t at = now.mem[i].start; at < now.mem[i].start + now.mem[i].size;
		     at += t->info.block_size)
			if (!has(&before, at))
				ret = sign_foreign(t, at);
	rf_subos_clear(&before);
	rf_subos_clear(&now);
	return ret ? broken(t, "nothing could be planted: %d", ret) : slot_check(t, s);
}

/* After each step, before all is checked */
int plant_now(struct torture *t)
{
	if (!t->plant || strcmp(t->plant, "owner") || t->step)
		return 0;
	return own_twice(t);
}
