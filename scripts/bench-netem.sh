#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
set -euo pipefail
. "$(dirname "$0")/lib.sh"

usage() {
	cat <<'END'
bench-netem.sh [OPTION...]: goodput on bad paths, xtcp over the kernel's TCP

The same transfers over the same path in one boot of the test machine, in
virtual time: first the kernel's TCP, then xtcp, on one side; the kernel's TCP
on the other. CUBIC on both. The packets that the path loses or lets overtake
are chosen by a seed, the same for both. ratio is xtcp's goodput over the
kernel's, the target is 0.95. A row is repeated with other seeds until it is
clear on which side of the target it is (two standard errors). The share rows
are one flow of each through one bottleneck: ratio is Jain's index, target 0.95.

  --rows "PATTERN..."  these rows alone (shell patterns)
  --list               tell the rows
  -r N, -R N           at least and at most so many runs of each (5, 20)
  -s SEED              the first seed (1)
  -v                   tell every run
  -d                   and every packet, as n1 saw it (tcpdump)

  lossL_rttR.send      L % of the data lost, R ms there and back; xtcp connects
                       and sends
  *.recv               ... xtcp listens and receives
  *.both               ... xtcp on both sides, over the kernel's TCP on both
  reorderP_rttR        P % of the data overtakes what R/4 ms went before
  ackloss10_rtt20      10 % of the acknowledgments lost
  rateM_bufferB        M Mbit/s, 20 ms, queue of B packets
  shareM_bufferB       two flows, M Mbit/s, 20 ms, queue of B packets

rtx: retransmissions per 1000 segments; wasted: those the receiver had no need of
(D-SACK), which xtcp may not have more of in sum than the kernel.
The table is also written to build/bench-netem.json and build/bench-netem.md.
Status 1: a target is missed by more than two standard errors.
Environment: BENCH_KERNEL (6.1, as vm.sh --kernel).
END
}

options=() patterns=()
while [ $# -gt 0 ]; do
	case $1 in
	-h|--help) usage; exit 0 ;;
	--rows) read -ra patterns <<<"$2"; shift ;;
	--list) exec python3 "$TOP/scripts/bench/netem.py" -l ;;
	-v) options+=(-v) ;;
	-d) options+=(-v -d) ;;
	-r|-R|-s) options+=("$1" "$2"); shift ;;
	*) usage >&2; exit 2 ;;
	esac
	shift
done

for t in tc nft ethtool; do
	PATH=$PATH:/usr/sbin:/sbin command -v $t >/dev/null || "$TOP/scripts/setup.sh" test
done
make -s -C "$TOP/selftests" "$BUILD/selftests/flow" >&2
kernel=${BENCH_KERNEL:-6.1}
mkdir -p "$BUILD"
rows=$(mktemp "$BUILD/bench-netem.XXXXXX")
trap 'rm -f "$rows"' EXIT
status=0
# shellcheck disable=SC2016	# the guest's
"$TOP/scripts/vm.sh" --kernel "$kernel" --time virtual --timeout 3600 -- \
	env PATH="$PATH:/usr/sbin:/sbin" scripts/bench/netem.py "${options[@]}" "${patterns[@]}" |
while IFS=$'\t' read -r name k x ratio error runs more; do
	# shellcheck disable=SC2086	# words
	case $name in
	'#'*) echo "$name" ;;
	*)
		[ -s "$rows" ] || printf '%-26s %9s %9s %7s %6s %4s %7s %7s %7s %7s\n' "Mbit/s" kernel xtcp \
			ratio "+-" runs rtx rtx wasted wasted
		printf '%-26s %9s %9s %7s %6s %4s %7s %7s %7s %7s  %s\n' "$name" "$k" "$x" "$ratio" "$error" "$runs" $more
		printf '%s\t' "$name" "$k" "$x" "$ratio" "$error" "$runs" >>"$rows"
		echo "$more" >>"$rows"
		;;
	esac
done || status=$?
[ -s "$rows" ] || exit "$status"

release=$(cat "$("$TOP/scripts/kernel.sh" "$kernel")/release")
commit=$(git -C "$TOP" describe --always --dirty 2>/dev/null || echo unknown)

awk -F '\t' -v kernel="$release" -v commit="$commit" '
	function text(s) { return "\"" s "\"" }
	function number(s) { return s == "-" || s == "inf" ? "null" : s }
	NR == 1 {
		printf "{\"schema\":1,\"kernel\":%s,\"accel\":\"tcg-icount\",\"commit\":%s,\"rows\":[",
			text(kernel), text(commit)
	}
	{
		printf "%s\n{\"name\":%s,\"unit\":\"Mbit/s\",\"kernel\":%s,\"xtcp\":%s,\"ratio\":%s",
			(NR == 1 ? "" : ","), text($1), $2, $3, $4
		printf ",\"error\":%s,\"runs\":%s,\"retrans_kernel\":%s,\"retrans_xtcp\":%s",
			number($5), $6, number($7), number($8)
		printf ",\"wasted_kernel\":%s,\"wasted_xtcp\":%s,\"verdict\":%s}",
			number($9), number($10), text($11)
	}
	END { print "]}" }' "$rows" >"$BUILD/bench-netem.json"
{
	echo "Goodput on bad paths: xtcp over the kernel's TCP ($release, virtual time, $commit)"
	echo
	echo "| path | kernel, Mbit/s | xtcp, Mbit/s | ratio | error | runs | wasted, kernel | wasted, xtcp | verdict |"
	echo "|---|---|---|---|---|---|---|---|---|"
	awk -F '\t' '{ print "| " $1 " | " $2 " | " $3 " | " $4 " | " $5 " | " $6 " | " $9 " | " $10 " | " $11 " |" }' "$rows"
} >"$BUILD/bench-netem.md"
awk -F '\t' '
	$11 == "MISS" { n++ }
	$1 ~ /\.(send|both)$/ { k += $9; x += $10; m++ }
	END {
		if (m)
			printf "sent again for nothing, of 1000 segments: kernel %.2f, xtcp %.2f\n", k / m, x / m
		if (n) print n " of " NR " rows below the target"
		else print NR " rows, none below the target"
		exit n > 0 || x > k
	}' "$rows" || status=1
exit "$status"
