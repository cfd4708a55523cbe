"""Seeded mutants of GLB, glTF, PLY and STL files: what they say of themselves, and what they hold.

Each function changes a copy of a file in place and returns the name of the way.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.hostile.json_mutants import edit_json, encode_json, replace, walk
from tests.hostile.mutants import (
    NUMBERS,
    cut,
    edit_png,
    edit_text,
    flip_bits,
    repeat_part,
    set_bytes,
)

Rng = np.random.Generator

INTEGERS: tuple[Any, ...] = (
    *(-1, 0, 1, 2, 3, 5, 7, 255, 2**16, 2**20, 2**25, 2**28, 2**31 - 1, 2**32, 2**63, 10**30),
    *(1.5, "3", None, True, [], {}, -0.5, 1e300),
)
FLOATS = (np.nan, np.inf, -np.inf, 3e38, -3e38, 1e30, 1e-30, 0.0, -1e12)


def pick(choices: Any, rng: Rng) -> Any:
    """One of a sequence."""
    return choices[int(rng.integers(len(choices)))]


# --- glTF -----------------------------------------------------------------------------------------

JSON_CHUNK, BINARY_CHUNK = 0x4E4F534A, 0x004E4942

URIS = (
    "../../../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "file://localhost/dev/zero",
    "http://127.0.0.1:9/x.bin", "//host/share/x.bin", "C:\\x.bin", "..\\..\\x.bin", "%2e%2e/x.bin",
    "%2Fetc%2Fpasswd", "/dev/zero", "/proc/self/environ", "", ".", "..", "./a.glb", "x\0y",
    "x%00y", "data:", "data:,", "data:;base64,", "data:;base64,AAAA", "data:image/png;base64,####",
    "data:application/octet-stream;base64,AA", "data:text/plain,hello", "DATA:;base64,AAAA",
    "x" * 5000, "a/" * 2000, "\u202e.bin", "\ud800", "[", "http://[", "pipe.bin", "beside.bin",
    "a.gltf", "%", "%zz", "?", "#", "beside.bin?x#y",
)  # fmt: skip
EXTENSIONS = (
    "KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_meshopt_compression",
    "EXT_mesh_gpu_instancing", "KHR_texture_basisu", "EXT_texture_webp", "KHR_texture_transform",
    "KHR_materials_unlit", "KHR_materials_pbrSpecularGlossiness", "KHR_mesh_quantization", "nope",
    "\u202e", "x" * 5000, "KHR_materials_\nx", 5, None, {},
)  # fmt: skip
MATRICES: tuple[Any, ...] = (
    [0.0] * 16, [1e200] * 16, [1.0] * 15, [[1.0] * 4] * 4, ["1"] * 16, [None] * 16, "x" * 16,
    [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], [1e-200] * 16, [True] * 16, {},
)  # fmt: skip
NUM_KEYS = (
    "count", "byteOffset", "byteLength", "byteStride", "componentType", "bufferView", "buffer",
    "mode", "indices", "material", "mesh", "scene", "POSITION", "NORMAL", "TEXCOORD_0", "COLOR_0",
    "index", "source", "sampler", "texCoord", "target", "wrapS", "magFilter",
)  # fmt: skip
MANY_NODES = (300, 3000, 3000, 3000, 15_000, 70_000)


def mutate_gltf(path: Path, rng: Rng) -> str:
    """Of a GLB file, or of one in JSON."""
    data = path.read_bytes()
    is_binary = data.startswith(b"glTF")
    text, binary = split_glb(data) if is_binary else (data, b"")
    root, raws = json.loads(text), []
    way = pick(GLTF_WAYS, rng)
    name = way.__name__
    if way in (edit_values, edit_picture):
        edit = edit_picture if way is edit_picture else edit_floats
        binary = edit(binary, 0, rng) if binary else binary
    elif way is not edit_container:
        name = f"{name} {way(root, rng, raws)}"
    text = encode_json(root, raws)
    made = join_glb(text, binary) if is_binary else text
    replace(path, edit_container(made, rng) if way is edit_container and is_binary else made)
    return name


def split_glb(data: bytes) -> tuple[bytes, bytes]:
    """Its JSON and its binary chunk."""
    (length,) = struct.unpack_from("<I", data, 12)
    return data[20 : 20 + length], data[28 + length :]


def join_glb(text: bytes, binary: bytes) -> bytes:
    """A GLB file of two chunks."""
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), JSON_CHUNK) + text
    if binary:
        chunks += struct.pack("<II", len(binary), BINARY_CHUNK) + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def edit_container(data: bytes, rng: Rng) -> bytes:
    """Version, lengths and kinds of chunks; a chunk twice, or in the other order."""
    (length,) = struct.unpack_from("<I", data, 12)
    first, second = data[12 : 20 + length], data[20 + length :]
    change = rng.integers(5)
    if change == 0:
        chunks = pick((second + first, first, second, first * 2 + second, first + second * 3,
                       b"", first + struct.pack("<II", 0, 7) * 9000 + second), rng)  # fmt: skip
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
    place = int(pick((4, 8, 12, 16, 20 + length, 24 + length), rng))
    value = int(pick((0, 1, 3, 4, 11, 12, 13, 0xFFFFFFFF, 0x7FFFFFFF, len(data) - 1, len(data) + 1,
                      JSON_CHUNK, BINARY_CHUNK), rng))  # fmt: skip
    return data[:place] + struct.pack("<I", value) + data[place + 4 :]


def edit_document(root: dict, rng: Rng, raws: list[str]) -> str:
    """Any values, names and places of its JSON."""
    ways = []
    for _ in range(rng.integers(1, 4)):
        if places := list(walk(root)):
            ways.append(edit_json(*pick(places, rng), rng, raws))
    return " ".join(ways)


def edit_number(root: dict, rng: Rng, raws: list[str]) -> str:
    """A count, an offset, a stride, a type or an index."""
    places = [(parent, key) for parent, key in walk(root) if key in NUM_KEYS]
    parent, key = pick(places, rng)
    old = parent[key]
    near = (old + 1, old - 1, old * 2, old * 1000) if isinstance(old, int) else ()
    parent[key] = pick((*INTEGERS, *near, *near), rng)
    if key == "componentType":
        parent[key] = pick((5120, 5121, 5122, 5123, 5124, 5125, 5126, 5130, "5126", None), rng)
    elif rng.random() < 0.2:
        parent["byteStride"] = pick((0, 1, 4, 252, 65535, 2**31), rng)
    return f"{key} = {str(parent[key])[:20]}"


def edit_uri(root: dict, rng: Rng, raws: list[str]) -> str:
    """Where a buffer or an image is."""
    holders = [*root.get("buffers", []), *root.get("images", [])]
    holder = pick(holders, rng)
    holder["uri"] = pick(URIS, rng)
    holder.pop("bufferView", None)
    return f"{holder['uri'][:30]!r}"


def edit_nodes(root: dict, rng: Rng, raws: list[str]) -> str:
    """Trees that are deep, wide, in a circle, or of many copies."""
    num, way = int(pick(MANY_NODES, rng)), int(rng.integers(6))
    if way == 0:  # deep
        root["nodes"] = [{"children": [k + 1]} for k in range(num)] + [{"mesh": 0}]
    elif way == 1:  # wide
        root["nodes"] = [{"mesh": 0, "translation": [k, 0, 0]} for k in range(num)]
        root["scenes"] = [{"nodes": list(range(num))}]
    elif way == 2:  # twice as many at each level
        root["nodes"] = [{"children": [k + 1, k + 1]} for k in range(40)] + [{"mesh": 0}]
    elif way == 3:  # in a circle
        root["nodes"] = [{"mesh": 0, "children": [(k + 1) % 5]} for k in range(5)]
        root.pop("scenes" if rng.random() < 0.5 else "scene", None)
    elif way == 4:  # of many parts
        mesh = root["meshes"][0]
        mesh["primitives"] = mesh["primitives"] * (num // 20)
    else:
        children = pick(([-1], [10**9], ["0"], [None], [0.5], [True], {}, "0", [[0]]), rng)
        root["nodes"][0]["children"] = children
    return f"{way} of {num}"


def edit_matrix(root: dict, rng: Rng, raws: list[str]) -> str:
    """Where a node stands."""
    node = pick(root["nodes"], rng)
    key = pick(("matrix", "matrix", "scale", "rotation", "translation"), rng)
    if rng.random() < 0.4:
        raws.append(pick(("[NaN, 0, 0, 1]", "[1e999, 1, 1]", "[NaN" + ", 0" * 15 + "]"), rng))
        node[key] = f"\0raw{len(raws) - 1}\0"
    else:
        node[key] = pick((*MATRICES, [0, 0, 0], [1e300] * 3, [0, 0, 0, 0], [1e-30] * 3), rng)
    return f"{key} = {str(node[key])[:20]}"


def edit_extension(root: dict, rng: Rng, raws: list[str]) -> str:
    """What the file needs besides the format."""
    name = pick(EXTENSIONS, rng)
    if rng.random() < 0.4:
        root["extensionsRequired"] = [name]
    else:
        lists = ("bufferViews", "materials", "textures", "nodes", "meshes", "accessors")
        holders = [root["meshes"][0]["primitives"][0], *(e for k in lists for e in root.get(k, []))]
        value = pick(({}, {"bufferView": 0, "attributes": {}}, {"source": 0}, None, [], 5), rng)
        pick(holders, rng)["extensions"] = {str(name): value}
    return str(name)[:40]


def edit_sparse(root: dict, rng: Rng, raws: list[str]) -> str:
    """An accessor that only says what differs from 0, or from another."""
    accessor = pick(root["accessors"], rng)
    views = range(-1, len(root["bufferViews"]) + 1)
    accessor["sparse"] = {
        "count": pick((*INTEGERS, 4, 8), rng),
        "indices": {
            "bufferView": int(pick(views, rng)),
            "componentType": pick((5120, 5121, 5123, 5125, 5126, 0), rng),
            "byteOffset": pick((0, 0, 2, 100, 10**6), rng),
        },
        "values": {"bufferView": int(pick(views, rng)), "byteOffset": pick((0, 0, 4, -1), rng)},
    }
    if rng.random() < 0.5:
        accessor.pop("bufferView", None)
        accessor["count"] = pick((accessor["count"], accessor["count"], 2**20, 2**23, 2**25), rng)
    return "without a view" if "bufferView" not in accessor else "of a view"


def edit_values(root: dict, rng: Rng, raws: list[str]) -> str:
    """Stands for numbers of the binary chunk; see `edit_floats`."""
    raise NotImplementedError


def edit_picture(data: bytes, start: int, rng: Rng) -> bytes:
    """The picture in the binary chunk, if there is one, becomes a mutant of the same length."""
    place = data.find(b"\x89PNG", start)
    if place < 0:
        return edit_floats(data, start, rng)
    end = data.index(b"IEND", place) + 8
    picture = data[place:end]
    changed = pick((edit_png, flip_bits, cut, set_bytes, repeat_part), rng)(picture, rng)
    return data[:place] + changed[: end - place].ljust(end - place, b"\0") + data[end:]


def edit_floats(data: bytes, start: int, rng: Rng, order: str = "<") -> bytes:
    """Some four bytes of what stands from a place on become another number."""
    changed = bytearray(data)
    for _ in range(2 ** int(rng.integers(0, 5))):
        if len(changed) < start + 8:
            break
        place = start + int(rng.integers((len(changed) - start) // 4)) * 4
        with np.errstate(all="ignore"):
            value = np.array(pick(FLOATS, rng), f"{order}f4").tobytes()
        changed[place : place + 4] = pick((value, value, rng.bytes(4), b"\xff" * 4), rng)
    return bytes(changed[: len(data)])


GLTF_WAYS = (
    *[edit_document] * 3, *[edit_number] * 4, edit_uri, edit_nodes, edit_extension, edit_sparse,
    edit_matrix, edit_values, edit_container, *[edit_picture] * 2,
)  # fmt: skip


# --- PLY ------------------------------------------------------------------------------------------

PLY_WORDS = (
    "-1", "0", "3", "7", "255", "4194304", "4194305", "999999999999999999999", "1e3", "\u0663", "x",
    "nan", "char", "uchar", "short", "ushort", "int", "uint", "float", "double", "int64", "list",
    "vertex", "face", "x", "y", "z", "nx", "red", "s", "t", "vertex_index", "vertex_indices",
    "ascii", "binary_little_endian", "binary_big_endian", "element", "property", "comment", "",
)  # fmt: skip
PLY_LINES = (
    "element vertex 3", "element face 1", "element face 4000000", "element edge 100", "element x 5",
    "property float x", "property list uchar int vertex_indices", "property list int int faces",
    "property list float int a", "property list uchar list int", "property float", "comment " * 99,
    "obj_info x", "end_header", "format ascii 1.0", "format ascii 2.0", "nope", "\x00", "# x",
    "property list uchar float texcoord", "property uchar red", "element vertex 0",
)  # fmt: skip


def mutate_ply(path: Path, rng: Rng) -> str:
    """Of its header, of numbers behind it, or of lines of a text."""
    data = path.read_bytes()
    end = data.index(b"end_header\n") + len(b"end_header\n")
    way = rng.random()
    if way < 0.6:
        lines = data[:end].decode("latin-1").split("\n")
        for _ in range(rng.integers(1, 4)):
            edit_ply_line(lines, rng)
        replace(path, "\n".join(lines).encode("latin-1", "replace") + data[end:])
        return "header"
    if b"ascii" in data[:end]:
        replace(path, data[:end] + edit_text(data[end:], rng))
        return "text"
    order = "<" if b"little" in data[:end] else ">"
    start = end + int(rng.integers(4))
    replace(path, edit_floats(data, start, rng, order))
    return "numbers"


def edit_ply_line(lines: list[str], rng: Rng) -> None:
    """Changes, adds, drops or moves a line of the header."""
    at, change = int(rng.integers(1, len(lines))), rng.integers(8)
    words = lines[at].split(" ")
    if change < 4:
        words[int(rng.integers(len(words)))] = pick(PLY_WORDS, rng)
        lines[at] = " ".join(words)
    elif change == 4:
        lines[at] = pick(PLY_LINES, rng)
    elif change == 5:
        lines.insert(at, pick(PLY_LINES, rng))
    elif change == 6 and len(lines) > 2:
        del lines[at]
    else:
        other = int(rng.integers(len(lines)))
        lines[at], lines[other] = lines[other], lines[at]


# --- STL ------------------------------------------------------------------------------------------

STL_LINES = (
    "outer loop", "endloop", "facet normal 0 0 1", "endfacet", "vertex", "vertex 1 2",
    "vertex 1 2 3 4", "vertex nan 0 0", "vertex 1e999 0 0", "endsolid", "solid x", "\x00", "",
    "vertex " + "1" * 5000 + " 0 0", "vertex 0x1 0 0", "vertex 1_0 0 0", "VERTEX 0 0 9",
)  # fmt: skip
STL_COUNTS = (0, 1, 79, 81, 2**20, 2**22, 2**22 + 1, 2**31, 2**32 - 1)


def mutate_stl(path: Path, rng: Rng) -> str:
    """Of its number of triangles, of its first word, of numbers, or of lines of a text."""
    data = path.read_bytes()
    if data.startswith(b"solid"):
        lines = data.decode("latin-1").split("\n")
        for _ in range(2 ** int(rng.integers(0, 5))):
            at = int(rng.integers(len(lines)))
            words = lines[at].split(" ")
            words[int(rng.integers(len(words)))] = pick(NUMBERS, rng)
            lines[at] = pick((" ".join(words), pick(STL_LINES, rng)), rng)
            if rng.random() < 0.2:
                del lines[at : at + int(rng.integers(1, 5))]
                lines = lines or [""]
        replace(path, "\n".join(lines).encode("latin-1"))
        return "text"
    way: Callable[[bytes], bytes] = pick((
        lambda d: d[:80] + struct.pack("<I", pick(STL_COUNTS, rng)) + d[84:],
        lambda d: pick((b"solid", b"solid\nouter loop\nendsolid", b"SOLID x\n"), rng) + d[5:],
        lambda d: d[:84] + d[84:] * int(pick((0, 2, 50), rng)),
        lambda d: edit_floats(d, 84 + int(rng.integers(4)), rng),
        lambda d: edit_floats(d, 84, rng),
        lambda d: d + pick((b"\0", b"endsolid", rng.bytes(1000)), rng),
    ), rng)  # fmt: skip
    replace(path, way(data))
    return "binary"


# --- OBJ with its materials -----------------------------------------------------------------------

MTL_LINES = (
    "newmtl", "newmtl " + "x" * 5000, "newmtl skin", "Kd", "Kd nan 0 0", "Kd 1e999 0 0",
    "Kd -1 2 3", "Kd spectral x.rfl", "Kd xyz 1 1 1", "d 0", "d nan", "d -halo 0.5", "Tr 1", "Tr x",
    "illum 99",
    "map_Kd", "map_Kd ../../../../etc/passwd", "map_Kd /etc/passwd", "map_Kd C:\\x.png",
    "map_Kd -s 1e30 1 1 skin.png", "map_Kd -o nan 0 skin.png", "map_Kd -s",
    "map_Kd -clamp on skin.png",
    "map_Kd -mm 0 1 -texres 9 skin.png", "map_Kd /dev/zero", "map_Kd skin.mtl", "map_Kd skin.obj",
    "map_d skin.png", "map_Kd " + "a/" * 3000 + "x.png", "map_Kd \x00", "map_Kd http://x/y.png",
    "bump -bm 1e30 skin.png", "map_Kd .", "map_Kd \u202e.png", "Ns x", "Ke 1e30 0 0", "\\",
    "#" * 9000,
)  # fmt: skip
OBJ_LINES = (
    "mtllib", "mtllib nope.mtl", "mtllib ../c/skin.mtl", "mtllib /etc/passwd",
    "mtllib skin.mtl skin.mtl",
    "usemtl", "usemtl nope", "usemtl skin", "vt", "vt nan 0", "vt 1e999 0", "vt 0 0 0 0",
    "vt -1e30 5",
    "f 1/9 2/1 3/1", "f 1/-1 2/-1 3/-1", "f 1/0 2/0 3/0", "v 0 0 0 1 1 1", "v 0 0 0 nan 0 0",
    "v 0 0 0 1e30 -5 0", "mtllib " + "x" * 5000, "mtllib " + "skin.mtl " * 2000,
)  # fmt: skip


def mutate_obj(path: Path, rng: Rng) -> str:
    """Of an OBJ file or of its MTL file."""
    own = OBJ_LINES if path.suffix == ".obj" else MTL_LINES
    if rng.random() < 0.3:
        replace(path, edit_text(path.read_bytes(), rng))
        return "text"
    lines = path.read_text().split("\n")
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(len(lines)))
        lines[at : at + int(rng.integers(2))] = [pick(own, rng)]
    if rng.random() < 0.05:
        lines += [f"{'usemtl' if path.suffix == '.obj' else 'newmtl'} m{k}" for k in range(20_000)]
    replace(path, "\n".join(lines).encode())
    return "lines"
