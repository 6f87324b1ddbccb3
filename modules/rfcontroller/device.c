// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/rainforest: who reads and writes the consoles and streams of subOSes, and
 * where dumps begin (dump.c).
 * See console.c for the rings, which are not believed here either.
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

struct rf_reader {
	struct mutex lock;	/* of attaching, once */
	struct rf_subos *s;
	u32 stream;
	u32 flags;
	u64 pos;		/* console */
	u8 *previous;		/* RF_ATTACH_PREVIOUS: all there is to read */
	size_t previous_len;
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
	kvfree(r->previous);
	kfree(r);
	return 0;
}

static int rf_attach(struct rf_reader *r, struct rf_attach *a)
{
	struct rf_subos *s;
	int err = 0;

	if (a->stream >= ARRAY_SIZE(rf_stream_ring) || strnlen(a->name, 64) == 64 ||
	    (a->flags & ~(RF_ATTACH_FOLLOW | RF_ATTACH_END | RF_ATTACH_LAST |
			  RF_ATTACH_PREVIOUS)) ||
	    ((a->flags & RF_ATTACH_PREVIOUS) && (a->flags & (RF_ATTACH_FOLLOW | RF_ATTACH_END))) ||
	    (a->flags && a->stream != RF_STREAM_CONSOLE))
		return -EINVAL;
	s = rf_subos_find(a->name);
	if (!s && (a->flags & RF_ATTACH_LAST))
		s = rf_console_ghost(a->name);
	if (!s)
		return -ENOENT;

	mutex_lock(&s->drain);
	if (a->flags & RF_ATTACH_PREVIOUS) {
		r->previous = rf_console_previous(s, &r->previous_len);
		a->lost = 0;
		err = r->previous ? 0 : r->previous_len ? -ENOMEM : -ENODATA;
	} else if (a->stream == RF_STREAM_CONSOLE) {
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

	if (cmd == RF_IOC_DUMP)
		return rf_dump_ioctl((struct rf_dump __user *)arg);
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
	if (r->previous) {
		n = min_t(u64, len, r->previous_len - r->pos);
		memcpy(buf, r->previous + r->pos, n);
		r->pos += n;
		return n ?: -EPIPE;
	}
	if (r->stream == RF_STREAM_CONSOLE) {
		struct rf_history *h = &s->history;

		if (s->desc && s->generation)
			rf_console_drain(s);
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
	if (r->previous) {
		yes = true;
	} else if (r->stream == RF_STREAM_CONSOLE) {
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

	if (!s || r->previous || (r->stream != RF_STREAM_CONSOLE && r->stream != RF_STREAM_STDIN))
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

int rf_device_init(void)
{
	return misc_register(&rf_dev);
}

void rf_device_exit(void)
{
	misc_deregister(&rf_dev);
	rf_console_free_ghosts();
}
