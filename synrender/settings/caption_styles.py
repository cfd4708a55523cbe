"""Styles of captions: patterns of sentences, which a user can replace in ``captions.patterns``.

A pattern is text with names in braces. What is in square brackets is left out if one of its names
is not known; a sentence is left out if a name outside of brackets is not known. ``a(n)`` becomes
"a" or "an". A sentence that ends with a period begins with a capital letter.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from synrender.errors import nearest_name, shorten

VERSION = 1
"""Of the patterns below, and of the rules by which captions choose facts and words. It goes up with
every change that alters the caption of a sample."""

MAX_LENGTH = 500

LOOKS = ("size", "color", "texture", "class", "view")
GAPS = {
    "scene": ("number", "total", "objects"),
    "object": LOOKS,
    "name": LOOKS[:-1],
    "view": ("name", "view"),
    "relation": ("subject", "relation", "object"),
    "backdrop": ("backdrop", "color", "texture"),
    "light": ("light",),
}
"""Names that each pattern may have. ``number`` is known if the caption names all of several
objects, ``total`` if it names only some of them; ``backdrop`` is "backdrop" or "ground"."""

_REQUIRED = {
    "scene": {"objects"},
    "object": {"class"},
    "name": {"class"},
    "view": {"name", "view"},
    "relation": {"subject", "relation", "object"},
    "light": {"light"},
}
"""Names without which a pattern says nothing, or not of what; a pattern that is empty is fine."""

NOT_EMPTY = ("scene", "object", "name")

_OBJECT = "a(n) [{size} ][{color} ]{class}[ with a(n) {texture} texture]"
_NAMES = (
    "the {class}",
    "the {color} {class}",
    "the {class} with a(n) {texture} texture",
    "the {color} {class} with a(n) {texture} texture",
    "the {size} {class}",
    "the {size} {color} {class}",
    "the {size} {class} with a(n) {texture} texture",
    "the {size} {color} {class} with a(n) {texture} texture",
)
STYLES: Mapping[str, Mapping[str, str | tuple[str, ...]]] = {
    "short": {
        "scene": "[{number} objects: ][{total} objects, among them ]{objects}.",
        "object": "a(n) [{color} ]{class}[ with a(n) {texture} texture]",
        "join": (", ", " and "),
        "name": _NAMES,
        "view": "",
        "relation": "",
        "backdrop": "",
        "light": "",
    },
    "full": {
        "scene": "[{number} objects: ][{total} objects, among them ]{objects}.",
        "object": _OBJECT,
        "join": (", ", " and "),
        "name": _NAMES,
        "view": "{name} is seen from {view}.",
        "relation": "{subject} is {relation} {object}.",
        "backdrop": "The {backdrop}[ is {color}][ has a(n) {texture} texture].",
        "light": "The light comes from {light}.",
    },
    "facts": {
        "scene": "[number: {number}; ][number: {total}, of which ]{objects};",
        "object": "{class}[, size: {size}][, color: {color}][, texture: {texture}]"
        "[, seen from: {view}]",
        "join": ("; ", "; "),
        "name": ("{class}", "{color} {class}", "{texture} {class}", "{color} {texture} {class}",
                 "{size} {class}", "{size} {color} {texture} {class}"),
        "view": "",
        "relation": "{subject} {relation} {object};",
        "backdrop": "{backdrop}[ color: {color}][ texture: {texture}];",
        "light": "light from: {light};",
    },
}  # fmt: skip
"""Patterns of each style. ``name`` has several, of which the first is taken that tells an object
from all others; ``join`` is what stands between objects, and before the last one."""

_TOKEN = re.compile(r"\[|\]|\{[^{}\[\]]*\}|[^{}\[\]]+|[{}]")


@dataclass(frozen=True)
class Gap:
    """A name in braces."""

    name: str


Part = str | Gap | tuple[str | Gap, ...]
"""Text, a name, or what is left out if one of its names is not known."""

Pattern = tuple[Part, ...]


def list_gaps(pattern: Pattern) -> list[str]:
    """All names in braces, also those in brackets."""
    parts = [p for part in pattern for p in (part if isinstance(part, tuple) else (part,))]
    return [part.name for part in parts if isinstance(part, Gap)]


@dataclass(frozen=True)
class Style:
    """The patterns of a style, parsed; empty where nothing is said."""

    single: Mapping[str, Pattern]  # by the names of `GAPS`, without "name"
    names: tuple[Pattern, ...]
    join: tuple[str, str]


def parse_style(style: str, patterns: Mapping[str, str | tuple[str, ...]]) -> Style:
    """A style with some patterns replaced; both are checked before."""
    found = {**STYLES[style], **patterns}
    names, (comma, last) = found["name"], found["join"]
    single = {key: parse_pattern(key, found[key]) for key in GAPS if key != "name"}
    names = (names,) if isinstance(names, str) else names
    return Style(single, tuple(parse_pattern("name", name) for name in names), (comma, last))


@functools.lru_cache(maxsize=1000)
def parse_pattern(key: str, text: object) -> Pattern:
    """The parts of a pattern.

    Raises:
        ValueError: it is no pattern of this name; the message says the rule.
    """
    where = f"{key!r}: {shorten(repr(text))}"
    if not isinstance(text, str) or len(text) > MAX_LENGTH or not text.isprintable():
        raise ValueError(f"{where} must be text in one line of at most {MAX_LENGTH} characters")
    if not text and key not in NOT_EMPTY:
        return ()
    parts: list[Part] = []
    group: list[str | Gap] | None = None
    for token in _TOKEN.findall(text):
        if token in ("[", "]"):
            if (token == "[") == (group is not None):
                raise ValueError(f"{where} must close each '[' before the next one")
            if group is not None:
                parts.append(tuple(group))
            group = [] if token == "[" else None
            continue
        (parts if group is None else group).append(_to_part(key, token, where))
    if group is not None:
        raise ValueError(f"{where} must close its '['")
    _check_gaps(key, tuple(parts), where)
    return tuple(parts)


def _to_part(key: str, token: str, where: str) -> str | Gap:
    if token[0] not in "{}":
        return token
    name = token[1:-1]
    if token in "{}" or name not in GAPS[key]:
        allowed = ", ".join(f"{{{gap}}}" for gap in GAPS[key])
        raise ValueError(f"{where} may name {allowed}, not {token}{nearest_name(name, GAPS[key])}")
    return Gap(name)


def _check_gaps(key: str, parts: Pattern, where: str) -> None:
    outside = {part.name for part in parts if isinstance(part, Gap)}
    if missing := sorted(_REQUIRED.get(key, set()) - outside):
        raise ValueError(f"{where} must name {{{missing[0]}}} outside of brackets")
    for part in parts:
        if isinstance(part, tuple) and not any(isinstance(p, Gap) for p in part):
            raise ValueError(f"{where} has brackets without a name in braces")


def check_patterns(value: object) -> dict[str, str | tuple[str, ...]]:
    """A dictionary of patterns, by the names of `STYLES`.

    Raises:
        ValueError: one of them is none; the message says the rule.
    """
    if not isinstance(value, dict):
        raise ValueError("must be a dictionary such as {'light': 'It is lit from {light}.'}")
    found: dict[str, str | tuple[str, ...]] = {}
    for key, given in value.items():
        if key not in STYLES["full"]:
            known = ", ".join(STYLES["full"])
            hint = nearest_name(str(key), STYLES["full"])
            raise ValueError(f"{shorten(repr(key))} is none of {known}{hint}")
        several = (given,) if isinstance(given, str) else given
        if not isinstance(several, (list, tuple)) or not all(isinstance(t, str) for t in several):
            raise ValueError(f"{key!r}: must be text")
        if key == "join":
            if len(several) != 2 or not all(text and text.isprintable() for text in several):
                raise ValueError("'join': must be two texts, such as [', ', ' and ']")
        elif not several or (key != "name" and len(several) != 1):
            raise ValueError(f"{key!r}: must be one text")
        else:
            for text in several:
                parse_pattern(key, text)
        found[key] = tuple(several) if key in ("name", "join") else several[0]
    return found
