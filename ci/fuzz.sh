#!/bin/sh
# Fuzzes C with libFuzzer, address and undefined-behaviour sanitizers on, until so many million bytes
# have been fed to each target (default 100):
#
#   cmux     modules/cmux
#   ppp      lwIP's PPP with patches/lwip, as the firmware is configured
#   ppp-all  the same with what the firmware leaves out: IPv6, VJ compression, being the server
#
# New inputs that reach new code are kept in build/fuzz/NAME.corpus; one that fails is named at the end.
#
# usage: ci/fuzz.sh [MILLIONS] [TARGET...]
set -eu
cd "$(dirname "$0")/.."

millions=100
case ${1:-} in
    *[!0-9]* | "") ;;
    *) millions=$1 && shift ;;
esac
[ $# -gt 0 ] || set -- cmux ppp ppp-all
out=build/fuzz
compiler=${CLANG:-clang}
command -v "$compiler" >/dev/null || {
    echo "fuzz: $compiler is not here: apt-get install clang, with what it recommends" >&2
    exit 1
}
mkdir -p $out

compile() {
    "$compiler" -g -O1 -I. -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all "$@"
}

build_cmux() {
    compile -Wall -Wextra -Werror tests/fuzz/cmux.c modules/cmux/frame.c modules/cmux/mux.c -o $out/cmux
}

# build_ppp NAME FLAG...
build_ppp() {
    built=$out/$1 && shift
    python3 simulator/vm/sources.py
    lwip=build/src/lwip/src
    set -- -Itests/fuzz/lwip -Isimulator/vm/variant -isystem $lwip/include "$@"
    compile "$@" -Wall -Wextra -Werror -c tests/fuzz/ppp.c -o "$built.o"
    for part in auth chap-md5 chap-new eui64 fsm ipcp ipv6cp lcp magic ppp pppos upap utils vj polarssl/md5; do
        set -- "$@" $lwip/netif/ppp/$part.c
    done
    # lwIP's warnings are lwIP's.
    compile "$@" -w "$built.o" $lwip/core/*.c $lwip/core/ipv4/*.c $lwip/core/ipv6/*.c -o "$built"
}

for name; do
    seeds=tests/fuzz/ppp.seeds
    case $name in
        cmux) seeds=tests/fuzz/cmux.seeds && build_cmux ;;
        ppp) build_ppp ppp ;;
        ppp-all) build_ppp ppp-all -DFUZZ_ALL ;;
        *)
            echo "fuzz: there is no target $name: use cmux, ppp or ppp-all" >&2
            exit 1
            ;;
    esac
    log=$out/$name.log
    mkdir -p "$out/$name.corpus"
    fed=0
    while [ "$fed" -lt $((millions * 1000000)) ]; do
        # A round at a time: the fuzzer counts runs and seconds, not bytes.
        if ! nice "$out/$name" -max_total_time=60 -max_len=2048 -len_control=10 -timeout=20 \
            -artifact_prefix="$out/$name-" "$out/$name.corpus" $seeds >"$log" 2>&1; then
            grep -E 'not so|assertion|ERROR|SUMMARY|Test unit' "$log" >&2
            echo "fuzz: $name failed; the whole log is $log" >&2
            exit 1
        fi
        fed=$((fed + $(sed -n 's/^fuzzed: \([0-9]*\) .*/\1/p' "$log")))
        echo "fuzz: $name: $((fed / 1000000)) million bytes, no fault"
    done
done
