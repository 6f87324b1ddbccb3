// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz of the byte rings between a subOS and the supervisor, as the supervisor
 * reads and writes them (modules/rfcontroller/console.c, tee.c, device.c), and of what
 * a subOS measures of itself (stat.c): each word that a subOS may write is
 * whatever it likes, at any time. The bytes of each ring are of one value, so that
 * a step beside it is seen in what comes out.
 */
#include "fuzz.h"

#define O_NONBLOCK	04000
#define CAP_SYS_ADMIN	21
#define MISC_DYNAMIC_MINOR 255
#define EPOLLIN		1
#define EPOLLOUT	4
#define EPOLLERR	8
#define EPOLLRDNORM	0x40
#define EPOLLWRNORM	0x100
#define HZ		1000
#define TASK_INTERRUPTIBLE 1
#define DEFINE_WAIT_FUNC(w, f)		int w
#define add_wait_queue(q, w)		((void)(q), (void)(w))
#define remove_wait_queue(q, w)		((void)(q), (void)(w))
#define wait_woken(w, state, left)	((void)(w), fuzz_meanwhile() ? (left) : 0)
#define copy_to_user(to, from, n)	(memcpy(to, from, n), 0)
#define copy_from_user(to, from, n)	(memcpy(to, from, n), 0)
#define memdup_user(from, n)		memcpy(malloc(n), from, n)
#define poll_wait(file, q, table)	((void)(table))
#define misc_register(d)		((void)(d), 0)
#define misc_deregister(d)		((void)(d))
#define stream_open(inode, file)	0
#define capable(c)			true
#define usleep_range(a, b)		fuzz_meanwhile()
#define rdtsc_ordered()			1000000ULL
static const u32 tsc_khz = 1000;
#define mul_u64_u32_div(a, b, c)	((u64)(a) * (b) / (c))

struct inode;
struct file {
	void *private_data;
	unsigned int f_flags;
};
typedef unsigned int __poll_t;
typedef struct {
	int unused;
} poll_table;
struct file_operations {
	void *owner, *open, *release, *unlocked_ioctl, *read, *write, *poll;
};
struct miscdevice {
	int minor, mode;
	const char *name;
	const struct file_operations *fops;
};
struct netlink_ext_ack {
	const char *_msg;
};

#include "../../modules/rfcontroller/console.c"
#include "../../modules/rfcontroller/tee.c"
#include "../../modules/rfcontroller/device.c"
#include "../../modules/rfcontroller/stat.c"

unsigned int fuzz_spins, fuzz_starve;

struct mutex rf_list_lock;
bool rf_console_tee;
long rf_dump_ioctl(struct rf_dump *user) { return -ENOENT; }
struct rf_subos *rf_subos_find(const char *name) { return NULL; }
void rf_subos_put(struct rf_subos *s) { kref_put(&s->ref, NULL); }
void rf_ring(u32 apicid) { MUST(apicid == 7); }
bool rf_state_alive(enum rainforest_state state) { return state == RAINFOREST_STATE_RUNNING; }
void rf_msg(struct netlink_ext_ack *extack, const char *fmt, ...) { extack->_msg = fmt; }

static struct rf_cpu cpu = { .apicid = 7 };
static struct rf_subos s = { .name = "mad" };
static unsigned long lies;

__attribute__((destructor)) static void say_lies(void)
{
	printf("%lu words of a hostile subOS\n", lies);
}

static u8 byte_of(unsigned int id) { return 0x10 + id; }

static u64 a_count(u64 near)
{
	switch (take(1) % 6) {
	case 0:
		return take(8);
	case 1:
		return near - take(1);
	case 2:
		return near + take(1);
	case 3:
		return near + take(3);
	case 4:
		return near - take(3);
	}
	return near + ((u64)take(1) << 40);
}

static void lie(void)
{
	unsigned int id = take(1) % RF_RING_COUNT;
	struct rf_ring *r = rf_ring_of(&s, id);
	struct rf_stat *st = (void *)s.desc + RF_OFF_STAT;

	lies++;
	switch (take(1) % 9) {
	case 0:
	case 1:
		r->head = a_count(take(1) & 1 ? r->head : s.end[id].pos);
		break;
	case 2:
	case 3:
		r->tail = a_count(take(1) & 1 ? r->tail : s.end[id].pos);
		break;
	case 4:
		r->flags = take(4);
		break;
	case 5:
		r->waiting = take(1);
		r->notify = take(1);
		break;
	case 6:
		st->seq += take(1) & 3;
		st->nr_cpus = take(take(1) & 1 ? 1 : 4);
		break;
	case 7:
		st->magic = take(1) & 7 ? RF_STAT_MAGIC : take(8);
		st->version_major = take(1) & 7 ? RF_STAT_VERSION_MAJOR : take(2);
		st->generation = take(1) & 7 ? s.generation : take(8);
		st->tsc = take(8);
		break;
	case 8:
		st->size = take(4);
		st->cpu[take(1)].apicid = take(4);
	}
}

/* While the supervisor waits, the subOS goes on; for a while */
bool fuzz_meanwhile(void)
{
	if (!fuzz_left()) {
		s.state = RAINFOREST_STATE_STOPPED;
		s.dead = true;
	}
	lie();
	if (!s.drain.held)
		fuzz_work();
	return true;
}

