from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from synrender.errors import UserError
from synrender.system.folders import PROJECT_DIR, Folders, find_folders


def test_the_environment_wins_over_paths_and_paths_over_the_default() -> None:
    assert find_folders({}) == Folders(PROJECT_DIR / "datasets")
    edited = {"DATA_DIR": "/edited", "SHAPENET_DIR": None, "DTD_DIR": "/edited/dtd"}
    assert find_folders({}, edited) == Folders(Path("/edited"), None, Path("/edited/dtd"))
    environment = {"SYNRENDER_DATA_DIR": "/set", "SYNRENDER_SHAPENET_DIR": "/set/shapenet"}
    expected = Folders(Path("/set"), Path("/set/shapenet"), Path("/edited/dtd"))
    assert find_folders(environment, edited) == expected


def test_empty_variables_count_as_unset_and_paths_become_absolute() -> None:
    folders = find_folders({"SYNRENDER_DATA_DIR": "", "SYNRENDER_DTD_DIR": "here/dtd"})
    assert folders.data == PROJECT_DIR / "datasets"
    assert folders.dtd == Path.cwd() / "here" / "dtd"


def test_folders_travel_as_text_for_another_python() -> None:
    folders = Folders(Path("/a"), Path("/b"))
    data = pickle.dumps(folders)
    assert b"pathlib" not in data
    assert pickle.loads(data) == folders


def test_a_tilde_is_a_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    environment = {"SYNRENDER_DATA_DIR": "~/data", "SYNRENDER_SHAPENET_DIR": "~"}
    folders = find_folders(environment, {"DTD_DIR": "~/dtd"})
    assert folders == Folders(Path("/home/me/data"), Path("/home/me"), Path("/home/me/dtd"))


def test_a_home_folder_that_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match=r"^~nobody-here/data: there is no such home folder"):
        find_folders({"SYNRENDER_DATA_DIR": "~nobody-here/data"})
