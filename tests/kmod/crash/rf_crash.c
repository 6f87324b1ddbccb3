// SPDX-License-Identifier: GPL-2.0
/*
 * In a subOS: breaks its kernel, in the way that "kind" names. It says when, by
 * the clock that the supervisor gave it, so that who watches can tell how long it
 * took to be noticed.
 */
#define pr_fmt(fmt) "rf_crash: " fmt

#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nmi.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/smp.h>
#include <linux/sysrq.h>
#include <linux/timekeeping.h>

#include <asm/apic.h>
#include <asm/desc.h>
#include <asm/nmi.h>
#include <asm/rainforest_subos.h>

#include <rf/ficm.h>

static char *kind = "panic";
module_param(kind, charp, 0444);
MODULE_PARM_DESC(kind, "see kinds[]");

static bool last;
module_param(last, bool, 0444);
MODULE_PARM_DESC(last, "a hang is one of the last CPU only, not of all");

static char *sysrq = "";
module_param(sysrq, charp, 0444);
MODULE_PARM_DESC(sysrq, "keys to press then: loading does not end without the CPU that hangs");

static void dying(void)
{
	pr_emerg("%s: dying at %lld ms\n", kind, ktime_to_ms(ktime_get_real()));
}

/* ---- faults ---- */

static void do_panic(void)
{
	panic("rf_crash: it was asked for");
}

static void do_oops(void)
{
	WRITE_ONCE(*(int *)0x18, 0);
}

static void do_bug(struct irq_work *work)
{
	BUG();
}

/* Data is not to be executed; nor is what comes before and after it */
static void do_jump(struct irq_work *work)
{
	static u8 data[64];
	void (*wild)(void) = (void *)data;

	/* past the compiler's thunk, which would be a good jump */
	asm volatile("jmp *%0" : : "r"(wild));
}

static void from_irq(void (*fn)(struct irq_work *work))
{
	static struct irq_work work;

	init_irq_work(&work, fn);
	irq_work_queue(&work);
	irq_work_sync(&work);
}

static noinline int do_recurse(int depth)
{
	volatile char frame[512];

	frame[depth % sizeof(frame)] = depth;
	return depth < 0 ? 0 : do_recurse(depth + 1) + frame[(depth + 1) % sizeof(frame)];
}

/* Each push faults, and so does what pushes the fault's frame */
static void do_double_fault(void)
{
	asm volatile("xor %%esp, %%esp; push %%rax" : : : "memory");
}

static void do_oom(void)
{
	while (alloc_page(GFP_KERNEL))
		;
}

/* No signal kills PID 1, but that its code is gone does; then something to run for */
static int do_kill_init(void)
{
	struct task_struct *init = get_pid_task(find_vpid(1), PIDTYPE_PID);
	struct mm_struct *mm = init ? get_task_mm(init) : NULL;
	static const u8 zeroes[PAGE_SIZE];

	if (!mm)
		return -ESRCH;
	for (unsigned long at = mm->start_code; at < mm->end_code; at += PAGE_SIZE)
		access_process_vm(init, at, (void *)zeroes, PAGE_SIZE, FOLL_WRITE | FOLL_FORCE);
	mmput(mm);
	send_sig(SIGCHLD, init, 1);
	put_task_struct(init);
	return 0;
}

/* ---- hangs ---- */

static void spin(void)
{
	for (;;)
		cpu_relax();
}

static void do_irqs_off(void *unused)
{
	local_irq_disable();
	spin();
}

static void do_idt(void *unused)
{
	static const struct desc_ptr none = { };

	local_irq_disable();
	load_idt(&none);
	spin();
}

static int do_nmi(unsigned int cmd, struct pt_regs *regs)
{
	spin();
	return NMI_HANDLED;
}

/* Past the platform's guard, which lets none out: as the machine itself makes one */
static void send_nmi(void *unused)
{
	u32 apicid = cpu_physical_id(smp_processor_id());

	if (x2apic_enabled()) {
		native_x2apic_icr_write(APIC_DM_NMI, apicid);
		return;
	}
	apic->write(APIC_ICR2, SET_XAPIC_DEST_FIELD(apicid));
	apic->write(APIC_ICR, APIC_DM_NMI);
}

/* The other CPUs first, this one at the end */
static void on_cpus(void (*fn)(void *unused))
{
	unsigned int on = cpumask_last(cpu_online_mask);

	preempt_disable();
	if (!last)
		smp_call_function(fn, NULL, false);
	if (!last || on == smp_processor_id())
		fn(NULL);
	else
		smp_call_function_single(on, fn, NULL, false);
	preempt_enable();
}

static int hang_nmi(void)
{
	int err = register_nmi_handler(NMI_LOCAL, do_nmi, 0, "rf_crash");

	if (!err)
		on_cpus(send_nmi);
	return err;
}

