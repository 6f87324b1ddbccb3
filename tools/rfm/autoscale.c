// SPDX-License-Identifier: GPL-2.0
/* rfm autoscale: a CPU more when a metric is too high, one less when it is low */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <linux/rainforest.h>

#include "metric.h"

static const char synopsis[] =
	"NAME --lower X --upper Y (--command CMD | --file FILE) [OPTION]...\n\n"
	"Reads a metric again and again: above the upper threshold a CPU moves from the\n"
	"donor to the subOS, below the lower one it moves back. A line tells each step.";

struct scale {
	struct rfm *r;
	const char *name, *donor;	/* NULL: the supervisor */
	struct rf_autoscale policy;
	struct rf_autoscale_view view;
	struct rfm_metric metric;
	int64_t interval_ms;
	bool once, dry_run;
};

/* What one step came to */
struct outcome {
	bool known;		/* the metric, and the CPUs */
	enum rf_autoscale_step step;
	const char *why;
	int result;		/* 0 or -errno, with its sentence in error */
	char error[256];
	int64_t took_ms;
};

static volatile sig_atomic_t signalled;

static void on_signal(int sig)
{
	signalled = sig;
}

static int count_cpus(struct scale *s, const char *name, uint32_t *n)
{
	struct rf_subos subos;
	struct rf_cpu *list;
	size_t nr;
	int ret;

	if (name) {
		ret = rf_subos_get(s->r->rf, name, &subos);
		if (ret)
			return ret;
		if (!rf_state_active(subos.state))
			ret = rf_error(s->r->rf, -EHOSTDOWN, "%s is %s", name,
				       rf_state_text(subos.state));
		*n = subos.nr_cpus;
		rf_subos_clear(&subos);
		return ret;
	}
	ret = rf_cpus_get(s->r->rf, &list, &nr);
	if (ret)
		return ret;
	*n = 0;
	for (size_t i = 0; i < nr; i++)
		*n += list[i].online && !list[i].owner[0];
	rf_cpus_free(list, nr);
	return 0;
}

/* The one place that moves a CPU; from or to NULL: the supervisor */
static int move_cpu(struct scale *s, const char *from, const char *to)
{
	const struct rf_resize z = {
		.name = from ?: to,
		.to = from ? to : NULL,
		.count = true,
		.ncpus = 1,
		/* what moves between two has no sign */
		.how = from && to ? RAINFOREST_HOW_TARGET :
		       from ? RAINFOREST_HOW_REMOVE : RAINFOREST_HOW_ADD,
		.cpu_node = RF_NO_NODE,
		.timeout_ms = -1,
		.dry_run = s->dry_run,
	};
	struct rf_subos reply;
	int ret = from && to ? rf_move(s->r->rf, &z, &reply) : rf_resize(s->r->rf, &z, &reply);

	rf_subos_clear(&reply);
	return ret;
}

