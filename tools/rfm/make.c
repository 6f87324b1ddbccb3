// SPDX-License-Identifier: GPL-2.0
/*
 * From the options of create and run to a loaded subOS. Everything that can
 * be refused without touching the machine is, first: words, sizes, kernel,
 * content. If loading fails after all, what was reserved is given back.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/rainforest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pack.h"
#include "signals.h"

#define CMDLINE_MAX	1920	/* the module adds what the platform needs */
#define MEMORY_DEFAULT	"256M"
#define CONTROL_SIZE	(2ULL << 20)	/* of a subOS's largest region: rf/abi/layout.h */

/**
 * rfm_make_opts() - the options of create and run
 * @m: where their values go
 * @opts: room for RFM_MAKE_OPTS and those of @more
 * @more: the verb's own, up to and with RFM_END
 */
void rfm_make_opts(struct rfm_make *m, struct rfm_opt *opts, const struct rfm_opt *more)
{
	const struct rfm_opt own[RFM_MAKE_OPTS] = {
		{ "name", 0, OPT_STRING, &m->name, "NAME", "name of the subOS" },
		{ "cpus", 0, OPT_STRING, &m->cpus, "LIST",
			"these CPUs, as for taskset: 2-3 or 5,7" },
		{ "ncpus", 0, OPT_STRING, &m->ncpus, "N[@nodeK]",
			"as many CPUs, of node K (default 1)" },
		{ "memory", 0, OPT_STRINGS, &m->memory, "SIZE[@nodeK]",
			"memory, of node K or the CPUs' nodes; repeatable (default 256M)" },
		{ "min-cpus", 0, OPT_STRING, &m->min_cpus, "N",
			"as many nobody may preempt (default 0: one stays)" },
		{ "priority", 0, OPT_STRING, &m->priority, "N",
			"higher ones may preempt CPUs of lower ones (default 0)" },
		{ "on-crash", 0, OPT_STRING, &m->on_crash, "POLICY",
			"stop, restart, dump or dump-restart (default stop)" },
		{ "restart-limit", 0, OPT_STRING, &m->restart_limit, "N",
			"restarts in a row; 0: without end (default 5)" },
		{ "restart-delay", 0, OPT_STRING, &m->restart_delay, "S",
			"before the first; doubles from one to the next (default 1)" },
		{ "exact", 0, OPT_FLAG, &m->exact, NULL, "do not round sizes up to memory blocks" },
		{ "kernel", 0, OPT_STRING, &m->kernel, "FILE",
			"bzImage or vmlinux (default $RF_KERNEL or " RF_KERNEL_DEFAULT ")" },
		{ "initrd", 0, OPT_STRING, &m->initrd, "FILE", "initramfs, as it is" },
		{ "rootfs", 0, OPT_STRING, &m->rootfs, "DIR",
			"folder to pack as the root file system" },
		{ "bin", 0, OPT_STRING, &m->bin, "FILE",
			"program to pack with its libraries; what follows -- are its arguments" },
		{ "include", 0, OPT_STRINGS, &m->include, "PATH",
			"file or folder to add at its own place; repeatable" },
		{ "init", 0, OPT_STRING, &m->init, "PATH", "PID 1 of your own" },
		{ "hostname", 0, OPT_STRING, &m->hostname, "H", "host name (default: the name)" },
		{ "ip", 0, OPT_STRINGS, &m->ip, "ADDR[/N]",
			"address on rf0, one of IPv4, one of IPv6 (default: automatic)" },
		{ "append", 0, OPT_STRINGS, &m->append, "ARGS",
			"more for the kernel command line" },
	};

	memcpy(opts, own, sizeof(own));
	opts += RFM_MAKE_OPTS;
	for (; more->name; more++)
		memcpy(opts++, more, sizeof(*opts));
	memcpy(opts, more, sizeof(*opts));
}

struct plan {
	uint32_t *cpu;
	size_t nr_cpus;
	uint32_t ncpus;
	int cpu_node;
	uint64_t min_cpus, priority;
	uint32_t on_crash;
	int64_t restart_limit, restart_delay_ms;	/* negative: not given */
	struct rf_mem *mem;
	size_t nr_mems;
	struct rf_kernel kernel;
	int fd[RF_PACK_MAX_FDS];
	int nr_fds;
	char cmdline[CMDLINE_MAX + 1];
};

/* Say it, and keep it for --json */
static void note(struct rfm_make *m, const char *text)
{
	if (!m->notes)
		m->notes = json_object_new_array();
	json_object_array_add(m->notes, rfm_json_text(text, strlen(text)));
}

