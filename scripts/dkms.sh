#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# dkms.sh [KERNEL]: register the checkout with DKMS under the version in dkms.conf,
# build and install it (default: the running kernel). DKMS_ARGS: options for dkms,
# as "--dkmstree DIR --sourcetree DIR --installtree DIR" for another place.
set -eu
. "$(dirname "$0")/lib.sh"

need dkms dkms
kernel=${1:-$(uname -r)}
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$TOP/dkms.conf")
tree=/usr/src
read -ra args <<<"${DKMS_ARGS:-}"
for ((i = 0; i < ${#args[@]}; i++)); do
	[ "${args[i]}" != --sourcetree ] || tree=${args[i + 1]}
done

# What dkms keeps: nothing but the module.
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cp -r "$TOP"/{Kbuild,module,uapi,dkms.conf,COPYING} "$stage/"

as_root dkms remove "${args[@]}" "xtcp/$version" --all >/dev/null 2>&1 || true
as_root rm -rf "$tree/xtcp-$version"
as_root dkms add "${args[@]}" "$stage"
as_root dkms build "${args[@]}" "xtcp/$version" -k "$kernel"
as_root dkms install "${args[@]}" "xtcp/$version" -k "$kernel"
