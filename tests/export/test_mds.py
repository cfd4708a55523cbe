"""MDS, decoded here as its format says; tools/test_loaders.sh reads it with its own package."""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import synrender
from synrender.export import run as job
from synrender.export.columns import INTEGER, NUMBER, TEXT, Column
from synrender.export.mds import encode_value, find_encoding
from tests.export.helpers import Exporter, assert_same_pictures
from tests.export.test_pixel_labels import FIELDS, PNG_MODES, check_pixels

DECODE: dict[str, Callable[[bytes], object]] = {
    "str": bytes.decode,
    "json": json.loads,
    "int": lambda data: int.from_bytes(data, "little", signed=True),
    "float64": lambda data: np.frombuffer(data, np.float64)[0],
    "png": lambda data: Image.open(io.BytesIO(data)),
}


def read_array(data: bytes, dtype: str, shape: str = "") -> np.ndarray:
    if shape:
        return np.frombuffer(data, dtype).reshape([*map(int, shape.split(","))])
    num_axes, size = data[0] >> 2, 1 << (data[0] & 3)
    start = 1 + num_axes * size
    return np.frombuffer(data[start:], dtype).reshape(np.frombuffer(data[1:start], f"u{size}"))


def read_split(folder: Path) -> list[dict]:
    """All samples of a split, by ``index.json``."""
    index, samples = json.loads((folder / "index.json").read_text()), []
    assert index["version"] == 2
    for shard in index["shards"]:
        data = (folder / shard["raw_data"]["basename"]).read_bytes()
        assert len(data) == shard["raw_data"]["bytes"]
        num, *ends = np.frombuffer(data[: 4 * (shard["samples"] + 2)], np.uint32).tolist()
        assert num == shard["samples"]
        head = json.loads(data[4 * (num + 2) : ends[0]])
        assert head.items() <= shard.items()
        assert head["column_names"] == sorted(head["column_names"])
        for start, end in itertools.pairwise(ends):
            samples.append(read_sample(data[start:end], head))
    return samples


def read_sample(data: bytes, head: dict) -> dict:
    names, encodings = head["column_names"], head["column_encodings"]
    num = head["column_sizes"].count(None)
    given = iter(np.frombuffer(data[: 4 * num], np.uint32).tolist())
    place, sample = 4 * num, {}
    for name, encoding, size in zip(names, encodings, head["column_sizes"], strict=True):
        size = next(given) if size is None else size
        value, place = data[place : place + size], place + size
        kind, *rest = encoding.split(":")
        sample[name] = read_array(value, *rest) if kind == "ndarray" else DECODE[kind](value)
    assert place == len(data)
    return sample


@pytest.mark.parametrize("name", ["single", "multi_h5"])
def test_every_sample_is_read_back(name: str, exporter: Exporter) -> None:
    exporter.monkeypatch.setattr(job, "MAX_PIECE_ROWS", 7)
    out = exporter.export(name, "mds")
    assert {p.name for p in (out / "train").iterdir()} == {
        *("index.json", "shard.00000.mds", "shard.00001.mds", "shard.00002.mds")
    }
    for split, samples in exporter.samples(name).items():
        read = read_split(out / split)
        assert len(read) == len(samples) > 0
        for found, sample in zip(read, samples, strict=True):
            pictures = {k: v for k, v in found.items() if isinstance(v, Image.Image)}
            assert_same_pictures(pictures, sample)
            for field in ("rot_mat", "sample_idx", "model_id"):
                np.testing.assert_array_equal(found[field], sample[field])
            assert found["label"] == np.asarray(sample["class"]).tolist()
            assert (found["split"], found["caption"]) == (split, sample["caption"])
            assert found["factor_azimuth"] == pytest.approx(sample["factor_values"][..., 7])


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (Column("factor_scale", NUMBER, 0, ""), math.nan),
        (Column("level_scale", INTEGER, 0, "", "factor_levels"), None),
        (Column("model_license", TEXT, 0, ""), None),
    ],
)
def test_what_is_not_known_is_nan_or_null(column: Column, expected: object) -> None:
    encoding = find_encoding(column)
    found = DECODE[encoding](encode_value(encoding, None))
    assert found == expected or (found != found and expected is math.nan)


def test_labels_of_pixels_are_read_back(rendered_labels: Path, exporter: Exporter) -> None:
    real = dataclasses.replace(exporter, data_dir=rendered_labels.parent)
    out = real.export(rendered_labels.name, "mds", "--fields", *FIELDS)
    samples = list(synrender.open_dataset(rendered_labels, fields=FIELDS))
    read = [s for split in ("train", "validation", "test") if (out / split).is_dir()
            for s in read_split(out / split)]  # fmt: skip
    for found, sample in zip(read, samples, strict=True):
        sample["depth_m"] = np.where(np.isnan(sample["depth_m"]), math.inf, sample["depth_m"])
        for field in FIELDS:
            assert isinstance(found[field], Image.Image) == (field in PNG_MODES)
            check_pixels(field, np.asarray(found[field]), sample[field])


def test_a_lost_list_is_written_again(exporter: Exporter) -> None:
    out = exporter.copy("single", "mds")
    before = (out / "train" / "index.json").read_bytes()
    (out / "train" / "index.json").unlink()
    exporter.run("-d", "single", "--to", "mds", "--out", out)
    assert (out / "train" / "index.json").read_bytes() == before
