# shellcheck shell=bash
# kmod NAME KERNEL: build tests/kmod/NAME against KERNEL (supervisor or subos) in $tmp
kmod() {
	rm -rf "${tmp:?}/$1"
	cp -r "$RF_ROOT/tests/kmod/$1" "$tmp/$1"
	make -s -C "$RF_BUILD/$2/O" M="$tmp/$1" KBUILD_MODPOST_WARN= modules >"$tmp/make.log" 2>&1 ||
		{ cat "$tmp/make.log"; fail "$1 does not build"; }
}
