// SPDX-License-Identifier: GPL-2.0
/* rfm run: one command in a subOS of its own */
#include <errno.h>
#include <linux/rainforest.h>
#include <linux/rainforest_console.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "end.h"
#include "pump.h"
#include "signals.h"

static const char synopsis[] =
	"[OPTION]... [-- COMMAND [ARG]... | -- ARG...]\n\n"
	"Creates and starts a subOS, streams the command's input and output, waits for its\n"
	"end and returns its exit status (128+n for signal n). With --bin, what follows --\n"
	"are the program's arguments. Where rfm itself fails: 125, with its own code in the\n"
	"message. --json prints how it ended, as the last line.";

enum { IN, OUT, ERR, NR_PUMPS };

struct job {
	struct rfm_make make;
	bool rm, named;		/* --rm, --name */
	int lost;		/* -errno of rfm's own output, but for -EPIPE; the stream */
	int lost_stream;
	bool over;		/* it has ended: @end */
	int asked;		/* by which signal it was asked to stop */
	bool killed;
	int64_t kill_at;	/* when patience ends, CLOCK_MONOTONIC ms */
	int64_t give_up_at;	/* when it is unresponsive, else 0 */
	struct rf_subos end;
	struct rfm_pump *pump;	/* IN, OUT, ERR */
};

static void make_name(char *name, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char rnd[6] = { 0 };
	char word[7] = "";

	if (getrandom(rnd, sizeof(rnd), 0) < 0)
		memcpy(rnd, &(pid_t){ getpid() }, sizeof(pid_t));
	for (size_t i = 0; i < sizeof(rnd); i++)
		word[i] = letters[rnd[i] % 32];
	snprintf(name, len, "run-%s", word);
}

static int attach(struct rfm *r, struct job *j)
{
	static const unsigned int stream[] = {
		RF_STREAM_STDIN, RF_STREAM_STDOUT, RF_STREAM_STDERR,
	};

	for (int i = 0; i < NR_PUMPS; i++) {
		int fd = rf_attach(r->rf, j->make.name, stream[i], 0, NULL);

		if (fd < 0)
			return fd;
		j->pump[i].in = i == IN;
		j->pump[i].from = i == IN ? STDIN_FILENO : fd;
		j->pump[i].to = i == IN ? fd : i;
	}
	return 0;
}

/* Ask PID 1 first, and take the CPUs when patience ends or is lost */
static void stop(struct rfm *r, struct job *j, int sig)
{
	/* one millisecond: enough to ask; the streams have to flow meanwhile */
	const struct rf_stop s = { .name = j->make.name, .timeout_ms = 1 };
	struct rf_subos reply;
	int ret;

	if (!j->asked) {
		j->asked = sig;
		j->kill_at = rfm_now_ms() + RFM_STOP_MS;
		ret = rf_stop(r->rf, &s, &reply);
		rf_subos_clear(&reply);
		if (!ret || ret == -ETIMEDOUT)
			return;
	}
	if (j->killed)
		return;
	j->killed = true;
	rf_kill(r->rf, &s, &reply);
	rf_subos_clear(&reply);
}

/* Who does not take its output any more wants no more of it */
static void step(struct rfm *r, struct job *j, int i, const struct pollfd *p)
{
	int ret = rfm_pump_step(&j->pump[i], p);

	if (!ret)
		return;
	if (ret != -EPIPE) {
		j->lost = ret;
		j->lost_stream = i;
	}
	stop(r, j, SIGPIPE);
}

/* Has it ended? Asked once after the start, then after each notice */
static int look(struct rfm *r, struct job *j)
{
	int ret = rf_subos_get(r->rf, j->make.name, &j->end);

	if (ret == -ENOENT)
		return rf_error(r->rf, ret, "%s was destroyed by someone else", j->make.name);
	if (ret)
		return ret;
	j->over = rf_state_over(j->end.state);
	if (j->end.state != RAINFOREST_STATE_UNRESPONSIVE) {
		j->give_up_at = 0;
	} else if (!j->give_up_at) {
		rfm_warn("%s does not respond", j->make.name);
		j->give_up_at = rfm_now_ms() + RF_PATIENCE_MS;
	} else if (rfm_now_ms() >= j->give_up_at) {
		j->over = true;
	}
	if (!j->over)
		rf_subos_clear(&j->end);
	return 0;
}

