#!/bin/bash
# disk.sh FOLDER IMAGE: an ext4 image of FOLDER with root's files, for OPT=IMAGE of run.sh.
set -euo pipefail
. "$(dirname "$0")/cache.sh"
[ $# = 2 ] || { sed -n '2s/^# //p' "$0"; exit 2; }
"$HERE/setup.sh" >/dev/null
new=$2.$$
trap 'rm -f "$new"' EXIT
truncate -s "$(($(du -sm "$1" | cut -f 1) * 5 / 4 + 64))M" "$new"
make_ext4 "$1" "$new"
mv "$new" "$2"
