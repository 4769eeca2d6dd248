#!/bin/sh
# xs.sh DIR|SOCKET TOOL ARGS...: run xenstore-TOOL (read, write, ls, watch, ...) against DIR/socket or a socket.
. "$(dirname "$0")/cache.sh"
[ -d "$CACHE" ] || "$HERE/setup.sh" >/dev/null || exit 1
S=$1; [ -d "$S" ] && S=$S/socket; S=$(realpath "$S"); T=$2; shift 2
XENSTORED_PATH=$S LD_LIBRARY_PATH=$CACHE/lib-4.17 exec "$CACHE/root/bookworm/usr/bin/xenstore-$T" "$@"
