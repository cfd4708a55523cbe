"""Images of environments: what each pixel means, and that bad files are refused first."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from synrender.errors import RejectedAsset
from synrender.images import environment
from synrender.images.environment import (
    check_environment,
    find_directions,
    find_map_width,
    read_environment,
)
from synrender.images.radiance import encode_radiance

CENTERS = {  # row and column of an image of 180 x 360 px
    (89, 179): (1, 0, 0),
    (89, 89): (0, 1, 0),
    (89, 0): (-1, 0, 0),
    (89, 359): (-1, 0, 0),
    (89, 269): (0, -1, 0),
    (0, 77): (0, 0, 1),
    (179, 77): (0, 0, -1),
}


def write_exr(path: Path, image: np.ndarray, compression: object, **more: np.ndarray) -> Path:
    channels = {name: np.ascontiguousarray(image[..., k]) for k, name in enumerate("RGB")}
    header = {"compression": compression, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, {**channels, **more}) as file:
        file.write(str(path))
    return path


def create_image(height: int = 16) -> np.ndarray:
    return np.random.default_rng(height).random((height, 2 * height, 3)).astype(np.float32)


def test_directions_of_pixels() -> None:
    directions = find_directions(180, 360)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=2), 1)
    for place, direction in CENTERS.items():
        assert np.dot(directions[place], direction) > np.cos(np.radians(0.8)), place
    x, y, z = np.moveaxis(directions, 2, 0)
    u, v = 0.5 - np.arctan2(y, x) / (2 * np.pi), np.arccos(z) / np.pi
    np.testing.assert_allclose(u[7] * 360, np.arange(360) + 0.5)
    np.testing.assert_allclose(v[:, 7] * 180, np.arange(180) + 0.5)


@pytest.mark.parametrize(
    ("width", "radius_deg", "map_px"),
    [(360, 0.5, 512), (1024, 0.27, 1024), (2048, 0.27, 2048), (2048, 12, 512)],
)
def test_a_map_is_fine_enough_for_the_lamp(width: int, radius_deg: float, map_px: int) -> None:
    """Half of all light comes from a lamp with a sharp edge, the rest from everywhere."""
    directions = find_directions(width // 2, width)
    is_lamp = directions @ (0.6, 0.0, 0.8) > np.cos(np.radians(radius_deg))
    share = (1 - np.cos(np.radians(radius_deg))) / 2  # of the sphere
    image = np.where(is_lamp, 1 / share, 1.0)[..., None] * np.ones(3)
    for shown in (image, image[::-1]):
        assert find_map_width(shown.astype(np.float32)) == map_px


def test_hdr_and_exr_are_read(tmp_path: Path) -> None:
    image = create_image()
    path = tmp_path / "a.hdr"
    path.write_bytes(encode_radiance(image))
    check_environment(path)
    np.testing.assert_allclose(read_environment(path), image, atol=1 / 255)
    for k, kind in enumerate(
        (OpenEXR.NO_COMPRESSION, OpenEXR.ZIPS_COMPRESSION, OpenEXR.ZIP_COMPRESSION)
    ):
        path = write_exr(tmp_path / f"{k}.exr", image, kind)
        check_environment(path)
        np.testing.assert_array_equal(read_environment(path), image)
    half = write_exr(tmp_path / "half.exr", image.astype("f2"), OpenEXR.ZIP_COMPRESSION)
    np.testing.assert_array_equal(read_environment(half), image.astype("f2"))


def test_other_compressions_are_left_to_blender(tmp_path: Path) -> None:
    path = write_exr(tmp_path / "a.exr", create_image(64), OpenEXR.PIZ_COMPRESSION)
    check_environment(path)
    with pytest.raises(ValueError, match=r"a\.exr: an EXR that is compressed by PIZ; ZIP is read"):
        read_environment(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(RejectedAsset, match="truncated"):
        check_environment(path)


def find_reason(path: Path) -> str:
    with pytest.raises(RejectedAsset) as refused:
        check_environment(path)
    with pytest.raises((ValueError, OSError)):
        read_environment(path)
    return str(refused.value)


def test_bad_files_have_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zip_ = OpenEXR.ZIP_COMPRESSION
    assert find_reason(tmp_path / "gone.hdr") == "No such file or directory"
    fifo = tmp_path / "fifo.hdr"
    os.mkfifo(fifo)
    assert find_reason(fifo) == "not a regular file"
    path = tmp_path / "a.hdr"
    for data, reason in (
        (b"", "empty file"),
        (b"\x89PNG", "neither HDR nor EXR"),
        (encode_radiance(create_image())[:-40], "truncated"),
        (encode_radiance(create_image()[:, :20]), "20 x 16 px: an image of all directions is "),
        (b"v/1\x01\x02", "truncated EXR"),
    ):
        path.write_bytes(data)
        assert reason in find_reason(path)
    square = write_exr(tmp_path / "square.exr", create_image()[:, :16], zip_)
    assert "16 x 16 px: an image of all directions is twice as wide" in find_reason(square)
    image = create_image()
    image[3, 5, 1] = np.nan
    assert find_reason(write_exr(tmp_path / "nan.exr", image, zip_)) == "pixels that are not finite"
    more = {f"x{k}": image[..., 0].copy() for k in range(6)}
    assert "more than 8" in find_reason(write_exr(tmp_path / "many.exr", image, zip_, **more))
    monkeypatch.setattr(environment, "MAX_PIXELS", 100)
    assert "32 x 16 px: must be 1 to 100" in find_reason(write_exr(path, create_image(), zip_))
    monkeypatch.setattr(environment, "MAX_BYTES", 100)
    assert "at most 100 are allowed" in find_reason(path)


def test_tiles_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tiles.exr"
    image = create_image(64)
    header = {"type": OpenEXR.tiledimage, "tiles": OpenEXR.TileDescription()}
    channels = {name: np.ascontiguousarray(image[..., k]) for k, name in enumerate("RGB")}
    with OpenEXR.File(header, channels) as file:
        file.write(str(path))
    assert "an EXR of tiles" in find_reason(path)


def test_negative_numbers_of_an_exr_are_no_light(tmp_path: Path) -> None:
    image = create_image() - 0.5
    path = write_exr(tmp_path / "a.exr", image, OpenEXR.ZIP_COMPRESSION)
    np.testing.assert_array_equal(read_environment(path), np.maximum(image, 0))
