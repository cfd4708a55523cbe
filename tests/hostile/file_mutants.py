"""Seeded mutants of the files that we read besides OBJ: by what they are, or any bytes of them.

Each function changes a copy of a file in place and returns the name of the way.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.hostile.environment_mutants import mutate_exr, mutate_hdr
from tests.hostile.json_mutants import edit_json, mutate_json, replace, walk
from tests.hostile.model_mutants import mutate_gltf, mutate_obj, mutate_ply, mutate_stl
from tests.hostile.mutants import SPECIAL, cut, edit_png, flip_bits, recode, repeat_part, set_bytes
from tests.hostile.zip_mutants import mutate_zip

Rng = np.random.Generator
Mutate = Callable[[Path, Rng], str]


def mutate_bytes(path: Path, rng: Rng) -> str:
    way = (flip_bits, cut, set_bytes, repeat_part)[rng.integers(4)]
    data = path.read_bytes()
    replace(path, way(data, rng) if len(data) > 1 else b"\0")
    return way.__name__


def mutate_special(path: Path, rng: Rng) -> str:
    """What is no file, or none of ours."""
    special = SPECIAL[rng.integers(len(SPECIAL))]
    path.unlink()
    special(path)
    return special.__name__


# --- npy ------------------------------------------------------------------------------------------


def mutate_npy(path: Path, rng: Rng) -> str:
    """Changes the header, or a field of the rows."""
    data = path.read_bytes()
    if rng.random() < 0.5:
        start = 10 + int.from_bytes(data[8:10], "little")
        header = data[10:start].decode("latin-1").rstrip()
        old, new = HEADERS[rng.integers(len(HEADERS))]
        header = header.replace(old, new, 1) if old in header else new
        body = header.encode("latin-1") + b" " * (-(11 + len(header)) % 64) + b"\n"
        replace(path, data[:8] + struct.pack("<H", len(body) & 0xFFFF) + body + data[start:])
        return f"header {new[:20]!r}"
    array = np.load(path)
    names = array.dtype.names or ()
    name = names[rng.integers(len(names))] if names else ""
    values = array[name] if name else array
    value = HOSTILE[values.dtype.kind][rng.integers(len(HOSTILE[values.dtype.kind]))]
    if values.size:
        values.reshape(-1)[rng.integers(values.size)] = value
        if rng.random() < 0.3:
            values[...] = value
    path.unlink()
    np.save(path, array)
    return f"{name} = {str(value)[:20]!r}"


HEADERS = (
    ("(", "(10**9,"), ("(", "(100000000000"), ("(", "(-"), ("(", "("), ("False", "True"),
    ("<i8", "|O"), ("<i8", ">i8"), ("<f8", "<f4"), ("|u1", "<u8"), ("<U64", "<U1000000000"),
    ("descr", "shape"), ("{", "{" * 500), ("'", '"'), ("", "__import__('os').abort()"),
    ("<i8", "|V0"), ("}", ""),
)  # fmt: skip
HOSTILE: dict[str, tuple[Any, ...]] = {
    "i": (-1, -2, 0, 1, 10**6, 2**31, 2**62, -(2**63)),
    "u": (0, 255),
    "f": (np.nan, np.inf, -np.inf, 1e308, -1e9, 0.0, 1e-300),
    "U": ("", "..", "../../x", "a\0b", "\ud800", "\n", "\u202e", "nope", "\U0010ffff", "x" * 64),
    "b": (True, False),
}

# --- HDF5 -----------------------------------------------------------------------------------------


def mutate_hdf5(path: Path, rng: Rng) -> str:
    """Changes an attribute, a field, a value or a stored PNG."""
    replace(path, path.read_bytes())
    way = (edit_attribute, edit_field, edit_value, edit_stored_png)[rng.integers(4)]
    with h5py.File(path, "r+") as file:
        return way(file, rng)


ATTRIBUTES: tuple[Any, ...] = (
    *(0, 1, -1, 5, 10**9, 2**62, 1.5, np.nan, "", "x", "rgb", "\u202e", True, b"\xff", [1, 2, 3]),
    *([], [0, 0, 0], [[1.0] * 3] * 3, np.zeros((4, 4)), np.full((3, 3), np.inf), "{}", "[" * 5000),
)


def edit_attribute(file: h5py.File, rng: Rng) -> str:
    holders = [file, *(item for item in file.values() if len(item.attrs))]
    holder = holders[0 if rng.random() < 0.7 else rng.integers(len(holders))]
    names = sorted(holder.attrs)
    name = names[rng.integers(len(names))]
    if name == "dataset" and rng.random() < 0.8:
        values = json.loads(holder.attrs[name])
        parent, key = (places := list(walk(values)))[rng.integers(len(places))]
        way = edit_json(parent, key, rng, [])
        holder.attrs[name] = json.dumps(values)
        return f"dataset {way}"
    if rng.random() < 0.2:
        del holder.attrs[name]
        return f"no {name}"
    value = ATTRIBUTES[rng.integers(len(ATTRIBUTES))]
    holder.attrs[name] = value
    return f"{name} = {str(value)[:20]!r}"


FIELD_CHANGES = ("gone", "a group", "a link", "a link to a device", "a number", "another shape")
FIELD_CHANGES += ("another type", "nothing written", "huge", "text", "another field")


def edit_field(file: h5py.File, rng: Rng) -> str:
    names = sorted(file)
    name = names[rng.integers(len(names))]
    field = file[name]
    shape, dtype = field.shape, field.dtype
    del file[name]
    change = rng.integers(len(FIELD_CHANGES))
    if change == 1:
        file.create_group(name)
    elif change == 2:
        file[name] = h5py.SoftLink(f"/{names[rng.integers(len(names))]}")
    elif change == 3:
        file[name] = h5py.ExternalLink("/dev/zero", name)
    elif change == 4:
        file.create_dataset(name, data=5)
    elif change == 5:
        file.create_dataset(name, (*shape[:-1], shape[-1] + 1), dtype)
    elif change == 6:
        file.create_dataset(name, shape, "f4" if dtype.kind == "f" else "i2")
    elif change == 7:
        file.create_dataset(name, shape, dtype)  # nothing is written
    elif change == 8:
        file.create_dataset(name, (10**12, *shape[1:]), dtype, chunks=True)
    elif change == 9:
        file.create_dataset(name, shape, h5py.string_dtype())
    elif change == 10:
        file[name] = file[names[0] if names[0] != name else names[1]]
    return f"{name} {FIELD_CHANGES[change]}"


def edit_value(file: h5py.File, rng: Rng) -> str:
    names = sorted(name for name, field in file.items() if field.size)
    name = names[rng.integers(len(names))]
    field = file[name]
    row = int(rng.integers(len(field)))
    if h5py.check_vlen_dtype(field.dtype) == np.uint8:
        field[row] = rng.integers(0, 256, int(rng.integers(0, 100))).astype(np.uint8)
        return f"{name}[{row}] noise"
    kind = "U" if field.dtype.kind in "OS" else field.dtype.kind
    values = [v for v in HOSTILE[kind] if v not in ("\ud800", "a\0b")]
    value = values[rng.integers(len(values))]
    if kind in "iu":
        info = np.iinfo(field.dtype)
        value = int(np.clip(value, info.min, info.max))
    if field.dtype.kind == "S":
        value = value.encode()[: field.dtype.itemsize]
    values = np.array(field[row])
    with np.errstate(over="ignore"):
        values.reshape(-1)[rng.integers(values.size)] = value
        field[row] = values
    return f"{name}[{row}] = {str(value)[:20]!r}"


def edit_stored_png(file: h5py.File, rng: Rng) -> str:
    names = sorted(name for name in file if name.startswith("png_"))
    if not names:
        return edit_value(file, rng)
    name = names[rng.integers(len(names))]
    row = int(rng.integers(len(file[name])))
    png = file[name][row].tobytes()
    if rng.random() < 0.5:  # a bit of the size or kind, and a checksum that is right
        header = bytearray(png[12:29])
        header[4 + rng.integers(13)] ^= 1 << rng.integers(8)
        png = png[:12] + bytes(header) + struct.pack(">I", zlib.crc32(header)) + png[33:]
    else:
        png = edit_png(png, rng)
    file[name][row] = np.frombuffer(png, np.uint8)
    return f"{name}[{row}] PNG"


# --- gin ------------------------------------------------------------------------------------------

GIN_VALUES = (
    "1e999", "-1", "0", "None", "True", "...", "'nope'", "'a\\0b'", "'\\ud800'", "[]", "{}", "()",
    "b'x'", "1j", "{1}", "{[]: 1}", "('nope',)", "['class', 'class']", "{'azimuth': 0.5}",
    "{'class': 5}", "{'nope': [1]}", "{'azimuth': [[[]]]}", "{'color': ['x']}",
    "{'test': {'class': 1}}", "'twins'", "['grid', 'causal']", "('class', 'azimuth')",
    "[{'class': 0}]", "[{'class': 0, 'azimuth': 9}]", "{'class': ['azimuth']}",
    "{'class': [[1, 2]]}", "{'azimuth': (1, 0)}", "{'scale': (0.5, 1)}", "0x" + "f" * 100_000,
    "1" * 100_000, "'" + "x" * 100_000 + "'", "[" * 3000, "(1, 2", "@x()", "%x", "1 if 1 else 2",
    "\x00", "'\\N{BELL}'", "10**10", "-'a'", "[1e308] * 9", "{'class': 2, 'azimuth': 2}",
)  # fmt: skip
GIN_LINES = (
    "include '/dev/zero'", "include 'config.gin'", "include 'a\\0b'",
    "include '" + "x" * 5000 + "'", "import os", "nope.x = 1", "batch.nope = 1",
    "a/batch.seed = 1", "batch.seed", "= 3", "\\",
    "@a.b = 1", "batch:", "  seed = 5", '"""', "#" * 100_000, "\x1b[2J", "x" * 100_000,
    "design.kind = 'grid'", "design.kind = ['twins', 'shortcut']", "design.kind = 'causal'",
    "design.kind = 'holdout'", "design.kind = 'one_at_a_time'",
)  # fmt: skip


