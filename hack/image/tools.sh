#!/bin/sh
# tools.sh: fetches and unpacks buildah and mmdebstrap out of Debian's packages (nothing is installed) into a cache outside the
# tree. Does nothing when they are there. The mirror is the one that this machine's apt uses.
set -e
. "$(dirname "$0")/common.sh"
[ -d "$TOOLS" ] && exit 0
for needed in apt-get dpkg perl flock; do command -v $needed >/dev/null || fail "needs $needed, which is not installed"; done
mkdir -p "$BASE"
NEW=$(mktemp -d "$BASE/new.XXXXXX")
trap 'rm -rf "$NEW"' EXIT
trap 'exit 1' HUP INT TERM
packages='buildah mmdebstrap libgpgme11 libassuan0 libgpg-error0 libseccomp2 libdevmapper1.02.1 golang-github-containers-common golang-github-containers-image'
# apt's own lists may be missing or old; lists of its own need no root.
(cd "$NEW" && apt-get -qq -o APT::Sandbox::User=root download $packages) >&2 2>"$NEW/first" || {
	mkdir -p "$NEW/lists/partial" "$NEW/archives/partial"
	(cd "$NEW" && set -- -qq -o APT::Sandbox::User=root -o Dir::State::Lists="$NEW/lists" -o Dir::Cache="$NEW" &&
		apt-get "$@" update && apt-get "$@" download $packages) >&2 || fail 'cannot fetch buildah and mmdebstrap from Debian'
}
for deb in "$NEW"/*.deb; do dpkg -x "$deb" "$NEW/root"; done
# Libraries that only buildah may see.
mkdir "$NEW/root/lib-only"
find "$NEW/root/usr/lib" "$NEW/root/lib" -name 'lib*.so.*' -exec cp -P {} "$NEW/root/lib-only/" \; 2>/dev/null
rm -rf "$NEW/root/lib" "$NEW/root/usr/share/doc" "$NEW/root/usr/share/man"
mv "$NEW/root/lib-only" "$NEW/root/lib"
LD_LIBRARY_PATH=$NEW/root/lib "$NEW/root/usr/bin/buildah" --version >&2 || fail 'buildah does not run on this machine'
mv -T "$NEW/root" "$TOOLS" 2>/dev/null || [ -d "$TOOLS" ] || fail "cannot fill $TOOLS"
