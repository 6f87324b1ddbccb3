// SPDX-License-Identifier: GPL-2.0
/*
 * Consoles of subOSes in the supervisor's log (console_tee), line by line, each with
 * the subOS's name. To print takes its time on a serial line: this goes at that pace,
 * and neither who drains the rings nor who waits for rf_subos.drain feels it. One
 * worker, a piece of each in turn: none keeps another's words back.
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/slab.h>
#include <linux/workqueue.h>

#include "rfcontroller.h"

#define RF_TEE_PIECE	1024		/* bytes printed in one go */
#define RF_TEE_BEHIND	(64 * 1024)	/* bytes behind; what is older is left out */
static_assert(RF_COPY_MAX <= RF_TEE_BEHIND);

static struct workqueue_struct *rf_tee_wq;

static void rf_tee_line(struct rf_subos *s)
{
	s->tee.line[s->tee.len] = 0;
	s->tee.len = 0;
	printk(KERN_INFO "rainforest: [%s] %s\n", s->name, s->tee.line);
	cond_resched();		/* each may be a line on a slow console */
}

static void rf_tee_print(struct rf_subos *s, const u8 *from, size_t len)
{
	for (; len && !READ_ONCE(s->tee.late); from++, len--) {
		bool printable = *from >= ' ' || *from == '\t';

		if (*from != '\n' && s->tee.len < sizeof(s->tee.line) - 1) {
			if (*from != '\r')
				s->tee.line[s->tee.len++] = printable ? *from : '?';
			if (s->tee.len < sizeof(s->tee.line) - 1)
				continue;
		}
		rf_tee_line(s);
	}
}

/* What comes next. Return: bytes, 0: there is no more. */
static size_t rf_tee_take(struct rf_tee *tee, u8 *to, u64 *left_out, bool *new_life)
{
	u64 first, n;

	*left_out = 0;
	if (tee->head - tee->pos > RF_TEE_BEHIND) {
		*left_out = tee->head - tee->pos - RF_TEE_BEHIND;
		tee->pos += *left_out;
	}
	/* a life's last line ends with it */
	*new_life = tee->pos == tee->born;
	n = min_t(u64, tee->head - tee->pos, RF_TEE_PIECE);
	if (tee->pos < tee->born)
		n = min(n, tee->born - tee->pos);
	first = min(n, RF_TEE_BEHIND - tee->pos % RF_TEE_BEHIND);
	memcpy(to, tee->text + tee->pos % RF_TEE_BEHIND, first);
	memcpy(to + first, tee->text, n - first);
	tee->pos += n;
	return n;
}

static void rf_tee_queue(struct rf_subos *s)
{
	kref_get(&s->ref);
	if (!queue_work(rf_tee_wq, &s->tee.work))
		rf_subos_put(s);	/* not the last: who asks has one */
}

static void rf_tee_work(struct work_struct *work)
{
	struct rf_subos *s = container_of(work, struct rf_subos, tee.work);
	u8 *piece = kmalloc(RF_TEE_PIECE, GFP_KERNEL);
	bool new_life = false, last = false;
	u64 left_out = 0;
	size_t n = 0;

	if (piece) {	/* or else with what is printed next */
		mutex_lock(&s->drain);
		n = rf_tee_take(&s->tee, piece, &left_out, &new_life);
		last = s->tee.last && !n;
		mutex_unlock(&s->drain);
	}
	if (s->tee.len && (new_life || left_out || last))
		rf_tee_line(s);
	if (left_out)
		pr_info("console of %s: %llu bytes left out, it prints too fast for this log\n",
			s->name, left_out);
	rf_tee_print(s, piece, n);
	WRITE_ONCE(s->tee.printed, s->tee.printed + left_out + n);
	kfree(piece);
	if (last) {
		WRITE_ONCE(s->tee.done, true);
		wake_up_all(&s->wait);
	}
	if (n)
		rf_tee_queue(s);
	rf_subos_put(s);
}

/**
 * rf_tee_put - what a console has printed
 * @s: the subOS
 * @from: bytes
 * @len: how many, RF_COPY_MAX at most
 *
 * Context: process; s->drain held.
 */
void rf_tee_put(struct rf_subos *s, const u8 *from, size_t len)
{
	u64 at = s->tee.head % RF_TEE_BEHIND, first = min_t(u64, len, RF_TEE_BEHIND - at);

	lockdep_assert_held(&s->drain);
	if (!s->tee.text)
		s->tee.text = kvmalloc(RF_TEE_BEHIND, GFP_KERNEL);
	if (!s->tee.text)
		return;		/* 'rfm logs' has it */
	memcpy(s->tee.text + at, from, first);
	memcpy(s->tee.text, from + first, len - first);
	s->tee.head += len;
	rf_tee_queue(s);
}

/**
 * rf_tee_finish - wait until all is printed of one that prints no more
 * @s: the subOS
 * @late: jiffies, until when; what is not printed then is left out
 *
 * Context: process, may sleep; s->drain not held.
 */
void rf_tee_finish(struct rf_subos *s, unsigned long late)
{
	struct rf_tee *tee = &s->tee;
	u64 left;

	mutex_lock(&s->drain);
	if (tee->text) {
		tee->last = true;
		rf_tee_queue(s);
	}
	mutex_unlock(&s->drain);
	if (!tee->text ||
	    wait_event_timeout(s->wait, READ_ONCE(tee->done), max_t(long, late - jiffies, 1)))
		return;
	mutex_lock(&s->drain);
	WRITE_ONCE(tee->late, true);
	tee->pos = tee->head;
	left = tee->head - READ_ONCE(tee->printed);
	mutex_unlock(&s->drain);
	pr_info("console of %s: its last %llu bytes left out, this log is too slow\n",
		s->name, left);
}

void rf_tee_setup(struct rf_subos *s)
{
	INIT_WORK(&s->tee.work, rf_tee_work);
}

/* A life ends or begins: its last line ends there. Context: s->drain held. */
void rf_tee_life(struct rf_subos *s)
{
	s->tee.born = s->tee.head;
	if (s->tee.text)
		rf_tee_queue(s);
}

void rf_tee_free(struct rf_subos *s)
{
	kvfree(s->tee.text);
}

int rf_tee_init(void)
{
	rf_tee_wq = alloc_ordered_workqueue("rf_tee", 0);
	return rf_tee_wq ? 0 : -ENOMEM;
}

void rf_tee_exit(void)
{
	destroy_workqueue(rf_tee_wq);
}
