# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# common.sh - sourced by apps.sh and nginx.sh, behind lib.sh: addresses, files to
# serve, fetching and comparing.
#
# shellcheck disable=SC2034	# used by those who source it

APPS=$HERE/apps

www() { # MEGABYTES of the big file
	mkdir -p "$TMP/www"
	echo "xtcp" >"$TMP/www/small"
	head -c "$1M" /dev/urandom >"$TMP/www/big"
}

server=(- - - - 10.0.0.1 - fd00::1)	# by version
client=(- - - - 10.0.0.2 - fd00::2)
url=(- - - - 10.0.0.1 - '[fd00::1]')

# fetch VERSION PORT PATH FILE: what n1 gets there is what stands in FILE.
# cmp, not a checksum: as strong, and an emulated CPU computes those slowly
fetch() {
	in1 curl -sSf --noproxy '*' --max-time $((250 * SLOW)) "http://${url[$1]}:$2/$3" |
		cmp - "$4"
	return $((PIPESTATUS[0] + PIPESTATUS[1]))
}

# app FUNCTION PROGRAM...: skipped if one of the programs is missing
app() {
	local name=$1 v tool
	shift
	for v in 4 6; do
		for tool; do
			command -v "$tool" >/dev/null && continue
			wanted "$name.v$v" && skip "$name.v$v" "no $tool"
			continue 2
		done
		run_case "$name.v$v" "$name" $v
		# a case may have left its qdisc behind
		in0 tc qdisc del dev v0 root 2>/dev/null
		in1 tc qdisc del dev v1 root 2>/dev/null
	done
}
