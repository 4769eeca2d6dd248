#!/bin/bash
# images.sh FOLDER: makes what the lab boots, of the unpacked parts, of src/ and of dom0/. Seconds.
#   xen, vmlinuz, initrd.img   hypervisor, and dom0's kernel and initrd
#   dom0.img                   dom0's disk. In it, below /lab: dom0/, the stub domain's kernel and image, stubdm
set -euo pipefail
. "$(dirname "$0")/cache.sh"
umask 022
OUT=$1
# What dom0 loads; of it what finds its disk, for the initrd; what the stub domain loads.
DOM0_MODULES='xen-pcifront xen-pciback xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs xen-blkback xen-netback virtio_pci virtio_blk
	virtio_console virtio_net ext4 crc32c_generic 9p 9pnet_virtio overlay loop bridge tun e1000e'
INITRD_MODULES='virtio_pci virtio_blk crc32c_generic ext4'
STUB_MODULES=xen-pcifront

version=$(ls "$PARTS/kernel/lib/modules")
modules=$PARTS/kernel/lib/modules/$version
busybox=$(find "$PARTS/kernel" -path '*/bin/busybox' -type f | head -n 1)
work=$OUT/work
mkdir -p "$work"
boot_file() { "$NODE" "$HERE/src/boot-file.ts" "$@"; }
depmod() { ARGV0=depmod unpacked bin/kmod -b "$1" "$version"; }
[ -e "$modules/modules.dep" ] || depmod "$PARTS/kernel"
# closure NAME...: the modules and all that they need, as paths below $modules, in the order in which they are loaded.
closure() { boot_file closure "$modules/modules.dep" "$@"; }
# initrd FOLDER FILE: packs a root of busybox, what it needs being added here.
initrd() {
	local applet
	mkdir -p "$1"/{bin,dev,proc,sys,mod}
	cp "$busybox" "$1/bin/"
	for applet in sh mount insmod switch_root sleep cat ls poweroff uname; do ln -s busybox "$1/bin/$applet"; done
	boot_file cpio "$1" | gzip -1 >"$2"
}

# systemd_of ROOT: for INIT=systemd. Of what a Debian starts the journal and our jobs are left, since every process makes it slower. labinit has
# mounted what is needed.
systemd_of() {
	local units=$1/etc/systemd generators=$1/usr/lib/systemd/system-generators unit
	mkdir -p "$units/system-generators" "$units/system/multi-user.target.wants"
	for unit in "$generators"/*; do ln -s /dev/null "$units/system-generators/${unit##*/}"; done
	for unit in "$1"/{usr/lib,etc}/systemd/system/*.target.wants/*; do
		unit=${unit##*/}
		case $unit in systemd-journald* | '*') ;; *) ln -sf /dev/null "$units/system/$unit" ;; esac
	done
	rm -f "$units"/system/*.target.wants/*
	install -m 644 "$HERE/src/lab-jobs.service" "$units/system/"
	ln -s ../lab-jobs.service "$units/system/multi-user.target.wants/"
	ln -sf /lib/systemd/system/multi-user.target "$units/system/default.target"
	# Without it the first boot would enable and disable all units anew.
	echo 5d0d0e5d0d0e45d0a0e5d0d0e5d0d0e5 >"$1/etc/machine-id"
}

cp "$PARTS/kernel/boot/xen" "$PARTS/kernel/boot/vmlinuz" "$OUT/"
gcc -O2 -Wall -Wextra -static -o "$work/stubdm" "$HERE/src/stubdm.c"

mkdir -p "$work/initrd/mod" "$work/initrd/newroot"
for module in $(closure $INITRD_MODULES); do
	cp "$modules/$module" "$work/initrd/mod/"
	basename "$module" >>"$work/initrd/mod/list"
done
install -m 755 "$HERE/src/initrd-init" "$work/initrd/init"
initrd "$work/initrd" "$OUT/initrd.img"

# The stub domain's kernel is the ELF file in Debian's: Xen loads it as it is, and the slow guest need not unpack it.
mkdir -p "$work/lab" "$work/stub/mod" "$work/stub/tmp" "$work/stub/bin"
boot_file xz-part "$OUT/vmlinuz" >"$work/vmlinux.xz"
unpacked usr/bin/xz --single-stream -dc "$work/vmlinux.xz" >"$work/lab/vmlinux"
for module in $(closure $STUB_MODULES); do cp "$modules/$module" "$work/stub/mod/"; done
cp "$work/stubdm" "$work/stub/bin/"
install -m 755 "$HERE/src/stub-init" "$work/stub/init"
initrd "$work/stub" "$work/lab/stub.img"

root=$work/root
cp -a "$PARTS/rootfs" "$root"
rm -rf "$root/usr/lib/modules"
mkdir -p "$root/lab" "$root/mnt/share" "$root/usr/lib/modules/$version"
for module in $(closure $DOM0_MODULES); do install -D -m 644 "$modules/$module" "$root/usr/lib/modules/$version/$module"; done
cp "$modules"/modules.{builtin*,order} "$root/usr/lib/modules/$version/"
depmod "$root/usr"
install -m 755 "$HERE/src/labinit" "$HERE/src/labjobs" "$root/sbin/"
systemd_of "$root"
cp "$HERE"/dom0/* "$work"/lab/* "$OUT/vmlinuz" "$work/stubdm" "$root/lab/"
chmod 755 "$root"/lab/*.sh
install -m 755 "$HERE/dom0/qemu-dm" "$(echo "$root"/usr/lib/xen-4.*/bin)/qemu-dm"
truncate -s 1500M "$OUT/dom0.img"
make_ext4 "$root" "$OUT/dom0.img"
rm -rf "$work"
