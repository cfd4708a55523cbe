"""Files that are larger than their images can be are refused before they take memory."""

from __future__ import annotations

import os
import shutil
import struct
import tracemalloc
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
import pytest

from synrender.archive.encode import read_png
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.hashes import UNREADABLE, hash_file
from synrender.errors import UserError
from synrender.images.exr import read_exr
from synrender.images.image_files import MAX_OTHER_BYTES, find_image_damage, read_image
from synrender.images.png import encode_png
from synrender.loading.raw import read_pixels
from synrender.system.files import read_sha256
from tests.archive.helpers import write_exr

FIXTURES = Path(__file__).parents[1] / "fixtures"
SIDE = 16
BYTES = 3_000_000_000


def write_image(path: Path) -> None:
    if path.suffix == ".png":
        path.write_bytes(encode_png(np.zeros((SIDE, SIDE, 3), np.uint8)))
    else:
        zeros = np.zeros((SIDE, SIDE), np.float32)
        write_exr(path, np.zeros((SIDE, SIDE, 3), np.float32), zeros, zeros, zeros)


@pytest.fixture(params=["png", "exr"])
def sparse(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An image of 16 px in a file of 3 GB, of which the disk holds a few blocks."""
    path = tmp_path / f"00003.{request.param}"
    write_image(path)
    os.truncate(path, BYTES)
    return path


@pytest.fixture
def little_memory() -> Generator[None]:
    """Python's own objects take less than 100 MB within."""
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000_000


@pytest.mark.usefixtures("little_memory")
def test_a_file_of_gigabytes_is_refused_wherever_images_are_read(sparse: Path) -> None:
    assert f"{BYTES} bytes, at most" in (find_image_damage(sparse) or "")
    readers: list[Callable[[Path], object]] = [lambda path: read_pixels(path, 0.0, SIDE)]
    readers.append(read_png if sparse.suffix == ".png" else read_exr)
    for read in readers:
        with pytest.raises(UserError, match=rf"00003.*: {BYTES} bytes, at most \d+ are allowed"):
            read(sparse)
    folder = DatasetFolder(sparse.parent, is_exr=sparse.suffix == ".exr")
    image = folder.image_path(3)
    image.parent.mkdir()
    sparse.rename(image)
    shutil.copy(next(FIXTURES.glob("before_single/img/*.npy")), folder.record_path(3))
    assert not folder.is_complete(3)
    write_image(image)
    assert folder.is_complete(3)


@pytest.mark.usefixtures("little_memory")
def test_a_header_that_asks_for_more_does_not_help(tmp_path: Path) -> None:
    path = tmp_path / "00003.png"
    write_image(path)
    data = bytearray(path.read_bytes())
    for claimed, expected, reason in (
        (16_384, SIDE, "16384 x 16384 px, must be 16 x 16"),
        (1 << 30, None, "1073741824 x 1073741824 px, at most 16384 a side are allowed"),
    ):
        data[16:24] = struct.pack(">II", claimed, claimed)
        path.write_bytes(data)
        os.truncate(path, BYTES)
        with pytest.raises(UserError, match=reason):
            read_pixels(path, 0.0, expected)


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("data", [b"", b"v/1\x01", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_what_has_no_size_is_refused_if_it_is_large(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "00003.png"
    path.write_bytes(data)
    os.truncate(path, BYTES)
    with pytest.raises(ValueError, match=f"{BYTES} bytes, at most"):
        read_image(path)


def test_an_image_that_no_encoder_made_smaller_is_read(tmp_path: Path) -> None:
    """With texts beside its pixels."""
    path = tmp_path / "a.png"
    write_image(path)
    path.write_bytes(path.read_bytes() + bytes(MAX_OTHER_BYTES))
    assert read_image(path, SIDE).startswith(b"\x89PNG")
    assert find_image_damage(path) is None


@pytest.mark.usefixtures("little_memory")
def test_files_are_hashed_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "00003.png"
    path.touch()
    os.truncate(path, 150_000_000)
    num_bytes, digest = read_sha256(path, 1 << 40)
    assert (num_bytes, hash_file(path)) == (150_000_000, digest)
    os.truncate(path, 1 << 40)
    assert hash_file(path) == UNREADABLE
