"""Each check fails when its label is tampered with, in one sample or two of the twelve."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import imageio.v3 as iio
import numpy as np
import OpenEXR
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from synrender.audit.check import Verdict
from synrender.audit.rays.audited_dataset import Records, Subject, load_records, open_subject
from synrender.audit.scene_verdicts import check_lights
from synrender.dataset.folder import open_dataset_folder
from synrender.settings.factor_table import COLUMNS
from synrender.system.folders import Folders
from tests.archive.helpers import Archiver
from tests.audit.conftest import applied, failed
from tests.helpers import NAMES_OF_BLENDER_5, Renderer, read_passes, read_record


def copy_dataset(dataset_dir: Path, folder: Path) -> Path:
    return shutil.copytree(dataset_dir, folder / "copy")


def image_of(dataset_dir: Path, idx: int) -> Path:
    return next(p for p in (dataset_dir / "img").glob(f"{idx:05d}.*") if p.suffix != ".npy")


def edit_pass(dataset_dir: Path, idx: int, end: str, edit: Callable) -> None:
    """Rewrites the channels of an EXR whose name has the given end, as Blender 4 calls it."""
    ends = (end, NAMES_OF_BLENDER_5.get(end, end))
    path = image_of(dataset_dir, idx)
    file = OpenEXR.File(str(path), separate_channels=True)
    edited = 0
    for part in file.parts:
        for name, channel in part.channels.items():
            if name.endswith(ends):
                channel.pixels = np.ascontiguousarray(edit(channel.pixels), np.float32)
                edited += 1
    assert edited
    file.write(str(path.with_suffix(".new.exr")))
    path.with_suffix(".new.exr").replace(path)


def edit_record(dataset_dir: Path, idx: int, edit: Callable[[np.ndarray], None]) -> None:
    record = read_record(dataset_dir, idx)
    edit(record)
    np.save(dataset_dir / "img" / f"{idx:05d}.npy", record)


def swap_records(dataset_dir: Path, a: int, b: int) -> None:
    """Swaps two records, except the fields that say which sample, bucket and group they are."""
    first, second = read_record(dataset_dir, a), read_record(dataset_dir, b)
    for name in ("sample_idx", "bucket", "group"):
        first[name], second[name] = second[name].copy(), first[name].copy()
    np.save(dataset_dir / "img" / f"{a:05d}.npy", second)
    np.save(dataset_dir / "img" / f"{b:05d}.npy", first)


def shift_instances(dataset_dir: Path) -> None:
    edit_pass(dataset_dir, 5, "IndexOB.X", lambda pixels: np.roll(pixels, 2, axis=1))


def shift_instances_by_a_pixel_everywhere(dataset_dir: Path) -> None:
    for idx in range(12):
        for end in ("IndexOB.X", "IndexMA.X", "Depth.Z"):
            edit_pass(dataset_dir, idx, end, lambda pixels: np.roll(pixels, 1, axis=0))


def erase_an_instance(dataset_dir: Path) -> None:
    edit_pass(dataset_dir, 3, "IndexOB.X", lambda pixels: np.where(pixels == 2, 0, pixels))


def spill_a_pixel_far_away(dataset_dir: Path) -> None:
    """One pixel of an instance in a corner, which hardly moves its IoU."""

    def spill(pixels: np.ndarray) -> np.ndarray:
        pixels = pixels.copy()
        pixels[0, 0] = pixels.max()
        return pixels

    edit_pass(dataset_dir, 3, "IndexOB.X", spill)


def swap_classes_of_pixels(dataset_dir: Path) -> None:
    edit_pass(dataset_dir, 4, "IndexMA.X", lambda p: np.where(p == 0, 4, np.where(p == 4, 0, p)))


def give_a_pixel_another_class(dataset_dir: Path) -> None:
    passes = read_passes(dataset_dir, 4)
    y, x = np.argwhere(passes["instance"] == passes["instance"].max())[0]

    def paint(pixels: np.ndarray) -> np.ndarray:
        pixels = pixels.copy()
        pixels[y, x] = 7
        return pixels

    edit_pass(dataset_dir, 4, "IndexMA.X", paint)


def swap_classes_of_records(dataset_dir: Path) -> None:
    def swap(record: np.ndarray) -> None:
        record["class"] = np.where(record["class"] == 0, 4, 0)

    edit_record(dataset_dir, 6, swap)


def add_5_mm(dataset_dir: Path) -> None:
    edit_pass(dataset_dir, 7, "Depth.Z", lambda pixels: pixels + 0.005)


def add_5_mm_to_an_object(dataset_dir: Path) -> None:
    """The one with the fewest pixels that has an interior."""
    instance = read_passes(dataset_dir, 7)["instance"]
    ids, counts = np.unique(instance[instance > 0], return_counts=True)
    least = min((n, i) for n, i in zip(counts, ids, strict=True) if n > 60)[1]
    edit_pass(dataset_dir, 7, "Depth.Z", lambda pixels: pixels + 0.005 * (instance == least))


def add_5_mm_to_the_backdrop(dataset_dir: Path) -> None:
    is_object = read_passes(dataset_dir, 7)["instance"] > 0
    edit_pass(dataset_dir, 7, "Depth.Z", lambda pixels: pixels + 0.005 * ~is_object)


def measure_depth_along_the_ray(dataset_dir: Path) -> None:
    """The most common mistake with depth."""
    camera = json.loads((dataset_dir / "dataset.json").read_text())["camera"]
    focal = camera["intrinsics"][0][0]
    for idx in range(12):
        y, x = np.mgrid[:64, :64] + 0.5 - 32
        length = np.sqrt(1 + (x**2 + y**2) / focal**2)
        edit_pass(dataset_dir, idx, "Depth.Z", lambda pixels, length=length: pixels * length)


def rotate_rot_mat(dataset_dir: Path) -> None:
    def rotate(record: np.ndarray) -> None:
        record["rot_mat"][0] = Rotation.from_rotvec([0, 0, 0.01]).as_matrix() @ record["rot_mat"][0]

    edit_record(dataset_dir, 8, rotate)


def edit_field(name: str, edit: Callable) -> Callable[[Path], None]:
    def tamper(dataset_dir: Path) -> None:
        def apply(record: np.ndarray) -> None:
            record[name][0] = edit(record[name][0])

        edit_record(dataset_dir, 8, apply)

    return tamper


def duplicate_a_frame(dataset_dir: Path) -> None:
    shutil.copy(image_of(dataset_dir, 1), image_of(dataset_dir, 9))


def fill_png(value: tuple[int, int, int]) -> Callable[[Path], None]:
    def fill(dataset_dir: Path) -> None:
        iio.imwrite(image_of(dataset_dir, 2), np.full((64, 64, 3), value, np.uint8))

    return fill


def overexpose_png(dataset_dir: Path) -> None:
    path = image_of(dataset_dir, 2)
    iio.imwrite(path, np.clip(iio.imread(path).astype(int) * 8, 0, 255).astype(np.uint8))


def paint_the_object_magenta(dataset_dir: Path) -> None:
    path = image_of(dataset_dir, 2)
    image = np.array(iio.imread(path))
    image[20:40, 20:40] = (150, 20, 148)
    iio.imwrite(path, image)


def put_a_nan_into_the_picture(dataset_dir: Path) -> None:
    def spoil(pixels: np.ndarray) -> np.ndarray:
        pixels = pixels.copy()
        pixels[3, 3] = np.nan
        return pixels

    edit_pass(dataset_dir, 0, "Combined.R", spoil)


def move_a_model_across_splits(dataset_dir: Path) -> None:
    of_train = read_record(dataset_dir, 0)[0]

    def move(record: np.ndarray) -> None:
        for name in ("class", "synset_id", "model_id"):
            record[name][0] = of_train[name]

    edit_record(dataset_dir, 11, move)


def move_a_sample_across_buckets(dataset_dir: Path) -> None:
    def move(record: np.ndarray) -> None:
        record["bucket"] = 0

    edit_record(dataset_dir, 11, move)


def repeat_a_class(dataset_dir: Path) -> None:
    """All groups of a bucket show one class, as if it were drawn."""

    def repeat(record: np.ndarray) -> None:
        record["class"], record["synset_id"] = 0, "02691156"

    for idx in range(12):
        edit_record(dataset_dir, idx, repeat)


def truncate_an_image(dataset_dir: Path) -> None:
    path = image_of(dataset_dir, 10)
    path.write_bytes(path.read_bytes()[:-200])


def make_an_image_huge(dataset_dir: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(image_of(dataset_dir, 3))


def remove_the_objects(dataset_dir: Path) -> None:
    np.save(dataset_dir / "img/00005.npy", read_record(dataset_dir, 5)[:0])


def blow_up_an_image(dataset_dir: Path) -> None:
    """To 3 GB, of which the disk holds a few blocks."""
    os.truncate(next(dataset_dir.glob("img/00003.*[gr]")), 3_000_000_000)


def truncate_a_record(dataset_dir: Path) -> None:
    path = dataset_dir / "img" / "00010.npy"
    path.write_bytes(path.read_bytes()[:-20])


def say_it_is_another_sample(dataset_dir: Path) -> None:
    def rename(record: np.ndarray) -> None:
        record["sample_idx"] = 3

    edit_record(dataset_dir, 10, rename)


def shift_the_camera_of_all_samples(dataset_dir: Path) -> None:
    """By half a pixel, in dataset.json alone."""
    path = dataset_dir / "dataset.json"
    info = json.loads(path.read_text())
    info["camera"]["intrinsics"][0][2] += 0.5
    path.write_text(json.dumps(info))


def shift_the_camera_by_half_a_pixel(dataset_dir: Path) -> None:
    """As if pixels' centers were whole numbers."""
    shift_the_camera_of_all_samples(dataset_dir)

    def shift(record: np.ndarray) -> None:
        record["intrinsics"][:, 0, 2] += 0.5

    for path in (dataset_dir / "img").glob("*.npy"):
        edit_record(dataset_dir, int(path.stem), shift)


