"""Captions go with every export, as columns where the format has any, and with their facts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyarrow import parquet

import synrender
from synrender.loading.captions import CAPTION_FIELDS
from synrender.settings.groups import Captions
from tests.export.helpers import Exporter, first

COLUMNS = ("caption", "caption_negatives", "caption_negative_kinds")


def read_captions(folder: Path, captions: Captions | None = None) -> dict[int, dict]:
    """What a data set says of each sample."""
    data = synrender.open_dataset(folder, fields=["sample_idx", *CAPTION_FIELDS])
    data = data.with_captions(captions) if captions else data
    return {int(first(sample["sample_idx"])): sample for sample in data}


@pytest.mark.parametrize("form", ["parquet", "coco", "yolo", "imagefolder"])
def test_captions_json_holds_captions_negatives_and_facts(form: str, exporter: Exporter) -> None:
    name = "single" if form in ("parquet", "imagefolder") else "multi"
    out = exporter.export(name, form)
    found, expected = (
        json.loads((out / "captions.json").read_text()),
        read_captions(exporter.data_dir / name),
    )
    assert (found["version"], found["style"]) == (1, "full")
    assert found["patterns"]["light"] == "The light comes from {light}."
    assert len(found["samples"]) == len(expected) == 24
    for idx, sample in expected.items():
        entry = found["samples"][f"{idx:06d}"]
        assert {name: entry[name] for name in COLUMNS} == {name: sample[name] for name in COLUMNS}
        assert entry["facts"] == sample["caption_facts"]
    assert "captions.json" in (out / "export.json").read_text()


@pytest.mark.parametrize("name", ["single", "multi", "multi_h5"])
def test_columns_of_captions(name: str, exporter: Exporter) -> None:
    out, expected = exporter.export(name, "parquet"), read_captions(exporter.data_dir / name)
    rows = [row for path in out.rglob("*.parquet") for row in parquet.read_table(path).to_pylist()]
    assert len(rows) == len(expected)
    for row in rows:
        sample = expected[row["sample_idx"]]
        assert {name: row[name] for name in COLUMNS} == {name: sample[name] for name in COLUMNS}


def test_another_style_by_name_and_by_file(exporter: Exporter, tmp_path: Path) -> None:
    own = tmp_path / "own.gin"
    own.write_text("captions.style = 'short'\ncaptions.patterns = {'scene': 'Bild: {objects}.'}\n")
    captions = {
        "short": Captions("short"),
        str(own): Captions("short", {"scene": "Bild: {objects}."}),
    }
    for k, (given, wanted) in enumerate(captions.items()):
        out = exporter.out_dir / f"style{k}"
        exporter.run("-d", "multi", "--to", "coco", "--out", out, "--captions", given)
        expected = read_captions(exporter.data_dir / "multi", wanted)
        found = json.loads((out / "captions.json").read_text())["samples"]
        images = json.loads((out / "annotations" / "instances_train.json").read_text())["images"]
        for image in images:
            assert image["caption"] == expected[image["id"]]["caption"]
            assert image["caption"] == found[f"{image['id']:06d}"]["caption"]
    line = exporter.refuse("-d", "multi", "--to", "coco", "--captions", "fulll")
    assert "fulll: no such file" in line
