#!/bin/sh
# run-oxenstored.sh DIR [oxenstored options]: start OCaml oxenstored, print its socket. Environment as for run-xenstored.sh.
# Config: DIR/etc/oxenstored.conf (made if missing, with the quotas that Xen's own example has).
. "$(dirname "$0")/run-common.sh"
BIN=$ROOT/usr/lib/xen-$VER/bin/oxenstored
mkdir -p "$DIR/etc"
[ -e "$DIR/etc/oxenstored.conf" ] || cat >"$DIR/etc/oxenstored.conf" <<C
pid-file = $DIR/oxenstored.pid
merge-activate = true
perms-activate = true
perms-watch-activate = true
quota-activate = true
quota-maxentity = 1000
quota-maxsize = 2048
quota-maxwatch = 100
quota-transaction = 10
quota-maxrequests = 1024
quota-path-max = 1024
persistent = false
xenstored-kva = $DIR/dom/0/page
xenstored-port = $DIR/xsd_port
C
case $VER in
4.17) launch env LD_LIBRARY_PATH="$LIBX" LD_PRELOAD="$CACHE/bin/libfakexen.so" \
	"$BIN" --no-fork --config-file "$DIR/etc/oxenstored.conf" "$@";;
*) # Needs a newer glibc than bookworm's: use its own loader.
   launch "$LIB/ld-linux-x86-64.so.2" --library-path "$LIB:/usr/lib/x86_64-linux-gnu" --preload "$CACHE/bin/libfakexen.so" \
	"$BIN" --no-fork --config-file "$DIR/etc/oxenstored.conf" "$@";;
esac
