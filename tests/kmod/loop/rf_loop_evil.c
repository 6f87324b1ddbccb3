// SPDX-License-Identifier: GPL-2.0
/*
 * A subOS's RFloop that keeps to nothing, in the place of the real one: it claims
 * what is another's, asks for rings to anybody, and writes into its ring to the
 * supervisor whatever comes to its mind.
 */
#define pr_fmt(fmt) "rf_loop_evil: " fmt

#include <linux/delay.h>
#include <linux/if_ether.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/uaccess.h>

#include <asm/rainforest_subos.h>

#include <rf/abi/loop.h>
#include <rf/ficm.h>
#include <rf/region.h>

static unsigned int rounds = 20000;
module_param(rounds, uint, 0444);

static struct rf_region *rf_pair, *rf_list;
static struct task_struct *rf_task;
static u32 rf_head;

static void rf_say(u16 type, const void *data, size_t len)
{
	rf_ficm_send_timeout(rf_ficm_supervisor(), RF_PORT_LOOP, type, data, len, 1000);
}

static void rf_claim(u32 addr, u8 family, u8 prefix)
{
	struct rf_loop_address a = { .family = family, .prefix = prefix };

	*(__be32 *)a.addr = htonl(addr);
	rf_say(RF_LOOP_CLAIM, &a, sizeof(a));
}

/* A packet that could be one, and in it one thing that can't, or chance */
static void rf_evil_desc(struct rf_loop_desc *d, u32 chunks)
{
	u64 pool = chunks * RF_LOOP_CHUNK;

	d->head = 40 + get_random_u32_below(100);
	d->frags = get_random_u32_below(4);
	d->protocol = htons(ETH_P_IP);
	d->len = d->head;
	memset(&d->hdr, 0, sizeof(d->hdr));
	get_random_bytes(d->data, 64);
	d->data[0] = 0x45;
	for (unsigned int i = 0; i < d->frags; i++) {
		d->frag[i].len = 1 + get_random_u32_below(4000);
		d->frag[i].at = get_random_u32_below(pool / RF_LOOP_CHUNK) * RF_LOOP_CHUNK;
		d->len += d->frag[i].len;
	}
	switch (get_random_u32_below(12)) {
	case 0:
		d->len = get_random_u32();
		break;
	case 1:
		d->head = get_random_u16();
		break;
	case 2:
		d->frags = get_random_u8();
		break;
	case 3:
		d->frags = 1;
		d->frag[0].at = get_random_u32();
		d->len = d->head + d->frag[0].len;
		break;
	case 4:
		d->frags = 2;
		d->frag[1].len = get_random_u32();
		break;
	case 5:
		d->protocol = get_random_u16();
		break;
	case 6:
		get_random_bytes(&d->hdr, sizeof(d->hdr));
		break;
	case 7:
		d->hdr.gso_type = 1 + get_random_u32_below(5);
		d->hdr.gso_size = get_random_u16();
		break;
	case 8:
		d->hdr.flags = 1;
		d->hdr.csum_start = get_random_u16();
		d->hdr.csum_offset = get_random_u16();
		break;
	case 9:
		d->frags = 1;
		d->frag[0].at = pool - 1;
		d->frag[0].len = 2;
		d->len = d->head + 2;
		break;
	default:
		break;
	}
}

