#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check.sh [lint|unit|suite|virtual|debug|kcsan|TEST...]: what "make check" runs. Without
# arguments: lint, unit tests, the suite, a short suite in the debug kernel.
# Last line: N passed, N failed, N skipped.
set -eu
. "$(dirname "$0")/lib.sh"

cd "$TOP"
out=$BUILD/check
mkdir -p "$out"
# groups run in the background, and end with us
trap 'trap - TERM; kill 0' INT TERM
passed=0 failed=0 skipped=0 begin=$SECONDS

section() { echo "== $* ($((SECONDS - begin)) s)"; }

count() { # TOTALS: a file with three numbers
	local p f s
	read -r p f s <"$1"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# A lint is a command that says nothing, or what is wrong.
lint() { # NAME COMMAND...
	local name=$1 status=0
	shift
	"$@" >"$out/lint" 2>&1 || status=$?
	if [ $status = 4 ]; then
		echo "skip lint: $name: $(tail -1 "$out/lint")"
		skipped=$((skipped + 1))
	elif [ $status != 0 ] || [ -s "$out/lint" ]; then
		echo "FAIL lint: $name"
		head -60 "$out/lint" | sed 's/^/     /'
		failed=$((failed + 1))
	else
		echo "ok   lint: $name"
		passed=$((passed + 1))
	fi
}

sources() { git ls-files -- "$@" | while read -r f; do [ ! -f "$f" ] || echo "$f"; done; }

checkpatch() { # FLAGS FILE...
	local flags=$1
	shift
	[ $# -gt 0 ] || return 0
	# shellcheck disable=SC2086	# words
	"$ksrc/scripts/checkpatch.pl" --no-tree --terse --no-summary --show-types --quiet \
		--max-line-length=100 $flags -f "$@"
	rm -f .checkpatch-camelcase.*
}

# Rules for patches to Linux, for code in its tree, and against the X-macros
# and the compact comments of this project.
ignore=FILE_PATH_CHANGES,LINUX_VERSION_CODE,CONFIG_DESCRIPTION,EMBEDDED_FILENAME
ignore+=,PREFER_DEFINED_ATTRIBUTE_MACRO,COMPLEX_MACRO,MACRO_ARG_REUSE,BRACKET_SPACE,BLOCK_COMMENT_STYLE
# module/compat: versions compared, macros that replace functions
ignore+=,CONSTANT_COMPARISON,MACRO_WITH_FLOW_CONTROL,MACRO_ARG_PRECEDENCE
# In userland besides: what only the kernel has.
userland="--ignore $ignore,ARRAY_SIZE,SPLIT_STRING,VOLATILE,SUSPECT_COMMA_SEMICOLON,NEW_TYPEDEFS,SPACING,EMBEDDED_FUNCTION_NAME,REPEATED_WORD"

sparse_and_w1() {
	local kdir
	kdir=$(scripts/kernel.sh 6.1)/build
	command -v sparse >/dev/null || { echo "sparse is missing: apt-get install sparse"; return 4; }
	SILENT=1 scripts/build-module.sh "$kdir" lint W=1 C=1 CF="-D__CHECK_ENDIAN__" >/dev/null
}

kernel_doc() {
	# shellcheck disable=SC2046	# words
	"$ksrc/scripts/kernel-doc" -none $(sources 'module/*.[ch]' 'uapi/*.h') 2>&1 |
		grep -v 'no structured comments found' || true
}

file_sizes() {
	sources 'module/*.c' | while read -r f; do
		n=$(wc -l <"$f")
		[ "$n" -le 600 ] || echo "$f: $n lines (600): more than one concept?"
	done
}

shell_scripts() {
	command -v shellcheck >/dev/null || { echo "shellcheck is missing: apt-get install shellcheck"; return 4; }
	# shellcheck disable=SC2046	# words
	shellcheck -f gcc $(sources '*.sh' scripts/guest/session scripts/guest/suite .ci/run)
}

unlisted_tests() {
	make -s -C selftests list GROUP=unlisted | sed 's,^,selftests/Makefile does not list ,'
}

lints() {
	section lint
	# shellcheck disable=SC2046	# words
	lint checkpatch checkpatch "--strict --ignore $ignore" $(sources 'module/*.[ch]' 'uapi/*.h' 'examples/*.c' ':!*/trace.h')
	# shellcheck disable=SC2046	# words
	lint "checkpatch of tools and tests" checkpatch "$userland" $(sources 'tools/*.[ch]' 'selftests/*.[ch]')
	lint "sparse, W=1" sparse_and_w1
	lint kernel-doc kernel_doc
	lint layers scripts/check-layers.sh
	lint "file sizes" file_sizes
	lint shellcheck shell_scripts
	lint "every test is listed" unlisted_tests
	lint "conformance.tsv" scripts/check-conformance.sh
}

unit() {
	local failed_before=$failed status
	section "unit tests"
	{
		status=0
		make -s -C selftests/unit run 2>&1 || status=$?
		echo $status >"$out/unit.status"
	} | tee "$out/unit.tap" |
		awk -v TOTALS="$out/unit.totals" -v prefix="unit: " -v quiet=1 -f scripts/tap.awk
	count "$out/unit.totals"
	awk '{ print "ok   unit: " $1 " cases" }' "$out/unit.totals"
	status=$(cat "$out/unit.status")
	if [ "$status" != 0 ] && [ $failed = "$failed_before" ]; then
		echo "FAIL unit: a program ended with an error"
		tail -30 "$out/unit.tap" | sed 's/^/     /'
		failed=$((failed + 1))
	fi
}

# group NAME "VM-OPTIONS" TEST...: one boot, many tests. Groups may run side by
# side: what is to be counted goes into a file.
group() {
	local name=$1 opts=$2 limit=${XTCP_TEST_TIMEOUT:-} p=0 f=0 s=0 status
	shift 2
	section "$name: $# test programs"
	# seconds of the guest: while nothing is to do, virtual time passes in hours
	[ "${opts/virtual/}" = "$opts" ] || limit=1000000
	# shellcheck disable=SC2086	# words
	{
		status=0
		XTCP_TEST_TIMEOUT=$limit XTCP_KSRC=$ksrc \
			scripts/vm.sh $opts -- scripts/guest/suite "$@" 2>"$out/$name.err" || status=$?
		echo $status >"$out/$name.status"
	} </dev/null | tee "$out/$name.tap" |
		awk -v TOTALS="$out/$name.tests" -v prefix="$name: " -f scripts/tap.awk
	read -r p f s <"$out/$name.tests"
	status=$(cat "$out/$name.status")
	if [ "$status" = 124 ] || [ "$status" = 125 ]; then
		echo "FAIL $name: the machine or the kernel log ($status)"
		head -100 "$out/$name.err" | sed 's/^/     /'
		f=$((f + 1))
	else
		echo "ok   $name: kernel log ($(sed -n 's/^vm: //p' "$out/$name.err" | head -1))"
		p=$((p + 1))
	fi
	echo "$p $f $s" >"$out/$name.totals"
}

tests_of() { make -s -C selftests list GROUP="$1"; }

groups=()
declare -A pid_of
begin() { # NAME "VM-OPTIONS" TEST...: start a group
	[ $# -gt 2 ] || return 0
	if [ ! -e "$out/built" ]; then
		if ! make -s -C selftests >"$out/build" 2>&1; then
			echo "FAIL the tests do not build"
			sed 's/^/     /' "$out/build"
			failed=$((failed + 1))
		fi
		touch "$out/built"
	fi
	rm -f "$out/$1".*
	group "$@" &
	pid_of[$1]=$!
	groups+=("$1")
}

done_with() { # NAME: wait for this group
	[ -z "${pid_of[$1]-}" ] || wait "${pid_of[$1]}" || true
}

finish() { # wait for the groups that were started
	local g
	wait
	for g in "${groups[@]}"; do
		echo 0 1 0 >>"$out/$g.totals"	# read only if the group died
		count "$out/$g.totals"
	done
	groups=()
}

# shellcheck disable=SC2046	# words
suite() { begin wall "--timeout 3000" $(tests_of wall); }

# shellcheck disable=SC2046	# words
virtual() { begin virtual "--time virtual --nics --timeout 1500" $(tests_of virtual); }

# shellcheck disable=SC2046	# words
debug_group() { # NAME "VM-OPTIONS" LIMIT LIST
	export XTCP_TEST_DEBUG=1 XTCP_TEST_TIMEOUT=1800
	begin "$1" "$2 --timeout $3" $(tests_of "$4")
	unset XTCP_TEST_DEBUG XTCP_TEST_TIMEOUT
}

debug() {
	debug_group debug-virtual "--debug --time virtual --nics" 5400 virtual
	debug_group debug --debug 5400 wall
}

debug_short_virtual() { debug_group debug-virtual "--debug --time virtual --nics" 2400 debug-virtual; }
debug_short_wall() { debug_group debug --debug 2400 debug; }

# Races want two CPUs.
kcsan() { debug_group kcsan --kcsan 5400 wall; }

# Tests by name, each in the kind of time it is listed for.
named() {
	local t w=() v=()
	for t; do
		if tests_of wall | grep -qxF "$t"; then
			w+=("$t")
		elif tests_of virtual | grep -qxF "$t"; then
			v+=("$t")
		else
			die "selftests/Makefile does not list $t"
		fi
	done
	begin wall "--timeout 3000" "${w[@]}"
	begin virtual "--time virtual --nics --timeout 1500" "${v[@]}"
}

ksrc=$(scripts/linux-source.sh)
rm -f "$out/built"
# Two CPUs: one for the machines in virtual time, one for the others, which wait a lot.
case ${1:-all} in
all)
	scripts/setup.sh all
	virtual
	lints
	unit
	suite
	done_with virtual
	debug_short_virtual
	done_with debug-virtual
	debug_short_wall
	;;
lint) lints ;;
unit) unit ;;
suite) suite; finish; virtual ;;
virtual) virtual ;;
debug) debug ;;
kcsan) kcsan ;;
debug-short) debug_short_virtual; debug_short_wall ;;
*) named "$@" ;;
esac
finish
section end
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
