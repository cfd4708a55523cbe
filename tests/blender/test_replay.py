"""A stored sample is rendered again and compared, pixels and record."""

from __future__ import annotations

import json
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from synrender.images.scanline_exr import read_channels, write_channels
from tests.helpers import Renderer, read_image, read_record


@pytest.fixture(scope="module", params=["render_single", "render_multi"])
def dataset(request: pytest.FixtureRequest, renderer: Renderer) -> tuple[Renderer, Path]:
    """Five samples, with each Blender; each test changes one of them."""
    name = f"replayed_{request.param}"
    return renderer, renderer.render(name, "batch.num_samples = 5", config=request.param)


def test_equal(dataset: tuple[Renderer, Path]) -> None:
    renderer, dataset_dir = dataset
    before = sorted(p.name for p in renderer.data_dir.iterdir())
    output = renderer.run("--replay", dataset_dir.name, "3")
    assert f"sample 3 of {dataset_dir.name}" in output
    assert "equal, pixels and record" in output
    assert sorted(p.name for p in renderer.data_dir.iterdir()) == before


def test_another_pixel(dataset: tuple[Renderer, Path]) -> None:
    renderer, dataset_dir = dataset
    if (dataset_dir / "img" / "00001.png").exists():
        pixels = read_image(dataset_dir, 1).copy()
        pixels[7, 5, 0] ^= 3
        iio.imwrite(dataset_dir / "img" / "00001.png", pixels)
        expected = "the image differs in 1 of 1024 pixels"
    else:
        path = dataset_dir / "img" / "00001.exr"
        header, channels = read_channels(path)
        channels["ViewLayer.Depth.Z"][7, 5] += 0.25
        write_channels(path, header, channels)
        expected = "ViewLayer.Depth.Z differs in 1 of 1024 pixels, by 0.25 at most"
    output = renderer.run("--replay", dataset_dir.name, "1", status=1)
    assert expected in output
    assert "first at x 5, y 7: stored" in output


def test_another_record(dataset: tuple[Renderer, Path]) -> None:
    renderer, dataset_dir = dataset
    record = read_record(dataset_dir, 2)
    record["euler"][0, 1] += 1e-3
    np.save(dataset_dir / "img" / "00002.npy", record)
    output = renderer.run("--replay", dataset_dir.name, "2", status=1)
    assert "field 'euler' of object 1 differs: stored [" in output


def test_an_asset_that_was_rejected_later(wheel: Renderer) -> None:
    dataset_dir = wheel.render("rejected_later", "batch.num_samples = 1")
    row = read_record(dataset_dir, 0)[0]
    info = json.loads((dataset_dir / "dataset.json").read_text())
    info["rejected"] = {f"{row['synset_id']}/{row['model_id']}": "crashed Blender 2 times"}
    (dataset_dir / "dataset.json").write_text(json.dumps(info))
    assert "equal" in wheel.run("--replay", "rejected_later", "0")


def test_an_edited_configuration_is_noticed_and_does_not_count(wheel: Renderer) -> None:
    dataset_dir = wheel.render("edited", "batch.num_samples = 1")
    config = dataset_dir / "config.gin"
    assert "edited" not in wheel.run("--replay", "edited", "0").replace("of edited", "")
    config.write_text(config.read_text().replace("lighting.r = 0.0", "lighting.r = 1.0"))
    output = wheel.run("--replay", "edited", "0")
    assert f"{config} was edited: lighting.r = 1.0. dataset.json has 0.0, and counts" in output
    assert "equal, pixels and record" in output
    config.write_text("lighting.r = ")
    assert "dataset.json counts" in wheel.run("--replay", "edited", "0")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("replayed_render_singel", "0"),
            "no such data set; did you mean 'replayed_render_single'",
        ),
        (("replayed_render_single", "99"), "no such complete sample"),
        (("replayed_render_single", "x"), "must be a whole number"),
        (("../x", "0"), "must be one folder name"),
    ],
)
def test_mistakes(wheel: Renderer, arguments: tuple[str, str], message: str) -> None:
    wheel.render("replayed_render_single", "batch.num_samples = 5")
    output = wheel.run("--replay", *arguments, status=2)
    assert message in output
    assert output.count("\n") == 1
