#!/bin/bash
# parts.sh FOLDER: fetches Debian's QEMU, Xen, kernel and a dom0's root file system, and unpacks them there. Nothing is installed.
#   host/      QEMU and some tools with all that they need, libc included (run by `unpacked`)
#   kernel/    the hypervisor, a kernel and its modules, a static busybox
#   rootfs/    dom0
set -euo pipefail
. "$(dirname "$0")/cache.sh"
. "$HERE/apt.sh"
umask 022
XEN=4.17
TOOLS='qemu-system-x86 mmdebstrap kmod e2fsprogs xz-utils'
DOM0="xen-utils-$XEN xen-utils-common xenstore-utils qemu-system-xen kmod iproute2 procps busybox-static strace less pciutils libstdc++6 socat systemd"
PARTS=$1
private_apt "$PARTS/apt"

say "fetching $TOOLS and what they need"
apt get -qq -y --download-only install $TOOLS
mkdir "$PARTS/host"
for package in "$APT"/cache/archives/*.deb; do dpkg -x "$package" "$PARTS/host"; done
rm -rf "$APT"/cache/archives/*.deb "$PARTS"/host/usr/share/{doc,man,locale,help}

linux=$(APT_CONFIG=$APT/apt.conf apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: *//p' | head -n 1)
say "fetching $linux and xen-hypervisor-$XEN-amd64"
mkdir "$PARTS/debs" "$PARTS/kernel"
(cd "$PARTS/debs" && apt get -qq download "$linux" "xen-hypervisor-$XEN-amd64" busybox-static)
dpkg -x "$PARTS"/debs/xen-hypervisor-*.deb "$PARTS/kernel"
dpkg -x "$PARTS"/debs/busybox-static*.deb "$PARTS/kernel"
dpkg --fsys-tarfile "$PARTS"/debs/linux-image-*.deb | tar -x -C "$PARTS/kernel" --exclude='*/drivers/gpu' --exclude='*/drivers/media' \
	--exclude='*/drivers/net/wireless' --exclude='*/drivers/infiniband' --exclude='*/sound' --exclude='./usr'
mv "$PARTS"/kernel/boot/vmlinuz-* "$PARTS/kernel/boot/vmlinuz"
zcat "$PARTS/kernel/boot/xen-$XEN-amd64.gz" >"$PARTS/kernel/boot/xen"
unpacked bin/kmod --version >/dev/null || fail 'the unpacked programs do not run on this machine'

say 'making the root file system of dom0'
PATH=$PATH:/usr/sbin:/sbin:$PARTS/host/usr/bin perl "$PARTS/host/usr/bin/mmdebstrap" --quiet --variant=minbase --mode=root --format=directory \
	--include="$(tr ' ' , <<<"$DOM0")" --aptopt="$ACQUIRE" --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' \
	--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' "$SUITE" "$PARTS/rootfs" "${SOURCES[@]}" >&2 9>&-
rm -rf "$PARTS"/rootfs/dev/* "$PARTS"/rootfs/var/cache/apt/* "$PARTS"/rootfs/var/lib/apt/lists/* "$PARTS/rootfs/etc/apt/apt.conf.d/99mmdebstrap"
rm -rf "$PARTS/apt" "$PARTS/debs"
