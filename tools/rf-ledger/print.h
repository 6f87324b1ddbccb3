/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RL_PRINT_H
#define RL_PRINT_H

#include "rl.h"

void rl_print_text(const struct rl_memory *m, const struct rl_ledger *l);
void rl_print_json(const struct rl_memory *m, const struct rl_ledger *l, const char *error);

#endif
