// SPDX-License-Identifier: GPL-2.0
/*
 * Consoles and streams of subOSes: the rings in their control areas, a history
 * of each console in our own memory, and /dev/rainforest for readers.
 *
 * Nothing that stands in a ring's header is believed: each word is read once,
 * and bounded. Where we are in a ring we know ourselves (struct rf_end).
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "rfcontroller.h"

#define RF_COPY_MAX	(16 * 1024)	/* bytes a read or write moves at most */

static const struct {
	u32 offset, size;
} rf_rings[RF_RING_COUNT] = {
	[RF_RING_CONSOLE_OUT]	= { RF_OFF_CONSOLE_OUT, RF_LEN_CONSOLE_OUT },
	[RF_RING_CONSOLE_IN]	= { RF_OFF_CONSOLE_IN, RF_LEN_CONSOLE_IN },
	[RF_RING_STDIN]		= { RF_OFF_STDIN, RF_LEN_STDIN },
	[RF_RING_STDOUT]	= { RF_OFF_STDOUT, RF_LEN_STDOUT },
	[RF_RING_STDERR]	= { RF_OFF_STDERR, RF_LEN_STDERR },
};

/* Dead subOSes, for their consoles; rf_list_lock */
static LIST_HEAD(rf_ghosts);
static unsigned int rf_nr_ghosts;

static struct rf_ring *rf_ring_of(struct rf_subos *s, unsigned int id)
{
	return (void *)s->desc + rf_rings[id].offset;
}

static u64 rf_ring_cap(unsigned int id)
{
	return rf_rings[id].size - sizeof(struct rf_ring);
}

/* Bytes to read in a ring whose producer is the subOS */
static u64 rf_ring_used(struct rf_subos *s, unsigned int id)
{
	u64 used = smp_load_acquire(&rf_ring_of(s, id)->head) - s->end[id].pos;

	/* a head that ran away or back: as if it had been filled once */
	return min(used, rf_ring_cap(id));
}

static void rf_ring_copy_out(struct rf_subos *s, unsigned int id, u64 pos, u8 *to, u64 len)
{
	u64 cap = rf_ring_cap(id), at = pos % cap, first = min(len, cap - at);
	struct rf_ring *ring = rf_ring_of(s, id);

	memcpy(to, ring->data + at, first);
	memcpy(to + first, ring->data, len - first);
}

static void rf_ring_consumed(struct rf_subos *s, unsigned int id, u64 len)
{
	struct rf_ring *ring = rf_ring_of(s, id);

	s->end[id].pos += len;
	smp_store_release(&ring->tail, s->end[id].pos);
	smp_mb(); /* tail before waiting: pairs with the writer that goes to sleep */
	if (READ_ONCE(ring->waiting)) {
		WRITE_ONCE(ring->waiting, 0);
		rf_ring(s->res.cpus[0].apicid);
	}
}

/* ---- the history ---- */

static void rf_history_put(struct rf_history *h, const u8 *from, u64 len)
{
	while (len) {
		u64 at = h->head % RF_CONSOLE_HISTORY, n = min(len, RF_CONSOLE_HISTORY - at);

		memcpy(h->data + at, from, n);
		h->head += n;
		from += n;
		len -= n;
	}
}

/* Into the supervisor's log, line by line, each with the subOS's name */
static void rf_tee(struct rf_subos *s, const u8 *from, u64 len)
{
	for (; len; from++, len--) {
		bool printable = *from >= ' ' || *from == '\t';

		if (*from != '\n' && s->line_len < sizeof(s->line) - 1) {
			if (*from != '\r')
				s->line[s->line_len++] = printable ? *from : '?';
			if (s->line_len < sizeof(s->line) - 1)
				continue;
		}
		s->line[s->line_len] = 0;
		s->line_len = 0;
		printk(KERN_INFO "rainforest: [%s] %s\n", s->name, s->line);
	}
}

