// SPDX-License-Identifier: GPL-2.0
/*
 * A server with a load that comes and goes, for bench/elastic: requests arrive
 * by the clock, whether or not the ones before are done, and each costs CPU
 * time. Every second a line on /dev/kmsg: how long a request took (p99 of the
 * last SPAN_S seconds, ms), how many came, and how many CPUs there are.
 *
 * usage: elastic COST_US RATE SECONDS [RATE SECONDS]...
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WORKERS		8	/* more than CPUs that may come */
#define QUEUE		(1 << 16)
#define SPAN_S		3
#define KEPT		(1 << 15)

static uint64_t queue[QUEUE];	/* when each request came */
static unsigned int head, tail;
static struct { uint64_t at, took; } done[KEPT];
static unsigned int nr_done;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static uint64_t cost_ns;

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void *worker(void *arg)
{
	for (;;) {
		uint64_t came, until;

		pthread_mutex_lock(&lock);
		while (head == tail)
			pthread_cond_wait(&more, &lock);
		came = queue[tail++ % QUEUE];
		pthread_mutex_unlock(&lock);

		/* of its own time: a CPU that is shared does half in the same time */
		until = now_ns(CLOCK_THREAD_CPUTIME_ID) + cost_ns;
		while (now_ns(CLOCK_THREAD_CPUTIME_ID) < until)
			;
		pthread_mutex_lock(&lock);
		done[nr_done % KEPT].at = now_ns(CLOCK_MONOTONIC);
		done[nr_done % KEPT].took = done[nr_done % KEPT].at - came;
		nr_done++;
		pthread_mutex_unlock(&lock);
	}
	return arg;
}

static int by_time(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static double p99_ms(uint64_t now)
{
	static uint64_t took[KEPT];
	unsigned int n = 0;

	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < KEPT && i < nr_done; i++)
		if (now - done[i].at < SPAN_S * 1000000000ULL)
			took[n++] = done[i].took;
	/* who still waits counts too: nothing is done while nothing moves */
	for (unsigned int i = tail; i != head && n < KEPT; i++)
		took[n++] = now - queue[i % QUEUE];
	pthread_mutex_unlock(&lock);
	if (!n)
		return 0;
	qsort(took, n, sizeof(*took), by_time);
	return took[(n - 1) * 99 / 100] / 1e6;
}

static void tell(uint64_t now, unsigned int rate)
{
	FILE *f = fopen("/dev/kmsg", "w");

	if (!f)
		return;
	fprintf(f, "elastic p99 %.2f rate %u waiting %u cpus %ld\n", p99_ms(now), rate,
		head - tail, sysconf(_SC_NPROCESSORS_ONLN));
	fclose(f);
}

int main(int argc, char **argv)
{
	uint64_t next = now_ns(CLOCK_MONOTONIC), said = next, now;

	if (argc < 4)
		return 1;
	cost_ns = strtoull(argv[1], NULL, 10) * 1000;
	for (int i = 0; i < WORKERS; i++) {
		pthread_t t;

		if (pthread_create(&t, NULL, worker, NULL))
			return 1;
	}
	for (int i = 2; i + 1 < argc; i += 2) {
		unsigned int rate = atoi(argv[i]);
		uint64_t end = now_ns(CLOCK_MONOTONIC) + atoi(argv[i + 1]) * 1000000000ULL;

		while ((now = now_ns(CLOCK_MONOTONIC)) < end) {
			struct timespec pause;

			pthread_mutex_lock(&lock);
			for (; next <= now; next += 1000000000ULL / rate) {
				if (head - tail < QUEUE)
					queue[head++ % QUEUE] = next;
				pthread_cond_signal(&more);
			}
			pthread_mutex_unlock(&lock);
			if (now - said >= 1000000000ULL) {
				tell(now, rate);
				said = now;
			}
			pause = (struct timespec){ next / 1000000000, next % 1000000000 };
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &pause, NULL);
		}
	}
	return 0;
}
