"""What `pip install` brings: every script as a command, and every file of the package."""

from __future__ import annotations

import fnmatch
import subprocess
from pathlib import Path

import pytest
import tomllib

from tests.helpers import PROJECT_DIR

PROJECT = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text())


def find_scripts() -> list[str]:
    return [p.stem for p in PROJECT_DIR.glob("*.py") if "def run_script()" in p.read_text()]


def test_every_script_is_a_command() -> None:
    commands = set(PROJECT["project"]["scripts"].values())
    assert commands == {f"{name}:run_script" for name in find_scripts()}


def test_the_wheel_has_every_file_of_the_package() -> None:
    """Templates and stubs, too."""
    result = subprocess.run(
        ["git", "ls-files", "synrender", "*.py"], cwd=PROJECT_DIR, capture_output=True, text=True
    )
    if result.returncode:
        pytest.skip("not a clone")
    patterns = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["include"]
    for name in result.stdout.split():
        if Path(name).parts[0] == "synrender" or "/" not in name:
            known = [p for p in patterns if fnmatch.fnmatch(f"/{name}", p.replace("/**/", "/*"))]
            assert known, name
