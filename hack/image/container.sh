#!/bin/sh
# container.sh ROOT WORKDIR UID:GID [-v SOURCE:TARGET:ro|rw]... [-t TARGET]... [-e NAME=VALUE]... [-h] -- PROGRAM ARGUMENT...
# Runs a program as a kubelet would run a container: the root file system read-only, no capabilities, no way to new ones. It is
# started by run.ts in a mount namespace of its own and, without -h (the host's), as the first process of a PID namespace.
# Its pid outside goes to file descriptor 3.
set -eu
root=$1 dir=$2 uid=${3%:*} gid=${3#*:}
shift 3
# /proc is still the one outside.
read -r pid _ </proc/self/stat
echo "$pid" >&3
exec 3>&-

mountpoint() { if [ -d "$1" ]; then mkdir -p "$2"; elif [ ! -e "$2" ]; then mkdir -p "$(dirname "$2")" && : >"$2"; fi; }
bind() {
	mountpoint "$1" "$root$2"
	mount --rbind "$1" "$root$2"
	[ "$3" = rw ] || mount -o "remount,bind,ro,nosuid" "$root$2"
}
mount --bind "$root" "$root"
mkdir -p "$root/proc" "$root/dev" "$root/sys"
volumes='' env='' proc=own
while [ "$1" != -- ]; do
	case $1 in
	-v) volumes="$volumes $2"; shift 2;;
	-t) mkdir -p "$root$2"; mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs "$root$2"; shift 2;;
	-e) env="$env$2
"; shift 2;;
	-h) proc=host; shift;;
	*) echo "container.sh: $1?" >&2; exit 2;;
	esac
done
shift
mount -t tmpfs -o nosuid,mode=755 tmpfs "$root/dev"
for device in null zero full random urandom; do bind /dev/$device /dev/$device rw; done
if [ $proc = host ]; then mount --rbind /proc "$root/proc"; else mount -t proc -o nosuid,nodev,noexec proc "$root/proc"; fi
bind /sys /sys ro
for file in /etc/hosts /etc/resolv.conf; do [ ! -e $file ] || bind $file $file ro; done
for volume in $volumes; do
	mode=${volume##*:} volume=${volume%:*}
	bind "${volume%%:*}" "${volume#*:}" "$mode"
done
mount -o remount,bind,ro "$root"

setpriv=$(command -v setpriv) unshare=$(command -v unshare)
IFS='
'
# To change into the root takes a capability, and to become another user two; a user other than root has lost them then.
if [ "$uid" = 0 ]; then keep=+sys_chroot become=
else keep=+sys_chroot,+setuid,+setgid become="--setuid
$uid
--setgid
$gid"
fi
exec env -i $env "$setpriv" --no-new-privs --clear-groups --inh-caps=-all --ambient-caps=-all --bounding-set=-all,$keep \
	"$unshare" --root "$root" --wd "$dir" $become -- "$@"
