"""The audit of sequences: what the program makes passes, and each falsification fails."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest

from synrender.audit.check import Check, Verdict
from synrender.audit.designs.sequences import check_sequences
from synrender.audit.rays.audited_dataset import Records
from synrender.dataset.design_info import DesignFactor, DesignInfo
from synrender.dataset.record import create_records
from synrender.settings.factor_table import COLUMNS, find_columns, find_factor
from synrender.settings.path_forms import Path

LENGTH, NUM = 8, 24
PATHS = {
    "azimuth": Path("turn", (1.0,)),
    "light_angle": Path("linear", (-1.0, 0.5)),
    "scale": Path("linear"),
    "layout": Path("drift", (0.05,)),
    "roughness": Path("walk", (0.1,)),
    "camera_direction": Path("sphere", (-0.2, 1.0)),
    "camera_lens": Path("drawn"),
}


def create_design(paths: dict[str, Path]) -> DesignInfo:
    factors = {}
    for name in paths:
        row = find_factor(name)
        columns = tuple(COLUMNS[c] for c in find_columns(name))
        factors[name] = DesignFactor(row.kind.value, row.scope.value, row.unit, columns, (), ())
    plain = DesignInfo(
        ("sequence",), factors, (10, 1, 1), 1, LENGTH, (), (), (), None, (), {}, None
    )
    return dataclasses.replace(plain, paths=paths)


def mirror_bits(step: int) -> float:
    return int(f"{step:03b}"[::-1], 2) / LENGTH


def create_sequences() -> np.ndarray:
    """Records (NUM, 2 objects) of which every factor of PATHS moves, by this test's own code."""
    rng = np.random.default_rng(0)
    records = create_records((NUM, 2))
    records["factor_values"] = 0.5
    records["rot_mat"] = np.eye(3)
    step, number = np.arange(NUM) % LENGTH, np.arange(NUM) // LENGTH
    records["sample_idx"], records["base"] = np.arange(NUM)[:, None], number[:, None]

    def put(name: str, values: np.ndarray) -> None:
        records["factor_values"][..., list(find_columns(name))] = values[..., None]

    angle = 2 * math.pi * step / LENGTH
    put("azimuth", (angle + number)[:, None])
    cos, sin = np.cos(angle + number), np.sin(angle + number)
    records["rot_mat"][:, :, 0, 0] = records["rot_mat"][:, :, 1, 1] = cos[:, None]
    records["rot_mat"][:, :, 1, 0], records["rot_mat"][:, :, 0, 1] = sin[:, None], -sin[:, None]
    put("light_angle", (-1 + 1.5 * step / (LENGTH - 1))[:, None])
    ends = rng.random((2, 3, 2))[:, number]
    share = (step / (LENGTH - 1))[:, None]
    put("scale", ends[0] * (1 - share) + ends[1] * share)
    angles = rng.random((3, 2))[number] * 6
    places = 0.05 * step[:, None, None] * np.stack(
        [np.cos(angles), np.sin(angles), np.zeros_like(angles)], axis=-1
    )  # fmt: skip
    records["factor_values"][..., list(find_columns("layout"))] = places
    records["location"] = places
    put("roughness", np.cumsum(rng.uniform(-0.1, 0.1, (NUM, 1)), axis=0))
    heights = np.sin(-0.2) + (np.sin(1.0) - np.sin(-0.2)) * np.array([mirror_bits(k) for k in step])
    put("camera_elevation", np.arcsin(heights)[:, None])
    put("camera_azimuth", (angle - number)[:, None])
    put("camera_lens", rng.random((NUM, 1)) + 40)
    return records


def check(records: np.ndarray, paths: dict[str, Path] = PATHS) -> Check:
    idxs = np.repeat(records["sample_idx"][:, 0], records.shape[1])
    return check_sequences(create_design(paths), Records(records.ravel(), idxs, {}))


def test_right_sequences_pass() -> None:
    found = check(create_sequences())
    assert found.verdict is Verdict.PASS, found
    assert "3 of 8 samples, 21 pairs equal to the bit" in found.figures
    assert "0 faults, 0 samples missing" in found.figures


def test_missing_samples_are_counted_and_the_others_are_judged() -> None:
    records = np.delete(create_sequences(), [0, 3, 12], axis=0)
    found = check(records)
    assert found.verdict is Verdict.PASS
    assert "3 samples missing" in found.figures
    records["factor_values"][2, :, COLUMNS.index("light_angle")] += 0.01
    assert check(records).verdict is Verdict.FAIL


