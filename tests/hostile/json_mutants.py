"""Seeded mutants of JSON: of a file, and of values for files that hold JSON among other things."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

Rng = np.random.Generator

RAW = "\0raw{}\0"
RAWS = ("NaN", "Infinity", "-1e999", "1e308", "-0.0", "1" + "0" * 400, "9" * 5000, "{,}", "'x'",
        "[" * 5000, '{"a": 1, "a": 2}', r'"\ud800"', r'"\u0000"')  # fmt: skip
"""What stands in the text as it is."""

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 255, 2**31, -(2**63), 2**63 - 1, 2**63, 10**9),
    *(1e30, -1e9, 1e-300, "", "x", "nope", "..", "../../etc/passwd", "/dev/zero"),
    *("a" * 300, "a\nb", "\x1b[2J", "\u202e"),
    *("\ud800", "a\0b", "<script>", "|", "1e5", "random", "viewpoint", "class", "nan", "0" * 64),
    *([], {}, [None], [[]], [0] * 3, [1e9] * 3, {"x": 1}, {"": []}, [[[[[[[[]]]]]]]]),
    *([float(k) for k in range(16)], [[0.0] * 3] * 3, {"0": {}}, [{"a": "b"}], [True, "x", 5]),
)  # fmt: skip


def mutate_json(path: Path, rng: Rng) -> str:
    """Changes one to three values, or the names that they have."""
    values = json.loads(path.read_text())
    raws: list[str] = []
    ways = []
    for _ in range(rng.integers(1, 4)):
        places = list(walk(values))
        if not places:
            break
        parent, key = places[rng.integers(len(places))]
        ways.append(edit_json(parent, key, rng, raws))
    replace(path, encode_json(values, raws))
    return " ".join(ways)


def encode_json(values: Any, raws: list[str]) -> bytes:
    """The text of values, with what `edit_json` wants to stand there as it is."""
    text = json.dumps(values)
    for k, raw in enumerate(raws):
        text = text.replace(json.dumps(RAW.format(k)), raw)
    return text.encode()


def walk(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place below a value: its list or dictionary, and its place there."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from walk(value[key])


def edit_json(parent: Any, key: Any, rng: Rng, raws: list[str]) -> str:
    change = rng.integers(8)
    if change < 3:
        parent[key] = copy.deepcopy(VALUES[rng.integers(len(VALUES))])
        return f"{key} = {str(parent[key])[:20]!r}"
    if change == 3:
        raws.append(RAWS[rng.integers(len(RAWS))])
        parent[key] = RAW.format(len(raws) - 1)
        return f"{key} = {raws[-1][:20]}"
    if change == 4:
        del parent[key]
        return f"no {key}"
    if change == 5 and isinstance(parent, dict):
        name = str(VALUES[rng.integers(len(VALUES))])
        parent[name] = parent.pop(key)
        return f"{key} -> {name[:20]!r}"
    if change == 6:
        others = list(parent) if isinstance(parent, dict) else range(len(parent))
        other = list(others)[rng.integers(len(others))]
        parent[key], parent[other] = parent[other], parent[key]
        return f"{key} <-> {other}"
    value = parent[key]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        others = (value + 1, -value, value * 1000, value / 3, int(value) + 0.5)
        parent[key] = others[rng.integers(len(others))]
    elif isinstance(value, list):
        parent[key] = value[1:] if rng.random() < 0.5 else value * 2
    else:
        parent[key] = [value]
    return f"{key}: {str(parent[key])[:20]}"


def replace(path: Path, data: bytes) -> None:
    """Writes a new file: the old one may be linked elsewhere."""
    path.unlink()
    path.write_bytes(data)
