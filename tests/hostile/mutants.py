"""Seeded mutants of OBJ, MTL, PNG and JPEG files: each a name, and a function that writes it."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

Write = Callable[[Path], None]

NUMBERS = (
    "nan", "-inf", "1e999", "-1.#IND", "1e-999", "1e38", "1e30", "-1e12", "0", "", "abc", "0x10",
    "1,5", "1_0", "--1", "1/", "2147483648", "-9999999999", "99999999999999999999", "1" * 5000,
)  # fmt: skip
LINES = (
    "v", "v 1", "v 1 1 1 1 1 1 1 1 1", "f", "f 1", "f 1 1 1", "f 0 1 2", "f -1 -2 -3",
    "f 1 2 3 4 5 6", "vn 0 0 0", "vn nan nan nan", "l 1 2", "p 1", "o x", "g", "s 1", "usemtl \xff",
    "mtllib /dev/zero", "mtllib " + "x" * 5000, "cstype bezier\ndeg 3\ncurv 0 1 1 2 3 4\nend",
    "call /etc/passwd", "\\",
    "f " + "1 2 3 " * 400, "f " + "1 " * 20_000, "#" * 70_000, "\x00", "v 1 1 1\rv 2 2 2",
)  # fmt: skip


def make_mutant(kind: str, original: bytes, rng: np.random.Generator) -> tuple[str, Write]:
    """A mutant of a file of ``kind`` ("obj", "mtl", "png" or "jpg")."""
    ways = [flip_bits, cut, set_bytes, repeat_part, recode]
    ways += {"png": [edit_png] * 4, "jpg": [edit_jpeg] * 4}.get(kind, [edit_text] * 6)
    way = ways[rng.integers(len(ways))] if rng.random() > 0.08 else None
    if way is None:
        special = SPECIAL[rng.integers(len(SPECIAL))]
        return special.__name__, special
    data = way(original, rng)
    return way.__name__, lambda path: _write(path, data)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


# --- files that are none --------------------------------------------------------------------------


def fifo(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir()


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def loop(path: Path) -> None:
    path.symlink_to(path)


def empty(path: Path) -> None:
    path.touch()


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3 << 30)


SPECIAL = (fifo, folder, device, loop, empty, sparse)


# --- any bytes ------------------------------------------------------------------------------------


def flip_bits(data: bytes, rng: np.random.Generator) -> bytes:
    array = np.frombuffer(data, np.uint8).copy()
    places = rng.integers(0, len(array), 2 ** rng.integers(0, 8))
    array[places] ^= (1 << rng.integers(0, 8, len(places))).astype(np.uint8)
    return array.tobytes()


def cut(data: bytes, rng: np.random.Generator) -> bytes:
    start, end = sorted(rng.integers(0, len(data), 2))
    return (data[:end], data[start:], data[:start] + data[end:])[rng.integers(3)]


def set_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    at = int(rng.integers(0, len(data)))
    value = bytes([rng.choice([0, 1, 10, 32, 127, 128, 255])]) * int(2 ** rng.integers(0, 9))
    return data[:at] + value + data[at + len(value) :]


def repeat_part(data: bytes, rng: np.random.Generator) -> bytes:
    start, end = sorted(rng.integers(0, len(data), 2))
    return data[:end] + data[start:end] * int(rng.integers(1, 20)) + data[end:]


def recode(data: bytes, rng: np.random.Generator) -> bytes:
    text = data.decode("latin-1")
    kind = ("utf-16", "utf-32", "utf-8-sig", "utf-8")[rng.integers(4)]
    return text.encode(kind)


# --- text -----------------------------------------------------------------------------------------


def edit_text(data: bytes, rng: np.random.Generator) -> bytes:
    """Changes a few lines: a number, a word, a line more or less, or where they stand."""
    lines = data.decode("latin-1").split("\n")
    for _ in range(2 ** rng.integers(0, 5)):
        at = int(rng.integers(0, len(lines)))
        fields = lines[at].split(" ")
        change = rng.integers(6)
        if change == 0:
            fields[rng.integers(0, len(fields))] = NUMBERS[rng.integers(len(NUMBERS))]
            lines[at] = " ".join(fields)
        elif change == 1:
            lines[at] = LINES[rng.integers(len(LINES))]
        elif change == 2:
            lines.insert(at, LINES[rng.integers(len(LINES))])
        elif change == 3:
            del lines[at]
            lines = lines or [""]
        elif change == 4:
            other = int(rng.integers(0, len(lines)))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            lines[at] = " ".join(fields[: rng.integers(0, len(fields) + 1)])
    return "\n".join(lines).encode("latin-1")


# --- images ---------------------------------------------------------------------------------------


def edit_png(data: bytes, rng: np.random.Generator) -> bytes:
    """Changes, drops, doubles or swaps chunks, with checksums that are right."""
    chunks, at = [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append(bytearray(data[at + 4 : at + 8 + length]))
        at += length + 12
    at, change = int(rng.integers(0, len(chunks))), rng.integers(6)
    if change == 0:
        del chunks[at]
    elif change == 1:
        chunks.insert(at, chunks[rng.integers(0, len(chunks))])
    elif change == 2:
        chunks[at][4:] = zlib.compress(bytes(int(2 ** rng.integers(0, 24))))
    elif change == 3:
        field, bits = int(rng.integers(0, 2)), int(rng.integers(0, 32))
        chunks[0][4 + 4 * field : 8 + 4 * field] = struct.pack(">I", 1 << bits)
    elif change == 4:
        chunks[0][12 + rng.integers(0, 5)] = rng.integers(0, 256)
    else:
        body = chunks[at]
        body[rng.integers(0, len(body))] ^= 1 << rng.integers(0, 8)
    return data[:8] + b"".join(
        struct.pack(">I", len(c) - 4) + bytes(c) + struct.pack(">I", zlib.crc32(c)) for c in chunks
    )


def edit_jpeg(data: bytes, rng: np.random.Generator) -> bytes:
    """Changes a byte of a header segment, which checks by structure do not see."""
    header = data.index(b"\xff\xda") + 12
    frame = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    start, end = (2, header) if rng.random() < 0.3 else (frame + 4, frame + 19)
    array = bytearray(data)
    for _ in range(rng.integers(1, 3)):
        value = rng.choice([0, 1, 2, 9, 0x11, 0x55, 0x80, 255])
        array[rng.integers(start, end)] = value
    return bytes(array)


# --- what keeps the meaning -----------------------------------------------------------------------


def restate(data: bytes, rng: np.random.Generator) -> bytes:
    """The same model in other words: white space, comments, objects, groups, relative indexes."""
    lines = data.decode("ascii").splitlines()
    end = ("\n", "\r\n", " \n", "\n\n")[rng.integers(4)]
    blank = (" ", "  ", "\t")[rng.integers(3)]
    is_split, is_relative = rng.random() < 0.7, rng.random() < 0.3
    extra = ("o part{}", "g part{}", "s {}", "usemtl m{}", "# {}", "vt 0.{} 0.5")
    totals, written = dict.fromkeys(("v", "vn"), 0), []
    for line in lines:
        word, *fields = line.split() or [""]
        totals[word] = totals.get(word, 0) + 1
        if is_split and word == "f" and rng.random() < 0.2:
            written.append(extra[rng.integers(len(extra))].format(len(written)))
        if is_relative and word == "f":
            fields = [_to_relative(field, totals) for field in fields]
        indent = blank if rng.random() < 0.05 else ""
        written.append(indent + blank.join([word, *fields]))
    return (end.join(written) + end).encode()


def shuffle(data: bytes, rng: np.random.Generator) -> bytes:
    """The same model with its vertices or its faces, or both, in another order."""
    lines = data.decode("ascii").splitlines()
    vertices = [k for k, line in enumerate(lines) if line.startswith("v ")]
    faces = [k for k, line in enumerate(lines) if line.startswith("f ")]
    which = rng.integers(3)
    if which != 0:
        order = rng.permutation(len(vertices))
        new_number = {str(old + 1): str(new + 1) for new, old in enumerate(order)}
        old_lines = [lines[k] for k in vertices]
        for k, old in zip(vertices, order, strict=True):
            lines[k] = old_lines[old]
        for k in faces:
            corners = [corner.partition("/") for corner in lines[k].split()[1:]]
            lines[k] = " ".join(["f", *(new_number[v] + s + rest for v, s, rest in corners)])
    if which != 1:
        old_lines = [lines[k] for k in faces]
        for k, old in zip(faces, rng.permutation(len(faces)), strict=True):
            lines[k] = old_lines[old]
    return ("\n".join(lines) + "\n").encode()


def double(data: bytes, rng: np.random.Generator) -> bytes:
    """Adds some faces again, turned the other way round or begun at another corner."""
    lines = data.decode("ascii").splitlines()
    for corners in [line.split()[1:] for line in lines if line.startswith("f ")]:
        change = rng.integers(6)
        if change < 2:
            again = corners[::-1] if change else corners[1:] + corners[:1]
            lines.append(" ".join(["f", *again]))
    return ("\n".join(lines) + "\n").encode()


def _to_relative(corner: str, totals: dict[str, int]) -> str:
    parts = corner.split("/")
    counts = (totals["v"], totals.get("vt", 0), totals["vn"])
    return "/".join(
        str(int(part) - 1 - count) if part else ""
        for part, count in zip(parts, counts, strict=False)
    )
