"""No mutant of a file that we read, or of arguments, is a traceback, hangs, or takes much memory.

``make test-mutations N=1000`` tries more of them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from synrender.cli import audit, export, preprocess
from synrender.cli.script import Command, run_command
from synrender.dataset.archived import add_archived
from synrender.settings.load import load_settings, settings_to_gin
from tests.assets import layouts
from tests.helpers import PROJECT_DIR, Renderer, make_once, write_shapenet
from tests.report.conftest import write_grid

NUM_MUTANTS = int(os.environ.get("SYNRENDER_TEST_MUTANTS", "50"))
NUM_QUICK = 200
"""Up to so many are read in the quickest way most of the time."""

SEED = 20
EXPORT = ("-d", "set", "-j", 1, "--to")
CUBE = "v -1 -1 -1\nv 1 -1 -1\nv 0 1 -1\nv 0 0 1\nf 1 2 3\nf 1 2 4\nf 2 3 4\nf 3 1 4\n"
PLY = """ply
format ascii 1.0
element vertex 4
property float x
property float y
property float z
element face 4
property list uchar int vertex_indices
end_header
-50 -50 -50
50 -50 -50
0 50 -50
0 0 50
3 0 1 2
3 0 1 3
3 1 2 3
3 2 0 3
"""


@pytest.fixture(scope="session")
def bases(wheel: Renderer, rendered_labels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data set of each kind, as `run_file_mutants` wants them."""

    def make(root: Path) -> None:
        demo = wheel.data_dir / "demo_assets"
        for name in ("labels", "grid", "plans", "arrays", "exports", "coco", "assets", "bop"):
            (root / name).mkdir()
            (root / name / "demo_assets").symlink_to(demo)
        make_labels(root / "labels", rendered_labels)
        make_grid(root / "grid")
        make_plan(root / "plans")
        make_arrays(root / "arrays", root / "grid")
        make_exports(root / "exports", root / "grid")
        make_coco(root / "coco", root / "labels")
        make_assets(root / "assets")
        make_bop(root / "bop" / "set")

    return make_once(tmp_path_factory, "mutants", make)


def run(data_dir: Path, command: Command, *arguments: object, status: int = 0) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNRENDER_DATA_DIR", str(data_dir))
        assert run_command(command, list(map(str, arguments))) == status


def archive(data_dir: Path) -> None:
    run(data_dir, preprocess.COMMAND, "-d", "set", "-f", "-b", 2, "-p", "-r", 16, "-j", 1)


def make_labels(root: Path, rendered: Path) -> None:
    """EXR with all labels, an archive, keypoints, and what an audit leaves."""
    folder = shutil.copytree(rendered, root / "set")
    record = np.load(folder / "img" / "00000.npy")[0]
    points = {
        f"{record['synset_id']}/{record['model_id']}": {"top": [0, 0.2, 0], "nose": [0.1, 0, 0]}
    }
    (folder / "keypoints.json").write_text(json.dumps(points))
    archive(root)
    run(root, audit.COMMAND, "-d", "set", "-n", 1, "-j", 1, "--certificate")
    add_archived(folder, "imgs_00.h5", range(6))


def make_grid(root: Path) -> None:
    """PNG with a design, and an archive."""
    write_grid(root / "set", 24, 1, is_exr=False)
    archive(root)


def make_plan(root: Path) -> None:
    """A configuration that says something of all designs."""
    bindings = [
        "design.levels = {'class': 3, 'azimuth': 4, 'color': 2}",
        "design.fixed = {'scale': 0.5}",
        "design.twins = ('color',)",
        "design.inner_ranges = {'roll': (0, 1)}",
        "design.parents = {'class': ['azimuth']}",
        "design.held_out = [{'class': 0, 'azimuth': 1}]",
        "sample.class_idxs = 3",
    ]
    settings = load_settings(["render_single"], bindings)
    (root / "set").mkdir()
    (root / "set" / "config.gin").write_text(settings_to_gin(settings))


def make_arrays(root: Path, grid: Path) -> None:
    (root / "set").mkdir()
    for name in ("dataset.json", "data_16.h5"):
        shutil.copy(grid / "set" / name, root / "set")


def make_exports(root: Path, grid: Path) -> None:
    """Exports that are complete, and others that were stopped before their end."""
    shutil.copytree(grid / "set", root / "set")
    run(root, export.COMMAND, *EXPORT, "webdataset", "--out", root / "out_webdataset")
    for form in ("parquet", "imagefolder"):
        stop_export(root, form)


