# shellcheck shell=bash
# For cases with a network between kernels. On the host, before vm:
#
#   build_nettest TMP         build tests/guest/nettest.c; prints a line for the guest
#   build_link TMP            tests/guest/link.c likewise
#   programs TMP PROGRAM...   a root folder, $progs in the guest, that has these with their
#                             libraries, busybox, nettest as /n, link and what it needs
#
# In the VM, after tests/qemu/life.sh:
#
#   guest NAME [OPTION]... -- COMMAND    boot a subOS that has nettest as /n
#   server NAME [OPTION]...   one that serves on port 5000; waits until it does
#   serves                    so does the supervisor
#   run_progs NAME N SCRIPT [OPTION]...  boot one with $progs, a virtual link and the
#                             address 10.99.0.N on it, that runs a shell script
#   hub                       the supervisor's end of the virtual links; it forwards
#   joined NAME N             wait until it has its address there
#   link_packets              that all virtual links have moved
#   ip_of NAME                its IPv4 address on rf0; ip6_of its IPv6 address
#   stat_of NAME COUNTER      of the supervisor's link to it, as rfm net show tells
#   sane NAME                 nothing of what it wrote was refused

build_nettest() {
	musl-gcc -O2 -static -o "$1/n" "$RF_ROOT/tests/guest/nettest.c" >&2 || fail "nettest does not build"
	cp /bin/busybox "$1/busybox"
	echo "loop_dir=$1"
}

build_link() {
	gcc -O2 -static -D_GNU_SOURCE -I"$RF_ROOT/include/uapi" -I"$RF_ROOT/tools/librf" \
		-o "$1/link" "$RF_ROOT/tests/guest/link.c" "$RF_ROOT/tools/librf/com.c" >&2 ||
		fail "link does not build"
}

# modules of the subOS's kernel with those that they need, into ROOT/ko
kernel_modules() {
	local m f
	for m in "${@:2}"; do
		f=$(find "$RF_BUILD/subos/O/" -name "$m.ko")
		if [[ -z $f ]] || grep -qx "$m.ko" "$1/ko/order"; then
			continue
		fi
		# shellcheck disable=SC2046
		kernel_modules "$1" $(modinfo -F depends "$f" | tr , ' ')
		cp "$f" "$1/ko/"
		echo "$m.ko" >>"$1/ko/order"
	done
}

programs() {
	local root=$1/progs tmp=$1 p f
	shift
	build_link "$tmp"
	mkdir -p "$root"/{ko,bin,etc,tmp,run,root,var/empty,var/log/nginx,var/lib/nginx}
	chmod 1777 "$root/tmp"
	cp /bin/busybox "$root/bin/busybox"
	for p in sh ip insmod sleep usleep cat grep mkdir chown su hostname; do
		ln -sf busybox "$root/bin/$p"
	done
	cp "$tmp/n" "$tmp/link" "$root/"
	touch "$root/ko/order"
	kernel_modules "$root" tun
	printf '%s\n' root:x:0:0::/root:/bin/sh sshd:x:101:65534::/var/empty:/bin/false \
		postgres:x:102:102::/tmp:/bin/sh nobody:x:65534:65534::/:/bin/false >"$root/etc/passwd"
	printf '%s\n' root:x:0: postgres:x:102: nogroup:x:65534: >"$root/etc/group"
	for p; do
		[[ -x $p ]] || fail "$p is missing: scripts/install-deps"
		for f in "$p" $(ldd "$p" | grep -o '/[^ ]*'); do
			mkdir -p "$root${f%/*}"
			[[ -e $root$f ]] || cp -L "$f" "$root$f"
		done
	done
	echo "progs=$root link=$tmp/link"
}

# shellcheck disable=SC2154
hub() {
	modprobe tun
	"$link" hub >"$loop_dir/hub" &
	eventually 10 grep -q hub "$loop_dir/hub"
	echo 1 >/proc/sys/net/ipv4/ip_forward
}

# shellcheck disable=SC2154
run_progs() {
	rfm create "$1" --memory 384M --rootfs "$progs" "${@:4}" -- /bin/sh -c "
		exec >/dev/kmsg 2>&1
		ip link set lo up
		while read m; do insmod /ko/\$m; done </ko/order
		/link join vl0 &
		until ip addr add 10.99.0.$2/24 dev vl0; do usleep 50000; done 2>/dev/null
		ip link set vl0 up
		$3
		sleep 100000"
	rfm start "$1"
}

joined() {
	eventually 30 ip link set "vl-$1" up 2>/dev/null
	ip addr add 10.99.0.1/32 dev "vl-$1"
	ip route add "10.99.0.$2" dev "vl-$1"
	eventually 20 ping -c 1 -W 1 "10.99.0.$2" >/dev/null
}

link_packets() {
	local f n=0
	for f in /sys/class/net/vl-*/statistics/[rt]x_packets; do
		n=$((n + $(<"$f")))
	done
	echo "$n"
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
