"""Reads a caption back: which facts its sentences say, by the patterns of its style.

Each pattern becomes a regular expression whose gaps match the words that may stand there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from synrender.settings.caption_styles import Gap, Pattern, Style
from synrender.settings.caption_words import (
    BACKDROP,
    GROUND,
    LIGHTS,
    MULTICOLORED,
    NAMED_COLORS,
    NUMBERS,
    RELATIONS,
    SIZES,
    VIEWS,
)

Looks = Mapping[str, str]
"""Words that are said of an object, by the names of `caption_styles.LOOKS`."""


@dataclass(frozen=True)
class Said:
    """What a caption says."""

    number: int | None = None  # of all objects
    objects: tuple[Looks, ...] = ()
    views: tuple[tuple[Looks, str], ...] = ()
    relations: tuple[tuple[Looks, str, Looks], ...] = ()
    backdrop: Looks = field(default_factory=dict)
    light: str = ""

    @property
    def num_statements(self) -> int:
        """Facts that it says."""
        looks = sum(map(len, self.objects)) + len(self.backdrop)
        others = (self.number is not None) + bool(self.light)
        return looks + others + len(self.views) + len(self.relations)


class Grammar:
    """Reads captions of one style, in a data set with some classes and textures."""

    def __init__(self, style: Style, classes: Collection[str], textures: Collection[str]) -> None:
        """Takes the patterns, and the words that a pattern does not name."""
        self._words = {
            "number": _any_of([*NUMBERS, r"\d+"], are_patterns=True),
            "total": _any_of([*NUMBERS, r"\d+"], are_patterns=True),
            "size": _any_of(SIZES),
            "color": _any_of([*NAMED_COLORS, MULTICOLORED]),
            "class": _any_of(classes),
            "texture": _any_of(textures),
            "view": _any_of(VIEWS),
            "relation": _any_of(RELATIONS),
            "light": _any_of(LIGHTS),
            "backdrop": _any_of((BACKDROP, GROUND)),
        }
        self._object = self._compile(style.single["object"])
        self._names = [self._compile(name) for name in style.names]
        one, (comma, last) = self._without_names(style.single["object"]), style.join
        self._between = re.compile(_any_of((comma, last)))
        self._words["objects"] = f"{one}(?:{self._between.pattern}{one})*"
        name = "|".join(map(self._without_names, style.names))
        self._words |= dict.fromkeys(("name", "subject", "object"), f"(?:{name})")
        self._sentences = {
            key: self._compile(pattern)
            for key, pattern in style.single.items()
            if key != "object" and pattern
        }

    def read(self, caption: str) -> Said:
        """What a caption says.

        Raises:
            ValueError: a sentence has none of the patterns, or comes out of order.
        """
        values: dict[str, list[dict[str, str]]] = {key: [] for key in self._sentences}
        rest, keys = caption, list(self._sentences)
        while rest:
            key, match = self._match_first(keys, rest)
            values[key].append(_find_words(match))
            rest = rest[match.end() + 1 :]
            keys = keys[keys.index(key) + (key not in ("view", "relation")) :]
        return self._to_said(values)

    def _match_first(self, keys: Sequence[str], text: str) -> tuple[str, re.Match[str]]:
        """The sentence that a text begins with."""
        for key in keys:
            match = self._sentences[key].match(text)
            if match and text[match.end() : match.end() + 1] in ("", " "):
                return key, match
        raise ValueError(f"cannot be read: {text[:60]!r}")

    def _to_said(self, values: Mapping[str, Sequence[dict[str, str]]]) -> Said:
        scene = next(iter(values["scene"]), {})
        word, number = scene.get("number") or scene.get("total"), None
        if word is not None:
            number = int(word) if word.isdigit() else NUMBERS.index(word.lower())
        return Said(
            number,
            tuple(self._split(scene["objects"])) if scene else (),
            tuple((self._find_looks(v["name"]), v["view"]) for v in values.get("view", ())),
            tuple(
                (self._find_looks(v["subject"]), v["relation"], self._find_looks(v["object"]))
                for v in values.get("relation", ())
            ),
            next(iter(values.get("backdrop", ())), {}),
            next((v["light"] for v in values.get("light", ())), ""),
        )

    def _split(self, text: str) -> Iterator[Looks]:
        """What is said of each object, from a list of them."""
        while match := self._object.match(text):
            yield _find_words(match)
            between = self._between.match(text, match.end())
            text = text[between.end() :] if between else ""

    def _find_looks(self, name: str) -> Looks:
        for pattern in self._names:
            if match := pattern.fullmatch(name):
                return _find_words(match)
        raise ValueError(f"{name!r} is no name of an object")

    def _compile(self, pattern: Pattern) -> re.Pattern[str]:
        return re.compile(self._to_regex(pattern, has_names=True), re.IGNORECASE)

    def _without_names(self, pattern: Pattern) -> str:
        return self._to_regex(pattern, has_names=False)

    def _to_regex(self, pattern: Pattern, has_names: bool) -> str:
        texts = []
        for part in pattern:
            if isinstance(part, tuple):
                texts.append(f"(?:{self._to_regex(part, has_names)})?")
            elif isinstance(part, Gap):
                words = self._words[part.name]
                texts.append(f"(?P<{part.name}>{words})" if has_names else words)
            else:
                texts.append(re.escape(part).replace(r"a\(n\)", "an?").replace(r"A\(n\)", "An?"))
        return "".join(texts)


def _any_of(words: Collection[str], are_patterns: bool = False) -> str:
    """A regular expression of any of some words, the longest first."""
    texts = sorted(words, key=len, reverse=True)
    return f"(?:{'|'.join(texts if are_patterns else map(re.escape, texts))})"


def _find_words(match: re.Match[str]) -> dict[str, str]:
    return {name: text for name, text in match.groupdict().items() if text}


# --- two captions ---------------------------------------------------------------------------------


def find_difference(a: Said, b: Said) -> str:
    """The kind of the one fact in which two captions differ, as negatives name it.

    Raises:
        ValueError: they differ in none, in several, or in what they speak of.
    """
    of_a, of_b = (
        (list(map(set, s.objects)), len(s.views), len(s.relations), s.number is None)
        for s in (a, b)
    )
    if of_a != of_b:
        raise ValueError("it does not speak of the same things")
    changed = [
        (look, own[look], other[look])
        for own, other in zip(a.objects, b.objects, strict=True)
        for look in own
        if own[look] != other[look]
    ]
    kinds = [*_find_changed_looks(changed), *_find_changed_statements(a, b, set(changed))]
    kinds += ["number"] * (a.number != b.number) + ["light"] * (a.light != b.light)
    kinds += ["backdrop"] * sum(
        a.backdrop.get(k) != b.backdrop.get(k) for k in ("color", "texture")
    )
    if len(kinds) != 1:
        raise ValueError(f"it differs in {len(kinds)} facts: {', '.join(kinds)}")
    return kinds[0]


def _find_changed_looks(changed: Sequence[tuple[str, str, str]]) -> list[str]:
    """One kind for each change, or for two that are an exchange."""
    if len(changed) == 2:
        (look, *words), (other, *others) = changed
        if look == other and words == others[::-1]:
            return [f"swap_{look}"]
    return [look for look, _, _ in changed]


def _find_changed_statements(a: Said, b: Said, changed: set[tuple[str, str, str]]) -> Iterator[str]:
    """Kinds of sentences that differ in more than the looks of objects that changed."""
    for (own, view), (other, other_view) in zip(a.views, b.views, strict=True):
        if not _is_same_name(own, other, changed):
            yield "name"
        if view != other_view:
            yield "view"
    for own, other in zip(a.relations, b.relations, strict=True):
        is_same = all(_is_same_name(own[k], other[k], changed) for k in (0, 2))
        is_turned = not is_same and (own[0], own[2]) == (other[2], other[0])
        if not is_same and not is_turned:
            yield "name"
        if (own[1] != other[1]) != is_turned:
            yield "relation"


def _is_same_name(own: Looks, other: Looks, changed: set[tuple[str, str, str]]) -> bool:
    return own.keys() == other.keys() and all(
        own[look] == other[look] or (look, own[look], other[look]) in changed for look in own
    )
