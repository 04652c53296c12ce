#!/bin/sh
# Feeds what comes from outside with what nobody sends, until so many million bytes have been fed to each target
# (default 100). C goes by libFuzzer, which looks for inputs that reach new code, address and undefined-behaviour
# sanitizers on:
#
#   cmux     modules/cmux
#   ppp      lwIP's PPP with patches/lwip, as the firmware is configured
#   ppp-all  the same with what the firmware leaves out: IPv6, VJ compression, being the server
#   tls      mbedTLS as the firmware is configured: a server's records, from the handshake's first to the last
#   session  mbedTLS: a TLS session as it is kept in a file, and what is resumed with it
#
# Python runs in MicroPython's VM, built to count the branches that are taken (or another, FUZZ_VM), and fed by
# tests/fuzz/mutate.py, which looks for inputs that take others:
#
#   dns      a name server's answers, to ppp_sim800.dns
#   ntp      a time server's answers, to nettime
#   http     a server's answers, to http1
#   mqtt     what a broker says, to umqtt
#   sms      short messages' PDUs, to smspdu
#   at       a modem's lines, to the AT channel, the events and what reads answers
#   store    the file of TLS sessions, to ssl and tls.SSLSession
#
# Inputs that brought something new are kept in build/fuzz/NAME.corpus; one that fails is named at the end.
#
# usage: ci/fuzz.sh [MILLIONS] [TARGET...]
set -eu
cd "$(dirname "$0")/.."

millions=100
case ${1:-} in
    *[!0-9]* | "") ;;
    *) millions=$1 && shift ;;
esac
[ $# -gt 0 ] || set -- cmux ppp ppp-all tls session dns ntp http mqtt sms at store
out=build/fuzz
compiler=${CLANG:-clang}
python=${PYTHON:-python3}
mkdir -p $out

compile() {
    command -v "$compiler" >/dev/null || {
        echo "fuzz: $compiler is not here: run ci/setup.sh fuzz" >&2
        exit 1
    }
    "$compiler" -g -O1 -I. -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all "$@"
}

build_cmux() {
    compile -Wall -Wextra -Werror tests/fuzz/cmux.c modules/cmux/frame.c modules/cmux/mux.c -o $out/cmux
}

# build_ppp NAME FLAG...
build_ppp() {
    built=$out/$1 && shift
    "$python" simulator/vm/sources.py
    lwip=build/src/lwip/src
    set -- -Itests/fuzz/lwip -Isimulator/vm/variant -isystem $lwip/include "$@"
    compile "$@" -Wall -Wextra -Werror -c tests/fuzz/ppp.c -o "$built.o"
    for part in auth chap-md5 chap-new eui64 fsm ipcp ipv6cp lcp magic ppp pppos upap utils vj polarssl/md5; do
        set -- "$@" $lwip/netif/ppp/$part.c
    done
    # lwIP's warnings are lwIP's.
    compile "$@" -w "$built.o" $lwip/core/*.c $lwip/core/ipv4/*.c $lwip/core/ipv6/*.c -o "$built"
}

# build_tls NAME FLAG...
build_tls() {
    built=$out/$1 && shift
    "$python" simulator/vm/sources.py
    library=build/src/mbedtls/library
    set -- -Isimulator/vm/variant -Ibuild/src/micropython -isystem build/src/mbedtls/include -isystem $library \
        '-DMBEDTLS_CONFIG_FILE="sim_mbedtls_config.h"' "$@"
    if [ -z "$(find $out/mbedtls.a -newer build/src/mbedtls.stamp -newer simulator/vm/variant/sim_mbedtls_config.h \
        -newer ci/fuzz.sh 2>/dev/null)" ]; then
        rm -rf $out/mbedtls $out/mbedtls.a && mkdir $out/mbedtls
        for part in "$library"/*.c; do
            # What mbedTLS takes is counted; its warnings are mbedTLS's. Arithmetic would take nearly all of the time.
            object=$(basename "$part" .c)
            case $object in
                bignum* | ecp* | aes* | gcm | sha*) plain="-fno-sanitize=all" ;;
                *) plain="" ;;
            esac
            # shellcheck disable=SC2086  # none or one
            compile -O2 -w "$@" $plain -Dcalloc=fuzz_calloc -Dfree=fuzz_free -c "$part" -o "$out/mbedtls/$object.o"
        done
        ar rcs $out/mbedtls.a $out/mbedtls/*.o
    fi
    compile "$@" -Wall -Wextra -Werror tests/fuzz/tls.c $out/mbedtls.a -o "$built"
}

build_vm() {
    "$python" simulator/vm/sources.py
    ${MAKE:-make} -C simulator/vm EDGES=1 BUILD="$PWD/build/vm-edges" >$out/vm.log 2>&1 || {
        tail -20 $out/vm.log >&2
        exit 1
    }
}

for name; do
    seeds=tests/fuzz/${name%-all}.seeds
    case $name in
        cmux) build_cmux ;;
        ppp) build_ppp ppp ;;
        ppp-all) build_ppp ppp-all -DFUZZ_ALL ;;
        tls) build_tls tls ;;
        session) build_tls session -DFUZZ_SESSION=1 ;;
        dns | ntp | http | mqtt | sms | at | store)
            [ -n "${FUZZ_VM:-}" ] || build_vm
            nice "$python" tests/fuzz/mutate.py "${FUZZ_VM:-build/vm-edges/micropython}" "$name" $((millions * 1000000))
            continue
            ;;
        *)
            echo "fuzz: there is no target $name: ci/fuzz.sh lists them" >&2
            exit 1
            ;;
    esac
    log=$out/$name.log
    mkdir -p "$out/$name.corpus"
    fed=0
    while [ "$fed" -lt $((millions * 1000000)) ]; do
        # A round at a time: the fuzzer counts runs and seconds, not bytes.
        if ! nice "$out/$name" -max_total_time=60 -max_len=2048 -len_control=10 -timeout=20 \
            -artifact_prefix="$out/$name-" "$out/$name.corpus" "$seeds" >"$log" 2>&1; then
            grep -E 'not so|assertion|ERROR|SUMMARY|Test unit' "$log" >&2
            echo "fuzz: $name failed; the whole log is $log" >&2
            exit 1
        fi
        fed=$((fed + $(sed -n 's/^fuzzed: \([0-9]*\) .*/\1/p' "$log")))
        echo "fuzz: $name: $((fed / 1000000)) million bytes, no fault"
    done
done
