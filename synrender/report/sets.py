"""Samples side by side with what differs: twins, sweeps, and paired data sets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from synrender.errors import UserError
from synrender.loading.dataset import Dataset, open_dataset
from synrender.report.record_text import Value, find_differences, find_value
from synrender.report.rows import Rows, open_records, read_rows
from synrender.report.sample_cards import Card, Gallery, create_gallery

NUM_PAIRED = 6
"""Samples that are shown in all data sets that were rendered with this one."""

_VARIANT = re.compile(r"(.+)_([01](?:-[01]){3})")


@dataclass(frozen=True)
class SampleSet:
    """Samples that belong together, each with what to write below it."""

    members: list[tuple[Card, Value]]
    differences: list[str]  # factors, by what the records say


def find_twins(
    tuples: Mapping[str, list[list[int]]],
    rows: Rows,
    gallery: Gallery,
    class_names: Mapping[int, str],
) -> dict[str, list[SampleSet]]:
    """Twins and sweeps by their factor, each sample with its value.

    Args:
        tuples: places of the samples, by factor.
        rows: records that these are among.
        gallery: their cards.
        class_names: by class id.
    """
    groups: dict[str, list[SampleSet]] = {}
    for factor, group in tuples.items():
        for places in group:
            samples = [(rows, rows.find(place)) for place in places]
            values = [find_value(rows, objects[0], factor, class_names) for _, objects in samples]
            cards = [gallery.cards[place] for place in places]
            found = SampleSet(list(zip(cards, values, strict=True)), find_differences(samples))
            groups.setdefault(factor, []).append(found)
    return groups


def find_paired(data: Dataset, rows: Rows, gallery: Gallery, chosen: np.ndarray) -> list[SampleSet]:
    """The same samples in all data sets that ``distributed_render.py`` made with this one.

    They lie beside it, are named like it but for the digits of the variant, and share its seed.
    """
    others = _open_variants(data)
    if not others:
        return []
    places = chosen[np.linspace(0, len(chosen) - 1, min(NUM_PAIRED, len(chosen))).astype(int)]
    galleries = {variant: _show(other, places) for variant, other in others.items()}
    sets = []
    for place in places.tolist():
        card = gallery.cards[place]
        members, samples = [], []
        for variant, (other_rows, other_gallery) in galleries.items():
            other = other_gallery.cards.get(place)
            if other is not None and other.idx == card.idx:
                members.append((other, Value(variant)))
                samples.append((other_rows, other_rows.find(place)))
        if len(members) > 1:
            sets.append(SampleSet(members, find_differences(samples)))
    return sets


def _open_variants(data: Dataset) -> dict[str, Dataset]:
    """Data sets by the digits of their variant, this one among them; empty if it is alone."""
    match = _VARIANT.fullmatch(data.path.name)
    found = {}
    for path in sorted(data.path.parent.iterdir()) if match else ():
        other = _VARIANT.fullmatch(path.name)
        if other is None or match is None or other[1] != match[1]:
            continue
        try:
            opened = open_dataset(path)
        except UserError:  # not rendered yet, or damaged: its own report says why
            continue
        info = opened.info  # textures are a source of those alone in which they vary
        if (info.seed, info.sources.models) == (data.info.seed, data.info.sources.models):
            found[other[2]] = opened
    return found if len(found) > 1 else {}


def _show(data: Dataset, places: np.ndarray) -> tuple[Rows, Gallery]:
    rows = read_rows(open_records(data), places[places < len(data)])
    return rows, create_gallery(data, rows, [], data.class_names)
