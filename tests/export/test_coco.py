"""COCO, read by `pycocotools`."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from pycocotools import mask as rle
from pycocotools.coco import COCO

from tests.export.helpers import Exporter, first
from tests.helpers import RenderServer

pytestmark = pytest.mark.filterwarnings(  # of the package's decoder, with numpy 2
    "ignore:__array__ implementation:DeprecationWarning"
)


@pytest.mark.parametrize("name", ["multi", "multi_h5"])
def test_each_mask_is_ours(name: str, exporter: Exporter) -> None:
    out = exporter.export(name, "coco")
    for split, samples in exporter.samples(name).items():
        coco = COCO(out / "annotations" / f"instances_{split}.json")
        by_idx = {int(first(sample["sample_idx"])): sample for sample in samples}
        assert coco.imgs.keys() == by_idx.keys()
        num_annotations = 0
        for idx, image in coco.imgs.items():
            sample = by_idx[idx]
            pixels = iio.imread(out / split / image["file_name"])
            np.testing.assert_array_equal(pixels, sample["image"])
            assert (image["height"], image["width"]) == pixels.shape[:2]
            for annotation in coco.loadAnns(coco.getAnnIds(idx)):
                num_annotations += 1
                k = annotation["instance"] - 1
                mask = sample["instance_map"] == annotation["instance"]
                np.testing.assert_array_equal(coco.annToMask(annotation), mask)
                assert annotation["area"] == mask.sum()
                ys, xs = np.nonzero(mask)
                box = [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1]
                assert annotation["bbox"] == box
                assert annotation["category_id"] == sample["class_map"][mask][0]
                assert annotation["model_id"] == sample["model_id"][k]
        assert num_annotations == 2 * len(samples) > 0


def test_categories_are_the_classes(exporter: Exporter) -> None:
    coco = COCO(exporter.export("multi", "coco") / "annotations" / "instances_test.json")
    names = {c["id"]: c["name"] for c in coco.loadCats(coco.getCatIds())}
    assert names[1] == "airplane"
    assert names[5] == "chair"
    assert len(names) == 10


def test_a_hidden_object_has_no_annotation() -> None:
    from synrender.export.coco import annotate

    sample = {"labels": np.full((4, 4), 2), "sample_idx": 7, "instance": [1, 2], "class": [0, 3]}
    values = {}
    for name in ("model_id", "texture", "location", "rot_mat", "scale"):
        values[name] = ["first", "second"]
    (found,) = annotate(sample, values)
    assert (found["instance"], found["category_id"], found["model_id"]) == (2, 4, "second")


def test_without_instances_it_is_refused(exporter: Exporter) -> None:
    line = exporter.refuse("-d", "single", "--to", "coco", "--out", exporter.out_dir / "x")
    assert line.endswith("has no instance masks; they need images in EXR")
    assert not (exporter.out_dir / "x").exists()


def test_labels_of_objects_go_along_where_they_were_asked_for(
    server: RenderServer, exporter: Exporter, tmp_path: Path
) -> None:
    """Visible shares, and whole masks, whose visible part is ours."""
    labels = "rendering.labels = ['amodal', 'box_3d', 'normal']"
    size = ["batch.num_samples = 3", "sample.num_objs = 2"]
    server.render("coco_labels", labels, *size, config="render_multi")
    real = Exporter(server.data_dir, tmp_path, exporter.capsys, exporter.monkeypatch)
    out = real.export("coco_labels", "coco")
    num_annotations = 0
    for split, samples in real.samples("coco_labels").items():
        if not samples:
            continue
        coco = COCO(out / "annotations" / f"instances_{split}.json")
        for sample in samples:
            for annotation in coco.loadAnns(coco.getAnnIds(int(first(sample["sample_idx"])))):
                k = annotation["instance"] - 1
                whole = rle.decode(annotation["amodal_segmentation"]).astype(bool)
                np.testing.assert_array_equal(whole, sample["amodal"][k])
                assert annotation["visible_share"] == pytest.approx(
                    annotation["area"] / whole.sum(), abs=0.02
                )
                np.testing.assert_allclose(annotation["box_3d_px"], sample["box_3d_px"][k])
                num_annotations += 1
    assert num_annotations >= 4  # of 6 objects, of which some may be hidden