def test_single_samples_are_not_judged() -> None:
    assert check(create_sequences()[::LENGTH]).verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize("body", ["camera", "light"])
def test_a_turn_along_the_ground_is_judged_whatever_else_moves(body: str) -> None:
    """Camera and light may rise at the same time; one that lags behind fails."""
    records = create_records((NUM, 1))
    step = np.arange(NUM) % LENGTH
    records["sample_idx"] = np.arange(NUM)[:, None]
    records["base"] = np.arange(NUM)[:, None] // LENGTH
    angle, rise = 2 * math.pi * step / LENGTH, 0.1 * step
    places = np.stack([np.cos(angle) * np.cos(rise), np.sin(angle) * np.cos(rise), np.sin(rise)], 1)
    records["factor_values"][..., COLUMNS.index(f"{body}_azimuth")] = angle[:, None]
    records["factor_values"][..., COLUMNS.index(f"{body}_elevation")] = rise[:, None]
    paths = {f"{body}_azimuth": Path("turn", (1.0,)), f"{body}_elevation": Path("walk", (0.2,))}

    def place() -> Check:
        records["light"], records["world_to_camera"] = 0.5, np.eye(4)
        if body == "light":
            records["light"] = places[:, None]
        else:
            records["world_to_camera"][..., :3, 3] = -places[:, None]
        return check(records, paths)

    assert place().verdict is Verdict.PASS
    places[11] = places[10]
    assert "off its turn in space" in " ".join(place().culprits)


def test_no_sequences_do_not_apply() -> None:
    assert check(create_sequences(), {}).verdict is Verdict.NOT_APPLICABLE


def add(name: str, amount: float, rows: object = np.s_[11]) -> Callable[[np.ndarray], None]:
    def falsify(records: np.ndarray) -> None:
        records["factor_values"][rows, :, COLUMNS.index(name)] += amount

    return falsify


def turn_object(records: np.ndarray) -> None:
    records["rot_mat"][11, 0] = np.eye(3)


def move_object(records: np.ndarray) -> None:
    records["location"][11, 1, 0] += 0.001


def change_texture(records: np.ndarray) -> None:
    records["texture"][11, 0] = "other.jpg"


def change_base(records: np.ndarray) -> None:
    records["base"][11] = 7


def stop_moving(records: np.ndarray) -> None:
    records["factor_values"][8:16, :, COLUMNS.index("scale")] = 0.5


def draw_twice(records: np.ndarray) -> None:
    column = COLUMNS.index("camera_lens")
    records["factor_values"][11, :, column] = records["factor_values"][10, :, column]


def lengthen_drift(records: np.ndarray) -> None:
    columns = list(find_columns("layout"))
    records["factor_values"][8:16, :, columns] *= 1.01
    records["location"][8:16] *= 1.01


@pytest.mark.parametrize(
    ("falsify", "culprit"),
    [
        (add("azimuth", 1e-6), "(azimuth): its steps are not 0.785398 rad, so that the turn"),
        (turn_object, "(azimuth): it is off its turn in space by"),
        (add("light_angle", 1e-6), "(light_angle): leaves its line between the promised values"),
        (add("scale", 1e-6), "(scale): its steps are not equal"),
        (stop_moving, "(scale): does not move"),
        (add("layout_x", 1e-6), "(layout): an object leaves its line"),
        (add("layout_z", 0.1, np.s_[15]), "(layout): an object rises or sinks"),
        (move_object, "(layout): objects leave their lines by"),
        (lengthen_drift, "(layout): steps of 0.0505 m, promised 0.05"),
        (add("roughness", 0.3), "(roughness): a step of"),
        (add("camera_elevation", 1e-6), "its heights are not those of a Hammersley set"),
        (add("camera_azimuth", 1e-6), "its azimuths do not take equal steps"),
        (draw_twice, "(camera_lens): two samples have one value"),
        (change_texture, "8 and 11: texture"),
        (change_base, "11: base is 7, not 1"),
        (add("exposure", 0.1), "8 and 11: factor_values of exposure"),
    ],
)
def test_what_is_not_as_promised_fails(falsify: Callable[[np.ndarray], None], culprit: str) -> None:
    records = create_sequences()
    falsify(records)
    found = check(records)
    assert found.verdict is Verdict.FAIL
    assert any(culprit in line for line in found.culprits), found.culprits