def move_objects_away(dataset_dir: Path) -> None:
    def move(record: np.ndarray) -> None:
        record["location"] += [0, 50, 0]
        record["obj_to_world"][:, 1, 3] += 50

    for idx in (3, 4):
        edit_record(dataset_dir, idx, move)


def shift_pngs(dataset_dir: Path, num_px: int = 3) -> None:
    for idx in range(12):
        path = image_of(dataset_dir, idx)
        iio.imwrite(path, np.roll(iio.imread(path), num_px, axis=1))


def roll_records(dataset_dir: Path) -> None:
    """Each picture gets the record of the one before it, with its own number."""
    for idx in range(11):
        swap_records(dataset_dir, idx, idx + 1)


def enlarge_objects(dataset_dir: Path) -> None:
    """In the records, by a quarter, as if a scale had been left out."""

    def enlarge(record: np.ndarray) -> None:
        record["scale"] *= 1.25
        record["obj_to_world"][:, :3, :3] *= 1.25
        from_origin = record["location"] - record["obj_to_world"][:, :3, 3]
        record["obj_to_world"][:, :3, 3] -= 0.25 * from_origin  # the center stays

    for idx in range(12):
        edit_record(dataset_dir, idx, enlarge)


EXR = {
    "half a pixel": (shift_the_camera_by_half_a_pixel, {"mask", "depth"}),
    "another camera": (shift_the_camera_of_all_samples, {"camera"}),
    "shifted instances": (shift_instances, {"mask", "boxes"}),
    "all shifted by a pixel": (shift_instances_by_a_pixel_everywhere, {"mask"}),
    "an instance erased": (erase_an_instance, {"mask", "boxes"}),
    "a pixel far away": (spill_a_pixel_far_away, {"boxes"}),
    "classes of pixels swapped": (swap_classes_of_pixels, {"class"}),
    "a pixel of another class": (give_a_pixel_another_class, {"class"}),
    "classes of a record swapped": (swap_classes_of_records, {"class"}),
    "5 mm": (add_5_mm, {"depth"}),
    "5 mm on one object": (add_5_mm_to_an_object, {"depth"}),
    "5 mm on the backdrop": (add_5_mm_to_the_backdrop, {"depth"}),
    "depth along the ray": (measure_depth_along_the_ray, {"depth"}),
    "rot_mat": (rotate_rot_mat, {"pose"}),
    "quaternion as xyzw": (edit_field("quaternion", lambda q: np.roll(q, -1)), {"pose"}),
    "euler in degrees": (edit_field("euler", np.rad2deg), {"pose"}),
    "scale": (edit_field("scale", lambda s: s * 1.01), {"pose"}),
    "location": (edit_field("location", lambda p: p + 0.001), {"pose"}),
    "bbox": (edit_field("bbox", lambda b: b * 1.01), {"pose"}),
    "obj_to_world moved": (
        edit_field("obj_to_world", lambda m: m + 0.05 * np.eye(4, k=3)), {"pose", "mask"},
    ),
    "a pose that is no number": (edit_field("obj_to_world", lambda m: m * np.nan), {"files"}),
    "a singular pose": (edit_field("obj_to_world", lambda m: m * 0), {"files"}),
    "records swapped": (lambda d: swap_records(d, 2, 9), {"mask", "depth", "splits"}),
    "records of one bucket swapped": (lambda d: swap_records(d, 4, 5), {"mask"}),
    "a frame twice": (duplicate_a_frame, {"images", "mask"}),
    "a nan": (put_a_nan_into_the_picture, {"images"}),
    "model in train and test": (move_a_model_across_splits, {"splits"}),
    "a model that is nowhere": (edit_field("model_id", lambda _: "nowhere"), {"files"}),
    "an image cut short": (truncate_an_image, {"files"}),
    "an image of 3 GB": (blow_up_an_image, {"files"}),
}  # fmt: skip
PNG = {
    "objects out of the picture": (move_objects_away, {"silhouette"}),
    "all shifted": (shift_pngs, {"silhouette"}),
    "records swapped": (lambda d: swap_records(d, 2, 9), {"splits"}),
    "records a sample too late": (roll_records, {"silhouette"}),
    "all a pixel to the right": (lambda d: shift_pngs(d, 1), {"silhouette"}),
    "objects larger": (enlarge_objects, {"silhouette"}),
    "blank": (fill_png((90, 80, 70)), {"images"}),
    "overexposed": (overexpose_png, {"images"}),
    "magenta": (paint_the_object_magenta, {"images"}),
    "a frame twice": (duplicate_a_frame, {"images"}),
    "rot_mat": (rotate_rot_mat, {"pose"}),
    "classes of a record swapped": (swap_classes_of_records, {"class"}),
    "model in train and test": (move_a_model_across_splits, {"splits"}),
    "sample in another bucket": (move_a_sample_across_buckets, {"splits"}),
    "one class alone": (repeat_a_class, {"balance"}),
    "an image cut short": (truncate_an_image, {"files"}),
    "an image of 3 GB": (blow_up_an_image, {"files"}),
    "a huge image": (make_an_image_huge, {"files"}),
    "a record of no objects": (remove_the_objects, {"files"}),
    "a record cut short": (truncate_a_record, {"files"}),
    "a record of another sample": (say_it_is_another_sample, {"files"}),
}


