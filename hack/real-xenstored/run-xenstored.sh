#!/bin/sh
# run-xenstored.sh DIR [xenstored options]: start C xenstored, print its socket.
# XEN_VER=4.17 (default) | 4.20  FAKEXEN_KEEP=1 keeps existing domains  FOREGROUND=1 stays until the daemon ends.
. "$(dirname "$0")/run-common.sh"
launch env LD_LIBRARY_PATH="$LIBX" LD_PRELOAD="$CACHE/bin/libfakexen.so" "$ROOT/usr/lib/xen-$VER/bin/xenstored" -N "$@"
