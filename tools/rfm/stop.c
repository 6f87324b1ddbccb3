// SPDX-License-Identifier: GPL-2.0
/* rfm stop: ask PID 1 to power off */
#include "change.h"

int cmd_stop(struct rfm *r, int argc, char **argv)
{
	static const struct rfm_change stop = {
		.fn	 = rf_stop,
		.done	 = "stopped",
		.would	 = "would be stopped",
		.timeout = "seconds to wait (default 10)",
		.timeout_ms = RFM_STOP_MS,
		.synopsis =
			"NAME [OPTION]...\n\n"
			"Asks PID 1 to power off and waits. What the subOS owns stays reserved. One that\n"
			"does not stop in time goes on running (exit code 5): see rfm kill.",
	};

	return rfm_change_verb(r, argc, argv, &stop);
}
