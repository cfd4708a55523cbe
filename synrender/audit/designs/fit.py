"""Whether factors follow the distributions that a data set promises: tests of fit.

Values that are numbers are compared by Kolmogorov and Smirnov's test, names and counts by exact
binomial tests of each and by chi-square of all. Of rotations and directions, the rotation of each
object in space is tested, and not the angles that it was made from. All formulas are this module's
own; none is that of the code that draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from synrender.audit.check import Check, skip
from synrender.audit.designs.promises import TEST, Promise, Samples, count_p_values, decide_tests
from synrender.audit.rays.audited_dataset import Records
from synrender.dataset.design_info import DesignInfo
from synrender.settings.distributions import COUNTS, Distribution
from synrender.settings.factor_table import (
    BACKDROPS,
    COLUMNS,
    JOINT,
    Scope,
    find_columns,
    find_factor,
)

MIN_VALUES = 50
"""Values of a factor with fewer are not judged: only gross errors would show."""

MIN_EXPECTED = 5
"""Expected number of each name; rarer ones are counted together."""

MAX_ERROR = 1e-9
"""Largest error of a number that follows from others."""

IMPOSSIBLE = 0.0
"""P-value of what a distribution never gives."""

IMAGES = ("texture", "backdrop_texture", "environment")
"""Factors whose records name a file."""

START_KINDS = ("drawn", "linear", "turn", "walk")
"""Paths that begin where the factor is drawn, if they name no values."""


@dataclass(frozen=True)
class Drawn:
    """Rows of records that were drawn independently, for one distribution."""

    records: np.ndarray  # (n,) of RECORD_DTYPE
    are_test: np.ndarray  # (n,) bool

    def values(self, name: str) -> np.ndarray:
        """Numbers of a factor, (n, k) float64."""
        return self.records["factor_values"][:, list(find_columns(name))]


def check_fit(promise: Promise, samples: Samples, records: Records) -> Check:
    """Each factor with a distribution of its own follows it, by an entry for each object."""
    design = promise.design
    found = {n: f.distribution for n, f in design.factors.items() if f.distribution is not None}
    judged = {n: d for n, d in found.items() if _is_drawn(n, design)}
    if not judged:
        return skip("fit", "no factor has a distribution of its own")
    tests: dict[str, float] = {}
    parts, few = [], []
    for name, distribution in judged.items():
        drawn = _find_drawn(name, design, samples, records)
        if own := dict(_test(name, distribution, drawn, promise)):
            tests |= own
            parts.append(f"{name} in {len(drawn.records)} values")
        else:
            few.append(f"{name} has {len(drawn.records)} values, not enough to judge")
    if not tests:
        return skip("fit", "; ".join(few))
    return decide_tests("fit", "; ".join([*parts, *few]), tests)


def _is_drawn(name: str, design: DesignInfo) -> bool:
    """Whether the first sample of a block shows what was drawn: no level, and no path's value."""
    if design.factors[name].levels:
        return False
    related = {name, *JOINT.get(name, ()), *(j for j, parts in JOINT.items() if name in parts)}
    paths = [path for moved, path in design.paths.items() if moved in related]
    return all(p.kind in START_KINDS and (p.kind != "linear" or not p.numbers) for p in paths)


def _find_drawn(name: str, design: DesignInfo, samples: Samples, records: Records) -> Drawn:
    """Rows with a draw of their own: samples or objects, one sample of each block or group."""
    rows, idxs = records.rows, records.idxs
    if name == "class":  # drawn for each object of a group
        places = np.arange(len(idxs)) - np.searchsorted(idxs, idxs)
        keys = np.stack([rows["group"], places], axis=1)
        _, kept = np.unique(keys, axis=0, return_index=True)
    else:
        kept = np.flatnonzero(idxs % design.block_size == 0)
        if find_factor(name).scope is not Scope.OBJECT:
            kept = np.intersect1d(kept, np.unique(idxs, return_index=True)[1])
    return Drawn(rows[kept], samples.splits[kept] == TEST)


