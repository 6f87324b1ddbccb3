// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/rf-stdin, /dev/rf-stdout, /dev/rf-stderr: pipes whose other end is in
 * the supervisor; and /dev/rf-ctl, by which PID 1 and the supervisor talk.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/uaccess.h>

#include <asm/msr.h>

#include "suboscon.h"

struct rf_stream {
	struct miscdevice dev;
	unsigned int ring;
	bool out;
	atomic_t opens;
	struct mutex lock;	/* one reader or writer at a time */
};

static struct rf_stream rf_streams[] = {
	{ .dev.name = "rf-stdin",  .ring = RF_RING_STDIN },
	{ .dev.name = "rf-stdout", .ring = RF_RING_STDOUT, .out = true },
	{ .dev.name = "rf-stderr", .ring = RF_RING_STDERR, .out = true },
};

static struct rf_ring *rf_ring_of(const struct rf_stream *st)
{
	return rf_ring_at(st->ring);
}

static u64 rf_cap(const struct rf_stream *st)
{
	return rainforest_desc->ring[st->ring].size - sizeof(struct rf_ring);
}

static struct rf_stream *rf_stream_of(struct file *file)
{
	return container_of(file->private_data, struct rf_stream, dev);
}

static int rf_open(struct inode *inode, struct file *file)
{
	atomic_inc(&rf_stream_of(file)->opens);
	return stream_open(inode, file);
}

/* The last close of an output is its end */
static int rf_release(struct inode *inode, struct file *file)
{
	struct rf_stream *st = rf_stream_of(file);

	if (atomic_dec_and_test(&st->opens) && st->out) {
		smp_store_release(&rf_ring_of(st)->flags, RF_RING_CLOSED);
		rainforest_ring_supervisor();
	}
	return 0;
}

static u64 rf_used(const struct rf_stream *st)
{
	struct rf_ring *ring = rf_ring_of(st);

	return st->out ? ring->head - smp_load_acquire(&ring->tail) :
			 smp_load_acquire(&ring->head) - ring->tail;
}

static bool rf_ready(const struct rf_stream *st)
{
	if (st->out)
		return rf_used(st) < rf_cap(st);
	return rf_used(st) || (READ_ONCE(rf_ring_of(st)->flags) & RF_RING_CLOSED);
}

/*
 * Wait for bytes or room. The supervisor rings; the timeout is for a lost bell.
 * Return: 0; -EAGAIN; -ERESTARTSYS; -EHOSTDOWN: neither, and nobody to make it.
 */
static int rf_wait(struct rf_stream *st, struct file *file)
{
	struct rf_ring *ring = rf_ring_of(st);

	while (!rf_ready(st)) {
		long left;

		if (READ_ONCE(rf_supervisor_silent))
			return -EHOSTDOWN;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (st->out)
			WRITE_ONCE(ring->waiting, 1);
		smp_mb(); /* waiting before tail: pairs with the reader */
		left = wait_event_interruptible_timeout(rf_doorbell_wait,
							rf_ready(st) ||
							READ_ONCE(rf_supervisor_silent), HZ / 10);
		if (left < 0)
			return left;
	}
	return 0;
}

/* Another may hold it while he waits for bytes or room */
static int rf_lock(struct rf_stream *st, struct file *file)
{
	if (file->f_flags & O_NONBLOCK)
		return mutex_trylock(&st->lock) ? 0 : -EAGAIN;
	return mutex_lock_interruptible(&st->lock) ? -ERESTARTSYS : 0;
}

static ssize_t rf_read(struct file *file, char __user *to, size_t len, loff_t *ppos)
{
	struct rf_stream *st = rf_stream_of(file);
	struct rf_ring *ring = rf_ring_of(st);
	u64 n, at, cap = rf_cap(st);
	int err;

	if (st->out)
		return -EBADF;
	err = rf_lock(st, file);
	if (err)
		return err;
	err = rf_wait(st, file);
	/* no end: what has come would be taken for all of it */
	if (err == -EHOSTDOWN)
		err = -EIO;
	if (err)
		goto out;
	at = ring->tail % cap;
	n = min3((u64)len, rf_used(st), cap - at);
	if (copy_to_user(to, ring->data + at, n)) {
		err = -EFAULT;
		goto out;
	}
	smp_store_release(&ring->tail, ring->tail + n);
	smp_mb(); /* tail before waiting: pairs with the supervisor's write */
	if (READ_ONCE(ring->waiting) && xchg(&ring->waiting, 0))
		rainforest_ring_supervisor();
out:
	mutex_unlock(&st->lock);
	return err ?: n;
}

/*
 * The supervisor is dead or hangs, and the program goes on: what it says is in
 * the log and on the console, whose ring nobody waits for. Return: bytes, -EFAULT.
 */
static ssize_t rf_spill(const struct rf_stream *st, const char __user *from, size_t len)
{
	char line[256];

	len = min(len, sizeof(line));
	if (copy_from_user(line, from, len))
		return -EFAULT;
	pr_warn("%s: %.*s\n", st->dev.name, (int)len, line);
	return len;
}

