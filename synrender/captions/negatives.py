"""Hard negatives: captions that differ from the true one in exactly one fact, and are false.

What is false is known from the record: a color that nobody could call so, a texture of another
family, a class that is not there. A negative that could be true of other objects is dropped.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from synrender.captions.color_names import ColorName
from synrender.captions.scene_facts import ObjectFacts, SceneFacts
from synrender.captions.sentences import Names, choose_names, is_name, may_be, write_caption
from synrender.settings.caption_styles import LOOKS, Style, list_gaps
from synrender.settings.caption_words import (
    LIGHTS,
    NAMED_COLORS,
    RELATIONS,
    SIZES,
    TEXTURE_FAMILIES,
    VIEWS,
)

SWAPPED = ("size", "color", "texture")
"""Looks that two objects exchange; the kind is then "swap_color", for example."""


@dataclass(frozen=True)
class Negative:
    """A false caption, and the name of the fact that is false."""

    text: str
    kind: str


def write_negatives(
    facts: SceneFacts,
    style: Style,
    class_names: tuple[str, ...],
    rng: np.random.Generator,
    num: int,
) -> list[Negative]:
    """At most ``num`` negatives, of as many kinds as there are; ``rng`` chooses kinds and words.

    The style is that of the caption, and the class names are all of the data set.
    """
    names, found = choose_names(facts, style), []
    seen = {write_caption(facts, style, names)}
    kinds = _find_kinds(facts, style, class_names)
    order = [list(kinds)[k] for k in np.argsort(rng.random(len(kinds)))]
    waiting: dict[str, Iterator[SceneFacts]] = {}
    for kind in order:
        changes = list(kinds[kind]())
        waiting[kind] = iter([changes[k] for k in np.argsort(rng.random(len(changes)))])
    while waiting and len(found) < num:
        for kind in [k for k in order if k in waiting]:
            for changed in waiting[kind]:
                text = write_caption(changed, style, names)
                if (
                    text not in seen
                    and _is_false(changed, facts, kind)
                    and _is_clear(changed, names)
                ):
                    seen.add(text)
                    found.append(Negative(text, kind))
                    break
            else:
                del waiting[kind]
    return found[:num]


def _is_clear(changed: SceneFacts, names: Names) -> bool:
    """Whether each name still tells its object from the others, by what is said of them now."""
    return all(is_name(name, changed, place) for place, name in enumerate(names) if name)


def _is_false(changed: SceneFacts, facts: SceneFacts, kind: str) -> bool:
    """Whether the changed looks cannot be those of the objects, each of another one."""
    from scipy.optimize import linear_sum_assignment  # scikit-image, which names colors, has it

    if kind.removeprefix("swap_") not in LOOKS:
        return True
    actual = [*facts.objects, *facts.others]
    fits = [
        [all(may_be(a, said, n) for n in LOOKS if said.look(n)) for a in actual]
        for said in changed.objects
    ]
    return not np.array(fits)[linear_sum_assignment(fits, maximize=True)].all()


# --- one fact changed -----------------------------------------------------------------------------


def _find_kinds(
    facts: SceneFacts, style: Style, class_names: tuple[str, ...]
) -> dict[str, Callable[[], Iterator[SceneFacts]]]:
    """How to change one fact, by its name."""
    there = {found.class_name for found in (*facts.objects, *facts.others)}
    others = sorted(set(class_names) - there)
    kinds = {
        "number": lambda: _change_number(facts, style),
        "class": lambda: _change_looks(facts, "class_name", lambda _: others),
        "color": lambda: _change_looks(facts, "color", lambda o: _find_false_colors(o.color)),
        "texture": lambda: _change_looks(
            facts, "texture", lambda o: _find_false_textures(facts, o.texture)
        ),
        "size": lambda: _change_looks(facts, "size", lambda o: [SIZES[o.size]] if o.size else []),
        "view": lambda: _change_looks(facts, "view", lambda o: [VIEWS[o.view]] if o.view else []),
        "relation": lambda: _turn_relations(facts),
        "backdrop": lambda: _change_backdrop(facts),
        "light": lambda: _change_light(facts),
    }
    return kinds | {f"swap_{name}": lambda name=name: _swap(facts, name) for name in SWAPPED}


def _replace(facts: SceneFacts, place: int, found: ObjectFacts) -> SceneFacts:
    objects = (*facts.objects[:place], found, *facts.objects[place + 1 :])
    return replace(facts, objects=objects)


def _change_number(facts: SceneFacts, style: Style) -> Iterator[SceneFacts]:
    """One more or one less, but more than are named: the text alone does not show that it is false.

    So the sentence is the one for scenes of which only some objects are named.
    """
    if facts.num_seen > 1 and "total" in list_gaps(style.single["scene"]):
        for number in (facts.num_seen - 1, facts.num_seen + 1):
            if number > len(facts.objects):
                yield replace(facts, num_seen=number, are_all_named=False)


def _change_looks(
    facts: SceneFacts, field: str, find_others: Callable[[ObjectFacts], Sequence[object]]
) -> Iterator[SceneFacts]:
    """Each object with each of the other values that a field of it may have."""
    for place, found in enumerate(facts.objects):
        for value in find_others(found):
            yield _replace(facts, place, replace(found, **{field: value}))


def _find_false_colors(color: ColorName) -> list[ColorName]:
    if not color.name:
        return []
    return [ColorName(n, (n,)) for n in NAMED_COLORS if n not in (color.possible or ())]


def _find_false_textures(facts: SceneFacts, texture: str) -> list[str]:
    """Textures of other things in the sample, or else any of DTD, that look different."""
    if not texture:
        return []
    there = {o.texture for o in (*facts.objects, *facts.others)} | {facts.backdrop_texture}

    def is_other(word: str) -> bool:
        family = TEXTURE_FAMILIES.get(texture, -1)
        return bool(word) and word != texture and TEXTURE_FAMILIES.get(word, -2) != family

    return sorted(filter(is_other, there)) or list(filter(is_other, TEXTURE_FAMILIES))


def _swap(facts: SceneFacts, look: str) -> Iterator[SceneFacts]:
    for a, b in itertools.combinations(range(len(facts.objects)), 2):
        first, second = facts.objects[a], facts.objects[b]
        if first.look(look) and second.look(look) and first.look(look) != second.look(look):
            of_first = {look: getattr(second, look)}
            swapped = _replace(facts, a, replace(first, **of_first))
            yield _replace(swapped, b, replace(second, **{look: getattr(first, look)}))


def _turn_relations(facts: SceneFacts) -> Iterator[SceneFacts]:
    for place, found in enumerate(facts.relations):
        turned = replace(found, word=RELATIONS[found.word])
        if not turned.word:
            turned = replace(found, subject=found.object, object=found.subject)
        relations = (*facts.relations[:place], turned, *facts.relations[place + 1 :])
        yield replace(facts, relations=relations)


def _change_backdrop(facts: SceneFacts) -> Iterator[SceneFacts]:
    for color in _find_false_colors(facts.backdrop_color):
        yield replace(facts, backdrop_color=color)
    for texture in _find_false_textures(facts, facts.backdrop_texture):
        yield replace(facts, backdrop_texture=texture)


def _change_light(facts: SceneFacts) -> Iterator[SceneFacts]:
    if facts.light:
        yield replace(facts, light=LIGHTS[facts.light])
