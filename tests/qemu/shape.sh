# shellcheck shell=bash
# For cases that try shapes of machine; on the host, after tests/lib.sh.

# shape NR-OF-CPUS-TO-TAKE APIC-IDS-OF-THEM [rf-vm option...]
shape() {
	local take=$1 apicids=$2 name=${*:3}
	shift 2
	echo "# ${name:-default}"
	vm --timeout 240 "$@" < <(printf 'take=%q apicids=%q\n' "$take" "$apicids"; cat <<'END'
. "$RF_ROOT/tests/qemu/life.sh"
warm_up 512M
before=$(machine)
mapfile -t cpus < <(rfm topo --json | jq ".cpus[-$take:][].id")
list=$(IFS=,; echo "${cpus[*]}")
ids=$(rfm topo --json | jq -r "[.cpus[-$take:][].apic_id] | join(\" \")")
check "CPUs $list have APIC ids $ids" test "$ids" = "$apicids"
out=$(rfm run --rm --cpus "$list" --memory 256M --bin /bin/busybox -- sh -c '
	nproc; awk "/^apicid/ { print \$3 }" /proc/cpuinfo' | tr '\n' ' ')
check "inside: $out" test "$out" = "$take $apicids "
boot s --cpus "$list" -- sh -c 'while :; do sleep 1; done'
check "its heart beats on each CPU" alive s
check "the supervisor has the others" test "$(nproc)" = $(($(rfm topo --json | jq '.cpus | length') - take))
expect_exit 0 rfm destroy s
expect_exit 7 rfm run --rm --ncpus "$take" --memory 128M --bin /bin/busybox -- sh -c 'exit 7'
same "all is back" "$before"
finish
END
	) || not_ok "on ${name:-default}"
}
