#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# xtcp_run itself: the launcher, and what programs see of their sockets. With
# the module the cases run on it; each also runs on a mock of it, which needs
# neither module nor root.
#
# shellcheck disable=SC2016,SC2317	# cases are called by name

. "$(dirname "$0")/lib.sh"
need cc make "$PYTHON"

make -s -C "$TOP/tools" >&2 || exit 1
cc -Wall -Wextra -O2 -fPIC -shared -I"$TOP/uapi" -o "$TMP/mock.so" \
	"$HERE/apps/mock_xtcp.c" -ldl || exit 1
printf 'int main(void) { return 0; }\n' >"$TMP/static.c"

# on mock|module OPTIONS CASE VERSION
on() {
	local where=$1 options=$2 preload=$TOP/tools/libxtcp_run.so
	shift 2
	[ "$where" = module ] || preload+=:$TMP/mock.so
	# shellcheck disable=SC2086
	LD_PRELOAD=$preload xtcp_run $options \
		"$PYTHON" -S "$HERE/apps/run_socket.py" "$@"
}

# no module, or none that can be reached: a family number nobody has
without() { # OPTIONS CASE VERSION
	local options=$1
	shift
	# shellcheck disable=SC2086
	XTCP_FAMILY=19 xtcp_run $options \
		"$PYTHON" -S "$HERE/apps/run_socket.py" "$@"
}

status_is() { # STATUS COMMAND...
	local want=$1 got=0
	shift
	"$@" || got=$?
	[ "$got" = "$want" ] || { echo "status $got, not $want: $*"; return 1; }
}

launcher__usage() {
	xtcp_run --help | grep -q 'PROGRAM'
	xtcp_run --version | grep -q '^xtcp_run '
	status_is 125 xtcp_run
	status_is 125 xtcp_run --no-such-option true
	status_is 125 xtcp_run --ports=80, true
	status_is 125 xtcp_run --ports=0 true
	status_is 125 xtcp_run --ports=70000 true
	status_is 125 xtcp_run --ports=9-8 true
	status_is 0 xtcp_run --ports=80,8000-8010 true
}

launcher__status() {
	status_is 7 xtcp_run sh -c 'exit 7'
	status_is 127 xtcp_run /no/such/program
	status_is 126 xtcp_run /etc/passwd
}

# options behind the program's name are the program's
launcher__arguments() {
	[ "$(xtcp_run -v echo -v --help '' 'a b')" = '-v --help  a b' ]
}

launcher__preload() {
	local own=$TOP/tools/libxtcp_run.so
	[ "$(LD_PRELOAD='' xtcp_run sh -c 'echo $LD_PRELOAD')" = "$own" ]
	[ "$(LD_PRELOAD=$TMP/mock.so xtcp_run sh -c 'echo $LD_PRELOAD')" = \
		"$TMP/mock.so:$own" ]
	[ "$(xtcp_run xtcp_run sh -c 'echo $LD_PRELOAD')" = "$own" ]
}

launcher__static() {
	cc -static -o "$TMP/static" "$TMP/static.c" ||
		skip_case "no static C library"
	status_is 125 xtcp_run "$TMP/static" 2>"$TMP/err"
	grep -q 'statically linked' "$TMP/err"
	status_is 0 xtcp_run --fallback "$TMP/static"
}

launcher__setuid() {
	local file=$TMP/setuid
	[ "$(id -u)" = 0 ] || skip_case "needs root"
	cp /bin/true "$file"
	chown 1:1 "$file"
	chmod 4755 "$file"
	status_is 125 xtcp_run "$file"
}

launcher__installed() {
	local to=$TMP/root
	make -s -C "$TOP/tools" install PREFIX="$to"
	[ "$(LD_PRELOAD='' "$to/bin/xtcp_run" sh -c 'echo $LD_PRELOAD')" = \
		"$to/lib/xtcp/libxtcp_run.so" ]
	if command -v man >/dev/null; then
		MANPATH=$to/share/man man xtcp_run 2>&1 | grep -q 'run an unmodified program'
		[ -z "$(man --warnings -l "$to/share/man/man1/xtcp_run.1" 2>&1 >/dev/null)" ]
	fi
	make -s -C "$TOP/tools" uninstall PREFIX="$to"
	[ -z "$(find "$to" -type f -o -path "$to/lib/xtcp")" ]
}

missing__told_once() {
	XTCP_FAMILY=19 xtcp_run "$PYTHON" -S -c '
import socket
for i in range(3):
    try: socket.socket()
    except OSError as e: assert e.errno == 97
' 2>"$TMP/err"
	[ "$(grep -c 'xtcp_run.*no AF_XTCP' "$TMP/err")" = 1 ]
}

# whoever put a file of his own under number 2 does not find our lines in it
missing__foreign_stderr() {
	XTCP_FAMILY=19 xtcp_run "$PYTHON" -S -c '
import os, socket, sys
os.dup2(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY), 2)
try: socket.socket()
except OSError: pass
' "$TMP/data"
	[ ! -s "$TMP/data" ]
}

for c in usage status arguments preload static setuid installed; do
	run_case launcher__$c launcher__$c
done
for v in 4 6; do
	run_case missing__error.v$v without '' missing $v
	run_case missing__fallback.v$v without -f fallback $v
done
run_case missing__told_once missing__told_once
run_case missing__foreign_stderr missing__foreign_stderr

places=(mock)
[ ! -d /proc/net/xtcp ] || places+=(module)
for p in "${places[@]}"; do
	for v in 4 6; do
		for c in names others flags reuseport connect connect_refused \
			connect_options connect_bound connect_dup \
			connect_epoll connect_unix listener_stays inherited; do
			run_case "${p}__$c.v$v" on "$p" '' "$c" $v
		done
		for c in connect connect_options connect_bound connect_dup connect_epoll; do
			run_case "${p}__not_our_port_$c.v$v" on "$p" --ports=8080 "$c" $v
		done
		run_case "${p}__ports.v$v" on "$p" --ports=8080-8081 ports $v
		run_case "${p}__family_only.v$v" on "$p" -$((10 - v)) family_only $v
	done
done
finish
