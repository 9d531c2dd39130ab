#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# debug-kernel.sh debug|kcsan: build a kernel that complains from Debian's source
# and scripts/*.config (12 minutes on two free cores, once per configuration).
# Keeps what boots and what a module build needs. Called by kernel.sh.
set -eu
. "$(dirname "$0")/lib.sh"

kind=${1:?usage: debug-kernel.sh debug|kcsan}
tar=$("$TOP/scripts/linux-source.sh" tar)
dest=$XTCP_CACHE/kernel/$(debug_name "$kind")

tmp=$(mktemp -d "$XTCP_CACHE/tmp.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
src=$tmp/build
mkdir "$src"
say "building the $kind kernel (once; 12 minutes on two free cores)"
tar -xJf "$tar" -C "$src" --strip-components=1
(
	cd "$src"
	make -s x86_64_defconfig
	debug_config "$kind" >debug.config
	scripts/kconfig/merge_config.sh -m .config kernel/configs/kvm_guest.config debug.config >/dev/null
	make -s olddefconfig
	if grep -E '^CONFIG' debug.config | grep -vxFf .config; then
		die "these options of the $kind kernel are not available"
	fi
) >&2

# A line each 30 seconds: how many files are compiled.
# shellcheck disable=SC2046	# words
(cd "$src" && exec nice -n 10 make -j"$(nproc)" $(debug_make_args "$kind") bzImage modules) \
	>"$tmp/log" 2>&1 &
pid=$!
seconds=0
while kill -0 $pid 2>/dev/null; do
	sleep 1
	seconds=$((seconds + 1))
	[ $((seconds % 30)) != 0 ] || say "$(grep -c . "$tmp/log") steps of about 2600, $seconds s"
done
if ! wait $pid; then
	grep -B2 -A10 -iE 'error' "$tmp/log" | head -40 >&2
	die "the $kind kernel does not build"
fi

say "keeping what a module build needs"
make -s -C "$src" kernelrelease >"$tmp/release"
# Not vmlinux: KASAN dies on the PVH entry.
cp "$src/arch/x86/boot/bzImage" "$tmp/vmlinuz"
keep=$tmp/keep
mkdir -p "$keep"
(
	cd "$src"
	{
		find . -name 'Makefile*' -o -name 'Kbuild*' | grep -vE '^./(drivers|sound|fs|net|Documentation|samples|lib)/'
		find include arch/x86/include scripts -type f ! -name '*.c' ! -name '*.o' ! -name '*.cmd'
		find arch/x86 -maxdepth 2 -name '*.lds' -o -maxdepth 2 -name '*.tools'
		ls .config Module.symvers tools/objtool/objtool
		ls arch/x86/kernel/macros.s 2>/dev/null || true
	} | sed 's,^\./,,' | sort -u | cpio --quiet -pdm "$keep"
)
rm -rf "$src" "$tmp/log"
mv "$keep" "$src"
mkdir "$tmp/modules"
publish "$tmp" "$dest"
