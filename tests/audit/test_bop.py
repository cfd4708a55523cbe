"""The audit of data sets in BOP format: a right one passes, and each falsification is found."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from synrender.audit.bop.bop_view import find_visible
from synrender.audit.bop.run import audit_bop
from synrender.audit.check import Check
from synrender.audit.run import RayDraw
from synrender.cli.audit import parse_arguments, run
from synrender.errors import UserError
from synrender.system.folders import Folders
from synrender.system.workers import Workers
from tests.audit.bop_writer import write_bop
from tests.audit.conftest import applied, failed
from tests.helpers import Renderer

ALL = {"files", "models", "pose", "mask", "visible", "depth", "info"}
SCENE = "train_pbr/000000"


@pytest.fixture(scope="session")
def right(wheel: Renderer, multi: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four images of three objects in two scenes."""
    models = Folders(wheel.data_dir).demo / "ShapeNetCore.v2"
    return write_bop(multi, models, tmp_path_factory.mktemp("bop") / "bop", 4)


@pytest.fixture
def bop(right: Path, tmp_path: Path) -> Path:
    return shutil.copytree(right, tmp_path / "bop")


def audit(folder: Path, pixel_center: float = 0.0) -> dict[str, Check]:
    with Workers(1) as workers:
        checks = audit_bop(folder, RayDraw(0), pixel_center, workers, is_quiet=True)
    return {check.name: check for check in checks}


def test_a_right_data_set_passes(right: Path) -> None:
    checks = audit(right)
    assert failed(checks) == set(), checks
    assert applied(checks) == ALL
    shares = [
        info["visib_fract"]
        for path in right.glob("train_pbr/*/scene_gt_info.json")
        for infos in json.loads(path.read_text()).values()
        for info in infos
    ]
    assert len(shares) == 12
    assert min(shares) < 0.9  # else nothing hides anything


@pytest.mark.parametrize("part", ["train_pbr", "train_pbr/000001"])
def test_a_split_or_a_scene_can_be_audited(right: Path, part: str) -> None:
    assert failed(audit(right / part)) == set()


def test_labels_that_are_not_there_do_not_apply(bop: Path) -> None:
    for scene in bop.glob("train_pbr/*"):
        for kind in ("mask", "mask_visib", "depth"):
            shutil.rmtree(scene / kind)
        (scene / "scene_gt_info.json").unlink()
    (bop / "models/models_info.json").unlink()
    checks = audit(bop)
    assert failed(checks) == set()
    assert applied(checks) == {"files", "pose"}


# --- falsified ------------------------------------------------------------------------------------


def edit_json(name: str, edit: Callable[[list | dict], None]) -> Callable[[Path], None]:
    """Edits the entry of image 1 of the first scene."""

    def tamper(bop: Path) -> None:
        path = bop / SCENE / name
        values = json.loads(path.read_text())
        edit(values["1"])
        path.write_text(json.dumps(values))

    return tamper


