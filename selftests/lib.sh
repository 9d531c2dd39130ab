# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# lib.sh - sourced by the test scripts: options, TAP, namespaces, waiting.
#
#	. "$(dirname "$0")/lib.sh"
#	need curl tcpdump		# exit 4 (skip) if one is missing
#	netns_up			# n0 n1 n2, see below
#	run_case NAME FUNCTION ARGUMENT...
#	finish
#
# A case is a function run in a subshell under `set -eu`: the first command
# that fails fails the case, what it printed is shown as diagnostics, what it
# started in the background is ended with it.  Scripts take -v (print every
# command that touches the machine, and all output) and the names of cases to
# run (shell patterns).  Exit status: 0 passed, 1 failed, 4 skipped.
#
#   n0 (server)  v0 10.0.0.1 fd00::1   ----  v1 10.0.0.2 fd00::2   n1 (client)
#   n1           v2 10.0.1.1 fd01::1   ----  v3 10.0.1.2 fd01::2   n2 (stranger)
#
# RUN is what starts a server on xtcp, `xtcp_run`; `RUN= script.sh` runs the
# same script against the kernel's TCP, to test the test.
#
# shellcheck disable=SC2016	# awk and sh have dollars of their own

set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
TOP=$(dirname "$HERE")
PATH=$TOP/tools:$PATH:/usr/sbin:/sbin
PYTHON=${PYTHON:-/usr/bin/python3}
read -ra RUN <<<"${RUN-xtcp_run}"

VERBOSE=
WANTED=()
for arg in "$@"; do
	case $arg in
	-v) VERBOSE=yes ;;
	-h|--help) sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; exit 0 ;;
	-*) echo "usage: $0 [-v] [CASE...]" >&2; exit 2 ;;
	*) WANTED+=("$arg") ;;
	esac
done

# --- TAP -------------------------------------------------------------------

TAP_N=0 TAP_FAILED=0 TAP_SKIPPED=0

tap_line() { # STATUS NAME
	[ $TAP_N -gt 0 ] || echo "TAP version 13"
	TAP_N=$((TAP_N + 1))
	echo "$1 $TAP_N $2"
}

ok() { tap_line ok "$1"; }
not_ok() { TAP_FAILED=$((TAP_FAILED + 1)); tap_line "not ok" "$1"; }
skip() { TAP_SKIPPED=$((TAP_SKIPPED + 1)); tap_line ok "$1 # SKIP $2"; }

finish() {
	[ $TAP_N -gt 0 ] || echo "TAP version 13"
	echo "1..$TAP_N"
	echo "# $((TAP_N - TAP_FAILED - TAP_SKIPPED)) passed," \
		"$TAP_FAILED failed, $TAP_SKIPPED skipped"
	[ $TAP_FAILED = 0 ] || exit 1
	[ $TAP_N -gt $TAP_SKIPPED ] || exit 4
	exit 0
}

skip_all() { echo "1..0 # SKIP $*"; exit 4; }

need() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null || skip_all "$tool is missing"
	done
}

need_root() { [ "$(id -u)" = 0 ] || skip_all "needs root"; }

# The module, unless the script is run against the kernel's TCP.
need_xtcp() {
	need_root
	[ ${#RUN[@]} = 0 ] && return
	[ -d /proc/net/xtcp ] || skip_all "xtcp.ko is not loaded"
	[ -x "$TOP/tools/xtcp_run" ] || make -s -C "$TOP/tools" >&2 || exit 1
}

wanted() {
	local w
	[ ${#WANTED[@]} -gt 0 ] || return 0
	for w in "${WANTED[@]}"; do
		# shellcheck disable=SC2053
		[[ $1 == $w ]] && return 0
	done
	return 1
}

# status 77 from within a case: skip
skip_case() { echo "SKIP: $*"; exit 77; }

case_end() {
	local status=$? jobs
	set +e
	[ $status = 0 ] || [ $status = 77 ] || case_context
	jobs=$(jobs -p)
	# shellcheck disable=SC2086
	[ -z "$jobs" ] || { kill $jobs; wait $jobs; } 2>/dev/null
	case_sweep	# here, or a server would hold the pipe of -v open
	exit $status
}

run_case() { # NAME FUNCTION ARGUMENT...
	local name=$1 log=$TMP/case.log status from
	shift
	wanted "$name" || return 0
	from=$EPOCHREALTIME
	: >"$log"
	if [ -n "$VERBOSE" ]; then
		echo "# $name"
		( set -eu; trap case_end EXIT; "$@" ) 2>&1 | tee "$log" | sed 's/^/#   /'
		status=${PIPESTATUS[0]}
	else
		( set -eu; trap case_end EXIT; "$@" ) >"$log" 2>&1
		status=$?
	fi
	from=$(((${EPOCHREALTIME/./} - ${from/./}) / 100000))
	case $status in
	0) ok "$name # time=$((from / 10)).$((from % 10))s" ;;
	77) skip "$name" "$(sed -n 's/^SKIP: //p' "$log" | tail -n 1)" ;;
	*)
		not_ok "$name # status $status"
		[ -n "$VERBOSE" ] || tail -n 30 "$log" | sed 's/^/#   /'
		;;
	esac
}

# what a reader of a failure wants to know beside the output
case_context() {
	[ -e /run/netns/n0 ] || return 0
	ip netns exec n0 sh -c '
		cat /proc/net/xtcp/listen 2>/dev/null
		awk "\$2" /proc/net/xtcp/snmp 2>/dev/null | tr "\n" " "'
	echo
}

# --- waiting ---------------------------------------------------------------

# The debug kernel is many times slower: all limits are stretched there.
SLOW=$((${XTCP_TEST_DEBUG:-0} ? 10 : 1))

# wait_for SECONDS COMMAND...: until it succeeds; the pause is only politeness
wait_for() {
	local end=$(($(date +%s) + $1 * SLOW))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ "$(date +%s)" -ge $end ]; then
			echo "timeout waiting for: $*"
			return 1
		fi
		sleep 0.1
	done
}

