// SPDX-License-Identifier: GPL-2.0
/* rfm show: all about one subOS */
#include <linux/rainforest.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rfm.h"

static const char synopsis[] = "NAME [OPTION]...\n\nShows all that is known about a subOS.";

/* Blocks that adjoin are one line */
static void print_regions(const struct rf_subos *s)
{
	for (size_t i = 0, j; i < s->nr_mems; i = j) {
		uint64_t end = s->mem[i].start + s->mem[i].size;

		for (j = i + 1; j < s->nr_mems && s->mem[j].start == end &&
		     s->mem[j].node == s->mem[i].node; j++)
			end += s->mem[j].size;
		if (s->mem[i].start)
			printf("              %#lx-%#lx node %d\n", s->mem[i].start, end - 1,
			       s->mem[i].node);
	}
}

static void print_beats(const struct rf_subos *s)
{
	if (!s->nr_beats)
		return;
	printf("heartbeats   ");
	for (size_t i = 0; i < s->nr_beats; i++)
		printf(" %lu", s->beat[i]);
	printf("\n");
}

static void print_timings(const struct rf_subos *s)
{
	for (size_t i = 0; i < s->nr_timings; i++)
		printf("%s%-24s %10.3f ms\n", i ? "              " : "timings       ",
		       s->timing[i].phase, s->timing[i].ns / 1e6);
}

static void print_policy(const struct rf_subos *s)
{
	printf("on crash      %s", rf_on_crash_text(s->on_crash));
	if (s->on_crash == RAINFOREST_ON_CRASH_RESTART ||
	    s->on_crash == RAINFOREST_ON_CRASH_DUMP_RESTART) {
		if (s->restart_limit)
			printf(", at most %u times in a row", s->restart_limit);
		printf(", first after %.3g s; restarted %lu times", s->restart_delay_ms / 1e3,
		       s->restarts);
	}
	printf("\n");
}

static void print(const struct rf_subos *s)
{
	char *cpus = rf_cpus_text(s->cpu, s->nr_cpus);
	char *memory = rfm_memory_text(s->mem, s->nr_mems);
	time_t created = s->created_ns / 1000000000;
	char text[64] = "", size[24];
	struct tm tm;

	printf("name          %s\nid            %u\nstate         %s\n", s->name, s->id,
	       rf_state_text(s->state));
	if (s->reason)
		printf("reason        %s\n", rf_reason_text(s->reason));
	if (s->message)
		printf("message       %s\n", s->message);
	if (s->restarting)
		printf("next          it will be started again\n");
	if (s->exited)
		printf("exit status   %d\n", s->exit_status);
	printf("CPUs          %s\nmemory        %s\n", cpus ?: "?", memory ?: "?");
	print_regions(s);
	for (size_t i = 0; i < s->nr_pending; i++)
		printf("pending       %s\n", s->pending[i]);
	printf("starts        %lu\n", s->generation);
	print_policy(s);
	print_beats(s);
	printf("console       %lu bytes, %lu lost\n", s->console_bytes,
	       s->console_lost);
	printf("overhead      %s\n", rfm_human(s->host_bytes, size, sizeof(size)));
	printf("owned         %.3f CPU-seconds, %s-seconds of memory\n", rfm_cpu_seconds(&s->owned),
	       rfm_human(rfm_byte_seconds(&s->owned), size, sizeof(size)));
	if (created && localtime_r(&created, &tm) &&
	    strftime(text, sizeof(text), "%F %T %z", &tm))
		printf("created       %s\n", text);
	print_timings(s);
	free(cpus);
	free(memory);
}

int cmd_show(struct rfm *r, int argc, char **argv)
{
	const struct rfm_opt opts[] = { RFM_JSON(r), RFM_END };
	struct rfm_words words;
	struct rf_subos s;
	const char *name;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_one_name(r, &words, &name) ?: rf_subos_get(r->rf, name, &s);
	if (ret)
		return ret;
	if (r->json)
		rfm_json_print(rfm_json_subos_all(&s));
	else
		print(&s);
	rf_subos_clear(&s);
	return 0;
}
