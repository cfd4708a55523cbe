"""What labels, environments and unused factors cost, in CPU time, which other work hardly moves.

    python benchmarks/costs.py labels [SAMPLES]
    python benchmarks/costs.py environments [SCENES]
    python benchmarks/costs.py before FOLDER [ROUNDS]

``labels``: a default sample of several objects on one CPU, without and with label passes, and all
other labels, which are derived from them.

``environments``: a default sample of one object with each built-in environment, and with a sky that
has a sun of the real size, for several maps by which Cycles chooses directions of light; with the
error at 64 x 64 px against 1024 samples a pixel.

``before``: drawing, building and rendering default samples, by this version and in turns by a
checkout of an earlier one, such as that of ``git worktree add /tmp/before COMMIT``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as iio
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.shared import (
    PROJECT_DIR,
    Rig,
    create_rig,
    measure_psnr_db,
    pin_to_one_cpu,
    tabulate,
)
from synrender.assets.demo.environments import SKY_SUN, sky, write_environments
from synrender.images.environment import find_directions
from synrender.images.exr import read_exr
from synrender.images.radiance import encode_radiance
from synrender.labels.derive import Labels, SampleView
from synrender.sampling.sample_plan import SamplePlan
from synrender.settings.label_table import LABELS, PASSES, list_fields
from synrender.system.console import captured_output


def draw_plans(rig: Rig, num_samples: int) -> list[SamplePlan]:
    """Plans of the first sample of each of some groups."""
    group_size = rig.settings.batch.cache_obj_frames
    return [rig.draw(k * group_size) for k in range(num_samples)]


# --- labels ---------------------------------------------------------------------------------------

NO_CAMERA = np.eye(3), np.eye(4)
"""Of records without one of their own; those here have it."""

CASES = [(), *((name,) for name in PASSES), PASSES]


def measure_labels(num_samples: int = 40) -> list[str]:
    """Lines on the cost of the label passes and of all other labels."""
    rig = create_rig(["render_multi"])
    builder = rig.create_builder()
    seconds: dict[tuple[str, ...], list[float]] = {case: [] for case in CASES}
    views = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.exr"
        for plan in draw_plans(rig, num_samples):
            record = builder.build_sample(plan)  # imports the models, which all cases share
            for case in CASES:
                start = time.process_time()
                builder.build_sample(plan)
                rig.render(path, plan.noise_seed, case)
                seconds[case].append(time.process_time() - start)
            image = read_exr(path)  # with all passes
            views.append(SampleView(record, NO_CAMERA, lambda image=image: image))
    base = statistics.median(seconds[()])
    lines = [f"{num_samples} samples, a default one takes {base:.3f} s"]
    for case in CASES[1:]:
        extra = [a - b for a, b in zip(seconds[case], seconds[()], strict=True)]
        more = statistics.median(extra)
        lines.append(f"{', '.join(case):<24} {1000 * more:6.1f} ms, {100 * more / base:.1f} %")
    more = statistics.median(derive(view, views[k - 1]) for k, view in enumerate(views))
    lines.append(f"{'all others, derived':<24} {1000 * more:6.1f} ms, {100 * more / base:.1f} %")
    return lines


def derive(view: SampleView, partner: SampleView) -> float:
    """CPU time of all labels that need no pass, with flow to any other sample, s."""
    assert view.image.depth_m.shape == partner.image.depth_m.shape
    start = time.process_time()
    labels = Labels(view, lambda: partner)
    for name in list_fields(LABELS):
        getattr(labels, name)
    return time.process_time() - start


# --- environments ---------------------------------------------------------------------------------

LOOK = ("lighting.r = 1", "object.random_viewpoint = 0.5")
NUM_REFERENCE, REFERENCE_SEED, TINY_PERCENT = 1024, 12345678, 6
MAPS_PX = (512, 1024, 2048, 4096)
"""The last one is what Cycles takes of itself."""

EQUAL_DB, EQUAL_TIME = 1.4, 1.41
"""So much less error takes so many times the time, see README.md."""


def write_real_sky(path: Path) -> None:
    """The sky of the demo set at 2k, with as much sun, but from a disk of the real size."""
    directions = find_directions(1024, 2048)
    cosine = directions @ SKY_SUN
    image = np.where((cosine > np.cos(np.radians(5)))[..., None], (0.5, 0.6, 0.8), sky(directions))
    image[cosine > np.cos(np.radians(0.27))] = np.array([150, 140, 120]) * (4 / 0.27) ** 2
    path.write_bytes(encode_radiance(image))


def write_even_sky(path: Path) -> None:
    """The light of the demo set's sky, spread evenly over all directions."""
    radiance = sky(find_directions(256, 512))
    areas = np.cos(np.linspace(np.pi / 2, -np.pi / 2, 256))
    mean = np.average(radiance.mean(axis=1), axis=0, weights=areas)
    path.write_bytes(encode_radiance(np.tile(mean, (32, 64, 1))))


