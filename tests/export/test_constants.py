"""What is the same in all samples stands once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

from tests.export.helpers import Exporter
from tests.export.test_sources import read_records


def read_card_row(out: Path, name: str) -> str:
    (row,) = [
        line for line in (out / "README.md").read_text().splitlines() if f"| `{name}` |" in line
    ]
    return row


def test_a_constant_stands_in_the_card_and_a_value_that_varies_in_a_column(
    made: Path, exporter: Exporter, tmp_path: Path, monkeypatch
) -> None:
    """Also one that varies in a single sample, far from the first."""
    from synrender.export import constants

    monkeypatch.setattr(constants, "_ROWS_PER_TASK", 5)
    shutil.copytree(made / "multi", tmp_path / "multi")
    path = tmp_path / "multi" / "img" / "00023.npy"
    record = np.load(path)
    record["scale"][1] = 2
    np.save(path, record)
    real = Exporter(tmp_path, tmp_path, exporter.capsys, exporter.monkeypatch)
    out = real.export("multi", "webdataset")
    records = read_records(out)
    assert [records[k]["scale"] for k in range(24)] == 23 * [[[0, 0, 0]] * 2] + [[[0] * 3, [2] * 3]]
    known = json.loads((out / "export.json").read_text())["constants"]
    assert known["texture"] == "banded/ä_0001.jpg"
    assert known["obj_to_world"] == np.eye(4).tolist()
    assert not known.keys() & records[0].keys()
    assert {"label", "sample_idx", "model_id", "instance", "split"} <= records[0].keys()
    assert '| `"banded/ä_0001.jpg"` | file of the texture on the object' in read_card_row(
        out, "texture"
    )
    assert (
        "the same in all samples, and for all of their objects" in (out / "README.md").read_text()
    )


def test_the_class_stands_once(exporter: Exporter) -> None:
    for form, name in (("webdataset", "single"), ("parquet", "multi")):
        out = exporter.export(name, form)
        metadata = json.loads((out / "croissant.json").read_text())
        fields = {f["name"] for r in metadata["recordSet"] for f in r["field"]}
        if form == "webdataset":
            fields = set(next(iter(read_records(out).values())))
        others = {"class", "class_name", "factor_class", "level_class", "synset_id"}
        assert "label" in fields
        assert not others & fields


def test_an_export_goes_on_with_its_constants_and_looks_once(
    exporter: Exporter, monkeypatch
) -> None:
    from synrender.export import run

    exporter.export("single", "webdataset")
    monkeypatch.setattr(run, "find_constants", lambda *_: 1 / 0)
    exporter.export("single", "webdataset")
    out = exporter.export("single", "webdataset", "--license", "mit")
    assert "`obj_to_world`" in (out / "README.md").read_text()


def test_of_one_sample_nothing_is_constant(made: Path, exporter: Exporter, tmp_path: Path) -> None:
    shutil.copytree(made / "single", tmp_path / "single")
    for path in (tmp_path / "single" / "img").iterdir():
        if not path.name.startswith("00000."):
            path.unlink()
    real = Exporter(tmp_path, tmp_path, exporter.capsys, exporter.monkeypatch)
    out = real.export("single", "webdataset")
    assert "obj_to_world" in read_records(out)[0]
    assert json.loads((out / "export.json").read_text())["constants"] == {}
