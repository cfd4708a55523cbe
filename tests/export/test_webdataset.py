"""Tars, read by the `webdataset` package."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import webdataset
from PIL import Image

from tests.export.helpers import Exporter, assert_same_pictures, first

pytestmark = pytest.mark.filterwarnings(  # the package leaves its files open
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

PICTURES = {
    "png": "image",
    "instance.png": "instance_map",
    "class.png": "class_map",
    "depth.png": "depth_m",
}


@pytest.mark.parametrize("name", ["single", "single_h5", "multi", "multi_h5"])
def test_webdataset_reads_every_sample(name: str, exporter: Exporter) -> None:
    out = exporter.export(name, "webdataset", "--shard_mb", 1)
    for split, samples in exporter.samples(name).items():
        urls = sorted(map(str, out.glob(f"{split}-*.tar")))
        read = list(webdataset.WebDataset(urls, shardshuffle=False))
        assert len(read) == len(samples) > 0
        for found, sample in zip(read, samples, strict=True):
            idx = int(first(sample["sample_idx"]))
            assert found["__key__"] == f"{idx:06d}"
            pictures = {
                field: Image.open(io.BytesIO(found[ending]))
                for ending, field in PICTURES.items()
                if ending in found
            }
            assert_same_pictures(pictures, sample)
            record = json.loads(found["json"])
            assert record["split"] == split
            assert record["sample_idx"] == idx
            assert record["label"] == np.asarray(sample["class"]).tolist()
            assert record["backdrop_texture"] == first(sample["backdrop_texture"])
            np.testing.assert_array_equal(record["rot_mat"], sample["rot_mat"])
            assert record["factor_azimuth"] == pytest.approx(sample["factor_values"][..., 7])


def test_the_tars_are_of_a_bounded_size_and_hold_all_samples(exporter: Exporter) -> None:
    from synrender.export import run as job

    exporter.monkeypatch.setattr(job, "MAX_PIECE_ROWS", 7)
    out = exporter.export("multi", "webdataset")
    counts = {p.name: len(list(webdataset.WebDataset(str(p), shardshuffle=False)))
              for p in out.glob("train-*.tar")}  # fmt: skip
    assert counts == {"train-000000.tar": 7, "train-000001.tar": 7, "train-000002.tar": 6}


def test_a_tar_is_not_larger_than_asked_for(exporter: Exporter) -> None:
    from synrender.dataset.folder import open_dataset_folder
    from synrender.export.run import ExportOptions, export_dataset
    from synrender.system.console import create_bar
    from synrender.system.folders import Folders
    from synrender.system.workers import Workers

    folder = open_dataset_folder(exporter.data_dir, "multi")
    out = exporter.out_dir / "small"
    with Workers(1) as workers:
        options = ExportOptions("webdataset", out, Folders(exporter.data_dir), shard_bytes=40_000)
        export_dataset(folder, options, workers, create_bar)
    sizes = [path.stat().st_size for path in out.glob("train-*.tar")]
    assert len(sizes) > 3
    assert max(sizes) <= 40_000


def test_an_export_is_the_same_to_the_bit(exporter: Exporter) -> None:
    tars = [exporter.export("multi", "webdataset", "--out", exporter.out_dir / k) for k in "ab"]
    a, b = ({p.name: p.read_bytes() for p in (exporter.out_dir / k).glob("*.tar")} for k in "ab")
    assert a == b
    assert len(a) == len(tars) + 1
