#!/bin/sh
# Fuzzes modules/cmux with libFuzzer, address and undefined-behaviour sanitizers on, until so many
# million bytes have been fed (default 100). New inputs that reach new code are kept in
# build/fuzz/corpus; one that fails is named at the end.
#
# usage: ci/fuzz.sh [MILLIONS]
set -eu
cd "$(dirname "$0")/.."

target=${1:-100}
out=build/fuzz
compiler=${CLANG:-clang}
command -v "$compiler" >/dev/null || {
    echo "fuzz: $compiler is not here: apt-get install clang, with what it recommends" >&2
    exit 1
}
mkdir -p $out/corpus
"$compiler" -g -O1 -Wall -Wextra -Werror -I. -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
    tests/fuzz/cmux.c modules/cmux/frame.c modules/cmux/mux.c -o $out/cmux

fed=0
while [ "$fed" -lt $((target * 1000000)) ]; do
    # A round at a time: the fuzzer counts runs and seconds, not bytes.
    if ! nice $out/cmux -max_total_time=60 -max_len=2048 -timeout=5 -artifact_prefix=$out/ \
        $out/corpus tests/fuzz/seeds >$out/log 2>&1; then
        grep -E 'not so|ERROR|SUMMARY|Test unit' $out/log >&2
        echo "fuzz: failed; the whole log is $out/log" >&2
        exit 1
    fi
    fed=$((fed + $(sed -n 's/^fuzzed: \([0-9]*\) .*/\1/p' $out/log)))
    echo "fuzz: $((fed / 1000000)) million bytes, no fault"
done
