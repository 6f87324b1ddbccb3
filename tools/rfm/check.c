// SPDX-License-Identifier: GPL-2.0
/* rfm check: can this machine carry subOSes, and if not, what helps? */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "pack.h"
#include "rfm.h"

#define CLOCKS "/sys/devices/system/clocksource/clocksource0/available_clocksource"

static const char synopsis[] =
	"[OPTION]...\n\n"
	"Looks whether this machine can carry subOSes, and says what helps where it can't.\n"
	"Exit code 2 when something that is needed is missing.";

enum verdict { OK, WARN, FAIL };

struct report {
	struct json_object *list;	/* NULL: print lines */
	bool failed;
};

__attribute__((format(printf, 5, 6)))
static void tell(struct report *rep, enum verdict v, const char *name, const char *remedy,
		 const char *fmt, ...)
{
	static const char *const word[] = { "ok", "warn", "FAIL" };
	struct json_object *o;
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (v == OK)
		remedy = NULL;
	rep->failed |= v == FAIL;
	if (!rep->list) {
		printf("%-4s  %-13s %s\n", word[v], name, text);
		if (remedy)
			printf("                    -> %s\n", remedy);
		return;
	}
	o = json_object_new_object();
	rfm_put(o, "name", json_object_new_string(name));
	rfm_put(o, "status", json_object_new_string(v == FAIL ? "fail" : word[v]));
	rfm_put(o, "text", rfm_json_text(text, strlen(text)));
	rfm_put(o, "remedy", remedy ? json_object_new_string(remedy) : NULL);
	json_object_array_add(rep->list, o);
}

/* First line of a file without its newline; false: can't be read */
static bool read_line(const char *path, char *line, size_t len)
{
	FILE *f = fopen(path, "re");
	bool got;

	if (!f)
		return false;
	got = fgets(line, len, f);
	fclose(f);
	if (got)
		line[strcspn(line, "\n")] = 0;
	return got;
}

static bool check_module(struct rfm *r, struct report *rep, struct rf_info *info)
{
	struct utsname uts = { 0 };
	int ret = rf_info_get(r->rf, info);

	uname(&uts);
	if (ret) {
		tell(rep, FAIL, "module",
		     "boot the RainForest supervisor, then modprobe rfcontroller", "%s",
		     rf_strerror(r->rf));
		return false;
	}
	tell(rep, OK, "module", NULL, "rfcontroller answers, ABI %u.%u, kernel %s", info->abi_major,
	     info->abi_minor, info->release);
	return true;
}

static void check_rights(struct report *rep)
{
	if (geteuid())
		tell(rep, WARN, "rights", "run rfm as root", "not root: what reads works, no change and no console");
	else
		tell(rep, OK, "rights", NULL, "root");
}

static void check_lockdown(struct report *rep, const struct rf_info *info)
{
	char line[128];

	if (info && info->lockdown) {
		tell(rep, FAIL, "lockdown", "boot without lockdown: a subOS's kernel can't carry a signature yet",
		     "only signed kernels can be loaded: no subOS");
		return;
	}
	if (!info && read_line("/sys/kernel/security/lockdown", line, sizeof(line)) &&
	    !strstr(line, "[none]")) {
		tell(rep, FAIL, "lockdown", "boot without lockdown: a subOS's kernel can't carry a signature yet",
		     "lockdown is on: %s", line);
		return;
	}
	tell(rep, OK, "lockdown", NULL, "off");
}

static void check_clock(struct report *rep)
{
	char line[256] = "", word[8192] = "";
	bool constant = false;
	FILE *f = fopen("/proc/cpuinfo", "re");

	while (f && fgets(word, sizeof(word), f))
		if (!strncmp(word, "flags", 5)) {
			constant = strstr(word, " constant_tsc") && strstr(word, " nonstop_tsc");
			break;
		}
	if (f)
		fclose(f);
	if (!read_line(CLOCKS, line, sizeof(line)) || !strstr(line, "tsc"))
		tell(rep, FAIL, "clock", "a stable TSC is needed: see dmesg | grep -i tsc",
		     "the kernel does not trust the TSC (clock sources: %s)", line);
	else if (!constant)
		tell(rep, WARN, "clock", "expected in an emulated machine",
		     "the TSC is usable, but not called constant and nonstop");
	else
		tell(rep, OK, "clock", NULL, "the TSC is stable");
}

