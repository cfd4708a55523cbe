from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

import synrender
from synrender.archive import remove_raw
from synrender.archive.encode import LabelPlan, find_label_numbers
from synrender.dataset.archive_layout import scale_px
from synrender.dataset.record import RECORD_DTYPE
from synrender.images.label_codes import find_flow_step
from synrender.labels.derive import Labels
from synrender.labels.keypoints import NamedPoints
from synrender.settings.label_table import LABELS, list_fields
from tests.archive.helpers import QuickArchiver, list_files, read_archive
from tests.labels.scenes import SIZE_PX, Scene, Solid

ALL_FIELDS = list_fields(LABELS)
HALF_STEPS = {
    "normal": 0.51 / 32767, "albedo": 1 / 65535, "object_coordinates": 0.51 / 65535,
    "roughness": 0.51 / 65535, "metallic": 0.51 / 65535,
    "world_position": 1.1e-4, "flow": find_flow_step(32) / 2, "shading": 1 / 2048,
}  # fmt: skip
"""How far an archive may be from the small files; of shading, as a share of it."""

MASKS = ("amodal", "occlusion")


def read_all(path: Path, **options: object) -> dict[int, dict]:
    data = synrender.open_dataset(path, **options)
    samples = [data[i] for i in range(len(data))]
    return {int(np.ravel(s["sample_idx"])[0]): s for s in samples}


@pytest.fixture(params=["two objects", "one object"])
def any_labeled(
    request: pytest.FixtureRequest, labeled: Path, rendered_labels_single: Path, tmp_path: Path
) -> Path:
    if request.param == "two objects":
        return labeled
    return shutil.copytree(rendered_labels_single, tmp_path / "single_labels")


# --- imgs_XX.h5 -------------------------------------------------------------------------------


def test_an_archive_gives_the_labels_of_the_small_files(
    any_labeled: Path, quick: QuickArchiver
) -> None:
    quick.run("-d", any_labeled.name, "-f", "-b", 3)
    small, stored = read_all(any_labeled / "img"), read_all(any_labeled)
    assert len(small) == len(stored) >= 3
    for idx, sample in small.items():
        assert set(ALL_FIELDS) < set(stored[idx])
        for name in ALL_FIELDS:
            expected, found = np.asarray(sample[name]), np.asarray(stored[idx][name])
            assert found.dtype == expected.dtype, name
            assert found.shape == expected.shape, name
            if name not in HALF_STEPS:
                np.testing.assert_array_equal(found, expected, err_msg=name)
                continue
            np.testing.assert_array_equal(np.isnan(found), np.isnan(expected), err_msg=name)
            error = np.abs(found - expected)
            bound = HALF_STEPS[name] * (np.maximum(expected, 1e-4) if name == "shading" else 1)
            assert (np.nan_to_num(error) <= bound).all(), (name, np.nanmax(error))


def test_every_field_of_a_label_says_what_it_holds(labeled: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "labels", "-f", "-p", "-r", 16, "-b", 3)
    for file_name, prefix in (("imgs_00.h5", "png_"), ("data_16.h5", "")):
        with h5py.File(labeled / file_name) as file:
            for name in ALL_FIELDS:
                stored = f"{prefix}{name}" if name in HALF_STEPS or name in MASKS else name
                if name in ("world_position", "box_2d"):
                    assert stored not in file
                    continue
                assert len(file[stored].attrs["description"]) > 10, name
                step = file[stored].attrs.get("step")
                has_step = name in HALF_STEPS and name != "shading"
                assert (step is not None) == has_step, name
            assert file["keypoint_px"].attrs["names"][14] == "face_+z"
            scale = 1 if prefix else 0.5
            assert file[f"{prefix}flow"].attrs["step"] == find_flow_step(32) * scale


