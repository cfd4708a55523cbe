"""Writes GLB files for tests, value by value, so that any of them can be wrong."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Glb:
    """A GLB file in the making."""

    root: dict = field(
        default_factory=lambda: {
            "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}],
            "nodes": [{"mesh": 0}], "meshes": [{"primitives": [{"attributes": {}}]}],
            "accessors": [], "bufferViews": [], "buffers": [{"byteLength": 0}],
        }
    )  # fmt: skip
    binary: bytes = b""

    def view(self, data: bytes, **values: object) -> int:
        view = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(data), **values}
        self.root["bufferViews"].append(view)
        self.binary += data + b"\0" * (-len(data) % 4)
        self.root["buffers"][0]["byteLength"] = len(self.binary)
        return len(self.root["bufferViews"]) - 1

    def accessor(self, values: np.ndarray, kind: str, component: int, **more: object) -> int:
        accessor = {"bufferView": self.view(values.tobytes()), "componentType": component}
        accessor |= {"count": len(values), "type": kind, **more}
        self.root["accessors"].append(accessor)
        return len(self.root["accessors"]) - 1

    @property
    def primitive(self) -> dict:
        return self.root["meshes"][0]["primitives"][0]

    def encode(self) -> bytes:
        text = json.dumps(self.root).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
        if self.binary:
            chunks += struct.pack("<II", len(self.binary), 0x004E4942) + self.binary
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


POINTS = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0.5], [0, 2, 1]], "<f4")
FACES = np.array([0, 1, 2, 0, 2, 3], "<u2")


def tent(faces: np.ndarray | None = FACES, **primitive: object) -> Glb:
    glb = Glb()
    glb.primitive["attributes"]["POSITION"] = glb.accessor(POINTS, "VEC3", 5126)
    if faces is not None:
        glb.primitive["indices"] = glb.accessor(faces[:, None], "SCALAR", 5123)
    glb.primitive.update(primitive)
    return glb
