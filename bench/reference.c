// SPDX-License-Identifier: GPL-2.0
/*
 * create_cold, the other side, on the host: starts QEMU with -kernel and looks
 * into the guest's memory from outside until the line of hello.c stands in its
 * kernel log. So the guest needs no device, driver or console for it, and runs
 * nothing that a subOS does not.
 *
 *   reference MEMBYTES TEXT PARAMS STATE LOG -- QEMU...
 *
 * TEXT, PARAMS, STATE, LOG: physical addresses of _text (0 until the kernel is
 * unpacked there), boot_params (its first lines of C copy them), system_state
 * and the pointer log_buf. Prints the microseconds since the fork
 * at which: unpacking began, the kernel was entered, it was done booting, the
 * line was there.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOG_BYTES	(128 << 10)
#define POLL_US		200
#define LIMIT_US	60000000
#define SYSTEM_RUNNING	3
#define HEADER		0x202	/* in boot_params */
#define HDRS		0x53726448
#define IMAGE		0xffffffff80000000
#define DIRECT		0xffff888000000000

static const char line[] = "rf-bench: first line";
static pid_t pid;
static uint64_t ram;		/* where the guest's memory is in QEMU */

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

/* QEMU's largest mapping; it may not be there yet */
static void find_ram(uint64_t bytes)
{
	uint64_t start, end;
	char path[64], text[512];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "r");
	while (f && fgets(text, sizeof(text), f))
		if (sscanf(text, "%" SCNx64 "-%" SCNx64 " rw", &start, &end) == 2 &&
		    end - start == bytes)
			ram = start;
	if (f)
		fclose(f);
}

/* Guest memory that nobody wrote is zero */
static void look(uint64_t phys, void *to, size_t len)
{
	struct iovec here = { to, len }, there = { (void *)(ram + phys), len };

	memset(to, 0, len);
	if (process_vm_readv(pid, &here, 1, &there, 1, 0) < 0)
		memset(to, 0, len);
}

static uint64_t word(uint64_t phys)
{
	uint64_t w;

	look(phys, &w, sizeof(w));
	return w;
}

int main(int argc, char **argv)
{
	static char log[LOG_BYTES];
	int64_t begin, at[4] = { 0 };
	uint64_t a[5], w;
	int step = 0, status;

	if (argc < 8)
		return 64;
	for (int i = 0; i < 5; i++)
		a[i] = strtoull(argv[i + 1], NULL, 0);
	begin = now_us();
	pid = fork();
	if (!pid) {
		execvp(argv[7], argv + 7);
		_exit(127);
	}
	while (step < 4 && now_us() - begin < LIMIT_US && !waitpid(pid, &status, WNOHANG)) {
		if (!ram) {
			find_ram(a[0]);
		} else if (step == 0) {
			step += !!word(a[1]);
		} else if (step == 1) {
			step += (uint32_t)word(a[2] + HEADER) == HDRS;
		} else if (step == 2) {
			step += (uint32_t)word(a[3]) >= SYSTEM_RUNNING;
		} else {
			w = word(a[4]);
			look(w >= IMAGE ? w - IMAGE : w - DIRECT, log, sizeof(log));
			step += !!memmem(log, sizeof(log), line, sizeof(line) - 1);
		}
		if (step && !at[step - 1])
			at[step - 1] = now_us() - begin;
		usleep(POLL_US);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	for (int i = 0; i < 4; i++)
		printf("%" PRId64 "%c", at[i], i < 3 ? ' ' : '\n');
	return step == 4 ? 0 : 1;
}