Tests = Iterator[tuple[str, float]]
"""P-values by what was tested."""


def _test(name: str, distribution: Distribution, drawn: Drawn, promise: Promise) -> Tests:
    """The tests of a factor; none if there are too few values."""
    if len(drawn.records) < MIN_VALUES:
        return
    if distribution.kind == "weights":
        yield from _test_names(name, distribution, drawn, promise)
    elif name in COUNTS:
        low, high = distribution.numbers
        names = tuple(str(n) for n in range(int(low), int(high) + 1))
        even = Distribution("weights", (1.0,) * len(names), names)
        yield from _test_names(name, even, drawn, promise)
    elif distribution.kind == "so3":
        yield from _test_rotations(name, drawn)
    elif distribution.kind == "sphere":
        yield from _test_directions(name, distribution, drawn.values(name))
    elif distribution.kind == "choice":
        yield from _test_choice(name, distribution, drawn.values(name))
    elif distribution.kind in ("hue", "kelvin"):
        yield from _test_colors(name, distribution, drawn.values(name))
    else:
        inner = promise.design.inner_ranges.get(name)
        yield from _test_numbers(name, distribution, drawn, inner)


# --- numbers --------------------------------------------------------------------------------------


def _test_numbers(
    name: str, distribution: Distribution, drawn: Drawn, inner: tuple[float, ...] | None
) -> Tests:
    values = drawn.values(name)
    num_columns = values.shape[1]
    numbers = np.reshape(distribution.numbers, (-1, num_columns))
    for k, column in enumerate(find_columns(name)):
        label, parameters = COLUMNS[column], numbers[:, k].tolist()
        low, high = parameters[-2:]
        if low == high:
            yield f"{label} is {low:g}", 1.0 if (values[:, k] == low).all() else IMPOSSIBLE
            continue
        are_outside = (values[:, k] < low) | (values[:, k] > high)
        yield f"{label} lies in {low:g} to {high:g}", IMPOSSIBLE if are_outside.any() else 1.0
        cdf = _find_cdf(distribution.kind, parameters)
        chances = cdf(values[:, k])
        if inner is not None:
            first, last = cdf(np.array(inner))
            chances = _cut(chances, drawn.are_test, float(first), float(last))
        yield f"{label}: fit", _test_uniform(chances)


def _find_cdf(kind: str, parameters: list[float]) -> Callable[[np.ndarray], np.ndarray]:
    """Cumulative distribution function of one number."""
    low, high = parameters[-2:]
    if kind == "uniform":
        return lambda x: (x - low) / (high - low)
    if kind == "log_uniform":
        return lambda x: np.log(x / low) / np.log(high / low)
    normal = stats.norm(parameters[0], parameters[1])
    first, last = normal.cdf([low, high])
    return lambda x: (normal.cdf(x) - first) / (last - first)


def _cut(chances: np.ndarray, are_test: np.ndarray, first: float, last: float) -> np.ndarray:
    """Chances given that a value lies in the inner range, or in the test beyond it."""
    inside = (chances - first) / (last - first)
    beyond = np.where(chances < first, chances, chances - (last - first)) / (1 - last + first)
    return np.where(are_test, beyond, inside)


def _test_uniform(chances: np.ndarray) -> float:
    """P-value of numbers that should be uniform from 0 to 1."""
    return float(stats.kstest(chances.clip(0, 1), stats.uniform.cdf).pvalue)


# --- names ----------------------------------------------------------------------------------------


