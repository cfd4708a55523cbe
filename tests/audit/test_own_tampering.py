"""Data sets of models with colors of their own pass; they fail against models of other colors.

A model that is changed after rendering stands for a renderer that read the first one wrong.
"""

from __future__ import annotations

import json
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from synrender.audit.check import Check, Verdict
from synrender.audit.run import audit_dataset
from synrender.dataset.folder import open_dataset_folder
from synrender.system.folders import Folders
from tests.assets.dressed import create_glb, create_obj
from tests.assets.gltf_writer import Glb
from tests.assets.helpers import write_files
from tests.audit.conftest import failed
from tests.audit.own_models import add_material, add_quad, colored_ply, draw_ramp, encode_image
from tests.audit.test_tampering import copy_dataset
from tests.helpers import RenderServer

SETTINGS = (
    "rendering.render_samples = 1", "object.n_buckets = 1", "batch.cache_obj_frames = 1",
    "material.source = 'own'", "object.random_viewpoint = 2", "sample.num_objs = 2",
    "batch.num_samples = 8", "object.total_num_samples = 8",
    "rendering.labels = ['normal', 'albedo', 'amodal', 'object_coordinates']",
)  # fmt: skip


def write_models(folder: Path) -> Path:
    """An OBJ, a GLB and a PLY file with colors."""
    obj, mtl = create_obj("a", "a.png", 1)
    files = {
        "box/a/a.obj": obj, "box/a/a.mtl": mtl, "box/a/a.png": encode_image(draw_ramp(32)),
        "box/b/b.glb": create_glb(2).encode(), "box/c/c.ply": colored_ply(),
    }  # fmt: skip
    return write_files(folder, files)


def render_own(
    server: RenderServer, models: Path, name: str, *bindings: str, resolution: int = 64
) -> Path:
    return server.render(
        name, *SETTINGS, *bindings, f"rendering.resolution = {resolution}",
        f"assets.models = {str(models)!r}", config="render_multi",
    )  # fmt: skip


def audit(server: RenderServer, dataset: Path, models: Path) -> dict[str, Check]:
    folders = Folders(server.data_dir, models=models)
    folder = open_dataset_folder(dataset.parent, dataset.name)
    return {check.name: check for check in audit_dataset(folder, folders, 0, jobs=1, is_quiet=True)}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_models(tmp_path_factory.mktemp("own") / "set")


@pytest.fixture(scope="module")
def own(server: RenderServer, models: Path) -> Path:
    """EXR with labels, 2 objects, 8 samples of 48 px."""
    return render_own(server, models, "own_colors", resolution=48)


def test_own_colors_pass(server: RenderServer, own: Path, models: Path) -> None:
    checks = audit(server, own, models)
    assert failed(checks) == set(), [(c.name, c.figures, c.culprits) for c in checks.values()]
    passed = {name for name, check in checks.items() if check.verdict is Verdict.PASS}
    assert passed >= {"mask", "depth", "class", "normal", "albedo", "amodal", "coordinates", "pose"}
    albedo = {m.name: m for m in checks["albedo"].measures}
    assert albedo["levels, 99th percentile"].num > 3000
    assert albedo["levels elsewhere, 99th percentile"].value < 1


# --- other models than those that were rendered ---------------------------------------------------


def edit_text(name: str, pattern: str, new: str | Callable) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / name
        text, num = re.subn(pattern, new, path.read_text())
        assert num
        path.write_text(text)

    return change


def edit_glb(edit: Callable[[dict], object]) -> Callable[[Path], None]:
    """Changes the JSON of the GLB file."""

    def change(folder: Path) -> None:
        path = folder / "box/b/b.glb"
        data = path.read_bytes()
        (size,) = struct.unpack_from("<I", data, 12)
        root = json.loads(data[20 : 20 + size])
        edit(root)
        text = json.dumps(root).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + data[20 + size :]
        path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)

    return change


