#!/usr/bin/env bash
# Usage: tools/test_debian13.sh [FOLDER]        (as root, on Debian or Ubuntu with debootstrap)
#
# Tests the committed project as an ordinary user of a bare Debian 13 meets it, with Python 3.13 and
# Blender 5.2: a new root filesystem in a temporary folder, which is removed at the end. The user
# types `make setup`, has root run the command that it prints, then lints and tests. FOLDER gets
# the samples that `tools/compare_blenders.py --with FOLDER` compares with other Blenders'. ARGS from
# the environment goes to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "$0: needs root, for debootstrap and chroot" >&2; exit 2; }

root=$(mktemp -d)
chmod 755 "$root"  # it becomes the folder / of a user
trap 'rm -rf --one-file-system "$root"' EXIT
home=/home/tester

title="debian 13"
. tools/in_root.sh

# Runs a command in there as the user, in the project's folder.
as_user() {
    inside runuser -u tester -- env -C "$home/synrender" HOME="$home" USER=tester "$@"
}

say "making a root filesystem"
debootstrap --variant=minbase --include=ca-certificates,git,make trixie "$root" >/dev/null
cp /etc/resolv.conf "$root/etc/"
if [ -n "${PIP_CERT-}" ]; then cp --parents "$PIP_CERT" "$root"; fi  # the network's own authority
inside useradd --create-home tester
git clone --quiet . "$root$home/synrender"
inside chown -R tester: "$home"

say "make setup, as a user of a system that lacks everything"
told=$(as_user make setup 2>&1) || echo "$told"
install=$(echo "$told" | sed -n 's/^ *sudo //p')
inside apt-get update -qq
DEBIAN_FRONTEND=noninteractive inside $install chromium -qq >/dev/null  # it looks at reports

say "make demo"
as_user make demo
say "make lint"
as_user make lint
if [ -n "${1-}" ]; then
    say "rendering samples to compare"
    as_user .venv/bin/python tools/compare_blenders.py --save "$home/rendered"
    mkdir -p "$1"
    cp -r "$root$home/rendered/." "$1"
fi
say "make test"
as_user make test ARGS="${ARGS-}"
say "done"
