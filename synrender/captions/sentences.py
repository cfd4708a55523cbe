"""Writes the caption of facts by the patterns of a style."""

from __future__ import annotations

import re
from collections.abc import Mapping

from synrender.captions.scene_facts import ObjectFacts, SceneFacts
from synrender.settings.caption_styles import LOOKS, Gap, Pattern, Style, list_gaps
from synrender.settings.caption_words import NUMBERS, TEXTURE_FAMILIES, VIEWS

_ARTICLE = re.compile(r"\b([Aa])\(n\)(?= (.))")


Names = tuple[Pattern, ...]
"""How each object of a caption is called after the first sentence; () if nothing tells it from the
others."""


def write_caption(facts: SceneFacts, style: Style, names: Names) -> str:
    """All sentences, with the names that `choose_names` gives; "" if nothing is known for sure."""
    looks = [{name: found.look(name) for name in LOOKS} for found in facts.objects]
    called = [fill(name, look) for name, look in zip(names, looks, strict=True)]
    number = write_number(facts.num_seen) if facts.num_seen > 1 else ""
    scene = {
        "number": number if facts.are_all_named else "",
        "total": "" if facts.are_all_named else number,
        "objects": join([fill(style.single["object"], look) for look in looks], style.join),
    }
    views = [{"name": name, "view": look["view"]} for name, look in zip(called, looks, strict=True)]
    relations = [
        {"subject": called[r.subject], "relation": r.word, "object": called[r.object]}
        for r in facts.relations
    ]
    color, texture = facts.backdrop_color.name, facts.backdrop_texture
    backdrop = {"backdrop": facts.backdrop * bool(color or texture)}
    backdrop |= {"color": color, "texture": texture}
    sentences = [
        ("scene", scene),
        *(("view", values) for values in views),
        *(("relation", values) for values in relations),
        ("backdrop", backdrop),
        ("light", {"light": facts.light}),
    ]
    texts = (_to_sentence(fill(style.single[key], values)) for key, values in sentences)
    return " ".join(filter(None, texts))


def choose_names(facts: SceneFacts, style: Style) -> Names:
    """For each object the first pattern by which no other one could be meant."""
    return tuple(
        next((name for name in style.names if is_name(name, facts, place)), ())
        for place in range(len(facts.objects))
    )


def is_name(name: Pattern, facts: SceneFacts, place: int) -> bool:
    """Whether a pattern tells an object from all others that may be seen."""
    own = facts.objects[place]
    looks = {look: own.look(look) for look in LOOKS}
    used = [look for look in list_gaps(name) if looks[look]]
    others = [*facts.objects[:place], *facts.objects[place + 1 :], *facts.others]
    is_unlike = (any(not may_be(other, own, look) for look in used) for other in others)
    return bool(fill(name, looks)) and all(is_unlike)


def may_be(actual: ObjectFacts, said: ObjectFacts, look: str) -> bool:
    """Whether what is said of an object may be true of another one, whose look may not be known."""
    word = said.look(look)
    if look == "color":
        return actual.color.possible is None or word in actual.color.possible
    if look == "texture" and actual.texture in TEXTURE_FAMILIES:
        return TEXTURE_FAMILIES[actual.texture] == TEXTURE_FAMILIES.get(word)
    if look == "view":  # of two sides that meet, both can be seen
        return VIEWS.get(actual.view) != word
    return actual.look(look) in ("", word)


def write_number(number: int) -> str:
    """A number in words, if it has any."""
    return NUMBERS[number] if number < len(NUMBERS) else str(number)


def fill(pattern: Pattern, values: Mapping[str, str]) -> str:
    """A pattern with its names replaced; "" if it says nothing without those that are not known."""
    texts, is_filled = [], False
    for part in pattern:
        group = part if isinstance(part, tuple) else (part,)
        found = [values[p.name] if isinstance(p, Gap) else p for p in group]
        is_known = all(found)
        if not is_known and not isinstance(part, tuple):
            return ""
        is_filled |= is_known and any(isinstance(p, Gap) for p in group)
        texts += found if is_known else []
    text = "".join(texts) if is_filled else ""
    return _ARTICLE.sub(lambda match: match[1] + "n" * (match[2].lower() in "aeiou"), text)


def join(texts: list[str], separators: tuple[str, str]) -> str:
    """Texts in a row: "a, b and c"."""
    *first, last = texts or [""]
    return separators[0].join(first) + (separators[1] if first else "") + last


def _to_sentence(text: str) -> str:
    return text[:1].upper() + text[1:] if text.endswith(".") else text
