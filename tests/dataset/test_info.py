from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synrender.dataset.info import DatasetInfo, info_to_json, json_to_info, read_info, write_info
from synrender.errors import UserError
from synrender.settings.factor_table import FIRST_COLUMNS

FIXTURES = Path(__file__).parents[1] / "fixtures"

NESTED = json.loads("[" * 900 + "]" * 900)


@pytest.fixture
def info() -> DatasetInfo:
    """Description of a data set that an earlier version rendered."""
    found = read_info(FIXTURES / "before_multi")
    assert found is not None
    return found


def test_a_description_is_equal_after_writing_and_reading_json(info: DatasetInfo) -> None:
    assert json_to_info(info_to_json(info)) == info
    assert info.classes[4].synset_id == "03001627"
    assert info.settings.sample.num_objs == 2
    assert info.device is None  # not recorded at that time


ADDED_LATER = {
    **{"device": None, "design": None, "render_revision": 1, "cpus": []},
    "num_columns": len(FIRST_COLUMNS),
}


def test_values_keep_the_names_that_they_have_had(info: DatasetInfo) -> None:
    before = json.loads((FIXTURES / "before_multi" / "dataset.json").read_text())
    after = json.loads(info_to_json(info))
    models = after["sources"]["models"]
    assert (models.pop("layout"), models.pop("credits")) == ("shapenet-v2", [])  # added later
    assert after["sources"].pop("environments") is None
    settings = {name: after["settings"][name] for name in before["settings"]}
    assert {**after, "settings": settings} == {**before, **ADDED_LATER}


def test_a_description_of_before_means_drawn_levels(info: DatasetInfo) -> None:
    assert info.settings.design.level_choice == "drawn"


def test_no_file_is_no_description(tmp_path: Path) -> None:
    assert read_info(tmp_path) is None


def remove(*keys: str) -> Callable[[Any], None]:
    def edit(values: Any) -> None:
        *path, last = keys
        for key in path:
            values = values[key]
        del values[last]

    return edit


def put(value: object, *keys: str) -> Callable[[Any], None]:
    def edit(values: Any) -> None:
        *path, last = keys
        for key in path:
            values = values[key]
        values[last] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (put(2, "format_version"), "format_version is 2, this program reads 1"),
        (remove("format_version"), "format_version is None"),
        (remove("camera"), "camera is missing"),
        (remove("sources", "models", "fingerprint"), "sources.models.fingerprint is missing"),
        (put("0", "seed"), "seed must be int, is '0'"),
        (put(True, "seed"), "seed must be int"),
        (put([], "classes"), "classes must be dict"),
        (put({}, "classes", "x"), "classes has the key 'x', which must be a whole number"),
        (put(7, "rejected", "a"), "rejected.a must be str"),
        (put([[1, 2], [3, 4]], "camera", "intrinsics"), "intrinsics must have 3 rows of 3"),
        (put("a", "camera", "lens_mm"), "camera.lens_mm must be int or float"),
        (put(1, "later"), "later is not known"),
        (put([[1, 0, 0], [0, 1, 0], [0, 0, 0]], "camera", "intrinsics"), "no matrix of a camera"),
        (put([[0] * 4] * 3 + [[0, 0, 0, 1]], "camera", "world_to_camera"), "no rotation"),
        (put(7, "camera", "resolution"), "camera.resolution is 7, the settings say 32"),
        (put(7, "seed"), "seed is 7, the settings say 0"),
        (remove("classes", "4"), "the settings say"),
        (put("..", "classes", "4", "synset_id"), "the synset id '..' is no folder name"),
        (put(-1, "settings", "batch.seed"), "batch.seed = -1: must be"),
        (put({"azimuth": NESTED}, "settings", "design.levels"), "dataset.json"),
        (put(10**400, "camera", "lens_mm"), "dataset.json"),
        (put(1, "settings", "batch.sed"), "batch.sed: no such setting"),
    ],
)
def test_what_is_not_as_we_write_it_is_one_clear_line(
    info: DatasetInfo, tmp_path: Path, edit: Callable[[Any], None], message: str
) -> None:
    values = json.loads(info_to_json(info))
    edit(values)
    (tmp_path / "dataset.json").write_text(json.dumps(values))
    with pytest.raises(UserError) as caught:
        read_info(tmp_path)
    line = str(caught.value)
    assert message in line
    assert line.startswith(str(tmp_path / "dataset.json"))
    assert "\n" not in line


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", "[" * 100_000])
def test_what_is_no_description_at_all_is_one_clear_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(UserError, match="damaged or not of this program"):
        read_info(tmp_path)


def test_a_setting_that_came_later_has_its_default(info: DatasetInfo, tmp_path: Path) -> None:
    write_info(tmp_path, info)
    values = json.loads((tmp_path / "dataset.json").read_text())
    del values["settings"]["rendering.adaptive_threshold"]
    (tmp_path / "dataset.json").write_text(json.dumps(values))
    found = read_info(tmp_path)
    assert found is not None
    assert found.settings.rendering.adaptive_threshold == 0.02
