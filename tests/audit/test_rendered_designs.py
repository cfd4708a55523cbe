"""The audit of designs on data sets that were rendered, right and falsified."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from synrender.audit.check import Verdict
from synrender.settings.factor_table import COLUMNS
from tests.audit.conftest import failed
from tests.audit.test_tampering import edit_pass, edit_record
from tests.helpers import RenderServer, read_record

COMMON = (
    "rendering.resolution = 32", "rendering.render_samples = 1", "rendering.render_exr = True",
    "object.n_buckets = 3", "sample.class_idxs = 3", "object.random_viewpoint = 0.5",
    "object.random_scaling = 0.1", "lighting.r = 1",
)  # fmt: skip
TWO_EACH = "design.levels = {'class': 2, 'backdrop_texture': 2}"
DESIGNS = {
    "grid": (24, TWO_EACH.replace("}", ", 'azimuth': [-1, 0, 1]}"), "design.repeats = 2"),
    "twins": (
        36, "sample.num_objs = 2",
        "design.twins = ('class', 'model', 'texture', 'viewpoint', 'light_angle', 'scale', "
        "'backdrop_texture', 'layout')",
    ),
    "sequence": (
        36, "sample.num_objs = 2", "design.length = 6",
        "design.paths = {'azimuth': ('turn', 1), 'light_angle': ('linear', -1, 0), "
        "'camera_azimuth': ('turn', -1), 'camera_elevation': ('linear', 0.2, 0.5)}",
        "design.distributions = {'scale': ('uniform', 0.5, 0.9)}",
    ),
    "shortcut": (
        60, TWO_EACH, "design.shortcut = ('backdrop_texture', 'class')", "design.rho = (1, 0, 0)",
    ),
    "holdout": (
        36, TWO_EACH, "design.held_out = 1",
        "design.held_out_factors = ('class', 'backdrop_texture')",
        "design.inner_ranges = {'azimuth': (-0.5, 0.5)}",
    ),
    "causal": (
        60, TWO_EACH, "design.parents = {'backdrop_texture': ['class']}",
        "design.tables = {'backdrop_texture': [[1, 0], [0, 1]]}",
        "design.do = {'test': {'backdrop_texture': 1}, 'validation': {'class': 'even'}}",
    ),
    "one_at_a_time": (
        45, "design.levels = {'azimuth': [-1, 0, 1], 'light_angle': [-1, 0], "
        "'camera_distance': [1, 1.2, 1.4], 'backdrop_texture': 2, 'class': 2, 'texture': 3}",
        "design.sweeps = ('azimuth', 'light_angle', 'camera_distance', 'backdrop_texture', "
        "'class', 'texture')",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def render(server: RenderServer):
    """Renders a design once, and returns the folder."""

    def render(kind: str) -> Path:
        folder = server.data_dir / f"audit_{kind}"
        if not folder.exists():
            num, *bindings = DESIGNS[kind]
            size = (f"batch.num_samples = {num}", f"object.total_num_samples = {num}")
            server.render(folder.name, *COMMON, *size, f"design.kind = '{kind}'", *bindings)
        return folder

    return render


APPLIED = {
    "grid": {"cells"},
    "twins": {"twins", "same labels"},
    "sequence": {"sequences"},
    "shortcut": {"even", "shortcut"},
    "holdout": {"holdout"},
    "causal": {"even", "causal", "do"},
    "one_at_a_time": {"sweeps", "same labels"},
}
OTHERS = set().union(*APPLIED.values())


@pytest.mark.parametrize("kind", DESIGNS)
def test_rendered_designs_pass(kind: str, render, audit) -> None:
    checks = audit(render(kind), num_cast=3)
    assert failed(checks) == set(), [c for c in checks.values() if c.verdict is Verdict.FAIL]
    applied = {n for n, c in checks.items() if c.verdict is not Verdict.NOT_APPLICABLE}
    assert applied & OTHERS == APPLIED[kind]
    assert "levels" in applied
    assert "design" not in checks


def falsify_grid(folder: Path) -> None:
    set_levels(folder, 3, {"azimuth": (read_level(folder, 3, "azimuth") + 1) % 3})


def falsify_shortcut(folder: Path) -> None:
    set_levels(folder, 3, {"backdrop_texture": 1 - read_level(folder, 3, "backdrop_texture")})


def falsify_holdout(folder: Path) -> None:
    set_levels(folder, 3, read_design(folder)["held_out"][0])


def falsify_causal(folder: Path) -> None:
    set_levels(folder, 3, {"backdrop_texture": 1 - read_level(folder, 3, "backdrop_texture")})


def falsify_do(folder: Path) -> None:
    set_levels(folder, 59, {"backdrop_texture": 0})


def falsify_blocks(folder: Path) -> None:
    def move(record: np.ndarray) -> None:
        record["location"][0, 0] += 1e-12

    edit_record(folder, 3, move)


@pytest.mark.parametrize(
    ("kind", "falsify", "name"),
    [
        ("grid", falsify_grid, "cells"),
        ("shortcut", falsify_shortcut, "shortcut"),
        ("holdout", falsify_holdout, "holdout"),
        ("causal", falsify_causal, "causal"),
        ("causal", falsify_do, "do"),
        ("twins", falsify_blocks, "twins"),
        ("sequence", falsify_blocks, "sequences"),
        ("one_at_a_time", falsify_blocks, "sweeps"),
    ],
)
def test_falsified_records_fail(kind, falsify, name, render, audit, tmp_path: Path) -> None:
    folder = shutil.copytree(render(kind), tmp_path / "copy")
    falsify(folder)
    checks = audit(folder, num_cast=1)
    # The rest of the record or of its block can give it away, too.
    assert name in failed(checks) <= {name, "levels", "class", "pose", "images"}, checks


@pytest.mark.parametrize("channel", ["IndexOB.X", "IndexMA.X", "Depth.Z"])
def test_a_label_that_changes_with_the_light_fails(channel, render, audit, tmp_path: Path) -> None:
    folder = shutil.copytree(render("one_at_a_time"), tmp_path / "copy")
    assert read_record(folder, 4)["varied"][0] == "light_angle"

    def nudge(pixels: np.ndarray) -> np.ndarray:
        return pixels + np.float32(1e-6 if channel == "Depth.Z" else 1)

    edit_pass(folder, 4, channel, nudge)
    checks = audit(folder, num_cast=1)
    assert checks["same labels"].verdict is Verdict.FAIL
    assert "3 and 4 (light_angle)" in checks["same labels"].culprits


def read_design(folder: Path) -> dict:
    return json.loads((folder / "dataset.json").read_text())["design"]


def read_level(folder: Path, idx: int, name: str) -> int:
    return int(read_record(folder, idx)["factor_levels"][0, COLUMNS.index(name)])


def set_levels(folder: Path, idx: int, levels: dict[str, int]) -> None:
    """Other levels with their values, as if the design had decided so."""
    factors = read_design(folder)["factors"]

    def edit(record: np.ndarray) -> None:
        for name, level in levels.items():
            column = COLUMNS.index(name)
            record["factor_levels"][:, column] = level
            record["factor_values"][:, column] = factors[name]["levels"][level]
            if name == "backdrop_texture":
                record[name] = factors[name]["names"][level]
            if name == "class":
                record[name] = factors[name]["levels"][level]

    edit_record(folder, idx, edit)
