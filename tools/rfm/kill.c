// SPDX-License-Identifier: GPL-2.0
/* rfm kill: stop at once */
#include "change.h"

int cmd_kill(struct rfm *r, int argc, char **argv)
{
	static const struct rfm_change kill = {
		.fn	 = rf_kill,
		.done	 = "killed",
		.would	 = "would be killed",
		.timeout_ms = -1,
		.synopsis =
			"NAME [OPTION]...\n\n"
			"Takes the CPUs away from a subOS at once, whatever it does. What it owns stays\n"
			"reserved: rfm start boots it anew, rfm destroy gives everything back.",
	};

	return rfm_change_verb(r, argc, argv, &kill);
}
