"""The main job on the demo set: the right files with the right content, on every Blender."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from synrender.dataset.record import RECORD_DTYPE
from synrender.settings.load import load_settings
from tests.helpers import (
    PROJECT_DIR,
    QuickCommand,
    Renderer,
    RenderServer,
    read_channels,
    read_images,
    read_passes,
    read_records,
)

OLD_FIELDS = {
    "class": (),
    "rot_mat": (3, 3),
    "quaternion": (4,),
    "euler": (3,),
    "bbox": (2, 3),
    "scale": (3,),
    "location": (3,),
    "light": (3,),
}


@pytest.fixture(scope="module")
def single(each_server: RenderServer) -> Path:
    return each_server.render("single", "rendering.resolution = 64", "rendering.render_samples = 4")


@pytest.fixture(scope="module")
def multi(each_server: RenderServer) -> Path:
    return each_server.render(
        "multi", "batch.num_samples = 5", "rendering.resolution = 64", config="render_multi"
    )


@pytest.mark.debian_blender
def test_a_blender_executable_renders_what_the_wheel_renders(
    executable: Renderer, wheel: Renderer
) -> None:
    """The plans are equal; other versions of Blender give slightly other pixels."""
    small = ("batch.num_samples = 1", "rendering.resolution = 16", "rendering.render_samples = 1")
    found, expected = (
        read_records(r.render("executable", *small, config="render_multi"))
        for r in (executable, wheel)
    )
    np.testing.assert_array_equal(found["model_id"], expected["model_id"])
    np.testing.assert_allclose(found["obj_to_world"], expected["obj_to_world"], atol=1e-6)


def test_files_of_a_single_object_data_set(single: Path) -> None:
    names = sorted(p.name for p in (single / "img").iterdir())
    assert names == sorted(f"{i:05d}.{e}" for i in range(20) for e in ("npy", "png"))
    others = {p.name for p in single.iterdir() if not p.name.startswith(".")}
    assert others == {"img", "config.gin", "dataset.json", "color_reference.npy"}
    images = read_images(single)
    assert images.shape == (20, 64, 64, 3)
    assert images.dtype == np.uint8


def test_nothing_is_blank_and_no_two_frames_are_equal(single: Path) -> None:
    images = read_images(single)
    assert images.std(axis=(1, 2)).min() > 3
    assert images.mean(axis=(1, 2, 3)).min() > 10
    assert images.mean(axis=(1, 2, 3)).max() < 245
    assert len(np.unique(images.reshape(20, -1), axis=0)) == 20


def test_records(single: Path, multi: Path) -> None:
    for dataset_dir, shape in ((single, (20, 1)), (multi, (5, 4))):
        records = read_records(dataset_dir)
        assert records.shape == shape
        assert records.dtype == RECORD_DTYPE
        assert list(records.dtype.names[:8]) == list(OLD_FIELDS)
        for name, field_shape in OLD_FIELDS.items():
            assert records.dtype[name].shape == field_shape
        np.testing.assert_array_equal(records["sample_idx"][:, 0], np.arange(shape[0]))
        assert np.isfinite(records["obj_to_world"]).all()
        assert (np.char.str_len(records["model_id"]) > 0).all()
        assert (np.char.str_len(records["texture"]) > 0).all()
        for row in records:
            textures = [*row["texture"], row["backdrop_texture"][0]]
            assert len(set(textures)) == len(textures)
    assert (read_records(single)["class"] == 0).all()
    groups = read_records(single)
    assert len(np.unique(groups["model_id"][:10])) == 1


def test_poses_of_a_cached_group_move_for_every_object(multi: Path) -> None:
    """In the 2020 release only the last object of a group got a new pose."""
    records = read_records(multi)
    assert len(np.unique(records["model_id"], axis=0)) == 1
    for field in ("scale", "location"):
        for k in range(4):
            assert len(np.unique(records[field][:, k], axis=0)) == 5


def test_pose_fields_agree_with_each_other(single: Path, multi: Path) -> None:
    for records in (read_records(single).ravel(), read_records(multi).ravel()):
        for row in records:
            np.testing.assert_allclose(row["rot_mat"] @ row["rot_mat"].T, np.eye(3), atol=1e-6)
            w, x, y, z = row["quaternion"]
            from_quaternion = np.array(
                [
                    [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                    [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                    [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
                ]
            )
            np.testing.assert_allclose(from_quaternion, row["rot_mat"], atol=1e-5)
            linear = row["obj_to_world"][:3, :3]
            np.testing.assert_allclose(linear, row["rot_mat"] * row["scale"], atol=1e-5)
            np.testing.assert_allclose(row["bbox"][0], -row["bbox"][1], atol=1e-5)
            sides = (row["bbox"][1] - row["bbox"][0]) * row["scale"]
            assert 0.7 * 0.8 * 0.5 < sides.max() < 0.7 * 0.8 * 1.5


def test_passes_and_objects_inside_the_frame(multi: Path) -> None:
    records = read_records(multi)
    for idx in range(5):
        passes = read_passes(multi, idx)
        instance, material, depth = passes["instance"], passes["material"], passes["depth"]
        assert passes["rgb"].shape == (64, 64, 3)
        assert passes["rgb"].std() > 0.01
        assert set(np.unique(instance)) <= {0, 1, 2, 3, 4}
        assert len(np.unique(instance)) >= 3  # an object may be hidden by others
        assert (material[instance == 0] == 99).all()
        for k in range(4):
            assert (material[instance == k + 1] == records["class"][idx, k]).all()
        assert depth[instance > 0].min() > 0.2
        assert depth[instance > 0].max() < 2.0
        assert 3 < np.median(depth[instance == 0]) < 6


def test_an_exr_holds_the_documented_passes_and_no_more(multi: Path) -> None:
    """By default Blender adds the image before denoising, which nearly doubles the file."""
    names = {name.rsplit(".", 1)[0] for name in read_channels(multi, 0)}
    assert names in (
        {"Combined", "Depth", "IndexOB", "IndexMA"},
        {"Combined", "Depth", "Object Index", "Material Index"},  # in Blender 5
    )


def test_single_objects_are_inside_the_frame(each_server: RenderServer) -> None:
    """The frame is as high as a tall unrotated model: a corner of a few may touch the border."""
    common = (
        "rendering.render_exr = True", "rendering.resolution = 64", "sample.class_idxs = 10",
        "batch.cache_obj_frames = 1",
    )  # fmt: skip
    for name, noise, max_share in (
        ("at_rest", ("object.random_warp = 0", "object.random_viewpoint = 0"), 0.02),
        ("with_noise", (), 0.05),
    ):
        dataset_dir = each_server.render(name, *common, *noise)
        for idx in range(20):
            is_object = read_passes(dataset_dir, idx)["instance"] > 0
            assert 0.005 < is_object.mean() < 0.6
            num_inside = is_object[1:-1, 1:-1].sum()
            assert is_object.sum() - num_inside <= max_share * is_object.sum()


def test_dataset_json(single: Path) -> None:
    info = json.loads((single / "dataset.json").read_text())
    assert info["seed"] == 0
    assert info["versions"]["blender"]
    assert info["sources"]["models"]["source"].startswith("demo")
    assert info["sources"]["models"]["fingerprint"]
    assert info["rejected"] == {}
    focal_px = 50 / 36 * 64
    np.testing.assert_allclose(
        info["camera"]["intrinsics"], [[focal_px, 0, 32], [0, focal_px, 32], [0, 0, 1]]
    )
    assert np.load(single / "color_reference.npy").shape == (10, 1, 3)


def test_the_saved_config_renders_the_same_data_set(single: Path, renderer: Renderer) -> None:
    assert load_settings([str(single / "config.gin")]).batch.num_samples == 20
    renderer.run("-d", "again", "-g", single / "config.gin", "-p", "batch.num_samples = 2")
    images = read_images(renderer.data_dir / "again")
    np.testing.assert_array_equal(images, read_images(single)[:2])


def test_nothing_is_written_elsewhere_and_no_display_is_needed(
    renderer: Renderer, tmp_path: Path
) -> None:
    """A Blender executable makes its own cache folders before it runs any script."""
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    places = {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp")}
    arguments = ("-d", "nowhere_else", "-p", "batch.num_samples = 1")
    renderer.run(*arguments, DISPLAY="", WAYLAND_DISPLAY="", **places)
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert files == []
    if renderer.name == "wheel":
        assert list((tmp_path / "home").iterdir()) == []
        assert list((tmp_path / "tmp").iterdir()) == []


def test_the_default_name_is_tmp_and_two_dashes_are_optional(
    wheel: Renderer, idle_wheel: QuickCommand
) -> None:
    binding = ["-p", "batch.num_samples = 1", "rendering.resolution = 8"]
    assert "1 samples" in wheel.run("--", *binding)
    assert (wheel.data_dir / "tmp" / "img" / "00000.png").exists()
    assert "complete already" in idle_wheel.run(*binding)


def test_quiet_for_the_fan_out(wheel: Renderer) -> None:
    binding = ["-p", "batch.num_samples = 1", "rendering.resolution = 8"]
    assert wheel.run("-r", "-d", "quiet", *binding) == ""


def test_missing_gin_is_one_line(renderer: Renderer) -> None:
    if renderer.name != "debian":
        pytest.skip("tests/cli/test_script.py does this with the wheel's Python")
    output = renderer.run(status=2, PYTHONPATH="")
    line = next(line for line in output.splitlines() if "gin" in line)
    assert "-m pip install" in line
    python = line.split('"')[1]
    assert os.access(python, os.X_OK)
    version = subprocess.run([python, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("Python 3.")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-d", "../out"], "must be one folder name"),
        (["-d", "a/b"], "must be one folder name"),
        (["-d", ".."], "must be one folder name"),
        (["-d", ""], "must be one folder name"),
        (["-g", "render_mutli"], "did you mean 'render_multi'"),
        (["-p", "material.use_textur = True"], "did you mean 'use_texture'"),
        (["-p", "rendering.view_transform = 'Filmc'"], "must be one of 'Standard'"),
    ],
)
def test_mistakes_are_one_line_and_status_2(
    idle_wheel: QuickCommand, arguments: list[str], message: str
) -> None:
    output = idle_wheel.run(*arguments, status=2)
    assert message in output
    assert output.startswith("error: ")
    assert output.count("\n") == 1


def test_mistakes_end_a_blender_executable_with_status_2(renderer: Renderer) -> None:
    output = renderer.run("-p", "material.use_textur = True", status=2)
    assert "Traceback" not in output


def test_a_source_that_is_set_and_missing_is_an_error(wheel: Renderer) -> None:
    output = wheel.run("-d", "lost", status=2, SYNRENDER_DTD_DIR="/nowhere")
    assert "SYNRENDER_DTD_DIR = /nowhere" in output


def test_blenders_output_is_shown_on_failure_alone(wheel: Renderer) -> None:
    assert "Saved:" not in wheel.run("-d", "chatter", "-p", "batch.num_samples = 1")
    script = (
        "import os, runpy, sys, synrender.blender.batch\n"
        "def fail(*arguments):\n"
        "    os.write(1, b'a word of Blender')\n"
        "    raise RuntimeError('it broke')\n"
        "synrender.blender.batch.render_batch = fail\n"
        "sys.argv = ['render.py', '-d', 'broken']\n"
        "runpy.run_path('render.py', run_name='__main__')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT_DIR,
        env=wheel.full_environment(),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert "a word of Blender" in result.stderr
    assert "it broke" in result.stderr


def test_help_has_examples() -> None:
    command = [sys.executable, "render.py", "--help"]
    output = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    assert "examples:" in output.stdout


def test_a_second_g_or_p_adds_to_the_first(wheel: Renderer, tmp_path: Path) -> None:
    (tmp_path / "first.gin").write_text("rendering.resolution = 16\nlighting.r = 1.0\n")
    (tmp_path / "second.gin").write_text("batch.num_samples = 1\n")
    files = ("-g", tmp_path / "first.gin", "-g", tmp_path / "second.gin")
    bindings = ("-p", "rendering.render_samples = 1", "-p", "lighting.r = 2.0")
    wheel.run("-d", "several", *files, *bindings)
    config = (wheel.data_dir / "several" / "config.gin").read_text().splitlines()
    assert "rendering.resolution = 16" in config
    assert "batch.num_samples = 1" in config
    assert "rendering.render_samples = 1" in config
    assert "lighting.r = 2.0" in config
