#!/bin/sh
# Runs a command with its output in LOG, and says each ten seconds what it is at: the last line of LOG.
#
# usage: ci/progress.sh NAME LOG COMMAND...
set -eu
name=$1 log=$2
shift 2
mkdir -p "$(dirname "$log")"
(
    seconds=0
    # What sleeps must not keep a pipe open that somebody reads to its end.
    while sleep 10 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
        seconds=$((seconds + 10))
        printf '[%s] %s s: %s\n' "$name" "$seconds" "$(tr -d '\r' <"$log" | sed -n '/./h; $ {g; s/^\(.\{70\}\).*/\1/; p;}')"
    done
) &
ticker=$!
trap 'kill "$ticker" 2>/dev/null || :' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
"$@" >"$log" 2>&1