/* Bytes that no reader waits for go into the history, so that nothing blocks */
static void rf_drain_ring(struct rf_subos *s, unsigned int id, u8 *buf)
{
	struct rf_ring *ring = rf_ring_of(s, id);
	u64 used, budget = 4 * rf_ring_cap(id);	/* a flood must not keep us here */

again:
	while (budget && (used = rf_ring_used(s, id))) {
		u64 head = s->end[id].pos + used, n;

		if (id == RF_RING_CONSOLE_OUT) {
			/* it overwrites: how far has it come meanwhile? */
			u64 now = READ_ONCE(ring->head);

			if (now - s->end[id].pos > rf_ring_cap(id)) {
				u64 skip = now - s->end[id].pos - rf_ring_cap(id);

				s->history.lost += skip;
				s->end[id].pos += skip;
				head = now;
			}
		}
		n = min3(head - s->end[id].pos, (u64)RF_COPY_MAX, budget);
		budget -= n;
		rf_ring_copy_out(s, id, s->end[id].pos, buf, n);
		rf_history_put(&s->history, buf, n);
		if (rf_console_tee && id == RF_RING_CONSOLE_OUT)
			rf_tee(s, buf, n);
		rf_ring_consumed(s, id, n);
	}
	if (!READ_ONCE(ring->notify)) {
		WRITE_ONCE(ring->notify, 1);
		smp_mb(); /* notify before head: pairs with the writer */
		if (budget && rf_ring_used(s, id))
			goto again;
	}
}

/**
 * rf_console_drain - take what a subOS printed, and wake whoever waits for it
 * @s: the subOS
 * @final: nothing more will come
 *
 * Context: process; s->drain held, s->desc mapped.
 */
void rf_console_drain(struct rf_subos *s, bool final)
{
	u8 *buf;

	lockdep_assert_held(&s->drain);
	buf = kmalloc(RF_COPY_MAX, GFP_KERNEL);
	if (!buf)
		return;		/* the rings keep it; next time */
	rf_drain_ring(s, RF_RING_CONSOLE_OUT, buf);
	for (unsigned int id = RF_RING_STDOUT; id <= RF_RING_STDERR; id++) {
		if (!s->end[id].busy)
			rf_drain_ring(s, id, buf);
		else if (!READ_ONCE(rf_ring_of(s, id)->notify))
			WRITE_ONCE(rf_ring_of(s, id)->notify, 1);
	}
	if (final && rf_console_tee && s->line_len)
		rf_tee(s, "\n", 1);
	kfree(buf);
	wake_up_all(&s->wait);
}

int rf_console_setup(struct rf_subos *s)
{
	s->history.data = kvzalloc(RF_CONSOLE_HISTORY, GFP_KERNEL);
	return s->history.data ? 0 : -ENOMEM;
}

void rf_console_free(struct rf_subos *s)
{
	kvfree(s->history.data);
	kvfree(s->end[RF_RING_STDOUT].rest);
	kvfree(s->end[RF_RING_STDERR].rest);
}

/* The rings were emptied: a new life begins */
void rf_console_start(struct rf_subos *s)
{
	for (unsigned int id = 0; id < RF_RING_COUNT; id++) {
		s->end[id].pos = 0;
		WRITE_ONCE(rf_ring_of(s, id)->notify, id >= RF_RING_STDOUT || !id);
	}
	/* Without a writer the input is at its end, like /dev/null */
	if (!s->end[RF_RING_STDIN].busy || s->end[RF_RING_STDIN].closed)
		rf_ring_of(s, RF_RING_STDIN)->flags = RF_RING_CLOSED;
}

/* Before the memory goes: keep what is unread, and the console for later */
void rf_console_bury(struct rf_subos *s)
{
	struct rf_subos *old = NULL;

	if (s->desc && s->generation) {
		rf_console_drain(s, true);
		for (unsigned int id = RF_RING_STDOUT; id <= RF_RING_STDERR; id++) {
			u64 used = rf_ring_used(s, id);

			s->end[id].rest = used ? kvmalloc(used, GFP_KERNEL) : NULL;
			if (!s->end[id].rest)
				continue;
			rf_ring_copy_out(s, id, s->end[id].pos, s->end[id].rest, used);
			s->end[id].rest_len = used;
			s->end[id].pos = 0;
		}
	}
	mutex_lock(&rf_list_lock);
	kref_get(&s->ref);
	list_add_tail(&s->ghost, &rf_ghosts);
	if (rf_nr_ghosts == RF_GHOSTS) {
		old = list_first_entry(&rf_ghosts, struct rf_subos, ghost);
		list_del(&old->ghost);
	} else {
		rf_nr_ghosts++;
	}
	mutex_unlock(&rf_list_lock);
	if (old)
		rf_subos_put(old);
}

static struct rf_subos *rf_ghost_find(const char *name)
{
	struct rf_subos *s;

	guard(mutex)(&rf_list_lock);
	list_for_each_entry_reverse(s, &rf_ghosts, ghost) {
		if (!strcmp(s->name, name)) {
			kref_get(&s->ref);
			return s;
		}
	}
	return NULL;
}

