from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from synrender.system.json_text import MAX_DEPTH, check_values, decode, parse_json, read_json


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "Expecting value"),
        (b"\xff\xfe{\0}\0", "can't decode"),  # UTF-16
        (b'{"a": 1, "a": 2}', "the name 'a' stands twice"),
        (b"[NaN]", "NaN is no number of JSON"),
        (b"-Infinity", "-Infinity is no number of JSON"),
        (b"[1e999]", "inf: must be a finite number of at most 1e[+]30"),
        (b'{"a": [-1e308]}', "-1e[+]308: must be a finite number"),
        (b"[9223372036854775808]", "must be a whole number of at most 9223372036854775807"),
        (b"1" * 100_000, "a number of 100000 digits"),
        (b"[" * 100_000, "nested more than 32 deep"),
        (b"[" * 40 + b"]" * 40, "nested more than 32 deep"),
        (b'{"\\ud800": 1}', "half of a surrogate pair"),
        (b'["\\udfff"]', "half of a surrogate pair"),
        (b'["a\\u0000b"]', r"'a\\x00b': has a NUL"),
        (b'["a\nb"]', "Invalid control character"),
    ],
)
def test_what_is_out_of_bounds_is_refused_in_one_line(text: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        parse_json(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_what_is_within_bounds_stays_as_it_is() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": [1, 2.5, true, null, "\\ud83d\\ude00"]}') == {
        "a": [1, 2.5, True, None, "\N{GRINNING FACE}"]
    }
    assert parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert parse_json(b"-9223372036854775807") == -(2**63) + 1


def test_values_of_python_are_bounded_likewise() -> None:
    check_values({"a": (1, {"b": [2.0]}), "c": {3}})
    for value in ((1 << 4_000_000,), {"a": (1e308,)}, ["\0"], {"\udc80": 1}):
        with pytest.raises(ValueError, match=r"must be|has"):
            check_values(value)


def test_a_file_is_bounded_and_never_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "some.json"
    path.write_bytes(b" " * 100)
    with pytest.raises(ValueError, match="100 bytes, at most 99"):
        read_json(path, 99)
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(ValueError, match="not a regular file"):
        read_json(tmp_path / "pipe.json", 99)


@dataclass(frozen=True)
class Inner:
    name: str
    sizes: tuple[float, ...] = ()


@dataclass(frozen=True)
class Outer:
    inners: dict[int, Inner]
    last: Inner | None = None


def test_values_become_types() -> None:
    value = {"inners": {"3": {"name": "x", "sizes": [1, 2.5]}}, "last": None}
    assert decode(Outer, value) == Outer({3: Inner("x", (1.0, 2.5))})
    assert decode(Outer, {"inners": {}, "last": Inner("y")}) == Outer({}, Inner("y"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "must be dict, is '\\[\\]'"),
        ({}, "inners is missing"),
        ({"inners": {}, "more": 1}, "more is not known"),
        ({"inners": {"x": {}}}, "inners has the key 'x', which must be a whole number"),
        ({"inners": {"1" * 5000: {}}}, "inners has the key '1+...', which must be a whole number"),
        ({"inners": {"0": {"name": 5}}}, "inners.0.name must be str, is '5'"),
        ({"inners": {"0": {"name": "", "sizes": [True]}}}, r"sizes\[0\] must be int or float"),
    ],
)
def test_values_of_other_types_say_where_they_stand(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        decode(Outer, value)
    assert "\n" not in str(caught.value)
