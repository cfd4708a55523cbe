"""``captions.json`` of an export: captions, negatives and the facts behind them, as values.

It goes with every format, also with those that have no place for text beside an image.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from synrender.archive.hdf5_files import find_chunk_size
from synrender.export.columns import to_name
from synrender.export.format import ExportPlan, to_json
from synrender.export.listing import CreateBar
from synrender.export.png_samples import Source, open_once
from synrender.loading.captions import CAPTION_FIELDS, FACTS
from synrender.settings.caption_styles import STYLES, VERSION
from synrender.settings.caption_words import NAMED_COLORS
from synrender.system.files import write_atomically
from synrender.system.workers import Workers

CAPTIONS_FILE = "captions.json"


def write_captions(plan: ExportPlan, workers: Workers, create_bar: CreateBar) -> None:
    """Writes the file; its samples are in the order of the splits."""
    size = find_chunk_size(plan.info.settings.rendering.resolution)
    tasks = [
        (plan.source, split, rows[k : k + size])
        for split, rows in plan.split_rows.items()
        for k in range(0, len(rows), size)
    ]
    with create_bar(plan.num_rows, CAPTIONS_FILE) as bar:

        def list_lines() -> Iterator[str]:
            for lines in workers.map(describe_task, tasks):
                yield from lines
                bar.update(len(lines))

        write_atomically(
            plan.out / CAPTIONS_FILE, functools.partial(_write, _describe_style(plan), list_lines())
        )


def _describe_style(plan: ExportPlan) -> dict[str, object]:
    """How the captions were made."""
    captions = plan.source.captions
    patterns = {**STYLES[captions.style], **captions.patterns}
    return {
        "version": VERSION,
        "style": captions.style,
        "patterns": patterns,
        "colors": NAMED_COLORS,
    }


def describe_task(source: Source, split: str, rows: range) -> list[str]:
    """A line of JSON for each of some samples; runs in a worker."""
    data = open_once(source).with_fields(("sample_idx", *CAPTION_FIELDS))
    lines = []
    for sample in data.read_checked(np.arange(rows.start, rows.stop)):
        values = {name: sample[name] for name in CAPTION_FIELDS if name != FACTS}
        found = {"split": split, **values, "facts": sample[FACTS]}
        lines.append(f'"{to_name(sample)}":{to_json(found)}')
    return lines


def _write(head: dict[str, object], lines: Iterator[str], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(to_json(head)[:-1] + ',\n"samples":{')
        separator = "\n"
        for line in lines:
            file.write(separator + line)
            separator = ",\n"
        file.write("}}\n")