static int step(struct scale *s, struct outcome *o)
{
	int64_t began;
	int ret;

	*o = (struct outcome){ .why = "not known" };
	ret = count_cpus(s, s->name, &s->view.cpus) ?:
	      count_cpus(s, s->donor, &s->view.donor_cpus);
	/* a subOS that is gone is the end; one that does not run may come back */
	if (ret && ret != -EHOSTDOWN)
		return ret;
	ret = ret ?: rfm_metric_read(s->r, &s->metric, &s->view.metric);
	if (ret) {
		o->result = ret;
		snprintf(o->error, sizeof(o->error), "%s", rf_strerror(s->r->rf));
		return 0;
	}
	o->known = true;
	s->view.now_ms = rfm_now_ms();
	o->step = rf_autoscale_decide(&s->policy, &s->view, &o->why);
	if (o->step == RF_AUTOSCALE_HOLD)
		return 0;
	began = rfm_now_ms();
	o->result = o->step == RF_AUTOSCALE_GROW ? move_cpu(s, s->donor, s->name) :
						   move_cpu(s, s->name, s->donor);
	o->took_ms = rfm_now_ms() - began;
	if (o->result)
		snprintf(o->error, sizeof(o->error), "%s", rf_strerror(s->r->rf));
	/* one that failed is not tried again at once either */
	s->view.moved = true;
	s->view.moved_ms = rfm_now_ms();
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static const char *step_text(enum rf_autoscale_step step)
{
	return step == RF_AUTOSCALE_GROW ? "grow" : step == RF_AUTOSCALE_SHRINK ? "shrink" : "hold";
}

static void print(const struct scale *s, const struct outcome *o)
{
	char when[40];

	printf("%s ", rfm_time_text(now_ns(), when, sizeof(when)));
	if (!o->known) {
		printf("hold: %s\n", o->error);
		return;
	}
	printf("metric %g, CPUs %u, donor %u: %s: %s", s->view.metric, s->view.cpus,
	       s->view.donor_cpus, step_text(o->step), o->why);
	if (o->result)
		printf(": failed: %s", o->error);
	else if (o->step != RF_AUTOSCALE_HOLD)
		printf(s->dry_run ? " (dry run)" : " (in %ld ms)", o->took_ms);
	putchar('\n');
}

static void print_json(const struct scale *s, const struct outcome *o)
{
	struct json_object *j = json_object_new_object();

	rfm_put(j, "time_ns", json_object_new_uint64(now_ns()));
	rfm_put(j, "name", json_object_new_string(s->name));
	rfm_put(j, "donor", s->donor ? json_object_new_string(s->donor) : NULL);
	rfm_put(j, "metric", o->known ? json_object_new_double(s->view.metric) : NULL);
	rfm_put(j, "cpus", o->known ? json_object_new_int64(s->view.cpus) : NULL);
	rfm_put(j, "donor_cpus", o->known ? json_object_new_int64(s->view.donor_cpus) : NULL);
	rfm_put(j, "step", json_object_new_string(step_text(o->step)));
	rfm_put(j, "why", o->known ? json_object_new_string(o->why) : NULL);
	rfm_put(j, "dry_run", json_object_new_boolean(s->dry_run));
	rfm_put(j, "took_ms", json_object_new_int64(o->took_ms));
	rfm_put(j, "rfm_code", json_object_new_int(rf_exit_code(o->result)));
	rfm_put(j, "error", o->result ? rfm_json_text(o->error, strlen(o->error)) : NULL);
	rfm_json_print(j);
}

static void catch_signals(sigset_t *old)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t block;

	/* only the pause is interrupted: a move is done, or undone by the kernel */
	sigemptyset(&block);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++) {
		sigaddset(&block, sigs[i]);
		sigaction(sigs[i], &sa, NULL);
	}
	sigprocmask(SIG_BLOCK, &block, old);
}

static int loop(struct scale *s)
{
	struct pollfd p = { .fd = 1 };	/* POLLERR: its reader has left */
	struct outcome o;
	sigset_t old;

	catch_signals(&old);
	for (;;) {
		int64_t next = rfm_now_ms() + s->interval_ms, left;
		int ret = step(s, &o);

		if (ret)
			return ret;
		if (s->r->json)
			print_json(s, &o);
		else
			print(s, &o);
		if (fflush(stdout))
			return rfm_unread(s->r);
		/* in JSON it is told already */
		if (s->once && s->r->json)
			return rf_exit_code(o.result);
		if (s->once)
			return o.result ? rf_error(s->r->rf, o.result, "%s", o.error) : 0;
		while ((left = next - rfm_now_ms()) > 0 && !signalled) {
			const struct timespec pause = { left / 1000, left % 1000 * 1000000 };

			if (ppoll(&p, 1, &pause, &old) > 0)
				return 0;
		}
		if (signalled)
			return 128 + signalled;
	}
}

struct words {
	const char *lower, *upper, *min, *max, *donor_min, *interval, *cooldown, *timeout,
		   *max_age;
};

static int count(struct rfm *r, const char *word, uint32_t *n)
{
	uint64_t v;
	int ret = word ? rf_parse_count(r->rf, word, &v) : 0;

	if (!word || ret)
		return ret;
	if (!v || v > RF_CPU_LIMIT)
		return rf_error(r->rf, -EINVAL, "CPUs: 1 to %d, not \"%s\"", RF_CPU_LIMIT, word);
	*n = v;
	return 0;
}

