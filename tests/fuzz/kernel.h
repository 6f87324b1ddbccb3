/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of the kernel as the fuzzed modules are written in, for user space:
 * one thread, no interrupts. Included before all else; the kernel's own headers
 * are empty files then (tests/fuzz/build.sh).
 *
 * Spinlocks and mutexes know whether they are held, so that a lock taken twice,
 * left behind, or a sleep under a spinlock is found as well. A wait lets the
 * hostile peer go on (fuzz_meanwhile()), and gives up in the end.
 */
#ifndef FUZZ_KERNEL_H
#define FUZZ_KERNEL_H

#include <assert.h>
#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <linux/types.h>

#include "must.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef long long s64;
typedef unsigned int gfp_t;
typedef s64 ktime_t;

/* ---- compiler, arithmetic ---- */

#define __user
#define __init
#define __exit
#define __iomem
#define __printf(a, b)		__attribute__((format(printf, a, b)))
#define __aligned(n)		__attribute__((aligned(n)))
#define __packed		__attribute__((packed))
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))
#define smp_load_acquire(p)	READ_ONCE(*(p))
#define smp_store_release(p, v)	WRITE_ONCE(*(p), v)
#define smp_mb()		do { } while (0)
#define smp_rmb()		do { } while (0)
#define xchg(p, v)		__atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define min(a, b)		({ __auto_type _a = (a); __auto_type _b = (b); _a < _b ? _a : _b; })
#define max(a, b)		({ __auto_type _a = (a); __auto_type _b = (b); _a > _b ? _a : _b; })
#define min_t(t, a, b)		min((t)(a), (t)(b))
#define max_t(t, a, b)		max((t)(a), (t)(b))
#define min3(a, b, c)		min(min(a, b), c)
#define swap(a, b)		do { __typeof__(a) _t = (a); (a) = (b); (b) = _t; } while (0)
#define ALIGN(n, a)		(((n) + (a) - 1) & ~((__typeof__(n))(a) - 1))
#define IS_ALIGNED(n, a)	(!((n) & ((a) - 1)))
#define PAGE_SHIFT		12
#define PAGE_SIZE		4096UL
#define PAGE_ALIGN(n)		ALIGN(n, PAGE_SIZE)
#define PAGE_ALIGNED(n)		IS_ALIGNED(n, PAGE_SIZE)
#define SZ_1M			(1UL << 20)
#define SZ_2M			(2UL << 20)
#define SZ_8M			(8UL << 20)
#define SZ_1G			(1UL << 30)
#define U64_MAX			UINT64_MAX
#define U32_MAX			UINT32_MAX
#define NSEC_PER_USEC		1000L
#define NSEC_PER_MSEC		1000000L
#define NUMA_NO_NODE		(-1)
#define upper_32_bits(n)	((u32)((u64)(n) >> 32))
#define lower_32_bits(n)	((u32)(n))
#define get_unaligned_le32(p)	({ u32 fuzz_le; memcpy(&fuzz_le, (p), 4); fuzz_le; })
#define is_power_of_2(n)	((n) && !((n) & ((n) - 1)))
#define container_of(p, t, m)	((t *)((char *)(p) - offsetof(t, m)))
#define EXPORT_SYMBOL_NS_GPL(s, ns)
#define THIS_MODULE		NULL
#define MODULE_PARM_DESC(n, d)
#define module_param_named(n, v, t, p)
#define pr_err(...)		do { } while (0)
#define pr_warn(...)		do { } while (0)
#define pr_info(...)		do { } while (0)
#define pr_warn_ratelimited(...) do { } while (0)
#define KERN_INFO		""
#define printk(...)		do { } while (0)
#define might_sleep()		MUST(!fuzz_spins)
#define cond_resched()		might_sleep()
#define cpu_relax()		do { } while (0)
#define need_resched()		true
#define WARN_ON(c)		({ MUST(!(c)); false; })

/* ---- errors as pointers ---- */

#define MAX_ERRNO	4095
#define ERESTARTSYS	512
#define ENOTSUPP	524
#define ERR_PTR(e)	((void *)(long)(e))
#define PTR_ERR(p)	((long)(p))
#define IS_ERR(p)	((unsigned long)(p) >= (unsigned long)-MAX_ERRNO)

/* ---- memory ---- */

#define GFP_KERNEL		1u
#define GFP_KERNEL_ACCOUNT	GFP_KERNEL
#define GFP_ATOMIC		2u
#define __GFP_ACCOUNT		0u

extern unsigned int fuzz_spins;		/* spinlocks held */
extern unsigned int fuzz_starve;	/* every as many-th allocation fails; 0: none */

