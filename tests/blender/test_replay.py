"""A stored sample is rendered again and compared, pixels and record."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from synrender.images.scanline_exr import read_channels, write_channels
from tests.helpers import (
    PROJECT_DIR,
    QuickCommand,
    Renderer,
    RenderServer,
    read_image,
    read_record,
)


@pytest.fixture(scope="module", params=["render_single", "render_multi"])
def dataset(
    request: pytest.FixtureRequest, renderer: Renderer, each_server: RenderServer
) -> tuple[Renderer, Path]:
    """Five samples, with each Blender; each test changes one of them."""
    name = f"replayed_{request.param}"
    return renderer, each_server.render(name, "batch.num_samples = 5", config=request.param)


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


def test_an_asset_that_was_rejected_later(wheel: Renderer, server: RenderServer) -> None:
    dataset_dir = server.render("rejected_later", "batch.num_samples = 1")
    row = read_record(dataset_dir, 0)[0]
    info = json.loads((dataset_dir / "dataset.json").read_text())
    info["rejected"] = {f"{row['synset_id']}/{row['model_id']}": "crashed Blender 2 times"}
    (dataset_dir / "dataset.json").write_text(json.dumps(info))
    assert "equal" in wheel.run("--replay", "rejected_later", "0")


@pytest.mark.slow
@pytest.mark.parametrize("config", ["render_single", "render_multi"])
def test_another_kind_of_cpu(wheel: Renderer, config: str) -> None:
    """Its pixels are compared within a bound, and its samples are recorded as its own."""
    size = ("batch.num_samples = 3", "rendering.render_samples = 16")
    dataset_dir = wheel.render(f"other_cpu_{config}", *size, config=config)
    name, suffix = dataset_dir.name, "exr" if config == "render_multi" else "png"
    output = run_on_other_cpu(wheel, "--replay", name, "1")
    assert "on another kind of CPU (AnotherMaker another model and " in output
    assert "): record equal, pixels within the bound" in output
    (dataset_dir / "img" / "00002.npy").unlink()
    command = ["-d", name, "-g", str(dataset_dir / "config.gin")]
    first = run_on_other_cpu(wheel, *command).splitlines()[0]
    assert first.startswith(f"{dataset_dir} is of 2 kinds of CPU: ")
    cpus = json.loads((dataset_dir / "dataset.json").read_text())["cpus"]
    assert [entry["samples"] for entry in cpus] == ["0-1", "2"]
    assert cpus[1]["cpu"]["model"] == "another model"
    assert "equal, pixels and record" in run_on_other_cpu(wheel, "--replay", name, "2")
    assert "on another kind of CPU" in wheel.run("--replay", name, "2")
    images = [dataset_dir / "img" / f"0000{k}.{suffix}" for k in range(2)]
    images[0].write_bytes(images[1].read_bytes())
    assert " differs in " in run_on_other_cpu(wheel, "--replay", name, "0", status=1)


def run_on_other_cpu(wheel: Renderer, *arguments: str, status: int = 0) -> str:
    """Errors, then output, of render.py on a CPU without AVX2."""
    result = subprocess.run(
        [sys.executable, "tests/blender/other_cpu.py", *arguments],
        cwd=PROJECT_DIR, env=wheel.full_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == status, result.stderr + result.stdout
    return result.stderr + result.stdout


def test_an_edited_configuration_is_noticed_and_does_not_count(
    wheel: Renderer, server: RenderServer
) -> None:
    dataset_dir = server.render("edited", "batch.num_samples = 1")
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
def test_mistakes(
    idle_wheel: QuickCommand, server: RenderServer, arguments: tuple[str, str], message: str
) -> None:
    server.render("replayed_render_single", "batch.num_samples = 5")
    output = idle_wheel.run("--replay", *arguments, status=2)
    assert message in output
    assert output.count("\n") == 1
