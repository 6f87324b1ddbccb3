# shellcheck shell=bash
# For cases that resize subOSes while something is wrong. In the VM, after
# tests/qemu/life.sh:
#
#   told NAME [OPTION]...     boot a subOS with a watcher (RF_WATCHER) and a shell
#                             that runs what it is told
#   tell NAME COMMAND         tell it, and wait until it has begun
#   with_ko NAME KO [PARAM].. told, and with that module in it
#   slow NAME PARAM=N...      parameters of tests/kmod/slow there
#   bind NAME COMMAND...      run that there, in the background, on its last CPU only
#   said NAME REGEX N         has its console printed that, N times?
#   printed NAME REGEX [N]    wait for that
#   base                      remember who has which CPUs and how much memory
#   as_base TEXT              check that it is so again
#   rebase                    ask each subOS to go back to what it had

declare -A RF_TOLD
RF_TOLD_NR=0	# of all: a dead one's console can still be read by its name
RF_WITH=()	# options of with_ko, in front of the module

told() {
	local name=$1 in=/tmp/$1.in fd
	RF_TOLD_NR=$((RF_TOLD_NR + 1))
	rm -f "$in"
	mkfifo "$in"
	rfm run --name "$name" "${RF_SMALL[@]}" "${@:2}" -- sh -c "($RF_WATCHER) &
		echo told: $RF_TOLD_NR >/dev/kmsg; while read -r line; do eval \"\$line\"; done; wait" \
		<"$in" >"/tmp/$name.out" 2>&1 &
	exec {fd}>"$in"
	RF_TOLD[$name]=$fd
	eventually 300 said "$name" "told: $RF_TOLD_NR\$" || mute "$name"
}

# It does not do what it is told: there is no sense in going on
mute() {
	{ rfm show "$1"; rfm logs "$1" | tail -n 40; cat "/tmp/$1.out"; } 2>&1 | sed 's/^/    /' || true
	fail "$1 does not listen"
}

tell() {
	RF_TOLD_NR=$((RF_TOLD_NR + 1))
	echo "echo told: $RF_TOLD_NR >/dev/kmsg; ${*:2}" >&"${RF_TOLD[$1]}"
	eventually 120 said "$1" "told: $RF_TOLD_NR\$" || mute "$1"
}

said() { [[ $(rfm logs "$1" 2>/dev/null | grep -cE -- "$2") -ge ${3:-1} ]]; }
printed() { eventually 120 said "$@"; }

with_ko() {
	local name=$1 ko=$2
	told "$name" --include "$ko" "${RF_WITH[@]}"
	tell "$name" "insmod $ko ${*:3} && echo $(basename "$ko") is in >/dev/kmsg"
	printed "$name" "$(basename "$ko") is in"
}

slow() {
	local word name=$1
	for word in "${@:2}"; do
		tell "$name" "echo ${word#*=} >/sys/module/rf_slow/parameters/${word%%=*}"
	done
}

# As machine, but wherever the memory lies
standing() {
	rfm list --json | jq -c 'map({name, state, cpus: (.cpus | sort), memory, pending})'
	machine | tail -n +2
}

base() {
	RF_BASE=$(standing)
	RF_HAVE=$(rfm list --json | jq -r '.[] | "\(.name) \(.cpus | join(",")) \([.memory[].bytes] | add)"')
}

bind() {
	tell "$1" "last=\$(sed 's/.*[-,]//' /sys/devices/system/cpu/online); taskset \$(printf %x \$((1 << last))) ${*:2} &"
}

# CPUs that it had not go first, then those that it lacks come
rebase() {
	local name cpus bytes cpu has
	while read -r name cpus bytes; do
		has=$(get "$name" '.cpus | join(",")')
		for cpu in ${has//,/ }; do
			[[ ,$cpus, == *,$cpu,* ]] || rfm resize "$name" --remove-cpus "$cpu" >/dev/null || return 1
		done
		rfm resize "$name" --memory "$bytes" >/dev/null || return 1
	done <<<"$RF_HAVE"
	while read -r name cpus bytes; do
		has=$(get "$name" '.cpus | join(",")')
		for cpu in ${cpus//,/ }; do
			[[ ,$has, == *,$cpu,* ]] || rfm resize "$name" --add-cpus "$cpu" >/dev/null || return 1
		done
	done <<<"$RF_HAVE"
}

as_base() {
	local now
	now=$(standing)
	[[ $now == "$RF_BASE" ]] && ok "$1" && return
	not_ok "$1"
	diff <(echo "$RF_BASE") <(echo "$now") | sed 's/^/    /'
}
