# shellcheck shell=bash
# For cases with a network between kernels. On the host, before vm:
#
#   build_nettest TMP         build tests/guest/nettest.c; prints a line for the guest
#
# In the VM, after tests/qemu/life.sh:
#
#   guest NAME [OPTION]... -- COMMAND    boot a subOS that has nettest as /n
#   server NAME [OPTION]...   one that serves on port 5000; waits until it does
#   serves                    so does the supervisor
#   ip_of NAME                its IPv4 address on rf0; ip6_of its IPv6 address
#   stat_of NAME COUNTER      of the supervisor's link to it, as rfm net show tells
#   sane NAME                 nothing of what it wrote was refused

build_nettest() {
	musl-gcc -O2 -static -o "$1/n" "$RF_ROOT/tests/guest/nettest.c" >&2 || fail "nettest does not build"
	cp /bin/busybox "$1/busybox"
	echo "loop_dir=$1"
}

# shellcheck disable=SC2154
guest() {
	local root=$loop_dir/root
	mkdir -p "$root/bin"
	cp -n "$loop_dir/n" "$root/n"
	cp -n "$loop_dir/busybox" "$root/bin/busybox"
	ln -sf busybox "$root/bin/sh"
	rfm create "$1" --memory 128M --rootfs "$root" "${@:2}"
	rfm start "$1"
}

server() {
	guest "$@" -- /bin/sh -c '/n serve 5000 >/dev/kmsg; sleep 1000'
	says "$1" serving
}

# shellcheck disable=SC2154
serves() {
	local out
	out=$(mktemp)
	"$loop_dir/n" serve 5000 >"$out" &
	eventually 10 grep -q serving "$out"
}

net_of() { rfm net show "$1" --json | jq -r ".[0] | $2"; }
ip_of() { net_of "$1" '[.addresses[] | select(contains(":") | not)][0] // "" | split("/")[0]'; }
ip6_of() { net_of "$1" '[.addresses[] | select(startswith("fd"))][0] // "" | split("/")[0]'; }
stat_of() { net_of "$1" ".link.$2 // 0"; }
has_ip() { [[ -n $(ip_of "$1") && -n $(ip6_of "$1") ]]; }
sane() { [[ $(net_of "$1" '.link | [.bad_sequence, .bad_bounds, .bad_header, .bad_tail, .bad_bell] | add') == 0 ]]; }

# On the host: the hostile module
build_loop_evil() {
	cp -r "$RF_ROOT/tests/kmod/loop" "$1/evil"
	make -s -C "$RF_BUILD/subos/O" M="$1/evil" RF_ROOT="$RF_ROOT" KBUILD_MODPOST_WARN= \
		KBUILD_EXTRA_SYMBOLS="$RF_BUILD/mod-subos/Module.symvers" modules >"$1/make.log" 2>&1 ||
		{ cat "$1/make.log" >&2; fail "rf_loop_evil does not build"; }
	echo "evil_ko=$1/evil/rf_loop_evil.ko"
}

# Errors to ourselves go by lo, which nobody has brought up in a VM
(($(</sys/class/net/lo/flags) & 1)) || ip link set lo up
