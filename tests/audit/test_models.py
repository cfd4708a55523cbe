"""A model that was damaged since its samples were rendered is named, and ends no audit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from synrender.assets.model_file import ModelFile
from synrender.audit.rays.model_caster import ModelCaster, UnusableModel
from tests.blender.test_dirt import BOX

DAMAGE = {
    "nan": BOX.replace("0.3", "nan"),
    "-1.#IND": BOX.replace("0.3", "-1.#IND"),
    "1e999": BOX.replace("0.3", "1e999"),
    "abc": BOX.replace("0.3", "abc"),
    "two coordinates": BOX.replace(" -0.3\n", "\n"),
    "two coordinates in all": BOX.replace(" -0.3\n", "\n").replace(" 0.3\n", "\n"),
    "a face of words": BOX + "f a b c\n",
    "a face beyond": BOX + "f 1 2 99\n",
    "empty": "",
    "binary": "\0\1" * 50,
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_model_is_unusable(tmp_path: Path, name: str) -> None:
    path = tmp_path / "model.obj"
    path.write_text(DAMAGE[name])
    with pytest.raises(UnusableModel, match=r"^model /.*/model\.obj: "):
        ModelCaster(ModelFile(path))


@pytest.mark.timeout(30)
def test_what_is_no_file_is_unusable(tmp_path: Path) -> None:
    path = tmp_path / "model.obj"
    with pytest.raises(UnusableModel, match="no such file"):
        ModelCaster(ModelFile(path))
    os.mkfifo(path)
    with pytest.raises(UnusableModel, match="not a regular file"):
        ModelCaster(ModelFile(path))
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(UnusableModel, match="not a regular file"):
        ModelCaster(ModelFile(path))
