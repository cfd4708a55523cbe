"""What `pip install` brings: each command, and every file of the package."""

from __future__ import annotations

import fnmatch
import subprocess

import pytest
import tomllib

from tests.helpers import PROJECT_DIR

PROJECT = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text())


def test_every_command_has_a_script_and_is_installed() -> None:
    modules = {p.stem for p in (PROJECT_DIR / "synrender" / "cli").glob("*.py")}
    modules -= {"__init__", "arguments", "script"}
    installed = PROJECT["project"]["scripts"]
    assert installed == {f"synrender-{name}": f"synrender.cli.{name}:main" for name in modules}
    scripts = [p.read_text() for p in PROJECT_DIR.glob("*.py")]
    for name in modules:
        assert sum(f"from synrender.cli.{name} import COMMAND" in text for text in scripts) == 1


def test_the_wheel_has_every_file_of_the_package() -> None:
    """Templates and stubs, too; and nothing beside the package."""
    result = subprocess.run(
        ["git", "ls-files", "synrender"], cwd=PROJECT_DIR, capture_output=True, text=True
    )
    if result.returncode:
        pytest.skip("not a clone")
    patterns = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["include"]
    assert all(pattern.startswith("/synrender/") for pattern in patterns)
    for name in result.stdout.split():
        known = [p for p in patterns if fnmatch.fnmatch(f"/{name}", p.replace("/**/", "/*"))]
        assert known, name