/* Nothing has come: only what has been unresponsive for long is looked at */
static int look_again(struct rfm *r, struct job *j, int polled)
{
	if (!polled && !j->over && j->give_up_at && rfm_now_ms() >= j->give_up_at)
		return look(r, j);
	return 0;
}

static int on_notices(struct rfm *r, struct job *j)
{
	struct rf_subos ev;
	bool ours = false;
	int ret;

	while ((ret = rf_event_next(r->rf, &ev)) > 0) {
		ours |= !strcmp(ev.name, j->make.name);
		rf_subos_clear(&ev);
	}
	if (ret == -ENOBUFS)
		ours = true;
	else if (ret < 0)
		return ret;
	return ours && !j->over ? look(r, j) : 0;
}

/*
 * Milliseconds that poll() may wait. A stop that was asked for has a limit, and
 * the silence of an unresponsive subOS; and so has the end of the streams after
 * the end of the subOS, but not while someone is slow in reading what we write.
 */
static int patience(const struct job *j)
{
	int64_t until = INT64_MAX;

	if (j->over && (j->pump[OUT].at < j->pump[OUT].n || j->pump[ERR].at < j->pump[ERR].n))
		return -1;
	if (j->over)
		return j->end.state == RAINFOREST_STATE_UNRESPONSIVE ? 100 : 2000;
	if (j->asked && !j->killed)
		until = j->kill_at;
	if (j->give_up_at && j->give_up_at < until)
		until = j->give_up_at;
	if (until == INT64_MAX)
		return -1;
	return until > rfm_now_ms() ? until - rfm_now_ms() : 0;
}

static int pump(struct rfm *r, struct job *j)
{
	enum { SIGNAL = NR_PUMPS, NOTICE, NR };
	struct pollfd p[NR] = {
		[SIGNAL] = { .fd = rfm_signals_fd(), .events = POLLIN },
		[NOTICE] = { .fd = rf_events_fd(r->rf), .events = POLLIN },
	};
	int ret;

	ret = look(r, j);
	for (int i = OUT; i <= ERR; i++)
		step(r, j, i, NULL);
	while (!ret && !(j->over && j->pump[OUT].done && j->pump[ERR].done)) {
		for (int i = 0; i < NR_PUMPS; i++)
			rfm_pump_poll(&j->pump[i], &p[i]);
		if (j->over)
			p[IN].fd = -1;
		ret = poll(p, NR, patience(j));
		if (ret < 0 && errno != EINTR)
			return rf_error(r->rf, -errno, "poll: %s", strerror(errno));
		if (!ret && j->over)
			return 0;
		if (!ret && j->asked && rfm_now_ms() >= j->kill_at)
			stop(r, j, j->asked);
		if (ret <= 0 && !rfm_signal) {
			ret = look_again(r, j, ret);
			continue;
		}
		if (rfm_signal) {
			stop(r, j, rfm_signals_take());
			ret = 0;
			continue;
		}
		for (int i = 0; i < NR_PUMPS; i++)
			step(r, j, i, &p[i]);
		ret = p[NOTICE].revents ? on_notices(r, j) : 0;
	}
	return ret;
}

static void detach(struct job *j)
{
	for (int i = 0; i < NR_PUMPS; i++) {
		struct rfm_pump *p = &j->pump[i];
		int fd = p->in ? p->to : p->from;

		/* an input that has ended is closed already */
		if (fd > STDERR_FILENO && !(p->in && p->done))
			close(fd);
	}
}

static int start(struct rfm *r, const struct job *j)
{
	const struct rf_stop s = { .name = j->make.name, .timeout_ms = -1 };
	struct rf_subos reply;
	int ret = rf_start(r->rf, &s, &reply);

	rfm_warnings(&reply);
	rf_subos_clear(&reply);
	return ret;
}

