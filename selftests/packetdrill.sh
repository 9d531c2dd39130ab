#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# packetdrill.sh [-v] [--list] [CASE...] - packetdrill scripts on xtcp: ours in
# packetdrill/, and the public ones where they are at hand.
#
#	XTCP_PACKETDRILL	the packetdrill program, if not on PATH
#	XTCP_PD_GTESTS		gtests/net of google/packetdrill
#	XTCP_PD_KSFT		the kernel's tools/testing/selftests/net/packetdrill
#	RUN=			on the kernel's TCP instead
#
# A case is "CORPUS:PATH MODE"; the options of each mode are those of the
# corpus' own runner, the tolerance is packetdrill's.  Runs in virtual time
# (scripts/vm.sh --time virtual), where that tolerance does not depend on the
# machine's load.  packetdrill is in no Debian suite: without it, all is skipped.

LIST=
if [ "${1-}" = --list ]; then
	LIST=yes
	shift
fi
. "$(dirname "$0")/lib.sh"

PD=${XTCP_PACKETDRILL:-$(command -v packetdrill)}
MODES="ipv4 ipv6 ipv4-mapped-ipv6"
RUNTIME=180	# seconds of the guest, as upstream's runner

dir_of() { # CORPUS
	case $1 in
	own) echo "$HERE/packetdrill" ;;
	gtests) echo "${XTCP_PD_GTESTS-}" ;;
	ksft) echo "${XTCP_PD_KSFT-}" ;;
	esac
}

options() { # CORPUS MODE
	local level=SOL_IPV6 type=IPV6_RECVERR
	[ "$2" != ipv4 ] || level=SOL_IP type=IP_RECVERR
	case $2 in
	ipv6)
		echo "--ip_version=ipv6 --mtu=1520 --local_ip=fd3d:0a0b:17d6::1
			--gateway_ip=fd3d:0a0b:17d6:8888::1 --remote_ip=fd3d:fa7b:d17d::1
			-D TFO_COOKIE=c1d1e9742a47a9bc"
		[ "$1" != ksft ] || echo "-D TFO_COOKIE_ZERO=82af1a8f9a205c34" ;;
	*)
		echo "--ip_version=$2 --local_ip=192.168.0.1 --gateway_ip=192.168.0.1
			--netmask_ip=255.255.0.0 --remote_ip=192.0.2.1
			-D TFO_COOKIE=3021b9d889017eeb"
		[ "$1" != ksft ] || echo "-D TFO_COOKIE_ZERO=b7c12350a90dc8f5"
		[ "$1" != gtests ] || echo "-D CODE=host_unreachable" ;;
	esac
	[ "$1" != gtests ] || echo "--send_omit_free"
	echo "-D CMSG_LEVEL_IP=$level -D CMSG_TYPE_RECVERR=$type"
}

# Which modes a script is for: upstream's runners look at its name and at its
# own --ip_version.
modes() { # CORPUS FILE
	local only
	case $1/$2 in
	gtests/*v6.pkt) echo ipv6; return ;;
	gtests/*v4.pkt) echo ipv4 ipv4-mapped-ipv6; return ;;
	gtests/*) echo "$MODES"; return ;;
	esac
	only=$(sed -n 's/^--ip_version=//p' "$2")
	echo "${only:-$MODES}"
}

cases() {
	local corpus dir file mode
	for corpus in own gtests ksft; do
		dir=$(dir_of $corpus)
		[ -d "$dir" ] || continue
		find "$dir" -path "$dir/packetdrill" -prune -o -name '*.pkt' -print | sort |
		while read -r file; do
			for mode in $(modes $corpus "$file"); do
				echo "$corpus:${file#"$dir"/} $mode"
			done
		done
	done
}

# One script in a network namespace of its own.
drill() { # CASE
	local corpus=${1%%:*} mode=${1##* } file opts
	file=${1#*:}
	file=$(dir_of "$corpus")/${file% *}
	read -rd '' -a opts <<<"$(options "$corpus" "$mode")"
	cd "${file%/*}" && timeout $RUNTIME unshare -n sh -c 'ip link set lo up; exec "$@"' sh \
		${RUN[@]:+"${RUN[@]}" --sysctl} "$PD" "${opts[@]}" "${file##*/}"
}

run_pkt() { # CASE
	if drill "$1" >"$TMP/log" 2>&1; then
		ok "$1"
	else
		not_ok "$1"
		tail -n 8 "$TMP/log" | sed 's/^/#   /'
	fi
	[ -z "$VERBOSE" ] || sed 's/^/# /' "$TMP/log"
}

if [ -n "$LIST" ]; then
	cases
	exit 0
fi
[ -x "$PD" ] || skip_all "packetdrill is missing"
need_xtcp
[ -e /dev/net/tun ] || modprobe tun || skip_all "no tun device"
# Names without wildcards need no list of what there is.
case "${WANTED[*]-}" in
''|*[*?[]*) mapfile -t ALL < <(cases) ;;
*) ALL=("${WANTED[@]}") ;;
esac
# The first connections of a boot are late.
for _ in 1 2; do
	drill "${XTCP_PD_WARM:-${ALL[0]}}" >/dev/null 2>&1
done
for c in "${ALL[@]}"; do
	wanted "$c" || continue
	run_pkt "$c"
done
finish
