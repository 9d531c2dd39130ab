#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
set -eu
. "$(dirname "$0")/lib.sh"

usage() {
	cat <<'EOF'
vm.sh [OPTION...] -- COMMAND...: run COMMAND as root in the test machine

The guest sees the host's files under a writable overlay that is thrown away
afterwards. xtcp is built and loaded, tools/ is on PATH, the current folder is
the checkout. Output and status of COMMAND are handed back.

  --kernel 6.1|6.12|7.3
                      Debian's kernel (default 6.1)
  --debug             a kernel with KASAN, lockdep, kmemleak, fault injection
  --kcsan             a kernel that reports data races (those of xtcp count)
  --time wall|virtual virtual: one instruction is one nanosecond, one CPU
  --mem MB            memory (default 1024; 2048 with --debug, --kcsan)
  --cpus N            CPUs (default 2)
  --nics              two network cards on one wire: e1000e and virtio
  --timeout S         seconds of the host (default 600; 1800 with --debug, --kcsan)
  --no-load           do not build and load the module
  --tcg               do not try KVM

Status: COMMAND's; 124 timeout; 125 the machine did not boot, the module did
not build or load, or the kernel complained.
Environment: variables XTCP_* and the words of VM_ENV ("A=b C=d") are passed
on, XTCP_MODARGS goes to insmod, VM_ALLOW_SPLAT is a regex of kernel lines to
be forgiven, VM_QEMU words for qemu. Console: build/vm.log.
EOF
}

kernel=6.1 time=wall cpus=2 mem='' limit='' load=true tcg='' nics=()
while [ $# -gt 0 ]; do
	case $1 in
	--kernel) kernel=$2; shift ;;
	--debug|--kcsan) kernel=${1#--} ;;
	--time) time=$2; shift ;;
	--mem) mem=$2; shift ;;
	--cpus) cpus=$2; shift ;;
	--nics)
		for n in e1000e virtio-net-pci; do
			nics+=(-netdev "hubport,id=$n,hubid=0" -device "$n,netdev=$n,romfile=")
		done
		;;
	--timeout) limit=$2; shift ;;
	--no-load) load=false ;;
	--tcg) tcg=yes ;;
	-h|--help) usage; exit 0 ;;
	--) shift; break ;;
	-*) usage >&2; exit 2 ;;
	*) break ;;
	esac
	shift
done
[ $# -gt 0 ] || { usage >&2; exit 2; }
case $time in wall|virtual) ;; *) usage >&2; exit 2 ;; esac
case $kernel in
debug|kcsan) : "${mem:=2048}" "${limit:=1800}" ;;
*) : "${mem:=1024}" "${limit:=600}" ;;
esac

for t in qemu-system-x86_64 rsync; do
	command -v $t >/dev/null || "$TOP/scripts/setup.sh" build
done
run=$BUILD/vm.$$
mkdir -p "$run"
qemu=
# shellcheck disable=SC2317	# called by the trap
cleanup() {
	[ -z "$qemu" ] || kill "$qemu" 2>/dev/null || true
	rm -rf "$run"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

kdir=$("$TOP/scripts/kernel.sh" "$kernel") || exit 125
if $load; then
	ko=$("$TOP/scripts/build-module.sh" "$kdir/build" "$kernel") || exit 125
	cp "$ko" "$run/xtcp.ko"
	XTCP_EXAMPLES=$("$TOP/scripts/build-example.sh" "$kdir/build" "$kernel") || exit 125
	export XTCP_EXAMPLES
fi
if [ -f "$TOP/tools/Makefile" ]; then
	flock "$BUILD" make -s -C "$TOP/tools" >&2 || exit 125
fi

image=$kdir/vmlinux
[ -s "$image" ] || image=$kdir/vmlinuz
base=(-nodefaults -no-user-config -no-reboot -display none -vga none
	-kernel "$image" -initrd "$kdir/initramfs")
# pci=noacpi: the debug kernel takes half a minute to interpret the interrupt links.
append="console=ttyS0 loglevel=5 panic=-1 oops=panic mitigations=off no5lvl pci=noacpi tsc=reliable"
append+=" random.trust_cpu=on audit=0 rcupdate.rcu_cpu_stall_timeout=180"

# A real boot tells whether KVM works here; the answer is kept.
kvm_works() {
	local note
	[ -w /dev/kvm ] || return 1
	note=$XTCP_CACHE/kvm-$(uname -r)-$(md5sum <<<"$(grep -m1 'model name' /proc/cpuinfo)" | cut -c1-8)
	if [ ! -s "$note" ]; then
		say "trying KVM"
		if timeout -k 1 8 qemu-system-x86_64 "${base[@]}" -accel kvm -cpu host -m 512 \
			-append "$append xtcp.probe" -serial stdio </dev/null 2>&1 | grep -q xtcp-vm-alive; then
			echo yes >"$note"
		else
			echo no >"$note"
		fi
	fi
	[ "$(cat "$note")" = yes ]
}

case $kernel in
debug) append+=" kmemleak=on" ;;
# One of so many accesses is watched, for so many us: a good part of the time goes there.
kcsan) append+=" kcsan.skip_watch=20 kcsan.udelay_task=200 kcsan.udelay_interrupt=100" ;;
esac
ioeventfd=on
level=7
if [ "$time" = virtual ]; then
	machine=(-accel tcg,thread=single,tb-size=512 -icount shift=0,sleep=off
		-cpu max,-cx16,-erms,-fsrm -smp 1)
	how="emulation, virtual time"
	# Synchronous devices: no instructions are spent waiting for the host.
	ioeventfd=off
	append+=" xtcp.sync9p"
	level=5
