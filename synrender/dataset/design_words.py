"""A design in words, and the names of factors and levels, as people write them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from synrender.dataset.design_info import DesignFactor, DesignInfo
from synrender.errors import shorten
from synrender.settings.checks import SPLITS
from synrender.settings.distributions import describe as describe_distribution
from synrender.settings.factor_table import JOINT, find_factor
from synrender.settings.groups import Settings
from synrender.settings.path_forms import describe as describe_path

NO_DESIGN = "Each factor that varies is drawn at random, on its own."

MAX_LENGTH = 40
_LABELS = {
    "num_objs": "number of objects",
    "num_lights": "number of lights",
    **{f"{b}color_{c[0]}": c for c in ("red", "green", "blue") for b in ("", "backdrop_")},
}
_SETTING = re.compile(r"\b([a-z]+)\.([a-z_]+)\b")
_NUMBERS = {1: "once", 2: "twice"}
_MAX_LEVELS_TOLD = 8

# --- names ----------------------------------------------------------------------------------------


def to_label(name: str) -> str:
    """A factor's name as people write it."""
    return _LABELS.get(name, name.replace("_", " "))


def to_text(number: float) -> str:
    """A number with three digits."""
    return f"{number:.3g}" if abs(number) >= 1e-9 else "0"


def to_texture_name(path: str) -> str:
    """Name of a texture, which in DTD begins with that of its folder."""
    return shorten(path.rpartition("/")[2].partition(".")[0], MAX_LENGTH)


def name_levels(factor: DesignFactor) -> dict[int, str]:
    """Name of each level of a factor, by its index; numbers are sorted."""
    if factor.names:
        names = (to_texture_name(name.split(",")[0]) for name in factor.names)
        return dict(enumerate(names))
    unit = _find_unit(factor)
    order = sorted(range(len(factor.levels)), key=lambda k: factor.levels[k])
    return {k: ", ".join(map(to_text, factor.levels[k])) + unit for k in order}


def _find_unit(factor: DesignFactor) -> str:
    """With a blank before it; "" where levels have names or no unit."""
    has_none = factor.names or not factor.unit or "place" in factor.unit
    return "" if has_none else f" {factor.unit}"


def join_and(texts: Sequence[str]) -> str:
    """Such as "a, b and c"."""
    return " and ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))


def _the(names: Sequence[str]) -> str:
    """Such as "the class and the light angle"."""
    return join_and([f"the {to_label(name)}" for name in names])


def _in(splits: Sequence[str]) -> str:
    """Such as "in training and validation", or "in the test"."""
    words = [split.replace("train", "training") for split in splits]
    return "in the test" if words == ["test"] else f"in {join_and(words)}"


# --- the whole design -----------------------------------------------------------------------------


def describe_default(name: str, settings: Settings) -> str:
    """What a factor is drawn from without a design, such as "N(0, 0.5 rad)"."""
    factor = find_factor(name)
    unit = f" {factor.unit}" if factor.unit else ""
    told, *others = factor.distribution.split("; with ")
    for other in others:
        conditions, _, instead = other.partition(": ")
        told = instead if all(_holds(c, settings) for c in conditions.split(" and ")) else told
    text = _SETTING.sub(lambda found: _show_setting(found, settings), told)
    if text != factor.distribution and text.replace(".", "").isdecimal():
        return f"{text}{unit}"
    return re.sub(r"(N\([^)]*)", rf"\1{unit}", text)


def _holds(condition: str, settings: Settings) -> bool:
    """Whether a setting is True, or has the value that stands behind it."""
    name, _, wanted = condition.partition(" = ")
    value = _read_setting(*name.split("."), settings)
    return repr(value) == wanted if wanted else bool(value)


def _read_setting(group: str, name: str, settings: Settings) -> object:
    return getattr(getattr(settings, group), name)


def _show_setting(found: re.Match[str], settings: Settings) -> str:
    """Value of the setting that a text names."""
    if found[0] == "sample.class_idxs":
        num = len(settings.sample.class_list)
        return "1 class" if num == 1 else f"{num} classes"
    value = _read_setting(found[1], found[2], settings)
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def describe_factors(design: DesignInfo, settings: Settings) -> dict[str, str]:
    """Levels of each factor that the design names, or what it is drawn from, in words."""
    drawn = describe_drawn(design)
    told = {}
    for name, factor in design.factors.items():
        unit = _find_unit(factor)
        names = [text.removesuffix(unit) for text in name_levels(factor).values()]
        more = len(names) - _MAX_LEVELS_TOLD
        levels = ", ".join(names[:_MAX_LEVELS_TOLD]) + (f" and {more} more" if more > 0 else "")
        levels += unit
        known = [text for part, text in drawn.items() if part in (name, *JOINT.get(name, ()))]
        told[name] = f"{len(names)} levels: {levels}" if names else "".join(known[:1])
        told[name] = told[name] or describe_default(name, settings)
    return told


