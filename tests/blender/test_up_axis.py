"""Models of which Z is up stand as those of which Y is up, and are as well proven."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synrender.audit.check import Verdict
from synrender.audit.run import audit_dataset
from synrender.dataset.folder import open_dataset_folder
from synrender.errors import UserError
from synrender.images.exr import read_exr
from synrender.settings.load import load_settings
from synrender.system.folders import Folders
from tests.assets.helpers import write_files
from tests.helpers import QuickCommand, Renderer, RenderServer

TALL = np.array([(0, 0, 0), (1, 0, 0), (0, 0.5, 0), (0.1, 0.2, 2)])  # Z is up
FACES = "f 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n"
LOOK = (
    "batch.num_samples = 3", "object.total_num_samples = 3", "object.n_buckets = 1",
    "sample.num_objs = 2", "material.use_texture = False", "object.random_warp = 0",
    "sample.classes = ['cup']", "sample.class_idxs = 1", "object.random_viewpoint = 0.3",
    "rendering.labels = ['normal', 'object_coordinates']",
)  # fmt: skip


def create_obj(has_z_up: bool) -> bytes:
    x, y, z = TALL.T
    vertices = np.stack([x, y, z] if has_z_up else [x, z, -y], axis=1)
    return ("".join("v {} {} {}\n".format(*v) for v in vertices.tolist()) + FACES).encode()


def write_table(folder: Path, up: str) -> Path:
    write_files(folder, {"cup/a.obj": create_obj(True), "cup/b.obj": create_obj(True)})
    (folder / "models.csv").write_text(f"path,up\ncup/a.obj,{up}\ncup/b.obj,{up}\n")
    return folder


def write_folder(folder: Path, has_z_up: bool) -> Path:
    return write_files(folder, {f"cup/{name}.obj": create_obj(has_z_up) for name in "ab"})


def render(server: RenderServer, name: str, path: Path, *bindings: str) -> Path:
    models = f"assets.models = {str(path)!r}"
    return server.render(name, *LOOK, models, *bindings, config="render_multi")


def test_z_up_stands_as_y_up(server: RenderServer, wheel: Renderer, tmp_path: Path) -> None:
    expected = render(server, "up_y", write_folder(tmp_path / "y", False))
    lying = write_folder(tmp_path / "z", True)
    by_setting = render(server, "up_set", lying, "assets.up_axis = 'z'")
    by_table = render(server, "up_table", write_table(tmp_path / "table", "z"))
    standing, *others = (read_depths(path) for path in (expected, by_setting, by_table))
    for other in others:
        assert np.mean(np.abs(other - standing) < 1e-4) > 0.995  # a pixel at an edge may differ
    folder = open_dataset_folder(wheel.data_dir, by_table.name)
    up = folder.read_record(0)["obj_to_world"][:, :3, 2]  # of the file's Z axis
    assert np.all(up[:, 2] > 0.5 * np.linalg.norm(up, axis=1))
    checks = audit_dataset(folder, Folders(wheel.data_dir), 0, jobs=1, is_quiet=True)
    assert not [check for check in checks if check.verdict is Verdict.FAIL]
    verdicts = {check.name: check.verdict for check in checks}
    assert {verdicts[n] for n in ("mask", "depth", "normal", "pose")} == {Verdict.PASS}
    assert "equal, pixels and record" in wheel.run("--replay", "up_set", "1")


def read_depths(path: Path) -> np.ndarray:
    files = sorted((path / "img").glob("*.exr"))
    return np.minimum(np.stack([read_exr(file).depth_m for file in files]), 100)


def test_a_data_set_keeps_its_up_axis(
    server: RenderServer, idle_wheel: QuickCommand, tmp_path: Path
) -> None:
    path = write_table(tmp_path / "set", "")
    render(server, "up_kept", path)
    command = ("-d", "up_kept", "-g", "render_multi", "-p", "rendering.resolution = 32")
    command = (*command, "rendering.render_samples = 1", *LOOK, f"assets.models = {str(path)!r}")
    output = idle_wheel.run(*command, "assets.up_axis = 'z'", status=2)
    assert "was made with assets.up_axis = ''" in output
    write_table(path, "z")
    assert "was made with other models" in idle_wheel.run(*command, status=2)


def test_other_axes_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"assets\.up_axis = 'x': must be one of '', 'y', 'z'"):
        load_settings([], ["assets.up_axis = 'x'"])
