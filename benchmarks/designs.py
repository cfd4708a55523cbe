"""Measures what a sample's plan costs at the first and at the last index of large designs.

python benchmarks/designs.py
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from synrender.assets.catalog import Catalog, load_catalog
from synrender.assets.places import ensure_demo_sources, open_assets
from synrender.sampling.sample_plan import draw_sample
from synrender.settings.groups import Settings
from synrender.settings.load import load_settings
from synrender.system.folders import find_folders

NUM_SAMPLES = 1_200_000_000
NUM_DRAWS = 200
SPREAD = ["object.random_viewpoint = 0.5", "lighting.r = 1", "sample.class_idxs = 10"]
DESIGNS = {
    "random": [],
    "grid": ["design.levels = {'azimuth': 1000, 'light_angle': 1000}", "design.repeats = 1200"],
    "one_at_a_time": ["design.levels = {'azimuth': 6, 'light_angle': 4}"],
    "twins": ["design.twins = ('azimuth', 'texture', 'light_angle')"],
    "shortcut": [
        "design.levels = {'class': 10, 'backdrop_texture': 10}",
        "design.shortcut = ('backdrop_texture', 'class')",
    ],
    "holdout": [
        "design.levels = {'class': 10, 'texture': 90}", "design.held_out = 90",
        "design.held_out_factors = ('class', 'texture')",
    ],
    "causal": [
        "design.levels = {'class': 10, 'texture': 10}", "design.parents = {'texture': 'class'}",
    ],
}  # fmt: skip


def measure_ms(settings: Settings, catalog: Catalog, first: int) -> float:
    """Median time of a plan over consecutive indexes from ``first``, ms."""
    draw_sample(settings, catalog, first)  # prepares the design, once
    times = []
    for idx in range(first, first + NUM_DRAWS):
        start = time.perf_counter()
        draw_sample(settings, catalog, idx)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def main() -> None:
    """Prints a row for each design."""
    folders = find_folders(os.environ)
    print(f"| design | index 0, ms | index {NUM_SAMPLES - NUM_DRAWS:,}, ms | ratio |")
    print("| --- | --- | --- | --- |")
    for kind, bindings in DESIGNS.items():
        size = [f"object.total_num_samples = {NUM_SAMPLES}", f"design.kind = '{kind}'"]
        settings = load_settings(["render_single"], [*SPREAD, *size, *bindings])
        ensure_demo_sources(settings, open_assets(settings, folders))
        catalog = load_catalog(settings, folders)
        first = measure_ms(settings, catalog, 0)
        last = measure_ms(settings, catalog, NUM_SAMPLES - NUM_DRAWS)
        print(f"| {kind} | {first:.2f} | {last:.2f} | {last / first:.2f} |", flush=True)


if __name__ == "__main__":
    main()
