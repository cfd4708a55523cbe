"""What labels cost: CPU time of a default sample of several objects, and of its label passes.

    python benchmarks/labels.py [SAMPLES]

Renders the samples of ``render_multi`` (four objects, 128 x 128 px) on one CPU, without and with
passes, then derives all other labels from them, and prints CPU time for each sample: medians, which
other work on the machine hardly moves.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from synrender.assets.catalog import load_catalog
from synrender.blender.start import prepare_blender
from synrender.images.exr import read_exr
from synrender.labels.derive import Labels, SampleView
from synrender.sampling.sample_plan import draw_sample
from synrender.settings.label_table import LABELS, PASSES, list_fields
from synrender.settings.load import load_settings
from synrender.system.folders import find_folders

NO_CAMERA = np.eye(3), np.eye(4)
"""Of records without one of their own; those here have it."""

CASES = [(), *((name,) for name in PASSES), PASSES]


def main() -> None:
    num_samples = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    folders = find_folders(os.environ)
    settings = load_settings(["render_multi"])
    catalog = load_catalog(settings, folders)
    prepare_blender(folders.blender)
    from synrender.blender.build import Builder
    from synrender.blender.engine import render_frame, start_engine

    scene = start_engine(settings.rendering).scene
    builder = Builder(scene, settings, catalog, {})
    seconds: dict[tuple[str, ...], list[float]] = {case: [] for case in CASES}
    views = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.exr"
        for idx in range(num_samples):
            plan = draw_sample(settings, catalog, idx * settings.batch.cache_obj_frames)
            record = builder.build_sample(plan)  # imports the models, which all cases share
            for case in CASES:
                start = time.process_time()
                builder.build_sample(plan)
                render_frame(scene, path, plan.noise_seed, case)
                seconds[case].append(time.process_time() - start)
            image = read_exr(path)  # with all passes
            views.append(SampleView(record, NO_CAMERA, lambda image=image: image))
    base = statistics.median(seconds[()])
    print(f"{num_samples} samples, a default one takes {base:.3f} s")
    for case in CASES[1:]:
        extra = [a - b for a, b in zip(seconds[case], seconds[()], strict=True)]
        more = statistics.median(extra)
        print(f"{', '.join(case):<24} {1000 * more:6.1f} ms more, {100 * more / base:.1f} %")
    more = statistics.median(derive(view, views[k - 1]) for k, view in enumerate(views))
    print(f"{'all others, derived':<24} {1000 * more:6.1f} ms, {100 * more / base:.1f} %")


def derive(view: SampleView, partner: SampleView) -> float:
    """CPU time of all labels that need no pass, with flow to any other sample, s."""
    assert view.image.depth_m.shape == partner.image.depth_m.shape
    start = time.process_time()
    labels = Labels(view, lambda: partner)
    for name in list_fields(LABELS):
        getattr(labels, name)
    return time.process_time() - start


if __name__ == "__main__":
    main()
