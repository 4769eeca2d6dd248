#!/bin/sh
# build.sh: build the real kube-apiserver for tests, unless it is there already, and print the path of the program.
# STUBDOM_KUBE_VERSION=1.31 does so for the oldest release that the operator runs on. Without it, it is the newest.
#
# The program lands in ${STUBDOM_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/stubdom-operator}/real-kube-apiserver/HASH/,
# where HASH is that of the sources here. `build.sh --path` prints the path only: exit code 1 if nothing is there yet.
# Exit code 2: it cannot be built here.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${STUBDOM_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/stubdom-operator}/real-kube-apiserver
cd "$here"
say() { echo "real-kube-apiserver: $*" >&2; }

newest=$(sed -n 's#^\tk8s.io/kubernetes v\(1\.[0-9]*\).*#\1#p' go.mod)
release=${STUBDOM_KUBE_VERSION:-$newest}
mod=go.mod
[ "$release" = "$newest" ] || mod=$release/go.mod
if [ ! -f "$mod" ]; then
	say "STUBDOM_KUBE_VERSION=$release is not one that can be built: $newest is, and 1.31."
	exit 2
fi
hash=$(cat "$mod" "${mod%.mod}.sum" main.go lean.go pki.go release.go release_1_31.go build.sh | sha256sum | cut -c1-16)
out=$cache/$hash/kube-apiserver

if [ "${1:-}" = --path ]; then
	echo "$out"
	[ -x "$out" ]
	exit
fi
if [ -x "$out" ]; then
	echo "$out"
	exit
fi

if ! command -v go >/dev/null; then
	say "there is no Go here. Install Go $(sed -n 's/^go //p' "$mod") or later from https://go.dev/dl/ and run this again."
	exit 2
fi
want=$(sed -n 's/^go \([0-9]*\.[0-9]*\).*/\1/p' "$mod")
have=$(go env GOVERSION | sed -n 's/^go\([0-9]*\.[0-9]*\).*/\1/p')
if [ "$(printf '%s\n%s\n' "$want" "$have" | sort -V | head -n 1)" != "$want" ]; then
	say "Go $have is too old: Go $want or later is needed (https://go.dev/dl/)."
	exit 2
fi

version=$(sed -n 's#^\tk8s.io/kubernetes \(v[0-9.]*\).*#\1#p' "$mod")
minor=$(echo "$version" | cut -d. -f2)
flags="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
	flags="$flags -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$minor"
	flags="$flags -X $package.gitTreeState=clean -X $package.gitCommit=test -X $package.buildDate=2026-01-01T00:00:00Z"
done

mkdir -p "$cache/$hash"
partial=$out.partial.$$
trap 'rm -f "$partial"' EXIT
say "building kube-apiserver $version from source. The first time takes 10 to 25 minutes and 4 GB in Go's caches."
started=$(date +%s)
(
	while sleep 30; do
		say "still building after $(($(date +%s) - started)) s"
	done
) &
ticker=$!
status=0
GOFLAGS='' go build -modfile="$mod" -tags "kube_$(echo "$release" | tr . _)" -trimpath -ldflags "$flags" -o "$partial" . || status=$?
kill "$ticker" 2>/dev/null || :
if [ "$status" -ne 0 ]; then
	say "the build failed (exit code $status): see above."
	exit "$status"
fi
mv "$partial" "$out"
say "built in $(($(date +%s) - started)) s"
echo "$out"