static int read_policy(struct rfm *r, const struct rfm_make *m, struct plan *p)
{
	uint64_t limit = 0;
	int ret = 0;

	p->restart_limit = -1;
	p->restart_delay_ms = -1;
	if (m->on_crash)
		ret = rf_parse_on_crash(r->rf, m->on_crash, &p->on_crash);
	if (!ret && p->on_crash && m->no_shell)
		return rf_error(r->rf, -EINVAL,
				"--on-crash %s goes with create: run waits for one life, and its end",
				m->on_crash);
	if (!ret && (m->restart_limit || m->restart_delay) &&
	    p->on_crash != RAINFOREST_ON_CRASH_RESTART &&
	    p->on_crash != RAINFOREST_ON_CRASH_DUMP_RESTART)
		return rf_error(r->rf, -EINVAL,
				"--restart-limit and --restart-delay go with --on-crash restart or dump-restart");
	if (!ret && m->restart_limit) {
		ret = rf_parse_count(r->rf, m->restart_limit, &limit);
		if (!ret && limit > UINT32_MAX)
			ret = rf_error(r->rf, -ERANGE, "--restart-limit is below 2^32");
		p->restart_limit = limit;
	}
	if (!ret && m->restart_delay)
		ret = rf_parse_seconds(r->rf, m->restart_delay, &p->restart_delay_ms);
	if (!ret && p->restart_delay_ms > UINT32_MAX)
		ret = rf_error(r->rf, -ERANGE, "--restart-delay: 49 days at most");
	return ret;
}

static int read_words(struct rfm *r, const struct rfm_make *m, struct plan *p)
{
	static const char *const memory_default[] = { MEMORY_DEFAULT };
	const char *const *memory = m->memory.n ? m->memory.v : memory_default;
	size_t n = m->memory.n ?: 1;
	int ret;

	if (m->cpus && m->ncpus)
		return rf_error(r->rf, -EINVAL, "--cpus and --ncpus exclude each other");
	if (!!m->initrd + !!m->rootfs + !!m->bin > 1)
		return rf_error(r->rf, -EINVAL, "one of --initrd, --rootfs and --bin only");
	if (m->include.n && !m->bin && !m->rootfs)
		return rf_error(r->rf, -EINVAL, "--include goes with --bin or --rootfs");
	if (m->init && (m->bin || m->argc))
		return rf_error(r->rf, -EINVAL, "--init excludes --bin and a command");
	if (m->cpus)
		ret = rf_parse_cpus(r->rf, m->cpus, &p->cpu, &p->nr_cpus);
	else
		ret = rf_parse_ncpus(r->rf, m->ncpus ?: "1", &p->ncpus, &p->cpu_node);
	if (!ret && m->min_cpus)
		ret = rf_parse_count(r->rf, m->min_cpus, &p->min_cpus);
	if (!ret && m->priority)
		ret = rf_parse_count(r->rf, m->priority, &p->priority);
	if (!ret && (p->min_cpus > UINT32_MAX || p->priority > UINT32_MAX))
		ret = rf_error(r->rf, -ERANGE, "--min-cpus and --priority are below 2^32");
	if (!ret)
		ret = read_policy(r, m, p);
	if (ret)
		return ret;
	p->mem = calloc(n, sizeof(*p->mem));
	if (!p->mem)
		return rf_error(r->rf, -ENOMEM, "out of memory");
	for (p->nr_mems = 0; p->nr_mems < n; p->nr_mems++) {
		ret = rf_parse_memory(r->rf, memory[p->nr_mems], &p->mem[p->nr_mems]);
		if (ret)
			return ret;
	}
	return 0;
}

static int make_cmdline(struct rfm *r, const struct rfm_make *m, struct plan *p)
{
	size_t len = snprintf(p->cmdline, sizeof(p->cmdline), "rdinit=%s", RF_PACK_RDINIT);

	for (size_t i = 0; i < m->append.n; i++) {
		size_t left = sizeof(p->cmdline) - len;
		size_t n = snprintf(p->cmdline + len, left, " %s", m->append.v[i]);

		if (n >= left)
			return rf_error(r->rf, -ENAMETOOLONG,
					"--append: a kernel command line has at most %d bytes",
					CMDLINE_MAX);
		len += n;
	}
	return 0;
}

static int size_memory(struct rfm *r, struct rfm_make *m, struct plan *p)
{
	struct rf_info info;
	int ret = rf_info_get(r->rf, &info);

	if (!ret)
		ret = rf_check_memory(r->rf, p->mem, p->nr_mems, info.min_memory);
	for (size_t i = 0; !ret && i < p->nr_mems; i++) {
		char *notice;

		ret = rf_round_memory(r->rf, &p->mem[i], info.block_size, m->exact, &notice);
		if (!ret && notice) {
			fprintf(stderr, "rfm: %s\n", notice);
			note(m, notice);
			free(notice);
		}
	}
	return ret;
}

