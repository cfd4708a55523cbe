"""Only files that an export lists are removed, changed ones are noticed, links are not followed."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import pytest

from synrender.dataset.lock import in_use
from tests.export.helpers import Exporter
from tests.export.test_export import FORMS, list_files


def find_sample_file(out: Path) -> Path:
    """A file that holds samples."""
    found = (p for p in out.rglob("*") if p.suffix in (".png", ".tar", ".parquet"))
    return max(path for path in found if path.name != "samples.png")


def folder_of_samples(form: str, out: Path) -> Path:
    return {"webdataset": out, "parquet": out / "data"}.get(form, out / "train")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["file", "folder", "link", "samples of another one"])
def test_what_a_user_put_into_an_export_keeps_it(
    form: str, kind: str, exporter: Exporter, tmp_path: Path
) -> None:
    out = exporter.copy(FORMS[form], form)
    theirs = folder_of_samples(form, out) / "999999.png"
    if kind == "file":
        theirs.write_text("mine")
    elif kind == "folder":
        theirs = theirs.with_name("mine") / "deep" / "thesis.tex"
        theirs.parent.mkdir(parents=True)
        theirs.write_text("mine")
    elif kind == "link":
        (tmp_path / "precious").mkdir()
        theirs = theirs.with_name("elsewhere")
        theirs.symlink_to(tmp_path / "precious")
    else:
        theirs = theirs.with_name("train-000077.tar")
        theirs.write_text("mine")
    before = list_files(out)
    name = theirs.parents[1] if kind == "folder" else theirs
    for more in ((), ("--overwrite",)):
        line = exporter.refuse("-d", FORMS[form], "--to", form, "--out", out, *more)
        assert (
            f"holds {name.relative_to(out).as_posix()!r}, which does not belong to an export"
            in line
        )
    assert list_files(out) == before
    assert os.path.lexists(theirs)


@pytest.mark.parametrize("form", FORMS)
def test_overwriting_removes_all_that_is_listed(form: str, exporter: Exporter) -> None:
    """Also what another format had."""
    out = exporter.copy(FORMS[form], form)
    whole = list_files(out)
    other = "parquet" if form != "parquet" else "webdataset"
    exporter.run("-d", FORMS[form], "--to", other, "--out", out, "--overwrite")
    assert list_files(out).keys() == list_files(exporter.copy(FORMS[form], other)).keys()
    exporter.run("-d", FORMS[form], "--to", form, "--out", out, "--overwrite")
    assert list_files(out) == whole
    assert all(path.is_file() or any(path.iterdir()) for path in out.rglob("*"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_in_midst", [True, False])
def test_links_are_not_followed_for_writing(
    form: str, is_in_midst: bool, exporter: Exporter, tmp_path: Path
) -> None:
    """Neither those of folders nor those of files."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    out = exporter.copy(FORMS[form], form)
    folder = folder_of_samples(form, out)
    if is_in_midst:  # as a run leaves it that was stopped
        marker = json.loads((out / "export.json").read_text())
        paths = [line.split(" ", 2)[2] for line in marker.pop("listing")]
        marker = {k: v for k, v in marker.items() if k != "files"} | {"planned": paths}
        (out / ".export.json").write_text(json.dumps(marker))
        (out / "export.json").unlink()
    victim = find_sample_file(out) if folder == out else folder
    victim.rename(tmp_path / "moved")
    victim.symlink_to(elsewhere if folder != out else elsewhere / "file")
    line = exporter.refuse("-d", FORMS[form], "--to", form, "--out", out)
    assert (
        f"holds {victim.relative_to(out).as_posix()!r}, which does not belong to an export" in line
    )
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_was_lost_is_written_again(form: str, exporter: Exporter) -> None:
    out = exporter.copy(FORMS[form], form)
    whole = list_files(out)
    victim = find_sample_file(out)
    for lost in (victim, out / "README.md", out / "samples.png"):
        lost.unlink()
        output = exporter.run("-d", FORMS[form], "--to", form, "--out", out)
        assert (
            f"{lost.relative_to(out).as_posix()} is missing (1 of {len(whole) - 1} files)" in output
        )
        assert list_files(out) == whole
    assert "there already" in exporter.run("-d", FORMS[form], "--to", form, "--out", out)


