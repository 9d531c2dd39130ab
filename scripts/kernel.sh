#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel.sh KERNEL: make sure a kernel is in the cache and print its folder.
#
#   6.1 6.12 7.3 Debian's amd64 flavour, unpacked, not installed; with 7.3 comes
#                chroot/, a trixie that has its compiler
#   debug        6.1 from source with scripts/debug.config
#   kcsan        the same with scripts/kcsan.config on top
#
# The folder holds vmlinux or vmlinuz, release, build/ (KDIR), modules/ (what
# /lib/modules/RELEASE is in the guest) and initramfs.
set -eu
. "$(dirname "$0")/lib.sh"

want=${1:?usage: kernel.sh 6.1|6.12|7.3|debug|kcsan}
store=$XTCP_CACHE/kernel

# What the guest needs before it can see the host's files.
early="virtio_pci virtio_console 9pnet_virtio 9p overlay"

unpack() { # SUITE DIR PACKAGE...
	local suite=$1 dir=$2
	shift 2
	(cd "$dir" && private_apt "$suite" download "$@" >&2)
	for deb in "$dir"/*.deb; do
		dpkg-deb -x "$deb" "$dir/root"
		rm "$deb"
	done
}

# The only package that PACKAGE depends on and that matches PATTERN.
depends() { # SUITE PACKAGE PATTERN
	private_apt "$1" depends "$2" | awk -v p="$3" '/Depends:/ && $2 ~ p { print $2; exit }'
}

initramfs_is_new() {
	[ "$dir/initramfs" -nt "$TOP/scripts/guest/init" ] &&
		[ "$dir/initramfs" -nt "$TOP/scripts/guest/sync9p/sync9p.c" ]
}

# make_initramfs DIR: busybox, the early modules, scripts/guest/init and sync9p.
make_initramfs() {
	local dir=$1 root=$1/initramfs.d m
	! initramfs_is_new || return 0
	rm -rf "$root"
	mkdir -p "$root"/{bin,modules,proc,sys,dev,root}
	cp "$(command -v busybox)" "$root/bin/busybox"
	: >"$root/modules/order"
	if [ -s "$dir/modules/modules.dep" ]; then
		for m in $early; do
			modprobe -d "$dir/modroot" -S "$(cat "$dir/release")" --show-depends "$m"
		done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r m; do
			cp "$m" "$root/modules/"
			case $m in *.xz) xz -d "$root/modules/${m##*/}" ;; esac
			basename "$m" .xz >>"$root/modules/order"
		done
	fi
	install -m 755 "$TOP/scripts/guest/init" "$root/init"
	cp -r "$TOP/scripts/guest/sync9p" "$root/src"
	kernel_make "$dir/build" "$root/src" -s >&2 2>"$root.log" || { cat "$root.log" >&2; die "sync9p does not build"; }
	rm "$root.log"
	mv "$root/src/sync9p.ko" "$root/modules/"
	rm -r "$root/src"
	(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0) >"$root.new"
	mv "$root.new" "$dir/initramfs"
	rm -r "$root"
}

# An ELF kernel boots through PVH and skips unpacking itself under emulation.
extract_vmlinux() { # VMLINUZ VMLINUX
	python3 - "$1" "$2" <<-'EOF' || true
	import lzma, sys
	data = open(sys.argv[1], 'rb').read()
	at = data.find(b'\xfd7zXZ\0')
	while at >= 0:
	    try:
	        elf = lzma.LZMADecompressor().decompress(data[at:])
	        if elf[:4] == b'\x7fELF':
	            open(sys.argv[2], 'wb').write(elf)
	            break
	    except lzma.LZMAError:
	        pass
	    at = data.find(b'\xfd7zXZ\0', at + 1)
	EOF
}

