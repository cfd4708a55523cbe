"""A model's file is read by the reader of its format, if it is a regular file of a bounded size."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from synrender.assets.mesh_formats import read_mesh
from synrender.assets.model_file import ModelFile
from synrender.errors import RejectedAsset

TRIANGLE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nf 1 2 3\n"


@pytest.mark.parametrize("name", ["model.obj", "MODEL.OBJ"])
def test_the_suffix_says_the_format(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(TRIANGLE)
    assert read_mesh(ModelFile(path)).face_sizes.tolist() == [3]


@pytest.mark.parametrize("name", ["model.off", "model"])
def test_another_format_is_rejected_before_it_is_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(RejectedAsset, match="OBJ, GLB, GLTF, PLY, STL are read"):
        read_mesh(ModelFile(tmp_path / name))


def test_only_regular_files_of_a_bounded_size_are_opened(tmp_path: Path) -> None:
    path = tmp_path / "model.obj"

    def reject_it() -> str:
        with pytest.raises(RejectedAsset) as caught:
            read_mesh(ModelFile(path))
        path.unlink(missing_ok=True)
        return str(caught.value)

    assert reject_it() == "no OBJ file"
    os.mkfifo(path)
    assert "not a regular file" in reject_it()
    path.symlink_to("/dev/zero")
    assert "not a regular file" in reject_it()
    path.symlink_to(path)
    assert "Too many levels" in reject_it()
    with path.open("wb") as file:
        file.truncate(3 << 30)
    assert "are allowed" in reject_it()
