# shellcheck shell=bash
# For cases with traffic between kernels: tests/kmod/ficm at both ends. On the
# host, before vm:
#
#   build_ficm_test TMP       build the modules; prints lines for the guest
#
# In the VM, after tests/qemu/life.sh:
#
#   listen NAME [OPTION]...   boot a subOS whose end listens; "-": the supervisor's
#   tell COMMAND              see the head of tests/kmod/ficm/rf_ficm_test.c
#   field WHERE PEER FIELD    of state; - is here
#   settled WHERE PEER        is nothing being sent there any more?
#   got WHERE PEER N          has it got exactly N good messages, and no bad one?
#   counted NAME FILTER       is jq's FILTER true of the supervisor's channel to it?

build_ficm_test() {
	local t d
	for t in supervisor subos; do
		d=$1/$t
		cp -r "$RF_ROOT/tests/kmod/ficm" "$d"
		make -s -C "$RF_BUILD/$t/O" M="$d" RF_ROOT="$RF_ROOT" KBUILD_MODPOST_WARN= \
			KBUILD_EXTRA_SYMBOLS="$RF_BUILD/mod-$t/Module.symvers" modules >"$1/make.log" 2>&1 ||
			{ cat "$1/make.log" >&2; fail "rf_ficm_test does not build"; }
		mkdir -p "$1/ko-$t"
		cp "$d/rf_ficm_test.ko" "$1/ko-$t/"
		echo "${t}_ko=$1/ko-$t/rf_ficm_test.ko"
	done
}

FICM_DIR=/sys/kernel/debug/rf_ficm_test

tell() { echo "$*" >$FICM_DIR/run; }

# shellcheck disable=SC2154
listen() {
	if [[ $1 == - ]]; then
		mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug
		insmod "$supervisor_ko" "${@:2}"
		return
	fi
	boot "$1" "${@:2}" --include "$subos_ko" -- sh -c "insmod $subos_ko; while :; do sleep 1; done"
	says "$1" 'rf_ficm_test: listening'
}

# how often NAME has been asked and has answered
answers() { sed -n "s/^$1 # got=\([0-9]*\).*/\1/p" $FICM_DIR/state; }
answered() { [[ $(answers "$1") != "$2" ]]; }

field() {
	local before
	if [[ $1 != - ]]; then
		before=$(answers "$1")
		tell on "$1" state
		eventually 5 answered "$1" "$before" || return 1
	fi
	sed -n "s/^$1 $2 .*$3=\([0-9-]*\).*/\1/p" $FICM_DIR/state
}

settled() { [[ $(field "$1" "$2" busy) == 0 ]]; }
got() { [[ $(field "$1" "$2" got) == "$3" && $(field "$1" "$2" bad) == 0 ]]; }
counted() { rfm channel stat "$1" --json | jq -e ".[] | select(.peer == null) | $2" >/dev/null; }