static inline void *fuzz_alloc(size_t n, gfp_t gfp)
{
	static unsigned int count;

	MUST(!(gfp & GFP_KERNEL) || !fuzz_spins);
	if (fuzz_starve && !(++count % fuzz_starve))
		return NULL;
	return calloc(1, n ? n : 1);
}

static inline void *kvmemdup(const void *from, size_t n, gfp_t gfp)
{
	void *to = fuzz_alloc(n, gfp);

	return to ? memcpy(to, from, n) : NULL;
}

#define kzalloc(n, gfp)		fuzz_alloc(n, gfp)
#define kmalloc(n, gfp)		fuzz_alloc(n, gfp)
#define kvzalloc(n, gfp)	fuzz_alloc(n, gfp)
#define kvmalloc(n, gfp)	fuzz_alloc(n, gfp)
#define kcalloc(n, s, gfp)	fuzz_alloc((size_t)(n) * (s), gfp)
#define vmalloc_user(n)		fuzz_alloc(n, GFP_KERNEL)
#define kfree(p)		free((void *)(p))
#define kvfree(p)		free((void *)(p))
#define vfree(p)		free((void *)(p))
static inline void fuzz_kfree(void *p) { free(*(void **)p); }
#define __free(how)		__attribute__((cleanup(fuzz_kfree)))

/* ---- strings ---- */

static inline ssize_t fuzz_strscpy(char *to, const char *from, size_t n)
{
	size_t len = strnlen(from, n);

	MUST(n);
	if (len == n)
		len = n - 1;
	memcpy(to, from, len);
	to[len] = 0;
	return len;
}
#define strscpy(to, from, n)	fuzz_strscpy(to, from, n)
#define scnprintf		snprintf

/* ---- lists ---- */

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(l)	{ &(l), &(l) }
#define LIST_HEAD(l)		struct list_head l = LIST_HEAD_INIT(l)
static inline void INIT_LIST_HEAD(struct list_head *l) { l->next = l->prev = l; }
static inline bool list_empty(const struct list_head *l) { return l->next == l; }

static inline void list_add(struct list_head *n, struct list_head *l)
{
	n->next = l->next;
	n->prev = l;
	l->next->prev = n;
	l->next = n;
}

static inline void list_add_tail(struct list_head *n, struct list_head *l) { list_add(n, l->prev); }

static inline void list_del(struct list_head *n)
{
	MUST(n->next && n->next->prev == n && n->prev->next == n);
	n->next->prev = n->prev;
	n->prev->next = n->next;
	n->next = n->prev = NULL;
}

static inline void list_del_init(struct list_head *n) { list_del(n); INIT_LIST_HEAD(n); }

static inline void list_move_tail(struct list_head *n, struct list_head *l)
{
	list_del(n);
	list_add_tail(n, l);
}

#define list_entry(p, t, m)		container_of(p, t, m)
#define list_first_entry(l, t, m)	list_entry((l)->next, t, m)
#define list_first_entry_or_null(l, t, m) \
	(list_empty(l) ? NULL : list_first_entry(l, t, m))
#define fuzz_at(p, pos, m)	container_of(p, __typeof__(*(pos)), m)
#define list_for_each_entry(pos, l, m) \
	for (pos = fuzz_at((l)->next, pos, m); &pos->m != (l); \
	     pos = fuzz_at(pos->m.next, pos, m))
#define list_for_each_entry_reverse(pos, l, m) \
	for (pos = fuzz_at((l)->prev, pos, m); &pos->m != (l); \
	     pos = fuzz_at(pos->m.prev, pos, m))
#define list_for_each_entry_safe(pos, n, l, m) \
	for (pos = fuzz_at((l)->next, pos, m), n = fuzz_at(pos->m.next, pos, m); \
	     &pos->m != (l); pos = n, n = fuzz_at(n->m.next, n, m))

/* ---- references, bits ---- */

struct kref {
	int n;
};

static inline void kref_init(struct kref *k) { k->n = 1; }
static inline void kref_get(struct kref *k) { MUST(k->n > 0); k->n++; }
static inline bool kref_get_unless_zero(struct kref *k) { return k->n ? (k->n++, true) : false; }

static inline int kref_put(struct kref *k, void (*release)(struct kref *k))
{
	MUST(k->n > 0);
	if (--k->n)
		return 0;
	release(k);
	return 1;
}

typedef struct {
	int n;
} atomic_t;
#define ATOMIC_INIT(v)		{ v }
#define atomic_read(a)		((a)->n)
#define atomic_inc(a)		((void)(a)->n++)
#define atomic_dec(a)		((void)(a)->n--)
#define atomic_inc_return(a)	(++(a)->n)
#define atomic_dec_and_test(a)	(!--(a)->n)

static inline void set_bit(unsigned int bit, unsigned long *word) { *word |= 1UL << bit; }
static inline bool test_and_clear_bit(unsigned int bit, unsigned long *word)
{
	bool was = *word >> bit & 1;

	*word &= ~(1UL << bit);
	return was;
}

