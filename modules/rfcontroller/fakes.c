// SPDX-License-Identifier: GPL-2.0
/*
 * What rfcontroller_test.ko has instead of main.c, trampoline.c and netlink.c:
 * nothing that it tests reaches another CPU, other memory or user space.
 */
#include <linux/module.h>

#include "fakes.h"

struct rf_fakes rf_fakes;

bool rf_console_tee;
unsigned int rf_reserve_cpus = 1;
unsigned int rf_reserve_memory = 512;

static u8 rf_fake_page[PAGE_SIZE] __aligned(8);

void rf_watch_kick(void)
{
}

void rf_tee_setup(struct rf_subos *s)
{
}

void rf_tee_put(struct rf_subos *s, const u8 *from, size_t len)
{
}

void rf_tee_life(struct rf_subos *s)
{
}

void rf_tee_free(struct rf_subos *s)
{
}

void rf_tee_finish(struct rf_subos *s, unsigned long late)
{
}

void rf_watch_add(struct rf_subos *s)
{
}

void rf_watch_remove(struct rf_subos *s)
{
}

u64 rf_trampoline_phys(void)
{
	return RF_FAKE_TRAMPOLINE;
}

struct rf_ledger_anchor *rf_trampoline_anchor(void)
{
	return (void *)rf_fake_page + RF_LEDGER_ANCHOR_OFFSET;
}

bool rf_trampoline_knows(u32 apicid)
{
	return true;
}

void rf_trampoline_adopt(unsigned int cpu, u32 apicid)
{
}

void rf_trampoline_set(u32 apicid, u64 slot, u64 cr3)
{
	rf_fakes.slot = slot;
	rf_fakes.cr3 = cr3;
}

void rf_trampoline_clear(u32 apicid)
{
	rf_fakes.slot = 0;
}

int rf_trampoline_kick(u32 apicid, bool init)
{
	rf_fakes.kicked = apicid;
	return rf_fakes.kick_err;
}

int rf_trampoline_prove(u32 apicid)
{
	return rf_fakes.kick_err;
}

u64 rf_trampoline_hold_entry(void)
{
	return RF_FAKE_TRAMPOLINE + 0x100;
}

int rf_freeze_locked(struct rf_subos *s, unsigned int timeout_ms, bool nmi, bool partly,
		     struct netlink_ext_ack *extack)
{
	return -EOPNOTSUPP;
}

long rf_dump_ioctl(struct rf_dump __user *user)
{
	return -EOPNOTSUPP;
}

int rf_channel_start(struct rf_subos *s, struct netlink_ext_ack *extack)
{
	return 0;
}

void rf_channel_down(u32 id)
{
}

/* Only rf_fake_post() is given it */
struct rf_ficm_channel *rf_channel_get(struct rf_subos *s)
{
	return rf_fakes.post ? (void *)rf_fake_page : NULL;
}

int rf_fake_post(u16 type, const void *data)
{
	rf_fakes.posts++;
	return rf_fakes.post(type, data);
}

void rf_channel_proven(u32 id)
{
}

void rf_channels_kick(void)
{
}

void rf_ring(u32 apicid)
{
	rf_fakes.rings++;
}

void rf_netlink_notify(struct rf_subos *s, enum rainforest_event event)
{
	rf_fakes.notices++;
}

void rf_netlink_notify_record(struct rf_subos *s, const struct rf_record *r)
{
	rf_fakes.records++;
	rf_fakes.record = *r;
}

void rf_life_tell(struct rf_subos *s, unsigned long what)
{
}

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("RainForest: KUnit tests of rfcontroller");
MODULE_IMPORT_NS(RAINFOREST);