elif [ -z "$tcg" ] && kvm_works; then
	machine=(-accel kvm -cpu host -smp "$cpus")
	how="KVM, $cpus CPUs"
else
	machine=(-accel tcg,thread=multi,tb-size=512 -cpu max,-cx16 -smp "$cpus")
	how="emulation, $cpus CPUs"
fi

# What the guest reads: guest/session beside its settings and the command.
cp "$TOP/scripts/guest/session" "$run/session"
tmpfs_tmp=true
case "$TOP $XTCP_CACHE" in /tmp/*|*" /tmp/"*) tmpfs_tmp=false ;; esac
{
	printf '%s=%q\n' TOP "$TOP" MODULES "$(readlink -f "$kdir/modules")" LOAD $load \
		MODARGS "${XTCP_MODARGS:-}" TMPFS_TMP $tmpfs_tmp LOGLEVEL $level
} >"$run/config"
{
	for v in ${!XTCP_*}; do
		printf 'export %s=%q\n' "$v" "${!v}"
	done
	for v in ${VM_ENV:-}; do
		printf 'export %s=%q\n' "${v%%=*}" "${v#*=}"
	done
} >"$run/env"
{ printf 'exec'; printf ' %q' "$@"; echo; } >"$run/command"

log=$BUILD/vm.$$.log
ln -sfn "vm.$$.log" "$BUILD/vm.log"
find "$BUILD" -maxdepth 1 -name 'vm.*.log' -mmin +600 -delete
mkfifo "$run/out" "$run/err"
cat "$run/out" & out=$!
cat "$run/err" >&2 & err=$!

say "kernel $(cat "$kdir/release"), $how"
port() { echo "-chardev file,id=$1,path=$2 -device virtserialport,chardev=$1,name=$1"; }
# shellcheck disable=SC2046,SC2086
setpriv --pdeathsig TERM timeout -k 5 "$limit" qemu-system-x86_64 "${base[@]}" "${machine[@]}" \
	-m "$mem" -monitor "unix:$run/monitor,server=on,wait=off" -append "$append xtcp.run=$run" \
	-chardev "file,id=console,path=$log" -serial chardev:console \
	-device virtio-serial-pci,ioeventfd=$ioeventfd \
	$(port out "$run/out") $(port err "$run/err") $(port status "$run/status") \
	-fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
	-device virtio-9p-pci,fsdev=host,mount_tag=host,ioeventfd=$ioeventfd \
	"${nics[@]}" ${VM_QEMU:-} </dev/null >"$run/qemu" 2>&1 & qemu=$!
code=0
wait $qemu || code=$?
qemu=
[ -s "$run/status" ] || [ $code != 0 ] || code=125
# If qemu never opened the pipes, open them so that the readers end.
: 3<>"$run/out" 4<>"$run/err"
wait $out $err
grep -v 'terminating on signal\|hub 0 is not connected' "$run/qemu" >&2 || true

complaints='BUG: |WARNING: |KASAN|UBSAN: |refcount_t|Oops|Kernel panic|general protection|INFO: task .* blocked'
complaints+='|Bad page|ODEBUG: |still has objects|unregister_netdevice: waiting|ref_tracker|detected stall|soft lockup'
complaints+='|scheduling while atomic|memory leak|list_(add|del) corruption|kernel BUG'
# data races of the kernel with itself: neither function is one of a [module].
not_ours='BUG: KCSAN: [^[]*$'
if grep -aE "$complaints" "$log" | grep -avE "$not_ours|${VM_ALLOW_SPLAT:-^$}" >"$run/splat"; then
	say "the kernel complained (build/vm.$$.log):"
	grep -aFA30 -f "$run/splat" "$log" | head -90 >&2
	exit 125
fi
case $code in
124|137) say "timeout after $limit s"; exit 124 ;;
0) ;;
*)
	say "the machine failed (qemu: $code), see build/vm.$$.log"
	tail -5 "$log" >&2
	exit 125
	;;
esac
exit "$(cat "$run/status")"
