/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A fuzz target defines fuzz_one() and includes this. With -DLIBFUZZER it is
 * libFuzzer's; else a program: TARGET [-runs=N] [-seed=S] [FILE...]
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t *fuzz_at, *fuzz_end;	/* what is left of the input */

static inline size_t fuzz_left(void) { return fuzz_end - fuzz_at; }

static inline uint64_t take(size_t n)
{
	uint64_t v = 0;

	for (; n && fuzz_at < fuzz_end; n--)
		v = v << 8 | *fuzz_at++;
	return v;
}

static void fuzz_one(void);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_at = data;
	fuzz_end = data + size;
	fuzz_one();
	return 0;
}

#ifndef LIBFUZZER
#ifndef FUZZ_LEN
#define FUZZ_LEN 256
#endif

static uint64_t fuzz_next(void)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static int fuzz_file(const char *path)
{
	static uint8_t buf[1 << 20];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f) {
		perror(path);
		return 1;
	}
	n = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	LLVMFuzzerTestOneInput(buf, n);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long runs = 0, seed = 1;
	uint8_t buf[FUZZ_LEN];

	for (int i = 1; i < argc; i++) {
		if (sscanf(argv[i], "-runs=%lu", &runs) != 1 &&
		    sscanf(argv[i], "-seed=%lu", &seed) != 1 && fuzz_file(argv[i]))
			return 1;
	}
	for (unsigned long i = 0; i < seed % 1000003; i++)
		fuzz_next();
	for (unsigned long i = 0; i < runs; i++) {
		size_t len = 8 + fuzz_next() % (sizeof(buf) - 8);

		for (size_t j = 0; j < len; j++)
			buf[j] = fuzz_next() >> 11;
		LLVMFuzzerTestOneInput(buf, len);
	}
	printf("%lu runs\n", runs);
	return 0;
}
#endif
#endif /* FUZZ_H */