def _test_names(name: str, distribution: Distribution, drawn: Drawn, promise: Promise) -> Tests:
    """Exact tests of each name, and chi-square of all."""
    shown = _find_shown(name, drawn, distribution.names, promise.classes)
    prefix = "environment:" if name == "environment" else ""
    are_rejected = [f"{prefix}{text}" in promise.rejected for text in distribution.names]
    weights = np.where(are_rejected, 0.0, distribution.numbers)
    if not weights.sum():  # all were rejected, so that none of them can be shown
        return
    names, shares = np.array(distribution.names), weights / weights.sum()
    counts = np.array([(shown == text).sum() for text in names])
    others = set(np.unique(shown).tolist()) - set(names.tolist())
    expected = shares * len(shown)
    are_frequent = expected >= MIN_EXPECTED
    num_cells = are_frequent.sum() + (expected[~are_frequent].sum() >= MIN_EXPECTED)
    if num_cells < 2 <= (shares > 0).sum():
        return
    yield f"{name} is one of those named", IMPOSSIBLE if others else 1.0
    p_values = count_p_values(counts, len(shown), shares)
    for text, count, share, p in zip(names, counts, shares, p_values, strict=True):
        yield f"{name} {text}: {count} of {len(shown)}, promised {share:.3g}", float(p)
    yield f"{name}: chi-square", _find_chi_square(counts, expected)


def _find_shown(
    name: str, drawn: Drawn, names: tuple[str, ...], classes: tuple[str, ...]
) -> np.ndarray:
    """Names that rows show, (n,) text; of a class its first word, or all words if named so."""
    records = drawn.records
    if name in IMAGES:
        return records[name]
    column = drawn.values(name)[:, 0]
    if name == "backdrop":
        return np.array(BACKDROPS)[column.astype(int)]
    if name == "class":
        told = [words if words in names else words.split(",")[0] for words in classes]
        return np.array(told)[records["class"]]
    return np.array([f"{value:.0f}" for value in column])


def _find_chi_square(counts: np.ndarray, expected: np.ndarray) -> float:
    """P-value of all counts together; rare names are one, and left out if even that is rare."""
    is_rare = expected < MIN_EXPECTED
    cells = [(counts[~is_rare], expected[~is_rare])]
    if expected[is_rare].sum() >= MIN_EXPECTED:
        cells.append((counts[is_rare].sum(keepdims=True), expected[is_rare].sum(keepdims=True)))
    observed, wanted = (np.concatenate(part) for part in zip(*cells, strict=True))
    if len(observed) < 2:
        return 1.0
    rest = counts.sum() - observed.sum(), expected.sum() - wanted.sum()
    if rest[1] > 0:  # what is left out belongs to the most frequent
        largest = int(wanted.argmax())
        observed[largest], wanted[largest] = observed[largest] + rest[0], wanted[largest] + rest[1]
    return float(stats.chi2.sf((((observed - wanted) ** 2) / wanted).sum(), len(wanted) - 1))


def _test_choice(name: str, distribution: Distribution, values: np.ndarray) -> Tests:
    """Of rows of numbers, (n, k): each is one that was named, and all are equally frequent."""
    named = np.reshape(distribution.numbers, (-1, values.shape[1]))
    is_it = (values[:, None] == named).all(axis=2)
    yield f"{name} is one of those named", 1.0 if is_it.any(axis=1).all() else IMPOSSIBLE
    p_values = count_p_values(is_it.sum(axis=0), len(values), np.full(len(named), 1 / len(named)))
    for value, p in zip(named.tolist(), p_values, strict=True):
        yield f"{name} {', '.join(f'{number:g}' for number in value)}", float(p)


# --- rotations, directions and colors -------------------------------------------------------------


def _test_rotations(name: str, drawn: Drawn) -> Tests:
    """Of the objects in space: their angle from other rotations, and where they take the axes.

    The angle between a uniform rotation and any other one has the distribution function
    (a - sin a) / pi (Miles, "On random rotations in R^3", Biometrika 52, 1965). Each axis is taken
    to a uniform direction, whose heights are uniform.
    """
    turns = drawn.records["rot_mat"]
    references = stats.special_ortho_group(3, seed=20).rvs(3)
    for k, reference in enumerate([np.eye(3), *references]):
        cosines = (np.einsum("nij,ij->n", turns, reference) - 1) / 2
        angles = np.arccos(cosines.clip(-1, 1))
        yield f"{name}: angle {k}", _test_uniform((angles - np.sin(angles)) / np.pi)
    for own, axis in enumerate("xyz"):
        for other, along in enumerate("xyz"):
            heights = turns[:, other, own]
            yield f"{name}: {axis} along {along}", _test_uniform((heights + 1) / 2)


