from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from synrender.errors import UserError
from synrender.images.exr import read_exr
from tests.archive.helpers import write_exr
from tests.helpers import read_passes

H, W = 6, 5
PASSES = {
    "rgb": np.arange(H * W * 3, dtype=np.float32).reshape(H, W, 3) / 10,
    "instance": np.arange(H * W).reshape(H, W) % 3,
    "material": np.array([99, 0, 7])[np.arange(H * W).reshape(H, W) % 3],
    "depth": np.arange(H * W, dtype=np.float32).reshape(H, W) / 7,
}


@pytest.mark.parametrize("style", ["one part", "renamed", "parts"])
def test_files_of_all_blender_versions_read_the_same(style: str, tmp_path: Path) -> None:
    write_exr(tmp_path / "a.exr", **PASSES, style=style)
    image = read_exr(tmp_path / "a.exr")
    np.testing.assert_array_equal(image.rgb_linear, PASSES["rgb"])
    np.testing.assert_array_equal(image.instance, PASSES["instance"])
    np.testing.assert_array_equal(image.depth_m, PASSES["depth"])
    np.testing.assert_array_equal(np.unique(image.class_label), [0, 1, 8])
    assert (image.class_label[image.instance == 1] == 1).all()  # class 0
    assert (image.class_label[image.instance == 2] == 8).all()  # class 7


def test_a_rendered_sample_reads_as_its_passes_are(rendered_multi: Path) -> None:
    image = read_exr(rendered_multi / "img/00003.exr")
    passes = read_passes(rendered_multi, 3)
    np.testing.assert_array_equal(image.rgb_linear, passes["rgb"])
    np.testing.assert_array_equal(image.instance, passes["instance"])
    np.testing.assert_array_equal(image.class_label, (passes["material"] + 1) % 100)
    np.testing.assert_array_equal(image.depth_m, passes["depth"])
    assert len(np.unique(image.instance)) > 2


def test_where_nothing_is_hit_there_is_no_class_and_no_depth(tmp_path: Path) -> None:
    zeros = np.zeros((H, W))
    for beyond in (1e10, np.inf):
        depth = np.full((H, W), beyond)
        write_exr(tmp_path / "a.exr", PASSES["rgb"], zeros, zeros, depth)
        image = read_exr(tmp_path / "a.exr")
        assert not image.class_label.any()
        assert np.isinf(image.depth_m).all()


def test_a_truncated_file_is_named(rendered_multi: Path, tmp_path: Path) -> None:
    data = (rendered_multi / "img/00000.exr").read_bytes()
    path = tmp_path / "short.exr"
    for num_bytes in (0, 3, 100, 2000, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:num_bytes])
        with pytest.raises(UserError, match=r"short\.exr: .*(truncated|empty|unfinished)"):
            read_exr(path)


def test_damage_amid_the_pixels_is_found(rendered_multi: Path, tmp_path: Path) -> None:
    """But for chunks that cannot be compressed: they are stored as they are, without a checksum."""
    data = (rendered_multi / "img/00000.exr").read_bytes()
    rng, lines = np.random.default_rng(0), []
    for place in rng.integers(1500, len(data), 40):
        flipped = bytearray(data)
        flipped[place] ^= 1 << rng.integers(8)
        (tmp_path / "a.exr").write_bytes(flipped)
        try:
            read_exr(tmp_path / "a.exr")
        except UserError as error:
            lines.append(str(error))
    assert len(lines) >= 38
    assert all(re.search(r"a\.exr: (damaged|truncated|EXR with)", line) for line in lines)


def test_threads_leave_the_output_of_the_process_alone(
    rendered_multi: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    """Neither what stdout and stderr lead to, nor a word to them, also for a damaged file."""
    good = rendered_multi / "img/00000.exr"
    bad = tmp_path / "a.exr"
    bad.write_bytes(good.read_bytes()[:-200] + bytes(200))

    def read(k: int) -> None:
        if k % 5:
            read_exr(good)
        else:
            with pytest.raises(UserError):
                read_exr(bad)

    before = [os.fstat(number) for number in (1, 2)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(read, range(80)))
    for number, status in zip((1, 2), before, strict=True):
        assert os.path.samestat(os.fstat(number), status)
    assert "".join(capfd.readouterr()) == ""


def test_a_missing_pass_is_named_with_the_remedy(tmp_path: Path) -> None:
    channels = {f"ViewLayer.Combined.{c}": np.zeros((H, W), np.float32) for c in "RGB"}
    OpenEXR.File({}, channels).write(str(tmp_path / "a.exr"))
    with pytest.raises(UserError, match=r"no instance pass .*render_exr = True"):
        read_exr(tmp_path / "a.exr")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.exr: No such file"):
        read_exr(tmp_path / "none.exr")
