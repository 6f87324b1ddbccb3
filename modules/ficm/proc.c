// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/rf_ficm: what went through each channel of this kernel, and what was refused.
 * Those between two subOSes are counted nowhere else.
 */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "internal.h"

static int rf_proc_show(struct seq_file *m, void *unused)
{
	struct rf_ficm_channel *ch;

	seq_puts(m, "peer sent received full late dropped refused: sequence bounds service tail bell content\n");
	mutex_lock(&rf_channels_lock);
	list_for_each_entry(ch, &rf_channels, node) {
		struct rf_ficm_stats st;

		rf_ficm_stats_get(ch, &st);
		seq_printf(m, "%s %llu %llu %llu %llu %llu refused:", rf_ficm_name(ch), st.sent,
			   st.received, st.full, st.late, st.dropped);
		for (unsigned int i = 0; i < RF_REFUSED_REASONS; i++)
			seq_printf(m, " %llu", st.refused[i]);
		seq_putc(m, '\n');
	}
	mutex_unlock(&rf_channels_lock);
	return 0;
}

/* Return: 0, -ENOMEM */
int rf_proc_init(void)
{
	return proc_create_single("rf_ficm", 0444, NULL, rf_proc_show) ? 0 : -ENOMEM;
}

void rf_proc_exit(void)
{
	remove_proc_entry("rf_ficm", NULL);
}
