// SPDX-License-Identifier: GPL-2.0
/* Messages, files, commands and streams between the kernels, each byte checked */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crc.h"
#include "torture.h"

#define FICM_DIR	"/sys/kernel/debug/rf_ficm_test"

/* A line of tests/kmod/ficm's state: WHERE PEER field=N... ; -1: there is none */
static int64_t ficm_state(const char *where, const char *peer, const char *field)
{
	char text[8192], head[80], *line, *at;

	if (get_file(FICM_DIR "/state", text, sizeof(text)) < 0)
		return -1;
	snprintf(head, sizeof(head), "%s %s ", where, peer);
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (strncmp(line, head, strlen(head)))
			continue;
		snprintf(head, sizeof(head), " %s=", field);
		at = strstr(line, head);
		return at ? strtoll(at + strlen(head), NULL, 10) : -1;
	}
	return -1;
}

static int ficm_tell(struct torture *t, const char *fmt, const char *a, const char *b,
		     unsigned int n)
{
	char line[160];
	int ret;

	snprintf(line, sizeof(line), fmt, a, b, n);
	ret = put_file(FICM_DIR "/run", line);
	return ret ? broken(t, "rf_ficm_test: %s: %s", line, strerror(-ret)) : 0;
}

/* Ask the other end how it is, and wait until it has told */
static int ficm_ask(struct torture *t, const char *name)
{
	int64_t before = ficm_state(name, "#", "got"), end = now_ms() + 10000LL * t->slow;

	if (ficm_tell(t, "on %s state", name, "", 0))
		return BROKEN;
	while (ficm_state(name, "#", "got") == before) {
		if (now_ms() > end)
			return broken(t, "%s does not answer a message", name);
		usleep(2000);
	}
	return 0;
}

struct flow {
	const char *to, *from;	/* as at its end they are called */
	int64_t got, bad;
};

static int flow_read(struct torture *t, struct flow *f, int64_t *got, int64_t *bad)
{
	if (f->to[0] != '-' && ficm_ask(t, f->to))
		return BROKEN;
	*got = ficm_state(f->to, f->from, "got");
	*bad = ficm_state(f->to, f->from, "bad");
	*got = *got < 0 ? 0 : *got;
	*bad = *bad < 0 ? 0 : *bad;
	return 0;
}

/* All of @n must come, in order, each with its checksum */
static int flow_wait(struct torture *t, struct flow *f, unsigned int n)
{
	int64_t end = now_ms() + 20000LL * t->slow, got, bad;

	for (;;) {
		if (flow_read(t, f, &got, &bad))
			return BROKEN;
		if (bad != f->bad)
			return broken(t, "messages from %s to %s: %" PRId64 " bad or out of order",
				      f->from, f->to, bad - f->bad);
		if (got == f->got + n)
			return 0;
		if (now_ms() > end)
			return broken(t, "messages from %s to %s: %u sent, %" PRId64 " came",
				      f->from, f->to, n, got - f->got);
		usleep(2000);
	}
}

static int need_ficm(struct torture *t, struct slot *s)
{
	char line[600], answer[256];
	int err;

	if (s->listens)
		return 0;
	snprintf(line, sizeof(line), "insmod %s/subos/rf_ficm_test.ko", t->dir);
	if (slot_ask(t, s, line, answer, sizeof(answer)))
		return BROKEN;
	if (sscanf(answer, "insmod %d", &err) != 1 || err)
		return broken(t, "%s: rf_ficm_test: %s", s->name, answer);
	s->listens = true;
	/* what is known of that name is of one who is gone */
	snprintf(line, sizeof(line), "forget %s", s->name);
	err = put_file(FICM_DIR "/run", line);
	return err ? broken(t, "rf_ficm_test: %s: %s", line, strerror(-err)) : 0;
}

static int need_debugfs(struct torture *t)
{
	int ret;

	if (!access(FICM_DIR "/run", W_OK))
		return 0;
	ret = module_load(t, "rf_ficm_test", "");
	return ret ? broken(t, "rf_ficm_test: %s", strerror(-ret)) : 0;
}

/* To a subOS and back, and between two of them, all at once */
int op_messages(struct torture *t, const struct step *s)
{
	unsigned int n = 500 + s->r[0] % 1500;
	struct slot *a = &t->slot[s->r[1] % NR_STEADY], *b = &t->slot[(s->r[1] + 1) % NR_STEADY];
	struct flow flow[] = { { .to = a->name, .from = "supervisor" },
			       { .to = "-", .from = a->name }, { .to = b->name, .from = a->name } };
	int ret = life_need(t, a, s->r[2]);

	if (!ret)
		ret = life_need(t, b, s->r[3]);
	doing(t, "%u each way, %s and %s", n, a->name, b->name);
	if (ret)
		return ret;
	if (need_debugfs(t) || need_ficm(t, a) || need_ficm(t, b))
		return BROKEN;
	ret = rf_channel_connect(t->rf, a->name, b->name);
	if (ret && ret != -EEXIST)
		return verdict(t, "channel", ret);
	for (size_t i = 0; i < ARRAY_SIZE(flow); i++)
		if (flow_read(t, &flow[i], &flow[i].got, &flow[i].bad))
			return BROKEN;
	if (ficm_tell(t, "send %s%s %u", a->name, "", n) ||
	    ficm_tell(t, "on %s send supervisor%s %u", a->name, "", n) ||
	    ficm_tell(t, "on %s send %s %u", a->name, b->name, n))
		return BROKEN;
	for (size_t i = 0; i < ARRAY_SIZE(flow); i++)
		if (flow_wait(t, &flow[i], n))
			return BROKEN;
	t->book.count[MESSAGES] += ARRAY_SIZE(flow) * n;
	return DONE;
}