@pytest.mark.parametrize("name", EXR)
def test_an_exr_data_set_fails_when_tampered_with(
    multi: Path, tmp_path: Path, audit, name: str
) -> None:
    tamper, expected = EXR[name]
    copy = copy_dataset(multi, tmp_path)
    tamper(copy)
    checks = audit(copy)
    assert failed(checks) >= expected, checks


@pytest.mark.parametrize("name", PNG)
def test_a_png_data_set_fails_when_tampered_with(
    single: Path, tmp_path: Path, audit, name: str
) -> None:
    tamper, expected = PNG[name]
    copy = copy_dataset(single, tmp_path)
    tamper(copy)
    checks = audit(copy)
    assert failed(checks) >= expected, checks


def test_rewriting_a_file_alone_fails_nothing(multi: Path, tmp_path: Path, audit) -> None:
    copy = copy_dataset(multi, tmp_path)
    for idx in range(12):
        edit_pass(copy, idx, "IndexOB.X", lambda pixels: pixels)
        edit_record(copy, idx, lambda record: None)
    assert failed(audit(copy)) == set()


@pytest.mark.parametrize("num_shifted", [0, 2])
def test_boxes_in_hdf5_are_checked(multi: Path, tmp_path: Path, audit, num_shifted: int) -> None:
    copy = copy_dataset(multi, tmp_path)
    Archiver(copy.parent).run("-d", copy.name, "-f", "-b", 1, "-j", 1)
    with h5py.File(copy / "imgs_00.h5", "r+") as file:
        boxes = file["box_px"][...]
        boxes[3] += num_shifted
        file["box_px"][...] = boxes
    checks = audit(copy)
    assert "hdf5" in applied(checks)
    assert failed(checks) == ({"hdf5"} if num_shifted else set())


