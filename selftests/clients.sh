#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Unmodified programs under xtcp_run in n0 are the clients: of servers on the
# kernel's TCP in n1, and of servers that are on xtcp, too. IPv4 and IPv6. What
# arrives is compared byte by byte.
#
# shellcheck disable=SC2317		# cases are called by name

. "$(dirname "$0")/lib.sh"
need curl cmp ss "$PYTHON"
need_xtcp

. "$HERE/apps/common.sh"

# a server in n1 on the kernel's TCP (WHERE kernel) or on xtcp
serve1() { # WHERE PROGRAM...
	local where=$1
	shift
	[ "$where" = xtcp ] && set -- "${RUN[@]}" "$@"
	in1 "$@"
}

wait1() { wait_for 60 listening n1 "$1"; }

opens() { counter XtcpActiveOpens; }

# run a client; it must have opened connections of xtcp's
run0() {
	local before
	[ ${#RUN[@]} = 0 ] && { in0 "$@"; return; }
	before=$(opens)
	in0 "${RUN[@]}" "$@"
	[ "$(opens)" -gt "$before" ] || { echo "not by xtcp: $*"; return 1; }
}

curl_gets() { # VERSION WHERE
	serve1 "$2" "$PYTHON" -m http.server 7102 --bind "${client[$1]}" \
		--directory "$TMP/www" &
	wait1 7102
	run0 curl -sSf --noproxy '*' --max-time $((250 * SLOW)) \
		-o "$TMP/got" "http://${peer_url[$1]}:7102/big"
	cmp "$TMP/got" "$TMP/www/big"
	# several connections at once
	run0 curl -sSf --noproxy '*' --max-time $((250 * SLOW)) -Z \
		-o "$TMP/got#1" "http://${peer_url[$1]}:7102/small?[1-8]"
	cat "$TMP"/got? | cmp - <(for _ in 1 2 3 4 5 6 7 8; do cat "$TMP/www/small"; done)
}

curl_refused() {
	local status=0
	in0 "${RUN[@]}" curl -s --noproxy '*' "http://${peer_url[$1]}:7199/" || status=$?
	[ "$status" = 7 ]		# "failed to connect"
}

echoes() { # VERSION WHERE
	serve1 "$2" "$PYTHON" "$APPS/asyncio_server.py" "${client[$1]}" 7103 100 &
	wait1 7103
	run0 "$PYTHON" -S "$APPS/echo_client.py" "${client[$1]}" 7103 20 100000
}

iperf() { # VERSION WHERE OPTION...
	local at=${client[$1]} where=$2
	shift 2
	serve1 "$where" iperf3 -s -1 -B "$at" -p 7107 >"$TMP/iperf.server" &
	wait1 7107
	run0 iperf3 -c "$at" -p 7107 -n 5M "$@" >"$TMP/iperf" ||
		{ cat "$TMP/iperf"; return 1; }
	grep -q 'iperf Done' "$TMP/iperf"
}

iperf_up() { iperf "$1" "$2" -P 2; }
iperf_down() { iperf "$1" "$2" -R; }

redis() { # VERSION WHERE
	local at=${client[$1]}
	serve1 "$2" redis-server --bind "$at" --port 7106 --save '' \
		--appendonly no --protected-mode no --dir "$TMP" >"$TMP/redis" &
	wait1 7106
	run0 redis-benchmark -h "$at" -p 7106 -n 300 -c 20 -t set,get -q |
		tee "$TMP/bench"
	[ "$(grep -c 'requests per second' "$TMP/bench")" = 2 ]
}

# Every path bad for a while: what is lost is the client's to send again
lossy() { # VERSION WHERE
	in0 tc qdisc add dev v0 root netem loss 2% delay 2ms reorder 95% 50%
	in1 tc qdisc add dev v1 root netem loss 2% delay 2ms
	curl_gets "$@"
}

kernel_log() { kmsg_check; }

peer_url=(- - - - 10.0.0.2 - '[fd00::2]')
netns_up
www 1
for where in kernel xtcp; do
	both() { # CASE PROGRAM...
		local case=$1 v
		shift
		for v in 4 6; do
			for tool; do
				command -v "$tool" >/dev/null && continue
				wanted "$where.$case.v$v" &&
					skip "$where.$case.v$v" "no $tool"
				continue 2
			done
			run_case "$where.$case.v$v" "$case" $v "$where"
			in0 tc qdisc del dev v0 root 2>/dev/null
			in1 tc qdisc del dev v1 root 2>/dev/null
		done
	}
	both curl_gets
	both lossy
	both curl_refused
	both echoes
	both iperf_up iperf3
	both iperf_down iperf3
	both redis redis-server redis-benchmark
done
run_case kernel_log kernel_log
finish
