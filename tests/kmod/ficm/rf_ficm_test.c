// SPDX-License-Identifier: GPL-2.0
/*
 * The far ends of FICM's tests, in the supervisor and in subOSes. What comes on
 * port 8 of any channel is checked: each message has a number and a checksum.
 * /sys/kernel/debug/rf_ficm_test/run takes commands, one a write, each of which
 * runs in a thread of its own:
 *
 *   send PEER COUNT		so many messages, numbered from 0
 *   send PEER,PEER COUNT	to several; send * COUNT: to all
 *   cores CPU COUNT		CPU becomes the communication core; then it goes
 *				offline and online so many times
 *   garbage SECONDS		in a subOS: spoil every field of the rings between
 *				it and the supervisor, and ring
 *   forge PEER COUNT		words of the control protocols, of so many types each, with
 *				the generation of our own channel in them
 *   hold MS			receive nothing for so long
 *   on PEER COMMAND		let the module there do it
 *   on PEER state		ask it how it is
 *   forget PEER		what it told, at once: another is to have that name
 *
 * and state tells, a line each: WHERE PEER got=N bad=N sent=N busy=N err=N; WHERE
 * is - here, or the name of who was asked. Its last answer is of a PEER "#", whose
 * got counts the questions.
 */
#define pr_fmt(fmt) "rf_ficm_test: " fmt

#include <linux/cpu.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/rainforest_core.h>
#include <linux/random.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#ifdef CONFIG_RAINFOREST_SUBOS
#include <asm/rainforest_subos.h>
#endif

#include <rf/abi/con.h>
#include <rf/ficm.h>

#define PORT		RF_PORT_FREE
#define PORT_COMMAND	(RF_PORT_FREE + 1)
#define TYPE		0x5246
#define PATIENCE_MS	30000

enum { COMMAND, STATE };

struct test_msg {
	u64 number;
	u64 fill[5];
	u32 sum;
	u32 pad;
};

struct test_state {		/* of the traffic with one peer; also a message */
	char peer[16];
	u64 got;		/* good, and in order */
	u64 sent;
	u32 bad;		/* another checksum, or out of order */
	s32 err;		/* of the last send */
	u32 busy;
	u32 pad;
};

static_assert(sizeof(struct test_msg) == RF_MSG_DATA);
static_assert(sizeof(struct test_state) <= RF_MSG_DATA);

struct entry {
	struct list_head node;
	char where[16];
	struct test_state st;
	u64 next;
};

static bool in_irq;
module_param(in_irq, bool, 0444);
MODULE_PARM_DESC(in_irq, "receive in hard interrupt");

static LIST_HEAD(entries);
static DEFINE_RAW_SPINLOCK(entries_lock);
static unsigned long hold_until;
static struct dentry *dir;
static atomic_t threads;

/* Under entries_lock */
static struct entry *entry_of(const char *where, const char *peer)
{
	static struct entry rest;	/* for names that a mad one makes up */
	static unsigned int nr;
	struct entry *e;

	list_for_each_entry(e, &entries, node)
		if (!strcmp(e->where, where) && !strcmp(e->st.peer, peer))
			return e;
	if (nr++ > 64)
		return &rest;
	e = kzalloc(sizeof(*e), GFP_ATOMIC | __GFP_NOFAIL);
	strscpy(e->where, where, sizeof(e->where));
	strscpy(e->st.peer, peer, sizeof(e->st.peer));
	list_add_tail(&e->node, &entries);
	return e;
}

static u32 sum_of(const struct test_msg *m)
{
	const u8 *p = (const u8 *)m;
	u32 sum = 2166136261U;	/* FNV-1a */

	for (size_t i = 0; i < offsetof(struct test_msg, sum); i++)
		sum = (sum ^ p[i]) * 16777619;
	return sum;
}

static void receive(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg, void *ctx)
{
	const struct test_msg *m = (const void *)msg->data;
	unsigned long flags;
	struct entry *e;

	while (!in_irq && time_before(jiffies, READ_ONCE(hold_until)))
		msleep(20);
	raw_spin_lock_irqsave(&entries_lock, flags);
	e = entry_of("-", rf_ficm_name(ch));
	if (!m->number)
		e->next = 0;	/* a new run */
	if (msg->type != TYPE || msg->len != sizeof(*m) || m->number != e->next ||
	    m->sum != sum_of(m)) {
		if (!e->st.bad++)
			pr_info("from %s: number %llu instead of %llu, or a wrong checksum\n",
				e->st.peer, m->number, e->next);
		e->next = m->number;
	} else {
		e->st.got++;
	}
	e->next++;
	raw_spin_unlock_irqrestore(&entries_lock, flags);
}

