// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/rf_hosts: a hosts file that is always current. What is written to it comes
 * first when it is read; then all kernels of the machine with their addresses. rf-init
 * puts it in the place of /etc/hosts.
 */
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <net/ipv6.h>

#include "rfloop.h"

#define RF_HOSTS_MAX	(64 * 1024)

static char *rf_hosts;		/* what was written */
static size_t rf_hosts_len;
static DEFINE_MUTEX(rf_hosts_lock);

/* Does a name make a line of a hosts file, and nothing else? */
static bool rf_hosts_name(const char *name)
{
	for (; *name; name++)
		if (!isalnum(*name) && !strchr("-._", *name))
			return false;
	return true;
}

static void rf_hosts_line(struct seq_file *seq, const struct rf_addr *a,
			  const struct rf_loop_kernel *k)
{
	if (!rf_hosts_name(k->name) || !rf_hosts_name(k->host))
		return;
	if (a->family == 4)
		seq_printf(seq, "%pI4", &a->addr.s6_addr32[3]);
	else
		seq_printf(seq, "%pI6c", &a->addr);
	if (k->host[0] && strcmp(k->host, k->name))
		seq_printf(seq, "\t%s", k->host);
	seq_printf(seq, "\t%s\n", k->name);
}

static void rf_hosts_map(struct seq_file *seq, const struct rf_map *m)
{
	for (unsigned int i = 0; i < m->nr_kernels; i++) {
		const struct rf_loop_kernel *k = &m->kernel[i];
		const struct rf_slot *s = rf_slot_of(k->id);

		if (!s && k->id != rf_own_id())
			continue;
		for (unsigned int j = 0; j < m->nr_addresses; j++) {
			const struct rf_addr *a = &m->addr[j];

			if (a->slot == (s ? s - rf_slots : -1) &&
			    !(ipv6_addr_type(&a->addr) & IPV6_ADDR_LINKLOCAL))
				rf_hosts_line(seq, a, k);
		}
	}
}

static int rf_hosts_show(struct seq_file *seq, void *unused)
{
	const struct rf_map *m;

	mutex_lock(&rf_hosts_lock);
	seq_write(seq, rf_hosts, rf_hosts_len);
	if (rf_hosts_len && rf_hosts[rf_hosts_len - 1] != '\n')
		seq_putc(seq, '\n');
	mutex_unlock(&rf_hosts_lock);
	guard(rcu)();
	m = rcu_dereference(rf_map);
	if (m)
		rf_hosts_map(seq, m);
	return 0;
}

static int rf_hosts_open(struct inode *inode, struct file *file)
{
	if (file->f_flags & O_TRUNC && file->f_mode & FMODE_WRITE) {
		guard(mutex)(&rf_hosts_lock);
		rf_hosts_len = 0;
	}
	return single_open(file, rf_hosts_show, NULL);
}

/* At the end, wherever the writer is: what there is of the kernels is no text of his */
static ssize_t rf_hosts_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	guard(mutex)(&rf_hosts_lock);
	if (len > RF_HOSTS_MAX - rf_hosts_len)
		return -ENOSPC;
	if (copy_from_user(rf_hosts + rf_hosts_len, buf, len))
		return -EFAULT;
	rf_hosts_len += len;
	*pos += len;
	return len;
}

static const struct proc_ops rf_hosts_ops = {
	.proc_open	= rf_hosts_open,
	.proc_read	= seq_read,
	.proc_write	= rf_hosts_write,
	.proc_lseek	= seq_lseek,
	.proc_release	= single_release,
};

int rf_hosts_init(void)
{
	rf_hosts = kvmalloc(RF_HOSTS_MAX, GFP_KERNEL);
	if (!rf_hosts)
		return -ENOMEM;
	if (proc_create("rf_hosts", 0644, NULL, &rf_hosts_ops))
		return 0;
	kvfree(rf_hosts);
	return -ENOMEM;
}

void rf_hosts_exit(void)
{
	remove_proc_entry("rf_hosts", NULL);
	kvfree(rf_hosts);
}
