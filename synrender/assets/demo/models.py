"""All demo models, in the layout of ShapeNetCore.v2. Their shapes are in ``models.npz``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .writer import ModelPart, write_model

MODELS_FILE = Path(__file__).with_name("models.npz")
NUM_MODELS_PER_CLASS = 24
MODEL_STREAM = 1
STEP = 1e6
"""Coordinates are whole numbers of millionths in the file, and so exact."""

SYNSETS = {
    # class: (ShapeNet's synset id, ShapeNet's name)
    "airplane": ("02691156", "airplane,aeroplane,plane"),
    "bench": ("02828884", "bench"),
    "cabinet": ("02933112", "cabinet"),
    "car": ("02958343", "car,auto,automobile,machine,motorcar"),
    "chair": ("03001627", "chair"),
    "lamp": ("03636649", "lamp"),
    "motorcycle": ("03790512", "motorcycle,bike"),
    "sofa": ("04256520", "sofa,couch,lounge"),
    "table": ("04379243", "table"),
    "vessel": ("04530566", "vessel,watercraft"),
}


def write_models(shapenet_dir: Path, seed: int) -> None:
    """Writes taxonomy.json, and <synset>/<model>/models/model_normalized.obj for every model."""
    models = read_models()
    taxonomy = []
    for class_name, (synset_id, name) in SYNSETS.items():
        for model_idx in range(NUM_MODELS_PER_CLASS):
            stream = np.random.SeedSequence([seed, MODEL_STREAM, int(synset_id), model_idx])
            rng = np.random.Generator(np.random.PCG64(stream))
            folder = shapenet_dir / synset_id / create_model_id(class_name, model_idx)
            write_model(folder, next(models), float(rng.random()))
        taxonomy.append(
            {
                "synsetId": synset_id,
                "name": name,
                "children": [],
                "numInstances": NUM_MODELS_PER_CLASS,
            }
        )
    text = json.dumps(taxonomy, indent=1) + "\n"
    (shapenet_dir / "taxonomy.json").write_bytes(text.encode("ascii"))


def read_models() -> Iterator[list[ModelPart]]:
    """Parts of each model, class by class in the order of `SYNSETS`.

    Vertices and faces are stored as differences to the row before, which take a seventh of the
    space once they are compressed.
    """
    with np.load(MODELS_FILE, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    vertices = np.cumsum(arrays["vertex_steps"], axis=1).T / STEP
    faces = np.cumsum(arrays["face_steps"], axis=0, dtype=np.int64)
    parts = (
        ModelPart(name.decode(), material.decode(), part_vertices, part_faces)
        for name, material, part_vertices, part_faces in zip(
            arrays["part_name"],
            arrays["part_material"],
            np.split(vertices, np.cumsum(arrays["part_num_vertices"])[:-1]),
            np.split(faces, np.cumsum(arrays["part_num_faces"])[:-1]),
            strict=True,
        )
    )
    for num_parts in arrays["model_num_parts"]:
        yield [next(parts) for _ in range(num_parts)]


def create_model_id(class_name: str, model_idx: int) -> str:
    """A model id of 32 hex digits, as in ShapeNet."""
    return hashlib.md5(f"{class_name} {model_idx}".encode("ascii")).hexdigest()
