"""Measures what a sample's plan costs at the first and at the last index of large designs.

python benchmarks/designs.py
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.shared import FOLDERS, tabulate
from synrender.api.functions import load_sources
from synrender.assets.catalog import Catalog
from synrender.sampling.sample_plan import draw_sample
from synrender.settings.groups import Settings
from synrender.settings.load import load_settings

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
    rows = []
    for kind, bindings in DESIGNS.items():
        size = [f"object.total_num_samples = {NUM_SAMPLES}", f"design.kind = '{kind}'"]
        settings = load_settings(["render_single"], [*SPREAD, *size, *bindings])
        sources = load_sources(settings, FOLDERS)
        first, last = (measure_ms(*sources, idx) for idx in (0, NUM_SAMPLES - NUM_DRAWS))
        rows.append((kind, f"{first:.2f}", f"{last:.2f}", f"{last / first:.2f}"))
    head = "design", "index 0, ms", f"index {NUM_SAMPLES - NUM_DRAWS:,}, ms", "ratio"
    print(tabulate(head, rows), end="")


if __name__ == "__main__":
    main()
