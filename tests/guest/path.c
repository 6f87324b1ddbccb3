// SPDX-License-Identifier: GPL-2.0
/*
 * In a subOS: take an ordinary path to its end, or try what must be refused.
 *
 *	path poweroff | halt | restart | WORD-FOR-SYSRQ	says when, then does it
 *	path try					everything that must be absent
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/reboot.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int failed;
static sigjmp_buf trapped;

static void say(const char *fmt, const char *what)
{
	char line[200];
	int fd = open("/dev/kmsg", O_WRONLY);

	snprintf(line, sizeof(line), fmt, what);
	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		perror("kmsg");
	close(fd);
}

/* The supervisor set our clock: it can tell how long it took to notice */
static void dying(void)
{
	struct timespec ts;
	char ms[40];

	clock_gettime(CLOCK_REALTIME, &ts);
	snprintf(ms, sizeof(ms), "%lld", ts.tv_sec * 1000LL + ts.tv_nsec / 1000000);
	say("dying at %s ms", ms);
}

static void sysrq(char key)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY);

	if (fd < 0 || write(fd, &key, 1) != 1)
		say("sysrq: %s", strerror(errno));
	close(fd);
}

static void want(const char *what, int ok)
{
	printf("%s: %s\n", ok ? "ok" : "NOT REFUSED", what);
	failed |= !ok;
}

static void absent(const char *pattern)
{
	glob_t g = { 0 };

	want(pattern, glob(pattern, 0, NULL, &g) == GLOB_NOMATCH);
	globfree(&g);
}

static void on_trap(int sig)
{
	siglongjmp(trapped, sig);
}

static int privileged(void (*f)(void))
{
	int sig = sigsetjmp(trapped, 1);

	if (!sig)
		f();
	return sig == SIGSEGV;
}

static void f_in(void) { asm volatile("inb $0x80, %%al" : : : "rax"); }
static void f_out(void) { asm volatile("outb %%al, $0x80" : : : "rax"); }
static void f_cf9(void)
{
	asm volatile("mov $0xcf9, %%edx; mov $6, %%al; outb %%al, %%dx" : : : "rax", "rdx");
}

static void f_wbinvd(void) { asm volatile("wbinvd" : : : "memory"); }
static void f_invd(void) { asm volatile("invd" : : : "memory"); }

static void f_microcode(void)
{
	asm volatile("mov $0x79, %%ecx; xor %%eax, %%eax; xor %%edx, %%edx; wrmsr"
		     : : : "rax", "rcx", "rdx");
}

static void f_mtrr(void)
{
	asm volatile("mov $0x2ff, %%ecx; xor %%eax, %%eax; xor %%edx, %%edx; wrmsr"
		     : : : "rax", "rcx", "rdx");
}

static void f_cli(void) { asm volatile("cli"); }
static void f_hlt(void) { asm volatile("hlt"); }

static void f_wrmsr(void)
{
	asm volatile("mov $0x1b, %%ecx; xor %%eax, %%eax; xor %%edx, %%edx; wrmsr"
		     : : : "rax", "rcx", "rdx");
}

static int try(void)
{
	signal(SIGSEGV, on_trap);
	want("iopl", syscall(SYS_iopl, 3) == -1);
	want("ioperm", syscall(SYS_ioperm, 0xcf8, 8, 1) == -1);
	want("inb", privileged(f_in));
	want("outb", privileged(f_out));
	want("outb to 0xcf9", privileged(f_cf9));
	want("cli", privileged(f_cli));
	want("hlt", privileged(f_hlt));
	want("wrmsr", privileged(f_wrmsr));
	want("a microcode update", privileged(f_microcode));
	want("an MTRR", privileged(f_mtrr));
	want("wbinvd", privileged(f_wbinvd));
	want("invd", privileged(f_invd));
	want("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0) == -1 && errno == ENOSYS);
	want("kexec_file_load",
	     syscall(SYS_kexec_file_load, -1, -1, 0UL, "", 0UL) == -1 && errno == ENOSYS);
	want("kexec -e", syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
				 LINUX_REBOOT_CMD_KEXEC, NULL) == -1);
	want("hibernate", syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
				  LINUX_REBOOT_CMD_SW_SUSPEND, NULL) == -1);
	absent("/dev/port");
	absent("/dev/mem");
	absent("/dev/kmem");
	absent("/dev/nvram");
	absent("/dev/rtc*");
	absent("/dev/watchdog*");
	absent("/dev/cpu/*/msr");
	absent("/dev/mcelog");
	absent("/dev/ttyS*");
	absent("/proc/mtrr");
	absent("/proc/acpi");
	absent("/proc/bus/pci");
	absent("/sys/bus/pci");
	absent("/sys/firmware/acpi");
	absent("/sys/firmware/dmi");
	absent("/sys/power/state");
	absent("/sys/fs/resctrl/*");
	absent("/sys/class/powercap");
	absent("/sys/devices/system/cpu/microcode/reload");
	absent("/sys/devices/system/cpu/cpu*/cpufreq");
	absent("/sys/devices/system/clockevents/clockevent*/pit");
	return failed;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	unsigned int cmd = !strcmp(how, "poweroff") ? LINUX_REBOOT_CMD_POWER_OFF :
			   !strcmp(how, "halt") ? LINUX_REBOOT_CMD_HALT :
			   !strcmp(how, "restart") ? LINUX_REBOOT_CMD_RESTART : 0;

	if (!strcmp(how, "try"))
		return try();
	dying();
	if (cmd)
		syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, cmd, NULL);
	else
		sysrq(how[0]);
	for (;;)
		pause();
}
