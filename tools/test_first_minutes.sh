#!/usr/bin/env bash
# Usage: tools/test_first_minutes.sh            (as root, on Debian or Ubuntu with debootstrap)
#
# Types what README.md tells a new user to type, in a bare Debian 13: from the clone to a batch of
# images in a training loop. Prints the seconds of each step. Packages are downloaded, so their time is
# that of the network. PyTorch is installed in between, as its users have it.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "$0: needs root, for debootstrap and chroot" >&2; exit 2; }

root=$(mktemp -d)
chmod 755 "$root"
trap 'rm -rf --one-file-system "$root"' EXIT
title="first minutes"
. tools/in_root.sh

say "making a root filesystem"
debootstrap --variant=minbase --include=ca-certificates,git,make,python3 trixie "$root" >/dev/null
cp /etc/resolv.conf "$root/etc/"
if [ -n "${PIP_CERT-}" ]; then cp --parents "$PIP_CERT" "$root"; fi  # the network's own authority
git clone --quiet . "$root/first"

# The blocks of README.md: commands without `make test`, then Python.
python3 - "$root" <<'PYTHON'
import re, sys
from pathlib import Path
text = Path("README.md").read_text()
section = text[text.index("## Install"):text.index("## The three commands")]
blocks = re.findall(r"^```(\w*)\n(.*?)^```", section, re.M | re.S)
commands = "".join(code for kind, code in blocks if kind == "")
steps = [s for s in commands.replace("\\\n", " ").splitlines() if s and "make test" not in s]
script = "set -e\ncd /first\n"
for step in steps:
    step = step.partition("#")[0].strip()
    script += f"begin=$SECONDS\n{step}\necho \"took $((SECONDS - begin)) s: {step[:60]}\"\n"
(code,) = (code for kind, code in blocks if kind == "python")
code += '\nbatch = next(iter(loader))\nprint("a batch of images:", tuple(batch["image"].shape))\n'
Path(sys.argv[1], "first/first.py").write_text(code)
script += 'begin=$SECONDS\n"$VIRTUAL_ENV/bin/python" -m uv pip install -q torch\n'
script += 'echo "took $((SECONDS - begin)) s: installing PyTorch"\nbegin=$SECONDS\npython first.py\n'
script += 'echo "took $((SECONDS - begin)) s: loading a batch"\n'
Path(sys.argv[1], "first/type.sh").write_text(script)
PYTHON

say "typing"
inside env -C /first HOME=/root bash type.sh
say "done"
