"""A preview: some samples of data sets at draft quality on one sheet, before all are rendered."""

from __future__ import annotations

import dataclasses
import io
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from synrender.assets.catalog import Catalog
from synrender.dataset.claim import describe_design
from synrender.loading.dataset import open_dataset
from synrender.loading.row_source import IMAGE, Sample
from synrender.report.arrangement import Arrangement, Line, arrange, choose_members
from synrender.report.contact_sheet import save_sheet
from synrender.report.rows import plans_to_rows
from synrender.report.sheet import Sheet, draw_sheet
from synrender.sampling.sample_plan import draw_sample, find_rules
from synrender.settings.groups import Settings
from synrender.system.console import format_duration

NUM_SHOWN = 24
MIN_OF_EACH = 2
"""Samples of each of several data sets."""

NUM_CANDIDATES = 240
DRAFT_PX, DRAFT_RAYS = 128, 4
"""Side of a draft and its rays per pixel, at most."""

NUM_PILOTS = 3
"""Samples that are rendered as they will be, to measure how long that takes."""

MAX_FIRST_S = 4.0
"""If the first of them takes longer, it is the only one."""


@dataclass(frozen=True)
class Previewed:
    """A data set that is to be rendered."""

    name: str
    settings: Settings
    catalog: Catalog
    num_missing: int  # samples that it still lacks


Render = Callable[[Previewed, Sequence[int], Path], None]
"""Renders some samples of a data set, by their indexes, into a data set in a folder of its own."""


@dataclass(frozen=True)
class Preview:
    """A sheet, and what it has measured; it shows itself in a notebook."""

    picture: Image.Image
    lines: tuple[str, ...]  # the same in words

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.picture.save(file, "png")
        return file.getvalue()

    def save(self, name: str) -> Path:
        """Writes it as PNG into a new temporary folder; returns the path."""
        path = Path(tempfile.mkdtemp(prefix="synrender-preview-"), f"{name}.png")
        save_sheet(self.picture, path, "Preview at draft quality.")
        return path


def draw_preview(
    datasets: Sequence[Previewed], render: Render, folder: Path, num_at_once: int = 1
) -> Preview:
    """Renders a few samples, and measures how long all will take.

    Of one data set the samples are spread over splits, classes and levels, and stand as the design
    is. Of several, each has a line of the same samples.

    Args:
        datasets: at least one.
        render: how samples are rendered.
        folder: for the samples; it is the caller's to remove.
        num_at_once: samples that are rendered at the same time later.
    """
    arrangement = choose_samples(datasets)
    idxs = sorted(set(arrangement.places))
    samples: list[Sample] = []
    for k, dataset in enumerate(datasets):
        path = folder / f"draft_{k}"
        render(dataclasses.replace(dataset, settings=to_draft(dataset.settings)), idxs, path)
        data = open_dataset(path, fields=[IMAGE])
        found = dict(zip(idxs, data.read_samples(range(len(data))), strict=True))
        shown = arrangement.places if len(datasets) == 1 else arrangement.lines[k].places
        samples += [found[idx] for idx in shown]
    ends = datasets if len(datasets) == 1 else (datasets[0], datasets[-1])
    mean_s = sum(_measure(dataset, idxs, render, folder) for dataset in ends) / len(ends)
    num_missing = sum(dataset.num_missing for dataset in datasets)
    whole = format_duration(num_missing * mean_s / num_at_once)
    total = sum(dataset.settings.batch.num_samples for dataset in datasets)
    shown = f"{len(samples)} of {total:,} samples at draft quality"
    lines = (
        shown,
        f"to render: {num_missing:,} samples, about {whole} on this machine "
        f"({mean_s:.2f} s a sample at full quality, {num_at_once} at a time)",
    )
    note = f"{shown}; all take about {whole}"
    names = datasets[0].catalog.class_names
    title = datasets[0].name if len(datasets) == 1 else f"{len(datasets)} data sets"
    sheet = Sheet(title, note, arrangement, samples, names)
    return Preview(draw_sheet(sheet), lines)


def choose_samples(datasets: Sequence[Previewed]) -> Arrangement:
    """Samples that show the design of one data set, or the same ones of several."""
    first = datasets[0]
    settings, catalog = first.settings, first.catalog
    design, rules = describe_design(settings, catalog), find_rules(settings)
    size, idxs = rules.block_size, settings.batch.idxs
    blocks = range(idxs[0] // size, idxs[-1] // size + 1)
    wanted = [idx for idx in choose_members(blocks, size, NUM_CANDIDATES) if idx in idxs]
    if len(wanted) < min(NUM_SHOWN, len(idxs)):  # of a small part of a long sequence
        wanted = list(idxs[:NUM_CANDIDATES])
    plans = [draw_sample(settings, catalog, idx) for idx in wanted]
    splits = [rules.find_split(plan.bucket) for plan in plans]
    num = max(MIN_OF_EACH, NUM_SHOWN // len(datasets))
    found = arrange(plans_to_rows(plans, splits), design, catalog.class_names, num)
    if len(datasets) == 1:
        return found
    places = tuple(found.places[:num])
    captions = tuple(text for line in found.lines for text in line.captions)[:num]
    return Arrangement(tuple(Line(dataset.name, places, captions) for dataset in datasets))


def to_draft(settings: Settings) -> Settings:
    """The same samples, small, with few rays, and as pictures alone."""
    rendering = settings.rendering
    draft = dataclasses.replace(
        rendering,
        resolution=min(rendering.resolution, DRAFT_PX),
        render_samples=min(rendering.render_samples, DRAFT_RAYS),
        render_exr=False,
        labels=(),
    )
    return dataclasses.replace(settings, rendering=draft)


def _measure(dataset: Previewed, idxs: Sequence[int], render: Render, folder: Path) -> float:
    """Seconds of a sample at full quality."""
    path = folder / f"pilot_{dataset.name}"
    first, *others = idxs[:: -(-len(idxs) // NUM_PILOTS)]
    start = time.monotonic()
    render(dataset, [first], path)
    first_s = time.monotonic() - start
    if first_s > MAX_FIRST_S or not others:
        return first_s
    start = time.monotonic()
    render(dataset, others, path)
    return (time.monotonic() - start) / len(others)