def measure_environments(num_scenes: int = 6) -> list[str]:
    """A table of time and error for each environment and map."""
    head = "around", "map, px", "CPU of a sample, ms", "map and image", "PSNR, dB", "at equal error"
    rows = []
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        write_environments(folder)
        write_even_sky(folder / "even.hdr")
        write_real_sky(folder / "real_sun.hdr")
        gray = measure_around("", folder, num_scenes)[0]
        rows.append(("gray", "", f"{1000 * gray.seconds:.0f}", "", f"{gray.psnr_db:.2f}", ""))
        for name in ("even", "sky", "studio", "sunset", "real_sun"):
            costs = measure_around(name, folder, num_scenes)
            finest = costs[-1]
            for cost in costs:
                more = cost.sync - gray.sync
                error = EQUAL_TIME ** ((finest.psnr_db - cost.psnr_db) / EQUAL_DB)
                ratio = cost.seconds * error / (finest.seconds - finest.sync + gray.sync)
                columns = (
                    name, f"{cost.map_px}{' (ours)' * cost.is_ours}", f"{1000 * cost.seconds:.0f}",
                    f"{1000 * more:.0f} ms, {100 * more / (cost.seconds - more):.0f} %",
                    f"{cost.psnr_db:.2f}", f"{ratio:.2f}",
                )  # fmt: skip
                rows.append(columns)
    return tabulate(head, rows).splitlines()


@dataclass(frozen=True)
class Cost:
    """Of a sample with an environment; medians over scenes, of the error the mean."""

    map_px: int
    is_ours: bool  # or for comparison
    seconds: float  # CPU time, 128 x 128 px
    sync: float  # of it, of what does not depend on the size of the image
    psnr_db: float  # 64 x 64 px


def measure_around(name: str, folder: Path, num_scenes: int) -> list[Cost]:
    """A cost for each of `MAPS_PX`; one alone without an environment."""
    around = (
        f"assets.environments = {str(folder)!r}",
        f"design.fixed = {{'environment': {name!r}}}",
    )
    bindings = (*LOOK, *around) if name else LOOK
    maps, path = MAPS_PX if name else (0,), folder / "image.png"
    small = Timer(num_scenes, *bindings, "rendering.resolution = 64")
    errors = {map_px: [] for map_px in maps}
    for plan in small.plans:
        small.render_reference(plan, path)
        reference = iio.imread(path)
        for map_px in maps:
            small.measure(plan, path, map_px)
            errors[map_px].append(measure_psnr_db(iio.imread(path), reference))
    usual = Timer(num_scenes, *bindings)
    usual.builder.build_sample(usual.plans[0])
    own_px = usual.rig.scene.world.cycles.sample_map_resolution  # of no meaning if it is gray
    costs = []
    for map_px in maps:
        seconds, sync = (
            statistics.median(usual.measure(plan, path, map_px, percent) for plan in usual.plans)
            for percent in (100, TINY_PERCENT)
        )
        costs.append(Cost(map_px, map_px == own_px, seconds, sync, statistics.mean(errors[map_px])))
    return costs