static int seconds(struct rfm *r, const char *word, int64_t *ms)
{
	return word ? rf_parse_seconds(r->rf, word, ms) : 0;
}

static int read_words(struct scale *s, const struct words *w)
{
	struct rf_autoscale *p = &s->policy;
	struct rfm *r = s->r;
	int ret;

	if (!w->lower || !w->upper)
		return rf_error(r->rf, -EINVAL, "--lower and --upper are needed");
	if (!s->metric.command == !s->metric.file)
		return rf_error(r->rf, -EINVAL, "one of --command and --file is needed");
	ret = rf_parse_number(r->rf, "--lower", w->lower, &p->lower) ?:
	      rf_parse_number(r->rf, "--upper", w->upper, &p->upper) ?:
	      count(r, w->min, &p->min_cpus) ?: count(r, w->max, &p->max_cpus) ?:
	      count(r, w->donor_min, &p->donor_min) ?:
	      seconds(r, w->interval, &s->interval_ms) ?:
	      seconds(r, w->cooldown, &p->cooldown_ms) ?:
	      seconds(r, w->max_age, &s->metric.max_age_ms);
	s->metric.timeout_ms = s->interval_ms;
	ret = ret ?: seconds(r, w->timeout, &s->metric.timeout_ms);
	if (!ret && s->donor)
		ret = rf_parse_name(r->rf, s->donor);
	if (ret)
		return ret;
	if (p->lower >= p->upper)
		return rf_error(r->rf, -EINVAL, "--lower is to be below --upper");
	if (p->max_cpus && p->max_cpus < p->min_cpus)
		return rf_error(r->rf, -EINVAL, "--max-cpus is below --min-cpus");
	if (s->interval_ms < 100)
		return rf_error(r->rf, -EINVAL, "--interval: at least 0.1 s");
	if (s->donor && !strcmp(s->donor, s->name))
		return rf_error(r->rf, -EINVAL, "%s can't be its own donor", s->name);
	return 0;
}

int cmd_autoscale(struct rfm *r, int argc, char **argv)
{
	struct scale s = {
		.r = r, .interval_ms = 10000, .metric.max_age_ms = 60000,
		.policy = { .min_cpus = 1, .donor_min = 1, .cooldown_ms = 30000 },
	};
	struct words w = { NULL };
	const struct rfm_opt opts[] = {
		{ "lower", 0, OPT_STRING, &w.lower, "X", "below it a CPU moves back" },
		{ "upper", 0, OPT_STRING, &w.upper, "Y", "above it a CPU moves to the subOS" },
		{ "command", 0, OPT_STRING, &s.metric.command, "CMD",
			"the metric: what this prints, by /bin/sh" },
		{ "file", 0, OPT_STRING, &s.metric.file, "FILE", "the metric: what is in it" },
		{ "donor", 0, OPT_STRING, &s.donor, "NAME",
			"take CPUs from this subOS (default: the supervisor)" },
		{ "min-cpus", 0, OPT_STRING, &w.min, "N", "that the subOS keeps (default 1)" },
		{ "max-cpus", 0, OPT_STRING, &w.max, "N", "that it may have (default: any)" },
		{ "donor-min", 0, OPT_STRING, &w.donor_min, "N",
			"that the donor keeps (default 1)" },
		{ "interval", 'i', OPT_STRING, &w.interval, "S",
			"seconds between two readings (default 10)" },
		{ "cooldown", 0, OPT_STRING, &w.cooldown, "S",
			"seconds between two moves, at least (default 30)" },
		{ "timeout", 0, OPT_STRING, &w.timeout, "S",
			"for the command (default: the interval)" },
		{ "max-age", 0, OPT_STRING, &w.max_age, "S",
			"a file that is older counts as none (default 60)" },
		{ "once", 0, OPT_FLAG, &s.once, NULL, "one step only" },
		RFM_DRY_RUN(&s.dry_run), RFM_JSON(r), RFM_END
	};
	struct rfm_words words;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	return rfm_one_name(r, &words, &s.name) ?: read_words(&s, &w) ?: loop(&s);
}
