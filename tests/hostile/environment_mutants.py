"""Seeded mutants of HDR and EXR files: headers, sizes, run lengths, places of chunks, pixels.

Each function changes a copy of a file in place and returns the name of the way.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenEXR

from synrender.images.radiance import encode_radiance
from tests.hostile.json_mutants import replace
from tests.hostile.model_mutants import edit_floats, pick

Rng = np.random.Generator

HEIGHT, WIDTH = 16, 32


def write_environments(root: Path) -> None:
    """A folder of HDR and one of EXR files, as `run_file_mutants.ENVIRONMENT_FILES` names them."""
    rng = np.random.Generator(np.random.PCG64(8))
    image = rng.uniform(0.1, 0.9, (HEIGHT, WIDTH, 3)).astype(np.float32)  # nowhere magenta
    image[4:8] = 0.5
    for kind in ("hdr", "exr"):
        (root / kind).mkdir(parents=True)
    (root / "hdr" / "today.hdr").write_bytes(encode_radiance(image))
    (root / "hdr" / "old.hdr").write_bytes(encode_old(image))
    for name, compression in EXR_KINDS.items():
        header = {"compression": compression, "type": OpenEXR.scanlineimage}
        pixels = image.astype("f2") if name in ("zip", "piz") else image
        channels = {"RGB": OpenEXR.Channel("RGB", pixels)}
        OpenEXR.File(header, channels).write(str(root / "exr" / f"{name}.exr"))
    for kind in ("hdr", "exr"):
        (root / kind / "good.hdr").write_bytes(encode_radiance(image))


EXR_KINDS = {
    "plain": OpenEXR.NO_COMPRESSION, "zip": OpenEXR.ZIP_COMPRESSION, "piz": OpenEXR.PIZ_COMPRESSION,
    "dwaa": OpenEXR.DWAA_COMPRESSION,
}  # fmt: skip


def encode_old(image: np.ndarray) -> bytes:
    """Pixels as they are, with a repeated one in each line."""
    pixels = np.concatenate([image * 255, np.full((*image.shape[:2], 1), 128)], axis=2)
    lines = pixels.astype(np.uint8)
    lines[:, [9, 12]] = (1, 1, 1, 1)
    head = f"#?RADIANCE\n# text\nFORMAT=32-bit_rle_rgbe\n\n-Y {HEIGHT} +X {WIDTH}\n"
    return head.encode() + lines.tobytes()


# --- HDR ------------------------------------------------------------------------------------------

SIZES = (
    "-Y 0 +X 0", "-Y -16 +X -32", "+Y 16 +X 32", "-X 32 +Y 16", "-Y 16 +X 33", "-Y 99999 +X 199998",
    "-Y 16 +X 32 ", "-Y 1 +X 2", "-Y 20000 +X 40000", "-Y 4096 +X 8192", "-Y 16", "", "-Y 8 +X 16",
    "-Y 32 +X 64", "-Y 2147483647 +X 2147483647", "-Y 16 +X " + "9" * 4000, "-Y 1e1 +X 2e1",
    "-Y nan +X nan", "-Y  16  +X  32", "-Y 16 +X 32\r", "-Y 16384 +X 32767",
)  # fmt: skip
HDR_LINES = (
    "FORMAT=32-bit_rle_xyze", "FORMAT=", "FORMAT=32-bit_rle_rgbe", "EXPOSURE=0", "EXPOSURE=1e30",
    "EXPOSURE=nan", "GAMMA=0", "COLORCORR=1 1", "PRIMARIES=0 0 0 0 0 0 0 0", "PIXASPECT=0", "",
    "x" * 70_000, "\0", "#" * 3000, "SOFTWARE=%s%n", "VIEW=\x1b[2J",
)  # fmt: skip


def mutate_hdr(path: Path, rng: Rng) -> str:
    """Of its header, of its marks and run lengths, or of exponents."""
    data = path.read_bytes()
    way = pick((edit_hdr_header, edit_size, edit_runs, edit_runs, repeat_pixels), rng)
    replace(path, way(data, rng))
    return way.__name__


def edit_hdr_header(data: bytes, rng: Rng) -> bytes:
    head, _, body = data.partition(b"\n\n")
    lines = head.split(b"\n")
    at = int(rng.integers(len(lines)))
    lines[at : at + int(rng.integers(2))] = [pick(HDR_LINES, rng).encode()]
    return b"\n".join(lines) + pick((b"\n\n", b"\n\n", b"\n", b"\r\n\r\n", b""), rng) + body


def edit_size(data: bytes, rng: Rng) -> bytes:
    return re.sub(rb"-Y \d+ \+X \d+", lambda _: pick(SIZES, rng).encode(), data, count=1)


def find_pixels(data: bytes) -> int:
    """Where the pixels begin."""
    return data.index(b"\n", data.index(b"\n\n") + 2) + 1


def edit_runs(data: bytes, rng: Rng) -> bytes:
    """Counts, marks and exponents: any bytes behind the header."""
    start, changed = find_pixels(data), bytearray(data)
    marks = [m.start() for m in re.finditer(re.escape(bytes((2, 2, 0, WIDTH))), data)]
    for _ in range(2 ** int(rng.integers(0, 6))):
        place = start + int(rng.integers(len(data) - start))
        if marks and rng.random() < 0.3:
            place = int(pick(marks, rng)) + int(rng.integers(6))
        changed[place] = int(pick((0, 1, 2, 127, 128, 129, 254, 255, 160, 161), rng))
    return bytes(changed)


def repeat_pixels(data: bytes, rng: Rng) -> bytes:
    """Run lengths of old, in which each pixel after the first multiplies by 256."""
    start = find_pixels(data)
    place = start + 4 * int(rng.integers(max(1, (len(data) - start) // 4)))
    pixels = b"".join(bytes((1, 1, 1, int(pick((0, 1, 2, 31, 255), rng)))) for _ in range(5))
    end = place + int(pick((0, 4, 8, 128), rng))
    return data[:place] + pixels[: 4 * int(rng.integers(1, 6))] + data[end:]


# --- EXR ------------------------------------------------------------------------------------------

INT32 = (0, 1, -1, 15, 16, 31, 32, 33, 63, 255, 8191, 40_000, 2**20, 2**31 - 1, -(2**31), -(2**30))
OFFSETS = (0, 1, 8, 300, 2**16, 2**31, 2**32, 2**40, 2**63 - 1, 2**64 - 1)
FLAGS = (0x200, 0x400, 0x800, 0x1000, 0x2000, 0x80000000, 0xA00, 0x1A00)


@dataclass
class _Exr:
    """The parts of a file of one part."""

    version: int
    attributes: list[tuple[bytes, bytes, bytes]]  # name, type, value
    offsets: list[int]
    chunks: list[bytes]  # line, size and content

    def encode(self, *, has_old_offsets: bool) -> bytes:
        head = io.BytesIO()
        head.write(b"v/1\x01" + struct.pack("<I", self.version))
        for name, kind, value in self.attributes:
            head.write(name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value)
        head.write(b"\0")
        offsets = self.offsets
        if not has_old_offsets:
            start = head.tell() + 8 * len(self.chunks)
            sizes = [0, *map(len, self.chunks)]
            offsets = [start + sum(sizes[: k + 1]) for k in range(len(self.chunks))]
        head.write(struct.pack(f"<{len(offsets)}Q", *offsets) + b"".join(self.chunks))
        return head.getvalue()


def parse_exr(data: bytes) -> _Exr:
    """Of scan lines, whose chunks stand one behind the other."""
    position, attributes = 8, []
    while data[position]:
        name, kind, rest = data[position:].split(b"\0", 2)
        (size,) = struct.unpack_from("<i", rest)
        attributes.append((name, kind, rest[4 : 4 + size]))
        position += len(name) + len(kind) + 6 + size
    (first,) = struct.unpack_from("<Q", data, position + 1)
    offsets = list(struct.unpack_from(f"<{(first - position - 1) // 8}Q", data, position + 1))
    ends = [*offsets[1:], len(data)]
    chunks = [data[start:end] for start, end in zip(offsets, ends, strict=True)]
    return _Exr(struct.unpack_from("<I", data, 4)[0], attributes, offsets, chunks)


def mutate_exr(path: Path, rng: Rng) -> str:
    """Of its header, of the places of its chunks, or of what is in them."""
    exr = parse_exr(path.read_bytes())
    way: Callable[[_Exr, Rng], None] = pick(EXR_WAYS, rng)
    way(exr, rng)
    replace(path, exr.encode(has_old_offsets=way is edit_offsets or rng.random() < 0.2))
    return way.__name__


def edit_version(exr: _Exr, rng: Rng) -> None:
    exr.version = pick((0, 1, 3, 0xFF, *(exr.version ^ flag for flag in FLAGS)), rng)


def edit_attribute(exr: _Exr, rng: Rng) -> None:
    """Drops, doubles, renames or empties one, or makes it longer."""
    at = int(rng.integers(len(exr.attributes)))
    name, kind, value = exr.attributes[at]
    changed = pick((
        [], [(name, kind, value)] * 2, [(name + b"x", kind, value)], [(name, b"int", value)],
        [(b"x" * 300, kind, value)], [(name, kind, b"")], [(name, kind, value[:-1])],
        [(name, kind, value * 50)], [(name, kind, value + bytes(1 << 20))],
        [(name, kind, rng.bytes(len(value)))], [(b"tiles", b"tiledesc", bytes(9))],
        [(name, kind, value), (b"type", b"string", b"deepscanline")], [(name, b"", value)],
        [(b"multiView", b"stringvector", b"\xff\xff\xff\x7fleft")],
    ), rng)  # fmt: skip
    exr.attributes[at : at + 1] = changed


def edit_header_value(exr: _Exr, rng: Rng) -> None:
    """Windows, compression, order of lines, and channels: types, sampling, names."""
    name = pick((b"dataWindow", b"displayWindow", b"compression", b"lineOrder", b"channels"), rng)
    at = next(k for k, attribute in enumerate(exr.attributes) if attribute[0] == name)
    value = bytearray(exr.attributes[at][2])
    if name.endswith(b"Window"):
        struct.pack_into("<i", value, 4 * int(rng.integers(4)), int(pick(INT32, rng)))
    elif name != b"channels":
        value[0] = int(pick((*range(12), 255), rng))
    else:
        place = int(pick([m.start() for m in re.finditer(rb"[RGB]\0", bytes(value))], rng))
        field = int(pick((0, 0, 2, 2, 6, 10, 14), rng))  # name, type, linear, samplings
        if field:
            struct.pack_into(
                "<i", value, place + field, int(pick((0, 1, 2, 3, -1, 2**31 - 1), rng))
            )
        else:
            value[place] = ord(pick("XAYRGB\0", rng))
    exr.attributes[at] = (*exr.attributes[at][:2], bytes(value))


def edit_offsets(exr: _Exr, rng: Rng) -> None:
    at = int(rng.integers(len(exr.offsets)))
    near = (exr.offsets[at] + 1, exr.offsets[at] - 1, exr.offsets[0], exr.offsets[-1])
    exr.offsets[at] = int(pick((*OFFSETS, *near), rng))
    if rng.random() < 0.2:
        exr.offsets = exr.offsets[:at] or exr.offsets * 2


def edit_chunk(exr: _Exr, rng: Rng) -> None:
    """The line or the size that a chunk says, or how many there are."""
    at = int(rng.integers(len(exr.chunks)))
    chunk = bytearray(exr.chunks[at])
    change = rng.integers(5)
    if change < 3:
        near = (len(chunk) - 8 + 1, len(chunk) - 9)
        value = int(pick((*INT32, *near), rng))
        struct.pack_into("<i", chunk, 4 * int(change > 0), value)
        exr.chunks[at] = bytes(chunk)
    else:
        exr.chunks[at : at + 1] = [] if change == 3 else [bytes(chunk)] * 2


def edit_content(exr: _Exr, rng: Rng) -> None:
    """The bytes of pixels, packed or not; the chunk may become shorter."""
    at = int(rng.integers(len(exr.chunks)))
    head, content = exr.chunks[at][:8], exr.chunks[at][8:]
    changed = bytearray(edit_floats(content, int(rng.integers(4)), rng))
    for _ in range(2 ** int(rng.integers(0, 6)) if rng.random() < 0.7 else 0):
        changed[int(rng.integers(len(changed)))] = int(pick((0, 1, 127, 128, 255), rng))
    if rng.random() < 0.3:
        changed = changed[: int(rng.integers(len(changed)))]
    exr.chunks[at] = head[:4] + struct.pack("<i", len(changed)) + bytes(changed)


EXR_WAYS = (
    edit_version, edit_attribute, edit_attribute, *[edit_header_value] * 4, edit_offsets,
    *[edit_chunk] * 2, *[edit_content] * 4,
)  # fmt: skip
