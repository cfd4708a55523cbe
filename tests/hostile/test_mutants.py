"""No mutant of a model or texture crashes, hangs, raises, or gives a blank or magenta picture.

``make test-mutations N=1000`` tries more of them.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from tests.helpers import PROJECT_DIR, write_shapenet
from tests.hostile.mutants import double, make_mutant, restate, shuffle

NUM_MUTANTS = int(os.environ.get("SYNRENDER_TEST_MUTANTS", "50"))
MAX_SECONDS = 10
"""More CPU time than this counts as a hang; a sample takes 0.05 s."""


@pytest.fixture(scope="module")
def originals(data_dir: Path) -> dict[str, list[bytes]]:
    """Demo models with their materials, and small textures of both formats."""
    root = data_dir / "demo_assets"
    objs = sorted(root.rglob("model_normalized.obj"), key=lambda p: (p.stat().st_size, str(p)))[:8]
    rng = np.random.Generator(np.random.PCG64(5))
    pixels = np.kron(rng.integers(0, 200, (6, 5, 3), np.uint8), np.ones((6, 7, 1), np.uint8))
    pixels[..., 1] |= 64  # never magenta
    pngs = [
        Image.fromarray(pixels),
        Image.fromarray(pixels).quantize(8),
        Image.fromarray(pixels[..., 1]),
    ]
    jpegs = [({}, pngs[0]), ({"progressive": True}, pngs[0]), ({}, pngs[2])]
    return {
        "obj": [path.read_bytes() for path in objs],
        "mtl": [path.with_suffix(".mtl").read_bytes() for path in objs],
        "png": [_encode(image, "png") for image in pngs],
        "jpg": [_encode(image, "jpeg", **options) for options, image in jpegs],
    }


def _encode(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def create_library(root: Path, originals: dict[str, list[bytes]]) -> tuple[Path, Path]:
    """A ShapeNet and a DTD folder with a good model and two good textures in them."""
    shapenet = write_shapenet(root / "shapenet", {"good": originals["obj"][0]})
    images = root / "dtd" / "images" / "a"
    images.mkdir(parents=True)
    ramp = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3) // 4 + 64
    for name in ("good.png", "good2.png"):
        iio.imwrite(images / name, ramp)
    return shapenet / "02691156", images


def finish_library(images: Path) -> None:
    labels = images.parents[1] / "labels"
    labels.mkdir()
    names = sorted(f"a/{path.name} a\n" for path in images.iterdir())
    (labels / "labels_joint_anno.txt").write_text("".join(names))


def render_all(root: Path, num: int, *bindings: str, kind: str = "library") -> list[dict]:
    """How each mutant ended, of a folder of a kind of `render_mutants.KINDS`.

    Where a renderer dies or hangs, the next begins behind that mutant.
    """
    journal, start = root / "journal", 0
    journal.touch()
    ends: dict[int, dict] = {}
    while start < num:
        command = [
            sys.executable,
            "-m",
            "tests.hostile.render_mutants",
            kind,
            root,
            journal,
            start,
            num,
            *bindings,
        ]
        with (
            (root / "stderr").open("ab") as errors,
            subprocess.Popen(
                list(map(str, command)), cwd=PROJECT_DIR, stdout=subprocess.DEVNULL, stderr=errors
            ) as process,
        ):
            size = -1
            while process.poll() is None and journal.stat().st_size != size:
                size = journal.stat().st_size
                try:
                    process.wait(3 * MAX_SECONDS)
                except subprocess.TimeoutExpired:
                    continue
            process.kill()
        before = len(ends)
        ends = {e["idx"]: e for e in map(json.loads, journal.read_text().splitlines())}
        assert len(ends) > before, (root / "stderr").read_text()[-3000:]
        start = max(ends) + 1
    return [ends[idx] for idx in range(num)]


def print_harm(ends: list[dict], *kinds: str) -> None:
    """For each kind of file, how its mutants ended; all columns from "died" on are to be 0."""
    columns = ("died", "hang", "traceback", "blank", "magenta")
    print("\nkind  mutants  rejected  slowest_s", *(f"{name:>9}" for name in columns))
    for kind in (*kinds, ""):
        own = [e for e in ends if e["way"].startswith(kind)]
        counts = Counter(e["end"] for e in own)
        rejected = sum(bool(e.get("rejected")) for e in own)
        slowest_s = max((e.get("seconds", 0) for e in own), default=0)
        print(f"{kind or 'all':4}  {len(own):7}  {rejected:8}  {slowest_s:9.1f}",
              *(f"{counts[name]:9}" for name in columns))  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(600 + 3 * NUM_MUTANTS)
def test_no_mutant_does_harm(originals: dict[str, list[bytes]], tmp_path: Path) -> None:
    models, images = create_library(tmp_path, originals)
    ways = []
    for idx in range(NUM_MUTANTS):
        rng = np.random.Generator(np.random.PCG64([13, idx]))
        kind = ("obj", "obj", "mtl", "png", "jpg", "jpg")[idx % 6]
        name, base = f"m{idx:05d}", int(rng.integers(0, 100))
        files = {k: v[base % len(v)] for k, v in originals.items()}
        folder = models / name / "models"
        folder.mkdir(parents=True)
        image_kind = "png" if kind == "png" else "jpg"
        paths = {k: folder / f"model_normalized.{k}" for k in ("obj", "mtl")}
        paths[image_kind] = images / f"{name}.{image_kind}"
        for other, path in paths.items():
            if other != kind:
                path.write_bytes(files[other])
        way, write = make_mutant(kind, files[kind], rng)
        write(paths[kind])
        ways.append(f"{kind} {way}")
    finish_library(images)
    ends = render_all(tmp_path, NUM_MUTANTS)
    shutil.rmtree(models)
    for end, way in zip(ends, ways, strict=True):
        if end["end"] == "ok" and end["seconds"] > MAX_SECONDS:
            end["end"] = "hang"
        end["way"] = way
    print_harm(ends, "obj", "mtl", "png", "jpg")
    rejected = sum(bool(e.get("rejected")) for e in ends)
    assert {e["end"] for e in ends} == {"ok"}, [e for e in ends if e["end"] != "ok"]
    # Neither is all rejected, nor is anything that goes wrong with a material.
    assert 0.1 < rejected / NUM_MUTANTS < 0.9
    assert not any(e["rejected"] for e in ends if e["way"].startswith("mtl"))


LIT = ("material.use_emission = False", "rendering.resolution = 64", "rendering.render_samples = 4")


def render_groups(
    root: Path, originals: list[bytes], texture: bytes, change: Callable[..., bytes]
) -> list[list[np.ndarray]]:
    """Pictures of each model, (h, w, 3) float32, and of as many mutants of it after it."""
    models, images = create_library(root, {"obj": originals})
    size = max(4, NUM_MUTANTS // 20)
    num = size * len(originals)
    for idx in range(num):
        rng = np.random.Generator(np.random.PCG64([14, idx]))
        original = originals[idx // size]
        folder = models / f"m{idx:05d}" / "models"
        folder.mkdir(parents=True)
        content = change(original, rng) if idx % size else original
        (folder / "model_normalized.obj").write_bytes(content)
        (images / f"m{idx:05d}.png").write_bytes(texture)
    finish_library(images)
    ends = render_all(root, num, *LIT)
    assert {e["end"] for e in ends} == {"ok"}, [e for e in ends if e["end"] != "ok"]
    assert not any(e["rejected"] for e in ends), [e["rejected"] for e in ends if e["rejected"]][:3]
    pictures = [np.load(root / f"m{idx:05d}.npy") for idx in range(num)]
    groups = [pictures[start : start + size] for start in range(0, num, size)]
    assert len({group[0].tobytes() for group in groups}) == len(originals)
    return groups


def to_8_bits(rgb: np.ndarray) -> np.ndarray:
    return np.rint(255 * np.clip(rgb, 0, 1) ** (1 / 2.2)).astype(int)


@pytest.mark.slow
@pytest.mark.parametrize("changes", [(restate,), (shuffle,), (shuffle, restate)])
def test_what_keeps_the_meaning_keeps_every_pixel(
    originals: dict[str, list[bytes]], tmp_path: Path, changes: tuple[Callable[..., bytes], ...]
) -> None:
    """Other words, and other orders of vertices and of faces."""

    def change(data: bytes, rng: np.random.Generator) -> bytes:
        for function in changes:
            data = function(data, rng)
        return data

    for group in render_groups(tmp_path, originals["obj"], originals["png"][0], change):
        for mutant in group[1:]:
            np.testing.assert_array_equal(mutant, group[0])


@pytest.mark.slow
def test_the_order_of_doubled_faces_moves_few_pixels_by_little(
    originals: dict[str, list[bytes]], tmp_path: Path
) -> None:
    """Of faces at the same corners the first in the file is kept.

    Another one may be turned the other way round. Cycles shades both sides alike but for rounding:
    by one level where nothing casts a shadow (with ``use_emission``), and by more in a few pixels
    where a ray to the light grazes an edge. To keep another face than the first would change data
    sets that are there.
    """
    rng = np.random.Generator(np.random.PCG64(15))
    doubled = [double(data, rng) for data in originals["obj"]]
    for group in render_groups(tmp_path, doubled, originals["png"][0], shuffle):
        for mutant in group[1:]:
            distance = np.abs(to_8_bits(mutant) - to_8_bits(group[0])).max(axis=2)
            assert (distance > 0).mean() < 0.01
            assert (distance > 1).mean() < 0.002
