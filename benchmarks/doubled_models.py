"""Copies models so that they have each face twice, as many of ShapeNet's models do.

Modeling programs write a two-sided face this way: once as it is, and once reversed. The built-in
models have none.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from synrender.assets.catalog import load_catalog
from synrender.assets.sources.shapenet import MODEL_FILE
from synrender.sampling.sample_plan import draw_sample
from synrender.settings.groups import Settings
from synrender.system.folders import Folders


def write_doubled_models(
    settings: Settings,
    folders: Folders,
    idxs: Iterable[int],
    folder: Path,
    num_each: int | None = None,
) -> None:
    """Makes a folder in ShapeNet's layout in which the models that the samples show are doubled.

    The others are links to the originals, so that the same draws give the same models.

    Args:
        settings: settings of the samples.
        folders: where the originals are.
        idxs: indexes of the samples.
        folder: folder to make.
        num_each: how many of a sample's models to double; None: all.
    """
    catalog = load_catalog(settings, folders)
    shown = {
        f"{catalog.synset_ids[plan.class_idx]}/{plan.model.first}"
        for idx in idxs
        for plan in draw_sample(settings, catalog, idx).objects[:num_each]
    }
    source = catalog.models_path
    folder.mkdir(parents=True)
    (folder / "taxonomy.json").write_bytes((source / "taxonomy.json").read_bytes())
    for original in sorted(source.glob("*/*")):
        name = f"{original.parent.name}/{original.name}"
        (folder / name).parent.mkdir(exist_ok=True)
        if name in shown:
            target = folder / name / MODEL_FILE
            target.parent.mkdir(parents=True)
            target.write_text(double_faces((original / MODEL_FILE).read_text()))
        else:
            os.symlink(original.resolve(), folder / name)


def double_faces(text: str) -> str:
    """OBJ text with each face followed by its reversed copy, which has negated normals."""
    lines = text.splitlines()
    normals = [line for line in lines if line.startswith("vn ")]
    turned = [f"vn {' '.join(str(-float(n)) for n in line.split()[1:4])}" for line in normals]
    doubled = normals + turned
    for line in lines:
        if line.startswith("vn "):
            continue
        doubled.append(line)
        if line.startswith("f "):
            back = [_turn_corner(corner, len(normals)) for corner in reversed(line.split()[1:])]
            doubled.append(f"f {' '.join(back)}")
    return "\n".join(doubled) + "\n"


def _turn_corner(corner: str, num_normals: int) -> str:
    """A corner such as ``5//3`` with the turned normal; one without a normal stays."""
    if corner.count("/") < 2:
        return corner
    rest, normal = corner.rsplit("/", 1)
    return f"{rest}/{int(normal) + num_normals}"
