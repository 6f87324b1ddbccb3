// SPDX-License-Identifier: GPL-2.0
/* The verbs, and the one place that prints failures and exits. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rfm.h"

/* run and wait return the command's exit status, so rfm's own must differ */
#define WRAPPED_FAILURE	125

static const struct {
	const char *name;
	int (*run)(struct rfm *r, int argc, char **argv);
	const char *help;
	bool wraps;	/* returns a command's exit status */
	bool stream;	/* stdout carries someone else's bytes */
} cmds[] = {
	{ "check", cmd_check, "can this machine carry subOSes?", false, false },
	{ "topo", cmd_topo, "draw the machine: CPUs and memory with their owners", false, false },
	{ "create", cmd_create, "reserve CPUs and memory, load a kernel", false, false },
	{ "start", cmd_start, "boot a subOS", false, false },
	{ "run", cmd_run, "create, start, wait: one command in a subOS of its own", true, true },
	{ "exec", cmd_exec, "one more command in a running subOS", true, true },
	{ "cp", cmd_cp, "a file into a running subOS, or out of one", false, false },
	{ "list", cmd_list, "list the subOSes", false, false },
	{ "show", cmd_show, "all about one subOS", false, false },
	{ "export", cmd_export, "write the file for create -f", false, false },
	{ "stat", cmd_stat, "what a subOS measures: load, memory, interrupts", false, false },
	{ "top", cmd_top, "the subOSes and what they do, again and again", false, true },
	{ "autoscale", cmd_autoscale, "move CPUs to and fro as a metric says", false, true },
	{ "history", cmd_history, "how a subOS came to what it has", false, false },
	{ "console", cmd_console, "talk to a subOS's console", false, true },
	{ "logs", cmd_logs, "print what a subOS's console printed", false, false },
	{ "monitor", cmd_monitor, "print events as they happen", false, true },
	{ "wait", cmd_wait, "wait until a subOS has ended", true, false },
	{ "stop", cmd_stop, "ask a subOS to power off, keep what it owns", false, false },
	{ "kill", cmd_kill, "stop a subOS at once, keep what it owns", false, false },
	{ "freeze", cmd_freeze, "hold all CPUs of a running subOS", false, false },
	{ "thaw", cmd_thaw, "let a frozen subOS go on", false, false },
	{ "dump", cmd_dump, "write down a subOS's memory for a debugger", false, false },
	{ "destroy", cmd_destroy, "stop a subOS and give everything back", false, false },
	{ "channel", cmd_channel, "channels between kernels: list, connect, ...", false, false },
	{ "net", cmd_net, "the network between kernels: show, set", false, false },
	{ "service", cmd_service, "services that programs have registered", false, false },
	{ "ping", cmd_ping, "measure round trips to a subOS's kernel", false, false },
	{ "resize", cmd_resize, "change a running subOS's CPUs and memory", false, false },
	{ "move", cmd_move, "CPUs or memory of one running subOS to another", false, false },
	{ "lend", cmd_lend, "CPUs or memory of one to another for a term", false, false },
	{ "recover", cmd_recover, "clean up what was left behind or in quarantine", false, false },
	{ "collect", cmd_collect, "all that a bug report needs, in one file", false, false },
	{ "version", cmd_version, "versions of rfm, the module and their ABI", false, false },
};

static void print_usage(FILE *f)
{
	fprintf(f, "usage: rfm VERB [OPTION]...\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		fprintf(f, "  %-9s %s\n", cmds[i].name, cmds[i].help);
	fprintf(f, "\nrfm VERB --help tells more. Exit codes: 0 ok, 1 bad request, 2 refused,\n"
		   "3 unknown name, node or CPU, 4 taken or too little, 5 timeout, 6 subOS crashed,\n"
		   "7 partly done.\n");
}

static void print_failure(struct rfm *r, const char *verb, bool wraps, int err)
{
	int code = rf_exit_code(err);
	struct json_object *o;

	fflush(stdout);
	if (wraps)
		fprintf(stderr, "rfm: %s: %s (rfm code %d)\n", verb, rf_strerror(r->rf), code);
	else
		fprintf(stderr, "rfm: %s: %s\n", verb, rf_strerror(r->rf));
	if (!r->json || r->told)
		return;
	o = json_object_new_object();
	rfm_put_failure(r, o, err);
	rfm_json_print(o);
}

static int run(struct rfm *r, size_t i, int argc, char **argv)
{
	int ret = cmds[i].run(r, argc, argv);

	if (ret < 0) {
		print_failure(r, cmds[i].name, cmds[i].wraps, ret);
		ret = cmds[i].wraps ? WRAPPED_FAILURE : rf_exit_code(ret);
	}
	if ((fflush(stdout) || ferror(stdout)) && !cmds[i].stream && !ret) {
		fprintf(stderr, "rfm: %s: standard output: %s\n", cmds[i].name, strerror(errno));
		ret = 2;
	}
	return ret;
}

/* So that no file of ours becomes somebody's standard output */
static void fill_std_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct rfm r = { 0 };
	int ret = 1;

	fill_std_fds();
	setlocale(LC_ALL, "");
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		print_usage(stderr);
		return 1;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_usage(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version"))
		argv[1] = "version";
	if (rf_new(&r.rf)) {
		fprintf(stderr, "rfm: out of memory\n");
		return 4;
	}
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++) {
		if (strcmp(argv[1], cmds[i].name))
			continue;
		ret = run(&r, i, argc - 1, argv + 1);
		goto out;
	}
	fprintf(stderr, "rfm: unknown verb \"%s\": see rfm --help\n", argv[1]);
out:
	rf_free(r.rf);
	return ret;
}
