"""Measures render.py and distributed_render.py: speed, where time goes, and error of the images.

python benchmarks/render.py --compare        (`make bench`; 40 minutes on two cores)

Speed is measured in rounds, ours and the plain loop of benchmarks/plain_loop.py in turns, and given
as medians and ratios. Error is that of the 8-bit image against references of 4096 samples a pixel,
which are rendered once (half an hour more) and kept in benchmarks/references/.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

BENCHMARKS_DIR = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCHMARKS_DIR.parent))

from benchmarks.doubled_models import write_doubled_models  # noqa: E402
from benchmarks.shared import FOLDERS, run_apart, run_script, tabulate  # noqa: E402
from synrender.settings.groups import Settings  # noqa: E402
from synrender.settings.load import load_settings  # noqa: E402
from synrender.system.folders import SHAPENET_VARIABLE  # noqa: E402

NUM_REFERENCE_SAMPLES = 4096
CONFIGS = {"single": ["render_single"], "multi": ["render_multi"]}
FAST = ["fast"]

PLAIN_SWEEP, PLAIN_SAMPLES = "Blender's settings", 32
"""Settings of the plain loop, and its samples a pixel."""

DOUBLED = {"ours, doubled faces": "ours", "plain loop, doubled faces": "plain"}
"""Rows for models that have each face twice, at 32 samples a pixel, and the renderer of each."""

ONE_DOUBLED = "plain loop, one model with doubled faces"
"""Row for scenes in which one of the four models has doubled faces, at 32 samples a pixel."""

FAST_GUIDES, RAW_GUIDES = {"denoising_prefilter": "FAST"}, {"denoising_prefilter": "NONE"}
SWEEPS = {  # name: (whose settings, attributes of scene.cycles other than those, samples a pixel)
    "ours, prefilter fast": ("ours", FAST_GUIDES, (4, 6, 8, 12, 16, 24, 32, 40, 48, 64)),
    "ours, prefilter none": ("ours", RAW_GUIDES, (8, 16, 24, 32, 40, 48, 64)),
    "ours, no early stop": (
        "ours",
        FAST_GUIDES | {"use_adaptive_sampling": False},
        (24, 32, 48),
    ),
    "ours, no denoiser": ("ours", {"use_denoising": False}, (4, 8, 16, 32, 64)),
    PLAIN_SWEEP: ("blender", {}, (4, 8, 16, 24, PLAIN_SAMPLES, 64)),
}
OUR_SWEEPS = [sweep for sweep, (base, *_) in SWEEPS.items() if base == "ours"]


def one_core() -> list[int]:
    """The CPU that jobs on one core are pinned to."""
    return [min(os.sched_getaffinity(0))]


def run_job(job: str, cpus: Iterable[int], models: str = "", **spec: Any) -> Any:
    """Runs a function of render_jobs.py in a process of its own, pinned to CPUs if there are some.

    A folder of models is one in ShapeNet's layout.
    """
    spec |= {"job": job, "cpus": list(cpus), "start": time.time()}
    environment = {**os.environ, SHAPENET_VARIABLE: models} if models else None
    return run_apart("benchmarks/render_jobs.py", json.dumps(spec), env=environment)


# --- speed ----------------------------------------------------------------------------------------


def measure_speed(
    name: str, num_rounds: int, num_samples: int, is_compared: bool
) -> dict[str, list[dict[str, float]]]:
    """Runs `measure_ours` and `measure_plain` in turns; returns each one's results by round."""
    one, every = one_core(), []
    ways: dict[str, Callable[[list[str]], dict[str, float]]] = {
        "ours": lambda b: run_job("measure_ours", one, config=CONFIGS[name], bindings=b),
        "fast": lambda b: run_job("measure_ours", one, config=CONFIGS[name] + FAST, bindings=b),
    }
    if is_compared:
        ways |= {
            "plain": lambda b: run_job("measure_plain", one, config=CONFIGS[name], bindings=b),
            "plain, all cores": lambda b: run_job(
                "measure_plain", every, config=CONFIGS[name], bindings=b
            ),
        }
    results: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for k in range(num_rounds):
        # One extra sample to warm up, the last one of the group before.
        offset = (k + 1) * num_samples * 5 - 1
        bindings = [f"batch.idx_offset = {offset}", f"batch.num_samples = {num_samples + 1}"]
        for way, measure in ways.items():
            results[way].append(measure(bindings))
            print(f"{name}, round {k + 1}: {way} {results[way][-1]['seconds']:.3f} s", flush=True)
    return results


