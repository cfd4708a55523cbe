"""Arguments that no command can use are one line, whatever they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from synrender.cli import audit, distribute, export, preprocess, render, report
from synrender.cli.script import Command, run_command

NOT_UTF8 = os.fsdecode(b"a\xff")
MANY_DIGITS = "9" * 100_000
COMMANDS = {
    module.__name__.rpartition(".")[2]: module.COMMAND
    for module in (audit, distribute, export, preprocess, render, report)
}
BASE = {"export": ["--to", "coco"], "preprocess": ["-f"]}
NAME = {"distribute": "--dataset_name", "render": "--dataset_name"}


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNRENDER_DATA_DIR", str(tmp_path))


def refuse(command: str, *arguments: str, capsys: pytest.CaptureFixture) -> str:
    """The one line of a command that is refused."""
    try:
        status = run_command(COMMANDS[command], [*BASE.get(command, []), *arguments])
    except SystemExit as error:
        status = error.code
    found = capsys.readouterr()
    assert status == 2, found
    assert found.out == ""
    (line,) = found.err.splitlines()
    assert line.startswith("error: ")
    assert len(line) < 700
    return line


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "value", ["--", NOT_UTF8, "a\nb", "\x1b[2J", "\u202e", "x" * 100_000, "..", " "]
)
def test_names_of_data_sets(command: str, value: str, capsys: pytest.CaptureFixture) -> None:
    option = NAME.get(command, "--dataset")
    line = refuse(command, f"{option}={value}", capsys=capsys)
    assert "Errno" not in line


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("audit", "--num_samples"), ("audit", "--jobs"), ("audit", "--seed"),
        ("audit", "--pixel_center"), ("distribute", "--num_samples"),
        ("distribute", "--gpus_per_task"), ("distribute", "--time_limit"), ("export", "--shard_mb"),
        ("preprocess", "--res"), ("preprocess", "--calc_mean"), ("report", "--num_samples"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", ["--", "-", NOT_UTF8, "nan", "1e9", "0x1", MANY_DIGITS, "-1", ""])
def test_numbers(command: str, option: str, value: str, capsys: pytest.CaptureFixture) -> None:
    refuse(command, f"{option}={value}", capsys=capsys)


@pytest.mark.parametrize("binding", [NOT_UTF8, "x" * 100_000, "\n", "batch.seed = 0x" + "f" * 9999])
@pytest.mark.parametrize("command", ["render", "distribute"])
def test_bindings(command: str, binding: str, capsys: pytest.CaptureFixture) -> None:
    refuse(command, "-p", binding, capsys=capsys)


@pytest.mark.parametrize("path", [NOT_UTF8, "x" * 300, "a\nb", "/dev/zero"])
def test_paths(path: str, capsys: pytest.CaptureFixture) -> None:
    refuse("audit", "--bop", path, capsys=capsys)
    refuse("render", "-g", path, capsys=capsys)
    refuse("distribute", "--blender", path, capsys=capsys)


def test_folders_that_are_not_utf8(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("SYNRENDER_DATA_DIR", NOT_UTF8)
    assert "its name is not UTF-8" in refuse("report", capsys=capsys)


def test_an_error_is_one_line_whatever_it_names(capsys: pytest.CaptureFixture) -> None:
    def run(arguments: object, folders: object) -> int:
        raise OSError(f"a\nb\x1b{NOT_UTF8}")

    assert run_command(Command(lambda argv: None, run, ()), []) == 1
    assert capsys.readouterr().err == "error: a\\nb\\x1ba\\udcff\n"
