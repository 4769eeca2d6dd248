#!/bin/sh
# build.sh: builds the Dockerfile of this tree and says what came out: `tag`, `size` (unpacked), `layer` (packed, one line each), `packed`
# (what a node pulls) in bytes, `sbom` and `archive` (an OCI layout, for skopeo or podman). Nothing is built when neither the sources nor the base changed.
# NODE_IMAGE and NODE_DIGEST take the base from a registry; without them base.sh makes one.
set -e
. "$(dirname "$0")/common.sh"
builder
exec 9>"$BASE/lock"
flock 9
if [ -n "${NODE_IMAGE:-}" ]; then base=$NODE_IMAGE; else base=$("$HERE/base.sh"); fi
inputs='package.json package-lock.json .npmrc tsconfig.json tsconfig.build.json operator crds LICENSE'
key=$( (cd "$TREE" && echo "$base${NODE_DIGEST:-}" && find Dockerfile .dockerignore hack/image $inputs -type f -print0 | LC_ALL=C sort -z |
	xargs -0 sha256sum) | sha256sum | cut -c 1-16)
TAG=localhost/stubdom-operator:$key
OUT=$BASE/out/$key

if ! image_exists "$TAG" || [ ! -e "$OUT/report" ]; then
	# Only the last one is kept.
	for old in $(bldh images --format '{{.Name}}:{{.Tag}}' --noheading 2>/dev/null | grep '^localhost/stubdom-operator:'); do bldh rmi "$old" >/dev/null || true; done
	rm -rf "$BASE/out"
	mkdir -p "$BASE/npm" "$BASE/out"
	NEW=$(mktemp -d "$BASE/out/new.XXXXXX")
	trap 'rm -rf "$NEW"' EXIT
	trap 'exit 1' HUP INT TERM
	bldh bud --format oci --layers=false --network host --signature-policy "$POLICY" --security-opt "seccomp=$SECCOMP" \
		--build-arg "NODE_IMAGE=$base" --build-arg "NODE_DIGEST=${NODE_DIGEST:-}" --volume "$BASE/npm:/root/.npm" \
		--ignorefile "$TREE/.dockerignore" -f "$TREE/Dockerfile" -t "$TAG" "$TREE" >&2 || fail 'the Dockerfile cannot be built'
	bldh push --quiet --signature-policy "$POLICY" "$TAG" "oci:$NEW/archive:$key" >&2 || fail 'cannot write the OCI archive'
	container=$(bldh from --signature-policy "$POLICY" "$TAG")
	bldh run "$container" -- /usr/local/bin/node --input-type=module - <"$HERE/inventory.mjs" >"$NEW/inventory.json" ||
		{ bldh rm "$container" >/dev/null; fail 'cannot list what is in the image'; }
	bldh rm "$container" >/dev/null
	(cd "$TREE" && npm sbom --sbom-format cyclonedx --omit dev --package-lock-only) >"$NEW/npm.json" || fail 'npm cannot write an SBOM'
	"$NODE" "$HERE/sbom.ts" "$NEW/npm.json" "$NEW/inventory.json" >"$NEW/sbom.cdx.json"
	"$NODE" "$HERE/report.ts" "$NEW" >"$NEW/report"
	mv -T "$NEW" "$OUT"
fi
echo "tag $TAG"
cat "$OUT/report"
echo "sbom $OUT/sbom.cdx.json"
echo "archive $OUT/archive"
