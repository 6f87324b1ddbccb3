// SPDX-License-Identifier: GPL-2.0
/*
 * For a test of RFcom: a kernel that says every word of its protocol, with
 * garbage, to the supervisor. Handles are small numbers, so that many hit.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/random.h>

#include <rf/abi/rfcom.h>
#include <rf/ficm.h>

static unsigned int rf_seconds = 5;
module_param_named(seconds, rf_seconds, uint, 0444);

static struct task_struct *rf_task;

/* Half of the words are garbage all over, half are almost right */
static void rf_say(struct rf_ficm_channel *ch)
{
	u32 word[RF_MSG_DATA / 4];
	u16 type = get_random_u32_below(28);

	get_random_bytes(word, sizeof(word));
	word[0] = get_random_u32_below(600);
	if (word[1] & 1)
		for (int i = 1; i < ARRAY_SIZE(word); i++)
			word[i] = word[i] % 5 ? word[i] % 3 : -(word[i] % 200);
	/* its own services are to stay */
	if (type != RF_COM_UNREGISTER && type != RF_COM_HELLO)
		rf_ficm_send_timeout(ch, RF_PORT_COM, type, word, sizeof(word), 100);
}

static int rf_rage(void *unused)
{
	unsigned long end = jiffies + rf_seconds * HZ, n = 0;

	while (!kthread_should_stop() && time_before(jiffies, end)) {
		rf_say(rf_ficm_supervisor());
		n++;
		cond_resched();
	}
	pr_info("rf_nonsense: %lu words sent\n", n);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ / 10);
	return 0;
}

static int __init rf_init(void)
{
	if (!rf_ficm_supervisor())
		return -ENODEV;
	rf_task = kthread_run(rf_rage, NULL, "rf_nonsense");
	return PTR_ERR_OR_ZERO(rf_task);
}

static void __exit rf_exit(void)
{
	kthread_stop(rf_task);
}

module_init(rf_init);
module_exit(rf_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("RainForest test: nonsense on RFcom's port");
MODULE_IMPORT_NS(RAINFOREST);