def edit_image(edit: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    """Changes the values, 0 to 1, of the OBJ file's texture."""

    def change(folder: Path) -> None:
        pixels = np.rint(255 * edit(draw_ramp(32) / 255)).astype(np.uint8)
        (folder / "box/a/a.png").write_bytes(encode_image(pixels))

    return change


def flip_v(match: re.Match) -> str:
    return f"vt {match[1]} {1 - float(match[2]):.6f}"


def flip_image(root: dict) -> None:
    """V of a GLB file, by what moves its textures."""
    moved = {"KHR_texture_transform": {"offset": [0, 1], "scale": [1, -1]}}
    for material in root["materials"]:
        info = material["pbrMetallicRoughness"].get("baseColorTexture", {})
        info["extensions"] = moved


def to_srgb(linear: float | np.ndarray) -> np.ndarray:
    linear = np.asarray(linear)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def drop(*keys: str) -> Callable[[dict], None]:
    """Removes a key wherever it is."""

    def edit(place: object) -> None:
        if isinstance(place, dict):
            for key in keys:
                place.pop(key, None)
        for value in place.values() if isinstance(place, dict) else place:
            if isinstance(value, dict | list):
                edit(value)

    return edit


def swap_materials(root: dict) -> None:
    materials = root["materials"]
    materials[0], materials[1] = materials[1], materials[0]


def clamp(root: dict) -> None:
    root["samplers"] = [{"wrapS": 33071, "wrapT": 33071}]
    for texture in root["textures"]:
        texture["sampler"] = 0


def brighten_factors(root: dict) -> None:
    for material in root["materials"]:
        values = material["pbrMetallicRoughness"]["baseColorFactor"]
        values[:3] = to_srgb(np.array(values[:3])).tolist()


def color_vertices(convert: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    return lambda folder: write_files(folder, {"box/c/c.ply": colored_ply(convert)}) and None


TAMPERED: dict[str, tuple[Callable[[Path], object], str]] = {
    "OBJ, V flipped": (edit_text("box/a/a.obj", r"vt (\S+) (\S+)", flip_v), "albedo"),
    "OBJ, U and V swapped": (edit_text("box/a/a.obj", r"vt (\S+) (\S+)", r"vt \2 \1"), "albedo"),
    "OBJ, a material swapped": (
        edit_text("box/a/a.mtl", r"newmtl (the top|bottom)",
                  lambda m: f"newmtl {'bottom' if m[1] == 'the top' else 'the top'}"),
        "albedo",
    ),
    "OBJ, without the factor": (edit_text("box/a/a.mtl", r"Kd 1.0 0.8 0.6", ""), "albedo"),
    "OBJ, the factor in sRGB": (
        edit_text("box/a/a.mtl", r"Kd (\S+) (\S+) (\S+)",
                  lambda m: "Kd " + " ".join(str(to_srgb(float(x))) for x in m.groups())),
        "albedo",
    ),
    "OBJ, a linear texture": (edit_image(to_srgb), "albedo"),
    "OBJ, the texture in BGR": (edit_image(lambda rgb: rgb[..., ::-1]), "albedo"),
    "OBJ, without its library": (lambda folder: (folder / "box/a/a.mtl").unlink(), "albedo"),
    "GLB, V flipped": (edit_glb(flip_image), "albedo"),
    "GLB, materials swapped": (edit_glb(swap_materials), "albedo"),
    "GLB, without factors": (edit_glb(drop("baseColorFactor")), "albedo"),
    "GLB, factors in sRGB": (edit_glb(brighten_factors), "albedo"),
    "GLB, without colors of vertices": (edit_glb(drop("COLOR_0")), "albedo"),
    "GLB, images end at their edges": (edit_glb(clamp), "albedo"),
    "GLB, the mask ignored": (edit_glb(drop("alphaMode")), "mask"),
    "GLB, blended alpha as a mask": (
        edit_glb(lambda r: r["materials"][1].update(alphaMode="MASK", alphaCutoff=0.99)), "mask",
    ),
    "PLY, colors are linear": (color_vertices(to_srgb), "albedo"),
    "PLY, colors in BGR": (color_vertices(lambda rgb: rgb[:, ::-1]), "albedo"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_other_colors_fail(
    server: RenderServer, own: Path, models: Path, tmp_path: Path, name: str
) -> None:
    change, check = TAMPERED[name]
    other = shutil.copytree(models, tmp_path / "set")
    change(other)
    checks = audit(server, own, other)
    assert check in failed(checks), checks[check]
    if check == "albedo":
        assert not failed(checks) & {"mask", "depth", "class", "normal", "coordinates"}


def test_a_small_wrong_part_is_named(
    server: RenderServer, own: Path, models: Path, tmp_path: Path
) -> None:
    """In one sample of eight, one side of an object."""
    other = shutil.copytree(models, tmp_path / "set")
    edit_text("box/a/a.mtl", r"(newmtl bottom\nKd) \S+", r"\1 0.5")(other)
    culprits = audit(server, own, other)["albedo"].culprits
    assert any(re.search(r"object \d \(\d+ of \d+ px beyond 2 levels\)", c) for c in culprits)


def test_another_share_of_the_drawn_color_fails(
    server: RenderServer, own: Path, models: Path, tmp_path: Path
) -> None:
    copy = copy_dataset(own, tmp_path)
    info = json.loads((copy / "dataset.json").read_text())
    info["settings"]["material.color_intensity"] = 0.1
    (copy / "dataset.json").write_text(json.dumps(info))
    assert failed(audit(server, copy, models)) == {"albedo"}


def test_an_image_that_is_missing_is_plain_and_told(
    server: RenderServer, models: Path, tmp_path: Path
) -> None:
    """What `dataset.json` does not tell, but the audit cannot read, is not judged."""
    other = shutil.copytree(models, tmp_path / "set")
    (other / "box/a/a.png").unlink()
    dataset = render_own(server, other, "own_missing", resolution=32)
    checks = audit(server, dataset, other)
    assert failed(checks) == set(), checks
    assert "; 0 px not judged" in checks["albedo"].figures
    path = dataset / "dataset.json"
    info = json.loads(path.read_text())
    assert info["incomplete"].keys() == {"box/a"}
    path.write_text(json.dumps({**info, "incomplete": {}}))
    checks = audit(server, dataset, other)
    assert failed(checks) == set(), checks
    assert int(re.search(r"; (\d+) px not judged", checks["albedo"].figures)[1]) > 100
    assert failed(audit(server, dataset, models)) >= {"albedo"}


# --- many true data sets --------------------------------------------------------------------------


MORE = {
    "mixed": ("material.color_intensity = 0.4",),
    "blended": ("material.alpha = 'blend'", "batch.seed = 3"),
    "far": ("design.fixed = {'camera_distance': 3.0}", "batch.seed = 4"),
    "near": ("design.fixed = {'camera_distance': 0.6}", "batch.seed = 5"),
    "emission": ("material.use_emission = True", "batch.seed = 6"),
    "another seed": ("batch.seed = 7",),
}


@pytest.mark.slow
@pytest.mark.parametrize("resolution", [32, 64])
@pytest.mark.parametrize("name", MORE)
def test_true_data_pass(server: RenderServer, models: Path, name: str, resolution: int) -> None:
    dataset = f"own_{[*MORE].index(name)}_{resolution}"
    path = render_own(server, models, dataset, *MORE[name], resolution=resolution)
    checks = audit(server, path, models)
    assert failed(checks) == set(), [(c.name, c.figures, c.culprits) for c in checks.values()]


def write_fine_models(folder: Path) -> Path:
    """Noise of a texel a thirtieth of a pixel wide: as colors, and as six leaves of holes."""
    rng = np.random.default_rng(0)
    leaf = Glb()
    noise = rng.integers(0, 256, (512, 512, 4), np.uint8)
    noise[:, :, 3] = np.where(noise[:, :, 3] < 128, 0, 255)
    material = add_material(leaf, encode_image(noise), alphaMode="MASK")
    for k in range(6):
        add_quad(leaf, material, 0.2 * k)
    noisy = Glb()
    noise = rng.integers(0, 256, (1024, 1024, 3), np.uint8)
    add_quad(noisy, add_material(noisy, encode_image(noise)))
    files = {"fine/a/a.glb": leaf.encode(), "fine/b/b.glb": noisy.encode()}
    return write_files(folder, files)


@pytest.mark.slow
def test_fine_textures_pass_and_are_left_out_where_pixels_blur_them(
    server: RenderServer, tmp_path: Path
) -> None:
    models = write_fine_models(tmp_path / "set")
    checks = audit(server, render_own(server, models, "own_fine"), models)
    assert failed(checks) == set(), [(c.name, c.figures, c.culprits) for c in checks.values()]
    num_unknown = int(re.search(r"; (\d+) px not judged", checks["mask"].figures)[1])
    assert 0 < num_unknown < 0.05 * 8 * 64**2
