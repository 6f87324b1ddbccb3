// SPDX-License-Identifier: GPL-2.0
/*
 * FICM by the clock, and what it is compared with. The same module in the
 * supervisor and in the subOS. /sys/kernel/debug/rf_ficm_bench/run takes one of
 * the below, works it off, and out has the samples, in ns, one a line:
 *
 *   smp CPU N US	smp_call_function_single(), after US microseconds of sleep
 *   ping NAME N US	FICM's round trip, likewise: the answer is polled for, as
 *			smp_call_function_single() polls for the end of the call
 *   line CPU N		round trips of a cache line between two threads that poll
 *   lines CPU N		the same with a line each way, as any two rings have: who
 *			polls a line has not written it, and pays for a copy each time
 *   pong NAME N	round trips of a full message when both poll: we here, NAME's read
 *			thread there; each a mean of 100, as line's
 *   rate NAME N BATCH	N messages one way, BATCH with one doorbell at most: ns a
 *			message, from the first until the last was received
 *   poll NAME US	let NAME's read thread poll on for so long after a message
 */
#define pr_fmt(fmt) "rf_ficm_bench: " fmt

#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/uaccess.h>

#include <rf/ficm.h>

#define PORT		(RF_PORT_FREE + 2)
#define SAMPLES		4096
#define MEAN_OF		100

enum { COUNTED, LAST, SEEN, POLL, BALL, BACK };

static u64 samples[SAMPLES];
static unsigned int nr_samples;
static DEFINE_MUTEX(run_lock);
static DECLARE_COMPLETION(seen);
static u32 back;
static struct dentry *dir;

static void receive(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg, void *ctx)
{
	switch (msg->type) {
	case BALL:
		rf_ficm_post(ch, PORT, BACK, msg->data, RF_MSG_DATA);
		break;
	case BACK:
		WRITE_ONCE(back, back + 1);
		break;
	case LAST:
		rf_ficm_post(ch, PORT, SEEN, NULL, 0);
		break;
	case SEEN:
		complete(&seen);
		break;
	case POLL:
		rf_ficm_set_poll(*(const u32 *)msg->data);
		rf_ficm_post(ch, PORT, SEEN, NULL, 0);
		break;
	}
}

static const struct rf_ficm_service service = {
	.receive = receive, .flags = RF_FICM_IRQ,
};

static void sample(u64 ns)
{
	if (nr_samples < SAMPLES)
		samples[nr_samples++] = ns;
}

static void rest(unsigned int us)
{
	if (us)
		usleep_range(us, us + us / 4);
}

static void nothing(void *unused)
{
}

static int smp(unsigned int cpu, unsigned int n, unsigned int us)
{
	for (unsigned int i = 0; i < n; i++) {
		u64 t;
		int err;

		rest(us);
		t = ktime_get_ns();
		err = smp_call_function_single(cpu, nothing, NULL, 1);
		if (err)
			return err;
		sample(ktime_get_ns() - t);
	}
	return 0;
}

static int ping(struct rf_ficm_channel *ch, unsigned int n, unsigned int us)
{
	for (unsigned int i = 0; i < n; i++) {
		u64 ns;
		int err;

		rest(us);
		err = rf_ficm_ping(ch, 1000, true, &ns);
		if (err)
			return err;
		sample(ns);
	}
	return 0;
}

/* To and fro, MEAN_OF times */
static int pong_once(struct rf_ficm_channel *ch)
{
	static const u8 data[RF_MSG_DATA];
	u64 start = ktime_get_ns();

	for (unsigned int k = 0; k < MEAN_OF; k++) {
		u32 want = back + 1;
		int err = rf_ficm_send(ch, PORT, BALL, data, RF_MSG_DATA);

		if (err)
			return err;
		for (unsigned int looks = 1; READ_ONCE(back) != want; looks++) {
			if (rf_ficm_busy_look(ch))
				continue;
			cpu_relax();
			if (!(looks % 1024) && ktime_get_ns() - start > 10 * NSEC_PER_SEC)
				return -ETIMEDOUT;
		}
	}
	sample((ktime_get_ns() - start) / MEAN_OF);
	return 0;
}

static int pong(struct rf_ficm_channel *ch, unsigned int n)
{
	int err = 0;

	rf_ficm_busy_begin(ch);
	for (unsigned int i = 0; i < n && !err; i++)
		err = pong_once(ch);
	rf_ficm_busy_end(ch);
	return err;
}

static struct {
	u32 ball ____cacheline_aligned;
	u32 back ____cacheline_aligned;
	u32 stop ____cacheline_aligned;
	bool two;
} line_of;

static int other_end(void *unused)
{
	u32 *back = line_of.two ? &line_of.back : &line_of.ball, last = 0;

	while (!READ_ONCE(line_of.stop)) {
		u32 ball = smp_load_acquire(&line_of.ball);

		if ((ball & 1) && ball != last)
			smp_store_release(back, ball + 1);
		else
			cpu_relax();
		last = ball;
	}
	while (!kthread_should_stop())
		msleep(1);
	return 0;
}

