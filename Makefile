# SPDX-License-Identifier: GPL-2.0
# Thin: each target is a script that also works alone.
#   KDEBUG=1	the debug kernels (KASAN, lockdep, kmemleak, UBSAN)
#   T=PATTERN	only these tests
#   RESUME=1	check-full without what has passed before, on the same files
#   DESTDIR=	where make install puts things
#   HOURS=N	of torture

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
	scripts/check --full $(if $(RESUME),--resume) $(T)

lint:
	tests/run lint/

install:
	scripts/install $(DESTDIR)

bench: all
	bench/run

# counts failures and goes on; the figures are added to bench/results/torture.json
HOURS ?= 1
torture: all
	tests/torture/run --hours $(HOURS) --keep-going --out build/torture; rc=$$?; \
	tests/torture/record build/torture/torture.json && exit $$rc

series-check:
	scripts/series check --build

# how many lines each patch adds and takes away
series-lines:
	@scripts/series lines

clean:
	rm -rf build

help:
	@sed -n '/^[a-z].*:/s/:.*//p' Makefile

.PHONY: all kernels modules tools demo check check-full lint install bench torture series-check series-lines clean help
