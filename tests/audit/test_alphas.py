"""Alpha of images with nothing behind their objects: proven by rays."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from synrender.settings.factor_table import COLUMNS
from tests.audit.conftest import applied, failed
from tests.audit.test_tampering import edit_pass
from tests.helpers import RenderServer, read_record

TWINS = (
    "rendering.resolution = 48", "rendering.render_samples = 8", "sample.num_objs = 2",
    "batch.num_samples = 6", "object.total_num_samples = 6", "object.n_buckets = 2",
    "design.kind = 'twins'", "design.twin_size = 3",
    "design.levels = {'backdrop': ['plane', 'environment', 'none']}",
)  # fmt: skip
KINDS = {
    "exr": ("rendering.labels = ('flow', 'occlusion', 'normal', 'albedo', 'shading')",),
    "png": ("rendering.render_exr = False",),
    "shadows": ("rendering.render_exr = False", "scene.ground = True"),
}


@pytest.fixture
def render(server: RenderServer) -> Callable[[str], Path]:
    return lambda kind: render_alpha(server, kind)


def render_alpha(server: RenderServer, kind: str) -> Path:
    """Twins that differ in what is behind two objects; rendered once."""
    return server.render(f"alpha_{kind}", *TWINS, *KINDS[kind], config="render_multi")


def find_none(dataset_dir: Path) -> int:
    """A sample with nothing behind its objects."""
    column = COLUMNS.index("backdrop")
    values = [read_record(dataset_dir, idx)["factor_values"][0, column] for idx in range(6)]
    return values.index(2)


@pytest.mark.parametrize("kind", KINDS)
def test_twins_of_all_backdrops_pass_the_audit(kind: str, render, audit) -> None:
    checks = audit(render(kind))
    assert failed(checks) == set(), [c for c in checks.values() if c.culprits]
    assert applied(checks) >= {"alpha", "twins", "images"}
    assert "in 2 samples" in checks["alpha"].figures


def fill(rgba: np.ndarray) -> None:
    rgba[..., 3] = 255


def shift(rgba: np.ndarray) -> None:
    rgba[..., 3] = np.roll(rgba[..., 3], 1, axis=1)


def thin_out(rgba: np.ndarray) -> None:
    rgba[..., 3] = rgba[..., 3] * 0.97


def grow(rgba: np.ndarray) -> None:
    """By a third of what the pixels at the edges lack."""
    edge = (rgba[..., 3] > 0) & (rgba[..., 3] < 255)
    rgba[edge, 3] += ((255 - rgba[edge, 3]) * 0.6).astype(np.uint8)


@pytest.mark.parametrize("tamper", [fill, shift, thin_out, grow])
def test_another_alpha_fails(tamper, render, audit, tmp_path: Path) -> None:
    copy = shutil.copytree(render("png"), tmp_path / "copy")
    idx = find_none(copy)
    path = copy / "img" / f"{idx:05d}.png"
    rgba = iio.imread(path)
    tamper(rgba)
    iio.imwrite(path, rgba)
    checks = audit(copy)
    assert failed(checks) == {"alpha"}
    assert checks["alpha"].culprits[0].startswith(f"{idx} (")


def test_alpha_of_an_exr_is_judged_too(render, audit, tmp_path: Path) -> None:
    copy = shutil.copytree(render("exr"), tmp_path / "copy")
    edit_pass(copy, find_none(copy), "Combined.A", lambda alpha: np.roll(alpha, 1, axis=0))
    assert "alpha" in failed(audit(copy))


@pytest.mark.parametrize("kind", ["exr", "png"])
def test_alpha_where_a_record_says_that_there_is_a_plane_fails(
    kind: str, render, audit, tmp_path: Path
) -> None:
    copy = shutil.copytree(render(kind), tmp_path / "copy")
    (source, target), end = (find_none(copy), (find_none(copy) + 1) % 3), KINDS_OF_FILES[kind]
    shutil.copy(copy / "img" / f"{source:05d}{end}", copy / "img" / f"{target:05d}{end}")
    assert "files" in failed(audit(copy))


KINDS_OF_FILES = {"exr": ".exr", "png": ".png"}
