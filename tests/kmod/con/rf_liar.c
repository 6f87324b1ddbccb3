// SPDX-License-Identifier: GPL-2.0
/*
 * In a subOS: takes suboscon's place at the control protocol, and answers the
 * supervisor's requests in the way that "mode" says, or not at all. It does
 * nothing of what it is asked.
 */
#define pr_fmt(fmt) "rf_liar: " fmt

#include <linux/memory.h>
#include <linux/module.h>

#include <rf/abi/con.h>
#include <rf/ficm.h>

static char mode[16] = "mute";
module_param_string(mode, mode, sizeof(mode), 0644);
MODULE_PARM_DESC(mode, "mute, id, op, status, texts, long, short, type, unknown, nomem, late");

static char version[16] = "1-1";
module_param_string(version, version, sizeof(version), 0444);
MODULE_PARM_DESC(version, "versions that it says it speaks, MIN-MAX");

static unsigned int block_mib;
module_param(block_mib, uint, 0444);
MODULE_PARM_DESC(block_mib, "size of memory blocks that it claims; 0: the true one");

static bool is(const char *word)
{
	return sysfs_streq(mode, word);
}

static void send(struct rf_ficm_channel *ch, u16 type, const void *data, u8 len)
{
	if (rf_ficm_post(ch, RF_CON_PORT, type, data, len))
		pr_err("no room for a message\n");
}

static void answer(struct rf_ficm_channel *ch, const struct rf_con_request *req)
{
	struct rf_con_answer a = { .id = req->id, .op = req->op };
	struct rf_con_text t = { .id = req->id, .len = 5, .text = "\x1b[31m" };

	pr_info("asked %u, id %u, %s\n", req->op, req->id, mode);
	if (is("mute"))
		return;
	if (is("unknown"))
		a.status = RF_CON_UNKNOWN;
	else if (is("nomem"))
		a.status = RF_CON_NOMEM;
	else if (is("late"))
		a.status = RF_CON_LATE;
	else if (is("status"))
		a.status = 200;
	else if (is("op"))
		a.op++;
	else if (is("id"))
		a.id += 7;
	else if (is("texts"))
		a.texts = 200;
	if (is("long")) {
		t.len = 255;
		send(ch, RF_CON_TEXT, &t, sizeof(t));
		t.len = RF_CON_TEXT_LEN;
		t.part = 9;
		send(ch, RF_CON_TEXT, &t, sizeof(t));
		return;
	}
	/* the last words of a refusal: no terminal must get to see them as they are */
	if (is("nomem")) {
		send(ch, RF_CON_TEXT, &t, sizeof(t));
		a.texts = 1;
	}
	send(ch, is("type") ? 4711 : RF_CON_ANSWER, &a, is("short") ? 8 : sizeof(a));
}

static void receive(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg, void *ctx)
{
	struct rf_con_request req;

	if (rf_ficm_peer(ch) || msg->type != RF_CON_REQUEST || msg->len != sizeof(req))
		return;
	memcpy(&req, msg->data, sizeof(req));
	answer(ch, &req);
}

static const struct rf_ficm_service service = {
	.receive	= receive,
};

static int __init rf_liar_init(void)
{
	struct rf_con_hello hello = {
		.features = RF_CON_HAS_CPU | RF_CON_HAS_MEMORY,
		.page_size = PAGE_SIZE,
		.block_size = block_mib ? (u64)block_mib << 20 : memory_block_size_bytes(),
	};
	struct rf_ficm_channel *ch = rf_ficm_supervisor();
	int err;

	if (!ch || sscanf(version, "%hu-%hu", &hello.min, &hello.max) != 2)
		return -EINVAL;
	rf_ficm_unregister(RF_CON_PORT);
	err = rf_ficm_register(RF_CON_PORT, &service);
	if (err)
		return err;
	send(ch, RF_CON_HELLO, &hello, sizeof(hello));
	pr_info("in place\n");
	return 0;
}

module_init(rf_liar_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("answers the control protocol wrongly, for tests");
MODULE_IMPORT_NS(RAINFOREST);
