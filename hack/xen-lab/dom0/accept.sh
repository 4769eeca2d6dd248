#!/bin/bash
# accept.sh [pv] [hvm] [pci] [save] [pvh] [quirks]: the lab's own acceptance, to be run after a change of it: run.sh job dom0/accept.sh
# Default: pv hvm save, and with PCI=1 pci. Prints what XenStore shows at each step and the seconds that each took; the exit status is the
# number of checks that failed.
failed=0
now() { date +%s%N; }
step() {
	printf '\n== %s\n' "$*"
	began=$(now)
}
check() { # WHAT COMMAND...
	local what=$1 tenths result=PASS
	shift
	tenths=$((($(now) - began) / 100000000))
	if ! "$@"; then
		result=FAIL
		failed=$((failed + 1))
	fi
	echo "$result [$((tenths / 10)).$((tenths % 10)) s] $what"
	began=$(now)
}
is() { [ "$(xenstore-read "$1" 2>/dev/null)" = "$2" ]; }
await() {
	for _ in $(seq 300); do
		is "$1" "$2" && return
		sleep 0.1
	done
	echo "$1 is '$(xenstore-read "$1" 2>&1)', not '$2'"
	return 1
}
said() { grep -aq "STUBDM.*$2" "$1"; }
show() {
	local path
	for path; do xenstore-ls -fp "$path" | sed 's/^/   /'; done
	began=$(now)
}
# The guest, made if need be; $guest and $stub are its domid and its stub domain's, $channel the device model's folder.
guest() {
	if ! xl domid hvm1 >/dev/null 2>&1; then
		began=$(now)
		xl create -q -p $config
		check "xl create -p $config" [ $? = 0 ]
	fi
	guest=$(xl domid hvm1) stub=$(xl domid hvm1-dm)
	channel=/local/domain/$stub/device-model/$guest
}

pv() {
	step 'pv: a stub domain by hand'
	xl create -q /lab/stub.cfg
	check 'xl create stub' [ $? = 0 ]
	stub=$(xl domid stub) channel=/local/domain/$(xl domid stub)/device-model/4242 # no such guest, and nothing looks
	xenstore-write "$channel" ''
	xenstore-chmod "$channel" "n$stub" r4242
	xenstore-write "/local/domain/$stub/target" 4242
	await "$channel/state" running
	check 'state running' is "$channel/state" running
	send() { # COMMAND PARAMETER STATE
		xenstore-write "$channel/parameter" "$2"
		xenstore-write "$channel/command" "$1"
		await "$channel/state" "$3"
		check "$1 '$2': state $3" is "$channel/state" "$3"
		show "$channel"
		xenstore-write "$channel/state" running
	}
	send pci-ins 0000:03:00.0@28,msitranslate=0,power_mgmt=0 pci-inserted
	check 'parameter 0x28' is "$channel/parameter" 0x28
	send pci-rem 0000:03:00.0 pci-removed
	send save '' paused
	xenstore-write "$channel/state" paused
	xenstore-write "$channel/command" continue
	await "$channel/state" running
	check 'continue: running' is "$channel/state" running
	xenstore-write "/local/domain/$stub/stubdm" 'fail=wrong bdf or vdevfn'
	xenstore-write "$channel/parameter" 0000:03:00.0@28
	xenstore-write "$channel/command" pci-ins
	await "$channel/parameter" 'wrong bdf or vdevfn'
	check 'refused insert: text in parameter, state still running' is "$channel/state" running
	grep -a STUBDM /var/log/xen/console/guest-stub.log | sed 's/^/   /'
	xl destroy stub
}

hvm() {
	step 'hvm: guest and stub domain, built by libxl'
	guest
	await "$channel/state" running
	check 'state running' is "$channel/state" running
	xl list
	show "$channel" "/local/domain/$guest/image" "$(xenstore-read "/local/domain/$guest/vm")/image" "/local/domain/$stub/console" \
		"/local/domain/$stub/device"
}

pci() {
	guest
	step 'pci: attach, detach'
	bash /lab/pci-setup.sh
	began=$(now)
	xl pci-attach hvm1 0000:00:10.0
	check 'xl pci-attach' [ $? = 0 ]
	check 'the stub domain said pci-inserted' said $console 'state pci-inserted'
	show "$channel" /local/domain/0/backend/pci "/local/domain/$stub/device/pci" /libxl/pci
	bash /lab/detach.sh hvm1 0000:00:10.0
	check 'detach' [ $? = 0 ]
	check 'the stub domain said pci-removed' said $console 'state pci-removed'
	show "$channel"
	ls -l /sys/bus/pci/drivers/pciback | grep 0000:
}

