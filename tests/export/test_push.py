"""`--push` to the Hugging Face Hub: its own library talks to a stand-in on loopback."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.export.helpers import Exporter
from tests.hub import Hub

PUSH = ("--push", "hf://user/name")


def read_folder(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_all_files_are_uploaded_in_one_commit(exporter: Exporter, hub: Hub) -> None:
    hub.files[".gitattributes"] = b"of the Hub"
    out = exporter.export("single", "parquet", *PUSH)
    assert hub.files == {".gitattributes": b"of the Hub", **read_folder(out)}
    assert len(hub.commits) == 1
    text = exporter.run("-d", "single", "--to", "parquet", "--out", out, *PUSH)
    assert "hf://user/name: there already" in text
    assert len(hub.commits) == 1
    del hub.files["README.md"]
    exporter.run("-d", "single", "--to", "parquet", "--out", out, *PUSH)
    assert hub.files["README.md"] == (out / "README.md").read_bytes()


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # of the Hub's library
def test_large_files_go_to_the_storage_first_and_once(exporter: Exporter, hub: Hub) -> None:
    hub.lfs_bytes = 10_000
    out = exporter.export("single", "parquet", *PUSH)
    files = read_folder(out)
    large = {content for content in files.values() if len(content) >= hub.lfs_bytes}
    assert hub.files == files
    assert set(hub.stored.values()) == large
    assert len(large) > 1
    before, hub.stored = hub.stored, {**hub.stored}
    hub.files.clear()  # as if the upload had ended before its commit
    exporter.run("-d", "single", "--to", "parquet", "--out", out, *PUSH)
    assert (hub.files, hub.stored, len(hub.commits)) == (files, before, 2)


def test_files_of_an_earlier_export_go_and_those_of_others_stay(
    exporter: Exporter, hub: Hub
) -> None:
    exporter.export("single", "parquet", *PUSH)
    hub.files["notes.md"] = b"mine"
    out = exporter.export("single", "webdataset", *PUSH)
    assert hub.files == {"notes.md": b"mine", **read_folder(out)}
    assert not [path for path in hub.files if path.endswith(".parquet")]


def test_a_file_of_the_same_name_is_replaced_only_if_asked(exporter: Exporter, hub: Hub) -> None:
    hub.files["README.md"] = b"mine"
    arguments = ("-d", "single", "--to", "parquet", "--out", exporter.out_dir / "x", *PUSH)
    line = exporter.run(*arguments, status=2).splitlines()[-1]
    assert line == (
        "error: hf://user/name: holds 'README.md', which this program did not upload; choose "
        "another name, or --overwrite"
    )
    assert hub.files == {"README.md": b"mine"}
    exporter.run(*arguments, "--overwrite")
    assert hub.files == read_folder(exporter.out_dir / "x")


@pytest.mark.parametrize(
    ("status", "exit_status", "told"),
    [(401, 2, "the Hub does not let you write there; hf auth login"), (503, 1, "hf://user/name")],
)
def test_a_hub_that_refuses_is_one_line(
    status: int, exit_status: int, told: str, exporter: Exporter, hub: Hub,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    import huggingface_hub.utils._http as http

    monkeypatch.setattr(http.time, "sleep", lambda _: None)
    hub.status = status
    text = exporter.run(
        *("-d", "single", "--to", "parquet", "--out", exporter.out_dir / "x", *PUSH),
        status=exit_status,
    )
    line = text.splitlines()[-1]
    assert line.startswith("error: ")
    assert told in line


def test_without_the_package_the_command_is_told(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n: None if n == "huggingface_hub" else find_spec(n)
    )
    out = exporter.out_dir / "with a blank"
    text = exporter.run("-d", "single", "--to", "parquet", "--out", out, *PUSH, status=2)
    assert text.splitlines()[-1].endswith(
        "needs the Python package huggingface_hub; pip install huggingface_hub, hf auth login, and "
        f"type the same command again, or: hf upload user/name '{out}' . --repo-type dataset"
    )
    assert (out / "export.json").exists()


def test_what_is_no_repository_is_refused_before_work_begins(exporter: Exporter) -> None:
    for url in ("user/name", "hf://user", "hf://user/name/x", "https://example.org/user/name"):
        line = exporter.refuse(
            "-d", "single", "--to", "parquet", "--out", exporter.out_dir / "x", "--push", url
        )
        assert "must be an address such as hf://user/name" in line
    assert not (exporter.out_dir / "x").exists()
