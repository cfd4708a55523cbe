"""Every label passes as it is, and fails when it is falsified in one sample."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import h5py
import numpy as np
import OpenEXR
import pytest
from scipy.spatial.transform import Rotation

from synrender.audit.check import Verdict, decide
from synrender.audit.labels import run as label_checks
from synrender.audit.labels.label_verdicts import RULES
from synrender.audit.labels.run import RAW
from synrender.audit.mask_checks import compare_labels, settle
from synrender.audit.rays.view import Cast
from synrender.audit.verdicts import judge_masks
from synrender.images.exr import ExrImage
from synrender.images.png import decode_png, encode_png
from synrender.settings.label_table import LABELS
from tests.audit.conftest import applied, failed
from tests.audit.test_tampering import copy_dataset, image_of
from tests.helpers import PROJECT_DIR, Renderer, RenderServer, read_record

TITLES = {rule.title for rule in RULES.values()}
SETTINGS = (
    "rendering.resolution = 64", "rendering.render_samples = 1", "object.n_buckets = 1",
    "batch.num_samples = 2", "object.total_num_samples = 2", "batch.cache_obj_frames = 2",
    "object.random_viewpoint = 0.5", f"rendering.labels = {list(LABELS)}",
)  # fmt: skip


@pytest.fixture(scope="module")
def labeled(server: RenderServer) -> Path:
    """EXR with all labels, 3 objects, a group of 2 samples."""
    objects = ("sample.num_objs = 3", "sample.class_idxs = [0, 4]")
    return server.render("audit_labels", *SETTINGS, *objects, config="render_multi")


def test_all_labels_of_the_demo_models_pass(labeled: Path, audit) -> None:
    checks = audit(labeled)
    assert failed(checks) == set(), [(c.name, c.culprits) for c in checks.values() if c.culprits]
    assert applied(checks) >= TITLES
    normal = {m.name: m.value for m in checks["normal"].measures}
    assert 0 < normal["degrees, 99th percentile"] < 0.3
    occluded = int(re.search(r"(\d+) are occluded", checks["occlusion"].figures)[1])
    assert occluded > 50


def test_all_labels_of_dirty_files_pass(dirty: Path, audit) -> None:
    checks = audit(dirty)
    assert failed(checks) == set(), checks
    assert applied(checks) >= TITLES - {"flow", "occlusion"}  # a group has one sample: no partner


def test_without_labels_there_are_no_rows(multi: Path, audit) -> None:
    assert not TITLES & set(audit(multi))


@pytest.mark.parametrize("name", ["shading", "box_2d_amodal", "occlusion"])
def test_a_label_needs_no_other_one(labeled: Path, tmp_path: Path, audit, name: str) -> None:
    copy = copy_dataset(labeled, tmp_path)
    info = json.loads((copy / "dataset.json").read_text())
    info["settings"]["rendering.labels"] = [name]
    (copy / "dataset.json").write_text(json.dumps(info))
    checks = audit(copy)
    assert failed(checks) == set(), checks
    assert applied(checks) & TITLES == {RULES[name].title}


def test_points_that_the_user_names_are_checked(labeled: Path, tmp_path: Path, audit) -> None:
    copy = copy_dataset(labeled, tmp_path)
    row = read_record(copy, 0)[1]
    name = f"{row['synset_id']}/{row['model_id']}"
    points = {name: {"nose": [0.1, 0, 0], "a tail": [0, 0.2, -0.1]}, "0/x": {"wing": [1, 1, 1]}}
    (copy / "keypoints.json").write_text(json.dumps(points))
    checks = audit(copy)
    assert failed(checks) == set(), checks
    num = sum(m.num or 0 for m in checks["keypoints"].measures[:1])
    num_named = sum((read_record(copy, i)["model_id"] == row["model_id"]).sum() for i in range(2))
    assert num == 2 * 3 * 15 + 2 * num_named


def test_where_nothing_is_hit(server: RenderServer, audit) -> None:
    """A backdrop that does not fill the picture."""
    dataset_dir = server.render(
        "audit_small_backdrop", *SETTINGS, "sample.num_objs = 1", "sample.class_idxs = 1",
        "scene.backdrop_size = 2", "material.use_texture = False", config="render_multi",
    )  # fmt: skip
    checks = audit(dataset_dir)
    assert failed(checks) == set(), checks
    assert "0 px not judged" in checks["albedo"].figures


# --- falsified passes --------------------------------------------------------------------


def edit_vectors(dataset_dir: Path, idx: int, ends: tuple[str, ...], edit: Callable) -> None:
    """Rewrites channels of an EXR as one array, (h, w, len(ends))."""
    path = image_of(dataset_dir, idx)
    file = OpenEXR.File(str(path), separate_channels=True)
    found = {
        end: channel
        for part in file.parts
        for name, channel in part.channels.items()
        for end in ends
        if name.endswith(end)
    }
    edited = edit(np.stack([found[end].pixels for end in ends], axis=-1))
    for k, end in enumerate(ends):
        found[end].pixels = np.ascontiguousarray(edited[..., k], np.float32)
    file.write(str(path.with_suffix(".new.exr")))
    path.with_suffix(".new.exr").replace(path)


def edit_normal(edit: Callable) -> Callable[[Path], None]:
    return lambda folder: edit_vectors(folder, 1, (".Normal.X", ".Normal.Y", ".Normal.Z"), edit)


def edit_albedo(edit: Callable) -> Callable[[Path], None]:
    return lambda folder: edit_vectors(folder, 1, (".Albedo.R", ".Albedo.G", ".Albedo.B"), edit)


def edit_amodal(edit: Callable) -> Callable[[Path], None]:
    return lambda folder: edit_vectors(folder, 1, (".Amodal.1", ".Amodal.2", ".Amodal.3"), edit)


def turn(rotvec: tuple[float, ...]) -> Callable[[np.ndarray], np.ndarray]:
    matrix = Rotation.from_rotvec(rotvec, degrees=True).as_matrix()
    return lambda normals: normals @ matrix.T


def to_world_space(folder: Path) -> None:
    rot_mat = read_record(folder, 1)["world_to_camera"][0, :3, :3]
    edit_normal(lambda normals: normals @ rot_mat)(folder)


def turn_one_object(folder: Path) -> None:
    instance = read_instance(folder, 1)
    largest = np.bincount(instance[instance > 0]).argmin()
    smallest = min(set(instance[instance > 0]), key=lambda k: (instance == k).sum())
    assert largest is not None
    edit_normal(lambda n: np.where((instance == smallest)[..., None], turn((2, 0, 0))(n), n))(
        folder
    )


def read_instance(folder: Path, idx: int) -> np.ndarray:
    from synrender.images.exr import read_exr

    return read_exr(image_of(folder, idx)).instance


def show_what_is_visible(folder: Path) -> None:
    instance = read_instance(folder, 1)
    edit_amodal(lambda masks: instance[..., None] == np.arange(1, 4))(folder)


def to_srgb(linear: np.ndarray) -> np.ndarray:
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


PASSES = {
    "normals flipped": (edit_normal(lambda n: -n), {"normal"}),
    "normals turned by 2 degrees": (edit_normal(turn((0, 2, 0))), {"normal"}),
    "normals of one object turned": (turn_one_object, {"normal"}),
    "normals in world space": (to_world_space, {"normal"}),
    "normals in Blender's camera space": (edit_normal(lambda n: n * (1, -1, -1)), {"normal"}),
    "normals half as long": (edit_normal(lambda n: n / 2), {"normal"}),
    "albedo in sRGB": (edit_albedo(to_srgb), {"albedo"}),
    "albedo darker by 2 %": (edit_albedo(lambda a: a * 0.98), {"albedo"}),
    "albedo in BGR": (edit_albedo(lambda a: a[..., ::-1]), {"albedo"}),
    "amodal is visible": (show_what_is_visible, {"amodal"}),
    "amodal masks swapped": (edit_amodal(lambda m: m[..., ::-1]), {"amodal"}),
    "amodal shifted": (edit_amodal(lambda m: np.roll(m, 2, axis=1)), {"amodal", "amodal box"}),
}


@pytest.mark.parametrize("name", PASSES)
def test_a_falsified_pass_fails(labeled: Path, tmp_path: Path, audit, name: str) -> None:
    tamper, expected = PASSES[name]
    copy = copy_dataset(labeled, tmp_path)
    tamper(copy)
    checks = audit(copy)
    assert failed(checks) >= expected, checks
    assert not failed(checks) & {"mask", "class", "depth", "boxes", "normal", "albedo"} - expected


# --- falsified readings --------------------------------------------------------------------

Given = dict[str, np.ndarray]


def edit(field: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Given], None]:
    def falsify(given: Given) -> None:
        given[field] = change(given[field])

    return falsify


def shift_first_corner(points: np.ndarray) -> np.ndarray:
    points = points.copy()
    points[0, 0] += 0.5
    return points


READINGS = {
    "normals": (edit("normal", lambda n: n[::-1]), {"normal"}),
    "albedo": (edit("albedo", lambda a: a * 0.98), {"albedo"}),
    "image as shading": (edit("shading", lambda s: s**2), {"shading"}),
    "shares of others": (edit("visible_share", lambda s: 1 - s), {"amodal"}),
    "coordinates mirrored": (
        edit("object_coordinates", lambda c: np.where(c == 0, 0, 1 - c)), {"coordinates"},
    ),
    "coordinates of the largest side": (
        edit("object_coordinates", lambda c: np.where(c == 0, 0, (c - 0.5) * 1.2 + 0.5)),
        {"coordinates"},
    ),
    "coordinates on the backdrop": (
        edit("object_coordinates", lambda c: np.where(c == 0, 0.5, c)), {"coordinates"},
    ),
    "positions moved by 2 mm": (edit("world_position", lambda p: p + 0.002), {"positions"}),
    "a box off by 2 px": (edit("box_2d", lambda b: b + 2), {"box_2d"}),
    "boxes of whole objects off": (edit("box_2d_amodal", lambda b: b - 2), {"amodal box"}),
    "corners reordered": (edit("box_3d_px", lambda b: b[:, ::-1]), {"box_3d"}),
    "a corner off": (edit("box_3d_px", shift_first_corner), {"box_3d"}),
    "corners in another world": (edit("box_3d_world_m", lambda b: b * 1.001), {"box_3d"}),
    "corners in Blender's camera": (
        edit("box_3d_camera_m", lambda b: b * (1, -1, -1)), {"box_3d"},
    ),
    "flow negated": (edit("flow", lambda f: -f), {"flow"}),
    "flow of half a pixel more": (edit("flow", lambda f: f + 0.5), {"flow"}),
    "flow to itself": (edit("flow_to", lambda _: np.array(1)), {"flow", "occlusion"}),
    "flow to nowhere": (edit("flow_to", lambda _: np.array(-1)), {"flow"}),
    "occlusion inverted": (edit("occlusion", lambda o: ~o), {"occlusion"}),
    "nothing occluded": (edit("occlusion", np.zeros_like), {"occlusion"}),
    "keypoints reordered": (edit("keypoint_px", lambda p: np.roll(p, 1, axis=1)), {"keypoints"}),
    "keypoints of others": (edit("keypoint_world_m", lambda p: p[::-1]), {"keypoints"}),
    "all keypoints seen": (
        edit("keypoint_visibility", lambda v: np.full_like(v, 2)), {"keypoints"},
    ),
    "a rougher surface": (edit("roughness", lambda r: r + 0.003), {"roughness"}),
    "metal on the backdrop": (edit("metallic", lambda m: np.ones_like(m)), {"metallic"}),
    "too few keypoints": (
        edit("keypoint_visibility", lambda v: v[:, :-1]), {"keypoints"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", READINGS)
def test_a_falsified_reading_fails(
    labeled: Path, audit, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    falsify, expected = READINGS[name]
    read_given = label_checks.read_given

    def read_falsely(source: label_checks.LabelSource, idx: int) -> Given | str:
        given = read_given(source, idx)
        if idx == 1 and source.name == RAW and "caption" not in given:  # which is read apart
            assert isinstance(given, dict)
            falsify(given)
        return given

    monkeypatch.setattr(label_checks, "read_given", read_falsely)
    checks = audit(labeled)
    assert failed(checks) >= expected, checks
    assert all(culprit.startswith("1 ") for name in expected for culprit in checks[name].culprits)


def change_shapes(given: Given) -> None:
    for name, value in given.items():
        if name not in ("flow_to", "albedo"):
            given[name] = value.reshape(-1)[:-1].reshape(1, -1)


def test_readings_of_other_shapes_fail_without_a_traceback(
    labeled: Path, audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(READINGS, "shapes", (change_shapes, TITLES - {"albedo"}))
    test_a_falsified_reading_fails(labeled, audit, monkeypatch, "shapes")


def test_textures_that_are_gone_are_named(labeled: Path, tmp_path: Path, audit) -> None:
    copy = copy_dataset(labeled, tmp_path)
    info = json.loads((copy / "dataset.json").read_text())
    info["sources"]["textures"]["source"] = str(tmp_path / "gone")
    (copy / "dataset.json").write_text(json.dumps(info))
    checks = audit(copy)
    assert failed(checks) == {"albedo"}
    assert str(tmp_path / "gone") in checks["albedo"].culprits[0]


def test_a_pass_that_is_not_there_fails(labeled: Path, tmp_path: Path, audit) -> None:
    copy = copy_dataset(labeled, tmp_path)
    path = image_of(copy, 1)
    file = OpenEXR.File(str(path), separate_channels=True)
    for part in file.parts:
        part.channels = {n: c for n, c in part.channels.items() if ".Normal." not in n}
    file.write(str(path))
    checks = audit(copy)
    assert "no normal pass" in checks["normal"].culprits[0]


# --- archives ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def archived(labeled: Path, wheel: Renderer) -> Path:
    """The same with one HDF5 file."""
    copy = shutil.copytree(labeled, wheel.data_dir / "audit_archived")
    subprocess.run(
        [sys.executable, "preprocess_data.py", "-d", copy.name, "-f", "-b", "1"],
        cwd=PROJECT_DIR, env=wheel.full_environment(), check=True, capture_output=True,
    )  # fmt: skip
    return copy


def edit_numbers(field: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable:
    """Changes a field of numbers in the second row."""

    def falsify(file: h5py.File) -> None:
        file[field][1] = change(file[field][1])

    return falsify


def edit_png(field: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable:
    """Changes a field of PNGs in the second row."""

    def falsify(file: h5py.File) -> None:
        png = file[field][1].tobytes()
        width, height, bits, kind = struct.unpack_from(">IIBB", png, 16)
        shape = (height, width, 3) if kind == 2 else (height, width)
        numbers = decode_png(png, shape, np.uint16 if bits == 16 else np.uint8)
        changed = change(numbers.astype(np.int64)).astype(numbers.dtype)
        file[field][1] = np.frombuffer(encode_png(changed), np.uint8)

    return falsify


def swap_masks(masks: np.ndarray) -> np.ndarray:
    return masks.reshape(3, 64, 64)[::-1].reshape(-1, 64)


STORED = {
    "normal": edit_png("png_normal", lambda n: 65534 - n),
    "albedo": edit_png("png_albedo", lambda a: a * 49 // 50),
    "shading": edit_png("png_shading", lambda s: np.where(s > 1024, s - 1024, s)),  # half
    "amodal": edit_png("png_amodal", swap_masks),
    "object_coordinates": edit_png(
        "png_object_coordinates", lambda c: np.where(c == 0, 0, 65535 - c)
    ),
    "world_position": edit_png("png_depth", lambda d: d + 50),
    "box_2d": edit_numbers("box_px", lambda b: b + 2),
    "box_2d_amodal": edit_numbers("box_2d_amodal", lambda b: b + 2),
    "box_3d": edit_numbers("box_3d_px", lambda b: b[:, ::-1]),
    "flow": edit_png("png_flow", lambda f: np.where(f == 0, 0, 65536 - f)),
    "occlusion": edit_png("png_occlusion", lambda o: 1 - o),
    "keypoints": edit_numbers("keypoint_px", lambda p: np.roll(p, 1, axis=1)),
    "amodal share": edit_numbers("visible_share", lambda s: 1 - s),
    "keypoints' visibility": edit_numbers("keypoint_visibility", lambda v: np.full_like(v, 2)),
    "flow's partner": edit_numbers("flow_to", lambda _: 1),
}


def test_an_archive_passes(archived: Path, audit) -> None:
    checks = audit(archived)
    assert failed(checks) == set(), checks
    assert "14 labels in 2 rows" in checks["hdf5 labels"].figures


@pytest.mark.parametrize("name", STORED)
def test_a_falsified_field_of_an_archive_fails(
    archived: Path, tmp_path: Path, audit, name: str
) -> None:
    copy = copy_dataset(archived, tmp_path)
    with h5py.File(copy / "imgs_00.h5", "r+") as file:
        STORED[name](file)
    checks = audit(copy)
    assert failed(checks) - {"hdf5"} == {"hdf5 labels"}, checks
    label = re.split(r"[ ']", name)[0]
    found = [*checks["hdf5 labels"].culprits, checks["hdf5 labels"].figures]
    assert any(label in text or RULES[label].title in text for text in found), found


@pytest.mark.parametrize(("gap_px", "mean"), [(0.001, 1.0), (0.1, 195 / 196)])
def test_masks_are_not_judged_where_rounding_decides(gap_px: float, mean: float) -> None:
    """Of a square of 14 x 14 px, whose corner pixel the rays miss by a gap, in a small dataset."""
    instance = np.zeros((32, 32), np.int32)
    instance[5:19, 5:19] = 1

    def cast_at(positions: np.ndarray) -> Cast:
        is_corner = (positions[:, 0] < 5.5 + gap_px) & (positions[:, 1] < 5.5 + gap_px)
        is_hit = ((positions >= 5) & (positions < 19)).all(axis=1) & ~is_corner
        depth_m = np.where(is_hit, 1.0, 2.0)
        return Cast(is_hit.astype(np.int64), depth_m, is_hit[None], np.ones_like(is_hit[None]))

    ys, xs = np.mgrid[:32, :32] + 0.5
    flat = cast_at(np.stack([xs, ys], axis=-1).reshape(-1, 2))
    each = [np.array(getattr(flat, field.name)) for field in fields(Cast)]
    cast = Cast(*(a.reshape(*a.shape[:-1], 32, 32) for a in each))
    depth_m = np.where(instance, 1.0, 2.0).astype(np.float32)
    exr = ExrImage(np.zeros((32, 32, 3), np.float32), instance, instance, depth_m)
    record = np.array([(1, 0)], [("instance", int), ("class", int)])
    found = compare_labels(exr, cast, record, settle(exr, cast, record, cast_at))
    judged = judge_masks({"00000": found.masks}, 0)
    check = decide("mask", judged.figures, judged.culprits, judged.measures)
    assert (judged.mean, check.verdict == Verdict.PASS) == (mean, mean == 1)
