#!/bin/sh
# Usage: tools/setup.sh VENV
#
# Makes the folder VENV anew, unless it is up to date: a virtual environment of Python 3.11 with the
# packages of requirements.lock. What the system lacks for it is installed when root runs this;
# anyone else is told the command, and the script stops with status 2. PYTHON names the Python.
set -eu
venv=$1

# One set-up at a time: a second one waits, and finds the work done. (macOS has no flock.)
exec 9<"$0"
if command -v flock >/dev/null; then flock 9; fi
if [ "$venv/complete" -nt requirements.lock ]; then exit 0; fi

say() { echo "setup: $*"; }
stop() { echo "setup: $*" >&2; exit 2; }

# The bpy wheel is made for Python 3.11 alone.
is_3_11() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; }
python=
for candidate in "${PYTHON:-python3.11}" "${PYTHON:-python3}"; do
    if is_3_11 "$candidate"; then python=$candidate; break; fi
done
[ -n "$python" ] || stop "${PYTHON:-python3} is not Python 3.11, which Blender's wheel needs;" \
    "install it, or name it: make setup PYTHON=/path/to/python3.11"

# Prints the Debian packages that are missing. The loader itself is asked for each library.
missing_packages() {
    "$python" - <<'END'
import ctypes, importlib.util, sys

libraries_of_bpy = {
    "libXi.so.6": "libxi6",
    "libXrender.so.1": "libxrender1",
    "libSM.so.6": "libsm6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libGL.so.1": "libgl1",
    "libgomp.so.1": "libgomp1",
    "libEGL.so.1": "libegl1",
}
missing = [] if importlib.util.find_spec("ensurepip") else ["python3.11-venv"]
for library, package in libraries_of_bpy.items() if sys.platform == "linux" else ():
    try:
        ctypes.CDLL(library)
    except OSError:
        missing.append(package)
print(*missing)
END
}

packages=$(missing_packages)
if [ -n "$packages" ]; then
    install="apt-get install -y --no-install-recommends $packages"
    command -v apt-get >/dev/null || stop "these are missing (Debian's names): $packages"
    [ "$(id -u)" = 0 ] || stop "system packages are missing; run this, then try again:
    sudo $install"
    say "installing system packages: $packages"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $install -qq >/dev/null
fi

say "making $venv with $("$python" --version)"
"$python" -m venv --clear "$venv"
say "installing requirements.lock (downloads 600 MB the first time)"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --require-hashes -r requirements.lock
touch "$venv/complete"  # last, so that an interrupted set-up starts again
say "done"
