// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of FICM: both ends of a channel in one kernel, which rings its own
 * communication core. What a peer may spoil is spoilt behind FICM's back.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include <rf/ficm.h>
#include <rf/msgring.h>

#define PORT	RF_PORT_FREE
#define ORDER	4

struct pair {
	struct rf_ficm_ring *ring[2];
	struct rf_ficm_channel *end[2];
	u64 generation;
};

/* What the services of a test saw */
static struct {
	atomic_t got, opened, gone, silent;
	u64 sum, next;
	bool in_order;
	struct rf_ficm_channel *from;
	struct completion seen, hold;
	bool slow, holding, begun;
} saw;

static void note(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg)
{
	u64 value;

	memcpy(&value, msg->data, sizeof(value));
	saw.in_order &= value == saw.next;
	saw.next = value + 1;
	saw.sum += value;
	saw.from = ch;
	atomic_inc(&saw.got);
	complete(&saw.seen);
}

static void receive_irq(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg, void *ctx)
{
	note(ch, msg);
}

static void receive_slow(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg, void *ctx)
{
	might_sleep();
	if (saw.slow) {
		WRITE_ONCE(saw.holding, true);
		wait_for_completion_timeout(&saw.hold, 10 * HZ);
	}
	note(ch, msg);
}

static void opened(struct rf_ficm_channel *ch, void *ctx)
{
	atomic_inc(&saw.opened);
}

static void gone(struct rf_ficm_channel *ch, void *ctx)
{
	atomic_inc(&saw.gone);
}

static void silent(struct rf_ficm_channel *ch, void *ctx)
{
	atomic_inc(&saw.silent);
}

static const struct rf_ficm_service in_irq = {
	.receive = receive_irq, .opened = opened, .gone = gone, .flags = RF_FICM_IRQ,
};

static const struct rf_ficm_service in_thread = {
	.receive = receive_slow, .opened = opened, .gone = gone, .silent = silent,
};

static struct rf_ficm_params params(struct pair *p, int i)
{
	return (struct rf_ficm_params) {
		.name = i ? "two" : "one",
		.peer = 1000 + i,
		.generation = p->generation,
		.rx = p->ring[i],
		.tx = p->ring[!i],
		.size = rf_msgring_size(ORDER),
		.bell = rf_ficm_core_apicid(),
	};
}

static void pair_rings(struct kunit *test, struct pair *p)
{
	static u64 generation = 1ULL << 60;

	p->generation = ++generation;
	for (int i = 0; i < 2; i++) {
		p->ring[i] = kunit_kzalloc(test, rf_msgring_size(ORDER), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p->ring[i]);
		rf_msgring_init(p->ring[i], ORDER, p->generation);
	}
}

static void pair_open(struct kunit *test, struct pair *p)
{
	pair_rings(test, p);
	for (int i = 0; i < 2; i++) {
		struct rf_ficm_params q = params(p, i);

		p->end[i] = rf_ficm_open(&q);
		KUNIT_ASSERT_FALSE(test, IS_ERR(p->end[i]));
	}
}

static void pair_close(struct pair *p)
{
	rf_ficm_close(p->end[0]);
	rf_ficm_close(p->end[1]);
}

static bool until(bool (*so)(long arg), long arg)
{
	for (int i = 0; i < 2000; i++) {
		if (so(arg))
			return true;
		usleep_range(500, 1500);
	}
	return so(arg);
}

static bool got(long n)
{
	return atomic_read(&saw.got) == n;
}

static bool holding(long unused)
{
	return READ_ONCE(saw.holding);
}

static int test_init(struct kunit *test)
{
	memset(&saw, 0, sizeof(saw));
	init_completion(&saw.seen);
	init_completion(&saw.hold);
	saw.in_order = true;
	return 0;
}

/* ---- what is refused ---- */

struct header_case {
	const char *name;
	void (*spoil)(struct rf_ficm_ring *ring);
	int err;
};

static void no_magic(struct rf_ficm_ring *r) { r->magic++; }
static void version(struct rf_ficm_ring *r) { r->version++; }
static void generation(struct rf_ficm_ring *r) { r->generation--; }
static void larger(struct rf_ficm_ring *r) { r->order++; }
static void huge(struct rf_ficm_ring *r) { r->order = 63; }
static void tiny(struct rf_ficm_ring *r) { r->order -= ORDER; }

