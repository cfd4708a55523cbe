#!/bin/sh
# Usage: tools/setup.sh VENV [LOCK VERSION]
#
# Makes the folder VENV anew, unless it is up to date: a virtual environment of Python VERSION with
# the packages of LOCK. Without LOCK that is Python 3.11 or 3.13, and requirements-VERSION.lock; this
# package is installed with its commands, also into an environment that is there already.
#
# Each bpy wheel is made for one Python: Blender 4.5 LTS for 3.11, 5.2 LTS for 3.13. Where both
# Pythons are there, 3.11 is taken: the figures in this project's documents were measured with 4.5,
# and data sets that were begun with it can be finished. PYTHON=python3.13 chooses the other.
#
# Where neither is there, uv installs 3.11 below the user's home. What the system lacks besides is
# installed when root runs this; anyone else is told the command, and the script stops with status 2.
set -eu
venv=$1 lock=${2-} versions=${3-3.11 3.13}

say() { echo "setup: $*"; }
stop() { echo "setup: $*" >&2; exit 2; }

# One set-up at a time: a second one waits, and finds the work done. (macOS has no flock.)
exec 9<"$0"
if command -v flock >/dev/null; then flock 9; fi

# Prints the version of a Python, if it is a finished release: Ubuntu 22.04 has a preview of 3.11.
# ctypes and ssl are there unless somebody installed the least part of it.
version_of() {
    "$1" -c 'import ctypes, ssl, sys
if sys.version_info[3] == "final": print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

# Sets python and version to the first Python of a version that fits; to nothing if there is none.
find_python() {
    for version in $versions; do
        set -- "python$version" python3 /usr/bin/python3 ${lock:+.venv/bin/python}
        if [ -n "${PYTHON-}" ]; then set -- "$PYTHON"; fi
        for python in "$@"; do
            if [ "$(version_of "$python")" = "$version" ]; then return; fi
        done
    done
    python='' version=''
}

# Up to date: newer than its lock, and of the Python that was asked for, if one was.
is_up_to_date() {
    [ -e "$venv/complete" ] || return 1
    made_of=$(version_of "$venv/bin/python")
    case " $versions " in *" $made_of "*) ;; *) return 1 ;; esac
    if [ -n "${PYTHON-}" ] && [ "$(version_of "$PYTHON")" != "$made_of" ]; then return 1; fi
    [ "$venv/complete" -nt "${lock:-requirements-$made_of.lock}" ]
}

# Prints the Debian packages that are missing. The loader itself is asked for each library.
LIBRARIES='libXi.so.6:libxi6 libXfixes.so.3:libxfixes3 libXrender.so.1:libxrender1 libSM.so.6:libsm6
    libxkbcommon.so.0:libxkbcommon0 libGL.so.1:libgl1 libgomp.so.1:libgomp1 libEGL.so.1:libegl1'
missing_packages() {
    for any in "$python" python3 /usr/bin/python3; do
        if [ -n "$any" ] && "$any" -c 'import ctypes' 2>/dev/null; then break; fi
        any=
    done
    if [ -z "$any" ]; then
        echo python3 python3-venv
        for pair in $LIBRARIES; do echo "${pair#*:}"; done
        return
    fi
    if [ -n "$python" ] && ! "$python" -c 'import ensurepip' 2>/dev/null; then
        echo "python$version-venv"
    fi
    for pair in $([ "$(uname)" != Linux ] || echo "$LIBRARIES"); do
        "$any" -c "import ctypes; ctypes.CDLL('${pair%:*}')" 2>/dev/null || echo "${pair#*:}"
    done
}

install_packages() {
    packages=$(missing_packages | xargs)
    [ -n "$packages" ] || return 0
    install="apt-get install -y --no-install-recommends $packages"
    command -v apt-get >/dev/null || stop "these are missing (Debian's names): $packages"
    [ "$(id -u)" = 0 ] || stop "system packages are missing; run this, then try again:
    sudo $install"
    say "installing system packages: $packages"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $install -qq >/dev/null
}

# Sets python to one that uv installs, for this user alone and without a change of PATH.
install_python() {
    version=${versions%% *}
    say "no Python $(echo "$versions" | sed 's/ / or /') here; uv installs $version for $(id -un)"
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    uv=$(command -v uv) || uv=$scratch/uv
    export UV_PYTHON_PREFERENCE=only-managed UV_PYTHON_INSTALL_BIN=0
    {
        { [ -x "$uv" ] || python3 tools/get_uv.py "$scratch"; } &&
            "$uv" python install "$version"
    } >"$scratch/log" 2>&1 && python=$("$uv" python find "$version" 2>>"$scratch/log") ||
        stop "Python $version could not be fetched ($(sed '/^ *$/d; s/^ *//; s/^cause: //' "$scratch/log" | tail -n 1));" \
            "install it, or name one: make setup PYTHON=/path/to/python$version"
}

# Installs this folder itself as the package (editable): it is imported from anywhere, and its
# commands lie in VENV/bin. A link names the environment of another clone, which keeps its own.
install_package() {
    if [ -L "$venv" ] || [ "$venv/installed" -nt pyproject.toml ]; then return; fi
    site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    if [ -n "$lock" ]; then # it names no builder of packages, so there are no commands
        pwd >"$site/synrender.pth"
        return
    fi
    say "installing the package and its commands into $venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
        --no-build-isolation --editable .
    rm -f "$site/synrender.pth" # of an earlier version of this script
    touch "$venv/installed"
}

if is_up_to_date; then
    [ -n "$lock" ] || install_package
    exit 0
fi
if [ -L "$venv" ]; then
    stop "$venv is a symbolic link, and what it names is out of date; it is not written to:" \
        "remove the link, or run make setup where it leads"
fi
find_python
if [ -n "${PYTHON-}" ] && [ -z "$python" ]; then
    stop "$PYTHON is not a Python that a Blender wheel was made for ($versions);" \
        "name another one, or none, and one is found"
fi
install_packages
[ -n "$python" ] || find_python # one came with the packages, perhaps
[ -n "$python" ] || install_python
size=${lock:+350}
requirements=${lock:-requirements-$version.lock}

say "making $venv with $("$python" --version)"
"$python" -m venv --clear "$venv"
say "installing $requirements (downloads up to ${size:-750} MB the first time)"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
    -r "$requirements"
install_package
touch "$venv/complete" # last, so that an interrupted set-up starts again
say "done"
