"""A description of a design of which a part does not fit the others is refused as it is read."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synrender.dataset.info import json_to_info
from synrender.settings.factor_table import FACTORS

FIXTURES = Path(__file__).parents[1] / "fixtures"
SIZES = {"class": 3, "azimuth": 2, "color": 2}


def describe(name: str, size: int) -> dict[str, Any]:
    factor = FACTORS[name]
    levels = [[k / 10] * len(factor.columns) for k in range(size)]
    return {
        "kind": factor.kind.value, "scope": factor.scope.value, "unit": factor.unit,
        "columns": list(factor.columns), "levels": levels, "names": [],
    }  # fmt: skip


DESIGN = {
    "kinds": ["grid", "shortcut"],
    "factors": {
        **{name: describe(name, size) for name, size in SIZES.items()},
        "scale": describe("scale", 0),
    },
    "split_buckets": [10, 1, 1],
    "repeats": 2,
    "block_size": 2,
    "grid": ["class", "azimuth"],
    "sweeps": ["azimuth"],
    "twins": ["scale", "color"],
    "shortcut": {"cue": "class", "target": "azimuth", "partners": [2, 0], "rho": [0.9, 0, 0]},
    "held_out": [{"class": 0, "azimuth": 1}, {"class": 2, "azimuth": 0}],
    "inner_ranges": {"scale": [0.5, 1]},
    "causal": {
        "parents": {"class": ["azimuth", "color"]},
        "tables": {"class": [[0.2, 0.3, 0.5]] * 4},
        "do": {"test": {"class": -1, "azimuth": 1}},
    },
}
"""No design has all of this; each part is as it would be."""


def read(change: Callable[[dict], None]) -> None:
    info = json.loads((FIXTURES / "before_multi" / "dataset.json").read_text())
    info["settings"] |= {
        "design.levels": SIZES,
        "object.n_buckets": 12,
        "object.total_num_samples": 48,
    }
    info["design"] = copy.deepcopy(DESIGN)
    change(info["design"])
    json_to_info(json.dumps(info))


def test_a_design_that_fits_is_read() -> None:
    read(lambda design: None)


def put(value: object, *keys: Any) -> Callable[[dict], None]:
    def change(values: Any) -> None:
        *path, last = keys
        for key in path:
            values = values[key]
        values[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (put(DESIGN["factors"]["scale"], "factors", "nope"), "factors"),
        (put([], "factors", "class", "levels"), "factors"),
        (put([[1], [2], [3, 4]], "factors", "class", "levels"), "factors"),
        (put(["color_r"], "factors", "color", "columns"), "factors"),
        (put("nope", "factors", "color", "kind"), "factors"),
        (put("nope", "factors", "color", "scope"), "factors"),
        (put(["a"], "factors", "class", "names"), "factors"),
        (put(["nope"], "kinds"), "kinds"),
        (put([12], "split_buckets"), "split_buckets"),
        (put([13, -1, 0], "split_buckets"), "split_buckets"),
        (put([1, 1, 1], "split_buckets"), "split_buckets"),
        (put(0, "repeats"), "repeats"),
        (put(0, "block_size"), "block_size"),
        (put(["scale"], "grid"), "grid"),
        (put(["class", "class"], "grid"), "grid"),
        (put(["nope"], "sweeps"), "sweeps"),
        (put(["nope"], "twins"), "twins"),
        (put("scale", "shortcut", "cue"), "shortcut"),
        (put("class", "shortcut", "target"), "shortcut"),
        (put([2], "shortcut", "partners"), "shortcut"),
        (put([3, 0], "shortcut", "partners"), "shortcut"),
        (put([0.5, 1], "shortcut", "rho"), "shortcut"),
        (put({}, "held_out", 0), "held_out"),
        (put({"class": 0}, "held_out", 1), "held_out"),
        (put(3, "held_out", 1, "class"), "held_out"),
        (put([1, 0.5], "inner_ranges", "scale"), "inner_ranges"),
        (put([1, 2], "inner_ranges", "roll"), "inner_ranges"),
        (put(["class"], "causal", "parents", "azimuth"), "causal"),
        (put(["nope"], "causal", "parents", "class"), "causal"),
        (put({}, "causal", "tables"), "causal.tables"),
        (put([[0.2, 0.3, 0.5]], "causal", "tables", "class"), "causal.tables"),
        (put([[0.2, 0.3, 0.6]] * 4, "causal", "tables", "class"), "causal.tables"),
        (put([[]] * 4, "causal", "tables", "class"), "causal.tables"),
        (put({"nope": {}}, "causal", "do"), "causal.do"),
        (put(-2, "causal", "do", "test", "class"), "causal.do"),
        (put(2, "causal", "do", "test", "azimuth"), "causal.do"),
    ],
)
def test_a_part_that_does_not_fit_is_named(change: Callable[[dict], None], part: str) -> None:
    with pytest.raises(ValueError, match=rf"^design\.{part}: ") as caught:
        read(change)
    assert "\n" not in str(caught.value)
