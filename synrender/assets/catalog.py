"""The available models (ShapeNet, split into buckets) and textures (DTD).

Importing reads nothing from disk. `load_catalog` lists folders but opens no model file.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from synrender.assets import demo
from synrender.assets.model_file import ModelFile
from synrender.assets.provenance import ModelSource, Sources, TextureSource
from synrender.errors import UserError, nearest_name, shorten
from synrender.settings.checks import MAX_NAME_LENGTH, check_line
from synrender.settings.groups import Settings
from synrender.system.files import is_plain_name, read_small_file
from synrender.system.folders import DTD_VARIABLE, SHAPENET_VARIABLE, Folders
from synrender.system.json_text import read_json

MODEL_FILE = Path("models", "model_normalized.obj")
LABELS_FILE = Path("labels", "labels_joint_anno.txt")
_IMAGE_NAME = re.compile(r".*\.(png|jpe?g|bmp|webp|exr)(?=\s|$)", re.IGNORECASE)
MAX_LIST_BYTES = 1 << 26
"""64 MiB. ShapeNet's taxonomy takes 0.3 MB, DTD's list 0.4 MB."""

SHAPENET_NAME, DTD_NAME = "ShapeNetCore.v2", "dtd"
"""Names of the two folders inside the data folder."""


@dataclass(frozen=True)
class Catalog:
    """Models and textures that samples are drawn from."""

    shapenet_dir: Path
    dtd_dir: Path | None  # None when no textures are used
    is_demo: tuple[bool, bool]  # for models and for textures: built-in demo set?
    synset_ids: dict[int, str]  # by class id
    class_names: dict[int, str]  # by class id, as ShapeNet names them
    model_ids: dict[int, tuple[str, ...]]  # by class id, sorted; only classes that may appear
    textures: tuple[str, ...]  # names below images/, sorted; empty when none are used
    n_buckets: int

    def bucket_models(self, class_idx: int, bucket: int) -> tuple[str, ...]:
        """Models of a class that belong to a bucket; the buckets share all models evenly."""
        models = self.model_ids[class_idx]
        start, end = (len(models) * b // self.n_buckets for b in (bucket, bucket + 1))
        return models[start:end]

    def model_file(self, class_idx: int, model_id: str) -> ModelFile:
        """File of a model."""
        return ModelFile(self.shapenet_dir / self.synset_ids[class_idx] / model_id / MODEL_FILE)

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
        return Sources(
            ModelSource(
                version if models_are_demo else str(self.shapenet_dir),
                {synset: len(ids) for synset, ids in models.items()},
                _fingerprint([version if models_are_demo else None, models]),
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
    models = _find_shapenet(folders)
    classes = _find_classes(models.path, settings)
    model_ids = {c: _list_models(models.path / synset_id) for c, (synset_id, _) in classes.items()}
    _check_enough_models(model_ids, settings)
    textures, names = None, ()
    if settings.material.use_texture:
        textures = _find_dtd(folders)
        names = _list_textures(textures.path)
        _check_enough_textures(textures.path, names, settings)
    return Catalog(
        shapenet_dir=models.path,
        dtd_dir=textures.path if textures else None,
        is_demo=(models.is_demo, bool(textures and textures.is_demo)),
        synset_ids={c: synset_id for c, (synset_id, _) in classes.items()},
        class_names={c: name for c, (_, name) in classes.items()},
        model_ids=model_ids,
        textures=names,
        n_buckets=settings.object.n_buckets,
    )


def ensure_demo_sources(settings: Settings, folders: Folders) -> list[str]:
    """Creates the demo set if it replaces missing models or textures; returns lines to print.

    Raises:
        UserError: a configured folder is missing or incomplete.
    """
    found = {"models": _find_shapenet(folders)}
    if settings.material.use_texture:
        found["textures"] = _find_dtd(folders)
    what = " and ".join(name for name, place in found.items() if place.is_demo)
    if not what:
        return []
    demo.ensure_demo(folders.demo)
    return [
        f"Using the built-in demo {what}; to use ShapeNet and DTD, put them into {folders.data} "
        f"or set {SHAPENET_VARIABLE} and {DTD_VARIABLE}."
    ]


def _check_enough_models(model_ids: dict[int, tuple[str, ...]], settings: Settings) -> None:
    n_buckets = settings.object.n_buckets
    for class_idx, ids in model_ids.items():
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
    """A folder of models or textures."""

    path: Path
    is_demo: bool


def _find_shapenet(folders: Folders) -> _Place:
    needed = "taxonomy.json"
    return _find_place(SHAPENET_VARIABLE, folders.shapenet, folders, SHAPENET_NAME, needed)


def _find_dtd(folders: Folders) -> _Place:
    return _find_place(DTD_VARIABLE, folders.dtd, folders, DTD_NAME, str(LABELS_FILE))


def _find_place(
    variable: str, explicit: Path | None, folders: Folders, name: str, needed: str
) -> _Place:
    if explicit is not None:
        if not (explicit / needed).is_file():
            problem = f"it has no {needed}" if explicit.is_dir() else "there is no such folder"
            raise UserError(
                f"{variable} = {explicit}: {problem}; set it to the folder {name}, or unset it "
                "to use the data folder or the demo set"
            )
        return _Place(explicit, False)
    folder = folders.data / name
    if (folder / needed).is_file():
        return _Place(folder, False)
    if folder.exists():
        raise UserError(
            f"{folder}: it has no {needed}; add the missing files, or move the folder away"
        )
    return _Place(folders.demo / name, True)


def _find_classes(shapenet_dir: Path, settings: Settings) -> dict[int, tuple[str, str]]:
    """Synset id and ShapeNet name of every class that may appear, by class id."""
    synsets = _read_taxonomy(shapenet_dir / "taxonomy.json")
    found = {}
    for class_idx in settings.sample.class_list:
        wanted = settings.sample.classes[class_idx]
        matches = [(i, name) for name, i in synsets if wanted in (name, i)]
        if not matches:
            names = {n for pair in synsets for n in pair}
            raise UserError(
                f"sample.classes: {shorten(wanted)!r} is no name or synset id in "
                f"{shapenet_dir / 'taxonomy.json'}{nearest_name(wanted, names)}"
            )
        with_folder = [match for match in matches if (shapenet_dir / match[0]).is_dir()]
        if not with_folder:
            hint = _advise_on_classes(shapenet_dir, settings, synsets)
            raise UserError(
                f"class {shorten(wanted)!r}: {shapenet_dir} has no folder {matches[0][0]}; unpack "
                f"it there{hint}"
            )
        found[class_idx] = with_folder[0]
        _refuse_bad_names(shapenet_dir / "taxonomy.json", *with_folder[0])
    return found


def _refuse_bad_names(path: Path, synset_id: str, name: str) -> None:
    """Raises UserError if a class cannot be named in records, file names and tables."""
    try:
        check_line(name)
    except ValueError as rule:
        raise UserError(f"{path}: the class name {shorten(name)!r} {rule}; mend it") from None
    if len(synset_id) > MAX_NAME_LENGTH:
        raise UserError(
            f"{path}: the synset id {shorten(synset_id)!r} has more than {MAX_NAME_LENGTH} "
            "characters; rename its folder, and mend it"
        )


def _advise_on_classes(
    shapenet_dir: Path, settings: Settings, synsets: list[tuple[str, str]]
) -> str:
    """What to type to render the classes that are there, if any are."""
    wanted = [settings.sample.classes[c] for c in settings.sample.class_list]
    there = {n for pair in synsets if (shapenet_dir / pair[1]).is_dir() for n in pair}
    found = [name for name in wanted if name in there]
    if not found:
        return ""
    return (
        f', or render the {len(found)} classes that are there: -p "sample.classes = {found}" and, '
        f'with render.py, "sample.class_idxs = {len(found)}", with distributed_render.py, '
        f"--num_classes {len(found)}"
    )


def _read_taxonomy(path: Path) -> list[tuple[str, str]]:
    """(name, synset id) of every entry; ids are plain names, and so lead out of no folder."""
    try:
        taxonomy = read_json(path, MAX_LIST_BYTES)
        synsets = [(entry["name"], entry["synsetId"]) for entry in taxonomy]
    except FileNotFoundError:
        raise UserError(f"{path}: missing; render.py and distributed_render.py make it") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not ShapeNet's taxonomy ({error}); restore it") from None
    for name, synset_id in synsets:
        if not isinstance(name, str) or not isinstance(synset_id, str):
            names = f"{shorten(name)!r}, {shorten(synset_id)!r}"
            raise UserError(f"{path}: {names}: must both be texts; restore it")
        if not is_plain_name(synset_id):
            raise UserError(
                f"{path}: the synset id {shorten(synset_id)!r} is no folder name; restore it"
            )
    return synsets


def _list_models(synset_dir: Path) -> tuple[str, ...]:
    with os.scandir(synset_dir) as entries:
        names = sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
    for name in names:
        if not is_plain_name(name):
            raise UserError(f"{synset_dir}: the folder {name!a} needs a printable name; rename it")
    return tuple(names)


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
