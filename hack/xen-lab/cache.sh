# Sourced by the other scripts: where what they build lives. Sets HERE, TREE, NODE, BASE, PARTS (what Debian has, unpacked) and LAB (the
# images made of it). The keys cover everything that decides what is in there, so that a changed script makes a new one.
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TREE=$(cd "$HERE/../.." && pwd)
NODE=$TREE/node_modules/.bin/node
BASE=${STUBDOM_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/stubdom-operator}/xen-lab
key() { sha256sum | cut -c 1-16; }
PARTS=$BASE/parts-$( (uname -m; cat "$HERE/apt.sh" "$HERE/parts.sh") | key)
LAB=$BASE/lab-$( (basename "$PARTS"; cat "$HERE/images.sh" "$HERE"/src/* "$HERE"/dom0/*) | key)
say() { printf '%s [%3d s] %s\n' "$(basename "$0")" "$SECONDS" "$*" >&2; }
fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# unpacked PROGRAM...: runs a program of PARTS/host with the libraries that it came with, so that nothing of this machine's is used. ARGV0 is
# the name it is called by, where it has several; EXEC=exec has it take the place of the shell.
unpacked() {
	local lib=$PARTS/host/lib/x86_64-linux-gnu usr=$PARTS/host/usr/lib/x86_64-linux-gnu program=$PARTS/host/$1
	shift
	${EXEC:-} "$lib/ld-linux-x86-64.so.2" --argv0 "${ARGV0:-$program}" --library-path "$lib:$usr:$usr/pulseaudio" "$program" "$@"
}

# make_ext4 FOLDER IMAGE: fills the image, which has its size already.
make_ext4() {
	MKE2FS_CONFIG=$PARTS/host/etc/mke2fs.conf ARGV0=mkfs.ext4 unpacked sbin/mke2fs -q -F -t ext4 -O ^has_journal \
		-E lazy_itable_init=0,root_owner=0:0 -d "$1" "$2"
}
