"""What 3DIEBench costs, ours beside a plain script of the same scene, on one core.

python benchmarks/threediebench.py [--samples 50] [--scenes 10] [--side 256]

The plain script does what the published one does with BlenderProc: 100 samples a pixel, a denoiser,
three bounces, and Blender's other settings. It imports a model and renders one view of it. Ours is
the recipe. Each is measured at several numbers of samples, and compared at equal error. Both have
the same models, poses and lights. Seconds are of CPU time, with one thread. Each way's error is
that of its 8-bit images against its own scenes at 1024 samples a pixel without a denoiser. Writes
threediebench.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

BENCHMARKS_DIR = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCHMARKS_DIR.parent))

from benchmarks.shared import (  # noqa: E402
    create_rig,
    measure_psnr_db,
    pin_to_one_cpu,
    print_result,
    run_apart,
)
from synrender.assets.catalog import Catalog  # noqa: E402
from synrender.sampling.sample_plan import SamplePlan  # noqa: E402

TOTAL = 2_623_600
SAMPLES = {"plain": (25, 50, 100), "ours": (8, 16, 32, 64, 128)}
PLAIN_BOUNCES = 3
REFERENCE_SAMPLES = 1024
PUBLISHED_HOURS = 500
"""Of one V100, by the authors' estimate."""


# --- in processes of their own --------------------------------------------------------------------


def render_all(spec: dict[str, Any]) -> list[float]:
    """Renders samples into ``<idx>.png``; returns the CPU seconds of each.

    Args:
        spec: ``way``, "ours" or "plain"; ``idxs``; ``folder``; ``side`` in px; ``samples`` a pixel;
            ``is_reference``: without adaptive sampling and denoiser.
    """
    look = [f"rendering.resolution = {spec['side']}", "rendering.threads = 1"]
    look.append(f"rendering.render_samples = {spec['samples']}")
    rig = create_rig(["recipes/threediebench"], look)
    builder = rig.create_builder()

    def render_ours(plan: SamplePlan, path: Path) -> None:
        builder.build_sample(plan)
        if spec["is_reference"]:
            _set_reference(rig.scene)
        rig.render(path, plan.noise_seed)

    def render_plain(plan: SamplePlan, path: Path) -> None:
        import bpy

        scene = build_plain(plan, rig.catalog, spec["side"], spec["samples"])
        if spec["is_reference"]:
            _set_reference(scene)
        scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True)

    render, seconds = render_ours if spec["way"] == "ours" else render_plain, []
    for idx in [spec["idxs"][0], *spec["idxs"]]:  # the first one warms up
        start = time.process_time()
        render(rig.draw(idx), Path(spec["folder"], f"{idx}.png"))
        seconds.append(time.process_time() - start)
    return seconds[1:]


def _set_reference(scene: Any) -> None:
    scene.cycles.use_adaptive_sampling = scene.cycles.use_denoising = False


def build_plain(plan: SamplePlan, catalog: Catalog, side: int, num_samples: int) -> Any:
    """The scene of a sample by Blender's operators and default settings."""
    import bpy

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=False)
    bpy.ops.object.select_all(action="SELECT")
    bpy.ops.object.delete()
    scene, place, (shown,) = bpy.context.scene, plan.scene, plan.objects
    scene.render.engine, scene.render.image_settings.color_mode = "CYCLES", "RGB"
    scene.render.threads_mode, scene.render.threads = "FIXED", 1
    scene.render.resolution_x = scene.render.resolution_y = side
    scene.view_settings.view_transform = "Standard"
    scene.cycles.samples, scene.cycles.use_denoising = num_samples, True
    scene.cycles.max_bounces, scene.cycles.seed = PLAIN_BOUNCES, plan.noise_seed
    bpy.ops.mesh.primitive_plane_add(size=place.backdrop_size, location=(0, 0, place.ground_height))
    floor = bpy.data.materials.new("Floor")
    floor.diffuse_color = (*plan.backdrop_color, 1)
    bpy.context.object.data.materials.append(floor)
    bpy.ops.object.light_add(type="SUN")
    sun = bpy.context.object.data
    sun.energy, sun.angle = place.sun_energy, place.sun_angle
    bpy.ops.object.light_add(type="SPOT", location=plan.light_location)
    spot = bpy.context.object
    spot.rotation_euler = (-spot.location).to_track_quat("-Z", "Y").to_euler()
    spot.data.energy, spot.data.color = place.light_energy, plan.lights.color
    spot.data.spot_size, spot.data.shadow_soft_size = place.spot_angle, place.light_radius
    bpy.ops.object.camera_add(location=place.camera_location, rotation=place.camera_rotation)
    scene.camera = bpy.context.object
    file = catalog.model_file(shown.class_idx, shown.model.first)
    bpy.ops.object.select_all(action="DESELECT")
    bpy.ops.wm.obj_import(filepath=str(file.path), forward_axis="Y", up_axis="Z")
    parts = bpy.context.selected_objects
    bpy.context.view_layer.objects.active = parts[0]
    if len(parts) > 1:
        bpy.ops.object.join()
    bpy.ops.object.origin_set(type="ORIGIN_GEOMETRY", center="BOUNDS")
    obj = bpy.context.object
    obj.location, obj.rotation_euler = (0, 0, 0), plan.objects[0].euler
    return scene


