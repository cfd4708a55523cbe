"""What other programs say of where a model stands, and of what maps of surfaces show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from synrender.audit.check import Check, Verdict
from synrender.audit.run import audit_dataset
from synrender.dataset.folder import open_dataset_folder
from synrender.images.exr import read_exr
from synrender.system.folders import Folders
from tests.assets.gltf_writer import Glb
from tests.assets.helpers import write_files
from tests.audit.conftest import failed
from tests.audit.own_models import (
    CUBE_FACES,
    CUBE_POINTS,
    UV,
    add_faces,
    add_material,
    draw_ramp,
    encode_image,
)
from tests.helpers import Renderer, RenderServer, read_record

LOOK = (
    "rendering.render_samples = 1", "rendering.resolution = 64", "object.n_buckets = 1",
    "batch.cache_obj_frames = 1", "batch.num_samples = 6", "object.total_num_samples = 6",
    "object.random_viewpoint = 2", "rendering.labels = ['normal', 'albedo', 'amodal']",
)  # fmt: skip


def placed_glb() -> bytes:
    """A box below nodes that move, turn, stretch and mirror it, and one that stands beside it."""
    glb = Glb()
    material = add_material(glb, encode_image(draw_ramp()))
    for face in CUBE_FACES:
        add_faces(glb, CUBE_POINTS[face], UV, material)
    glb.root["nodes"] = [
        {"children": [1, 2], "rotation": [0, 0.6, 0, 0.8], "translation": [1, 2, 3]},
        {"mesh": 0, "scale": [1, -2, 0.5]},
        {"mesh": 0, "translation": [0, 0, 5], "rotation": [0.5, 0.5, 0.5, 0.5]},
    ]
    return glb.encode()


def test_obj_to_world_takes_vertices_as_trimeshs_scene_graph_places_them(
    server: RenderServer, tmp_path: Path
) -> None:
    """Their outermost pixels are those of the mask."""
    models = write_files(tmp_path / "set", {"box/a/a.glb": placed_glb()})
    models_setting = f"assets.models = {str(models)!r}"
    own = ("material.source = 'own'", "sample.num_objs = 1")
    placed = server.render("placed", *LOOK, models_setting, *own, config="render_multi")
    vertices = trimesh.load_scene(models / "box/a/a.glb", process=False).to_mesh().vertices
    assert len(vertices) == 48
    for idx in range(6):
        row = read_record(placed, idx)[0]
        to_camera = row["world_to_camera"] @ row["obj_to_world"]
        seen = (vertices @ to_camera[:3, :3].T + to_camera[:3, 3]) @ row["intrinsics"].T
        places = np.clip(seen[:, :2] / seen[:, 2:], 0, 64)
        mask = read_exr(placed / "img" / f"{idx:05d}.exr").amodal[0] > 0
        ys, xs = np.nonzero(mask)
        shown = np.array([[xs.min(), ys.min()], [xs.max() + 1, ys.max() + 1]])
        np.testing.assert_allclose(shown, [places.min(axis=0), places.max(axis=0)], atol=1.01)
        assert np.ptp(shown, axis=0).min() > 10


# --- maps of surfaces -----------------------------------------------------------------------------


PLAIN = {"Roughness": (150, 150, 150), "Metalness": (60, 60, 60), "NormalGL": (128, 128, 255)}
MAPS = ("Color", *PLAIN)


def write_maps(folder: Path) -> Path:
    """Four sets of maps, as ambientCG names them."""
    images = {}
    for k in range(4):
        maps = {kind: np.full((64, 64, 3), color, np.uint8) for kind, color in PLAIN.items()}
        for kind, pixels in {**maps, "Color": draw_ramp(64, k)}.items():
            name = f"Set{k}_2K-JPG/Set{k}_2K-JPG_{kind}.jpg"
            images[name] = encode_image(pixels, "JPEG", quality=95)
    return write_files(folder, images)


@pytest.fixture(scope="module")
def surfaces(server: RenderServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of maps that a data set named ``surfaces`` shows."""
    textures = write_maps(tmp_path_factory.mktemp("maps") / "set")
    server.render(
        "surfaces", *LOOK, "material.source = 'pbr'", f"assets.textures = {str(textures)!r}",
        "sample.num_objs = 2", "sample.class_idxs = [0, 4]", config="render_multi",
    )  # fmt: skip
    return textures


def audit(wheel: Renderer, textures: Path) -> dict[str, Check]:
    folder = open_dataset_folder(wheel.data_dir, "surfaces")
    folders = Folders(wheel.data_dir, textures=textures)
    return {check.name: check for check in audit_dataset(folder, folders, 0, jobs=1, is_quiet=True)}


def test_the_color_maps_of_surfaces_are_the_albedo(wheel: Renderer, surfaces: Path) -> None:
    checks = audit(wheel, surfaces)
    assert failed(checks) == set(), checks
    assert checks["albedo"].verdict is Verdict.PASS
    num = next(m.num for m in checks["albedo"].measures)
    assert num is not None
    assert num > 1000


@pytest.mark.parametrize("kind", MAPS)
def test_other_color_maps_fail_and_other_maps_do_not(
    wheel: Renderer, surfaces: Path, tmp_path: Path, kind: str
) -> None:
    """Metal has the albedo of its color map, too."""
    other = write_maps(tmp_path / "set")
    for path in other.rglob(f"*_{kind}.jpg"):
        path.write_bytes(encode_image(draw_ramp(64)[::-1], "JPEG"))
    assert failed(audit(wheel, other)) == ({"albedo"} if kind == "Color" else set())
