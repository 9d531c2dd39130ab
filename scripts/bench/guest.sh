#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest.sh BENCH OPTION...: two namespaces and a veth pair, then BENCH.
#
#   n0 (server)  v0 10.0.0.1  ----  v1 10.0.0.2  n1 (client)
set -eu
PATH=$PATH:/usr/sbin:/sbin

for n in n0 n1; do
	ip netns add $n
	ip -n $n link set lo up
done
ip link add v0 netns n0 type veth peer name v1 netns n1
ip -n n0 addr add 10.0.0.1/24 dev v0
ip -n n1 addr add 10.0.0.2/24 dev v1
ip -n n0 link set v0 up
ip -n n1 link set v1 up

# 10.0.0.3 is nobody: what is sent there ends in n1 without an answer.
mac=$(ip -n n1 -br link show dev v1 | awk '{ print $3 }')
ip -n n0 neigh replace 10.0.0.3 lladdr "$mac" dev v0 nud permanent
ip -n n0 neigh replace 10.0.0.2 lladdr "$mac" dev v0 nud permanent
mac=$(ip -n n0 -br link show dev v0 | awk '{ print $3 }')
ip -n n1 neigh replace 10.0.0.1 lladdr "$mac" dev v1 nud permanent

# No connection learns from one before it; queues as long as asked for.
for n in n0 n1; do
	ip netns exec $n sysctl -qw net.ipv4.tcp_no_metrics_save=1 \
		net.ipv4.ip_local_port_range="25000 65000" \
		net.ipv4.tcp_max_tw_buckets=65536
done
ip netns exec n0 sysctl -qw net.core.somaxconn=65536 \
	net.ipv4.tcp_max_syn_backlog=65536 net.ipv4.tcp_syncookies=0
exec "$@"
