#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# packetdrill.sh [--kernel V] [--out TSV] [--expect TSV] [--leave REGEX] [--batch N] [--limit S] [CASE...]
#
# Runs packetdrill scripts on xtcp in the test machine, in virtual time, N
# (default 50) in a boot of S (default 300) seconds of the host at most; see
# selftests/packetdrill.sh for cases and where the scripts come from. Results go
# into TSV (script, mode, PASS|FAIL, reason; lines of other cases in it stay), a
# table by topic onto stdout. CASE is a pattern; --expect names what other kernels
# do, --leave what is left out of both. Windows in scripts of 7.x follow from what
# memory its TUN device takes: --kernel 7.3.
# VM_WRAP: words in front of scripts/vm.sh.
set -eu
. "$(dirname "$0")/lib.sh"

out=$BUILD/packetdrill.tsv expect='' leave='' batch=50 limit=300
kernel=6.1
while [ $# -gt 0 ]; do
	case $1 in
	--kernel) kernel=$2; shift ;;
	--out) out=$2; shift ;;
	--expect) expect=$2; shift ;;
	--leave) leave=$2; shift ;;
	--batch) batch=$2; shift ;;
	--limit) limit=$2; shift ;;
	-*) die "no such option: $1" ;;
	*) break ;;
	esac
	shift
done

mkdir -p "$BUILD"
tmp=$(mktemp -d "$BUILD/packetdrill.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

# What is wanted: by pattern, and in the table if there is one.
"$TOP/selftests/packetdrill.sh" --list | while read -r c; do
	[ -z "$leave" ] || ! [[ $c =~ $leave ]] || continue
	if [ -n "$expect" ] && [ "${c%%:*}" != own ]; then
		grep -qF "${c% *}	" "$expect" || continue
	fi
	[ $# -gt 0 ] || { echo "$c"; continue; }
	for p in "$@"; do
		# shellcheck disable=SC2053
		[[ $c != $p ]] || { echo "$c"; break; }
	done
done >"$tmp/cases"
[ -s "$tmp/cases" ] || die "no such case (XTCP_PD_GTESTS, XTCP_PD_KSFT?)"

to_tsv() {
	awk '
	function flush() { if (name != "") print name "\t" mode "\t" res "\t" why; name = "" }
	{ sub(/\r$/, "") }
	/^(not )?ok [0-9]+ / {
		flush()
		res = /^not/ ? "FAIL" : "PASS"
		sub(/^(not )?ok [0-9]+ /, "")
		split($0, part, " ")
		name = part[1]; mode = part[2]; why = ""
		next
	}
	/^#   / && name != "" && !(/^# +\(gdb|INFO/) {
		line = $0
		gsub(/\t/, " ", line)
		sub(/^# +/, "", line)
		if (why == "") why = line
		else if (length(why) < 300) why = why " | " line
	}
	END { flush() }'
}

# Into the table at once: this script may be ended, too.
merge() { # TSV
	exec 9>>"$out"		# several may run side by side
	flock 9
	awk -F'\t' 'FNR == NR { got[$1, $2] = 1; print; next } !(($1, $2) in got)' \
		"$1" "$out" | sort >"$tmp/all"
	cat "$tmp/all" >"$out"
	exec 9>&-
}

# A machine that ends early (time-out, panic) costs the script it ended in: what
# it had is kept, the script is tried once more at the head of a new boot, then
# it has failed and the rest goes on.
: >"$tmp/new"
barren=0
while [ -s "$tmp/cases" ]; do
	mapfile -t names < <(head -n "$batch" "$tmp/cases")
	status=0
	# shellcheck disable=SC2086	# words
	${VM_WRAP:-} "$TOP/scripts/vm.sh" --kernel "$kernel" --time virtual --timeout "$limit" -- \
		"$TOP/selftests/packetdrill.sh" "${names[@]}" >"$tmp/tap" 2>"$tmp/err" || status=$?
	to_tsv <"$tmp/tap" >"$tmp/part"
	[ $status = 0 ] || [ $status = 1 ] || { tail -50 "$tmp/err" >&2; say "the machine ended with $status"; }
	if [ ! -s "$tmp/part" ]; then
		barren=$((barren + 1))
		[ $barren -lt 3 ] || die "$barren boots without a result"
		printf '%s\tFAIL\tthe machine ended with %s\n' "${names[0]/ /$'\t'}" "$status" >"$tmp/part"
		say "no result: ${names[0]}"
	else
		barren=0
	fi
	cat "$tmp/part" >>"$tmp/new"
	merge "$tmp/part"
	cut -f1,2 --output-delimiter=' ' "$tmp/part" | grep -vxFf - "$tmp/cases" >"$tmp/left" || true
	mv "$tmp/left" "$tmp/cases"
done
if [ -n "$expect" ]; then
	awk -v leave="$leave" -f "$TOP/selftests/packetdrill/table.awk" "$expect" "$out"
else
	awk -F'\t' '{ n[$3]++ } $3 == "FAIL" { print } END { for (i in n) print n[i], i }' "$tmp/new"
fi
