"""Every reader of a data set shows images with alpha before white, and gives the alpha."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import imageio.v3 as iio
import numpy as np
import pytest

from synrender.images.conversions import over_white
from synrender.loading.dataset import open_dataset
from tests.archive.helpers import QuickArchiver
from tests.audit.test_alphas import find_none, render_alpha
from tests.helpers import RenderServer


@pytest.mark.parametrize("kind", ["exr", "png"])
def test_every_format_shows_white_behind_the_objects_and_gives_alpha(
    kind: str, server: RenderServer, tmp_path: Path, quick: QuickArchiver
) -> None:
    folder = shutil.copytree(render_alpha(server, kind), tmp_path / "set")
    raw = open_dataset(folder / "img")
    first = [raw[k] for k in range(len(raw))]
    idx = find_none(folder)
    alpha = first[idx]["alpha"]
    assert first[idx]["image"].shape == (48, 48, 3)
    assert (first[idx]["image"][alpha == 0] == 255).all()
    assert (first[(idx + 1) % 3]["alpha"] == 255).all()
    quick.run("-d", "set", "-f", "-p", "-r", "48", "-b", "2")
    archived = {int(np.ravel(s["sample_idx"])[0]): s for s in open_dataset(folder / "imgs_00.h5")}
    archived |= {int(np.ravel(s["sample_idx"])[0]): s for s in open_dataset(folder / "imgs_01.h5")}
    with h5py.File(folder / "data_48.h5") as file:
        mean, std = file.attrs["mean"], file.attrs["std"]
    for sample in open_dataset(folder / "data_48.h5"):
        sample_idx = int(np.ravel(sample["sample_idx"])[0])
        for name in ("image", "alpha"):
            np.testing.assert_array_equal(archived[sample_idx][name], first[sample_idx][name])
        np.testing.assert_array_equal(sample["alpha"], first[sample_idx]["alpha"])
        planes = sample["image"] * std[:, None, None] + mean[:, None, None]
        shown = first[sample_idx]["image"].transpose(2, 0, 1)
        assert np.abs(planes - shown).max() < 0.6
    png = iio.imread(raw.with_fields(["image_png"])[idx]["image_png"])
    assert png.shape == (48, 48, 4)
    np.testing.assert_array_equal(over_white(png), first[idx]["image"])


def test_both_kinds_of_files_show_the_same(server: RenderServer) -> None:
    """Colors of a PNG before white are those of the EXR, to the rounding of 8 bits."""
    exrs, pngs = (open_dataset(render_alpha(server, kind) / "img") for kind in ("exr", "png"))
    for exr, png in zip(exrs, pngs, strict=True):
        assert np.abs(exr["image"].astype(int) - png["image"]).max() <= 1
        assert np.abs(exr["alpha"].astype(int) - png["alpha"]).max() <= 1
