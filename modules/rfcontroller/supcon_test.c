// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of supcon.c, against a subOS that answers as told */
#define pr_fmt(fmt) "rainforest: " fmt

#include <kunit/test.h>
#include <linux/vmalloc.h>

#include <rf/ficm.h>

#include "fakes.h"

static int post(struct rf_ficm_channel *ch, unsigned int port, u16 type, const void *data, u8 len)
{
	return rf_fake_post(type, data);
}

static void put(struct rf_ficm_channel *ch)
{
}

#define rf_ficm_post	post
#define rf_ficm_put	put
#include "supcon.c"

/* ---- the other end ---- */

static void say(u32 id, u16 op, u8 status, u8 texts)
{
	struct rf_con_answer a = {
		.id = id, .op = op, .status = status, .texts = texts, .value = { 42, 7 },
	};

	rf_con_got(rf_fakes.peer, RF_CON_ANSWER, &a, sizeof(a));
}

/* A subOS's end: does what rf_fakes.answers says, one after another */
int rf_fake_answer(u16 type, const void *data)
{
	const struct rf_con_request *req = data;
	unsigned int nr = rf_fakes.nr_asked;

	if (type != RF_CON_REQUEST)
		return 0;
	if (nr >= ARRAY_SIZE(rf_fakes.answers) || req->id == rf_fakes.last_id)
		return 0;	/* asked again: as if the first were still worked on */
	rf_fakes.last_id = req->id;
	rf_fakes.asked[nr] = req->op;
	rf_fakes.about[nr] = req->arg[0];
	rf_fakes.nr_asked++;
	switch (rf_fakes.answers[nr]) {
	case RF_FAKE_MUTE:
		return 0;
	case RF_FAKE_UNWANTED:
		atomic_inc(&rf_fakes.peer->unwanted);
		return 0;
	case RF_FAKE_DIE:
		rf_fakes.peer->state = RAINFOREST_STATE_PANICKED;
		wake_up_all(&rf_fakes.peer->wait);
		return 0;
	}
	say(req->id, req->op, rf_fakes.answers[nr], 0);
	return 0;
}

static void free_desc(void *desc)
{
	vfree(desc);
}

static void free_subos(void *s)
{
	rf_subos_put(s);
}

/* One that runs and has said hello; nobody else knows it. It goes with the test. */
struct rf_subos *rf_fake_subos(struct kunit *test, const char *name)
{
	struct rf_subos *s = rf_subos_alloc(name);

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_subos, s), 0);
	s->desc = vzalloc(RF_CONTROL_SIZE);
	KUNIT_ASSERT_NOT_NULL(test, s->desc);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_desc, s->desc), 0);
	s->state = RAINFOREST_STATE_RUNNING;
	s->generation = 1;
	s->con.version = 1;
	s->con.features = RF_CON_HAS_CPU | RF_CON_HAS_MEMORY;
	s->con.block_size = memory_block_size_bytes();
	memset(&rf_fakes, 0, sizeof(rf_fakes));
	rf_fakes.post = rf_fake_answer;
	rf_fakes.peer = s;
	return s;
}

/* Where a made-up block lies: the 0th has the control area */
u64 rf_fake_block(int nr)
{
	return (nr + 8) * (u64)memory_block_size_bytes();
}

static void forget(void *subos)
{
	struct rf_subos *s = subos;

	kfree(s->moving.cpus);
	kfree(s->moving.blocks);
}

/*
 * As rf_fake_subos(), with CPUs 100, 101... of APIC IDs 200... and blocks from the
 * 0th on; moving has room.
 */
struct rf_subos *rf_fake_grant(struct kunit *test, const char *name, unsigned int cpus,
			       unsigned int blocks)
{
	struct rf_subos *s = rf_fake_subos(test, name);

	s->res.cpus = kcalloc(RF_BOOT_MAX_CPUS, sizeof(*s->res.cpus), GFP_KERNEL);
	s->res.blocks = kcalloc(blocks, sizeof(*s->res.blocks), GFP_KERNEL);
	s->moving.cpus = kcalloc(8, sizeof(*s->moving.cpus), GFP_KERNEL);
	s->moving.blocks = kcalloc(8, sizeof(*s->moving.blocks), GFP_KERNEL);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, forget, s), 0);
	KUNIT_ASSERT_TRUE(test, s->res.cpus && s->res.blocks && s->moving.cpus &&
			  s->moving.blocks);
	for (unsigned int i = 0; i < cpus; i++) {
		s->res.cpus[i] = (struct rf_cpu) { .cpu = 100 + i, .apicid = 200 + i, .slot = i };
		s->desc->cpu[i] = (struct rf_boot_cpu) { .apicid = 200 + i, .present = 1 };
	}
	s->res.nr_cpus = cpus;
	s->nr_slots = cpus;
	for (unsigned int i = 0; i < blocks; i++)
		s->res.blocks[i].start = rf_fake_block(i);
	s->res.nr_blocks = blocks;
	s->desc_phys = rf_fake_block(0) + PAGE_SIZE;
	s->nr_nodes = 1;
	return s;
}

