#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build-example.sh KDIR NAME: build examples/ against the xtcp.ko that
# build-module.sh made in build/NAME, as a module of somebody else's: with one
# header and Module.symvers. Prints the folder.
set -eu
. "$(dirname "$0")/lib.sh"

kdir=${1:?usage: build-example.sh KDIR NAME}
out=$BUILD/${2:?}/examples
symvers=$BUILD/$2/src/Module.symvers
name=xtcp_cong_example
dir=$out/$name
mkdir -p "$dir/xtcp/control"
exec 9>"$out/lock"
flock 9

# Unchanged sources and symbols: what stands there is right.
key=$(cat "$TOP/examples/$name"/*.c "$TOP/examples/$name/Kbuild" "$TOP/module/control/cong.h" \
	"$symvers" | md5sum)
if [ ! -f "$dir/$name.ko" ] || [ "$(cat "$dir/key" 2>/dev/null)" != "$key" ]; then
	cp "$TOP/examples/$name"/*.c "$TOP/examples/$name/Kbuild" "$dir/"
	cp "$TOP/module/control/cong.h" "$dir/xtcp/control/"
	cp "$symvers" "$dir/xtcp.symvers"
	if ! kernel_make "$kdir" "$dir" XTCP="$dir/xtcp" KBUILD_EXTRA_SYMBOLS="$dir/xtcp.symvers" \
		>"$dir/log" 2>&1; then
		cat "$dir/log" >&2
		die "the example does not build for $2"
	fi
	echo "$key" >"$dir/key"
fi
echo "$out"
