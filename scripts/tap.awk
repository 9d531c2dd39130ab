# SPDX-License-Identifier: GPL-2.0
# TAP of a group on stdin: a line per test, the whole story of one that failed,
# and "passed failed skipped" into the file TOTALS. A test's own (nested)
# results are counted instead of the test, if it gives any.
#
# With "quiet" what passed is not listed.
# A plan (1..N) that is not fulfilled is a failure for each test that is missing.

function verdict(line, name) {
	if (line ~ /^not ok/) {
		n_bad++
		return "not ok"
	}
	if (line ~ /# SKIP/) {
		n_skip++
		return "skip"
	}
	n_ok++
	return "ok"
}

/^1\.\.[0-9]+/ { plan += substr($0, 4); next }
/^TAP version/ { next }
/^(not )?ok / {
	done++
	before = n_bad
	sub_all = sub_ok + sub_bad + sub_skip
	if (sub_all) {
		n_ok += sub_ok; n_bad += sub_bad; n_skip += sub_skip
		if (/^not ok/ && !sub_bad)
			n_bad++
	} else {
		verdict($0)
	}
	name = $0
	sub(/^(not )?ok [0-9]+ (- )?/, "", name)
	sub(/^selftests: selftests: /, "", name)
	if (!quiet || n_bad > before)
		print (n_bad > before ? "FAIL " : /# SKIP/ ? "skip " : "ok   ") prefix name (sub_all ? sprintf(" (%d/%d)", sub_ok, sub_all - sub_skip) : "")
	if (n_bad > before)
		printf "%s", buf
	fflush()
	buf = ""; lines = sub_ok = sub_bad = sub_skip = 0
	next
}
/^# ok [0-9]/ { if (/# SKIP/) sub_skip++; else sub_ok++ }
/^# not ok [0-9]/ { sub_bad++ }
{ if (lines++ < 400) buf = buf "     " $0 "\n" }
END {
	if (sub_ok + sub_bad + sub_skip) {
		n_ok += sub_ok; n_bad += sub_bad; n_skip += sub_skip
	}
	if (done < plan || !plan) {
		printf "%s", buf
		if (plan)
			printf "FAIL %s%d of %d tests did not run to their end\n", prefix, plan - done, plan
		else
			printf "FAIL %sno test ran\n", prefix
		n_bad += plan > done ? plan - done : 1
	}
	print n_ok + 0, n_bad + 0, n_skip + 0 >TOTALS
}
