"""All demo models, in the layout of ShapeNetCore.v2."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np

from .writer import Design, write_model

NUM_MODELS_PER_CLASS = 24
MODEL_STREAM = 1
DESIGN_PACKAGE = f"{__package__}.shapes"

SYNSETS = {
    # module in designs/: (ShapeNet's synset id, ShapeNet's name)
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
    """Write taxonomy.json, and <synset>/<model>/models/model_normalized.obj for every model."""
    taxonomy = []
    for module_name, (synset_id, name) in SYNSETS.items():
        designs = load_designs(module_name)
        for model_idx, create_design in enumerate(designs):
            stream = np.random.SeedSequence([seed, MODEL_STREAM, int(synset_id), model_idx])
            rng = np.random.Generator(np.random.PCG64(stream))
            folder = shapenet_dir / synset_id / create_model_id(module_name, model_idx)
            write_model(folder, create_design(), float(rng.random()))
        taxonomy.append(
            {"synsetId": synset_id, "name": name, "children": [], "numInstances": len(designs)}
        )
    text = json.dumps(taxonomy, indent=1) + "\n"
    (shapenet_dir / "taxonomy.json").write_bytes(text.encode("ascii"))


def load_designs(module_name: str) -> tuple[Callable[[], Design], ...]:
    """Functions that create the models of a class, one for each model, in order."""
    return import_module(f"{DESIGN_PACKAGE}.{module_name}").DESIGNS


def create_model_id(class_name: str, model_idx: int) -> str:
    """A model id of 32 hex digits, as in ShapeNet."""
    return hashlib.md5(f"{class_name} {model_idx}".encode("ascii")).hexdigest()
