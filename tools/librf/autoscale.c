// SPDX-License-Identifier: GPL-2.0
/*
 * When a subOS gets a CPU more or less: the elastic scheduler of the paper
 * (section 6.3.2) as a pure function. What it decides on is read elsewhere.
 */
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rf.h"

/**
 * rf_autoscale_decide() - one step of the policy
 * @p: thresholds and bounds
 * @v: what is now
 * @why: out, for people
 *
 * The thresholds themselves are between: a metric that rests on one changes
 * nothing.
 *
 * Return: what to do.
 */
enum rf_autoscale_step rf_autoscale_decide(const struct rf_autoscale *p,
					   const struct rf_autoscale_view *v, const char **why)
{
	bool grow = v->metric > p->upper, shrink = v->metric < p->lower;

	*why = "between the thresholds";
	if (!grow && !shrink)
		return RF_AUTOSCALE_HOLD;
	if (grow && p->max_cpus && v->cpus >= p->max_cpus) {
		*why = "above the upper threshold, but it has as many CPUs as it may";
	} else if (grow && v->donor_cpus <= p->donor_min) {
		*why = "above the upper threshold, but the donor has no CPU to spare";
	} else if (shrink && v->cpus <= p->min_cpus) {
		*why = "below the lower threshold, but it has as few CPUs as it may";
	} else if (v->moved && v->now_ms - v->moved_ms < p->cooldown_ms) {
		*why = grow ? "above the upper threshold, but cooling down" :
			      "below the lower threshold, but cooling down";
	} else {
		*why = grow ? "above the upper threshold" : "below the lower threshold";
		return grow ? RF_AUTOSCALE_GROW : RF_AUTOSCALE_SHRINK;
	}
	return RF_AUTOSCALE_HOLD;
}

/**
 * rf_parse_number() - a number with or without a fraction, whatever the locale
 * @rf: the handle
 * @what: what it is called in errors
 * @text: the number, with white space around it
 * @v: the result
 *
 * Return: 0, -EINVAL.
 */
int rf_parse_number(struct rf *rf, const char *what, const char *text, double *v)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", NULL), old;
	char *end;

	if (!c)
		return rf_error(rf, -ENOMEM, "out of memory");
	old = uselocale(c);
	*v = strtod(text, &end);
	while (end != text && isspace((unsigned char)*end))
		end++;
	uselocale(old);
	freelocale(c);
	/* no "nan" and no "inf": nothing can be decided by them */
	if (end == text || *end || !isfinite(*v))
		return rf_error(rf, -EINVAL, "%s: \"%.*s\" is no number", what,
				(int)strcspn(text, "\r\n"), text);
	return 0;
}
