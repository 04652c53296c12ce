#!/bin/sh
# The container image in which the workflows run and from which .devcontainer/Dockerfile is made, debian:13, is named by
# its digest, so that the same bytes run each time. This tells whether the registry has a newer one; --update writes it
# into those files, to be tried there.
#
# usage: ci/container.sh [--update]   (needs Debian's skopeo)
set -eu
cd "$(dirname "$0")/.."

command -v skopeo >/dev/null || {
    echo "container: skopeo is not here: apt-get install skopeo" >&2
    exit 1
}
files=".github/workflows/*.yml .devcontainer/Dockerfile"
index=$(mktemp)
trap 'rm -f "$index"' EXIT
# The index of all architectures, as the registry has it: its SHA-256 is the digest.
skopeo inspect --raw docker://docker.io/library/debian:13 >"$index" || {
    echo "container: the registry does not answer: check the network" >&2
    exit 1
}
digest=$(sha256sum "$index" | cut -d' ' -f1)
# shellcheck disable=SC2086  # the patterns are meant
pinned=$(sed -n 's/^\(FROM\| *image:\) debian:13@sha256:\([0-9a-f]*\)$/\2/p' $files | sort -u)
if [ "$pinned" = "$digest" ]; then
    echo "container: debian:13 is still sha256:$digest"
elif [ "${1:-}" = --update ]; then
    # shellcheck disable=SC2086
    sed -i "s/\(FROM\|image:\) debian:13@sha256:[0-9a-f]*\$/\1 debian:13@sha256:$digest/" $files
    echo "container: debian:13 is now sha256:$digest"
else
    echo "container: debian:13 is now sha256:$digest, pinned is sha256:$pinned: try it with --update"
fi
