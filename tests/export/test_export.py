"""Exports resume, are complete or not there, and refuse what does not fit in one line."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import importlib
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from synrender.export import run as job
from tests.export.helpers import Exporter
from tests.helpers import PROJECT_DIR, Renderer

FORMS = {"webdataset": "multi", "parquet": "multi", "coco": "multi", "imagefolder": "single"}


def list_files(folder: Path) -> dict[str, bytes]:
    """Content of all files; hidden ones too."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("form", FORMS)
def test_what_is_missing_is_added(
    form: str, exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failure in the middle; what is finished is not written again."""
    monkeypatch.setattr(job, "MAX_PIECE_ROWS", 6)
    out = exporter.out_dir / "out"
    command = ("-d", FORMS[form], "--to", form, "--out", out)
    exporter.run(*command)
    whole = list_files(out)
    shutil.rmtree(out)

    module = importlib.import_module(f"synrender.export.{form}")
    encode, calls = module.FORMAT.encode, []

    def fail_late(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return encode(*arguments)

    monkeypatch.setattr(module, "FORMAT", dataclasses.replace(module.FORMAT, encode=fail_late))
    exporter.run(*command, status=130)
    assert not (out / "export.json").exists()
    begun = list_files(out)
    assert len(begun) > 2
    finished = {name: text for name, text in begun.items() if name in whole}
    assert all(whole[name] == text for name, text in finished.items())
    monkeypatch.undo()  # also the size of pieces: an export keeps the one that it began with
    assert "2 of 6 pieces are there already" in exporter.run(*command)
    assert list_files(out) == whole


DAMAGES = {
    "no JSON": lambda data: b"{" + data,
    "no text": lambda data: b"\xff" + data,
    "of another type": lambda data: b"[]\n" + data,
    "cut off": lambda data: data[: len(data) // 2],
    "a line less": lambda data: data[data.index(b"\n") + 1 :],
    "empty": lambda data: b"",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("form", ["coco", "imagefolder"])
def test_a_damaged_piece_is_named_and_written_again(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch, form: str, damage: str
) -> None:
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    out = exporter.out_dir / "out"
    command = ("-d", FORMS[form], "--to", form, "--out", out)
    with monkeypatch.context() as patch:
        patch.setattr("synrender.export.run.describe", stop)
        exporter.run(*command, status=130)
    path = out / ".pieces" / "train-00000.jsonl"
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    line = exporter.run(*command, status=2).splitlines()[-1]
    assert line.startswith(f"error: {path}: damaged (")
    path.unlink()
    exporter.run(*command)
    assert (out / "export.json").exists()


def test_one_that_is_there_is_left_alone(exporter: Exporter) -> None:
    out = exporter.export("single", "webdataset")
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert exporter.run("-d", "single", "--to", "webdataset", "--out", out).strip().endswith(
        "single_webdataset: there already"
    )  # fmt: skip
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    exporter.run("-d", "single", "--to", "webdataset", "--out", out, "--overwrite")
    assert before != {path: path.stat().st_mtime_ns for path in out.rglob("*")}


def test_a_data_set_is_searched_for_once_and_a_marker_read_once(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By each process; a new export, one that is there, and one that gets a new description."""
    from synrender.export import marker, png_samples
    from synrender.loading import dataset

    searched, read = [], []
    find_files, read_small_file = dataset.find_dataset_files, marker.read_small_file

    def read_file(path: Path, max_bytes: int) -> bytes:
        read.append(path.name)
        return read_small_file(path, max_bytes)

    monkeypatch.setattr(
        dataset, "find_dataset_files", lambda p: searched.append(p) or find_files(p)
    )
    monkeypatch.setattr(marker, "read_small_file", read_file)
    for more, num_searches, files in (
        ((), 2, ["export.json", ".export.json"]),  # there is none of both
        ((), 1, ["export.json"]),
        (("--license", "mit"), 1, ["export.json"]),
    ):
        png_samples.open_once.cache_clear()  # this process works for itself
        exporter.export("single", "webdataset", *more)
        assert (len(searched), read) == (num_searches, files)
        searched.clear()
        read.clear()


def test_a_terminal_shows_rate_and_eta(exporter: Exporter) -> None:
    out = exporter.out_dir / "out"
    terminal, its_end = pty.openpty()
    fcntl.ioctl(its_end, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "export_dataset.py", "-d", "multi", "--to", "coco", "--out", str(out)],
        cwd=PROJECT_DIR,
        env=Renderer("wheel", exporter.data_dir).full_environment(),
        stdin=subprocess.DEVNULL,
        stdout=its_end,
        stderr=its_end,
    )
    os.close(its_end)
    shown = b""
    with contextlib.suppress(OSError):  # the end, on Linux
        while data := os.read(terminal, 4096):
            shown += data
    os.close(terminal)
    assert process.wait() == 0
    assert re.search(rb"to coco: 100%.* 24/24 \[\d+:\d\d<\d+:\d\d, .* ?samples/s\]", shown), shown


