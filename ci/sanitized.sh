#!/bin/sh
# Builds the VM with gcc's address and undefined-behaviour sanitizers, build/vm-sanitized, and runs with it the tests of
# what is C: TLS, PPP, HTTP, sockets, and finalisers, which drop 10,000 objects. Whatever a sanitizer finds ends the VM,
# and so fails the test.
#
# usage: ci/sanitized.sh [PYTEST'S ARGUMENTS]    SIM_ROUNDS=number of drops
set -eu
cd "$(dirname "$0")/.."

built=$PWD/build/vm-sanitized
python3 simulator/vm/sources.py
mkdir -p build
make --no-print-directory -C simulator/vm SANITIZE=1 BUILD="$built" >build/vm-sanitized.log 2>&1 || {
    tail -20 build/vm-sanitized.log >&2
    echo "sanitized: MicroPython for Linux did not build, see build/vm-sanitized.log" >&2
    exit 1
}
[ $# -gt 0 ] || set -- tests/vm/test_finalisers.py tests/vm/test_tls_c.py tests/vm/test_tls_sessions.py \
    tests/vm/test_tls_asyncio.py tests/vm/test_vm_network.py tests/vm/test_ppp_rogues.py tests/vm/test_link.py \
    tests/vm/test_cmux.py tests/vm/test_http.py
export SIM_VM="$built/micropython" SIM_ROUNDS="${SIM_ROUNDS:-2500}" SIM_SPEED_LIMIT="${SIM_SPEED_LIMIT:-5}"
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
# Freed memory is kept back for a while, but not so much of it that a leak could hide there.
export ASAN_OPTIONS=quarantine_size_mb=16
PYTHONPATH=simulator:tests exec build/venv/bin/pytest -q -p no:cacheprovider -n "$(nproc)" --reruns 1 "$@"
