// SPDX-License-Identifier: GPL-2.0
/*
 * In the supervisor: sends a subOS requests of the control protocol with ids that a
 * test chooses, the same again if it likes, and says what is answered. supcon, which
 * has not asked, drops the answers.
 */
#define pr_fmt(fmt) "rf_twice: " fmt

#include <linux/kprobes.h>
#include <linux/memory.h>
#include <linux/module.h>
#include <linux/string.h>

#include <rf/abi/con.h>
#include <rf/ficm.h>

static char *subos = "";
module_param(subos, charp, 0444);
MODULE_PARM_DESC(subos, "whom to ask");

static unsigned long start, node;
module_param(start, ulong, 0444);
MODULE_PARM_DESC(start, "of the memory block that it is about");
module_param(node, ulong, 0444);
MODULE_PARM_DESC(node, "of that");

static int set_ask(const char *text, const struct kernel_param *kp)
{
	struct rf_con_request req = {
		.timeout_ms = 20000,
		.arg = { start, memory_block_size_bytes(), node },
	};
	struct rf_ficm_channel *ch;
	int err = -ENOENT;
	u64 serial = 0;

	if (sscanf(text, "%hu %u", &req.op, &req.id) != 2)
		return -EINVAL;
	while ((ch = rf_ficm_next(&serial))) {
		if (!strcmp(rf_ficm_name(ch), subos))
			err = rf_ficm_send(ch, RF_CON_PORT, RF_CON_REQUEST, &req, sizeof(req));
		rf_ficm_put(ch);
	}
	return err;
}

static const struct kernel_param_ops ask_ops = {
	.set = set_ask,
};
module_param_cb(ask, &ask_ops, NULL, 0200);
MODULE_PARM_DESC(ask, "OP ID, as in rf/abi/con.h: send that now");

static int receives(struct kprobe *p, struct pt_regs *regs)
{
	const struct rf_ficm_msg *msg = (void *)regs->si;
	struct rf_con_answer a;

	if (msg->type != RF_CON_ANSWER || msg->len != sizeof(a))
		return 0;
	memcpy(&a, msg->data, sizeof(a));
	pr_info("id %u: status %u\n", a.id, a.status);
	return 0;
}

static struct kprobe probe = {
	.symbol_name	= "rfcontroller:rf_con_receive",
	.pre_handler	= receives,
};

static int __init rf_twice_init(void)
{
	return register_kprobe(&probe);
}

static void __exit rf_twice_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(rf_twice_init);
module_exit(rf_twice_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("sends a subOS a request twice, for tests");
MODULE_IMPORT_NS(RAINFOREST);
