from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import synrender
from synrender.dataset import label_reader as labeled_module
from synrender.dataset.folder import settings_to_folder
from synrender.dataset.info import read_required_info
from synrender.dataset.label_reader import LabelReader
from synrender.errors import UserError
from synrender.images import exr
from synrender.images.image_files import read_image
from synrender.images.scanline_exr import read_channels, write_channels
from synrender.labels.keypoints import NamedPoints
from synrender.settings.label_table import LABELS, list_fields
from tests.archive.helpers import QuickArchiver
from tests.helpers import RenderServer
from tests.loading.forked import run_alone

ALL_FIELDS = list_fields(LABELS)
SHAPES = {
    "normal": (32, 32, 3), "albedo": (32, 32, 3), "shading": (32, 32, 3),
    "roughness": (32, 32), "metallic": (32, 32),
    "amodal": (2, 32, 32), "visible_share": (2,),
    "object_coordinates": (32, 32, 3), "world_position": (32, 32, 3),
    "box_2d": (2, 4), "box_2d_amodal": (2, 4),
    "box_3d_world_m": (2, 8, 3), "box_3d_camera_m": (2, 8, 3), "box_3d_px": (2, 8, 2),
    "flow": (32, 32, 2), "flow_to": (), "occlusion": (32, 32),
    "keypoint_px": (2, 15, 2), "keypoint_world_m": (2, 15, 3), "keypoint_visibility": (2, 15),
}  # fmt: skip
DTYPES = {
    "amodal": bool, "occlusion": bool, "box_2d": np.int32, "box_2d_amodal": np.int32,
    "flow_to": np.int64, "keypoint_visibility": np.uint8,
}  # fmt: skip


