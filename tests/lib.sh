# shellcheck shell=bash
# For test cases, on the host and (the file system is the same) in the VM.
#
#   vm [RF-VM OPTION...] <<'END'     run a bash snippet in a VM; this file is
#   ...                              sourced in it, errexit is on, $VM_ARGS
#   END                              are options for every VM of the case
#   ok TEXT / fail TEXT / skip TEXT  say and go on / end with 1 / end with 77
#   check TEXT COMMAND...            ok or not ok, and go on; `finish` tells
#   expect_exit CODE COMMAND...      it must end with CODE
#   expect_output REGEX COMMAND...   both streams together must match (ERE)
#   eventually SECONDS COMMAND...    it must succeed within that time
#   kmemleak_clean                   in a VM: kmemleak has nothing to say
#   finish                           end with 1 if any check failed

RF_ROOT=${RF_ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
RF_FLAVOUR=release
if [[ ${KDEBUG:-0} != 0 ]]; then
	RF_FLAVOUR=debug
	export RF_VM_SLOW=4
fi
RF_BUILD=${RF_BUILD:-$RF_ROOT/build/$RF_FLAVOUR}
RF_NOT_OK=0
VM_ARGS=()
# What a kernel reports whose programs take all memory: one that is killed for it gets
# none any more. For what may not wait, there is no such excuse.
# shellcheck disable=SC2034
RF_OOM='oom-kill|[Oo]ut of memory|page allocation failure: order:0, mode:0x[0-9a-f]+\(GFP_(HIGHUSER|USER|KERNEL)'

# jq 1.6 compiles its library at each start: 0.7 s under TCG, where gojq takes 0.1
jq() { gojq "$@"; }

ok() { echo "ok - $*"; }
fail() { echo "not ok - $*"; exit 1; }
skip() { echo "skip - $*"; exit 77; }
not_ok() { echo "not ok - $*"; RF_NOT_OK=$((RF_NOT_OK + 1)); }

finish() {
	((!RF_NOT_OK)) || fail "$RF_NOT_OK of the checks above"
	exit 0
}

rf_vm() {
	local more=()
	[[ $RF_FLAVOUR == release ]] || more=(--debug-kernel)
	# of a case that fails tests/run keeps the kernels' logs
	[[ ! -d ${RF_TEST_LOG:-} ]] || more+=(--log "$(mktemp -d "$RF_TEST_LOG/vm.XXXX")")
	"$RF_ROOT/scripts/rf-vm" "${more[@]}" "$@"
}

vm() {
	rf_vm "${VM_ARGS[@]}" "$@" -- bash -c ". '$RF_ROOT/tests/lib.sh'; set -euo pipefail; $(cat)"
}

# To fork costs 25 ms under TCG, a program 100: what bash can do is left to it.

# REPLY: "$@" on one line of bearable length
shorten() { REPLY=$*; REPLY=${REPLY//$'\n'/ }; REPLY=${REPLY:0:110}; }
brief() { shorten "$@"; echo "$REPLY"; }

# does a line of TEXT match the ERE?
matches() { # REGEX TEXT
	local line
	while IFS= read -r line; do
		[[ ! $line =~ $1 ]] || return 0
	done <<<"$2"
	return 1
}

expect_exit() {
	local want=$1 got=0 out REPLY
	shift
	out=$("$@" 2>&1) || got=$?
	shorten "$@"
	if ((got == want)); then
		ok "exit $want: $REPLY"
	else
		not_ok "exit $got instead of $want: $REPLY"
		printf '%s\n' "$out" | sed 's/^/    /'
	fi
}

expect_output() {
	local regex=$1 out REPLY
	shift
	out=$("$@" 2>&1) || true
	shorten "$@"
	if matches "$regex" "$out"; then
		ok "says '$regex': $REPLY"
	else
		not_ok "does not say '$regex': $REPLY"
		printf '%s\n' "$out" | sed 's/^/    /'
	fi
}

check() {
	local what=$1 out REPLY
	shift
	if out=$("$@" 2>&1); then
		ok "$what"
	else
		shorten "$@"
		not_ok "$what ($REPLY)"
		printf '%s\n' "$out" | sed 's/^/    /'
	fi
}

# In a VM: what kmemleak has found; two scans, for an object must look lost
# twice, and be 5 s old. Says nothing where kmemleak is not built in.
kmemleak_report() {
	local file=/sys/kernel/debug/kmemleak
	[[ -e $file ]] || return 0
	sleep 6
	echo scan >$file
	echo scan >$file
	cat $file
}

kmemleak_clean() { [[ -z $(kmemleak_report | tee /dev/stderr) ]]; }

# as sleep, without a program: nothing ever comes
exec {RF_NOTHING}<> <(:)
pause() { read -rt "$1" -u "$RF_NOTHING" || true; }

eventually() {
	local end=$((SECONDS + $1 * ${RF_VM_SLOW:-1}))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		pause 0.1
	done
}
