// SPDX-License-Identifier: GPL-2.0
/*
 * subOScon: answering the supervisor. The protocol is in rf/abi/con.h.
 *
 * Requests that may take long are worked on by one thread, in order; those for
 * which there is nothing to do but to look are answered where they arrive.
 */
#include <linux/kthread.h>
#include <linux/memory.h>
#include <linux/rainforest_core.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

#include <rf/ficm.h>

#include "con.h"
#include "suboscon.h"

#define RF_CON_QUEUE	RF_CON_KEEP	/* requests that wait for the thread */

static struct task_struct *rf_con_task;
static DECLARE_WAIT_QUEUE_HEAD(rf_con_wait);

/*
 * The last requests, in a ring: those answered (id != 0, done), the one at work
 * and those that wait. A place is used again when its request is done.
 */
static DEFINE_SPINLOCK(rf_con_lock);
static struct rf_place {
	struct rf_job job;
	bool done;
} rf_places[RF_CON_KEEP];
static unsigned int rf_con_in, rf_con_out;	/* counts; the thread is at out */
static u16 rf_con_version;			/* 0: nothing agreed on */

void rf_job_fail(struct rf_job *job, enum rf_con_status status, const char *fmt, ...)
{
	va_list args;

	job->status = status;
	va_start(args, fmt);
	vscnprintf(job->why, sizeof(job->why), fmt, args);
	va_end(args);
}

/* What went wrong in our kernel, for the supervisor */
void rf_job_errno(struct rf_job *job, int err, const char *what)
{
	job->value[0] = -err;
	switch (err) {
	case -ENOMEM:
		rf_job_fail(job, RF_CON_NOMEM, "%s: no memory", what);
		break;
	case -EBUSY:
	case -EAGAIN:
		rf_job_fail(job, RF_CON_BUSY, "%s: busy", what);
		break;
	case -EINTR:
	case -ERESTARTSYS:
		rf_job_fail(job, RF_CON_LATE, "%s: gave up after %u ms", what,
			    job->req.timeout_ms);
		break;
	default:
		rf_job_fail(job, RF_CON_FAILED, "%s: error %d", what, -err);
	}
}

/* ---- out ---- */

static void rf_con_send(u16 type, const void *data)
{
	struct rf_ficm_channel *ch = rf_ficm_supervisor();

	if (ch)
		rf_ficm_post(ch, RF_CON_PORT, type, data, sizeof(struct rf_con_answer));
}

/* The reason in pieces, then the answer */
static void rf_con_answer(const struct rf_job *job)
{
	struct rf_con_answer a = {
		.id = job->req.id, .op = job->req.op, .status = job->status,
	};
	size_t len = job->status ? strlen(job->why) : 0;

	for (size_t at = 0; at < len; at += RF_CON_TEXT_LEN) {
		struct rf_con_text t = {
			.id = job->req.id, .part = a.texts++,
			.len = min_t(size_t, len - at, RF_CON_TEXT_LEN),
		};

		memcpy(t.text, job->why + at, t.len);
		rf_con_send(RF_CON_TEXT, &t);
	}
	memcpy(a.value, job->value, sizeof(a.value));
	rf_con_send(RF_CON_ANSWER, &a);
}

static void rf_con_hello(struct rf_ficm_channel *ch)
{
	struct rf_con_hello hello = {
		.min = RF_CON_VERSION_MIN,
		.max = RF_CON_VERSION_MAX,
		.features = RF_CON_HAS_CPU | RF_CON_HAS_MEMORY,
		.page_size = PAGE_SIZE,
		.block_size = memory_block_size_bytes(),
	};

	rf_ficm_post(ch, RF_CON_PORT, RF_CON_HELLO, &hello, sizeof(hello));
}

/* ---- in ---- */

/* Without waiting for anything. Return: true when it is answered. */
static bool rf_con_quick(const struct rf_con_request *req)
{
	struct rf_job job = { .req = *req };

	switch (req->op) {
	case RF_CON_PING:
		job.value[0] = req->arg[0];
		break;
	case RF_CON_CPU_ADD:
	case RF_CON_CPU_REMOVE:
	case RF_CON_MEM_ADD:
	case RF_CON_MEM_REMOVE:
		if (!(req->flags & ~RF_CON_FORCE))
			return false;
		rf_job_fail(&job, RF_CON_UNKNOWN, "flags %#x are unknown here", req->flags);
		break;
	default:
		rf_job_fail(&job, RF_CON_UNKNOWN, "operation %u is unknown here", req->op);
	}
	rf_con_answer(&job);
	return true;
}