def test_the_marker_lists_the_files_with_their_hashes(exporter: Exporter) -> None:
    import hashlib

    out = exporter.export("single", "parquet")
    marker = json.loads((out / "export.json").read_text())
    assert {f["path"] for f in marker["files"]} == {
        p.relative_to(out).as_posix() for p in (out / "data").iterdir()
    }
    for file in marker["files"]:
        data = (out / file["path"]).read_bytes()
        assert file["sha256"] == hashlib.sha256(data).hexdigest()
        assert file["bytes"] == len(data)
    assert sum(f["num_samples"] for f in marker["files"]) == 24


def test_a_killed_export_leaves_whole_files_and_goes_on(made: Path, exporter: Exporter) -> None:
    """Killed at once with its workers, wherever they are."""
    out = exporter.out_dir / "out"
    command = ("-d", "multi", "--to", "coco", "--out", out, "-j", 2)
    process = exporter.start(*command)
    end = time.monotonic() + 60
    while not list(out.glob("train/*.png")) and time.monotonic() < end:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    for path in out.rglob("*.png"):
        if not path.name.startswith("."):
            assert path.read_bytes().endswith(b"IEND\xaeB`\x82")
    process = exporter.start(*command)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 0, output
    whole = exporter.out_dir / "whole" / "out"  # its name is in the card
    exporter.run("-d", "multi", "--to", "coco", "--out", whole)
    assert list_files(out) == list_files(whole)
    assert not list(out.rglob(".*"))


def test_another_export_is_not_mixed_in(exporter: Exporter) -> None:
    out = exporter.export("single", "webdataset")
    before = list_files(out)
    for arguments in (("-d", "single", "--to", "parquet"), ("-d", "multi", "--to", "webdataset")):
        line = exporter.refuse(*arguments, "--out", out)
        assert f"{out}: holds another export (webdataset of single, " in line
    assert list_files(out) == before


def test_a_folder_with_other_files_is_not_touched(exporter: Exporter) -> None:
    out = exporter.out_dir / "mine"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    for more in ((), ("--overwrite",)):
        line = exporter.refuse("-d", "single", "--to", "parquet", "--out", out, *more)
        assert (
            "holds 'thesis.tex', which does not belong to an export; choose another folder" in line
        )
    assert list_files(out) == {"thesis.tex": b"years of work"}


def test_a_folder_where_no_export_was_begun_is_not_touched(exporter: Exporter) -> None:
    """Though the names of its files are those of an export; also with --overwrite."""
    out = exporter.out_dir / "mine"
    (out / "data").mkdir(parents=True)
    (out / "README.md").write_text("my own")
    for more in ((), ("--overwrite",)):
        line = exporter.refuse("-d", "single", "--to", "parquet", "--out", out, *more)
        assert "holds 'README.md', which does not belong to an export" in line
    assert list_files(out) == {"README.md": b"my own"}


def test_what_came_beside_an_export_is_not_removed(exporter: Exporter) -> None:
    """Such as a repository that it is to be published from."""
    out = exporter.export("single", "parquet")
    (out / ".git").mkdir()
    line = exporter.refuse("-d", "single", "--to", "parquet", "--out", out, "--overwrite")
    assert "holds '.git', which does not belong to an export" in line
    assert (out / "export.json").exists()


