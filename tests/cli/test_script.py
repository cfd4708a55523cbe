"""How commands end where packages are missing, and which status they end with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import PROJECT_DIR, has_blender_executable

SCRIPTS = sorted(p.name for p in PROJECT_DIR.glob("*.py") if "run_script(" in p.read_text())
ARGUMENTS = {"export_dataset.py": ["--to", "coco"], "preprocess_data.py": ["-f"]}


def run_without_packages(script: Path, *arguments: str) -> str:
    """Runs a script with a Python that has no packages; returns the one line of its error."""
    command = [sys.executable, "-S", str(script), *ARGUMENTS.get(script.name, []), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: this Python (")
    return line


def copy_clone(folder: Path) -> Path:
    """The files that users have, without an environment."""
    for name in ("synrender", "config"):
        shutil.copytree(PROJECT_DIR / name, folder / name)
    for name in (*SCRIPTS, "paths.py", "pyproject.toml"):
        shutil.copy(PROJECT_DIR / name, folder)
    return folder


def test_missing_packages_lead_to_the_environment_of_the_clone(tmp_path: Path) -> None:
    clone = copy_clone(tmp_path / "clone")
    for script in SCRIPTS:
        line = run_without_packages(clone / script)
        assert " lacks numpy, gin-config" in line
        assert line.endswith(f"; type in {clone}: make setup, then use {clone}/.venv/bin/python")
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    line = run_without_packages(clone / "render.py")
    activate = python.with_name("activate")
    assert line.endswith(f"; use {python} instead, or type first: source {activate}")


def test_help_needs_no_packages() -> None:
    for script in SCRIPTS:
        command = [sys.executable, "-S", str(PROJECT_DIR / script), "--help"]
        assert "examples:" in subprocess.check_output(command, text=True)


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_is_as_wide_as_the_terminal(script: str) -> None:
    """Only commands are wider, which one copies."""
    help_texts = {
        width: subprocess.check_output(
            [sys.executable, PROJECT_DIR / script, "--help"],
            text=True,
            env={**os.environ, "COLUMNS": str(width)},
        )
        for width in (1, 80, 200)
    }
    wide = [line for line in help_texts[80].splitlines() if len(line) > 80]
    assert all(line.strip().startswith(("python ", "blender ")) for line in wide), wide
    assert all(text.split()[-9:] == help_texts[80].split()[-9:] for text in help_texts.values())
    assert max(map(len, help_texts[200].splitlines())) > 150


IN_BLENDER = """
import os, runpy, sys
for name in ("numpy", "gin"):
    sys.path = [p for p in sys.path if not os.path.exists(os.path.join(p, name))]
    sys.modules.pop(name, None)
runpy.run_path("render.py", run_name="__main__")
"""


@pytest.mark.debian_blender
def test_a_blender_executable_names_all_packages_and_the_command() -> None:
    if not has_blender_executable():
        pytest.skip("no blender on PATH; on Debian: apt-get install blender")
    command = ["blender", "--background", "--python-expr", IN_BLENDER, "--", "-d", "none"]
    result = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=False)
    assert result.returncode == 2, result.stdout + result.stderr
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert " lacks numpy, gin-config: " in line
    assert " -m pip install" in line
    assert line.endswith(" numpy gin-config")


ENDS = """
import sys
from synrender.cli.script import Command, run_script
def run(arguments, folders):
    {}
run_script(Command(lambda argv: None, run, ()))
"""


@pytest.mark.parametrize(
    ("statement", "status", "errors"),
    [
        ("return 0", 0, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("sys.exit(256)", 1, ""),
        ("sys.exit('a word')", 1, "a word\n"),
        ("raise OSError('no light')", 1, "error: no light\n"),
    ],
)
def test_exit_statuses_are_those_of_python(statement: str, status: int, errors: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", ENDS.format(statement)],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == status
    assert result.stderr.startswith(errors) if errors else result.stderr == ""


@pytest.mark.parametrize("arguments", [("-d", "a\nb"), ("--no\nsuch", "\x1b[2J"), ("--to", "\x1b")])
def test_an_error_is_one_line_whatever_was_typed(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    found = subprocess.run(
        [sys.executable, "export_dataset.py", "--to", "coco", *arguments],
        cwd=PROJECT_DIR,
        env={**os.environ, "SYNRENDER_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert found.returncode == 2
    (line,) = found.stderr.splitlines()
    assert line.isprintable()
