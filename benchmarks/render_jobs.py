"""The jobs that benchmarks/render.py runs in separate processes.

python render_jobs.py JSON

Each job is pinned to the CPUs that it is given and prints its result as the last line, in JSON. Our
own code draws all samples, also those that the plain loop renders.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.shared import FOLDERS, create_rig, print_result
from synrender.api.functions import load_sources
from synrender.assets.catalog import Catalog
from synrender.blender.start import prepare_blender
from synrender.dataset.folder import DatasetFolder
from synrender.sampling.sample_plan import draw_sample
from synrender.settings.groups import Settings
from synrender.settings.load import load_settings

REFERENCE_SEED = 12345678
"""Noise seed of the references; no sample uses it."""

TINY_PERCENT = 6
"""Size of a tiny frame, in percent of the side: 8 of 128 pixels."""

BLENDER_DEFAULTS = {
    "use_light_tree": True,
    "max_bounces": 12,
    "use_adaptive_sampling": True,
    "adaptive_threshold": 0.01,
    "adaptive_min_samples": 0,
    "light_sampling_threshold": 0.01,
    "denoising_prefilter": "ACCURATE",
}
"""Blender's defaults of what our engine sets differently."""


def measure_ours(spec: dict[str, Any]) -> dict[str, float]:
    """Renders a batch; the first sample only warms up."""
    from synrender.blender.batch import BatchTask, Watch, render_batch
    from synrender.dataset.claim import claim_dataset

    settings, catalog = _load(spec)
    ends: list[float] = []
    with tempfile.TemporaryDirectory() as parent:
        folder = DatasetFolder(Path(parent, "ours"), settings.rendering.render_exr)
        claim_dataset(folder, settings, catalog)
        task = BatchTask(settings, folder, catalog, FOLDERS.blender)
        render_batch(task, Watch(lambda done, total: ends.append(time.time())))
    return _summarize(spec, ends)


def measure_plain(spec: dict[str, Any]) -> dict[str, float]:
    """Renders a batch with the plain loop; the first sample only warms up."""
    settings, catalog = _load(spec)
    prepare_blender(FOLDERS.blender)
    from benchmarks.plain_loop import render_plain

    batch, suffix = settings.batch, ".exr" if settings.rendering.render_exr else ".png"
    ends = [time.time()]
    with tempfile.TemporaryDirectory() as folder:
        for idx in range(batch.idx_offset, batch.idx_offset + batch.num_samples):
            plan = draw_sample(settings, catalog, idx)
            render_plain(settings, catalog, plan, Path(folder, f"{idx:05d}{suffix}"))
            np.save(Path(folder, f"{idx:05d}.npy"), np.array(plan.light_location))
            ends.append(time.time())
    return _summarize(spec, ends)


def _summarize(spec: dict[str, Any], ends: list[float]) -> dict[str, float]:
    """Times of a run, from its start ``spec["start"]`` and the end times of its samples."""
    seconds = (ends[-1] - ends[1]) / (len(ends) - 2)
    return {
        "seconds": seconds,  # a sample
        "startup": ends[1] - spec["start"] - seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }


def measure_stages(spec: dict[str, Any]) -> dict[str, float]:
    """Seconds that each stage takes of a sample, medians over the batch.

    To tell Cycles' stages apart, each scene is rendered three times: as it is; without the
    denoiser; and without it only a few pixels at one sample, which leaves out the sampling.
    """
    from synrender.system.files import write_array

    rig = _Rig(spec)
    stages: dict[str, list[float]] = {}
    batch = rig.settings.batch
    suffix = ".exr" if rig.settings.rendering.render_exr else ".png"
    frame = rig.scene.render
    num_samples, is_denoised = rig.cycles.samples, rig.cycles.use_denoising
    import bpy

    from synrender.images.image_files import find_image_damage

    with tempfile.TemporaryDirectory() as folder:
        image, record_path = Path(folder, f"image{suffix}"), Path(folder, "record.npy")
        rig.build(batch.idx_offset)  # warms up
        rig.render(image)
        for idx in range(batch.idx_offset, batch.idx_offset + batch.num_samples):
            is_new = idx % batch.cache_obj_frames == 0
            if is_new:
                rig.forget_models()
            build, record = _time(lambda idx=idx: rig.build(idx))
            stages.setdefault("build_new" if is_new else "build_cached", []).append(build)

            def render() -> float:
                return _time(lambda: bpy.ops.render.render())[0]

            whole = render()

            def save(record: np.ndarray = record) -> None:
                bpy.data.images["Render Result"].save_render(str(image))
                assert find_image_damage(image) is None
                write_array(record_path, record)

            stages.setdefault("save", []).append(_time(save)[0])
            rig.cycles.use_denoising = False
            noisy = render()
            rig.cycles.samples, frame.resolution_percentage = 1, TINY_PERCENT
            sync = render()
            rig.cycles.samples, frame.resolution_percentage = num_samples, 100
            rig.cycles.use_denoising = is_denoised
            stages.setdefault("denoising", []).append(whole - noisy)
            stages.setdefault("sampling", []).append(noisy - sync)
            stages.setdefault("sync", []).append(sync)
    medians = {name: float(np.median(times)) for name, times in stages.items()}
    medians["import"] = (medians["build_new"] - medians["build_cached"]) / batch.cache_obj_frames
    return medians


