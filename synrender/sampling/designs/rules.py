"""A design that was checked, with all that is drawn for it once: partners, tables, hold-outs."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

from synrender.errors import UserError, nearest_name
from synrender.sampling.designs.causal import EVEN_LEVEL, Tables, count_rows, draw_table, sort_graph
from synrender.sampling.designs.cell import TEST
from synrender.sampling.designs.grid import code_to_levels, levels_to_code
from synrender.sampling.designs.holdout import draw_held_out
from synrender.sampling.designs.shortcut import find_partners
from synrender.settings.factor_table import FACTORS, VIEWPOINT
from synrender.settings.frozen import FrozenDict
from synrender.settings.groups import Design, Object

EMPTY = FrozenDict()
STRUCTURES = ("grid", "one_at_a_time", "twins")
MAX_HELD_OUT = 100_000
ALWAYS_FIXED = ("light_energy", "num_objs", "camera_distance", "camera_lens")
"""Factors whose own distribution is one value."""


@dataclass(frozen=True)
class Rules:
    """All that `assign` needs; a factor's levels are numbered from 0."""

    seed: int
    num_levels: dict[str, int]  # of each factor that has levels
    split_buckets: tuple[int, ...]  # of training, validation and test
    block_size: int = 1  # consecutive samples with one base
    repeats: int = 1
    grid: FrozenDict = EMPTY  # factors of the grid: their numbers of levels
    sweeps: FrozenDict = EMPTY  # likewise
    twins: tuple[str, ...] = ()
    cue: str = ""
    target: str = ""
    partners: tuple[int, ...] = ()  # cue level of each target level
    rho: tuple[float, ...] = ()
    held_out_factors: FrozenDict = EMPTY  # their numbers of levels
    held_out: tuple[int, ...] = ()  # numbers of combinations of these, ascending
    inner_ranges: FrozenDict = EMPTY
    parents: FrozenDict = EMPTY
    tables: FrozenDict = EMPTY
    do: FrozenDict = EMPTY  # by split, by factor: level, or `EVEN_LEVEL`

    def find_split(self, bucket: int) -> int:
        """0, 1 or 2 for a bucket of training, validation or test."""
        train, validation, _ = self.split_buckets
        return 0 if bucket < train else 1 if bucket < train + validation else TEST


def find_split_buckets(design: Design, n_buckets: int) -> tuple[int, ...]:
    """Numbers of buckets of training, validation and test.

    Raises:
        UserError: ``design.split`` does not add up.
    """
    if not design.split:
        return (n_buckets - 2, 1, 1) if n_buckets > 2 else (n_buckets, 0, 0)
    if sum(design.split) != n_buckets:
        raise UserError(
            f"design.split = {design.split}: must add up to object.n_buckets = {n_buckets}"
        )
    return design.split


@functools.lru_cache(maxsize=16)
def create_rules(design: Design, num_levels: FrozenDict, seed: int, objects: Object) -> Rules:
    """Checks a design and prepares it.

    Args:
        design: the settings.
        num_levels: of each factor in ``design.levels``.
        seed: of all that is drawn.
        objects: how many samples and buckets there are.

    Raises:
        UserError: the design cannot be; one line says why, with the numbers.
    """
    _check_names(design, num_levels)
    kinds = set(design.kind)
    values: dict[str, object] = {
        "seed": seed,
        "num_levels": num_levels,
        "split_buckets": find_split_buckets(design, objects.n_buckets),
    }
    if "grid" in kinds:
        values |= _create_grid(design, num_levels, objects)
    if "one_at_a_time" in kinds:
        values |= _create_sweeps(design, num_levels, objects)
    if "twins" in kinds:
        values |= _create_twins(design, num_levels, objects)
    if "shortcut" in kinds:
        values |= _create_shortcut(design, num_levels, seed)
    if "holdout" in kinds:
        values |= _create_holdout(design, num_levels, seed)
    if "causal" in kinds:
        values |= _create_causal(design, num_levels, seed)
    rules = Rules(**values)  # ty: ignore[invalid-argument-type]
    _check_combination(design, rules)
    return rules


