"""Records of versions with fewer columns of factors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synrender.dataset.record import (
    RECORD_DTYPE,
    count_columns,
    fit_columns,
    keep_columns,
    read_record,
    record_to_bytes,
)
from synrender.settings.factor_table import COLUMNS, FACTORS, FIRST_COLUMNS
from tests.helpers import create_record

NUM_FIRST = len(FIRST_COLUMNS)


def create_full_record() -> np.ndarray:
    record = create_record(2)
    record["factor_values"] = np.arange(1, len(COLUMNS) + 1)
    record["factor_levels"] = -1
    return record


def write(path: Path, record: np.ndarray) -> np.dtype:
    """Writes a record; type of what the file holds."""
    path.write_bytes(record_to_bytes(record))
    return np.load(path).dtype


def test_the_first_columns_keep_their_places_and_types(tmp_path: Path) -> None:
    assert NUM_FIRST == 25
    assert COLUMNS[:NUM_FIRST] == FIRST_COLUMNS
    assert FIRST_COLUMNS[-1] == "camera_lens"
    dtype = write(tmp_path / "0.npy", keep_columns(create_full_record(), NUM_FIRST))
    assert dtype["factor_values"].shape == dtype["factor_levels"].shape == (NUM_FIRST,)
    assert dtype["varied"] == "U16"
    assert dtype.itemsize == 2160


@pytest.mark.parametrize("num_columns", [NUM_FIRST, NUM_FIRST + 1, len(COLUMNS) - 1, len(COLUMNS)])
def test_columns_that_were_not_written_are_unknown(tmp_path: Path, num_columns: int) -> None:
    path, record = tmp_path / "0.npy", create_full_record()
    dtype = write(path, keep_columns(record, num_columns))
    assert dtype["factor_values"].shape == (num_columns,)
    found = read_record(path)
    assert found.dtype == RECORD_DTYPE
    values = record["factor_values"]
    np.testing.assert_array_equal(found["factor_values"][:, :num_columns], values[:, :num_columns])
    assert np.isnan(found["factor_values"][:, num_columns:]).all()
    assert (found["factor_levels"] == -1).all()
    assert count_columns(found) == num_columns
    assert record_to_bytes(found) == path.read_bytes()


def test_a_level_is_known_even_if_its_value_is_not(tmp_path: Path) -> None:
    record = keep_columns(create_full_record(), NUM_FIRST)
    record["factor_levels"][1, -1] = 2
    write(tmp_path / "0.npy", record)
    assert read_record(tmp_path / "0.npy")["factor_levels"][1, -1] == 2


def test_only_fields_of_columns_are_fitted() -> None:
    values = np.zeros((3, 4))
    assert fit_columns("location", values, 9) is values
    assert fit_columns("factor_levels", values.astype(int), 6)[0].tolist() == [0, 0, 0, 0, -1, -1]


def test_a_record_has_room_for_every_name_of_a_factor() -> None:
    record = create_record()
    for name in FACTORS:
        record["varied"] = name
        assert record["varied"][0] == name
