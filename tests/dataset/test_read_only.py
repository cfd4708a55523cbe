"""What only reads works where nothing can be written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import PROJECT_DIR, as_plain_user


@pytest.fixture
def locked_up(rendered_single: Path, tmp_path: Path) -> Iterator[Path]:
    """A complete, archived data set in a data folder that nobody may write to."""
    data_dir = tmp_path / "data"
    shutil.copytree(rendered_single, data_dir / "locked")
    (data_dir / "demo_assets").symlink_to(rendered_single.parent / "demo_assets")
    (tmp_path / "tmp").mkdir()
    yield data_dir / "locked"
    change_modes(data_dir, 0o755)


def change_modes(data_dir: Path, mode: int) -> None:
    for folder in (data_dir, *(p for p in data_dir.rglob("*") if not p.is_symlink())):
        folder.chmod(mode)


def run(dataset_dir: Path, *arguments: object, status: int = 0) -> str:
    """Runs a command of somebody who may not write; returns what it prints."""
    (output,) = run_all(dataset_dir, arguments, status=status)
    return output


COMMANDS = """
import contextlib, importlib, io, json, sys
from synrender.cli.script import run_command
outputs = []
for name, *arguments in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        with contextlib.redirect_stderr(output):
            command = importlib.import_module(f"synrender.cli.{name}").COMMAND
            status = run_command(command, arguments)
    outputs.append((status, output.getvalue()))
print(json.dumps(outputs))
"""


def run_all(dataset_dir: Path, *commands: tuple[object, ...], status: int = 0) -> list[str]:
    """Runs commands one after the other in one process; returns what each prints."""
    data_dir = dataset_dir.parent
    temporary = str(data_dir.parent / "tmp")
    texts = json.dumps([[*map(str, command)] for command in commands])
    result = subprocess.run(
        [*as_plain_user(), sys.executable, "-c", COMMANDS, texts],
        cwd=PROJECT_DIR,
        env={**os.environ, "SYNRENDER_DATA_DIR": str(data_dir), "TMPDIR": temporary},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(result.stdout)
    assert [status for status, _ in found] == [status] * len(commands), found
    return [output for _, output in found]


def test_reading_needs_no_writing(locked_up: Path, tmp_path: Path) -> None:
    archive = ("preprocess", "-d", "locked", "-f", "-p", "-r", "8", "-j", "1")
    run(locked_up, *archive)
    change_modes(locked_up.parent, 0o555)
    before = {p: p.stat().st_mtime_ns for p in locked_up.rglob("*")}
    report = ("report", "-d", "locked")
    page, sheet = tmp_path / "page.html", tmp_path / "sheet.png"
    export = ("export", "-d", "locked", "--to", "imagefolder", "-j", "1")
    rendered, replayed, archived, paged, drawn, exported = run_all(
        locked_up,
        ("render", "-d", "locked", "-g", locked_up / "config.gin"),
        ("render", "--replay", "locked", "3"),
        archive,
        (*report, "--no_audit", "--out", page),
        (*report, "--sheet", "--out", sheet),
        (*export, "--out", tmp_path / "export"),
    )
    assert "all 25 samples are complete already" in rendered
    assert "equal, pixels and record" in replayed
    assert "data_8.h5: is there already" in archived
    assert (paged, drawn) == (f"{page}\n", f"{sheet}\n")
    assert page.stat().st_size > sheet.stat().st_size > 1000
    assert "25 samples" in exported
    assert {p: p.stat().st_mtime_ns for p in locked_up.rglob("*")} == before
    left = [p.name for p in (tmp_path / "tmp").iterdir()]
    assert not [name for name in left if not name.startswith("pymp-")]  # of Python itself


def test_an_archived_data_set_without_small_files_and_lock_is_complete(locked_up: Path) -> None:
    run(locked_up, "preprocess", "-d", "locked", "-f", "--remove_raw", "-j", 1)
    (locked_up / ".lock").unlink()
    assert not (locked_up / "img").exists()
    change_modes(locked_up.parent, 0o555)
    again = run(locked_up, "render", "-d", "locked", "-g", locked_up / "config.gin")
    assert "all 25 samples are complete already" in again
    assert not {".lock", "img"} & {path.name for path in locked_up.iterdir()}


def test_what_must_write_says_so_in_one_line(locked_up: Path, tmp_path: Path) -> None:
    (locked_up / "img" / "00003.png").unlink()
    change_modes(locked_up.parent, 0o555)
    line = run(locked_up, "render", "-d", "locked", "-g", locked_up / "config.gin", status=1)
    assert "Permission denied" in line
    assert "goes on" not in line
    report = ("report", "-d", "locked")
    for option in ("--sheet", "--no_audit"):
        line = run(locked_up, *report, option, status=2)
        assert "locked: cannot be written to; name a file in another folder with --out" in line
    line = run(locked_up, *report, "--out", tmp_path / "page.png", status=2)
    assert "must name a file that ends in .html" in line
