"""What `make setup` says and does where a fitting Python is missing. Nothing is downloaded."""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomllib

from tests.helpers import PROJECT_DIR

pytestmark = pytest.mark.slow  # each makes an environment

UV = "#!/bin/sh\necho the uv of the test\n"
UV_WHEEL = "uv-0.0.1-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the scripts, and a lock that names no package."""
    shutil.copytree(PROJECT_DIR / "tools", tmp_path / "clone" / "tools")
    (tmp_path / "clone" / "empty.lock").touch()
    return tmp_path / "clone"


def run_setup(clone: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    path = f"{clone / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "tools/setup.sh", *arguments],
        cwd=clone,
        env={**os.environ, "PYTHON": "", "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def write_uv(clone: Path, text: str) -> None:
    (clone / "bin").mkdir()
    (clone / "bin" / "uv").write_text(f"#!/bin/sh\n{text}\n")
    (clone / "bin" / "uv").chmod(0o755)


def test_a_python_that_no_wheel_was_made_for_is_refused_in_one_line(clone: Path) -> None:
    result = run_setup(clone, "venv", PYTHON="/bin/false")
    assert result.returncode == 2
    assert "setup: /bin/false is not a Python that a Blender wheel was made for" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (clone / "venv").exists()


def test_a_link_in_place_of_the_environment_is_not_emptied(clone: Path) -> None:
    """What it leads to may be the environment of another clone."""
    (clone / "other").mkdir()
    (clone / "other" / "kept").touch()
    (clone / "venv").symlink_to(clone / "other")
    result = run_setup(clone, "venv")
    assert result.returncode == 2
    assert "setup: venv is a symbolic link" in result.stderr
    assert result.stderr.count("\n") == 1
    assert (clone / "other" / "kept").exists()


def test_uv_installs_the_python_that_is_missing(clone: Path) -> None:
    """No machine has a Python 3.99; the uv of this test says that it has installed one."""
    write_uv(clone, f'if [ "$2" = find ]; then echo {sys.executable}; fi')
    result = run_setup(clone, "venv", "empty.lock", "3.99")
    assert result.returncode == 0, result.stderr
    assert "setup: no Python 3.99 here; uv installs 3.99 for " in result.stdout
    assert (clone / "venv" / "complete").exists()
    assert (clone / "venv" / "bin" / "python").exists()
    (clone / "synrender").mkdir()
    (clone / "synrender" / "__init__.py").touch()
    command = [clone / "venv" / "bin" / "python", "-c", "import synrender as s; print(s.__file__)"]
    found = subprocess.check_output(command, cwd=clone.parent, text=True)
    assert found == f"{clone / 'synrender' / '__init__.py'}\n"


def test_an_environment_that_is_there_gets_the_package_and_its_commands(clone: Path) -> None:
    """From what is installed, without a network; an environment of another clone is left alone."""
    for name in ("synrender", "config"):
        shutil.copytree(PROJECT_DIR / name, clone / name)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT_DIR / name, clone)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    (clone / f"requirements-{version}.lock").touch()
    subprocess.run([sys.executable, "-m", "venv", clone / "venv"], check=True)
    site = clone / "venv" / "lib" / f"python{version}" / "site-packages"
    (site / "ours.pth").write_text(sysconfig.get_path("purelib"))  # what builds the package
    (site / "synrender.pth").write_text(str(clone))  # of an earlier version of the script
    (clone / "venv" / "complete").touch()

    (clone / "link").symlink_to("venv")
    assert run_setup(clone, "link").stdout == ""
    result = run_setup(clone, "venv", PIP_NO_INDEX="1")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "setup: installing the package and its commands into venv\n"
    assert run_setup(clone, "venv").stdout == ""  # at once, since nothing is new

    scripts = tomllib.loads((clone / "pyproject.toml").read_text())["project"]["scripts"]
    assert {p.name for p in (clone / "venv" / "bin").glob("synrender-*")} == scripts.keys()
    assert not (site / "synrender").exists()
    elsewhere = {"cwd": clone.parent, "text": True}
    script = "import synrender; print(synrender.__file__)"
    found = subprocess.check_output([clone / "venv" / "bin" / "python", "-c", script], **elsewhere)
    assert found == f"{clone / 'synrender' / '__init__.py'}\n"
    command = [clone / "venv" / "bin" / "synrender-render", "--help"]
    assert "usage: synrender-render [-h]" in subprocess.check_output(command, **elsewhere)


def test_where_the_network_refuses_one_line_says_what_to_install(clone: Path) -> None:
    write_uv(clone, "echo some progress; echo '  no route to host' >&2; exit 1")
    result = run_setup(clone, "venv", "empty.lock", "3.99")
    assert result.returncode == 2
    assert result.stderr == (
        "setup: Python 3.99 could not be fetched (no route to host); install it, or name one: "
        "make setup PYTHON=/path/to/python3.99\n"
    )
    assert not (clone / "venv").exists()


@pytest.fixture
def index_url(tmp_path: Path) -> Iterator[str]:
    """A package index on loopback with one wheel of uv."""
    folder = tmp_path / "index" / "uv"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / UV_WHEEL, "w") as wheel:
        wheel.writestr("uv-0.0.1.data/scripts/uv", UV)
    sha256 = hashlib.sha256((folder / UV_WHEEL).read_bytes()).hexdigest()
    (folder / "index.html").write_text(f'<a href="{UV_WHEEL}#sha256={sha256}">{UV_WHEEL}</a>')
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "index")
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def get_uv(clone: Path, index_url: str, sha256: str) -> subprocess.CompletedProcess:
    lock = f"pluggy==1 \\\n    --hash=sha256:{'0' * 64}\nuv==0.0.1 \\\n    --hash=sha256:{sha256}\n"
    (clone / "requirements-3.11.lock").write_text(lock)
    script = [sys.executable, "tools/get_uv.py", str(clone)]
    environment = {**os.environ, "PIP_INDEX_URL": index_url, "no_proxy": "127.0.0.1"}
    return subprocess.run(
        script, cwd=clone, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the wheel of this test is for x86_64")
def test_uv_comes_only_with_the_hash_of_the_lock(
    clone: Path, index_url: str, tmp_path: Path
) -> None:
    wheel = tmp_path / "index" / "uv" / UV_WHEEL
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    refused = get_uv(clone, index_url, "1" * 64)
    assert refused.returncode == 1
    assert refused.stderr.startswith("no uv 0.0.1 for Linux on x86_64 at ")
    intact = wheel.read_bytes()
    wheel.write_bytes(intact + b"tampered")
    assert "does not have the hash that the lock names" in get_uv(clone, index_url, sha256).stderr
    assert not (clone / "uv").exists()
    wheel.write_bytes(intact)
    assert get_uv(clone, index_url, sha256).returncode == 0
    assert subprocess.check_output([clone / "uv"], text=True) == "the uv of the test\n"
