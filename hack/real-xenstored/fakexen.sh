#!/bin/sh
# fakexen.sh COMMAND DIR ...: the control program of the fake Xen host, see shim/fakexen.c.
. "$(dirname "$0")/cache.sh"
[ -d "$CACHE" ] || "$HERE/setup.sh" >/dev/null || exit 1
exec "$CACHE/bin/fakexen" "$@"
