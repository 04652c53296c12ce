#!/bin/sh
# Makes ci/requirements*.txt of ci/requirements*.in: every package that pip will install, in one version, with the
# SHA-256 of each of its files, for Python 3.11 and newer. To update one, change its version in the .in file and run
# this; to update what it needs in turn, give --upgrade.
#
# usage: ci/requirements.sh [--upgrade]
set -eu
cd "$(dirname "$0")"

uv=${UV:-uv}
command -v "$uv" >/dev/null || {
    echo "requirements: uv is not here: install it ('pip install uv'), or name it in UV" >&2
    exit 1
}
for file in requirements*.in; do
    "$uv" pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
        --no-annotate --custom-compile-command ci/requirements.sh "$@" "$file" --output-file "${file%.in}.txt"
done