def describe_drawn(design: DesignInfo | None) -> dict[str, str]:
    """What factors are drawn from and how they move, in words, where a user set it; by factor."""
    told = {}
    for name, factor in design.factors.items() if design else ():
        given = factor.distribution
        texts = [] if given is None else [describe_distribution(given, factor.unit)]
        if design and name in design.paths:
            texts.append(describe_path(design.paths[name], factor.unit))
        if texts:
            told |= dict.fromkeys(JOINT.get(name, (name,)), "; ".join(texts))
    return told


def to_sentences(design: DesignInfo | None) -> list[str]:
    """What the design does, a sentence for each of its kinds; the most telling one first."""
    if design is None:
        return [NO_DESIGN]
    told = [
        *_tell_shortcut(design),
        *_tell_causal(design),
        *_tell_held_out(design),
        *_tell_structure(design),
    ]
    return [text[0].upper() + text[1:] for text in [*told, *_tell_rest(design)]] or [NO_DESIGN]


def _tell_shortcut(design: DesignInfo) -> Iterator[str]:
    if not design.shortcut:
        return
    splits: dict[float, list[str]] = {}
    for split, rho in zip(SPLITS, design.shortcut.rho, strict=True):
        splits.setdefault(rho, []).append(split)
    cue, target = _the([design.shortcut.cue]), _the([design.shortcut.target])
    parts = []
    for rho, where in splits.items():
        what = f"predicts {target} with probability {rho:g}" if rho else f"says nothing of {target}"
        parts.append(f"{_in(where)} {cue} {what}")
        cue, target = "it", "it"
    yield f"{'; '.join(parts)}.".replace("says nothing of it", "says nothing")


def _tell_causal(design: DesignInfo) -> Iterator[str]:
    if not design.causal:
        return
    causes = []
    for child, parents in design.causal.parents.items():
        verb = "causes" if len(parents) == 1 else "cause"
        causes.append(f"{_the(parents)} {verb} the {to_label(child)}")
    yield f"{'; '.join(causes)}."
    for split, given in design.causal.do.items():
        for name, level in given.items():
            levels = name_levels(design.factors[name])
            what = "drawn evenly" if level < 0 else f"set to {levels[level]}"
            yield f"{_in([split])} the {to_label(name)} is {what}, against the graph."


def _tell_held_out(design: DesignInfo) -> Iterator[str]:
    if num := len(design.held_out):
        names = tuple(design.held_out[0])
        total = math.prod(len(design.factors[name].levels) for name in names)
        be = "is" if num == 1 else "are"
        yield (
            f"{num} of {total} combinations of {join_and([to_label(n) for n in names])} {be} in "
            "the test alone, which shows no others."
        )
    for name, (low, high) in design.inner_ranges.items():
        unit = f" {design.factors[name].unit}".rstrip()
        yield (
            f"the {to_label(name)} lies within {low:g} to {high:g}{unit} in training and "
            "validation, and beyond in the test."
        )


def _tell_structure(design: DesignInfo) -> Iterator[str]:
    size = design.block_size
    if design.grid:
        num = math.prod(len(design.factors[name].levels) for name in design.grid)
        times = _NUMBERS.get(design.repeats, f"{design.repeats} times")
        named = join_and(_count_levels(design.grid, design))
        yield f"each of the {num} combinations of {named} is shown {times}."
    if design.sweeps:
        named = join_and(_count_levels(design.sweeps, design))
        yield (
            f"sets of {size} samples take {named} through their levels, one factor at a time; all "
            "else is equal to the bit."
        )
    if design.twins:
        what = "pairs of samples" if size == 2 else f"tuples of {size} samples"
        factors = [to_label(name) for name in design.twins]
        some = f"exactly one of {join_and(factors)}" if len(factors) > 1 else f"{factors[0]} alone"
        yield f"{what} differ in {some}; all else is equal to the bit."
    if design.paths:
        drawn = describe_drawn(design)
        moves = []
        for name in design.paths:
            told = drawn[JOINT.get(name, (name,))[0]].rpartition("; ")[2]
            moves.append(f"the {to_label(name)} ({told})")
        verb = "moves" if len(moves) == 1 else "move"
        yield f"sequences of {size} samples show one scene, in which only {join_and(moves)} {verb}."


def _count_levels(names: Sequence[str], design: DesignInfo) -> list[str]:
    """Such as "azimuth (6 levels)"."""
    numbers = [len(design.factors[name].levels) for name in names]
    words = [" levels", *[""] * len(names)]
    return [f"{to_label(n)} ({k}{w})" for n, k, w in zip(names, numbers, words, strict=False)]


def _tell_rest(design: DesignInfo) -> Iterator[str]:
    """Factors with levels that no part of the design decides."""
    decided = {*design.grid, *design.sweeps, *design.twins, *design.paths}
    decided |= {name for combination in design.held_out[:1] for name in combination}
    if design.shortcut:
        decided |= {design.shortcut.cue, design.shortcut.target}
    if design.causal:
        decided |= {*design.causal.parents, *sum(design.causal.parents.values(), ())}
    rest = [
        name for name, factor in design.factors.items() if factor.levels and name not in decided
    ]
    if rest:
        takes, its = ("takes", "its") if len(rest) == 1 else ("take", "their")
        yield f"{join_and(_count_levels(rest, design))} {takes} {its} levels evenly."
