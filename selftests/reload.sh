#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Loaded and unloaded while segments arrive: clients and servers of the kernel's
# TCP in n1 that never pause, and in n0 a server and clients on xtcp that die in
# mid-air, XTCP_RELOADS times (default 5; the row of conformance.tsv says 1000).
#
# shellcheck disable=SC2317		# cases are called by name

. "$(dirname "$0")/lib.sh"
need ss
need_xtcp
[ ${#RUN[@]} -gt 0 ] || skip_all "is about xtcp"
FLOW=$HERE/flow
[ -x "$FLOW" ] || skip_all "flow is not built (make -C selftests)"
RELOADS=${XTCP_RELOADS:-$((${XTCP_TEST_DEBUG:-0} ? 2 : 5))}
BYTES=$((${XTCP_TEST_DEBUG:-0} ? 100000 : 1000000))

find_module || skip_all "no xtcp.ko to load again"
[ ! -e /sys/module/xtcp/parameters/family ] ||
	family=family=$(cat /sys/module/xtcp/parameters/family)

server=(- - - - 10.0.0.1 - fd00::1)	# by version
peer=(- - - - 10.0.0.2 - fd00::2)

# What one load of the module serves: both ways, both versions.
serve_all() {
	# shellcheck disable=SC2016	# that shell's arguments
	nice ip netns exec n0 bash -c '
		"$0" -x serve "$1" 8084 & "$0" -x serve "$2" 8086 &
		"$0" -x get "$3" 8094 1000000000 & "$0" -x put "$4" 8096 1000000000 &
		wait' "$FLOW" "${server[4]}" "${server[6]}" "${peer[4]}" "${peer[6]}" >/dev/null 2>&1 &
}

# Who connects has, who listens has, and data came.
# shellcheck disable=SC2016	# dollars of awk
busy() {
	ip netns exec n0 awk '$1 ~ /^Xtcp(ActiveOpens|PassiveOpens)$/ && $2 >= 2 { n++ }
		$1 == "XtcpInSegs" && $2 >= 500 { n++ } END { exit n != 3 }' /proc/net/xtcp/snmp
}

n0_empty() { [ -z "$(ip netns pids n0)" ]; }

# All of n0 dies at once, with data in both directions.
kill_all() {
	local pids
	pids=$(ip netns pids n0)
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill -KILL $pids
	wait_for 10 n0_empty
}

cycle() {
	local from=$EPOCHREALTIME loaded refused=0
	# shellcheck disable=SC2086
	insmod "$module" ${family-}
	serve_all
	wait_for 60 busy
	loaded=$EPOCHREALTIME
	kill_all
	until try_rmmod >/dev/null; do
		refused=$((refused + 1))
		[ "$refused" -lt 300 ] || {
			cat /proc/net/xtcp/sockstat /proc/net/xtcp/tcp /proc/net/xtcp/tcp6
			in0 cat /proc/net/xtcp/sockstat /proc/net/xtcp/tcp /proc/net/xtcp/tcp6
			return 1
		}
		sleep 0.1
	done
	from=${from/./} loaded=${loaded/./}
	echo "cycle $1: loaded for $(((loaded - from) / 1000)) ms," \
		"gone after $(((${EPOCHREALTIME/./} - loaded) / 1000)) ms, refused $refused times"
}

reload() {
	local v n
	wait_for 60 try_rmmod
	for v in 4 6; do
		in1 "$FLOW" serve "${peer[$v]}" 809"$v" 2>/dev/null &
		wait_for 20 listening n1 809"$v"
		nice ip netns exec n1 "$FLOW" again get "${server[$v]}" 808"$v" "$BYTES" &
		nice ip netns exec n1 "$FLOW" again put "${server[$v]}" 808"$v" "$BYTES" &
	done
	for ((n = 1; n <= RELOADS; n++)); do
		cycle "$n"
	done
	! grep '^xtcp' /proc/slabinfo || return 1
	# shellcheck disable=SC2086
	insmod "$module" ${family-}
}

netns_up
run_case reload.under_traffic reload
run_case kernel_log kmsg_check
finish
