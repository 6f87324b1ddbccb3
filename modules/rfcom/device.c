// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/rfcom: RFcom for programs. Who may open it gets, by ioctl, descriptors of
 * channels and listeners; each has an inode of its own, so that what it maps can
 * be taken away without touching others. See linux/rfcom.h.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/uaccess.h>

#include "internal.h"

/* ---- channels and listeners ---- */

static int rf_fd_wait(const struct kiocb *iocb)
{
	return (iocb->ki_filp->f_flags & O_NONBLOCK) || (iocb->ki_flags & IOCB_NOWAIT) ?
	       0 : RF_FOREVER;
}

static ssize_t rf_fd_read(struct kiocb *iocb, struct iov_iter *to)
{
	return rf_com_read(iocb->ki_filp->private_data, to, rf_fd_wait(iocb));
}

static ssize_t rf_fd_write(struct kiocb *iocb, struct iov_iter *from)
{
	return rf_com_write(iocb->ki_filp->private_data, from, rf_fd_wait(iocb));
}

static __poll_t rf_fd_poll(struct file *file, poll_table *wait)
{
	struct rf_com *c = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &c->wait, wait);
	if (READ_ONCE(c->state) == RF_IS_LISTENING)
		return READ_ONCE(c->waiting) ? EPOLLIN | EPOLLRDNORM : 0;
	if (rf_com_readable(c))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (rf_com_writable(c))
		mask |= EPOLLOUT | EPOLLWRNORM;
	if (READ_ONCE(c->ended))
		mask |= EPOLLHUP | EPOLLRDHUP;
	if (READ_ONCE(c->error))
		mask |= EPOLLHUP | EPOLLRDHUP | EPOLLERR;
	return mask;
}

static int rf_fd_mmap(struct file *file, struct vm_area_struct *vma)
{
	return rf_com_mmap(file->private_data, vma);
}

static int rf_fd_release(struct inode *inode, struct file *file)
{
	struct rf_com *c = file->private_data;

	down_write(&c->map_lock);	/* who revokes it is done, or finds none */
	c->mapping = NULL;
	up_write(&c->map_lock);
	/* who is killed did not mean to close */
	rf_com_shut(c, (current->flags & PF_EXITING) && (current->exit_code & 0x7f));
	rf_com_put(c);
	return 0;
}

static long rf_fd_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

static const struct file_operations rf_fd_fops = {
	.owner		= THIS_MODULE,
	.read_iter	= rf_fd_read,
	.write_iter	= rf_fd_write,
	.poll		= rf_fd_poll,
	.mmap		= rf_fd_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	.unlocked_ioctl	= rf_fd_ioctl,
	.release	= rf_fd_release,
};

/* A descriptor for a channel or listener, which is the descriptor's from then on */
static int rf_fd_new(struct rf_com *c, u32 flags)
{
	int oflags = O_RDWR | (flags & RF_NONBLOCK ? O_NONBLOCK : 0);
	struct file *file;
	int fd = get_unused_fd_flags(flags & RF_CLOEXEC ? O_CLOEXEC : 0);

	if (fd < 0) {
		rf_close(c);
		return fd;
	}
	file = anon_inode_create_getfile("[rfcom]", &rf_fd_fops, c, oflags, NULL);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		rf_close(c);
		return PTR_ERR(file);
	}
	stream_open(file_inode(file), file);
	down_write(&c->map_lock);
	c->mapping = file->f_mapping;
	up_write(&c->map_lock);
	fd_install(fd, file);
	return fd;
}

static long rf_fd_accept(struct rf_com *l, struct rf_com_ioc_accept __user *arg, bool nonblock)
{
	struct rf_com_ioc_accept a;
	struct rf_com *c;

	if (copy_from_user(&a, arg, sizeof(a)))
		return -EFAULT;
	if ((a.flags & ~(RF_NONBLOCK | RF_CLOEXEC)) || a.pad ||
	    memchr_inv(a.peer, 0, sizeof(a.peer)))
		return -EINVAL;
	c = rf_com_accept(l, nonblock ? 0 : RF_FOREVER);
	if (IS_ERR(c))
		return PTR_ERR(c);
	strscpy(a.peer, c->ch ? rf_ficm_name(c->ch) : rf_com_self_name(), sizeof(a.peer));
	if (copy_to_user(arg, &a, sizeof(a))) {
		rf_close(c);
		return -EFAULT;
	}
	return rf_fd_new(c, a.flags);
}

