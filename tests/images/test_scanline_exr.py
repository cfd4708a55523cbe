from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from synrender.images.image_files import find_image_damage
from synrender.images.scanline_exr import read_channels, write_channels


def create_channels(height: int, width: int) -> dict[str, np.ndarray]:
    rng = np.random.Generator(np.random.PCG64(0))
    noise = rng.standard_normal((height, width)).astype(np.float32)
    return {
        "ViewLayer.Combined.R": noise,
        "ViewLayer.Combined.A": np.ones((height, width), np.float32),
        "ViewLayer.IndexOB.X": np.rint(noise * 3).astype(np.float32),
        "ViewLayer.A name of more than thirty-one characters.V": noise.astype(np.float16),
    }


@pytest.mark.parametrize("compression", [OpenEXR.NO_COMPRESSION, OpenEXR.ZIP_COMPRESSION])
@pytest.mark.parametrize("size", [(1, 1), (16, 5), (33, 40)])
def test_reads_what_openexr_writes(tmp_path: Path, size: tuple, compression: int) -> None:
    channels, path = create_channels(*size), tmp_path / "a.exr"
    OpenEXR.File({"compression": compression}, dict(channels)).write(str(path))
    _, read = read_channels(path)
    assert set(read) == set(channels)
    for name, pixels in channels.items():
        np.testing.assert_array_equal(read[name], pixels)
        assert read[name].dtype == pixels.dtype


@pytest.mark.parametrize("size", [(1, 1), (16, 5), (33, 40)])
def test_openexr_reads_what_is_written(tmp_path: Path, size: tuple) -> None:
    channels, source, path = create_channels(*size), tmp_path / "a.exr", tmp_path / "b.exr"
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION}, dict(channels)).write(str(source))
    header, read = read_channels(source)
    write_channels(path, header, {**read, "ViewLayer.Depth.Z": channels["ViewLayer.IndexOB.X"]})
    assert find_image_damage(path) is None
    part = OpenEXR.File(str(path), separate_channels=True).parts[0]
    assert set(part.channels) == {*channels, "ViewLayer.Depth.Z"}
    for name, pixels in channels.items():
        np.testing.assert_array_equal(part.channels[name].pixels, pixels)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.exr"
    path.write_bytes(b"no EXR at all")
    with pytest.raises(ValueError, match="not a scan-line EXR"):
        read_channels(path)
    channels = {"R": np.zeros((4, 4), np.float32)}
    OpenEXR.File({"compression": OpenEXR.PIZ_COMPRESSION}, channels).write(str(path))
    with pytest.raises(ValueError, match="compression 4"):
        read_channels(path)