static int live(struct rfm *r, struct job *j)
{
	int ret = rf_events_open(r->rf);

	if (!ret)
		ret = attach(r, j);
	if (!ret && rfm_signal)
		ret = rf_error(r->rf, -EINTR, "interrupted");
	if (!ret)
		ret = start(r, j);
	if (!ret)
		ret = pump(r, j);
	detach(j);
	if (ret == -EHOSTDOWN)
		rfm_say_console(r, j->make.name);
	if (ret)
		return ret;
	/* its output is not whole, whatever it says of itself */
	if (j->lost)
		return rf_error(r->rf, j->lost, "standard %s: %s",
				j->lost_stream == OUT ? "output" : "error", strerror(-j->lost));
	ret = rf_subos_status(r->rf, &j->end);
	if (j->asked && !j->end.exited)
		return 128 + j->asked;
	if (ret == -EHOSTDOWN)
		rfm_say_console(r, j->make.name);
	return ret;
}

/* Give everything back; a failure of this kind is reported before the status */
static int give_back(struct rfm *r, const struct job *j, int status)
{
	char text[512];
	int ret = rfm_unmake(r, j->make.name, status, text, sizeof(text));

	if (!ret)
		return status;
	/* the command's failure is told as well */
	if (status < 0)
		return rf_error(r->rf, ret, "%s; then destroy: %s", text, rf_strerror(r->rf));
	return ret;
}

static int dry_run(struct rfm *r, struct job *j)
{
	struct rf_subos made;
	int ret = rfm_make(r, &j->make, &made);

	if (ret)
		return ret;
	if (r->json)
		rfm_json_print(rfm_json_change(&made, true));
	else
		rfm_say_dry_create(&made);
	rf_subos_clear(&made);
	return 0;
}

static int run(struct rfm *r, struct job *j)
{
	struct rf_subos made;
	bool exists;
	int ret;

	ret = rfm_make(r, &j->make, &made);
	rf_subos_clear(&made);
	exists = ret == -EEXIST;
	if (!ret) {
		ret = live(r, j);
		/* interrupted before it began: nobody wants it */
		if (j->rm || ret == -EINTR)
			ret = give_back(r, j, ret);
		else if (ret != -ENOENT && !j->named && !r->json)
			fprintf(stderr, "rfm: run: %s keeps its CPUs and memory: rfm destroy %s\n",
				j->make.name, j->make.name);
	}
	rf_lock_drop(j->make.name, j->make.lock, j->make.stale && exists);
	if (r->json && ret >= 0) {
		if (!j->end.name[0])
			snprintf(j->end.name, sizeof(j->end.name), "%s", j->make.name);
		rfm_json_end(&j->end, ret);
	}
	rf_subos_clear(&j->end);
	return ret;
}

int cmd_run(struct rfm *r, int argc, char **argv)
{
	struct job j = { .make.no_shell = true };
	const struct rfm_opt more[] = {
		{ "rm", 0, OPT_FLAG, &j.rm, NULL, "destroy it afterwards" },
		RFM_DRY_RUN(&j.make.dry_run), RFM_JSON(r), RFM_END
	};
	struct rfm_opt opts[RFM_MAKE_OPTS + ARRAY_SIZE(more)];
	struct rfm_words words;
	char name[16];
	int ret;

	rfm_make_opts(&j.make, opts, more);
	ret = rfm_parse(r, argc, argv, opts, synopsis, &words);
	if (ret) {
		ret = ret > 0 ? 0 : ret;
		goto out;
	}
	if (words.n) {
		ret = rf_error(r->rf, -EINVAL,
			       "\"%s\" is too much: a command goes after --, a name after --name",
			       words.v[0]);
		goto out;
	}
	make_name(name, sizeof(name));
	j.named = j.make.name;
	j.make.name = j.make.name ?: name;
	ret = rf_parse_new_name(r->rf, j.make.name);
	if (ret)
		goto out;
	j.make.argv = words.rest;
	j.make.argc = words.n_rest;
	if (!j.make.argc && !j.make.bin && !j.make.init && !j.make.initrd) {
		ret = rf_error(r->rf, -EINVAL, "what shall it run? See rfm run --help");
		goto out;
	}
	j.pump = calloc(NR_PUMPS, sizeof(*j.pump));
	if (!j.pump)
		ret = rf_error(r->rf, -ENOMEM, "out of memory");
	else
		ret = j.make.dry_run ? dry_run(r, &j) : run(r, &j);
	free(j.pump);
out:
	rfm_make_clear(&j.make);
	return ret;
}
