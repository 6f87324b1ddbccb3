/* SPDX-License-Identifier: GPL-2.0 */
/* A checksum: CRC-32C */
#ifndef TORTURE_CRC_H
#define TORTURE_CRC_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t crc_of(uint32_t crc, const void *data, size_t len)
{
	static uint32_t table[256];
	const uint8_t *p = data;

	if (!table[1])
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t c = i;

			for (int k = 0; k < 8; k++)
				c = c & 1 ? c >> 1 ^ 0x82f63b78 : c >> 1;
			table[i] = c;
		}
	crc = ~crc;
	while (len--)
		crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
	return ~crc;
}

#endif /* TORTURE_CRC_H */