static struct rf_ficm_service service = {
	.receive = receive,
};

/* ---- commands ---- */

static void fill(struct test_msg *m, u64 number)
{
	m->number = number;
	for (int i = 0; i < ARRAY_SIZE(m->fill); i++)
		m->fill[i] = (number + i) * 0x9e3779b97f4a7c15ULL;
	m->sum = sum_of(m);
	m->pad = 0;
}

static struct test_state *begin(const char *peer)
{
	struct entry *e;

	raw_spin_lock_irq(&entries_lock);
	e = entry_of("-", peer);
	e->st.busy = 1;
	e->st.sent = 0;
	e->st.err = 0;
	raw_spin_unlock_irq(&entries_lock);
	return &e->st;
}

static int send(char *names, u64 count)
{
	struct test_state *st = begin(names);
	struct rf_ficm_channel *ch[8];
	bool all = names[0] == '*';
	int result[8], n = 0, err = 0;
	char *name;

	while (!all && n < ARRAY_SIZE(ch) && (name = strsep(&names, ","))) {
		ch[n] = rf_ficm_find(name);
		if (ch[n])
			n++;
		else
			err = -ENOENT;
	}
	for (u64 i = 0; i < count && !err; i++) {
		struct test_msg m;

		fill(&m, i);
		if (all) {
			if (!rf_ficm_broadcast(PORT, TYPE, &m, sizeof(m)))
				err = -EAGAIN;
			usleep_range(100, 200);	/* nobody waits for room in it */
		} else if (n == 1) {
			err = rf_ficm_send_timeout(ch[0], PORT, TYPE, &m, sizeof(m), PATIENCE_MS);
		} else {
			rf_ficm_send_many(ch, n, PORT, TYPE, &m, sizeof(m), result);
			for (int k = 0; k < n && !err; k++)
				err = result[k] != -EAGAIN ? result[k] :
				      rf_ficm_send_timeout(ch[k], PORT, TYPE, &m, sizeof(m), PATIENCE_MS);
		}
		WRITE_ONCE(st->sent, i + !err);
		cond_resched();
	}
	while (n)
		rf_ficm_put(ch[--n]);
	st->err = err;
	smp_store_release(&st->busy, 0);
	return err;
}

static int cores(unsigned int cpu, u64 count)
{
	struct test_state *st = begin("cores");
	int err = rf_ficm_set_core(cpu);

	for (u64 i = 0; i < count && !err; i++) {
		err = remove_cpu(cpu);
		if (!err && rf_ficm_core() == cpu)
			err = -EBUSY;
		err = err ?: add_cpu(cpu);
		if (!err && rf_ficm_core() != cpu)
			err = -ENXIO;
		WRITE_ONCE(st->sent, i + !err);
	}
	st->err = err;
	smp_store_release(&st->busy, 0);
	return err;
}

#ifdef CONFIG_RAINFOREST_SUBOS
/* A kernel gone mad, as far as rings go */
static void spoil(struct rf_ficm_ring *r)
{
	struct rf_ficm_msg *slot = &r->slot[get_random_u32_below(1 << RF_MSG_ORDER)];

	switch (get_random_u32_below(10)) {
	case 0:
		WRITE_ONCE(slot->seq, get_random_u32());
		break;
	case 1:
		WRITE_ONCE(slot->seq, slot->seq + 1);
		break;
	case 2:
		WRITE_ONCE(slot->len, get_random_u8());
		WRITE_ONCE(slot->port, get_random_u8());
		break;
	case 3:
	case 4:
		get_random_bytes(slot->data, sizeof(slot->data));
		WRITE_ONCE(slot->type, get_random_u16());
		break;
	case 5:
		WRITE_ONCE(r->tail, get_random_u64());
		break;
	case 6:
		WRITE_ONCE(r->tail, r->tail + get_random_u32_below(300));
		break;
	case 7:
		WRITE_ONCE(r->head, get_random_u64());
		WRITE_ONCE(r->magic, get_random_u64());
		WRITE_ONCE(r->version, get_random_u32());
		WRITE_ONCE(r->order, get_random_u32());
		WRITE_ONCE(r->generation, get_random_u64());
		break;
	case 8:
		WRITE_ONCE(r->notify, get_random_u32());
		WRITE_ONCE(r->bell, get_random_u32());
		break;
	case 9:
		WRITE_ONCE(r->waiting, get_random_u32());
		WRITE_ONCE(r->send_bell, get_random_u32());
		break;
	}
}

