#!/bin/sh
# setup.sh: fetch and unpack Debian's Xen packages (nothing is installed) and build the shim, into a cache outside the
# tree. Prints the cache's folder. Does nothing when it is already there. It is filled under another name and renamed
# when complete, so that an interrupted set-up is done again; two at once wait for each other.
# bookworm = Xen 4.17, trixie = Xen 4.20 (its oxenstored runs with its own libc). The mirror is the one this machine's apt uses.
set -e
. "$(dirname "$0")/cache.sh"
[ -d "$CACHE" ] && { echo "$CACHE"; exit 0; }
fail() { echo "setup.sh: $*" >&2; exit 1; }
[ "$(uname -s)/$(uname -m)" = Linux/x86_64 ] || fail "needs Linux on x86_64, this is $(uname -s) on $(uname -m)"
for tool in apt-get dpkg gcc flock; do
	command -v $tool >/dev/null || fail "needs $tool, which is not installed"
done
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e $KEYRING ] || fail "needs $KEYRING (package debian-archive-keyring)"
MIRROR=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep '/debian/*$' | head -n 1)
[ -n "$MIRROR" ] || MIRROR=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -o 'https\{0,1\}://[^ ]*/debian' | head -n 1)
[ -n "$MIRROR" ] || fail "no Debian mirror configured in apt"

mkdir -p "$BASE"
exec 9>"$BASE/lock"
flock 9
[ -d "$CACHE" ] && { echo "$CACHE"; exit 0; }
rm -rf "$BASE"/new.*
NEW=$BASE/new.$$
trap 'rm -rf "$NEW"' EXIT
trap 'exit 1' HUP INT TERM

COMMON="libxencall1 libxendevicemodel1 libxenevtchn1 libxenforeignmemory1 libxengnttab1 libxenhypfs1 libxenstore4 libxentoolcore1
	libxentoollog1 xenstore-utils libyajl2"
for suite in bookworm trixie; do
	case $suite in
	bookworm) version=4.17 packages="$COMMON libxenmisc4.17 xen-utils-4.17";;
	trixie) version=4.20 packages="$COMMON libxenmisc4.20 xen-utils-4.20 libc6";;
	esac
	apt=$NEW/apt/$suite
	mkdir -p "$apt/etc/apt.conf.d" "$apt/etc/preferences.d" "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/state" \
		"$NEW/debs/$suite" "$NEW/root/$suite" "$NEW/lib-$version"
	: >"$apt/state/status"
	echo "deb [signed-by=$KEYRING] $MIRROR $suite main" >"$apt/etc/sources.list"
	{
		apt-config dump 2>/dev/null | grep '^Acquire::https\{0,1\}::' || true
		cat <<-C
		Dir::Etc "$apt/etc";
		Dir::State "$apt/state";
		Dir::State::Lists "$apt/lists";
		Dir::State::status "$apt/state/status";
		Dir::Cache "$apt/cache";
		APT::Architecture "amd64";
		APT::Sandbox::User "root";
		Acquire::Check-Valid-Until "false";
		Acquire::Languages "none";
		C
	} >"$apt/apt.conf"
	(export APT_CONFIG="$apt/apt.conf"; apt-get -qq update && cd "$NEW/debs/$suite" && apt-get -qq download $packages) >&2 9>&- ||
		fail "cannot fetch Debian's Xen packages for $suite"
	for deb in "$NEW/debs/$suite"/*.deb; do dpkg -x "$deb" "$NEW/root/$suite"; done
	# Xen's libraries alone, to go in front of the machine's own: never a libc.
	cp -a "$NEW/root/$suite/usr/lib/x86_64-linux-gnu"/libxen*.so.* "$NEW/lib-$version/"
done
rm -rf "$NEW/apt" "$NEW/debs"
mkdir "$NEW/bin"
compile() { out=$1; shift; gcc -O2 -Wall -Wno-nonnull -Wno-format-truncation -o "$NEW/bin/$out" "$@" || fail "cannot compile $out"; }
cd "$HERE/shim"
compile libfakexen.so -shared -fPIC shim.c -ldl
compile fakexen fakexen.c
compile xsping xsping.c
mv -T "$NEW" "$CACHE"
trap - EXIT
echo "$CACHE"