class Timer:
    """Renders single objects in an environment."""

    def __init__(self, num_scenes: int, *bindings: str) -> None:
        self.rig = create_rig(["render_single"], bindings)
        self.plans = draw_plans(self.rig, num_scenes)
        self.builder = self.rig.create_builder()

    def measure(self, plan: SamplePlan, path: Path, map_px: int = 0, percent: int = 100) -> float:
        """CPU time, s, of building and rendering a sample, with another map if one is given.

        A size below 100 % gives what does not depend on the size: one path for each of few pixels.
        """
        start, scene = time.process_time(), self.rig.scene
        self.builder.build_sample(plan)
        if map_px:
            scene.world.cycles.sample_map_resolution = map_px
        usual = self.rig.settings.rendering.render_samples
        scene.cycles.samples, scene.cycles.use_denoising = (
            (usual, True) if percent == 100 else (1, False)
        )
        scene.render.resolution_percentage = percent
        self.rig.render(path, plan.noise_seed)
        return time.process_time() - start

    def render_reference(self, plan: SamplePlan, path: Path) -> None:
        """Renders an image with hardly any noise."""
        scene = self.rig.scene
        self.builder.build_sample(plan)
        scene.world.cycles.sample_map_resolution = MAPS_PX[-1]
        scene.cycles.samples, scene.cycles.use_denoising = NUM_REFERENCE, False
        scene.cycles.use_adaptive_sampling = False
        self.rig.render(path, REFERENCE_SEED)
        scene.cycles.use_adaptive_sampling = True


# --- before ---------------------------------------------------------------------------------------

BEFORE = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from synrender.api.functions import load_sources
from synrender.blender.start import prepare_blender
from synrender.sampling.sample_plan import draw_sample
from synrender.settings.load import load_settings
from synrender.system.folders import find_folders

folders, settings = find_folders(os.environ), load_settings([sys.argv[2]], [])
catalog = load_sources(settings, folders)  # makes the demo set
if isinstance(catalog, tuple):  # since 1.0.0
    settings, catalog = catalog
prepare_blender(folders.blender)
from synrender.blender.build import Builder
from synrender.blender.engine import render_frame, start_engine

scene = start_engine(settings.rendering).scene
builder, path = Builder(scene, settings, catalog, {}), Path(sys.argv[3])
for idx in range(40):
    times = [time.process_time()]
    plan = draw_sample(settings, catalog, idx)
    times.append(time.process_time())
    builder.build_sample(plan)
    times.append(time.process_time())
    if idx < 12:
        render_frame(scene, path, plan.noise_seed)
    times.append(time.process_time())
    print("times", *(1000 * (b - a) for a, b in zip(times, times[1:])))
sys.stdout.flush()
os._exit(0)
"""
"""Prints CPU time of drawing, building and rendering samples, ms; runs in any version."""


def measure_before(folder: str, num_rounds: int = 4) -> list[str]:
    """A table of what a default sample takes in this version and in an earlier one."""
    head = "config", "stage", "earlier, ms", "now, ms", "more, share of a sample"
    rows = []
    for config in ("render_single", "render_multi"):
        runs: dict[str, list[np.ndarray]] = {folder: [], str(PROJECT_DIR): []}
        for _ in range(num_rounds):
            for version, times in runs.items():
                times.append(run_version(version, config))
        earlier, now = (
            np.min([np.median(t, axis=0) for t in times], axis=0) for times in runs.values()
        )
        for k, stage in enumerate(("draw", "build", "render")):
            more = f"{100 * (now[k] - earlier[k]) / earlier.sum():+.2f} %"
            rows.append((config, stage, f"{earlier[k]:.2f}", f"{now[k]:.2f}", more))
    return tabulate(head, rows).splitlines()


def run_version(version: str, config: str) -> np.ndarray:
    """Times of samples, (12, 3) ms."""
    with tempfile.TemporaryDirectory() as folder:
        suffix = "exr" if config == "render_multi" else "png"
        command = [sys.executable, "-c", BEFORE, version, config, f"{folder}/image.{suffix}"]
        done = subprocess.run(command, cwd=version, stdout=subprocess.PIPE, text=True, check=True)
    lines = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("times ")]
    return np.array(lines, float)[1:12]


COMMANDS = {
    "labels": measure_labels,
    "environments": measure_environments,
    "before": measure_before,
}

if __name__ == "__main__":
    pin_to_one_cpu()
    command, *arguments = sys.argv[1:]
    with captured_output():
        lines = COMMANDS[command](*(int(a) if a.isdecimal() else a for a in arguments))
    print("\n".join(lines))
