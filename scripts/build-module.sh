#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build-module.sh KDIR NAME: build xtcp.ko in build/NAME from a copy of the
# sources, so that one tree serves many kernels, and print its path. With
# SILENT=1 a warning is a failure, told again until it is mended.
set -eu
. "$(dirname "$0")/lib.sh"

kdir=${1:?usage: build-module.sh KDIR NAME [MAKE-ARGUMENT...]}
out=$BUILD/${2:?}
shift 2
need rsync rsync
[ -f "$TOP/Kbuild" ] || die "there is no Kbuild in $TOP"
mkdir -p "$out"
exec 9>"$out/lock"
flock 9
if [ -n "${SILENT:-}" ]; then
	[ -e "$out/silent" ] || rm -rf "$out/src"
	rm -f "$out/silent"
fi

mkdir -p "$out/src"
# Contents, not times: a file saved while a build runs must not look built.
rsync -rlc --delete --include='*/' --include='*.[chS]' --include=Kbuild --exclude='*' \
	"$TOP/Kbuild" "$TOP/module" "$TOP/uapi" "$out/src/"

version=$(git -C "$TOP" describe --always --dirty 2>/dev/null) || version=unknown
# What the compilers say, without the progress, with the names of the checkout.
complaints() {
	sed -e '/^  [A-Z]\+ /d' -e "s,$out/src/,,g" -e '/^make/d' -e '/^warning: the compiler differs/,+2d' \
		-e '/^Skipping BTF/d' -e '/^warning: pahole version/,+2d' "$out/log" >&2
}
if ! kernel_make "$kdir" "$out/src" XTCP_VERSION="$version" -j"$(nproc)" "$@" >"$out/log" 2>&1; then
	complaints
	die "the module does not build for $(basename "$out")"
fi
complaints 2>&1 | tee "$out/warnings" >&2
if [ -n "${SILENT:-}" ]; then
	[ ! -s "$out/warnings" ] || exit 1
	touch "$out/silent"
fi
cmp -s "$out/src/xtcp.ko" "$out/xtcp.ko" || cp "$out/src/xtcp.ko" "$out/xtcp.ko"
echo "$out/xtcp.ko"
