"""Small files and HDF5 give the same export; samples may differ in their number of objects."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from pathlib import Path

import numpy as np

from synrender.dataset.record import RECORD_DTYPE
from synrender.settings.factor_table import COLUMNS
from tests.archive.helpers import Archiver, write_dataset
from tests.export.helpers import Exporter
from tests.helpers import RenderServer

LEVELS = {"azimuth": 4, "class": 3}
"""Of the factors of `create_design`."""


def read_tars(out: Path) -> dict[str, bytes]:
    """All files of all tars."""
    found = {}
    for path in out.glob("*.tar"):
        with tarfile.open(path) as tar:
            for member in tar:
                file = tar.extractfile(member)
                assert file is not None
                found[member.name] = file.read()
    return found


def read_records(out: Path) -> dict[int, dict]:
    """Records of all tars, by their numbers."""
    records = [json.loads(v) for k, v in read_tars(out).items() if k.endswith(".json")]
    return {record["sample_idx"]: record for record in records}


def test_small_files_and_hdf5_give_the_same(exporter: Exporter) -> None:
    for name in ("single", "multi"):
        files = [read_tars(exporter.export(n, "webdataset")) for n in (name, f"{name}_h5")]
        assert files[0] == files[1]
        assert len(files[0]) == 24 * (2 if name == "single" else 5)


def test_labels_too(server: RenderServer, exporter: Exporter, tmp_path: Path) -> None:
    """What `rendering.labels` asks for, of each object."""
    labels = "rendering.labels = ['amodal', 'box_2d', 'box_3d', 'keypoints', 'flow']"
    size = ["batch.num_samples = 3", "sample.num_objs = 2"]
    raw = server.render("exported_labels", labels, *size, config="render_multi")
    real = Exporter(tmp_path, tmp_path, exporter.capsys, exporter.monkeypatch)
    shutil.copytree(raw, tmp_path / "raw")
    shutil.copytree(raw, tmp_path / "h5")
    Archiver(tmp_path).run("-d", "h5", "-f", "-b", 1, "-j", 1)
    for name in ("raw", "h5"):
        found = read_records(real.export(name, "webdataset"))[0]
        assert np.shape(found["visible_share"]) == (2,)
        assert np.shape(found["box_2d"]) == (2, 4)
        assert np.shape(found["box_3d_px"]) == (2, 8, 2)
        assert np.shape(found["keypoint_visibility"])[0] == 2
    raw_records, h5_records = (read_records(tmp_path / f"{n}_webdataset") for n in ("raw", "h5"))
    for idx, record in raw_records.items():
        assert record.keys() == h5_records[idx].keys()
        np.testing.assert_allclose(record["box_3d_px"], h5_records[idx]["box_3d_px"], rtol=1e-5)


def test_a_sample_with_fewer_objects_lists_no_more(
    made: Path, exporter: Exporter, tmp_path: Path
) -> None:
    """An archive pads its record; the export does not tell."""
    info = json.loads((made / "single" / "dataset.json").read_text())
    folder = write_dataset(tmp_path / "raw", info, 24, 3, False, 8)
    for path in (folder / "img").glob("*.npy"):
        num_objs = int(path.stem) % 3 + 1
        record = np.load(path)[:num_objs]
        record["factor_values"] = np.nan
        record["factor_values"][:, COLUMNS.index("num_objs")] = num_objs
        assert record.dtype == RECORD_DTYPE
        file = io.BytesIO()
        np.save(file, record)
        path.write_bytes(file.getvalue())
    shutil.copytree(folder, tmp_path / "h5")
    Archiver(tmp_path).run("-d", "h5", "-f", "-j", 1)
    real = Exporter(tmp_path, tmp_path, exporter.capsys, exporter.monkeypatch)
    for name in ("raw", "h5"):
        records = read_records(out := real.export(name, "webdataset"))
        assert len(records) == 24
        assert json.loads((out / "export.json").read_text())["constants"]["factor_azimuth"] is None
        for idx, record in records.items():
            assert record["instance"] == list(range(1, idx % 3 + 2))
            assert len(record["label"]) == len(record["rot_mat"]) == idx % 3 + 1
            assert record["factor_num_objs"] == idx % 3 + 1


def test_splits_are_those_of_the_design(made: Path, exporter: Exporter, tmp_path: Path) -> None:
    """`design.split` in buckets, of small files and of HDF5."""
    from tests.loading.conftest import create_design

    shutil.copytree(made / "single", tmp_path / "raw")
    path = tmp_path / "raw" / "dataset.json"
    info = json.loads(path.read_text())
    info["settings"] |= {"design.split": [6, 4, 2], "design.levels": LEVELS}
    info["design"] = {**create_design(), "split_buckets": [6, 4, 2]}
    path.write_text(json.dumps(info))
    shutil.copytree(tmp_path / "raw", tmp_path / "h5")
    Archiver(tmp_path).run("-d", "h5", "-f", "-j", 1)
    real = Exporter(tmp_path, tmp_path, exporter.capsys, exporter.monkeypatch)
    for name in ("raw", "h5"):
        records = read_records(real.export(name, "webdataset"))
        splits = [records[idx]["split"] for idx in range(24)]
        assert splits == ["train"] * 12 + ["validation"] * 8 + ["test"] * 4


def test_factors_with_levels_have_a_column_for_them(
    made: Path, exporter: Exporter, tmp_path: Path
) -> None:
    from tests.loading.conftest import create_design

    shutil.copytree(made / "single", tmp_path / "grid")
    path = tmp_path / "grid" / "dataset.json"
    info = json.loads(path.read_text())
    info["settings"]["design.levels"] = LEVELS
    path.write_text(json.dumps({**info, "design": create_design()}))
    for record_path in (tmp_path / "grid" / "img").glob("*.npy"):
        record = np.load(record_path)
        record["factor_levels"] = -1
        record["factor_levels"][:, COLUMNS.index("azimuth")] = int(record_path.stem) % 4
        np.save(record_path, record)
    real = Exporter(tmp_path, tmp_path, exporter.capsys, exporter.monkeypatch)
    out = real.export("grid", "webdataset")
    for idx, record in read_records(out).items():
        assert record["level_azimuth"] == idx % 4
        assert "level_class" not in record
        assert "level_color_r" not in record
    card = (out / "README.md").read_text()
    assert "Each of the 12 combinations of class (3 levels) and azimuth (4)" in card
