#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Unmodified programs under xtcp_run in n0 serve clients on the kernel's TCP
# in n1, over IPv4 and IPv6. What arrives is compared byte by byte.
#
# shellcheck disable=SC2317		# cases are called by name

. "$(dirname "$0")/lib.sh"
need curl cmp ss "$PYTHON"
need_xtcp

. "$HERE/apps/common.sh"
MANY=$((${XTCP_TEST_DEBUG:-0} ? 100 : 1000))

echo_client() { in1 "$PYTHON" -S "$APPS/echo_client.py" "$@"; }

python_echo() {
	serve "$PYTHON" -S "$APPS/echo_server.py" "${server[$1]}" 7001 &
	wait_server 7001
	echo_client "${server[$1]}" 7001 1 3000000
	echo_client "${server[$1]}" 7001 3 1000	# one after the other
	echo_client "${server[$1]}" 7001 1 0
}

python_http() {
	serve "$PYTHON" -m http.server 7002 --bind "${server[$1]}" \
		--directory "$TMP/www" &
	wait_server 7002
	fetch "$1" 7002 small "$TMP/www/small"
	fetch "$1" 7002 small "$TMP/www/small"
}

python_asyncio() {
	serve "$PYTHON" "$APPS/asyncio_server.py" "${server[$1]}" 7003 100 &
	wait_server 7003
	echo_client "${server[$1]}" 7003 20 100000
}

many() {
	local peak
	serve "$PYTHON" "$APPS/asyncio_server.py" "${server[$1]}" 7004 2048 &
	wait_server 7004
	echo_client "${server[$1]}" 7004 "$MANY" 100
	[ ${#RUN[@]} = 0 ] && return
	peak=$(xtcp_listener n0 7004)
	echo "$peak"
	[[ $peak == *" drops syn 0 accept 0 "* ]]
}

redis_cli() { in1 redis-cli -h "$@"; }

redis() {
	local at=${server[$1]} n
	serve redis-server --bind "$at" --port 7006 --save '' \
		--appendonly no --protected-mode no --dir "$TMP" >"$TMP/redis" &
	wait_server 7006
	in1 redis-benchmark -h "$at" -p 7006 -n 1000 -c 20 -t set,get -q |
		tee "$TMP/bench"
	[ "$(grep -c 'requests per second' "$TMP/bench")" = 2 ]
	in1 redis-benchmark -h "$at" -p 7006 -n 500 -c 5 -P 16 -t incr -q
	n=$(redis_cli "$at" -p 7006 get counter:__rand_int__)
	[ "$n" -ge 500 ]	# it fills its pipelines up
	head -c 2000000 /dev/zero | tr '\0' x >"$TMP/value"
	[ "$(redis_cli "$at" -p 7006 -x set big <"$TMP/value")" = OK ]
	redis_cli "$at" -p 7006 --raw get big | head -c 2000000 |
		cmp - "$TMP/value"
}

iperf() { # VERSION OPTION...
	local at=${server[$1]}
	shift
	serve iperf3 -s -1 -B "$at" -p 7007 >"$TMP/iperf.server" &
	wait_server 7007
	in1 iperf3 -c "$at" -p 7007 -n 20M -J "$@" >"$TMP/iperf" ||
		{ cat "$TMP/iperf"; return 1; }
	"$PYTHON" - "$TMP/iperf" <<-'END'
		import json, sys
		end = json.load(open(sys.argv[1]))["end"]
		sent, got = end["sum_sent"]["bytes"], end["sum_received"]["bytes"]
		print("%d bytes sent, %d received, %.0f Mbit/s" %
		      (sent, got, end["sum_received"]["bits_per_second"] / 1e6))
		# what is under way when the client stops is not counted
		assert sent >= 20 << 20 and sent >= got >= sent / 4
	END
}

iperf_up() { iperf "$1" -P 1; }
iperf_down() { iperf "$1" -R; }
iperf_parallel() { iperf "$1" -P 4; }

kernel_log() { kmsg_check; }

netns_up
www 0
app python_echo
app python_http
app python_asyncio
app many
app redis redis-server redis-benchmark redis-cli
app iperf_up iperf3
app iperf_down iperf3
app iperf_parallel iperf3
run_case kernel_log kernel_log
finish
