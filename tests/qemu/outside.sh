# shellcheck shell=bash disable=SC2154
# For cases that look at a VM from outside, while it runs and when its supervisor is
# dead. On the host, with $tmp a directory of the case's own:
#
#   outside [RF-VM OPTION]... <<'END'   start a VM with a monitor, and $tmp/share as
#                                       /mnt/share, that runs this; don't wait for it
#   heard REGEX            wait until it has printed that (standard output is $tmp/out)
#   tells WORD             tell it to go on: see told
#   qmp VERB...            see tests/guest/qmp.py
#   snap                   its memory as far as it matters, into $tmp/memory; stops it
#                          meanwhile
#   ledger ARG...          rf-ledger of that
#   ledger_is FILTER       is jq's FILTER true of it?
#   serial                 what has come on its serial console: every kernel's log
#   gone                   end it; sets $rc to what rf-vm said
#
# Leave by: trap 'outside_end; rm -rf "$tmp"' EXIT
#
# In the VM:
#
#   told WORD              wait for it

outside() {
	mkdir -p "$tmp/share"
	: >"$tmp/out"
	TMPDIR=$tmp rf_vm --share "$tmp/share" --qemu-arg -qmp --qemu-arg "unix:$tmp/qmp,server=on,wait=off" "$@" -- \
		bash -c ". '$RF_ROOT/tests/lib.sh'; set -euo pipefail
			told() { eventually 120 test -e /mnt/share/\"\$1\"; }
			$(cat)" >"$tmp/out" 2>"$tmp/err" &
	outside_pid=$!
}

outside_end() {
	[[ -z ${outside_pid-} ]] || kill "$outside_pid" 2>/dev/null || true
	wait
}

serial() { cat "$tmp"/rf-vm.*/serial; }
qmp() { python3 "$RF_ROOT/tests/guest/qmp.py" "$tmp/qmp" "$@"; }
tells() { touch "$tmp/share/$1"; }
ledger() { "$RF_BUILD/tools/rf-ledger" "$@" "$tmp/memory"; }
ledger_is() { ledger --json | jq -e "$1" >/dev/null; }
snap() { qmp snap "$tmp/memory" "$RF_BUILD/tools/rf-ledger"; }

heard() {
	local regex=$1 end=$((SECONDS + 180 * ${RF_VM_SLOW:-1}))
	until grep -qE -- "$regex" "$tmp/out"; do
		if ! kill -0 "$outside_pid" 2>/dev/null || ((SECONDS >= end)); then
			cat "$tmp/out" "$tmp/err"
			fail "the VM has not said '$regex'"
		fi
		pause 0.1
	done
}

# shellcheck disable=SC2034
gone() {
	rc=0
	qmp quit 2>/dev/null || true
	wait "$outside_pid" || rc=$?
	cat "$tmp/out"
	cat "$tmp/err" >&2
}
