// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of the kernel that kexec boots when the supervisor has crashed. Prints
 * what a dump would hold, and whether the subOS whose boot descriptor lies at
 * rf_desc= (on the command line) has noticed anything:
 *
 *   rf-crash: dump START SIZE
 *   rf-crash: beats CPU0 CPU1 ...		twice, 2.5 s apart, and each time
 *   rf-crash: last [STAMP] nmis: ...		what it printed last of these
 *   rf-crash: done
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <rf/abi/boot.h>
#include <rf/abi/layout.h>
#include <rf/abi/ring.h>

static void ranges(void)
{
	int fd = open("/proc/vmcore", O_RDONLY);
	Elf64_Ehdr eh;
	Elf64_Phdr ph;

	if (fd < 0 || pread(fd, &eh, sizeof(eh), 0) != sizeof(eh)) {
		printf("rf-crash: no /proc/vmcore\n");
		return;
	}
	for (unsigned int i = 0; i < eh.e_phnum; i++)
		if (pread(fd, &ph, sizeof(ph), eh.e_phoff + i * sizeof(ph)) == sizeof(ph) &&
		    ph.p_type == PT_LOAD)
			printf("rf-crash: dump %#" PRIx64 " %#" PRIx64 "\n",
			       (uint64_t)ph.p_paddr, (uint64_t)ph.p_memsz);
	close(fd);
}

static uint64_t desc_address(void)
{
	static char line[4096];
	int fd = open("/proc/cmdline", O_RDONLY);
	char *at;

	if (fd < 0 || read(fd, line, sizeof(line) - 1) < 0)
		return 0;
	at = strstr(line, "rf_desc=");
	return at ? strtoull(at + 8, NULL, 0) : 0;
}

static void beats(const volatile struct rf_boot_desc *d)
{
	printf("rf-crash: beats");
	for (unsigned int i = 0; i < d->nr_cpus && i < RF_BOOT_MAX_CPUS; i++)
		printf(" %" PRIu64, (uint64_t)d->cpu[i].beat);
	printf("\n");
}

/* The last whole line with "nmis:" in its console; the ring has not wrapped yet */
static void last_line(const struct rf_boot_desc *d)
{
	const struct rf_boot_ring *r = &d->ring[RF_RING_CONSOLE_OUT];
	const struct rf_ring *ring = (const void *)d + r->offset;
	const char *text = (const char *)ring->data, *end, *at;
	uint64_t head = *(const volatile __u64 *)&ring->head;

	if (head > r->size - sizeof(*ring))
		head = r->size - sizeof(*ring);
	end = memrchr(text, '\n', head);
	for (at = end; at && at > text; at--) {
		if (memcmp(at, "nmis:", 5))
			continue;
		end = memchr(at, '\n', text + head - at);
		while (at > text && at[-1] != '\n')
			at--;
		if (end)
			printf("rf-crash: last %.*s\n", (int)(end - at), at);
		return;
	}
}

int main(void)
{
	const volatile struct rf_boot_desc *d;
	int fd;

	mkdir("/proc", 0755);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	fd = open("/dev/console", O_RDWR);
	if (fd >= 0) {
		dup2(fd, 1);
		dup2(fd, 2);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	ranges();
	fd = open("/dev/mem", O_RDONLY);
	d = mmap(NULL, RF_CONTROL_SIZE, PROT_READ, MAP_SHARED, fd, desc_address());
	if (d == MAP_FAILED || d->magic != RF_BOOT_MAGIC) {
		printf("rf-crash: no boot descriptor\n");
	} else {
		for (int i = 0; i < 2; i++) {
			usleep(i * 2500000);
			beats(d);
			last_line((const void *)d);
		}
	}
	printf("rf-crash: done\n");
	tcdrain(1);
	reboot(RB_AUTOBOOT);
	return 0;
}
