#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# xtcp beside the rest of the machine: the kernel's own TCP, the firewall,
# connection tracking, NAT, namespaces, the port space, and unloading.
#
# shellcheck disable=SC2016,SC2317	# cases are called by name

. "$(dirname "$0")/lib.sh"
need curl cmp ss nft tcpdump "$PYTHON"
need_xtcp
[ ${#RUN[@]} -gt 0 ] || skip_all "is about xtcp"

APPS=$HERE/apps
server=(- - - - 10.0.0.1 - fd00::1)	# by version
peer=(- - - - 10.0.0.2 - fd00::2)
url=(- - - - 10.0.0.1 - '[fd00::1]')

# a web server in n0, on xtcp
web() { # VERSION PORT
	serve "$PYTHON" -S "$APPS/who_server.py" "${server[$1]}" "$2" &
	wait_server "$2"
}

# the same on the kernel's TCP
kernel_web() { # VERSION PORT
	in0 "$PYTHON" -S "$APPS/who_server.py" "${server[$1]}" "$2" &
	wait_for 60 listening n0 "$2"
	[ -z "$(xtcp_listener n0 "$2")" ]
}

# bytes by a client of xtcp in n0: out VERSION ADDRESS PORT
out() { in0 timeout $((20 * SLOW)) "$HERE/flow" -x get "$2" "$3" 100000; }

# its other end: the kernel's TCP in NS, on ADDRESS PORT
bytes() {
	ip netns exec "$1" "$HERE/flow" serve "$2" "$3" 2>/dev/null &
	wait_for 20 listening "$1" "$3"
}

get() { # VERSION PORT [CURL OPTION...]
	local at=${url[$1]}:$2
	shift 2
	in1 curl -sS --noproxy '*' --max-time $((20 * SLOW)) "$@" "http://$at/who"
}

# curl's status tells how connecting ended: 7 refused, 28 timeout
get_status() { # WANTED GET-ARGUMENT...
	local want=$1 got=0
	shift
	get "$@" || got=$?
	[ "$got" = "$want" ] || { echo "curl: $got, not $want"; return 1; }
}

# capture what n1 sees: capture FILE FILTER...; capture_end
capture() {
	local file=$1
	shift
	in1 tcpdump -i v1 -nn --immediate-mode -Z root -U -w "$file" "$@" 2>"$file.log" &
	capturing=$!
	wait_for 30 grep -q 'listening on' "$file.log"
}

capture_end() {
	local pid
	pid=$(pgrep -P "$capturing" -x tcpdump || echo "$capturing")
	kill -INT "$pid"
	wait "$capturing" || true
}

packets() { # FILE FILTER: how many
	tcpdump -nn -r "$1" "$2" 2>/dev/null | wc -l
}

rst='(tcp[tcpflags] & tcp-rst != 0) or (ip6 and ip6[6] = 6 and ip6[53] & 4 != 0)'

# --- the kernel's TCP --------------------------------------------------------

kernel_tcp_works() {
	web "$1" 8080
	kernel_web "$1" 8090
	[ "$(get "$1" 8080)" = "port 8080" ]
	[ "$(get "$1" 8090)" = "port 8090" ]
	[ "$(get "$1" 8080)" = "port 8080" ]
}

kernel_tcp_bulk() {
	command -v iperf3 >/dev/null || skip_case "no iperf3"
	web "$1" 8080
	in0 iperf3 -s -1 -B "${server[$1]}" -p 8091 >"$TMP/iperf.server" &
	wait_for 60 listening n0 8091
	in1 iperf3 -c "${server[$1]}" -p 8091 -n 20M -J >"$TMP/iperf"
	grep -q '"sum_received"' "$TMP/iperf"
}

# A closed port is answered by one RST, and that is the kernel's: xtcp's
# counter does not move.
closed_port() {
	local before
	web "$1" 8080
	before=$(counter XtcpOutRsts)
	capture "$TMP/pcap" port 8099
	get_status 7 "$1" 8099
	wait_for 20 one_rst "$TMP/pcap"
	capture_end
	[ "$(packets "$TMP/pcap" "$rst")" = 1 ]
	[ "$(counter XtcpOutRsts)" = "$before" ]
}

one_rst() { [ "$(packets "$1" "$rst")" -ge 1 ]; }

# Connections that live and end normally see no RST from anybody.
no_stray_rst() {
	local n
	web "$1" 8080
	capture "$TMP/pcap" port 8080
	for n in 1 2 3 4 5; do
		[ "$(get "$1" 8080)" = "port 8080" ] || return 1
	done
	in1 "$PYTHON" -S -c '
import socket, sys
s = socket.create_connection((sys.argv[1], 8080))
s.sendall(b"GET /who HTTP/1.0\r\n\r\n")
while s.recv(4096):
    pass
' "${server[$1]}"
	wait_for 20 six_fins "$TMP/pcap"
	capture_end
	[ "$(packets "$TMP/pcap" "$rst")" = 0 ]
}

# every connection has ended: the server's FIN of each has been seen
six_fins() {
	[ "$(packets "$1" '(src host 10.0.0.1 and tcp[tcpflags] & tcp-fin != 0) or
		(src host fd00::1 and ip6[53] & 1 != 0)')" -ge 6 ]
}

# --- firewall, conntrack, NAT ------------------------------------------------

nft0() { printf '%s\n' "$@" | in0 nft -f -; }

firewall_drop() {
	local before
	web "$1" 8080
	[ "$(get "$1" 8080)" = "port 8080" ]
	before=$(counter XtcpPassiveOpens)
	nft0 'table inet t {' 'chain in {' \
		'type filter hook input priority 0;' \
		'tcp dport 8080 counter drop' '}' '}'
	get_status 28 "$1" 8080 --connect-timeout $((2 * SLOW))
	in0 nft list table inet t | grep -q 'packets [1-9]'
	[ "$(counter XtcpPassiveOpens)" = "$before" ]
	nft0 'delete table inet t'
	[ "$(get "$1" 8080)" = "port 8080" ]
}

firewall_reject() {
	web "$1" 8080
	nft0 'table inet t {' 'chain in {' \
		'type filter hook input priority 0;' \
		'tcp dport 8080 reject with tcp reset' '}' '}'
	get_status 7 "$1" 8080
	nft0 'delete table inet t'
}

firewall_output() {
	web "$1" 8080
	nft0 'table inet t {' 'chain out {' \
		'type filter hook output priority 0;' \
		'tcp sport 8080 counter drop' '}' '}'
	get_status 28 "$1" 8080 --connect-timeout $((2 * SLOW))
	in0 nft list table inet t | grep -q 'packets [1-9]'
	nft0 'delete table inet t'
}

# what leaves, or comes back, by the rules for a client
firewall_client() {
	bytes n1 "${peer[$1]}" 8095
	out "$1" "${peer[$1]}" 8095
	nft0 'table inet t {' 'chain out {' \
		'type filter hook output priority 0;' \
		'tcp dport 8095 counter reject with tcp reset' '}' '}'
	! out "$1" "${peer[$1]}" 8095 2>"$TMP/err" || return 1
	grep 'connect: Connection refused' "$TMP/err"
	nft0 'delete table inet t'
	nft0 'table inet t {' 'chain out {' \
		'type filter hook output priority 0;' \
		'tcp dport 8095 tcp flags & psh == psh reject with tcp reset' '}' '}'
	! out "$1" "${peer[$1]}" 8095 2>"$TMP/err" || return 1
	grep 'read: Connection reset' "$TMP/err"
	nft0 'delete table inet t'
	out "$1" "${peer[$1]}" 8095
}

# a connection that waits for its server: hold open, ask, let go
hold() { # VERSION PORT COMMAND...
	local v=$1 port=$2
	shift 2
	rm -f "$TMP"/hold "$TMP"/hold.go
	mkfifo "$TMP"/hold "$TMP"/hold.go
	in1 "$PYTHON" -S -c '
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
s.sendall(b"GET /who HTTP/1.0\r\n")
open(sys.argv[3], "w").write("up")
open(sys.argv[3] + ".go").read()
s.sendall(b"\r\n")
s.settimeout(60)
data = b""
while chunk := s.recv(4096):
    data += chunk
assert b"port" in data, data
' "${server[$v]}" "$port" "$TMP/hold" &
	holder=$!
	read -r -n 2 <"$TMP/hold"
	"$@"
	echo >"$TMP/hold.go"
	wait "$holder"
}

# state as conntrack in n0 sees it
conntrack_is() { # VERSION PORT STATE
	in0 grep "tcp .* $3 .* dport=$2 " /proc/net/nf_conntrack
}

conntrack_state() {
	web "$1" 8080
	# dropping what is invalid, as common firewalls do, must not hurt
	nft0 'table inet t {' 'chain in {' \
		'type filter hook input priority 0;' \
		'ct state invalid counter drop' \
		'ct state established counter accept' '}' \
		'chain out {' 'type filter hook output priority 0;' \
		'ct state invalid counter drop' '}' '}'
	[ -e /proc/net/nf_conntrack ] || skip_case "no /proc/net/nf_conntrack"
	hold "$1" 8080 wait_for 20 conntrack_is "$1" 8080 ESTABLISHED
	wait_for 20 conntrack_is "$1" 8080 'TIME_WAIT\|CLOSE_WAIT\|LAST_ACK\|CLOSE'
	in0 nft list table inet t | tee "$TMP/nft"
	[ "$(grep -c 'invalid counter packets 0 ' "$TMP/nft")" = 2 ]
	grep -q 'established counter packets [1-9]' "$TMP/nft"
	nft0 'delete table inet t'
}

# a client's connection is as valid as a server's
conntrack_client() {
	bytes n1 "${peer[$1]}" 8095
	nft0 'table inet t {' 'chain in {' \
		'type filter hook input priority 0;' \
		'ct state invalid counter drop' \
		'ct state established counter accept' \
		'tcp sport 8095 counter drop' '}' \
		'chain out {' 'type filter hook output priority 0;' \
		'ct state invalid counter drop' \
		'ct state new tcp flags & (syn | ack) != syn counter drop' '}' '}'
	out "$1" "${peer[$1]}" 8095
	in0 nft list table inet t | tee "$TMP/nft"
	[ "$(grep -c 'counter packets 0 .* drop' "$TMP/nft")" = 4 ]
	grep -q 'established counter packets [1-9]' "$TMP/nft"
}

# NAT on the way out: the client's destination, and its source
nat_client() {
	local family=ip there=10.0.0.2 to=10.0.0.2 other=10.0.0.77 bits=24
	[ "$1" = 4 ] || { family=ip6; there=fd00::2 to='[fd00::2]' other=fd00::77 bits=64; }
	bytes n1 "$there" 8095
	ip -n n0 addr add "$other/$bits" dev v0 nodad
	nft0 "table $family t {" 'chain out {' \
		'type nat hook output priority -100;' \
		"tcp dport 95 counter dnat to $to:8095" '}' \
		'chain post {' 'type nat hook postrouting priority 100;' \
		"tcp dport 8095 counter snat to $other" '}' '}'
	capture "$TMP/pcap" port 8095
	out "$1" "$there" 95
	wait_for 20 some "$TMP/pcap" "src host $other and dst port 8095"
	capture_end
	[ "$(packets "$TMP/pcap" "not host $other")" = 0 ]
	[ "$(in0 nft list table "$family" t | grep -c 'counter packets [1-9]')" = 2 ]
	ip -n n0 addr del "$other/$bits" dev v0
}

some() { [ "$(packets "$1" "$2")" -gt 0 ]; }

# and in somebody else's router, on the way to n2
nat_masquerade() {
	local family=ip there=10.0.1.2 via=10.0.0.2 prefix=10.0.1.0/24
	[ "$1" = 4 ] || { family=ip6; there=fd01::2; via=fd00::2; prefix=fd01::/64; }
	bytes n2 "$there" 8095
	in1 sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip -n n0 route replace "$prefix" via "$via"
	printf '%s\n' "table $family t {" 'chain post {' \
		'type nat hook postrouting priority 100;' \
		'tcp dport 8095 counter masquerade' '}' '}' | in1 nft -f -
	# n2 has no way back but to its neighbour
	out "$1" "$there" 8095
	in1 nft list table "$family" t | grep 'counter packets [1-9]'
	in1 nft flush ruleset
}

nat_redirect() {
	local family=ip
	[ "$1" = 4 ] || family=ip6
	web "$1" 8080
	nft0 "table $family t {" 'chain pre {' \
		'type nat hook prerouting priority -100;' \
		'tcp dport 80 redirect to :8080' '}' '}'
	[ "$(get "$1" 80)" = "port 8080" ]
	[ "$(get "$1" 8080)" = "port 8080" ]
	nft0 "delete table $family t"
}

# --- namespaces --------------------------------------------------------------

# what listens in n0 is unknown in n2, and the same port is free there
netns_isolation() {
	local there=10.0.1.2 status=0
	[ "$1" = 4 ] || there='[fd01::2]'
	web "$1" 8080
	[ -z "$(xtcp_listener n2 8080)" ]
	! listening n2 8080 || return 1
	in1 curl -sS --noproxy '*' --max-time $((20 * SLOW)) "http://$there:8080/who" || status=$?
	[ "$status" = 7 ]
	in2 xtcp_run "$PYTHON" -S "$APPS/echo_server.py" "${there//[\[\]]}" 8080 &
	wait_for 60 xtcp_listener n2 8080
	in1 "$PYTHON" -S "$APPS/echo_client.py" "${there//[\[\]]}" 8080 1 10000
	[ "$(get "$1" 8080)" = "port 8080" ]
}

# a namespace that is younger than the module, gone with a listener in it
netns_new() {
	local n
	for n in 1 2 3; do
		ip netns add xtcp-young
		ip -n xtcp-young link set lo up
		ip netns exec xtcp-young xtcp_run "$PYTHON" \
			"$APPS/asyncio_server.py" 127.0.0.1 8080 10 & young=$!
		wait_for 60 xtcp_listener xtcp-young 8080 || return 1
		ip netns exec xtcp-young "$PYTHON" -S \
			"$APPS/echo_client.py" 127.0.0.1 8080 3 1000 || return 1
		kill "$young"
		wait "$young" || true
		ip netns del xtcp-young
	done
}

# --- the port space ----------------------------------------------------------

# bind_port NS RUN... : "" or the name of the error, of bind() or listen()
bind_port() { # VERSION PORT REUSE LISTEN RUN...
	local v=$1 port=$2 reuse=$3 lst=$4
	shift 4
	in0 "$@" "$PYTHON" -S -c '
import errno, socket, sys
v, port, reuse, listen = map(int, sys.argv[1:])
try:
    s = socket.socket(socket.AF_INET if v == 4 else socket.AF_INET6)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
    s.bind(("", port))
    if listen:
        s.listen()
except OSError as e:
    print(errno.errorcode[e.errno])
' "$v" "$port" "$reuse" "$lst"
}

port_xtcp_first() {
	local reuse
	web "$1" 8080
	for reuse in 0 1; do
		[ "$(bind_port "$1" 8080 "$reuse" 1)" = EADDRINUSE ] || return 1
		[ "$(bind_port "$1" 8080 "$reuse" 1 xtcp_run)" = EADDRINUSE ] || return 1
	done
	[ -z "$(bind_port "$1" 8081 0 1)" ]
	[ "$(get "$1" 8080)" = "port 8080" ]
}

port_kernel_first() {
	local reuse
	kernel_web "$1" 8080
	for reuse in 0 1; do
		[ "$(bind_port "$1" 8080 "$reuse" 1 xtcp_run)" = EADDRINUSE ] || return 1
	done
	[ "$(get "$1" 8080)" = "port 8080" ]
}

port_is_free_after() {
	web "$1" 8080
	[ "$(get "$1" 8080)" = "port 8080" ]
	netns_kill -TERM
	wait_for 20 netns_empty
	wait_for 20 bound_nothing "$1" 8080
}

bound_nothing() { [ -z "$(bind_port "$1" "$2" 1 1)" ]; }

port_privileged() {
	local got
	got=$(in0 setpriv --reuid 65534 --clear-groups --bounding-set -all \
		xtcp_run "$PYTHON" -S -c '
import errno, socket
try:
    socket.socket().bind(("", 80))
except OSError as e:
    print(errno.errorcode[e.errno])
')
	[ "$got" = EACCES ]
}

port_ss() {
	web "$1" 8080
	in0 ss -Hltn 'sport = :8080' | tee "$TMP/ss"
	[ "$(wc -l <"$TMP/ss")" = 1 ]
}

# --- unloading ---------------------------------------------------------------

unload_refused() {
	web 4 8080
	! try_rmmod || { echo "unloaded with a listener"; return 1; }
	[ -d /sys/module/xtcp ]
	[ "$(get 4 8080)" = "port 8080" ]
	hold 4 8080 still_refused
}

still_refused() { ! try_rmmod; }

# Half-open entries and TIME-WAIT do not hold the module (design.md, 17).
unload_leaves_nothing() {
	find_module || skip_case "no xtcp.ko to load again"
	[ ! -e /sys/module/xtcp/parameters/family ] ||
		family="family=$(cat /sys/module/xtcp/parameters/family)"
	# a port of its own: the kernel has TIME-WAITs of others
	web 4 8085
	[ "$(get 4 8085)" = "port 8085" ]
	netns_kill -TERM
	wait_for 20 netns_empty
	wait_for 30 try_rmmod
	[ ! -e /proc/net/xtcp ]
	in0 test ! -e /proc/net/xtcp
	in0 test ! -e /proc/sys/net/xtcp
	[ ! -e /proc/sys/net/xtcp ]
	[ ! -d /sys/kernel/tracing/events/xtcp ]
	! grep '^xtcp' /proc/slabinfo || return 1
	! grep -i '^xtcp' /proc/net/protocols || return 1
	[ -z "$(bind_port 4 8085 0 1)" ]
	kernel_web 4 8085
	[ "$(get 4 8085)" = "port 8085" ]
	# and a program that still wants it is told
	[ "$(bind_port 4 8081 0 1 xtcp_run 2>/dev/null)" = EAFNOSUPPORT ]
}

# Nothing loads it by itself, but for an administrator who wants that.
autoload() {
	local conf=/run/modprobe.d number
	[ ! -d /sys/module/xtcp ] || skip_case "was not unloaded"
	find_module || skip_case "no xtcp.ko"
	number=${family:-family=18}
	[ "$number" = family=18 ] || skip_case "the example is for family 18"
	mkdir -p "$conf"
	echo "install xtcp $(command -v insmod) $module" \
		>"$conf/xtcp-test.conf"
	[ "$(bind_port 4 8081 0 1 xtcp_run 2>/dev/null)" = EAFNOSUPPORT ]
	[ ! -d /sys/module/xtcp ]
	cp "$TOP/examples/modprobe.d/xtcp.conf" "$conf/xtcp.conf"
	[ -z "$(bind_port 4 8081 0 1 xtcp_run)" ]
	[ -d /sys/module/xtcp ]
	rm "$conf/xtcp.conf" "$conf/xtcp-test.conf"
	wait_for 20 try_rmmod
}

load_again() {
	[ ! -d /sys/module/xtcp ] || skip_case "was not unloaded"
	find_module || skip_case "no xtcp.ko"
	# shellcheck disable=SC2086
	insmod "$module" ${family-}
	web 4 8080
	[ "$(get 4 8080)" = "port 8080" ]
}

kernel_log() { kmsg_check; }

both() {
	local v
	for v in 4 6; do
		run_case "$1.v$v" "$1" $v
		ip netns exec n0 nft flush ruleset
	done
}

netns_up
for c in kernel_tcp_works kernel_tcp_bulk closed_port no_stray_rst \
	firewall_drop firewall_reject firewall_output firewall_client \
	conntrack_state conntrack_client nat_redirect nat_client nat_masquerade \
	netns_isolation port_xtcp_first port_kernel_first \
	port_is_free_after port_ss; do
	both $c
done
run_case netns_new netns_new
run_case port_privileged port_privileged
run_case unload_refused unload_refused
run_case unload_leaves_nothing unload_leaves_nothing
run_case autoload autoload
run_case load_again load_again
run_case kernel_log kernel_log
finish
