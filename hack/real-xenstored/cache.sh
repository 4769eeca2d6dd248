# Sourced by the other scripts: where the unpacked daemons live. Sets HERE, BASE and CACHE.
# The key covers everything that decides what the cache holds, so that a changed script or another libc makes a new one.
HERE=$(cd "$(dirname "$0")" && pwd)
BASE=${STUBDOM_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/stubdom-operator}/real-xenstored
KEY=$( (uname -m; getconf GNU_LIBC_VERSION 2>/dev/null; cat "$HERE/setup.sh" "$HERE"/shim/*) | sha256sum | cut -c 1-16)
CACHE=$BASE/$KEY
