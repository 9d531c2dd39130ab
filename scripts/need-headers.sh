#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# need-headers.sh KDIR: can a module be built there? If not, say what to install.
[ -f "$1/Makefile" ] && exit 0
kver=${1#/lib/modules/}
if [ "$kver" = "$1" ]; then
	echo "make: KDIR=$1 is no kernel build tree" >&2
else
	echo "make: no headers of kernel ${kver%/build}: apt-get install linux-headers-${kver%/build}" >&2
	echo "make: (the test machine needs none: make demo, scripts/vm.sh)" >&2
fi
exit 4