@pytest.fixture
def read_paths(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the EXR files that are read."""
    found: list[str] = []

    def read(path: Path, side_px: int | None = None) -> bytes:
        found.append(path.name)
        return read_image(path, side_px)

    monkeypatch.setattr(exr, "read_image", read)
    return found


def read_all(path: Path, **options: object) -> list[dict]:
    data = synrender.open_dataset(path, **options)
    return [data[i] for i in range(len(data))]


def test_every_label_has_its_shape_and_kind(rendered_labels: Path) -> None:
    data = synrender.open_dataset(rendered_labels)
    assert set(ALL_FIELDS) < set(data.fields)
    for sample in read_all(rendered_labels):
        for name, shape in SHAPES.items():
            value = np.asarray(sample[name])
            assert value.shape == shape, name
            assert value.dtype == DTYPES.get(name, np.float32), name


def test_a_single_object_has_the_axis_of_objects_too(formats: object) -> None:
    folder = formats(12, 1, True)["raw"]  # type: ignore[operator]
    data = synrender.open_dataset(folder, fields=["box_3d_px", "box_2d", "class"])
    assert data[0]["box_3d_px"].shape == (1, 8, 2)
    assert data[0]["box_2d"].shape == (1, 4)
    assert type(data[0]["class"]) is int


def test_labels_that_were_not_asked_for_are_given_by_name_if_they_can(rendered_multi: Path) -> None:
    data = synrender.open_dataset(rendered_multi)
    assert not set(ALL_FIELDS) & set(data.fields)
    derived = ["object_coordinates", "flow", "flow_to", "box_3d_px"]
    sample = synrender.open_dataset(rendered_multi, fields=derived)[3]
    assert list(sample) == derived
    assert sample["flow_to"] == 4
    with pytest.raises(UserError, match=r"normal.*rendering\.labels"):
        synrender.open_dataset(rendered_multi, fields=["normal"])


def test_only_what_is_asked_for_is_read(rendered_labels: Path, read_paths: list[str]) -> None:
    read_all(rendered_labels, fields=["box_3d_px", "keypoint_world_m", "flow_to", "class"])
    assert read_paths == []
    read_all(rendered_labels, fields=["object_coordinates", "normal", "box_2d", "image"])
    assert len(read_paths) == 12


def test_samples_in_order_read_few_images_twice(
    rendered_labels: Path, read_paths: list[str]
) -> None:
    read_all(rendered_labels, fields=["flow", "occlusion", "image"])
    assert len(read_paths) == 12 + 3  # the first sample of a group is not kept, as it comes first


@pytest.mark.parametrize(("max_bytes", "num_kept"), [(1, 1), (150_000, 2), (1 << 26, 12)])
def test_few_images_are_kept(
    rendered_labels: Path, monkeypatch: pytest.MonkeyPatch, max_bytes: int, num_kept: int
) -> None:
    """One of these takes 51 kB."""
    expected = read_all(rendered_labels, fields=["flow"])
    monkeypatch.setattr(labeled_module, "MAX_IMAGE_BYTES", max_bytes)
    info = read_required_info(rendered_labels)
    folder = settings_to_folder(rendered_labels, info.settings)
    reader = LabelReader(folder, info.camera, range(12), NamedPoints())
    for idx in range(12):
        np.testing.assert_array_equal(reader.open(idx).flow, expected[idx]["flow"])
    assert len(reader._images) == num_kept


def test_what_a_user_does_to_an_array_changes_no_other_sample(rendered_labels: Path) -> None:
    fields = ["instance_map", "normal", "albedo", "amodal", "depth_m", "flow", "occlusion"]
    expected = read_all(rendered_labels, fields=fields)
    data = synrender.open_dataset(rendered_labels, fields=fields)
    for i, sample in [(i, sample) for i, sample in enumerate(expected) for _ in range(2)]:
        found = data[i]
        for name, value in sample.items():
            np.testing.assert_array_equal(found[name], value, err_msg=name)
            found[name][...] = 1


def test_flow_leads_to_the_same_place_on_the_model(rendered_labels: Path) -> None:
    fields = ["flow", "flow_to", "occlusion", "object_coordinates", "instance_map", "group"]
    samples = read_all(rendered_labels, fields=fields)
    assert [s["flow_to"] for s in samples] == [1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8]
    distances, num_hidden = [], 0
    for sample in samples:
        partner = samples[sample["flow_to"]]
        assert partner["group"][0] == sample["group"][0]
        is_seen = (sample["instance_map"] > 0) & ~sample["occlusion"]
        num_hidden += sample["occlusion"].sum()
        ys, xs = np.nonzero(is_seen)
        x, y = np.floor((np.stack([xs, ys]) + 0.5) + sample["flow"][ys, xs].T).astype(int)
        same = partner["instance_map"][y, x] == sample["instance_map"][ys, xs]
        assert same.mean() > 0.7  # thin parts end within a pixel
        there = partner["object_coordinates"][y, x] - sample["object_coordinates"][ys, xs]
        distances.append(np.linalg.norm(there[same], axis=1))
    assert np.median(np.concatenate(distances)) < 0.03  # a pixel of this image is that wide
    assert num_hidden > 0


def test_twins_of_two_lenses_spread_the_image_from_its_middle(server: RenderServer) -> None:
    """Each lens has intrinsics of its own, and twins are a group: flow follows by a formula."""
    folder = server.render(
        "lens_twins",
        *("design.kind = 'twins'", "design.twins = ['camera_lens']", "batch.num_samples = 4"),
        *("design.levels = {'camera_lens': [40, 60]}", "object.total_num_samples = 24"),
        *("rendering.resolution = 32", "rendering.render_samples = 1", "sample.num_objs = 2"),
        "rendering.labels = ['flow', 'occlusion']",
        config="render_multi",
    )
    samples = read_all(folder)
    assert [sample["flow_to"] for sample in samples] == [1, 0, 3, 2]
    from_middle = np.stack(np.meshgrid(*[np.arange(32) - 15.5] * 2), axis=2)
    for sample in samples:
        ratio = samples[sample["flow_to"]]["intrinsics"][0, 0, 0] / sample["intrinsics"][0, 0, 0]
        assert ratio in (pytest.approx(1.5), pytest.approx(2 / 3))
        np.testing.assert_allclose(sample["flow"], from_middle * (ratio - 1), atol=1e-4)
        is_outside = (np.abs(from_middle * ratio) > 16).any(axis=2)
        assert sample["occlusion"][is_outside].all()
        assert (sample["occlusion"] & ~is_outside).mean() < 0.1  # beside edges


def test_points_that_the_user_names(labeled: Path) -> None:
    sample = synrender.open_dataset(labeled)[0]
    model = f"{sample['synset_id'][1]}/{sample['model_id'][1]}"
    path = labeled / "keypoints.json"
    path.write_text(json.dumps({model: {"tip": [0.1, 0, 0.2]}, "other/model": {"a": [0, 0, 0]}}))
    data = synrender.open_dataset(labeled)
    assert data.keypoint_names[-3:] == ("face_+z", "a", "tip")
    found = data[0]
    assert found["keypoint_px"].shape == (2, 17, 2)
    expected = (sample["obj_to_world"][1] @ (0.1, 0, 0.2, 1))[:3]
    np.testing.assert_allclose(found["keypoint_world_m"][1, 16], expected, atol=1e-6)
    assert np.isnan(found["keypoint_world_m"][:, 15]).all()
    np.testing.assert_array_equal(found["keypoint_px"][:, :15], sample["keypoint_px"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "keypoints.json"),
        ("[]", "JSON object"),
        ('{"s/m": {"tip": [1, 2]}}', "s/m: tip: must be three numbers"),
        ('{"s/m": {"tip": [1, 2, "3"]}}', "must be three numbers"),
        ('{"s/m": {"tip": [1, 2, 1e10]}}', "must be three numbers of at most 1e.09"),
        ('{"s/m": {"tip": [1, 2, NaN]}}', "NaN is no number of JSON"),
        ('{"s/m": {"a\\nb": [1, 2, 3]}}', "a point needs a printable name"),
        ('{"s/m": {"center": [1, 2, 3]}}', "point of every box"),
    ],
)
def test_a_damaged_file_of_points_is_one_line(labeled: Path, text: str, message: str) -> None:
    (labeled / "keypoints.json").write_text(text)
    with pytest.raises(UserError, match=message) as error:
        synrender.open_dataset(labeled)
    assert "\n" not in str(error.value)


def test_an_image_that_lacks_a_pass_is_named(labeled: Path) -> None:
    path = labeled / "img" / "00005.exr"
    header, channels = read_channels(path)
    write_channels(path, header, {k: v for k, v in channels.items() if ".Amodal." not in k})
    data = synrender.open_dataset(labeled, fields=["amodal"])
    with pytest.raises(UserError, match=r"sample 5.*no amodal pass"):
        data[5]


def test_an_image_of_more_objects_than_the_record_has_is_named(
    labeled: Path, rendered_multi: Path
) -> None:
    shutil.copy(rendered_multi / "img" / "00000.exr", labeled / "img" / "00005.exr")
    data = synrender.open_dataset(labeled, fields=["box_2d"])
    with pytest.raises(UserError, match="sample 5: its image shows instance 3, its record has 2"):
        data[5]


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("form", ["small files", "archive"])
def test_workers_compute_the_same_labels(
    form: str, labeled: Path, quick: QuickArchiver, method: str
) -> None:
    if form == "archive":
        quick.run("-d", "labels", "-f", "-b", 3)
    run_alone("read_labels_in_two_processes", method, labeled)