def make_coco(root: Path, labels: Path) -> None:
    """An export to COCO, which needs labels, that was stopped before its end."""
    shutil.copytree(labels / "set", root / "set")
    stop_export(root, "coco")


def stop_export(root: Path, form: str) -> None:
    out = root / f"out_{form}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("synrender.export.run.describe", stop)
        run(root, export.COMMAND, *EXPORT, form, "--out", out, status=130)
    assert (out / ".export.json").exists()


def stop(*arguments: object) -> None:
    raise KeyboardInterrupt


def make_assets(root: Path) -> None:
    (root / "set").mkdir()
    write_shapenet(root / "shapenet", {"a": CUBE, "b": CUBE})
    layouts.GOOGLE_SCANNED["archives"](root / "google")
    layouts.write_table(root / "table")
    layouts.OBJAVERSE["as it is downloaded"](root / "objaverse")
    layouts.ABO["as it is downloaded"](root / "abo")
    (root / "dtd" / "labels").mkdir(parents=True)
    (root / "dtd" / "labels" / "labels_joint_anno.txt").write_text("a/1.jpg a\na/2.jpg a\n")


def make_bop(folder: Path) -> None:
    """Two images of two objects; that the audit calls most of it wrong does not matter here."""
    scene = folder / "train_pbr" / "000000"
    pose = {"cam_R_m2c": [1, 0, 0, 0, 1, 0, 0, 0, 1], "cam_t_m2c": [0, 0, 500], "obj_id": 1}
    poses = [pose, {**pose, "cam_t_m2c": [30, 0, 600]}]
    camera = {"cam_K": [60, 0, 16, 0, 60, 16, 0, 0, 1], "depth_scale": 0.1}
    info = {"bbox_obj": [10, 10, 12, 12], "bbox_visib": [10, 10, 9, 9], "px_count_all": 100}
    info |= {"px_count_valid": 100, "px_count_visib": 80, "visib_fract": 0.8}
    for kind in ("rgb", "depth", "mask", "mask_visib"):
        (scene / kind).mkdir(parents=True)
    (folder / "models").mkdir()
    for obj_id in (1, 2):
        (folder / "models" / f"obj_{obj_id:06d}.ply").write_text(PLY)
    box = {f"{what}_{a}": v for a in "xyz" for what, v in (("min", -50.0), ("size", 100.0))}
    (folder / "models" / "models_info.json").write_text(json.dumps({"1": box, "2": box}))
    names = {"scene_gt": poses, "scene_camera": camera, "scene_gt_info": [info, info]}
    for name, value in names.items():
        (scene / f"{name}.json").write_text(json.dumps({"0": value, "1": value}))
    for image in range(2):
        iio.imwrite(scene / "rgb" / f"{image:06d}.png", np.zeros((32, 32, 3), np.uint8))
        iio.imwrite(scene / "depth" / f"{image:06d}.png", np.full((32, 32), 5000, np.uint16))
        for kind in ("mask", "mask_visib"):
            for k in range(2):
                mask = np.zeros((32, 32), np.uint8)
                mask[10:20, 10:20] = 255
                iio.imwrite(scene / kind / f"{image:06d}_{k:06d}.png", mask)


def print_table(ends: list[dict]) -> None:
    columns = ("ok", "line", "noise", "traceback", "died", "hang", "memory")
    print(
        "\nfile                                            mutants", *(f"{c:>9}" for c in columns)
    )
    for target in sorted({e["target"] for e in ends}):
        own = Counter(e["end"] for e in ends if e["target"] == target)
        print(f"{target:47} {own.total():7}", *(f"{own[c]:9}" for c in columns))


@pytest.mark.slow
@pytest.mark.timeout(600 + 10 * NUM_MUTANTS)
def test_every_mutant_of_a_file_is_answered(bases: Path) -> None:
    command = [sys.executable, "-m", "tests.hostile.run_file_mutants", bases, SEED, 0, NUM_MUTANTS]
    command += ["quick"] * (NUM_MUTANTS <= NUM_QUICK)
    result = subprocess.run(
        list(map(str, command)), cwd=PROJECT_DIR, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-3000:]
    ends = [json.loads(line) for line in result.stdout.splitlines()]
    print_table(ends)
    assert len(ends) == NUM_MUTANTS
    bad = [e for e in ends if e["end"] not in ("ok", "line")]
    assert not bad, "\n".join(
        f"{e['idx']} {e['target']} {e['way']} {e['command']}: {e['line']}" for e in bad
    )
    # Neither does nothing matter, nor is all refused.
    assert 0.1 < sum(e["end"] == "line" for e in ends) / len(ends) < 0.9