/* Not to death: for less long than it takes to be noticed */
static void do_pause(void *unused)
{
	local_irq_disable();
	mdelay(1500);
	local_irq_enable();
}

static int thread(void *unused)
{
	preempt_disable();
	spin();
	return 0;
}

/* ---- what hurts, but not to death ---- */

/* As fast as it goes, on each CPU */
static int flood(void *unused)
{
	for (unsigned long n = 0; !kthread_should_stop(); n++) {
		printk(KERN_INFO "rf_crash: flood %lu 0123456789012345678901234567890123456789\n", n);
		cond_resched();
	}
	return 0;
}

static int start(int (*fn)(void *unused), unsigned int on)
{
	return PTR_ERR_OR_ZERO(kthread_run_on_cpu(fn, NULL, on, "rf_crash/%u"));
}

/* Messages that want an answer, messages for nobody, and doorbells for nothing */
static int flood_ficm(void *unused)
{
	struct rf_ficm_channel *ch = rf_ficm_supervisor();
	u8 data[RF_MSG_DATA] = { };
	u64 sent = 0, full = 0;

	for (unsigned long n = 0; ch && !kthread_should_stop(); n++) {
		int err = rf_ficm_send(ch, n & 1 ? RF_PORT_ECHO : RF_PORTS - 1, RF_ECHO_REQUEST,
				       data, sizeof(data));

		sent += !err;
		full += err != 0;
		rainforest_ring_supervisor();
		if (!(n & 0xffff))
			pr_info("flood: %llu messages sent, %llu found no room\n", sent, full);
		cond_resched();
	}
	return 0;
}

static bool is_ours(u32 apicid)
{
	unsigned int on;

	for_each_online_cpu(on)
		if (cpu_physical_id(on) == apicid)
			return true;
	return false;
}

/* IPIs of all kinds to every APIC ID of the machine but its own */
static void wild_ipis(void)
{
	static const u32 modes[] = {
		APIC_DM_INIT | APIC_INT_ASSERT | APIC_INT_LEVELTRIG, APIC_DM_STARTUP | 0x9a,
		APIC_DM_NMI, APIC_DM_SMI, APIC_DM_FIXED | REBOOT_VECTOR,
		APIC_DM_FIXED | APIC_DEST_LOGICAL | RESCHEDULE_VECTOR,
	};
	for (u32 id = 0; id < 8; id++)
		for (unsigned int i = 0; i < ARRAY_SIZE(modes); i++)
			if (!is_ours(id))
				apic->icr_write(modes[i], id);
	/* to all, to all but this one, and to a broadcast address */
	apic->icr_write(APIC_DEST_ALLINC | APIC_DM_NMI, 0);
	apic->icr_write(APIC_DEST_ALLBUT | APIC_DM_INIT | APIC_INT_ASSERT, 0);
	apic->icr_write(APIC_DM_NMI, 0xff);
	pr_info("wild IPIs are out\n");
}

static int __init rf_crash_init(void)
{
	unsigned int on;

	dying();
	if (!strcmp(kind, "panic"))
		do_panic();
	else if (!strcmp(kind, "oops"))
		do_oops();
	else if (!strcmp(kind, "bug-irq"))
		from_irq(do_bug);
	else if (!strcmp(kind, "jump"))
		from_irq(do_jump);
	else if (!strcmp(kind, "stack"))
		pr_info("%d\n", do_recurse(1));
	else if (!strcmp(kind, "double-fault"))
		do_double_fault();
	else if (!strcmp(kind, "oom"))
		do_oom();
	else if (!strcmp(kind, "init"))
		return do_kill_init();
	else if (!strcmp(kind, "irqs-off"))
		on_cpus(do_irqs_off);
	else if (!strcmp(kind, "pause"))
		on_cpus(do_pause);
	else if (!strcmp(kind, "idt"))
		on_cpus(do_idt);
	else if (!strcmp(kind, "nmi"))
		return hang_nmi();
	else if (!strcmp(kind, "loop"))
		spin();
	else if (!strcmp(kind, "thread"))
		return start(thread, cpumask_last(cpu_online_mask));
	else if (!strcmp(kind, "ipi"))
		wild_ipis();
	else if (!strcmp(kind, "ficm"))
		for_each_online_cpu(on)
			start(flood_ficm, on);
	else if (!strcmp(kind, "flood"))
		for_each_online_cpu(on)
			start(flood, on);
	else if (strcmp(kind, "mark"))	/* what comes next is no module's doing */
		return -EINVAL;
	for (const char *key = sysrq; *key; key++) {
		pr_info("sysrq %c\n", *key);
		handle_sysrq(*key);
	}
	return 0;
}

module_init(rf_crash_init);
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(RAINFOREST);
MODULE_DESCRIPTION("breaks a kernel in many ways, for tests of containment");
