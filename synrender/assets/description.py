"""What a folder or file of models is, in lines, and the lines of gin that use it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from synrender.assets.catalog import Catalog, find_num_buckets
from synrender.assets.model_file import MAX_POINTER_BYTES, ModelFile, is_pointer
from synrender.assets.sources.registry import OpenSource, find_whole, open_source
from synrender.assets.sources.source import ModelClass, ModelEntry
from synrender.assets.sources.synsets import NAMES as SYNSETS
from synrender.settings.groups import BACKDROP_PASS_INDEX, DEFAULT_CLASSES, Object
from synrender.system.files import Hindrance

MAX_CLASSES_SHOWN = 60


@dataclass(frozen=True)
class FoundModels:
    """The models of a folder or file."""

    path: Path
    opened: OpenSource
    classes: dict[ModelClass, tuple[ModelEntry, ...]]  # that have models
    forced: str = ""  # name of the layout, if it was not recognized but given

    @property
    def title(self) -> str:
        """Of the layout."""
        return self.opened.source.title

    @property
    def num_models(self) -> int:
        """In all classes."""
        return sum(map(len, self.classes.values()))


def find_all_models(path: Path, layout: str = "") -> FoundModels:
    """Recognizes the layout of a folder or file, and lists all of its classes.

    Raises:
        UserError: there are no models in a layout that is read.
    """
    opened = open_source(path, layout)
    there = [found for found in opened.list_classes() if found.is_there]
    classes = {found: tuple(opened.credit(opened.list_models(found))) for found in there}
    return FoundModels(path, opened, classes, layout)


def describe(found: FoundModels) -> list[str]:
    """Lines about the layout, classes, formats and licenses."""
    entries = [entry for models in found.classes.values() for entry in models]
    lines = [
        f"{found.path}: {found.title}{_find_place(found)}",
        f"{_count(len(found.classes), 'class', 'classes')}, {_count(len(entries), 'model')}",
    ]
    width = max((len(c.name) for c in found.classes), default=0)
    for shown, models in list(found.classes.items())[:MAX_CLASSES_SHOWN]:
        key = f"  ({shown.key})" if shown.key != shown.name else ""
        lines.append(f"  {shown.name:{width}}  {len(models):6}{key}")
    if (num_more := len(found.classes) - MAX_CLASSES_SHOWN) > 0:
        lines.append(f"  ... and {num_more} more classes")
    if num_synsets := sum(c.key in SYNSETS for c in found.classes):
        lines.append(f"{num_synsets} of ShapeNetCore's {len(SYNSETS)} synsets are there")
    formats = Counter(entry.file.suffix.removeprefix(".").upper() for entry in entries)
    licenses = Counter(entry.license or "not stated" for entry in entries)
    lines.append("formats: " + _list_counts(formats))
    lines.append("licenses: " + _list_counts(licenses))
    packed = Counter(entry.file.path for entry in entries if entry.file.member is not None)
    if packed:
        archives = _count(len(packed), "zip archive")
        lines.append(f"{_count(packed.total(), 'model')} in {archives}, read without unpacking")
    return lines + [f"Note: {note}" for note in _find_notes(found, entries)]


def _find_place(found: FoundModels) -> str:
    """Where the layout begins, if that is not the folder or file itself."""
    place = str(found.opened.tree).removeprefix(str(found.path)).strip("/")
    return f", in {place}" if place else ""


def _find_notes(found: FoundModels, entries: list[ModelEntry]) -> Iterator[str]:
    """What seems to be wrong with a download, and what helps."""
    if entries and _is_pointer(entries[0].file):
        yield f"{entries[0].model_id} is only a pointer of Git LFS; fetch the files: git lfs pull"
    if missing := found.opened.source.find_missing(found.opened.tree):
        yield missing
    if whole := find_whole(found.opened):
        title = whole.source.title
        yield f"this is a part of {title}; name the whole to get its classes: {whole.tree}"


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def _list_counts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.most_common(10)) or "none"


def _is_pointer(file: ModelFile) -> bool:
    try:
        return is_pointer(file.read(MAX_POINTER_BYTES))
    except (OSError, ValueError, Hindrance):
        return False


def find_bindings(found: FoundModels) -> list[str]:
    """Lines of gin that render these models.

    Classes that have too few for the usual number of buckets are left out, unless all have.
    """
    lines = [f"assets.models = {str(found.path)!r}"]
    lines += [f"assets.source = {found.forced!r}"] * bool(found.forced)
    lines += ["assets.up_axis = 'z'"] * (found.opened.source.usual_up == "z")
    n_buckets = Object().n_buckets
    there = {c: {e.model_id: e for e in entries} for c, entries in found.classes.items() if entries}
    enough = {c: ids for c, ids in there.items() if len(ids) >= n_buckets} or there
    names = Counter(c.name for c in found.classes)
    chosen = [c.name if names[c.name] == 1 else c.key for c in enough][:BACKDROP_PASS_INDEX]
    if chosen and not set(chosen) >= set(DEFAULT_CLASSES):
        lines += [f"sample.classes = {chosen}", f"sample.class_idxs = {len(chosen)}"]
    working = find_num_buckets(dict(enumerate(enough.values())), n_buckets)
    return lines + [f"object.n_buckets = {working}"] * (0 < working < n_buckets)


def to_catalog(found: FoundModels, classes: list[ModelClass]) -> Catalog:
    """A catalog of all models of some classes, in one bucket; their ids are their places here."""
    numbered = dict(enumerate(classes))
    return Catalog(
        models_path=found.path,
        layout=found.forced,
        textures_path=None,
        is_demo=(False, False),
        synset_ids={k: c.key for k, c in numbered.items()},
        class_names={k: c.name for k, c in numbered.items()},
        entries={k: {e.model_id: e for e in found.classes[c]} for k, c in numbered.items()},
        textures=(),
        n_buckets=1,
        up_axis=found.opened.source.usual_up,
    )
