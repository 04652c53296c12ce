#!/bin/sh
# Builds the firmware with another MicroPython than the pinned one, to see early what breaks.
#
# usage: ci/upstream.sh [branch or tag]     (default: master)
# Everything it makes and every log is in build/upstream.
set -eu
cd "$(dirname "$0")/.."

fail() { printf 'upstream: %s\n' "$*" >&2; exit 1; }

ref=${1:-master}
tree=build/upstream/micropython
url=$(git config -f .gitmodules --get submodule.firmware/micropython.url)

rm -rf "$tree.new"
mkdir -p build/upstream
GIT_TERMINAL_PROMPT=0 git clone -q --depth 1 --branch "$ref" "$url" "$tree.new" ||
    fail "MicroPython's $ref could not be fetched from $url: check its name and the network."
rm -rf "$tree"
mv "$tree.new" "$tree"
echo "MicroPython $ref is $(git -C "$tree" log -1 --format='%h of %cs: %s')"
git -C "$tree" fetch -q --depth 1 origin "$(git rev-parse HEAD:firmware/micropython)" &&
    ${PYTHON:-python3} ci/patches_check.py --micropython "$tree" ||
    echo "upstream: not all patches are as they should be, see above" >&2
${PYTHON:-python3} firmware/image.py --micropython "$tree" --output build/upstream/firmware ||
    fail "MicroPython's $ref does not build with this project's patches and board: see above."
