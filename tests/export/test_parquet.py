"""Parquet, read by Hugging Face's `datasets` without a script."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.export.helpers import NAMES, Exporter, assert_same_pictures

PICTURES = ("image", "instance_map", "class_map", "depth_m")


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`datasets.load_dataset` without a network and with a cache of the test."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    datasets.disable_progress_bars()
    return lambda out: datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))


@pytest.mark.parametrize("name", ["single", "single_h5", "multi", "multi_h5"])
def test_load_dataset_reads_every_sample(name: str, exporter: Exporter, load) -> None:
    out = exporter.export(name, "parquet")
    assert (out / "data" / "train-00000-of-00001.parquet").is_file()
    read = load(out)
    for split, samples in exporter.samples(name).items():
        assert len(read[split]) == len(samples) > 0
        for found, sample in zip(read[split], samples, strict=True):
            pictures = {field: found[field] for field in PICTURES if field in found}
            assert_same_pictures(pictures, sample)
            np.testing.assert_array_equal(found["label"], sample["class"])
            np.testing.assert_array_equal(found["rot_mat"], sample["rot_mat"])
            np.testing.assert_array_equal(found["model_id"], sample["model_id"])
            assert found["split"] == split


def test_columns_are_typed(exporter: Exporter, load) -> None:
    from datasets import ClassLabel, Image, List, Value

    single = load(exporter.export("single", "parquet"))["train"].features
    multi = load(exporter.export("multi", "parquet"))["train"].features
    assert (single["image"], multi["depth_m"]) == (Image(), Image(mode="I;16"))
    assert single["label"] == ClassLabel(names=NAMES)
    assert multi["label"] == List(ClassLabel(names=NAMES))
    assert single["rot_mat"] == List(List(Value("float64")))
    assert multi["rot_mat"] == List(List(List(Value("float64"))))
    assert single["factor_azimuth"] == Value("float64")
    assert multi["factor_azimuth"] == List(Value("float64"))
    assert (multi["sample_idx"], multi["factor_light_angle"]) == (Value("int64"), Value("float64"))


@pytest.mark.parametrize("name", ["single", "multi"])
def test_license_and_creator_of_each_model_are_columns(
    name: str, made: Path, exporter: Exporter, load, tmp_path: Path
) -> None:
    shutil.copytree(made / name, tmp_path / name)
    path = tmp_path / name / "dataset.json"
    info = json.loads(path.read_text())
    (first, *_), *_ = [np.ravel(s["model_id"]) for s in exporter.samples(name)["train"]]
    (synset_id, *_), *_ = [np.ravel(s["synset_id"]) for s in exporter.samples(name)["train"]]
    info["sources"]["models"]["credits"] = [
        {"license": "CC-BY-4.0", "creator": "Ann", "num_models": 1,
         "models": [f"{synset_id}/{first}"], "source": "Objaverse 1.0", "titles": ["A chair"]},
    ]  # fmt: skip
    path.write_text(json.dumps(info))
    real = Exporter(tmp_path, tmp_path, exporter.capsys, exporter.monkeypatch)
    rows = load(real.export(name, "parquet"))["train"]
    num_found = 0
    for row in rows:
        columns = ("model_id", "model_license", "model_creator", "model_source", "model_title")
        values = [row[n] if name == "multi" else [row[n]] for n in columns]
        for model_id, *stated in zip(*values, strict=True):
            is_named = model_id == first and stated[0] is not None
            assert stated == (
                ["CC-BY-4.0", "Ann", "Objaverse 1.0", "A chair"] if is_named else [None] * 4
            )
            num_found += is_named
    assert num_found


def test_an_image_with_alpha_keeps_it(load, tmp_path: Path) -> None:
    """The type of the column says no mode, so that each file's own holds."""
    import pyarrow.parquet

    from synrender.archive.encode import array_to_png
    from synrender.export.columns import PICTURE, Column, PixelType, Schema
    from synrender.export.parquet import _create_schema
    from synrender.loading.pixel_files import PIXEL_FILES

    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 4), np.uint8)
    column = Column("image", PICTURE, 0, "", pixels=PixelType(PIXEL_FILES["image"].mode))
    schema = _create_schema(Schema((column,), (), (), True, False))
    rows = [
        {"image": {"bytes": array_to_png(p), "path": "a.png"}}
        for p in (pixels[0], pixels[1, ..., :3])
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema), tmp_path / "train.parquet")
    first, second = load(tmp_path)["train"]["image"]
    np.testing.assert_array_equal(np.asarray(first), pixels[0])
    np.testing.assert_array_equal(np.asarray(second), pixels[1, ..., :3])
