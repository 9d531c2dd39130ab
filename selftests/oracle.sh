#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A judge that did not read the module stands between xtcp and its peer and looks
# at every segment: conntrack with strict window tracking and checksums.
#
#   n0 xtcp ---- v1 n1 v2 ---- n2 the kernel's TCP
#
# What loses, reorders, doubles and damages is behind n1, as xtcp sees it: what
# the judge sees come from v1 is what xtcp sent, in order.
#
# shellcheck disable=SC2317		# cases are called by name

. "$(dirname "$0")/lib.sh"
need tc nft ethtool
need_xtcp
FLOW=$HERE/flow
[ -x "$FLOW" ] || skip_all "flow is not built (make -C selftests)"

BYTES=$((${XTCP_TEST_DEBUG:-0} ? 200000 : 1000000))
server=(- - - - 10.0.0.1 - fd00::1)	# by version
client=(- - - - 10.0.1.2 - fd01::2)
xtcp=(-x)
[ ${#RUN[@]} -gt 0 ] || xtcp=()

# strict: no connection begins in its middle, each segment is in the window
judge() {
	in1 sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip -n n0 route add default via 10.0.0.2
	ip -n n2 route add default via 10.0.1.1
	ip -n n0 route add default via fd00::2
	ip -n n2 route add default via fd01::1
	# checksums as they are on a wire
	in0 ethtool -K v0 tx off >/dev/null
	in2 ethtool -K v3 tx off >/dev/null
	in1 nft -f - <<-'END'
		table inet judge {
			counter xtcp { }
			counter seen { }
			chain prerouting {
				type filter hook prerouting priority -150
				iifname "v1" ip protocol tcp counter name seen
				iifname "v1" ip6 nexthdr tcp counter name seen
				iifname "v1" ct state invalid counter name xtcp
			}
		}
	END
	in1 sysctl -qw net.netfilter.nf_conntrack_tcp_be_liberal=0 \
		net.netfilter.nf_conntrack_tcp_loose=0 \
		net.netfilter.nf_conntrack_checksum=1
}

nft_counter() { # NAME
	in1 nft list counter inet judge "$1" | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

# no segment of xtcp's was outside of what its connection allows
valid() { # AT-LEAST
	local seen n
	seen=$(nft_counter seen)
	n=$(nft_counter xtcp)
	in1 nft reset counters table inet judge >/dev/null
	echo "$seen segments from xtcp, $n invalid"
	[ "$seen" -gt "$1" ] && [ "$n" = 0 ]
}

no_path() {
	in1 tc qdisc del dev v2 root 2>/dev/null || true
	in2 tc qdisc del dev v3 root 2>/dev/null || true
}

# behind the judge, both ways
netem() {
	in1 tc qdisc replace dev v2 root netem limit 10000 "$@"
	in2 tc qdisc replace dev v3 root netem limit 10000 "$@"
}

offload() { in0 ethtool -K v0 tso "$1" gso "$1" gro "$1" >/dev/null; }

# flow VERSION PORT get|put: nanoseconds, retransmissions, DSACKs
flow() {
	in2 timeout $((100 * SLOW)) "$FLOW" "$3" "${server[$1]}" "$2$1" "$BYTES"
}

# xtcp connects
flow_out() {
	in0 timeout $((100 * SLOW)) "$FLOW" "${xtcp[@]}" "$3" "${client[$1]}" "$2$1" "$BYTES"
}

# transfer VERSION WAY PATH [flow_out]
transfer() {
	no_path
	case $3 in
	clean) ;;
	mss) offload off ;;
	# super-packets, in the judge's eyes too
	gso) in0 ethtool -K v0 tx on >/dev/null ;;
	bad) netem delay 4ms 1ms loss 2% duplicate 1% corrupt 0.5% reorder 5% 50% ;;
	esac
	"${4-flow}" "$1" 700 "$2"
	offload on
	in0 ethtool -K v0 tx off >/dev/null
	valid $((BYTES / 65536))
}

# The judge is awake: a segment that is moved beyond the window is INVALID. (One
# from before the window is a late copy to it, whoever sent it.)
awake() {
	no_path
	offload off		# many segments, not a few large ones
	in0 nft -f - <<-'END'
		table ip wrong {
			chain beyond {
				tcp sequence < 0x40000000 tcp sequence set 0x60000000 accept
				tcp sequence < 0x80000000 tcp sequence set 0xa0000000 accept
				tcp sequence < 0xc0000000 tcp sequence set 0xe0000000 accept
				tcp sequence set 0x20000000
			}
			chain postrouting {
				type filter hook postrouting priority 0
				meta length > 200 numgen inc mod 20 10 jump beyond
			}
		}
	END
	flow 4 700 get || true
	in0 nft delete table ip wrong
	[ "$(nft_counter xtcp)" -gt 0 ]
}

# The judge, and the servers, outlive the cases.
judged() { NETNS_UP='' run_case "$@"; }

netns_up
judge
for v in 4 6; do
	in0 "$FLOW" "${xtcp[@]}" serve "${server[$v]}" 700$v 2>/dev/null &
	in2 "$FLOW" serve "${client[$v]}" 700$v 2>/dev/null &
done
wait_for 10 listening n0 7004
wait_for 10 listening n0 7006
wait_for 10 listening n2 7004
wait_for 10 listening n2 7006

for v in 4 6; do
	for path in clean mss gso bad; do
		for way in get put; do
			judged $path.$way.v$v transfer $v $way $path
		done
	done
	for path in clean bad; do
		for way in get put; do
			judged connect.$path.$way.v$v transfer $v $way $path flow_out
		done
	done
done
judged awake awake
run_case kernel_log kmsg_check
finish
