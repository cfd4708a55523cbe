"""A journal is read as it was written, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synrender.assets.catalog import load_catalog
from synrender.assets.environments import to_rejected_name
from synrender.crashes.journal import Cause, Journal, note_assets, read_journal
from synrender.settings.load import load_settings
from synrender.system.folders import Folders
from tests.assets.helpers import create_obj, write_files


def test_a_journal_says_what_a_process_was_at(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.json")
    journal.begin_stage("render", 7)
    journal.use_asset("02691156/a")
    assert read_journal(tmp_path / "journal.json") == journal.entry
    with (tmp_path / "journal.json").open("a") as file:
        file.write("Fatal Python error: Segmentation fault")
    entry = read_journal(tmp_path / "journal.json")
    assert entry is not None
    assert entry.cause is Cause.CRASHED


def test_each_kind_of_asset_is_noted(tmp_path: Path) -> None:
    """An environment by the name that it is rejected by."""
    files = {
        "set/c/a.obj": create_obj(),
        "images/b.png": b"",
        "images/c.png": b"",
        "sky/d.hdr": b"",
    }
    write_files(tmp_path, files)
    places = {"models": "set", "textures": "images", "environments": "sky"}
    bindings = [f"assets.{kind} = {str(tmp_path / name)!r}" for kind, name in places.items()]
    bindings += ["sample.classes = ['c']", "sample.class_idxs = 1", "object.n_buckets = 1"]
    bindings += ["design.fixed = {'environment': 'd'}"]
    journal = Journal(tmp_path / "journal.json")
    catalog = load_catalog(load_settings(["render_single"], bindings), Folders(tmp_path))
    noted = note_assets(catalog, journal)
    assert noted.model_file(0, "a") == catalog.model_file(0, "a")
    assert noted.texture_path("b.png") == catalog.texture_path("b.png")
    assert noted.environment_path("d") == catalog.environment_path("d")
    assert journal.entry.assets == ("c/a", "b.png", to_rejected_name("d"))


@pytest.mark.parametrize(
    "change",
    [
        {"idx": "7"}, {"idx": 1.5}, {"idx": None}, {"pid": True}, {"host": 5}, {"stage": []},
        {"assets": "abc"}, {"assets": [1]}, {"assets": None}, {"cause": "crashed"}, {"more": 1},
    ],
)  # fmt: skip
def test_values_of_other_types_are_not_read(tmp_path: Path, change: dict) -> None:
    path = tmp_path / "journal.json"
    values = {"host": "here", "pid": 1, "stage": "build", "idx": 7, "done": 0, "assets": []}
    path.write_text(json.dumps(values) + "\n")
    assert read_journal(path) is not None
    path.write_text(json.dumps(values | change) + "\n")
    assert read_journal(path) is None
