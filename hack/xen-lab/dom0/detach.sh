#!/bin/bash
# detach.sh GUEST BDF [VDEVFN=20]: an `xl pci-detach` that works for a guest with a stub domain. libxl 4.17 records a device of such a guest
# only for the stub domain, so that pci-detach of the guest says "not attached" before it speaks to the device model. The guest's
# record is written first, and removed afterwards.
guest=$(xl domid "$1") || exit 1
backend=/local/domain/0/backend/pci/$guest/0
xenstore-write "$backend/num_devs" 1 "$backend/dev-0" "$2" "$backend/vdevfn-0" "${3:-20}" "$backend/state-0" 3 "$backend/state" 4 \
	"$backend/opts-0" msitranslate=0,power_mgmt=0,permissive=0,rdm_policy=strict "$backend/frontend" "/local/domain/$guest/device/pci/0" \
	"$backend/frontend-id" "$guest"
xl pci-detach "$1" "$2"
code=$?
xenstore-rm "/local/domain/0/backend/pci/$guest" 2>/dev/null
exit $code
