// SPDX-License-Identifier: GPL-2.0
/*
 * In a subOS: CPUs with hardware counters, for machines that have none (TCG). What is
 * opened as PERF_TYPE_HARDWARE is counted here from then on: one at each read, from a
 * number that tells which counter it is.
 */
#include <linux/module.h>
#include <linux/perf_event.h>
#include <linux/smp.h>

static int pmu_init(struct perf_event *event)
{
	return event->attr.type == PERF_TYPE_HARDWARE ? 0 : -ENOENT;
}

static int pmu_add(struct perf_event *event, int flags)
{
	local64_set(&event->count, (event->attr.config + 1) * 1000000);
	return 0;
}

static void pmu_del(struct perf_event *event, int flags)
{
}

static void pmu_start(struct perf_event *event, int flags)
{
}

static void pmu_stop(struct perf_event *event, int flags)
{
}

static void pmu_read(struct perf_event *event)
{
	local64_inc(&event->count);
}

static struct pmu pmu = {
	.module		= THIS_MODULE,
	.task_ctx_nr	= perf_invalid_context,
	.event_init	= pmu_init,
	.add		= pmu_add,
	.del		= pmu_del,
	.start		= pmu_start,
	.stop		= pmu_stop,
	.read		= pmu_read,
};

static int __init rf_pmu_init(void)
{
	/* where perf looks for what counts PERF_TYPE_HARDWARE */
	return perf_pmu_register(&pmu, "rf_pmu", PERF_TYPE_RAW);
}

static void __exit rf_pmu_exit(void)
{
	perf_pmu_unregister(&pmu);
}

module_init(rf_pmu_init);
module_exit(rf_pmu_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("hardware counters where there are none, for tests");
