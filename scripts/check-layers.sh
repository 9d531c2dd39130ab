#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check-layers.sh: a file of module/ includes its own room and lower ones only
# (layout.md): words, algorithms, records, containers, protocol, edges.
case ${1:-} in -h|--help) sed -n '3,4s/^# //p' "$0"; exit 0 ;; esac
set -eu
cd "$(dirname "$0")/.."

# shellcheck disable=SC2016
find module -name '*.[ch]' -print0 | xargs -0 awk '
	BEGIN {
		level["compat"] = 0; level["proto"] = 0; level["control"] = 1; level["conn"] = 2
		level["queue"] = 2.5; level["engine"] = 3
		level["net"] = level["socket"] = level["watch"] = 4
	}
	FNR == 1 { split(FILENAME, part, "/"); room = part[3] == "" ? "main" : part[2] }
	/^[ \t]*#[ \t]*include[ \t]*"/ {
		split($0, q, "\"")
		path = q[2]
		n = split(path, p, "/")
		target = n > 1 ? p[n - 1] : room
		if (target == ".")
			target = room
		if (room == "main" || target == room || !(target in level))
			next
		# a binding and a listener are found by what stands in the socket
		if (FILENAME ~ /conn\/(port|lease|demux)\.c$/ && path == "engine/sock.h")
			next
		# edges do not include each other
		if (level[target] > level[room] || level[target] == 4 && level[room] == 4) {
			printf "%s:%d: %s may not include %s\n", FILENAME, FNR, room, path
			bad = 1
		}
	}
	/LINUX_VERSION_CODE|KERNEL_VERSION\(/ && room != "compat" {
		printf "%s:%d: kernel versions belong to module/compat\n", FILENAME, FNR
		bad = 1
	}
	END { exit bad }
'
