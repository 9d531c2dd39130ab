#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the kernel's TCP notices of xtcp: nothing while no socket of xtcp's has a
# port; after that, one look at a bitmap for each segment, and before routing one
# more while there are connections.  COEX-2.
#
# shellcheck disable=SC2317		# cases are called by name

. "$(dirname "$0")/lib.sh"
need_xtcp
need ethtool
[ ${#RUN[@]} -gt 0 ] || skip_all "is about xtcp"
FLOW=$HERE/flow
[ -x "$FLOW" ] || skip_all "flow is not built (make -C selftests)"

TRACING=/sys/kernel/tracing
BYTES=1000000
server=(- - - - 10.0.0.1 - fd00::1)	# by version

kernel_flow() { # VERSION
	in1 timeout $((100 * SLOW)) "$FLOW" get "${server[$1]}" 7001 "$BYTES"
}

kernel_server() { # VERSION
	in0 "$FLOW" serve "${server[$1]}" 7001 2>/dev/null &
	wait_for 20 listening n0 7001
}

xtcp_server() { # VERSION; it is $!
	ip netns exec n0 "$FLOW" -x serve "${server[$1]}" 7002 2>/dev/null &
	wait_for 20 xtcp_listener n0 7002
}

# --- which of our functions run at all -------------------------------------------

# called COMMAND...: the functions of the module that ran meanwhile
called() {
	echo ':mod:xtcp' >"$TRACING/set_ftrace_filter"
	echo function >"$TRACING/current_tracer"
	echo >"$TRACING/trace"
	"$@" >/dev/null
	echo 0 >"$TRACING/tracing_on"
	sed -n 's/^[^#].*: \([a-z0-9_.]*\) .*<-.*/\1/p' "$TRACING/trace" | sort -u
	echo 1 >"$TRACING/tracing_on"
	echo nop >"$TRACING/current_tracer"
	echo >"$TRACING/set_ftrace_filter"
}

# a timer of xtcp's own may expire: what the kernel's TCP called is the question
idle_is_not_called() {
	grep -qw function "$TRACING/available_tracers" || skip_case "no function tracer"
	kernel_server "$1"
	called kernel_flow "$1" | tee "$TMP/called"
	[ ! -s "$TMP/called" ]
	# the tracer sees us
	called xtcp_server "$1" >"$TMP/called"
	grep -x xtcp_port_bind "$TMP/called"
}

listening_looks_once() {
	grep -qw function "$TRACING/available_tracers" || skip_case "no function tracer"
	xtcp_server "$1"
	kernel_server "$1"
	called kernel_flow "$1" | tee "$TMP/called"
	[ "$(grep -vx 'chosen\|xtcp_port_is_shadow\|xtcp_port_ours\|xtcp_ingress_pass\|rcv' "$TMP/called")" = "rcv$1" ]
	[ "$(counter XtcpInSegs)" = 0 ]
}

# --- the hook before routing, for connections ----------------------------------------

hook=(- - - - early4 - early6)		# by version
route=(- - - - ip_route_input_slow - ip6_route_input)

xtcp_flow() { # VERSION
	in1 timeout $((100 * SLOW)) "$FLOW" put "${server[$1]}" 7002 "$BYTES"
}

# An idle connection: the namespace has one
keep_connection() { # VERSION
	ip netns exec n1 "$PYTHON" -S - "${server[$1]}" <<-'END' &
		import socket, sys, time
		s = socket.create_connection((sys.argv[1], 7002))
		s.sendall(b"?")
		time.sleep(100000)
	END
}

few_bytes() { # VERSION
	in1 timeout $((100 * SLOW)) "$FLOW" get "${server[$1]}" 7001 1000
}

hooked() { # VERSION
	called few_bytes "$1" >"$TMP/called"
	grep -qx "${hook[$1]}" "$TMP/called"
}

look() { # VERSION yes|no; looking is dear
	sleep 5
	if hooked "$1"; then [ "$2" = yes ]; else [ "$2" = no ]; fi
}

# how often COMMAND made the kernel call FUNCTION
calls_of() { # FUNCTION COMMAND...
	local f=$1
	shift
	echo "$f" >"$TRACING/set_ftrace_filter"
	echo function >"$TRACING/current_tracer"
	echo >"$TRACING/trace"
	"$@" >/dev/null
	grep -c "$f" "$TRACING/trace" || true
	echo nop >"$TRACING/current_tracer"
	echo >"$TRACING/set_ftrace_filter"
}

# Segments of a connection have its route; with the last connection the hook goes.
routed_once() { # VERSION
	local n connection
	grep -qw function "$TRACING/available_tracers" || skip_case "no function tracer"
	in1 ethtool -K v1 tso off gso off >/dev/null
	kernel_server "$1"
	xtcp_server "$1"
	look "$1" no
	keep_connection "$1"
	connection=$!
	wait_for 60 look "$1" yes
	n=$(calls_of "${route[$1]}" xtcp_flow "$1")
	echo "$n routes looked up"
	[ "$n" -lt 50 ]		# until the first one is in, and the ACKs
	# as the admin has it
	in0 sysctl -qw net.ipv4.tcp_early_demux=0
	n=$(calls_of "${route[$1]}" xtcp_flow "$1")
	echo "$n without the hook"
	[ "$n" -gt $((BYTES / 1500)) ]
	in0 sysctl -qw net.ipv4.tcp_early_demux=1
	# it stays for an hour
	kill "$connection"
	sleep 3000
	look "$1" yes
	sleep 1000
	look "$1" no
}

# --- what it costs -----------------------------------------------------------------

# The fastest of some, and of WORSE, in nanoseconds; one instruction is one in
# virtual time.
fastest() { # VERSION [WORSE]
	local best=${2-} ns rest
	for _ in 1 2 3 4 5 6 7; do
		# shellcheck disable=SC2034	# the rest of the line
		read -r ns rest < <(kernel_flow "$1") || return 1
		[ -n "$best" ] && [ "$best" -le "$ns" ] || best=$ns
	done
	echo "$best"
}

# Buffers that grow make two runs of the same differ by a tenth, without by two in a
# thousand.
fixed_buffers() {
	local n
	for n in n0 n1; do
		ip netns exec "$n" sysctl -qw net.ipv4.tcp_moderate_rcvbuf=0 \
			net.ipv4.tcp_rmem="4096 1000000 1000000" net.ipv4.tcp_wmem="4096 1000000 1000000"
	done
}

# Where the scheduler puts things differs, too: the least of many does not.
no_cost() {
	local without='' idle='' used='' round
	find_module || skip_case "no xtcp.ko to load again"
	fixed_buffers
	kernel_server "$1"
	fastest "$1" >/dev/null
	for round in 1 2 3 4 5; do
		wait_for 30 try_rmmod
		without=$(fastest "$1" "$without")
		insmod "$module"
		idle=$(fastest "$1" "$idle")
		xtcp_server "$1"
		used=$(fastest "$1" "$used")
		kill "$!"
		echo "round $round, ns without: $without, idle: $idle, with a listener: $used"
		[ "$idle" -gt $((without * 101 / 100)) ] || [ "$used" -gt $((without * 102 / 100)) ] ||
			return 0
	done
	return 1
}

# What ran before in this machine may have left orphans, which try for minutes to say
# goodbye to peers that are gone.  Virtual time: this costs nothing.
until_idle() {
	local s
	for ((s = 0; s < 2000; s += 10)); do
		[ "$(cat /sys/module/xtcp/refcnt)" != 0 ] || return 0
		sleep 10
	done
	echo "# $(cat /sys/module/xtcp/refcnt) references are still there"
}

# a case that fails in the middle leaves no others without the module
module_back() { [ -d /sys/module/xtcp ] || { find_module && insmod "$module"; }; }

until_idle
netns_up
for v in 4 6; do
	run_case idle_is_not_called.v$v idle_is_not_called $v
	run_case listening_looks_once.v$v listening_looks_once $v
	run_case routed_once.v$v routed_once $v
	[ "${XTCP_TEST_DEBUG:-0}" != 0 ] || run_case no_cost.v$v no_cost $v
done
module_back
run_case kernel_log kmsg_check
finish
