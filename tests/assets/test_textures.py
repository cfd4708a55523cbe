"""Textures are those of DTD, of a folder of images at any depth, or of a list."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from synrender.assets.textures import find_images_dir, list_textures
from synrender.audit.check import Verdict
from synrender.audit.run import audit_dataset
from synrender.dataset.folder import open_dataset_folder
from synrender.errors import UserError
from synrender.system.folders import Folders
from tests.helpers import Renderer

NAMES = ("a.png", "stone/b.JPG", "stone/deep/c.webp")


def write_images(folder: Path, *names: str) -> Path:
    rng = np.random.default_rng(5)
    for name in names or NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        iio.imwrite(folder / name, np.full((8, 8, 3), rng.integers(0, 256, 3), np.uint8))
    return folder


def test_a_folder_has_images_at_any_depth(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images")
    write_images(folder, ".hidden/d.png", ".e.png")
    (folder / "notes.txt").touch()
    (folder / "stone" / "up").symlink_to(folder)
    assert list_textures(folder) == NAMES
    assert find_images_dir(folder) == folder


def test_a_list_names_images_beside_it(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images")
    path = folder / "some.txt"
    path.write_text("stone/b.JPG\n\na.png gray\n")
    assert list_textures(path) == ("a.png", "stone/b.JPG")
    assert find_images_dir(path) == folder


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (None, "there is no such folder or list"),
        ("", "no image in it"),
        ("../a.png\n", "no path below its images; mend that line"),
        ("/etc/a.png\n", "no path below its images"),
    ],
)
def test_what_is_no_set_of_textures_is_one_line(
    tmp_path: Path, lines: str | None, reason: str
) -> None:
    path = tmp_path / "list.txt"
    if lines is not None:
        path.write_text(lines)
    with pytest.raises(UserError, match=reason):
        list_textures(path)


def test_a_folder_without_images_or_with_an_odd_name_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no image in it"):
        list_textures(tmp_path)
    (tmp_path / "a\nb.png").touch()
    with pytest.raises(UserError, match="no path below its images; rename it"):
        list_textures(tmp_path)


@pytest.mark.parametrize("kind", ["folder", "list"])
def test_they_render_and_the_audit_finds_them(wheel: Renderer, tmp_path: Path, kind: str) -> None:
    """Elsewhere, too, once they have moved."""
    path = folder = write_images(tmp_path / "images")
    if kind == "list":
        path = folder / "list.txt"
        path.write_text("\n".join(NAMES))
    output = wheel.run(
        "-d", f"textures_{kind}", "-g", "render_single", "-p", "rendering.resolution = 48",
        "batch.num_samples = 4", "object.total_num_samples = 4", "rendering.render_samples = 1",
        "rendering.render_exr = True", "rendering.labels = ['albedo']", "object.n_buckets = 2",
        "material.use_texture = True", f"assets.textures = {str(path)!r}",
    )  # fmt: skip
    assert f"Textures: 3 in {path}." in output
    dataset = open_dataset_folder(wheel.data_dir, f"textures_{kind}")
    shown = {str(row["texture"]) for idx in range(4) for row in dataset.read_record(idx)}
    assert shown <= set(NAMES)
    assert dataset.read_info().sources.textures.source == str(path)
    moved = folder.rename(tmp_path / "moved")
    textures = moved / path.relative_to(folder) if kind == "list" else moved
    folders = Folders(wheel.data_dir, textures=textures)
    checks = {c.name: c for c in audit_dataset(dataset, folders, 0, jobs=1, is_quiet=True)}
    assert not [check for check in checks.values() if check.verdict is Verdict.FAIL]
    assert checks["albedo"].verdict is Verdict.PASS
