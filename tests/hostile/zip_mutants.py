"""Seeded mutants of zip archives: names, sizes and kinds of members, bombs, ways to pack.

Each function changes a copy of an archive in place and returns the name of the way.
"""

from __future__ import annotations

import functools
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.hostile.json_mutants import replace
from tests.hostile.model_mutants import pick

Rng = np.random.Generator
Files = dict[str, bytes]

NAMES = (
    "../x.obj", "../../../../tmp/escaped.obj", "/etc/passwd", "/tmp/escaped.obj", "C:\\x.obj",
    "..\\x.obj", "a/../../x.obj", "./x.obj", "c//x.obj", "c/./x.obj", "c/x.obj/", "", "/", "..",
    "c", "c/x.obj/y.obj", "c/\x1b[2J.obj", "c/\u202ejbo.x", "c/" + "x" * 60_000 + ".obj",
    "a/" * 30_000 + "x.obj", "a/" * 200 + "x.obj", "c/x\ny.obj", "c/x.obj.zip", "c/é.obj",
    "c/CON.obj", ".hidden/x.obj", "models.csv", "taxonomy.json", "02691156/m/models/x.obj",
    "meshes/model.obj", "__MACOSX/c/._m0.obj", "c/a b.obj", "c/'x\".obj", "c/{x}.obj", "c/%s.obj",
)  # fmt: skip
KINDS = (stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFDIR, stat.S_IFSOCK, 0)
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
LOCAL, DIRECTORY, END, END64 = b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\6"
FIELDS = {
    LOCAL: ((4, "H"), (6, "H"), (8, "H"), (14, "I"), (18, "I"), (22, "I"), (26, "H"), (28, "H")),
    DIRECTORY: (
        *((4, "H"), (6, "H"), (8, "H"), (10, "H"), (16, "I"), (20, "I"), (24, "I"), (28, "H")),
        *((30, "H"), (32, "H"), (34, "H"), (38, "I"), (42, "I")),
    ),
    END: ((4, "H"), (6, "H"), (8, "H"), (10, "H"), (12, "I"), (16, "I"), (20, "H")),
}
"""Of each record: places of its fields, and their types."""

BOMB_BYTES, BLOCK_BYTES = 320 << 20, 1 << 20


def mutate_zip(path: Path, rng: Rng) -> str:
    """A mutant of an archive."""
    with zipfile.ZipFile(path) as archive:
        files = {info.filename: archive.read(info) for info in archive.infolist()}
    way = pick((*[edit_fields] * 5, *[edit_names] * 3, edit_kinds, edit_methods, nest, overlap,
                bomb, edit_zip64, surround), rng)  # fmt: skip
    replace(path, way(files, rng))
    return way.__name__