/* Messages that come at their turn, and make no sense; a few ahead, for luck */
static void nonsense(struct rf_ficm_ring *r, u64 next)
{
	for (u64 i = next; i < next + 4; i++) {
		struct rf_ficm_msg *slot = &r->slot[i & ((1 << RF_MSG_ORDER) - 1)];

		WRITE_ONCE(slot->port, get_random_u32_below(2) ? get_random_u8() :
			   get_random_u32_below(RF_PORTS));
		WRITE_ONCE(slot->len, get_random_u32_below(2) ? get_random_u8() :
			   get_random_u32_below(RF_MSG_DATA + 1));
		WRITE_ONCE(slot->type, get_random_u32_below(8));
		get_random_bytes(slot->data, sizeof(slot->data));
		smp_store_release(&slot->seq, (u32)(i + 1));
	}
}

static int garbage(u64 seconds)
{
	struct rf_boot_desc *d = rainforest_desc;
	unsigned long end = jiffies + seconds * HZ;
	struct test_state *st = begin("garbage");
	struct rf_ficm_ring *r[2];
	u64 next;

	r[0] = memremap(d->ficm_rx, d->ficm_size, MEMREMAP_WB);
	r[1] = memremap(d->ficm_tx, d->ficm_size, MEMREMAP_WB);
	if (!r[0] || !r[1])
		return -ENOMEM;
	/* a second of either: order is what the other kind of garbage needs */
	next = READ_ONCE(r[1]->head);
	while (time_before(jiffies, end)) {
		for (int i = 0; i < 64; i++) {
			if (jiffies / HZ & 1) {
				spoil(r[i & 1]);
			} else {
				spoil(r[0]);
				nonsense(r[1], next++);
			}
			WRITE_ONCE(st->sent, st->sent + 1);
		}
		rainforest_ring(d->sup_apicid);
		usleep_range(500, 1000);	/* for the other side to take some */
	}
	memunmap(r[0]);
	memunmap(r[1]);
	smp_store_release(&st->busy, 0);
	return 0;
}
#else
static int garbage(u64 seconds)
{
	return -EOPNOTSUPP;
}
#endif

static int forge(const char *peer, u64 types)
{
	static const unsigned int ports[] = { RF_CON_PORT, RF_PORT_CONTROL };
	struct rf_ficm_channel *ch = rf_ficm_find(peer);
	u64 data[RF_MSG_DATA / 8] = { };
	int err = ch ? 0 : -ENOENT;

	if (ch)
		data[0] = rf_ficm_generation(ch);
	for (u64 type = 0; type < types; type++)
		for (int i = 0; i < ARRAY_SIZE(ports); i++)
			err = err ?: rf_ficm_send_timeout(ch, ports[i], type, data, sizeof(data),
							  PATIENCE_MS);
	rf_ficm_put(ch);
	return err;
}

static int on(const char *peer, const char *command)
{
	struct rf_ficm_channel *ch = rf_ficm_find(peer);
	int err = -ENOENT;

	if (ch)
		err = rf_ficm_send_timeout(ch, PORT_COMMAND, COMMAND, command, strlen(command) + 1,
					   PATIENCE_MS);
	rf_ficm_put(ch);
	return err;
}

static int run(char *line)
{
	char *word = strsep(&line, " "), *arg = strsep(&line, " ");
	unsigned int cpu;
	u64 n = 0;

	if (!arg)
		return -EINVAL;
	if (!strcmp(word, "on"))
		return line ? on(arg, line) : -EINVAL;
	if (kstrtou64(line ?: arg, 0, &n))
		return -EINVAL;
	if (!strcmp(word, "send"))
		return send(arg, n);
	if (!strcmp(word, "cores"))
		return kstrtouint(arg, 0, &cpu) ?: cores(cpu, n);
	if (!strcmp(word, "garbage"))
		return garbage(n);
	if (!strcmp(word, "forge"))
		return forge(arg, n);
	if (strcmp(word, "hold"))
		return -EINVAL;
	WRITE_ONCE(hold_until, jiffies + msecs_to_jiffies(n));
	return 0;
}

