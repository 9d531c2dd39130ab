#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# linux-source.sh: what we use of Debian's kernel source, which is never copied
# into this repository: kselftest's runner and headers, checkpatch. Prints the
# folder. "linux-source.sh tar" prints the path of the whole tree's archive.
set -eu
. "$(dirname "$0")/lib.sh"

store=$XTCP_CACHE/linux-source
archive() {
	local tmp
	[ ! -s "$store.tar.xz" ] || return 0
	say "fetching linux-source-6.1 (once)"
	tmp=$(mktemp -d "$XTCP_CACHE/tmp.XXXXXX")
	(cd "$tmp" && private_apt bookworm download linux-source-6.1 >&2)
	dpkg-deb --fsys-tarfile "$tmp"/*.deb | tar -xO ./usr/src/linux-source-6.1.tar.xz >"$tmp/tar"
	mv "$tmp/tar" "$store.tar.xz"
	rm -r "$tmp"
}

extract() {
	local tmp
	archive
	[ ! -d "$store" ] || return 0
	say "unpacking kselftest and checkpatch (once)"
	tmp=$(mktemp -d "$XTCP_CACHE/tmp.XXXXXX")
	tar -xJf "$store.tar.xz" -C "$tmp" --strip-components=1 --wildcards \
		'*/tools/testing/selftests/kselftest*' '*/tools/testing/selftests/lib.mk' \
		'*/scripts/checkpatch.pl' '*/scripts/spelling.txt' '*/scripts/const_structs.checkpatch' \
		'*/scripts/kernel-doc' '*/scripts/coccinelle'
	publish "$tmp" "$store"
}

mkdir -p "$XTCP_CACHE"
case ${1:-} in
tar)
	[ -s "$store.tar.xz" ] || locked linux-source archive
	echo "$store.tar.xz" ;;
*)
	[ -d "$store" ] || locked linux-source extract
	echo "$store" ;;
esac
