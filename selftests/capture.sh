#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What xtcp puts on the wire, as Wireshark's dissectors read it: captured in n1,
# through a path behind that which loses, reorders, doubles and damages.  Not one
# packet of xtcp's is malformed, has a bad checksum or makes an expert's error.
#
# shellcheck disable=SC2317		# cases are called by name

. "$(dirname "$0")/lib.sh"
need tshark tcpdump tc ethtool
need_xtcp
FLOW=$HERE/flow
[ -x "$FLOW" ] || skip_all "flow is not built (make -C selftests)"

BYTES=$((${XTCP_TEST_DEBUG:-0} ? 100000 : 1000000))
server=(- - - - 10.0.0.1 - fd00::1)	# by version
client=(- - - - 10.0.1.2 - fd01::2)
xtcp=(-x)
[ ${#RUN[@]} -gt 0 ] || xtcp=()

routes() {
	in1 sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip -n n0 route add default via 10.0.0.2
	ip -n n2 route add default via 10.0.1.1
	ip -n n0 route add default via fd00::2
	ip -n n2 route add default via fd01::1
	# packets as they are on a wire
	in0 ethtool -K v0 tx off tso off gso off >/dev/null
	in2 ethtool -K v3 tx off tso off gso off >/dev/null
}

record() { # FILE
	ip netns exec n1 tcpdump -i v1 -nn -B 16384 --immediate-mode -Z root -U -w "$1" tcp or ip6 proto 6 \
		2>"$1.log" &
	recorder=$!
	wait_for 30 grep -q 'listening on' "$1.log"
}

recorded() {
	kill -INT "$recorder"
	wait "$recorder" || true
}

packets() { # FILE FILTER
	tshark -n -r "$1" -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -Y "$2" 2>>"$TMP/tshark.err"
}

wrong='_ws.malformed or tcp.checksum.status == "Bad" or ip.checksum.status == "Bad"
	or _ws.expert.severity == error or tcp.option.len.invalid'
# skb_checksum_help() writes 0xffff for 0, for every protocol: the sum is right
wrong="($wrong) and not tcp.checksum.ffff"

from() { # VERSION ADDRESS
	if [ "$1" = 4 ]; then echo "ip.src == $2"; else echo "ipv6.src == $2"; fi
}

flow() { # VERSION get|put in|out
	if [ "$3" = in ]; then
		in2 timeout $((100 * SLOW)) "$FLOW" "$2" "${server[$1]}" "700$1" "$BYTES"
	else
		in0 timeout $((100 * SLOW)) "$FLOW" "${xtcp[@]}" "$2" "${client[$1]}" "700$1" "$BYTES"
	fi
}

# A program that knows all the options: urgent data, a lone FIN, a RST
odd_ends() { # VERSION
	in2 "$PYTHON" -S - "${server[$1]}" "700$1" <<-'END'
		import socket, struct, sys
		at = (sys.argv[1], int(sys.argv[2]))
		for linger in (True, False):
		    s = socket.create_connection(at)
		    s.send(b"!", socket.MSG_OOB)
		    s.sendall(struct.pack("QII", 100000, 1, 0)[:-1])
		    if linger:
		        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		    s.close()
		try:
		    socket.create_connection((at[0], 9))
		except OSError:
		    pass
	END
}

# The path: what comes back is damaged, so that the judge is seen to be awake
well_formed() { # VERSION
	local way side n bad
	in1 tc qdisc replace dev v2 root netem limit 10000 delay 2ms 500us loss 2% duplicate 1% reorder 5% 50%
	in2 tc qdisc replace dev v3 root netem limit 10000 delay 2ms corrupt 1%
	record "$TMP/pcap"
	for side in in out; do
		for way in get put; do
			flow "$1" "$way" "$side"
		done
	done
	odd_ends "$1"
	recorded
	n=$(packets "$TMP/pcap" "$(from "$1" "${server[$1]}")" | wc -l)
	packets "$TMP/pcap" "$(from "$1" "${server[$1]}") and ($wrong)" >"$TMP/wrong"
	bad=$(packets "$TMP/pcap" "$(from "$1" "${client[$1]}") and ($wrong)" | wc -l)
	echo "$n packets from xtcp, $(wc -l <"$TMP/wrong") wrong; $bad wrong ones from the path"
	head "$TMP/wrong"
	[ "$n" -gt $((BYTES / 1000)) ] && [ ! -s "$TMP/wrong" ] && [ "$bad" -gt 0 ]
}

netns_up
routes
for v in 4 6; do
	in0 "$FLOW" "${xtcp[@]}" serve "${server[$v]}" 700$v 2>/dev/null &
	in2 "$FLOW" serve "${client[$v]}" 700$v 2>/dev/null &
done
for v in 4 6; do
	wait_for 10 listening n0 700$v
	wait_for 10 listening n2 700$v
	# the servers outlive the cases
	NETNS_UP='' run_case well_formed.v$v well_formed $v
done
run_case kernel_log kmsg_check
finish
