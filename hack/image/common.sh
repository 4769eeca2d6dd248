# Sourced by the other scripts: where the builder and its storage live, and how it is called. Sets HERE, TREE, BASE, NODE.
HERE=$(cd "$(dirname "$0")" && pwd)
TREE=$(cd "$HERE/../.." && pwd)
BASE=${STUBDOM_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/stubdom-operator}/image
NODE=$TREE/node_modules/.bin/node
fail() { echo "$(basename "$0"): $*" >&2; exit 1; }
# buildah, out of Debian's packages.
TOOLS=$BASE/tools-$( (uname -m; getconf GNU_LIBC_VERSION 2>/dev/null; cat "$HERE/tools.sh") | sha256sum | cut -c 1-16)

# bldh COMMAND...: buildah on a storage of our own. vfs needs nothing of the kernel, chroot no OCI runtime.
bldh() {
	LD_LIBRARY_PATH=$TOOLS/lib CONTAINERS_CONF=$TOOLS/usr/share/containers/containers.conf BUILDAH_ISOLATION=chroot \
		"$TOOLS/usr/bin/buildah" --root "$BASE/storage" --runroot "$BASE/run" --storage-driver vfs \
		--registries-conf "$TOOLS/etc/containers/registries.conf" "$@"
}
POLICY=$TOOLS/etc/containers/policy.json
SECCOMP=$TOOLS/usr/share/containers/seccomp.json

# image_exists TAG
image_exists() { bldh inspect --type image "$1" >/dev/null 2>&1; }

# builder: makes sure that there is a buildah that works here.
builder() {
	# buildah starts itself again with an empty environment, so that this one library must be the machine's.
	if ! ldconfig -p | grep -q 'libgpgme\.so\.11'; then
		apt-get -qq install -y --no-install-recommends libgpgme11 >&2 || fail 'cannot install libgpgme11'
	fi
	"$HERE/tools.sh" >&2 || exit 1
	unshare --mount true 2>/dev/null || fail 'mounts are not allowed here, as in most containers'
	probe=$(bldh from --signature-policy "$POLICY" scratch) || fail 'buildah cannot begin an image on this machine'
	bldh rm "$probe" >/dev/null
}
