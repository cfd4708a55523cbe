"""Runs preprocess_data.py, and makes data sets without a renderer where many samples are needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import h5py
import imageio.v3 as iio
import numpy as np
import OpenEXR

from synrender.cli.preprocess import COMMAND
from synrender.dataset.folder import DatasetFolder
from synrender.settings.factor_table import COLUMNS
from tests.helpers import PROJECT_DIR, QuickCommand, create_record


@dataclass(frozen=True)
class Archiver:
    """Runs preprocess_data.py on the data sets of one folder."""

    data_dir: Path

    def run(self, *arguments: object, status: int = 0) -> str:
        """Runs it in a process of its own; returns both outputs."""
        process = self.start(*arguments)
        output = "".join(process.communicate(timeout=120))
        assert process.returncode == status, output
        return output

    def start(self, *arguments: object) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "preprocess_data.py", *map(str, arguments)],
            cwd=PROJECT_DIR,
            env={**os.environ, "SYNRENDER_DATA_DIR": str(self.data_dir)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@dataclass(frozen=True)
class QuickArchiver:
    """Runs preprocess_data.py inside the test's process, which starts at once."""

    data_dir: Path
    capsys: object
    monkeypatch: object

    def run(self, *arguments: object, status: int = 0) -> str:
        command = QuickCommand(COMMAND, self.data_dir, self.capsys, self.monkeypatch)
        return command.run("-j", 1, *arguments, status=status)

    def refuse(self, *arguments: object, status: int = 2) -> str:
        """Runs it where it must end with one clear line; returns the line."""
        output = self.run(*arguments, status=status)
        lines = [line for line in output.splitlines() if line.startswith("error: ")]
        assert output.splitlines()[-1:] == lines, output
        return lines[0]


def write_dataset(
    folder: Path,
    info: dict,
    num_samples: int,
    num_objs: int = 1,
    is_exr: bool = False,
    res: int = 8,
    num_model_buckets: int = 12,
) -> Path:
    """Writes a complete data set with random pixels; its models are in buckets, as if rendered.

    Args:
        folder: of the data set.
        info: ``dataset.json`` of one that was rendered.
        num_samples: also ``object.total_num_samples``.
        num_objs: in a sample.
        is_exr: with passes, or PNG.
        res: side of the images in px.
        num_model_buckets: ``object.n_buckets``.
    """
    rng = np.random.default_rng(0)
    files = DatasetFolder(folder, is_exr)
    files.image_dir.mkdir(parents=True)
    settings = {
        **info["settings"],
        "batch.num_samples": num_samples,
        "rendering.render_exr": is_exr,
        "rendering.resolution": res,
        "sample.num_objs": num_objs,
        "object.total_num_samples": num_samples,
        "object.n_buckets": num_model_buckets,
        "sample.class_idxs": sorted(map(int, info["classes"])),
    }
    if design := info.get("design"):
        named = design["factors"].items()
        settings["design.levels"] = {n: len(f["levels"]) for n, f in named if f["levels"]}
    camera = {**info["camera"], "resolution": res}
    info = {**info, "settings": settings, "camera": camera}
    info = {**info, "num_columns": len(COLUMNS)}  # as create_record writes
    (folder / "dataset.json").write_text(json.dumps(info))
    for idx in range(num_samples):
        record = create_record(num_objs)
        bucket = idx * num_model_buckets // num_samples
        for name in ("rot_mat", "quaternion", "light", "location"):
            record[name] = rng.random(record[name].shape)
        record["class"] = rng.integers(0, 10, num_objs)
        record["sample_idx"], record["bucket"] = idx, bucket
        record["synset_id"] = "02691156"
        record["model_id"] = [f"bucket{bucket}_model{k}" for k in rng.integers(0, 3, num_objs)]
        record["texture"], record["backdrop_texture"] = "banded/ä_0001.jpg", f"dotted/{bucket}.jpg"
        if is_exr:
            labels = rng.integers(0, num_objs + 1, (res, res))
            classes = np.append(99, record["class"])
            write_exr(
                files.image_path(idx),
                rgb=rng.random((res, res, 3), np.float32),
                instance=labels,
                material=classes[labels],
                depth=rng.random((res, res), np.float32) * 4,
            )
        else:
            pixels = rng.integers(0, 256, (res, res, 3), np.uint8)
            iio.imwrite(files.image_path(idx), pixels)
        np.save(files.record_path(idx), record)
    return folder


def write_exr(
    path: Path,
    rgb: np.ndarray,
    instance: np.ndarray,
    material: np.ndarray,
    depth: np.ndarray,
    style: str = "one part",
) -> None:
    """Writes a sample's EXR: one part as Blender up to 4.5 does, "renamed" or "parts" as 5.0."""
    index, kind = ("IndexOB.X", "IndexMA.X"), np.float32
    if style != "one part":
        index = ("Object Index.X", "Material Index.X")
    passes = [
        {f"Combined.{c}": rgb[:, :, k] for k, c in enumerate("RGB")},
        {"Depth.Z": depth},
        {index[0]: instance},
        {index[1]: material},
    ]
    parts = [
        {f"ViewLayer.{n}": np.ascontiguousarray(v, kind) for n, v in p.items()} for p in passes
    ]
    if style != "parts":
        parts = [{name: v for part in parts for name, v in part.items()}]
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    file = OpenEXR.File([OpenEXR.Part(dict(header), p, f"part{k}") for k, p in enumerate(parts)])
    file.write(str(path))


def read_fields(*paths: Path) -> dict[str, np.ndarray]:
    """All fields of HDF5 files, one file after the other; PNGs as lists of bytes."""
    found: dict[str, list] = {}
    for path in paths:
        with h5py.File(path) as file:
            for name, field in file.items():
                if name.startswith("png_"):
                    values = [png.tobytes() for png in field[...]] if len(field) else []
                elif h5py.check_string_dtype(field.dtype):
                    values = list(field.asstr()[...])
                else:
                    values = list(field[...])
                found.setdefault(name, []).extend(values)
    return {n: v if n.startswith("png_") else np.array(v) for n, v in found.items()}


def read_archive(dataset_dir: Path) -> dict[str, np.ndarray]:
    """All fields of all ``imgs_*.h5``."""
    return read_fields(*sorted(dataset_dir.glob("imgs_*.h5")))


def read_attributes(path: Path) -> dict:
    with h5py.File(path) as file:
        return dict(file.attrs)


def list_files(folder: Path) -> dict[str, bytes]:
    """Content of all files below a folder, hidden ones too."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
