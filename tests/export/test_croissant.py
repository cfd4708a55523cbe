"""Croissant metadata, checked and read by `mlcroissant`."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.export.helpers import Exporter, first

pytestmark = pytest.mark.filterwarnings(  # of the package itself, which leaves files open
    "ignore::DeprecationWarning",
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)

FORMS = {"webdataset": "multi", "parquet": "multi_h5", "coco": "multi", "imagefolder": "single"}


@pytest.fixture
def mlcroissant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The package, with a cache of the test: it tells tars apart by their names alone."""
    import mlcroissant
    from etils import epath
    from mlcroissant._src.operation_graph.operations import extract

    monkeypatch.setattr(extract, "EXTRACT_PATH", epath.Path(tmp_path / "cache"))
    return mlcroissant


@pytest.mark.parametrize("form", FORMS)
def test_it_is_valid_without_a_warning(
    form: str, exporter: Exporter, mlcroissant: ModuleType
) -> None:
    out = exporter.export(FORMS[form], form, "--creator", "Ada", "--url", "https://example.com/x")
    data = mlcroissant.Dataset(jsonld=str(out / "croissant.json"))
    issues = data.metadata.ctx.issues
    assert not issues.errors
    assert not issues.warnings
    metadata = data.metadata
    assert metadata.name == FORMS[form]
    assert metadata.url == "https://example.com/x"
    assert metadata.creators[0].name == "Ada"
    assert metadata.data_biases
    assert metadata.data_limitations
    assert metadata.personal_sensitive_information
    assert metadata.data_collection.startswith("Rendered in Blender")
    assert "https://spdx.org/licenses/BSD-3-Clause.html" in metadata.license


def test_a_broken_one_is_not_valid(exporter: Exporter, mlcroissant: ModuleType) -> None:
    """So that the check above can fail."""
    path = exporter.export("single", "parquet") / "croissant.json"
    values = json.loads(path.read_text())
    del values["recordSet"][0]["field"][0]["source"]["fileSet"]
    path.write_text(json.dumps(values))
    with pytest.raises(mlcroissant.ValidationError):
        mlcroissant.Dataset(jsonld=str(path))


def read_records(mlcroissant: ModuleType, out: Path, name: str) -> list[dict]:
    """Records of a table, with the names of the fields alone."""
    data = mlcroissant.Dataset(jsonld=str(out / "croissant.json"))
    return [{k.split("/")[1]: v for k, v in record.items()} for record in data.records(name)]


@pytest.fixture
def by_idx(exporter: Exporter) -> dict[str, dict[int, dict]]:
    """All samples of the data sets, by their numbers."""
    return {
        name: {
            int(first(sample["sample_idx"])): sample
            for samples in exporter.samples(name).values()
            for sample in samples
        }
        for name in ("single", "multi")
    }


def test_records_of_parquet_are_ours(
    exporter: Exporter, by_idx: dict, mlcroissant: ModuleType
) -> None:
    records = read_records(mlcroissant, exporter.export("multi", "parquet"), "samples")
    assert len(records) == 24
    for record in records:
        sample = by_idx["multi"][record["sample_idx"]]
        np.testing.assert_array_equal(np.asarray(record["image"]), sample["image"])
        np.testing.assert_array_equal(np.asarray(record["instance_map"]), sample["instance_map"])
        np.testing.assert_allclose(np.array(record["rot_mat"], float), sample["rot_mat"])
        assert [name.decode() for name in record["model_id"]] == sample["model_id"]


def test_records_of_webdataset_are_ours(
    exporter: Exporter, by_idx: dict, mlcroissant: ModuleType
) -> None:
    out = exporter.export("multi", "webdataset")
    records = read_records(mlcroissant, out, "samples")
    assert len(records) == 24
    for record in records:
        values = json.loads(record["record"])
        sample = by_idx["multi"][int(record["filename"][:6])]
        assert values["model_id"] == sample["model_id"]
    pictures = read_records(mlcroissant, out, "class_map_pictures")
    for picture in pictures:
        expected = by_idx["multi"][int(picture["filename"][:6])]["class_map"]
        np.testing.assert_array_equal(np.asarray(picture["class_map"]), expected)
    assert len(pictures) == 24


def test_records_of_coco_are_ours(
    exporter: Exporter, by_idx: dict, mlcroissant: ModuleType
) -> None:
    out = exporter.export("multi", "coco")
    objects = read_records(mlcroissant, out, "instances_table")
    assert len(objects) == 48
    for found in objects:
        mask = by_idx["multi"][found["image_id"]]["instance_map"] == found["instance"]
        assert found["area"] == mask.sum()
    assert len(read_records(mlcroissant, out, "image_pictures")) == 24


def test_records_of_folders_are_ours(
    exporter: Exporter, by_idx: dict, mlcroissant: ModuleType
) -> None:
    out = exporter.export("single", "imagefolder")
    records = read_records(mlcroissant, out, "samples")
    assert len(records) == len(read_records(mlcroissant, out, "image_pictures")) == 24
    for record in records:
        assert record["label"] == by_idx["single"][record["sample_idx"]]["class"]