def measure_fan_out(name: str, counts: list[int]) -> list[dict[str, Any]]:
    """Rates of distributed_render.py over all CPUs, against the rate of one core alone.

    Also measures as many processes side by side, without Ray and without start-up: the cores share
    memory, so this is the upper limit.
    """
    cpus = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        # The demo models are made once a machine, not once a run.
        Path(folder, "demo_assets").symlink_to(FOLDERS.demo)
        more = ["--is_multi"] if name == "multi" else []
        seconds = {
            count: run_script(
                Path(folder), "distributed_render.py", "--quiet", "-d", f"bench{count}",
                *("-n", str(count), "--variants", "1-1-1-1", *more),
            )
            for count in counts
        }  # fmt: skip
        config = [str(next(Path(folder).glob(f"bench{counts[0]}_*/config.gin")))]
        num_each = counts[0] // len(cpus)

        def render(cpu: int) -> float:
            bindings = [
                f"batch.idx_offset = {cpus.index(cpu) * num_each}",
                f"batch.num_samples = {num_each}",
            ]
            return run_job("measure_ours", [cpu], config=config, bindings=bindings)["seconds"]

        alone = statistics.mean(map(render, cpus))
        with ThreadPoolExecutor(len(cpus)) as pool:
            together = statistics.mean(pool.map(render, cpus))
    return [
        {
            "samples": count,
            "rate": count / seconds[count],
            "efficiency": count / seconds[count] * alone / len(cpus),
            "ceiling": alone / together,
            "num_cpus": len(cpus),
        }
        for count in counts
    ]


# --- error ----------------------------------------------------------------------------------------


