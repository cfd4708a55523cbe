from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import synrender
from synrender.errors import UserError
from synrender.settings.factor_table import COLUMNS, FACTORS
from tests.loading.conftest import NUM_AZIMUTHS, NUM_CLASSES, RES

Formats = Callable[..., dict[str, Path]]
FORMATS = ("raw", "shards", "arrays")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("num_objs", [1, 2])
def test_factor_tables_and_their_description(form: str, num_objs: int, design: Formats) -> None:
    data = synrender.open_dataset(design(num_objs)[form])
    shape = (48, len(COLUMNS)) if num_objs == 1 else (48, 2, len(COLUMNS))
    assert data.factor_values.shape == data.factor_levels.shape == shape
    assert data.factor_levels.dtype == np.int64
    for i in (0, 30):
        np.testing.assert_array_equal(data[i]["factor_levels"], data.factor_levels[i])
    assert data.factors["azimuth"].unit == "rad"
    assert data.factors["azimuth"].levels == ((0.0,), (0.5,), (1.0,), (1.5,))
    assert data.factors["class"].names == ("a", "b", "c")
    assert data.factors["light_energy"].levels == ()
    assert data.factor_names == ("class", "azimuth")
    assert data.factors_num_values == [NUM_CLASSES, NUM_AZIMUTHS]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("num_objs", [1, 2])
def test_each_factor_has_a_column_of_its_type(form: str, num_objs: int, design: Formats) -> None:
    data = synrender.open_dataset(design(num_objs)[form])
    columns = data.factor_columns
    assert list(columns) == list(FACTORS)
    objects = () if num_objs == 1 else (num_objs,)
    assert columns["class"].dtype == columns["texture"].dtype == np.int64
    assert columns["azimuth"].dtype == columns["color"].dtype == np.float64
    assert columns["class"].shape == columns["azimuth"].shape == (48, *objects)
    assert columns["color"].shape == (48, *objects, 3)
    assert columns["light_angle"].shape == (48,)
    np.testing.assert_array_equal(columns["class"], data.read_column("class"))
    place = COLUMNS.index("azimuth")
    np.testing.assert_array_equal(columns["azimuth"], data.factor_values[..., place])
    assert (columns["texture"] == -1).all()  # not known
    assert np.isnan(columns["color"]).all()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("num_objs", [1, 2])
def test_a_table_of_factors_has_a_row_for_each_object(
    form: str, num_objs: int, design: Formats
) -> None:
    pytest.importorskip("pandas")
    data = synrender.open_dataset(design(num_objs)[form], split="train")
    table = data.to_pandas()
    assert len(table) == len(data) * num_objs
    assert ("instance" in table) == (num_objs > 1)
    assert set(COLUMNS) <= set(table)
    assert table.index.tolist() == np.repeat(np.arange(len(data)), num_objs).tolist()
    for row in (0, 5):
        sample, entry = data[row], table.iloc[row * num_objs + num_objs - 1]
        assert entry["sample_idx"] == np.ravel(sample["sample_idx"])[-1]
        assert entry["class"] == np.ravel(sample["class"])[-1]
        assert entry["class_name"] == data.class_names.get(entry["class"], "")
        level = data.latents[row, data.factor_names.index("azimuth")]
        assert entry["azimuth_level"] == level
        assert entry["azimuth"] == 0.5 * level
    assert np.isnan(table["color_r"]).all()


def test_without_pandas_one_line_says_how_to_install_it(
    design: Formats, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = synrender.open_dataset(design()["raw"])
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UserError, match="pip install pandas"):
        data.to_pandas()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("num_objs", [1, 2])
def test_indices_are_all_samples_with_the_levels(form: str, num_objs: int, design: Formats) -> None:
    data = synrender.open_dataset(design(num_objs)[form])
    found = data.indices({"class": 2}, azimuth=1)
    classes = np.array([np.ravel(data[i]["class"])[0] for i in range(48)])
    values = np.array([np.ravel(data[i]["factor_values"])[COLUMNS.index("azimuth")]
                       for i in range(48)])  # fmt: skip
    np.testing.assert_array_equal(found, np.flatnonzero((classes == 2) & (values == 0.5)))
    assert len(found) == 4
    assert len(data.indices()) == 48
    for levels, message in (({"colour": 1}, "no factor with levels"), ({"class": 3}, "level 3 of")):
        with pytest.raises(UserError, match=message):
            data.indices(levels)


def test_indices_count_within_the_split(design: Formats) -> None:
    paths = design()
    test = synrender.open_dataset(paths["shards"], split="test")
    assert len(test) == 4
    rows = [i for k in range(NUM_CLASSES) for i in test.indices({"class": k}).tolist()]
    assert sorted(rows) == [0, 1, 2, 3]


@pytest.mark.parametrize("random", [0, np.random.default_rng(0), np.random.RandomState(0)])
@pytest.mark.parametrize("form", FORMATS)
def test_observations_have_the_levels_that_were_asked_for(
    form: str, random: object, design: Formats
) -> None:
    """As the metrics of disentanglement_lib use it: two columns of factors exchanged."""
    data = synrender.open_dataset(design()[form])
    images = {data[i]["image"].tobytes(): i for i in range(48)}
    levels = data.sample_factors(200, random)
    assert levels.shape == (200, data.num_factors)
    assert len(np.unique(levels, axis=0)) == NUM_CLASSES * NUM_AZIMUTHS
    levels[:, 0] = levels[::-1, 0]
    observations = data.sample_observations_from_factors(levels, random)
    assert observations.shape[0] == 200
    rows = [images[image.tobytes()] for image in observations]
    np.testing.assert_array_equal(data.latents[rows], levels)
    assert len(set(rows)) > 20  # which of several samples is drawn, too
    factors, observations = data.sample(5, random)
    rows = [images[image.tobytes()] for image in observations]
    np.testing.assert_array_equal(data.latents[rows], factors)


def test_levels_that_no_sample_has_are_one_line(design: Formats) -> None:
    data = synrender.open_dataset(design()["shards"], split="test")
    missing = next(
        [c, a]
        for c in range(NUM_CLASSES)
        for a in range(NUM_AZIMUTHS)
        if not len(data.indices({"class": c, "azimuth": a}))
    )
    with pytest.raises(UserError, match=r"no sample with the levels \{'class': "):
        data.sample_observations_from_factors(np.array([missing]))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("num_objs", [1, 2])
def test_twins_share_their_base_and_stand_in_order(
    form: str, num_objs: int, design: Formats
) -> None:
    data = synrender.open_dataset(design(num_objs)[form])
    twins = data.twins()
    assert list(twins) == ["color"]
    assert twins["color"].shape == (24, 2)
    for pair in twins["color"]:
        first, second = (int(np.ravel(data[int(i)]["sample_idx"])[0]) for i in pair)
        assert (first % 2, second) == (0, first + 1)


def test_without_a_design_there_are_no_levels(write: Callable[..., Path]) -> None:
    data = synrender.open_dataset(write(12))
    assert data.factor_names == ()
    assert len(data.factors) == len(FACTORS)
    with pytest.raises(UserError, match=r"no sample has levels of .* in Dataset.factor_columns"):
        data.sample_factors(3)
    with pytest.raises(UserError, match=r"no factor with levels .* in Dataset.factor_columns"):
        data.indices(texture=0)
    assert data[0]["image"].shape[0] == RES
