"""The available models, split into buckets, and textures (DTD).

Importing reads nothing from disk. `load_catalog` lists folders but opens no model file.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from synrender.assets import demo
from synrender.assets.model_file import ModelFile
from synrender.assets.provenance import ModelSource, Sources, TextureSource
from synrender.assets.sources.registry import OpenSource, open_source
from synrender.assets.sources.shapenet_v2 import SHAPENET_V2
from synrender.assets.sources.source import ModelClass, ModelEntry
from synrender.assets.sources.synsets import TAXONOMY_FILE
from synrender.assets.tree import Tree
from synrender.errors import UserError, nearest_name, shorten
from synrender.settings.checks import MAX_NAME_LENGTH, check_line
from synrender.settings.groups import Settings
from synrender.system.files import is_plain_name, read_small_file
from synrender.system.folders import (
    DTD_VARIABLE,
    SHAPENET_VARIABLE,
    Folders,
    to_absolute,
)

LABELS_FILE = Path("labels", "labels_joint_anno.txt")
_IMAGE_NAME = re.compile(r".*\.(png|jpe?g|bmp|webp|exr)(?=\s|$)", re.IGNORECASE)
MAX_LIST_BYTES = 1 << 26
"""64 MiB. DTD's list takes 0.4 MB."""

SHAPENET_NAME, DTD_NAME = "ShapeNetCore.v2", "dtd"
"""Names of the two folders inside the data folder."""