# --- lights, of which the pictures tell little ----------------------------------------------------


@pytest.fixture(scope="module")
def subject(wheel: Renderer, single: Path) -> Subject:
    return open_subject(open_dataset_folder(single.parent, single.name), Folders(wheel.data_dir))


@pytest.fixture
def lit(subject: Subject) -> Records:
    """Records with a second light, as a design of two lights has it."""
    records = load_records(subject)
    records.rows["factor_values"][:, COLUMNS.index("num_lights")] = 2
    records.rows["lights"][:, 1] = [0, 0.9, 1.2]  # at the distance of the first, 1.5 m
    return records


def edit_row(field: str, edit: Callable) -> Callable[[np.void], None]:
    def tamper(row: np.void) -> None:
        row[field] = edit(row[field])

    return tamper


def change_factor(name: str, edit: Callable) -> Callable[[np.void], None]:
    def tamper(row: np.void) -> None:
        column = COLUMNS.index(name)
        row["factor_values"][column] = edit(row["factor_values"][column])

    return tamper


def move_first_light(row: np.void) -> None:
    """In both fields, so that they agree."""
    row["light"] += [0, 1e-6, 0]
    row["lights"][0] = row["light"]


LIGHTS = {
    "the first moved": move_first_light,
    "the first in one field alone": edit_row("light", lambda p: p + 1e-6),
    "another angle": change_factor("light_angle", lambda a: a + 1e-6),
    "the second too near": edit_row("lights", lambda p: p * [[1], [0.9], *[[1]] * 6]),
    "the second below the ground": edit_row("lights", lambda p: p * [1, 1, -1]),
    "the second missing": edit_row("lights", lambda p: np.where(np.arange(8)[:, None], np.nan, p)),
    "a third": edit_row("lights", lambda p: p[[0, 1, 1, *range(3, 8)]]),
    "a number too many": change_factor("num_lights", lambda n: n + 1),
}


@pytest.mark.parametrize("name", LIGHTS)
def test_a_light_elsewhere_fails(subject: Subject, lit: Records, name: str) -> None:
    assert check_lights(subject, lit).verdict is Verdict.PASS
    LIGHTS[name](lit.rows[7])
    found = check_lights(subject, lit)
    assert (found.verdict, found.culprits) == (Verdict.FAIL, (str(lit.idxs[7]),))
