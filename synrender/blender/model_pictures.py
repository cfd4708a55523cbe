"""Renders a picture of one model of each class, for a sheet that shows what a folder holds."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from synrender.assets.catalog import Catalog
from synrender.blender.start import prepare_blender
from synrender.errors import UserError
from synrender.sampling.draws import REST_EULER
from synrender.sampling.sample_plan import AssetChoice, SamplePlan, draw_sample
from synrender.settings.load import load_settings

MAX_TRIED = 20
"""Models of a class that are tried until one can be used."""

LOOK = (
    "rendering.resolution = 192",
    "rendering.render_samples = 16",
    "material.source = 'own'",
    "material.use_texture = False",
    "object.n_buckets = 1",
)
FULL_SCALE = 1.0
"""Of a thin rod; others are scaled so that the ball around them is as large as its, and in view."""

MIDDLE = (0.0, 0.0, -0.07)
"""What the camera looks at, m."""

GRAY, BACKDROP_GRAY = (0.6, 0.6, 0.6), (0.12, 0.12, 0.12)
"""Scene-linear: of a model whose file brings no color, and of what stands behind it."""


def render_models(
    catalog: Catalog, folder: Path, on_class: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, Path]:
    """Renders the first model of each class that can be used, all from the same side.

    Args:
        catalog: of models, in one bucket; each class has some.
        folder: for the pictures, and for what Blender itself writes.
        on_class: called as ``on_class(done, total)`` at the start and after each class.

    Returns:
        PNG files by the key of the class; none of a class whose first `MAX_TRIED` models are
        rejected.

    Raises:
        UserError: this Python has no Blender.
        OSError: a picture cannot be written.
    """
    if not catalog.entries:
        return {}
    prepare_blender(folder / "blender")
    from synrender.blender.build import Builder
    from synrender.blender.engine import render_frame, start_engine

    classes = (
        f"sample.classes = {[*catalog.synset_ids.values()]}",
        f"sample.class_idxs = {len(catalog.entries)}",
    )
    settings = load_settings(["render_single"], [*LOOK, *classes])
    engine = start_engine(settings.rendering)
    builder = Builder(engine.scene, settings, catalog, {})
    base, pictures = draw_sample(settings, catalog, 0), {}
    on_class(0, len(catalog.entries))
    for done, (class_idx, key) in enumerate(catalog.synset_ids.items(), start=1):
        with contextlib.suppress(UserError):  # that none can be used
            plan = _show(base, class_idx, catalog.model_ids[class_idx])
            size = np.ptp(builder.build_sample(plan)["bbox"][0], axis=0)
            scale = FULL_SCALE * float(size.max() / np.linalg.norm(size))
            shown = dataclasses.replace(plan.objects[0], scale=(scale,) * 3)
            builder.build_sample(dataclasses.replace(plan, objects=(shown,)))
            path = folder / f"{class_idx}.png"
            render_frame(engine.scene, path, base.noise_seed)
            pictures[key] = path
        on_class(done, len(catalog.entries))
    return pictures


def _show(base: SamplePlan, class_idx: int, model_ids: tuple[str, ...]) -> SamplePlan:
    """A plan like another one, but of a model of a class, turned and colored alike for all."""
    shown = dataclasses.replace(
        base.objects[0],
        class_idx=class_idx,
        model=AssetChoice(model_ids[:MAX_TRIED]),
        euler=REST_EULER,
        location=MIDDLE,
        color=GRAY,
    )
    return dataclasses.replace(base, objects=(shown,), backdrop_color=BACKDROP_GRAY)
