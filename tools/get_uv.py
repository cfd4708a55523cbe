"""Fetches uv, which installs Pythons, with nothing but the standard library of any Python 3.8.

    python3 tools/get_uv.py FOLDER

Writes FOLDER/uv, from the wheel of the version in the lock, and only if its hash is in the lock.
The package index is PyPI, or what PIP_INDEX_URL names. Many systems have a Python without pip,
and no other way to uv that needs no root.
"""

import hashlib
import io
import os
import platform
import re
import sys
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / "requirements-3.11.lock"
PLATFORM_TAGS = {"Linux": "manylinux", "Darwin": "macosx"}
TIMEOUT_S = 60


def read_locked(lock: str) -> "tuple[str, set[str]]":
    """Version of uv and the SHA-256 of its files."""
    version, lines = re.search(r"^uv==(\S+)((?: \\\n +--hash=\S+)+)", lock, re.MULTILINE).groups()
    return version, set(re.findall(r"sha256:([0-9a-f]{64})", lines))


def find_wheel(page: str, page_url: str, version: str, hashes: "set[str]") -> "tuple[str, str]":
    """Address and SHA-256 of the wheel for this machine, from an index page (PEP 503)."""
    for link, sha256 in re.findall(r'href="([^"#]+)#sha256=([0-9a-f]{64})"', page):
        name = link.rsplit("/", 1)[-1]
        is_ours = name.startswith(f"uv-{version}-") and name.endswith(".whl")
        is_ours &= PLATFORM_TAGS.get(platform.system(), "?") in name
        if is_ours and f"_{platform.machine()}." in name and sha256 in hashes:
            return urllib.parse.urljoin(page_url, link), sha256
    sys.exit(f"no uv {version} for {platform.system()} on {platform.machine()} at {page_url}")


def download(url: str) -> bytes:
    """Contents of an address."""
    request = urllib.request.Request(url, headers={"Accept": "text/html, */*"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
        return response.read()


def main() -> None:
    """Finds, fetches, checks and unpacks."""
    version, hashes = read_locked(LOCK.read_text(encoding="utf-8"))
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple")
    page_url = f"{index.rstrip('/')}/uv/"
    url, sha256 = find_wheel(download(page_url).decode(), page_url, version, hashes)
    wheel = download(url)
    if hashlib.sha256(wheel).hexdigest() != sha256:
        sys.exit(f"{url} does not have the hash that the lock names")
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        (member,) = [m for m in archive.namelist() if m.endswith(".data/scripts/uv")]
        path = Path(sys.argv[1], "uv")
        path.write_bytes(archive.read(member))
    path.chmod(0o755)


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"cannot fetch uv: {error}")