def mutate_gin(path: Path, rng: Rng) -> str:
    lines = path.read_text().split("\n")
    ways = []
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(len(lines)))
        bound = [k for k, line in enumerate(lines) if " = " in line]
        if bound and rng.random() < 0.6:
            own = [k for k in bound if lines[k].startswith("design.")]
            at = (own if own and rng.random() < 0.5 else bound)[
                rng.integers(len(own or bound)) % len(own or bound)
            ]
            value = GIN_VALUES[rng.integers(len(GIN_VALUES))]
            lines[at] = f"{lines[at].partition(' = ')[0]} = {value}"
        else:
            lines.insert(at, GIN_LINES[rng.integers(len(GIN_LINES))])
        ways.append(lines[at][:40])
    text = "\n".join(lines)
    replace(path, text.encode("utf-8", "surrogatepass"))
    return "; ".join(ways)


# --- images ---------------------------------------------------------------------------------------


def mutate_png(path: Path, rng: Rng) -> str:
    replace(path, edit_png(path.read_bytes(), rng))
    return "PNG"


MUTATE: dict[str, Mutate] = {
    ".json": mutate_json,
    ".npy": mutate_npy,
    ".h5": mutate_hdf5,
    ".gin": mutate_gin,
    ".png": mutate_png,
    ".glb": mutate_gltf,
    ".gltf": mutate_gltf,
    ".ply": mutate_ply,
    ".stl": mutate_stl,
    ".zip": mutate_zip,
    ".obj": mutate_obj,
    ".mtl": mutate_obj,
    ".hdr": mutate_hdr,
    ".exr": mutate_exr,
}


def mutate(path: Path, rng: Rng) -> str:
    """Makes a mutant of a file, by what it is more often than by its bytes."""
    choice = rng.random()
    if choice < 0.05:
        return mutate_special(path, rng)
    if choice < 0.2 or path.suffix not in MUTATE:
        return mutate_bytes(path, rng)
    if choice < 0.23 and path.suffix in (".json", ".gin", ".gltf"):
        replace(path, recode(path.read_bytes(), rng))
        return "recode"
    return MUTATE[path.suffix](path, rng)
