#!/bin/sh
# build.sh: builds the Dockerfile of this tree and says what came out, one fact a line: `builder`, `digest`, `size` (unpacked), `layer`
# (packed, one line each), `packed` (what a node pulls) in bytes, `tag`, `sbom`, `archive` (an OCI layout, for skopeo or podman) and
# `folder` (for run.ts). Nothing is built when neither the sources nor the base changed.
# NODE_IMAGE and NODE_DIGEST take the base from a registry; without them base.sh makes one.
# STUBDOM_IMAGE_BUILDER=buildah or chroot insists on one way; without it a chroot is for machines where buildah cannot be had.
set -e
. "$(dirname "$0")/common.sh"
[ "$(uname -s)" = Linux ] || fail "needs Linux, this is $(uname -s)"
[ -x "$NODE" ] || fail "needs the project's Node.js: run npm ci first"
# To mount what it runs, and to give files their owners.
[ "$(id -u)" = 0 ] || fail 'needs root'
mkdir -p "$BASE"
exec 9>"$BASE/lock"
flock 9

# Prints the image to begin with, and makes sure that there is a buildah.
for_buildah() { (builder) && if [ -n "${NODE_IMAGE:-}" ]; then echo "$NODE_IMAGE"; else "$HERE/base.sh"; fi; }
how=${STUBDOM_IMAGE_BUILDER:-}
case $how in
buildah) base=$(for_buildah);;
chroot) ;;
'') if base=$(for_buildah); then how=buildah; else how=chroot; fi;;
*) fail "STUBDOM_IMAGE_BUILDER is buildah or chroot, not $how";;
esac
if [ $how = chroot ]; then
	printf '\n*** The image is NOT built by a builder here, but step by step in a chroot made of the programs of this machine. It is for tests: no release.\n\n' >&2
	base=$( (cat /etc/os-release; "$NODE" --version) | sha256sum | cut -c 1-16)
fi
inputs='package.json package-lock.json .npmrc tsconfig.json tsconfig.build.json operator crds LICENSE'
key=$( (cd "$TREE" && echo "$how $base${NODE_DIGEST:-}" && find Dockerfile .dockerignore hack/image $inputs -type f ! -name run.ts ! -name container.sh -print0 | LC_ALL=C sort -z |
	xargs -0 sha256sum) | sha256sum | cut -c 1-16)
OUT=$BASE/out-$how/$key

# Fills $NEW with archive, rootfs and config.json.
with_buildah() {
	TAG=localhost/stubdom-operator:$key
	# Only the last one is kept.
	for old in $(bldh images --format '{{.Name}}:{{.Tag}}' --noheading 2>/dev/null | grep '^localhost/stubdom-operator:'); do bldh rmi "$old" >/dev/null || true; done
	bldh bud --format oci --layers=false --network host --signature-policy "$POLICY" --security-opt "seccomp=$SECCOMP" \
		--build-arg "NODE_IMAGE=$base" --build-arg "NODE_DIGEST=${NODE_DIGEST:-}" --volume "$BASE/npm:/root/.npm" \
		--ignorefile "$TREE/.dockerignore" -f "$TREE/Dockerfile" -t "$TAG" "$TREE" >&2 || fail 'the Dockerfile cannot be built'
	bldh push --quiet --signature-policy "$POLICY" "$TAG" "oci:$NEW/archive:$key" >&2 || fail 'cannot write the OCI archive'
	"$NODE" "$HERE/unpack.ts" "$NEW" || fail 'cannot unpack the OCI archive'
	echo "tag $TAG" >"$NEW/extra"
	echo "archive $OUT/archive" >>"$NEW/extra"
}
with_chroot() {
	"$HERE/chroot-base.sh" "$NEW/base" || fail 'cannot make a chroot of the programs of this machine'
	# The npm cache moves in and out: there may be no right to mount it.
	mv "$BASE/npm" "$NEW/base/root/.npm"
	"$NODE" "$HERE/chroot.ts" "$TREE/Dockerfile" "$NEW/base" "$NEW" "$NEW" && built=0 || built=$?
	mv "$NEW/base/root/.npm" "$BASE/npm"
	[ $built = 0 ] || fail 'the steps of the Dockerfile fail in a chroot'
	rm -rf "$NEW/base"
	: >"$NEW/extra"
}

if [ ! -e "$OUT/report" ]; then
	mkdir -p "$BASE/npm" "$BASE/out-$how"
	# What was interrupted goes, and all but the last two: another checkout may be using its own.
	rm -rf "$BASE/out-$how"/new.*
	ls -1t "$BASE/out-$how" | tail -n +3 | while read -r old; do rm -rf "$BASE/out-$how/$old"; done
	NEW=$(mktemp -d "$BASE/out-$how/new.XXXXXX")
	chmod 755 "$NEW"
	trap 'rm -rf "$NEW"' EXIT
	trap 'exit 1' HUP INT TERM
	with_$how
	"$NODE" "$HERE/run.ts" "$NEW" --command /usr/local/bin/node -- --input-type=module - <"$HERE/inventory.mjs" >"$NEW/inventory.json" ||
		fail 'cannot list what is in the image'
	# Not --omit dev: npm would leave out what a development dependency needs too.
	(cd "$TREE" && npm sbom --sbom-format cyclonedx --package-lock-only) >"$NEW/npm.json" || fail 'npm cannot write an SBOM'
	"$NODE" "$HERE/sbom.ts" "$NEW/npm.json" "$NEW/inventory.json" >"$NEW/sbom.cdx.json"
	"$NODE" "$HERE/report.ts" "$NEW" >"$NEW/report"
	mv -T "$NEW" "$OUT"
fi
echo "builder $how"
cat "$OUT/report" "$OUT/extra"
echo "sbom $OUT/sbom.cdx.json"
echo "folder $OUT"
