// SPDX-License-Identifier: GPL-2.0
/*
 * Two threads as two kernels, a ring each way, doorbells by futex-like
 * semaphores, and a third that moves the receiver's "communication core" about:
 * each core has a semaphore of its own, and rings to a core that was left
 * are lost, as an interrupt to a CPU that goes offline is.
 *
 * Under TSan: is every byte of a message ordered? usage: stress [MESSAGES]
 */
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include "shim.h"

#define CORES	3
#define ORDER	4	/* small: both ends wait often */

static struct rf_ficm_ring *ring;
static sem_t bells[CORES];	/* of the receiver, by core */
static sem_t room;		/* of the sender */
static struct rf_msg_rx rx;
static pthread_mutex_t rx_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int core;	/* where the receiver listens; under rx_lock */
static bool done;
static unsigned long messages = 200000, rung, moves, got, sum, lost_bells;

static void ring_core(uint32_t c)
{
	MUST(c < CORES);
	rung++;
	sem_post(&bells[c]);
}

static void *sender(void *arg)
{
	struct rf_msg_tx tx;

	(void)arg;
	rf_msgtx_init(&tx, ring, ORDER, 0);
	for (uint64_t i = 0; i < messages; ) {
		uint64_t data[7] = { i, ~i, i * 3, i * 5, i * 7, i * 11, i * 13 };
		int n = rf_msgtx_room(&tx);

		MUST(n >= 0);
		if (!n) {
			if (!rf_msgtx_want(&tx))
				sem_wait(&room);
			continue;
		}
		rf_msgtx_put(&tx, 8, i, data, sizeof(data));
		i++;
		if (rf_msgtx_bell(&tx))
			ring_core(READ_ONCE(ring->bell));
	}
	return NULL;
}

/* Take what is there, and arm. With rx_lock held. */
static void poll_ring(void)
{
	struct rf_ficm_msg msg;

	for (;;) {
		int n = rf_msgrx_take(&rx, &msg);

		if (n) {
			uint64_t d[7];

			MUST(n == 1);
			memcpy(d, msg.data, sizeof(d));
			MUST(d[0] == got && d[1] == ~got && d[6] == got * 13);
			sum += d[3];
			got++;
			rf_msgrx_disarm(&rx);
		}
		if ((!n || rf_msgrx_due(&rx)) && rf_msgrx_tell(&rx))
			sem_post(&room);
		if (!n && !rf_msgrx_arm(&rx))
			return;
	}
}

/* The interrupt handler of one core */
static void *handler(void *arg)
{
	unsigned int me = (unsigned long)arg;

	for (;;) {
		sem_wait(&bells[me]);
		pthread_mutex_lock(&rx_lock);
		if (core == me)
			poll_ring();
		else
			lost_bells++;	/* the CPU is offline */
		if (done) {
			pthread_mutex_unlock(&rx_lock);
			return NULL;
		}
		pthread_mutex_unlock(&rx_lock);
	}
}

static void *mover(void *arg)
{
	struct timespec nap = { .tv_nsec = 50000 };

	(void)arg;
	for (;;) {
		nanosleep(&nap, NULL);
		pthread_mutex_lock(&rx_lock);
		if (got == messages) {
			done = true;
			pthread_mutex_unlock(&rx_lock);
			return NULL;
		}
		core = (core + 1) % CORES;
		rf_msgrx_move(&rx, core);
		moves++;
#ifndef FAULT_NO_LOOK
		poll_ring();
#endif
		pthread_mutex_unlock(&rx_lock);
	}
}

int main(int argc, char **argv)
{
	pthread_t s, m, h[CORES];

	if (argc > 1)
		messages = strtoul(argv[1], NULL, 0);
	ring = ring_new(ORDER, 1);
	rf_msgrx_init(&rx, ring, ORDER, 0);
	sem_init(&room, 0, 0);
	for (unsigned long i = 0; i < CORES; i++)
		sem_init(&bells[i], 0, 0);
	pthread_mutex_lock(&rx_lock);
	poll_ring();
	pthread_mutex_unlock(&rx_lock);
	for (unsigned long i = 0; i < CORES; i++)
		pthread_create(&h[i], NULL, handler, (void *)i);
	pthread_create(&s, NULL, sender, NULL);
	pthread_create(&m, NULL, mover, NULL);
	pthread_join(s, NULL);
	pthread_join(m, NULL);
	for (unsigned int i = 0; i < CORES; i++)
		sem_post(&bells[i]);
	for (unsigned int i = 0; i < CORES; i++)
		pthread_join(h[i], NULL);
	MUST(got == messages);
	printf("%lu messages, %lu doorbells (%lu to a core that had been left), %lu moves, sum %lu\n",
	       got, rung, lost_bells, moves, sum);
	free(ring);
	return 0;
}
