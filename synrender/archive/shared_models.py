"""Counts the models and textures that training, validation and test share."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from synrender.archive.raw_samples import load_records
from synrender.dataset.archive_layout import SPLITS, Layout
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.shard import open_file, refuse_broken_heap
from synrender.settings.groups import Object

KINDS = ("models", "textures")
TEXT_FIELDS = ("synset_id", "model_id", "texture", "backdrop_texture")


@dataclass(frozen=True)
class Tally:
    """Names that appear in some samples of one split."""

    split: str
    models: frozenset[str]  # "synset/model"
    textures: frozenset[str]


@dataclass(frozen=True)
class Overlap:
    """Numbers of models and textures that the splits share."""

    num_samples: dict[str, int]  # by split
    num_models: dict[str, int]
    num_textures: dict[str, int]
    shared_models: dict[str, int] = field(default_factory=dict)  # by "train/validation" and so on
    shared_textures: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> str:
        """JSON text for the attribute ``splits``."""
        return json.dumps(vars(self))

    def to_lines(self) -> list[str]:
        """Lines to print."""
        counts = ", ".join(f"{name} {n}" for name, n in self.num_samples.items())
        lines = [f"splits: {counts} samples"]
        for kind in KINDS:
            found = getattr(self, f"num_{kind}")
            shared = getattr(self, f"shared_{kind}")
            lines.append(
                f"  {kind}: {', '.join(f'{name} {n}' for name, n in found.items())}; shared: "
                + ", ".join(f"{pair} {n}" for pair, n in shared.items())
            )
        return lines


def tally_records(folder: DatasetFolder, idxs: np.ndarray, num_objs: int, split: str) -> Tally:
    """Tally of samples from their small files.

    Raises:
        UserError: a record is missing or damaged.
    """
    return _tally(split, load_records(folder, idxs, num_objs))


def tally_file(path: Path, rows: range, split: str) -> Tally:
    """Tally of rows of an HDF5 file."""
    with open_file(path) as file:
        return _tally(split, {name: _read_text(file[name], rows) for name in TEXT_FIELDS})


def count_overlap(layout: Layout, tallies: Iterable[Tally]) -> Overlap:
    """Adds tallies up and counts what each pair of splits shares."""
    names: dict[str, dict[str, set[str]]] = {kind: {s: set() for s in SPLITS} for kind in KINDS}
    for tally in tallies:
        names["models"][tally.split] |= tally.models
        names["textures"][tally.split] |= tally.textures
    counts: dict[str, dict[str, int]] = {}
    for kind, found in names.items():
        counts[f"num_{kind}"] = {s: len(found[s]) for s in SPLITS}
        counts[f"shared_{kind}"] = {
            f"{a}/{b}": len(found[a] & found[b]) for a, b in itertools.combinations(SPLITS, 2)
        }
    return Overlap({s: len(rows) for s, rows in layout.split_rows.items()}, **counts)


def explain_overlap(overlap: Overlap, objects: Object) -> list[str]:
    """Lines that say why splits share models; empty if they share none."""
    if not any(overlap.shared_models.values()):
        return []
    num_samples, total = sum(overlap.num_samples.values()), objects.total_num_samples
    num_buckets = objects.n_buckets
    why = "models are shared between splits: "
    if num_buckets < len(SPLITS):
        return [f"{why}object.n_buckets = {num_buckets}; three disjoint splits need 3 or more."]
    if num_samples < total:
        line = (
            f"{why}these are {num_samples} of the {total} samples (object.total_num_samples) that "
            f"{num_buckets} buckets of models are spread over."
        )
        if num_samples >= num_buckets:
            line += (
                " For a data set of this size with disjoint splits render with "
                f"object.total_num_samples = {num_samples}."
            )
        return [line]
    return [f"{why}{num_samples} samples do not divide evenly into {num_buckets} buckets."]


def _tally(split: str, columns: Mapping[str, np.ndarray] | np.ndarray) -> Tally:
    """Tally of columns of text of equal shape, or of a record array that holds them."""
    synset_ids, model_ids, *textures = (columns[name].ravel().tolist() for name in TEXT_FIELDS)
    models = {f"{s}/{m}" for s, m in set(zip(synset_ids, model_ids, strict=True))}
    return Tally(split, frozenset(models), frozenset(itertools.chain(*textures)) - {""})


def _read_text(dataset: h5py.Dataset, rows: range) -> np.ndarray:
    refuse_broken_heap(dataset, slice(rows.start, rows.stop))
    return np.asarray(dataset.asstr()[rows.start : rows.stop], object)
