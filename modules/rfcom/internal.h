/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of rfcom share.
 *
 * Locks, in this order:
 *   rf_com.read_lock, .write_lock (mutex) one reader, one writer at a time; of a
 *				listener .write_lock: one who tells the registry of it
 *   rf_com.map_lock (rwsem)	is the mapped region there?
 *   rf_names_lock (mutex)	a name and the request that it is for, on the wire
 *   rf_registry_lock (mutex)	the supervisor's: services and kernels
 *   rf_com.lock (spin, interrupts off) all the rest of a struct rf_com
 *   rf_cache_lock (spin, interrupts off) names that were looked up
 * FICM calls us with interrupts off; it may be called under none of the spinlocks.
 */
#ifndef _RFCOM_INTERNAL_H
#define _RFCOM_INTERNAL_H

#include <linux/errno.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <rf/abi/rfcom.h>
#include <rf/ficm.h>
#include <rf/region.h>
#include <rf/rfcom.h>

#define RF_ANSWER_MS	2000	/* for another kernel to answer */
#define RF_LINE_MS	1000	/* for room in a FICM ring */

enum rf_com_state {
	RF_IS_OPENING,		/* a client that waits for OPENED */
	RF_IS_LISTENING,
	RF_IS_OPEN,
	RF_IS_CLOSED,		/* by us: nothing is sent or taken any more */
};

/* Memory that both ends have: a region, or within one kernel plain pages */
struct rf_plain {
	struct kref ref;
	void *addr;
	u64 size;
};

struct rf_share {
	struct rf_region *region;
	struct rf_plain *plain;
	u64 size;		/* bytes; 0: there is none */
	bool asked;		/* it was asked for */
	bool ready;		/* the other end has it too */
	bool gone;		/* the other end has left it */
	int error;		/* the last time that it was asked for */
	bool unheard;		/* and nobody has been told of that */
};

struct vm_area_struct;
struct address_space;

struct rf_com_grantee {
	struct list_head node;
	char peer[RF_COM_PEER_LEN];
	u32 rights;
};

struct rf_com {
	struct kref ref;
	spinlock_t lock;		/* see above */
	wait_queue_head_t wait;		/* everybody who waits for something */
	enum rf_com_state state;
	u32 handle;
	char name[RF_COM_NAME_LEN];
	struct rf_ficm_channel *ch;	/* to the other end's kernel; NULL: it is ours */
	u32 peer;			/* that kernel's id */
	u32 to;				/* the other end's handle */
	u32 rights;			/* RF_MAY_*, of the client's end */
	bool server;
	bool ended;			/* the other end closed in order */
	int error;			/* or it didn't: -ECONNRESET ... */
	u32 buffer;			/* bytes of a message at most */

	/* reading; a message is there when all its lines are */
	struct mutex read_lock;
	struct rf_com_data *line;	/* RF_COM_WINDOW; one of total 0 holds a rf_com_bulk */
	u64 came;			/* lines */
	u64 whole;			/* of these in whole messages */
	u64 taken;			/* lines that were read */
	u64 told;			/* taken, as the other end knows it */
	u64 bulk_came, bulk_taken, bulk_told;	/* bytes */
	unsigned int messages;		/* whole ones that wait */
	bool wanted;			/* the other end's writer waits */
	bool idle;			/* the last wait was a long one */

	/* writing */
	struct mutex write_lock;
	u64 sent, credit;		/* lines; credit: that the other end took */
	u64 bulk_sent, bulk_credit;	/* bytes */
	size_t blocked;			/* a write of as many bytes found no room; 0: none */

	struct rf_share share[RF_COM_SHARES];
	struct rw_semaphore map_lock;
	struct address_space *mapping;	/* of our file, to revoke what it maps; under map_lock */

	/* listening */
	struct list_head accept;	/* clients, by accept_node */
	struct list_head accept_node;
	unsigned int waiting, backlog;
	struct list_head grants;
	int registered;			/* the registry's answer; 1: none yet */

	unsigned long due;		/* RF_DUE_*: to be said when there is room */
	struct delayed_work work;
};

/* What is to be told the other end; each says what is then, so that late is not wrong */
#define RF_DUE_CREDIT	0
#define RF_DUE_WANT	1
#define RF_DUE_CLOSE	2
#define RF_DUE_READY	3	/* + enum rf_com_share_kind */
#define RF_DUE_FAILED	5	/* + enum rf_com_share_kind */

/* main.c */
extern struct workqueue_struct *rf_com_wq;
u32 rf_com_self(void);
const char *rf_com_self_name(void);

/* com.c */
struct rf_com *rf_com_new(void);
struct rf_com *rf_com_find(u32 handle);
struct rf_com *rf_com_of(struct rf_ficm_channel *ch, u32 handle);
struct rf_com *rf_com_listener(unsigned long *handle);
void rf_com_put(struct rf_com *c);
void rf_com_fail(struct rf_com *c, int error);
void rf_com_gone(struct rf_ficm_channel *ch);
void rf_com_shut(struct rf_com *c, bool killed);
int rf_com_wait(struct rf_com *c, bool (*so)(struct rf_com *c), int timeout_ms);
int rf_com_check(struct rf_com *c);
void rf_com_exit(void);

