#!/bin/bash
# setup.sh: builds the lab, unless it is there already, into a cache outside the tree, and prints where. `setup.sh --path` prints the path
# only: exit status 1 if nothing is there yet. Exit status 3: it cannot be had on this machine, and standard error says why.
set -euo pipefail
. "$(dirname "$0")/cache.sh"
case ${1:-} in
--path) echo "$LAB"; [ -e "$LAB/dom0.img" ]; exit ;;
'') ;;
*) sed -n '2,3s/^# //p' "$0"; exit 2 ;;
esac
cannot() { printf 'setup.sh: %s\n' "$*" >&2; exit 3; }
[ "$(uname -s)/$(uname -m)" = Linux/x86_64 ] || cannot "needs Linux on x86_64, this is $(uname -s) on $(uname -m)"
free=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
[ "$free" -ge 3500 ] || cannot "needs 3500 MiB of free memory, there are $free"
[ ! -e "$LAB/dom0.img" ] || { echo "$LAB"; exit 0; }
[ "$(id -u)" = 0 ] || cannot 'needs root, to make the files of a dom0'
for tool in apt-get dpkg gcc flock perl; do
	command -v $tool >/dev/null || cannot "needs $tool, which is not installed"
done
[ -e "$(gcc -print-file-name=libc.a)" ] || cannot 'needs the static libc (package libc6-dev)'
perl -MEnglish -MFile::Temp -e1 2>/dev/null || cannot "needs perl's modules (package perl)"
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || cannot 'needs the keys of Debian (package debian-archive-keyring)'
[ -x "$NODE" ] || cannot "needs the project's Node.js: run npm ci first"

mkdir -p "$BASE"
exec 9>"$BASE/lock"
flock 9
[ ! -e "$LAB/dom0.img" ] || { echo "$LAB"; exit 0; }
rm -rf "$BASE"/new.*
new=$BASE/new.$$
trap 'rm -rf "$new"' EXIT
trap 'exit 1' HUP INT TERM
# Both are filled under another name and renamed when complete, so that an interrupted set-up is done again.
if [ ! -d "$PARTS" ]; then
	[ "$(df -Pk "$BASE" | awk 'NR == 2 { print $4 }')" -gt 4000000 ] || cannot "needs 4 GB below $BASE"
	mkdir "$new"
	"$HERE/parts.sh" "$new" || cannot "Debian's packages cannot be had here (see above)"
	mv -T "$new" "$PARTS"
fi
mkdir "$new"
"$HERE/images.sh" "$new"
# What no scripts ask for any more goes, unless a lab has run from it today.
find "$BASE" -maxdepth 1 -name 'parts-*' ! -path "$PARTS" -mtime +0 -exec rm -rf {} +
find "$BASE" -maxdepth 1 -name 'lab-*' -mtime +0 -exec rm -rf {} +
mv -T "$new" "$LAB"
say "ready: $(du -sh "$PARTS" | cut -f 1) and $(du -sh "$LAB" | cut -f 1)"
echo "$LAB"