/* ---- locks ---- */

typedef struct {
	bool held;
} spinlock_t;
#define DEFINE_SPINLOCK(l)	spinlock_t l
static inline void spin_lock_init(spinlock_t *l) { l->held = false; }
static inline void spin_lock(spinlock_t *l) { MUST(!l->held); l->held = true; fuzz_spins++; }
static inline void spin_unlock(spinlock_t *l) { MUST(l->held); l->held = false; fuzz_spins--; }
#define spin_lock_irq(l)			spin_lock(l)
#define spin_unlock_irq(l)			spin_unlock(l)
#define spin_lock_irqsave(l, f)			((f) = 0, spin_lock(l))
#define spin_unlock_irqrestore(l, f)		((void)(f), spin_unlock(l))

struct mutex {
	bool held;
};
#define DEFINE_MUTEX(l)		struct mutex l
static inline void mutex_init(struct mutex *m) { m->held = false; }
static inline void mutex_lock(struct mutex *m) { might_sleep(); MUST(!m->held); m->held = true; }
static inline void mutex_unlock(struct mutex *m) { MUST(m->held); m->held = false; }

extern unsigned int fuzz_works;		/* work that runs: beside who waits, and may hold a lock */

static inline int mutex_lock_interruptible(struct mutex *m)
{
	if (m->held && fuzz_works)
		return -ERESTARTSYS;
	mutex_lock(m);
	return 0;
}

static inline bool mutex_trylock(struct mutex *m) { return m->held ? false : (m->held = true); }
#define lockdep_assert_held(l)	MUST((l)->held)

struct rw_semaphore {
	bool held;
};
#define DECLARE_RWSEM(l)	struct rw_semaphore l
#define init_rwsem(l)		((l)->held = false)

struct fuzz_guard {
	struct mutex *m;
};
static inline void fuzz_guard_end(struct fuzz_guard *g) { if (g->m) mutex_unlock(g->m); }
static inline struct fuzz_guard fuzz_guard_mutex(struct mutex *m)
{
	mutex_lock(m);
	return (struct fuzz_guard){ m };
}
static inline struct fuzz_guard fuzz_guard_rcu(void) { return (struct fuzz_guard){ NULL }; }
#define FUZZ_NAME_(a, b)	a##b
#define FUZZ_NAME(a, b)		FUZZ_NAME_(a, b)
#define guard(kind)	struct fuzz_guard __attribute__((cleanup(fuzz_guard_end), unused)) \
	FUZZ_NAME(guard, __LINE__) = fuzz_guard_##kind
#define rcu_read_lock()		do { } while (0)
#define rcu_read_unlock()	do { } while (0)
#define rcu_barrier()		do { } while (0)

/* ---- waiting ---- */

typedef struct {
	int unused;
} wait_queue_head_t;
#define wait_queue_head		fuzz_wait_queue_head
struct fuzz_wait_queue_head {
	int unused;
};
#define DECLARE_WAIT_QUEUE_HEAD(q)	wait_queue_head_t q
#define init_waitqueue_head(q)		((void)(q))
#define wake_up_all(q)			((void)(q))
#define MAX_SCHEDULE_TIMEOUT		LONG_MAX
#define msecs_to_jiffies(ms)		((long)(ms))
#define jiffies				0UL

bool fuzz_meanwhile(void);	/* Return: false when nothing happens any more */

#define wait_event_interruptible_timeout(q, cond, timeout)		\
({									\
	long _left = (timeout);						\
	bool _so;							\
	might_sleep();							\
	(void)&(q);							\
	while (!(_so = (cond)) && _left && fuzz_meanwhile())		\
		;							\
	_so ? 1L : _left == MAX_SCHEDULE_TIMEOUT ? -ERESTARTSYS : 0L;	\
})
#define wait_event_timeout wait_event_interruptible_timeout
#define wait_event(q, cond)						\
	do {								\
		(void)&(q);						\
		while (!(cond))						\
			MUST(fuzz_work());				\
	} while (0)
#define schedule_timeout_uninterruptible(n)	((void)(n), fuzz_meanwhile())

static inline ktime_t ktime_get(void) { return 0; }
static inline ktime_t ktime_add_ms(ktime_t t, s64 ms) { return t + ms; }
static inline s64 ktime_ms_delta(ktime_t a, ktime_t b) { return a - b; }
static inline u64 local_clock(void) { static u64 ns; return ns += 1000; }
struct task_struct;
#define current			NULL
#define signal_pending(t)	false

/* ---- workqueues: what is queued runs when the fuzzer says so ---- */

