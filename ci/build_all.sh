#!/bin/sh
# Builds every variant of the firmware: build/firmware/TCALL_SIM800*/firmware.bin.
set -eu
cd "$(dirname "$0")/.."

${PYTHON:-python3} firmware/image.py --list-variants | while read -r variant; do
    ${PYTHON:-python3} firmware/image.py --variant "$variant" </dev/null
done