def _test_directions(name: str, distribution: Distribution, angles: np.ndarray) -> Tests:
    """Of azimuth and elevation, (n, 2) rad: equal areas of the sphere are equally likely."""
    low, high = distribution.numbers
    heights, (bottom, top) = np.sin(angles[:, 1]), np.sin([low, high])
    outside = (angles[:, 1] < low - MAX_ERROR) | (angles[:, 1] > high + MAX_ERROR)
    yield f"{name}: elevation in {low:.3g} to {high:.3g}", IMPOSSIBLE if outside.any() else 1.0
    yield f"{name}: height", _test_uniform((heights - bottom) / (top - bottom))
    turns = angles[:, 0] / (2 * math.pi)
    yield f"{name}: azimuth", _test_uniform(turns - np.floor(turns))
    if top - bottom > 2 - MAX_ERROR:  # a whole sphere looks the same from all sides
        for axis, turn in (("x", 0.0), ("y", 0.5 * math.pi)):
            along = np.cos(angles[:, 1]) * np.cos(angles[:, 0] - turn)
            yield f"{name}: along {axis}", _test_uniform((along + 1) / 2)


def _test_colors(name: str, distribution: Distribution, rgb: np.ndarray) -> Tests:
    """Of colors, (n, 3): what varies is uniform, and the rest is as promised."""
    low, high = distribution.numbers
    if distribution.kind == "kelvin":
        kelvins = np.linspace(1667, 25000, 4001)
        known = _to_warmth(_find_black_bodies(kelvins))
        found = np.interp(_to_warmth(rgb), known, kelvins)
        yield f"{name}: temperature", _test_uniform((found - low) / (high - low))
        return
    saturation, value = low, high
    ends = rgb.max(axis=1), rgb.min(axis=1)
    wrong = np.abs(ends[0] - value) + np.abs(ends[1] - value * (1 - saturation))
    is_right = bool((wrong < MAX_ERROR).all())
    what = f"{name}: saturation {saturation:g}, value {value:g}"
    yield what, 1.0 if is_right else IMPOSSIBLE
    if is_right and saturation * value > 0:
        yield f"{name}: hue", _test_uniform(_find_hues(rgb))


def _find_hues(rgb: np.ndarray) -> np.ndarray:
    """Hues of colors that are not gray, 0 to 1: the angle in the hexagon of their two ends."""
    highest, spread = rgb.argmax(axis=1), np.ptp(rgb, axis=1)
    rows = np.arange(len(rgb))
    after, before = rgb[rows, (highest + 1) % 3], rgb[rows, (highest + 2) % 3]
    return ((2 * highest + (after - before) / spread) / 6) % 1


def _to_warmth(rgb: np.ndarray) -> np.ndarray:
    """A number that grows with a black body's temperature."""
    return (rgb[:, 2] - rgb[:, 0]) / rgb.sum(axis=1)


def _find_black_bodies(kelvins: np.ndarray) -> np.ndarray:
    """Scene-linear RGB, (n, 3), the largest 1; Kang et al. 2002, and IEC 61966-2-1."""
    inverse = 1e3 / kelvins
    x = np.where(
        kelvins <= 4000,
        np.polyval([-0.2661239, -0.2343589, 0.8776956, 0.179910], inverse),
        np.polyval([-3.0258469, 2.1070379, 0.2226347, 0.240390], inverse),
    )
    y = np.select(
        [kelvins <= 2222, kelvins <= 4000],
        [
            np.polyval([-1.1063814, -1.34811020, 2.18555832, -0.20219683], x),
            np.polyval([-0.9549476, -1.37418593, 2.09137015, -0.16748867], x),
        ],
        np.polyval([3.0817580, -5.87338670, 3.75112997, -0.37001483], x),
    )
    xyz = np.stack([x / y, np.ones_like(x), (1 - x - y) / y])
    matrix = [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
    rgb = (np.array(matrix) @ xyz).T.clip(min=0)
    return rgb / rgb.max(axis=1, keepdims=True)
