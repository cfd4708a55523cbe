"""`import synrender`: what scripts and notebooks use, and its examples."""

from __future__ import annotations

import base64
import doctest
import importlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import synrender
from synrender.dataset.record import are_equal
from synrender.settings.label_table import LABELS
from tests.helpers import PROJECT_DIR, Renderer

QUICK = ("rendering.resolution = 32", "rendering.render_samples = 1")


@pytest.fixture(autouse=True)
def environment(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNRENDER_DATA_DIR", str(data_dir))


def test_every_public_name_is_there_and_typed() -> None:
    stub = (PROJECT_DIR / "synrender" / "__init__.pyi").read_text()
    for name in synrender.__all__:
        assert getattr(synrender, name)
        assert re.search(rf"\b{name}\b", stub), name
    assert set(synrender.__all__) <= set(dir(synrender))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = synrender.nothing


@pytest.mark.parametrize("name", ["functions", "renderer"])
def test_the_examples_run(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"synrender.api.{name}"))
    assert found.attempted >= 3
    assert not found.failed


def test_settings_come_from_files_bindings_and_names() -> None:
    settings = synrender.load_settings("render_multi", "batch.seed = 3", **{"sample.num_objs": 2})
    assert (settings.batch.seed, settings.sample.num_objs) == (3, 2)
    assert settings.rendering.render_exr
    with pytest.raises(synrender.UserError, match=r"did you mean 'seed'\?"):
        synrender.load_settings("batch.sed = 3")


def test_a_rendered_sample_is_that_of_its_data_set(rendered_labels: Path, wheel: Renderer) -> None:
    """All labels, flow to another sample of the group included."""
    data = synrender.open_dataset(rendered_labels)
    before = sorted(Path(wheel.data_dir).rglob("*.npy"))
    with synrender.Renderer(str(rendered_labels / "config.gin")) as renderer:
        for i in (5, 11, 3):
            sample, stored = renderer.render(i), data[i]
            assert sample.keys() == stored.keys()
            for name, value in stored.items():
                assert are_equal(np.asarray(sample[name]), np.asarray(value)), name
            assert renderer.plan(i).idx == i
        assert set(LABELS["flow"].fields) <= sample.keys()
    assert sorted(Path(wheel.data_dir).rglob("*.npy")) == before


def test_other_settings_share_the_process_and_say_nothing(capfd: pytest.CaptureFixture) -> None:
    with synrender.Renderer("render_single", *QUICK) as renderer:
        first = renderer.render(2)
        other = renderer.replace("lighting.r = 2", **{"material.use_texture": False})
        second = other.render(2)
        assert second["model_id"] == first["model_id"]
        assert second["texture"] == ""
        assert (second["image"] != first["image"]).any()
        assert (renderer.render(2)["image"] == first["image"]).all()
        found = other.preview()
        assert found._repr_png_().startswith(b"\x89PNG")
        assert found.lines[0] == "20 of 20 samples at draft quality"
        assert re.match(r"to render: 20 samples, about 0:\d\d on this machine", found.lines[1])
    assert capfd.readouterr() == ("", "")


def test_a_notebook_shows_the_pictures_and_the_record(rendered_multi: Path) -> None:
    from synrender.api.renderer import RenderedSample

    data = synrender.open_dataset(rendered_multi)
    sample = RenderedSample(data[0], {**data.class_names, int(data[0]["class"][0]): "<b>"})
    assert sample._repr_png_().startswith(b"\x89PNG")
    page = sample._repr_html_()
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)" alt="([^"]+)"', page)
    assert [name for _, name in pictures] == ["image", "instance", "class", "depth"]
    assert all(base64.b64decode(png).startswith(b"\x89PNG") for png, _ in pictures)
    assert "&lt;b&gt;" in page
    assert page.count("<td>") == 8 * len(data[0]["class"])


def test_mistakes_are_user_errors(tmp_path: Path) -> None:
    with synrender.Renderer("render_single", *QUICK) as renderer:
        with pytest.raises(synrender.UserError, match="must be from 0 to"):
            renderer.render(60000)
        with pytest.raises(synrender.UserError, match="no such parameter"):
            renderer.replace("batch.sed = 3")
    with pytest.raises(synrender.UserError, match="must be one folder name"):
        synrender.render_dataset("a/b", synrender.load_settings(), data_dir=tmp_path)


def test_a_process_that_dies_is_an_error_and_starts_again() -> None:
    with synrender.Renderer("render_single", *QUICK) as renderer:
        first = renderer.render(1)
        renderer._server._process.send_signal(signal.SIGKILL)
        with pytest.raises(RuntimeError, match=r"process ended \(status -9\)"):
            renderer.render(2)
        assert renderer.render(2)["sample_idx"] == 2
        assert (renderer.render(1)["image"] == first["image"]).all()


def test_a_data_set_is_rendered_finished_and_opened(tmp_path: Path, data_dir: Path) -> None:
    os.symlink(data_dir / "demo_assets", tmp_path / "demo_assets")
    size = ("batch.num_samples = 3", "object.total_num_samples = 3", "object.n_buckets = 1")
    settings = synrender.load_settings(*QUICK, *size)
    folder = synrender.render_dataset("made", settings, data_dir=tmp_path, is_quiet=True)
    assert folder == tmp_path / "made"
    assert len(synrender.open_dataset(folder)) == 3
    other = synrender.load_settings(*QUICK, *size, "batch.seed = 1")
    with pytest.raises(synrender.UserError, match="batch"):
        synrender.render_dataset("made", other, data_dir=tmp_path, is_quiet=True)
    synrender.render_dataset("made", other, overwrite=True, data_dir=tmp_path, is_quiet=True)
    assert synrender.open_dataset(folder).info.seed == 1


def test_importing_starts_nothing() -> None:
    script = "import synrender, sys; print([m for m in ('bpy', 'ray', 'h5py') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout == "[]\n"
