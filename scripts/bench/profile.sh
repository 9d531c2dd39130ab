#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
set -eu
. "$(dirname "$0")/../lib.sh"

usage() {
	cat <<'END'
profile.sh [-n LINES] ROW...: where the instructions of a row of bench.sh go

Runs each ROW (its full name) in the test machine in virtual time, once with a
server on the kernel's TCP and once with one on xtcp, and prints for each:

  * the functions of xtcp, by instructions, those they call included
  * all functions, by the instructions of their own, xtcp's and the kernel's
    run side by side
  * the functions in which the two runs differ most

per operation (or per 1000 bytes), both ends, exact: QEMU counts (insns.c).
END
}

lines=40
case ${1-} in
-h|--help|'') usage; exit 0 ;;
-n) lines=$2; shift 2 ;;
-*) usage >&2; exit 2 ;;
esac

make -s -C "$TOP/selftests/bench" >&2
kernel=${BENCH_KERNEL:-6.1}
dir=$(mktemp -d "$BUILD/profile.XXXXXX")
trap 'rm -rf "$dir"' EXIT
${CC:-cc} -O2 -Wall -Wextra -fPIC -shared -o "$dir/insns.so" "$TOP/scripts/bench/insns.c"

# shellcheck disable=SC2016	# the guest's
VM_QEMU="-plugin $dir/insns.so,out=$dir/counts" \
	"$TOP/scripts/vm.sh" --kernel "$kernel" --time virtual -- \
	scripts/bench/guest.sh bash -c '
		awk "\$2 ~ /^[tTwW]$/" /proc/kallsyms
		for row; do
			build/bench/bench -k "$row" | sed "s/^/run kernel /"
			build/bench/bench -x "$row" | sed "s/^/run xtcp /"
		done' bench "$@" >"$dir/out"
python3 "$TOP/scripts/bench/profile.py" "$lines" "$dir/out" "$dir/counts"
