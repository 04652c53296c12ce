#!/bin/sh
# Builds every variant a second time, from a copy of the project in another folder, and compares: the
# images have to be the same to the last byte. The first time is build/firmware, see ci/build_all.sh.
set -eu
cd "$(dirname "$0")/.."

fail() { printf 'reproducible: %s\n' "$*" >&2; exit 1; }

python=${PYTHON:-python3}
images="firmware.bin micropython.bin bootloader/bootloader.bin partition_table/partition-table.bin"
copy=build/reproducible/a-folder-with-another-and-longer-name
# The tools are the same both times; what they make is not to depend on where the project lies.
: "${IDF_TOOLS_PATH:=$PWD/build/esp-idf-tools}"
export IDF_TOOLS_PATH

"$python" firmware/image.py --list-variants | while read -r variant; do
    name=TCALL_SIM800${variant:+-$variant}
    test -f "build/firmware/$name/firmware.bin" || fail "$name is not built: run ci/build_all.sh first."
done

rm -rf build/reproducible
mkdir -p "$copy"
tar --exclude=./build --exclude=./dist -cf - . | tar -xf - -C "$copy" ||
    fail "the copy in $copy failed: free some space, 4 GB are enough."
# The very submodule commits are in the copy, so nothing is fetched.
(cd "$copy" && "$PWD/ci/build_all.sh") || fail "the second build failed: see above."

"$python" firmware/image.py --list-variants | while read -r variant; do
    name=TCALL_SIM800${variant:+-$variant}
    for image in $images; do
        cmp "build/firmware/$name/$image" "$copy/build/firmware/$name/$image" ||
            fail "$name: $image depends on where it is built; both are kept, compare them with diffoscope."
    done
    echo "$name: the same bytes from two folders, $(sha256sum <"build/firmware/$name/firmware.bin" | cut -c1-16)…"
done
rm -rf build/reproducible
