# shellcheck shell=bash
# For cases that run subOSes. In the VM, after tests/lib.sh:
#
#   . "$RF_ROOT/tests/qemu/life.sh"
#
#   get NAME FILTER           what jq's FILTER makes of `rfm show NAME --json`
#   is NAME FILTER            is FILTER true of it?
#   home NAME                 the physical address of its descriptor
#   machine                   all that a refused or undone change leaves as it was
#   same TEXT BEFORE          check that machine still prints BEFORE
#   warm_up [SIZE]            let blocks leave and return once: their page
#                             structures are allocated anew, MemTotal grows (it
#                             boots nothing: to scrub what held code takes a
#                             second under TCG)
#   says NAME REGEX           wait until its console has printed that
#   alive NAME                wait for two more heartbeats of each of its CPUs
#   in_time NAME HOW          is it marked as hanging HOW (hard, soft), and was that
#                             within 3 s of the last heartbeat that was seen? Of a
#                             machine's: a host that stands still gets three times that
#   boot NAME [OPTION]... -- COMMAND     create and start, with busybox
#   now_ms                    CLOCK_REALTIME
#   unload, load              the modules above ficm, in their order

RF_SMALL=(--memory 128M --bin /bin/busybox)

get() { rfm show "$1" --json | jq -r "$2"; }
is() { rfm show "$1" --json | jq -e "$2" >/dev/null; }
# the first of its largest pieces begins with it ($most is jq's)
# shellcheck disable=SC2016
home() { get "$1" '(.regions | map(.bytes) | max) as $most | first(.regions[] | select(.bytes == $most)).start'; }
now_ms() { date +%s%3N; }

# shellcheck disable=SC2317
unload() {
	local m
	for m in $(tac "$RF_BUILD/supervisor/modules.list"); do
		[[ $m == ficm ]] || ! grep -q "^$m " /proc/modules || rmmod "$m" || return
	done
}

load() {
	local m
	while read -r m; do
		grep -q "^$m " /proc/modules || insmod "$RF_BUILD/supervisor/ko/$m.ko" || return
	done <"$RF_BUILD/supervisor/modules.list"
}

machine() {
	local word
	{ rfm list --json; rfm topo --json; } |
		jq -sc '(.[0] | map(del(.heartbeats, .timings, .console_bytes))),
			(.[1] | del(.subos, .nodes[].free_bytes, .nodes[].carvable_bytes_estimate))'
	rfm list --quarantine --json
	read -r word </proc/meminfo
	echo "$word"
	echo "online: $(</sys/devices/system/cpu/online)"
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
		rfm create warm-up --ncpus 1 --memory "${1:-1G}@node$node" --bin /bin/busybox >/dev/null
		rfm destroy warm-up >/dev/null
	done
}

says() { timeout $((60 * ${RF_VM_SLOW:-1})) rfm logs -f "$1" | grep -qm1 -- "$2"; }

alive() {
	local first
	first=$(get "$1" '[.heartbeats[]]')
	eventually 30 is "$1" ".state == \"running\" and ([.heartbeats, $first] | transpose | all(.[0] >= .[1] + 2))"
}

in_time() {
	local text
	text=$(get "$1" .message)
	echo "$text"
	[[ $text =~ hangs\ $2:.*\ for\ ([0-9]+)\ ms$ ]] && ((BASH_REMATCH[1] <= 9000 * ${RF_VM_SLOW:-1}))
}

boot() {
	rfm create "${@:1:1}" "${RF_SMALL[@]}" "${@:2}"
	rfm start "$1"
}

# ---- resizing ----
#
#   remember                  what the machine has, for adds_up
#   adds_up TEXT              each CPU is online or owned, never both nor none;
#                             memory of the supervisor and of subOSes is all there is
#   inside NAME WORD          wait until the watcher in it (RF_WATCHER) has said
#                             WORD as its last word
#   RF_WATCHER                a command that says "cpus LIST mem MIB. N run." when it
#                             changes

machine_bytes() { rfm topo --json | jq '[.nodes[] | .total_bytes + .granted_bytes] | add'; }
remember() { RF_BYTES=$(machine_bytes); }

adds_up() {
	local cpus bytes
	cpus=$(rfm topo --json | jq -c '[.cpus[] | select(.online == (.owner != null)) | .id]')
	bytes=$(machine_bytes)
	check "$1: each CPU has one owner" test "$cpus" = '[]'
	check "$1: memory adds up" test "$bytes" = "$RF_BYTES"
}

# shellcheck disable=SC2016,SC2034
RF_WATCHER='last= seen= looks=0 round=0
while :; do
	round=$((round + 1))
	read -r cpus </sys/devices/system/cpu/online
	read -r word kib word </proc/meminfo
	mem=$(((kib + 65536) / 131072 * 128))
	# affinities follow a little later, or much later
	[ "$cpus $mem" = "$seen" ] || looks=10
	[ $((round % 10)) != 0 ] || looks=$((looks + 1))
	seen="$cpus $mem"
	if [ $looks -gt 0 ]; then
		looks=$((looks - 1))
		now="cpus $cpus mem $mem. $(nproc) run"
		[ "$now" = "$last" ] || echo "now: $now." >/dev/kmsg
		last=$now
	fi
	usleep 100000
done'
said_last() { rfm logs "$1" | grep -o 'now: .*' | tail -n 1 | grep -qE -- "$2"; }
inside() { eventually 20 said_last "$1" "$2"; }
