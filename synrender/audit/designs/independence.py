"""Whether factors that have no common cause are independent."""

from __future__ import annotations

import itertools

import numpy as np

from synrender.audit.check import MAX_FALSE_ALARMS, Check, Measure, decide, skip
from synrender.audit.designs.factor_arrays import TRAIN, Samples
from synrender.audit.designs.promises import find_held_out_factors
from synrender.audit.designs.statistics import Association, Variable, associate
from synrender.dataset.design_info import DesignInfo
from synrender.settings.factor_table import COLUMNS, FACTORS, Kind


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
    told = [association for association in found if association is not None]
    if not told:
        return skip("independent", f"{len(pairs)} pairs of factors, too few samples to tell")
    figures = f"{len(told)} pairs in {len(train.idxs)} samples"
    if len(told) < len(pairs):
        figures += f", {len(pairs) - len(told)} more have too few to tell"
    for measure in dict.fromkeys(association.measure for association in told):
        worst = max((a for a in told if a.measure == measure), key=lambda a: a.value / a.bound)
        figures += f"; {_describe(worst)}"
    related = sorted((a for a in told if a.value > a.bound), key=lambda a: a.bound - a.value)
    measures = [
        Measure(
            f"{a.measure} of {' and '.join(a.names)}",
            a.value,
            at_most=a.bound,
            num=len(train.idxs),
            of="samples",
        )
        for a in told
    ]
    return decide("independent", not related, figures, map(_describe, related), measures)


def find_causes(design: DesignInfo, has_class_colors: bool) -> dict[str, set[str]]:
    """For each factor: itself and all that it follows from; a hold-out counts as one cause."""
    parents: dict[str, set[str]] = {name: set() for name in (*FACTORS, "viewpoint")}
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
    """What varies: factors with levels, classes, and numbers that are drawn."""
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


def _describe(association: Association) -> str:
    return (
        f"{association.measure} of {' and '.join(association.names)} {association.value:.3f}, "
        f"chance gives up to {association.bound:.3f}"
    )
