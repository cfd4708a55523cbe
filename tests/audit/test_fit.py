"""The audit's tests of fit: true data passes, wrong data fails, little data is not judged."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from synrender.audit.check import Check, Verdict
from synrender.audit.designs.fit import MIN_VALUES, check_fit
from synrender.audit.designs.promises import Promise, gather_samples
from synrender.audit.rays.audited_dataset import Records
from synrender.dataset.design_info import DesignFactor, DesignInfo
from synrender.dataset.record import create_records
from synrender.sampling.camera import euler_to_rot_mat
from synrender.sampling.distributions import draw_values, draw_weighted_class, draw_weighted_order
from synrender.sampling.draws import REST_EULER
from synrender.sampling.quantiles import count_chances, find_value
from synrender.settings.checks import freeze
from synrender.settings.distributions import Distribution, parse_distribution
from synrender.settings.factor_table import find_columns, find_factor
from synrender.settings.path_forms import Path

PI = math.pi
NAMES = {"a.jpg": 6, "b.jpg": 3, "c.jpg": 1, "d.jpg": 0}
CLASSES = ("airplane,aeroplane,plane", "bench", "cabinet")
TRUE = {
    "uniform": ("azimuth", ("uniform", -1, 2)),
    "log_uniform": ("light_energy", ("log_uniform", 1, 100)),
    "normal": ("light_angle", ("normal", 0.3, 0.1)),
    "normal, cut": ("elevation", ("normal", 0.3, 0.1, 0.2, 0.35)),
    "vector": ("warp", ("uniform", (0.5, 0.5, 1), (1, 1.5, 1))),
    "whole": ("num_lights", ("uniform", 1, 4)),
    "weights": ("texture", ("weights", NAMES)),
    "backdrop": ("backdrop", ("weights", {"plane": 2, "none": 1})),
    "class": ("class", ("weights", {"bench": 1, "airplane": 3})),
    "class, all words": ("class", ("weights", {"bench": 1, CLASSES[0]: 3})),
    "environment": ("environment", ("weights", {"sky": 3, "studio": 1})),
    "choice": ("surface", ("choice", (0.2, 1), (0.9, 0), (0.9, 1))),
    "hue": ("light_color", ("hue", 0.6, 0.8)),
    "kelvin": ("light_color", ("kelvin", 2000, 9000)),
    "so3": ("viewpoint", "so3"),
    "sphere": ("camera_direction", "sphere"),
    "zone": ("light_direction", ("sphere", 0.2, 1.2)),
}
"""What a data set promises, by the kind of distribution."""

WRONG = {
    "uniform": [
        (("uniform", -1, 2.1), 250), (("uniform", -0.7, 2), 800), (("normal", 0.5, 0.8), 150),
    ],
    "log_uniform": [(("uniform", 1, 100), 100), (("log_uniform", 1, 60), 800)],
    "normal": [
        (("normal", 0.35, 0.1), 300), (("normal", 0.3, 0.15), 1000), (("uniform", 0.1, 0.5), 1000),
    ],
    "normal, cut": [(("normal", 0.3, 0.1, 0.2, 0.4), 100), (("uniform", 0.2, 0.35), 4000)],
    "vector": [(("uniform", (0.5, 0.5, 1), (1, 1.4, 1)), 800), (("uniform", 0.5, 1), 50)],
    "whole": [(("uniform", 1, 3), 100), (("weights", {"1": 3, "2": 2, "3": 2, "4": 2}), 1500)],
    "weights": [(("weights", {"a.jpg": 1, "b.jpg": 1}), 250), (("weights", {"d.jpg": 1}), 50)],
    "backdrop": [(("weights", {"plane": 1, "none": 1}), 400)],
    "class": [(("weights", {"bench": 1, "airplane": 1}), 250)],
    "environment": [(("weights", {"sky": 1, "studio": 1}), 250)],
    "choice": [
        (("choice", (0.2, 1), (0.9, 0)), 100), (("choice", (0.2, 1), (0.9, 0), (0.9, 0.9)), 50),
    ],
    "hue": [(("hue", 0.6, 0.7), 50), (("uniform", 0.32, 0.8), 50)],
    "kelvin": [(("kelvin", 3000, 9000), 400)],
    "sphere": [(("sphere", -0.8, 1.57), 600)],
    "zone": [(("sphere", 0, 1.2), 50)],
}  # fmt: skip
"""Other distributions, and the number of values with which each is found."""


def create_design(name: str, distribution: Distribution, **changes: object) -> DesignInfo:
    factor = find_factor(name)
    own = DesignFactor(
        factor.kind.value, factor.scope.value, factor.unit, factor.columns, (), (), distribution
    )
    plain = DesignInfo(("random",), {name: own}, (6, 0, 6), 1, 1, (), (), (), None, (), {}, None)
    return dataclasses.replace(plain, **changes)


def create_samples(name: str, given: object, num: int, seed: int = 0) -> np.ndarray:
    """Records (num,) with values that this program draws."""
    distribution = parse_distribution(name, freeze(given))
    records = create_records((num,))
    records["sample_idx"] = np.arange(num)
    if name in ("texture", "environment"):
        orders = [draw_weighted_order(seed, name, (i,), distribution, 1) for i in range(num)]
        records[name] = [order[0][0] for order in orders]
        return records
    if name == "class":
        weights = distribution.numbers
        places = [draw_weighted_class(seed, i, 1, weights)[0] for i in range(num)]
        set_classes(records, np.array(distribution.names)[places])
        return records
    drawn = [draw_values(name, distribution, (seed, i), 1)[0] for i in range(num)]
    records["factor_values"][:, list(find_columns(name))] = drawn
    if name == "viewpoint":
        set_rotations(records, np.array(drawn))
    return records


def set_classes(records: np.ndarray, names: np.ndarray) -> None:
    """Classes by a name of each; every object is a group."""
    ids = {name: c for c, words in enumerate(CLASSES) for name in (words, words.split(",")[0])}
    records["class"], records["group"] = [ids[name] for name in names], range(len(records))


def set_rotations(records: np.ndarray, offsets: np.ndarray) -> None:
    """Rotations of objects by azimuth, elevation and roll, (n, 3)."""
    turns = [euler_to_rot_mat(np.array(REST_EULER) + offset[::-1]) for offset in offsets]
    records["rot_mat"] = turns


def check(design: DesignInfo, records: np.ndarray, rejected: tuple[str, ...] = ()) -> Check:
    """The check, of data sets of 12 buckets of which six are for the test."""
    found = Records(records, records["sample_idx"], {})
    samples = gather_samples(found, design, 12, len(records), is_each_object=True)
    promise = Promise(design, 12, len(records), False, frozenset(rejected), CLASSES)
    return check_fit(promise, samples, found)


def check_kind(kind: str, records: np.ndarray) -> Check:
    name, given = TRUE[kind]
    return check(create_design(name, parse_distribution(name, freeze(given))), records)


@pytest.mark.parametrize("kind", TRUE)
def test_what_is_drawn_passes(kind: str) -> None:
    found = check_kind(kind, create_samples(*TRUE[kind], 1500))
    assert found.verdict is Verdict.PASS, found
    assert f"{TRUE[kind][0]} in 1500 values" in found.figures


@pytest.mark.parametrize(
    ("kind", "wrong", "num"), [(k, wrong, num) for k, v in WRONG.items() for wrong, num in v]
)
def test_another_distribution_fails_with_so_many_values(kind: str, wrong: object, num: int) -> None:
    """The table of `WRONG` is the power of the tests."""
    found = [check_kind(kind, create_samples(TRUE[kind][0], wrong, num, seed)) for seed in range(3)]
    assert [f.verdict for f in found] == [Verdict.FAIL] * 3


def test_uniform_angles_are_no_uniform_rotations() -> None:
    records = create_samples("viewpoint", "so3", 300)
    set_rotations(records, np.random.default_rng(0).uniform(-PI, PI, (300, 3)))
    assert check_kind("so3", records).verdict is Verdict.FAIL


def test_a_rotation_that_is_missing_one_turn_fails() -> None:
    records = create_samples("viewpoint", "so3", 300)
    offsets = records["factor_values"][:, list(find_columns("viewpoint"))]
    set_rotations(records, offsets * [1, 1, 0.8])
    assert check_kind("so3", records).verdict is Verdict.FAIL


@pytest.mark.parametrize("kind", TRUE)
def test_little_data_is_never_passed(kind: str) -> None:
    for num in (1, 12, MIN_VALUES - 1):
        found = check_kind(kind, create_samples(*TRUE[kind], num))
        assert found.verdict is Verdict.NOT_APPLICABLE
        assert f"{TRUE[kind][0]} has {num} values, not enough to judge" in found.figures


def test_rare_names_alone_are_not_judged() -> None:
    names = {f"{k}.jpg": 1 for k in range(100)}
    design = create_design("texture", parse_distribution("texture", freeze(("weights", names))))
    few = create_samples("texture", ("weights", names), 300)
    assert check(design, few).verdict is Verdict.NOT_APPLICABLE
    many = create_samples("texture", ("weights", names), 1000)
    assert check(design, many).verdict is Verdict.PASS


def test_one_value_out_of_bounds_fails() -> None:
    records = create_samples(*TRUE["uniform"], 100)
    records["factor_values"][7, find_columns("azimuth")[0]] = 2.001
    found = check_kind("uniform", records)
    assert found.verdict is Verdict.FAIL
    assert found.culprits == ("azimuth lies in -1 to 2",)


@pytest.mark.parametrize(("name", "rejected"), [("texture", ""), ("environment", "environment:")])
def test_a_rejected_file_is_not_missed(name: str, rejected: str) -> None:
    design = create_design(name, parse_distribution(name, freeze(("weights", NAMES))))
    records = create_samples(name, ("weights", {"b.jpg": 3, "c.jpg": 1}), 400)
    assert check(design, records).verdict is Verdict.FAIL
    assert check(design, records, (f"{rejected}a.jpg",)).verdict is Verdict.PASS


def test_values_are_judged_within_inner_ranges() -> None:
    """Training lies inside, the test beyond; another share on one side of the test fails."""
    distribution = Distribution("uniform", (-1.0, 1.0))
    ranges = {"azimuth": (-0.5, 0.2)}
    design = create_design("azimuth", distribution, inner_ranges=ranges)
    rng, records = np.random.default_rng(0), create_records((800,))
    records["sample_idx"] = np.arange(800)
    inside = rng.uniform(-0.5, 0.2, 400)
    for share, verdict in ((5 / 13, Verdict.PASS), (0.6, Verdict.FAIL)):
        is_below = rng.random(400) < share
        beyond = np.where(is_below, rng.uniform(-1, -0.5, 400), rng.uniform(0.2, 1, 400))
        records["factor_values"][:, find_columns("azimuth")[0]] = [*inside, *beyond]
        assert check(design, records).verdict is verdict


def test_only_the_first_of_a_block_counts() -> None:
    """The others follow from it: twins of one factor repeat all others."""
    records = create_samples(*TRUE["uniform"], 100)
    repeated = np.repeat(records, 2)
    repeated["sample_idx"] = np.arange(200)
    distribution = parse_distribution("azimuth", freeze(TRUE["uniform"][1]))
    design = create_design("azimuth", distribution, block_size=2)
    assert "azimuth in 100 values" in check(design, repeated).figures


@pytest.mark.parametrize(
    ("path", "is_judged"),
    [
        (Path("turn", (1.0,)), True),
        (Path("linear"), True),
        (Path("linear", (0.0, 1.0)), False),
        (Path("walk", (0.1,)), True),
    ],
)
def test_a_path_that_does_not_begin_where_it_is_drawn_is_not_judged(
    path: Path, is_judged: bool
) -> None:
    distribution = parse_distribution("azimuth", freeze(TRUE["uniform"][1]))
    design = create_design("azimuth", distribution, block_size=2, paths={"azimuth": path})
    found = check(design, create_samples(*TRUE["uniform"], 200))
    assert (found.verdict is Verdict.PASS) is is_judged


def simulate(kind: str, num: int, rng: np.random.Generator) -> np.ndarray:
    """True records, without the streams of the program, which take most of the time."""
    name, given = TRUE[kind]
    distribution = parse_distribution(name, freeze(given))
    records = create_records((num,))
    records["sample_idx"] = np.arange(num)
    if name in ("texture", "environment", "class"):
        weights = np.array(distribution.numbers)
        names = rng.choice(distribution.names, num, p=weights / weights.sum())
        if name == "class":
            set_classes(records, names)
        else:
            records[name] = names
        return records
    rows = rng.random((num, count_chances(distribution))).tolist()
    drawn = [find_value(name, distribution, row) for row in rows]
    records["factor_values"][:, list(find_columns(name))] = drawn
    if name == "viewpoint":
        set_rotations(records, np.array(drawn))
    return records


@pytest.mark.slow
@pytest.mark.parametrize("kind", TRUE)
@pytest.mark.parametrize("num", [MIN_VALUES, 300])
def test_true_data_passes_for_all_seeds(kind: str, num: int) -> None:
    """400 data sets: 0.04 of them may fail by chance, and two have a probability of 0.08 %."""
    rng = np.random.default_rng([num, list(TRUE).index(kind)])
    verdicts = [check_kind(kind, simulate(kind, num, rng)).verdict for _ in range(400)]
    assert verdicts.count(Verdict.FAIL) <= 1
    assert Verdict.NOT_APPLICABLE not in verdicts