def test_a_set_without_labels_has_the_fields_of_before(multi: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "multi", "-f", "-p", "-r", 16)
    with h5py.File(multi / "imgs_00.h5") as file:
        extra = {"png_images", "png_targets", "png_depth", "num_visible_px", "box_px"}
        assert set(file) == {*(RECORD_DTYPE.names or ()), *extra}
    with h5py.File(multi / "data_16.h5") as file:
        extra = {"data", "targets", "depth", "num_visible_px", "box_px"}
        extra |= {"rendered_intrinsics", "rendered_num_visible_px", "rendered_box_px"}
        assert set(file) == {*(RECORD_DTYPE.names or ()), *extra}
        assert [len(field.attrs) for field in (file["data"], file["depth"])] == [1, 1]
    data = synrender.open_dataset(multi)
    assert not set(ALL_FIELDS) & set(data.fields)
    small = read_all(multi / "img", fields=["world_position", "box_2d", "sample_idx"])
    for idx, sample in read_all(multi, fields=["world_position", "box_2d", "sample_idx"]).items():
        np.testing.assert_array_equal(sample["box_2d"], small[idx]["box_2d"])
        error = np.abs(sample["world_position"] - small[idx]["world_position"])
        assert np.nanmax(error) < 1.1e-4


def test_the_user_s_points_are_archived(labeled: Path, quick: QuickArchiver) -> None:
    sample = synrender.open_dataset(labeled)[0]
    model = f"{sample['synset_id'][0]}/{sample['model_id'][0]}"
    (labeled / "keypoints.json").write_text(json.dumps({model: {"tip": [0, 0.1, 0]}}))
    quick.run("-d", "labels", "-f", "-b", 3)
    (labeled / "keypoints.json").rename(labeled / "elsewhere.json")
    data = synrender.open_dataset(labeled)
    assert data.keypoint_names[-1] == "tip"
    found = read_all(labeled)[0]["keypoint_world_m"]
    assert found.shape == (2, 16, 3)
    assert np.isfinite(found[0, 15]).all()


def test_objects_that_a_sample_lacks_are_hidden_and_unknown() -> None:
    solids = [Solid("box", (0, 0, 2))]
    labels = Labels(Scene(solids).view(), lambda: None)
    fields = tuple(f for f in ALL_FIELDS if f not in ("normal", "world_position", "box_2d"))
    plan = LabelPlan(fields, range(1), None, NamedPoints(), False)  # type: ignore[arg-type]
    found = find_label_numbers(labels, plan, 3, SIZE_PX)
    assert found["amodal"].shape == (3, SIZE_PX, SIZE_PX)
    assert found["amodal"].dtype == np.uint8
    assert (found["amodal"][1:] == 0).all()
    np.testing.assert_array_equal(found["visible_share"], (1, 0, 0))
    assert np.isnan(found["box_3d_px"][1:]).all()
    assert np.isfinite(found["box_3d_px"][0]).all()
    assert (found["keypoint_visibility"][1:] == 0).all()
    assert (found["box_2d_amodal"][1:] == 0).all()
    assert found["flow"].shape == (SIZE_PX, SIZE_PX, 2)


# --- data_<res>.h5 ----------------------------------------------------------------------------


@pytest.mark.parametrize("res", [16, 20, 32])
def test_arrays_hold_labels_at_their_size(labeled: Path, quick: QuickArchiver, res: int) -> None:
    quick.run("-d", "labels", "-f", "-p", "-r", res, "-b", 3)
    archive, arrays = read_all(labeled), read_all(labeled / f"data_{res}.h5")
    kept = ((np.arange(res) + 0.5) * 32 / res).astype(int)
    for idx, sample in archive.items():
        found = arrays[idx]
        for name in ALL_FIELDS:
            expected, value = np.asarray(sample[name]), np.asarray(found[name])
            if name == "amodal":
                expected = expected[:, kept[:, None], kept]
            elif expected.ndim >= 2 and expected.shape[:2] == (32, 32):
                expected = expected[kept[:, None], kept]
            if name == "flow" or name in ("box_3d_px", "keypoint_px"):
                expected = expected * np.float32(res / 32)
            if name.startswith("box_2d"):
                expected = scale_px("box_2d", expected, res / 32)
            assert value.dtype == expected.dtype
            np.testing.assert_allclose(value, expected, atol=1e-5, rtol=1e-6, err_msg=name)
        np.testing.assert_array_equal(
            found["instance_map"], sample["instance_map"][kept[:, None], kept]
        )


