"""Renders mutants one after the other in one Blender, and notes in a journal how each one ended.

python render_mutants.py KIND FOLDER JOURNAL START END BINDINGS...: a child of `test_mutants` or
`test_model_mutants`, which starts the next one behind the mutant at which this one died. KIND is
what the folder holds, see `KINDS`. Pictures are in FOLDER/m00000.npy and so on, (h, w, 3) float32.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.assets.catalog import Catalog, create_catalog, load_catalog, with_own_classes
from synrender.assets.places import open_assets
from synrender.blender.batch import prepare_blender
from synrender.errors import UserError
from synrender.sampling.sample_plan import AssetChoice, SamplePlan, draw_sample
from synrender.settings.groups import Settings
from synrender.settings.load import load_settings
from synrender.system.folders import Folders

BINDINGS = (
    "rendering.resolution = 24",
    "rendering.render_samples = 1",
    "rendering.threads = 1",
    "rendering.denoise = False",
    "rendering.render_exr = True",
    "object.n_buckets = 1",
    "sample.class_idxs = 1",
    "material.color_intensity = 0",
)
WHITE = {"backdrop_color": (1, 1, 1)}
"""What is not magenta by chance."""


@dataclass(frozen=True)
class Trial:
    """A sample that shows a mutant."""

    settings: Settings
    catalog: Catalog
    plan: SamplePlan


# --- which sample shows a mutant ------------------------------------------------------------------


@functools.cache
def open_library(root: Path, more_bindings: tuple[str, ...]) -> Trial:
    bindings = [*BINDINGS, "material.use_emission = True", *more_bindings]
    settings = load_settings(["render_single"], bindings)
    catalog = load_catalog(settings, Folders(root, root / "shapenet", root / "dtd"))
    return Trial(settings, catalog, draw_sample(settings, catalog, 0))


def plan_of_library(root: Path, idx: int, more_bindings: tuple[str, ...]) -> Trial:
    """The model ``m00000`` of a ShapeNet and the texture ``a/m00000`` of a DTD."""
    trial, name = open_library(root, more_bindings), f"m{idx:05d}"
    texture = next(t for t in trial.catalog.textures if t.startswith(f"a/{name}."))
    obj = dataclasses.replace(
        trial.plan.objects[0],
        model=AssetChoice((name, "good")),
        texture=AssetChoice((texture, "a/good2.png")),
    )
    backdrop = AssetChoice(("a/good.png", "a/good2.png"))
    plan = dataclasses.replace(trial.plan, objects=(obj,), backdrop_texture=backdrop)
    return dataclasses.replace(trial, plan=plan)


def open_source(root: Path, bindings: list[str]) -> tuple[Settings, Catalog]:
    """What bindings name; they are right whatever the mutant is."""
    try:
        settings = load_settings(["render_single"], bindings)
    except UserError as error:
        raise AssertionError(error) from None
    opened = open_assets(settings, Folders(root))
    settings = with_own_classes(settings, opened)
    return settings, create_catalog(settings, opened)


def find_mutant(root: Path, idx: int) -> tuple[Path, str]:
    """The folder of a mutant and of other files of its kind, and the name of its file."""
    return next((root / f"m{idx:05d}").iterdir()), (root / f"m{idx:05d}.name").read_text()


def plan_of_models(root: Path, idx: int, more_bindings: tuple[str, ...]) -> Trial:
    """The model in ``m00000/`` whose file has the name in ``m00000.name``, or any model there.

    Raises:
        UserError: there is none.
    """
    source, name = find_mutant(root, idx)
    bindings = [
        *BINDINGS, "material.source = 'own'", "material.use_texture = False",
        f"assets.models = {str(source)!r}", f"design.fixed = {WHITE}", *more_bindings,
    ]  # fmt: skip
    settings, catalog = open_source(root, bindings)
    plan = draw_sample(settings, catalog, idx)
    stem, models = Path(name).stem, catalog.model_ids[plan.objects[0].class_idx]
    order = sorted(models, key=lambda m: m != stem) if stem in models else models
    obj = dataclasses.replace(plan.objects[0], model=AssetChoice(tuple(order)))
    return Trial(settings, catalog, dataclasses.replace(plan, objects=(obj,)))


def plan_of_environments(root: Path, idx: int, more_bindings: tuple[str, ...]) -> Trial:
    """The environment of ``m00000/`` whose file ``m00000.name`` names, around a ball.

    Raises:
        UserError: there is none.
    """
    source, name = find_mutant(root, idx)
    bindings = [
        *BINDINGS, "material.use_texture = False",
        f"design.fixed = {WHITE | {'environment': 'good', 'color': (1, 1, 1)}}",
        "scene.backdrop_size = 0.01", "scene.backdrop_location = (900, 0, 0)",
        f"assets.models = {str(root / 'ball')!r}", f"assets.environments = {str(source)!r}",
        *more_bindings,
    ]  # fmt: skip
    settings, catalog = open_source(root, bindings)
    plan, stem = draw_sample(settings, catalog, idx), Path(name).stem
    image = AssetChoice((stem, "good") if stem in catalog.environment_names else ("good",))
    environment = dataclasses.replace(plan.environment, image=image)
    return Trial(settings, catalog, dataclasses.replace(plan, environment=environment))


KINDS = {
    "library": plan_of_library,
    "models": plan_of_models,
    "environments": plan_of_environments,
}


# --- how it ends ----------------------------------------------------------------------------------


def main(kind: str, root: Path, journal: Path, span: range, more_bindings: list[str]) -> None:
    """The mutants of a span of those that stand below ``root``."""
    prepare_blender(root / ".blender")
    from synrender.blender.engine import start_engine

    bindings = [*BINDINGS, *more_bindings]
    engine = start_engine(load_settings(["render_single"], bindings).rendering)
    for idx in span:
        with journal.open("a") as file:
            file.write(json.dumps({"idx": idx, "end": "died"}) + "\n")
        found = {"idx": idx, "end": "ok"}
        begin = time.process_time()
        try:
            found |= render(KINDS[kind](root, idx, tuple(more_bindings)), engine.scene, root, idx)
        except UserError as error:
            found |= {"end": "line", "rejected": {kind: str(error)}}
        except Exception:
            found |= {"end": "traceback", "text": traceback.format_exc()}
        found["seconds"] = time.process_time() - begin
        with journal.open("a") as file:
            file.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    os._exit(0)


def render(trial: Trial, scene, root: Path, idx: int) -> dict:
    """Renders a sample, and judges its picture."""
    from synrender.blender.build import Builder
    from synrender.blender.engine import render_frame
    from synrender.images.scanline_exr import read_channels

    builder = Builder(scene, trial.settings, trial.catalog, {})
    record = builder.build_sample(trial.plan)
    # The map of directions that light comes from takes 1 s of any image, unless it is small.
    scene.world.cycles.sampling_method, scene.world.cycles.sample_map_resolution = "MANUAL", 64
    image = root / f"{os.getpid()}.exr"
    render_frame(scene, image, trial.plan.noise_seed)
    _, channels = read_channels(image)
    by_name = {key.split(".", 1)[-1]: value for key, value in channels.items()}
    instance = by_name.get("IndexOB.X", by_name.get("Object Index.X"))  # since Blender 5
    rgb = np.stack([by_name[f"Combined.{c}"] for c in "RGB"], axis=-1)
    np.save(root / f"m{idx:05d}.npy", rgb)
    is_magenta = (rgb[..., 0] > 0.99) & (rgb[..., 1] < 0.01) & (rgb[..., 2] > 0.99)
    _, middle, longest = np.sort(np.ptp(record["bbox"][0], axis=0))
    is_thread = middle < longest / len(rgb)  # so thin that no pixel's center need see it
    # An environment of damaged pixels may have some that are magenta; one that is missing has all.
    has_sky = bool(trial.plan.environment.image.candidates)
    end = "ok"
    if is_magenta.sum() > (has_sky and (instance == 0).sum() / 2):
        end = "magenta"
    elif (
        (not (instance == 1).any() and not is_thread)
        or not np.isfinite(rgb).all()
        or np.ptp(rgb) == 0
    ):
        end = "blank"
    return {"end": end, "rejected": builder.rejected, "model": str(record["model_id"][0])}


if __name__ == "__main__":
    _kind, _root, _journal, _start, _end, *_bindings = sys.argv[1:]
    main(_kind, Path(_root), Path(_journal), range(int(_start), int(_end)), _bindings)