# --- measuring ------------------------------------------------------------------------------------


def run_job(**spec: Any) -> list[float]:
    """Runs `render_all` in a process of its own, on one core."""
    return run_apart(__file__, "--job", json.dumps(spec))


def measure(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """A row for each way and number of samples: CPU seconds and PSNR."""
    import imageio.v3 as iio

    idxs = [k * (TOTAL // arguments.samples) for k in range(arguments.samples)]
    scenes = idxs[:: max(1, len(idxs) // arguments.scenes)][: arguments.scenes]
    points = [(way, num) for way, numbers in SAMPLES.items() for num in numbers]
    rows = []
    with tempfile.TemporaryDirectory() as parent:
        shared = {"side": arguments.side}
        for way in ("plain", "ours"):
            folder = Path(parent, f"reference_{way}")
            folder.mkdir()
            spec = {**shared, "way": way, "idxs": scenes, "folder": str(folder)}
            run_job(**spec, samples=arguments.reference, is_reference=True)
        for way, num in points:
            folder = Path(parent, f"{way}_{num}")
            folder.mkdir()
            spec = {**shared, "way": way, "idxs": idxs, "folder": str(folder)}
            seconds = run_job(**spec, samples=num, is_reference=False)
            psnr_db = []
            for idx in scenes:
                names = folder.name, f"reference_{way}"
                images = (iio.imread(Path(parent, name, f"{idx}.png")) for name in names)
                psnr_db.append(measure_psnr_db(*images))
            rows.append(
                {
                    "way": way, "samples": num, "cpu_s": float(np.mean(seconds)),
                    "median_s": float(np.median(seconds)), "psnr_db": float(np.mean(psnr_db)),
                }
            )  # fmt: skip
            print(rows[-1], flush=True)
    return rows


def find_cost(rows: list[dict[str, Any]], psnr_db: float) -> float:
    """CPU seconds of a way at an error, between its measured points."""
    errors, costs = (np.array([row[name] for row in rows]) for name in ("psnr_db", "cpu_s"))
    order = np.argsort(errors)
    return float(np.exp(np.interp(psnr_db, errors[order], np.log(costs[order]))))


def write_page(rows: list[dict[str, Any]], arguments: argparse.Namespace) -> None:
    """Writes threediebench.md."""
    ways = {way: [row for row in rows if row["way"] == way] for way in SAMPLES}
    least_db = min(max(row["psnr_db"] for row in of_way) for of_way in ways.values())
    plain_s, our_s = (find_cost(of_way, least_db) for of_way in ways.values())
    published, usual = (
        next(row for row in ways[way] if row["samples"] == num)
        for way, num in (("plain", 100), ("ours", 32))
    )
    usual_s, same_s = usual["cpu_s"], find_cost(ways["plain"], usual["psnr_db"])

    def hours(seconds: float) -> str:
        return f"{seconds * TOTAL / 3600:,.0f}"

    table = "\n".join(
        f"| {r['way']} | {r['samples']} | {r['cpu_s']:.2f} | {r['psnr_db']:.2f} | "
        f"{hours(r['cpu_s'])} |"
        for r in rows
    )
    (BENCHMARKS_DIR / "threediebench.md").write_text(
        f"""# What 3DIEBench costs

Written by `python benchmarks/threediebench.py`: {arguments.samples} samples of
`config/recipes/threediebench.gin` at {arguments.side} x {arguments.side} px, the built-in models,
one core, CPU time. Error over {arguments.scenes} of them, against {arguments.reference} samples a
pixel. Read ratios, not seconds.

| way | samples a pixel, at most | CPU seconds a sample | PSNR, dB | core-hours for {TOTAL:,} |
| --- | --- | --- | --- | --- |
{table}

With the recipe's own 32 samples ours takes {usual_s:.2f} s a sample, the plain script
{same_s:.2f} s at the same error: {hours(usual_s)} and {hours(same_s)} core-hours for the whole
set. At {least_db:.1f} dB, the least error that both reach, it is {our_s:.2f} s and {plain_s:.2f} s.
With its 100 samples the plain script takes {hours(published["cpu_s"])} core-hours. The authors
needed about {PUBLISHED_HOURS} hours of a V100.

The plain script imports a model for each sample; the published one renders 50 views of a model
before the next, which saves it the import. It does not clean models.
"""
    )


def main() -> None:
    """Measures, and writes the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--samples", type=int, default=50, help="samples of each way (50)")
    parser.add_argument("--scenes", type=int, default=10, help="of which the error is found (10)")
    parser.add_argument("--side", type=int, default=256, help="of the images, px (256)")
    parser.add_argument("--reference", type=int, default=REFERENCE_SAMPLES, help="samples a pixel")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        pin_to_one_cpu()
        print_result(lambda: render_all(json.loads(arguments.job)))
    write_page(measure(arguments), arguments)


if __name__ == "__main__":
    main()
