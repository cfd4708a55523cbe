"""YOLO: polygons and boxes are exactly those of the masks."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import yaml
from skimage.measure import points_in_poly

from synrender.export.yolo import mask_to_polygon, polygon_to_box
from tests.export.helpers import Exporter, first


def fill(polygon: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Pixels whose centers are in a polygon, by another library's rule (even and odd)."""
    ys, xs = np.mgrid[: shape[0], : shape[1]] + 0.5
    return points_in_poly(np.stack([xs.ravel(), ys.ravel()], 1), polygon).reshape(shape)


def draw_mask(name: str) -> np.ndarray:
    mask = np.zeros((20, 30), bool)
    if name == "whole":
        mask[:] = True
    elif name == "pixel":
        mask[19, 29] = True
    elif name == "ring":
        mask[3:15, 4:20] = True
        mask[6:9, 8:12] = False
    elif name == "parts":
        mask[1:4, 1:4] = mask[10:18, 20:28] = mask[4, 4] = True
    else:
        mask = np.random.default_rng(0).random((20, 30)) < 0.4
    return mask


@pytest.mark.parametrize("name", ["whole", "pixel", "ring", "parts", "noise"])
def test_a_polygon_holds_exactly_the_pixels_of_its_mask(name: str) -> None:
    mask = draw_mask(name)
    polygon = mask_to_polygon(mask)
    np.testing.assert_array_equal(fill(polygon, mask.shape), mask)
    ys, xs = np.nonzero(mask)
    low, high = np.array([xs.min(), ys.min()]), np.array([xs.max(), ys.max()]) + 1
    np.testing.assert_allclose(polygon_to_box(polygon), [*(low + high) / 2, *high - low])


@pytest.mark.parametrize("name", ["multi", "multi_h5"])
def test_files_show_the_objects_of_each_sample(name: str, exporter: Exporter) -> None:
    out = exporter.export(name, "yolo")
    described = yaml.safe_load((out / "data.yaml").read_text())
    folders = {
        "train": described["train"],
        "validation": described["val"],
        "test": described["test"],
    }
    for split, samples in exporter.samples(name).items():
        assert folders[split] == f"images/{split}"
        assert len(list((out / folders[split]).iterdir())) == len(samples)
        for sample in samples:
            stem = f"{split}/{int(first(sample['sample_idx'])):06d}"
            np.testing.assert_array_equal(iio.imread(out / f"images/{stem}.png"), sample["image"])
            check_labels(out, stem, sample, described["names"])


def check_labels(out: Path, stem: str, sample: dict, names: dict[int, str]) -> None:
    shape = sample["instance_map"].shape
    size = np.array(shape[::-1])
    found = np.zeros(shape, int)
    polygons = (out / f"labels/{stem}.txt").read_text().splitlines()
    boxes = (out / f"boxes/{stem}.txt").read_text().splitlines()
    assert (
        len(polygons)
        == len(boxes)
        == len(np.unique(sample["instance_map"][sample["instance_map"] > 0]))
    )
    for k, (line, box) in enumerate(zip(polygons, boxes, strict=True)):
        class_idx, *values = line.split()
        mask = fill(np.array(values, float).reshape(-1, 2) * size, shape)
        found[mask] = k + 1
        assert (sample["class_map"][mask] == int(class_idx) + 1).all()
        box_class, *numbers = box.split()
        ys, xs = np.nonzero(mask)
        x, y, width, height = np.array(numbers, float) * [*size, *size]
        assert box_class == class_idx
        assert int(class_idx) in names
        np.testing.assert_allclose([width, height], [np.ptp(xs) + 1, np.ptp(ys) + 1], atol=1e-3)
        np.testing.assert_allclose(
            [x, y], [(xs.min() + xs.max() + 1) / 2, (ys.min() + ys.max() + 1) / 2], atol=1e-3
        )
    np.testing.assert_array_equal(found > 0, sample["instance_map"] > 0)


def test_without_instances_it_is_refused(exporter: Exporter) -> None:
    line = exporter.refuse("-d", "single", "--to", "yolo", "--out", exporter.out_dir / "x")
    assert line.endswith("has no instance masks; they need images in EXR")