def measure_errors(num_scenes: int) -> list[dict[str, Any]]:
    """A row for each config and point of the sweeps: seconds, RMSE and PSNR, means over scenes."""
    rows = []
    for name, config in CONFIGS.items():
        settings = load_settings(config)
        group_size = settings.batch.cache_obj_frames  # each group has its own models
        idxs = [k * group_size for k in range(num_scenes // len(CONFIGS))]
        is_png = not settings.rendering.render_exr
        spec = {"config": config, "idxs": idxs}
        references = create_references(name, spec)
        for sweep, (base, variant, counts) in SWEEPS.items():
            dither = {"has_dither": is_png and base == "blender"}
            for count in counts:
                quality = {"base": base, "variant": {**variant, "samples": count}, **dither}
                rows.append(measure_point(name, sweep, spec, references, quality))
        with tempfile.TemporaryDirectory() as folder:
            spec["models"] = f"{folder}/models"
            write_doubled_models(settings, FOLDERS, idxs, Path(spec["models"]))
            for sweep, base in DOUBLED.items():
                images = BENCHMARKS_DIR / "references" / f"{name}_doubled_{base}"
                images.mkdir(exist_ok=True)
                quality = {"base": base, "variant": {"samples": PLAIN_SAMPLES}}
                quality |= {"has_dither": is_png and base == "plain", "images": str(images)}
                rows.append(measure_point(name, sweep, spec, references, quality))
        if settings.sample.num_objs > 1:
            rows.append(measure_one_doubled(name, settings, idxs, references))
    return rows


def measure_one_doubled(
    name: str, settings: Settings, idxs: list[int], references: str
) -> dict[str, Any]:
    """The row of the plain loop on scenes in each of which one model has doubled faces."""
    quality = {"base": "plain", "variant": {"samples": PLAIN_SAMPLES}, "has_dither": False}
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for idx in idxs:  # a model that is doubled in one scene may be clean in another
            models = f"{folder}/{idx}"
            write_doubled_models(settings, FOLDERS, [idx], Path(models), num_each=1)
            spec = {"config": CONFIGS[name], "idxs": [idx], "models": models}
            results += run_quality(spec, references, quality)
    return summarize_point(name, ONE_DOUBLED, PLAIN_SAMPLES, results)


def create_references(name: str, spec: dict[str, Any]) -> str:
    """Renders the references of a config that are not there yet; returns their folder."""
    folder = BENCHMARKS_DIR / "references" / f"{name}_{NUM_REFERENCE_SAMPLES}"
    folder.mkdir(parents=True, exist_ok=True)
    print(f"references in {folder.name}: {len(spec['idxs'])} scenes", flush=True)
    bindings = [
        "rendering.render_exr = False",
        f"rendering.render_samples = {NUM_REFERENCE_SAMPLES}",
    ]
    run_job("render_references", [], **spec, references=str(folder), bindings=bindings)
    return str(folder)


def measure_point(
    name: str, sweep: str, spec: dict[str, Any], references: str, quality: dict[str, Any]
) -> dict[str, Any]:
    """One row, from the job `measure_quality`."""
    results = run_quality(spec, references, quality)
    return summarize_point(name, sweep, quality["variant"]["samples"], results)


def run_quality(
    spec: dict[str, Any], references: str, quality: dict[str, Any]
) -> list[list[float]]:
    """Seconds and squared error of each scene, by the job `measure_quality`."""
    bindings = ["rendering.render_exr = False"]
    return run_job(
        "measure_quality", one_core(), **spec, **quality, references=references, bindings=bindings
    )


def summarize_point(
    name: str, sweep: str, num_samples: int, results: list[list[float]]
) -> dict[str, Any]:
    """One row, from what `run_quality` returns for its scenes."""
    seconds, mse = np.array(results).T
    row = {
        "config": name,
        "settings": sweep,
        "samples": num_samples,
        "scenes": len(results),
        "seconds": round(float(seconds.mean()), 4),
        "rmse": round(float(np.sqrt(mse).mean()), 4),
        "psnr_db": round(float((10 * np.log10(255**2 / mse)).mean()), 3),
        "lowest_psnr_db": round(float(10 * np.log10(255**2 / mse.max())), 3),
    }
    print(row, flush=True)
    return row


def write_curve(rows: list[dict[str, Any]]) -> None:
    """Writes pareto.csv and pareto.png."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import NullFormatter

    with (BENCHMARKS_DIR / "pareto.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.5), dpi=120, layout="constrained")
    for axes, name in zip(panels, CONFIGS, strict=True):
        for sweep in SWEEPS:
            points = [r for r in rows if (r["config"], r["settings"]) == (name, sweep)]
            seconds, errors = [r["seconds"] for r in points], [r["psnr_db"] for r in points]
            axes.plot(seconds, errors, "o-", label=sweep, markersize=4)
            for r in points:
                place = r["seconds"], r["psnr_db"]
                axes.annotate(r["samples"], place, (4, -10), textcoords="offset points", fontsize=7)
        axes.set(xscale="log", xlabel="seconds a sample, one core", ylabel="PSNR, dB", title=name)
        axes.set_xticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.grid(True, which="both", alpha=0.3)
    panels[0].legend()
    figure.suptitle("Error against cost, 128x128; numbers are samples a pixel", fontsize=10)
    figure.savefig(BENCHMARKS_DIR / "pareto.png")


def write_doubled_picture(num_scenes: int = 5) -> None:
    """Writes doubled.png: models with doubled faces by ours, and below by the plain loop."""
    import imageio.v3 as iio

    rows = []
    for base in DOUBLED.values():
        folder = BENCHMARKS_DIR / "references" / f"multi_doubled_{base}"
        images = [iio.imread(path)[..., :3] for path in sorted(folder.glob("*.png"))[:num_scenes]]
        rows.append(np.concatenate(images, axis=1))
    iio.imwrite(BENCHMARKS_DIR / "doubled.png", np.concatenate(rows))


def read_curve() -> list[dict[str, str]]:
    """Rows of pareto.csv, of this run or the last that measured errors."""
    with (BENCHMARKS_DIR / "pareto.csv").open(newline="") as file:
        return list(csv.DictReader(file))


# --- tables ---------------------------------------------------------------------------------------


def tabulate_speed(results: dict[str, dict[str, list[dict[str, float]]]]) -> str:
    """Rates, start-up, memory, and ratios over the plain loop of the same round."""
    rows = []
    for name, ways in results.items():
        for way, rounds in ways.items():
            against = {"plain, all cores": None, "plain": None}.get(way, ways.get("plain"))
            ratio = "" if against is None else f"{_median_ratio(against, rounds):.2f}"
            rate, startup = 1 / _median(rounds, "seconds"), f"{_median(rounds, 'startup'):.1f} s"
            peak = f"{max(r['peak_mb'] for r in rounds):.0f} MB"
            rows.append([name, way, f"{rate:.2f}", ratio, startup, peak])
    head = "config", "way", "samples/s", "times plain, one core", "start-up", "peak memory"
    return tabulate(head, rows)


def _median(rounds: list[dict[str, float]], key: str) -> float:
    return statistics.median(r[key] for r in rounds)


def _median_ratio(slow: list[dict[str, float]], quick: list[dict[str, float]]) -> float:
    return statistics.median(a["seconds"] / b["seconds"] for a, b in zip(slow, quick, strict=True))


def tabulate_stages(found: dict[str, dict[str, float]]) -> str:
    """Where a sample's time goes, in ms, and the share of what is not Cycles."""
    rows = []
    for name, s in found.items():
        cached = s["build_cached"] + s["save"]
        others = s["import"] + cached
        total = others + s["sync"] + s["sampling"] + s["denoising"]
        stages = ("import", "build_cached", "sync", "sampling", "denoising", "save")
        shares = f"{100 * others / total:.1f} %", f"{1000 * cached:.1f} ms"
        rows.append([name, *(f"{1000 * s[stage]:.1f}" for stage in stages), *shares])
    head = [
        "config", "import, clean", "scene update", "Cycles: sync", "sampling", "denoising", "save",
        "not Cycles", "of a cached frame",
    ]  # fmt: skip
    return tabulate(head, rows)


def tabulate_errors(rows: list[dict[str, str]]) -> str:
    """The curves as a table."""
    lines = [
        [
            r["config"], r["settings"], r["samples"], f"{float(r['seconds']):.3f}",
            f"{float(r['rmse']):.2f}", f"{float(r['psnr_db']):.2f}",
            f"{float(r['lowest_psnr_db']):.2f}",
        ]
        for r in rows
    ]  # fmt: skip
    head = ["config", "settings", "samples", "s a sample", "RMSE", "PSNR, dB", "lowest"]
    return tabulate(head, lines)


def describe_errors(rows: list[dict[str, str]]) -> str:
    """The section on error, from the rows of pareto.csv."""
    return "\n".join(
        [
            f"## Error, means over {rows[0]['scenes']} scenes of each config, against "
            f"{NUM_REFERENCE_SAMPLES} samples a pixel\n",
            "![error against cost](pareto.png)\n",
            f"Time of {PLAIN_SAMPLES} samples in Blender's settings over that of ours at the same "
            "error, both for rendering alone:\n",
            tabulate_equal_error(rows),
            "Doubled faces: the same models with each face there twice, as many of ShapeNet's "
            "have it. Above ours, below the plain loop, to which more samples are no help:\n",
            "![four objects by ours, and with black patches](doubled.png)\n",
            describe_break_even(rows),
            tabulate_errors(rows),
        ]
    )


def select_points(
    rows: list[dict[str, str]], name: str
) -> dict[tuple[str, int], tuple[float, float]]:
    """Points of a config: ``{(settings, samples): (PSNR in dB, seconds)}``."""
    return {
        (r["settings"], int(r["samples"])): (float(r["psnr_db"]), float(r["seconds"]))
        for r in rows
        if r["config"] == name
    }


def select_curve(
    points: dict[tuple[str, int], tuple[float, float]], sweep: str
) -> tuple[np.ndarray, np.ndarray]:
    """PSNR in dB, ascending, and the logarithms of the seconds of a sweep's points."""
    errors, seconds = np.array(sorted(p for (s, _), p in points.items() if s == sweep)).T
    return errors, np.log(seconds)


def tabulate_equal_error(rows: list[dict[str, str]]) -> str:
    """Speed of ours at the error of the plain loop at 32 samples, interpolated."""
    lines = []
    for name in CONFIGS:
        points = select_points(rows, name)
        error, seconds = points[PLAIN_SWEEP, PLAIN_SAMPLES]
        for sweep in OUR_SWEEPS:
            errors, costs = select_curve(points, sweep)
            ratios = [
                f"{seconds / np.exp(np.interp(error - less, errors, costs)):.2f}"
                if errors[0] <= error - less <= errors[-1]
                else ""
                for less in (0, 0.3)
            ]
            lines.append([name, f"{error:.2f}", sweep, *ratios])
    head = ["config", "PSNR, dB", "of", "times as fast at this error", "at 0.3 dB less"]
    return tabulate(head, lines)


def describe_break_even(rows: list[dict[str, str]], name: str = "multi", num_objs: int = 4) -> str:
    """Says from which share of doubled models ours is twice as fast at equal error.

    If a share s of all models is doubled, 1 - (1 - s)^4 of the scenes show one or more, and each
    such scene costs the plain loop at least what one such model costs it.
    """
    points = select_points(rows, name)
    clean, seconds = points[PLAIN_SWEEP, PLAIN_SAMPLES]
    loss = clean - points[ONE_DOUBLED, PLAIN_SAMPLES][0]
    half = np.log(seconds / 2)
    curves = (select_curve(points, sweep) for sweep in OUR_SWEEPS)
    reached = max(
        np.interp(half, costs, errors) for errors, costs in curves if costs[0] <= half <= costs[-1]
    )
    share = 1 - (1 - (clean - reached) / loss) ** (1 / num_objs)
    return (
        f"One such model among the {num_objs} of a scene costs the plain loop {loss:.1f} dB. In "
        f"half of its time ours reaches {reached:.1f} dB, which is the plain loop's mean as soon "
        f"as {100 * share:.1f} % of all models are such: from there on ours is twice as fast or "
        f"more at equal error with {num_objs} objects, too.\n"
    )


def tabulate_fan_out(fan_out: dict[str, list[dict[str, Any]]]) -> str:
    """Rates over all CPUs."""
    rows = [
        [
            name, f["samples"], f"{f['rate']:.2f}", f"{f['efficiency']:.3f} x {f['num_cpus']}",
            f"{f['ceiling']:.3f} x {f['num_cpus']}",
        ]
        for name, results in fan_out.items()
        for f in results
    ]  # fmt: skip
    head = [
        "config", "samples", "samples/s", "times the one-core rate", "processes side by side",
    ]  # fmt: skip
    return tabulate(head, rows)


def main() -> None:
    """Runs the benchmark; prints its tables and writes them to render.md."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--compare", action="store_true", help="also measure the plain loop")
    add("--num_rounds", type=int, default=3, help="their median is printed (default: 3)")
    add("--num_samples", type=int, default=20, help="in each round (default: 20)")
    add(
        "--num_fan_out",
        type=int,
        nargs="*",
        default=[200, 500],
        help="samples of runs over all cores (default: 200 500)",
    )
    add(
        "--num_scenes",
        type=int,
        default=40,
        help="scenes to measure the error of (default: 40); 0: use the last run's pareto.csv",
    )
    arguments = parser.parse_args()

    if arguments.num_scenes:
        write_curve(measure_errors(arguments.num_scenes))
        write_doubled_picture()
    speed, stages, fan_out = {}, {}, {}
    for name in CONFIGS:
        speed[name] = measure_speed(
            name, arguments.num_rounds, arguments.num_samples, arguments.compare
        )
        stages[name] = run_job("measure_stages", one_core(), config=CONFIGS[name])
        if arguments.num_fan_out:
            fan_out[name] = measure_fan_out(name, arguments.num_fan_out)
    text = "\n".join(
        [
            "# Speed and error of rendering\n",
            f"Written by `make bench`: 128x128, {len(os.sched_getaffinity(0))} CPUs, the built-in "
            "models. Read ratios, not seconds.\n",
            "## One pinned core\n",
            tabulate_speed(speed),
            "## Where a sample's time goes, ms on one pinned core\n",
            tabulate_stages(stages),
            "## All cores, through distributed_render.py, start-up included\n",
            tabulate_fan_out(fan_out),
            describe_errors(read_curve()),
        ]
    )
    (BENCHMARKS_DIR / "render.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