# --- checks ---------------------------------------------------------------------------------------


def _check_names(design: Design, num_levels: FrozenDict) -> None:
    if "random" in design.kind and len(design.kind) > 1:
        raise UserError(f"design.kind = {list(design.kind)}: 'random' goes alone")
    structures = [kind for kind in design.kind if kind in STRUCTURES]
    if len(structures) > 1:
        raise UserError(
            f"design.kind = {list(design.kind)}: {' and '.join(structures)} both say which samples "
            "belong together; choose one of them"
        )
    if both := sorted(set(design.levels) & set(design.fixed)):
        raise UserError(f"design.fixed names {both[0]!r}, which design.levels names too")
    named = {*design.levels, *design.fixed}
    if "viewpoint" in named and (angles := sorted(named & set(VIEWPOINT))):
        raise UserError(f"design.levels: 'viewpoint' and {angles[0]!r}, which is a part of it")
    for setting, kind in (
        ("grid", "grid"), ("sweeps", "one_at_a_time"), ("held_out_factors", "holdout"),
        ("shortcut", "shortcut"),
    ):  # fmt: skip
        for name in getattr(design, setting) if kind in design.kind else ():
            _require_levels(f"design.{setting}", name, num_levels)


def _require_levels(setting: str, name: str, num_levels: FrozenDict) -> None:
    if name not in num_levels:
        raise UserError(
            f"{setting}: {name!r} has no levels{nearest_name(name, num_levels)}; give it some in "
            "design.levels"
        )


def _check_blocks(what: str, size: int, objects: Object) -> None:
    """Refuses blocks that would lie in two buckets, and so show models of both."""
    step = objects.n_buckets * size
    total = objects.total_num_samples
    if total % step:
        below, above = total // step * step, (total // step + 1) * step
        raise UserError(
            f"object.total_num_samples = {total}: {what} has {size} samples and lies in one of the "
            f"{objects.n_buckets} buckets, so it must be a multiple of {step}, such as "
            + " or ".join(str(n) for n in (below, above) if n)
        )


def _check_combination(design: Design, rules: Rules) -> None:
    """Refuses a factor that two designs decide."""
    decided = {
        "grid": set(rules.grid),
        "one_at_a_time": set(rules.sweeps),
        "twins": set(rules.twins),
        "shortcut": {rules.cue} - {""},
        "holdout": set(rules.held_out_factors),
        "causal": set(sort_graph(rules.parents)),
    }
    seen: dict[str, str] = {}
    for kind, names in decided.items():
        for name in sorted(names):
            if name in seen:
                raise UserError(
                    f"design.kind = {list(design.kind)}: {seen[name]!r} and {kind!r} both decide "
                    f"{name!r}; leave it out of one of them"
                )
            seen[name] = kind
    if rules.target and rules.target in (*rules.sweeps, *rules.twins):
        raise UserError(
            f"design.shortcut: its target {rules.target!r} is varied within a block, and its cue "
            "is not; choose other factors"
        )


# --- one function for each kind -------------------------------------------------------------------


def _choose(names: tuple[str, ...], num_levels: FrozenDict) -> FrozenDict:
    return FrozenDict({name: num_levels[name] for name in names or num_levels})


def _create_grid(design: Design, num_levels: FrozenDict, objects: Object) -> dict[str, object]:
    others = {*design.shortcut[:1], *design.held_out_factors, *design.parents}
    names = design.grid or tuple(name for name in num_levels if name not in others)
    grid = _choose(names, num_levels) if names else FrozenDict()
    if not grid:
        raise UserError("design.kind = 'grid': no factor has levels; name some in design.levels")
    num_cells = math.prod(grid.values())
    if num_cells * design.repeats != objects.total_num_samples:
        product = " x ".join(f"{n} of {name}" for name, n in grid.items())
        raise UserError(
            f"object.total_num_samples = {objects.total_num_samples}: a complete grid of {product} "
            f"has {num_cells} combinations, {design.repeats} times each: set it to "
            f"{num_cells * design.repeats}, or change design.levels or design.repeats"
        )
    return {"grid": grid, "repeats": design.repeats}


