"""Every kind of texture shows its colors, whatever its alpha, and the audit judges it."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import OpenEXR
from PIL import Image

from synrender.audit.check import Verdict
from synrender.audit.run import audit_dataset
from synrender.dataset.folder import open_dataset_folder
from synrender.images.exr import read_exr
from synrender.images.image_files import PNG_SIGNATURE
from synrender.system.folders import Folders
from tests.audit.shapes import CUBE
from tests.helpers import Renderer, read_records, write_shapenet

SIDE = 32
COLORS = np.array([[(200, 120, 40), (60, 160, 220)], [(90, 60, 180), (150, 210, 110)]], np.uint8)
"""Of the four quarters of each texture, sRGB."""


def test_colors_are_shown_whatever_the_alpha(renderer: Renderer, tmp_path: Path) -> None:
    names = write_textures(tmp_path / "dtd")
    shapenet = write_shapenet(tmp_path / "shapenet", {"cube": CUBE})
    renderer.run(
        "-d", "alpha", "-g", "render_multi", "-p", "rendering.resolution = 24",
        "rendering.render_samples = 1", "rendering.labels = ['albedo']", "object.n_buckets = 1",
        "batch.num_samples = 30", "object.total_num_samples = 30", "sample.num_objs = 1",
        "sample.class_idxs = 1", "material.color_intensity = 0", "object.random_viewpoint = 0.5",
        SYNRENDER_SHAPENET_DIR=str(shapenet), SYNRENDER_DTD_DIR=str(tmp_path / "dtd"),
    )  # fmt: skip
    dataset_dir = renderer.data_dir / "alpha"
    records = read_records(dataset_dir)
    shown = {*records["texture"].ravel().tolist(), *records["backdrop_texture"].ravel().tolist()}
    assert shown == names  # none was rejected, and each is used
    for path in (dataset_dir / "img").glob("*.exr"):
        exr = read_exr(path)
        assert exr.albedo is not None
        assert exr.albedo[np.isfinite(exr.depth_m)].sum(axis=-1).min() > 0.13, path
    folder = open_dataset_folder(renderer.data_dir, "alpha")
    folders = Folders(renderer.data_dir, shapenet, tmp_path / "dtd")
    checks = {c.name: c for c in audit_dataset(folder, folders, 0, jobs=1, is_quiet=True)}
    albedo = checks["albedo"]
    assert albedo.verdict is Verdict.PASS, albedo
    known = {m.name: m.value for m in albedo.measures}
    assert known["px not judged"] < 0.02 * 30 * 24**2  # where a cube's edge decides


def write_textures(dtd: Path) -> set[str]:
    """One texture of each kind that the renderer takes and that can have alpha; their names."""
    images = dtd / "images" / "k"
    images.mkdir(parents=True)
    (dtd / "labels").mkdir()
    rgb = COLORS.repeat(SIDE // 2, axis=0).repeat(SIDE // 2, axis=1)
    alpha = np.linspace(0, 255, SIDE * SIDE).astype(np.uint8).reshape(SIDE, SIDE)
    rgba = np.dstack([rgb, alpha])
    Image.fromarray(rgba).save(images / "rgba.png")
    Image.fromarray(rgba).save(images / "rgba.webp", lossless=True, exact=True)
    Image.fromarray(np.dstack([rgb[:, :, 0], alpha])).save(images / "gray_alpha.png")
    palette = Image.fromarray(rgb).quantize(4)
    palette.save(images / "palette.png", transparency=bytes([0, 50, 128, 255]))
    Image.fromarray(rgb).save(images / "key.png", transparency=tuple(map(int, COLORS[0, 0])))
    (images / "deep.png").write_bytes(encode_rgba16(rgba))
    linear = (((rgb / 255 + 0.055) / 1.055) ** 2.4).astype(np.float32)
    for name, dtype in (("half.exr", np.float16), ("float.exr", np.float32)):
        planes = dict(zip("RGBA", np.moveaxis(np.dstack([linear, alpha / 255]), 2, 0), strict=True))
        planes = {key: np.ascontiguousarray(plane, dtype) for key, plane in planes.items()}
        OpenEXR.File({"type": OpenEXR.scanlineimage}, planes).write(str(images / name))
    names = {f"k/{path.name}" for path in images.iterdir()}
    (dtd / "labels" / "labels_joint_anno.txt").write_text("".join(f"{n} k\n" for n in names))
    return names


def encode_rgba16(rgba: np.ndarray) -> bytes:
    """A PNG of 16 bits with alpha, which Pillow does not write."""
    height, width = rgba.shape[:2]
    rows = (rgba.astype(">u2") * 257).view(np.uint8).reshape(height, -1)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0)),
        (b"IDAT", zlib.compress(np.insert(rows, 0, 0, axis=1).tobytes())),
        (b"IEND", b""),
    )
    return PNG_SIGNATURE + b"".join(
        struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks
    )
