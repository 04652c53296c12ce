#!/bin/sh
# The container image in which the workflows run, debian:13, is named by its digest, so that the same bytes run each
# time. This tells whether the registry has a newer one; --update writes it into the workflows, to be tried there.
#
# usage: ci/container.sh [--update]   (needs Debian's skopeo)
set -eu
cd "$(dirname "$0")/.."

command -v skopeo >/dev/null || {
    echo "container: skopeo is not here: apt-get install skopeo" >&2
    exit 1
}
index=$(mktemp)
trap 'rm -f "$index"' EXIT
# The index of all architectures, as the registry has it: its SHA-256 is the digest.
skopeo inspect --raw docker://docker.io/library/debian:13 >"$index" || {
    echo "container: the registry does not answer: check the network" >&2
    exit 1
}
digest=$(sha256sum "$index" | cut -d' ' -f1)
pinned=$(sed -n 's/^ *image: debian:13@sha256:\([0-9a-f]*\)$/\1/p' .github/workflows/*.yml | sort -u)
if [ "$pinned" = "$digest" ]; then
    echo "container: debian:13 is still sha256:$digest"
elif [ "${1:-}" = --update ]; then
    sed -i "s/image: debian:13@sha256:[0-9a-f]*\$/image: debian:13@sha256:$digest/" .github/workflows/*.yml
    echo "container: debian:13 is now sha256:$digest"
else
    echo "container: debian:13 is now sha256:$digest, pinned is sha256:$pinned: try it with --update"
fi
