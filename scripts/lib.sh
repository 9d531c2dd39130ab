# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2016
# Sourced by the scripts in this folder: messages, the cache, packages.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
XTCP_CACHE=${XTCP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/xtcp}
BUILD=$TOP/build
ME=$(basename "$0" .sh)

# --help: the comment at the top of the script, unless it has a usage() of its own.
case ${1:-} in
-h|--help)
	[ "$(sed -n '3s/\(.\).*/\1/p' "$0")" != '#' ] || {
		awk 'NR > 2 && !/^#/ { exit } NR > 2 { sub(/^# ?/, ""); print }' "$0"
		exit 0
	}
	;;
esac

say() { echo "$ME: $*" >&2; }
die() { say "$*"; exit 1; }

# need TOOL PACKAGE: exit 4 (kselftest's "skip") names the remedy.
need() {
	command -v "$1" >/dev/null && return
	say "$1 is missing: apt-get install $2 (or run scripts/setup.sh)"
	exit 4
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		say "must be root or have sudo to run: $*"
		exit 4
	fi
}

# locked NAME COMMAND...: one at a time on this machine, told when waiting.
locked() {
	local name=$1 fd
	shift
	mkdir -p "$XTCP_CACHE/lock"
	exec {fd}>"$XTCP_CACHE/lock/$name"
	if ! flock -n "$fd"; then
		say "waiting for another $name"
		flock "$fd"
	fi
	"$@" {fd}>&-
	exec {fd}>&-
}

# debug_config debug|kcsan: what the kernel has on top of x86_64_defconfig and
# kvm_guest.config. What kcsan.config says of an option holds.
debug_config() {
	local debug=$TOP/scripts/debug.config kcsan=$TOP/scripts/kcsan.config
	case $1 in
	debug) grep -v "^#* *$" "$debug" ;;
	kcsan)
		grep -ow 'CONFIG_[A-Z0-9_]*' "$kcsan" | grep -vwFf - "$debug"
		cat "$kcsan"
		;;
	esac
}

# debug_make_args debug|kcsan: what its make is told. KCSAN watches one access of
# so many and waits there: in a kernel that is watched everywhere it hardly ever
# comes to ours. So only modules are, and what works on their sockets.
debug_make_args() {
	[ "$1" != kcsan ] || echo KCSAN_SANITIZE=n KCSAN_SANITIZE_{sock,stream}.o=y
}

# debug_name debug|kcsan: such a kernel is known by what it is made of.
debug_name() { echo "$1-$({ debug_config "$1"; debug_make_args "$1"; } | md5sum | cut -c1-10)"; }

# kernel_make KDIR M MAKE-ARGUMENT...: build a module with the compiler that fits:
# the chroot beside KDIR, Debian's choice, or this machine's gcc.
kernel_make() {
	local kdir=$1 m=$2 chroot=${1%/build}/chroot args
	shift 2
	args=(make -C "$kdir" M="$m" CONFIG_DEBUG_INFO_BTF_MODULES= "$@" modules)
	if [ -d "$chroot" ] && [ "${kdir##*/}" = build ]; then
		mkdir -p "$chroot/$XTCP_CACHE" "$chroot/$m"
		unshare -m sh -ec 'mount -t proc proc "$1/proc"; mount --bind "$2" "$1/$2"; mount --bind "$3" "$1/$3"
			c=$1; shift 3; exec chroot "$c" "$@"' sh "$chroot" "$XTCP_CACHE" "$m" "${args[@]}"
		return
	fi
	[ ! -f "$kdir/.kernelvariables" ] || command -v gcc-12 >/dev/null || args+=(CC=gcc)
	"${args[@]}"
}

# publish TMPDIR DEST: a cache entry appears whole or not at all.
publish() {
	rm -rf "$2"
	mv -T "$1" "$2"
}

# The machine's own mirrors, "main" and "security": no host is named here.
mirror_of() {
	apt-get indextargets --no-release-info --format '$(SITE) $(RELEASE) $(REPO_URI)' \
		'Created-By: Packages' 2>/dev/null |
	awk -v kind="$1" '
		$2 !~ /^(bookworm|trixie|forky)/ { next }
		kind == "main" && $2 !~ /-security/ { print $3; exit }
		kind == "security" && $2 ~ /-security/ { print $3; exit }'
}

# private_apt SUITE COMMAND...: apt-get with the lists of another suite, which
# the machine's own package state never sees.
private_apt() {
	local suite=$1 dir=$XTCP_CACHE/apt/$1 main security key
	shift
	key=/usr/share/keyrings/debian-archive-keyring.gpg
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	local opt=(-q -o "Dir::State::Lists=$dir/lists" -o "Dir::Cache=$dir/cache"
		-o "Dir::Etc::SourceList=$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null
		-o APT::Sandbox::User= -o "Dir::State::status=$dir/status")
	if [ ! -s "$dir/sources.list" ]; then
		say "reading the package lists of $suite"
		main=$(mirror_of main)
		security=$(mirror_of security)
		[ -n "$main" ] || die "no Debian mirror in this machine's apt sources: run apt-get update"
		: >"$dir/status"
		{
			echo "deb [signed-by=$key] $main $suite main"
			case $suite in
			*-backports) ;;
			*) [ -z "$security" ] || echo "deb [signed-by=$key] $security $suite-security main" ;;
			esac
		} >"$dir/sources.list.new"
		apt-get "${opt[@]}" -o "Dir::Etc::SourceList=$dir/sources.list.new" update >&2
		mv "$dir/sources.list.new" "$dir/sources.list"
	fi
	case $1 in
	policy|depends|show) apt-cache "${opt[@]}" "$@" ;;
	*) apt-get "${opt[@]}" "$@" ;;
	esac
}