/* That asks for nothing yet, and waits as short as can be */
struct rf_resize rf_fake_resize(void)
{
	return (struct rf_resize) {
		.cpu_node = NUMA_NO_NODE, .by_number = true, .end = ktime_add_ms(ktime_get(), 1000),
	};
}

/* ---- versions ---- */

static const struct hello_case {
	const char *name;
	u16 min, max, version;
	bool odd;
} hello_cases[] = {
	{ "the same", 1, 1, 1, false },
	{ "a newer one that speaks ours as well", 1, 9, 1, false },
	{ "a newer one that doesn't", 2, 9, 0, false },
	{ "an older one", 0, 0, 0, true },
	{ "upside down", 2, 1, 0, true },
	{ "all there could be", 0, U16_MAX, 1, false },
};

KUNIT_ARRAY_PARAM_DESC(hello, hello_cases, name);

static struct rf_con_hello heard;

static int hear(u16 type, const void *data)
{
	if (type == RF_CON_HELLO)
		memcpy(&heard, data, sizeof(heard));
	return 0;
}

static void hello_test(struct kunit *test)
{
	const struct hello_case *c = test->param_value;
	struct rf_con_hello hello = { .min = c->min, .max = c->max, .block_size = 1 };
	struct rf_subos *s = rf_fake_subos(test, "hello");
	struct netlink_ext_ack extack = { };

	rf_fakes.post = hear;
	memset(&heard, 0xff, sizeof(heard));
	rf_con_got(s, RF_CON_HELLO, &hello, sizeof(hello));
	KUNIT_EXPECT_EQ(test, s->con.version, c->version);
	KUNIT_EXPECT_EQ(test, s->con.odd, c->odd);
	KUNIT_EXPECT_EQ(test, heard.version, c->version);
	KUNIT_EXPECT_EQ(test, !!heard.text[0], !c->version);
	KUNIT_EXPECT_EQ(test, heard.block_size, memory_block_size_bytes());
	KUNIT_EXPECT_EQ(test, rf_con_ready(s, 0, &extack), c->version ? 0 : -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, !!extack._msg, !c->version);
	/* what it did not offer it is not asked */
	KUNIT_EXPECT_EQ(test, rf_con_ready(s, RF_CON_HAS_CPU, &extack), -EOPNOTSUPP);
}

static void not_ready_test(struct kunit *test)
{
	struct rf_subos *s = rf_fake_subos(test, "not");
	struct netlink_ext_ack extack = { };

	KUNIT_EXPECT_EQ(test, rf_con_ready(s, RF_CON_HAS_CPU | RF_CON_HAS_MEMORY, NULL), 0);
	s->state = RAINFOREST_STATE_STOPPED;
	KUNIT_EXPECT_EQ(test, rf_con_ready(s, 0, &extack), -EOPNOTSUPP);
	s->state = RAINFOREST_STATE_BOOTING;
	KUNIT_EXPECT_EQ(test, rf_con_ready(s, 0, &extack), -EOPNOTSUPP);
	s->state = RAINFOREST_STATE_UNRESPONSIVE;
	KUNIT_EXPECT_EQ(test, rf_con_ready(s, 0, &extack), -EHOSTDOWN);
	s->state = RAINFOREST_STATE_PANICKED;
	KUNIT_EXPECT_EQ(test, rf_con_ready(s, 0, &extack), -EHOSTDOWN);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	s->state = RAINFOREST_STATE_RUNNING;
	s->con.version = 0;
	KUNIT_EXPECT_EQ(test, rf_con_ready(s, 0, &extack), -ETIMEDOUT);
}

/* ---- asking ---- */

