# shellcheck shell=bash disable=SC2034
# Sourced by every script here: places, messages, locks.

RF_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
RF_CACHE=${RF_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rainforest}
RF_JOBS=${RF_JOBS:-$(nproc)}
RF_PATCHES=$RF_ROOT/patches
RF_TARBALL=/usr/src/linux-source-6.12.tar.xz

# Identical input gives identical kernels, so they can be compared and cached.
export KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 2026'
export KBUILD_BUILD_USER=rainforest KBUILD_BUILD_HOST=rainforest
export ARCH=x86_64 LC_ALL=C

say() { printf '%s\n' "rf: $*" >&2; }
die() { say "error: $*"; exit 1; }
elapsed() { echo "$((SECONDS - $1)) s"; }

# with_lock NAME COMMAND...: one at a time on this machine.
# Not in a condition: errexit must stay on within COMMAND.
with_lock() {
	local name=$1 fd
	shift
	mkdir -p "$RF_CACHE"
	exec {fd}>"$RF_CACHE/$name.lock"
	flock -n "$fd" || { say "waiting for another $name"; flock "$fd"; }
	"$@"
	exec {fd}>&-
}

# A field of patches/BASE
base_field() { awk -v f="$1" '$1 == f { print $2 }' "$RF_PATCHES/BASE"; }

series_patches() {
	[[ -e $RF_PATCHES/series ]] || return 0
	sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "$RF_PATCHES/series"
}

# The files that the series changes
series_touches() {
	local p
	series_patches | while read -r p; do
		sed -nE 's,^(---|\+\+\+) [ab]/([^\t]*).*,\2,p' "$RF_PATCHES/$p"
	done | sort -u
}

use_ccache() {
	RF_CC=(CC=gcc HOSTCC=gcc)
	command -v ccache >/dev/null || return 0
	export CCACHE_DIR=$RF_CACHE/ccache CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1 CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-5G}
	# A miss costs no preprocessing of its own: the headers are those that gcc lists.
	# Of the system's, which a kernel has none of, it lists none.
	RF_CC=("CC=ccache gcc" "HOSTCC=env -u CCACHE_DEPEND ccache gcc")
}

# quiet_make LOG ARG...: make, silent unless it fails
quiet_make() {
	local log=$1
	shift
	nice make -s -j"$RF_JOBS" "$@" >"$log" 2>&1 && return 0
	grep -nE 'error|Error|undefined|No rule' "$log" | head -30 >&2 || true
	tail -n 15 "$log" >&2
	die "make $* failed; see $log"
}

# While "$@" runs, say every 20 s that it still does
with_progress() {
	local what=$1 counter=$2 pid rc=0 start=$SECONDS
	shift 2
	"$@" &
	pid=$!
	(
		while sleep 20; do
			say "  ... $what: $(elapsed "$start")$($counter)"
		done
	) &
	local ticker=$!
	wait "$pid" || rc=$?
	kill "$ticker" 2>/dev/null || true
	wait "$ticker" 2>/dev/null || true
	return $rc
}

# tcg_cpu QEMU MODEL: the model, without what that QEMU emulates wrongly
#
# Before version 8 its cmpxchg16b leaves garbage in the arithmetic flags and those
# beside them, by which an interrupt right after it returns with the direction or
# the trap flag set: SLUB's fast path, and then any string instruction.
tcg_cpu() {
	local model=$2
	[[ ! $("$1" --version 2>/dev/null) =~ version\ ([0-9]+) ]] || ((BASH_REMATCH[1] >= 8)) ||
		model+=,-cx16
	echo "$model"
}