# --- namespaces ------------------------------------------------------------

pp() {
	[ -z "$VERBOSE" ] || printf '# +%s\n' "$(printf ' %q' "$@")" >&2
	"$@"
}

in0() { pp ip netns exec n0 "$@"; }
in1() { pp ip netns exec n1 "$@"; }
in2() { pp ip netns exec n2 "$@"; }

# server of a case: in n0, on xtcp
serve() { in0 "${RUN[@]}" "$@"; }

link() { # NS DEV ADDR4 ADDR6  NS DEV ADDR4 ADDR6
	pp ip link add "$2" netns "$1" type veth peer name "$6" netns "$5"
	while [ $# -ge 4 ]; do
		pp ip -n "$1" addr add "$3/24" dev "$2"
		pp ip -n "$1" addr add "$4/64" dev "$2" nodad
		pp ip -n "$1" link set "$2" up
		shift 4
	done
}

netns_up() {
	local n
	need_root
	for n in n0 n1 n2; do
		[ ! -e /run/netns/$n ] || skip_all "namespace $n exists already"
	done
	NETNS_UP=yes
	for n in n0 n1 n2; do
		pp ip netns add $n
		pp ip -n $n link set lo up
	done
	link n0 v0 10.0.0.1 fd00::1 n1 v1 10.0.0.2 fd00::2
	link n1 v2 10.0.1.1 fd01::1 n2 v3 10.0.1.2 fd01::2
	for n in 10.0.0.1 fd00::1; do
		wait_for 10 ip netns exec n1 ping -c 1 -W 1 $n ||
			skip_all "the veth pair does not carry packets"
	done
}

# Everything still running in the namespaces was started by a case.
netns_kill() {
	local n pids
	for n in n0 n1 n2; do
		pids=$(ip netns pids $n 2>/dev/null) || continue
		# shellcheck disable=SC2086
		[ -z "$pids" ] || kill "$@" $pids 2>/dev/null
	done
}

netns_empty() {
	local n
	for n in n0 n1 n2; do
		[ -z "$(ip netns pids $n 2>/dev/null)" ] || return 1
	done
}

case_sweep() {
	[ -n "${NETNS_UP-}" ] || return 0
	netns_empty && return
	netns_kill -TERM
	wait_for 5 netns_empty >/dev/null && return
	netns_kill -KILL
	wait_for 5 netns_empty
}

netns_down() {
	local n
	case_sweep
	for n in n0 n1 n2; do
		[ ! -e /run/netns/$n ] || pp ip netns del $n
	done
	NETNS_UP=
}

# is somebody listening in NS on PORT, as the whole machine sees it?
listening() { # NS PORT
	[ -n "$(ip netns exec "$1" ss -Hltn "sport = :$2")" ]
}

# the line of an xtcp listener, or nothing
xtcp_listener() { # NS PORT
	ip netns exec "$1" grep -s ":$2 backlog" /proc/net/xtcp/listen
}

# wait_server PORT: it listens in n0, and on xtcp if that is what is tested
wait_server() {
	wait_for 60 listening n0 "$1"
	[ ${#RUN[@]} = 0 ] || wait_for 5 xtcp_listener n0 "$1"
}

# one counter of n0; a name that is not there is an error
counter() { # NAME
	ip netns exec n0 awk -v n="$1" '$1 == n { print $2; found = 1 }
		END { exit !found }' /proc/net/xtcp/snmp
}

# --- loading and unloading -----------------------------------------------------

# the file that was loaded; the test machine has it in its run folder
find_module() {
	local run
	run=$(sed -n 's/.*xtcp\.run=\([^ ]*\).*/\1/p' /proc/cmdline)
	for module in "${run:+$run/xtcp.ko}" "$TOP/xtcp.ko"; do
		[ -n "$module" ] && [ -e "$module" ] && return
	done
	module=$(modinfo -n xtcp 2>/dev/null)
}

try_rmmod() { rmmod xtcp 2>&1; }

# --- the kernel log ---------------------------------------------------------

KMSG_BAD='BUG: |WARNING: |KASAN|UBSAN: |refcount_t|Oops|general protection'
KMSG_BAD+='|blocked for more than|still has objects|ODEBUG: |lockup'
KMSG_BAD+='|unregister_netdevice: waiting|scheduling while atomic|RTNL: '
# data races of the kernel with itself: neither function is one of a [module]
KMSG_NOT_OURS='BUG: KCSAN: [^[]*$'

kmsg_mark() {
	KMSG_MARK="xtcp-selftest $$ $EPOCHREALTIME"
	echo "$KMSG_MARK" >/dev/kmsg 2>/dev/null || KMSG_MARK=
}

# nothing bad since the mark?
kmsg_check() {
	[ -n "${KMSG_MARK-}" ] || skip_case "the kernel log cannot be read"
	! dmesg | sed "1,/$KMSG_MARK/d" | grep -E "$KMSG_BAD" | grep -vE "$KMSG_NOT_OURS"
}

# --- start and end ----------------------------------------------------------

TMP=$(mktemp -d "${TMPDIR:-/tmp}/xtcp-test.XXXXXX")
NETNS_UP=

cleanup() {
	local status=$?
	trap - EXIT INT TERM
	[ -z "$NETNS_UP" ] || netns_down
	rm -rf "$TMP"
	exit $status
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
[ "$(id -u)" != 0 ] || kmsg_mark