struct work_struct {
	void (*fn)(struct work_struct *work);
	struct list_head node;
	bool queued;
};
struct delayed_work {
	struct work_struct work;
};
struct rcu_work {
	struct work_struct work;
};
struct workqueue_struct;

void fuzz_queue(struct work_struct *w);
bool fuzz_work(void);		/* Return: was there one? */

#define INIT_WORK(w, f)			((w)->fn = (f), (w)->queued = false)
#define INIT_DELAYED_WORK(w, f)		INIT_WORK(&(w)->work, f)
#define INIT_RCU_WORK(w, f)		INIT_WORK(&(w)->work, f)
#define DECLARE_WORK(w, f)		struct work_struct w = { .fn = (f) }
#define DECLARE_DELAYED_WORK(w, f)	struct delayed_work w = { .work = { .fn = (f) } }
#define to_delayed_work(w)		container_of(w, struct delayed_work, work)
#define to_rcu_work(w)			container_of(w, struct rcu_work, work)
static inline bool fuzz_queue_once(struct work_struct *w)
{
	if (w->queued)
		return false;
	fuzz_queue(w);
	return true;
}
#define queue_work(q, w)		fuzz_queue_once(w)
#define queue_delayed_work(q, w, d)	fuzz_queue_once(&(w)->work)
#define mod_delayed_work(q, w, d)	fuzz_queue_once(&(w)->work)
#define queue_rcu_work(q, w)		fuzz_queue_once(&(w)->work)
static inline void fuzz_flush(void) { while (fuzz_work()) ; }
#define flush_workqueue(q)		fuzz_flush()
#define flush_work(w)			((w)->queued && (fuzz_flush(), true))
#define alloc_ordered_workqueue(...)	((struct workqueue_struct *)1)
#define destroy_workqueue(q)		fuzz_flush()
#define cancel_delayed_work_sync(w)	fuzz_flush()

/* ---- xarray: of ids that only grow ---- */

#define FUZZ_XA	512
struct xarray {
	u32 id[FUZZ_XA];
	void *at[FUZZ_XA];
};
#define XA_FLAGS_ALLOC1		0
#define XA_FLAGS_LOCK_IRQ	0
#define XA_LIMIT(a, b)		0
#define DEFINE_XARRAY_FLAGS(x, f) struct xarray x

static inline int fuzz_xa_alloc(struct xarray *x, u32 *id, void *what, u32 *next)
{
	for (unsigned int i = 0; i < FUZZ_XA; i++) {
		if (x->at[i])
			continue;
		x->at[i] = what;
		x->id[i] = *id = *next;
		*next = *next == INT_MAX ? 1 : *next + 1;
		return 0;
	}
	return -EBUSY;
}
#define xa_alloc_cyclic_irq(x, id, what, limit, next, gfp) fuzz_xa_alloc(x, id, what, next)

static inline void *xa_load(struct xarray *x, unsigned long id)
{
	for (unsigned int i = 0; i < FUZZ_XA; i++)
		if (x->at[i] && x->id[i] == id)
			return x->at[i];
	return NULL;
}

static inline void xa_erase_irq(struct xarray *x, unsigned long id)
{
	for (unsigned int i = 0; i < FUZZ_XA; i++)
		if (x->at[i] && x->id[i] == id)
			x->at[i] = NULL;
}

static inline bool xa_empty(struct xarray *x)
{
	for (unsigned int i = 0; i < FUZZ_XA; i++)
		if (x->at[i])
			return false;
	return true;
}
#define xa_destroy(x)	((void)(x))
#define xa_for_each_start(x, i, p, start) \
	for ((i) = (start); (i) < FUZZ_XA; (i)++) \
		if (((p) = (x)->at[i]))
#define xa_for_each(x, i, p)	xa_for_each_start(x, i, p, 0)

/* ---- user memory ---- */

struct kvec {
	void *iov_base;
	size_t iov_len;
};
struct iov_iter {
	u8 *at;
	size_t left;
	size_t good;	/* bytes until it faults */
};
#define ITER_SOURCE	0
#define ITER_DEST	0
#define iov_iter_kvec(i, dir, vec, n, len) \
	(*(i) = (struct iov_iter){ (vec)->iov_base, (len), (len) })
#define iov_iter_count(i)	((i)->left)

static inline size_t fuzz_iter(void *kernel, size_t n, struct iov_iter *i, bool in)
{
	might_sleep();
	n = min(min(n, i->left), i->good);
	memcpy(in ? kernel : i->at, in ? i->at : kernel, n);
	i->at += n;
	i->left -= n;
	i->good -= n;
	return n;
}
#define copy_to_iter(from, n, i)	fuzz_iter((void *)(from), n, i, false)
#define copy_from_iter(to, n, i)	fuzz_iter(to, n, i, true)

#endif /* FUZZ_KERNEL_H */
