"""A journal is read as it was written, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synrender.crashes.journal import Cause, Journal, read_journal


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
