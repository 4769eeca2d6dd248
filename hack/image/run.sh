#!/bin/sh
# run.sh TAG ARGUMENT...: runs the program of an image that build.sh made, as the image's user, on the machine's network.
set -e
. "$(dirname "$0")/common.sh"
[ -d "$TOOLS" ] || fail 'nothing was built: run build.sh first'
tag=$1; shift
container=$(bldh from --signature-policy "$POLICY" "$tag")
trap 'bldh rm "$container" >/dev/null' EXIT
bldh run "$container" -- /usr/local/bin/node /opt/stubdom/dist/operator/main.js "$@"