static int rf_evil(void *unused)
{
	struct rf_region *r = rf_pair;
	struct rf_loop_control *tx = r->addr + RF_LOOP_CONTROL(1), *rx = r->addr;
	struct rf_loop_desc *ring = r->addr + RF_LOOP_RING(1);
	u32 chunks = r->tag[0] >> 32;

	for (unsigned int i = 0; i < rounds && !kthread_should_stop(); i++) {
		struct rf_loop_desc *d = &ring[rf_head % RF_LOOP_SLOTS];

		/* what overwrites what has not been looked at proves nothing */
		for (int j = 0; j < 5000 && rf_head - READ_ONCE(tx->tail) > RF_LOOP_SLOTS / 2 &&
		     !kthread_should_stop(); j++) {
			rainforest_ring_supervisor();
			usleep_range(100, 200);
		}

		rf_evil_desc(d, chunks);
		/* our own direction, and what is the other's to write */
		switch (get_random_u32_below(40)) {
		case 0:
			WRITE_ONCE(d->seq, get_random_u32());
			rainforest_ring_supervisor();
			usleep_range(50, 100);
			break;
		case 1:
			WRITE_ONCE(rx->tail, get_random_u32());
			break;
		case 2:
			WRITE_ONCE(rx->bell, get_random_u32());
			WRITE_ONCE(rx->notify, 1);
			WRITE_ONCE(tx->send_bell, get_random_u32());
			WRITE_ONCE(tx->waiting, 1);
			break;
		case 3:
			WRITE_ONCE(rx->done[get_random_u32_below(chunks)], get_random_u32());
			break;
		case 4:
			WRITE_ONCE(tx->notify, get_random_u32());
			WRITE_ONCE(tx->tail, get_random_u32());
			break;
		}
		smp_store_release(&d->seq, ++rf_head);
		if (!(i % 16))
			rainforest_ring_supervisor();
		if (!(i % 256))
			usleep_range(200, 400);
	}
	rainforest_ring_supervisor();
	pr_info("done\n");
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

/* Can we write where the region is mapped? */
static void rf_evil_write(const char *what, u32 *to)
{
	u32 value = READ_ONCE(*to);

	pagefault_disable();
	__put_kernel_nofault(to, &value, u32, fault);
	pagefault_enable();
	pr_info("may write: %s yes\n", what);
	return;

fault:
	pagefault_enable();
	pr_info("may write: %s no\n", what);
}

static int rf_given(struct rf_region *r, void *ctx)
{
	struct rf_loop_want want = { };

	if ((r->tag[0] & 0xff) == RF_LOOP_LIST) {
		rf_list = r;
		rf_evil_write("list", &((struct rf_loop_list *)r->addr)->nr_addresses);
		/* rings to all that there may be, and may not be */
		for (want.id = 0; want.id < 8; want.id++)
			rf_say(RF_LOOP_WANT, &want, sizeof(want));
		want.id = U32_MAX;
		rf_say(RF_LOOP_WANT, &want, sizeof(want));
		return 0;
	}
	if (r->peer || rf_pair)
		return -EBUSY;
	rf_pair = r;
	rf_evil_write("rings", &((struct rf_loop_control *)r->addr)->tail);
	rf_task = kthread_run(rf_evil, NULL, "rf_loop_evil");
	return 0;
}

static void rf_taken(struct rf_region *r, void *ctx)
{
	if (r == rf_pair)
		kthread_stop(rf_task);
	rf_region_release(r);
}

static const struct rf_region_service rf_regions = {
	.given	= rf_given,
	.taken	= rf_taken,
};

static void rf_receive(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg, void *ctx)
{
}

static const struct rf_ficm_service rf_service = {
	.receive	= rf_receive,
};

static int __init rf_init(void)
{
	struct rf_loop_hello hello = { .version = RF_LOOP_VERSION };
	u8 junk[56];
	int err;

	err = rf_region_register(RF_PORT_LOOP, &rf_regions);
	if (err)
		return err;
	err = rf_ficm_register(RF_PORT_LOOP, &rf_service);
	if (err) {
		rf_region_unregister(RF_PORT_LOOP);
		return err;
	}
	for (int i = 0; i < 200; i++) {
		get_random_bytes(junk, sizeof(junk));
		rf_say(get_random_u32_below(10), junk, get_random_u32_below(57));
	}
	rf_say(RF_LOOP_HELLO, &hello, sizeof(hello));
	rf_claim(0x0a4d0001, 4, 24);	/* the supervisor's */
	rf_claim(0x0a4d0042, 4, 24);
	rf_claim(0x0a4d0043, 5, 24);
	rf_claim(0x0a4d0044, 4, 200);
	for (u32 i = 0; i < 1000; i++)
		rf_claim(0x0a500000 + i, 4, 24);
	return 0;
}

module_init(rf_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("RainForest: a hostile RFloop");
MODULE_IMPORT_NS(RAINFOREST);
