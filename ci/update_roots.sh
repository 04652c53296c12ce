#!/bin/sh
# Brings modules/trust/roots.pem up to date. Where anything but the versions of its sources changed build/roots/proposal has the
# file and a commit message that says which roots came and went, for a pull request; in GitHub's workflow the output
# `changed` is then true.
set -eu
cd "$(dirname "$0")/.."

file=modules/trust/roots.pem
out=build/roots/proposal
mkdir -p build/roots
python3 ci/update_roots.py >build/roots/changes.new
mv build/roots/changes.new build/roots/changes.txt
cat build/roots/changes.txt
rm -rf $out
mkdir -p $out
if git diff --quiet -I '^# Distrust dates: ' -- $file; then
    exit 0
fi
cp $file $out/roots.pem
{
    echo "modules/trust: Mozilla's roots of $(sed -n 's/^# Date: //p' $file)."
    echo
    cat build/roots/changes.txt
} >$out/message.txt
echo "changed=true" >>"${GITHUB_OUTPUT:-/dev/null}"