/* What becomes of subOSes when the supervisor panics */
static void check_panic(struct report *rep)
{
	char crash[16] = "", seconds[16] = "", follows[16] = "1";

	read_line("/sys/devices/system/memory/crash_hotplug", follows, sizeof(follows));
	if (read_line("/sys/kernel/kexec_crash_loaded", crash, sizeof(crash)) && crash[0] == '1' &&
	    follows[0] == '0')
		/* of kexec_load(), without the flag that says that it may be changed */
		tell(rep, WARN, "panic", "load it with kexec -p -s",
		     "the crash kernel's list of memory does not follow what is granted: its dump would have subOSes' memory in it");
	else if (crash[0] == '1')
		tell(rep, OK, "panic", NULL, "a crash kernel takes over; subOSes go on");
	else if (read_line("/proc/sys/kernel/panic", seconds, sizeof(seconds)) && atoi(seconds))
		tell(rep, WARN, "panic", "sysctl kernel.panic=0",
		     "a panic of the supervisor resets the machine (kernel.panic=%s), subOSes with it",
		     seconds);
	else
		tell(rep, OK, "panic", NULL, "subOSes outlive a panic of the supervisor");
}

static void check_image(struct rfm *r, struct report *rep)
{
	const char *path = getenv("RF_KERNEL") ?: RF_KERNEL_DEFAULT;
	struct rf_kernel k;

	if (rf_kernel_open(r->rf, path, &k)) {
		tell(rep, FAIL, "subOS kernel",
		     "build it (scripts/build) and install it, or set RF_KERNEL", "%s",
		     rf_strerror(r->rf));
		return;
	}
	close(k.fd);
	tell(rep, OK, "subOS kernel", NULL, "%s (%s)", path, k.kind);
}

/* What every subOS gets besides its kernel */
static void check_libdir(struct report *rep)
{
	const char *dir = getenv("RF_LIBDIR") ?: RF_PACK_LIBDIR;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/rf-init", dir);
	if (access(path, R_OK))
		tell(rep, FAIL, "rf-init", "install it (scripts/install), or set RF_LIBDIR",
		     "%s: %s", path, strerror(errno));
	else
		tell(rep, OK, "rf-init", NULL, "%s", path);
}

static void check_cpus(struct rfm *r, struct report *rep, const struct rf_info *info)
{
	struct rf_cpu *cpu;
	size_t n, here = 0;

	if (rf_cpus_get(r->rf, &cpu, &n)) {
		tell(rep, FAIL, "CPUs", NULL, "%s", rf_strerror(r->rf));
		return;
	}
	for (size_t i = 0; i < n; i++)
		here += cpu[i].online && !cpu[i].owner[0];
	rf_cpus_free(cpu, n);
	if (n < 2)
		tell(rep, FAIL, "CPUs", "a machine with two CPUs or more", "one CPU only");
	else if (here <= (info->reserve_cpus ?: 1))
		tell(rep, WARN, "CPUs", "destroy a subOS, or bring CPUs online",
		     "%zu, none of them left to grant", n);
	else
		tell(rep, OK, "CPUs", NULL, "%zu, %zu of them can be granted now", n,
		     here - (info->reserve_cpus ?: 1));
}

static void check_memory(struct rfm *r, struct report *rep, const struct rf_info *info)
{
	char size[24], least[24];
	struct rf_node *node;
	uint64_t most = 0;
	size_t n;

	tell(rep, info->block_size >= 2ULL << 30 ? WARN : OK, "memory block",
	     "boot with a smaller block size: see Documentation/real-hardware.md",
	     "%s: sizes are rounded up to it", rf_size_text(info->block_size, size, sizeof(size)));
	if (rf_nodes_get(r->rf, &node, &n)) {
		tell(rep, FAIL, "memory", NULL, "%s", rf_strerror(r->rf));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		most = node[i].carvable > most ? node[i].carvable : most;
		tell(rep, OK, "node", NULL, "node %u: about %s of %s can be granted now",
		     node[i].id, rfm_human(node[i].carvable, size, sizeof(size)),
		     rfm_human(node[i].total, least, sizeof(least)));
	}
	rf_nodes_free(node, n);
	if (most < info->min_memory)
		tell(rep, WARN, "memory",
		     "free memory, or boot with memhp_default_state=online_movable",
		     "no node can give the least that a subOS needs, %s",
		     rf_size_text(info->min_memory, least, sizeof(least)));
}

int cmd_check(struct rfm *r, int argc, char **argv)
{
	const struct rfm_opt opts[] = { RFM_JSON(r), RFM_END };
	struct report rep = { 0 };
	struct rfm_words words;
	struct rf_info info;
	bool module;
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_no_words(r, &words);
	if (ret)
		return ret;
	if (r->json)
		rep.list = json_object_new_array();
	module = check_module(r, &rep, &info);
	check_rights(&rep);
	check_lockdown(&rep, module ? &info : NULL);
	check_clock(&rep);
	check_panic(&rep);
	check_image(r, &rep);
	check_libdir(&rep);
	if (module) {
		check_cpus(r, &rep, &info);
		check_memory(r, &rep, &info);
	}
	if (r->json) {
		struct json_object *o = json_object_new_object();

		rfm_put(o, "ok", json_object_new_boolean(!rep.failed));
		rfm_put(o, "checks", rep.list);
		rfm_json_print(o);
	}
	return rep.failed ? 2 : 0;
}
