// SPDX-License-Identifier: GPL-2.0
/* rfm version */
#include <stdio.h>

#include "rfm.h"

static const char synopsis[] =
	"[OPTION]...\n\n"
	"Prints the versions of rfm, the module and their ABI.";

int cmd_version(struct rfm *r, int argc, char **argv)
{
	const struct rfm_opt opts[] = { RFM_JSON(r), RFM_END };
	struct rfm_words words;
	struct rf_info info;
	struct json_object *o;
	bool module;
	char abi[32];
	int ret = rfm_parse(r, argc, argv, opts, synopsis, &words);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = rfm_no_words(r, &words);
	if (ret)
		return ret;
	/* rfm's own version can be told on any machine */
	module = !rf_info_get(r->rf, &info);
	snprintf(abi, sizeof(abi), "%u.%u", info.abi_major, info.abi_minor);
	if (!r->json) {
		printf("rfm     %s\n", RFM_VERSION);
		if (module)
			printf("kernel  %s\nABI     %s\n", info.release, abi);
		else
			printf("module  none: %s\n", rf_strerror(r->rf));
		return 0;
	}
	o = json_object_new_object();
	rfm_put(o, "rfm", json_object_new_string(RFM_VERSION));
	rfm_put(o, "module", json_object_new_boolean(module));
	rfm_put(o, "kernel", module ? json_object_new_string(info.release) : NULL);
	rfm_put(o, "abi", module ? json_object_new_string(abi) : NULL);
	rfm_json_print(o);
	return 0;
}
