/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of the network stack as RFloop's rings are written in: pages that count their
 * references, packets, queues, a clock. Included by rfloop.c, which says how many chunks.
 */
#ifndef FUZZ_NET_H
#define FUZZ_NET_H

#include <arpa/inet.h>

#include <rf/abi/loop.h>

#define FUZZ_PAGES	(FUZZ_CHUNKS * 8)

struct iphdr { u8 b[20]; };
struct ipv6hdr { u8 b[40]; };
#define ETH_P_IP	0x0800
#define ETH_P_IPV6	0x86dd
#define ETH_GSTRING_LEN	32
#define __rcu
#define __must_check
#define ____cacheline_aligned
#define BIT(n)		(1U << (n))
#define likely(c)	(c)
#define barrier()	do { } while (0)
#define USEC_PER_MSEC	1000LL
#define clamp_t(t, v, lo, hi)	min_t(t, max_t(t, v, lo), hi)

static ktime_t fuzz_now;	/* microseconds */
#define ktime_get()		fuzz_now
#define ktime_us_delta(a, b)	((a) - (b))
#define ktime_add_us(t, us)	((t) + (s64)(us))
#define ktime_ms_delta(a, b)	(((a) - (b)) / 1000)

enum hrtimer_restart { HRTIMER_NORESTART };
struct hrtimer { bool set; };
#define HRTIMER_MODE_REL_SOFT	0
#define ns_to_ktime(ns)		(ns)
#define hrtimer_start(t, at, mode) ((t)->set = true)

struct rcu_head { int unused; };
struct sk_buff_head { int unused; };
struct net_device { int unused; };
struct napi_struct { bool scheduled; };
struct netdev_queue { bool stopped; };
typedef enum { NETDEV_TX_OK, NETDEV_TX_BUSY } netdev_tx_t;
#define napi_schedule(n)	((n)->scheduled = true)
#define napi_complete_done(n, w) ((void)(w), (n)->scheduled = false, true)
#define netif_tx_stop_queue(q)	((q)->stopped = true)
#define netif_tx_wake_queue(q)	((q)->stopped = false)
#define netif_tx_queue_stopped(q) ((q)->stopped)
#define netdev_xmit_more()	false
#define dev_core_stats_rx_dropped_inc(d) ((void)(d))
#define dev_core_stats_tx_dropped_inc(d) ((void)(d))
#define dev_sw_netstats_rx_add(d, len)	((void)(d))
#define dev_sw_netstats_tx_add(d, n, len) ((void)(d), (void)(len))

/* ---- pages: of each kernel's own, eight a chunk, the first one counts ---- */

struct page { int refs; };
static struct page pages[2][FUZZ_PAGES];

static struct page *compound_head(const struct page *p)
{
	return &pages[p >= pages[1]][(p - pages[p >= pages[1]]) & ~7UL];
}
#define page_to_pfn(p)		((unsigned long)((p) - pages[0]))
#define page_ref_count(p)	((p)->refs)
#define get_page(p)		((void)(compound_head(p)->refs++))

static void put_page(struct page *p)
{
	p = compound_head(p);
	MUST(p->refs > 1);
	p->refs--;
}

/* ---- packets ---- */

#define NET_SKB_PAD		64
#define PAGE_ALLOC_COSTLY_ORDER	3
#define __GFP_NOWARN		0u
#define PACKET_MULTICAST	2
#define CHECKSUM_UNNECESSARY	1
#define VIRTIO_NET_HDR_F_DATA_VALID 2

typedef struct {
	struct page *page;
	u32 off, len;
} skb_frag_t;

struct skb_shared_info {
	unsigned int nr_frags;
	u16 gso_size, gso_segs;
	skb_frag_t frags[17];
};