static uint32_t make_file(const char *path, size_t len, uint64_t seed)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint32_t crc = 0;

	while (len) {
		uint64_t buf[512];
		size_t n = len < sizeof(buf) ? len : sizeof(buf);

		for (size_t i = 0; i < ARRAY_SIZE(buf); i++)
			buf[i] = mix(seed++);
		if (write(fd, buf, n) != (ssize_t)n)
			break;
		crc = crc_of(crc, buf, n);
		len -= n;
	}
	close(fd);
	return crc;
}

static uint32_t sum_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint32_t crc = 0;
	char buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		crc = crc_of(crc, buf, n);
	close(fd);
	return crc;
}

/* A file there, and back */
int op_copy(struct torture *t, const struct step *s)
{
	static const char here[] = "/tmp/torture.file", back[] = "/tmp/torture.back";
	struct slot *slot = &t->slot[s->r[0] % NR_STEADY];
	size_t len = s->r[1] % 3000000;
	char text[1024], there[64];
	uint32_t crc;
	int ret = life_need(t, slot, s->r[2]);

	doing(t, "%zu bytes to %s and back", len, slot->name);
	if (ret)
		return ret;
	crc = make_file(here, len, s->r[3]);
	snprintf(there, sizeof(there), "%s:/tmp/file", slot->name);
	ret = TOOL(t, text, 60, "rfm", "cp", here, there);
	if (!ret)
		ret = TOOL(t, text, 60, "rfm", "cp", there, back);
	if (ret)
		return broken(t, "cp: %d: %s", ret, text);
	if (sum_file(back) != crc)
		return broken(t, "cp: another file came back from %s", slot->name);
	unlink(here);
	unlink(back);
	t->book.count[COPIED] += 2 * len;
	return DONE;
}

/* A command that sums what it is given */
int op_exec(struct torture *t, const struct step *s)
{
	struct slot *slot = &t->slot[s->r[0] % NR_STEADY];
	size_t len = s->r[1] % 1000000;
	char text[1024], line[1024], want[32];
	int ret = life_need(t, slot, s->r[2]);

	doing(t, "%s, with %zu bytes", slot->name, len);
	if (ret)
		return ret;
	snprintf(want, sizeof(want), "%08x\n", make_file("/tmp/torture.in", len, s->r[3]));
	snprintf(line, sizeof(line), "exec rfm exec %s -i -- %s/agent sum </tmp/torture.in",
		 slot->name, t->dir);
	ret = TOOL(t, text, 60, "sh", "-c", line);
	unlink("/tmp/torture.in");
	if (ret)
		return broken(t, "exec: %d: %s", ret, text);
	if (strcmp(text, want))
		return broken(t, "exec: %s came instead of %s", text, want);
	t->book.count[EXECUTED]++;
	return DONE;
}

static int need_server(struct torture *t, struct slot *s)
{
	char line[600], answer[256];

	if (s->serves)
		return 0;
	snprintf(line, sizeof(line), "serve %s/nettest 5000", t->dir);
	if (slot_ask(t, s, line, answer, sizeof(answer)))
		return BROKEN;
	if (strcmp(answer, "serve 0"))
		return broken(t, "%s: nettest: %s", s->name, answer);
	s->serves = true;
	return 0;
}

static int address_of(struct torture *t, const char *name, char *ip, size_t len)
{
	struct rf_net *net;
	size_t n;
	int ret = rf_nets_get(t->rf, &net, &n);

	ip[0] = 0;
	if (ret)
		return broken(t, "rf0: %s", rf_strerror(t->rf));
	for (size_t i = 0; i < n; i++) {
		if (strcmp(net[i].name, name) || !net[i].here)
			continue;
		for (size_t k = 0; k < net[i].nr_addresses; k++)
			if (!strchr(net[i].address[k], ':'))
				snprintf(ip, len, "%.*s", (int)strcspn(net[i].address[k], "/"),
					 net[i].address[k]);
	}
	rf_nets_free(net, n);
	return 0;
}

/* Streams over RFloop, both ways; nettest checks each byte */
int op_net(struct torture *t, const struct step *s)
{
	struct slot *slot = &t->slot[s->r[0] % NR_STEADY];
	unsigned int bytes = 100000 + s->r[1] % 8000000;
	int64_t end = now_ms() + 20000LL * t->slow;
	char ip[64], path[600], text[1024], size[32];
	int ret = life_need(t, slot, s->r[2]);

	doing(t, "%u bytes, %s", bytes, slot->name);
	if (ret || need_server(t, slot))
		return ret ?: BROKEN;
	do {
		if (address_of(t, slot->name, ip, sizeof(ip)))
			return BROKEN;
		if (now_ms() > end)
			return broken(t, "%s has no address", slot->name);
		usleep(ip[0] ? 0 : 20000);
	} while (!ip[0]);
	snprintf(path, sizeof(path), "%s/nettest", t->dir);
	snprintf(size, sizeof(size), "%u", bytes);
	/* the server may need a moment to be there */
	while ((ret = TOOL(t, text, 60, path, "connect", ip, "5000")) && now_ms() < end)
		usleep(50000);
	if (!ret && s->r[3] % 2)
		ret = TOOL(t, text, 60, path, "to", ip, "5000", size, "2");
	else if (!ret)
		ret = TOOL(t, text, 60, path, "from", ip, "5000", size, "1");
	if (!ret && s->r[4] % 2)
		ret = TOOL(t, text, 60, path, "churn", ip, "5000", "20");
	if (ret)
		return broken(t, "nettest with %s: %d: %s", slot->name, ret, text);
	t->book.count[STREAMED] += bytes;
	return DONE;
}
