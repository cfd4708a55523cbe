"""Copies of models in which each face is there twice, as many of ShapeNet's have it.

Modelling programs write two-sided faces so: once as it is, and once the other way round. The
built-in models have none.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from synrender.catalog import MODEL_FILE, load_catalog
from synrender.sampling import draw_sample
from synrender.settings import Settings


def write_doubled_models(settings: Settings, idxs: Iterable[int], folder: Path) -> None:
    """Makes a folder in ShapeNet's layout in which the models that the samples show are doubled.

    The others are links to the originals, so that the same draws give the same models.

    Args:
        settings: of the samples.
        idxs: of the samples.
        folder: to make.
    """
    catalog, _ = load_catalog(settings)
    shown = {
        f"{catalog.synset_ids[plan.class_idx]}/{plan.model_ids[0]}"
        for idx in idxs
        for plan in draw_sample(settings, catalog, idx).objects
    }
    source = catalog.shapenet_dir
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
    """OBJ text with each face followed by its back, which has its normals turned round."""
    lines = text.splitlines()
    normals = [line.split()[1:4] for line in lines if line.startswith("vn ")]
    doubled = [f"vn {' '.join(str(-float(n)) for n in normal)}" for normal in normals]
    doubled += [line for line in lines if line.startswith("vn ")]  # the first half is turned
    for line in lines:
        if line.startswith("vn "):
            continue
        if not line.startswith("f "):
            doubled.append(line)
            continue
        front, back = [], []
        for corner in line.split()[1:]:
            place, *normal = corner.rsplit("/", 1) if corner.count("/") == 2 else (corner,)
            front.append("/".join([place, *(str(int(n) + len(normals)) for n in normal)]))
            back.append(corner)
        doubled += [f"f {' '.join(front)}", f"f {' '.join(reversed(back))}"]
    return "\n".join(doubled) + "\n"
