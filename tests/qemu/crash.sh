# shellcheck shell=bash
# For cases in which a subOS breaks beside another one, in a VM of 5 CPUs: 0 works for
# us, 1 is the sibling's, 2 and 3 are the victim's, 4 looks. On the host, before vm:
#
#   build_crash TMP           build tests/kmod/crash, and tests/guest/steady and gap;
#                             prints lines for the guest
#
# In the VM, after tests/qemu/life.sh and resize.sh:
#
#   sibling_begins            boot "sibling", which works and compares what it wrote,
#                             on CPU 1; remember what the machine has, also in RF_TAKEN
#   sibling_well WHAT         its longest pause since the last time is below two
#                             heartbeats; REPLY: the pause, ms; RF_LATE: how late who
#                             looks was at most, a host that stands still for example
#   in_limit TEXT MS LIMIT    has it taken so long at most, apart from RF_LATE?
#   sibling_ends BEFORE       its data were right all the time; nothing is in quarantine,
#                             no NMI has come, all is as it was BEFORE
#   victim NAME [OPTION]... -- SCRIPT    boot it on CPUs 2 and 3 with $ko in it, which
#                             runs a script for busybox; $v is its name from then on
#   dies STATE REASON         wait until it is told of; REPLY: after how many ms
#   reclaim WHAT              destroy it by force: all is back; REPLY: after how many ms
#   kill_by KIND STATE REASON SCRIPT [OPTION]...   all of it: a victim that dies of a
#                             script; prints figures for bench/crash

RF_BEAT_MS=500		# a period, rf/abi/boot.h
# 3 s is promised, and held on an idle machine (2.8 s); where emulated CPUs wait for
# each other it was 3.5 s once. A detection that is broken is seconds late.
RF_DETECT_MS=4500
RF_RECLAIM_MS=5000

build_crash() {
	local p
	tmp=$1 kmod crash subos >&2
	for p in steady gap; do
		gcc -O2 -static -Wall -Wextra -I"$RF_ROOT/include" -o "$1/$p" "$RF_ROOT/tests/guest/$p.c" >&2 ||
			fail "$p does not build"
	done
	echo "crash_dir=$1 ko=$1/crash/rf_crash.ko RF_VM_SLOW=${RF_VM_SLOW:-1}"
}

# Under TCG to zero memory that held code takes long, and who does it can't be
# interrupted: nothing of that where somebody looks
undisturbed() {
	taskset -pc 0 $$ >/dev/null
	echo 1 >/sys/devices/virtual/workqueue/cpumask
}

# CLOCK_REALTIME, without a program
clock_ms() { REPLY=${EPOCHREALTIME/[.,]/}; REPLY=${REPLY:0:-3}; }
nmis() { awk '/^ *NMI:/ { print $2 }' /proc/interrupts; }	# of CPU 0, which never left

# shellcheck disable=SC2154,SC2034
sibling_begins() {
	undisturbed
	exec {RF_EVENTS}< <(exec rfm monitor --json)
	RF_MONITOR=$!
	rfm create sibling --cpus 1 --memory 128M --bin "$crash_dir/steady" -- 16 >/dev/null
	rfm start sibling >/dev/null
	says sibling 'steady: begins' || fail "the sibling does not begin"
	alive sibling
	coproc RF_GAP { exec taskset -c 4 "$crash_dir/gap" "$(home sibling)"; }
	remember
	RF_TAKEN=$(machine)	# for same
	RF_NMIS=$(nmis)
}

sibling_well() {
	kill -USR1 "$RF_GAP_PID"
	read -rt 20 -u "${RF_GAP[0]}" REPLY RF_LATE
	check "$1: the sibling's heart pauses $REPLY ms at most (who looks was late by $RF_LATE ms)" \
		test "$REPLY" -lt $((2 * RF_BEAT_MS * ${RF_VM_SLOW:-1}))
}

in_limit() { check "$1: after $2 ms" test "$2" -ge 0 -a "$2" -le $(($3 * ${RF_VM_SLOW:-1} + RF_LATE)); }

sibling_ends() {
	local log
	alive sibling
	kill "$RF_GAP_PID" "$RF_MONITOR"
	check "no NMI has reached the supervisor" test "$(nmis)" = "$RF_NMIS"
	same "only the sibling is there" "$RF_TAKEN"
	log=$(rfm logs sibling | grep -o 'steady: .* rounds.*')
	check "the sibling: $(tail -n 1 <<<"$log")" test -n "$log" -a -z "$(grep -v ' 0 wrong' <<<"$log")"
	expect_exit 0 rfm destroy --now sibling
	check "nothing is in quarantine" test "$(rfm list --quarantine --json | tr -d ' ')" = '[]'
	same "all is back" "$1"
}

# shellcheck disable=SC2154
victim() {
	v=$1
	shift
	local options=()
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	rfm create "$v" --cpus 2-3 "${RF_SMALL[@]}" --include "$ko" "${options[@]}" -- sh -c "$2" >/dev/null
	rfm start "$v" >/dev/null
}

# The next notice that $v has died, or seems dead: TOLD, as "STATE REASON", and TOLD_MS
told() {
	local line end=$((SECONDS + 60 * ${RF_VM_SLOW:-1}))
	TOLD=nothing
	TOLD_MS=0
	while ((SECONDS < end)) && read -rt $((end - SECONDS + 1)) -u "$RF_EVENTS" line; do
		[[ $line =~ \"time_ns\":\ ([0-9]+)[0-9]{6},\ \"event\":\ \"state\",\ \"name\":\ \"$v\",.*\"state\":\ \"(stopped|panicked|unresponsive|failed)\",\ \"reason\":\ \"?([a-z-]*) ]] || continue
		TOLD_MS=${BASH_REMATCH[1]}
		TOLD="${BASH_REMATCH[2]} ${BASH_REMATCH[3]}"
		return
	done
}

dies() {
	local at
	told
	check "$v: noticed: $TOLD" test "$TOLD" = "$1 $2"
	at=$(rfm logs "$v" | sed -n 's/.*dying at \([0-9]*\) ms.*/\1/p')
	REPLY=$((TOLD_MS - ${at:-0}))
}

# Each CPU has one owner, memory adds up
whole() {
	rfm topo --json | jq -e "([.cpus[] | select(.online == (.owner != null))] == []) and
		([.nodes[] | .total_bytes + .granted_bytes] | add) == $RF_BYTES" >/dev/null
}

reclaim() {
	local start
	clock_ms
	start=$REPLY
	check "$1: destroyed" rfm destroy --now "$v"
	clock_ms
	REPLY=$((REPLY - start))
	check "$1: all CPUs and all memory have their owners" whole
}

kill_by() {
	local detect reclaim
	victim "$1" "${@:5}" -- "$4; while :; do sleep 1; done"
	dies "$2" "$3"
	detect=$REPLY
	reclaim "$1"
	reclaim=$REPLY
	sibling_well "$1"
	in_limit "$1: noticed" "$detect" "$RF_DETECT_MS"
	in_limit "$1: all is back" "$reclaim" "$RF_RECLAIM_MS"
	echo "# figure detect $1 $detect"
	echo "# figure reclaim $1 $reclaim"
	echo "# figure gap $1 $REPLY"
}
