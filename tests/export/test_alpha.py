"""Images through which one sees keep their alpha in every format."""

from __future__ import annotations

import dataclasses
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import synrender
from synrender.images.conversions import over_white
from synrender.system.folders import Folders
from tests.audit.test_alphas import render_alpha
from tests.export.helpers import Exporter
from tests.export.test_mds import read_split
from tests.export.test_nerf import ORBIT, cast_rays, load_obj
from tests.helpers import Renderer, RenderServer

Images = Iterator[tuple[int, Image.Image]]
"""With the numbers of their samples."""

FLOATING = (
    *(line for line in ORBIT if not line.startswith("design.fixed")),
    "design.fixed = {'camera_elevation': 0.4, 'camera_roll': 0.3, 'backdrop': 'none'}",
    "rendering.render_exr = False",
)


def read_tars(out: Path) -> Images:
    for path in out.glob("*.tar"):
        with tarfile.open(path) as tar:
            for member in tar.getmembers():
                name, ending = member.name.split(".", 1)
                if ending == "png":
                    file = tar.extractfile(member)
                    assert file is not None
                    yield int(name), Image.open(io.BytesIO(file.read()))


def read_parquet(out: Path) -> Images:
    import pyarrow.parquet

    for path in (out / "data").iterdir():
        table = pyarrow.parquet.read_table(path, columns=["sample_idx", "image"])
        for row in table.to_pylist():
            yield row["sample_idx"], Image.open(io.BytesIO(row["image"]["bytes"]))


def read_mds(out: Path) -> Images:
    for index in out.glob("*/index.json"):
        for sample in read_split(index.parent):
            yield sample["sample_idx"], sample["image"]


def read_files(out: Path) -> Images:
    for path in out.glob("*/**/[0-9]*.png"):
        yield int(path.stem), Image.open(path)


FORMATS: dict[str, Callable[[Path], Images]] = {
    "webdataset": read_tars, "parquet": read_parquet, "mds": read_mds, "coco": read_files,
    "imagefolder": read_files,
}  # fmt: skip


def check_images(found: Images, dataset_dir: Path) -> int:
    """Compares images with what `open_dataset` shows before white; returns how many have alpha."""
    data = synrender.open_dataset(dataset_dir, fields=["sample_idx", "image", "alpha"])
    expected = {int(np.ravel(sample["sample_idx"])[0]): sample for sample in data}
    modes = []
    for idx, picture in found:
        sample, pixels = expected.pop(idx), np.asarray(picture)
        modes.append(picture.mode)
        alpha = pixels[..., 3] if picture.mode == "RGBA" else np.full(pixels.shape[:2], 255)
        np.testing.assert_array_equal(alpha, sample["alpha"])
        np.testing.assert_array_equal(over_white(pixels), sample["image"])
    assert not expected
    assert {*modes} <= {"RGB", "RGBA"}
    return modes.count("RGBA")


@pytest.mark.parametrize("kind", ["exr", "png"])
def test_images_of_several_objects_keep_their_alpha(
    kind: str, server: RenderServer, exporter: Exporter
) -> None:
    folder = render_alpha(server, kind)
    real = dataclasses.replace(exporter, data_dir=folder.parent)
    forms = ["webdataset", "parquet", "mds", *(["coco"] if kind == "exr" else [])]
    for form in forms:
        out = real.export(folder.name, form)
        assert check_images(FORMATS[form](out), folder) == 2, form


@pytest.fixture
def floating(server: RenderServer) -> Path:
    """Sequences of single objects with nothing behind them."""
    return server.render("floating_orbits", *FLOATING, config="render_single")


def test_image_folders_keep_alpha(floating: Path, exporter: Exporter) -> None:
    real = dataclasses.replace(exporter, data_dir=floating.parent)
    out = real.export(floating.name, "imagefolder")
    assert check_images(read_files(out), floating) == 12


def test_nerf_has_alpha_in_place_of_masks(
    floating: Path, exporter: Exporter, wheel: Renderer
) -> None:
    """Rays by nerfstudio's convention hit the model where alpha says that it is."""
    real = dataclasses.replace(exporter, data_dir=floating.parent)
    out = real.export(floating.name, "nerf")
    assert check_images(read_files(out), floating) == 12
    assert not list(out.rglob("masks"))
    data = synrender.open_dataset(floating)
    models, num = Folders(wheel.data_dir).demo / "ShapeNetCore.v2", 0
    for path in sorted(out.glob("*/*/transforms.json")):
        scene = json.loads(path.read_text())
        for frame in scene["frames"]:
            assert "mask_path" not in frame
            sample = data[int(Path(frame["file_path"]).stem)]
            alpha = np.asarray(Image.open(path.parent / frame["file_path"]))[..., 3]
            file = models / sample["synset_id"] / sample["model_id"] / "models"
            mesh = load_obj(file / "model_normalized.obj").apply_transform(sample["obj_to_world"])
            hits = cast_rays(frame, scene, mesh)
            assert hits.sum() > 20
            assert (alpha[hits & ~_near(~hits)] == 255).all()
            assert (alpha[~_near(hits)] == 0).all()
            assert np.corrcoef(alpha.ravel(), hits.ravel())[0, 1] > 0.9
            num += 1
    assert num == 12


def _near(mask: np.ndarray) -> np.ndarray:
    """Pixels of a mask (h, w) and their neighbors."""
    padded = np.pad(mask, 1, mode="edge")
    h, w = mask.shape
    return np.any([padded[y : y + h, x : x + w] for y in range(3) for x in range(3)], axis=0)
