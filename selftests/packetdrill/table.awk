# SPDX-License-Identifier: GPL-2.0
# table.awk - packetdrill results by topic:
#
#	awk -f table.awk EXPECTED.tsv RESULTS.tsv
#
# EXPECTED.tsv has a line of column names, "#script 6.1/ipv4 ... 7.3/ipv6", and a
# line for each script; what xtcp is measured against are the columns of the
# newest kernel, -v kernel= names another.  RESULTS.tsv has script, mode, PASS
# or FAIL, reason.  Counted is what the kernel passes; a run without a result
# has failed.  -v leave=REGEX leaves scripts out.

function topic(script,	t) {
	t = script
	if (sub(/^gtests:tcp\//, "", t)) {
		sub(/\/.*/, "", t)
		return t
	}
	if (!sub(/^ksft:tcp_/, "", t))
		return "own"
	if (match(t, /^(cwnd_moderation|fast_recovery|fast_retransmit|limited_transmit|slow_start|syscall_bad_arg|tcp_info|ts_recent|user_timeout|notsent_lowat|mtu_probe)/))
		return substr(t, 1, RLENGTH)
	sub(/[_.-].*/, "", t)
	return t
}

BEGIN { FS = "\t"; if (kernel == "") kernel = "7.3" }

FNR == NR {
	if (/^#/) {
		for (i = 2; i <= NF; i++)
			if (split($i, part, "/") == 2 && part[1] == kernel)
				mode[i] = part[2]
		next
	}
	if (leave != "" && $1 ~ leave)
		next
	for (i in mode)
		if ($i == "PASS")
			want[$1, mode[i]] = topic($1)
	next
}

function sub_key(k) {
	sub(SUBSEP, "\t", k)
	return k
}

{ got[$1, $2] = $3; why[$1, $2] = $4 }

END {
	for (k in want) {
		t = want[k]
		total[t]++
		all++
		if (!(k in got))
			fails[++n] = sub_key(k) "\tno result"
		else if (got[k] == "PASS") {
			pass[t]++
			passed++
		} else {
			fails[++n] = sub_key(k) "\t" why[k]
		}
	}
	sort = "sort"
	for (t in total)
		printf "%-20s %3d/%d\n", t, pass[t], total[t] | sort
	close(sort)
	printf "%-20s %3d/%d\n", "all", passed, all
	for (i = 1; i <= n; i++)
		print "FAIL\t" fails[i] | sort
	close(sort)
}
