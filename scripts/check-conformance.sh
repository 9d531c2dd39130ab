#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check-conformance.sh: what selftests/conformance.tsv names is there: an id once,
# and in every row that claims something PROGRAM.TEST, unit/PROGRAM.TEST,
# SCRIPT.sh.CASE[.vN] or FILE:FUNCTION.
set -eu
cd "$(dirname "$0")/.."

{
	# The tests as the table calls them: fixtures are of no interest, and a
	# macro of the program's may make a test, NAME(what__when, ...).
	for f in selftests/*.c selftests/wire/wire_*.c selftests/unit/*_test.c; do
		name=${f#selftests/}
		name=${name#wire/}
		sed -nE "s,^TEST_F[A-Z_]*\([a-z0-9_]+\, *([a-z0-9_]+).*,test ${name%.c}.\1,p
			s,^[A-Z_]+\(([a-z0-9_]+)[\,)].*,test ${name%.c}.\1,p" "$f"
	done
	# A case has a function in its script, or is made of words that are there.
	for f in selftests/*.sh; do
		grep -oE '[a-z0-9_]+' "$f" | sort -u | sed "s,^,word ${f#selftests/} ,"
	done
	sed 's/^/row /' selftests/conformance.tsv
} | awk '
	$1 == "test" { test[$2]; next }
	$1 == "word" { word[$2, $3]; script[$2]; next }
	{
		n = split(substr($0, 5), col, "\t")
		if (n != 5)
			print col[1] ": " n " columns"
		if (col[1] in seen)
			print col[1] ": twice"
		seen[col[1]]
		claims = col[2] == "met" || col[2] == "partly"
		if (claims != (col[3] != "-"))
			print col[1] ": " col[2] " by " col[3]
		if (claims)
			names(col[1], col[3])
	}
	function names(id, list,	t, i, k)
	{
		k = split(list, t, " ")
		for (i = 1; i <= k; i++)
			if (!known(t[i]))
				print id ": no " t[i]
	}
	function known(t,	p, i, k, file)
	{
		if (t ~ /\.[ch]:/) {
			split(t, p, ":")
			return !system("grep -qw " p[2] " " p[1] " 2>/dev/null")
		}
		if (t !~ /\.sh\./)
			return t in test
		k = split(t, p, ".")
		file = p[1] ".sh"
		for (i = 3; i <= k; i++)
			if (!((file, p[i]) in word) && p[i] !~ /^v[46]$/)
				return 0
		return k > 2 && file in script
	}'
