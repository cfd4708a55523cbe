"""A preview: which samples it shows, at which quality, and that it leaves nothing else."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synrender.report.preview import Previewed, choose_samples, to_draft
from synrender.sampling.sample_plan import draw_sample, find_rules
from synrender.settings.load import load_settings
from tests.helpers import QUICK, Renderer
from tests.sampling.designs.helpers import create_catalog, create_settings


def plan(name: str = "made") -> Previewed:
    settings = create_settings("batch.num_samples = 480", total=480)
    return Previewed(name, settings, create_catalog(), 480)


def test_samples_are_spread_over_splits_and_classes() -> None:
    dataset = plan()
    found = choose_samples([dataset])
    assert len(found.places) == 24
    plans = [draw_sample(dataset.settings, dataset.catalog, idx) for idx in found.places]
    rules = find_rules(dataset.settings)
    splits = Counter(rules.find_split(p.bucket) for p in plans)
    classes = Counter(p.objects[0].class_idx for p in plans)
    assert splits.keys() == {0, 1, 2}
    assert min(splits.values()) >= 6
    assert classes.keys() == set(range(5))
    assert max(classes.values()) - min(classes.values()) <= 2


def test_several_data_sets_show_the_same_samples_in_a_line_each() -> None:
    found = choose_samples([plan(name) for name in ("one", "two", "three")])
    assert [line.label for line in found.lines] == ["one", "two", "three"]
    assert {len(line.places) for line in found.lines} == {8}
    assert len({line.places for line in found.lines}) == 1


@pytest.mark.parametrize("part", [range(5), range(12_345, 12_350)])
def test_a_part_of_a_long_sequence_is_shown_too(part: range) -> None:
    length = "design.length = 5000", "design.paths = {'azimuth': ('turn', 1)}"
    settings = create_settings("design.kind = 'sequence'", *length, total=60_000)
    batch = f"batch.idx_offset = {part[0]}", f"batch.num_samples = {len(part)}"
    settings = create_settings("design.kind = 'sequence'", *length, *batch, total=60_000)
    found = choose_samples([Previewed("made", settings, create_catalog(), 5)])
    assert found.places == list(part)


def test_a_draft_is_the_same_sample_small_and_with_few_rays() -> None:
    labels = "rendering.labels = ['normal']"
    settings = load_settings(["render_multi"], ["rendering.resolution = 512", labels])
    rendering = to_draft(settings).rendering
    assert (rendering.resolution, rendering.render_samples) == (128, 4)
    assert (rendering.render_exr, rendering.labels) == (False, ())
    quick = load_settings(["render_single"], QUICK)
    assert to_draft(quick) == quick


def test_the_command_writes_one_picture_and_nothing_else(wheel: Renderer, tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    size = ("object.total_num_samples = 96", "batch.num_samples = 96")
    output = wheel.run(
        "-d", "unborn", "-g", "render_single", "design_grid", "--preview", "-p", *QUICK, *size,
        "design.repeats = 4", TMPDIR=str(tmp_path / "temporary"),
    )  # fmt: skip
    found = re.search(r"^24 of 96 samples at draft quality: (\S+/unborn\.png)$", output, re.M)
    assert found is not None
    assert re.search(r"^to render: 96 samples, about \d+:\d\d on this machine \(", output, re.M)
    with Image.open(found[1]) as picture:
        pixels = np.asarray(picture)
    assert pixels.std() > 20
    left = [path.name for path in (tmp_path / "temporary").rglob("*") if path.is_file()]
    assert left == ["unborn.png"]
    assert not list(wheel.data_dir.glob("*unborn*"))
    line = wheel.run("--preview", "--shard", "0/2", status=2)
    assert "--preview with --shard 0/2: it shows samples of all shards" in line
    assert tempfile.gettempdir() not in line