def _create_sweeps(design: Design, num_levels: FrozenDict, objects: Object) -> dict[str, object]:
    sweeps = _choose(design.sweeps, num_levels)
    if not sweeps:
        raise UserError("design.kind = 'one_at_a_time': no factor has levels; name some")
    size = sum(sweeps.values())
    _check_blocks("a set of sweeps", size, objects)
    return {"sweeps": sweeps, "block_size": size}


def _create_twins(design: Design, num_levels: FrozenDict, objects: Object) -> dict[str, object]:
    names, size = design.twins or tuple(num_levels), design.twin_size
    if not names:
        raise UserError("design.kind = 'twins': name factors in design.twins or design.levels")
    for name in names:
        if name not in (*FACTORS, "viewpoint"):
            raise UserError(f"design.twins: {name!r} is no factor{nearest_name(name, FACTORS)}")
        if name in num_levels and num_levels[name] < size:
            raise UserError(
                f"design.twin_size = {size}: {name!r} has {num_levels[name]} levels, and twins "
                "differ in all of theirs; give it more"
            )
        if name not in num_levels and name in ALWAYS_FIXED:
            raise UserError(
                f"design.twins: {name!r} is not drawn, so that twins would be equal; give it "
                "values in design.levels"
            )
        if name in design.fixed:
            raise UserError(f"design.twins: {name!r} is in design.fixed, so twins would be equal")
    _check_blocks("a tuple of twins", size, objects)
    return {"twins": names, "block_size": size}


def _create_shortcut(design: Design, num_levels: FrozenDict, seed: int) -> dict[str, object]:
    if len(design.shortcut) != 2 or design.shortcut[0] == design.shortcut[1]:
        raise UserError(
            f"design.shortcut = {design.shortcut}: must be two factors, such as "
            "('backdrop_texture', 'class'): the first one predicts the second"
        )
    cue, target = design.shortcut
    if num_levels[cue] < num_levels[target]:
        raise UserError(
            f"design.shortcut: {cue!r} has {num_levels[cue]} levels and {target!r} "
            f"{num_levels[target]}: each level of the second needs a partner of its own"
        )
    partners = find_partners(cue, num_levels[cue], num_levels[target], seed)
    return {"cue": cue, "target": target, "partners": partners, "rho": design.rho}


