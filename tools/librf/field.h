/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the attributes of a message go in a structure, as tables: one row an
 * attribute. An attribute without a row is from a newer kernel, and left out.
 */
#ifndef LIBRF_FIELD_H
#define LIBRF_FIELD_H

#include <stddef.h>
#include <stdint.h>

#include <netlink/attr.h>

enum rf_field_kind {
	RF_FIELD_NUMBER,	/* of any width there, of 1, 2, 4 or 8 bytes here */
	RF_FIELD_TEXT,		/* an array of char; what doesn't fit is cut */
	RF_FIELD_STRING,	/* char *, for free() */
	RF_FIELD_GIVEN,		/* bool: the attribute is there */
	RF_FIELD_NUMBERS,	/* the rest: an array, one more each time */
	RF_FIELD_STRINGS,
	RF_FIELD_NESTS,
};

struct rf_table;

struct rf_field {
	uint16_t attr;
	uint16_t kind;
	uint16_t at;			/* offset of the member */
	uint16_t size;			/* bytes of it, or of an element */
	uint16_t n;			/* offset of the number of elements, a size_t */
	const struct rf_table *of;	/* RF_FIELD_NESTS: of an element */
};

/* Attributes of one structure; an attribute may have two rows */
struct rf_table {
	const struct rf_field *field;
	size_t n;
	const void *fresh;	/* an element before its attributes; NULL: zeroes */
};

#define RF_MEMBER(type, member)	(((type *)0)->member)
#define RF_NUMBER(a, type, m)	{ a, RF_FIELD_NUMBER, offsetof(type, m), \
				  sizeof(RF_MEMBER(type, m)), 0, NULL }
#define RF_TEXT(a, type, m)	{ a, RF_FIELD_TEXT, offsetof(type, m), \
				  sizeof(RF_MEMBER(type, m)), 0, NULL }
#define RF_STRING(a, type, m)	{ a, RF_FIELD_STRING, offsetof(type, m), 0, 0, NULL }
#define RF_GIVEN(a, type, m)	{ a, RF_FIELD_GIVEN, offsetof(type, m), 0, 0, NULL }
#define RF_NUMBERS(a, type, m, nr) { a, RF_FIELD_NUMBERS, offsetof(type, m), \
				  sizeof(*RF_MEMBER(type, m)), offsetof(type, nr), NULL }
#define RF_STRINGS(a, type, m, nr) { a, RF_FIELD_STRINGS, offsetof(type, m), \
				  sizeof(*RF_MEMBER(type, m)), offsetof(type, nr), NULL }
#define RF_NESTS(a, type, m, nr, t) { a, RF_FIELD_NESTS, offsetof(type, m), \
				  sizeof(*RF_MEMBER(type, m)), offsetof(type, nr), t }
#define RF_TABLE(fields)	{ fields, ARRAY_SIZE(fields), NULL }

int rf_fields_decode(const struct rf_table *t, struct nlattr *attrs, int len, void *to);

#endif /* LIBRF_FIELD_H */