struct sk_buff {
	unsigned int len, data_len;
	u8 *head;		/* as large as it may be */
	unsigned int room, data;	/* of it; where it begins */
	u8 *rest;		/* data_len of it, if it is not in frags */
	struct net_device *dev;
	__be16 protocol;
	u8 pkt_type, ip_summed;
	bool mac, network;
	struct skb_shared_info sh;
};

struct virtio_net_hdr {
	u8 flags, gso_type;
	u16 hdr_len, gso_size, csum_start, csum_offset;
};

#define skb_shinfo(skb)		(&((struct sk_buff *)(skb))->sh)
#define skb_headlen(skb)	((skb)->len - (skb)->data_len)
#define skb_has_frag_list(skb)	false
#define skb_is_gso(skb)		((skb)->sh.gso_size)
#define skb_frag_page(f)	((f)->page)
#define skb_frag_off(f)		((f)->off)
#define skb_frag_size(f)	((f)->len)
#define skb_reset_mac_header(skb)	((skb)->mac = true)
#define skb_reset_network_header(skb)	((skb)->network = true)
#define skb_record_rx_queue(skb, n)	((void)(skb))

static struct sk_buff *skb_new(unsigned int room, unsigned int rest)
{
	struct sk_buff *skb = kzalloc(sizeof(*skb), GFP_ATOMIC);

	if (!skb)
		return NULL;
	skb->head = malloc(room ? room : 1);
	skb->room = room;
	skb->rest = rest ? malloc(rest) : NULL;
	return skb;
}

static void kfree_skb(struct sk_buff *skb)
{
	for (unsigned int i = 0; i < skb->sh.nr_frags; i++)
		put_page(skb->sh.frags[i].page);
	free(skb->head);
	free(skb->rest);
	free(skb);
}
#define consume_skb(skb)	kfree_skb(skb)
#define napi_alloc_skb(n, len)	skb_new(len, 0)

static struct sk_buff *alloc_skb_with_frags(unsigned int head, unsigned int rest, int order,
					    int *err, gfp_t gfp)
{
	MUST(!(gfp & GFP_KERNEL));
	return skb_new(head, rest);
}

static void skb_reserve(struct sk_buff *skb, unsigned int n)
{
	MUST(!skb->len && skb->data + n <= skb->room);
	skb->data += n;
}

static void skb_put_data(struct sk_buff *skb, const void *from, unsigned int n)
{
	MUST(n <= RF_LOOP_INLINE);	/* of a descriptor */
	MUST(!skb->data_len && skb->data + skb->len + n <= skb->room);
	memcpy(skb->head + skb->data + skb->len, from, n);
	skb->len += n;
}

static void skb_add_rx_frag(struct sk_buff *skb, unsigned int i, struct page *p, u32 off,
			    u32 len, u32 truesize)
{
	MUST(i < 17 && i == skb->sh.nr_frags);
	skb->sh.frags[i] = (skb_frag_t){ p, off, len };
	skb->sh.nr_frags++;
	skb->len += len;
	skb->data_len += len;
}

static int skb_store_bits(struct sk_buff *skb, int at, const void *from, int len)
{
	unsigned int head = skb_headlen(skb);

	/* what is copied lies behind the head */
	if (at < (int)head || at + len > (int)skb->len)
		return -EFAULT;
	memcpy(skb->rest + at - head, from, len);
	return 0;
}

static int virtio_net_hdr_from_skb(const struct sk_buff *skb, struct virtio_net_hdr *h,
				   bool little, bool valid, int vlan)
{
	memset(h, 0, sizeof(*h));
	return 0;
}

/* Linux's own; here it may say no, and believes sizes as that does */
static int virtio_net_hdr_to_skb(struct sk_buff *skb, const struct virtio_net_hdr *h, bool little)
{
	if (h->gso_type > 5 || h->flags > 2)
		return -EINVAL;
	if (h->gso_type && skb->len > h->gso_size)
		skb->sh.gso_size = h->gso_size;
	return 0;
}

#endif /* FUZZ_NET_H */
