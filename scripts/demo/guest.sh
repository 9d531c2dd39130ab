#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The demo, inside the test machine (or on any machine with xtcp loaded, as
# root): the seed's server on xtcp in namespace n0, curl on the kernel's TCP
# in n1, every step told by tracepoints; then both queues full.

DEMO=$(cd "$(dirname "$0")" && pwd -P)
. "$DEMO/../../selftests/lib.sh"
need curl "$PYTHON"
need_xtcp

T=/sys/kernel/tracing
[ -d $T/events/xtcp ] || skip_all "no tracepoints of xtcp"

walker=

fail() {
	trace_end
	echo "demo: FAILED: $*"
	exit 1
}

tell() { echo "demo: $*" >$T/trace_marker; }

trace_start() {
	local call
	echo 0 >$T/events/enable
	echo >$T/trace
	echo 1 >$T/events/xtcp/enable
	for call in socket bind listen accept accept4; do
		echo "common_pid == $1" |
			tee $T/events/syscalls/sys_{enter,exit}_$call/filter >/dev/null
		echo 1 | tee $T/events/syscalls/sys_{enter,exit}_$call/enable >/dev/null
	done
	"$PYTHON" "$DEMO/walk.py" <$T/trace_pipe &
	walker=$!
}

# let the walker read what is there, then end it
trace_end() {
	[ -n "$walker" ] || return
	tell end
	wait $walker
	walker=
	echo 0 >$T/events/enable
	echo 0 >$T/events/syscalls/enable
}

# The server waits in a pipe until its process number is known to the tracer.
server_start() {
	mkfifo "$TMP/go"
	bash -c 'read -r <"$0"; exec "$@"' "$TMP/go" \
		ip netns exec n0 xtcp_run "$PYTHON" "$DEMO/server.py" &
	server=$!
	trace_start $server
	tell "1. The server starts: socket(), bind(), listen(5), accept()"
	echo >"$TMP/go"
	wait_for 60 xtcp_listener n0 8080 || fail "nobody listens on xtcp"
}

get() { # FILE: what came, and what curl says of its own address
	in1 curl -sS --noproxy '*' --max-time 60 -o "$1" \
		-w 'Hello %{local_ip}:%{local_port}' http://10.0.0.1:8080/
}

# the address and port are told by both sides
right() { # FILE WANTED
	grep -qxE "$2, you are fd [0-9]+ of listener fd [0-9]+\." "$1"
}

fetch() {
	local want
	tell "2. A client on the kernel's TCP: curl http://10.0.0.1:8080/"
	want=$(get "$TMP/body") || fail "curl"
	right "$TMP/body" "$want" || fail "wrong body: $(cat "$TMP/body")"
	tell "say: curl has: $(cat "$TMP/body")"
}

queues_are() { [[ $(xtcp_listener n0 8080) == *" syn $1/7 accept $2/5 "* ]]; }

# A server that does not come back to accept(): 12 clients fill 5 and 7.
crowd() {
	local n pids=() want
	tell "crowd: 3. The server is stopped, so nobody accepts; 12 clients come"
	kill -STOP $server
	for n in {1..12}; do
		get "$TMP/body.$n" >"$TMP/want.$n" &
		pids+=($!)
	done
	wait_for 60 queues_are 7 5 ||
		fail "queues are not 7 and 5: $(xtcp_listener n0 8080)"
	tell "say: /proc/net/xtcp/listen: $(xtcp_listener n0 8080)"

	tell "crowd: 4. The server goes on: the accept queue moves up, nobody is lost"
	kill -CONT $server
	for n in {1..12}; do
		wait "${pids[n - 1]}" || fail "client $n"
		want=$(<"$TMP/want.$n")
		right "$TMP/body.$n" "$want" || fail "client $n: wrong body"
	done
	wait_for 10 queues_are 0 0 || fail "queues did not empty"
	tell "say: 12 of 12 have their page; $(xtcp_listener n0 8080)"
}

netns_up
server_start
fetch
crowd
tell "The end: the server is ended, its sockets are gone"
kill $server
wait $server 2>/dev/null
trace_end
echo
echo "demo: fetched the right page, queues were 5 and 7: PASSED"
