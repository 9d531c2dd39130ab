#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Bytes both ways at once, through paths that lose, reorder, double and damage:
# all of them arrive, and nothing hangs.  The other end is the kernel's TCP.
#
# shellcheck disable=SC2317		# cases are called by name

. "$(dirname "$0")/lib.sh"
need cmp tc "$PYTHON"
need_xtcp

APPS=$HERE/apps
MB=$((${XTCP_TEST_DEBUG:-0} ? 1 : 100))
SOME=$((${XTCP_TEST_DEBUG:-0} ? 1 : 10))
server=(- - - - 10.0.0.1 - fd00::1)	# by version

file() { # MB
	[ -f "$TMP/$1" ] || head -c "$1M" /dev/urandom >"$TMP/$1"
	echo "$TMP/$1"
}

# netem in both directions
path() {
	in0 tc qdisc replace dev v0 root netem limit 10000 "$@"
	in1 tc qdisc replace dev v1 root netem limit 10000 "$@"
}

# echo VERSION MB NETEM...
echo_file() {
	local at=${server[$1]} mb=$2
	shift 2
	serve "$PYTHON" -S "$APPS/echo_server.py" "$at" 7001 &
	wait_server 7001
	[ $# = 0 ] || path "$@"
	in1 "$PYTHON" -S "$APPS/echo_file.py" "$at" 7001 "$(file "$mb")"
}

# the path did what it was asked to
seen() { # COUNTER...
	local c
	for c; do
		[ "$(counter "$c")" -gt 0 ] || { echo "$c is 0"; return 1; }
	done
}

clean() { echo_file "$1" "$SOME"; }

everything() { # VERSION MB
	echo_file "$1" "$2" delay 500us 100us loss 2% duplicate 1% corrupt 1% \
		reorder 5% 50%
	seen XtcpRetransSegs XtcpOFOQueue XtcpInCsumErrors
}

reordering() { echo_file "$1" "$SOME" delay 2ms reorder 25% 50%; }
# Bursts end by packets, not by time: if they took all, the lone segment of a
# time-out would be lost four times of five, and a transfer take minutes by chance.
bursts() { echo_file "$1" "$SOME" loss gemodel 1% 20% 70%; }
slow() { echo_file "$1" 1 delay 20ms rate 20mbit limit 30; }

# segments of one MSS out, none merged on the way in
no_offloads() {
	in0 ethtool -K v0 tso off gso off gro off tx off rx off >/dev/null
	in1 ethtool -K v1 tso off gso off gro off tx off rx off >/dev/null
	echo_file "$1" "$SOME" loss 1%
}

small_mtu() {
	in1 ip link set v1 mtu 1280
	echo_file "$1" 1 loss 2%
}

VERSIONS="4 6"

transfer() { # CASE FUNCTION ARGUMENT...
	local v case=$1
	shift
	for v in $VERSIONS; do
		wanted "$case.v$v" || continue
		netns_up
		run_case "$case.v$v" "$1" "$v" "${@:2}"
		netns_down
	done
}

transfer clean clean
transfer everything everything "$SOME"
transfer reordering reordering
transfer bursts bursts
transfer slow slow
if command -v ethtool >/dev/null; then
	transfer no_offloads no_offloads
else
	skip no_offloads "no ethtool"
fi
transfer small_mtu small_mtu
VERSIONS=4 transfer everything_100mb everything "$MB"
run_case kernel_log kmsg_check
finish
