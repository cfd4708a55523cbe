"""Settings and catalogs for designs, without Blender."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from synrender.assets.catalog import Catalog
from synrender.assets.places import Place
from synrender.sampling.sample_plan import SamplePlan, draw_sample
from synrender.settings.factor_table import COLUMNS
from synrender.settings.groups import Settings
from synrender.settings.load import load_settings
from tests.assets.helpers import create_entries

NUM_CLASSES = 5


def create_catalog(
    n_buckets: int = 12, num_models: int = 60, num_classes: int = NUM_CLASSES
) -> Catalog:
    classes = range(num_classes)
    return Catalog(
        models_path=Path("shapenet"),
        layout="shapenet-v2",
        textures_path=Path("dtd"),
        is_demo=(False, False),
        synset_ids={c: f"synset{c}" for c in classes},
        class_names={c: f"class {c}" for c in classes},
        entries={c: create_entries(f"c{c}m{m:02d}" for m in range(num_models)) for c in classes},
        textures=tuple(f"kind/kind_{t:03d}.jpg" for t in range(40)),
        n_buckets=n_buckets,
        environments_place=Place(Path("environments"), True),
        environment_names={name: f"{name}.hdr" for name in ("sky", "studio", "sunset")},
    )


def create_settings(*bindings: str, total: int = 240, config: str = "render_single") -> Settings:
    size = (f"object.total_num_samples = {total}", f"batch.num_samples = {min(total, 20)}")
    return load_settings([config], [*size, "sample.class_idxs = 5", *bindings])


def draw(settings: Settings, idxs: range | None = None) -> list[SamplePlan]:
    catalog = create_catalog(settings.object.n_buckets)
    idxs = range(settings.object.total_num_samples) if idxs is None else idxs
    return [draw_sample(settings, catalog, idx) for idx in idxs]


def read_levels(plans: list[SamplePlan], *names: str) -> np.ndarray:
    """Levels of the first object, (n, len(names))."""
    columns = [COLUMNS.index(name) for name in names]
    return np.array([[plan.objects[0].factor_levels[c] for c in columns] for plan in plans])


def read_values(plans: list[SamplePlan], name: str) -> np.ndarray:
    """Values of a column of the first object, (n,)."""
    return np.array([plan.objects[0].factor_values[COLUMNS.index(name)] for plan in plans])


def find_differences(a: SamplePlan, b: SamplePlan) -> set[str]:
    """Names of what differs between two plans, but for their index."""
    found = {n for n in vars(a) if n not in ("idx", "objects") and vars(a)[n] != vars(b)[n]}
    for obj_a, obj_b in zip(a.objects, b.objects, strict=True):
        found |= {n for n in vars(obj_a) if repr(vars(obj_a)[n]) != repr(vars(obj_b)[n])}
    return found