def test_scaled_boxes_hold_the_pixels_of_their_object(labeled: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "labels", "-f", "-p", "-r", 20, "-b", 3)
    for sample in read_all(labeled / "data_20.h5").values():
        for k, (x_min, y_min, x_max, y_max) in enumerate(sample["box_2d"]):
            ys, xs = np.nonzero(sample["instance_map"] == k + 1)
            if len(xs):
                assert (x_min <= xs.min(), y_min <= ys.min()) == (True, True)
                assert (x_max > xs.max(), y_max > ys.max()) == (True, True)


def test_what_is_in_px_fits_the_image_that_it_is_given_with(
    any_labeled: Path, quick: QuickArchiver
) -> None:
    """The camera that is given with an image projects corners to where they are given."""
    quick.run("-d", any_labeled.name, "-f", "-p", "-r", 20, "-b", 3)
    kept = ["rendered_intrinsics", "rendered_box_px", "rendered_num_visible_px"]
    names = ["sample_idx", "intrinsics", "box_px", "num_visible_px", "box_2d", "world_to_camera"]
    names += ["box_3d_world_m", "box_3d_px"]
    archive = read_all(any_labeled, fields=names)
    for idx, sample in read_all(any_labeled / "data_20.h5", fields=[*names, *kept]).items():
        for name in kept:
            expected = archive[idx][name.removeprefix("rendered_")]
            np.testing.assert_array_equal(sample[name], expected)
        num_objs = len(sample["box_2d"])
        np.testing.assert_array_equal(np.reshape(sample["box_px"], (-1, 4)), sample["box_2d"])
        counts = np.reshape(sample["num_visible_px"], -1)
        areas = np.reshape(sample["rendered_num_visible_px"], -1) * (20 / 32) ** 2
        assert ((counts >= areas - 1e-6) & (counts < areas + 1)).all()
        intrinsics = np.reshape(sample["intrinsics"], (num_objs, 3, 3))
        poses = np.reshape(sample["world_to_camera"], (num_objs, 4, 4))
        for k in range(num_objs):
            in_camera = sample["box_3d_world_m"][k] @ poses[k, :3, :3].T + poses[k, :3, 3]
            projected = in_camera @ intrinsics[k].T
            projected = projected[:, :2] / projected[:, 2:]
            np.testing.assert_allclose(projected, sample["box_3d_px"][k], atol=1e-3)
    with h5py.File(any_labeled / "data_20.h5") as file:
        for name in kept:
            assert file[name].attrs["description"].endswith("px of the image as it was rendered")
            resized = file[name.removeprefix("rendered_")].attrs["description"]
            assert resized.endswith("px of the resized image")
            assert "rendered" not in resized


def test_arrays_from_before_the_rendered_px_were_kept_are_read_right(
    labeled: Path, quick: QuickArchiver
) -> None:
    """Their intrinsics, boxes and numbers of pixels were those of the rendered images."""
    quick.run("-d", "labels", "-f", "-p", "-r", 20, "-b", 3)
    path, fields = labeled / "data_20.h5", ["sample_idx", "world_position"]
    fields += ["intrinsics", "box_px", "num_visible_px", "box_2d"]
    expected = read_all(path, fields=fields)
    with h5py.File(path, "r+") as file:
        for name in ("intrinsics", "box_px", "num_visible_px"):
            del file[name]
            file.move(f"rendered_{name}", name)
    for idx, sample in read_all(path, fields=fields).items():
        for name, value in sample.items():
            np.testing.assert_array_equal(value, expected[idx][name], err_msg=name)


