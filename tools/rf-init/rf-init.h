/* SPDX-License-Identifier: GPL-2.0 */
/* rf-init: PID 1 of a subOS. */
#ifndef _RF_INIT_H
#define _RF_INIT_H

#include <stdbool.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#include "../librf/com.h"
#include "../librf/initcfg.h"

#define RF_DIR		"/.rf"
#define RF_MODULES	"/.rf/modules"
#define RF_CONFIG	"/.rf/config"
#define RF_HOSTS	"/proc/rf_hosts"

#define EXIT_RFM	125	/* rf-init itself failed */
#define EXIT_CANTEXEC	126
#define EXIT_NOTFOUND	127

#define STOP_GRACE_MS	5000	/* from SIGTERM to SIGKILL */
#define REAP_MS		1000	/* for what was killed to be gone */
#define SHELL_PAUSE_MS	1000	/* before a shell that ended at once is tried again */

/* main.c: one line to the kernel's log */
__attribute__((format(printf, 1, 2)))
void say(const char *fmt, ...);

/* setup.c */
void setup_mounts(void);
void setup_modules(const struct rf_cfg *cfg);
void setup_network(const struct rf_cfg *cfg);

/* run.c: children have a session of their own; they return only their pid */
extern const char *const default_env[];
bool have_console(void);
const char *find_shell(void);
void open_console(void);
void set_env(const struct rf_cfg *cfg);
pid_t start_command(const struct rf_cfg *cfg);
pid_t start_shell(const struct rf_cfg *cfg, const char *shell);
void exec_init(const struct rf_cfg *cfg);

/* agent.c: for rfm exec and rfm cp */
void start_agent(void);
__attribute__((format(printf, 3, 4)))
noreturn void agent_fail(int ch, int err, const char *fmt, ...);
char *agent_string(char **pos, char *end);

/* session.c: one command of rfm exec */
noreturn void session(int ch, char *at, char *end);

#endif /* _RF_INIT_H */
