#!/bin/bash
# The demo, as it runs in the supervisor: two subOSes side by side and back.
set -euo pipefail

tmp=$(mktemp -d)
title() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
mem() { awk '/MemTotal/ { printf "supervisor: %d MiB, CPUs ", $2 / 1024 }' /proc/meminfo; cat /sys/devices/system/cpu/online; }

# What a subOS prints, marked with its name
show() { sed "s/^/  $1 | /" "$tmp/$1.out"; sed "s/^/  $1 ! /" "$tmp/$1.err"; }

# subos NAME RFM-RUN-ARGUMENT...: in the background, reading the pipe $tmp/NAME.in
subos() {
	mkfifo "$tmp/$1.in"
	: >"$tmp/$1.out"
	rfm run --name "$1" --rm "${@:2}" <"$tmp/$1.in" >"$tmp/$1.out" 2>"$tmp/$1.err" &
}

# until_ready NAME PID: its program has said all but its last line
until_ready() {
	timeout 120 grep -qm1 sha256: <(tail -n +1 -f --pid="$2" "$tmp/$1.out") && return
	show "$1"
	echo "subOS $1 did not come up" >&2
	exit 1
}

title "The supervisor before"
mem
before=$(mem)
rfm topo

title "Two subOSes: a Python program on node 0, bash and sha256sum on node 1"
subos east --ncpus 1@node0 --memory 512M@node0 \
	--bin /usr/bin/python3 --include /usr/lib/python3.11 --include "$RF_ROOT/tests/guest/demo-look.py" \
	-- "$RF_ROOT/tests/guest/demo-look.py"
east=$!
exec 8>"$tmp/east.in"
subos west --ncpus 2@node1 --memory 512M@node1 \
	--bin /bin/bash --include /usr/bin/sha256sum --include "$RF_ROOT/tests/guest/demo-look.sh" \
	-- "$RF_ROOT/tests/guest/demo-look.sh"
west=$!
exec 9>"$tmp/west.in"
until_ready east $east
until_ready west $west

title "The supervisor meanwhile"
mem
rfm list
during=$(rfm topo)
echo "$during"

echo "the supervisor says farewell" >&8
echo "the supervisor says farewell" >&9
exec 8>&- 9>&-
wait $east || { show east; exit 1; }
wait $west || { show west; exit 1; }

title "What they printed"
show east
show west

title "One more: sqlite3, created, run and destroyed by one command"
rfm run --ncpus 1@node1 --memory 256M@node1 --rm --bin /usr/bin/sqlite3 -- \
	:memory: "select 'sqlite ' || sqlite_version() || ' in a subOS says 6 * 7 = ' || (6 * 7)" | sed 's/^/  /'

title "The supervisor afterwards"
mem
rfm list
rfm topo
[[ $(rfm list --json | tr -d ' \n') == '[]' ]] || { echo "something was left behind" >&2; exit 1; }
[[ $(mem) == *"${before##* }" ]] || { echo "not all CPUs came back" >&2; exit 1; }

title "Who owned what, while all three ran"
echo "$during"
