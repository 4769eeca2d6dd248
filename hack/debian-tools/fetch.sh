#!/bin/sh
# fetch.sh TOOL: fetches and unpacks the Debian package that has promtool or lua5.4 (nothing is installed) into a cache outside
# the tree, and prints the program's path. Does nothing when it is already there. The mirror is the one that this machine's apt uses.
set -e
case $1 in
promtool) packages=prometheus;;
lua5.4) packages=lua5.4;;
*) echo "fetch.sh: give promtool or lua5.4" >&2; exit 2;;
esac
tool=$1
BASE=${STUBDOM_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/stubdom-operator}/debian-tools
CACHE=$BASE/$tool-$( (uname -m; getconf GNU_LIBC_VERSION 2>/dev/null; cat "$0") | sha256sum | cut -c 1-16)
program=$CACHE/usr/bin/$tool
[ -x "$program" ] && { echo "$program"; exit 0; }
fail() { echo "fetch.sh: $*" >&2; exit 1; }
for needed in apt-get dpkg; do command -v $needed >/dev/null || fail "needs $needed, which is not installed"; done
mkdir -p "$BASE"
NEW=$(mktemp -d "$BASE/new.XXXXXX")
trap 'rm -rf "$NEW"' EXIT
trap 'exit 1' HUP INT TERM
# apt's own lists may be missing or old; a list of its own needs no root.
(cd "$NEW" && apt-get -qq -o APT::Sandbox::User=root download $packages) >&2 2>"$NEW/first" || {
	mkdir -p "$NEW/lists/partial" "$NEW/archives/partial"
	(cd "$NEW" && set -- -qq -o APT::Sandbox::User=root -o Dir::State::Lists="$NEW/lists" -o Dir::Cache="$NEW" &&
		apt-get "$@" update && apt-get "$@" download $packages) >&2 || fail "cannot fetch $packages from Debian"
}
mkdir "$NEW/root"
for deb in "$NEW"/*.deb; do dpkg -x "$deb" "$NEW/root"; done
[ -x "$NEW/root/usr/bin/$tool" ] || fail "the Debian package $packages has no $tool"
# Documentation and the server take most of the room.
rm -rf "$NEW/root/usr/share" "$NEW/root/usr/bin/prometheus"
"$NEW/root/usr/bin/$tool" $([ "$tool" = promtool ] && echo --version || echo -v) >/dev/null 2>&1 || fail "$tool does not run on this machine"
[ -d "$CACHE" ] || mv -T "$NEW/root" "$CACHE" 2>/dev/null || [ -x "$program" ] || fail "cannot fill $CACHE"
echo "$program"
