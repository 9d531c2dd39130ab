#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# nginx under xtcp_run in n0: a big file to curl on the kernel's TCP in n1, clean
# and with loss each way, SO_REUSEPORT, and as a proxy that connects itself.
#
# shellcheck disable=SC2317		# cases are called by name

. "$(dirname "$0")/lib.sh"
need curl cmp ss nginx "$PYTHON"
need_xtcp
. "$HERE/apps/common.sh"
MB=$((${XTCP_TEST_DEBUG:-0} ? 8 : 100))	# size of the big file

nginx_start() {
	sed "s|@TMP@|$TMP|g" "$APPS/nginx.conf" >"$TMP/nginx.conf"
	serve nginx -e "$TMP/nginx.log" -p "$TMP" -c "$TMP/nginx.conf" &
	wait_server 8080
	wait_server 8081
}

nginx_file() {
	nginx_start
	fetch "$1" 8080 small "$TMP/www/small"
	fetch "$1" 8080 big "$TMP/www/big"
}

nginx_loss() {
	nginx_start
	in0 tc qdisc add dev v0 root netem loss 2% limit 10000
	fetch "$1" 8080 big "$TMP/www/big"
	in0 tc -s qdisc show dev v0 | tee "$TMP/netem"
	grep -q 'dropped [1-9]' "$TMP/netem"
}

# loss the other way: ACKs and requests
nginx_loss_acks() {
	nginx_start
	in1 tc qdisc add dev v1 root netem loss 2% limit 10000
	fetch "$1" 8080 big "$TMP/www/big"
	in1 tc -s qdisc show dev v1 | tee "$TMP/netem"
	grep -q 'dropped [1-9]' "$TMP/netem"
}

# two workers with a listener each; a keep-alive connection, then new ones
nginx_reuseport() {
	local n
	nginx_start
	in1 curl -sSf --noproxy '*' --max-time $((60 * SLOW)) "http://${url[$1]}:8081/small" \
		"http://${url[$1]}:8081/small" | cmp - <(cat "$TMP"/www/small{,})
	for n in 1 2 3 4 5 6; do
		fetch "$1" 8081 small "$TMP/www/small" || { echo "fetch $n"; return 1; }
	done
}

# a server that also connects: to the kernel's TCP in n1
nginx_proxy() {
	in1 "$PYTHON" -m http.server 9090 --bind "${client[$1]}" \
		--directory "$TMP/www" &
	nginx_start
	wait_for 60 listening n1 9090
	fetch "$1" 8080 "up$1/small" "$TMP/www/small"
	fetch "$1" 8080 "up$1/small" "$TMP/www/small"
}

kernel_log() { kmsg_check; }

netns_up
www $MB
app nginx_file
app nginx_loss
app nginx_loss_acks
app nginx_reuseport
app nginx_proxy
run_case kernel_log kernel_log
finish