static const struct header_case header_cases[] = {
	{ "magic", no_magic, -EPROTO },
	{ "version", version, -EPROTONOSUPPORT },
	{ "generation", generation, -ESTALE },
	{ "larger than its memory", larger, -EMSGSIZE },
	{ "huge", huge, -EMSGSIZE },
	{ "tiny", tiny, -EMSGSIZE },
};

static void header_desc(const struct header_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}
KUNIT_ARRAY_PARAM(header, header_cases, header_desc);

static void test_header(struct kunit *test)
{
	const struct header_case *c = test->param_value;
	struct pair p;

	for (int i = 0; i < 2; i++) {
		struct rf_ficm_params q;

		pair_rings(test, &p);
		c->spoil(p.ring[i]);
		q = params(&p, 0);
		KUNIT_EXPECT_EQ(test, PTR_ERR(rf_ficm_open(&q)), c->err);
	}
}

static void test_arguments(struct kunit *test)
{
	u8 data[RF_MSG_DATA + 1] = { };
	struct rf_ficm_params q;
	struct pair p;

	pair_open(test, &p);
	KUNIT_EXPECT_EQ(test, rf_ficm_send(p.end[0], PORT, 0, data, sizeof(data)), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, rf_ficm_send(p.end[0], RF_PORTS, 0, data, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, rf_ficm_register(0, &in_irq), -EINVAL);
	KUNIT_EXPECT_EQ(test, rf_ficm_register(RF_PORTS, &in_irq), -EINVAL);
	KUNIT_EXPECT_EQ(test, rf_ficm_register(RF_PORT_ECHO, &in_irq), -EBUSY);
	KUNIT_EXPECT_EQ(test, rf_ficm_set_core(nr_cpu_ids), -EINVAL);
	KUNIT_EXPECT_EQ(test, rf_ficm_set_priority(0), -EINVAL);
	KUNIT_EXPECT_EQ(test, rf_ficm_set_priority(99), -EINVAL);
	q = params(&p, 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(rf_ficm_open(&q)), -EEXIST);
	pair_close(&p);
}

/* Each kind of garbage is counted under its name, and the channel goes on */
static void test_garbage(struct kunit *test)
{
	struct rf_ficm_stats st;
	struct rf_msg_tx peer;
	struct pair p;
	u64 value = 0;

	KUNIT_ASSERT_EQ(test, rf_ficm_register(PORT, &in_irq), 0);
	pair_open(test, &p);
	/* we are the second end from here on */
	rf_ficm_close(p.end[1]);
	rf_msgtx_init(&peer, p.ring[0], ORDER, rf_ficm_core_apicid());

	/* a port that can't be, one that nobody has, a length that can't be */
	rf_msgtx_put(&peer, 200, 0, &value, sizeof(value));
	rf_msgtx_put(&peer, PORT + 1, 0, &value, sizeof(value));
	rf_msgtx_put(&peer, PORT, 0, &value, sizeof(value));
	p.ring[0]->slot[2].len = 57;
	/* and one that is right: the others did no harm */
	rf_msgtx_put(&peer, PORT, 0, &value, sizeof(value));
	KUNIT_EXPECT_EQ(test, rf_ficm_ping(p.end[0], 1, true, &value), -ETIMEDOUT);
	KUNIT_EXPECT_TRUE(test, until(got, 1));
	rf_ficm_stats_get(p.end[0], &st);
	KUNIT_EXPECT_EQ(test, st.refused[RF_REFUSED_BOUNDS], 2);
	KUNIT_EXPECT_EQ(test, st.refused[RF_REFUSED_SERVICE], 1);
	KUNIT_EXPECT_EQ(test, st.received, 1);

	/* a sequence word that can't be: it stays, is told once, and nothing comes */
	WRITE_ONCE(p.ring[0]->slot[4].seq, 0x12345678);
	rf_ficm_ping(p.end[0], 1, true, &value);
	rf_ficm_ping(p.end[0], 1, true, &value);
	rf_ficm_stats_get(p.end[0], &st);
	KUNIT_EXPECT_EQ(test, st.refused[RF_REFUSED_SEQUENCE], 1);
	rf_msgtx_put(&peer, PORT, 0, &value, sizeof(value));
	rf_ficm_ping(p.end[0], 1, true, &value);
	KUNIT_EXPECT_TRUE(test, until(got, 2));

	/* one that its sender never came to release, for he died: there is nothing */
	memset(p.ring[0]->slot[5].data, 0x55, RF_MSG_DATA);
	WRITE_ONCE(p.ring[0]->head, peer.head + 1);
	KUNIT_EXPECT_EQ(test, rf_ficm_ping(p.end[0], 1, true, &value), -ETIMEDOUT);
	rf_ficm_stats_get(p.end[0], &st);
	KUNIT_EXPECT_EQ(test, st.received, 2);
	KUNIT_EXPECT_EQ(test, st.refused[RF_REFUSED_SEQUENCE], 1);

	/* a doorbell to a CPU that isn't there: ours is rung instead */
	WRITE_ONCE(p.ring[1]->bell, 0xffffffff);
	WRITE_ONCE(p.ring[1]->notify, 1);
	KUNIT_EXPECT_EQ(test, rf_ficm_send(p.end[0], PORT, 0, &value, 8), 0);
	rf_ficm_stats_get(p.end[0], &st);
	KUNIT_EXPECT_EQ(test, st.refused[RF_REFUSED_BELL], 1);

	/* a tail beyond what was sent: no room, no overwriting */
	WRITE_ONCE(p.ring[1]->tail, 1000000);
	for (int i = 0; i < 1 << ORDER; i++)
		rf_ficm_send(p.end[0], PORT, 0, &value, 8);
	KUNIT_EXPECT_EQ(test, rf_ficm_send(p.end[0], PORT, 0, &value, 8), -EAGAIN);
	rf_ficm_stats_get(p.end[0], &st);
	KUNIT_EXPECT_GT(test, st.refused[RF_REFUSED_TAIL], 0);
	KUNIT_EXPECT_EQ(test, st.sent, 1 << ORDER);

	rf_ficm_close(p.end[0]);
	rf_ficm_unregister(PORT);
}

/* ---- what works ---- */

static void test_ping(struct kunit *test)
{
	struct rf_ficm_stats st;
	struct pair p;
	u64 ns;

	pair_open(test, &p);
	for (int i = 0; i < 100; i++) {
		KUNIT_ASSERT_EQ(test, rf_ficm_ping(p.end[i & 1], 1000, i & 2, &ns), 0);
		KUNIT_EXPECT_GT(test, ns, 0);
		KUNIT_EXPECT_LT(test, ns, NSEC_PER_SEC);
	}
	rf_ficm_stats_get(p.end[0], &st);
	KUNIT_EXPECT_EQ(test, st.sent, 100);
	KUNIT_EXPECT_EQ(test, st.irq, 100);
	KUNIT_EXPECT_EQ(test, st.late, 0);
	rf_ficm_get(p.end[0]);
	pair_close(&p);
	KUNIT_EXPECT_EQ(test, rf_ficm_ping(p.end[0], 1, false, &ns), -ECONNRESET);
	rf_ficm_put(p.end[0]);
}

/* Who looks himself is not rung, misses nothing, and is rung again afterwards */
static void test_busy(struct kunit *test)
{
	struct rf_ficm_stats st;
	struct pair p;

	KUNIT_ASSERT_EQ(test, rf_ficm_register(PORT, &in_irq), 0);
	pair_open(test, &p);
	rf_ficm_busy_begin(p.end[1]);
	KUNIT_EXPECT_FALSE(test, rf_ficm_busy_look(p.end[1]));
	for (u64 i = 0; i < 3 << ORDER; i++) {
		KUNIT_ASSERT_EQ(test, rf_ficm_send(p.end[0], PORT, 1, &i, 8), 0);
		KUNIT_EXPECT_TRUE(test, rf_ficm_busy_look(p.end[1]));
		KUNIT_EXPECT_FALSE(test, rf_ficm_busy_look(p.end[1]));
		KUNIT_EXPECT_EQ(test, atomic_read(&saw.got), i + 1);
	}
	rf_ficm_stats_get(p.end[0], &st);
	KUNIT_EXPECT_EQ(test, st.rings, 0);
	rf_ficm_busy_end(p.end[1]);
	KUNIT_EXPECT_EQ(test, rf_ficm_send(p.end[0], PORT, 1, &(u64){ 3 << ORDER }, 8), 0);
	KUNIT_EXPECT_TRUE(test, until(got, (3 << ORDER) + 1));
	KUNIT_EXPECT_TRUE(test, saw.in_order);
	rf_ficm_stats_get(p.end[0], &st);
	KUNIT_EXPECT_EQ(test, st.rings, 1);

	/* closed under our eyes */
	rf_ficm_get(p.end[1]);
	rf_ficm_busy_begin(p.end[1]);
	KUNIT_EXPECT_EQ(test, rf_ficm_send(p.end[0], PORT, 1, NULL, 0), 0);
	rf_ficm_close(p.end[1]);
	KUNIT_EXPECT_FALSE(test, rf_ficm_busy_look(p.end[1]));
	rf_ficm_busy_end(p.end[1]);
	rf_ficm_put(p.end[1]);
	rf_ficm_close(p.end[0]);
	rf_ficm_unregister(PORT);
}

static const struct service_case {
	const char *name;
	const struct rf_ficm_service *svc;
} service_cases[] = {
	{ "in interrupt", &in_irq },
	{ "in the thread", &in_thread },
};

static void service_desc(const struct service_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}
KUNIT_ARRAY_PARAM(service, service_cases, service_desc);

/* Many more than a ring holds arrive, each once, in order, over its wrap */
static void test_stream(struct kunit *test)
{
	const struct service_case *c = test->param_value;
	struct rf_ficm_stats st;
	struct pair p;

	KUNIT_ASSERT_EQ(test, rf_ficm_register(PORT, c->svc), 0);
	pair_open(test, &p);
	KUNIT_EXPECT_EQ(test, atomic_read(&saw.opened), 2);
	for (u64 i = 0; i < 10000; i++)
		KUNIT_ASSERT_EQ(test, rf_ficm_send_timeout(p.end[0], PORT, 1, &i, 8, 5000), 0);
	KUNIT_EXPECT_TRUE(test, until(got, 10000));
	KUNIT_EXPECT_TRUE(test, saw.in_order);
	KUNIT_EXPECT_PTR_EQ(test, saw.from, p.end[1]);
	rf_ficm_stats_get(p.end[1], &st);
	KUNIT_EXPECT_EQ(test, st.received, 10000);
	KUNIT_EXPECT_EQ(test, st.irq, c->svc == &in_irq ? 10000 : 0);
	KUNIT_EXPECT_EQ(test, st.late, 0);
	rf_ficm_silent(p.end[0]);
	KUNIT_EXPECT_EQ(test, atomic_read(&saw.silent), c->svc == &in_thread);
	KUNIT_EXPECT_EQ(test, atomic_read(&saw.gone), 0);
	pair_close(&p);
	KUNIT_EXPECT_EQ(test, atomic_read(&saw.gone), 2);
	rf_ficm_unregister(PORT);
}

static bool asks(long ring)
{
	return READ_ONCE(((struct rf_ficm_ring *)ring)->notify);
}

/*
 * The read thread polls on after a message. When it has stopped to, and whoever left
 * a ring to it, that ring asks for doorbells: or the next message would lie there.
 */
static void test_poll(struct kunit *test)
{
	const struct service_case *c = test->param_value;
	unsigned int before = rf_ficm_poll();
	struct rf_ficm_stats st;
	struct pair p;

	KUNIT_ASSERT_EQ(test, rf_ficm_register(PORT, c->svc), 0);
	rf_ficm_set_poll(50);
	pair_open(test, &p);
	KUNIT_EXPECT_TRUE(test, until(asks, (long)p.ring[0]));
	KUNIT_EXPECT_TRUE(test, until(asks, (long)p.ring[1]));
	rf_ficm_busy_begin(p.end[1]);
	KUNIT_EXPECT_FALSE(test, asks((long)p.ring[1]));
	rf_ficm_busy_end(p.end[1]);
	KUNIT_EXPECT_TRUE(test, until(asks, (long)p.ring[1]));
	for (u64 i = 0; i < 500; i++) {
		KUNIT_ASSERT_EQ(test, rf_ficm_send_timeout(p.end[0], PORT, 1, &i, 8, 5000), 0);
		KUNIT_ASSERT_TRUE(test, until(got, i + 1));
		/* it still polls, or not any more; or it is told to stop right now */
		if (i % 2)
			usleep_range(50, 100);
		if (i % 7 == 0)
			rf_ficm_set_poll(i % 2 ? 50 : 0);
	}
	KUNIT_EXPECT_TRUE(test, saw.in_order);
	rf_ficm_set_poll(before);
	KUNIT_EXPECT_TRUE(test, until(asks, (long)p.ring[1]));
	rf_ficm_stats_get(p.end[1], &st);
	KUNIT_EXPECT_EQ(test, st.late, 0);
	pair_close(&p);
	rf_ficm_unregister(PORT);
}

static bool throttled(long ch)
{
	struct rf_ficm_stats st;

	rf_ficm_stats_get((struct rf_ficm_channel *)ch, &st);
	return st.throttled;
}

/* A slow receiver: its sender gets -EAGAIN or waits, and nobody else does */
static void test_back_pressure(struct kunit *test)
{
	struct rf_ficm_stats st;
	struct pair slow, other;
	int err = 0;
	u64 ns, i;

	KUNIT_ASSERT_EQ(test, rf_ficm_register(PORT, &in_thread), 0);
	saw.slow = true;
	pair_open(test, &slow);
	pair_open(test, &other);
	/* the first is in the handler before the inbox fills: or it may have room again */
	i = 0;
	KUNIT_ASSERT_EQ(test, rf_ficm_send(slow.end[0], PORT, 0, &i, 8), 0);
	KUNIT_ASSERT_TRUE(test, until(holding, 0));
	for (i = 1; !err; i += !err)
		err = rf_ficm_send_timeout(slow.end[0], PORT, 0, &i, 8, 200);
	KUNIT_EXPECT_EQ(test, err, -ETIMEDOUT);
	/* one in the handler, an inbox, and a ring full, but for credits not told yet */
	KUNIT_EXPECT_GT(test, i, 1 + 2 * (1 << ORDER) - (1 << ORDER) / 4);
	KUNIT_EXPECT_LE(test, i, 1 + 2 * (1 << ORDER));
	KUNIT_EXPECT_TRUE(test, throttled((long)slow.end[1]));
	KUNIT_EXPECT_EQ(test, rf_ficm_send(slow.end[0], PORT, 0, &i, 8), -EAGAIN);
	KUNIT_EXPECT_EQ(test, rf_ficm_send_timeout(slow.end[0], PORT, 0, &i, 8, 20), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, rf_ficm_ping(other.end[0], 1000, false, &ns), 0);

	/* what is posted follows, in order, and nothing overtakes it */
	KUNIT_EXPECT_EQ(test, rf_ficm_post(slow.end[0], PORT, 0, &i, 8), 0);
	i++;
	KUNIT_EXPECT_EQ(test, rf_ficm_send(slow.end[0], PORT, 0, &i, 8), -EAGAIN);
	saw.slow = false;
	complete_all(&saw.hold);
	KUNIT_EXPECT_EQ(test, rf_ficm_send_timeout(slow.end[0], PORT, 0, &i, 8, 5000), 0);
	i++;
	KUNIT_EXPECT_TRUE(test, until(got, i));
	KUNIT_EXPECT_TRUE(test, saw.in_order);
	rf_ficm_stats_get(slow.end[1], &st);
	KUNIT_EXPECT_EQ(test, st.late, 0);
	KUNIT_EXPECT_GT(test, st.room_rings, 0);
	pair_close(&slow);
	pair_close(&other);
	rf_ficm_unregister(PORT);
}

static int wait_for_room(void *arg)
{
	u64 i = 0;

	WRITE_ONCE(saw.begun, true);
	return rf_ficm_send_timeout(arg, PORT, 0, &i, 8, 30000);
}

static bool asleep(long task)
{
	/* before it has begun it may be none of both: TASK_WAKING */
	return READ_ONCE(saw.begun) && !task_is_running((struct task_struct *)task);
}

/* A close wakes who waits for room, waits for the handler, drops the rest */
static void test_close(struct kunit *test)
{
	struct pair p, other;
	struct task_struct *t;
	u64 i = 0;

	KUNIT_ASSERT_EQ(test, rf_ficm_register(PORT, &in_thread), 0);
	saw.slow = true;
	pair_open(test, &p);
	/* full, also after the handler has taken what it takes at once */
	KUNIT_EXPECT_EQ(test, rf_ficm_send(p.end[0], PORT, 0, &i, 8), 0);
	KUNIT_EXPECT_TRUE(test, until(holding, 0));
	while (!rf_ficm_send_timeout(p.end[0], PORT, 0, &i, 8, 20))
		i++;
	rf_ficm_get(p.end[0]);
	t = kthread_run(wait_for_room, p.end[0], "ficm_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(t));
	get_task_struct(t);
	KUNIT_EXPECT_TRUE(test, until(asleep, (long)t));
	rf_ficm_close(p.end[0]);
	KUNIT_EXPECT_EQ(test, kthread_stop_put(t), -ECONNRESET);
	rf_ficm_put(p.end[0]);

	saw.slow = false;
	complete_all(&saw.hold);
	rf_ficm_close(p.end[1]);
	i = atomic_read(&saw.got);
	/* the thread goes from one to the next: after another's, nothing of it was left */
	pair_open(test, &other);
	KUNIT_EXPECT_EQ(test, rf_ficm_send(other.end[0], PORT, 0, &i, 8), 0);
	KUNIT_EXPECT_TRUE(test, until(got, i + 1));
	KUNIT_EXPECT_PTR_EQ(test, saw.from, other.end[1]);
	pair_close(&other);
	rf_ficm_unregister(PORT);
}

/* To several and to all; who is full is told of and delays no other */
static void test_many(struct kunit *test)
{
	struct rf_ficm_channel *ch[3];
	struct pair p[3];
	int result[3];
	u64 i = 0;

	KUNIT_ASSERT_EQ(test, rf_ficm_register(PORT, &in_irq), 0);
	for (int n = 0; n < 3; n++) {
		pair_open(test, &p[n]);
		ch[n] = p[n].end[0];
	}
	KUNIT_EXPECT_EQ(test, rf_ficm_send_many(ch, 3, PORT, 0, &i, 8, result), 3);
	KUNIT_EXPECT_TRUE(test, until(got, 3));
	rf_ficm_close(p[1].end[1]);
	while (!rf_ficm_send(ch[1], PORT, 0, &i, 8))
		;
	KUNIT_EXPECT_EQ(test, rf_ficm_send_many(ch, 3, PORT, 0, &i, 8, result), 2);
	KUNIT_EXPECT_EQ(test, result[0], 0);
	KUNIT_EXPECT_EQ(test, result[1], -EAGAIN);
	KUNIT_EXPECT_EQ(test, result[2], 0);
	KUNIT_EXPECT_TRUE(test, until(got, 5));
	KUNIT_EXPECT_GE(test, rf_ficm_broadcast(PORT, 0, &i, 8), 4);
	KUNIT_EXPECT_TRUE(test, until(got, 9));
	rf_ficm_close(p[1].end[0]);
	pair_close(&p[0]);
	pair_close(&p[2]);
	rf_ficm_unregister(PORT);
}

/* The communication core goes round all CPUs under a stream */
static void test_move(struct kunit *test)
{
	unsigned int home = rf_ficm_core(), cpu = home;
	const struct service_case *c = test->param_value;
	u64 moves = rf_ficm_moves();
	struct rf_ficm_stats st;
	struct pair p;

	if (num_online_cpus() < 2)
		kunit_skip(test, "one CPU: nowhere to move");
	KUNIT_ASSERT_EQ(test, rf_ficm_register(PORT, c->svc), 0);
	pair_open(test, &p);
	for (u64 i = 0; i < 20000; i++) {
		KUNIT_ASSERT_EQ(test, rf_ficm_send_timeout(p.end[0], PORT, 1, &i, 8, 5000), 0);
		if (i % 200 == 0) {
			cpu = cpumask_next_wrap(cpu, cpu_online_mask, nr_cpu_ids, false);
			KUNIT_ASSERT_EQ(test, rf_ficm_set_core(cpu), 0);
		}
	}
	KUNIT_EXPECT_TRUE(test, until(got, 20000));
	KUNIT_EXPECT_TRUE(test, saw.in_order);
	KUNIT_EXPECT_GE(test, rf_ficm_moves() - moves, 99);
	for (int i = 0; i < 2; i++) {
		rf_ficm_stats_get(p.end[i], &st);
		KUNIT_EXPECT_EQ(test, st.late, 0);
	}
	/* in the thread it is slower than its sender, who waits for room */
	if (c->svc == &in_thread)
		KUNIT_EXPECT_GT(test, st.room_rings, 100);
	rf_ficm_set_core(home);
	pair_close(&p);
	rf_ficm_unregister(PORT);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(test_header, header_gen_params),
	KUNIT_CASE(test_arguments),
	KUNIT_CASE(test_garbage),
	KUNIT_CASE(test_ping),
	KUNIT_CASE(test_busy),
	KUNIT_CASE_PARAM(test_stream, service_gen_params),
	KUNIT_CASE_PARAM(test_poll, service_gen_params),
	KUNIT_CASE(test_back_pressure),
	KUNIT_CASE(test_close),
	KUNIT_CASE(test_many),
	KUNIT_CASE_PARAM(test_move, service_gen_params),
	{ }
};

static struct kunit_suite suite = {
	.name = "ficm",
	.init = test_init,
	.test_cases = cases,
};
kunit_test_suite(suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("RainForest: KUnit tests of FICM");
MODULE_IMPORT_NS(RAINFOREST);
