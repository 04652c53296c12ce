#!/bin/sh
# Has what a part of the project needs, once: Debian's packages (with sudo where not root), and a virtual environment, see
# environment.py. What works with boards and documentation needs nothing of Debian but a Python that has venv.
# Says what it does; does nothing twice.
#
# usage: ci/setup.sh vm|demo|bench|test [--packages]   --packages: those of Debian alone
#        ci/setup.sh embedded                          tests/firmware
#        ci/setup.sh board|docs|types|peers            nothing but Python
#        ci/setup.sh firmware|emulator|fuzz            nothing but Debian's packages
set -eu
cd "$(dirname "$0")/.."

say() { printf '[setup] %s\n' "$*"; }
fail() { printf '[setup] %s\n' "$*" >&2; exit 1; }

packages=""
recommends="--no-install-recommends"
venv=""
passt=""
simulator="gcc libc6-dev make patch xz-utils bzip2 ca-certificates passt"
case "${1:-}" in
    vm) packages=$simulator passt=yes ;;
    demo) packages=$simulator passt=yes venv=demo ;;
    bench) packages=$simulator passt=yes venv=test ;;
    test)
        packages="$simulator tshark openssl mosquitto mosquitto-clients nginx apache2-bin caddy gammu gnokii-cli smstools"
        passt=yes venv=test ;;
    embedded) packages="ca-certificates passt" passt=yes venv=embedded ;;
    board|docs|types|peers) venv=$1 ;;
    firmware)
        packages="git gcc libc6-dev make patch cmake ninja-build libusb-1.0-0 ca-certificates python3-venv" ;;
    emulator)  # what Espressif's QEMU is linked with
        packages="libgcrypt20 libglib2.0-0 libpixman-1-0 libsdl2-2.0-0 libslirp0" ;;
    fuzz)  # the sanitizers are among what clang recommends
        packages="clang"
        recommends="" ;;
    *) fail "usage: ci/setup.sh vm|demo|bench|test|embedded|board|docs|types|peers|firmware|emulator|fuzz [--packages]" ;;
esac

python=${PYTHON:-python3}
if [ -n "$passt$venv" ]; then
    "$python" -c 'import ensurepip, venv' 2>/dev/null || packages="$packages python3-venv"
fi
[ "${2:-}" != --packages ] || venv="" passt=""

# Under its own name, or under another that provides it: libglib2.0-0 is libglib2.0-0t64 since Debian 13.
installed() {
    dpkg-query -W -f '${db:Status-Abbrev},${Package},${Provides}\n' 2>/dev/null |
        sed -n 's/^ii *//p' | sed 's/([^)]*)//g; s/[, ][, ]*/\n/g'
}
missing=""
if [ -n "$packages" ]; then
    here=$(installed)
    for package in $packages; do
        printf '%s\n' "$here" | grep -qx -- "$package" || missing="$missing $package"
    done
fi
if [ -n "$missing" ]; then
    if ! command -v apt-get >/dev/null; then
        case "$missing" in
            " python3-venv")
                fail "$python has no venv: install it, under whatever name your system has it, or set PYTHON to another Python" ;;
        esac
        fail "needs Debian's packages$missing, but there is no apt-get here: use Debian 12 or newer, or the container of .devcontainer/Dockerfile"
    fi
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
    # shellcheck disable=SC2086  # the lists are meant to be split
    { ci/progress.sh setup "${log%.log}-update.log" $sudo apt-get update -q &&
      ci/progress.sh setup "$log" $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q $recommends $missing; } || {
        cat "${log%.log}-update.log" "$log" 2>/dev/null | tail -5 >&2
        fail "apt-get failed, its output is in $log: check the network and try again"
    }
    for server in mosquitto nginx caddy smstools; do
        case "$missing " in *" $server "*)
            [ ! -d /run/systemd/system ] || $sudo systemctl -q disable "$server" ;;
        esac
    done
fi

if [ -n "$passt" ]; then
    # Better told now than when all is built.
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$python is older than 3.11: set PYTHON to a newer one"
    PYTHONPATH=simulator "$python" -m network.passt || exit 1
fi
[ -z "$venv" ] || "$python" ci/environment.py "$venv"
