#!/bin/bash
# run.sh COMMAND: the Xen lab, which is built first if need be (setup.sh)
#   start                boot and stay; returns when dom0 is ready
#   exec 'shell line'    run in the started dom0 ('exec -' reads a script from stdin; several may run at once)
#   stop                 power the started lab off
#   hold                 like start, then stays until its standard input ends, and powers the lab off: it goes with who started it
#   cmd 'shell line'     boot, run as root in dom0, print its output, power off; the exit status is the line's
#   job SCRIPT           the same with a script
# Files: what is in $SHARE (default: share/ in the cache) is /mnt/share in dom0, read-write.
#   share/env is sourced by dom0's init: XENSTORED=xenstored|oxenstored|none, XENSTORED_ARGS=..., INIT=labjobs|systemd
#   share/serial.log: console of Xen and dom0; share/out/: what jobs said, and at the end the logs of Xen's tools and guests
# Environment: SHARE (each lab that runs needs its own), PCI=1 (an IOMMU and two devices to assign, 0000:00:10.0 and 0000:00:11.0),
#   NET=1 (this machine's loopback is 10.0.2.2 in dom0), OPT=IMAGE (mounted as /opt, disk.sh makes one),
#   TIMEOUT=540 (s), MEM=3072 (MiB), DOM0_MEM=1024M, SMP=2, QEMUARGS, XENARGS, DOM0ARGS
. "$(dirname "$0")/cache.sh"
usage() { sed -n '2,14s/^# \{0,1\}//p' "$0"; exit 2; }
share=${SHARE:-$BASE/share}
mkdir -p "$share/out" "$share/q" || exit
share=$(cd "$share" && pwd)
log=$share/serial.log limit=${TIMEOUT:-540}
# Each that is taken from the processor cures something: see the README.
cpu=max,-smap,-avx,-avx2,-xsave,-xsaveopt,-xsavec,-xsaves,-xgetbv1
machine=q35 devices=() xen_args=${XENARGS:-} dom0_args=${DOM0ARGS:-}
if [ "${PCI:-0}" = 1 ]; then
	machine=q35,kernel-irqchip=off xen_args="iommu=no-intremap $xen_args" dom0_args="lab.pci $dom0_args"
	devices+=(-device amd-iommu -device e1000e,addr=0x10,romfile= -device e1000e,addr=0x11,romfile=)
	devices+=(-device pcie-root-port,id=port1,chassis=1,addr=0x9)
	devices+=(-device virtio-rng-pci,bus=port1,addr=0.0,multifunction=on -device virtio-rng-pci,bus=port1,addr=0.1)
fi
if [ "${NET:-0}" = 1 ]; then
	dom0_args="lab.net $dom0_args"
	devices+=(-netdev user,id=n0 -device virtio-net-pci,netdev=n0,romfile=)
fi

if [ -n "${OPT:-}" ]; then
	dom0_args="lab.opt $dom0_args"
	devices+=(-drive "file=$OPT,if=none,id=d1,format=raw,snapshot=on,cache=unsafe" -device virtio-blk-pci,drive=d1,romfile=)
fi

