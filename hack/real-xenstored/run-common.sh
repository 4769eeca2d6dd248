# Sourced by run-*.sh DIR [options]. Sets CACHE, DIR, SOCK, VER, ROOT, LIB, LIBX and the function `launch`.
[ $# -ge 1 ] || { echo "usage: $0 DIR [daemon options...]   (env XEN_VER=4.17|4.20)" >&2; exit 64; }
. "$(dirname "$0")/cache.sh"
[ -d "$CACHE" ] || "$HERE/setup.sh" >/dev/null || exit 1
mkdir -p "$1" || exit 1
DIR=$(cd "$1" && pwd); shift
SOCK=$DIR/socket
[ ${#SOCK} -lt 108 ] || { echo "socket path too long: $SOCK" >&2; exit 1; }
VER=${XEN_VER:-4.17}
case $VER in
4.17) ROOT=$CACHE/root/bookworm;;
4.20) ROOT=$CACHE/root/trixie;;
*) echo "$0: XEN_VER is 4.17 or 4.20, not $VER" >&2; exit 64;;
esac
LIB=$ROOT/usr/lib/x86_64-linux-gnu
LIBX=$CACHE/lib-$VER            # Xen's libraries only (no libc), see setup.sh
ours() { { tr '\0' '\n' <"/proc/$1/environ"; } 2>/dev/null | grep -qx "FAKEXEN_DIR=$DIR"; }
[ -e "$DIR/pid" ] && P=$(cat "$DIR/pid") && ours "$P" && { echo "$0: already running in $DIR, pid $P" >&2; exit 1; }
# launch COMMAND...: start it in the background and print its socket once it answers. With FOREGROUND=1 stay until it
# ends, take it along when stopped, and let it die should this script be killed.
launch() {
	rm -f "$SOCK"
	[ -e "$DIR/dom/0/state" ] && [ -n "$FAKEXEN_KEEP" ] || "$CACHE/bin/fakexen" init "$DIR" || exit 1
	START=setsid
	[ -n "$FOREGROUND" ] && START= && command -v setpriv >/dev/null && START="setpriv --pdeathsig KILL"
	FAKEXEN_DIR="$DIR" FAKEXEN_LIBEXEC="$ROOT/usr/lib/xen-$VER" XENSTORED_RUNDIR="$DIR" XENSTORED_ROOTDIR="$DIR/lib" \
		$START "$@" </dev/null >"$DIR/daemon.out" 2>&1 &
	PID=$!
	[ -z "$FOREGROUND" ] || trap "kill -KILL $PID 2>/dev/null" TERM INT HUP  # oxenstored stays on TERM while it has domains
	echo $PID >"$DIR/pid"
	i=0
	until [ -S "$SOCK" ] && "$CACHE/bin/xsping" "$SOCK" 2>/dev/null; do
		i=$((i + 1))
		if [ $i -gt 600 ] || ! kill -0 $PID 2>/dev/null; then
			echo "$0: the daemon did not start:" >&2; tail -5 "$DIR/daemon.out" >&2; kill $PID 2>/dev/null; exit 1
		fi
		sleep 0.05
	done
	echo "$SOCK"
	[ -z "$FOREGROUND" ] || while kill -0 $PID 2>/dev/null; do wait $PID; done
}
