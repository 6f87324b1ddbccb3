// SPDX-License-Identifier: GPL-2.0
/* Attributes into structures, as tables say */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "field.h"
#include "internal.h"

/* Room for one more element in an array of @n; the caller keeps the old on failure */
void *rf_grow(void *array, size_t n, size_t size)
{
	/* room is made at powers of two only */
	if (n && (n & (n - 1)))
		return array;
	return realloc(array, (n ? 2 * n : 1) * size);
}

/* A number of any width */
static uint64_t number_of(struct nlattr *a)
{
	switch (nla_len(a)) {
	case 1:
		return nla_get_u8(a);
	case 2:
		return nla_get_u16(a);
	case 4:
		return nla_get_u32(a);
	case 8:
		return nla_get_u64(a);
	}
	return 0;
}

static void put_number(struct nlattr *a, void *to, size_t size)
{
	uint64_t v = number_of(a);

	switch (size) {
	case 1:
		*(uint8_t *)to = v;
		break;
	case 2:
		*(uint16_t *)to = v;
		break;
	case 4:
		*(uint32_t *)to = v;
		break;
	case 8:
		*(uint64_t *)to = v;
		break;
	}
}

static int put_string(struct nlattr *a, char **s)
{
	free(*s);
	*s = strndup(nla_data(a), nla_len(a));
	return *s ? 0 : -ENOMEM;
}

/* One more element of an array; NULL: no memory, and the array is as it was */
static void *one_more(const struct rf_field *f, void *to)
{
	size_t *n = (size_t *)((char *)to + f->n);
	void **array = (void **)((char *)to + f->at);
	const void *fresh = f->of ? f->of->fresh : NULL;
	void *v = rf_grow(*array, *n, f->size);

	if (!v)
		return NULL;
	*array = v;
	v = (char *)v + f->size * (*n)++;
	if (fresh)
		memcpy(v, fresh, f->size);
	else
		memset(v, 0, f->size);
	return v;
}

static int put_field(const struct rf_field *f, struct nlattr *a, void *to)
{
	void *at = (char *)to + f->at;

	if (f->kind >= RF_FIELD_NUMBERS) {
		at = one_more(f, to);
		if (!at)
			return -ENOMEM;
	}
	switch (f->kind) {
	case RF_FIELD_NUMBER:
	case RF_FIELD_NUMBERS:
		put_number(a, at, f->size);
		return 0;
	case RF_FIELD_TEXT:
		nla_strlcpy(at, a, f->size);
		return 0;
	case RF_FIELD_STRING:
	case RF_FIELD_STRINGS:
		return put_string(a, at);
	case RF_FIELD_GIVEN:
		*(bool *)at = true;
		return 0;
	case RF_FIELD_NESTS:
		return rf_fields_decode(f->of, nla_data(a), nla_len(a), at);
	}
	return -EINVAL;
}

/**
 * rf_fields_decode() - the attributes of a message into a structure
 * @t: its table
 * @attrs: the first attribute
 * @len: bytes of all
 * @to: the structure: zeroed, or as its table wants it
 *
 * Return: 0 or -ENOMEM; what is in @to is to be freed in both cases.
 */
int rf_fields_decode(const struct rf_table *t, struct nlattr *attrs, int len, void *to)
{
	struct nlattr *a;
	int rem, ret;

	nla_for_each_attr(a, attrs, len, rem) {
		for (size_t i = 0; i < t->n; i++) {
			if (t->field[i].attr != nla_type(a))
				continue;
			ret = put_field(&t->field[i], a, to);
			if (ret)
				return ret;
		}
	}
	return 0;
}
