from __future__ import annotations

import io
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from synrender.archive.encode import encode_image
from synrender.errors import UserError
from synrender.images.conversions import depth_to_16_bit
from synrender.labels.boxes import instance_to_boxes
from tests.archive.helpers import write_exr
from tests.helpers import RenderServer, read_passes


def decode(png: bytes) -> np.ndarray:
    return iio.imread(io.BytesIO(png), extension=".png")


def test_depth_of_a_rendered_sample_is_kept_to_a_twentieth_of_a_millimetre(
    rendered_multi: Path,
) -> None:
    depth_m = read_passes(rendered_multi, 1)["depth"].astype(np.float64)
    stored = decode(encode_image(rendered_multi / "img/00001.exr", 4, 32)["png_depth"])
    assert stored.dtype == np.uint16
    assert stored.shape == (32, 32)
    assert np.abs(stored / 10_000 - depth_m).max() <= 0.05e-3 + 1e-9
    assert len(np.unique(stored)) > 50


def test_depth_that_does_not_fit_saturates() -> None:
    depth_m = np.array([0, 1.23456, 6.5534, 6.55349, 6.6, 1e9, np.inf])
    np.testing.assert_array_equal(
        depth_to_16_bit(depth_m), [0, 12346, 65534, 65535, 65535, 65535, 65535]
    )


def test_targets_are_instance_class_and_depth_in_cm(rendered_multi: Path) -> None:
    passes = read_passes(rendered_multi, 2)
    targets = decode(encode_image(rendered_multi / "img/00002.exr", 4, 32)["png_targets"])
    assert targets.dtype == np.uint8
    np.testing.assert_array_equal(targets[:, :, 0], passes["instance"])
    np.testing.assert_array_equal(targets[:, :, 1], (passes["material"] + 1) % 100)
    np.testing.assert_array_equal(
        targets[:, :, 2], np.minimum(np.rint(passes["depth"].astype(np.float64) * 100), 255)
    )
    assert targets[:, :, 2].max() == 255  # the backdrop is 4 m away
    assert targets[:, :, 2].min() < 150


def test_the_color_image_is_the_png_that_blender_writes(
    rendered_multi: Path, server: RenderServer
) -> None:
    png_dir = server.render(
        "archive_multi_png",
        "batch.num_samples = 1",
        "rendering.render_exr = False",
        config="render_multi",
    )
    ours = decode(encode_image(rendered_multi / "img/00000.exr", 4, 32)["png_images"]).astype(int)
    assert np.abs(ours - iio.imread(png_dir / "img/00000.png")).max() <= 1


def test_boxes_are_tight_and_hidden_objects_have_none(rendered_multi: Path) -> None:
    instance = read_passes(rendered_multi, 0)["instance"].astype(int)
    num_visible_px, box_px = instance_to_boxes(instance, 5)
    for k in range(5):
        ys, xs = np.nonzero(instance == k + 1)
        assert num_visible_px[k] == len(xs)
        expected = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1] if len(xs) else [0, 0, 0, 0]
        assert box_px[k].tolist() == expected
    assert num_visible_px[4] == 0
    assert num_visible_px[:4].any()


@pytest.mark.parametrize("instance", [3, 255, -1])
def test_an_instance_beyond_the_record_is_one_line(instance: int) -> None:
    shown = np.array([[0, 1], [instance, 2]])
    with pytest.raises(UserError, match=f"shows instance {instance}, its record has 2 objects"):
        instance_to_boxes(shown, 2)


def test_more_objects_than_8_bits_can_tell_apart_are_refused(tmp_path: Path) -> None:
    plane = np.zeros((4, 4))
    write_exr(tmp_path / "a.exr", np.zeros((4, 4, 3)), plane, plane, plane)
    assert encode_image(tmp_path / "a.exr", 255, 4)["png_targets"]
    with pytest.raises(UserError, match=r"256 objects.*at most 255"):
        encode_image(tmp_path / "a.exr", 256, 4)


def test_an_instance_that_the_record_does_not_know_is_refused(tmp_path: Path) -> None:
    plane = np.full((4, 4), 3)
    write_exr(tmp_path / "a.exr", np.zeros((4, 4, 3)), plane, plane, plane)
    with pytest.raises(UserError, match="instance 3, its record has 2 objects"):
        encode_image(tmp_path / "a.exr", 2, 4)
