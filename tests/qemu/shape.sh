# shellcheck shell=bash
# For cases that try shapes of machine; on the host, after tests/lib.sh.

# shape CPUS-SOCKETS-NODES NR-OF-CPUS-TO-TAKE APIC-IDS-OF-THEM [rf-vm option...]
shape() {
	local view=$1 take=$2 apicids=$3 name=${*:4}
	shift 3
	echo "# ${name:-default}"
	vm --timeout 240 "$@" < <(printf 'view=%q take=%q apicids=%q\n' "$view" "$take" "$apicids"; cat <<'END'
. "$RF_ROOT/tests/qemu/life.sh"
warm_up 512M
before=$(machine)
seen=$(rfm topo --json | jq -r '"\(.cpus | length) \([.cpus[].socket] | unique | length) \(.nodes | length)"')
check "CPUs, sockets and nodes: $seen" test "$seen" = "$view"
mapfile -t cpus < <(rfm topo --json | jq ".cpus[-$take:][].id")
list=$(IFS=,; echo "${cpus[*]}")
ids=$(rfm topo --json | jq -r "[.cpus[-$take:][].apic_id] | join(\" \")")
check "CPUs $list have APIC ids $ids" test "$ids" = "$apicids"
boot s --cpus "$list" -- sh -c 'echo "inside:" $(nproc) $(awk "/^apicid/ { print \$3 }" /proc/cpuinfo). >/dev/kmsg
	while :; do sleep 1; done'
check "inside: $take $apicids" says s "inside: $take $apicids\."
check "its heart beats on each CPU" alive s
expect_output '^4 sent, 4 answered' rfm ping s --interval 0.01
check "the supervisor has the others" test "$(nproc)" = $(($(rfm topo --json | jq '.cpus | length') - take))
expect_exit 0 rfm destroy s
same "all is back" "$before"
finish
END
	) || not_ok "on ${name:-default}"
}
