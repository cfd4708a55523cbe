"""BOP: our audit of such data sets, which casts rays at the exported models, passes ours."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from skimage.measure import points_in_poly

from synrender.audit.bop.run import audit_bop
from synrender.audit.run import RayDraw
from synrender.errors import UserError
from synrender.export import bop, bop_models
from synrender.system.folders import Folders
from synrender.system.workers import Workers
from tests.audit.conftest import applied, failed
from tests.export.helpers import Exporter
from tests.helpers import Renderer

NUM_SAMPLES = 8


@pytest.fixture
def rendered(multi: Path, exporter: Exporter, wheel: Renderer) -> Exporter:
    """Exports the first of ``multi``, whose models are the demo set's."""
    for path in sorted((multi / "img").glob("[0-9]*"))[2 * NUM_SAMPLES :]:
        path.unlink()
    (multi.parent / "demo_assets").symlink_to(wheel.data_dir / "demo_assets")
    return dataclasses.replace(exporter, data_dir=multi.parent)


def test_the_audit_passes_it(rendered: Exporter) -> None:
    out = rendered.export("multi", "bop")
    with Workers(1) as workers:
        found = audit_bop(out, RayDraw(0), 0.0, workers, is_quiet=True)
    checks = {check.name: check for check in found}
    assert failed(checks) == set(), checks
    assert applied(checks) == {"files", "models", "pose", "mask", "visible", "depth", "info"}
    images = [
        infos
        for path in out.glob("*/*/scene_gt_info.json")
        for infos in json.loads(path.read_text()).values()
    ]
    assert [len(infos) for infos in images] == NUM_SAMPLES * [4]
    assert min(info["visib_fract"] for infos in images for info in infos) < 0.5
    boxes = np.array([info["bbox_obj"] for infos in images for info in infos])
    assert boxes[:, :2].min() < 0  # some are cut off
    assert not list(out.glob(".pieces"))
    code = json.loads((out / "models" / "models_info.json").read_text())
    assert all(m["diameter"] >= max(m[f"size_{a}"] for a in "xyz") for m in code.values())


def test_what_does_not_fit_is_refused(
    rendered: Exporter, exporter: Exporter, tmp_path: Path
) -> None:
    arguments = ("--to", "bop", "--out", tmp_path / "x", "-d")
    line = exporter.refuse(*arguments, "single")
    assert line.endswith("has no instance masks; they need images in EXR")
    exporter.monkeypatch.setattr(bop, "MAX_SHAPES", 5)
    bop.take_census.cache_clear()
    line = rendered.refuse(*arguments, "multi")
    assert "in more than 5 sizes" in line
    assert line.endswith("render with object.random_scaling = 0 and object.random_warp = 0")
    assert not (tmp_path / "x" / "export.json").exists()


def test_another_model_than_the_rendered_one_is_refused(wheel: Renderer) -> None:
    place = bop_models.ModelPlace(Folders(wheel.data_dir).demo / "ShapeNetCore.v2", "shapenet-v2")
    synset, model = sorted(place.path.glob("0*/*"))[0].parts[-2:]
    shape = bop_models.Shape(synset, model, (1.0, 2.0, 3.0))
    bbox = bop_models.load_model(place, synset, model).bounds
    size_mm = np.ptp(bop_models.load_shape(place, shape, bbox).bounds, axis=0)
    np.testing.assert_allclose(size_mm, np.ptp(bbox, axis=0) * [1000, 2000, 3000])
    with pytest.raises(UserError, match="is not the one that was rendered: its box"):
        bop_models.load_shape(place, shape, bbox * 1.01)


def test_a_silhouette_is_where_the_centers_of_pixels_are() -> None:
    rng = np.random.default_rng(0)
    places = rng.uniform(-10, 40, (60, 2))
    places[3] = np.nan  # behind the camera
    corners = np.arange(60).reshape(-1, 3)
    found = bop_models.draw_silhouette(places, corners, (20, 30))
    ys, xs = np.mgrid[:20, :30] + 0.5
    centers = np.stack([xs.ravel(), ys.ravel()], axis=1)
    expected = [points_in_poly(centers, places[t]) for t in corners if np.isfinite(places[t]).all()]
    np.testing.assert_array_equal(found, np.any(expected, axis=0).reshape(20, 30))


@pytest.mark.parametrize("is_flat", [False, True])
def test_the_diameter_is_the_largest_distance(is_flat: bool) -> None:
    points = np.random.default_rng(0).normal(size=(500, 3)) * [1, 1, 0 if is_flat else 1]
    assert bop_models.find_diameter(points) == pytest.approx(pdist(points).max(), rel=1e-12)
