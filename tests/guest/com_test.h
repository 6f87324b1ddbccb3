/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What com's parts share: com.c tells what com is, com_serve.c is the service, com_bad.c
 * what must be refused.
 */
#ifndef COM_TEST_H
#define COM_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "com.h"

extern int failed;		/* has any check? */
extern uint8_t buf[RF_COM_BUFFER_MAX + 1];

void check(bool so, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* got must be what is wanted; both may be -errno */
void is(const char *what, long got, long want);
int must_open(const char *name, unsigned int flags);
/* poll(2): what of it has happened within so many ms */
int events(int fd, short want, int ms);
/* n bytes that follow from the seed */
void fill(uint8_t *p, size_t n, uint32_t seed);
bool filled(const uint8_t *p, size_t n, uint32_t seed);

/* com serve: grants is a list of PEER[=RIGHTS] that ends with NULL. Returns if it can't listen. */
int serve(const char *name, char **grants);
/* com bad, open and rights. Return: the program's exit status */
int bad(void);
int try_open(const char *name);
int rights(const char *name);

#endif
