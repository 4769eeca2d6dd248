#!/bin/sh
# base.sh: makes a stand-in for the image that the Dockerfile begins with, where no image registry can be reached, and prints its
# tag: Debian's essential packages, the Node.js of package-lock.json and npm. Does nothing when there is one already.
set -e
. "$(dirname "$0")/common.sh"
[ "$(id -u)" = 0 ] || fail 'needs root'
builder
# Checked by what it must be, so that a mirror cannot give another one.
NPM=11.19.1
NPM_SHA512=ztsxKxt/kkIaAs+2i0GU6I+DRmUdrNasxTZKJe9TCdSjKxlhah/4r/hl5ygMD6XAg1qZ9c2TNomR4qgOydp10g==
SUITE=bookworm
# A proxy's certificate that the machine trusts: npm must trust it too. It stays in this image, which nobody ships.
AUTHORITIES=${NODE_EXTRA_CA_CERTS:-}
[ -r "${AUTHORITIES:-/nonexistent}" ] || AUTHORITIES=/dev/null
version=$("$NODE" --version)
TAG=localhost/stubdom-node:${version#v}-$SUITE-$( (uname -m; cat "$0" "$AUTHORITIES") | sha256sum | cut -c 1-16)
image_exists "$TAG" && { echo "$TAG"; exit 0; }

WORK=$(mktemp -d "$BASE/new.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
trap 'exit 1' HUP INT TERM
(cd "$WORK" && npm pack --silent "npm@$NPM") >&2 || fail "cannot fetch npm $NPM"
found=$(openssl dgst -sha512 -binary "$WORK/npm-$NPM.tgz" | base64 -w 0)
[ "$found" = "$NPM_SHA512" ] || fail "npm $NPM is not what it should be: its SHA-512 is $found"
mkdir "$WORK/npm" && tar -xzf "$WORK/npm-$NPM.tgz" -C "$WORK/npm" --strip-components 1 --no-same-owner
MIRROR=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep '/debian/*$' | head -n 1)
perl "$TOOLS/usr/bin/mmdebstrap" --quiet --variant=essential --include=libstdc++6 --aptopt='Acquire::Languages "none"' \
	"$SUITE" "$WORK/debian.tar" ${MIRROR:+"$MIRROR"} >&2 || fail "cannot make a minimal Debian $SUITE"
mkdir -p "$WORK/links/usr/local/bin"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$WORK/links/usr/local/bin/npm"
tar -rf "$WORK/debian.tar" -C "$WORK/links" ./usr/local/bin/npm

container=$(bldh from --signature-policy "$POLICY" scratch) || fail 'buildah cannot begin an image'
license=$(ls "$TREE"/node_modules/node/node_modules/node-*/LICENSE 2>/dev/null | head -n 1)
trust=
[ "$AUTHORITIES" = /dev/null ] || trust=NODE_EXTRA_CA_CERTS=/usr/local/share/authorities.pem
{
	bldh add "$container" "$WORK/debian.tar" / &&
		bldh copy "$container" "$("$NODE" -p process.execPath)" /usr/local/bin/node &&
		bldh copy "$container" "$WORK/npm" /usr/local/lib/node_modules/npm &&
		{ [ -z "$license" ] || bldh copy "$container" "$license" /usr/local/LICENSE; } &&
		{ [ -z "$trust" ] || bldh copy "$container" "$AUTHORITIES" "${trust#*=}"; } &&
		bldh config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ${trust:+--env "$trust"} --cmd node "$container" &&
		bldh commit --quiet --rm --signature-policy "$POLICY" "$container" "$TAG"
} >&2 || { bldh rm "$container" >/dev/null; fail 'cannot make the base image'; }
echo "$TAG"
