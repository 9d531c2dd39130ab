#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [vm.sh OPTION...] = make demo: set up what is missing, boot the test
# machine, load the module, run the demo in it (guest.sh). Status 0 if the
# page that was fetched is right and the queues were 5 and 7.
set -eu
. "$(dirname "$0")/../lib.sh"

case ${1-} in
-h|--help) sed -n '3,5s/^# //p' "$0"; exit 0 ;;
esac
say "1/3 packages"
"$TOP/scripts/setup.sh" build
say "2/3 test machine (the first time this fetches a kernel)"
"$TOP/scripts/kernel.sh" 6.1 >/dev/null
say "3/3 build xtcp.ko, boot, load, run"
exec "$TOP/scripts/vm.sh" "$@" -- scripts/demo/guest.sh
