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
[[ ${KDEBUG:-0} == 0 ]] || RF_FLAVOUR=debug
RF_BUILD=${RF_BUILD:-$RF_ROOT/build/$RF_FLAVOUR}
RF_NOT_OK=0
VM_ARGS=()

ok() { echo "ok - $*"; }
fail() { echo "not ok - $*"; exit 1; }
skip() { echo "skip - $*"; exit 77; }
not_ok() { echo "not ok - $*"; RF_NOT_OK=$((RF_NOT_OK + 1)); }

finish() {
	((!RF_NOT_OK)) || fail "$RF_NOT_OK of the checks above"
	exit 0
}

rf_vm() {
	local debug=()
	[[ $RF_FLAVOUR == release ]] || debug=(--debug-kernel)
	"$RF_ROOT/scripts/rf-vm" "${debug[@]}" "$@"
}

vm() {
	rf_vm "${VM_ARGS[@]}" "$@" -- bash -c ". '$RF_ROOT/tests/lib.sh'; set -euo pipefail; $(cat)"
}

# "$@" on one line of bearable length
brief() { local all=$*; all=${all//$'\n'/ }; echo "${all:0:110}"; }

expect_exit() {
	local want=$1 got=0 out
	shift
	out=$("$@" 2>&1) || got=$?
	if ((got == want)); then
		ok "exit $want: $(brief "$@")"
	else
		not_ok "exit $got instead of $want: $(brief "$@")"
		printf '%s\n' "$out" | sed 's/^/    /'
	fi
}

expect_output() {
	local regex=$1 out
	shift
	out=$("$@" 2>&1) || true
	if grep -qE -- "$regex" <<<"$out"; then
		ok "says '$regex': $(brief "$@")"
	else
		not_ok "does not say '$regex': $(brief "$@")"
		printf '%s\n' "$out" | sed 's/^/    /'
	fi
}

check() {
	local what=$1 out
	shift
	if out=$("$@" 2>&1); then
		ok "$what"
	else
		not_ok "$what ($(brief "$@"))"
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

eventually() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}