def _create_holdout(design: Design, num_levels: FrozenDict, seed: int) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, bounds in design.inner_ranges.items():
        _check_range(name, bounds, num_levels, design)
        values["inner_ranges"] = design.inner_ranges
    if not design.held_out:
        if not design.inner_ranges:
            raise UserError("design.kind = 'holdout': set design.held_out or design.inner_ranges")
        return values
    names = design.held_out_factors
    if isinstance(design.held_out, tuple):
        names = tuple(design.held_out[0])
    factors = FrozenDict({name: num_levels[name] for name in names if name in num_levels})
    for name in names:
        _require_levels("design.held_out", name, num_levels)
    if len(factors) < 2:
        raise UserError(
            f"design.held_out: names {list(factors)}, a combination needs two factors or more; a "
            "number of combinations needs design.held_out_factors"
        )
    num_cells = math.prod(factors.values())
    codes = _find_held_out(design, factors, num_cells, seed)
    if not 0 < len(codes) < num_cells:
        raise UserError(
            f"design.held_out: {len(codes)} of {num_cells} combinations; training needs one or more"
        )
    if "class" in factors:
        num_left = dict.fromkeys(range(factors["class"]), num_cells // factors["class"])
        for code in codes:
            num_left[code_to_levels(code, factors)["class"]] -= 1
        if empty := [c for c, n in num_left.items() if n == 0]:
            raise UserError(
                f"design.held_out: leaves level {empty[0]} of 'class' without training samples"
            )
    return {**values, "held_out_factors": factors, "held_out": codes}


def _find_held_out(
    design: Design, factors: FrozenDict, num_cells: int, seed: int
) -> tuple[int, ...]:
    if isinstance(design.held_out, int):
        if design.held_out > min(MAX_HELD_OUT, num_cells):
            raise UserError(
                f"design.held_out = {design.held_out}: there are {num_cells} combinations, and at "
                f"most {MAX_HELD_OUT} can be held out"
            )
        return draw_held_out(design.held_out, factors, seed)
    codes = set()
    for combination in design.held_out:
        if set(combination) != set(factors):
            raise UserError(
                f"design.held_out: {dict(combination)} must name the same factors as the first "
                f"combination, {list(factors)}"
            )
        for name, level in combination.items():
            _check_level("design.held_out", name, level, factors)
        codes.add(levels_to_code(dict(combination), factors))
    return tuple(sorted(codes))


def _check_level(setting: str, name: str, level: object, num_levels: FrozenDict) -> None:
    if isinstance(level, bool) or not isinstance(level, int) or not 0 <= level < num_levels[name]:
        raise UserError(
            f"{setting}: {name!r}: level {level!r} must be a whole number from 0 to "
            f"{num_levels[name] - 1}"
        )


RANGED = ("azimuth", "elevation", "roll", "light_angle", "scale")
"""Factors that are drawn as one number, so that a range of them can be held out."""


def _check_range(name: str, bounds: object, num_levels: FrozenDict, design: Design) -> None:
    if name not in RANGED or name in num_levels or name in design.fixed:
        raise UserError(
            f"design.inner_ranges: {name!r} must be a factor that is drawn as one number "
            f"({', '.join(RANGED)}), without levels"
        )
    is_pair = isinstance(bounds, tuple) and len(bounds) == 2
    if (
        not is_pair
        or not all(isinstance(b, (int, float)) for b in bounds)
        or bounds[0] >= bounds[1]
    ):
        raise UserError(f"design.inner_ranges: {name!r}: must be (low, high), is {bounds!r}")


def _create_causal(design: Design, num_levels: FrozenDict, seed: int) -> dict[str, object]:
    parents = design.parents
    if not parents:
        raise UserError("design.kind = 'causal': set design.parents")
    try:
        names = sort_graph(parents)
    except ValueError as cycle:
        raise UserError(f"design.parents: a cycle, {cycle}; a graph of causes has none") from None
    for name in names:
        _require_levels("design.parents", name, num_levels)
    for name in design.tables:
        if name not in parents:
            raise UserError(f"design.tables: {name!r} has no parents in design.parents")
    tables: Tables = {}
    for name, of in parents.items():
        num_rows, n = count_rows(of, num_levels), num_levels[name]
        if name in design.tables:
            tables[name] = _check_table(name, design.tables[name], num_rows, n)
        else:
            tables[name] = draw_table(name, num_rows, n, design.strength, seed)
    do = {}
    for split, factors in design.do.items():
        do[split] = FrozenDict(
            {
                name: _check_do(split, name, level, names, num_levels)
                for name, level in factors.items()
            }
        )
    return {"parents": parents, "tables": FrozenDict(tables), "do": FrozenDict(do)}


def _check_do(
    split: str, name: str, level: object, names: list[str], num_levels: FrozenDict
) -> int:
    setting = f"design.do[{split!r}]"
    if name not in names:
        raise UserError(f"{setting}: {name!r} is no factor of the graph{nearest_name(name, names)}")
    if level == "even":
        return EVEN_LEVEL
    _check_level(f"{setting} (or 'even')", name, level, num_levels)
    return int(level)  # ty: ignore[invalid-argument-type]


def _check_table(name: str, table: object, num_rows: int, n: int) -> tuple[tuple[float, ...], ...]:
    rows = table if isinstance(table, tuple) else ()
    if len(rows) != num_rows or any(not isinstance(r, tuple) or len(r) != n for r in rows):
        raise UserError(
            f"design.tables: {name!r}: must have {num_rows} rows (one for each combination of its "
            f"parents' levels) of {n} probabilities"
        )
    for k, row in enumerate(rows):
        is_number = all(isinstance(p, (int, float)) and p >= 0 for p in row)
        if not is_number or abs(sum(row) - 1) > 1e-6:
            raise UserError(f"design.tables: {name!r}: row {k} must add up to 1, is {row}")
    return rows