static ssize_t rf_write(struct file *file, const char __user *from, size_t len, loff_t *ppos)
{
	struct rf_stream *st = rf_stream_of(file);
	struct rf_ring *ring = rf_ring_of(st);
	u64 cap = rf_cap(st);
	size_t done = 0;
	int err;

	if (!st->out)
		return -EBADF;
	err = rf_lock(st, file);
	if (err)
		return err;
	ring->flags = 0;
	while (done < len) {
		u64 at = ring->head % cap, n;

		err = rf_wait(st, file);
		if (err == -EHOSTDOWN) {
			ssize_t spilt = rf_spill(st, from + done, len - done);

			err = min_t(ssize_t, spilt, 0);
			if (err)
				break;
			done += spilt;
			continue;
		}
		if (err)
			break;
		n = min3((u64)(len - done), cap - rf_used(st), cap - at);
		if (copy_from_user(ring->data + at, from + done, n)) {
			err = -EFAULT;
			break;
		}
		smp_store_release(&ring->head, ring->head + n);
		done += n;
		smp_mb(); /* head before notify: pairs with the supervisor's read */
		if (READ_ONCE(ring->notify) && xchg(&ring->notify, 0))
			rainforest_ring_supervisor();
	}
	mutex_unlock(&st->lock);
	return done ?: err;
}

/* So that what was written has been taken before the subOS goes: fsync() */
static int rf_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	return 0;	/* the supervisor takes what is in the rings when we are gone */
}

static __poll_t rf_poll(struct file *file, poll_table *wait)
{
	struct rf_stream *st = rf_stream_of(file);

	poll_wait(file, &rf_doorbell_wait, wait);
	if (st->out && !rf_ready(st)) {
		WRITE_ONCE(rf_ring_of(st)->waiting, 1);
		smp_mb(); /* waiting before tail: pairs with the reader */
	}
	if (rf_ready(st))
		return st->out ? EPOLLOUT | EPOLLWRNORM : EPOLLIN | EPOLLRDNORM;
	if (!READ_ONCE(rf_supervisor_silent))
		return 0;
	return st->out ? EPOLLOUT | EPOLLWRNORM : EPOLLIN | EPOLLRDNORM | EPOLLERR;
}

static const struct file_operations rf_stream_fops = {
	.owner		= THIS_MODULE,
	.open		= rf_open,
	.release	= rf_release,
	.read		= rf_read,
	.write		= rf_write,
	.fsync		= rf_fsync,
	.poll		= rf_poll,
};

/* ---- /dev/rf-ctl ---- */

static ssize_t rf_ctl_write(struct file *file, const char __user *from, size_t len, loff_t *ppos)
{
	char word[32];
	unsigned int status;

	if (len >= sizeof(word))
		return -EINVAL;
	if (copy_from_user(word, from, len))
		return -EFAULT;
	word[len] = 0;
	strim(word);
	if (!strcmp(word, "ready")) {
		rainforest_desc->stamp[4] = rdtsc_ordered();
		smp_store_release(&rainforest_desc->state, RF_BOOT_USER);
	} else if (sscanf(word, "exited %u", &status) == 1 && status < 256) {
		rainforest_desc->exit_status = status;
		smp_store_release(&rainforest_desc->exited, 1);
	} else {
		return -EINVAL;
	}
	rainforest_ring_supervisor();
	return len;
}

static ssize_t rf_ctl_read(struct file *file, char __user *to, size_t len, loff_t *ppos)
{
	static const char stop[] = "stop\n";

	if (len < sizeof(stop) - 1)
		return -EINVAL;
	if (!READ_ONCE(rainforest_desc->stop)) {
		long left = -EAGAIN;

		if (!(file->f_flags & O_NONBLOCK))
			left = wait_event_interruptible(rf_doorbell_wait,
							READ_ONCE(rainforest_desc->stop));
		if (left)
			return left;
	}
	return copy_to_user(to, stop, sizeof(stop) - 1) ? -EFAULT : sizeof(stop) - 1;
}

static __poll_t rf_ctl_poll(struct file *file, poll_table *wait)
{
	poll_wait(file, &rf_doorbell_wait, wait);
	return EPOLLOUT | (READ_ONCE(rainforest_desc->stop) ? EPOLLIN | EPOLLRDNORM : 0);
}

static const struct file_operations rf_ctl_fops = {
	.owner	= THIS_MODULE,
	.open	= stream_open,
	.read	= rf_ctl_read,
	.write	= rf_ctl_write,
	.poll	= rf_ctl_poll,
};

static struct miscdevice rf_ctl = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "rf-ctl",
	.fops	= &rf_ctl_fops,
	.mode	= 0600,
};

int rf_stream_init(void)
{
	int i, err;

	err = misc_register(&rf_ctl);
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(rf_streams); i++) {
		mutex_init(&rf_streams[i].lock);
		rf_streams[i].dev.minor = MISC_DYNAMIC_MINOR;
		rf_streams[i].dev.fops = &rf_stream_fops;
		rf_streams[i].dev.mode = 0666;	/* like pipes that were inherited */
		err = misc_register(&rf_streams[i].dev);
		if (err)
			goto err_deregister;
	}
	return 0;

err_deregister:
	while (i--)
		misc_deregister(&rf_streams[i].dev);
	misc_deregister(&rf_ctl);
	return err;
}

void rf_stream_exit(void)
{
	for (int i = 0; i < ARRAY_SIZE(rf_streams); i++)
		misc_deregister(&rf_streams[i].dev);
	misc_deregister(&rf_ctl);
}