def measure_quality(spec: dict[str, Any]) -> list[list[float]]:
    """Seconds and squared error of each variant, a row ``[seconds, mse]`` for each scene.

    Args:
        spec: ``idxs``, the scenes; ``references``, folder of the images of
            `render_references`; ``base``: "ours", "blender" for Blender's own settings on our
            scenes, or "plain" for the plain loop; ``variant``: attributes of ``scene.cycles`` other
            than those; ``has_dither``: Blender's default for 8-bit files; ``images``: folder to
            keep the images in, or none.
    """
    import imageio.v3 as iio

    rig = _create_rig(spec)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for k, idx in enumerate(spec["idxs"]):
            path = Path(spec.get("images", folder), f"{idx:05d}.png")
            rig.build(idx)
            rig.scene.render.dither_intensity = float(spec["has_dither"])
            for name, value in spec["variant"].items():
                setattr(rig.cycles, name, value)
            if k == 0:
                rig.render(path)  # warms up
            seconds, _ = _time(lambda path=path: rig.render(path))
            reference = iio.imread(Path(spec["references"], f"{idx:05d}.png")).astype(float)
            rows.append([seconds, float(((iio.imread(path) - reference) ** 2).mean())])
    return rows


def render_references(spec: dict[str, Any]) -> int:
    """Renders the reference images that are not there yet: Blender's settings, but more samples.

    The light tree is off: it changes the noise, not the image that it converges to.
    """
    rig = _Rig(spec)
    rig.set_blender_defaults()
    num_rendered = 0
    for idx in spec["idxs"]:
        path = Path(spec["references"], f"{idx:05d}.png")
        if not path.exists():
            rig.build(idx)
            rig.scene.render.dither_intensity = 0
            rig.cycles.use_light_tree = rig.cycles.use_adaptive_sampling = False
            rig.cycles.use_denoising = False
            temporary = path.with_name(f".{path.name}")
            rig.render(temporary, REFERENCE_SEED)
            temporary.rename(path)
            num_rendered += 1
    return num_rendered


def _create_rig(spec: dict[str, Any]) -> _Rig | _PlainRig:
    if spec["base"] == "plain":
        return _PlainRig(spec)
    rig = _Rig(spec)
    if spec["base"] == "blender":
        rig.set_blender_defaults()
    return rig


class _Rig:
    """Our own builder and engine, sample by sample."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._rig = create_rig(spec["config"], spec.get("bindings", ()))
        self.settings, self.scene = self._rig.settings, self._rig.scene
        self.cycles = self.scene.cycles
        self.forget_models()

    def forget_models(self) -> None:
        """Makes the next sample import its models again."""
        self._builder = self._rig.create_builder()

    def build(self, idx: int) -> np.ndarray:
        plan = self._rig.draw(idx)
        self.cycles.seed = self._seed = plan.noise_seed
        return self._builder.build_sample(plan)

    def set_blender_defaults(self) -> None:
        for name, value in BLENDER_DEFAULTS.items():
            setattr(self.cycles, name, value)

    def render(self, path: Path, seed: int | None = None) -> None:
        self._rig.render(path, self._seed if seed is None else seed)


class _PlainRig:
    """The plain loop's scenes, sample by sample."""

    def __init__(self, spec: dict[str, Any]) -> None:
        prepare_blender(FOLDERS.blender)
        self.settings, self._catalog = _load(spec)

    @property
    def scene(self) -> Any:
        import bpy

        return bpy.context.scene  # a new one for each sample

    @property
    def cycles(self) -> Any:
        return self.scene.cycles

    def build(self, idx: int) -> None:
        from benchmarks.plain_loop import build_plain

        plan = draw_sample(self.settings, self._catalog, idx)
        build_plain(self.settings, self._catalog, plan)
        self._seed = plan.noise_seed

    def render(self, path: Path, seed: int | None = None) -> None:
        import bpy

        self.cycles.seed = self._seed if seed is None else seed
        self.scene.render.use_file_extension = False
        self.scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True)


def _load(spec: dict[str, Any]) -> tuple[Settings, Catalog]:
    return load_sources(load_settings(spec["config"], spec.get("bindings", ())), FOLDERS)


def _time(function: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


JOBS = {
    job.__name__: job
    for job in (measure_ours, measure_plain, measure_stages, measure_quality, render_references)
}

if __name__ == "__main__":
    spec = json.loads(sys.argv[1])
    if spec["cpus"]:
        os.sched_setaffinity(0, spec["cpus"])
    print_result(lambda: JOBS[spec["job"]](spec))
