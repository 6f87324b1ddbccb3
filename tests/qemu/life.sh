# shellcheck shell=bash
# For cases that run subOSes. In the VM, after tests/lib.sh:
#
#   . "$RF_ROOT/tests/qemu/life.sh"
#
#   get NAME FILTER           what jq's FILTER makes of `rfm show NAME --json`
#   is NAME FILTER            is FILTER true of it?
#   machine                   all that a refused or undone change leaves as it was
#   same TEXT BEFORE          check that machine still prints BEFORE
#   warm_up [SIZE]            let blocks leave and return once: their page
#                             structures are allocated anew, MemTotal grows
#   says NAME REGEX           wait until its console has printed that
#   alive NAME                wait for two more heartbeats of each of its CPUs
#   boot NAME [OPTION]... -- COMMAND     create and start, with busybox
#   now_ms                    CLOCK_REALTIME

RF_SMALL=(--memory 128M --bin /bin/busybox)

get() { rfm show "$1" --json | jq -r "$2"; }
is() { rfm show "$1" --json | jq -e "$2" >/dev/null; }
now_ms() { date +%s%3N; }

machine() {
	rfm list --json | jq -c 'map(del(.heartbeats, .timings, .console_bytes))'
	rfm list --quarantine --json
	rfm topo --json | jq -c 'del(.subos, .nodes[].free_bytes, .nodes[].carvable_bytes_estimate)'
	nproc
	grep MemTotal /proc/meminfo
	cat /sys/devices/system/cpu/online
}

same() {
	local now
	now=$(machine)
	if [[ $now == "$2" ]]; then
		ok "$1"
	else
		not_ok "$1"
		diff <(echo "$2") <(echo "$now") | sed 's/^/    /' || true
	fi
}

warm_up() {
	local node
	for node in $(rfm topo --json | jq '.nodes[].id'); do
		rfm run --rm --ncpus 1 --memory "${1:-1G}@node$node" --bin /bin/busybox -- true
	done
}

says() { timeout 60 rfm logs -f "$1" | grep -qm1 -- "$2"; }

alive() {
	local first
	first=$(get "$1" '[.heartbeats[]]')
	eventually 10 is "$1" ".state == \"running\" and ([.heartbeats, $first] | transpose | all(.[0] >= .[1] + 2))"
}

boot() {
	rfm create "${@:1:1}" "${RF_SMALL[@]}" "${@:2}"
	rfm start "$1"
}
