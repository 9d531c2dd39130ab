#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# xtcp and others, over every kind of path: as server and as client, bytes both
# ways, IPv4 and IPv6.  Others: the kernel's TCP, and lwIP.  A path shows what it
# is for by the shape in which packets reach n0 (checksum, fragments, merged).
#
# shellcheck disable=SC2317,SC2086	# cases are called by name; numbers

. "$(dirname "$0")/lib.sh"
need ethtool tcpdump
need_xtcp
FLOW=$HERE/flow
[ -x "$FLOW" ] || skip_all "flow is not built (make -C selftests)"

BYTES=$((${XTCP_TEST_DEBUG:-0} ? 100000 : 300000))
TRACE=/sys/kernel/tracing/instances/interop
xtcp=(-x)
[ ${#RUN[@]} -gt 0 ] || xtcp=()

# ip_summed
NONE=0 UNNECESSARY=1 COMPLETE=2 PARTIAL=3

# --- what the packets look like ----------------------------------------------

# Everything that carries data and comes in by DEVICE of n0: before it is merged
# (*_entry), and after that (netif_receive_skb).
watch() { # DEVICE
	local e
	mkdir "$TRACE" 2>/dev/null || true
	for e in napi_gro_receive_entry napi_gro_frags_entry netif_receive_skb_entry \
		netif_rx_entry netif_receive_skb; do
		echo "len > 500 && name == \"$1\"" >"$TRACE/events/net/$e/filter"
		echo 1 >"$TRACE/events/net/$e/enable"
	done
	echo >"$TRACE/trace"
}

# both are there: shape SUMMED [AT-LEAST-LEN]
shape() {
	awk -v summed="ip_summed=$1" -v big="${2:-0}" '
		/_entry: / && $0 ~ summed " " { s++ }
		{ for (i = 1; i <= NF; i++)
			if ($i ~ /^len=/ && substr($i, 5) + 0 >= big) b++ }
		END { print s + 0, summed, b + 0, "of", big, "bytes"; exit !(s && b) }
		' "$TRACE/trace"
}

# packets whose data is not all in one piece
in_pieces() {
	awk '/_entry: / { for (i = 1; i <= NF; i++)
			if ($i ~ /^data_len=/ && substr($i, 10) + 0 > 0) n++ }
		END { print n + 0, "in pieces"; exit !n }' "$TRACE/trace"
}

# --- the bytes -----------------------------------------------------------------

good() { # no checksum was wrong, nothing was dropped for its form
	[ "$(counter XtcpInCsumErrors)" = "$bad_sums" ]
	[ "$(counter XtcpInErrs)" = "$bad" ]
}

flow() { # NS ARGUMENT...
	local ns=$1
	shift
	ip netns exec "$ns" timeout $((100 * SLOW)) "$@"
}

# exchange NS ADDRESS-IN-NS ADDRESS-IN-n0 PROGRAM...: the other end is PROGRAM in
# NS; both ways, either side connects
exchange() {
	local ns=$1 there=$2 here=$3 way
	shift 3
	bad_sums=$(counter XtcpInCsumErrors)
	bad=$(counter XtcpInErrs)
	in0 "$FLOW" "${xtcp[@]}" serve "$here" 7001 &
	wait_server 7001
	for way in get put; do
		flow "$ns" "$@" $way "$here" 7001 $BYTES
	done
	flow "$ns" "$@" serve "$there" 7002 2>/dev/null &
	wait_for 20 answers "$there" 7002
	for way in get put; do
		flow n0 "$FLOW" "${xtcp[@]}" $way "$there" 7002 $BYTES
	done
	good
}

# without bytes there is no data to see
answers() { flow n0 "$FLOW" put "$1" "$2" 0; }

here=(- - - - 10.0.0.1 - fd00::1)	# by version: n0, n1
there=(- - - - 10.0.0.2 - fd00::2)

with_linux() { exchange n1 "${there[$1]}" "${here[$1]}" "$FLOW"; }

# --- paths ---------------------------------------------------------------------

loopback() {
	watch lo
	exchange n0 "${here[$1]}" "${here[$1]}" "$FLOW"
	shape $PARTIAL 10000
}

# the device gives and takes what it can: large, without checksums
veth() {
	watch v0
	with_linux "$1"
	shape $PARTIAL 10000
}

# each packet is seen by others, too: shared, then cloned
veth_tapped() {
	in0 tcpdump -i v0 -nn -w /dev/null 2>"$TMP/tapped" & tap=$!
	wait_for 20 grep -q 'listening on' "$TMP/tapped"
	veth "$1"
	kill $tap
}

offloads() { # NS DEVICE on|off
	# what a device has not got cannot be changed
	ip netns exec "$1" ethtool -K "$2" tx "$3" rx "$3" sg "$3" tso "$3" gso "$3" \
		gro "$3" lro "$3" >/dev/null 2>&1 || true
}

# segments of one MSS that GRO merges
veth_gro() {
	offloads n1 v1 off
	in0 ethtool -K v0 gro on
	watch v0
	with_linux "$1"
	shape $NONE 2800
}

veth_plain() {
	offloads n0 v0 off
	offloads n1 v1 off
	watch v0
	with_linux "$1"
	shape $NONE
	! shape $NONE 2800 || return 1
}

# a GRE tunnel with checksums tells the sum of what is in it
gre_up() {
	watch g0
	! has n0 g0 || return 0
	offloads n1 v1 off	# a packet that comes without a sum has its summed up
	modprobe ip_gre 2>/dev/null || true
	ip -n n0 link add g0 type gre local 10.0.0.1 remote 10.0.0.2 csum ttl 9 ||
		skip_case "no GRE"
	ip -n n1 link add g1 type gre local 10.0.0.2 remote 10.0.0.1 csum ttl 9
	link_up n0 g0 10.0.8.1/24 fd08::1/64
	link_up n1 g1 10.0.8.2/24 fd08::2/64
}

has() { ip -n "$1" link show dev "$2" >/dev/null 2>&1; }

link_up() { # NS DEVICE ADDRESS4 ADDRESS6
	ip -n "$1" addr add "$3" dev "$2"
	ip -n "$1" addr add "$4" dev "$2" nodad
	ip -n "$1" link set "$2" up
}

# n0 and n1 on another net than their veth
on_net() { # NUMBER VERSION
	if [ "$2" = 4 ]; then
		exchange n1 10.0.$1.2 10.0.$1.1 "$FLOW"
	else
		exchange n1 fd0$1::2 fd0$1::1 "$FLOW"
	fi
}

gre() {
	gre_up
	on_net 8 "$1"
	shape $COMPLETE
}

# what was damaged before it came into the tunnel has a good sum outside
gre_damage() {
	local at=(- - - - 10.0.8.1 - fd08::1)
	gre_up
	offloads n1 g1 off
	bad_sums=$(counter XtcpInCsumErrors)
	in0 "$FLOW" "${xtcp[@]}" serve "${at[$1]}" 7001 &
	wait_server 7001
	# once in many runs netem damaged nothing at all: it is asked again
	for _ in 1 2 3 4 5; do
		in1 tc qdisc replace dev g1 root netem corrupt 10%
		flow n1 "$FLOW" put "${at[$1]}" 7001 $BYTES
		in1 tc -s qdisc show dev g1
		[ "$(counter XtcpInCsumErrors)" = "$bad_sums" ] || break
	done
	shape $COMPLETE
	[ "$(counter XtcpInCsumErrors)" -gt "$bad_sums" ]
}

tun_device() { [ -e /dev/net/tun ] || modprobe tun; }

tun() { # VERSION MODE
	tun_device
	"$HERE/tun_relay" n0 t0 n1 t1 "$2" >"$TMP/relay" &
	wait_for 10 grep -q up "$TMP/relay"
	link_up n0 t0 10.0.7.1/24 fd07::1/64
	link_up n1 t1 10.0.7.2/24 fd07::2/64
	watch t0
	on_net 7 "$1"
}

tun_plain() { tun "$1" plain; shape $NONE; }
tun_offload() { tun "$1" offload; shape $PARTIAL 10000; in_pieces; }

# --- network cards ---------------------------------------------------------------

driver() { # NAME: the device of the first namespace that it drives
	local d
	for d in /sys/class/net/*; do
		if [ "$(basename "$(readlink -f "$d/device/driver")")" = "$1" ]; then
			basename "$d"
			return
		fi
	done
	return 1
}

nics() {
	local e v
	watch e0
	! has n0 e0 || return 0
	modprobe e1000e 2>/dev/null || true
	modprobe virtio_net 2>/dev/null || true
	if ! e=$(driver e1000e) || ! v=$(driver virtio_net); then
		skip_case "no two network cards (scripts/vm.sh --nics)"
	fi
	ip link set "$e" netns n0 name e0
	ip link set "$v" netns n1 name e1
	link_up n0 e0 10.0.6.1/24 fd06::1/64
	link_up n1 e1 10.0.6.2/24 fd06::2/64
	wait_for 20 ip netns exec n0 ping -c 1 -W 1 10.0.6.2
	wait_for 20 ip netns exec n0 ping -c 1 -W 1 fd06::2
}

nic() {
	nics
	in0 ethtool -k e0 | grep -q 'tcp-segmentation-offload: on'
	on_net 6 "$1"
	shape $UNNECESSARY 2800		# merged by GRO
}

nic_plain() {
	nics
	offloads n0 e0 off
	offloads n1 e1 off
	on_net 6 "$1"
	shape $NONE
	! shape $NONE 2800 || return 1
}

# --- another stack ---------------------------------------------------------------

lwip() {
	local h=(- - - - 10.0.9.1 - fd09::1) t=(- - - - 10.0.9.2 - fd09::2)
	[ -x "$HERE/flow_lwip" ] || skip_case "no lwIP (liblwip-dev)"
	tun_device
	if ! has n0 l0; then
		ip -n n0 tuntap add dev l0 mode tun
		link_up n0 l0 10.0.9.1/24 fd09::1/64
	fi
	exchange n0 "${t[$1]}" "${h[$1]}" "$HERE/flow_lwip"
}

# In an order in which no case needs what another has changed.
netns_up
for c in loopback veth veth_tapped tun_plain tun_offload veth_gro veth_plain \
	gre gre_damage nic nic_plain lwip; do
	run_case $c.v4 $c 4
	run_case $c.v6 $c 6
done
rmdir "$TRACE" 2>/dev/null
run_case kernel_log kmsg_check
finish
