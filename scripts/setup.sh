#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# setup.sh [build|chroot|test|all]: install the Debian packages that the other
# scripts need and that are missing. build: the module and the test machine;
# chroot: kernel 7.3; test: also what the suite runs. Services are kept from
# starting.
set -eu
. "$(dirname "$0")/lib.sh"

build="build-essential bc bison flex libelf-dev libssl-dev dwarves rsync kmod cpio xz-utils
	busybox-static qemu-system-x86 debian-archive-keyring iproute2 python3 git ca-certificates curl procps"
test="nftables tcpdump iperf3 nginx-light redis-server redis-tools netcat-openbsd socat
	python3-scapy sparse shellcheck tshark ethtool iputils-ping conntrack liblwip-dev"

case ${1:-all} in
build) want=$build ;;
chroot) want=mmdebstrap ;;
test|all) want="$build $test" ;;
*) die "usage: setup.sh [build|chroot|test|all]" ;;
esac

missing=()
for p in $want; do
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
done
[ ${#missing[@]} -gt 0 ] || exit 0

say "installing ${#missing[@]} packages: ${missing[*]}"
policy=/usr/sbin/policy-rc.d
guard=
if [ ! -e $policy ]; then
	guard=yes
	printf '#!/bin/sh\nexit 101\n' | as_root sh -c "cat >$policy && chmod 755 $policy"
fi
install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends \
		"${missing[@]}" >"$XTCP_CACHE/setup.log" 2>&1
}
mkdir -p "$XTCP_CACHE"
status=0
install || { say "reading the package lists"; as_root apt-get -q update >&2; install; } || status=$?
[ -z "$guard" ] || as_root rm -f $policy
if [ $status != 0 ]; then
	tail -20 "$XTCP_CACHE/setup.log" >&2
	die "apt-get failed"
fi
