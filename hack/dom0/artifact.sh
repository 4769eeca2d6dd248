#!/bin/bash
# artifact.sh [FOLDER]: makes stubdom-agent-VERSION-linux-x64.tar.gz in FOLDER (default: artifacts/), and prints its path and what it
# measures in bytes, packed and unpacked. It holds all that a dom0 needs to run the agent, Node.js included: no npm, no registry and no
# compiler there. Run it in a checkout after npm ci, on linux-x64. The same sources make the same bytes.
#
#   tar -xzf stubdom-agent-VERSION-linux-x64.tar.gz -C /opt     makes /opt/stubdom
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "$here/../.." && pwd)
node=$tree/node_modules/node/bin/node
fail() { printf 'artifact.sh: %s\n' "$*" >&2; exit 1; }
[ "$(uname -s)/$(uname -m)" = Linux/x86_64 ] || fail "is made on linux-x64, this is $(uname -s) on $(uname -m)"
[ -x "$node" ] || fail "needs the project's Node.js: run npm ci first"
mkdir -p "${1:-$tree/artifacts}"
folder=$(cd "${1:-$tree/artifacts}" && pwd)
work=$(mktemp -d "$folder/.new.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
umask 022
root=$work/stubdom
mkdir -p "$root/bin" "$root/lib"

"$node" "$tree/node_modules/typescript/bin/tsc" -p "$tree/tsconfig.build.json" --outDir "$root/dist" --incremental false --tsBuildInfoFile null \
	--sourceMap false
version=$("$node" -p 'require(process.argv[1]).version' "$tree/package.json")
cp "$node" "$root/lib/node"
cp "$tree/package.json" "$tree/LICENSE" "$root/"
cp -R "$tree/crds" "$root/"
install -m 755 "$here/stubdom" "$root/bin/stubdom"
install -m 755 "$here/make-kubeconfig.sh" "$root/bin/make-kubeconfig"
install -m 644 "$here/stubdom-agent.service" "$here/creates-guests.conf" "$here/agent.env.example" "$root/"

# What the lock file names for production and npm installed on this platform.
"$node" -e '
	const { packages } = require(process.argv[1]);
	for (const [path, entry] of Object.entries(packages)) if (path !== "" && entry.dev !== true) console.log(path);
' "$tree/package-lock.json" | while read -r package; do
	[ -d "$tree/$package" ] || continue
	case $package in node_modules/@types/* | */node_modules/@types/*) continue ;; esac
	mkdir -p "$root/$(dirname "$package")"
	# Packages inside of it have lines of their own.
	(cd "$tree" && tar -c --exclude="$package/node_modules" "$package") | tar -x -C "$root"
done
# Declarations, maps and sources are for compilers and debuggers; prebuilds/ are native add-ons for other run times than Node.js. Of koffi the
# library for this processor and glibc stays.
find "$root/node_modules" -type d \( -name prebuilds -o -path '*/@koromix/*/musl_*' \) -prune -exec rm -r {} +
find "$root/node_modules/koffi" -mindepth 1 -maxdepth 1 -type d ! -name src -exec rm -r {} +
find "$root/node_modules/koffi" -type f ! -name '*.js' ! -name '*.cjs' ! -name package.json ! -name 'LICENSE*' -delete
find "$root/node_modules" -type f \( -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.map' \) -delete
find "$root/node_modules" -type d -empty -delete
native=$(find "$root/node_modules" -type f \( -name '*.node' -o -name '*.bare' -o -name '*.so' -o -name '*.dll' \) ! -path '*/koffi-linux-x64/linux_x64/koffi.node')
[ -z "$native" ] || fail "native code that was not expected: $native"
"$root/bin/stubdom" version >/dev/null || fail 'what was packed does not run'

# One time for all files, that of the commit if there is one.
epoch=${SOURCE_DATE_EPOCH:-$(git -C "$tree" log -1 --format=%ct 2>/dev/null || echo 0)}
archive=stubdom-agent-$version-linux-x64.tar.gz
chmod -R u=rwX,go=rX "$root"
tar -c -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" --format=gnu stubdom | gzip -n -6 >"$work/$archive"
mv "$work/$archive" "$folder/$archive"
printf '%s\npacked %s\nunpacked %s\n' "$folder/$archive" "$(stat -c %s "$folder/$archive")" "$(du -sb "$root" | cut -f 1)"