/* wire.c */
int rf_wire_init(void);
int rf_wire_hello(void);
void rf_wire_exit(void);
int rf_wire_post(struct rf_ficm_channel *ch, u16 type, const void *data, size_t len);
int rf_wire_send(struct rf_ficm_channel *ch, u16 type, const void *data, size_t len);
int rf_wire_lines(struct rf_ficm_channel *ch, const struct rf_com_data *line, unsigned int n);
void rf_wire_due(struct rf_com *c, unsigned int bit);
void rf_wire_due_work(struct work_struct *work);
void rf_wire_give_up(void);

/* open.c */
void rf_open_got(struct rf_ficm_channel *ch, const struct rf_com_open *open);
void rf_opened_got(struct rf_ficm_channel *ch, const struct rf_com_open *open);
struct rf_com *rf_com_open(const char *name, u32 flags, int timeout_ms, u32 buffer, u32 backlog);
struct rf_com *rf_com_accept(struct rf_com *l, int timeout_ms);
void rf_listener_close(struct rf_com *l);
u32 rf_rights_of(struct list_head *grants, const char *peer);
int rf_rights_set(struct list_head *grants, const char *peer, u32 rights);
void rf_rights_free(struct list_head *grants);

/* names.c */
struct rf_found {
	u32 owner, service, rights;
};

int rf_name_check(const char *name);
int rf_name_register(struct rf_com *l);
int rf_name_grant(struct rf_com *l, const char *peer, u32 rights);
void rf_name_unregister(struct rf_com *l);
int rf_name_find(const char *name, struct rf_found *found);
u64 rf_name_changes(void);
int rf_name_wait(u64 since, ktime_t end, bool forever);
void rf_name_forget(u64 hash);
void rf_found_got(const struct rf_com_found *f);
void rf_registered_got(const struct rf_com_word *w);
void rf_who_got(void);
void rf_names_exit(void);

/* read.c */
void rf_data_got(struct rf_com *c, const struct rf_com_data *d);
void rf_bulk_got(struct rf_com *c, const struct rf_com_bulk *b);
void rf_want_got(struct rf_com *c);
bool rf_com_readable(struct rf_com *c);
u32 rf_com_next(struct rf_com *c);
ssize_t rf_com_read(struct rf_com *c, struct iov_iter *to, int timeout_ms);

/* write.c */
void rf_credit_got(struct rf_com *c, const struct rf_com_credit *credit);
bool rf_com_writable(struct rf_com *c);
ssize_t rf_com_write(struct rf_com *c, struct iov_iter *from, int timeout_ms);

/* share.c */
int rf_share_init(void);
void rf_share_exit(void);
int rf_share_get(struct rf_com *c, unsigned int kind, u64 size, int timeout_ms);
bool rf_share_pending(const struct rf_share *s);
void *rf_share_addr(const struct rf_share *s);
void rf_share_leave(struct rf_com *c, unsigned int kind);
void rf_share_drop(struct rf_com *c);
void rf_share_wanted(struct rf_com *c, const struct rf_com_share *s);
void rf_share_ready(struct rf_com *c, const struct rf_com_share *s);
void rf_share_failed(struct rf_com *c, const struct rf_com_share *s);

/* map.c */
int rf_com_map(struct rf_com *c, u64 *size, int timeout_ms);
int rf_com_mmap(struct rf_com *c, struct vm_area_struct *vma);
void rf_map_revoke(struct rf_com *c);

/* device.c */
int rf_device_init(void);
void rf_device_exit(void);

/* registry.c and broker.c: the supervisor's */
#ifndef CONFIG_RAINFOREST_SUBOS
int rf_registry_add(u32 owner, const char *owner_name, const char *name, u32 service);
int rf_registry_grant(u32 owner, u32 service, const char *peer, u32 rights);
void rf_registry_remove(u32 owner, u32 service);
void rf_registry_remove_all(u32 owner);
int rf_registry_find(u32 who, const char *who_name, const char *name, struct rf_found *found);
int rf_registry_list(struct rf_com_ioc_service *s);

void rf_broker_who(void);
void rf_broker_exit(void);
void rf_broker_got(struct rf_ficm_channel *ch, u16 type, const void *data);
void rf_broker_gone(struct rf_ficm_channel *ch);
void rf_broker_changed(const char *name);
int rf_broker_region(u32 owner, const struct rf_com_region *want);
#else
static inline int rf_registry_list(struct rf_com_ioc_service *s) { return -EOPNOTSUPP; }
static inline void rf_broker_who(void) { }
static inline void rf_broker_exit(void) { }
static inline void rf_broker_got(struct rf_ficm_channel *ch, u16 type, const void *data) { }
static inline void rf_broker_gone(struct rf_ficm_channel *ch) { }
#endif

#endif /* _RFCOM_INTERNAL_H */
