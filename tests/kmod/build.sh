# shellcheck shell=bash
# kmod NAME KERNEL: build tests/kmod/NAME against KERNEL (supervisor or subos) in $tmp
kmod() {
	rm -rf "${tmp:?}/$1"
	cp -r "$RF_ROOT/tests/kmod/$1" "$tmp/$1"
	make -s -C "$RF_BUILD/$2/O" M="$tmp/$1" RF_ROOT="$RF_ROOT" KBUILD_MODPOST_WARN= \
		KBUILD_EXTRA_SYMBOLS="$RF_BUILD/mod-$2/Module.symvers" modules >"$tmp/make.log" 2>&1 ||
		{ cat "$tmp/make.log"; fail "$1 does not build"; }
}
