#!/bin/sh
# stop.sh DIR [SIGNAL]: stop the daemon (by the pid recorded in DIR/pid) and wait until it is gone.
P=$(cat "$1/pid") && kill "-${2:-TERM}" "$P" || exit
i=0; while kill -0 "$P" 2>/dev/null && [ $i -lt 200 ]; do sleep 0.05; i=$((i + 1)); done
