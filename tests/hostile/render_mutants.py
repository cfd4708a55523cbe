"""Renders mutants one after the other in one Blender, and notes in a journal how each one ended.

python render_mutants.py CATALOG_DIR JOURNAL START END BINDINGS...: a child of `test_mutants`, which
starts the next one behind the mutant at which this one died. Pictures are in CATALOG_DIR/m00000.npy
and so on, (h, w, 3) float32.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
import traceback
from pathlib import Path

import numpy as np


def main(root: Path, journal: Path, start: int, end: int, more_bindings: list[str]) -> None:
    """Mutants ``start`` to ``end`` - 1 of those that stand below ``root``."""
    from synrender.assets.catalog import load_catalog
    from synrender.blender.batch import prepare_blender
    from synrender.sampling.sample_plan import AssetChoice, draw_sample
    from synrender.settings.load import load_settings
    from synrender.system.folders import Folders

    bindings = [
        "rendering.resolution = 24",
        "rendering.render_samples = 1",
        "rendering.threads = 1",
        "rendering.denoise = False",
        "rendering.render_exr = True",
        "object.n_buckets = 1",
        "material.use_emission = True",
        "sample.class_idxs = 1",
        "material.color_intensity = 0",
        *more_bindings,
    ]
    settings = load_settings(["render_single"], bindings)
    catalog = load_catalog(settings, Folders(root, root / "shapenet", root / "dtd"))
    prepare_blender(root / ".blender")
    from synrender.blender.build import Builder
    from synrender.blender.engine import render_frame, start_engine
    from synrender.images.scanline_exr import read_channels

    engine = start_engine(settings.rendering)
    plan = draw_sample(settings, catalog, 0)
    for idx in range(start, end):
        name = f"m{idx:05d}"
        with journal.open("a") as file:
            file.write(json.dumps({"idx": idx, "end": "died"}) + "\n")
        found = {"idx": idx, "end": "ok"}
        begin = time.monotonic()
        try:
            builder = Builder(engine.scene, settings, catalog, {})
            texture = next(t for t in catalog.textures if t.startswith(f"a/{name}."))
            obj = dataclasses.replace(
                plan.objects[0],
                model=AssetChoice((name, "good")),
                texture=AssetChoice((texture, "a/good2.png")),
            )
            mutated = dataclasses.replace(
                plan, objects=(obj,), backdrop_texture=AssetChoice(("a/good.png", "a/good2.png"))
            )
            record = builder.build_sample(mutated)
            image = root / f"{os.getpid()}.exr"
            render_frame(engine.scene, image, plan.noise_seed)
            _, channels = read_channels(image)
            by_name = {key.split(".", 1)[-1]: value for key, value in channels.items()}
            instance = by_name.get("IndexOB.X", by_name.get("Object Index.X"))  # since Blender 5
            rgb = np.stack([by_name[f"Combined.{c}"] for c in "RGB"], axis=-1)
            is_magenta = (rgb[..., 0] > 0.99) & (rgb[..., 1] < 0.01) & (rgb[..., 2] > 0.99)
            num_visible = int((instance == 1).sum())
            np.save(root / f"{name}.npy", rgb)
            found |= {"rejected": builder.rejected, "model": str(record["model_id"][0])}
            _, middle, longest = np.sort(np.ptp(record["bbox"][0], axis=0))
            is_thread = middle < longest / 100  # which no pixel's center need see
            if is_magenta.any():
                found["end"] = "magenta"
            elif (
                (num_visible == 0 and not is_thread)
                or not np.isfinite(rgb).all()
                or np.ptp(rgb) == 0
            ):
                found["end"] = "blank"
        except Exception:
            found |= {"end": "traceback", "text": traceback.format_exc()}
        found["seconds"] = time.monotonic() - begin
        with journal.open("a") as file:
            file.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
