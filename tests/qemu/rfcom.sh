# shellcheck shell=bash
# For cases of RFcom: tests/guest/com.c and com_*.c at both ends. On the host, before vm:
#
#   build_com TMP             build it, and stages; prints lines for the guest
#
# In the VM, after tests/qemu/life.sh:
#
#   checks TEXT COM-ARG...    run com here, for $COM_TIMEOUT (300) s at most: its checks are ours
#   stages TEXT ARG...        likewise tests/guest/stages.c
#   com_in NAME 'ARG...' [OPTION]...   boot a subOS that runs com with these words
#   served NAME SERVICE       wait until a service of the subOS is there
#   said NAME TEXT            has its console said that?

build_com() {
	gcc -O2 -static -Wall -Wextra -D_GNU_SOURCE -I"$RF_ROOT/include/uapi" -I"$RF_ROOT/tools/librf" \
		-o "$1/com" "$RF_ROOT"/tests/guest/com{,_serve,_bad}.c "$RF_ROOT/tools/librf/com.c" ||
		fail "com does not build"
	gcc -O2 -static -Wall -Wextra -D_GNU_SOURCE -I"$RF_ROOT/include/uapi" -I"$RF_ROOT/tools/librf" \
		-o "$1/stages" "$RF_ROOT/tests/guest/stages.c" "$RF_ROOT/tools/librf/com.c" ||
		fail "stages does not build"
	echo "com=$1/com stages=$1/stages"
}

# shellcheck disable=SC2154
checks() { checks_of "$1" "$com" "${@:2}"; }
# shellcheck disable=SC2154
stages() { checks_of "$1" "$stages" "${@:2}"; }

checks_of() {
	local what=$1 out rc=0
	shift
	out=$(timeout "${COM_TIMEOUT:-300}" "$@" 2>&1) || rc=$?
	printf '%s\n' "$out" | grep '^not ok' -A 1 || true
	if ((!rc)) && ! grep -q '^not ok' <<<"$out"; then
		ok "$what ($(grep -c '^ok' <<<"$out") checks)"
	else
		not_ok "$what: exit $rc: $(tail -n 3 <<<"$out" | tr '\n' ';')"
	fi
}

com_in() { boot "$1" "${@:3}" --include "$com" -- sh -c "$2 >/dev/kmsg 2>&1; while :; do sleep 1; done"; }
served() { rfm logs "$1" | grep -q "com: $2 is served"; }
said() { rfm logs "$1" | grep -q -- "$2"; }

# On the host: tests/kmod/nonsense for a subOS, in TMP
build_nonsense() {
	cp -r "$RF_ROOT/tests/kmod/nonsense" "$1/nonsense"
	make -s -C "$RF_BUILD/subos/O" M="$1/nonsense" RF_ROOT="$RF_ROOT" KBUILD_MODPOST_WARN= \
		KBUILD_EXTRA_SYMBOLS="$RF_BUILD/mod-subos/Module.symvers" modules >"$1/make.log" 2>&1 ||
		{ cat "$1/make.log" >&2; fail "rf_nonsense does not build"; }
	cp "$1/nonsense/rf_nonsense.ko" "$1/"
}