static int line(unsigned int cpu, unsigned int n, bool two)
{
	u32 *back = two ? &line_of.back : &line_of.ball;
	struct task_struct *t = kthread_create(other_end, NULL, "rf_ficm_bench");
	u32 ball = 0;

	if (IS_ERR(t))
		return PTR_ERR(t);
	line_of.ball = 0;
	line_of.back = 0;
	line_of.stop = 0;
	line_of.two = two;
	kthread_bind(t, cpu);
	wake_up_process(t);
	for (unsigned int i = 0; i <= n; i++) {
		u64 start = ktime_get_ns();

		for (unsigned int k = 0; k < MEAN_OF; k++) {
			smp_store_release(&line_of.ball, ++ball);
			ball++;
			while (smp_load_acquire(back) != ball)
				cpu_relax();
		}
		if (i)		/* the first was for the other to come */
			sample((ktime_get_ns() - start) / MEAN_OF);
	}
	WRITE_ONCE(line_of.stop, 1);
	return kthread_stop(t);
}

static int answered(void)
{
	return wait_for_completion_timeout(&seen, 30 * HZ) ? 0 : -ETIMEDOUT;
}

static int rate(struct rf_ficm_channel *ch, unsigned int n, unsigned int batch)
{
	static u8 data[32][RF_MSG_DATA];
	u64 start = ktime_get_ns();
	int err;

	reinit_completion(&seen);
	for (unsigned int sent = 0; sent < n; ) {
		err = rf_ficm_send_bulk(ch, PORT, COUNTED, data, RF_MSG_DATA,
					min3(n - sent, batch, 32U));
		if (err == -EAGAIN)	/* wait as a sender would: for the doorbell */
			err = rf_ficm_send_timeout(ch, PORT, COUNTED, data, RF_MSG_DATA, 10000) ?: 1;
		if (err < 0)
			return err;
		sent += err;
	}
	err = rf_ficm_send_timeout(ch, PORT, LAST, NULL, 0, 10000) ?: answered();
	if (!err)
		sample((ktime_get_ns() - start) / n);
	return err;
}

static int poll(struct rf_ficm_channel *ch, u32 us)
{
	reinit_completion(&seen);
	return rf_ficm_send_timeout(ch, PORT, POLL, &us, sizeof(us), 1000) ?: answered();
}

static int run(const char *text)
{
	char verb[8], who[64];
	unsigned int n, more = 0, cpu;
	struct rf_ficm_channel *ch;
	int err;

	nr_samples = 0;
	if (sscanf(text, "%7s %63s %u %u", verb, who, &n, &more) < 3)
		return -EINVAL;
	if (!strcmp(verb, "smp") || !strcmp(verb, "line") || !strcmp(verb, "lines")) {
		err = kstrtouint(who, 0, &cpu);
		if (err || cpu >= nr_cpu_ids)
			return -EINVAL;
		return verb[0] == 's' ? smp(cpu, n, more) : line(cpu, n, verb[4]);
	}
	ch = rf_ficm_find(who);
	if (!ch)
		return -ENOENT;
	err = -EINVAL;
	if (!strcmp(verb, "ping"))
		err = ping(ch, n, more);
	else if (!strcmp(verb, "pong"))
		err = pong(ch, n);
	else if (!strcmp(verb, "rate"))
		err = rate(ch, n, more);
	else if (!strcmp(verb, "poll"))
		err = poll(ch, n);
	rf_ficm_put(ch);
	return err;
}

static ssize_t run_write(struct file *file, const char __user *from, size_t len, loff_t *ppos)
{
	char *text = memdup_user_nul(from, len);
	int err;

	if (IS_ERR(text))
		return PTR_ERR(text);
	mutex_lock(&run_lock);
	err = run(text);
	mutex_unlock(&run_lock);
	kfree(text);
	return err ?: len;
}

static const struct file_operations run_fops = {
	.owner = THIS_MODULE, .open = simple_open, .write = run_write,
};

static int out_show(struct seq_file *m, void *unused)
{
	guard(mutex)(&run_lock);
	for (unsigned int i = 0; i < nr_samples; i++)
		seq_printf(m, "%llu\n", samples[i]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(out);

static int __init bench_init(void)
{
	int err = rf_ficm_register(PORT, &service);

	if (err)
		return err;
	dir = debugfs_create_dir("rf_ficm_bench", NULL);
	debugfs_create_file("run", 0200, dir, NULL, &run_fops);
	debugfs_create_file("out", 0400, dir, NULL, &out_fops);
	pr_info("ready\n");
	return 0;
}

static void __exit bench_exit(void)
{
	debugfs_remove_recursive(dir);
	rf_ficm_unregister(PORT);
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("FICM by the clock");
MODULE_IMPORT_NS(RAINFOREST);