def edit_image(name: str, edit: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    def tamper(bop: Path) -> None:
        path = bop / SCENE / name
        iio.imwrite(path, edit(iio.imread(path)))

    return tamper


def shift(image: np.ndarray) -> np.ndarray:
    return np.roll(image, 2, axis=1)


def largest(bop: Path) -> int:
    """Object of image 1 with the most visible pixels."""
    infos = json.loads((bop / SCENE / "scene_gt_info.json").read_text())["1"]
    return int(np.argmax([info["px_count_visib"] for info in infos]))


def shift_mask(kind: str) -> Callable[[Path], None]:
    return lambda bop: edit_image(f"{kind}/000001_{largest(bop):06d}.png", shift)(bop)


def edit_pose(edit: Callable[[dict], None]) -> Callable[[Path], None]:
    return lambda bop: edit_json("scene_gt.json", lambda rows: edit(rows[largest(bop)]))(bop)


def edit_info(edit: Callable[[dict], None]) -> Callable[[Path], None]:
    return lambda bop: edit_json("scene_gt_info.json", lambda rows: edit(rows[largest(bop)]))(bop)


def turn(row: dict) -> None:
    by = Rotation.from_rotvec([0, 0.1, 0.1]).as_matrix()
    row["cam_R_m2c"] = (by @ np.reshape(row["cam_R_m2c"], (3, 3))).ravel().tolist()


def move(row: dict) -> None:
    row["cam_t_m2c"][2] += 10


def mirror(row: dict) -> None:
    row["cam_R_m2c"][:3] = [-value for value in row["cam_R_m2c"][:3]]


def shear(row: dict) -> None:
    row["cam_R_m2c"][0] += 0.001


def swap_obj_ids(rows: list) -> None:
    ids = [row["obj_id"] for row in rows]
    assert len(set(ids)) > 1
    for row, obj_id in zip(rows, [*ids[1:], ids[0]], strict=True):
        row["obj_id"] = obj_id


def measure_depth_along_the_ray(bop: Path) -> None:
    for scene in bop.glob("train_pbr/*"):
        cameras = json.loads((scene / "scene_camera.json").read_text())
        for path in scene.glob("depth/*.png"):
            intrinsics = np.reshape(cameras[str(int(path.stem))]["cam_K"], (3, 3))
            ys, xs = np.mgrid[:64, :64]
            pixels = np.stack([xs, ys, np.ones_like(xs)], axis=-1)
            length = np.linalg.norm(pixels @ np.linalg.inv(intrinsics).T, axis=-1)
            steps = np.minimum(iio.imread(path) * length, 65535)
            iio.imwrite(path, steps.astype(np.uint16))


def edit_models(old: str, new: str) -> Callable[[Path], None]:
    """Replaces the first such text in the model of each object of image 1."""

    def tamper(bop: Path) -> None:
        for row in json.loads((bop / SCENE / "scene_gt.json").read_text())["1"]:
            path = bop / f"models/obj_{row['obj_id']:06d}.ply"
            text = path.read_text()
            head, found, rest = text.partition(old)
            assert found
            path.write_text(head + new + rest)

    return tamper


def forget_an_object(bop: Path) -> None:
    for name in ("scene_gt.json", "scene_gt_info.json"):
        edit_json(name, lambda rows: rows.pop())(bop)


def cut_short(bop: Path) -> None:
    path = bop / SCENE / "depth/000001.png"
    path.write_bytes(path.read_bytes()[:-60])


def lose_models_unit(bop: Path) -> None:
    """A model in meters, as its file often is."""
    obj_id = json.loads((bop / SCENE / "scene_gt.json").read_text())["1"][largest(bop)]["obj_id"]
    path = bop / f"models/obj_{obj_id:06d}.ply"
    head, _, body = path.read_text().partition("end_header\n")
    num = int(head.split("element vertex ")[1].split()[0])
    lines = body.splitlines()
    for i in range(num):
        lines[i] = " ".join(str(float(x) / 1000) for x in lines[i].split())
    path.write_text(head + "end_header\n" + "\n".join(lines) + "\n")


WRONG = {
    "a shifted mask": (shift_mask("mask"), {"mask"}),
    "a shifted visible mask": (shift_mask("mask_visib"), {"visible"}),
    "an empty visible mask": (
        lambda bop: edit_image(f"mask_visib/000001_{largest(bop):06d}.png", np.zeros_like)(bop),
        {"visible"},
    ),
    "another depth_scale": (
        edit_json("scene_camera.json", lambda camera: camera.update(depth_scale=0.2)), {"depth"},
    ),
    "a smaller depth_scale": (
        edit_json("scene_camera.json", lambda camera: camera.update(depth_scale=0.05)),
        {"depth", "visible"},
    ),
    "2 mm of depth": (
        edit_image("depth/000001.png", lambda steps: np.minimum(steps, 65500) + np.uint16(20)),
        {"depth"},
    ),
    "no depth": (edit_image("depth/000001.png", np.zeros_like), {"depth", "info"}),
    "depth along the ray": (measure_depth_along_the_ray, {"depth"}),
    "a turned object": (edit_pose(turn), {"mask", "depth"}),
    "an object moved by 10 mm": (edit_pose(move), {"depth"}),
    "a mirrored pose": (edit_pose(mirror), {"pose"}),
    "a pose that is no rotation": (edit_pose(shear), {"pose"}),
    "object ids swapped": (edit_json("scene_gt.json", swap_obj_ids), {"mask", "depth"}),
    "another focal length": (
        edit_json("scene_camera.json", lambda c: c["cam_K"].__setitem__(0, c["cam_K"][0] * 1.05)),
        {"mask"},
    ),
    "a visible share": (edit_info(lambda info: info.update(visib_fract=0.5)), {"info"}),
    "a number of pixels": (edit_info(lambda info: info.update(px_count_all=50)), {"info"}),
    "a box": (edit_info(lambda info: info["bbox_obj"].__setitem__(0, 5)), {"info"}),
    "a visible box": (edit_info(lambda info: info["bbox_visib"].__setitem__(3, 64)), {"info"}),
    "a share that is no number": (edit_info(lambda info: info.update(visib_fract="x")), {"info"}),
    "a face without a vertex": (edit_models("\n3 ", "\n3 999999"), {"files", "models"}),
    "a vertex that is no point": (edit_models("end_header\n", "end_header\nnan "), {"files"}),
    "an object far away": (edit_pose(lambda row: row.update(cam_t_m2c=[1e9, 0, 1])), {"mask"}),
    "an object behind the camera": (
        edit_pose(lambda row: row["cam_t_m2c"].__setitem__(2, -1000)), {"mask", "visible", "info"},
    ),
    "an object around the camera": (
        edit_pose(lambda row: row.update(cam_t_m2c=[0, 0, 0])), {"mask", "visible", "depth"},
    ),
    "a model in meters": (lose_models_unit, {"models", "mask"}),
    "a missing mask": (lambda bop: (bop / SCENE / "mask/000001_000002.png").unlink(), {"files"}),
    "an object without annotation": (forget_an_object, {"files"}),
    "a missing picture": (lambda bop: (bop / SCENE / "rgb/000000.png").unlink(), {"files"}),
    "a depth image cut short": (cut_short, {"files"}),
    "a picture of another size": (
        edit_image("rgb/000001.png", lambda image: image[:32]), {"files"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", WRONG)
def test_what_is_wrong_is_found(bop: Path, change: str) -> None:
    tamper, expected = WRONG[change]
    tamper(bop)
    checks = audit(bop / SCENE)
    assert expected <= failed(checks), checks
    culprits = [c for name in expected for c in checks[name].culprits]
    assert any("000000/000001" in c or "obj" in c or "box" in c or "rgb" in c for c in culprits)


def test_files_of_images_that_are_not_examined_are_looked_for(bop: Path) -> None:
    for number in (0, 1):
        (bop / SCENE / f"mask/{number:06d}_000001.png").unlink()
    with Workers(1) as workers:
        checks = audit_bop(bop, RayDraw(1), 0.0, workers, is_quiet=True)
    assert {c.split(" ")[0] for c in checks[0].culprits} == {"000000/000000", "000000/000001"}


def test_another_pixel_center_is_said(bop: Path) -> None:
    """As in masks that OpenGL drew: the top left pixel's center is (0.5, 0.5)."""
    for path in bop.glob("train_pbr/*/scene_camera.json"):
        cameras = json.loads(path.read_text())
        for camera in cameras.values():
            camera["cam_K"][2] += 0.5
            camera["cam_K"][5] += 0.5
        path.write_text(json.dumps(cameras))
    checks = audit(bop)
    assert {"mask", "visible"} <= failed(checks)
    assert "with --pixel_center 0.5 the mean IoU" in checks["mask"].figures
    assert failed(audit(bop, 0.5)) == set()


def test_what_has_no_annotation_may_hide_objects(bop: Path) -> None:
    """A wall before the left half of every image."""
    for scene in bop.glob("train_pbr/*"):
        for path in scene.glob("depth/*.png"):
            steps = iio.imread(path)
            steps[:, :32] = 5000  # half a meter
            iio.imwrite(path, steps)
        infos = json.loads((scene / "scene_gt_info.json").read_text())
        for path in scene.glob("mask_visib/*.png"):
            mask = iio.imread(path)
            mask[:, :32] = 0
            iio.imwrite(path, mask)
            number, k = map(int, path.stem.split("_"))
            info, (ys, xs) = infos[str(number)][k], np.nonzero(mask)
            info["px_count_visib"] = len(xs)
            info["visib_fract"] = len(xs) / info["px_count_all"]
            box = [xs.min(), ys.min(), np.ptp(xs), np.ptp(ys)] if len(xs) else [-1] * 4
            info["bbox_visib"] = [int(x) for x in box]
        (scene / "scene_gt_info.json").write_text(json.dumps(infos))
    checks = audit(bop)
    assert failed(checks) == set(), checks
    assert int(re.search(r"(\d+) px hidden", checks["visible"].figures)[1]) > 100


def test_up_to_15_mm_behind_the_front_both_answers_are_right() -> None:
    depths = np.array([[100.0, 100, np.inf, 100], [110.0, 120, np.inf, 100]])
    certain, possible = find_visible(depths, np.array([0.0, 0, 50, 50]))
    assert certain.tolist() == [[True, True, False, False], [False, False, False, False]]
    assert possible.tolist() == [[True, True, False, False], [True, False, False, False]]


# --- damaged --------------------------------------------------------------------------------------


def write_text(name: str, text: str) -> Callable[[Path], None]:
    return lambda bop: (bop / name).write_text(text) and None


DAMAGED = {
    "no folder": (shutil.rmtree, "no such folder"),
    "no scene": (lambda bop: shutil.rmtree(bop / "train_pbr"), "no scene such as 000000"),
    "no models": (lambda bop: shutil.rmtree(bop / "models"), r"no models/obj_000001\.ply"),
    "no cameras": (lambda bop: (bop / SCENE / "scene_camera.json").unlink(), "no such file"),
    "text": (write_text(f"{SCENE}/scene_gt.json", "{"), r"scene_gt\.json: cannot be read"),
    "a list": (write_text(f"{SCENE}/scene_gt.json", "[]"), "must be dict"),
    "a key": (write_text(f"{SCENE}/scene_gt.json", '{"a": []}'), "must be a whole number"),
    "an image without camera": (
        write_text(f"{SCENE}/scene_camera.json", "{}"), "has no image 0, scene_gt.json has",
    ),
    "a pose of eight numbers": (
        edit_pose(lambda row: row["cam_R_m2c"].pop()), "image 1: cam_R_m2c must be 9 numbers",
    ),
    "a pose of NaN": (
        edit_pose(lambda row: row.update(cam_t_m2c=[0, 0, float("nan")])),
        "NaN is no number of JSON",
    ),
    "no object id": (edit_pose(lambda row: row.pop("obj_id")), "obj_id must be int, is 'None'"),
    "a camera without focal length": (
        edit_json("scene_camera.json", lambda camera: camera.update(cam_K=[0] * 9)),
        "cam_K is no camera matrix",
    ),
    "a scale of 0": (
        edit_json("scene_camera.json", lambda c: c.update(depth_scale=0)), "must be above 0",
    ),
    "an object too many": (
        edit_json("scene_gt_info.json", lambda rows: rows.append({})), "has 4 objects, scene_gt",
    ),
    "models of another data set": (
        lambda bop: [p.write_text("ply\n") for p in bop.glob("models/*.ply")],
        "does not hold the models of this data set",
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_input_is_one_line(bop: Path, damage: str) -> None:
    tamper, message = DAMAGED[damage]
    tamper(bop)
    with pytest.raises(UserError, match=message) as caught:
        audit(bop)
    assert "\n" not in str(caught.value)


def test_the_script_takes_a_folder(
    bop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = parse_arguments(["--bop", str(bop), "-n", "2", "-j", "1"])
    assert run(arguments, Folders(tmp_path)) == 0
    assert "4 images, 2 examined; 0 faults" in capsys.readouterr().out
    shift_mask("mask")(bop)
    arguments = parse_arguments(["--bop", str(bop), "-n", "0", "-j", "1"])
    assert run(arguments, Folders(tmp_path)) == 1
    assert "mask        FAIL" in capsys.readouterr().out
