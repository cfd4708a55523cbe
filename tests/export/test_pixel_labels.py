"""Labels with a value for each pixel: other libraries read them back as `open_dataset` has them."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import webdataset
from PIL import Image

import synrender
from tests.export.helpers import Exporter

pytestmark = pytest.mark.filterwarnings(  # the packages leave their files open
    "ignore::DeprecationWarning",
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)

FIELDS = (
    *("instance_map", "class_map", "depth_m", "normal", "albedo", "shading", "roughness"),
    *("metallic", "amodal", "object_coordinates", "world_position", "flow", "occlusion"),
)
PNG_MODES = {
    **dict.fromkeys(("instance_map", "class_map", "depth_m", "roughness", "metallic"), "I;16"),
    "occlusion": "L",
}
FLOW_STEP = 1 / 512  # of images of 32 px


def scale(zero: float, step: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda numbers: (numbers.astype(np.float64) - zero) * step


def to_flow(numbers: np.ndarray) -> np.ndarray:
    return np.where(numbers == 0, np.nan, scale(32768, FLOW_STEP)(numbers))


DECODE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "depth_m": lambda n: np.where(n == 65535, np.inf, n.astype(np.float64) * 1e-4),
    "normal": scale(32767, 1 / 32767),
    **dict.fromkeys(("albedo", "roughness", "metallic"), scale(0, 1 / 65535)),
    "object_coordinates": scale(0, 1 / 65535),
    "flow": to_flow,
}
"""What the meanings of the columns say."""

STEPS = {"depth_m": 1e-4, "normal": 1 / 32767, "flow": FLOW_STEP}
STEPS |= dict.fromkeys(("albedo", "roughness", "metallic", "object_coordinates"), 1 / 65535)


def check_pixels(name: str, numbers: np.ndarray, expected: np.ndarray) -> None:
    """Compares what was read with what `open_dataset` gives."""
    assert numbers.shape == expected.shape, name
    found = DECODE.get(name, lambda n: n)(numbers)
    step = STEPS.get(name, 0)
    if name == "shading":  # half precision
        np.testing.assert_allclose(found, expected, rtol=1 / 2048, atol=1e-7)
        return
    bound = (1 if name == "albedo" else 0.5) * step * 1.01  # what is not black stays so
    np.testing.assert_allclose(found, expected, rtol=0, atol=bound, err_msg=name)


@pytest.fixture(params=["rendered_labels", "rendered_labels_single"])
def labels(request: pytest.FixtureRequest, exporter: Exporter) -> tuple[Exporter, str, list[dict]]:
    """Exports a rendered data set: the exporter, its name, and its samples of training."""
    path: Path = request.getfixturevalue(request.param)
    real = dataclasses.replace(exporter, data_dir=path.parent)
    nan_or_inf = synrender.open_dataset(path, fields=FIELDS)
    samples = list(nan_or_inf)
    for sample in samples:
        sample["depth_m"] = np.where(np.isnan(sample["depth_m"]), np.inf, sample["depth_m"])
    return real, path.name, samples


def test_webdataset_reads_them(labels: tuple[Exporter, str, list[dict]]) -> None:
    exporter, name, samples = labels
    out = exporter.export(name, "webdataset", "--fields", *FIELDS)
    read = []
    for split in ("train", "validation", "test"):
        tars = sorted(map(str, out.glob(f"{split}-*.tar")))
        read += list(webdataset.WebDataset(tars, shardshuffle=False).decode()) if tars else []
    assert len(read) == len(samples)
    for found, sample in zip(read, samples, strict=True):
        for field in FIELDS:
            if field in PNG_MODES:
                ending = {"instance_map": "instance", "class_map": "class", "depth_m": "depth"}
                with Image.open(io.BytesIO(found[f"{ending.get(field, field)}.png"])) as picture:
                    assert picture.mode == PNG_MODES[field]
                    numbers = np.asarray(picture)
            else:
                numbers = found[f"{field}.npy"]
                assert isinstance(numbers, np.ndarray)
            check_pixels(field, numbers, sample[field])
        assert found["json"]["flow_to"] is not None


def test_datasets_reads_them_typed(
    labels: tuple[Exporter, str, list[dict]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    datasets.disable_progress_bars()
    exporter, name, samples = labels
    out = exporter.export(name, "parquet", "--fields", *FIELDS)
    read = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    rows = [row for split in read.values() for row in split]
    features = next(iter(read.values())).features
    assert len(rows) == len(samples)
    side = 32
    for field, channels, dtype in (
        ("normal", 3, "uint16"), ("albedo", 3, "uint16"), ("shading", 3, "float16"),
        ("object_coordinates", 3, "uint16"), ("world_position", 3, "float32"),
        ("flow", 2, "uint16"),
    ):  # fmt: skip
        assert features[field] == datasets.Array3D((side, side, channels), dtype)
    num_objs = None if name == "labels" or np.ndim(rows[0]["label"]) else 1
    assert features["amodal"] == datasets.Array3D((num_objs, side, side), "uint8")
    for field, mode in PNG_MODES.items():
        assert features[field] == datasets.Image(mode=mode)
    for found, sample in zip(rows, samples, strict=True):
        for field in FIELDS:
            check_pixels(field, np.asarray(found[field]), sample[field])


def test_steps_stand_in_the_metadata(rendered_labels: Path, exporter: Exporter) -> None:
    import pyarrow.parquet

    real = dataclasses.replace(exporter, data_dir=rendered_labels.parent)
    out = real.export(rendered_labels.name, "parquet")
    schema = pyarrow.parquet.read_schema(next((out / "data").glob("*.parquet")))
    for name, step in STEPS.items():
        metadata = schema.field(name).metadata
        assert float(metadata[b"step"]) == step
        assert f"step {step:.6g}".encode() in metadata[b"meaning"]
    assert b"step" not in schema.field("shading").metadata
    assert "step 0.00195312" in (out / "README.md").read_text()


def test_croissant_gives_their_bytes(
    rendered_labels_single: Path, exporter: Exporter, tmp_path: Path
) -> None:
    import mlcroissant
    from etils import epath
    from mlcroissant._src.operation_graph.operations import extract

    exporter.monkeypatch.setattr(extract, "EXTRACT_PATH", epath.Path(tmp_path / "cache"))
    real = dataclasses.replace(exporter, data_dir=rendered_labels_single.parent)
    name = rendered_labels_single.name
    out = real.export(name, "webdataset", "--fields", "normal")
    data = mlcroissant.Dataset(jsonld=str(out / "croissant.json"))
    assert not data.metadata.ctx.issues.errors
    records = {r["normal_pictures/filename"]: r for r in data.records("normal_pictures")}
    samples = list(synrender.open_dataset(rendered_labels_single, fields=["sample_idx", "normal"]))
    assert len(records) == len(samples)
    for sample in samples:
        file = records[f"{sample['sample_idx']:06d}.normal.npy".encode()]["normal_pictures/normal"]
        check_pixels("normal", np.load(io.BytesIO(file)), sample["normal"])


def test_fields_are_chosen(rendered_labels: Path, exporter: Exporter) -> None:
    """By default all that were rendered; formats of boxes and masks hold none."""
    real = dataclasses.replace(exporter, data_dir=rendered_labels.parent)
    name = rendered_labels.name
    out = real.export(name, "parquet", "--fields", "normal", "box_2d")
    import pyarrow.parquet

    columns = set(pyarrow.parquet.read_schema(next((out / "data").glob("*.parquet"))).names)
    assert {"image", "normal", "box_2d", "label", "model_id"} <= columns
    others = {*FIELDS, "num_visible_px", "box_3d_px", "visible_share"} - {"normal"}
    assert not others & columns
    line = real.refuse("-d", name, "--to", "parquet", "--out", out)
    assert "holds another export" in line
    arguments = ("-d", name, "--out", exporter.out_dir / "x", "--fields")
    line = real.refuse("--to", "webdataset", *arguments, "normol")
    assert line.endswith("cannot give it; did you mean 'normal'?")
    line = real.refuse("--to", "coco", *arguments, "normal")
    assert "coco holds no labels of pixels as they are; webdataset, parquet and mds do" in line
    exporter.refuse("-d", "single", "--to", "parquet", *arguments[2:], "depth_m")
    entry = real.export(name, "coco", "--fields", "box_2d") / "annotations/instances_train.json"
    annotation = json.loads(entry.read_text())["annotations"][0]
    assert "box_2d" in annotation
    assert "box_3d_px" not in annotation
