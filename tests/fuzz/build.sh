# shellcheck shell=bash
# fuzzer NAME OUT SOURCE... [-- FLAG...]: build a target of tests/fuzz, with libFuzzer
# if clang has it, else with gcc and the random driver of fuzz.h; under ASan and UBSan.
# Sources of the kernel find its headers empty: kernel.h is all of them.

FUZZ=$RF_ROOT/tests/fuzz

fuzz_stubs() {
	local h
	for h in asm/{rainforest_subos,setup,msr}.h linux/{anon_inodes,security,unaligned,capability,miscdevice,uaccess,user_namespace,atomic,build_bug,cpumask,ctype,delay,elf,err,etherdevice,ethtool,export,file,fs,hrtimer,in6,io,kernel_read_file,kref,ktime,list,mm,module,moduleparam,mutex,netdevice,netlink,pagemap,poll,rainforest_core,rwsem,sched,sizes,skbuff,slab,spinlock,string,delay,uio,virtio_net,vmalloc,wait,workqueue,xarray,sched/clock,sched/signal}.h; do
		mkdir -p "$1/$(dirname "$h")"
		: >"$1/$h"
	done
}

fuzzer() {
	local name=$1 out=$2 sources=() flags=(-std=gnu11 -O1 -g -Wall -Wextra -Wno-unused-parameter
		-Wno-sign-compare -Wno-unknown-warning-option -Wno-c2x-extensions -Wno-gnu-auto-type -Wno-pointer-arith -Wno-pointer-sign -Wno-format "-fsanitize=address,undefined"
		-fno-sanitize=alignment -fno-sanitize-recover=all)
	shift 2
	while (($#)) && [[ $1 != -- ]]; do
		sources+=("$1")
		shift
	done
	shift || true
	if clang -fsanitize=fuzzer -x c - -o /dev/null <<<'int LLVMFuzzerTestOneInput(void) { return 0; }' 2>/dev/null; then
		clang "${flags[@]}" -DLIBFUZZER -fsanitize=fuzzer -o "$out" "$FUZZ/$name.c" "${sources[@]}" "$@"
	else
		gcc "${flags[@]}" -o "$out" "$FUZZ/$name.c" "${sources[@]}" "$@"
	fi
}

# fuzz_target TARGET TMP: build TMP/TARGET
fuzz_target() {
	local tmp=$2 kernel=(-D__KERNEL__ -include "$FUZZ/kernel.h" "-I$2/stubs"
		"-I$RF_ROOT/include" "-I$RF_ROOT/include/uapi") words
	local com=("$RF_ROOT"/modules/rfcom/{com,wire,open,names,read,write,share}.c)
	fuzz_stubs "$tmp/stubs"
	case $1 in
	rfcom-supervisor)
		fuzzer rfcom "$tmp/$1" "${com[@]}" "$RF_ROOT"/modules/rfcom/{registry,broker}.c -- "${kernel[@]}"
		;;
	rfcom-subos) fuzzer rfcom "$tmp/$1" "${com[@]}" -- "${kernel[@]}" -DCONFIG_RAINFOREST_SUBOS ;;
	console) fuzzer console "$tmp/$1" -- "${kernel[@]}" "-I$RF_ROOT/modules/rfcontroller" ;;
	rfloop) fuzzer rfloop "$tmp/$1" -- "${kernel[@]}" ;;
	ledger)
		fuzzer ledger "$tmp/$1" -- -D_GNU_SOURCE "-I$RF_ROOT/include" "-I$RF_ROOT/include/uapi" \
			"-I$RF_ROOT/tools/rf-ledger" "-I$RF_ROOT/tools/librf" -ljson-c
		;;
	image) fuzzer image "$tmp/$1" -- "${kernel[@]}" "-I$RF_ROOT/modules/rfcontroller" ;;
	librf)
		read -ra words < <(pkg-config --cflags --libs libnl-genl-3.0 json-c libarchive)
		fuzzer librf "$tmp/$1" "$RF_ROOT"/tools/librf/*.c -- -D_GNU_SOURCE "-I$RF_ROOT/include/uapi" \
			"-I$RF_ROOT/include" "-I$RF_ROOT/tools/librf" "${words[@]}" -l:libinih.a
		;;
	esac
}

# Corpora are kept as one file each, a line an input, in base64
unpack_corpus() { # TARGET DIR
	local n=0 line
	mkdir -p "$2"
	while read -r line; do
		n=$((n + 1))
		base64 -d <<<"$line" >"$2/$n"
	done <"$FUZZ/corpus/$1"
}

pack_corpus() { # TARGET DIR
	local f
	for f in "$2"/*; do
		base64 -w0 "$f"
		echo
	done | sort -u >"$FUZZ/corpus/$1"
}

# fuzz_run TARGET TMP ARGUMENT...: as libFuzzer takes them; of the random driver -runs alone
fuzz_run() {
	local target=$1 tmp=$2 rc=0
	shift 2
	if grep -q LLVMFuzzerRunDriver "$tmp/$target"; then
		"$tmp/$target" -timeout=20 -max_len=600 -len_control=0 -verbosity=0 -print_final_stats=1 \
			-artifact_prefix="$RF_ROOT/build/fuzz/$target-" "$@" "$tmp/$target.corpus" \
			>"$tmp/$target.said" 2>&1 || rc=$?
	else
		"$tmp/$target" -runs=20000 "$tmp/$target.corpus"/* >"$tmp/$target.said" 2>&1 || rc=$?
	fi
	((!rc)) || cat "$tmp/$target.said"
	return "$rc"
}

# fuzz_netlink OUT: build netlink.c, static, for a VM
fuzz_netlink() {
	"$FUZZ/netlink.py" "$RF_ROOT"/Documentation/netlink/specs/*.yaml >"$1-spec.h" &&
		gcc -O2 -static -Wall -Wextra -D_GNU_SOURCE -I"$(dirname "$1")" \
			-o "$1" "$FUZZ/netlink.c"
}
