// SPDX-License-Identifier: GPL-2.0
/* rfm monitor: what happens, as it happens */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <linux/rainforest.h>

#include "rfm.h"

static const char synopsis[] =
	"[OPTION]... [NAME]\n\n"
	"Prints a line for each event of the subOSes, or of one, as it happens. Where\n"
	"events came faster than they were read and some are missed, it says so and tells\n"
	"how things stand now.";

struct monitor {
	struct rfm *r;
	const char *name;	/* only this one; NULL: all */
	uint64_t left;		/* events to print; 0 at the start: no end */
};

static volatile sig_atomic_t signalled;

static void on_signal(int sig)
{
	signalled = sig;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void print_change(const struct rf_record *r)
{
	printf(": %s%s%s by %s in %.3f ms", rf_op_text(r->op), r->what[0] ? " " : "", r->what,
	       r->cause, r->duration_ns / 1e6);
	printf(r->result ? ": %s\n" : "\n", strerror(-r->result));
}

static void print_line(const struct rf_subos *ev, const char *what)
{
	bool state = ev->event != RAINFOREST_EVENT_DESTROYED;
	char when[40];

	printf("%s ", rfm_time_text(ev->time_ns, when, sizeof(when)));
	printf("%s: %s", ev->name, what);
	if (ev->nr_records) {
		print_change(&ev->record[0]);
		return;
	}
	if (state)
		printf(": %s", rf_state_text(ev->state));
	if (state && ev->reason)
		printf(" (%s)", rf_reason_text(ev->reason));
	if (ev->exited)
		printf(", exit status %d", ev->exit_status);
	if (ev->message)
		printf(": %s", ev->message);
	putchar('\n');
}

/* 1: that was the last one, 0: go on, or -EPIPE */
static int print(struct monitor *m, const struct rf_subos *ev, const char *what)
{
	if (m->name && ev->name[0] && strcmp(m->name, ev->name))
		return 0;
	if (m->r->json)
		rfm_json_print(rfm_json_event(ev, what));
	else
		print_line(ev, what);
	if (fflush(stdout))
		return rfm_unread(m->r) ?: -EPIPE;
	return m->left && !--m->left;
}

/* How things stand, in place of the events that are missed */
static int print_missed(struct monitor *m)
{
	struct rf_subos none = { .time_ns = now_ns() }, *list;
	char when[40];
	size_t n;
	int ret;

	if (m->r->json)
		rfm_json_print(rfm_json_event(&none, "missed"));
	else
		printf("%s events were missed; now:\n",
		       rfm_time_text(none.time_ns, when, sizeof(when)));
	ret = rf_subos_list(m->r->rf, &list, &n);
	if (ret)
		return ret;
	for (size_t i = 0; !ret && i < n; i++) {
		list[i].time_ns = now_ns();
		ret = print(m, &list[i], "now");
	}
	rf_subos_free(list, n);
	if (!ret && fflush(stdout))
		ret = rfm_unread(m->r) ?: -EPIPE;
	return ret;
}

static int take(struct monitor *m)
{
	struct rf_subos ev;
	int ret;

	while ((ret = rf_event_next(m->r->rf, &ev)) > 0) {
		if (!ev.time_ns)
			ev.time_ns = now_ns();
		ret = print(m, &ev, rf_event_text(ev.event));
		rf_subos_clear(&ev);
		if (ret)
			return ret;
	}
	rf_subos_clear(&ev);
	return ret == -ENOBUFS ? print_missed(m) : ret;
}

static int monitor(struct monitor *m, uint64_t buffer)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t block, old;
	struct pollfd p[2] = {
		{ .events = POLLIN },
		{ .fd = STDOUT_FILENO },	/* POLLERR: its reader has left */
	};
	int ret = rf_events_open(m->r->rf);

	if (!ret && buffer)
		ret = rf_events_buffer(m->r->rf, buffer);
	if (ret)
		return ret;
	/* only ppoll() is interrupted, so that none comes just before it */
	sigemptyset(&block);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++) {
		sigaddset(&block, sigs[i]);
		sigaction(sigs[i], &sa, NULL);
	}
	sigprocmask(SIG_BLOCK, &block, &old);
	p[0].fd = rf_events_fd(m->r->rf);
	while (!signalled && !ret) {
		if (ppoll(p, 2, NULL, &old) < 0) {
			if (errno != EINTR)
				return rf_error(m->r->rf, -errno, "events: %s", strerror(errno));
			continue;
		}
		if (p[1].revents & (POLLERR | POLLNVAL))
			return 0;
		ret = take(m);
	}
	if (signalled)
		return 128 + signalled;
	return ret > 0 || ret == -EPIPE ? 0 : ret;
}

int cmd_monitor(struct rfm *r, int argc, char **argv)
{
	const char *count = NULL, *size = NULL;
	struct monitor m = { .r = r };
	uint64_t buffer = 0;
	const struct rfm_opt opts[] = {
		{ "count", 'n', OPT_STRING, &count, "N", "end after N events" },
		{ "buffer", 0, OPT_STRING, &size, "SIZE",
			"room for events that are not read yet (default 1M)" },
		RFM_JSON(r), RFM_END
	};
	struct rfm_words words;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	if (words.n || words.n_rest)
		ret = rfm_one_name(r, &words, &m.name);
	if (!ret && count)
		ret = rf_parse_count(r->rf, count, &m.left);
	if (!ret && count && !m.left)
		ret = rf_error(r->rf, -EINVAL, "--count: at least 1");
	if (!ret && size)
		ret = rf_parse_size(r->rf, size, &buffer);
	return ret ?: monitor(&m, buffer);
}
