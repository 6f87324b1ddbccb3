# SPDX-License-Identifier: GPL-2.0
# Thin: each target is a script that also works alone.
#   KDEBUG=1	the debug kernels (KASAN, lockdep, kmemleak, UBSAN)
#   T=PATTERN	only these tests
#   DESTDIR=	where make install puts things

export KDEBUG

all:
	scripts/build all

kernels modules tools:
	scripts/build $@

demo:
	scripts/demo

check:
	scripts/check $(T)

check-full:
	scripts/check --full $(T)

lint:
	tests/run lint/

install:
	scripts/install $(DESTDIR)

bench: all
	bench/run

series-check:
	scripts/series check --build

clean:
	rm -rf build

help:
	@sed -n '/^[a-z].*:/s/:.*//p' Makefile

.PHONY: all kernels modules tools demo check check-full lint install bench series-check clean help
