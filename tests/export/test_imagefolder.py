"""Folders of images, read by `datasets` and by hand."""

from __future__ import annotations

import json

import imageio.v3 as iio
import numpy as np
import pytest

from tests.export.helpers import NAMES, Exporter


@pytest.mark.parametrize("name", ["single", "single_h5"])
def test_a_folder_for_each_class(name: str, exporter: Exporter) -> None:
    out = exporter.export(name, "imagefolder")
    for split, samples in exporter.samples(name).items():
        lines = (out / split / "metadata.jsonl").read_text().splitlines()
        records = [json.loads(line) for line in lines]
        files = {p.relative_to(out / split).as_posix() for p in (out / split).glob("*/*.png")}
        assert files == {record["file_name"] for record in records}
        for record, sample in zip(records, samples, strict=True):
            pixels = iio.imread(out / split / record["file_name"])
            np.testing.assert_array_equal(pixels, sample["image"])
            assert record["file_name"].split("/")[0] == NAMES[record["label"]]
            assert record["label"] == sample["class"]
    assert not (out / ".pieces").exists()


def test_several_objects_have_no_folder(exporter: Exporter) -> None:
    line = exporter.refuse("-d", "multi", "--to", "imagefolder", "--out", exporter.out_dir / "x")
    assert line.endswith("has several objects in each sample, but a folder is for one class; "
                         "use coco")  # fmt: skip
