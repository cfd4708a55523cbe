"""Whether factors that have no common cause are independent: associations, with their bounds."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy import stats

from synrender.audit.check import MAX_FALSE_ALARMS, Check, at_most, decide, skip
from synrender.audit.designs.promises import TRAIN, Samples, find_held_out_factors
from synrender.dataset.design_info import DesignInfo
from synrender.settings.factor_table import COLUMNS, FACTORS, JOINT, Kind


def check_independent(design: DesignInfo, samples: Samples, has_class_colors: bool) -> Check:
    """Factors without a common cause are not associated in training, beyond chance."""
    train = samples.choose(samples.splits == TRAIN)
    causes = find_causes(design, has_class_colors)
    pairs = [
        (a, b)
        for a, b in itertools.combinations(_find_variables(design, train), 2)
        if not causes[_factor_of(design, a.name)] & causes[_factor_of(design, b.name)]
    ]
    alpha = MAX_FALSE_ALARMS / max(1, len(pairs))
    found = [associate(a, b, alpha) for a, b in pairs]
    judged = [association for association in found if association is not None]
    if not judged:
        return skip("independent", f"{len(pairs)} pairs of factors, too few samples to judge")
    figures = f"{len(judged)} pairs in {len(train.idxs)} samples"
    if len(judged) < len(pairs):
        figures += f", {len(pairs) - len(judged)} more have too few samples"
    for measure in dict.fromkeys(association.measure for association in judged):
        worst = max((a for a in judged if a.measure == measure), key=lambda a: a.value / a.bound)
        figures += f"; {_describe(worst)}"
    related = sorted((a for a in judged if a.value > a.bound), key=lambda a: a.bound - a.value)
    measures = [at_most(a.title, a.value, a.bound, len(train.idxs), "samples") for a in judged]
    return decide("independent", figures, map(_describe, related), measures)


def find_causes(design: DesignInfo, has_class_colors: bool) -> dict[str, set[str]]:
    """For each factor: itself and all that it follows from; a hold-out counts as one cause."""
    parents: dict[str, set[str]] = {name: set() for name in (*FACTORS, *JOINT)}
    parents["model"].add("class")  # its place among the class's models
    parents["backdrop_texture"].add("texture")  # no texture twice in a sample
    parents["layout"].add("num_objs")
    if has_class_colors:
        parents["color"].add("class")
    for child, of in (design.causal.parents if design.causal else {}).items():
        parents[child] |= set(of)
    if design.shortcut:
        parents[design.shortcut.cue].add(design.shortcut.target)
    for name in find_held_out_factors(design):
        parents[name].add("held out")
    causes = {name: {name} for name in parents}
    for _ in parents:  # a chain of causes is no longer than that
        for name, of in parents.items():
            causes[name] |= set().union(*(causes.get(p, {p}) for p in of))
    return causes


def _find_variables(design: DesignInfo, samples: Samples) -> list[Variable]:
    """Everything that varies: factors with levels, classes, and numbers that are drawn."""
    with_levels = {name: factor for name, factor in design.factors.items() if factor.levels}
    variables = [Variable(n, samples.level(f), True) for n, f in with_levels.items()]
    covered = {column for factor in with_levels.values() for column in factor.columns}
    for factor in FACTORS.values():
        for column in factor.columns:
            if column in covered or (factor.kind is Kind.CATEGORICAL and column != "class"):
                continue
            values = samples.values[:, COLUMNS.index(column)]
            if np.isfinite(values).all():
                variables.append(Variable(column, values, column == "class"))
    return [variable for variable in variables if variable.varies]


def _factor_of(design: DesignInfo, name: str) -> str:
    """Factor of a variable: its own name, or that of a column."""
    if name in design.factors or name in FACTORS:
        return name
    return next(n for n, factor in FACTORS.items() if name in factor.columns)


def _describe(found: Association) -> str:
    return f"{found.title} {found.value:.3f}, chance gives up to {found.bound:.3f}"


# --- associations ---------------------------------------------------------------------------------


MIN_EXPECTED = 5
"""Expected samples in each cell of a table; with fewer, the bounds do not hold."""


@dataclass(frozen=True)
class Variable:
    """One column of a data set."""

    name: str
    values: np.ndarray  # (n,)
    is_category: bool

    @property
    def varies(self) -> bool:
        """Whether there are two values at all."""
        return len(np.unique(self.values)) > 1


@dataclass(frozen=True)
class Association:
    """Of two variables; 0: none, 1: one follows from the other."""

    names: tuple[str, str]
    measure: str
    value: float
    bound: float  # what chance exceeds with probability ``alpha``

    @property
    def title(self) -> str:
        """The measure, and what of."""
        return f"{self.measure} of {' and '.join(self.names)}"


def associate(a: Variable, b: Variable, alpha: float) -> Association | None:
    """Association of two variables of n samples; None: too few samples to judge."""
    if a.is_category and b.is_category:
        found = _cramers_v(a.values, b.values, alpha)
    elif a.is_category or b.is_category:
        group, value = (a, b) if a.is_category else (b, a)
        found = _correlation_ratio(group.values, value.values, alpha)
    else:
        found = _rank_correlation(a.values, b.values, alpha)
    return Association((a.name, b.name), *found) if found else None


Judged = tuple[str, float, float] | None
"""A measure, its value, and its bound; None: too few samples."""


def _rank_correlation(a: np.ndarray, b: np.ndarray, alpha: float) -> Judged:
    """Spearman's; its bound by Student's t."""
    n = len(a)
    if n < 2 * MIN_EXPECTED:
        return None
    value = abs(np.corrcoef(stats.rankdata(a), stats.rankdata(b))[0, 1])
    t = stats.t.isf(alpha / 2, n - 2)
    return "rank correlation", float(value), float(t / np.sqrt(n - 2 + t * t))


def _correlation_ratio(groups: np.ndarray, values: np.ndarray, alpha: float) -> Judged:
    """Of ranks: root of the share of their variance between groups; its bound by Fisher's F."""
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    n, k = len(values), len(sizes)
    if sizes.min() < MIN_EXPECTED:
        return None
    ranks = stats.rankdata(values)
    means = np.bincount(group, ranks) / sizes
    share = (sizes * (means - ranks.mean()) ** 2).sum() / ((ranks - ranks.mean()) ** 2).sum()
    f = (k - 1) * stats.f.isf(alpha, k - 1, n - k)
    return "correlation ratio", float(np.sqrt(share)), float(np.sqrt(f / (f + n - k)))


def _cramers_v(a: np.ndarray, b: np.ndarray, alpha: float) -> Judged:
    """Corrected for its bias (Bergsma 2013); its bound by chi-square."""
    table = stats.contingency.crosstab(a, b).count
    if stats.contingency.expected_freq(table).min() < MIN_EXPECTED:
        return None
    n, (r, k) = len(a), table.shape
    dof = (r - 1) * (k - 1)

    def chi_square_to_v(chi_square: float) -> float:
        phi_square = max(0.0, chi_square / n - dof / (n - 1))
        sides = min(r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)) - 1
        return float(np.sqrt(phi_square / sides))

    chi_square = stats.chi2_contingency(table, correction=False).statistic
    return "Cramer's V", chi_square_to_v(chi_square), chi_square_to_v(stats.chi2.isf(alpha, dof))