static int reserve(struct rfm *r, const struct rfm_make *m, const struct plan *p,
		   bool dry_run, struct rf_subos *made)
{
	const struct rf_create c = {
		.name = m->name,
		.cpu = p->cpu,
		.nr_cpus = p->nr_cpus,
		.ncpus = p->ncpus,
		.cpu_node = p->cpu_node,
		.mem = p->mem,
		.nr_mems = p->nr_mems,
		.min_cpus = p->min_cpus,
		.priority = p->priority,
		.on_crash = p->on_crash,
		.restart_limit = p->restart_limit,
		.restart_delay_ms = p->restart_delay_ms,
		.exact = m->exact,
		.dry_run = dry_run,
	};

	return rf_create(r->rf, &c, made);
}

struct packing {
	struct rfm_make *m;
	int64_t since, said;	/* milliseconds */
	bool open_line;
};

static void on_progress(void *ctx, uint64_t done, uint64_t total, const char *what)
{
	struct packing *pk = ctx;
	bool tty = isatty(STDERR_FILENO);
	int64_t now = rfm_now_ms();
	char a[24], b[24];

	(void)what;
	/* silent when quick; then a line that changes, or one every 5 s */
	if (now - pk->since < 1000 || now - pk->said < (tty ? 200 : 5000))
		return;
	pk->said = now;
	pk->open_line = tty;
	fprintf(stderr, tty ? "\rrfm: packing: %s of %s   " : "rfm: packing: %s of %s\n",
		rfm_human(done, a, sizeof(a)), rfm_human(total, b, sizeof(b)));
}

static void on_note(void *ctx, const char *msg)
{
	struct packing *pk = ctx;

	rfm_warn("%s", msg);
	note(pk->m, msg);
}

static int pack(struct rfm *r, struct rfm_make *m, struct plan *p)
{
	struct packing pk = { .m = m, .since = rfm_now_ms() };
	struct rf_pack pack = {
		.rootfs = m->rootfs,
		.initrd = m->initrd,
		.bin = m->bin,
		.include = m->include.v,
		.n_include = m->include.n,
		.argv = m->argv,
		.argc = m->argc,
		.init = m->init,
		.no_shell = m->no_shell,
		.hostname = m->hostname ?: m->name,
		.libdir = getenv("RF_LIBDIR"),
		.progress = on_progress,
		.note = on_note,
		.ctx = &pk,
	};
	char err[512] = "";
	int ret = rf_pack(&pack, p->fd, &p->nr_fds, err, sizeof(err));

	if (pk.open_line)
		fputc('\n', stderr);
	if (!ret)
		return 0;
	p->nr_fds = 0;
	/* a missing or unfit file is a bad request, no unknown subOS */
	if (ret == -ENOENT || ret == -ENXIO || ret == -ENODEV || ret == -EACCES)
		ret = -EINVAL;
	return rf_error(r->rf, ret, "%s", err);
}

/* Kernel and content must fit, before anything is taken for them */
static int check_fit(struct rfm *r, const struct plan *p)
{
	uint64_t need = CONTROL_SIZE + p->kernel.span, have = 0;
	char a[24], b[24];
	struct stat st;

	for (size_t i = 0; i < p->nr_mems; i++)
		have += p->mem[i].size;
	for (int i = 0; i < p->nr_fds; i++) {
		if (fstat(p->fd[i], &st))
			return rf_error(r->rf, -errno, "initramfs: %s", strerror(errno));
		need += st.st_size;
	}
	if (need <= have)
		return 0;
	return rf_error(r->rf, -EFBIG,
			"too large: kernel and initramfs need %s, the subOS would have %s",
			rfm_human(need, a, sizeof(a)), rfm_human(have, b, sizeof(b)));
}

/* What RFloop is to know of it. A host name alone is no reason to need RFloop. */
static int name_it(struct rfm *r, const struct rfm_make *m)
{
	const struct rf_net_set set = {
		.name = m->name, .host = m->hostname, .ip = m->ip.v, .nr_ips = m->ip.n,
	};
	int ret = m->ip.n || m->hostname ? rf_net_set(r->rf, &set) : 0;

	return ret == -EOPNOTSUPP && !m->ip.n ? 0 : ret;
}

