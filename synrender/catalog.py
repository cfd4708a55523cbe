"""What there is to draw from: ShapeNet's models, dealt out to buckets, and DTD's textures.

Nothing is read on import; `load_catalog` lists folders and opens no model.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import paths
from synrender import demo
from synrender.errors import UserError, nearest_name
from synrender.settings import Settings

MODEL_FILE = Path("models", "model_normalized.obj")
LABELS_FILE = Path("labels", "labels_joint_anno.txt")
MAX_NAME_LENGTH = 64
"""Longest model id or texture name, in characters: records keep them at this width."""


@dataclass(frozen=True)
class Catalog:
    """Models and textures that samples are drawn from."""

    shapenet_dir: Path
    dtd_dir: Path | None  # None when no textures are used
    is_demo: tuple[bool, bool]  # whether the models, the textures are the built-in ones
    synset_ids: dict[int, str]  # by class id
    model_ids: dict[int, tuple[str, ...]]  # by class id, sorted; only classes that may appear
    textures: tuple[str, ...]  # names below images/, sorted; empty when none are used
    n_buckets: int

    def bucket_models(self, class_idx: int, bucket: int) -> tuple[str, ...]:
        """Models of a class that belong to a bucket: an even share, with none left out."""
        models = self.model_ids[class_idx]
        start, end = (len(models) * b // self.n_buckets for b in (bucket, bucket + 1))
        return models[start:end]

    def model_path(self, class_idx: int, model_id: str) -> Path:
        """OBJ file of a model."""
        return self.shapenet_dir / self.synset_ids[class_idx] / model_id / MODEL_FILE

    def texture_path(self, texture: str) -> Path:
        """Image file of a texture."""
        return self.dtd_dir / "images" / texture

    def to_provenance(self) -> dict:
        """Where models and textures come from, for `dataset.json`.

        The fingerprints are SHA-256 over the sorted names, which decide every draw.
        """
        models = {self.synset_ids[c]: list(ids) for c, ids in self.model_ids.items()}
        folders = (self.shapenet_dir, self.dtd_dir)
        sources = [
            f"demo, version {demo.DEMO_VERSION}" if is_demo else folder and str(folder)
            for folder, is_demo in zip(folders, self.is_demo, strict=True)
        ]
        versions = [source if d else None for source, d in zip(sources, self.is_demo, strict=True)]
        return {
            "models": {
                "source": sources[0],
                "num_models": {synset: len(ids) for synset, ids in models.items()},
                "fingerprint": _fingerprint([versions[0], models]),
            },
            "textures": {
                "source": sources[1],
                "num_textures": len(self.textures),
                "fingerprint": _fingerprint([versions[1], self.textures]),
            },
        }


def load_catalog(settings: Settings) -> tuple[Catalog, list[str]]:
    """Lists the models and textures that these settings draw from.

    Returns:
        The catalog, and lines to tell the user (that the demo set stands in, say).

    Raises:
        UserError: a folder that was set is missing or has not what it should; an unknown class;
            fewer models than buckets; fewer textures than a sample needs.
    """
    shapenet_dir, models_are_demo = _find_source(
        "SYNRENDER_SHAPENET_DIR", paths.SHAPENET_DIR, "ShapeNetCore.v2", "taxonomy.json"
    )
    synset_ids = _find_synsets(shapenet_dir, settings)
    model_ids = {c: _list_models(shapenet_dir / synset_ids[c]) for c in synset_ids}
    _check_enough_models(model_ids, settings)
    dtd_dir, textures_are_demo, textures = None, False, ()
    if settings.material.use_texture:
        dtd_dir, textures_are_demo = _find_source(
            "SYNRENDER_DTD_DIR", paths.DTD_DIR, "dtd", str(LABELS_FILE)
        )
        textures = _list_textures(dtd_dir)
        _check_enough_textures(dtd_dir, textures, settings)
    is_demo = (models_are_demo, textures_are_demo)
    n_buckets = settings.object.n_buckets
    catalog = Catalog(shapenet_dir, dtd_dir, is_demo, synset_ids, model_ids, textures, n_buckets)
    return catalog, _describe_demo(is_demo)


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


def _find_source(variable: str, explicit: str | None, name: str, needed: str) -> tuple[Path, bool]:
    """Folder of a source and whether it is the built-in demo one."""
    if explicit is not None:
        folder = Path(explicit).absolute()
        if not (folder / needed).is_file():
            problem = f"it has no {needed}" if folder.is_dir() else "there is no such folder"
            raise UserError(
                f"{variable} = {explicit}: {problem}; give the folder {name}, or unset it to "
                "look in the data folder and else use the demo set"
            )
        return folder, False
    folder = paths.DATA_DIR / name
    if (folder / needed).is_file():
        return folder, False
    if folder.exists():
        raise UserError(f"{folder}: it has no {needed}; complete it, or move it away")
    demo_dirs = demo.ensure_demo(paths.DATA_DIR / "demo_assets")
    return demo_dirs[0 if name == "ShapeNetCore.v2" else 1], True


def _describe_demo(is_demo: tuple[bool, bool]) -> list[str]:
    what = " and ".join(n for n, d in zip(("models", "textures"), is_demo, strict=True) if d)
    if not what:
        return []
    return [
        f"Using the built-in demo {what}; for ShapeNet and DTD put them into {paths.DATA_DIR} or "
        "set SYNRENDER_SHAPENET_DIR and SYNRENDER_DTD_DIR."
    ]


def _find_synsets(shapenet_dir: Path, settings: Settings) -> dict[int, str]:
    """Synset folder of every class that may appear, by class id."""
    taxonomy_path = shapenet_dir / "taxonomy.json"
    try:
        taxonomy = json.loads(taxonomy_path.read_text(encoding="utf-8"))
        synsets = [(entry["name"], entry["synsetId"]) for entry in taxonomy]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{taxonomy_path}: not ShapeNet's taxonomy ({error})") from None
    found = {}
    for class_idx in settings.sample.class_list:
        wanted = settings.sample.classes[class_idx]
        ids = [synset_id for name, synset_id in synsets if wanted in (name, synset_id)]
        if not ids:
            names = {n for pair in synsets for n in pair}
            raise UserError(
                f"sample.classes: {wanted!r} is no name or synset id in {taxonomy_path}"
                f"{nearest_name(wanted, names)}"
            )
        with_folder = [i for i in ids if (shapenet_dir / i).is_dir()]
        if not with_folder:
            raise UserError(
                f"class {wanted!r}: {shapenet_dir} has no folder {ids[0]}; unpack it there, or "
                "leave the class out of sample.class_idxs"
            )
        found[class_idx] = with_folder[0]
    return found


def _list_models(synset_dir: Path) -> tuple[str, ...]:
    with os.scandir(synset_dir) as entries:
        return tuple(sorted(e.name for e in entries if e.is_dir() and not e.name.startswith(".")))


def _list_textures(dtd_dir: Path) -> tuple[str, ...]:
    lines = (dtd_dir / LABELS_FILE).read_text(encoding="utf-8").splitlines()
    return tuple(sorted({line.split()[0] for line in lines if line.strip()}))


def _fingerprint(names: object) -> str:
    return hashlib.sha256(json.dumps(names, sort_keys=True).encode()).hexdigest()[:16]
