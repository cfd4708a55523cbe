"""The samples that a report shows: small pictures, their facts, and their differences."""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from synrender.dataset.archive_layout import SPLITS
from synrender.dataset.shard import is_arrays, open_file
from synrender.errors import UserError
from synrender.loading.captions import CAPTION
from synrender.loading.dataset import Dataset, open_dataset
from synrender.loading.row_source import IMAGE
from synrender.report.pictures import Picture, Scale, find_pictures, find_scale
from synrender.report.record_text import (
    MAX_OBJECTS,
    Filter,
    Value,
    find_differences,
    find_facts,
    find_value,
)
from synrender.report.rows import Rows, open_records, read_rows

MAX_PX = 160
"""Longer side of a picture; larger ones are shrunk."""

MAX_TOTAL_PX = 4 * MAX_PX**2
"""Of all pictures of a sample: where there are more than four, they are shrunk further."""

_QUALITY = 85  # of WebP
_PART_SIZE = 20
_NUM_FOR_SCALE = 40


@dataclass(frozen=True)
class Card:
    """One sample."""

    place: int  # in the data set
    idx: int  # of the sample, as its files are named
    split: str
    classes: str  # names, the most frequent objects first
    caption: str
    tokens: str  # of the filters, separated by spaces
    pictures: dict[str, str]  # data URI by the picture's name
    facts: dict[str, list[Value]]  # by factor
    num_objects: int  # that `record_text` tells of
    num_more: int  # and how many more there are


@dataclass(frozen=True)
class Gallery:
    """Cards, and how to read their pictures."""

    cards: dict[int, Card]  # by place
    pictures: list[Picture]
    scale: Scale | None  # of the depths, if they are shown
    side_px: int  # of the pictures as they are shown


def create_gallery(
    data: Dataset,
    rows: Rows,
    filters: Sequence[Filter],
    class_names: Mapping[int, str],
    advance: Callable[[int], None] = lambda _: None,
) -> Gallery:
    """Reads the samples that some rows belong to.

    Args:
        data: the data set.
        rows: records of the samples.
        filters: of the report.
        class_names: by class id.
        advance: gets numbers of samples that are done.
    """
    names = [p.field for p in find_pictures(data.fields)]
    pixels = data.with_fields([*names, CAPTION], np.inf)
    to_image = _find_image_reader(data)
    places = np.unique(rows.samples)
    pictures = find_pictures(names)
    few = places[:: -(-len(places) // _NUM_FOR_SCALE)] if len(names) > 1 else places[:0]
    scale = find_scale(sample for part in _cut(few) for sample in pixels.read_checked(part))
    max_px = min(MAX_PX, math.isqrt(MAX_TOTAL_PX // len(pictures)))
    cards, side_px = {}, 1
    for part in _cut(places):
        for place, sample in zip(part.tolist(), pixels.read_checked(part), strict=True):
            sample[IMAGE] = to_image(sample[IMAGE])
            side_px = min(max_px, max(sample[IMAGE].shape[:2]))
            shown = {p.name: _to_uri(p.draw(sample[p.field], scale), p, max_px) for p in pictures}
            card = _create_card(place, rows, filters, class_names, shown)
            cards[place] = replace(card, caption=sample[CAPTION])
        advance(len(part))
    return Gallery(cards, pictures, scale if len(names) > 1 else None, side_px)


def _cut(places: np.ndarray) -> list[np.ndarray]:
    return [places[k : k + _PART_SIZE] for k in range(0, len(places), _PART_SIZE)]


def _create_card(
    place: int,
    rows: Rows,
    filters: Sequence[Filter],
    class_names: Mapping[int, str],
    pictures: dict[str, str],
) -> Card:
    objects = rows.find(place)
    facts = find_facts(rows, objects, class_names)
    tokens: set[str] = set().union(*(f.find_tokens(rows, objects) for f in filters))
    classes = dict.fromkeys(value.text for value in facts["class"])
    return Card(
        place=place,
        idx=int(rows.fields["sample_idx"][objects[0]]),
        split=SPLITS[rows.splits[objects[0]]],
        classes=", ".join(classes),
        caption="",
        tokens=" ".join(sorted(tokens)),
        pictures=pictures,
        facts=facts,
        num_objects=min(len(objects), MAX_OBJECTS),
        num_more=max(0, len(objects) - MAX_OBJECTS),
    )


def _to_uri(pixels: np.ndarray, picture: Picture, max_px: int) -> str:
    """A picture (h, w, 3) uint8 as a WebP file in a data URI."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    resampling = Image.Resampling.NEAREST if picture.is_map else Image.Resampling.LANCZOS
    if max(image.size) > max_px:
        image.thumbnail((max_px, max_px), resampling)
    file = io.BytesIO()
    image.save(file, "WEBP", lossless=picture.is_map, quality=_QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def _find_image_reader(data: Dataset) -> Callable[[np.ndarray], np.ndarray]:
    """Function from a stored image to (h, w, 3) uint8 sRGB; arrays are normalized."""
    if data.files[0].is_dir():  # the small files
        return lambda image: image
    with open_file(data.files[0]) as file:
        if not is_arrays(file):
            return lambda image: image
        mean, std = (np.array(file.attrs[name])[:, None, None] for name in ("mean", "std"))
        is_lab = file.attrs["color_space"] == "lab"
    return lambda image: _to_srgb8(image * std + mean, is_lab)


def _to_srgb8(planes: np.ndarray, is_lab: bool) -> np.ndarray:
    """Red, green and blue of 0 to 255, or L*, a* and b*, (3, h, w), as an image."""
    image = planes.transpose(1, 2, 0)
    if is_lab:
        from skimage.color import lab2rgb

        image = 255 * lab2rgb(image)
    return np.rint(image).clip(0, 255).astype(np.uint8)


# --- samples side by side -------------------------------------------------------------------------


NUM_PAIRED = 6
"""Samples that are shown in all data sets that were rendered with this one."""

_VARIANT = re.compile(r"(.+)_([01](?:-[01]){3})")


@dataclass(frozen=True)
class SampleSet:
    """Samples that are shown side by side, each with a text."""

    members: list[tuple[Card, Value]]
    differences: list[str]  # factors, by what the records say


def find_twins(
    tuples: Mapping[str, list[list[int]]],
    rows: Rows,
    gallery: Gallery,
    class_names: Mapping[int, str],
) -> dict[str, list[SampleSet]]:
    """Twins, sweeps and sequences by their factors, each sample with its values.

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
            values = [_find_values(rows, objects[0], factor, class_names) for _, objects in samples]
            cards = [gallery.cards[place] for place in places]
            found = SampleSet(list(zip(cards, values, strict=True)), find_differences(samples))
            groups.setdefault(factor, []).append(found)
    return groups


def _find_values(rows: Rows, i: int, factors: str, class_names: Mapping[int, str]) -> Value:
    """Values of one factor, or of several whose names have commas between them."""
    values = [find_value(rows, i, name, class_names) for name in factors.split(", ")]
    return values[0] if len(values) == 1 else Value(", ".join(value.text for value in values))


def find_paired(data: Dataset, rows: Rows, gallery: Gallery, chosen: np.ndarray) -> list[SampleSet]:
    """The same samples in all data sets that ``distributed_render.py`` made with this one.

    They are in the same folder, have the same seed, and their names differ only in the variant.
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
    """Data sets by the digits of their variant, with this one; empty if there are no others."""
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