static long rf_fd_grant(struct rf_com *l, const struct rf_com_ioc_grant __user *arg)
{
	struct rf_com_ioc_grant g;

	if (copy_from_user(&g, arg, sizeof(g)))
		return -EFAULT;
	return g.pad ? -EINVAL : rf_grant(l, g.peer, g.rights);
}

static long rf_fd_info(struct rf_com *c, struct rf_com_ioc_info __user *arg)
{
	bool listens = READ_ONCE(c->state) == RF_IS_LISTENING;
	struct rf_com_ioc_info i = {
		.flags = listens ? RF_LISTEN : 0,
		.rights = c->rights,
		.buffer = c->buffer,
		.next = listens ? 0 : rf_com_next(c),
		.waiting = listens ? c->waiting : c->messages,
		.map = c->share[RF_COM_MAP].gone ? 0 : c->share[RF_COM_MAP].size,
	};

	strscpy(i.name, c->name, sizeof(i.name));
	if (!listens)
		strscpy(i.peer, c->ch ? rf_ficm_name(c->ch) : rf_com_self_name(), sizeof(i.peer));
	return copy_to_user(arg, &i, sizeof(i)) ? -EFAULT : 0;
}

static long rf_fd_map(struct rf_com *c, struct rf_com_ioc_map __user *arg, bool nonblock)
{
	struct rf_com_ioc_map m;
	int err;

	if (copy_from_user(&m, arg, sizeof(m)))
		return -EFAULT;
	if (m.pad)
		return -EINVAL;
	err = rf_com_map(c, &m.size, nonblock ? 0 : RF_FOREVER);
	if (err)
		return err;
	return copy_to_user(arg, &m, sizeof(m)) ? -EFAULT : 0;
}

static long rf_fd_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	bool nonblock = file->f_flags & O_NONBLOCK;
	struct rf_com *c = file->private_data;
	void __user *p = (void __user *)arg;

	switch (cmd) {
	case RF_IOC_ACCEPT:
		return rf_fd_accept(c, p, nonblock);
	case RF_IOC_GRANT:
		return rf_fd_grant(c, p);
	case RF_IOC_INFO:
		return rf_fd_info(c, p);
	case RF_IOC_MAP:
		return rf_fd_map(c, p, nonblock);
	}
	return -ENOTTY;
}

/* ---- /dev/rfcom ---- */

static long rf_gate_open(const struct rf_com_ioc_open __user *arg)
{
	struct rf_com_ioc_open o;
	struct rf_com *c;

	if (copy_from_user(&o, arg, sizeof(o)))
		return -EFAULT;
	if ((o.flags & ~(RF_LISTEN | RF_NONBLOCK | RF_CLOEXEC | RF_WAIT)) ||
	    memchr_inv(o.pad, 0, sizeof(o.pad)) || (o.timeout_ms && !(o.flags & RF_WAIT)) ||
	    strnlen(o.name, sizeof(o.name)) == sizeof(o.name))
		return -EINVAL;
	c = rf_com_open(o.name, o.flags, o.timeout_ms, o.buffer, o.backlog);
	return IS_ERR(c) ? PTR_ERR(c) : rf_fd_new(c, o.flags);
}

static long rf_gate_services(struct rf_com_ioc_service __user *arg)
{
	struct rf_com_ioc_service s;
	int err;

	if (copy_from_user(&s, arg, sizeof(s)))
		return -EFAULT;
	err = rf_registry_list(&s);
	if (err)
		return err;
	return copy_to_user(arg, &s, sizeof(s)) ? -EFAULT : 0;
}

static long rf_gate_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case RF_IOC_OPEN:
		return rf_gate_open((const void __user *)arg);
	case RF_IOC_SERVICES:
		return rf_gate_services((void __user *)arg);
	}
	return -ENOTTY;
}

static const struct file_operations rf_gate_fops = {
	.owner		= THIS_MODULE,
	.open		= nonseekable_open,
	.unlocked_ioctl	= rf_gate_ioctl,
};

static struct miscdevice rf_gate = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "rfcom",
	.fops	= &rf_gate_fops,
	.mode	= 0600,
};

int rf_device_init(void)
{
	return misc_register(&rf_gate);
}

void rf_device_exit(void)
{
	misc_deregister(&rf_gate);
}