static void reads(unsigned int stream)
{
	static u8 buf[RF_COPY_MAX];
	struct rf_reader r = { .s = &s, .stream = stream, .flags = take(1) & RF_ATTACH_FOLLOW };
	struct file f = { .private_data = &r, .f_flags = take(1) & 1 ? O_NONBLOCK : 0 };
	unsigned int id = rf_stream_ring[stream];
	size_t len = take(2);
	ssize_t n;

	if (stream == RF_STREAM_CONSOLE)
		r.pos = s.history.head - min(s.history.head, (u64)take(3));
	rf_dev_poll(&f, NULL);
	n = rf_dev_read(&f, (char *)buf, len, NULL);
	MUST(n <= (ssize_t)len);
	for (ssize_t i = 0; i < n; i++)
		MUST(stream == RF_STREAM_CONSOLE ? buf[i] >= byte_of(0) && buf[i] < byte_of(8) :
		     buf[i] == byte_of(id));
}

static void writes(unsigned int stream)
{
	static u8 buf[RF_COPY_MAX];
	struct rf_reader r = { .s = &s, .stream = stream };
	struct file f = { .private_data = &r, .f_flags = O_NONBLOCK };
	unsigned int id = stream == RF_STREAM_CONSOLE ? RF_RING_CONSOLE_IN : RF_RING_STDIN;
	size_t len = take(2);
	ssize_t n;

	memset(buf, byte_of(id), sizeof(buf));
	n = rf_dev_write(&f, (char *)buf, len, NULL);
	MUST(n <= (ssize_t)rf_ring_cap(id));
}

static void measures(void)
{
	static struct rf_stat st;
	struct netlink_ext_ack extack = { NULL };
	int err;

	mutex_lock(&s.drain);
	err = rf_stat_read(&s, &st, &extack);
	mutex_unlock(&s.drain);
	MUST(!err == !extack._msg);
	if (!err)
		MUST(st.nr_cpus <= RF_STAT_MAX_CPUS && st.generation == s.generation);
	rf_stat_age(&st);
}

static void drains(void)
{
	mutex_lock(&s.drain);
	rf_console_drain(&s);
	mutex_unlock(&s.drain);
}

/* The only work there is prints the console */
void fuzz_queue(struct work_struct *w)
{
	MUST(w == &s.tee.work);
	w->queued = true;
}

bool fuzz_work(void)
{
	u64 pos = s.tee.pos;
	bool queued = s.tee.work.queued;

	s.tee.work.queued = false;
	if (queued)
		s.tee.work.fn(&s.tee.work);
	MUST(s.tee.pos >= pos && s.tee.pos <= s.tee.head && s.tee.len < sizeof(s.tee.line));
	for (u64 at = pos; queued && at < s.tee.pos; at++)
		MUST(s.tee.text[at % RF_TEE_BEHIND] == byte_of(RF_RING_CONSOLE_OUT));
	return queued;
}

/* Neither ring may have been written but by its own bytes */
static void whole(void)
{
	for (unsigned int id = 0; id < RF_RING_COUNT; id++) {
		const struct rf_ring *r = rf_ring_of(&s, id);

		for (u64 i = 0; i < 64; i++)
			MUST(r->data[i] == byte_of(id) &&
			     r->data[rf_ring_cap(id) - 1 - i] == byte_of(id));
	}
}

static void setup(void)
{
	if (!s.desc) {
		s.desc = calloc(1, RF_CONTROL_SIZE);
		mutex_init(&s.drain);
		MUST(!rf_console_setup(&s));
		for (unsigned int id = 0; id < RF_RING_COUNT; id++)
			memset(rf_ring_of(&s, id)->data, byte_of(id), rf_ring_cap(id));
	}
	for (unsigned int id = 0; id < RF_RING_COUNT; id++) {
		memset(rf_ring_of(&s, id), 0, sizeof(struct rf_ring));
		s.end[id] = (struct rf_end){ 0 };
	}
	kref_init(&s.ref);
	s.res.cpus = &cpu;
	s.res.nr_cpus = 1;
	s.generation = 1;
	s.dead = false;
	s.state = RAINFOREST_STATE_RUNNING;
	s.history.head = s.history.lost = 0;
	s.tee = (struct rf_tee) { .text = s.tee.text };
	rf_tee_setup(&s);
	rf_console_start(&s);
}

static void fuzz_one(void)
{
	unsigned int steps = 0;

	setup();
	rf_console_tee = take(1) & 1;
	while (fuzz_left() && steps++ < 60) {
		u8 op = take(1);

		if (op < 128)
			lie();
		else if (op < 140)
			(void)(op & 1 ? fuzz_work() : (drains(), true));
		else if (op < 190)
			reads(op & 1 ? RF_STREAM_CONSOLE : RF_STREAM_STDOUT + (op >> 1 & 1));
		else if (op < 230)
			writes(op & 1 ? RF_STREAM_CONSOLE : RF_STREAM_STDIN);
		else if (op < 250)
			measures();
		else
			s.end[RF_RING_STDOUT].busy = op & 1;
	}
	whole();
	mutex_lock(&s.drain);
	rf_console_bury(&s);
	mutex_unlock(&s.drain);
	MUST(s.end[RF_RING_STDOUT].rest_len <= rf_ring_cap(RF_RING_STDOUT));
	rf_tee_finish(&s, 0);
	MUST(s.tee.pos == s.tee.head && s.tee.printed == s.tee.head && !s.tee.len && !s.tee.late);
	rf_console_free_ghosts();
	MUST(s.ref.n == 1);
	kvfree(s.end[RF_RING_STDOUT].rest);
	kvfree(s.end[RF_RING_STDERR].rest);
}
