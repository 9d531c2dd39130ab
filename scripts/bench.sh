#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
set -eu
. "$(dirname "$0")/lib.sh"

usage() {
	cat <<'END'
bench.sh [-v] [-r RUNS] [ROW...]: xtcp against the kernel's TCP

Kernel client to xtcp server over kernel client to kernel server, in one boot
of the test machine in virtual time, where the clock counts instructions: of
both ends, kernel and user. ratio below 1 is better. aa is the kernel against
itself, as a distance from 1: a ratio nearer to 1 than that says nothing.
-v tells every run. ROWs are shell patterns. All rows are written to build/bench.json.

  download, upload      seen from the client; 64 KB writes, 1 MB buffers
  *_nogso               the same without TSO, GSO and GRO
  round_trip            1 byte each way
  connection            connect, accept, 1 byte each way, client closes first
  open_close            connect, accept, server closes first
  accept, accept_batch  one of many that wait, by accept4, by XTCP_ACCEPT_BATCH
                        (the kernel's column is accept4 for both)
  syn                   SYN in, SYN-ACK out, and the raw socket that sends it
  mem_*                 bytes per object on the server's side, all slabs
  size_*                bytes of the object alone

Environment: BENCH_KERNEL (6.1, as vm.sh --kernel).
END
}

case ${1-} in -h|--help) usage; exit 0 ;; esac

make -s -C "$TOP/selftests/bench" >&2
kernel=${BENCH_KERNEL:-6.1}
mkdir -p "$BUILD"
rows=$(mktemp "$BUILD/bench.XXXXXX")
trap 'rm -f "$rows"' EXIT
status=0
"$TOP/scripts/vm.sh" --kernel "$kernel" --time virtual -- \
	scripts/bench/guest.sh build/bench/bench "$@" >"$rows" || status=$?
[ -s "$rows" ] || exit "$status"

release=$(cat "$("$TOP/scripts/kernel.sh" "$kernel")/release")
commit=$(git -C "$TOP" describe --always --dirty 2>/dev/null || echo unknown)

awk -F '\t' -v kernel="$release" -v commit="$commit" '
	function text(s) { return "\"" s "\"" }
	NR == 1 {
		printf "{\"schema\":1,\"kernel\":%s,\"accel\":\"tcg-icount\",\"commit\":%s,\"rows\":[",
			text(kernel), text(commit)
	}
	{
		printf "%s\n{\"name\":%s,\"unit\":%s,\"kernel\":%s,\"xtcp\":%s,\"ratio\":%s,\"aa\":%s}",
			(NR == 1 ? "" : ","), text($1), text($2), $3, $4, $5, $6
	}
	END { print "]}" }' "$rows" >"$BUILD/bench.json"

awk -F '\t' '
	BEGIN { printf "%-22s %-8s %12s %12s %8s %8s\n", "name", "unit", "kernel", "xtcp", "ratio", "aa" }
	function n(v) { return v == "null" ? "-" : v < 100 ? sprintf("%.3f", v) : sprintf("%.0f", v) }
	{ printf "%-22s %-8s %12s %12s %8s %8s\n", $1, $2, n($3), n($4), n($5), n($6) }' "$rows"
exit "$status"
