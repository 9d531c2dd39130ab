#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# conformance.sh: totals of selftests/conformance.tsv: id, met/partly/no, test, section, mark.
case ${1:-} in -h|--help) sed -n '3s/^# //p' "$0"; exit 0 ;; esac
set -eu
cd "$(dirname "$0")/.."
[ -f selftests/conformance.tsv ] || { echo "conformance: no selftests/conformance.tsv"; exit 4; }
awk -F '\t' '
	$2 !~ /^(met|partly|no)$/ { printf "line %d: %s\n", NR, $0; bad++; next }
	{ n[$2]++; mark[$5, $2]++;  split($1, id, /[-.:]/); doc[id[1]]++; has[id[1], $2]++ }
	END {
		for (d in doc)
			printf "%-12s %4d met %4d partly %4d no\n", d, has[d, "met"], has[d, "partly"], has[d, "no"] | "sort"
		close("sort")
		split("core full beyond", m, " ")
		for (i = 1; i <= 3; i++)
			printf "%-12s %4d met %4d partly %4d no\n", m[i], mark[m[i], "met"], mark[m[i], "partly"], mark[m[i], "no"]
		printf "%-12s %4d met %4d partly %4d no\n", "total", n["met"], n["partly"], n["no"]
		exit bad > 0
	}' selftests/conformance.tsv
