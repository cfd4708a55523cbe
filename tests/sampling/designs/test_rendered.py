"""Designs as they are rendered: twins of every factor, with two Blenders."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from synrender.settings.factor_table import COLUMNS, FACTORS, find_columns
from tests.helpers import RenderServer, read_passes, read_records

LEVELS = {
    "class": 3, "model": 2, "texture": 3, "color": 3, "scale": [0.5, 0.8, 1.1],
    "azimuth": [-0.8, 0, 0.8], "elevation": [-0.6, 0, 0.6], "roll": [-0.6, 0, 0.6],
    "warp": [[1, 1, 1], [0.7, 1.2, 1.1]], "light_angle": [-1.4, -0.5, 0.6],
    "light_energy": [20, 100, 300], "backdrop_texture": 3, "backdrop_color": 3, "layout": 3,
    "num_objs": [1, 2, 3], "camera_distance": [0.9, 1.1, 1.4], "camera_lens": [35, 50, 70],
}  # fmt: skip
COMMON = (
    "rendering.resolution = 32", "rendering.render_samples = 1", "sample.num_objs = 3",
    "sample.class_idxs = 3", "object.n_buckets = 3", "object.total_num_samples = 204",
    "batch.num_samples = 68", "material.color_intensity = 0.5", "design.kind = 'twins'",
)  # fmt: skip
PLAIN = ("material.use_texture = False",)  # the backdrop's color shows only without textures


@pytest.fixture(scope="module", params=["textured", pytest.param("plain", marks=pytest.mark.slow)])
def twins(request: pytest.FixtureRequest, each_server: RenderServer) -> Path:
    """34 pairs of twins, each in a factor that was drawn among all of them."""
    if each_server.name not in ("wheel", "debian"):
        pytest.skip("two Blenders are enough")
    names = set(LEVELS) - ({"backdrop_color"} if request.param == "textured" else set())
    names -= {"texture", "backdrop_texture"} if request.param == "plain" else set()
    levels = {name: LEVELS[name] for name in sorted(names)}
    bindings = [*COMMON, f"design.levels = {levels}"]
    bindings += PLAIN if request.param == "plain" else ()
    return each_server.render(f"twins_{request.param}", *bindings, config="render_multi")


def test_twins_differ_in_their_factor_and_in_nothing_else(twins: Path) -> None:
    seen = set()
    for j in range(34):
        a, b = 2 * j, 2 * j + 1
        first, second = (np.load(twins / "img" / f"{i:05d}.npy") for i in (a, b))
        (name,) = {*first["varied"], *second["varied"]}
        seen.add(name)
        factor = FACTORS[name]
        n = min(len(first), len(second))
        own = list(find_columns(name))
        others = [k for k in range(len(COLUMNS)) if k not in own]
        if name == "class":  # another class has other models, in other colors
            others = [k for k in others if not COLUMNS[k].startswith(("model", "color"))]
        np.testing.assert_array_equal(
            first["factor_values"][:n, others], second["factor_values"][:n, others]
        )
        assert (first["factor_levels"][:n, own] != second["factor_levels"][:n, own]).all()
        passes = [read_passes(twins, i) for i in (a, b)]
        is_equal = {
            what: np.array_equal(passes[0][what], passes[1][what])
            for what in ("instance", "material", "depth", "rgb")
        }
        if not factor.labels:
            assert is_equal["instance"]
            assert is_equal["material"]
            assert is_equal["depth"]
        assert not is_equal["rgb"], (j, name)
    assert len(seen) >= 11


def test_an_object_fewer_leaves_the_others_where_they_are(twins: Path) -> None:
    counts = [len(np.load(twins / "img" / f"{i:05d}.npy")) for i in range(68)]
    assert set(counts) == {1, 2, 3}
    for idx, count in enumerate(counts):
        assert read_passes(twins, idx)["instance"].max() <= count


def test_the_description_has_the_levels(twins: Path) -> None:
    design = json.loads((twins / "dataset.json").read_text())["design"]
    assert design["kinds"] == ["twins"]
    assert design["block_size"] == 2
    assert design["factors"]["camera_lens"]["levels"] == [[35.0], [50.0], [70.0]]
    records = [np.load(twins / "img" / f"{i:05d}.npy")[0] for i in range(68)]
    for record, (name, factor) in itertools.product(records, design["factors"].items()):
        level = int(record["factor_levels"][COLUMNS.index(factor["columns"][0])])
        values = [record["factor_values"][COLUMNS.index(c)] for c in factor["columns"]]
        if name not in ("model", "layout"):
            np.testing.assert_allclose(values, factor["levels"][level], atol=1e-12)


def test_the_audit_of_shape_and_camera_passes(twins: Path) -> None:
    """Rays from each sample's own camera, and records of different numbers of objects."""
    from synrender.audit.check import Verdict
    from synrender.audit.run import audit_dataset
    from synrender.dataset.folder import open_dataset_folder
    from synrender.system.folders import Folders

    folder = open_dataset_folder(twins.parent, twins.name)
    checks = audit_dataset(folder, Folders(twins.parent), 8, jobs=1, is_quiet=True)
    verdicts = {check.name: check for check in checks}
    for name in ("mask", "class", "depth", "boxes", "pose"):
        assert verdicts[name].verdict is Verdict.PASS, verdicts[name]


@pytest.mark.parametrize(
    "kind", ["grid", "one_at_a_time", "sequence", "shortcut", "holdout", "causal", "twins"]
)
def test_the_example_of_each_kind_renders(server: RenderServer, kind: str) -> None:
    small = ("rendering.resolution = 8", "batch.num_samples = 12")
    config = ("render_single", f"design_{kind}")
    records = read_records(server.render(f"design_{kind}", *small, config=config))
    assert records.shape == (12, 1)
    assert (records["factor_levels"] >= 0).any() or kind in ("twins", "sequence")


def test_twins_of_a_texture_differ_where_textures_are_rejected(
    server: RenderServer, tmp_path: Path
) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "images").mkdir()
    names = [f"t{k}.png" for k in range(9)]
    (tmp_path / "labels" / "labels_joint_anno.txt").write_text("\n".join(names))
    for k, name in enumerate(names):
        iio.imwrite(tmp_path / "images" / name, np.full((8, 8, 3), 20 * k, np.uint8))
    for name in names[:3]:
        (tmp_path / "images" / name).write_bytes(b"no image")
    design = "design.kind = 'twins'", "design.twins = 'backdrop_texture'", "object.n_buckets = 3"
    size = "batch.num_samples = 24", "object.total_num_samples = 24", "sample.class_idxs = 1"
    look = "rendering.resolution = 8", f"assets.textures = {str(tmp_path)!r}"
    dataset_dir = server.render("twins_rejected", *design, *size, *look)
    records = read_records(dataset_dir)[:, 0]
    for first, second in zip(records[::2], records[1::2], strict=True):
        assert first["backdrop_texture"] != second["backdrop_texture"]
        assert first["texture"] == second["texture"]
    info = json.loads((dataset_dir / "dataset.json").read_text())
    assert set(names[:3]) == set(info["rejected"])