static int load(struct rfm *r, const struct rfm_make *m, const struct plan *p)
{
	char *config = rfm_config_text(m);
	const struct rf_load l = {
		.name = m->name,
		.kernel_fd = p->kernel.fd,
		.initrd_fd = p->fd,
		.nr_initrds = p->nr_fds,
		.cmdline = p->cmdline,
		.config = config,
	};
	struct rf_subos loaded;
	int ret = rf_load(r->rf, &l, &loaded);

	free(config);

	if (!ret)
		rfm_warnings(&loaded);
	rf_subos_clear(&loaded);
	return ret;
}

/**
 * rfm_unmake() - give everything back by force, whatever error stands
 * @r: the program
 * @name: the subOS
 * @status: what rf_strerror() is about, or an exit status
 * @text: out, its text
 * @len: room in @text
 *
 * Return: 0: the subOS is gone, and rf_strerror() says @text again; otherwise
 * -errno, and it says why it is not.
 */
int rfm_unmake(struct rfm *r, const char *name, int status, char *text, size_t len)
{
	const struct rf_stop s = { .name = name, .timeout_ms = 0, .force = true };
	struct rf_subos gone;
	int ret;

	snprintf(text, len, "%s", rf_strerror(r->rf));
	ret = rf_destroy(r->rf, &s, &gone);
	rf_subos_clear(&gone);
	if (ret && ret != -ENOENT)
		return ret;
	rf_error(r->rf, status, "%s", text);
	return 0;
}

/* Give back what was reserved; the error of @why stays */
static int undo(struct rfm *r, const char *name, int why)
{
	char text[512];

	if (!rfm_unmake(r, name, why, text, sizeof(text)))
		return why;
	return rf_error(r->rf, -EUCLEAN, "%s; and %s was left behind (%s): rfm recover", text, name,
			rf_strerror(r->rf));
}

/* Without rights the kernel's refusal says it better */
static int take_lock(struct rfm *r, struct rfm_make *m)
{
	m->lock = rf_lock_take(r->rf, m->name, &m->stale);
	return m->lock == -EBUSY ? m->lock : 0;
}

static int make(struct rfm *r, struct rfm_make *m, struct plan *p, struct rf_subos *made)
{
	const char *kernel = m->kernel ?: getenv("RF_KERNEL") ?: RF_KERNEL_DEFAULT;
	int ret;

	ret = read_words(r, m, p);
	if (!ret)
		ret = make_cmdline(r, m, p);
	if (!ret)
		ret = size_memory(r, m, p);
	if (!ret)
		ret = rf_kernel_open(r->rf, kernel, &p->kernel);
	/* packing may take long: ask first whether it is worth it */
	if (!ret && (m->rootfs || m->bin) && !m->dry_run) {
		ret = reserve(r, m, p, true, made);
		rf_subos_clear(made);
	}
	if (!ret)
		ret = pack(r, m, p);
	if (!ret)
		ret = check_fit(r, p);
	/* from here on there is something to undo, or, if we die, to recover */
	if (!ret && !m->dry_run)
		ret = rfm_signals_catch(r) ?: take_lock(r, m);
	if (!ret)
		ret = reserve(r, m, p, m->dry_run, made);
	if (ret)
		return ret;
	rfm_warnings(made);
	if (m->dry_run)
		return 0;
	ret = name_it(r, m) ?: load(r, m, p);
	if (!ret && rfm_signal)
		ret = rf_error(r->rf, -EINTR, "interrupted: %s is not made", m->name);
	if (ret) {
		rf_subos_clear(made);
		return undo(r, m->name, ret);
	}
	made->state = RAINFOREST_STATE_LOADED;
	return 0;
}

/**
 * rfm_make() - reserve and load a subOS, or say what would be taken
 * @r: the program
 * @m: what the options say, with a name that was checked
 * @made: what was, or would be, taken; rf_subos_clear() it
 *
 * Takes the lock of the name, for the caller to drop, unless it is a dry run or fails
 * before it would reserve: then m->lock is negative.
 *
 * Return: 0 or -errno; on failure nothing stays reserved, but for -EUCLEAN.
 */
int rfm_make(struct rfm *r, struct rfm_make *m, struct rf_subos *made)
{
	struct plan p = { .kernel.fd = -1, .cpu_node = RF_NO_NODE };
	int ret;

	memset(made, 0, sizeof(*made));
	m->lock = -1;
	ret = make(r, m, &p, made);
	if (p.kernel.fd >= 0)
		close(p.kernel.fd);
	for (int i = 0; i < p.nr_fds; i++)
		close(p.fd[i]);
	free(p.cpu);
	free(p.mem);
	return ret;
}

void rfm_make_clear(struct rfm_make *m)
{
	free(m->memory.v);
	free(m->include.v);
	free(m->append.v);
	free(m->ip.v);
	free(m->args.v);
	free(m->file_name);
	rf_config_clear(&m->config);
	json_object_put(m->notes);
}