save() {
	guest
	step 'save, restore'
	xl save hvm1 /tmp/saved >/tmp/save.log 2>&1
	check 'xl save' [ $? = 0 ]
	check 'the stub domain said paused' said $console 'state paused'
	began=$(now)
	xl restore -p /tmp/saved >/tmp/restore.log 2>&1
	check 'xl restore -p' xl domid hvm1 || tail -n 15 /tmp/restore.log /var/log/xen/xl-hvm1.log
	guest
	check 'state running' is "$channel/state" running
}

pvh() {
	step 'pvh: a guest that boots'
	xl create -q /lab/pvh.cfg
	check 'xl create pvh1' [ $? = 0 ]
	for _ in $(seq 120); do
		sleep 1
		grep -qa 'stub domain up' /var/log/xen/console/guest-pvh1.log && break
	done
	check 'it came up' grep -a 'stub domain up' /var/log/xen/console/guest-pvh1.log
	xl destroy pvh1
}

quirks() {
	step 'quirks: the device model in dom0 itself'
	channel=/local/domain/0/device-model/77
	xenstore-write /local/domain/0/target 77
	/lab/stubdm >/tmp/dm.log &
	local model=$!
	await $channel/state running
	try() { # QUIRKS COMMAND PARAMETER SECONDS STATE PARAMETER-AFTERWARDS
		xenstore-rm $channel/command 2>/dev/null
		xenstore-write /local/domain/0/stubdm "$1" $channel/state running $channel/parameter "$3"
		xenstore-write $channel/command "$2"
		sleep "$4"
		local state parameter
		state=$(xenstore-read $channel/state 2>&1 | tr -d '\0') parameter=$(xenstore-read $channel/parameter 2>&1 | tr -d '\0')
		check "'$1' $2 $3: $5, $6" [ "$state $parameter" = "$5 $6" ]
	}
	try '' pci-ins 0000:03:00.0@28 1 pci-inserted 0x28
	try '' pci-ins 0000:03:00.1@28 1 running 'wrong bdf or vdevfn'
	try '' pci-ins 0000:04:00.0 1 pci-inserted 0x20
	try '' pci-ins junk 1 running 'no free hotplug devfn'
	try 'eject=never' pci-rem 0000:03:00.0 1 running 0000:03:00.0
	try 'eject=1' pci-rem 0000:03:00.0 3 pci-removed 0000:03:00.0
	try 'slot=78' pci-ins 0000:05:00.0 1 pci-inserted 0x78
	try 'silent=pci-ins' pci-ins 0000:06:00.0 1 running 0000:06:00.0
	try 'fail=my text;fail-state' pci-ins 0000:06:00.0 1 pci-insert-failed 'my text'
	try 'delay=1' usb-add tablet 3 usb-added tablet
	try 'keep-command' pci-ins 0000:06:00.0 1 pci-inserted 0x28
	check 'command still there' is $channel/command pci-ins
	try 'hostile=wrong' pci-ins 0000:07:00.0 1 pci-removed 0000:07:00.0
	try 'hostile=forge' pci-ins 0000:07:00.0 1 pci-inserted 0xf8
	try 'hostile=flap' pci-ins 0000:07:00.0 12 pci-inserted 0x30
	xenstore-write /local/domain/0/stubdm hostile=die $channel/command save
	sleep 1
	check 'hostile=die' [ ! -e /proc/$model ]
	xenstore-rm $channel /local/domain/0/target /local/domain/0/stubdm
}

if [ $# = 0 ]; then
	set -- pv hvm save
	[ ! -e /sys/bus/pci/devices/0000:00:10.0 ] || set -- pv hvm pci save
fi
config=/lab/hvm.cfg console=/var/log/xen/qemu-dm-hvm1.log
[[ " $* " != *' pci '* ]] || config=/lab/hvmpt.cfg
for part; do
	case $part in
	pv | hvm | pci | save | pvh | quirks) "$part" ;;
	*) echo "accept.sh: there is no part $part" >&2; exit 99 ;;
	esac
done
! xl domid hvm1 >/dev/null 2>&1 || xl destroy hvm1
printf '\naccept.sh: %s, %d checks failed\n' "$*" $failed
exit $failed