@dataclass(frozen=True)
class Catalog:
    """Models and textures that samples are drawn from."""

    models_path: Path  # of the folder or file that the models come from
    layout: str  # of it: the name of a source
    dtd_dir: Path | None  # None when no textures are used
    is_demo: tuple[bool, bool]  # for models and for textures: built-in demo set?
    synset_ids: dict[int, str]  # by class id; of other sources than ShapeNet, the class's key
    class_names: dict[int, str]  # by class id, as the source names them
    entries: dict[int, dict[str, ModelEntry]]  # by class id and model id; only what may appear
    textures: tuple[str, ...]  # names below images/, sorted; empty when none are used
    n_buckets: int

    @functools.cached_property
    def model_ids(self) -> dict[int, tuple[str, ...]]:
        """Models of each class id, sorted; only classes that may appear."""
        return {c: tuple(sorted(entries)) for c, entries in self.entries.items()}

    def bucket_models(self, class_idx: int, bucket: int) -> tuple[str, ...]:
        """Models of a class that belong to a bucket; the buckets share all models evenly."""
        models = self.model_ids[class_idx]
        start, end = (len(models) * b // self.n_buckets for b in (bucket, bucket + 1))
        return models[start:end]

    def model_file(self, class_idx: int, model_id: str) -> ModelFile:
        """File of a model."""
        return self.entries[class_idx][model_id].file

    def texture_path(self, texture: str) -> Path:
        """Image file of a texture."""
        if self.dtd_dir is None:
            raise ValueError("this catalog has no textures: material.use_texture is False")
        return self.dtd_dir / "images" / texture

    @functools.cached_property
    def sources(self) -> Sources:
        """Source folders of models and textures, with fingerprints of their sorted names."""
        models = {self.synset_ids[c]: list(ids) for c, ids in self.model_ids.items()}
        version = f"demo, version {demo.DEMO_VERSION}"
        models_are_demo, textures_are_demo = self.is_demo
        layout = None if self.layout == SHAPENET_V2.name else self.layout
        return Sources(
            ModelSource(
                version if models_are_demo else str(self.models_path),
                {synset: len(ids) for synset, ids in models.items()},
                _fingerprint([version if models_are_demo else layout, models]),
                self.layout,
            ),
            TextureSource(
                version if textures_are_demo else str(self.dtd_dir) if self.dtd_dir else None,
                len(self.textures),
                _fingerprint([version if textures_are_demo else None, self.textures]),
            ),
        )


def load_catalog(settings: Settings, folders: Folders) -> Catalog:
    """Lists the models and textures that these settings use. Writes nothing.

    If the demo set is used, it must exist already: see `ensure_demo_sources`.

    Raises:
        UserError: a configured folder is missing or incomplete; a class is unknown; there are
            fewer models than buckets, or fewer textures than a sample needs.
    """
    place = _find_models(settings, folders)
    opened = _open_models(place, settings)
    classes = _find_classes(opened, settings)
    entries = {c: _list_models(opened, found) for c, found in classes.items()}
    _check_enough_models(entries, settings)
    textures, names = None, ()
    if settings.material.use_texture:
        textures = _find_dtd(folders)
        names = _list_textures(textures.path)
        _check_enough_textures(textures.path, names, settings)
    return Catalog(
        models_path=place.path,
        layout=opened.source.name,
        dtd_dir=textures.path if textures else None,
        is_demo=(place.is_demo, bool(textures and textures.is_demo)),
        synset_ids={c: found.key for c, found in classes.items()},
        class_names={c: found.name for c, found in classes.items()},
        entries=entries,
        textures=names,
        n_buckets=settings.object.n_buckets,
    )


def ensure_demo_sources(settings: Settings, folders: Folders) -> list[str]:
    """Creates the demo set if it replaces missing models or textures; returns lines to print.

    The lines say where assets come from that nobody, or another layout than ShapeNet's, provides.

    Raises:
        UserError: a configured folder is missing or incomplete.
    """
    place = _find_models(settings, folders)
    found = {"models": place}
    if settings.material.use_texture:
        found["textures"] = _find_dtd(folders)
    lines = []
    if place.is_named:
        opened = _open_models(place, settings)
        lines.append(f"Models: {opened.source.title} in {opened.tree}.")
    what = " and ".join(name for name, place in found.items() if place.is_demo)
    if what:
        demo.ensure_demo(folders.demo)
        lines.append(
            f"Using the built-in demo {what}; to use ShapeNet and DTD, put them into "
            f"{folders.data} or set {SHAPENET_VARIABLE} and {DTD_VARIABLE}."
        )
    return lines


def _check_enough_models(entries: dict[int, dict[str, ModelEntry]], settings: Settings) -> None:
    n_buckets = settings.object.n_buckets
    for class_idx, ids in entries.items():
        if len(ids) < n_buckets:
            raise UserError(
                f"class {settings.sample.classes[class_idx]!r} has {len(ids)} models: each of the "
                f"{n_buckets} buckets needs one; add models, or set object.n_buckets = "
                f"{max(len(ids), 1)}"
            )


def _check_enough_textures(dtd_dir: Path, textures: tuple[str, ...], settings: Settings) -> None:
    num_objs = settings.sample.num_objs
    if len(textures) < num_objs + 1:
        raise UserError(
            f"{dtd_dir} has {len(textures)} textures: a sample of {num_objs} objects and the "
            f"backdrop needs {num_objs + 1}; add textures or lower sample.num_objs"
        )


@dataclass(frozen=True)
class _Place:
    """A folder of models or textures, or a file of models."""

    path: Path
    is_demo: bool
    is_named: bool = False  # by ``assets.models`` or its variable: its layout is to be recognized


def _find_models(settings: Settings, folders: Folders) -> _Place:
    if folders.models:
        return _Place(folders.models, False, True)
    if settings.assets.models:
        return _Place(to_absolute(settings.assets.models), False, True)
    return _find_place(SHAPENET_VARIABLE, folders.shapenet, folders, SHAPENET_NAME, TAXONOMY_FILE)


def _open_models(place: _Place, settings: Settings) -> OpenSource:
    if place.is_named:
        return open_source(place.path, settings.assets.source)
    if place.is_demo and not (place.path / TAXONOMY_FILE).is_file():
        raise UserError(
            f"{place.path / TAXONOMY_FILE}: missing; render.py and distributed_render.py make it"
        )
    return OpenSource(SHAPENET_V2, Tree(place.path))


def _find_dtd(folders: Folders) -> _Place:
    return _find_place(DTD_VARIABLE, folders.dtd, folders, DTD_NAME, str(LABELS_FILE))


def _find_place(
    variable: str, explicit: Path | None, folders: Folders, name: str, needed: str
) -> _Place:
    if explicit is not None:
        if not _is_complete(explicit, needed):
            problem = f"it has no {needed}" if explicit.is_dir() else "there is no such folder"
            raise UserError(
                f"{variable} = {explicit}: {problem}; set it to the folder {name}, or unset it "
                "to use the data folder or the demo set"
            )
        return _Place(explicit, False)
    folder = folders.data / name
    if _is_complete(folder, needed):
        return _Place(folder, False)
    if folder.exists():
        raise UserError(
            f"{folder}: it has no {needed}; add the missing files, or move the folder away"
        )
    return _Place(folders.demo / name, True)


def _is_complete(folder: Path, needed: str) -> bool:
    """Whether the needed file is there; the names of ShapeNet's synsets are known without it."""
    is_shapenet = needed == TAXONOMY_FILE
    return (folder / needed).is_file() or (is_shapenet and SHAPENET_V2.recognizes(Tree(folder)))


def _find_classes(opened: OpenSource, settings: Settings) -> dict[int, ModelClass]:
    """Every class that may appear, by class id."""
    classes = opened.list_classes()
    found = {}
    for class_idx in settings.sample.class_list:
        wanted = settings.sample.classes[class_idx]
        matches = [c for c in classes if wanted in (c.name, c.key)]
        if not matches:
            names = {name for c in classes for name in (c.name, c.key)}
            named_by = classes[0].named_by if classes else opened.tree
            raise UserError(
                f"sample.classes: {shorten(wanted)!r} is no name or synset id in "
                f"{named_by}{nearest_name(wanted, names)}"
            )
        with_models = [match for match in matches if match.is_there]
        if not with_models:
            raise UserError(
                f"class {shorten(wanted)!r}: {opened.tree} has no folder {matches[0].key}; unpack "
                f"it there{_advise_on_classes(classes, settings)}"
            )
        found[class_idx] = with_models[0]
        _refuse_bad_names(with_models[0])
    return found


def _refuse_bad_names(found: ModelClass) -> None:
    """Raises UserError if a class cannot be named in records, file names and tables."""
    try:
        check_line(found.name)
    except ValueError as rule:
        raise UserError(
            f"{found.named_by}: the class name {shorten(found.name)!r} {rule}; mend it"
        ) from None
    if len(found.key) > MAX_NAME_LENGTH:
        raise UserError(
            f"{found.named_by}: the synset id {shorten(found.key)!r} has more than "
            f"{MAX_NAME_LENGTH} characters; rename its folder, and mend it"
        )


def _advise_on_classes(classes: tuple[ModelClass, ...], settings: Settings) -> str:
    """What to type to render the classes that are there, if any are."""
    wanted = [settings.sample.classes[c] for c in settings.sample.class_list]
    there = {name for c in classes if c.is_there for name in (c.name, c.key)}
    found = [name for name in wanted if name in there]
    if not found:
        return ""
    return (
        f', or render the {len(found)} classes that are there: -p "sample.classes = {found}" and, '
        f'with render.py, "sample.class_idxs = {len(found)}", with distributed_render.py, '
        f"--num_classes {len(found)}"
    )


def _list_models(opened: OpenSource, found: ModelClass) -> dict[str, ModelEntry]:
    return {entry.model_id: entry for entry in opened.list_models(found)}


def _list_textures(dtd_dir: Path) -> tuple[str, ...]:
    """Names of all textures: paths below ``images/``, which none of them leaves."""
    path = dtd_dir / LABELS_FILE
    try:
        lines = read_small_file(path, MAX_LIST_BYTES).decode().splitlines()
    except ValueError as error:
        raise UserError(f"{path}: not DTD's list of images ({error}); restore it") from None
    names = sorted({_find_name(line.strip()) for line in lines if line.strip()})
    for name in names:
        if not all(map(is_plain_name, name.split("/"))):
            raise UserError(f"{path}: {name!a} is no path below images/; mend that line")
    return tuple(names)


def _find_name(line: str) -> str:
    """Path of an image, which may have blanks in it; categories follow it."""
    match = _IMAGE_NAME.match(line)
    return match[0] if match else line.split()[0]


def _fingerprint(names: object) -> str:
    return hashlib.sha256(json.dumps(names, sort_keys=True).encode()).hexdigest()[:16]