/* ---- /dev/rainforest ---- */

struct rf_reader {
	struct mutex lock;	/* of attaching, once */
	struct rf_subos *s;
	u32 stream;
	u32 flags;
	u64 pos;		/* console */
};

static const unsigned int rf_stream_ring[] = {
	[RF_STREAM_CONSOLE]	= RF_RING_CONSOLE_OUT,
	[RF_STREAM_STDIN]	= RF_RING_STDIN,
	[RF_STREAM_STDOUT]	= RF_RING_STDOUT,
	[RF_STREAM_STDERR]	= RF_RING_STDERR,
};

static int rf_dev_open(struct inode *inode, struct file *file)
{
	struct rf_reader *r;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	r = kzalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	mutex_init(&r->lock);
	file->private_data = r;
	return stream_open(inode, file);
}

static int rf_dev_release(struct inode *inode, struct file *file)
{
	struct rf_reader *r = file->private_data;
	struct rf_subos *s = r->s;

	if (s && r->stream != RF_STREAM_CONSOLE) {
		unsigned int id = rf_stream_ring[r->stream];

		mutex_lock(&s->drain);
		s->end[id].busy = false;
		if (id == RF_RING_STDIN) {
			s->end[id].closed = true;
			if (s->desc && s->generation) {
				WRITE_ONCE(rf_ring_of(s, id)->flags, RF_RING_CLOSED);
				rf_ring(s->res.cpus[0].apicid);
			}
		}
		mutex_unlock(&s->drain);
	}
	if (s)
		rf_subos_put(s);
	kfree(r);
	return 0;
}

static int rf_attach(struct rf_reader *r, struct rf_attach *a)
{
	struct rf_subos *s;
	int err = 0;

	if (a->stream >= ARRAY_SIZE(rf_stream_ring) || strnlen(a->name, 64) == 64 ||
	    (a->flags & ~(RF_ATTACH_FOLLOW | RF_ATTACH_END | RF_ATTACH_LAST)) ||
	    (a->flags && a->stream != RF_STREAM_CONSOLE))
		return -EINVAL;
	s = rf_subos_find(a->name);
	if (!s && (a->flags & RF_ATTACH_LAST))
		s = rf_ghost_find(a->name);
	if (!s)
		return -ENOENT;

	mutex_lock(&s->drain);
	if (a->stream == RF_STREAM_CONSOLE) {
		u64 kept = min_t(u64, s->history.head, RF_CONSOLE_HISTORY);

		r->pos = a->flags & RF_ATTACH_END ? s->history.head : s->history.head - kept;
		a->lost = s->history.lost + s->history.head - kept;
	} else if (s->end[rf_stream_ring[a->stream]].busy) {
		err = -EBUSY;
	} else {
		s->end[rf_stream_ring[a->stream]].busy = true;
		s->end[rf_stream_ring[a->stream]].closed = false;
	}
	mutex_unlock(&s->drain);
	if (err) {
		rf_subos_put(s);
		return err;
	}
	r->stream = a->stream;
	r->flags = a->flags;
	smp_store_release(&r->s, s);
	return 0;
}

static long rf_dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct rf_reader *r = file->private_data;
	struct rf_attach a;
	int err;

	if (cmd != RF_IOC_ATTACH)
		return -ENOTTY;
	if (copy_from_user(&a, (void __user *)arg, sizeof(a)))
		return -EFAULT;
	mutex_lock(&r->lock);
	err = r->s ? -EBUSY : rf_attach(r, &a);
	mutex_unlock(&r->lock);
	if (!err && copy_to_user((void __user *)arg, &a, sizeof(a)))
		return -EFAULT;
	return err;
}

static bool rf_over(struct rf_subos *s)
{
	return s->dead || (s->state >= RAINFOREST_STATE_STOPPED && !rf_state_alive(s->state));
}