static int thread(void *arg)
{
	char *line = arg, *text = kstrdup(line, GFP_KERNEL | __GFP_NOFAIL);
	int err = run(strim(line));	/* which may begin later: not to be freed */

	pr_info("%s: %d\n", text, err);
	kfree(text);
	kfree(line);
	atomic_dec(&threads);
	return 0;
}

static void forget(const char *where)
{
	struct entry *e;

	raw_spin_lock_irq(&entries_lock);
	list_for_each_entry(e, &entries, node)
		if (!strcmp(e->where, where))
			memset((void *)&e->st + sizeof(e->st.peer), 0,
			       sizeof(e->st) - sizeof(e->st.peer));
	raw_spin_unlock_irq(&entries_lock);
}

static int start(const char *text, size_t len)
{
	char *line = kstrndup(text, len, GFP_KERNEL);
	struct task_struct *t;

	if (!line)
		return -ENOMEM;
	atomic_inc(&threads);
	t = kthread_run(thread, line, "rf_ficm_test");
	if (!IS_ERR(t))
		return 0;
	atomic_dec(&threads);
	kfree(line);
	return PTR_ERR(t);
}

/* From another kernel's module: a command for us, or a state of its */
static void command(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg, void *ctx)
{
	char text[RF_MSG_DATA + 1];
	struct entry *e;

	memcpy(text, msg->data, RF_MSG_DATA);
	text[RF_MSG_DATA] = 0;
	if (msg->type == STATE) {
		struct test_state st;

		memcpy(&st, msg->data, sizeof(st));
		st.peer[sizeof(st.peer) - 1] = 0;
		raw_spin_lock_irq(&entries_lock);
		e = entry_of(rf_ficm_name(ch), st.peer);
		e->st = st;
		raw_spin_unlock_irq(&entries_lock);
	} else if (!strcmp(text, "state")) {
		struct entry *end;

		raw_spin_lock_irq(&entries_lock);
		end = entry_of("-", "#");
		end->st.got++;
		list_for_each_entry(e, &entries, node)
			if (e != end && e->where[0] == '-')
				rf_ficm_post(ch, PORT_COMMAND, STATE, &e->st, sizeof(e->st));
		rf_ficm_post(ch, PORT_COMMAND, STATE, &end->st, sizeof(end->st));
		raw_spin_unlock_irq(&entries_lock);
	} else {
		start(text, sizeof(text));
	}
}

static const struct rf_ficm_service commands = {
	.receive = command,
};

/* ---- debugfs ---- */

static ssize_t run_write(struct file *file, const char __user *from, size_t len, loff_t *ppos)
{
	char *line = memdup_user_nul(from, len);
	int err;

	if (IS_ERR(line))
		return PTR_ERR(line);
	if (str_has_prefix(line, "forget ")) {
		forget(strim(line + strlen("forget ")));
		err = 0;
	} else {
		err = start(line, len);
	}
	kfree(line);
	return err ?: len;
}

static const struct file_operations run_fops = {
	.owner = THIS_MODULE, .open = simple_open, .write = run_write,
};

static int state_show(struct seq_file *m, void *unused)
{
	struct entry *e;

	/* none is ever removed; a line may be a little out of date */
	list_for_each_entry(e, &entries, node)
		seq_printf(m, "%s %s got=%llu bad=%u sent=%llu busy=%u err=%d\n", e->where,
			   e->st.peer, e->st.got, e->st.bad, e->st.sent, e->st.busy, e->st.err);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

static int __init test_init(void)
{
	int err;

	hold_until = jiffies;
	service.flags = in_irq ? RF_FICM_IRQ : 0;
	err = rf_ficm_register(PORT, &service);
	if (err)
		return err;
	err = rf_ficm_register(PORT_COMMAND, &commands);
	if (err) {
		rf_ficm_unregister(PORT);
		return err;
	}
	dir = debugfs_create_dir("rf_ficm_test", NULL);
	debugfs_create_file("run", 0200, dir, NULL, &run_fops);
	debugfs_create_file("state", 0400, dir, NULL, &state_fops);
	pr_info("listening\n");
	return 0;
}

static void __exit test_exit(void)
{
	struct entry *e, *next;

	debugfs_remove_recursive(dir);
	rf_ficm_unregister(PORT_COMMAND);
	rf_ficm_unregister(PORT);
	while (atomic_read(&threads))
		msleep(20);
	list_for_each_entry_safe(e, next, &entries, node)
		kfree(e);
}

module_init(test_init);
module_exit(test_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("far ends of FICM's tests");
MODULE_IMPORT_NS(RAINFOREST);
