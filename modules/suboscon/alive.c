// SPDX-License-Identifier: GPL-2.0
/*
 * Is the supervisor alive? It counts a beat several times a second; when that
 * stands still for long, what waits for the supervisor alone must wait no more.
 * When it beats again, nothing was but a long pause.
 */
#include <linux/jiffies.h>
#include <linux/printk.h>
#include <linux/workqueue.h>

#include <rf/abi/alive.h>
#include <rf/ficm.h>

#include "suboscon.h"

#define RF_SILENT_MS	10000	/* without a beat */
#define RF_LOOK_MS	1000

bool rf_supervisor_silent;

static const struct rf_alive *rf_alive;
static u64 rf_seen;
static unsigned long rf_since;	/* jiffies */

/* Programs of its, too: who reads from one, or writes to one, waits no more */
static void rf_tell_services(void)
{
	struct rf_ficm_channel *ch = rf_ficm_supervisor();

	if (ch)
		rf_ficm_silent(ch);
}

static void rf_look(struct work_struct *work);
static DECLARE_DELAYED_WORK(rf_look_work, rf_look);

static void rf_look(struct work_struct *work)
{
	u64 beat = READ_ONCE(rf_alive->beat);
	bool counts = READ_ONCE(rf_alive->magic) == RF_ALIVE_MAGIC &&
		      READ_ONCE(rf_alive->version_major) == RF_ALIVE_VERSION_MAJOR;
	bool silent;

	if (beat != rf_seen || !counts) {
		rf_seen = beat;
		rf_since = jiffies;
	}
	silent = time_after(jiffies, rf_since + msecs_to_jiffies(RF_SILENT_MS));
	if (silent != rf_supervisor_silent) {
		WRITE_ONCE(rf_supervisor_silent, silent);
		if (silent)
			pr_warn("suboscon: the supervisor has been silent for %d s: what finds no room in standard output goes to this log, a read of standard input ends\n",
				RF_SILENT_MS / 1000);
		else
			pr_warn("suboscon: the supervisor is back\n");
		wake_up_all(&rf_doorbell_wait);
		if (silent)
			rf_tell_services();
	}
	schedule_delayed_work(&rf_look_work, msecs_to_jiffies(RF_LOOK_MS));
}

void rf_alive_init(void)
{
	if (rainforest_desc->control_size < RF_OFF_ALIVE + sizeof(*rf_alive))
		return;
	rf_alive = (void *)rainforest_desc + RF_OFF_ALIVE;
	rf_since = jiffies;
	schedule_delayed_work(&rf_look_work, msecs_to_jiffies(RF_LOOK_MS));
}

void rf_alive_exit(void)
{
	cancel_delayed_work_sync(&rf_look_work);
}