# A minimal system with gcc-14, for kernels that bookworm's gcc 12 cannot serve.
make_chroot() { # DIR
	"$TOP/scripts/setup.sh" chroot
	[ "$(id -u)" = 0 ] || die "kernel 7.3 is built in a chroot: run as root"
	say "installing a trixie with gcc-14 (once, 2 minutes)"
	local key=/usr/share/keyrings/debian-archive-keyring.gpg
	mmdebstrap --quiet --mode=root --variant=apt --include=gcc-14,make,libelf1t64 trixie "$1" \
		"deb [signed-by=$key] $(mirror_of main) trixie main" >&2
	ln -sf gcc-14 "$1/usr/bin/gcc"
}

stock() { # VERSION SUITE
	local tmp image release hdr f extra
	tmp=$(mktemp -d "$XTCP_CACHE/tmp.XXXXXX")
	chmod 755 "$tmp"
	say "fetching kernel $1 from $2 (once)"
	image=$(depends "$2" linux-image-amd64 '^linux-image-[0-9]')
	release=${image#linux-image-}
	[ -n "$release" ] || die "$2 has no linux-image-amd64"
	hdr=linux-headers-$release
	# Since 7.0 the image is a set of packages.
	extra=$(depends "$2" "$image" '^linux-binary-')
	[ -z "$extra" ] || extra="$extra linux-modules-$release linux-base-$release"
	# shellcheck disable=SC2086	# words
	unpack "$2" "$tmp" "$image" $extra "$hdr" "$(depends "$2" "$hdr" '-common$')" \
		"$(depends "$2" "$hdr" '^linux-kbuild')"
	echo "$release" >"$tmp/release"
	f=$tmp/root/usr/lib/modules
	[ ! -d "$f" ] || { mkdir -p "$tmp/root/lib"; cp -al "$f" "$tmp/root/lib/"; rm -r "$f"; }
	f=$tmp/root/lib/modules/$release/vmlinuz
	[ -f "$f" ] || f=$tmp/root/boot/vmlinuz-$release
	mv "$f" "$tmp/vmlinuz"
	extract_vmlinux "$tmp/vmlinuz" "$tmp/vmlinux"
	mkdir -p "$tmp/modroot/lib"
	mv "$tmp/root/lib/modules" "$tmp/modroot/lib/"
	rm -rf "$tmp/root/lib" "$tmp/root/boot" "$tmp/root/usr/share" \
		"$tmp/modroot/lib/modules/$release/"{build,source} \
		"$tmp/modroot/lib/modules/$release/kernel/drivers/"{gpu,media,infiniband,staging} \
		"$tmp/modroot/lib/modules/$release/kernel/sound"
	ln -s "modroot/lib/modules/$release" "$tmp/modules"
	depmod -b "$tmp/modroot" "$release"
	# The unpacked headers name /usr/src: point them at themselves.
	ln -s "root/usr/src/$hdr" "$tmp/build"
	for f in "$tmp/build/Makefile" "$tmp/build/.kernelvariables"; do
		[ ! -f "$f" ] || sed -i "s,/usr/src/,$store/$1/root/usr/src/,g" "$f"
	done
	[ "$1" != 7.3 ] || make_chroot "$tmp/chroot"
	publish "$tmp" "$store/$1"
}

prepare() {
	[ ! -s "$dir/release" ] || return 0
	mkdir -p "$store"
	case $want in
	6.1) stock 6.1 bookworm ;;
	6.12) stock 6.12 bookworm-backports ;;
	7.3) stock 7.3 trixie-backports ;;
	debug|kcsan) "$TOP/scripts/debug-kernel.sh" "$want" ;;
	*) die "no such kernel: $want" ;;
	esac
}

case $want in
debug|kcsan) dir=$store/$(debug_name "$want") ;;
*) dir=$store/$want ;;
esac
if [ ! -s "$dir/release" ]; then
	"$TOP/scripts/setup.sh" build
	locked "kernel-$want" prepare
fi
if ! initramfs_is_new; then
	locked "kernel-$want" make_initramfs "$dir"
fi
echo "$dir"