/* Return: bytes put in buf; 0: none yet; -EPIPE: none will come */
static ssize_t rf_take(struct rf_reader *r, u8 *buf, size_t len)
{
	unsigned int id = rf_stream_ring[r->stream];
	struct rf_subos *s = r->s;
	struct rf_end *end = &s->end[id];
	bool over = rf_over(s);		/* before looking for bytes */
	u64 n;

	lockdep_assert_held(&s->drain);
	if (r->stream == RF_STREAM_CONSOLE) {
		struct rf_history *h = &s->history;

		if (s->desc && s->generation)
			rf_console_drain(s, false);
		if (h->head - r->pos > RF_CONSOLE_HISTORY)
			r->pos = h->head - RF_CONSOLE_HISTORY;
		n = min_t(u64, len, h->head - r->pos);
		for (u64 i = 0; i < n; i++)
			buf[i] = h->data[(r->pos + i) % RF_CONSOLE_HISTORY];
		r->pos += n;
		if (!n && (s->dead || (!rf_state_alive(s->state) &&
				       !(r->flags & RF_ATTACH_FOLLOW))))
			return -EPIPE;
		return n;
	}
	if (s->desc && s->generation) {
		struct rf_ring *ring = rf_ring_of(s, id);
		bool closed = smp_load_acquire(&ring->flags) & RF_RING_CLOSED;

		n = min_t(u64, len, rf_ring_used(s, id));
		if (n) {
			rf_ring_copy_out(s, id, end->pos, buf, n);
			rf_ring_consumed(s, id, n);
		} else {
			WRITE_ONCE(ring->notify, 1);
			smp_mb(); /* notify before head: pairs with the writer */
			if (rf_ring_used(s, id))
				return 0;	/* now there is: asked again at once */
			if (closed || over)
				return -EPIPE;
		}
		return n;
	}
	n = min_t(u64, len, end->rest_len - end->pos);
	if (end->rest && n) {
		memcpy(buf, end->rest + end->pos, n);
		end->pos += n;
		return n;
	}
	return s->dead ? -EPIPE : 0;
}

/* The condition takes a mutex: it can't be wait_event()'s, which would nest */
static long rf_wait_for(struct rf_reader *r, bool (*ready)(struct rf_reader *))
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	long left = HZ / 10;

	add_wait_queue(&r->s->wait, &wait);
	if (!ready(r) && !signal_pending(current))
		left = wait_woken(&wait, TASK_INTERRUPTIBLE, left);
	remove_wait_queue(&r->s->wait, &wait);
	return signal_pending(current) ? -ERESTARTSYS : left;
}

/* Would a read not wait? Bytes, or the end. */
static bool rf_dev_readable(struct rf_reader *r)
{
	unsigned int id = rf_stream_ring[r->stream];
	struct rf_subos *s = r->s;
	bool yes;

	mutex_lock(&s->drain);
	if (r->stream == RF_STREAM_CONSOLE) {
		yes = s->history.head != r->pos || s->dead ||
		      (!rf_state_alive(s->state) && !(r->flags & RF_ATTACH_FOLLOW));
	} else if (s->desc && s->generation) {
		WRITE_ONCE(rf_ring_of(s, id)->notify, 1);
		smp_mb(); /* notify before head: pairs with the writer */
		yes = rf_over(s) || rf_ring_used(s, id) ||
		      (READ_ONCE(rf_ring_of(s, id)->flags) & RF_RING_CLOSED);
	} else {
		yes = s->dead;
	}
	mutex_unlock(&s->drain);
	return yes;
}

