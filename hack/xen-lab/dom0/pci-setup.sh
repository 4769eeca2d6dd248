#!/bin/bash
# pci-setup.sh [BDF...]: makes devices assignable (default: those that PCI=1 gives)
modprobe xen-pciback passthrough=1 || exit 1
[ $# -gt 0 ] || set -- 0000:00:10.0 0000:00:11.0
for device; do
	[ -e "/sys/bus/pci/devices/$device" ] || { echo "pci-setup.sh: no $device: start the lab with PCI=1" >&2; exit 1; }
	xl pci-assignable-list | grep -q "$device" || xl pci-assignable-add "$device" || exit 1
done
xl pci-assignable-list