static int ask(struct rf_subos *s, u16 op, u64 arg, struct rf_ask *a)
{
	*a = (struct rf_ask) { .op = op, .arg = { arg }, .timeout_ms = 1 };
	return rf_con_ask(s, a, NULL);
}

static void answered_test(struct kunit *test)
{
	struct rf_subos *s = rf_fake_subos(test, "answers");
	struct rf_ask a;

	rf_fakes.answers[1] = RF_CON_BUSY;
	s->con.next_id = U32_MAX;
	KUNIT_EXPECT_EQ(test, ask(s, RF_CON_CPU_ADD, 3, &a), 0);
	KUNIT_EXPECT_EQ(test, a.status, RF_CON_OK);
	KUNIT_EXPECT_EQ(test, a.value[0], 42);
	KUNIT_EXPECT_EQ(test, rf_fakes.last_id, U32_MAX);
	KUNIT_EXPECT_EQ(test, ask(s, RF_CON_CPU_REMOVE, 3, &a), 0);
	KUNIT_EXPECT_EQ(test, a.status, RF_CON_BUSY);
	KUNIT_EXPECT_EQ(test, rf_fakes.last_id, 1);	/* never 0 */
	KUNIT_EXPECT_EQ(test, rf_fakes.asked[1], RF_CON_CPU_REMOVE);
	KUNIT_EXPECT_EQ(test, rf_fakes.posts, 2);
	/* both places are free again */
	for (int i = 0; i < RF_CON_CALLS; i++)
		KUNIT_EXPECT_EQ(test, s->con.call[i].id, 0);
}

static void dead_test(struct kunit *test)
{
	struct rf_subos *s = rf_fake_subos(test, "dead");
	struct rf_ask a;

	rf_fakes.answers[0] = RF_FAKE_DIE;
	KUNIT_EXPECT_EQ(test, ask(s, RF_CON_CPU_ADD, 3, &a), -EHOSTDOWN);
	KUNIT_EXPECT_EQ(test, s->con.call[0].id, 0);
	s->state = RAINFOREST_STATE_RUNNING;
	rf_fakes.answers[1] = RF_FAKE_MUTE;
	atomic_inc(&s->unwanted);
	KUNIT_EXPECT_EQ(test, ask(s, RF_CON_CPU_ADD, 3, &a), -ECANCELED);
	/* it may answer yet */
	KUNIT_EXPECT_NE(test, s->con.call[0].id, 0);
}

/* A request without an answer stays; asked again it is the same; then it is late */
static void late_test(struct kunit *test)
{
	struct rf_subos *s = rf_fake_subos(test, "late");
	struct rf_call calls[2];
	struct rf_ask a;
	u32 id;

	rf_fakes.answers[0] = RF_FAKE_MUTE;
	rf_fakes.answers[1] = RF_FAKE_MUTE;
	KUNIT_EXPECT_EQ(test, ask(s, RF_CON_MEM_ADD, 1, &a), -EINPROGRESS);
	id = rf_fakes.last_id;
	KUNIT_EXPECT_EQ(test, ask(s, RF_CON_MEM_ADD, 1, &a), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, rf_fakes.last_id, id);
	KUNIT_EXPECT_EQ(test, rf_con_outstanding(s, calls, 2), 1);
	/* about something else, or something else about it: another one */
	KUNIT_EXPECT_EQ(test, ask(s, RF_CON_MEM_ADD, 2, &a), -EINPROGRESS);
	KUNIT_EXPECT_NE(test, rf_fakes.last_id, id);
	KUNIT_EXPECT_EQ(test, rf_con_outstanding(s, calls, 2), 2);

	KUNIT_EXPECT_FALSE(test, rf_con_late(s, calls));
	mutex_lock(&s->lock);		/* rf_resize_late() waits for it, and finds nothing */
	say(id, RF_CON_MEM_ADD, RF_CON_FAILED, 0);
	KUNIT_EXPECT_EQ(test, rf_con_outstanding(s, calls, 2), 1);
	KUNIT_EXPECT_TRUE(test, rf_con_late(s, calls));
	mutex_unlock(&s->lock);
	flush_work(&s->con.late);
	KUNIT_EXPECT_EQ(test, calls[0].id, id);
	KUNIT_EXPECT_EQ(test, calls[0].status, RF_CON_FAILED);
	/* said twice is said once */
	say(id, RF_CON_MEM_ADD, RF_CON_OK, 0);
	KUNIT_EXPECT_FALSE(test, rf_con_late(s, calls));
	/* settled in another way */
	rf_con_drop(s, RF_CON_MEM_ADD, 2);
	KUNIT_EXPECT_EQ(test, rf_con_outstanding(s, calls, 2), 0);
	KUNIT_EXPECT_EQ(test, s->con.odd, 0);
}

