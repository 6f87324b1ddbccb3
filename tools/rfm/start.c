// SPDX-License-Identifier: GPL-2.0
/* rfm start: boot what was loaded */
#include "change.h"

int cmd_start(struct rfm *r, int argc, char **argv)
{
	static const struct rfm_change start = {
		.fn	 = rf_start,
		.done	 = "started",
		.would	 = "would be started",
		.timeout = "seconds for the kernel to come up",
		.timeout_ms = -1,
		.synopsis =
			"NAME [OPTION]...\n\n"
			"Boots a loaded or stopped subOS and returns once its first CPU runs its kernel.",
	};

	return rfm_change_verb(r, argc, argv, &start);
}
