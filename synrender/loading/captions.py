"""Captions as fields of a data set of any format: made from other fields as a sample is read."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from synrender.captions.negatives import Negative, write_negatives
from synrender.captions.scene_facts import Pixels, SceneFacts, find_facts, info_to_scenery
from synrender.captions.sentences import choose_names, write_caption
from synrender.dataset.archive_layout import AS_RENDERED
from synrender.dataset.info import DatasetInfo
from synrender.dataset.record import RECORD_DTYPE, create_records
from synrender.labels.boxes import instance_to_boxes
from synrender.loading.row_source import INSTANCE_MAP, Sample
from synrender.sampling.streams import CAPTION as CAPTION_STREAM
from synrender.sampling.streams import create_rng
from synrender.settings.caption_styles import parse_style
from synrender.settings.groups import Captions

CAPTION, NEGATIVES = "caption", "caption_negatives"
KINDS, FACTS = "caption_negative_kinds", "caption_facts"
CAPTION_FIELDS = (CAPTION, NEGATIVES, KINDS, FACTS)
"""Fields that hold text, a list of texts, a list of as many names of facts, and the facts as values
that JSON can hold. A sample has only the first one unless others are named."""

_RECORD_FIELDS = (
    *("class", "rot_mat", "bbox", "scale", "location", "light", "obj_to_world", "sample_idx"),
    *("instance", "synset_id", "texture", "color", "backdrop_texture", "backdrop_color"),
    *("factor_values", "intrinsics", "world_to_camera", "environment"),
)
_NUM_PX, _BOX_PX, _AMODAL, _ALBEDO = "num_visible_px", "box_px", "amodal", "albedo"


class Captioner:
    """Writes the captions of a data set, the same from every format.

    Only where the labels ``albedo`` or ``amodal`` were resized, as in ``data_<res>.h5``, may colors
    of textures and what hides what differ a little.
    """

    def __init__(self, info: DatasetInfo, stored: Collection[str], captions: Captions) -> None:
        """Takes the description, the fields that the format has, and what captions are like."""
        self._scenery, self._seed = info_to_scenery(info), info.seed
        self._class_names = tuple(dict.fromkeys(self._scenery.class_names.values()))
        self._style = parse_style(captions.style, captions.patterns)
        self._num_negatives = captions.num_negatives
        self._sources = _find_sources(stored)

    @property
    def needed(self) -> tuple[str, ...]:
        """Fields that captions are made of."""
        return tuple(self._sources.values())

    def write(self, sample: Sample, fields: Collection[str]) -> Sample:
        """Values of some of `CAPTION_FIELDS`.

        Args:
            sample: with the fields that are needed.
            fields: that are wanted.
        """
        given = {name: sample[source] for name, source in self._sources.items()}
        record, pixels = _read_sample(given)
        facts = find_facts(record, pixels, self._scenery)
        names = choose_names(facts, self._style)
        caption = write_caption(facts, self._style, names)
        found: Sample = {CAPTION: caption, FACTS: facts.to_values()}
        if NEGATIVES in fields or KINDS in fields:
            negatives = self._write_negatives(facts, int(record["sample_idx"][0]))
            found |= {NEGATIVES: [n.text for n in negatives], KINDS: [n.kind for n in negatives]}
        return {name: found[name] for name in fields}

    def _write_negatives(self, facts: SceneFacts, idx: int) -> list[Negative]:
        rng = create_rng(self._seed, CAPTION_STREAM, idx)
        return write_negatives(facts, self._style, self._class_names, rng, self._num_negatives)


def _find_sources(stored: Collection[str]) -> dict[str, str]:
    """What each value is read from: of images that were resized, what was rendered."""
    wanted = [name for name in _RECORD_FIELDS if name in stored]
    has_counts = _NUM_PX in stored and _BOX_PX in stored
    wanted += [_NUM_PX, _BOX_PX] if has_counts else []
    if INSTANCE_MAP in stored:
        maps = [name for name in (_AMODAL, _ALBEDO) if name in stored]
        wanted += maps if has_counts and not maps else [*maps, INSTANCE_MAP]
    sources = {name: AS_RENDERED.get(name, name) for name in wanted}
    return {name: source if source in stored else name for name, source in sources.items()}


def _read_sample(given: Sample) -> tuple[np.ndarray, Pixels]:
    """The record, (n,) of `RECORD_DTYPE`, without the rows that an archive fills up; and pixels."""
    num = np.size(given["class"])
    record = create_records((num,))
    for name in _RECORD_FIELDS:
        if name in given:
            record[name] = np.reshape(given[name], (num, *RECORD_DTYPE[name].shape))
    kept = record["instance"] > 0
    instance: np.ndarray | None = given.get(INSTANCE_MAP)
    if _NUM_PX in given:
        num_px, box_px = given[_NUM_PX], given[_BOX_PX]
    elif instance is None:
        return record[kept], Pixels()
    else:
        num_px, box_px = instance_to_boxes(instance, num)
    amodal, albedo = given.get(_AMODAL), given.get(_ALBEDO)
    hidden = None if amodal is None or instance is None else _find_hidden(amodal, instance)
    pixels = Pixels(
        np.reshape(num_px, num)[kept],
        np.reshape(box_px, (num, 4))[kept],
        None if hidden is None else hidden[kept][:, kept],
        None if albedo is None else [albedo[instance == k] for k in record["instance"][kept]],
    )
    return record[kept], pixels


def _find_hidden(amodal: np.ndarray, instance: np.ndarray) -> np.ndarray:
    """Share of each whole object that each other one hides, (n, n).

    Args:
        amodal: (n, h, w) bool.
        instance: (h, w), from 1.
    """
    num = len(amodal)
    shown = [np.bincount(instance[mask], minlength=num + 1)[1 : num + 1] for mask in amodal]
    return np.array(shown) * (1 - np.eye(num)) / amodal.sum(axis=(1, 2)).clip(1)[:, None]