static const struct lie_case {
	const char *name;
	u32 id_off;
	u16 op_off;
	u8 status, texts, len;
	unsigned int odd;
} lie_cases[] = {
	{ "another id", 1, 0, RF_CON_OK, 0, sizeof(struct rf_con_answer), 0 },
	{ "id 0", -1, 0, RF_CON_OK, 0, sizeof(struct rf_con_answer), 0 },
	{ "another operation", 0, 1, RF_CON_OK, 0, sizeof(struct rf_con_answer), 1 },
	{ "a status that there is not", 0, 0, RF_CON_LATE + 1, 0, sizeof(struct rf_con_answer), 1 },
	{ "more texts than there can be", 0, 0, 0, 4, sizeof(struct rf_con_answer), 1 },
	{ "too short", 0, 0, RF_CON_OK, 0, sizeof(struct rf_con_answer) - 1, 1 },
	{ "empty", 0, 0, RF_CON_OK, 0, 0, 1 },
};

KUNIT_ARRAY_PARAM_DESC(lie, lie_cases, name);

static const struct lie_case *lie;

static int tell_lie(u16 type, const void *data)
{
	const struct rf_con_request *req = data;
	struct rf_con_answer a = {
		.id = req->id + lie->id_off, .op = req->op + lie->op_off,
		.status = lie->status, .texts = lie->texts,
	};

	rf_con_got(rf_fakes.peer, RF_CON_ANSWER, &a, lie->len);
	return 0;
}

static void lie_test(struct kunit *test)
{
	struct rf_subos *s = rf_fake_subos(test, "liar");
	struct rf_ask a;

	lie = test->param_value;
	rf_fakes.post = tell_lie;
	s->con.next_id = 1;
	KUNIT_EXPECT_EQ(test, ask(s, RF_CON_CPU_ADD, 3, &a), -EINPROGRESS);
	/* it is asked again after a second, and lies again */
	KUNIT_EXPECT_EQ(test, s->con.odd, lie->odd * rf_fakes.posts);
}

/* Texts in order, printable, and only those that the answer counts */
static void text_test(struct kunit *test)
{
	struct rf_subos *s = rf_fake_subos(test, "text");
	struct rf_con_text t = { .len = RF_CON_TEXT_LEN };
	struct rf_call *c = &s->con.call[5];

	*c = (struct rf_call) { .id = 9, .op = RF_CON_CPU_ADD, .waited = true };
	t.id = 9;
	memset(t.text, 'x', sizeof(t.text));
	t.text[0] = 0x1b;
	t.text[1] = 0;
	rf_con_got(s, RF_CON_TEXT, &t, sizeof(t));
	KUNIT_EXPECT_EQ(test, strlen(c->text), RF_CON_TEXT_LEN);
	KUNIT_EXPECT_EQ(test, strncmp(c->text, "??xx", 4), 0);
	t.part = 2;	/* not yet */
	rf_con_got(s, RF_CON_TEXT, &t, sizeof(t));
	KUNIT_EXPECT_EQ(test, s->con.odd, 1);
	t.part = RF_CON_TEXTS;
	rf_con_got(s, RF_CON_TEXT, &t, sizeof(t));
	t.part = 255;
	rf_con_got(s, RF_CON_TEXT, &t, sizeof(t));
	t.part = 1;
	t.len = RF_CON_TEXT_LEN + 1;
	rf_con_got(s, RF_CON_TEXT, &t, sizeof(t));
	KUNIT_EXPECT_EQ(test, s->con.odd, 4);
	KUNIT_EXPECT_EQ(test, strlen(c->text), RF_CON_TEXT_LEN);
	t.len = RF_CON_TEXT_LEN;
	rf_con_got(s, RF_CON_TEXT, &t, sizeof(t));
	t.part = 2;
	rf_con_got(s, RF_CON_TEXT, &t, sizeof(t));
	KUNIT_EXPECT_EQ(test, strlen(c->text), RF_CON_TEXT_MAX - 1);
	t.id = 10;	/* nobody's */
	rf_con_got(s, RF_CON_TEXT, &t, sizeof(t));
	KUNIT_EXPECT_EQ(test, s->con.odd, 4);
	say(9, RF_CON_CPU_ADD, RF_CON_BUSY, 3);
	KUNIT_EXPECT_TRUE(test, c->answered);
	KUNIT_EXPECT_EQ(test, strlen(c->text), RF_CON_TEXT_MAX - 1);
	/* an unknown type is no reason to fall */
	rf_con_got(s, 4711, &t, sizeof(t));
	KUNIT_EXPECT_EQ(test, s->con.odd, 5);
}