def pack(files: Files, describe: Callable[[zipfile.ZipInfo], object] = lambda info: None) -> bytes:
    """An archive of files; ``describe`` changes what it says of each."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo("x")
            info.filename, info.compress_type = name, zipfile.ZIP_DEFLATED
            describe(info)
            archive.writestr(info, content)
    return data.getvalue()


def edit_fields(files: Files, rng: Rng) -> bytes:
    """Values of some records."""
    data = bytearray(pack(files))
    for _ in range(int(rng.integers(1, 4))):
        kind = pick((LOCAL, DIRECTORY, DIRECTORY, DIRECTORY, END), rng)
        places = find_all(data, kind)
        if not places:
            break
        offset, form = pick(FIELDS[kind], rng)
        place = int(pick(places, rng)) + offset
        size = struct.calcsize(form)
        old = int.from_bytes(data[place : place + size], "little")
        most = (1 << 8 * size) - 1
        value = pick(
            (0, 1, 8, 9, most, most - 1, most >> 1, old + 1, old - 1, old * 2, 1 << 20), rng
        )
        data[place : place + size] = (int(value) & most).to_bytes(size, "little")
    return bytes(data)


def find_all(data: bytes | bytearray, part: bytes) -> list[int]:
    """Places of a part."""
    places, place = [], data.find(part)
    while place >= 0:
        places.append(place)
        place = data.find(part, place + 1)
    return places


def edit_names(files: Files, rng: Rng) -> bytes:
    """Names that lead elsewhere, stand there twice, or are no names."""
    named = []
    for name, content in files.items():
        if rng.random() < 0.4:
            named.append((pick((*NAMES, *files), rng), content))
        else:
            named.append((name, content))
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in named:
            info = zipfile.ZipInfo("x")
            info.filename = name
            archive.NameToInfo.clear()  # else it warns of a name that stands there twice
            archive.writestr(info, content)
    raw = data.getvalue()
    return raw.replace(b"c/a b.obj", b"c/a\0b.obj") if rng.random() < 0.3 else raw


def edit_kinds(files: Files, rng: Rng) -> bytes:
    """Links, pipes, devices, folders, and members that are encrypted."""

    def describe(info: zipfile.ZipInfo) -> None:
        if rng.random() < 0.5:
            info.external_attr = (int(pick(KINDS, rng)) | 0o777) << 16

    data = bytearray(pack({n: pick((c, b"/etc/passwd"), rng) for n, c in files.items()}, describe))
    for place in find_all(data, DIRECTORY):
        if rng.random() < 0.3:
            data[place + 8] |= int(pick((1, 0x40, 0x20, 8), rng))
    return bytes(data)


def edit_methods(files: Files, rng: Rng) -> bytes:
    """Other ways to pack than are read."""

    def describe(info: zipfile.ZipInfo) -> None:
        info.compress_type = int(pick(METHODS, rng))

    return pack(files, describe)


def nest(files: Files, rng: Rng) -> bytes:
    """Archives in archives."""
    data = pack(files)
    for depth in range(int(rng.integers(1, 30))):
        name = pick((f"inner{depth}.zip", "02691156.zip", "c/m0.zip", "set.zip"), rng)
        data = pack({name: data, **(files if rng.random() < 0.2 else {})})
    return data


def overlap(files: Files, rng: Rng) -> bytes:
    """Many names of one content, or of a part of another."""
    data = pack(files)
    place, end = data.index(DIRECTORY), data.rindex(END)
    records = [record for record in data[place:end].split(DIRECTORY) if record]
    first = data.index(LOCAL)
    made = []
    for k in range(int(pick((3, 50, 3000), rng))):
        record = bytearray(DIRECTORY + records[k % len(records)])
        if record.startswith(DIRECTORY) and len(record) > 46 + 4:
            name = f"c/m{k:04d}.obj".encode()
            length = int.from_bytes(record[28:30], "little")
            record[46 : 46 + length] = name
            record[28:30] = len(name).to_bytes(2, "little")
            offset = int(pick((first, first + 1, first + 30, place, 0), rng))
            record[42:46] = offset.to_bytes(4, "little")
        made.append(bytes(record))
    body = b"".join(made)
    tail = bytearray(data[end:])
    struct.pack_into("<HHII", tail, 8, len(made), len(made), len(body), place)
    return data[:place] + body + bytes(tail)


def bomb(files: Files, rng: Rng) -> bytes:
    """A little that unpacks to much, whether it says so or not."""
    name = pick(list(files), rng)
    size = int(pick((BOMB_BYTES, BOMB_BYTES // 4, BOMB_BYTES // 64), rng))
    packed, crc = pack_bomb(pick((b"\0", b"v 0 0 0\n", b"f 1 2 3\n", b"x"), rng), size)
    data = bytearray(pack({**files, name: packed}, lambda info: setattr(info, "compress_type", 0)))
    for kind, method, place_crc, place_size in ((LOCAL, 8, 14, 22), (DIRECTORY, 10, 16, 24)):
        place = next(p for p in find_all(data, kind) if get_name(data, kind, p) == name.encode())
        said = size if rng.random() < 0.4 else pick((0, 1, 100, 1 << 20, 1 << 28), rng)
        struct.pack_into("<H", data, place + method, zipfile.ZIP_DEFLATED)
        struct.pack_into("<I", data, place + place_crc, crc)
        struct.pack_into("<I", data, place + place_size, said)
    return bytes(data)


def get_name(data: bytearray, kind: bytes, place: int) -> bytes:
    """Of the member that a record describes."""
    start, length = (30, 26) if kind == LOCAL else (46, 28)
    size = int.from_bytes(data[place + length : place + length + 2], "little")
    return bytes(data[place + start : place + start + size])


@functools.cache
def pack_bomb(fill: bytes, size: int) -> tuple[bytes, int]:
    """Deflated bytes of a size, and their checksum."""
    packer, crc = zlib.compressobj(wbits=-15), 0
    block, parts = fill * (BLOCK_BYTES // len(fill)), []
    for _ in range(size // BLOCK_BYTES):
        parts.append(packer.compress(block))
        crc = zlib.crc32(block, crc)
    return b"".join([*parts, packer.flush()]), crc


def edit_zip64(files: Files, rng: Rng) -> bytes:
    """Sizes and places of 64 bits, which are right or beyond all."""
    big = tuple(int(v) for v in (0, 1, 100, 1 << 32, 1 << 40, (1 << 63) - 1, (1 << 64) - 1))

    def describe(info: zipfile.ZipInfo) -> None:
        if rng.random() < 0.7:
            values = [int(pick(big, rng)) for _ in range(int(rng.integers(0, 5)))]
            body = struct.pack(f"<{len(values)}Q", *values)
            info.extra = struct.pack("<HH", 1, int(pick((len(body), len(body) + 8, 0), rng))) + body

    data = bytearray(pack(files, describe))
    for place in find_all(data, DIRECTORY):
        for offset in (20, 24, 42):
            if rng.random() < 0.3:
                data[place + offset : place + offset + 4] = b"\xff" * 4
    end = data.rindex(END)
    if rng.random() < 0.5:
        size, start = struct.unpack_from("<II", data, end + 12)
        values = [
            v if rng.random() < 0.6 else int(pick(big, rng)) for v in (len(files), size, start)
        ]
        record = struct.pack("<4sQHHIIQQQQ", END64, 44, 45, 45, 0, 0, values[0], *values)
        locator = struct.pack("<4sIQI", b"PK\6\7", 0, int(pick((end, end, *big), rng)), 1)
        tail = bytearray(data[end:])
        struct.pack_into("<HHII", tail, 8, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
        return bytes(data[:end] + record + locator + tail)
    return bytes(data)


def surround(files: Files, rng: Rng) -> bytes:
    """Something before or behind it, as in archives that unpack themselves, or a long comment."""
    data = pack(files)
    noise = pick((b"#!/bin/sh\n", bytes(70_000), rng.bytes(1000), END * 20, DIRECTORY * 20), rng)
    comment = bytearray(data)
    comment[-2:] = (60_000).to_bytes(2, "little")
    return pick((noise + data, data + noise, bytes(comment) + bytes(60_000), data + data), rng)