static void rf_con_request(const struct rf_con_request *req)
{
	struct rf_job *again = NULL;
	struct rf_job busy = { .req = *req };
	struct rf_place *p;
	bool known = false, full;

	spin_lock(&rf_con_lock);
	for (unsigned int i = 0; i < RF_CON_KEEP; i++) {
		p = &rf_places[i];
		if (p->job.req.id != req->id)
			continue;
		known = true;
		if (p->done) {
			again = &busy;
			busy = p->job;
		}
	}
	full = rf_con_in - rf_con_out == RF_CON_QUEUE;
	if (!known && !full) {
		p = &rf_places[rf_con_in++ % RF_CON_KEEP];
		*p = (struct rf_place) { .job.req = *req };
	}
	spin_unlock(&rf_con_lock);

	if (again) {
		rf_con_answer(again);
	} else if (!known && full) {
		rf_job_fail(&busy, RF_CON_BUSY, "%d requests wait already", RF_CON_QUEUE);
		rf_con_answer(&busy);
	} else if (!known) {
		wake_up(&rf_con_wait);
	}
}

/* In the thread that reads the channel; may sleep */
static void rf_con_receive(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg, void *ctx)
{
	struct rf_con_hello hello;
	struct rf_con_request req;

	if (rf_ficm_peer(ch)) {
		rf_ficm_refuse(ch);	/* not the supervisor: nobody else has a say here */
		return;
	}
	if (msg->len != sizeof(req)) {
		rf_ficm_refuse(ch);
		pr_warn_ratelimited("suboscon: control message of %u bytes\n", msg->len);
		return;
	}
	switch (msg->type) {
	case RF_CON_HELLO:
		memcpy(&hello, msg->data, sizeof(hello));
		hello.text[sizeof(hello.text) - 1] = 0;
		WRITE_ONCE(rf_con_version, hello.version);
		if (!hello.version)
			pr_warn("suboscon: the supervisor can't ask us: %s\n", hello.text);
		break;
	case RF_CON_REQUEST:
		memcpy(&req, msg->data, sizeof(req));
		if (!req.id) {
			rf_ficm_refuse(ch);
			pr_warn_ratelimited("suboscon: a request without an id\n");
		} else if (!rf_con_quick(&req)) {
			rf_con_request(&req);
		}
		break;
	default:
		rf_ficm_refuse(ch);
		pr_warn_ratelimited("suboscon: control message of unknown type %u\n", msg->type);
	}
}

static void rf_con_opened(struct rf_ficm_channel *ch, void *ctx)
{
	if (!rf_ficm_peer(ch))
		rf_con_hello(ch);
}

static const struct rf_ficm_service rf_con_service = {
	.receive	= rf_con_receive,
	.opened		= rf_con_opened,
};

/* ---- the thread ---- */

static void rf_con_late(struct timer_list *t)
{
	send_sig(SIGUSR1, rf_con_task, 1);
}

static DEFINE_TIMER(rf_con_timer, rf_con_late);

/*
 * Offlining memory tries until it is signalled: so a signal comes when the time
 * of the request is over.
 */
static void rf_con_work(struct rf_job *job)
{
	if (job->req.timeout_ms)
		mod_timer(&rf_con_timer, jiffies + msecs_to_jiffies(job->req.timeout_ms));
	switch (job->req.op) {
	case RF_CON_CPU_ADD:
		rf_resize_cpu_add(job);
		break;
	case RF_CON_CPU_REMOVE:
		rf_resize_cpu_remove(job);
		break;
	case RF_CON_MEM_ADD:
		rf_resize_mem_add(job);
		break;
	case RF_CON_MEM_REMOVE:
		rf_resize_mem_remove(job);
		break;
	}
	timer_delete_sync(&rf_con_timer);
	flush_signals(current);
}

static int rf_con_thread(void *unused)
{
	allow_signal(SIGUSR1);
	while (!kthread_should_stop()) {
		struct rf_place *p;

		wait_event_idle(rf_con_wait, kthread_should_stop() ||
				READ_ONCE(rf_con_in) != rf_con_out);
		if (kthread_should_stop())
			break;
		/* nobody else writes the place of one that is not done */
		p = &rf_places[rf_con_out % RF_CON_KEEP];
		rf_con_work(&p->job);
		spin_lock(&rf_con_lock);
		p->done = true;
		spin_unlock(&rf_con_lock);
		rf_con_answer(&p->job);
		/* from now on its place may be another's */
		spin_lock(&rf_con_lock);
		rf_con_out++;
		spin_unlock(&rf_con_lock);
	}
	return 0;
}

int rf_con_init(void)
{
	struct rf_ficm_channel *ch;
	int err;

	rf_con_task = kthread_create(rf_con_thread, NULL, "rf_con");
	if (IS_ERR(rf_con_task))
		return PTR_ERR(rf_con_task);
	err = rf_ficm_register(RF_CON_PORT, &rf_con_service);
	if (err) {
		kthread_stop(rf_con_task);
		return err;
	}
	wake_up_process(rf_con_task);
	ch = rf_ficm_supervisor();
	if (ch)
		rf_con_hello(ch);
	return 0;
}

void rf_con_exit(void)
{
	rf_ficm_unregister(RF_CON_PORT);
	kthread_stop(rf_con_task);
	timer_shutdown_sync(&rf_con_timer);
}