@pytest.mark.parametrize("form", FORMS)
def test_a_file_of_another_size_is_noticed(form: str, exporter: Exporter) -> None:
    out = exporter.copy(FORMS[form], form)
    victim = find_sample_file(out)
    data = victim.read_bytes()
    victim.write_bytes(data[:-1])
    line = exporter.refuse("-d", FORMS[form], "--to", form, "--out", out)
    name = victim.relative_to(out).as_posix()
    assert f"{name} has {len(data) - 1} bytes, but {len(data)} were written (1 of" in line
    assert "--overwrite writes the export again" in line
    exporter.run("-d", FORMS[form], "--to", form, "--out", out, "--overwrite")
    assert victim.read_bytes() == data


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("form", FORMS)
def test_verify_compares_every_byte(form: str, exporter: Exporter) -> None:
    out = exporter.copy(FORMS[form], form)
    num_files = len(list_files(out)) - 1
    command = ("-d", FORMS[form], "--to", form, "--out", out, "--verify")
    assert exporter.run(*command).splitlines() == [
        str(out), f"pass: {num_files} files are as export.json says"
    ]  # fmt: skip
    sample = find_sample_file(out)
    changed = (sample.relative_to(out).as_posix(), "samples.png")
    for name in changed:
        flip(out / name)
    (out / "croissant.json").unlink()
    (out / "notes.txt").write_text("mine")
    assert exporter.run(*command, status=1).splitlines()[1:] == [
        "missing  croissant.json",
        *(f"changed  {name}" for name in sorted(changed)),
        "extra    notes.txt",
        "FAIL: 4 differences; export.json lists the files",
    ]
    # A flipped bit is not looked for otherwise.
    (out / "notes.txt").unlink()
    assert "croissant.json is missing" in exporter.run(
        "-d", FORMS[form], "--to", form, "--out", out
    )


def test_verify_needs_no_data_set(exporter: Exporter) -> None:
    out = exporter.copy("single", "webdataset")
    exporter.run("-d", "gone", "--to", "webdataset", "--out", out, "--verify")
    line = exporter.refuse("-d", "single", "--to", "webdataset", "--out", out / "x", "--verify")
    assert "holds no complete export; export_dataset.py writes it" in line


@pytest.mark.parametrize(
    "change",
    [
        {"listing": ["0" * 64 + " 5 ../single_parquet/README.md"]},
        {"listing": ["0" * 64 + " 5 /etc/passwd"]},
        {"listing": ["README.md"]},
        {"planned": ["a/../../b.png"]},
        {"samples_per_piece": 0},
        {"files": [{"path": ".."}]},
        {"splits": [3]},
    ],
)
def test_a_marker_that_no_export_has_is_one_line(change: dict, exporter: Exporter) -> None:
    out = exporter.copy("single", "webdataset")
    marker = json.loads((out / "export.json").read_text()) | change
    (out / "export.json").write_text(json.dumps(marker))
    before = list_files(out)
    for more in ((), ("--overwrite",), ("--verify",)):
        line = exporter.refuse("-d", "single", "--to", "webdataset", "--out", out, *more)
        assert "does not belong to an export, or is damaged" in line
        assert "choose another folder with --out" in line
    assert list_files(out) == before


def test_an_export_of_an_earlier_version_can_be_overwritten(exporter: Exporter) -> None:
    """Its marker lists the files that hold the samples."""
    out = exporter.copy("single", "parquet")
    whole = list_files(out)
    marker = json.loads((out / "export.json").read_text())
    del marker["listing"]
    (out / "export.json").write_text(json.dumps(marker))
    (out / "captions.json").unlink()  # there were none
    line = exporter.refuse("-d", "single", "--to", "parquet", "--out", out, "--verify")
    assert "an earlier version of this program wrote it" in line
    exporter.run("-d", "single", "--to", "parquet", "--out", out, "--overwrite")
    assert list_files(out) == whole


def test_two_exports_of_a_data_set_go_together(
    made: Path, exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They only read; whoever removes or archives what they read is kept out."""
    from synrender.export import run

    finish, seen = run.finish, []

    def export_another(*arguments: object) -> None:
        if not seen:
            seen.append(True)
            exporter.export("single", "parquet")
            with (
                contextlib.suppress(run.UserError),
                in_use(made / "single", "overwritten", is_shared=False),
            ):
                seen.append("not kept out")
        finish(*arguments)

    monkeypatch.setattr(run, "finish", export_another)
    out = exporter.export("single", "webdataset")
    assert seen == [True]
    assert (out / "export.json").is_file()