static void full_test(struct kunit *test)
{
	struct rf_subos *s = rf_fake_subos(test, "full");
	struct netlink_ext_ack extack = { };
	struct rf_ask a = { .op = RF_CON_PING };

	for (int i = 0; i < RF_CON_CALLS; i++)
		s->con.call[i] = (struct rf_call) { .id = i + 1, .op = RF_CON_MEM_ADD };
	KUNIT_EXPECT_EQ(test, rf_con_ask(s, &a, &extack), -ENOBUFS);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	KUNIT_EXPECT_EQ(test, rf_fakes.posts, 0);
}

/* A new life knows nothing of the old one's requests; ids go on */
static void reset_test(struct kunit *test)
{
	struct rf_con_hello hello = { .min = 1, .max = 1 };
	struct rf_subos *s = rf_fake_subos(test, "reset");
	struct rf_call call;
	struct rf_ask a;

	rf_fakes.answers[0] = RF_FAKE_MUTE;
	rf_fakes.answers[1] = RF_FAKE_MUTE;
	KUNIT_EXPECT_EQ(test, ask(s, RF_CON_CPU_ADD, 1, &a), -EINPROGRESS);
	/* its driver was loaded anew: that is an answer, too, and nobody waits for it */
	mutex_lock(&s->lock);
	rf_con_got(s, RF_CON_HELLO, &hello, sizeof(hello));
	KUNIT_EXPECT_NE(test, work_busy(&s->con.late), 0);
	KUNIT_EXPECT_TRUE(test, rf_con_late(s, &call));
	mutex_unlock(&s->lock);
	flush_work(&s->con.late);
	KUNIT_EXPECT_EQ(test, call.status, RF_CON_FAILED);
	KUNIT_EXPECT_EQ(test, ask(s, RF_CON_CPU_ADD, 2, &a), -EINPROGRESS);
	mutex_lock(&s->lock);
	rf_con_reset(s);
	mutex_unlock(&s->lock);
	KUNIT_EXPECT_EQ(test, rf_con_outstanding(s, &call, 1), 0);
	KUNIT_EXPECT_EQ(test, s->con.version, 0);
	KUNIT_EXPECT_EQ(test, s->con.next_id, 3);
	say(2, RF_CON_CPU_ADD, RF_CON_OK, 0);
	KUNIT_EXPECT_FALSE(test, rf_con_late(s, &call));
}

static void errno_test(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, rf_con_errno(RF_CON_OK), 0);
	for (int status = 1; status <= 255; status++)
		KUNIT_EXPECT_LT(test, rf_con_errno(status), 0);
	KUNIT_EXPECT_EQ(test, rf_con_errno(RF_CON_NOMEM), -ENOMEM);
	KUNIT_EXPECT_EQ(test, rf_con_errno(RF_CON_LATE + 1), -EPROTO);
}

static int supcon_init(struct kunit *test)
{
	return rf_resize_init();
}

static void supcon_exit(struct kunit *test)
{
	rf_resize_exit();
	memset(&rf_fakes, 0, sizeof(rf_fakes));
}

static struct kunit_case supcon_cases[] = {
	KUNIT_CASE_PARAM(hello_test, hello_gen_params),
	KUNIT_CASE(not_ready_test),
	KUNIT_CASE(answered_test),
	KUNIT_CASE(dead_test),
	KUNIT_CASE(late_test),
	KUNIT_CASE_PARAM(lie_test, lie_gen_params),
	KUNIT_CASE(text_test),
	KUNIT_CASE(full_test),
	KUNIT_CASE(reset_test),
	KUNIT_CASE(errno_test),
	{ }
};

static struct kunit_suite supcon_suite = {
	.name		= "rf_supcon",
	.init		= supcon_init,
	.exit		= supcon_exit,
	.test_cases	= supcon_cases,
};

kunit_test_suite(supcon_suite);
