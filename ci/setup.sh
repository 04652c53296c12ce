#!/bin/sh
# Installs what the given part of the project needs from Debian and PyPI, once: system packages (with
# sudo where not root) and a virtual environment: build/venv, or build/venv-PART for what needs one of its own. What
# comes from PyPI is named, with its hash, in requirements*.txt, see requirements.sh.
# Says what it does; does nothing twice.
#
# usage: ci/setup.sh demo|test|types|peers|docs|firmware|emulator|board|fuzz
set -eu
cd "$(dirname "$0")/.."

say() { printf '[setup] %s\n' "$*"; }
fail() { printf '[setup] %s\n' "$*" >&2; exit 1; }

packages="gcc libc6-dev make patch xz-utils bzip2 ca-certificates python3-venv passt"
recommends="--no-install-recommends"
venv=build/venv
requirements=ci/requirements.txt
case "${1:-}" in
    demo) ;;
    test) packages="$packages tshark openssl mosquitto mosquitto-clients nginx apache2-bin caddy" ;;
    firmware)
        packages="git gcc libc6-dev make patch cmake ninja-build libusb-1.0-0 ca-certificates python3-venv"
        venv="" ;;
    emulator)  # what Espressif's QEMU is linked with
        packages="libgcrypt20 libglib2.0-0 libpixman-1-0 libsdl2-2.0-0 libslirp0"
        venv="" ;;
    board|types|docs|peers)
        packages="ca-certificates python3-venv"
        venv=build/venv-$1
        requirements=ci/requirements-$1.txt ;;
    fuzz)  # the sanitizers are among what clang recommends
        packages="clang"
        recommends=""
        venv="" ;;
    *) fail "usage: ci/setup.sh demo|test|types|peers|docs|firmware|emulator|board|fuzz" ;;
esac

missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
    command -v apt-get >/dev/null || fail "needs Debian's packages$missing, but there is no apt-get here: use Debian 12 or newer"
    sudo=""
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "not root and no sudo: run 'apt-get install$missing' as root, then try again"
        sudo="sudo"
    fi
    say "installing Debian packages:$missing"
    log=build/setup-apt.log
    mkdir -p build
    # Debian starts what serves as soon as it is installed, and at each boot: the tests start their own.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap '$sudo rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
        $sudo chmod +x "$policy"
    fi
    # shellcheck disable=SC2086  # the list is meant to be split
    { $sudo apt-get update -q &&
      $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q $recommends $missing; } \
        >"$log" 2>&1 || { tail -5 "$log" >&2; fail "apt-get failed, its output is in $log: check the network and try again"; }
    for server in mosquitto nginx caddy; do
        case "$missing " in *" $server "*)
            [ ! -d /run/systemd/system ] || $sudo systemctl -q disable "$server" ;;
        esac
    done
fi

[ -n "$venv" ] || exit 0

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$python is older than 3.11: set PYTHON to a newer one"
want=$( { "$python" -V; cat ci/requirements-build.txt "$requirements"; } | sha256sum)
if [ "$(cat "$venv/.made-of" 2>/dev/null)" != "$want" ]; then
    say "making $venv from PyPI ($requirements)"
    rm -rf "$venv"
    mkdir -p build
    "$python" -m venv "$venv" || fail "cannot make a virtual environment with $python: install python3-venv"
    install() { "$venv/bin/pip" install -q --disable-pip-version-check --require-hashes "$@"; }
    {
        if [ "$1" = board ]; then
            # esptool has no wheel; pip would fetch what builds it without a look at its hash.
            install --only-binary :all: -r ci/requirements-build.txt &&
                install --only-binary :all: --no-binary esptool --no-build-isolation -r "$requirements"
        else
            install --only-binary :all: -r "$requirements"
        fi
    } || fail "pip failed: check the network and try again; if a hash differs, the package is not the one that was tested"
    echo "$want" >"$venv/.made-of"
fi
