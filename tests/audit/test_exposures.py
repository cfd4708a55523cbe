"""Exposure brightens a PNG as the view transform says, changes no EXR, and the audit knows it."""

from __future__ import annotations

import shutil
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from synrender.audit.exposures import find_exposed_range
from synrender.settings.factor_table import COLUMNS
from tests.audit.conftest import applied, failed
from tests.audit.test_tampering import edit_pass
from tests.blender.test_analytic import linear_to_srgb8
from tests.helpers import RenderServer, read_channels, read_image, read_record

STOPS = (-2.0, 0.0, 1.5)
TWINS = (
    "batch.num_samples = 6", "object.total_num_samples = 6", "object.n_buckets = 2",
    "design.kind = 'twins'", "design.twin_size = 3", f"design.levels = {{'exposure': {STOPS}}}",
)  # fmt: skip


@pytest.fixture(scope="module")
def exrs(server: RenderServer) -> Path:
    return server.render("exposed_exr", *TWINS, "rendering.render_exr = True")


@pytest.fixture(scope="module")
def pngs(server: RenderServer) -> Path:
    return server.render("exposed_png", *TWINS)


def test_a_png_is_the_exr_times_2_to_the_stops(exrs: Path, pngs: Path) -> None:
    for idx in range(6):
        channels = read_channels(exrs, idx)
        linear = np.stack([channels[f"Combined.{c}"] for c in "RGB"], axis=2)
        stops = read_record(pngs, idx)["factor_values"][0, COLUMNS.index("exposure")]
        expected = linear_to_srgb8(linear * 2**stops)
        assert np.abs(read_image(pngs, idx) - expected).max() <= 1
        first = read_channels(exrs, idx - idx % 3)
        assert all(np.array_equal(channels[name], first[name]) for name in first)


def test_twins_of_exposure_pass_the_audit(exrs: Path, pngs: Path, audit) -> None:
    for folder, others in ((exrs, {"same labels"}), (pngs, set())):
        checks = audit(folder)
        assert failed(checks) == set()
        assert applied(checks) >= {"exposure", "twins", *others}
    assert "4 not judged" in checks["images"].figures


def test_an_image_that_one_sees_through_is_exposed_where_it_is_opaque(
    server: RenderServer, audit
) -> None:
    fixed = "design.fixed = {'backdrop': 'none'}"
    checks = audit(server.render("exposed_alpha", *TWINS, fixed))
    assert failed(checks) == set()
    assert applied(checks) >= {"exposure", "alpha"}


def test_an_exposure_that_is_not_the_recorded_one_fails(pngs: Path, audit, tmp_path: Path) -> None:
    copy = shutil.copytree(pngs, tmp_path / "copy")
    image = read_image(copy, 2).astype(float)
    iio.imwrite(copy / "img" / "00002.png", (image * 0.93).astype(np.uint8))
    checks = audit(copy)
    assert failed(checks) == {"exposure"}
    assert all("2" in culprit.split("(")[0] for culprit in checks["exposure"].culprits)


def test_an_exr_that_changes_with_the_exposure_fails(exrs: Path, audit, tmp_path: Path) -> None:
    copy = shutil.copytree(exrs, tmp_path / "copy")
    edit_pass(copy, 4, "Combined.G", lambda pixels: pixels * 1.0001)
    assert failed(audit(copy)) == {"exposure"}


@pytest.mark.parametrize("stops", [-6.0, -0.3, 0.0, 0.4, 5.0])
def test_the_range_holds_every_brightness_that_rounds_to_a_level(stops: float) -> None:
    linear = np.linspace(0, 3, 20001)
    low, high = find_exposed_range(linear_to_srgb8(linear), stops)
    shown = linear_to_srgb8(linear * 2**stops)
    assert ((low <= shown) & (shown <= high)).all()
    assert (high - low).min() < 10