launch() {
	"$HERE/setup.sh" >/dev/null || exit
	rm -rf "${share:?}"/out/* "$share"/q/*
	: >"$log"
	touch "$LAB"
	local host=$PARTS/host memory=${DOM0_MEM:-1024M}
	EXEC=exec QEMU_MODULE_DIR=$host/usr/lib/x86_64-linux-gnu/qemu unpacked usr/bin/qemu-system-x86_64 \
		-L "$host/usr/share/qemu" -L "$host/usr/share/seabios" -L "$host/usr/lib/ipxe/qemu" \
		-M "$machine" -accel tcg,thread=multi -cpu "$cpu" -m "${MEM:-3072}" -smp "${SMP:-2}" \
		-display none -vga none -nodefaults -no-reboot -serial "file:$log" -monitor "unix:$share/mon.sock,server=on,wait=off" \
		-drive "file=$LAB/dom0.img,if=none,id=d0,format=raw,snapshot=on,cache=unsafe" -device virtio-blk-pci,drive=d0,romfile= \
		-virtfs "local,path=$share,mount_tag=share,security_model=none,multidevs=remap" \
		-kernel "$LAB/xen" \
		-append "console=com1 com1=115200,8n1 dom0_mem=$memory,max:$memory loglvl=all guest_loglvl=all noreboot sched=credit $xen_args" \
		-initrd "$LAB/vmlinuz console=hvc0 quiet panic=5 nokaslr mitigations=off $dom0_args,$LAB/initrd.img" \
		"${devices[@]}" ${QEMUARGS:-} >"$share/qemu.err" 2>&1 </dev/null &
	echo $! >"$share/qemu.pid"
}
qemu() { # its pid, if it runs on this share
	local pid
	pid=$(cat "$share/qemu.pid" 2>/dev/null) && grep -qaF "$share/mon.sock" "/proc/$pid/cmdline" 2>/dev/null && echo "$pid"
}
runs() { qemu >/dev/null; }
kill_qemu() {
	local pid
	pid=$(qemu) && kill "$pid"
}
crashed() { grep -q 'Dom0 crashed\|Panic on CPU' "$log"; }
not_running() {
	runs || return 0
	echo "run.sh: a lab is already running on $share (run.sh stop)" >&2
	exit 1
}
tell_failure() {
	printf 'run.sh: %s; end of %s:\n' "$1" "$log" >&2
	cat "$share/qemu.err" >&2
	tail -n 30 "$log" >&2
}
once() { # boots for what is in the share as job.sh
	rm -f "$share/stay"
	trap kill_qemu EXIT
	trap 'exit 130' INT TERM
	launch
	sleep 0.2
	while runs && [ $SECONDS -lt "$limit" ] && ! crashed; do sleep 0.2; done
	if runs; then
		echo "run.sh: it crashed, or ran for more than $limit s" >&2
		kill_qemu
	fi
	cat "$share/out/job.log" 2>/dev/null || tell_failure 'the job said nothing'
	echo "run.sh: $SECONDS s in all" >&2
	rm -f "$share/job.sh"
	exit "$(cat "$share/out/job.rc" 2>/dev/null || echo 99)"
}

boot() { # and stay
	not_running
	rm -f "$share/job.sh"
	touch "$share/stay"
	launch
	sleep 0.2
	until [ -s "$share/out/ready" ]; do
		if ! runs || crashed || [ $SECONDS -ge "$limit" ]; then
			tell_failure "dom0 did not come up in $SECONDS s"
			kill_qemu
			exit 1
		fi
		sleep 0.1
	done
	echo "ready after $SECONDS s; QEMU is pid $(qemu)"
}
power_off() {
	rm -f "$share/stay"
	for _ in $(seq 300); do
		runs || return 0
		sleep 0.1
	done
	kill_qemu
}

case ${1:-} in
job)
	[ $# = 2 ] || usage
	not_running
	cp "$2" "$share/job.sh" || exit 2
	once ;;
cmd)
	[ $# = 2 ] || usage
	not_running
	printf '%s\n' "$2" >"$share/job.sh"
	once ;;
start)
	boot ;;
hold)
	trap kill_qemu EXIT
	trap 'exit 1' HUP INT TERM
	boot
	cat >/dev/null
	power_off ;;
exec)
	[ $# = 2 ] || usage
	name=j$$-$RANDOM
	if [ "$2" = - ]; then cat >"$share/q/.$name"; else printf '%s\n' "$2" >"$share/q/.$name"; fi
	mv "$share/q/.$name" "$share/q/$name.sh"
	until [ -s "$share/out/$name.rc" ]; do
		if ! runs; then
			echo "run.sh: no lab is running on $share" >&2
			exit 99
		fi
		if [ $SECONDS -ge "$limit" ]; then
			echo "run.sh: still running after $SECONDS s" >&2
			cat "$share/out/$name.log" >&2
			exit 98
		fi
		sleep 0.05
	done
	rm "$share/q/$name.sh"
	cat "$share/out/$name.log"
	exit "$(cat "$share/out/$name.rc")" ;;
stop)
	power_off ;;
*) usage ;;
esac