def test_a_lost_file_is_written_again_alone(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "MAX_PIECE_ROWS", 6)
    out = exporter.export("multi", "webdataset")
    whole = list_files(out)
    (out / "train-000002.tar").unlink()
    kept = (out / "train-000001.tar").stat().st_mtime_ns
    output = exporter.run("-d", "multi", "--to", "webdataset", "--out", out)
    assert "5 of 6 pieces are there already" in output
    assert list_files(out) == whole
    assert (out / "train-000001.tar").stat().st_mtime_ns == kept


def test_the_folder_of_a_data_set_or_a_file_is_no_place_for_it(
    made: Path, exporter: Exporter
) -> None:
    line = exporter.refuse("-d", "single", "--to", "parquet", "--out", made / "single")
    assert "holds 'config.gin', which does not belong to an export" in line
    (exporter.out_dir / "file").touch()
    line = exporter.refuse("-d", "single", "--to", "parquet", "--out", exporter.out_dir / "file")
    assert line.endswith("file: is not a folder; choose another one")


def test_mistakes_are_one_line(exporter: Exporter, capsys: pytest.CaptureFixture) -> None:
    assert "no such data set" in exporter.refuse("-d", "multy", "--to", "coco")
    with pytest.raises(SystemExit):
        exporter.run("-d", "multi", "--to", "tfrecord")
    assert "webdataset" in capsys.readouterr().err


def test_normalized_arrays_alone_cannot_be_exported(
    made: Path, exporter: Exporter, tmp_path: Path
) -> None:
    from tests.archive.helpers import QuickArchiver

    shutil.copytree(made / "single_h5", tmp_path / "arrays")
    QuickArchiver(tmp_path, exporter.capsys, exporter.monkeypatch).run(
        "-d", "arrays", "-p", "-r", 8
    )
    for shard in (tmp_path / "arrays").glob("imgs_*.h5"):
        shard.unlink()
    other = Exporter(tmp_path, tmp_path, exporter.capsys, exporter.monkeypatch)
    line = other.refuse("-d", "arrays", "--to", "webdataset")
    assert "only normalized arrays are left (data_8.h5); an export needs the images" in line


def test_a_missing_package_is_named(exporter: Exporter) -> None:
    from synrender.export import run

    find_spec = run.importlib.util.find_spec
    exporter.monkeypatch.setattr(
        run.importlib.util, "find_spec", lambda n: None if n == "pyarrow" else find_spec(n)
    )
    line = exporter.refuse("-d", "single", "--to", "parquet", "--out", exporter.out_dir / "x")
    assert "needs the Python package pyarrow; make setup installs it" in line


def test_a_damaged_sample_is_named(made: Path, exporter: Exporter, tmp_path: Path) -> None:
    shutil.copytree(made / "single", tmp_path / "broken")
    image = tmp_path / "broken" / "img" / "00013.npy"
    image.write_bytes(image.read_bytes()[:100])
    other = Exporter(tmp_path, tmp_path, exporter.capsys, exporter.monkeypatch)
    line = other.refuse("-d", "broken", "--to", "webdataset")
    assert "00013.npy" in line


LIMITED = """
import resource, sys
from synrender.cli.export import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), -1))
main()
"""


@pytest.mark.parametrize(
    ("form", "num_bytes", "num_jobs"),
    [("webdataset", 20_000, "1"), ("parquet", 20_000, "2"), ("coco", 600, "1")],
)
def test_a_full_disk_is_one_line_and_status_1(
    form: str, num_bytes: int, num_jobs: str, exporter: Exporter
) -> None:
    """Nothing half-written is left under the name of a file, and the next run finishes it."""
    out = exporter.out_dir / "out"
    command = ("-d", "multi", "--to", form, "--out", str(out))
    result = subprocess.run(
        [sys.executable, "-c", LIMITED, str(num_bytes), *command, "-j", num_jobs],
        cwd=PROJECT_DIR,
        env={
            **Renderer("wheel", exporter.data_dir).full_environment(),
            "PYTHONDONTWRITEBYTECODE": "1",  # or cut-off files would stay behind
        },
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1, result.stderr
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert "is full" in line
    assert "goes on from there" in line
    assert not list(out.rglob("*.tar"))
    assert not list(out.rglob("*.parquet"))
    assert not list(out.rglob("*.png"))
    exporter.run(*command)
    assert (out / "export.json").is_file()
