"""Reads JSON that anybody may have written, and bounds the values of any text that enters.

What is refused here is refused once: numbers that overflow, text that no file name or terminal
bears, nesting without end, a name that stands twice. What comes out are plain values of the given
type; nothing that uses them has to look again.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from synrender.errors import shorten
from synrender.system.files import read_small_file

MAX_DEPTH = 32
MAX_INTEGER = 2**63 - 1
"""What 64 bits hold."""

MAX_NUMBER = 1e30
"""Its square and its cube are finite, too."""

_MAX_DIGITS = 20


def read_json(path: Path, max_bytes: int) -> Any:
    """Content of a JSON file; see `parse_json`.

    Raises:
        ValueError: it is no JSON, holds what is out of bounds, or is no regular file.
        OSError: it cannot be read.
    """
    return parse_json(read_small_file(path, max_bytes))


def parse_json(data: bytes) -> Any:
    """Values of a JSON text in UTF-8, all within the bounds of `check_values`.

    Raises:
        ValueError: it is no JSON, or holds what is out of bounds; one line says what.
    """
    try:
        value = json.loads(
            data.decode("utf-8-sig"),
            object_pairs_hook=_to_dict,
            parse_int=_to_int,
            parse_constant=_refuse_constant,
        )
    except RecursionError:
        raise ValueError(f"nested more than {MAX_DEPTH} deep") from None
    check_values(value)
    return value


def check_values(value: object) -> None:
    """Refuses values out of bounds, however deep they lie in lists and dictionaries.

    Raises:
        ValueError: a number is not finite or too large, text holds NUL or half a surrogate pair, or
            the nesting is too deep.
    """
    level, depth = [value], 0
    while level:
        if depth > MAX_DEPTH:
            raise ValueError(f"nested more than {MAX_DEPTH} deep")
        inner: list[object] = []
        for item in level:
            if isinstance(item, str):
                _check_text(item)
            elif isinstance(item, float):
                if not abs(item) <= MAX_NUMBER:
                    raise ValueError(f"{item}: must be a finite number of at most {MAX_NUMBER:g}")
            elif isinstance(item, int):
                if abs(item) > MAX_INTEGER:
                    raise ValueError(
                        f"{_show_integer(item)}: must be a whole number of at most {MAX_INTEGER}"
                    )
            elif isinstance(item, dict):
                inner += item
                inner += item.values()
            elif isinstance(item, (list, tuple, set, frozenset)):
                inner += item
        level, depth = inner, depth + 1


def _check_text(text: str) -> None:
    if text.isascii() and "\0" not in text:
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{shorten(repr(text))}: has half of a surrogate pair") from None
    if "\0" in text:
        raise ValueError(f"{shorten(repr(text))}: has a NUL character")


def _show_integer(value: int) -> str:
    num_digits = value.bit_length() * 3 // 10 + 1
    return str(value) if num_digits < _MAX_DIGITS else f"a number of {num_digits} digits"


def _to_int(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"a number of {len(text)} digits: at most {_MAX_DIGITS} are allowed")
    return int(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _to_dict(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    pairs = list(pairs)
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {shorten(repr(twice))} stands twice")
    return found


# --- from JSON to types -------------------------------------------------------------------------


def decode(kind: Any, value: object, where: str = "") -> Any:
    """Converts a JSON value to a type.

    Args:
        kind: a dataclass, ``dict``, ``tuple`` or ``| None`` of such types, or a plain type.
        value: of `parse_json`; a part that is of its dataclass already stays as it is.
        where: its position, for messages.

    Raises:
        ValueError: the value is of another type; the message says where.
    """
    if dataclasses.is_dataclass(kind):
        is_done = type(value) is kind
        return value if is_done else _decode_dataclass(kind, _expect(dict, value, where), where)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return None if value is None else decode(arguments[0], value, where)
    if origin is dict:
        key_type, value_type = arguments
        return {
            _decode_key(key_type, k, where): decode(value_type, v, f"{where}.{k}")
            for k, v in _expect(dict, value, where).items()
        }
    if origin is tuple:
        items = _expect(list, value, where)
        return tuple(decode(arguments[0], v, f"{where}[{i}]") for i, v in enumerate(items))
    if kind is float:
        return float(_expect((int, float), value, where))
    return _expect(kind, value, where)


def _decode_dataclass(kind: Any, values: dict[str, object], where: str) -> Any:
    hints = typing.get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}
    prefix = f"{where}." if where else ""
    if unknown := sorted(values.keys() - fields.keys()):
        raise ValueError(
            f"{prefix}{shorten(unknown[0])} is not known; a newer version may have written it"
        )
    for name, f in fields.items():
        has_default = f.default is not dataclasses.MISSING or (
            f.default_factory is not dataclasses.MISSING
        )
        if name not in values and not has_default:
            raise ValueError(f"{prefix}{name} is missing")
    return kind(**{n: decode(hints[n], v, f"{prefix}{n}") for n, v in values.items()})


def _decode_key(kind: type, key: str, where: str) -> int | str:
    if kind is int and not (key.isdecimal() and len(key) <= _MAX_DIGITS):
        raise ValueError(f"{where} has the key {shorten(key)!r}, which must be a whole number")
    return kind(key)


def _expect(kind: type | tuple[type, ...], value: object, where: str) -> Any:
    if (isinstance(value, bool) and kind is not bool) or not isinstance(value, kind):
        names = kind.__name__ if isinstance(kind, type) else " or ".join(k.__name__ for k in kind)
        raise ValueError(f"{shorten(where)} must be {names}, is {shorten(value, 40)!r}")
    return value
