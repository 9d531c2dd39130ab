#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Loaded and unloaded while segments arrive: clients and servers of the kernel's
# TCP in n1 that never pause, and in n0 a server and clients on xtcp that die in
# mid-air, XTCP_RELOADS times (default 10; the row of conformance.tsv says 1000,
# which take 18 minutes on two free CPUs).
#
# shellcheck disable=SC2317		# cases are called by name

. "$(dirname "$0")/lib.sh"
need ss
need_xtcp
[ ${#RUN[@]} -gt 0 ] || skip_all "is about xtcp"
FLOW=$HERE/flow
[ -x "$HERE/reload" ] || skip_all "reload is not built (make -C selftests)"
RELOADS=${XTCP_RELOADS:-$((${XTCP_TEST_DEBUG:-0} ? 2 : 10))}
BYTES=$((${XTCP_TEST_DEBUG:-0} ? 100000 : 1000000))

find_module || skip_all "no xtcp.ko to load again"
[ ! -e /sys/module/xtcp/parameters/family ] ||
	family=family=$(cat /sys/module/xtcp/parameters/family)

server=(- - - - 10.0.0.1 - fd00::1)	# by version
peer=(- - - - 10.0.0.2 - fd00::2)

reload() {
	local v
	# what says where it came from is most of the file, and of the time
	! strip --strip-debug -o "$TMP/xtcp.ko" "$module" || module=$TMP/xtcp.ko
	wait_for 60 try_rmmod
	for v in 4 6; do
		in1 "$FLOW" serve "${peer[$v]}" 809"$v" 2>/dev/null &
		wait_for 20 listening n1 809"$v"
		nice ip netns exec n1 "$FLOW" again get "${server[$v]}" 808"$v" "$BYTES" &
		nice ip netns exec n1 "$FLOW" again put "${server[$v]}" 808"$v" "$BYTES" &
	done
	in0 "$HERE/reload" "$module" "${family-}" "$RELOADS" "$FLOW" \
		"${server[4]}" "${server[6]}" "${peer[4]}" "${peer[6]}"
	! grep '^xtcp' /proc/slabinfo || return 1
	# shellcheck disable=SC2086
	insmod "$module" ${family-}
}

netns_up
run_case reload.under_traffic reload
run_case kernel_log kmsg_check
finish