static ssize_t rf_dev_read(struct file *file, char __user *to, size_t len, loff_t *ppos)
{
	struct rf_reader *r = file->private_data;
	struct rf_subos *s = smp_load_acquire(&r->s);
	ssize_t n = 0;
	u8 *buf;

	if (!s || r->stream == RF_STREAM_STDIN)
		return -EINVAL;
	if (!len)
		return 0;
	len = min_t(size_t, len, RF_COPY_MAX);
	buf = kmalloc(len, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	for (;;) {
		mutex_lock(&s->drain);
		n = rf_take(r, buf, len);
		mutex_unlock(&s->drain);
		if (n || (file->f_flags & O_NONBLOCK) || signal_pending(current))
			break;
		/* the watcher wakes us; the timeout is for a doorbell that is lost */
		rf_wait_for(r, rf_dev_readable);
	}
	if (n == -EPIPE)
		n = 0;
	else if (!n)
		n = signal_pending(current) ? -ERESTARTSYS : -EAGAIN;
	else if (copy_to_user(to, buf, n))
		n = -EFAULT;
	kfree(buf);
	return n;
}

/* Room in a ring whose consumer is the subOS */
static u64 rf_ring_room(struct rf_subos *s, unsigned int id)
{
	u64 used = s->end[id].pos - smp_load_acquire(&rf_ring_of(s, id)->tail);

	return rf_ring_cap(id) - min(used, rf_ring_cap(id));
}

/* Return: bytes taken from buf; 0: no room yet; -EPIPE: nobody will read them */
static ssize_t rf_give(struct rf_reader *r, const u8 *buf, size_t len)
{
	unsigned int id = r->stream == RF_STREAM_CONSOLE ? RF_RING_CONSOLE_IN : RF_RING_STDIN;
	struct rf_subos *s = r->s;
	struct rf_ring *ring;
	u64 n, cap = rf_ring_cap(id);

	lockdep_assert_held(&s->drain);
	if (rf_over(s) || s->dead)
		return -EPIPE;
	if (!s->desc || !rf_state_alive(s->state))
		return 0;	/* not started yet */
	ring = rf_ring_of(s, id);
	n = min_t(u64, len, rf_ring_room(s, id));
	if (!n) {
		WRITE_ONCE(ring->waiting, 1);
		smp_mb(); /* waiting before tail: pairs with the reader */
		n = min_t(u64, len, rf_ring_room(s, id));
		if (!n)
			return 0;
	}
	for (u64 i = 0; i < n; i++)
		ring->data[(s->end[id].pos + i) % cap] = buf[i];
	s->end[id].pos += n;
	smp_store_release(&ring->head, s->end[id].pos);
	rf_ring(s->res.cpus[0].apicid);
	return n;
}

static bool rf_dev_writable(struct rf_reader *r)
{
	unsigned int id = r->stream == RF_STREAM_CONSOLE ? RF_RING_CONSOLE_IN : RF_RING_STDIN;
	struct rf_subos *s = r->s;
	bool yes;

	mutex_lock(&s->drain);
	yes = rf_over(s) || s->dead ||
	      (s->desc && rf_state_alive(s->state) && rf_ring_room(s, id));
	if (!yes && s->desc && rf_state_alive(s->state)) {
		WRITE_ONCE(rf_ring_of(s, id)->waiting, 1);
		smp_mb(); /* waiting before tail: pairs with the reader */
		yes = rf_ring_room(s, id);
	}
	mutex_unlock(&s->drain);
	return yes;
}

static ssize_t rf_dev_write(struct file *file, const char __user *from, size_t len, loff_t *ppos)
{
	struct rf_reader *r = file->private_data;
	struct rf_subos *s = smp_load_acquire(&r->s);
	ssize_t n;
	u8 *buf;

	if (!s || (r->stream != RF_STREAM_CONSOLE && r->stream != RF_STREAM_STDIN))
		return -EINVAL;
	if (!len)
		return 0;
	len = min_t(size_t, len, RF_COPY_MAX);
	buf = memdup_user(from, len);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	for (;;) {
		mutex_lock(&s->drain);
		n = rf_give(r, buf, len);
		mutex_unlock(&s->drain);
		if (n || (file->f_flags & O_NONBLOCK))
			break;
		if (rf_wait_for(r, rf_dev_writable) < 0) {
			n = -ERESTARTSYS;
			break;
		}
	}
	kfree(buf);
	return n ?: -EAGAIN;
}

static __poll_t rf_dev_poll(struct file *file, poll_table *wait)
{
	struct rf_reader *r = file->private_data;
	struct rf_subos *s = smp_load_acquire(&r->s);
	__poll_t mask = 0;

	if (!s)
		return EPOLLERR;
	poll_wait(file, &s->wait, wait);
	if (r->stream != RF_STREAM_STDIN && rf_dev_readable(r))
		mask |= EPOLLIN | EPOLLRDNORM;
	if ((r->stream == RF_STREAM_STDIN || r->stream == RF_STREAM_CONSOLE) && rf_dev_writable(r))
		mask |= EPOLLOUT | EPOLLWRNORM;
	if (r->stream == RF_STREAM_STDIN && rf_over(s))
		mask |= EPOLLERR;
	return mask;
}

static const struct file_operations rf_dev_fops = {
	.owner		= THIS_MODULE,
	.open		= rf_dev_open,
	.release	= rf_dev_release,
	.unlocked_ioctl	= rf_dev_ioctl,
	.read		= rf_dev_read,
	.write		= rf_dev_write,
	.poll		= rf_dev_poll,
};

static struct miscdevice rf_dev = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "rainforest",
	.fops	= &rf_dev_fops,
	.mode	= 0600,
};

int rf_console_init(void)
{
	return misc_register(&rf_dev);
}

void rf_console_exit(void)
{
	struct rf_subos *s, *tmp;

	misc_deregister(&rf_dev);
	list_for_each_entry_safe(s, tmp, &rf_ghosts, ghost) {
		list_del(&s->ghost);
		rf_subos_put(s);
	}
	rf_nr_ghosts = 0;
}