# --- removal of the small files -----------------------------------------------------------------


def test_small_files_go_when_their_labels_were_compared(
    labeled: Path, quick: QuickArchiver
) -> None:
    quick.run("-d", "labels", "-f", "-b", 3, "--remove_raw")
    assert not (labeled / "img").exists()
    assert len(read_all(labeled, fields=["flow", "sample_idx"])) == 12


FALSIFIED = [
    ("png_normal", None), ("png_flow", None), ("png_amodal", None), ("png_occlusion", None),
    ("png_albedo", None), ("png_shading", None), ("png_object_coordinates", None),
    ("visible_share", 0.5), ("flow_to", 1000), ("box_2d_amodal", 1), ("box_3d_px", 1),
    ("box_3d_world_m", 1), ("box_3d_camera_m", 1), ("keypoint_px", 1), ("keypoint_world_m", 1),
    ("keypoint_visibility", 1),
]  # fmt: skip


def test_a_label_that_differs_keeps_all_small_files(
    labeled: Path, quick: QuickArchiver, tmp_path: Path
) -> None:
    quick.run("-d", "labels", "-f", "-b", 3)
    files, path = list_files(labeled / "img"), labeled / "imgs_01.h5"
    whole = shutil.copy(path, tmp_path / "whole.h5")
    for name, change in FALSIFIED:
        shutil.copy(whole, path)
        with h5py.File(path, "r+") as file:
            if change is None:  # the label of another sample
                other, own = file[name][2], file[name][1]
                assert not np.array_equal(other, own), name
                file[name][1] = other
            else:
                file[name][1] += np.asarray(change, file[name].dtype)
        assert "imgs_01.h5: differs from" in quick.refuse("-d", "labels", "-f", "--remove_raw"), (
            name
        )
        assert list_files(labeled / "img") == files


def test_flow_ties_the_files_of_an_archive_together(labeled: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "labels", "-f", "-b", 3)
    refusal = quick.refuse("-d", "labels", "-f", "-i", 0, "--remove_raw")
    assert "all 3 files must be compared at once" in refusal


def test_a_removal_that_was_stopped_is_finished(labeled: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "labels", "-f", "-b", 3)
    kept = [labeled / "img" / f"00002.{kind}" for kind in ("exr", "npy")]
    contents = [path.read_bytes() for path in kept]
    quick.run("-d", "labels", "-f", "--remove_raw")
    kept[0].parent.mkdir(exist_ok=True)
    for path, content in zip(kept, contents, strict=True):
        path.write_bytes(content)
    quick.run("-d", "labels", "-f", "--remove_raw")
    assert not kept[0].exists()


def test_a_removal_that_was_stopped_between_two_files_is_finished(
    labeled: Path, quick: QuickArchiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Partners of samples of the second file were in the first, and are gone."""
    quick.run("-d", "labels", "-f", "-b", 3)
    remove, calls = remove_raw._remove_files, []

    def stop_at_second(*arguments: object) -> int:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return remove(*arguments)

    monkeypatch.setattr(remove_raw, "_remove_files", stop_at_second)
    quick.run("-d", "labels", "-f", "--remove_raw", status=130)
    assert len(list((labeled / "img").iterdir())) == 16
    monkeypatch.undo()
    quick.run("-d", "labels", "-f", "--remove_raw")
    assert not (labeled / "img").exists()


def test_a_partner_that_is_gone_is_named(labeled: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "labels", "-f", "-b", 3)
    (labeled / "imgs_01.h5").unlink()
    rows = read_archive(labeled)["sample_idx"][:, 0].tolist()
    for idx in rows:
        for kind in ("exr", "npy"):
            (labeled / "img" / f"{idx:05d}.{kind}").unlink()
    assert "needs its neighbors" in quick.refuse("-d", "labels", "-f", "-i", 1)
