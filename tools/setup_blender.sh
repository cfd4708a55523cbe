#!/bin/sh
# Usage: tools/setup_blender.sh VERSION
#
# Makes .venv-VERSION: another Blender (the bpy wheel) beside the one of .venv, to test against.
set -eu
venv=.venv-$1
echo "setup: making $venv (downloads 350 MB the first time)"
.venv/bin/python -m venv --clear "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --require-hashes -r "tools/blender-$1.lock"
touch "$venv/complete"  # last, so that an interrupted set-up starts again
